"""Apache Parquet: schema, rows, row groups and codecs from the footer (parquet.thrift, FileMetaData)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from catalog import text
from catalog.errors import InspectError
from catalog.formats.base import KIB, RangeReader, parsing
from catalog.formats.tabular.fields import Details, bounded, from_arrow
from catalog.formats.vocabulary import Facet
from catalog.model import Facts

_TAIL = 64 * KIB
_COLUMNS_LOOKED_AT = 256
_GROUPS_LOOKED_AT = 64


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
        _add_statistics(meta, details)
        _add_geography(meta.metadata or {}, details)
        keys = sorted(k.decode("utf-8", "replace") for k in meta.metadata or {} if k != b"ARROW:schema")
        if keys:
            details["metadata_keys"] = text.safe(", ".join(keys), 200)
        fields = bounded(from_arrow(meta.schema.to_arrow_schema()), details)
        return Facts("parquet", fields, meta.num_rows, _codecs(meta), details)


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


def _add_statistics(meta: Any, details: Details) -> None:
    """How many columns keep minimum and maximum, and the range of the first few numbers and times.

    Ranges of text are left out: they would be somebody's words.
    """
    if not meta.num_row_groups:
        return
    kept, ranges = 0, []
    groups = [meta.row_group(index) for index in range(min(meta.num_row_groups, _GROUPS_LOOKED_AT))]
    for index in range(min(meta.num_columns, _COLUMNS_LOOKED_AT)):
        found = [group.column(index).statistics for group in groups]
        if not all(each is not None and each.has_min_max for each in found):
            continue
        kept += 1
        low, high = [each.min for each in found], [each.max for each in found]
        plain = all(not isinstance(value, (str, bytes, bool)) for value in (*low, *high))
        if plain and len(ranges) < _RANGES and len(groups) == meta.num_row_groups:
            ranges.append(f"{groups[0].column(index).path_in_schema} {min(low)}..{max(high)}")
    details["statistics"] = kept
    if ranges:
        details["ranges"] = text.safe(", ".join(ranges), 200)


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


def _codecs(meta: Any) -> str | None:
    """Codecs of the first row group's columns, as lower-case words."""
    if not meta.num_row_groups:
        return None
    group = meta.row_group(0)
    columns = range(min(group.num_columns, _COLUMNS_LOOKED_AT))
    found = sorted({group.column(index).compression.lower() for index in columns})
    return "+".join(found) or None
