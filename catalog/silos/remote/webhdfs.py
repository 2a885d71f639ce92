"""HDFS over WebHDFS and HttpFS (`webhdfs://[user@]namenode:9870/path`, `swebhdfs://` with TLS).

https://hadoop.apache.org/docs/current/hadoop-project-dist/hadoop-hdfs/WebHDFS.html

Reading a file leads from the name node to a data node: the one protocol here whose redirects are followed to other
hosts, without the login.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from catalog import text
from catalog.errors import EntryMissing, SiloBusy, SiloError, SiloRefused, SiloUnreachable, UsageError
from catalog.silos import addresses, manners
from catalog.silos import options as given
from catalog.silos.addresses import Address
from catalog.silos.base import Capabilities
from catalog.silos.manners import Pace
from catalog.silos.paths import join
from catalog.silos.remote import web
from catalog.silos.remote.base import RemoteSilo
from catalog.silos.remote.walk import FILE, FOLDER, MOST, Found
from catalog.silos.remote.web import Web
from catalog.silos.secrets import secret

OPTIONS = tuple(sorted((*manners.OPTIONS, *web.OPTIONS, "delegation", "gateway", "namenode")))

_HTTP = {"webhdfs": "http", "swebhdfs": "https"}
_KINDS = {"FILE": FILE, "DIRECTORY": FOLDER, "SYMLINK": "symlink"}
_TELLING = (200, 400, 403, 404, 500, 501)
"""Statuses whose bodies say what happened."""
_LONGEST_ERROR = 1024 * 1024
_NAMENODE = re.compile(r"[A-Za-z0-9._-]+(?::\d{1,5})?")


class _UnknownOperationError(Exception):
    """The server is older than LISTSTATUS_BATCH."""


class WebHdfsSilo(RemoteSilo):
    """The files below a folder of HDFS. `namenode` is how jobs name it, where that is known."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        order="tree", in_turn=True, directory_mtimes=True, concurrent_reads=8
    )

    def __init__(
        self, address: Address, client: Web, always: Mapping[str, str], settings: Mapping[str, str], pace: Pace
    ) -> None:
        super().__init__(address, settings["identity"], pace)
        self._web = client
        self._always = dict(always)
        self._base = f"{settings['gateway']}/webhdfs/v1"
        self._namenode = settings["namenode"]
        self._batches = True
        """Whether the server knows LISTSTATUS_BATCH; taken back when it says that it does not."""

    def _list(self, path: str) -> Iterator[Found]:
        if self._batches:
            try:
                yield from self._listed_in_batches(path)
                return
            except _UnknownOperationError:
                self._batches = False
        yield from self._entries(path, self._ask(path, "LISTSTATUS"))

    def _find(self, path: str) -> Found:
        status = self._ask(path, "GETFILESTATUS").get("FileStatus")
        if not isinstance(status, dict):
            raise self._nonsense(path)
        return _found(status)

    def _read(self, path: str, offset: int, length: int) -> bytes:
        params = {**self._always, "op": "OPEN", "offset": str(offset), "length": str(length)}
        data = bytearray()
        with self._web.ask("GET", self._path(path), ok=_TELLING, params=params) as answer:
            if answer.status == 200:
                for piece in answer.pieces:
                    data += piece
                    if len(data) >= length:
                        break
                return bytes(data[:length])
            told = answer.body(_LONGEST_ERROR)
        found = self._find(path)  # raises when there is nothing
        if found.kind != FILE:
            raise EntryMissing(f"{self._shown(path)} is not a file.")
        if offset >= (found.size or 0):
            return b""  # a range that begins behind the end is an error to the server
        raise self._mapped(answer.status, _remote(told), path)

    def close(self) -> None:
        """End the connections."""
        self._web.close()

    def namespace(self) -> tuple[str, str]:
        """See `Silo.namespace`: that of the name node where an option tells how jobs name it."""
        if self._namenode:
            return f"hdfs://{self._namenode}", "/" + self.address.path
        return self.address.place.replace("swebhdfs:", "webhdfs:", 1), "/" + self.address.path

    def _facts(self) -> Iterable[tuple[str, str]]:
        return [("listing", "LISTSTATUS_BATCH" if self._batches else "LISTSTATUS")]

    # ------------------------------------------------------------ requests

    def _listed_in_batches(self, path: str) -> Iterator[Found]:
        after, listed = "", 0
        while True:
            told = self._ask(path, "LISTSTATUS_BATCH", startAfter=after).get("DirectoryListing")
            if not isinstance(told, dict) or not isinstance(told.get("partialListing"), dict):
                raise self._nonsense(path)
            entries = self._entries(path, told["partialListing"])
            yield from entries
            listed += len(entries)
            if not told.get("remainingEntries") or listed > MOST:
                return
            if not entries or entries[-1].name == after:
                raise self._nonsense(path)  # it promises more and gives nothing new
            after = entries[-1].name

    def _entries(self, path: str, told: Mapping[str, Any]) -> list[Found]:
        statuses = told.get("FileStatuses")
        listed = statuses.get("FileStatus") if isinstance(statuses, dict) else None
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise self._nonsense(path)
        if len(listed) == 1 and listed[0].get("pathSuffix") == "":
            raise EntryMissing(f"{self._shown(path)} is not a folder.")  # a file lists itself
        return [_found(one) for one in listed]

    def _ask(self, path: str, operation: str, **more: str) -> dict[str, Any]:
        params = {**self._always, "op": operation, **more}
        with self._web.ask("GET", self._path(path), ok=_TELLING, params=params) as answer:
            body = answer.body()
        if answer.status != 200:
            raise self._mapped(answer.status, _remote(body), path, operation)
        try:
            told = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise self._nonsense(path) from error
        if not isinstance(told, dict):
            raise self._nonsense(path)
        return told

    def _path(self, path: str) -> str:
        return f"{self._base}/{web.quoted(join(self.address.path, path))}"

    def _shown(self, path: str) -> str:
        return text.safe(join(self.url, text.name_to_text(path)), 300)

    def _nonsense(self, path: str) -> SiloError:
        return SiloUnreachable(f"{self._shown(path)}: the answer is no WebHDFS.", hint="Check the address and port.")

    def _mapped(self, status: int, remote: tuple[str, str], path: str, operation: str = "") -> Exception:
        """What an error of the server means. The name of its exception tells more than the status."""
        where, (kind, said) = self._shown(path), remote
        if kind == "FileNotFoundException" or (status == 404 and not kind):
            return EntryMissing(f"{where} does not exist.")
        if operation == "LISTSTATUS_BATCH" and status in (400, 501):
            return _UnknownOperationError()
        if kind == "StandbyException":
            return SiloUnreachable(f"{where}: this is the standby name node.", hint="Name the active one in the URL.")
        if kind in ("RetriableException", "SafeModeException"):
            return SiloBusy(f"{where}: {said or kind}.")
        if status == 500:
            return SiloUnreachable(f"{where}: {said or 'the server answers 500'}.")
        return SiloRefused(f"{where}: {said or f'the server answers {status}'}.", hint="Check user and permissions.")


