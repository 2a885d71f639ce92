"""Reading a file from front to back with jumps: the way most binary headers are laid out."""

from __future__ import annotations

import struct
from typing import Any

from catalog.errors import InspectError
from catalog.formats.base import KIB, MIB, RangeReader

MOST = 16 * MIB
"""The longest piece that is taken at once; a forged length must not allocate more."""


class Stream:
    """A cursor over a file or over bytes, with a buffer, so that many small takes are few reads.

    Taking more than there is raises `InspectError("truncated")`, a piece beyond `MOST` `"too_large"`.
    `end` bounds it to a part of the source.
    """

    def __init__(
        self,
        source: RangeReader | bytes,
        at: int = 0,
        end: int | None = None,
        *,
        order: str = "<",
        block: int = 64 * KIB,
    ) -> None:
        self._source = source
        self._block = block
        self._buffer = source if isinstance(source, bytes) else b""
        self._start = 0
        size = len(source) if isinstance(source, bytes) else source.size
        self.end = size if end is None else end if size is None else min(end, size)
        self.at = at
        self.order = order

    @property
    def left(self) -> int:
        """Bytes between here and the end; 0 where the end is unknown or passed."""
        return max((self.end or 0) - self.at, 0)

    def take(self, length: int) -> bytes:
        """The next `length` bytes."""
        data = self.peek(length)
        if len(data) < length:
            raise InspectError("The file ends before what its header announces.", finding="truncated")
        self.at += length
        return data

    def peek(self, length: int) -> bytes:
        """Up to `length` bytes ahead, fewer only where the end is, without moving on."""
        if length < 0:
            raise InspectError("The file announces a piece of negative length.", finding="corrupt")
        if self.end is not None:
            length = min(length, self.left)
        if length > MOST:
            raise InspectError("A single piece of the header is longer than 16 MiB.", finding="too_large")
        offset = self.at - self._start
        if offset < 0 or offset + length > len(self._buffer):
            self._fill(length)
            offset = self.at - self._start
        return self._buffer[offset : offset + length]

    def skip(self, length: int) -> None:
        """Move on without reading; beyond the end is noticed by the next take."""
        if length < 0:
            raise InspectError("The file announces a piece of negative length.", finding="corrupt")
        self.at += length

    def unpack(self, layout: str) -> tuple[Any, ...]:
        """The values of a `struct` layout, in the stream's byte order unless it names its own."""
        layout = layout if layout[0] in "<>=!" else self.order + layout
        return struct.unpack(layout, self.take(struct.calcsize(layout)))

    def number(self, code: str) -> int:
        """One integer by its `struct` code."""
        value: int = self.unpack(code)[0]
        return value

    def _fill(self, length: int) -> None:
        if isinstance(self._source, bytes):
            self._buffer, self._start = self._source, 0
            return
        self._source.check_time()
        wanted = max(length, self._block)
        if self.end is not None:
            wanted = min(wanted, self.left)
        self._start = self.at
        self._buffer = self._source.read(self.at, wanted)
