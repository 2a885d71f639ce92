"""GGUF (ggml/docs/gguf.md): key-value metadata, then the infos of all tensors."""

from __future__ import annotations

import struct

from catalog.errors import InspectError
from catalog.formats.base import MIB, RangeReader, parsing
from catalog.formats.stream import Stream
from catalog.formats.vocabulary import Facet, Tensors
from catalog.model import Facts

Value = str | int | float | bool | None

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_DEEPEST = 4
_KEPT = 4096
_TYPES = (
    "float32", "float16", "q4_0", "q4_1", "q4_2", "q4_3", "q5_0", "q5_1", "q8_0", "q8_1", "q2_k", "q3_k", "q4_k",
    "q5_k", "q6_k", "q8_k", "iq2_xxs", "iq2_xs", "iq3_xxs", "iq1_s", "iq4_nl", "iq3_s", "iq2_s", "iq4_xs", "int8",
    "int16", "int32", "int64", "float64", "iq1_m", "bfloat16", "q4_0_4_4", "q4_0_4_8", "q4_0_8_8", "tq1_0", "tq2_0",
)  # fmt: skip
_FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S",
    12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS",
    20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M",
    28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0",
}  # fmt: skip
_GENERAL = {
    "general.architecture": "architecture", "general.name": "title", "general.license": "license",
    "tokenizer.ggml.model": "tokenizer", "general.basename": "base_model", "general.base_model.0.name": "base_model",
}  # fmt: skip
_BY_ARCHITECTURE = {"context_length": "context_length", "block_count": "layers", "vocab_size": "vocabulary"}


def inspect(reader: RangeReader) -> Facts:
    """Metadata and tensors. Token lists stand before the tensors, so some MiB may be read."""
    with parsing(reader, "GGUF"):
        stream = Stream(reader, block=MIB)
        stream.take(4)
        version = stream.number("I")
        if version > 1 << 16:  # written on a machine of the other byte order
            stream.order, version = ">", int.from_bytes(version.to_bytes(4, "little"), "big")
        if version not in (2, 3):
            raise InspectError(f"GGUF version {version} is not read.", finding="unsupported")
        count, pairs = stream.number("q"), stream.number("q")
        if count < 0 or pairs < 0:
            raise InspectError("The GGUF header counts less than nothing.")
        metadata = _metadata(stream, pairs)
        tensors, facet = Tensors(), Facet()
        for _ in range(count):
            _tensor(stream, tensors)
        _tell(metadata, facet)
        facet.add("version", str(version))
        return Facts("gguf", tensors.into(facet), None, None, facet.details)


def _metadata(stream: Stream, pairs: int) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for _ in range(pairs):
        key = _string(stream)
        value = _value(stream, stream.number("I"), 1)
        if len(found) < _KEPT:
            found[key[:200]] = value
    return found


def _string(stream: Stream) -> str:
    return stream.take(stream.number("Q")).decode("utf-8", "replace")


def _value(stream: Stream, kind: int, depth: int) -> Value:
    """A scalar or string; of an array only its length, and it is passed over."""
    if kind in _SCALARS:
        value: Value = stream.unpack(_SCALARS[kind])[0]
        return value
    if kind == _STRING:
        return _string(stream)
    if kind != _ARRAY or depth > _DEEPEST:
        raise InspectError("The GGUF metadata holds a value of unknown type.")
    inner, length = stream.number("I"), stream.number("Q")
    if inner in _SCALARS:
        stream.skip(struct.calcsize(_SCALARS[inner]) * length)
        stream.peek(1)
        return int(length)
    for _ in range(length):
        if inner == _STRING:
            stream.skip(stream.number("Q"))
        else:
            _value(stream, inner, depth + 1)
    return int(length)


def _tensor(stream: Stream, tensors: Tensors) -> None:
    name = _string(stream)
    dimensions = stream.number("I")
    if dimensions > 8:
        raise InspectError("A GGUF tensor has more than eight dimensions.")
    shape = stream.unpack(f"{dimensions}Q") if dimensions else ()
    kind, _ = stream.unpack("IQ")
    dtype = _TYPES[kind] if kind < len(_TYPES) else f"type_{kind}"
    tensors.add(name[:200], dtype, shape[::-1])  # the fastest dimension comes first in the file


def _tell(metadata: dict[str, Value], facet: Facet) -> None:
    for key, fact in _GENERAL.items():
        facet.add(fact, metadata.get(key))
    architecture = metadata.get("general.architecture")
    for key, fact in _BY_ARCHITECTURE.items():
        facet.add(fact, metadata.get(f"{architecture}.{key}"))
    facet.add("vocabulary", metadata.get("tokenizer.ggml.tokens"))
    file_type = metadata.get("general.file_type")
    if isinstance(file_type, int):
        facet.add("quantization", _FILE_TYPES.get(file_type, f"type {file_type}"))
