"""Just enough of FlatBuffers to read Arrow's message headers and TensorFlow Lite's models."""

from __future__ import annotations

import struct
from typing import Self


class Table:
    """One table at `at` in `data`. Slots count from 0 as in the .fbs file; `struct` checks the offsets."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at
        self._vtable = at - self._int("<i", at)
        self._slots = (self._int("<H", self._vtable) - 4) // 2

    @classmethod
    def root(cls, data: bytes) -> Self:
        """The outermost table of a buffer."""
        return cls(data, int.from_bytes(data[:4], "little"))

    def integer(self, slot: int, code: str, default: int = 0) -> int:
        """A scalar; `code` is its `struct` format (`<q` for long)."""
        at = self._field(slot)
        return default if at is None else self._int(code, at)

    def table(self, slot: int) -> Table | None:
        """A nested table, None where the field is absent."""
        at = self._field(slot)
        return None if at is None else Table(self.data, at + self._int("<I", at))

    def structs(self, slot: int, layout: str, limit: int) -> list[tuple[int, ...]] | None:
        """A vector of structs; None when it has more than `limit`."""
        at = self._field(slot)
        if at is None:
            return []
        start = at + self._int("<I", at)
        count = self._int("<I", start)
        if count > limit:
            return None
        size = struct.calcsize(layout)
        return [struct.unpack_from(layout, self.data, start + 4 + i * size) for i in range(count)]

    def tables(self, slot: int, limit: int) -> list[Table]:
        """Up to `limit` tables of a vector."""
        start, count = self._vector(slot)
        places = range(start, start + 4 * min(count, limit), 4)
        return [Table(self.data, at + self._int("<I", at)) for at in places]

    def count(self, slot: int) -> int:
        """How many elements a vector claims to have."""
        return self._vector(slot)[1]

    def numbers(self, slot: int, code: str, limit: int) -> tuple[int, ...]:
        """Up to `limit` scalars of a vector; `code` is one letter of `struct`."""
        start, count = self._vector(slot)
        return struct.unpack_from(f"<{min(count, limit)}{code}", self.data, start)

    def text(self, slot: int, limit: int = 200) -> str | None:
        """A string, cut to `limit` bytes; None where the field is absent."""
        start, count = self._vector(slot)
        return self.data[start : start + min(count, limit)].decode("utf-8", "replace") if start else None

    def _vector(self, slot: int) -> tuple[int, int]:
        at = self._field(slot)
        if at is None:
            return 0, 0
        start = at + self._int("<I", at)
        return start + 4, self._int("<I", start)

    def _field(self, slot: int) -> int | None:
        offset = self._int("<H", self._vtable + 4 + 2 * slot) if slot < self._slots else 0
        return self.at + offset if offset else None

    def _int(self, code: str, at: int) -> int:
        if at < 0:
            raise ValueError("offset before the buffer")
        value: int = struct.unpack_from(code, self.data, at)[0]
        return value
