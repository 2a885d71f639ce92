"""Apache ORC: schema, rows, stripes and codec from the file tail (ORC specification v1, File Tail)."""

from __future__ import annotations

from catalog import text
from catalog.errors import InspectError
from catalog.formats.base import KIB, RangeReader, parsing
from catalog.formats.tabular.fields import Details, bounded, from_arrow
from catalog.model import Facts

_TAIL = 64 * KIB


def inspect(reader: RangeReader) -> Facts:
    """Facts from one read of the last 64 KiB, and more only where the footer is longer."""
    tail = reader.tail(_TAIL)
    if tail[-4:-1] != b"ORC":
        raise InspectError("The ORC postscript is missing: the file was cut off.", finding="truncated")
    with parsing(reader, "ORC"):
        import pyarrow as pa
        import pyarrow.orc as orc

        file = orc.ORCFile(pa.PythonFile(reader.file(), mode="r"))
        details: Details = {
            "stripes": file.nstripes,
            "version": text.safe(file.file_version, 20),
            "writer": text.safe(file.writer, 40),
        }
        codec = str(file.compression).lower()
        known = codec if codec not in ("uncompressed", "none") else None
        return Facts("orc", bounded(from_arrow(file.schema), details), file.nrows, known, details)
