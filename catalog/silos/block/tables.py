"""Partition tables: GPT and MBR, with logical partitions, in sectors of 512 or 4096 bytes.

GPT after the UEFI Specification 2.10, section 5.3: header and entries carry a CRC-32, and a second copy
stands in the last sectors. MBR has no checksum, so that each entry is held against what an entry
can be. Both are bounded: no table makes this room read more than a few megabytes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from catalog.silos.block.image import Read, guid

SECTORS = (512, 4096)

_GPT_HEADER = struct.Struct("<8sIII4xQQQQ16sQIII")
_GPT_ENTRY = struct.Struct("<16s16sQQQ72s")
_GPT_LARGEST = 4 << 20  # bytes of entries; the usual table has 16 KiB
_MBR_ENTRY = struct.Struct("<B3xB3xII")
_MBR_PROTECTIVE = 0xEE
_MBR_EXTENDED = (0x05, 0x0F, 0x85)
_MOST_LOGICAL = 128

_GPT_TYPES = {
    "c12a7328-f81f-11d2-ba4b-00a0c93ec93b": "EFI system",
    "21686148-6449-6e6f-744e-656564454649": "BIOS boot",
    "9e1a2d38-c612-4316-aa26-8b49521e5a8b": "PReP boot",
    "e3c9e316-0b5c-4db8-817d-f92df00215ae": "Microsoft reserved",
    "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7": "Microsoft basic data",
    "de94bba4-06d1-4d40-a16a-bfd50179d6ac": "Windows recovery",
    "0fc63daf-8483-4772-8e79-3d69d8477de4": "Linux filesystem",
    "4f68bce3-e8cd-4db1-96e7-fbcaf984b709": "Linux root (x86-64)",
    "b921b045-1df0-41c3-af44-4c6f280d3fae": "Linux root (ARM 64)",
    "933ac7e1-2eb4-4f13-b844-0e14e2aef915": "Linux home",
    "3b8f8425-20e0-4f3b-907f-1a25a76f98e8": "Linux server data",
    "bc13c2ff-59e6-4262-a352-b275fd6f7172": "Linux extended boot",
    "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f": "Linux swap",
    "e6d6d379-f507-44c2-a23c-238f2a3df928": "Linux LVM",
    "a19d880f-05fc-4d3b-a006-743f0f84911e": "Linux RAID",
    "ca7d7ccb-63ed-4c53-861c-1742536059cc": "Linux LUKS",
    "48465300-0000-11aa-aa11-00306543ecac": "Apple HFS+",
    "7c3457ef-0000-11aa-aa11-00306543ecac": "Apple APFS",
    "516e7cb6-6ecf-11d6-8ff8-00022d09712b": "FreeBSD UFS",
    "6a898cc3-1dd2-11b2-99a6-080020736631": "ZFS",
}
_MBR_TYPES = {
    0x01: "FAT12", 0x04: "FAT16", 0x06: "FAT16", 0x07: "NTFS or exFAT", 0x0B: "FAT32", 0x0C: "FAT32", 0x0E: "FAT16",
    0x27: "Windows recovery", 0x41: "PReP boot", 0x82: "Linux swap", 0x83: "Linux filesystem", 0x8E: "Linux LVM",
    0xA5: "FreeBSD", 0xA6: "OpenBSD", 0xA9: "NetBSD", 0xAF: "Apple HFS+", 0xBF: "Solaris", 0xEF: "EFI system",
    0xFB: "VMFS", 0xFD: "Linux RAID",
}  # fmt: skip
BOOT = frozenset({"BIOS boot", "PReP boot", "Microsoft reserved"})
"""Types of partitions that never hold a filesystem, only code or nothing."""


class Partition(NamedTuple):
    """A partition as its table describes it. `number` is what the operating system calls it; sizes are bytes."""

    number: int
    offset: int
    bytes: int
    type: str
    name: str = ""
    uuid: str = ""


class Table(NamedTuple):
    """A partition table. `state` says what is odd about it, `problem` why partitions may be missing from it."""

    kind: str
    sector: int
    partitions: tuple[Partition, ...]
    uuid: str = ""
    state: str = ""
    problem: str | None = None


class TableDamagedError(Exception):
    """There is a partition table, and it cannot be trusted. The text says why."""


def gpt(read: Read, size: int, sector: int | None) -> Table | None:
    """The GPT, from its first copy or else its second one; None where there is none.

    Raises `TableDamagedError` when there was one and neither copy holds.
    """
    boot = read(0, 512)
    protective = _MBR_PROTECTIVE in [entry.type for entry in _entries(boot)]
    if not protective and _plausible(_entries(boot)):
        return None  # an MBR of its own right: what follows it is left over from before
    trace = protective
    for bytes_each in (sector,) if sector else SECTORS:
        trace = trace or read(bytes_each, 8) == b"EFI PART"
        for lba, state in ((1, ""), (size // bytes_each - 1, "its first copy is damaged, the second was used")):
            table = _gpt_copy(read, lba, bytes_each, state)
            if table is not None:
                return table
    if trace:
        raise TableDamagedError("its GPT partition table is damaged: neither of the two copies holds")
    return None


def _gpt_copy(read: Read, lba: int, sector: int, state: str) -> Table | None:
    """The table whose header stands in sector `lba`; None where its checksums do not hold."""
    block = read(lba * sector, sector) if lba > 0 else b""
    if len(block) < sector or not block.startswith(b"EFI PART"):
        return None
    _, _, length, crc, here, _, _, _, own, at, count, each, entries_crc = _GPT_HEADER.unpack_from(block)
    if here != lba or not 92 <= length <= sector or each % 8 or not 128 <= each <= 4096 or count * each > _GPT_LARGEST:
        return None
    if zlib.crc32(block[:16] + bytes(4) + block[20:length]) != crc:
        return None
    entries = read(at * sector, count * each) if at < 1 << 52 else b""
    if len(entries) < count * each or zlib.crc32(entries) != entries_crc:
        return None
    found = [_gpt_partition(entries, number, each, sector) for number in range(count)]
    return Table("gpt", sector, tuple(one for one in found if one is not None), guid(own, mixed=True), state)


def _gpt_partition(entries: bytes, index: int, each: int, sector: int) -> Partition | None:
    kind, own, first, last, _, name = _GPT_ENTRY.unpack_from(entries, index * each)
    if kind == bytes(16):
        return None
    type_id = guid(kind, mixed=True)
    return Partition(
        index + 1,
        first * sector,
        max(last - first + 1, 0) * sector,
        _GPT_TYPES.get(type_id, type_id),
        name.decode("utf-16-le", "replace").partition("\0")[0],
        guid(own, mixed=True),
    )


# ---------------------------------------------------------------- MBR


class _Entry(NamedTuple):
    place: int
    status: int
    type: int
    start: int
    sectors: int


def _entries(boot: bytes) -> list[_Entry]:
    """The four entries of a boot sector; none when it is not signed as one."""
    if len(boot) < 512 or boot[510:512] != b"\x55\xaa":
        return []
    fields = [_MBR_ENTRY.unpack_from(boot, 446 + 16 * index) for index in range(4)]
    return [_Entry(index, *one) for index, one in enumerate(fields)]


def _plausible(entries: list[_Entry]) -> bool:
    """Can these be partitions, and not code or text that stands where a table would?"""
    used = [entry for entry in entries if entry.type and entry.sectors]
    return bool(used) and all(e.status in (0, 0x80) for e in entries) and all(e.start for e in used)


def mbr(read: Read, sector: int) -> Table | None:
    """The MBR of a disk with sectors of `sector` bytes; None where there is none."""
    boot = read(0, 512)
    entries = _entries(boot)
    if not _plausible(entries):
        return None
    partitions: list[Partition] = []
    problem = None
    for entry in entries:
        if not entry.type or not entry.sectors:
            continue
        if entry.type not in _MBR_EXTENDED:
            partitions.append(_mbr_partition(entry.place + 1, entry.start, entry, sector))
            continue
        try:
            first = 5 + sum(one.number > 4 for one in partitions)
            for number, (start, logical) in enumerate(_logical(read, entry.start, sector), first):
                partitions.append(_mbr_partition(number, start, logical, sector))
        except TableDamagedError as error:
            problem = str(error)
    serial = f"{int.from_bytes(boot[440:444], 'little'):08x}"
    ordered = tuple(sorted(partitions, key=lambda one: one.number))
    return Table("mbr", sector, ordered, serial, problem=problem)


def _logical(read: Read, extended: int, sector: int) -> Iterator[tuple[int, _Entry]]:
    """The partitions in an extended one, each with its first sector: a chain of boot sectors.

    Raises `TableDamagedError` where the chain breaks, comes back to itself, or has no end.
    """
    at, seen = extended, set[int]()
    while True:
        if at in seen or len(seen) >= _MOST_LOGICAL:
            raise TableDamagedError("the chain of logical partitions comes back to itself, or has no end")
        seen.add(at)
        entries = _entries(read(at * sector, 512))
        if not entries:
            raise TableDamagedError("the chain of logical partitions is broken")
        first, second = entries[:2]
        if first.type and first.sectors:
            yield at + first.start, first
        if second.type not in _MBR_EXTENDED or not second.sectors:
            return
        at = extended + second.start


def _mbr_partition(number: int, start: int, entry: _Entry, sector: int) -> Partition:
    kind = _MBR_TYPES.get(entry.type, f"type {entry.type:02x}")
    return Partition(number, start * sector, entry.sectors * sector, kind)
