"""PDF (ISO 32000-1): pages and the writer's words, from the objects at both ends of the file."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from catalog.errors import InspectError
from catalog.formats.base import KIB, RangeReader, parsing
from catalog.formats.vocabulary import Facet
from catalog.model import Facts

_HEAD = 16 * KIB
_TAIL = 128 * KIB
_STREAM = 512 * KIB
_MOST_STREAMS = 40
_PAGES = re.compile(rb"/Type\s*/Pages\b[^>]{0,2000}?/Count\s+(\d{1,9})|/Count\s+(\d{1,9})[^>]{0,2000}?/Type\s*/Pages\b")
_OBJECTS = re.compile(rb"/Type\s*/ObjStm\b.{0,400}?>>\s*stream\r?\n", re.DOTALL)


def inspect(reader: RangeReader) -> Facts:
    """Facts of the objects in view; pages stay unknown where their count is not among them."""
    with parsing(reader, "PDF"):
        head = reader.head(_HEAD)
        tail = reader.tail(_TAIL) if reader.size is None or reader.size > _HEAD else b""
        facet = Facet()
        at = head.find(b"%PDF-", 0, 1024)
        facet.add("version", head[at + 5 : at + 8].decode("latin-1"))
        view = [head, tail, *_unpacked(head), *_unpacked(tail)]
        linear = re.search(rb"/Linearized\b.{0,200}?/N\s+(\d{1,9})", head[:2048], re.DOTALL)
        counts = [int(m[1] or m[2]) for piece in view for m in _PAGES.finditer(piece)]
        facet.add("pages", int(linear[1]) if linear else max(counts, default=None))
        encrypted = any(re.search(rb"/Encrypt\s+\d+\s+\d+\s+R", piece) for piece in (head, tail))
        facet.flag("encrypted", encrypted)
        for fact, key in (
            () if encrypted else (("created_by", b"Producer"), ("author_tool", b"Creator"), ("title", b"Title"))
        ):
            facet.add(fact, next((word for piece in view if (word := _string(piece, key))), None))
        if b"%%EOF" not in (tail or head)[-2048:] and reader.size is not None:
            return Facts("pdf", (), None, None, facet.details, "truncated", "The PDF file has no end mark.")
        if at < 0:
            raise InspectError("The PDF header is missing.")
        return Facts("pdf", (), None, None, facet.details)


def _unpacked(data: bytes) -> Iterator[bytes]:
    """Object streams (7.5.7) that lie in view, decompressed within a bound."""
    for _, match in zip(range(_MOST_STREAMS), _OBJECTS.finditer(data)):
        try:
            yield zlib.decompressobj().decompress(data[match.end() : match.end() + _STREAM], _STREAM)
        except zlib.error:
            continue


def _string(data: bytes, key: bytes) -> str | None:
    """A literal or hexadecimal string of the information dictionary (7.9.2.2)."""
    match = re.search(rb"/" + key + rb"\s*(?:\(((?:[^()\\]|\\.){0,400})\)|<([0-9A-Fa-f\s]{2,800})>)", data, re.DOTALL)
    if match is None:
        return None
    if match[2] is not None:
        digits = re.sub(rb"\s", b"", match[2])
        raw = bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())
    else:
        raw = re.sub(rb"\\([()\\])", rb"\1", match[1])
    text = raw[2:].decode("utf-16-be", "replace") if raw[:2] == b"\xfe\xff" else raw.decode("latin-1")
    return text.strip("\0 ") or None
