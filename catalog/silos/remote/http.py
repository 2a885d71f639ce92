"""Folders that a web server lists (`https://server/path`, `http://…`): the pages are read by `index.py`.

Many indexes tell sizes to the byte and times; these are used as they are. Where an index rounds sizes, or tells
none, the files are asked one by one (HEAD), several at a time; `catalog silo test` says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar
from urllib.parse import urlsplit

from catalog import text
from catalog.errors import EntryMissing, SiloRefused, SiloUnreachable
from catalog.silos import addresses, manners
from catalog.silos import options as given
from catalog.silos.addresses import Address
from catalog.silos.base import Capabilities
from catalog.silos.manners import Pace, patiently
from catalog.silos.paths import join
from catalog.silos.remote import index, web
from catalog.silos.remote.base import RemoteSilo
from catalog.silos.remote.walk import FILE, FOLDER, Found
from catalog.silos.remote.web import Answer, Web

OPTIONS = tuple(sorted((*manners.OPTIONS, *web.OPTIONS, "ask_each")))

_ASKED_AT_ONCE = 8
_ACCEPT = {"Accept": "application/json, text/html;q=0.9, */*;q=0.1"}


class HttpSilo(RemoteSilo):
    """The files below a folder that a web server lists."""

    capabilities: ClassVar[Capabilities] = Capabilities(order="tree", in_turn=True, concurrent_reads=8)

    def __init__(self, address: Address, client: Web, ask_each: bool, pace: Pace) -> None:
        super().__init__(address, f"user {client.user}" if client.user else "anonymous", pace)
        self._web = client
        self._base = web.spelled("/" + address.path)
        self._ask_each = ask_each
        self._told: bool | None = None
        """Whether sizes that the index tells are true; None until one was compared."""
        self._asked = 0

    def found(self, path: str) -> list[Found]:
        """See `RemoteSilo.found`; sizes and times that the page does not tell are asked for."""
        entries = super().found(path)
        if not self._ask_each:
            return entries
        if self._told is None:
            self._told = self._compared(path, entries)
        missing = [at for at, one in enumerate(entries) if one.kind == FILE and (one.size is None or not self._told)]
        if missing:
            self._asked += len(missing)
            with ThreadPoolExecutor(min(_ASKED_AT_ONCE, len(missing))) as pool:
                answers = pool.map(lambda at: self._asked_for(path, entries[at]), missing)
                for at, answer in zip(missing, answers):
                    entries[at] = answer
        return entries

    def _list(self, path: str) -> list[Found]:
        with self._web.ask("GET", self._path(path, folder=True), headers=_ACCEPT) as answer:
            body = answer.body()
            try:
                return index.entries(body, answer.headers.get("content-type", ""), answer.url)
            except index.NotIndexError as error:
                raise self._no_index(path, error, answer, body) from error

    def _find(self, path: str) -> Found:
        with self._web.ask("HEAD", self._path(path)) as answer:
            if urlsplit(answer.url).path.endswith("/"):  # where a folder without its slash leads
                return Found("", FOLDER)
            headers = answer.headers
            size, time = web.size(headers.get("content-length")), web.time_ns(headers.get("last-modified"))
            return Found("", FILE, size, time, web.etag(headers.get("etag")))

    def _read(self, path: str, offset: int, length: int) -> bytes:
        return self._web.read(self._path(path), offset, length, lambda: self._be_file(path))

    def close(self) -> None:
        """End the connections."""
        self._web.close()

    def uri(self, path: str) -> str:
        """See `Silo.uri`; what is no ASCII or has a meaning in URLs is percent-encoded."""
        return join(self.url, web.quoted(text.text_to_name(path)))

    def _facts(self) -> Iterable[tuple[str, str]]:
        with self._web.ask("HEAD", self._path("", folder=True), ok=(200, 405, 501)) as answer:
            server = text.safe(answer.headers.get("server", ""), 100)
        told = "as the index tells them"
        if not self._ask_each:
            told = "as far as the index tells them to the byte"
        elif self._asked:
            told = "asked for file by file, because the index does not tell them to the byte"
        return [*([("server", server)] if server else []), ("sizes", told)]

    def _compared(self, path: str, entries: Sequence[Found]) -> bool | None:
        """Whether the first size that the page tells is that of the file; None where it tells none."""
        one = next((one for one in entries if one.kind == FILE and one.size), None)
        return None if one is None else self._asked_for(path, one).size in (one.size, None)

    def _asked_for(self, path: str, entry: Found) -> Found:
        """The entry with what the server says of it when asked."""
        native = join(text.text_to_name(path), entry.name)
        try:
            told = patiently(lambda: self._find(native), self._pace)
        except EntryMissing:
            return Found(entry.name, "vanished")
        except SiloRefused:
            return entry._replace(size=None)
        if told.kind != FILE:
            return entry._replace(kind=told.kind, size=None)
        return Found(entry.name, FILE, told.size, told.mtime_ns if told.mtime_ns is not None else entry.mtime_ns)

    def _be_file(self, path: str) -> None:
        if self._find(path).kind != FILE:
            raise EntryMissing(f"{self._shown(path)} is not a file.")

    def _path(self, path: str, *, folder: bool = False) -> str:
        return self._base.rstrip("/") + "/" + web.quoted(path) + ("/" if folder and path else "")

    def _shown(self, path: str) -> str:
        return text.safe(self.uri(text.name_to_text(path)), 300)

    def _no_index(self, path: str, error: index.NotIndexError, answer: Answer, body: bytes) -> Exception:
        shown, hint = self._shown(path), "A silo is the address of a folder whose files the server lists."
        if error.again:
            return SiloUnreachable(f"{shown}: {error}.")
        if "dav" in answer.headers:
            hint = f"The server speaks WebDAV: {self.url.replace('http', 'webdav', 1)}"
        elif b"<ListBucketResult" in body[:1000]:
            hint = "This is an object store: s3://BUCKET/PREFIX with --option endpoint=URL"
        return SiloRefused(f"{shown}: {error}.", hint=hint)


def open_silo(url: str, options: Mapping[str, str]) -> HttpSilo:
    """Open `https://[user@]server/path`. Secrets are resolved here; nothing is reached yet.

    Raises `UsageError` for options that are unknown or wrong, `SecretInline` for a secret in the
    clear, `MissingExtra` without httpx2.
    """
    given.check(options, OPTIONS, "A silo of a web server")
    address = addresses.parsed(url)
    ask_each = given.flag(options, "ask_each", True)
    return HttpSilo(address, Web(address, address.scheme, options), ask_each, Pace.of(options))
