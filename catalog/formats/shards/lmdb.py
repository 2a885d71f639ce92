"""LMDB (lmdb/libraries/liblmdb/mdb.c): entries and page size from the two meta pages."""

from __future__ import annotations

import struct

from catalog.errors import InspectError
from catalog.formats.base import KIB, RangeReader, parsing
from catalog.formats.vocabulary import Facet
from catalog.model import Facts

_MAGIC = 0xBEEFC0DE
_META = struct.Struct("<IIQQ")
_DATABASE = struct.Struct("<IHHQQQQQ")


def inspect(reader: RangeReader) -> Facts:
    """Rows are the entries of the main database, from the newer of the meta pages."""
    with parsing(reader, "LMDB"):
        data = reader.head(132 * KIB)
        first = _meta(data, 0)
        if first is None:
            raise InspectError("The first meta page is damaged.")
        second = _meta(data, first[2])
        newest = max((first, second or first), key=lambda meta: meta[0])
        facet = Facet()
        facet.add("page_size", first[2])
        return Facts("lmdb", (), newest[1], None, facet.details)


def _meta(data: bytes, at: int) -> tuple[int, int, int] | None:
    """Transaction, entries and page size of the meta page at `at`."""
    if at + 168 > len(data):
        return None
    magic, _, _, _ = _META.unpack_from(data, at + 16)
    if magic != _MAGIC:
        return None
    free = _DATABASE.unpack_from(data, at + 40)
    main = _DATABASE.unpack_from(data, at + 40 + _DATABASE.size)
    transaction = struct.unpack_from("<Q", data, at + 40 + 2 * _DATABASE.size + 8)[0]
    return transaction, main[6], free[0]
