"""DuckDB files (duckdb/src/storage/storage_info.cpp): version of the storage and of the program that wrote it."""

from __future__ import annotations

import re
import struct

from catalog.errors import InspectError
from catalog.formats.base import KIB, RangeReader, parsing
from catalog.formats.vocabulary import Facet
from catalog.model import Facts

_BLOCK = 4 * KIB


def inspect(reader: RangeReader) -> Facts:
    """What the three header blocks tell; tables are packed behind them."""
    with parsing(reader, "DuckDB"):
        head = reader.head(3 * _BLOCK)
        if len(head) < _BLOCK:
            raise InspectError("The DuckDB header is cut off.", finding="truncated")
        facet = Facet()
        facet.add("version", str(struct.unpack_from("<Q", head, 12)[0]))
        named = re.search(rb"v\d+\.\d+\.\d+[\w.+-]*", head[52:128])
        facet.add("created_by", f"duckdb {named[0].decode()}" if named else None)
        sizes = [struct.unpack_from("<Q", head, at + 40)[0] for at in (_BLOCK, 2 * _BLOCK) if len(head) >= at + 48]
        facet.add("page_size", next((size for size in sizes if 1 << 10 <= size <= 1 << 24), None))
        return Facts("duckdb", (), None, None, facet.details)
