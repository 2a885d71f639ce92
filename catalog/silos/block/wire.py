"""What passes between the silo and its reader process: a JSON header and raw bytes, each with its length in front.

JSON, because the far side has looked at hostile bytes: what comes back is data and nothing else.
"""

from __future__ import annotations

import json
import struct
from array import array
from collections.abc import Callable, Sequence
from typing import Any

Message = tuple[dict[str, Any], bytes]

_LENGTHS = struct.Struct("<II")
_LARGEST = 512 << 20
"""A slice of 50,000 names of 255 bytes, each written as an escape, stays far below."""


class GarbledError(Exception):
    """What arrived is no message."""


def packed(header: dict[str, Any], body: bytes = b"") -> bytes:
    """A message as it is sent."""
    told = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return _LENGTHS.pack(len(told), len(body)) + told + body


def unpacked(fetch: Callable[[int], bytes]) -> Message:
    """The next message; `fetch(n)` gives exactly `n` bytes. Raises `GarbledError`, and what `fetch` raises."""
    told, body = _LENGTHS.unpack(fetch(_LENGTHS.size))
    if told + body > _LARGEST:
        raise GarbledError
    try:
        header = json.loads(fetch(told))
    except (ValueError, RecursionError) as error:
        raise GarbledError from error
    if not isinstance(header, dict):
        raise GarbledError
    return header, fetch(body) if body else b""


# ---------------------------------------------------------------- columns: names, sizes and times of many files

Columns = tuple[list[str], list[int], list[int]]

_MOST = 2**63 - 1
_BEYOND = -(2**63)


def columns(names: Sequence[str], sizes: Sequence[int], mtimes: Sequence[int]) -> bytes:
    """The columns as bytes. A number beyond what a catalog column holds stays beyond it. No name has a null in it."""
    numbers = b"".join(_numbers(values) for values in (sizes, mtimes))
    return struct.pack("<I", len(names)) + numbers + "\0".join(names).encode()


def _numbers(values: Sequence[int]) -> bytes:
    try:
        packed = array("q", values)
    except OverflowError:
        packed = array("q", [value if -_MOST <= value <= _MOST else _BEYOND for value in values])
    return packed.tobytes()


def columns_of(body: bytes) -> Columns:
    """What `columns` was given. Raises `GarbledError`."""
    try:
        count = int(struct.unpack_from("<I", body)[0])
        numbers = [array("q", body[4 + 8 * count * at : 4 + 8 * count * (at + 1)]).tolist() for at in (0, 1)]
        names = body[4 + 16 * count :].decode().split("\0") if count else []
    except (struct.error, ValueError, IndexError) as error:
        raise GarbledError from error
    if not len(names) == len(numbers[0]) == len(numbers[1]) == count:
        raise GarbledError
    return names, numbers[0], numbers[1]
