"""TensorFlow's SavedModel and GraphDef (saved_model.proto, meta_graph.proto, graph.proto)."""

from __future__ import annotations

from collections import Counter

from catalog.errors import InspectError
from catalog.formats.base import RangeReader, parsing
from catalog.formats.models.onnx import Message, text, walk
from catalog.formats.protobuf import BYTES, VARINT
from catalog.formats.stream import Stream
from catalog.formats.vocabulary import Facet, listed, tensor
from catalog.model import Facts, Field

_MOST_NODES = 200_000
_MOST_FIELDS = 500
_TYPES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: "string", 8: "complex64",
    9: "int64", 10: "bool", 14: "bfloat16", 17: "uint16", 19: "float16", 22: "uint32", 23: "uint64",
}  # fmt: skip


def inspect_saved_model(reader: RangeReader) -> Facts:
    """Signatures with their inputs and outputs, operators, and the TensorFlow that wrote it."""
    return _inspect(reader, "saved_model")


def inspect_graph(reader: RangeReader) -> Facts:
    """Nodes and operators of a frozen graph."""
    return _inspect(reader, "graphdef")


def _inspect(reader: RangeReader, format: str) -> Facts:
    with parsing(reader, "a TensorFlow graph"):
        stream, found = Stream(reader), _Found()
        for field in walk(stream, stream.end or 0):
            if format == "graphdef":
                found.graph(stream, field)
            elif field.number == 2 and field.wire == BYTES:
                for inner in walk(stream, field.value):
                    found.meta_graph(stream, inner)
        return found.facts(format)


class _Found:
    def __init__(self) -> None:
        self.facet = Facet()
        self.operators: Counter[str] = Counter()
        self.nodes = 0
        self.signatures: list[str] = []
        self.fields: list[Field] = []

    def facts(self, format: str) -> Facts:
        self.facet.add("nodes", self.nodes)
        self.facet.add("operators", listed([name for name, _ in self.operators.most_common()]))
        self.facet.add("signatures", self.signatures)
        runs = sorted({"PyFunc", "EagerPyFunc", "PyFuncStateless"} & set(self.operators))
        detail = f"Running it would call Python through {runs[0]}." if runs else None
        fields = tuple({field.path: field for field in self.fields}.values())
        return Facts(format, fields, None, None, self.facet.details, "unsafe" if runs else None, detail)

    def meta_graph(self, stream: Stream, field: Message) -> None:
        if field.wire != BYTES:
            return
        if field.number == 1:
            self.info(stream, field.value)
        elif field.number == 2:
            for inner in walk(stream, field.value):
                self.graph(stream, inner)
        elif field.number == 5:
            self.signature(stream, field.value)

    def info(self, stream: Stream, end: int) -> None:
        for field in walk(stream, end):
            if field.number == 5 and field.wire == BYTES:
                self.facet.add("created_by", f"tensorflow {text(stream, field.value)}")

    def graph(self, stream: Stream, field: Message) -> None:
        if field.number == 1 and field.wire == BYTES:
            self.node(stream, field.value)
        elif field.number == 2 and field.wire == BYTES:  # the library of functions
            for function in walk(stream, field.value):
                if function.number == 1 and function.wire == BYTES:
                    for part in walk(stream, function.value):
                        if part.number == 3 and part.wire == BYTES:
                            self.node(stream, part.value)

    def node(self, stream: Stream, end: int) -> None:
        self.nodes += 1
        if self.nodes > _MOST_NODES:
            raise InspectError("The graph has more than 200,000 nodes.", finding="too_large")
        for field in walk(stream, end):
            if field.number == 2 and field.wire == BYTES:
                self.operators[text(stream, field.value)[:60]] += 1

    def signature(self, stream: Stream, end: int) -> None:
        """A map entry: the signature's name, then its inputs (1) and outputs (2)."""
        for field in walk(stream, end):
            if field.number == 1 and field.wire == BYTES:
                self.signatures.append(text(stream, field.value)[:100])
            elif field.number == 2 and field.wire == BYTES:
                for part in walk(stream, field.value):
                    if part.number in (1, 2) and part.wire == BYTES:
                        self.end(stream, part.value, "input" if part.number == 1 else "output")

    def end(self, stream: Stream, end: int, side: str) -> None:
        name, kind = side, "tensor"
        for field in walk(stream, end):
            if field.number == 1 and field.wire == BYTES:
                name = text(stream, field.value)[:200]
            elif field.number == 2 and field.wire == BYTES:
                kind = _tensor_info(stream, field.value)
        if len(self.fields) < _MOST_FIELDS:
            self.fields.append(Field(name.replace(".", "\\."), kind, True, side))


def _tensor_info(stream: Stream, end: int) -> str:
    dtype, shape = "unknown", []
    for field in walk(stream, end):
        if field.number == 2 and field.wire == VARINT:
            dtype = _TYPES.get(field.value % 100, f"type_{field.value}")
        elif field.number == 3 and field.wire == BYTES:
            for dimension in walk(stream, field.value):
                if dimension.number == 2 and dimension.wire == BYTES:
                    size = [part.value for part in walk(stream, dimension.value) if part.number == 1]
                    shape.append("?" if not size or size[0] > 1 << 62 else size[0])
    return tensor(dtype, shape)
