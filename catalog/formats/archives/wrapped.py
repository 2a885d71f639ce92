"""Compressed single files: gzip (RFC 1952), Zstandard (RFC 8878), xz, bzip2, LZ4: what is in them, how large."""

from __future__ import annotations

from catalog.formats import unpack
from catalog.formats.base import KIB, RangeReader, parsing
from catalog.formats.sniff import sniff
from catalog.formats.vocabulary import Facet
from catalog.model import Facts

_LOOK = 256 * KIB
_INNER = 64 * KIB


def inspect_gzip(reader: RangeReader) -> Facts:
    """Facts of a gzip file."""
    return _inspect(reader, "gzip")


def inspect_zstd(reader: RangeReader) -> Facts:
    """Facts of a Zstandard file."""
    return _inspect(reader, "zstd")


def inspect_xz(reader: RangeReader) -> Facts:
    """Facts of an xz file."""
    return _inspect(reader, "xz")


def inspect_bzip2(reader: RangeReader) -> Facts:
    """Facts of a bzip2 file."""
    return _inspect(reader, "bzip2")


def inspect_lz4(reader: RangeReader) -> Facts:
    """Facts of an LZ4 frame."""
    return _inspect(reader, "lz4")


def _inspect(reader: RangeReader, format: str) -> Facts:
    with parsing(reader, format):
        packed = reader.head(min(reader.size or _LOOK, _LOOK))
        opened = unpack.unpack(packed, format, _INNER)
        facet = Facet()
        inner = sniff(opened.data, b"", "", len(opened.data) if opened.ended else None)
        facet.add("content", inner.format if inner.format != "unknown" else None)
        whole = len(packed) == reader.size
        if opened.ended and whole:
            facet.add("unpacked_bytes", len(opened.data))
        elif format == "zstd":
            facet.add("unpacked_bytes", _zstd_size(packed))
        if format == "gzip" and packed[3:4] == b"\x08" and (end := packed.find(b"\0", 10)) > 10:
            facet.add("title", packed[10:end].decode("latin-1"))
        cut = whole and not opened.ended and len(opened.data) < _INNER
        detail = f"The {format} data ends before its end mark." if cut else None
        return Facts(format, (), None, format, facet.details, "truncated" if cut else None, detail)


def _zstd_size(frame: bytes) -> int | None:
    """Frame_Content_Size, which is optional (RFC 8878, 3.1.1.1)."""
    descriptor = frame[4]
    width = (0, 2, 4, 8)[descriptor >> 6] or (1 if descriptor & 0x20 else 0)
    at = 5 + (0 if descriptor & 0x20 else 1) + (0, 1, 2, 4)[descriptor & 3]
    if not width or len(frame) < at + width:
        return None
    return int.from_bytes(frame[at : at + width], "little") + (256 if width == 2 else 0)
