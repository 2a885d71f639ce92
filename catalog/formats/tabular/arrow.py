"""Apache Arrow files and streams (Columnar.rst, Serialization and Interprocess Communication)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from catalog.errors import InspectError
from catalog.formats.base import KIB, MIB, RangeReader, parsing
from catalog.formats.flatbuffer import Table
from catalog.formats.tabular.fields import Details, bounded, from_arrow
from catalog.model import Facts

_MAGIC = b"ARROW1"
_LEAD = _MAGIC + b"\0\0"
_ENDS = 64 * KIB
_WHOLE = MIB
_BATCHES = 128
"""Batches of a file whose headers are read one by one for the row count; beyond, rows stay unknown."""
_MANY = 100_000
_BLOCK = "<qi4xq"
_RECORD_BATCH = 3
_CODECS = {0: "lz4", 1: "zstd"}


def inspect_file(reader: RangeReader) -> Facts:
    """Facts of an IPC file (Feather 2): schema from its footer, rows from the headers of its batches."""
    with parsing(reader, "Arrow"):
        import pyarrow as pa
        import pyarrow.ipc as ipc

        footer = _footer(reader)
        schema = ipc.open_file(pa.BufferReader(_LEAD + footer)).schema
        blocks = Table.root(footer[: -len(_MAGIC) - 4]).structs(3, _BLOCK, _MANY)
        details: Details = {}
        rows, codec = None, None
        if blocks is not None:
            details["batches"] = len(blocks)
            rows, codec = _batches(reader, blocks)
        return Facts("arrow_file", bounded(from_arrow(schema), details), rows, codec, details)


def _footer(reader: RangeReader) -> bytes:
    if reader.size is not None and reader.size <= _WHOLE:
        reader.head(reader.size)  # one read serves footer and batches alike
    tail = reader.tail(_ENDS)
    if not tail.endswith(_MAGIC):
        raise InspectError("The Arrow footer is missing: the file was cut off.", finding="truncated")
    length = int.from_bytes(tail[-10:-6], "little", signed=True) + 10
    if not 18 <= length <= (reader.size or 0):
        raise InspectError("The Arrow footer is longer than the file.", finding="corrupt")
    return reader.tail(length)


def _batches(reader: RangeReader, blocks: list[tuple[int, ...]]) -> tuple[int | None, str | None]:
    """Rows of all batches (None when too many to read) and the codec of the first."""
    rows, codec = 0, None
    read = blocks if len(blocks) <= _BATCHES or reader.whole() else blocks[:1]
    for index, (offset, length, body) in enumerate(read):
        if offset < 8 or length < 8 or body < 0 or offset + length + body > (reader.size or 0):
            raise InspectError("The Arrow footer points beyond the file's data.", finding="corrupt")
        reader.check_time()
        message = reader.read(offset, min(length, _ENDS))
        count, found = _batch(message[8:] if message.startswith(b"\xff\xff\xff\xff") else message[4:])
        rows += count
        codec = found if index == 0 else codec
    return (rows if len(read) == len(blocks) else None), codec


def _batch(header: bytes) -> tuple[int, str | None]:
    """Rows and codec of a RecordBatch message."""
    batch = Table.root(header).table(2)
    if batch is None or (rows := batch.integer(0, "<q")) < 0:
        raise ValueError("a record batch without a length")
    compression = batch.table(3)
    return rows, None if compression is None else _CODECS.get(compression.integer(0, "<b"))


def inspect_stream(reader: RangeReader) -> Facts:
    """Facts of an IPC stream: its schema; rows only where the whole file is within 1 MiB."""
    with parsing(reader, "an Arrow stream"):
        import pyarrow as pa
        import pyarrow.ipc as ipc

        small = reader.size is not None and reader.size <= _WHOLE
        head = reader.head(_WHOLE if small else _ENDS)
        end = _message_end(head, 0)
        if end > len(head):
            head = reader.head(end)
        if end > len(head):
            raise InspectError("The Arrow stream ends within its schema.", finding="truncated")
        schema = ipc.open_stream(pa.BufferReader(head[:end])).schema
        rows, codec = _stream_rows(head, end) if reader.whole() else (None, _first_codec(head, end))
        details: Details = {}
        return Facts("arrow_stream", bounded(from_arrow(schema), details), rows, codec, details)


def _message_end(data: bytes, at: int) -> int:
    """Where the metadata of the message at `at` ends; `at` itself for the end-of-stream mark."""
    marked = data[at : at + 4] == b"\xff\xff\xff\xff"
    start = at + 8 if marked else at + 4
    (length,) = struct.unpack_from("<i", data, start - 4)
    if length < 0:
        raise ValueError("a message of negative length")
    return start + length if length else at


def _messages(data: bytes, at: int) -> Iterator[tuple[bytes, int, int]]:
    """Each message's metadata, its header type, and where its body ends."""
    while at + 4 <= len(data):
        end = _message_end(data, at)
        if end == at:
            return
        header = data[at + 8 if data[at : at + 4] == b"\xff\xff\xff\xff" else at + 4 : end]
        message = Table.root(header)
        body = message.integer(3, "<q")
        if body < 0:
            raise ValueError("a message body of negative length")
        yield header, message.integer(1, "<B"), end + body
        at = end + body


def _stream_rows(data: bytes, at: int) -> tuple[int, str | None]:
    rows, codecs = 0, set()
    for header, kind, end in _messages(data, at):
        if end > len(data):
            raise InspectError("The Arrow stream ends within a batch.", finding="truncated")
        if kind == _RECORD_BATCH:
            count, codec = _batch(header)
            rows += count
            codecs.add(codec)
    return rows, "+".join(sorted(c for c in codecs if c)) or None


def _first_codec(data: bytes, at: int) -> str | None:
    try:
        batches = (_batch(header)[1] for header, kind, _ in _messages(data, at) if kind == _RECORD_BATCH)
        return next(batches, None)
    except (struct.error, ValueError):
        return None  # the first batch's header is beyond what was read
