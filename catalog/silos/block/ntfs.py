"""Directories and file records of NTFS, read from its indexes and its file table.

The Sleuth Kit finds the bytes of the file table and of indexes, and reads the content of files. It is not asked
for directories, because it compares each entry with all before it, and replaces halves of surrogate pairs by
other characters, so that two files can end up with one name; nor for sizes and times, because it has none
before 1970 or after 2106. Sparse files that are larger than their disk, which it refuses, are read here.

The layout is told in the documentation of Linux-NTFS, "NTFS Documentation": $MFT, $INDEX_ROOT, $INDEX_ALLOCATION,
$FILE_NAME, data runs.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from catalog.silos.block.folder import (
    BEAT_EVERY,
    Beat,
    Content,
    File,
    Folder,
    UnreadableError,
    arranged,
    nameable,
    wide,
)

if TYPE_CHECKING:
    from catalog.silos.block.image import Read

_STANDARD, _LIST, _DATA, _INDEX_ROOT, _INDEX_ALLOCATION, _BITMAP, _REPARSE = 0x10, 0x20, 0x80, 0x90, 0xA0, 0xB0, 0xC0
_END = 0xFFFFFFFF
_COMPRESSED, _ENCRYPTED = 0x00FF, 0x4000
_ATTRIBUTE = struct.Struct("<IIBBHH")  # type, length, is it elsewhere, length and place of the name, flags
_RESIDENT = struct.Struct("<IH")  # at 16: length and place of the value
_ELSEWHERE = struct.Struct("<QQH6xQQQ")  # at 16: first and last cluster, runs, room, size, how much was written
_HEADER = struct.Struct("<II")  # of an index: where its first entry is, how long all are
_ENTRY = struct.Struct("<QHHH2x")
_NAME = struct.Struct("<II2B")  # at 56 of $FILE_NAME: flags, reparse tag, length, namespace
_DOS = 2  # the namespace of a name that only exists beside the real one
_LAST = 2
_IN_USE, _IS_FOLDER = 1, 2
_SYSTEM_FILE = 0x4
_FIRST_FILE = 16  # what stands before it in the file table is the filesystem's own
_LARGEST = 1 << 30
_PIECE = 1 << 20
_TABLE_PIECE = 64  # records of the file table read at once
_TABLE_PIECES = 64
_EPOCH = 116_444_736_000_000_000  # 1970 in tenths of microseconds since 1601

_LINKS = {
    0xA000000C: "symlink", 0xA0000003: "symlink", 0xA000001D: "symlink",
    0x80000023: "socket", 0x80000024: "fifo", 0x80000025: "device", 0x80000026: "device",
}  # fmt: skip
"""What a reparse point with one of these tags is: links of Windows and of WSL, junctions, and WSL's special files."""
_INTERIX = {b"IntxLNK\1": "symlink", b"IntxCHR\0": "device", b"IntxBLK\0": "device"}
"""How drivers of Unix mark theirs: a system file whose content begins so."""


class Record(NamedTuple):
    """A file's entry in the file table. `streams` counts what it holds beside its content, `tag` is a reparse point's.

    `runs` are the raw data runs of a content that lies elsewhere; None when it is in the record, or in many records.
    """

    sequence: int
    is_folder: bool
    size: int
    mtime_ns: int
    streams: int
    flags: int
    tag: int | None
    written: int
    runs: bytes | None


class _Key(NamedTuple):
    """An entry of an index: a name, and the file it leads to."""

    name: str
    node: int
    sequence: int
    flags: int


