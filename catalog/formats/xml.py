"""XML read as a row of events, with nothing that XML can be attacked with.

expat never fetches anything. A document type that declares entities is refused, and depth, elements and
text are bounded, so that neither a cascade of entities nor a tower of elements costs more than its bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.parsers import expat

from catalog.errors import InspectError

_DEEPEST = 200
_MOST = 200_000
_TEXT = 4096

Seen = Callable[[str, dict[str, str], str], bool | None]
"""Called at the end of each element with its local name, attributes and text; True stops the reading."""


class _Enough(Exception):
    """The caller has seen what it wanted."""


def read(data: bytes, seen: Seen, *, cut: bool = False) -> None:
    """Go through a document; with `cut`, one whose end is missing. Raises `InspectError` and `ExpatError`."""
    reading = _Reading(seen)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.text
    parser.EntityDeclHandler = reading.entity
    try:
        parser.Parse(data, not cut)
    except _Enough:
        return


class _Reading:
    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._open: list[tuple[str, dict[str, str], list[str]]] = []
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= _DEEPEST or self._count > _MOST:
            raise InspectError("The XML is nested too deep or has too many elements.", finding="too_large")
        self._open.append((name.rpartition(":")[2], attributes, []))

    def end(self, name: str) -> None:
        local, attributes, words = self._open.pop()
        if self._seen(local, attributes, "".join(words)[:_TEXT]):
            raise _Enough

    def text(self, data: str) -> None:
        if self._open and len(self._open[-1][2]) < 64:
            self._open[-1][2].append(data[:_TEXT])

    def entity(self, *declared: object) -> None:
        raise InspectError("The XML declares entities, which are not followed.", finding="unsupported")
