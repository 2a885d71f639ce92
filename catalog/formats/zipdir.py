"""The directory of a ZIP file, read in a few ranges, and single members decompressed within a bound.

APPNOTE.TXT 6.3: the end of central directory record (4.3.16), its ZIP64 form (4.3.14), headers (4.3.12).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from catalog.errors import InspectError
from catalog.formats.base import KIB, MIB, RangeReader

MOST_MEMBERS = 50_000
_TAIL = 66 * KIB
_DIRECTORY = 12 * MIB
_FULL = 0xFFFFFFFF
_STORED, _DEFLATED = 0, 8


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the archive: sizes as announced, `at` where its local header starts."""

    name: str
    size: int
    packed: int
    method: int
    encrypted: bool
    at: int


class ZipDirectory:
    """All members (up to `MOST_MEMBERS`) of the ZIP file behind `reader`. Raises `InspectError`."""

    def __init__(self, reader: RangeReader) -> None:
        self._reader = reader
        start, length, self.count = self._end()
        if length > _DIRECTORY:
            raise InspectError("The ZIP directory is longer than 12 MiB.", finding="too_large")
        self.members = self._central(self._at(start, length))
        self._by_name = {member.name: member for member in self.members}

    def get(self, name: str) -> Member | None:
        """The member of that name."""
        return self._by_name.get(name)

    def read(self, member: Member, limit: int) -> bytes:
        """Up to `limit` bytes of a member, unpacked."""
        if member.encrypted:
            raise InspectError("The member is encrypted.", finding="encrypted")
        if member.method not in (_STORED, _DEFLATED):
            raise InspectError(f"ZIP method {member.method} is not read.", finding="unsupported")
        at = self.data_at(member)
        data = self._reader.read(at, min(member.packed, limit if member.method == _STORED else limit + 64 * KIB))
        if member.method == _STORED:
            return data[:limit]
        return zlib.decompressobj(wbits=-15).decompress(data, limit)

    def data_at(self, member: Member) -> int:
        """Where a member's data starts, which only its local header tells."""
        header = self._reader.read(member.at, 30)
        if len(header) < 30 or header[:4] != b"PK\x03\x04":
            raise InspectError("The ZIP directory points to no member.", finding="corrupt")
        name, extra = struct.unpack_from("<HH", header, 26)
        return member.at + 30 + int(name) + int(extra)

    def _end(self) -> tuple[int, int, int]:
        """Start and length of the central directory, and how many entries it has."""
        reader = self._reader
        tail = reader.tail(_TAIL)
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or len(tail) < at + 22:
            raise InspectError("The ZIP directory is missing: the file was cut off.", finding="truncated")
        _, _, _, count, length, start = struct.unpack_from("<HHHHII", tail, at + 4)
        end = (reader.size or 0) - len(tail) + at
        if count == 0xFFFF or length == _FULL or start == _FULL:
            locator = tail[at - 20 : at] if at >= 20 else b""
            if locator[:4] == b"PK\x06\x07":
                end = struct.unpack_from("<Q", locator, 8)[0]
                record = reader.read(end, 56)
                if record[:4] != b"PK\x06\x06" or len(record) < 56:
                    raise InspectError("The ZIP64 directory is missing.", finding="corrupt")
                count, length, start = struct.unpack_from("<QQQ", record, 32)
        # An archive with something in front (a self-extractor) counts its offsets from where it starts.
        self._shift = 0 if reader.read(start, 4) == b"PK\x01\x02" else max(end - length - start, 0)
        return start + self._shift, length, count

    def _at(self, start: int, length: int) -> bytes:
        size = self._reader.size or 0
        if start < 0 or start + length > size:
            raise InspectError("The ZIP directory points beyond the file.", finding="corrupt")
        back = size - start
        tail = self._reader.tail(back) if back <= MIB else self._reader.read(start, length)
        return tail[:length]

    def _central(self, data: bytes) -> list[Member]:
        found: list[Member] = []
        at = 0
        while at + 46 <= len(data) and len(found) < MOST_MEMBERS and data[at : at + 4] == b"PK\x01\x02":
            flags, method = struct.unpack_from("<HH", data, at + 8)
            packed, size, name, extra, comment = struct.unpack_from("<IIHHH", data, at + 20)
            start = struct.unpack_from("<I", data, at + 42)[0]
            raw = data[at + 46 : at + 46 + name]
            more = data[at + 46 + name : at + 46 + name + extra]
            size, packed, start = _wide(more, size, packed, start)
            text = raw.decode("utf-8" if flags & 0x800 or raw.isascii() else "cp437", "replace")
            found.append(Member(text, size, packed, method, bool(flags & 1), start + self._shift))
            at += 46 + name + extra + comment
        if not found and self.count:
            raise InspectError("The ZIP directory holds no entries.", finding="corrupt")
        return found


def _wide(extra: bytes, size: int, packed: int, start: int) -> tuple[int, int, int]:
    """Sizes and offset with what the ZIP64 field (4.5.3) says in place of 0xFFFFFFFF."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            values = list(struct.unpack_from(f"<{min(length, len(extra) - at - 4) // 8}Q", extra, at + 4))
            size = values.pop(0) if size == _FULL and values else size
            packed = values.pop(0) if packed == _FULL and values else packed
            start = values.pop(0) if start == _FULL and values else start
        at += 4 + length
    return size, packed, start
