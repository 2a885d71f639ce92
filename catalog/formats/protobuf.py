"""Recognise a model by walking the outermost fields of its protobuf message.

Protobuf has no signature, so field numbers, wire types and lengths must fit a known message, and what
stands in the first fields must be what belongs there, before a file counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_MODEL = dict.fromkeys((2, 3, 4, 6, 7, 8, 14, 20, 25), BYTES) | {1: VARINT, 5: VARINT}
_WORDS = frozenset({2, 3, 4})
_GRAPH_FIRST = frozenset({0x0A, 0x12, 0x2A, 0x52, 0x5A})
"""Tags that open a GraphProto: node, name, initializer, doc_string, input."""

Found = tuple[str, float, str]


class Item(NamedTuple):
    """One field: its number and wire type, a varint's `value` or a length, and where its content starts."""

    number: int
    wire: int
    value: int
    start: int


def kind(head: bytes, size: int | None) -> Found | None:
    """Format, confidence and evidence when `head` starts a message of a known kind."""
    if len(head) < 8 or head[0] not in (0x08, 0x0A):
        return None
    if head[0] == 0x08:
        return onnx(head, size) or _numbered(head, size)
    return _pieces(head) or _graph(head) or _caffe(head, size)


def onnx(head: bytes, size: int | None) -> Found | None:
    """`("onnx", confidence, evidence)` when `head` starts an ONNX ModelProto (onnx.proto3), else None."""
    if not (len(head) > 8 and head[0] == 0x08 and 1 <= head[1] <= 32):
        return None
    at, last = 0, 0
    while at < len(head):
        tag, at = varint(head, at)
        number, wire = tag >> 3, tag & 7
        if _MODEL.get(number) != wire or number < last:
            return None
        last = number
        value, at = varint(head, at)
        if wire == VARINT:
            continue
        if value < 0 or (size is not None and at + value > size):
            return None
        if number == 7:
            opens = at < len(head) and head[at] in _GRAPH_FIRST
            return ("onnx", 0.95, "ModelProto with a graph") if opens else None
        if number in _WORDS and not _printable(head[at : at + value]):
            return None
        at += value
    return None


def _numbered(head: bytes, size: int | None) -> Found | None:
    """SavedModel (saved_model.proto) and Core ML's Model (Model.proto): a version, then a message."""
    seen = list(items(head))
    if len(seen) < 2 or seen[1].wire != BYTES or seen[1].number != 2 or not 1 <= seen[0].value <= 32:
        return None
    body = seen[1]
    end = body.start + body.value
    inner = next(items(head[body.start : min(end, body.start + 4096)]), None)
    if inner is None or inner.wire != BYTES or inner.number not in (1, 2, 10, 100):
        return None
    if seen[0].value == 1 and inner.number == 1 and size is not None and _meta_graph(head, body):
        following = head[end : end + 1]
        if end == size or following == b"\x12" or end > len(head):
            return "saved_model", 0.95, "SavedModel with a meta graph"
    follow = seen[2] if len(seen) > 2 else None
    if follow and (follow.number == 10 or 200 <= follow.number <= 3000):
        return "coreml", 0.95, f"Core ML Model of type {follow.number}"
    return None


def _meta_graph(head: bytes, body: Item) -> bool:
    """MetaInfoDef first: a list of operations or tags, and never the feature names of Core ML."""
    for info in items(head[body.start : body.start + 4096]):
        start = body.start + info.start
        first = next(items(head[start : start + min(info.value, 4096)]), None)
        return info.number == 1 and first is not None and first.wire == BYTES and first.number in (1, 2, 4, 5)
    return False


_OPERATION = re.compile(rb"[A-Z_][A-Za-z0-9_.>]{1,60}")


def _graph(head: bytes) -> Found | None:
    """GraphDef (graph.proto): nodes, each with a name and the name of an operation."""
    nodes = 0
    for item in items(head):
        if item.number != 1 or item.wire != BYTES:
            break
        parts = list(items(head[item.start : item.start + item.value]))
        if len(parts) < 2 or [(p.number, p.wire) for p in parts[:2]] != [(1, BYTES), (2, BYTES)]:
            break
        start = item.start + parts[1].start
        operation = head[start : start + parts[1].value]
        if not _OPERATION.fullmatch(operation) or not _printable(head[item.start + parts[0].start :][: parts[0].value]):
            return None
        nodes += 1
        if nodes == 3:
            break
    return ("graphdef", 0.95, f"GraphDef, {nodes} nodes in view") if nodes >= 2 else None


def _pieces(head: bytes) -> Found | None:
    """SentencePiece's ModelProto: pieces with a score (sentencepiece_model.proto)."""
    count = 0
    for item in items(head):
        if item.number != 1 or item.wire != BYTES or item.start + item.value > len(head):
            break
        shape = [(p.number, p.wire) for p in items(head[item.start : item.start + item.value])]
        if shape not in ([(1, BYTES), (2, FIXED32)], [(1, BYTES), (2, FIXED32), (3, VARINT)]):
            break
        count += 1
    return ("sentencepiece", 0.97, f"{count} pieces with scores in view") if count >= 3 else None


def _caffe(head: bytes, size: int | None) -> Found | None:
    """NetParameter (caffe.proto): a name, then layers, which stand in field 100 or 2."""
    first = [item for _, item in zip(range(2), items(head))]
    if len(first) < 2 or first[0].number != 1 or not _printable(head[first[0].start :][: first[0].value]):
        return None
    layer = first[1]
    inner = next(items(head[layer.start : layer.start + min(layer.value, 256)]), None)
    named = inner is not None and inner.number in (1, 2, 4) and inner.wire == BYTES
    fits = layer.number in (100, 2) and layer.wire == BYTES and (size is None or layer.start + layer.value <= size)
    return ("caffe", 0.8, "NetParameter with layers") if named and fits and first[0].value < 256 else None


def plausible(head: bytes, size: int | None) -> bool:
    """Whether `head` may start any message at all: several fields, and lengths within the file."""
    count = 0
    for item in items(head):
        if item.number > 2_000 or (item.wire == BYTES and size is not None and item.start + item.value > size):
            return False
        count += 1
        if count == 16:
            break
    return count >= 2


def items(data: bytes) -> Iterator[Item]:
    """The fields of a message up to where `data` is cut off or no field can be."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        number, wire = tag >> 3, tag & 7
        if tag < 8:
            return
        if wire in (FIXED64, FIXED32):
            width = 8 if wire == FIXED64 else 4
            yield Item(number, wire, width, at)
            at += width
            continue
        if wire not in (VARINT, BYTES):
            return
        value, at = varint(data, at)
        if value < 0:
            return
        yield Item(number, wire, value, at)
        if wire == BYTES:
            at += value


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The varint at `at` and the offset behind it; -1 where the data ends inside it or it is too long."""
    value = 0
    for index in range(10):
        if at + index >= len(data):
            break
        byte = data[at + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, at + index + 1
    return -1, len(data)


def _printable(data: bytes) -> bool:
    try:
        return data.decode().isprintable()
    except UnicodeDecodeError:
        return False
