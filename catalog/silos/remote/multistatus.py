"""The answer of a WebDAV server to PROPFIND, read as it comes. RFC 4918, section 13.

The document comes from a server that may be hostile: document types, and with them entities, are refused, and
texts are bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat  # the parser alone; entities never get to be defined, see `_refuse`

_DAV = "DAV: "
_TEXTS = {_DAV + name for name in ("href", "getcontentlength", "getlastmodified", "getetag", "status")}
_LONGEST = 8192

REQUEST = (
    b'<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop>'
    b"<resourcetype/><getcontentlength/><getlastmodified/><getetag/></prop></propfind>"
)
"""Asks for just what is read."""


class NotMultistatusError(Exception):
    """The document is none, breaks off, or is built to do harm."""


@dataclass(slots=True)
class Resource:
    """One `response`: the properties as they stand there. `status` is the whole response's, None for a good one."""

    href: str = ""
    folder: bool = False
    status: str | None = None
    texts: dict[str, str] = field(default_factory=dict)


class _Reader:
    """Gathers what the parser reports; `done` are finished responses that were not taken yet."""

    def __init__(self) -> None:
        self.done: list[Resource] = []
        self.rooted = False
        self._current: Resource | None = None
        self._path: list[str] = []
        self._text: list[str] | None = None
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse

    def _start(self, name: str, _: object) -> None:
        if not self._path:
            self.rooted = name == _DAV + "multistatus"
        if len(self._path) > 50:
            raise NotMultistatusError("elements that are nested too deeply")
        self._path.append(name)
        if name == _DAV + "response":
            self._current = Resource()
        elif name == _DAV + "collection" and self._current is not None:
            self._current.folder = True
        self._text = [] if name in _TEXTS else None

    def _end(self, name: str) -> None:
        self._path.pop()
        if self._current is None:
            return
        text = "".join(self._text or ()).strip()
        self._text = None
        if name == _DAV + "href" and self._path[-1:] == [_DAV + "response"]:
            self._current.href = text
        elif name == _DAV + "status" and self._path[-1:] == [_DAV + "response"]:
            self._current.status = text
        elif name in _TEXTS and text:
            self._current.texts[name.removeprefix(_DAV)] = text
        elif name == _DAV + "response":
            self.done.append(self._current)
            self._current = None

    def _data(self, data: str) -> None:
        if self._text is None:
            return
        self._text.append(data)
        if len(data) > _LONGEST:
            raise NotMultistatusError("a property that is too long")

    def _refuse(self, *_: object) -> None:
        raise NotMultistatusError("a document type")


def read(pieces: Iterable[bytes]) -> Iterator[Resource]:
    """The resources of a document that comes in pieces. Raises `NotMultistatusError`."""
    reader = _Reader()
    try:
        for piece in pieces:
            reader.parser.Parse(piece, False)
            done, reader.done = reader.done, []
            yield from done
        reader.parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise NotMultistatusError(f"no XML ({expat.errors.messages.get(error.code, error.code)})") from error
    if not reader.rooted:
        raise NotMultistatusError("another document")
    yield from reader.done
