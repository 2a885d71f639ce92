"""CSV and its kin (RFC 4180 and what is found instead): dialect, columns and types from the first records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from catalog.errors import InspectError
from catalog.formats import dialect as dialects
from catalog.formats.base import KIB, RangeReader, parsing
from catalog.formats.dialect import Dialect
from catalog.formats.tabular.fields import Details, bounded, clean
from catalog.formats.tabular.sample import Sample, read_text
from catalog.model import Facts, Field

_SAMPLE = 64 * KIB
_TAIL = 4 * KIB
_TYPED_RECORDS = 500
_RECORDS = 1_001


def inspect(reader: RangeReader) -> Facts:
    """Facts from the first 64 KiB, and the exact rows where the whole file is within 1 MiB."""
    sample = read_text(reader, _SAMPLE)
    with parsing(reader, "CSV"):
        start = sample.text[:_SAMPLE]
        whole = sample.whole and len(start) == len(sample.text)
        if not sample.text.strip():
            return Facts("csv", rows=0 if sample.whole else None, codec=sample.codec)
        found = dialects.vote(start, whole) or dialects.single(start, whole)
        rows = dialects.records(start, found, whole, found.skip + _TYPED_RECORDS)[found.skip :]
        if not rows:
            raise InspectError("No complete record in the first 64 KiB.", finding="too_large")
        # A header may be longer than most records, which then leave out empty cells at their end.
        body_kinds = column_types(rows[1:], max(found.columns, len(rows[0])))
        header = dialects.has_header(rows, body_kinds, column_types(rows[:1], len(rows[0])))
        types = body_kinds if header else column_types(rows, found.columns)
        details = _details(found, sample, header)
        count = _count(sample.text, found) - header if sample.whole else None
        if count is None and sample.codec is None and reader.size:
            details["rows_estimate"] = _estimate(reader, sample)
        fields = bounded(_fields(rows[0] if header else [], types), details)
        return Facts("tsv" if found.delimiter == "\t" else "csv", fields, count, sample.codec, details)


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first records of a table below its header, and the paths of its columns."""

    paths: tuple[str, ...]
    rows: list[list[str]]


def beginning(reader: RangeReader, length: int) -> Beginning:
    """The records in the first `length` bytes. The first 64 KiB decide on the dialect, as for `inspect`."""
    sample = read_text(reader, length)
    start = sample.text[:_SAMPLE]
    whole = sample.whole and len(start) == len(sample.text)
    found = dialects.vote(start, whole) or dialects.single(start, whole)
    rows = dialects.records(sample.text, found, sample.whole, found.skip + _RECORDS)[found.skip :]
    if not rows:
        return Beginning((), [])
    typed = rows[:_TYPED_RECORDS]
    body_kinds = column_types(typed[1:], max(found.columns, len(rows[0])))
    header = dialects.has_header(typed, body_kinds, column_types(rows[:1], len(rows[0])))
    types = body_kinds if header else column_types(typed, found.columns)
    return Beginning(tuple(f.path for f in _fields(rows[0] if header else [], types)), rows[header:])


def _details(found: Dialect, sample: Sample, header: bool) -> Details:
    details: Details = {
        "delimiter": {"\t": "tab"}.get(found.delimiter, found.delimiter),
        "encoding": sample.encoding,
        "header": header,
    }
    if found.quote != '"':
        details["quote"] = found.quote
    if found.escape:
        details["escape"] = found.escape
    if found.skip:
        details["skipped_records"] = found.skip
    if found.share < 1:
        details["ragged"] = True
    return details


def _fields(header: Sequence[str], types: Sequence[str]) -> Iterable[Field]:
    """Columns by their header; `f0`, `f1`, … without one, a repeated name numbered from 2."""
    names = [clean(name.strip()) for name in header]
    if len(names) == len(types) - 1:
        names.insert(0, "")  # R leaves the column of row names unnamed
    used: dict[str, int] = {}
    for index, kind in enumerate(types):
        name = (names[index] if index < len(names) else "") or f"f{index}"
        used[name] = used.get(name, 0) + 1
        unique = name if used[name] == 1 else f"{name}_{used[name]}"
        yield Field(unique.replace(".", "\\."), kind)


def _count(text: str, found: Dialect) -> int:
    """Records of the table in the whole text, header included."""
    return max(sum(1 for row in dialects.reader(text, found) if row) - found.skip, 0)


def _estimate(reader: RangeReader, sample: Sample) -> int:
    """Lines of the whole file, from their mean length at both its ends."""
    ends = reader.tail(_TAIL)
    first = sample.bytes / max(sample.text.count("\n"), sample.text.count("\r"), 1)
    last = len(ends) / max(ends.count(b"\n"), ends.count(b"\r"), 1)
    return round((reader.size or 0) / ((first + last) / 2))


# ---------------------------------------------------------------- types

_CELL = re.compile(
    r"(?P<null>|NA|N/A|n/a|null|NULL|None|nan|NaN|NAN|\\N|<NA>)"
    r"|(?P<bool>true|false|True|False|TRUE|FALSE)"
    r"|(?P<int64>[+-]?(?:0|[1-9]\d{0,18}))"
    r"|(?P<double>[+-]?(?:(?:(?:0|[1-9]\d*)?\.\d+|(?:0|[1-9]\d*)\.)(?:[eE][+-]?\d{1,3})?"
    r"|\d+[eE][+-]?\d{1,3}|inf|Inf|Infinity|INF))"
    r"|(?P<date>\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))"
    r"|(?P<stamp>\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-6]\d(?:[.,]\d+)?)?(?P<zone>Z|\s?UTC|[+-]\d\d:?(?:\d\d)?)?)"
)
_MERGED: dict[frozenset[str], str] = {
    frozenset(kinds.split()): type_
    for kinds, type_ in {
        "": "null",
        "bool": "bool",
        "int64": "int64",
        "double": "double",
        "int64 double": "double",
        "date": "date32[day]",
        "stamp": "timestamp[us]",
        "date stamp": "timestamp[us]",
        "zone": "timestamp[us, tz=UTC]",
    }.items()
}


def column_types(rows: Sequence[Sequence[str]], columns: int) -> list[str]:
    """The Arrow type each column's cells agree on; `null` for empty columns, `string` otherwise.

    Numbers with leading zeros and integers beyond 64 bits are strings: they are codes, not amounts.
    """
    kinds: list[set[str]] = [set() for _ in range(columns)]
    open_columns = range(columns)
    for row in rows:
        for index in open_columns[: len(row)]:
            found = kinds[index]
            if "string" not in found:
                found.add(_kind(row[index]))
    return [_MERGED.get(frozenset(found - {"null"}), "string") for found in kinds]


def _kind(cell: str) -> str:
    match = _CELL.fullmatch(cell.strip())
    kind = match.lastgroup if match else None
    if kind is None or match is None:
        return "string"
    if kind == "int64" and len(cell) > 18 and not -(2**63) <= int(cell) < 2**63:
        return "string"
    return "zone" if match["zone"] else kind
