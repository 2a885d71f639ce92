"""The superblock of ext2, ext3 and ext4, checked before anything relies on it."""

from __future__ import annotations

import struct
from typing import NamedTuple

EXT_SUPERBLOCK = 1024
"""Where it stands, and how long it is."""


class ExtSuperblock(NamedTuple):
    """The fields of an ext superblock that reading directories takes. `incompat` are feature bits."""

    inodes: int
    blocks: int
    block: int
    first_block: int
    blocks_per_group: int
    inodes_per_group: int
    inode_size: int
    descriptor: int
    incompat: int

    @property
    def groups(self) -> int:
        """How many block groups there are."""
        return -(-(self.blocks - self.first_block) // self.blocks_per_group)


def ext_superblock(raw: bytes) -> ExtSuperblock | str:
    """The superblock in `raw` (1,024 bytes), or what is wrong with it in a few words."""
    inodes, low = struct.unpack_from("<II", raw, 0)
    first, log, _, per_group, _, inodes_per_group = struct.unpack_from("<6I", raw, 20)
    revision = struct.unpack_from("<I", raw, 76)[0]
    incompat = struct.unpack_from("<I", raw, 96)[0] if revision else 0
    inode_size = struct.unpack_from("<H", raw, 88)[0] if revision else 128
    wide = bool(incompat & 0x80)
    blocks = low | (struct.unpack_from("<I", raw, 0x150)[0] << 32 if wide else 0)
    descriptor = struct.unpack_from("<H", raw, 0xFE)[0] if wide else 32
    if log > 6:
        return "its block size makes no sense"
    block = 1024 << log
    if not power_of_two(inode_size, 128, block):
        return "its inode size makes no sense"
    if not power_of_two(descriptor, 32, 1024):
        return "its group descriptors make no sense"
    if not 8 <= per_group <= block * 8 * 16 or not 8 <= inodes_per_group <= block * 8:
        return "its block groups make no sense"
    if first > 1 or blocks <= first or not inodes >= 1:
        return "its sizes make no sense"
    found = ExtSuperblock(inodes, blocks, block, first, per_group, inodes_per_group, inode_size, descriptor, incompat)
    if found.groups * inodes_per_group != inodes:
        return "its count of inodes does not fit its groups"
    return found


def power_of_two(value: int, low: int, high: int) -> bool:
    """Is `value` a power of two from `low` to `high`?"""
    return low <= value <= high and value & (value - 1) == 0
