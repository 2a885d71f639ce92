"""A second look at files whose first and last kilobytes leave a choice open.

A ZIP directory may be longer than what was seen, an HDF5 attribute stand further in, the sign of a
filesystem at 64 KiB. Each look costs one read, and only files that need it are looked at again.
"""

from __future__ import annotations

from catalog.formats import zips
from catalog.formats.base import KIB, MIB, RangeReader
from catalog.formats.checks import Match, hdf5_kind
from catalog.formats.magic import identify
from catalog.model import Sniffed

_WIDE = 72 * KIB
"""Enough for the superblocks of all filesystems in the table, of which that of btrfs stands last."""
_DIRECTORY = 4 * MIB
_NAMES = 20_000


def closer(reader: RangeReader, sniffed: Sniffed) -> Match | None:
    """What a closer look tells about a sniffed file; None where the first look stands."""
    format = sniffed.format
    if sniffed.evidence.startswith("magic 'PK'"):
        return _zip(reader)
    if format == "ole":
        return _ole(reader)
    if format == "hdf5":
        return hdf5_kind(reader.head(_WIDE), reader.tail(_WIDE))
    if format == "sqlite":
        tiles = reader.head(_WIDE)
        return Match("mbtiles", 0.97, "SQLite with map tiles") if _tiles(tiles) else None
    if format == "unknown" and (reader.size is None or reader.size > 32 * KIB):
        return identify(reader.head(_WIDE), reader.tail(4 * KIB), reader.size)
    return None


_STREAMS = (("Workbook", "xls"), ("Book", "xls"), ("WordDocument", "doc"), ("PowerPoint Document", "ppt"))


def _ole(reader: RangeReader) -> Match | None:
    """The kind of a compound file by the streams in its directory's first sector ([MS-CFB], 2.2 and 2.6)."""
    head = reader.head(512)
    if len(head) < 80:
        return None
    size = 1 << min(int.from_bytes(head[30:32], "little"), 12)
    sector = reader.read((int.from_bytes(head[48:52], "little") + 1) * size, size)
    names = [sector[at : at + 64] for at in range(0, len(sector), 128)]
    for stream, name in _STREAMS:
        if any(each.startswith(f"{stream}\0".encode("utf-16-le")) for each in names):
            return Match(name, 0.97, f"OLE compound file with the stream '{stream}'")
    return None


def _tiles(data: bytes) -> bool:
    return b"zoom_level" in data and b"tile_data" in data


def _zip(reader: RangeReader) -> Match | None:
    """The kind of a ZIP file by all its members, when the directory was longer than its last 4 KiB."""
    tail = reader.tail(_WIDE)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 20:
        return None
    length = int.from_bytes(tail[at + 12 : at + 16], "little")
    if len(tail) - at + length <= 4 * KIB or length > _DIRECTORY:
        return None
    found = zips.of_names(zips.members(reader.head(4 * KIB), reader.tail(length + len(tail) - at))[:_NAMES])
    return Match(*found) if found[0] != "zip" else None
