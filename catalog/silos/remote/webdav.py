"""WebDAV servers (`webdavs://[user@]host/path`, and `webdav://` without TLS)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from catalog import text
from catalog.errors import EntryMissing, SiloRefused, SiloUnreachable
from catalog.silos import addresses, manners
from catalog.silos import options as given
from catalog.silos.base import Capabilities
from catalog.silos.manners import Pace
from catalog.silos.paths import join
from catalog.silos.remote import multistatus, web
from catalog.silos.remote.base import RemoteSilo
from catalog.silos.remote.walk import FILE, FOLDER, MOST, Found
from catalog.silos.remote.web import Web

OPTIONS = tuple(sorted((*manners.OPTIONS, *web.OPTIONS)))

_HTTP = {"webdav": "http", "webdavs": "https"}
_HEADERS = {"Content-Type": "application/xml; charset=utf-8"}


class WebdavSilo(RemoteSilo):
    """The files below a collection of a WebDAV server. Their etags need not be those of equal content."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        order="tree", in_turn=True, checksum="version", concurrent_reads=8
    )

    def __init__(self, address: addresses.Address, client: Web, pace: Pace) -> None:
        super().__init__(address, f"user {client.user}" if client.user else "anonymous", pace)
        self._web = client
        self._base = web.spelled("/" + address.path)

    def _list(self, path: str) -> list[Found]:
        (here, *below) = self._resources(path, "1", folder=True)
        if here.kind != FOLDER:
            raise EntryMissing(f"{self._shown(path)} is not a folder.")
        return below

    def _find(self, path: str) -> Found:
        return self._resources(path, "0", folder=False)[0]

    def _read(self, path: str, offset: int, length: int) -> bytes:
        return self._web.read(self._path(path), offset, length, lambda: self._be_file(path))

    def close(self) -> None:
        """End the connections."""
        self._web.close()

    def uri(self, path: str) -> str:
        """See `Silo.uri`; what is no ASCII or has a meaning in URLs is percent-encoded."""
        return join(self.url, web.quoted(text.text_to_name(path)))

    def _facts(self) -> Iterable[tuple[str, str]]:
        with self._web.ask("OPTIONS", self._path(""), ok=(200, 204)) as answer:
            told = (("server", answer.headers.get("server", "")), ("DAV", answer.headers.get("dav", "")))
        return [(word, text.safe(value, 100)) for word, value in told if value]

    def _be_file(self, path: str) -> None:
        if self._find(path).kind != FILE:
            raise EntryMissing(f"{self._shown(path)} is not a file.")

    def _path(self, path: str) -> str:
        return self._base.rstrip("/") + "/" + web.quoted(path)

    def _shown(self, path: str) -> str:
        return text.safe(self.uri(text.name_to_text(path)), 300)

    def _resources(self, path: str, depth: str, *, folder: bool) -> list[Found]:
        """The resource at a path, and behind it those in it; a collection is asked for with a slash at its end."""
        where = self._path(path)
        where = where.rstrip("/") + "/" if folder else where
        headers = {**_HEADERS, "Depth": depth}
        try:
            with self._web.ask("PROPFIND", where, ok=(207,), headers=headers, content=multistatus.REQUEST) as answer:
                return _beside(where, answer.pieces)
        except multistatus.NotMultistatusError as error:
            raise SiloUnreachable(f"{self._shown(path)}: the answer is no WebDAV: {error}.") from error


def open_silo(url: str, options: Mapping[str, str]) -> WebdavSilo:
    """Open `webdavs://[user@]host/path`. Secrets are resolved here; nothing is reached yet.

    Raises `UsageError` for options that are unknown or wrong, `SecretInline` for a secret in the
    clear, `MissingExtra` without httpx2.
    """
    given.check(options, OPTIONS, "A WebDAV silo")
    address = addresses.parsed(url)
    return WebdavSilo(address, Web(address, _HTTP[address.scheme], options), Pace.of(options))


def _beside(where: str, pieces: Iterator[bytes]) -> list[Found]:
    """What an answer tells of the address `where`, and behind it what it tells of others."""
    base = _segments(where)
    here: Found | None = None
    below: list[Found] = []
    for resource in multistatus.read(pieces):
        segments = _segments(urlsplit(resource.href).path)
        if segments == base:
            here = _found("", resource)
        elif segments[:-1] == base:
            below.append(_found(segments[-1], resource))
        else:
            below.append(Found("/" + "/".join(segments), FILE))  # a name that no path can hold
        if len(below) > MOST:
            break
    if here is None:
        raise SiloRefused(f"{text.safe(where, 200)}: the server's answer does not speak of what was asked for.")
    return [here, *below]


def _segments(path: str) -> list[str]:
    inner = path.strip("/")  # empty for the server's root, which has no segments
    return [unquote(part, errors="surrogateescape") for part in inner.split("/")] if inner else []


def _found(name: str, resource: multistatus.Resource) -> Found:
    texts = resource.texts
    if resource.status is not None and " 2" not in resource.status:
        return Found(name, "other")
    kind = FOLDER if resource.folder else FILE
    size = web.size(texts.get("getcontentlength"))
    return Found(name, kind, size, web.time_ns(texts.get("getlastmodified")), web.etag(texts.get("getetag")))
