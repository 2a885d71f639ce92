"""TensorFlow Lite (tensorflow/compiler/mlir/lite/schema/schema.fbs): inputs, outputs, tensors, operators."""

from __future__ import annotations

from catalog.errors import InspectError
from catalog.formats.base import MIB, RangeReader, parsing
from catalog.formats.flatbuffer import Table
from catalog.formats.vocabulary import Facet, Tensors, tensor
from catalog.model import Facts, Field

_WHOLE = 24 * MIB
_MOST = 20_000
_TYPES = ("float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8", "float64",
          "complex128", "uint64", "resource", "variant", "uint32", "uint16", "int4", "bfloat16")  # fmt: skip
_SIZES = {"float32": 4, "float16": 2, "bfloat16": 2, "int32": 4, "uint8": 1, "int64": 8, "int16": 2, "int8": 1,
          "float64": 8, "bool": 1}  # fmt: skip


def inspect(reader: RangeReader) -> Facts:
    """Facts of models up to 24 MiB: the tables are spread over the file, between the weights."""
    with parsing(reader, "TensorFlow Lite"):
        if reader.size is None or reader.size > _WHOLE:
            raise InspectError(
                "Models beyond 24 MiB are not read: their header has no fixed place.", finding="too_large"
            )
        root = Table.root(reader.head(reader.size))
        facet, weights = Facet(), Tensors()
        facet.add("version", str(root.integer(0, "<I")))
        facet.add("title", root.text(3))
        facet.add("signatures", [t.text(2, 60) or "" for t in root.tables(7, 100)])
        graphs = root.tables(2, 100)
        fields: list[Field] = []
        if graphs:
            tensors = graphs[0].tables(0, _MOST)
            for slot, side in ((1, "input"), (2, "output")):
                fields += [
                    _field(tensors[i], side) for i in graphs[0].numbers(slot, "i", 1000) if 0 <= i < len(tensors)
                ]
            facet.add("nodes", sum(graph.count(3) for graph in graphs))
        facet.add("operators", _operators(root))
        filled = [buffer.count(0) for buffer in root.tables(4, _MOST)]
        for graph in graphs:
            for one in graph.tables(0, _MOST):
                _weigh(one, filled, weights)
        named = {field.path for field in fields}
        kept = [f for f in weights.into(facet) if f.path not in named]
        return Facts("tflite", (*fields, *kept)[:10_000], None, None, facet.details)


def _weigh(one: Table, filled: list[int], weights: Tensors) -> None:
    """Count a tensor whose buffer has content: those without are computed."""
    buffer = one.integer(2, "<I")
    if 0 < buffer < len(filled) and filled[buffer]:
        shape = [max(n, 0) for n in one.numbers(0, "i", 32)]
        dtype = _dtype(one)
        weights.add(one.text(3) or f"tensor {weights.count}", dtype, shape)


def _field(one: Table, side: str) -> Field:
    signature = one.numbers(7, "i", 32) if one.count(7) else one.numbers(0, "i", 32)
    shape = ["?" if n < 0 else n for n in signature]
    return Field((one.text(3) or side).replace(".", "\\."), tensor(_dtype(one), shape), True, side)


def _dtype(one: Table) -> str:
    kind = one.integer(1, "<B")
    return _TYPES[kind] if kind < len(_TYPES) else f"type_{kind}"


def _operators(root: Table) -> list[str]:
    """Names of custom operators; built-in ones by their number (`BuiltinOperator` in schema.fbs)."""
    found: dict[str, None] = {}
    for code in root.tables(1, 1000):
        number = max(code.integer(0, "<b"), code.integer(3, "<i"))
        found[code.text(1, 60) or _BUILTIN.get(number, f"builtin {number}")] = None
    return list(found)


_BUILTIN = {
    0: "ADD", 1: "AVERAGE_POOL_2D", 2: "CONCATENATION", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D", 6: "DEQUANTIZE",
    9: "FULLY_CONNECTED", 14: "LOGISTIC", 16: "LSTM", 17: "MAX_POOL_2D", 18: "MUL", 19: "RELU", 21: "RELU6",
    22: "RESHAPE", 23: "RESIZE_BILINEAR", 25: "SOFTMAX", 28: "TANH", 34: "PAD", 36: "GATHER", 39: "TRANSPOSE",
    40: "MEAN", 41: "SUB", 42: "DIV", 43: "SQUEEZE", 45: "STRIDED_SLICE", 47: "EXP", 49: "SPLIT", 53: "CAST",
    54: "PRELU", 60: "PADV2", 65: "SLICE", 67: "TRANSPOSE_CONV", 70: "EXPAND_DIMS", 74: "SUM", 75: "SQRT",
    76: "RSQRT", 77: "SHAPE", 78: "POW", 83: "PACK", 88: "UNPACK", 97: "RESIZE_NEAREST_NEIGHBOR", 98: "LEAKY_RELU",
    99: "SQUARED_DIFFERENCE", 114: "QUANTIZE", 117: "HARD_SWISH", 126: "BATCH_MATMUL",
}  # fmt: skip
