"""Recognise an ONNX model by walking its outermost protobuf fields (onnx.proto3, ModelProto).

Protobuf has no signature, so every field number, wire type and length must fit before a file counts.
"""

from __future__ import annotations

_VARINT, _BYTES = 0, 2
_MODEL = dict.fromkeys((2, 3, 4, 6, 7, 8, 14, 20, 25), _BYTES) | {1: _VARINT, 5: _VARINT}
_WORDS = frozenset({2, 3, 4})
_GRAPH_FIRST = frozenset({0x0A, 0x12, 0x2A, 0x52, 0x5A})
"""Tags that open a GraphProto: node, name, initializer, doc_string, input."""


def onnx(head: bytes, size: int | None) -> tuple[str, float, str] | None:
    """`("onnx", confidence, evidence)` when `head` starts an ONNX ModelProto, else None."""
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
        if wire == _VARINT:
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
