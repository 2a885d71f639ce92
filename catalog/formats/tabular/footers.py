"""Parquet footers that are laid out as one that was read before, as those of a table's files mostly are.

Such footers differ in numbers and in smallest and largest values, and in nothing else. So one of them is taken apart
field by field, and made into a few regular expressions in which only those places are open. A footer that fits them
has the same fields in the same order (parquet.thrift, FileMetaData, in Thrift's compact protocol) and is read at a
hundredth of the cost. One that does not fit is read as if there were no other.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from catalog.formats.tabular.thrift import Leaf, Reader
from catalog.model import Facts, Field

LONGEST = 16 * 1024
"""Longer footers are not remembered: they speak of very many columns or row groups, and are rare."""
_SCHEMAS = 16
_LAYOUTS = 8
_COLUMNS = 256

# parquet.thrift: fields of FileMetaData, of a row group, of a column chunk, and of its metadata.
_ROWS, _GROUPS, _METADATA = 3, 4, 5
_CHUNKS, _FILE, _META = 1, 1, 3
_TYPE, _ENCODINGS, _CODEC, _SIZE, _DATA, _DICTIONARY, _STATISTICS, _PAGES = 1, 2, 4, 7, 9, 11, 12, 13
_VALUES = (1, 2, 5, 6)
"""Largest and smallest of the old order, and of the column's own."""
_BYTE_ARRAY = 6
_NUMBERS = {1: struct.Struct("<i"), 2: struct.Struct("<q"), 4: struct.Struct("<f"), 5: struct.Struct("<d")}
_VARINT = rb"[\x80-\xff]{0,9}[\x00-\x7f]"

Path = tuple[int, ...]
Extent = tuple[int, int]
"""First byte and length of a column's pages in the file."""


class Found(NamedTuple):
    """The facts that footers of one layout share, and what this one holds of its own."""

    facts: Facts
    rows: int
    extents: list[Extent]
    ranges: list[tuple[str, float, float]]


def find(footer: bytes) -> Found | None:
    """What a footer (without length and magic) holds, if one of its layout was read before."""
    schema = _schema(footer)
    for layout in schema.layouts if schema else ():
        if (found := layout.read(footer, len(schema.start))) is not None:  # type: ignore[union-attr]
            return found
    return None


def converted(footer: bytes, arrow: bytes | None) -> tuple[Field, ...] | None:
    """The columns of a footer's schema, if it was met before with the same Arrow schema in its metadata."""
    schema = _schema(footer)
    return schema.fields.get(arrow) if schema else None


def learn(footer: bytes, arrow: bytes | None, facts: Facts, ranged: Sequence[tuple[str, int]]) -> None:
    """Remember a footer that the library could read. `ranged` are path and number of the columns whose range is told.

    The second one of a schema is the first to be taken apart: a table of one file is not worth it.
    """
    if len(footer) > LONGEST:
        return
    spans = Reader(footer).spans()
    if [*spans][:4] != [1, 2, _ROWS, _GROUPS]:
        return
    schema = _schema(footer)
    if schema is None:
        schema = _Schema(footer[: spans[_ROWS][0]])
        _known.insert(0, schema)
        del _known[_SCHEMAS:]
    elif len(schema.layouts) < _LAYOUTS:
        layout = _taken_apart(footer, spans, facts, ranged)
        schema.layouts += [layout] if layout else []
    if len(schema.fields) < _LAYOUTS:
        schema.fields[arrow] = facts.fields


@dataclass(slots=True)
class _Schema:
    """The bytes that a footer starts with up to its number of rows, and what is known of those that do."""

    start: bytes
    layouts: list[_Layout] = field(default_factory=list)
    fields: dict[bytes | None, tuple[Field, ...]] = field(default_factory=dict)


_known: list[_Schema] = []


def _schema(footer: bytes) -> _Schema | None:
    for at, schema in enumerate(_known):
        if footer.startswith(schema.start):
            if at:
                _known.insert(0, _known.pop(at))
            return schema
    return None


