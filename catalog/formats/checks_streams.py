"""Compressed streams that have hardly a signature: what they begin with must decompress."""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable

from catalog.formats.checks import Ends, Match

_OUT = 4096
_LEAST = 64
"""So much must come out before the end of what is given is taken for a cut."""
_LZMA_MEMORY = 128 * 1024 * 1024


def _zlib(ends: Ends) -> Match | None:
    """RFC 1950, 2.2: deflate with a window, a check over two bytes, no dictionary."""
    head = ends.head
    if len(head) < 8 or head[0] & 0x0F != 8 or head[0] >> 4 > 7 or head[1] & 0x20:
        return None
    if int.from_bytes(head[:2], "big") % 31:
        return None
    stream = zlib.decompressobj()
    try:
        out = stream.decompress(head, _OUT)
    except zlib.error:
        return None
    return Match("zlib", 0.9, "zlib header, and it decompresses") if stream.eof or len(out) >= _LEAST else None


def _lzma(ends: Ends) -> Match | None:
    """The header of `lzma_alone`: properties, dictionary size, and the size of the content or -1 (liblzma, `.lzma`)."""
    head = ends.head
    if len(head) < 18 or head[0] >= 225 or head[13] != 0:  # the range coder begins with a zero
        return None
    size = int.from_bytes(head[5:13], "little")
    dictionary = int.from_bytes(head[1:5], "little")
    round_size = dictionary & (dictionary - 1) == 0 or dictionary % 0x1000 == 0
    if not dictionary or not round_size or not size or (size >= 1 << 40 and size != 2**64 - 1):
        return None
    stream = lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_LZMA_MEMORY)
    try:
        out = stream.decompress(head, _OUT)
    except lzma.LZMAError:
        return None
    return Match("lzma", 0.9, "LZMA header, and it decompresses") if stream.eof or len(out) >= _LEAST else None


CHECKS: tuple[Callable[[Ends], Match | None], ...] = (_zlib, _lzma)
