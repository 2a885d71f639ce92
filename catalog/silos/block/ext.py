"""Directories of ext2, ext3 and ext4, read from their own blocks and inode tables.

The Sleuth Kit compares each entry of a directory with all before it and gives up beyond a million: a folder
of 100,000 images takes it seconds of CPU, one of a million minutes. Here a directory is one pass over its
bytes, and inodes are looked up in tables that are read a piece at a time. Names stay the bytes that they are.
Nothing in here is C that could crash, so it runs in the silo's own process; The Sleuth Kit reads the content of
files, and of directories so large that their inode does not tell all places where they lie.

The layout is told in the kernel's documentation, `filesystems/ext4/`: directory entries, inode table.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from catalog.silos.block.ext_super import EXT_SUPERBLOCK, ext_superblock
from catalog.silos.block.folder import Folder, UnreadableError, as_text, decoded, nameable

if TYPE_CHECKING:
    from catalog.silos.block.image import Read

_ENTRY = struct.Struct("<IHBB")  # inode, length of the entry, length of the name, what it leads to
_IS_FOLDER = 2
_EXTENTS_HEADER = struct.Struct("<HH2xH4x")  # magic, how many, levels below
_EXTENT = struct.Struct("<IHHI")  # its first block in the file, how many, where on disk: upper and lower half
_DIRECT = struct.Struct("<12I")
_EXTENT_MAGIC = 0xF30A
_KINDS = {1: "fifo", 2: "device", 6: "device", 10: "symlink", 12: "socket"}  # mode >> 12
_FOLDER, _REGULAR = 4, 8
_GONE, _NOWHERE = 0, -1
_ENCRYPTED, _EXTENTS, _INLINE = 0x800, 0x80000, 0x10000000
_TYPED_ENTRIES, _LARGE_DIRECTORIES = 0x0002, 0x4000  # features of the filesystem
_SECOND = 1_000_000_000
_PIECE = 1 << 20
_LARGEST = 1 << 30
"""No directory is read beyond this: ten million names, more or less."""
_TABLE_PIECE = 1 << 15
_TABLE_PIECES = 256
_NO_NAMES = frozenset({"", ".", ".."})
_TWICE = "two of its entries have one name"

Fetch = Callable[[int, int, int], bytes]
"""`fetch(node, offset, length)`: bytes of a file or directory. Raises `UnreadableError`."""


class _Inodes(NamedTuple):
    """A piece of an inode table, from the inode `first` on. It is short where the image ends.

    `kinds` are the upper bits of the mode, 0 for an inode that no name leads to; `mtimes` are nanoseconds.
    """

    first: int
    kinds: list[int]
    sizes: list[int]
    mtimes: list[int]
    flags: array[int]
    raw: bytes


class _Entries(NamedTuple):
    """Names and inodes of a directory. `folders` is None where entries do not say what they lead to."""

    others: list[tuple[bytes, int]]
    folders: list[tuple[bytes, int]] | None


class ExtFilesystem:
    """One ext filesystem. `read` reads its bytes; `fetch` those of one inode, wherever they lie."""

    root = 2

    def __init__(self, read: Read, fetch: Fetch) -> None:
        self._read = read
        self._fetch = fetch
        found = ext_superblock(read(EXT_SUPERBLOCK, 1024))
        if isinstance(found, str):
            raise UnreadableError(found)
        self._super = found
        # A damaged count of groups cannot make this large: what the filesystem lacks is not there to be read.
        self._groups = read(
            (EXT_SUPERBLOCK // found.block + 1) * found.block, min(found.groups * found.descriptor, 1 << 26)
        )
        self._table: dict[int, _Inodes] = {}

    def folder(self, node: int) -> Folder:
        """See `Filesystem.folder`."""
        inodes, at = self._inode(node)
        if inodes.kinds[at] != _FOLDER:
            raise UnreadableError("it is not a folder")
        folder = Folder(inodes.mtimes[at])
        if inodes.flags[at] & _ENCRYPTED:
            folder.blame("it is encrypted: its names cannot be read without the key")
        else:
            self._fill(folder, self._entries(node, folder))
        return folder

    def mtime(self, node: int) -> int | None:
        """See `Filesystem.mtime`."""
        inodes, at = self._inode(node)
        return inodes.mtimes[at]

    def refusal(self, node: int) -> str | None:
        """See `Filesystem.refusal`."""
        inodes, at = self._inode(node)
        return "it is encrypted" if inodes.flags[at] & _ENCRYPTED else None

    # ------------------------------------------------------------ entries

    def _entries(self, node: int, folder: Folder) -> _Entries:
        """Names with their inodes, as they stand in the directory's blocks."""
        inodes, place = self._inode(node)
        size, flags = inodes.sizes[place], inodes.flags[place]
        if not self._super.incompat & _LARGE_DIRECTORIES:
            size &= 0xFFFFFFFF  # what stands behind it is an access list then
        largest = min(_LARGEST, self._super.blocks * self._super.block)
        if size > largest:
            folder.blame("it says that it is larger than a folder can be")
            size = largest
        folder.room = size
        found = _Entries([], [] if self._super.incompat & _TYPED_ENTRIES else None)
        if flags & _INLINE:
            data = self._fetch(node, 0, min(size, 4096))
            # Four bytes name the parent; what does not fit into the inode goes on behind, as a block of its own.
            for part in (data[4:60], data[60:]):
                _scan(part, len(part) or 1, found, folder)
            return found
        for data in self._blocks(node, inodes.raw, place * self._super.inode_size + 40, flags, size):
            _scan(data, self._super.block, found, folder)
            size -= len(data)
        if size > 0:
            folder.blame("its blocks end before it does")
        first = found.others if found.folders is None else found.folders
        if [name for name, _ in first[:2]] == [b".", b".."]:
            del first[:2]  # as in all folders that are whole
        return found

    def _blocks(self, node: int, raw: bytes, at: int, flags: int, size: int) -> Iterator[bytes]:
        """The bytes of a directory. `raw` says at `at` where they are, as far as the inode itself tells it."""
        for begin, length in self._places(raw, at, flags, size):
            data = self._read(begin, min(length, size))
            yield data
            size -= length
            if size <= 0 or len(data) < length:
                return
        done = 0
        while done < size:  # nothing was found by the inode alone
            data = self._fetch(node, done, min(_PIECE, size - done))
            if not data:
                return
            yield data
            done += len(data)

    def _places(self, raw: bytes, at: int, flags: int, size: int) -> list[tuple[int, int]]:
        """Where the bytes of a small directory lie, in order; empty when the inode alone does not tell."""
        block = self._super.block
        if not flags & _EXTENTS:  # ext2 and ext3: a list of blocks
            direct = _DIRECT.unpack_from(raw, at)[: -(-size // block)]
            return [(one * block, block) for one in direct] if size <= 12 * block and all(direct) else []
        magic, count, depth = _EXTENTS_HEADER.unpack_from(raw, at)
        if magic != _EXTENT_MAGIC or depth or not 0 < count <= 4:
            return []
        found: list[tuple[int, int]] = []
        ahead = 0
        for number in range(count):
            first, length, high, low = _EXTENT.unpack_from(raw, at + 12 + 12 * number)
            if first != ahead or not 0 < length <= _PIECE // block:
                return []
            found.append(((high << 32 | low) * block, length * block))
            ahead += length
        return found if size <= ahead * block else []

    def _fill(self, folder: Folder, found: _Entries) -> None:
        """Put the entries into columns, in the order of their names."""
        names, nodes = _named(found.others, folder)
        kinds, sizes, mtimes = self._looked_up(nodes)
        folder.directories, folder.below = _named(found.folders or [], folder)
        if set(kinds) <= {_REGULAR}:
            folder.names, folder.nodes, folder.sizes, folder.mtimes = names, nodes, sizes, mtimes
        else:
            _sort_out(folder, names, nodes, kinds, sizes, mtimes)
        both = set(folder.names).intersection(folder.directories) if folder.directories else ()
        if both:
            folder.blame(_TWICE)
            kept = [at for at, name in enumerate(folder.directories) if name not in both]
            folder.directories = [folder.directories[at] for at in kept]
            folder.below = [folder.below[at] for at in kept]

    # ------------------------------------------------------------ inodes

    def _looked_up(self, nodes: Sequence[int]) -> tuple[list[int], list[int], list[int]]:
        """Kinds, sizes and times of inodes, in the order of `nodes`."""
        kinds: list[int] = []
        sizes: list[int] = []
        mtimes: list[int] = []
        at, count = 0, len(nodes)
        while at < count:
            inodes = self._inodes(nodes[at]) if 0 < nodes[at] <= self._super.inodes else None
            low = inodes.first if inodes else 0
            high = low + len(inodes.kinds) if inodes else 0
            if at == 0 and low <= min(nodes) and max(nodes) < high:
                end = count  # all of them in one piece, as is usual for a small folder
            else:
                end = at
                while end < count and low <= nodes[end] < high:
                    end += 1
            if inodes is None or end == at:
                kinds.append(_NOWHERE)
                sizes.append(0)
                mtimes.append(0)
                at += 1
                continue
            here = [node - low for node in nodes[at:end]]
            kinds += map(inodes.kinds.__getitem__, here)
            sizes += map(inodes.sizes.__getitem__, here)
            mtimes += map(inodes.mtimes.__getitem__, here)
            at = end
        return kinds, sizes, mtimes

    def _inode(self, node: int) -> tuple[_Inodes, int]:
        """The piece of an inode table that holds `node`, and where in it."""
        if not 0 < node <= self._super.inodes:
            raise UnreadableError("it has no inode in this filesystem")
        inodes = self._inodes(node)
        if node - inodes.first >= len(inodes.kinds):
            raise UnreadableError("its inode is beyond the end of the image")
        return inodes, node - inodes.first

    def _inodes(self, node: int) -> _Inodes:
        group, index = divmod(node - 1, self._super.inodes_per_group)
        size = self._super.inode_size
        each = max(_TABLE_PIECE // size, 1)
        start = index - index % each
        first = group * self._super.inodes_per_group + start + 1
        inodes = self._table.get(first)
        if inodes is None:
            if len(self._table) >= _TABLE_PIECES:
                self._table.clear()
            count = min(each, self._super.inodes_per_group - start)
            raw = self._read(self._inode_table(group) * self._super.block + start * size, count * size)
            inodes = self._table[first] = _inodes(first, raw[: len(raw) - len(raw) % size], size)
        return inodes

    def _inode_table(self, group: int) -> int:
        """The block at which a group's inode table begins."""
        at = group * self._super.descriptor
        if at + self._super.descriptor > len(self._groups):
            raise UnreadableError("its block group is beyond the end of the image")
        block = int.from_bytes(self._groups[at + 8 : at + 12], "little")
        if self._super.descriptor >= 64:
            block |= int.from_bytes(self._groups[at + 0x28 : at + 0x2C], "little") << 32
        return block


def _inodes(first: int, raw: bytes, size: int) -> _Inodes:
    """The inodes in `raw`, each `size` bytes, as columns."""
    words = array("I", raw)
    if sys.byteorder == "big":
        words.byteswap()
    step = size // 4
    # Mode and owner share a word, and so do group and count of links.
    kinds = [mode >> 12 & 0xF if links >> 16 else _GONE for mode, links in zip(words[0::step], words[6::step])]
    lows, highs = words[1::step], words[27::step]
    sizes = [low | high << 32 for low, high in zip(lows, highs)] if any(highs) else lows.tolist()
    times = words[4::step].tolist()
    if times and max(times) >= 1 << 31:
        times = [second if second < 1 << 31 else second - (1 << 32) for second in times]
    fine = words[34::step] if size > 128 else array("I")
    if any(fine):
        # Where the inode has room for them: two bits for the time after 2038, and nanoseconds.
        room = words[32::step]
        mtimes = [
            (second + ((more & 3) << 32)) * _SECOND + (more >> 2) if there & 0xFFFF >= 12 else second * _SECOND
            for second, there, more in zip(times, room, fine)
        ]
    else:
        mtimes = [second * _SECOND for second in times]
    return _Inodes(first, kinds, sizes, mtimes, words[8::step], raw)


def _scan(data: bytes, block: int, found: _Entries, folder: Folder) -> None:
    """Add the entries in `data`, made of whole blocks. In one that is damaged the rest of the block is passed over."""
    unpack, add = _ENTRY.unpack_from, found.others.append
    folders = found.folders if found.folders is not None else found.others
    for start in range(0, len(data), block):
        at, end = start, min(start + block, len(data))
        while at <= end - 8:
            node, length, size, kind = unpack(data, at)
            name = at + 8
            behind = at + length
            if behind > end or behind < name + size:
                if block == 65536 and length == 0 and not node:
                    break  # all of the block is free: its length does not fit into two bytes
                folder.blame("a block of it is damaged")
                break
            if node:
                if kind == _IS_FOLDER:
                    folders.append((data[name : name + size], node))
                else:
                    add((data[name : name + size], node))
            at = behind


def _named(entries: list[tuple[bytes, int]], folder: Folder) -> tuple[list[str], list[int]]:
    """Names as text and their inodes, in the order of the names, without what is no name, or is one twice."""
    entries.sort()
    names = decoded([name for name, _ in entries])
    nodes = [node for _, node in entries]
    unique = set(names or ())
    if names is None or not unique.isdisjoint(_NO_NAMES):
        pairs = [(as_text(name), node) for name, node in entries if name not in (b".", b"..")]
        kept = sorted(pair for pair in pairs if nameable(pair[0]))
        if len(kept) < len(pairs):
            folder.blame("a name in it is empty, or holds a '/' or a null character")
        names, nodes = [name for name, _ in kept], [node for _, node in kept]
        unique = set(names)
    if len(unique) < len(names):
        folder.blame(_TWICE)
        first = [at for at, name in enumerate(names) if not at or name != names[at - 1]]
        names, nodes = [names[at] for at in first], [nodes[at] for at in first]
    return names, nodes


def _sort_out(
    folder: Folder, names: list[str], nodes: list[int], kinds: list[int], sizes: list[int], mtimes: list[int]
) -> None:
    """Part the files of a folder from everything else in it."""
    others: list[tuple[str, int]] = []
    for name, node, kind, size, mtime in zip(names, nodes, kinds, sizes, mtimes):
        if kind == _REGULAR:
            folder.names.append(name)
            folder.nodes.append(node)
            folder.sizes.append(size)
            folder.mtimes.append(mtime)
        elif kind == _FOLDER:
            others.append((name, node))
        elif kind == _GONE:
            folder.blame("an entry of it leads to a file that is gone")
        elif kind == _NOWHERE:
            folder.blame("an entry of it leads out of the filesystem, or of the image")
        else:
            folder.skip(_KINDS.get(kind, "other"))
    if others:
        merged = sorted([*zip(folder.directories, folder.below), *others])
        folder.directories, folder.below = [name for name, _ in merged], [node for _, node in merged]
