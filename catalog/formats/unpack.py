"""The beginning of a compressed file, decompressed within a bound on what comes out."""

from __future__ import annotations

import bz2
import lzma
import zlib
from dataclasses import dataclass
from typing import Protocol

CODECS: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b\x08", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\0", "xz"),
    (b"BZh", "bzip2"),
    (b"\x04\x22\x4d\x18", "lz4"),
)
_PIECE = 64 * 1024
_LZMA_MEMORY = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What came out. `ended` when the compressed data ended cleanly and all of it is here."""

    data: bytes
    ended: bool


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def codec_of(head: bytes) -> str | None:
    """The compression `head` starts with: `gzip`, `zstd`, `xz`, `bzip2`, `lz4`, or None."""
    return next((name for magic, name in CODECS if head.startswith(magic)), None)


def unpack(data: bytes, codec: str, limit: int) -> Unpacked:
    """Up to `limit` bytes of the beginning of `data` (which may be cut off anywhere) decompressed.

    Raises what the decompressor raises on damaged data: `zlib.error`, `lzma.LZMAError`, `OSError`.
    """
    if codec in ("zstd", "lz4"):
        return _through_arrow(data, codec, limit)
    out = bytearray()
    while data and len(out) < limit:
        member = _member(codec)
        out += member.decompress(data, limit - len(out))
        if not member.eof:
            return Unpacked(bytes(out), ended=False)
        # Members may follow one another; padding and foreign bytes behind the last one do not count.
        data = member.unused_data if codec_of(member.unused_data) == codec else b""
    return Unpacked(bytes(out), ended=not data)


def _member(codec: str) -> _Decompressor:
    if codec == "gzip":
        return zlib.decompressobj(wbits=31)
    if codec == "bzip2":
        return bz2.BZ2Decompressor()
    return lzma.LZMADecompressor(memlimit=_LZMA_MEMORY)


def _through_arrow(data: bytes, codec: str, limit: int) -> Unpacked:
    import pyarrow as pa

    stream = pa.CompressedInputStream(pa.BufferReader(data), codec)
    out = bytearray()
    while len(out) < limit:
        try:
            piece = stream.read(min(_PIECE, limit - len(out)))
        except OSError:  # the data is cut off, or damaged behind what came out so far
            return Unpacked(bytes(out), ended=False)
        if not piece:
            return Unpacked(bytes(out), ended=True)
        out += piece
    return Unpacked(bytes(out), ended=False)
