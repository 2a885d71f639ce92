"""safetensors: the JSON header behind its length (huggingface/safetensors, Format)."""

from __future__ import annotations

import json
from typing import Any

from catalog.errors import InspectError
from catalog.formats.base import MIB, RangeReader, parsing
from catalog.formats.vocabulary import Facet, Tensors
from catalog.model import Facts

_HEADER = 24 * MIB
_DTYPES = {
    "F64": ("float64", 64), "F32": ("float32", 32), "F16": ("float16", 16), "BF16": ("bfloat16", 16),
    "I64": ("int64", 64), "I32": ("int32", 32), "I16": ("int16", 16), "I8": ("int8", 8), "U8": ("uint8", 8),
    "U16": ("uint16", 16), "U32": ("uint32", 32), "U64": ("uint64", 64), "BOOL": ("bool", 8),
    "F8_E4M3": ("float8_e4m3fn", 8), "F8_E5M2": ("float8_e5m2", 8), "F8_E8M0": ("float8_e8m0fnu", 8),
    "F4": ("float4_e2m1fn", 4), "F6_E2M3": ("float6_e2m3fn", 6), "F6_E3M2": ("float6_e3m2fn", 6),
    "C64": ("complex64", 64),
}  # fmt: skip
_KNOWN = {"format": "framework", "modelspec.title": "title", "modelspec.architecture": "architecture",
          "modelspec.license": "license", "ss_base_model_version": "base_model"}  # fmt: skip


def inspect(reader: RangeReader) -> Facts:
    """Tensors and metadata from the header; `truncated` when the data does not reach as far as it says."""
    with parsing(reader, "safetensors"):
        header, start = read_header(reader)
        tensors, facet = Tensors(), Facet()
        end = add_tensors(header, tensors)
        add_metadata(header.get("__metadata__"), facet)
        fields = tensors.into(facet)
        short = reader.size is not None and start + end > reader.size
        missing = f"The header speaks of {start + end:,} bytes." if short else None
        return Facts("safetensors", fields, None, None, facet.details, "truncated" if short else None, missing)


def read_header(reader: RangeReader) -> tuple[dict[str, Any], int]:
    """The header, and where the data behind it starts."""
    length = int.from_bytes(reader.head(8), "little")
    if reader.size is not None and length + 8 > reader.size:
        raise InspectError("The safetensors header is longer than the file.", finding="truncated")
    if length > _HEADER:
        raise InspectError("The safetensors header is longer than 24 MiB.", finding="too_large")
    raw = reader.head(8 + length)[8:]
    if len(raw) < length:
        raise InspectError("The file ends within its header.", finding="truncated")
    header = json.loads(raw)
    if not isinstance(header, dict):
        raise InspectError("The safetensors header is no object.")
    return header, 8 + length


def add_tensors(header: dict[str, Any], tensors: Tensors) -> int:
    """Count the tensors of a header; returns where the last one ends in the data."""
    end = 0
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        shape, (begin, stop) = entry["shape"], entry["data_offsets"]
        dtype, bits = _DTYPES.get(entry["dtype"], (str(entry["dtype"]).lower()[:20], 0))
        before = tensors.parameters
        tensors.add(name, dtype, [int(each) for each in shape])
        if begin > stop or (bits and (tensors.parameters - before) * bits > (stop - begin) * 8 + 7):
            raise InspectError("A tensor does not fit in the bytes it is given.")
        end = max(end, int(stop))
    return end


def add_metadata(metadata: object, facet: Facet) -> None:
    """The writer's own words."""
    if not isinstance(metadata, dict):
        return
    for key, fact in _KNOWN.items():
        value = metadata.get(key)
        facet.add(fact, value if isinstance(value, str) else None)
    other = sorted(str(key) for key in metadata if key not in _KNOWN)
    facet.add("metadata_keys", other)
