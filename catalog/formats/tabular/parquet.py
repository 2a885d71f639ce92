"""Apache Parquet: schema, rows, row groups and codecs from the footer (parquet.thrift, FileMetaData)."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from catalog import text
from catalog.errors import InspectError
from catalog.formats.base import KIB, RangeReader, parsing
from catalog.formats.tabular import thrift
from catalog.formats.tabular.fields import Details, bounded, from_arrow
from catalog.formats.vocabulary import Facet
from catalog.model import Facts, Field

_TAIL = 64 * KIB
_COLUMNS_LOOKED_AT = 256


def inspect(reader: RangeReader) -> Facts:
    """Facts from one read of the last 64 KiB, and one more where the footer is longer."""
    footer = _footer(reader)
    with parsing(reader, "Parquet"):
        import pyarrow as pa
        import pyarrow.parquet as pq

        meta = pq.read_metadata(pa.BufferReader(footer))
        _check_extent(meta, (reader.size or 0) - len(footer))
        details: Details = {"row_groups": meta.num_row_groups}
        if meta.created_by:
            details["created_by"] = text.safe(meta.created_by, 80)
        _add_geography(meta.metadata or {}, details)
        keys = sorted(k.decode("utf-8", "replace") for k in meta.metadata or {} if k != b"ARROW:schema")
        if keys:
            details["metadata_keys"] = text.safe(", ".join(keys), 200)
        fields = bounded(from_arrow(meta.schema.to_arrow_schema()), details)
        groups = _row_groups(footer[: len(footer) - 8])
        if len(footer) <= _PARSED:
            _add_statistics(groups, fields, details)
        return Facts("parquet", fields, meta.num_rows, _codecs(groups), details)


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


def _check_extent(meta: Any, end: int) -> None:
    """An intact footer says nothing about the data: the last row group must end before the footer."""
    if meta.num_rows < 0:
        raise InspectError("The Parquet footer counts less than no rows.", finding="corrupt")
    if not meta.num_row_groups:
        return
    group = meta.row_group(meta.num_row_groups - 1)
    for index in range(min(group.num_columns, _COLUMNS_LOOKED_AT)):
        column = group.column(index)
        if column.file_path:
            return  # a `_metadata` file speaks of its neighbours
        start = column.dictionary_page_offset or column.data_page_offset
        if start < 0 or start + column.total_compressed_size > end:
            raise InspectError("The Parquet footer points beyond the file's data.", finding="corrupt")


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


def _add_statistics(groups: Sequence[Sequence[thrift.Struct]], fields: Sequence[Field], details: Details) -> None:
    """How many columns keep minimum and maximum, the range of the first few numbers, and what is encrypted.

    Ranges of text are left out: they would be somebody's words. parquet.thrift: FileMetaData and below.
    """
    try:
        columns = list(zip(*groups)) if groups else []
        kinds = {field.path: field.type for field in fields}
        hidden = sum(8 in column[0] for column in columns)
        spans = [span for column in columns if (span := _span(column)) is not None]
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, struct.error):
        return
    details["statistics"] = len(spans)
    if hidden:
        details["encrypted_columns"] = hidden
    numbers = [span for span in spans if span[1] is not None and kinds.get(span[0]) in _NUMBERS]
    plain = [f"{path} {low:g}..{high:g}" for path, low, high in numbers]
    if plain:
        details["ranges"] = text.safe(", ".join(plain[:_RANGES]), 200)


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
