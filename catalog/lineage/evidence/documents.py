"""YAML and JSON as they come from strangers: bounded, never constructed into objects, with lines.

YAML is read from the parser's events, so that no tag makes an object and no alias is copied: what
is named twice is one node, and the number of nodes is what a file may cost. Scalars stay text; a
hash of digits only stays the hash it is.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from catalog.errors import InspectError
from catalog.text import safe

if TYPE_CHECKING:
    from yaml import MarkedYAMLError
    from yaml.events import Event

MOST_NODES = 400_000
DEEPEST = 64
MOST_ALIASES = 1_000
SECONDS = 10.0
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(slots=True)
class Node:
    """A node of a YAML document. One of `text`, `items` and `entries` is not None; all are for a null."""

    line: int
    text: str | None = None
    items: list[Node] | None = None
    entries: dict[str, Node] | None = None
    lines: dict[str, int] = field(default_factory=dict)
    """Of a mapping: the line of each key."""

    def get(self, *keys: str) -> Node | None:
        """What stands below the keys, one level each; None where something is not there."""
        at: Node | None = self
        for key in keys:
            at = at.entries.get(key) if at is not None and at.entries is not None else None
        return at

    def word(self, *keys: str) -> str | None:
        """The text below the keys; None where there is none."""
        found = self.get(*keys)
        return found.text if found is not None else None

    def members(self, *keys: str) -> Iterator[tuple[str, Node]]:
        """The members of a list, each with its place (`[0]`)."""
        found = self.get(*keys)
        if found is not None and found.items is not None:
            yield from ((f"[{at}]", one) for at, one in enumerate(found.items))

    def listed(self, *keys: str) -> Iterator[tuple[str, Node]]:
        """The same where one text may stand for a list of it; its place is empty."""
        found = self.get(*keys)
        if found is not None and found.text is not None:
            yield "", found
        else:
            yield from self.members(*keys)

    def named(self, *keys: str) -> Iterator[tuple[str, int, Node]]:
        """The entries of a mapping as (key, its line, value)."""
        found = self.get(*keys)
        if found is not None and found.entries is not None:
            yield from ((key, found.lines[key], value) for key, value in found.entries.items())


def yaml(data: bytes, first_line: int = 1) -> Node:
    """The first document of `data`, whose first line counts as `first_line`.

    Raises `InspectError`: `corrupt` with the line where it breaks, `too_large` beyond the bounds.
    """
    import yaml as library

    loader: Any = getattr(library, "CSafeLoader", library.SafeLoader)
    try:
        return _Builder(first_line).build(library.parse(data, loader))
    except library.MarkedYAMLError as error:
        raise InspectError(f"broken YAML{_at(error, first_line)}: {_reason(error)}") from error
    except library.YAMLError as error:  # not text: ReaderError has a position in place of a line
        position = getattr(error, "position", 0) or 0
        line = data.count(b"\n", 0, position) + first_line
        raise InspectError(f"broken YAML at line {line}: {safe(getattr(error, 'reason', error), 160)}") from error
    except (UnicodeError, ValueError, RecursionError) as error:
        raise InspectError(f"broken YAML: {safe(error, 160)}") from error


class _Builder:
    """Nodes from events, counting what they cost."""

    def __init__(self, first_line: int) -> None:
        self._shift = first_line
        self._nodes = 0
        self._aliases = 0
        self._anchors: dict[str, Node] = {}
        self._deadline = time.monotonic() + SECONDS

    def build(self, events: Iterator[Event]) -> Node:
        """The first document's root; an empty one is a null."""
        open_: list[Node] = []
        keys: list[tuple[str, int] | None] = []  # of each open mapping, the key that waits for its value
        for event in events:
            kind = type(event).__name__
            if kind in ("StreamStartEvent", "DocumentStartEvent"):
                continue
            if kind in ("StreamEndEvent", "DocumentEndEvent"):
                break
            if kind in ("SequenceEndEvent", "MappingEndEvent"):
                done = open_.pop()
                keys.pop()
            elif kind in ("SequenceStartEvent", "MappingStartEvent"):
                open_.append(self._opened(event, kind, len(open_)))
                keys.append(None)
                continue
            else:
                done = self._leaf(event, open_)
            if not open_:
                return done
            self._place(open_[-1], keys, done)
        return Node(self._shift)

    def _opened(self, event: Event, kind: str, depth: int) -> Node:
        if depth >= DEEPEST:
            raise InspectError(f"YAML nested deeper than {DEEPEST}", finding="too_large")
        node = self._new(event)
        if kind == "SequenceStartEvent":
            node.items = []
        else:
            node.entries = {}
        return node

    def _leaf(self, event: Event, open_: list[Node]) -> Node:
        if type(event).__name__ != "AliasEvent":
            node = self._new(event)
            plain = event.implicit[0]  # type: ignore[attr-defined]
            node.text = None if plain and event.value in _NULLS else event.value  # type: ignore[attr-defined]
            return node
        self._aliases += 1
        if self._aliases > MOST_ALIASES:
            raise InspectError(f"YAML with more than {MOST_ALIASES:,} aliases", finding="too_large")
        found = self._anchors.get(event.anchor)  # type: ignore[attr-defined]
        line = self._line(event)
        if found is None:
            raise InspectError(f"broken YAML at line {line}: an alias without its anchor")
        if any(found is one for one in open_):
            raise InspectError(f"broken YAML at line {line}: an alias inside its own anchor")
        return found

    def _new(self, event: Event) -> Node:
        self._count(1)
        node = Node(self._line(event))
        anchor = event.anchor  # type: ignore[attr-defined]
        if anchor:
            self._anchors[anchor] = node
        return node

    def _line(self, event: Event) -> int:
        mark = event.start_mark
        return self._shift + (mark.line if mark is not None else 0)

    def _place(self, parent: Node, keys: list[tuple[str, int] | None], done: Node) -> None:
        if parent.items is not None:
            parent.items.append(done)
            return
        assert parent.entries is not None
        waiting = keys[-1]
        if waiting is None:
            keys[-1] = (done.text or "", done.line)
            return
        keys[-1] = None
        key, line = waiting
        if key == "<<":
            self._merge(parent, done)
        else:
            parent.entries[key] = done
            parent.lines[key] = line

    def _merge(self, parent: Node, other: Node) -> None:
        """YAML's merge key: entries of another mapping (or of several) that the parent does not have."""
        for one in other.items if other.items is not None else [other]:
            self._count(len(one.entries or ()))
            for key, value in (one.entries or {}).items():
                assert parent.entries is not None
                if key not in parent.entries:
                    parent.entries[key] = value
                    parent.lines[key] = one.lines[key]

    def _count(self, number: int) -> None:
        self._nodes += number
        if self._nodes > MOST_NODES:
            raise InspectError(f"YAML with more than {MOST_NODES:,} values", finding="too_large")
        if self._nodes % 512 < number and time.monotonic() > self._deadline:
            raise InspectError(f"YAML that takes longer than {SECONDS:g} seconds", finding="too_large")