class NtfsFilesystem:
    """One NTFS filesystem. `tsk` is The Sleuth Kit's handle of it, `read` reads its bytes."""

    root = 5

    def __init__(self, tsk: Any, read: Read, size: int, beat: Beat) -> None:
        self._tsk = tsk
        self._size = size
        self._read = read
        self._beat = beat
        head = read(0, 512)
        sector, spread = struct.unpack_from("<HB", head, 11)
        self._cluster = sector * (1 << (256 - spread) if spread > 0x80 else spread)
        each = struct.unpack_from("<b", head, 64)[0]
        self._record = each * self._cluster if each > 0 else 1 << min(-each, 16)
        self._mft = tsk.open_meta(0)
        self._table: dict[int, bytes] = {}

    def folder(self, node: int) -> Folder:
        """See `Filesystem.folder`."""
        record = self.record(node)
        if not record.is_folder:
            raise UnreadableError("it is not a folder")
        folder = Folder(record.mtime_ns)
        files: list[File] = []
        below: list[tuple[str, int]] = []
        for number, key in enumerate(self._keys(self._tsk.open_meta(node), folder)):
            if not number % BEAT_EVERY:
                self._beat()
            if key.node < _FIRST_FILE:
                if key.node != self.root:
                    folder.skip("metadata")
            elif nameable(key.name):
                self._take(key, folder, files, below)
            else:
                folder.blame("a name in it holds a '/' or a null character")
        return arranged(folder, files, below)

    def mtime(self, node: int) -> int | None:
        """See `Filesystem.mtime`."""
        return self.record(node).mtime_ns

    def refusal(self, node: int) -> str | None:
        """See `Filesystem.refusal`."""
        record = self.record(node)
        if record.flags & _ENCRYPTED:
            return "it is encrypted"
        if record.tag is not None and record.tag not in _LINKS:
            return f"its content is kept elsewhere, or in another form (reparse point {record.tag:08x})"
        return None

    def _take(self, key: _Key, folder: Folder, files: list[File], below: list[tuple[str, int]]) -> None:
        """Put what `key` leads to where it belongs."""
        try:
            record = self.record(key.node)
        except OSError:
            folder.blame("an entry of it leads to a file that is gone")
            return
        if key.sequence and record.sequence != key.sequence:
            folder.blame("an entry of it leads to a file that is gone")
            return
        link = _LINKS.get(record.tag or 0)
        if link is None and key.flags & _SYSTEM_FILE and record.size >= 8 and not record.is_folder:
            link = _INTERIX.get(self.content(key.node)(0, 8))
        if link is not None:
            folder.skip(link)
            return
        if record.streams:
            folder.skip("stream", record.streams)
        if record.is_folder:
            below.append((key.name, key.node))
        else:
            files.append((key.name, record.size, record.mtime_ns, key.node))

    # ------------------------------------------------------------ content

    def content(self, node: int) -> Content:
        """See `Filesystem.content`."""
        try:
            content: Content = self._tsk.open_meta(node).read_random
            return content
        except OSError:
            record = self.record(node)
            if record.runs is None or record.flags & _COMPRESSED:
                raise
            return lambda offset, length: self._sparse(record, offset, length)

    def _sparse(self, record: Record, offset: int, length: int) -> bytes:
        """Content read by its data runs: what has no place on disk, or was never written, is zeros."""
        assert record.runs is not None
        end = min(offset + length, record.size)
        wanted = bytearray(max(end - offset, 0))
        at = 0
        for place, clusters in _runs(record.runs):
            begin, stop = max(at, offset), min(at + clusters * self._cluster, end, record.written)
            if place is not None and begin < stop:
                data = self._read(place * self._cluster + begin - at, stop - begin)
                if len(data) < stop - begin:
                    raise UnreadableError("a part of it is beyond the end of the image")
                wanted[begin - offset : stop - offset] = data
            at += clusters * self._cluster
            if at >= end:
                break
        return bytes(wanted)

    # ------------------------------------------------------------ the file table

    def record(self, node: int) -> Record:
        """The entry of `node` in the file table. Raises `OSError`."""
        raw = _mended(self._raw(node), b"FILE")
        if raw is None:
            raise UnreadableError("its record in the file table is damaged")
        at, flags = struct.unpack_from("<HH", raw, 20)
        sequence = struct.unpack_from("<H", raw, 16)[0]
        if not flags & _IN_USE:
            raise UnreadableError("it is deleted")
        found = Record(sequence, bool(flags & _IS_FOLDER), 0, 0, 0, 0, None, 0, None)
        for kind, start, length in _attributes(raw, at):
            if kind == _LIST:
                return self._of_many(node, found)
            found = _with(found, raw, kind, start, length)
        return found

    def _of_many(self, node: int, found: Record) -> Record:
        """A file whose attributes take more than one record: The Sleuth Kit gathers them."""
        file = self._tsk.open_meta(node)
        meta = file.info.meta
        streams = flags = 0
        tag = None
        for one in file:
            info = one.info
            if int(info.type) == _DATA and info.name:
                streams += 1
            elif int(info.type) == _DATA and int(info.flags) & 0x10:  # TSK_FS_ATTR_ENC
                flags = _ENCRYPTED
            elif int(info.type) == _REPARSE:
                tag = int.from_bytes(file.read_random(0, 4, _REPARSE, int(info.id)), "little")
        mtime_ns = int(meta.mtime) * 1_000_000_000 + int(meta.mtime_nano)
        return found._replace(size=int(meta.size), mtime_ns=mtime_ns, streams=streams, flags=flags, tag=tag)

    def _raw(self, node: int) -> bytes:
        first = node - node % _TABLE_PIECE
        piece = self._table.get(first)
        if piece is None:
            self._beat()
            if len(self._table) >= _TABLE_PIECES:
                self._table.clear()
            piece = self._mft.read_random(first * self._record, _TABLE_PIECE * self._record)
            self._table[first] = piece
        at = (node - first) * self._record
        return piece[at : at + self._record]

    # ------------------------------------------------------------ indexes

    def _keys(self, file: Any, folder: Folder) -> Iterator[_Key]:
        """The entries of a directory's index, in no order. Names that only DOS sees are left out."""
        infos = [one.info for one in file]
        found = {int(one.type): (int(one.id), int(one.size)) for one in infos if one.name in (b"$I30", b"", None)}
        if _INDEX_ROOT not in found:
            raise UnreadableError("it has no index")
        root, size = found[_INDEX_ROOT]
        data = file.read_random(0, min(size, _PIECE), _INDEX_ROOT, root)
        if len(data) < 32:
            raise UnreadableError("its index is damaged")
        folder.room = len(data)
        yield from _entries(data, 16, folder)
        allocation, size = found.get(_INDEX_ALLOCATION, (0, 0))
        if not size:
            return
        block = int.from_bytes(data[8:12], "little")
        if not 512 <= block <= 1 << 16 or block & (block - 1):
            raise UnreadableError("its index is damaged")
        largest = min(_LARGEST, self._size)
        if size > largest:
            folder.blame("it says that it is larger than a folder can be")
            size = largest
        folder.room += size
        bitmap, length = found.get(_BITMAP, (0, 0))
        used = file.read_random(0, min(length, _PIECE), _BITMAP, bitmap) if length else b""
        for start in range(0, size, _PIECE):
            self._beat()
            piece = file.read_random(start, min(_PIECE, size - start), _INDEX_ALLOCATION, allocation)
            yield from _blocks(piece, start, block, used, folder)


