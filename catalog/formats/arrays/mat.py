"""MATLAB's MAT-files of level 4 and 5 (MAT-File Format, chapter 1): names, classes and shapes of the variables."""

from __future__ import annotations

import zlib

from catalog.errors import InspectError
from catalog.formats.base import KIB, RangeReader, parsing
from catalog.formats.checks import mat4_header
from catalog.formats.stream import Stream
from catalog.formats.tabular.fields import clean
from catalog.formats.vocabulary import Facet, tensor
from catalog.model import Facts, Field

_CLASSES = {1: "cell", 2: "struct", 3: "object", 4: "string", 5: "sparse", 6: "float64", 7: "float32", 8: "int8",
            9: "uint8", 10: "int16", 11: "uint16", 12: "int32", 13: "uint32", 14: "int64", 15: "uint64",
            16: "function", 17: "opaque", 18: "object"}  # fmt: skip
_COMPRESSED, _MATRIX = 15, 14
_MOST = 1000


def inspect(reader: RangeReader) -> Facts:
    """Variables of a file of level 4 or 5; one of version 7.3 is an HDF5 file."""
    with parsing(reader, "a MAT-file"):
        head = reader.head(128)
        if head.startswith(b"MATLAB 7.3"):
            from catalog.formats.arrays import hdf5

            return hdf5.inspect_as(reader, "mat")
        if not head.startswith(b"MATLAB") and mat4_header(head):
            return _level_4(reader)
        if len(head) < 128:
            raise InspectError("The MAT-file header is cut off.", finding="truncated")
        stream = Stream(reader, 128, order="<" if head[126:128] == b"IM" else ">")
        facet = Facet()
        fields: list[Field] = []
        while stream.left >= 8 and len(fields) < _MOST:
            kind, length = stream.unpack("II")
            end = stream.at + length
            body = stream.peek(min(length, 4 * KIB))
            if kind == _COMPRESSED:
                body = zlib.decompressobj().decompress(body, KIB)[8:]
            if kind in (_COMPRESSED, _MATRIX) and (field := _variable(body, stream.order)):
                fields.append(field)
            stream.at = end
        facet.add("arrays", len(fields))
        facet.add("version", "5")
        short = stream.at > (stream.end or stream.at)
        detail = "The last variable is cut off." if short else None
        return Facts("mat", tuple(fields), None, None, facet.details, "truncated" if short else None, detail)


def _level_4(reader: RangeReader) -> Facts:
    """A header, a name and values for each variable, one behind another."""
    stream = Stream(reader)
    fields: list[Field] = []
    while stream.left and len(fields) < _MOST:
        found = mat4_header(stream.peek(20))
        if found is None:
            raise InspectError("A variable's header is damaged.", finding="corrupt")
        stream.skip(20)
        name = stream.take(found.length).partition(b"\0")[0].decode("latin-1")
        fields.append(Field(clean(name).replace(".", "\\."), tensor(found.kind, (found.rows, found.columns)), False))
        stream.skip(found.data)
    facet = Facet()
    facet.add("arrays", len(fields))
    facet.add("version", "4")
    short = stream.at > (stream.end or stream.at)
    detail = "The last variable is cut off." if short else None
    return Facts("mat", tuple(fields), None, None, facet.details, "truncated" if short else None, detail)


def _variable(body: bytes, order: str) -> Field | None:
    """Flags, dimensions, name: the first three elements of a matrix."""
    inner = Stream(body, order=order)
    flags = _element(inner)
    dimensions = _element(inner)
    name = _element(inner)
    if len(flags) < 8 or len(dimensions) % 4:
        raise InspectError("A variable has no flags or dimensions.")
    kind = int.from_bytes(flags[:4], "little" if order == "<" else "big") & 0xFF
    count = min(len(dimensions) // 4, 32)
    shape = Stream(dimensions, order=order).unpack(f"{count}i") if count else ()
    if not name:
        return None  # MATLAB's own bookkeeping has no name
    return Field(clean(name.decode("latin-1")).replace(".", "\\."), tensor(_CLASSES.get(kind, "unknown"), shape), False)


def _element(stream: Stream) -> bytes:
    """One data element; short ones have type and length in the same word."""
    kind = stream.number("I")
    if kind >> 16:
        return stream.take(4)[: min(kind >> 16, 4)]
    length = stream.number("I")
    data = stream.take(length)
    stream.skip(-length % 8)
    return data
