"""TFRecord (tensorflow/core/lib/io/record_writer.h): records by their lengths, features of the first Example."""

from __future__ import annotations

from catalog.errors import InspectError
from catalog.formats.base import KIB, MIB, RangeReader, parsing
from catalog.formats.models.onnx import text, walk
from catalog.formats.protobuf import BYTES
from catalog.formats.stream import Stream
from catalog.formats.vocabulary import Facet
from catalog.model import Facts, Field

_WHOLE = 8 * MIB
_MOST_READS = 120
_KINDS = {1: "binary", 2: "float", 3: "int64"}


def inspect(reader: RangeReader) -> Facts:
    """Rows where the lengths could be walked to the end, else an estimate from those in view."""
    with parsing(reader, "TFRecord"):
        small = reader.size is not None and reader.size <= _WHOLE
        stream = Stream(reader, block=MIB if small else 64 * KIB)
        facet = Facet()
        length = int.from_bytes(stream.peek(8), "little")
        facet.add("record_bytes", length)
        fields = _example(stream, 12, length) if length <= 4 * MIB else ()
        stream.at = 0
        rows, short = _count(stream, reader)
        facet.add("features", [field.path for field in fields])
        if stream.left and rows and reader.size:
            facet.add("rows_estimate", round(reader.size / (stream.at / rows)))
        detail = "The last record is cut off." if short else None
        done = None if stream.left else rows
        return Facts("tfrecord", fields, done, None, facet.details, "truncated" if short else None, detail)


def _count(stream: Stream, reader: RangeReader) -> tuple[int, bool]:
    rows = 0
    while stream.left:
        if reader.calls > _MOST_READS:
            return rows, False
        head = stream.peek(12)
        length = int.from_bytes(head[:8], "little")
        if len(head) < 12 or length + 16 > stream.left:
            stream.skip(stream.left)
            return rows, True
        stream.skip(length + 16)
        rows += 1
    return rows, False


def _example(stream: Stream, at: int, length: int) -> tuple[Field, ...]:
    """`tf.train.Example`: features by name, each a list of bytes, floats or integers (example.proto)."""
    stream.at = at
    found: dict[str, str] = {}
    try:
        for features in walk(stream, at + length):
            if features.number != 1 or features.wire != BYTES:
                return ()
            for entry in walk(stream, features.value):
                if entry.number != 1 or entry.wire != BYTES:
                    return ()
                name, kind = _feature(stream, entry.value)
                found[name] = kind
    except InspectError as error:
        if error.finding == "too_large":
            raise
        return ()  # any bytes may be a record
    return tuple(Field(name.replace(".", "\\."), kind) for name, kind in sorted(found.items()))


def _feature(stream: Stream, end: int) -> tuple[str, str]:
    name, kind = "", "binary"
    for part in walk(stream, end):
        if part.number == 1 and part.wire == BYTES:
            name = text(stream, part.value)[:200]
        elif part.number == 2 and part.wire == BYTES:
            for value in walk(stream, part.value):
                kind = _KINDS.get(value.number, kind)
    return name, kind