@dataclass(frozen=True, slots=True)
class _Layout:
    """`parts` match a footer from its number of rows to the end of its row groups; between one and the next stands a
    text of any length. The numbers of columns and of ranges are places among what the parts capture."""

    parts: tuple[re.Pattern[bytes], ...]
    columns: tuple[tuple[int | None, int, int], ...]
    ranges: tuple[tuple[str, struct.Struct, tuple[tuple[int, int], ...]], ...]
    metadata: bytes
    end: bytes
    facts: Facts

    def read(self, footer: bytes, at: int) -> Found | None:
        """What `footer` holds, whose schema ends at `at`; None when it is laid out otherwise."""
        captured: list[bytes] = []
        for number, part in enumerate(self.parts):
            match = part.match(footer, _behind_text(footer, at) if number else at)
            if match is None:
                return None
            captured += match.groups()
            at = match.end()
        if not footer.endswith(self.end) or not self._tells_the_same(footer[at : len(footer) - len(self.end)]):
            return None
        extents = []
        for dictionary, data, size in self.columns:
            start = (_number(captured[dictionary]) if dictionary is not None else 0) or _number(captured[data])
            extents.append((start, _number(captured[size])))
        return Found(self.facts, _number(captured[0]), extents, list(self._ranges(captured)))

    def _tells_the_same(self, metadata: bytes) -> bool:
        """Whether the key-value metadata differs at most in what pandas notes, such as the length of an index."""
        try:
            return metadata == self.metadata or _pairs(metadata) == _pairs(self.metadata)
        except (ValueError, IndexError, KeyError, TypeError):
            return False

    def _ranges(self, captured: Sequence[bytes]) -> Iterator[tuple[str, float, float]]:
        for path, layout, places in self.ranges:
            lows = [layout.unpack(captured[low])[0] for low, _ in places]
            highs = [layout.unpack(captured[high])[0] for _, high in places]
            yield path, min(lows), max(highs)


def _pairs(metadata: bytes) -> dict[bytes, bytes]:
    """Keys and values of field 5, which `metadata` holds with its header, without those of pandas."""
    told = Reader(metadata + b"\0").struct(after=_GROUPS).get(_METADATA, []) if metadata else []
    return {pair[1]: pair.get(2, b"") for pair in told if pair[1] != b"pandas"}


def _behind_text(footer: bytes, at: int) -> int:
    """Where a text ends that begins at `at` with its length; beyond the footer where it is longer."""
    if at < len(footer) and footer[at] < 128:
        return at + 1 + footer[at]
    reader = Reader(footer, at)
    try:
        length = reader.varint()
    except (ValueError, IndexError):
        return len(footer)
    return reader.at + length


def _number(varint: bytes) -> int:
    """The integer that a zig-zag varint stands for."""
    if len(varint) == 3:  # most offsets in a file of less than a megabyte
        value = varint[0] & 127 | (varint[1] & 127) << 7 | varint[2] << 14
    else:
        value = 0
        for byte in reversed(varint):
            value = value << 7 | byte & 127
    return value >> 1 ^ -(value & 1)


# ---------------------------------------------------------------- taking one apart


def _taken_apart(
    footer: bytes, spans: Mapping[int, tuple[int, int]], facts: Facts, ranged: Sequence[tuple[str, int]]
) -> _Layout | None:
    leaves = Reader(footer, spans[_ROWS][0]).leaves(until=spans[_GROUPS][1], after=2)
    value = {leaf.path: footer[leaf.start : leaf.end] for leaf in leaves}
    if any(leaf.path[2:3] == (_CHUNKS,) and leaf.path[4:] == (_FILE,) for leaf in leaves):
        return None  # a `_metadata` file speaks of its neighbours
    groups = sorted({leaf.path[1] for leaf in leaves if leaf.path[0] == _GROUPS})
    types = {leaf.path[3]: _number(value[leaf.path]) for leaf in leaves if leaf.path[4:] == (_META, _TYPE)}
    wanted = _wanted(groups, [*types][:_COLUMNS], value, ranged)
    parts, places = _patterns(footer, (spans[_ROWS][0], spans[_GROUPS][1]), leaves, types, wanted)
    last = groups[-1] if groups else 0

    def place(column: int, what: int) -> int | None:
        return places.get((_GROUPS, last, _CHUNKS, column, _META, what))

    columns = [(place(c, _DICTIONARY), place(c, _DATA), place(c, _SIZE)) for c in [*types][:_COLUMNS]]
    ranges = []
    for path, column in ranged:
        kept = [_least_and_most(group, column, value) for group in groups]
        found = tuple((places[low], places[high]) for low, high in kept if low in places and high in places)
        ranges.append((path, _NUMBERS[types[column]], found))
    if any(data is None or size is None for _, data, size in columns):
        return None
    end = footer[spans[_METADATA][1] if _METADATA in spans else spans[_GROUPS][1] :]
    metadata = footer[spans[_GROUPS][1] : len(footer) - len(end)]
    return _Layout(parts, tuple(columns), tuple(ranges), metadata, end, facts)  # type: ignore[arg-type]


