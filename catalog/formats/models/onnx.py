"""ONNX (onnx.proto3): the graph's nodes, inputs, outputs and weights, without reading the weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from catalog.errors import InspectError
from catalog.formats.base import RangeReader, parsing
from catalog.formats.protobuf import BYTES, FIXED32, FIXED64, VARINT
from catalog.formats.stream import Stream
from catalog.formats.vocabulary import Facet, Tensors, listed, tensor
from catalog.model import Facts, Field

_TYPES = (
    "undefined", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16",
    "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16", "float8_e4m3fn", "float8_e4m3fnuz",
    "float8_e5m2", "float8_e5m2fnuz", "uint4", "int4", "float4_e2m1",
)  # fmt: skip
_MOST_NODES = 200_000
_LONGEST = 4096


class Message(NamedTuple):
    """A field on the way through a message: `value` of a varint, or the end of its content."""

    number: int
    wire: int
    value: int


def walk(stream: Stream, end: int) -> Iterator[Message]:
    """The fields of the message up to `end`; what the caller leaves unread is passed over."""
    while stream.at < end:
        tag = varint(stream)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            yield Message(number, wire, varint(stream))
        elif wire in (FIXED32, FIXED64):
            yield Message(number, wire, int.from_bytes(stream.take(4 if wire == FIXED32 else 8), "little"))
        elif wire == BYTES:
            length = varint(stream)
            stop = stream.at + length
            if stop > end:
                raise InspectError("A field is longer than the message it stands in.", finding="truncated")
            yield Message(number, wire, stop)
            if stream.at > stop:
                raise InspectError("A field's content runs beyond its end.")
            stream.skip(stop - stream.at)
        else:
            raise InspectError("A field has no known wire type.")


def varint(stream: Stream) -> int:
    """One varint."""
    value = 0
    for shift in range(0, 70, 7):
        byte = stream.take(1)[0]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
    raise InspectError("A number is longer than ten bytes.")


def text(stream: Stream, end: int) -> str:
    """A string field, cut to 4 KiB."""
    return stream.take(min(end - stream.at, _LONGEST)).decode("utf-8", "replace")


def inspect(reader: RangeReader) -> Facts:
    """Inputs and outputs first among the fields, then the weights."""
    with parsing(reader, "ONNX"):
        stream = Stream(reader)
        graph = _Graph()
        for field in walk(stream, stream.end or 0):
            graph.model(stream, field)
        return graph.facts()


class _Graph:
    def __init__(self) -> None:
        self.facet = Facet()
        self.tensors = Tensors()
        self.operators: Counter[str] = Counter()
        self.files: dict[str, None] = {}
        self.ends: list[Field] = []
        self.opsets: list[str] = []
        self.nodes = 0

    def facts(self) -> Facts:
        fact = self.facet.add
        fact("nodes", self.nodes)
        fact("operators", listed([name for name, _ in self.operators.most_common()]))
        fact("opset", ", ".join(self.opsets))
        fact("external_data", list(self.files))
        weights = self.tensors.into(self.facet)
        inside = {field.path for field in weights}
        return Facts(
            "onnx", (*(f for f in self.ends if f.path not in inside), *weights)[:10_000], None, None, self.facet.details
        )

    def model(self, stream: Stream, field: Message) -> None:
        """ModelProto."""
        if field.number == 2:
            self.facet.add("framework", text(stream, field.value))
        elif field.number == 3 and (version := text(stream, field.value)):
            self.facet.add("created_by", f"{self.facet.details.get('framework', '')} {version}".strip())
        elif field.number == 7:
            for inner in walk(stream, field.value):
                self.graph(stream, inner)
        elif field.number == 8:
            self.opset(stream, field.value)

    def opset(self, stream: Stream, end: int) -> None:
        domain, version = "", 0
        for field in walk(stream, end):
            if field.number == 1:
                domain = text(stream, field.value)
            elif field.number == 2:
                version = field.value
        if len(self.opsets) < 8:
            self.opsets.append(f"{domain} {version}".strip())

    def graph(self, stream: Stream, field: Message) -> None:
        """GraphProto."""
        if field.wire != BYTES:
            return
        if field.number == 1:
            self.nodes += 1
            if self.nodes > _MOST_NODES:
                raise InspectError("The graph has more than 200,000 nodes.", finding="too_large")
            for part in walk(stream, field.value):
                if part.number == 4 and part.wire == BYTES:
                    self.operators[text(stream, part.value)[:60]] += 1
        elif field.number == 2:
            self.facet.add("title", text(stream, field.value))
        elif field.number == 5:
            self.weight(stream, field.value)
        elif field.number in (11, 12):
            self.end(stream, field.value, "input" if field.number == 11 else "output")

    def weight(self, stream: Stream, end: int) -> None:
        """TensorProto: its raw data, or where that is, is never read."""
        shape: list[int] = []
        kind, name = 0, ""
        for field in walk(stream, end):
            if field.number == 1 and field.wire == BYTES:
                while stream.at < field.value and len(shape) < 64:
                    shape.append(varint(stream))
            elif field.number == 1:
                shape.append(field.value)
            elif field.number == 2 and field.wire == VARINT:
                kind = field.value
            elif field.number == 8 and field.wire == BYTES:
                name = text(stream, field.value)
            elif field.number == 13 and field.wire == BYTES:
                self.external(stream, field.value)
        self.tensors.add(name or f"initializer {self.tensors.count}", _dtype(kind), shape)

    def external(self, stream: Stream, end: int) -> None:
        """StringStringEntryProto: the key `location` names the file."""
        pair = {f.number: text(stream, f.value) for f in walk(stream, end) if f.wire == BYTES}
        if pair.get(1) == "location" and len(self.files) < 1000:
            self.files[pair.get(2, "")] = None

    def end(self, stream: Stream, end: int, side: str) -> None:
        """ValueInfoProto of an input or output."""
        name, kind = "", "tensor"
        for field in walk(stream, end):
            if field.number == 1 and field.wire == BYTES:
                name = text(stream, field.value)
            elif field.number == 2 and field.wire == BYTES:
                for inner in walk(stream, field.value):
                    if inner.number == 1 and inner.wire == BYTES:
                        kind = _tensor_type(stream, inner.value)
        if len(self.ends) < 1000:
            self.ends.append(Field(name or side, kind, True, side))


def _tensor_type(stream: Stream, end: int) -> str:
    """TypeProto.Tensor; a dimension may be a number, a name, or unknown."""
    dtype, shape = "undefined", []
    for field in walk(stream, end):
        if field.number == 1 and field.wire == VARINT:
            dtype = _dtype(field.value)
        elif field.number == 2 and field.wire == BYTES:
            for dimension in walk(stream, field.value):
                length: int | str = "?"
                for part in walk(stream, dimension.value) if dimension.wire == BYTES else ():
                    length = part.value if part.wire == VARINT else text(stream, part.value)[:40]
                shape.append(length)
    return tensor(dtype, shape)


def _dtype(kind: int) -> str:
    return _TYPES[kind] if kind < len(_TYPES) else f"type_{kind}"