def _at(error: MarkedYAMLError, first_line: int) -> str:
    mark = error.problem_mark or error.context_mark
    return f" at line {mark.line + first_line}" if mark is not None else ""


def _reason(error: MarkedYAMLError) -> str:
    return safe(error.problem or error.context or "it cannot be read", 160)


# ---------------------------------------------------------------- JSON


def json_object(data: bytes) -> dict[str, tuple[Any, int]]:
    """The members of a JSON object: key to (value, line). Raises `InspectError`."""
    text = _decoded(data)
    decoder = json.JSONDecoder()
    members: dict[str, tuple[Any, int]] = {}
    at = _skip(text, 0)
    if text[at : at + 1] != "{":
        raise InspectError("not a JSON object", finding="unsupported")
    line, counted = 1, 0

    def broken(where: int, wanted: str) -> InspectError:
        return InspectError(f"broken JSON at line {text.count(chr(10), 0, where) + 1}: {wanted} belongs here")

    while True:
        at = _skip(text, at + 1)  # behind `{` or `,`
        if text[at : at + 1] == "}" and not members:
            return members
        start = at
        key, at = _decode(decoder, text, at)
        at = _skip(text, at)
        if not isinstance(key, str) or text[at : at + 1] != ":":
            raise broken(start, "a name with its colon")
        value, at = _decode(decoder, text, _skip(text, at + 1))
        line += text.count("\n", counted, start)
        counted = start
        members[key] = (value, line)
        at = _skip(text, at)
        if text[at : at + 1] == "}":
            return members
        if text[at : at + 1] != ",":
            raise broken(at, "a comma or a brace")


def json_value(data: bytes) -> Any:
    """A whole JSON value. Raises `InspectError`."""
    return _decode(json.JSONDecoder(), _decoded(data).strip(), 0)[0]


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InspectError(f"broken JSON at line {line}: not UTF-8") from error


def _decode(decoder: json.JSONDecoder, text: str, at: int) -> tuple[Any, int]:
    try:
        return decoder.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise InspectError(f"broken JSON at line {error.lineno}: {safe(error.msg, 160)}") from error
    except (RecursionError, ValueError) as error:
        raise InspectError("JSON nested too deeply, or with a number too long", finding="too_large") from error


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at