def _blocks(piece: bytes, start: int, block: int, used: bytes, folder: Folder) -> Iterator[_Key]:
    """The entries in the blocks of an index that its bitmap calls used. `piece` is what it has from `start` on."""
    for at in range(0, len(piece) - block + 1, block):
        byte, bit = divmod((start + at) // block, 8)
        if byte < len(used) and used[byte] >> bit & 1:
            mended = _mended(piece[at : at + block], b"INDX")
            if mended is None:
                folder.blame("a block of its index is damaged")
            else:
                yield from _entries(mended, 24, folder)


def _entries(data: bytes, header: int, folder: Folder) -> Iterator[_Key]:
    """The entries behind the index header at `header`."""
    first, length = _HEADER.unpack_from(data, header)
    at, end = header + first, min(header + length, len(data))
    while at + 16 <= end:
        reference, size, key, flags = _ENTRY.unpack_from(data, at)
        if flags & _LAST:
            return
        if size < 16 or at + size > end or key + 16 > size or key < 66:
            break
        attributes, _, count, namespace = _NAME.unpack_from(data, at + 16 + 56)
        if 66 + 2 * count > key:
            break
        if namespace != _DOS:
            name = wide(data[at + 82 : at + 82 + 2 * count].decode("utf-16-le", "surrogatepass"))
            yield _Key(name, reference & 0xFFFFFFFFFFFF, reference >> 48, attributes)
        at += size
    folder.blame("its index is damaged")


# ---------------------------------------------------------------- records


def _mended(block: bytes, magic: bytes) -> bytes | None:
    """A record or index block with the last bytes of its sectors put back; None when it is none, or torn."""
    if len(block) < 48 or block[:4] != magic:
        return None
    at, count = struct.unpack_from("<HH", block, 4)
    sectors = count - 1
    if sectors < 1 or len(block) % sectors or at + 2 * count > len(block):
        return None
    sector, mark = len(block) // sectors, block[at : at + 2]
    whole = bytearray(block)
    for number in range(sectors):
        end = (number + 1) * sector
        if whole[end - 2 : end] != mark:
            return None
        whole[end - 2 : end] = block[at + 2 + 2 * number : at + 4 + 2 * number]
    return bytes(whole)


def _attributes(raw: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Type, place and length of each attribute of a record."""
    while at + 24 <= len(raw):
        kind, length = struct.unpack_from("<II", raw, at)
        if kind == _END or length < 24 or at + length > len(raw):
            return
        yield kind, at, length
        at += length


def _with(found: Record, raw: bytes, kind: int, at: int, length: int) -> Record:
    """`found`, with what one attribute of its record tells."""
    _, _, elsewhere, name, _, flags = _ATTRIBUTE.unpack_from(raw, at)
    if kind == _DATA and name:
        return found._replace(streams=found.streams + 1)
    if kind == _DATA and elsewhere and length >= 64:
        _, _, runs, _, size, written = _ELSEWHERE.unpack_from(raw, at + 16)
        return found._replace(size=size, flags=flags, written=written, runs=raw[at + runs : at + length])
    size, value = _RESIDENT.unpack_from(raw, at + 16)
    if kind == _DATA and not elsewhere:
        return found._replace(size=size, flags=flags)
    if kind == _STANDARD and not elsewhere and value + 16 <= length:
        tenths = struct.unpack_from("<q", raw, at + value + 8)[0]
        return found._replace(mtime_ns=(tenths - _EPOCH) * 100)
    if kind == _REPARSE:
        known = not elsewhere and value + 4 <= length
        return found._replace(tag=int.from_bytes(raw[at + value : at + value + 4], "little") if known else 0)
    return found


def _runs(raw: bytes) -> Iterator[tuple[int | None, int]]:
    """Data runs: the first cluster (None where nothing is stored) and how many clusters."""
    at = place = 0
    while at < len(raw) and raw[at]:
        low, high = raw[at] & 15, raw[at] >> 4
        count = int.from_bytes(raw[at + 1 : at + 1 + low], "little")
        moved = int.from_bytes(raw[at + 1 + low : at + 1 + low + high], "little", signed=True)
        at += 1 + low + high
        place += moved
        if place < 0 or not count:
            return
        yield place if high else None, count