def _wanted(
    groups: Sequence[int], columns: Sequence[int], value: Mapping[Path, bytes], ranged: Sequence[tuple[str, int]]
) -> set[Path]:
    """The places whose values are told, or checked."""
    wanted: set[Path] = {(_ROWS,)}
    for column in columns if groups else ():
        wanted.update((_GROUPS, groups[-1], _CHUNKS, column, _META, what) for what in (_DICTIONARY, _DATA, _SIZE))
    for _, column in ranged:
        for group in groups:
            wanted.update(_least_and_most(group, column, value))
    return wanted


def _least_and_most(group: int, column: int, value: Mapping[Path, bytes]) -> tuple[Path, Path]:
    """Where the smallest and the largest value of a column stand: in its own order, else in the old one."""
    kept = (_GROUPS, group, _CHUNKS, column, _META, _STATISTICS)
    low = next((path for path in ((*kept, 6), (*kept, 2)) if path in value), (*kept, 6))
    high = next((path for path in ((*kept, 5), (*kept, 1)) if path in value), (*kept, 5))
    return low, high


def _patterns(
    footer: bytes, span: tuple[int, int], leaves: Sequence[Leaf], types: Mapping[int, int], wanted: set[Path]
) -> tuple[tuple[re.Pattern[bytes], ...], dict[Path, int]]:
    """Regular expressions for what `span` holds, and which place each wanted value has among what they capture."""
    parts: list[re.Pattern[bytes]] = []
    places: dict[Path, int] = {}
    pattern, at = b"", span[0]
    for leaf in leaves:
        inside = leaf.path[4:] if leaf.path[2:3] == (_CHUNKS,) else ()
        if not _varies(leaf, inside):
            continue
        pattern += re.escape(footer[at : leaf.start])
        at = leaf.end
        if leaf.kind != 8:
            open_ = _VARINT if leaf.kind in (4, 5, 6) else b".{%d}" % (leaf.end - leaf.start)
        elif types.get(leaf.path[3]) == _BYTE_ARRAY or footer[leaf.start] > 127:
            parts.append(re.compile(pattern, re.DOTALL))
            pattern = b""
            continue
        else:  # numbers, and texts of one length
            pattern += re.escape(footer[leaf.start : leaf.start + 1])
            open_ = b".{%d}" % (leaf.end - leaf.start - 1)
        if leaf.path in wanted:
            places[leaf.path] = len(places)
            open_ = b"(" + open_ + b")"
        pattern += open_
    parts.append(re.compile(pattern + re.escape(footer[at : span[1]]), re.DOTALL))
    return tuple(parts), places


def _varies(leaf: Leaf, inside: Path) -> bool:
    """Whether footers of one layout may differ in a value; `inside` is its path below a column chunk, or empty."""
    if leaf.kind == 8:
        return inside[:2] == (_META, _STATISTICS) and inside[2:3] != () and inside[2] in _VALUES
    if inside[:1] == (_META,):
        what = inside[1]
        if what in (_TYPE, _CODEC, _ENCODINGS) or (what == _PAGES and inside[3] in (1, 2)):
            return False
    return leaf.kind in (4, 5, 6, 7)
