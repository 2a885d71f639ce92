"""What stands in a partition or on a whole disk, told from its first kilobytes.

Recognising is not reading: this room looks for signatures, checks that a superblock makes sense before
anything written in C is let at it, and keeps what names the filesystem (label, UUID, sizes).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from catalog import text
from catalog.silos.block.ext_super import EXT_SUPERBLOCK, ext_superblock, power_of_two
from catalog.silos.block.image import Read, guid

Reader = Literal["ext", "ntfs", "fat", "exfat"]
_EMPTY = 1 << 20  # so many zeros at the start mean that nothing was ever put there
_WORD = 64


@dataclass(frozen=True, slots=True)
class Content:
    """What was recognised.

    `kind` is a short word (`ext4`, `xfs`, `swap`), empty when nothing was recognised; `says` names it in a
    sentence. `reader` is set when its files can be read, otherwise `problem` says why they cannot; with
    neither there are no files in it (`swap`, `empty`), which loses nothing.
    """

    kind: str
    says: str
    reader: Reader | None = None
    problem: str | None = None
    label: str = ""
    uuid: str = ""
    block: int | None = None
    bytes: int | None = None
    facts: Mapping[str, str | int] = field(default_factory=dict)


NOT_YET = "which cannot be read yet"
_NO_KEY = "which cannot be read without its key"
EMPTY = Content("empty", "nothing but zeros")


def recognise(read: Read, size: int) -> Content:
    """What the `size` bytes behind `read` hold. Raises `OSError` when they cannot be read."""
    head = read(0, min(size, 0x11000))
    found = boot_sector(read, head) or _ext(head) or _iso(head) or _ufs(read) or _signature(read, head, size)
    if found is not None:
        return found
    if not any(head) and not any(read(0, min(size, _EMPTY))) and not any(read(max(size - 0x10000, 0), 0x10000)):
        return EMPTY
    remains = _ext_backup(read)
    if remains is not None:
        return remains
    return Content("", "nothing that is recognised", problem="nothing in it is recognised: raw data, or encrypted")


def boot_sector(read: Read, head: bytes) -> Content | None:
    """A filesystem that begins with a boot sector of its own, which looks like an MBR: FAT, exFAT, NTFS and kin."""
    oem = head[3:11]
    if len(head) < 512:
        return None
    if oem == b"NTFS    ":
        return _ntfs(read, head)
    if oem == b"EXFAT   ":
        return _exfat(read, head)
    if oem == b"-FVE-FS-" or (oem == b"MSWIN4.1" and head[424:440] == _BITLOCKER_TO_GO):
        return Content("bitlocker", "a BitLocker volume", problem=f"a BitLocker volume, {_NO_KEY}")
    if oem == b"ReFS\0\0\0\0":
        return _unread("refs", "a ReFS filesystem")
    return _fat(read, head)


_BITLOCKER_TO_GO = bytes.fromhex("3bd66749292ed84a8399f6a339e3d001")


def _unread(kind: str, says: str, **facts: object) -> Content:
    return Content(kind, says, problem=f"{says}, {NOT_YET}", **facts)  # type: ignore[arg-type]


def _damaged(kind: str, says: str, what: str) -> Content:
    return Content(kind, says, problem=f"{says} whose superblock is damaged: {what}")


def _words(raw: bytes, encoding: str = "utf-8") -> str:
    """A label as text that may be shown and kept."""
    return text.safe(raw.decode(encoding, "replace").partition("\0")[0].strip(), _WORD)


def _uuid(raw: bytes) -> str:
    return guid(raw) if len(raw) == 16 and any(raw) else ""


# ---------------------------------------------------------------- ext2, ext3, ext4

_EXT4_INCOMPAT = ~0x0016  # beyond file types, recovery and meta block groups
_EXT4_RO_COMPAT = ~0x0007  # beyond sparse superblocks, large files and B-tree directories
_EXT_UNREAD = {
    0x0001: "compression",
    0x0008: "an external journal's own format",
    0x0010: "meta block groups",
    0x1000: "data in directory entries",
}
_EXT_CLUSTERS = 0x0200  # among the features that allow reading to those who know them
_EXT_KNOWN = 0x0002 | 0x0004 | 0x0040 | 0x0080 | 0x0100 | 0x0200 | 0x0400 | 0x2000 | 0x4000 | 0x8000 | 0x10000 | 0x20000


def _ext(head: bytes) -> Content | None:
    raw = head[EXT_SUPERBLOCK : EXT_SUPERBLOCK + 1024]
    if len(raw) < 1024 or raw[56:58] != b"\x53\xef":
        return None
    compat, incompat, ro_compat = struct.unpack_from("<III", raw, 92)
    kind = "ext2" if not compat & 0x0004 else "ext3"
    if incompat & _EXT4_INCOMPAT & 0xFFFFFFFF or ro_compat & _EXT4_RO_COMPAT & 0xFFFFFFFF:
        kind = "ext4"
    says = f"an {kind} filesystem"
    block = ext_superblock(raw)
    if isinstance(block, str):
        return _damaged(kind, says, block)
    facts: dict[str, str | int] = {"state": _ext_state(struct.unpack_from("<H", raw, 58)[0], incompat)}
    mounted = _words(raw[136:200])
    if mounted:
        facts["last mounted at"] = mounted
    strange = [what for bit, what in _EXT_UNREAD.items() if incompat & bit]
    strange += ["allocation in clusters"] if ro_compat & _EXT_CLUSTERS else []
    strange += [f"a feature of a later time ({unknown:#x})"] if (unknown := _unknown_ext(incompat)) else []
    return Content(
        kind,
        says,
        reader=None if strange else "ext",
        problem=f"{says} with {' and '.join(strange)}, {NOT_YET}" if strange else None,
        label=_words(raw[120:136]),
        uuid=_uuid(raw[104:120]),
        block=block.block,
        bytes=_fits(block.blocks * block.block),
        facts=facts,
    )


def _unknown_ext(incompat: int) -> int:
    return incompat & ~_EXT_KNOWN & ~sum(_EXT_UNREAD)


def _ext_state(state: int, incompat: int) -> str:
    if incompat & 0x0004:
        return "not unmounted cleanly: its journal holds changes that are not shown"
    return "with errors" if state & 2 else "clean" if state & 1 else "not unmounted cleanly"


def _ext_backup(read: Read) -> Content | None:
    """The first spare superblock of an ext filesystem whose own is gone."""
    for block in (1024, 2048, 4096):
        group = 8 * block
        raw = read((group + (block == 1024)) * block, 1024)
        if len(raw) == 1024 and raw[56:58] == b"\x53\xef" and not isinstance(ext_superblock(raw), str):
            says = "an ext filesystem whose superblock is destroyed"
            spare = group + (block == 1024)
            return Content("ext", says, problem=f"{says}; on a copy, e2fsck -b {spare} can restore it")
    return None


# ---------------------------------------------------------------- FAT, exFAT, NTFS


def _fat(read: Read, head: bytes) -> Content | None:
    if len(head) < 512 or head[0] not in (0xEB, 0xE9, 0x00) or not head[11:13].strip(b"\0"):
        return None
    sector, per_cluster, reserved, fats, roots, small = struct.unpack_from("<HBHBHH", head, 11)
    media, fat16 = struct.unpack_from("<BH", head, 21)
    large, fat32 = struct.unpack_from("<II", head, 32)
    sectors, fat = small or large, fat16 or fat32
    plain = power_of_two(sector, 512, 4096) and power_of_two(per_cluster, 1, 128) and reserved and 1 <= fats <= 2
    if not plain or media not in (0xF0, *range(0xF8, 0x100)) or not sectors or not fat:
        return None
    root = -(-roots * 32 // sector)
    data = reserved + fats * fat + root
    clusters = (sectors - data) // per_cluster
    if clusters < 1:
        return None
    kind = "fat12" if clusters < 4085 else "fat16" if clusters < 65525 else "fat32"
    if not fat16:
        kind = "fat32"
    says = f"a {kind.upper()} filesystem"
    entries = (clusters + 2) * {"fat12": 3, "fat16": 4, "fat32": 8}[kind] // 2
    if fat * sector < entries // 2:  # a table too short for half of its clusters is none
        return _damaged(kind, says, "its table is too short for its clusters")
    at = 67 if kind == "fat32" else 39
    first = data - root if kind != "fat32" else data + (int.from_bytes(head[44:48], "little") - 2) * per_cluster
    label = _fat_label(read(max(first, 0) * sector, min(per_cluster * sector, 4096)))
    label = label or _words(head[at + 4 : at + 15], "cp437")
    return Content(
        kind,
        says,
        reader="fat",
        label="" if label == "NO NAME" else label,
        uuid=f"{head[at + 3]:02X}{head[at + 2]:02X}-{head[at + 1]:02X}{head[at]:02X}",
        block=sector * per_cluster,
        bytes=sectors * sector,
    )


def _fat_label(directory: bytes) -> str:
    """The volume label among the first entries of a root directory; a deleted entry is none."""
    for at in range(0, len(directory) - 31, 32):
        name, attributes = directory[at : at + 11], directory[at + 11]
        if name[0] == 0:
            break
        if name[0] != 0xE5 and attributes & 0x3F != 0x0F and attributes & 0x08:
            return _words(name, "cp437")
    return ""


def _exfat(read: Read, head: bytes) -> Content:
    says = "an exFAT filesystem"
    length = struct.unpack_from("<Q", head, 72)[0]
    _fat_at, _fat_length, heap, clusters, root = struct.unpack_from("<5I", head, 80)
    sector_shift, cluster_shift = head[108], head[109]
    if not 9 <= sector_shift <= 12 or sector_shift + cluster_shift > 25 or not heap or not clusters or not length:
        return _damaged("exfat", says, "its sizes make no sense")
    if not 2 <= root <= clusters + 1:
        return _damaged("exfat", says, "its root is outside of it")
    sector, cluster = 1 << sector_shift, 1 << sector_shift + cluster_shift
    serial = struct.unpack_from("<I", head, 100)[0]
    return Content(
        "exfat",
        says,
        reader="exfat",
        label=_exfat_label(read(heap * sector + (root - 2) * cluster, min(cluster, 4096))),
        uuid=f"{serial >> 16:04X}-{serial & 0xFFFF:04X}",
        block=cluster,
        bytes=_fits(length * sector),
    )


def _exfat_label(directory: bytes) -> str:
    for at in range(0, len(directory) - 31, 32):
        if directory[at] == 0x83:
            return _words(directory[at + 2 : at + 2 + 2 * min(directory[at + 1], 11)], "utf-16-le")
    return ""


def _ntfs(read: Read, head: bytes) -> Content:
    says = "an NTFS filesystem"
    sector, per_cluster = struct.unpack_from("<HB", head, 11)
    sectors, table = struct.unpack_from("<QQ", head, 40)
    record = struct.unpack_from("<b", head, 64)[0]
    spread = 1 << (256 - per_cluster) if per_cluster > 0x80 else per_cluster
    cluster = sector * spread
    if not power_of_two(sector, 256, 4096) or not power_of_two(cluster, sector, 2 << 20) or not sectors:
        return _damaged("ntfs", says, "its sizes make no sense")
    size = record * cluster if record > 0 else 1 << min(-record, 31)
    if not power_of_two(size, 256, 1 << 16) or not 0 < table < sectors:
        return _damaged("ntfs", says, "its file table is outside of it")
    volume = read(table * cluster + 3 * size, size)
    if read(table * cluster, 4) != b"FILE":
        return _damaged("ntfs", says, "its file table does not begin where it should")
    serial = struct.unpack_from("<Q", head, 72)[0]
    return Content(
        "ntfs",
        says,
        reader="ntfs",
        label=_ntfs_label(volume),
        uuid=f"{serial:016X}",
        block=cluster,
        bytes=_fits(sectors * sector),
    )


def _ntfs_label(record: bytes) -> str:
    """The name in $VOLUME_NAME, an attribute that always stands in the record itself."""
    if len(record) < 48 or record[:4] != b"FILE":
        return ""
    at = struct.unpack_from("<H", record, 20)[0]
    while at + 24 <= len(record):
        kind, length = struct.unpack_from("<II", record, at)
        if kind == 0x60:
            size, start = struct.unpack_from("<IH", record, at + 16)
            return _words(record[at + start : at + start + min(size, 256)], "utf-16-le")
        if kind > 0x60 or length < 16:
            break
        at += length
    return ""


# ---------------------------------------------------------------- ISO 9660, UFS

_UFS = (b"\x54\x19\1\0", b"\0\1\x19\x54", b"\x19\1\x54\x19", b"\x19\x54\1\x19")  # UFS1 and UFS2, either byte order


def _iso(head: bytes) -> Content | None:
    at = 0x8000
    if head[at + 1 : at + 6] != b"CD001" or len(head) < at + 2048:
        return None
    block = struct.unpack_from("<H", head, at + 128)[0]
    blocks = struct.unpack_from("<I", head, at + 80)[0]
    label = _words(head[at + 40 : at + 72])
    return _unread("iso9660", "an ISO 9660 filesystem", label=label, block=block, bytes=blocks * block)


def _ufs(read: Read) -> Content | None:
    for at in (8192, 65536, 262144):
        if read(at + 1372, 4) in _UFS:
            return _unread("ufs", "a UFS filesystem")
    return None


# ---------------------------------------------------------------- what is recognised and not read

_SIGNATURES: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"hsqs", "squashfs", "a SquashFS filesystem"),
    (1024, b"\xe2\xe1\xf5\xe0", "erofs", "an EROFS filesystem"),
    (1024, b"\x10\x20\xf5\xf2", "f2fs", "an F2FS filesystem"),
    (1024, b"H+\0\4", "hfsplus", "an HFS+ filesystem"),
    (1024, b"HX\0\5", "hfsplus", "an HFSX filesystem"),
    (32, b"NXSB", "apfs", "an APFS container"),
    (0, b"\x45\x3d\xcd\x28", "cramfs", "a CramFS filesystem"),
    (0, b"-rom1fs-", "romfs", "a ROMFS filesystem"),
    (0x8000, b"JFS1", "jfs", "a JFS filesystem"),
    (0x10034, b"ReIsEr", "reiserfs", "a ReiserFS filesystem"),
    (0x10000, b"ReIsEr4", "reiser4", "a Reiser4 filesystem"),
    (1024, b"\2\0\0\0\0\0\x34\x34", "nilfs2", "a NILFS2 filesystem"),
    (0x8001, b"BEA01", "udf", "a UDF filesystem"),
    (0x1018, bytes.fromhex("c68573f666ce90a9d96a60cf803df7ef"), "bcachefs", "a bcachefs filesystem"),
    (0x1018, bytes.fromhex("c68573f64e1a45ca8265f57f48ba6d81"), "bcache", "a bcache device"),
    (0, b"bluestore block device", "bluestore", "a Ceph BlueStore device"),
    (32, b"ORCLDISK", "oracleasm", "an Oracle ASM disk"),
    (512, b"PM\0\0", "apm", "an Apple partition map"),
    (4096, b"\xfc\x4e\x2b\xa9", "mdraid", "a member of a Linux RAID"),
    (0, b"\xfc\x4e\x2b\xa9", "mdraid", "a member of a Linux RAID"),
)


def _signature(read: Read, head: bytes, size: int) -> Content | None:
    for offset, magic, kind, says in _SIGNATURES:
        if head[offset : offset + len(magic)] == magic:
            return _unread(kind, says)
    return _xfs(head) or _btrfs(read) or _swap(head) or _managed(read, head, size)


def _xfs(head: bytes) -> Content | None:
    if head[:4] != b"XFSB" or len(head) < 120:
        return None
    block, blocks = struct.unpack_from(">IQ", head, 4)
    return _unread(
        "xfs", "an XFS filesystem", label=_words(head[108:120]), uuid=_uuid(head[32:48]), block=block,
        bytes=_fits(block * blocks),
    )  # fmt: skip


def _btrfs(read: Read) -> Content | None:
    raw = read(0x10000, 0x22B + 1)
    if raw[0x40:0x48] != b"_BHRfS_M" or len(raw) < 0x22C:
        return None
    return _unread(
        "btrfs", "a Btrfs filesystem", label=_words(raw[0x12B:]), uuid=_uuid(raw[0x20:0x30]),
        block=struct.unpack_from("<I", raw, 0x90)[0], bytes=_fits(struct.unpack_from("<Q", raw, 0x70)[0]),
    )  # fmt: skip


def _swap(head: bytes) -> Content | None:
    for page in (4096, 8192, 16384, 65536):
        if head[page - 10 : page] in (b"SWAPSPACE2", b"SWAP-SPACE"):
            return Content("swap", "swap space", label=_words(head[1052:1068]), uuid=_uuid(head[1036:1052]), block=page)
    return None


def _managed(read: Read, head: bytes, size: int) -> Content | None:
    """What another layer has to put together, or to decrypt, first."""
    if head[:6] in (b"LUKS\xba\xbe", b"SKUL\xba\xbe"):
        says = f"LUKS{head[7]} encryption"
        return Content("luks", says, problem=f"{says}, {_NO_KEY}", uuid=_words(head[168:208]))
    for at in range(0, 2048, 512):
        if head[at : at + 8] == b"LABELONE" and head[at + 24 : at + 32] == b"LVM2 001":
            return _unread("lvm2", "an LVM physical volume", uuid=_words(head[at + 32 : at + 64], "ascii"))
    for at in (128 << 10, 132 << 10, 160 << 10, 192 << 10, 255 << 10):
        if read(at, 8) in (b"\x0c\xb1\xba\0\0\0\0\0", b"\0\0\0\0\0\xba\xb1\x0c"):
            return _unread("zfs", "a ZFS pool member")
    # Versions 0.90 and 1.0 of Linux RAID keep their superblock at the end.
    for at in ((size & ~0xFFFF) - 0x10000, ((size >> 9) - 16 & ~7) << 9):
        if at > 0 and read(at, 4) == b"\xfc\x4e\x2b\xa9":
            return _unread("mdraid", "a member of a Linux RAID")
    if size > 1 << 20 and read(1 << 20, 4) == b"\x0d\xd0\x01\xc0":
        return _unread("vmfs", "a VMFS volume")
    return None


def _fits(size: int) -> int | None:
    return size if size < 1 << 63 else None
