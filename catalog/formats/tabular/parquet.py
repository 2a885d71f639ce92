"""Apache Parquet: schema, rows, row groups and codecs from the footer (parquet.thrift, FileMetaData)."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from catalog import text
from catalog.errors import InspectError
from catalog.formats.base import KIB, RangeReader, parsing
from catalog.formats.tabular import footers, thrift
from catalog.formats.tabular.fields import Details, bounded, from_arrow
from catalog.formats.vocabulary import Facet
from catalog.model import Facts, Field

_TAIL = 64 * KIB
_COLUMNS_LOOKED_AT = 256


def inspect(reader: RangeReader) -> Facts:
    """Facts from one read of the last 64 KiB, and one more where the footer is longer."""
    footer = _footer(reader)
    with parsing(reader, "Parquet"):
        if (known := footers.find(footer[:-8])) is not None:
            return _like_another(known, (reader.size or 0) - len(footer))
        import pyarrow as pa
        import pyarrow.parquet as pq

        meta = pq.read_metadata(pa.BufferReader(footer))
        _check_rows(meta.num_rows)
        groups = _row_groups(footer[:-8])
        for start, length in _extents(meta, groups):
            _check_pages(start, length, (reader.size or 0) - len(footer))
        details: Details = {"row_groups": meta.num_row_groups}
        if meta.created_by:
            details["created_by"] = text.safe(meta.created_by, 80)
        _add_geography(meta.metadata or {}, details)
        keys = sorted(k.decode("utf-8", "replace") for k in meta.metadata or {} if k != b"ARROW:schema")
        if keys:
            details["metadata_keys"] = text.safe(", ".join(keys), 200)
        arrow = (meta.metadata or {}).get(b"ARROW:schema")
        fields = footers.converted(footer[:-8], arrow)
        if fields is None:
            fields = bounded(from_arrow(meta.schema.to_arrow_schema()), details)
        ranges = _add_statistics(groups, fields, details) if len(footer) <= _PARSED else None
        facts = Facts("parquet", fields, meta.num_rows, _codecs(groups), details)
        if ranges is not None:
            footers.learn(footer[:-8], arrow, facts, [(path, column) for path, column, _, _ in ranges])
        return facts


def _like_another(found: footers.Found, end: int) -> Facts:
    """The facts of a footer that is laid out as one whose facts are known."""
    _check_rows(found.rows)
    for start, length in found.extents:
        _check_pages(start, length, end)
    details = {**found.facts.details}
    if found.ranges:
        details["ranges"] = _shown(found.ranges)
    return replace(found.facts, rows=found.rows, details=details)


def _footer(reader: RangeReader) -> bytes:
    """The footer with its length and magic, which is all the Parquet library needs."""
    tail = reader.tail(_TAIL)
    if tail.endswith(b"PARE"):
        raise InspectError("The Parquet footer is encrypted.", finding="encrypted")
    if not tail.endswith(b"PAR1") or len(tail) < 12:
        raise InspectError("The Parquet footer is missing: the file was cut off.", finding="truncated")
    length = int.from_bytes(tail[-8:-4], "little") + 8
    if length + 4 > (reader.size or 0):
        raise InspectError("The Parquet footer is longer than the file.", finding="corrupt")
    footer = reader.tail(length)
    if len(footer) < length:
        raise InspectError("The file is shorter than its listed size.", finding="truncated")
    return footer


def _check_rows(rows: int) -> None:
    if rows < 0:
        raise InspectError("The Parquet footer counts less than no rows.", finding="corrupt")


def _check_pages(start: int, length: int, end: int) -> None:
    if start < 0 or start + length > end:
        raise InspectError("The Parquet footer points beyond the file's data.", finding="corrupt")


def _extents(meta: Any, groups: Sequence[Sequence[thrift.Struct]]) -> Iterator[footers.Extent]:
    """Where the last row group's columns lie: an intact footer says nothing about the data, which may be cut off.

    The library is only asked where the footer was too long to be taken apart, for it dies of some damage.
    """
    if groups and len(groups) == meta.num_row_groups:
        for chunk in groups[-1][:_COLUMNS_LOOKED_AT]:
            column = chunk.get(3, {})
            if 1 in chunk or not isinstance(column, dict):
                return  # a `_metadata` file speaks of its neighbours
            numbers = [column.get(number, 0) for number in (11, 9, 7)]
            if all(isinstance(number, int) for number in numbers):
                yield numbers[0] or numbers[1], numbers[2]
    elif meta.num_row_groups:
        group = meta.row_group(meta.num_row_groups - 1)
        for index in range(min(group.num_columns, _COLUMNS_LOOKED_AT)):
            column = group.column(index)
            if column.file_path:
                return
            yield column.dictionary_page_offset or column.data_page_offset, column.total_compressed_size


_RANGES = 4
_PARSED = 64 * KIB
"""Footers up to this length are looked into for statistics: a long one speaks of very many columns."""
_LAYOUTS = {1: "<i", 2: "<q", 4: "<f", 5: "<d"}


def _row_groups(footer: bytes) -> list[list[thrift.Struct]]:
    """The columns of each row group, only of the first one where the footer is long; empty where it is damaged."""
    try:
        reader = thrift.Reader(footer)
        if len(footer) <= _PARSED:
            return [group[1] for group in reader.struct().get(4, [])]
        first = reader.first_of(4)
        return [first[1]] if first else []
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, struct.error):
        return []  # the library could read it, so nothing is said against the file


_Range = tuple[str, int, float, float]
"""Path, number, smallest and largest value of a column."""


def _add_statistics(
    groups: Sequence[Sequence[thrift.Struct]], fields: Sequence[Field], details: Details
) -> list[_Range] | None:
    """How many columns keep minimum and maximum, the range of the first few numbers, and what is encrypted.

    Ranges of text are left out: they would be somebody's words. None where the statistics are damaged.
    parquet.thrift: FileMetaData and below.
    """
    try:
        columns = list(zip(*groups)) if groups else []
        kinds = {field.path: field.type for field in fields}
        hidden = sum(8 in column[0] for column in columns)
        spans = [(at, span) for at, column in enumerate(columns) if (span := _span(column)) is not None]
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, struct.error):
        return None
    details["statistics"] = len(spans)
    if hidden:
        details["encrypted_columns"] = hidden
    numbers = [(at, span) for at, span in spans if span[1] is not None and kinds.get(span[0]) in _NUMBERS]
    told = [(path, at, low, high) for at, (path, low, high) in numbers[:_RANGES]]
    if told:
        details["ranges"] = _shown([(path, low, high) for path, _, low, high in told])
    return told


def _shown(ranges: Sequence[tuple[str, float, float]]) -> str:
    return text.safe(", ".join(f"{path} {low + 0:g}..{high + 0:g}" for path, low, high in ranges), 200)


_NUMBERS = frozenset({"int8", "int16", "int32", "int64", "float", "double"})


def _span(column: Sequence[thrift.Struct]) -> tuple[str, Any, Any] | None:
    """Path, smallest and largest value of a column over its row groups; None where one keeps none."""
    found: list[tuple[float, float]] = []
    for chunk in column:
        meta = chunk.get(3, {})
        kept = meta.get(12, {})
        low, high = kept.get(6, kept.get(2)), kept.get(5, kept.get(1))
        if low is None or high is None:
            return None
        if layout := _LAYOUTS.get(meta[1]):
            found.append((struct.unpack(layout, low)[0], struct.unpack(layout, high)[0]))
    path = ".".join(name.decode("utf-8", "replace").replace(".", "\\.") for name in column[0][3][3])
    if not found:
        return path, None, None
    return path, min(low for low, _ in found), max(high for _, high in found)


def _add_geography(metadata: Mapping[bytes, bytes], details: Details) -> None:
    """GeoParquet's column metadata (geoparquet.org, Metadata): system, kinds of geometry, bounds."""
    try:
        geo = json.loads(metadata.get(b"geo", b"null"))
        column = geo["columns"][geo["primary_column"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    facet = Facet()
    system = column.get("crs", {"id": {"authority": "OGC", "code": "CRS84"}})
    named = system.get("id") if isinstance(system, dict) else None
    facet.add("crs", f"{named.get('authority')}:{named.get('code')}" if isinstance(named, dict) else None)
    kinds = column.get("geometry_types")
    facet.add("geometry", [str(kind) for kind in kinds] if isinstance(kinds, list) else None)
    box = column.get("bbox")
    if isinstance(box, list) and len(box) >= 4 and all(isinstance(n, (int, float)) for n in box):
        flat = box if len(box) == 4 else [box[0], box[1], box[3], box[4]]
        facet.add("bounds", ", ".join(f"{n:.6g}" for n in flat))
    details.update(facet.details)


_CODECS = ("uncompressed", "snappy", "gzip", "lzo", "brotli", "lz4", "zstd", "lz4")
"""parquet.thrift, CompressionCodec; LZ4 has two framings."""


def _codecs(groups: Sequence[Sequence[thrift.Struct]]) -> str | None:
    """Codecs of the first row group's columns; the library aborts its process on those it does not know."""
    try:
        numbers = {chunk[3][4] for chunk in groups[0][:_COLUMNS_LOOKED_AT]} if groups else set()
        return "+".join(sorted({_CODECS[number] for number in numbers if number >= 0})) or None
    except (IndexError, KeyError, TypeError):
        return None  # a codec of the future: the schema and the rows are told all the same
