"""Apache Parquet: schema, rows, row groups and codecs from the footer (parquet.thrift, FileMetaData)."""

from __future__ import annotations

from typing import Any

from catalog import text
from catalog.errors import InspectError
from catalog.formats.base import KIB, RangeReader, parsing
from catalog.formats.tabular.fields import Details, bounded, from_arrow
from catalog.model import Facts

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


def _codecs(meta: Any) -> str | None:
    """Codecs of the first row group's columns, as lower-case words."""
    if not meta.num_row_groups:
        return None
    group = meta.row_group(0)
    columns = range(min(group.num_columns, _COLUMNS_LOOKED_AT))
    found = sorted({group.column(index).compression.lower() for index in columns})
    return "+".join(found) or None
