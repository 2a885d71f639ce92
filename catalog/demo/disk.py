"""A disk image for the demo, written with nothing but Python: a GPT with one FAT16 partition.

What the demo needs a volume for is to be crawled, so this writes just what readers of such a disk
expect. FAT: Microsoft, "FAT: General Overview of On-Disk Format", version 1.03; long names:
the same, "Long Directory Entries". GPT: UEFI Specification 2.10, section 5.3.
"""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

_SECTOR = 512
_CLUSTER = 2048
_FIRST = 2048  # the partition's first sector: on a megabyte, as every tool places it
_CLUSTERS = 8000  # FAT16 is told from its siblings by their number: 4,085 to 65,524
_RESERVED = 4
_ROOT_ENTRIES = 512
_FAT_SECTORS = -(-(_CLUSTERS + 2) * 2 // _SECTOR)
_ROOT_SECTORS = _ROOT_ENTRIES * 32 // _SECTOR
_DATA = _RESERVED + 2 * _FAT_SECTORS + _ROOT_SECTORS
_SECTORS = _DATA + _CLUSTERS * _CLUSTER // _SECTOR
_DIRECTORY, _ARCHIVE, _LONG = 0x10, 0x20, 0x0F
_BASIC_DATA = uuid.UUID("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7")
_NAMES = uuid.UUID("5e5d7a2e-6f5c-4c1e-9a38-0d6f3a2b7c11")  # the same identities in every demo


@dataclass
class _Folder:
    folders: dict[str, _Folder] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


def write_disk(path: Path, files: Mapping[str, bytes], moment: datetime, label: str) -> None:
    """Write an image with `files` (content by path), all of the time `moment`. A few megabytes fit."""
    root = _Folder()
    for name, content in files.items():
        *above, last = name.split("/")
        folder = root
        for part in above:
            folder = folder.folders.setdefault(part, _Folder())
        folder.files[last] = content
    volume = _Volume(moment, label)
    volume.fill(root)
    total = _FIRST + _SECTORS + 34
    with path.open("wb") as disk:
        disk.truncate(total * _SECTOR)
        for at, block in (*_gpt(total), *((_FIRST * _SECTOR + at, block) for at, block in volume.blocks())):
            disk.seek(at)
            disk.write(block)


class _Volume:
    """A FAT16 filesystem being filled: its allocation table, and the clusters in use."""

    def __init__(self, moment: datetime, label: str) -> None:
        self._stamp = _stamp(moment)
        self._label = label.upper().encode("ascii", "replace")[:11].ljust(11)
        self._table = [0xFFF8, 0xFFFF]
        self._clusters: list[bytes] = []
        self._root = b""

    def fill(self, root: _Folder) -> None:
        """Lay out all folders and files."""
        entry = struct.pack("<11sB10xHHHI", self._label, 0x08, *self._stamp, 0, 0)
        self._root = entry + self._entries(root, None)
        if len(self._root) > _ROOT_ENTRIES * 32 or len(self._clusters) > _CLUSTERS:
            raise ValueError("the demo's disk is full")

    def blocks(self) -> list[tuple[int, bytes]]:
        """What to write, and where in the partition."""
        boot = struct.pack(
            "<3s8sHBHBHHBHHHII BBBI11s8s", b"\xeb\x3c\x90", b"SILOGRPH", _SECTOR, _CLUSTER // _SECTOR, _RESERVED, 2,
            _ROOT_ENTRIES, _SECTORS if _SECTORS < 65536 else 0, 0xF8, _FAT_SECTORS, 63, 255, _FIRST,
            _SECTORS if _SECTORS >= 65536 else 0, 0x80, 0, 0x29, 0x51106A47, self._label, b"FAT16   ",
        ).ljust(510, b"\0") + b"\x55\xaa"  # fmt: skip
        table = struct.pack(f"<{len(self._table)}H", *self._table)
        data = b"".join(block.ljust(_CLUSTER, b"\0") for block in self._clusters)
        first = _RESERVED * _SECTOR
        return [
            (0, boot),
            (first, table),
            (first + _FAT_SECTORS * _SECTOR, table),
            (first + 2 * _FAT_SECTORS * _SECTOR, self._root),
            (_DATA * _SECTOR, data),
        ]

    def _entries(self, folder: _Folder, above: int | None) -> bytes:
        """The entries of a folder, after those below it are laid out."""
        made, number = b"", 0
        for name, below in sorted(folder.folders.items()):
            number += 1
            start = self._reserve(32 * (2 + sum(_slots(n) for n in (*below.folders, *below.files))))
            dots = self._entry(b".".ljust(11), _DIRECTORY, start, 0)
            dots += self._entry(b"..".ljust(11), _DIRECTORY, above or 0, 0)
            self._put(start, dots + self._entries(below, start))
            made += self._named(name, number, _DIRECTORY, start, 0)
        for name, content in sorted(folder.files.items()):
            number += 1
            start = self._reserve(len(content)) if content else 0
            self._put(start, content)
            made += self._named(name, number, _ARCHIVE, start, len(content))
        return made

    def _reserve(self, length: int) -> int:
        """The first cluster of a chain of `length` bytes."""
        start, count = len(self._table), max(-(-length // _CLUSTER), 1)
        self._table += [*range(start + 1, start + count), 0xFFFF]
        self._clusters += [b""] * count
        return start

    def _put(self, start: int, content: bytes) -> None:
        for at in range(0, len(content), _CLUSTER):
            self._clusters[start - 2 + at // _CLUSTER] = content[at : at + _CLUSTER]

    def _named(self, name: str, number: int, kind: int, start: int, size: int) -> bytes:
        """A long name in pieces, the last first, and the short entry they belong to."""
        short = f"F{number:07}   ".encode()
        check = 0
        for byte in short:
            check = ((check >> 1) | (check << 7 & 0x80)) + byte & 0xFF
        wide = name.encode("utf-16-le")
        count = -(-len(wide) // 26)
        wide = (wide + b"\0\0").ljust(count * 26, b"\xff")[: count * 26]
        pieces = b""
        for at in range(count, 0, -1):
            piece = wide[(at - 1) * 26 : at * 26]
            order = at | (0x40 if at == count else 0)
            pieces += struct.pack("<B10sBBB12sH4s", order, piece[:10], _LONG, 0, check, piece[10:22], 0, piece[22:])
        return pieces + self._entry(short, kind, start, size)

    def _entry(self, short: bytes, kind: int, start: int, size: int) -> bytes:
        clock, day = self._stamp
        return struct.pack("<11sBBBHHHHHHHI", short, kind, 0, 0, clock, day, day, 0, clock, day, start, size)


def _slots(name: str) -> int:
    return 1 + -(-len(name.encode("utf-16-le")) // 26)


def _stamp(moment: datetime) -> tuple[int, int]:
    """FAT's time and date: two seconds are its tick, 1980 its first year."""
    clock = moment.hour << 11 | moment.minute << 5 | moment.second // 2
    return clock, (moment.year - 1980) << 9 | moment.month << 5 | moment.day


def _gpt(total: int) -> list[tuple[int, bytes]]:
    """A protective MBR and both copies of a partition table with one partition."""
    identity, partition = uuid.uuid5(_NAMES, "disk"), uuid.uuid5(_NAMES, "partition")
    name = "cold storage".encode("utf-16-le")
    entry = struct.pack(
        "<16s16sQQQ72s", _BASIC_DATA.bytes_le, partition.bytes_le, _FIRST, _FIRST + _SECTORS - 1, 0, name
    )
    entries = entry.ljust(128 * 128, b"\0")

    def header(here: int, other: int, table: int) -> bytes:
        def packed(crc: int) -> bytes:
            return struct.pack(
                "<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, crc, 0, here, other, 34, total - 34,
                identity.bytes_le, table, 128, 128, zlib.crc32(entries),
            )  # fmt: skip

        return packed(zlib.crc32(packed(0)))

    mbr = b"\0" * 446 + struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xEE, b"\xff\xff\xff", 1, total - 1)
    return [
        (0, mbr.ljust(510, b"\0") + b"\x55\xaa"),
        (_SECTOR, header(1, total - 1, 2)),
        (2 * _SECTOR, entries),
        ((total - 33) * _SECTOR, entries),
        ((total - 1) * _SECTOR, header(total - 1, 1, total - 33)),
    ]