def open_silo(url: str, options: Mapping[str, str]) -> WebHdfsSilo:
    """Open `webhdfs://[user@]namenode:9870/path`. Secrets are resolved here; nothing is reached yet.

    Raises `UsageError` for options that are unknown or wrong, `SecretInline` for a secret in the
    clear, `MissingExtra` without httpx2.
    """
    given.check(options, OPTIONS, "A WebHDFS silo")
    given.exclusive(options, "delegation", "password", "token")
    address = addresses.parsed(url)
    namenode = options.get("namenode", "").removeprefix("hdfs://").rstrip("/")
    if namenode and not _NAMENODE.fullmatch(namenode):
        raise UsageError("The option namenode is a name, or a host and port.", hint="namenode=nn.example.org:8020")
    client = Web(address, _HTTP[address.scheme], options, foreign=True)
    always: dict[str, str] = {}
    identity = f"user {client.user}" if client.user else "nobody in particular"
    if "delegation" in options:
        always["delegation"] = secret(options["delegation"], "delegation")
        identity = "the delegation token given"
    elif client.user and "password" not in options and "token" not in options:
        always["user.name"] = client.user
    gateway = options.get("gateway", "").strip("/")
    settings = {
        "identity": identity,
        "gateway": f"/{web.spelled(gateway)}" if gateway else "",
        "namenode": namenode.lower(),
    }
    return WebHdfsSilo(address, client, always, settings, Pace.of(options))


def _found(status: Mapping[str, Any]) -> Found:
    name, kind = status.get("pathSuffix"), status.get("type")
    size, changed = status.get("length"), status.get("modificationTime")
    return Found(
        name if isinstance(name, str) else "",
        _KINDS.get(str(kind), "other"),
        size if isinstance(size, int) and not isinstance(size, bool) else None,
        changed * 1_000_000 if isinstance(changed, int) and not isinstance(changed, bool) else None,
    )


def _remote(body: bytes) -> tuple[str, str]:
    """The exception that the server tells of, and the first line of what it says."""
    try:
        told = json.loads(body)["RemoteException"]
        kind, said = str(told.get("exception", "")), str(told.get("message", ""))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return "", ""
    return kind, text.safe(said.partition("\n")[0], 200).rstrip(". ")
