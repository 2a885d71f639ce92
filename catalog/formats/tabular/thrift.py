"""Thrift's compact protocol (thrift-compact-protocol.md), as Parquet writes its footers: structs by field number.

Written here because the library that reads Parquet aborts its process on some damaged statistics and unknown codecs.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

_DEEPEST = 24
_MOST = 400_000

Struct = dict[int, Any]
"""Field number to value: numbers, booleans, bytes, lists, structs."""


class Leaf(NamedTuple):
    """A value that holds no others: the numbers of the fields and elements it lies in, its type, and its bytes."""

    path: tuple[int, ...]
    kind: int
    start: int
    end: int


class Reader:
    """Decodes structs from bytes. Raises `ValueError` and `IndexError` for what is none."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self._at = at
        self._items = 0

    @property
    def at(self) -> int:
        """How far it has come."""
        return self._at

    def spans(self) -> dict[int, tuple[int, int]]:
        """Where each field of the struct that starts here begins, with its header, and ends."""
        found: dict[int, tuple[int, int]] = {}
        number, start = 0, self._at
        while header := self._byte():
            kind, step = header & 15, header >> 4
            number = number + step if step else self._zigzag()
            if kind not in (1, 2):
                self._value(kind, 0)
            found[number] = (start, self._at)
            start = self._at
        return found

    def leaves(self, until: int, after: int = 0) -> list[Leaf]:
        """The leaves of the fields that follow field `after` of a struct, up to the byte `until`."""
        found: list[Leaf] = []
        number = after
        while self._at < until:
            header = self._byte()
            number = number + (header >> 4) if header >> 4 else self._zigzag()
            self._gather(header & 15, (number,), found)
        return found

    def _gather(self, kind: int, path: tuple[int, ...], found: list[Leaf]) -> None:
        start, number = self._at, 0
        if kind in (1, 2) or len(path) > _DEEPEST:
            return  # a boolean field has no bytes of its own
        if kind == 12:
            while header := self._byte():
                number = number + (header >> 4) if header >> 4 else self._zigzag()
                self._gather(header & 15, (*path, number), found)
        elif kind in (9, 10):
            count, element = self._list_header()
            if element in (1, 2):
                self._at += count
            for place in range(count if element not in (1, 2) else 0):
                self._gather(element, (*path, place), found)
        else:
            self._value(kind, 0)
            found.append(Leaf(path, kind, start, self._at))

    def struct(self, depth: int = 0, after: int = 0) -> Struct:
        """The struct that starts here, or what follows field `after` of it."""
        found: Struct = {}
        data, number = self._data, after
        if depth > _DEEPEST:
            raise ValueError("nested too deep")
        while header := data[self._at]:
            self._at += 1
            kind, step = header & 15, header >> 4
            number = number + step if step else self._zigzag()
            if kind in (1, 2):
                found[number] = kind == 1
                continue
            self._items += 1
            if self._items > _MOST:
                raise ValueError("too long")
            short = data[self._at] if kind in (4, 5, 6, 8) else 128
            if short >= 128:
                found[number] = self._value(kind, depth)
            elif kind == 8:  # most strings and numbers are short: nothing is called for them
                end = self._at + 1 + short
                if end > len(data):
                    raise ValueError("a string longer than the data")
                found[number] = data[self._at + 1 : end]
                self._at = end
            else:
                found[number] = short >> 1 ^ -(short & 1)
                self._at += 1
        self._at += 1
        return found

    def first_of(self, wanted: int) -> Any:
        """The first element of the list in field `wanted` of the struct that starts here; None where there is none."""
        number = 0
        while header := self._byte():
            kind, step = header & 15, header >> 4
            number = number + step if step else self._zigzag()
            if number == wanted and kind in (9, 10):
                count, element = self._list_header()
                return self._value(element, 1) if count else None
            if kind not in (1, 2):
                self._value(kind, 0)
        return None

    def _value(self, kind: int, depth: int) -> Any:
        self._items += 1
        if depth > _DEEPEST or self._items > _MOST:
            raise ValueError("nested too deep, or too long")
        if kind in (1, 2):  # an element of a list of booleans
            return self._byte() == 1
        if kind == 3:
            return self._byte()
        if kind in (4, 5, 6):
            return self._zigzag()
        if kind == 7:
            return struct.unpack("<d", self._take(8))[0]
        if kind == 8:
            return self._take(self.varint())
        if kind in (9, 10):
            return self._list(depth)
        if kind == 12:
            return self.struct(depth + 1)
        raise ValueError("an unknown type of field")

    def _list(self, depth: int) -> list[Any]:
        count, kind = self._list_header()
        return [self._value(kind, depth + 1) for _ in range(count)]

    def _list_header(self) -> tuple[int, int]:
        header = self._byte()
        count = header >> 4 if header >> 4 != 15 else self.varint()
        if count > len(self._data) - self._at:
            raise ValueError("a list longer than the data")
        return count, header & 15

    def _byte(self) -> int:
        byte = self._data[self._at]
        self._at += 1
        return byte

    def _take(self, length: int) -> bytes:
        if length > len(self._data) - self._at:
            raise ValueError("a string longer than the data")
        self._at += length
        return self._data[self._at - length : self._at]

    def varint(self) -> int:
        """The unsigned number that starts here."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise ValueError("a number longer than ten bytes")

    def _zigzag(self) -> int:
        value = self.varint()
        return value >> 1 ^ -(value & 1)
