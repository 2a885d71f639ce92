"""NIfTI-1 and NIfTI-2 headers (nifti1.h, nifti2.h), also within gzip."""

from __future__ import annotations

import struct

from catalog.errors import InspectError
from catalog.formats import unpack
from catalog.formats.base import KIB, RangeReader, parsing
from catalog.formats.vocabulary import Facet, tensor
from catalog.model import Facts, Field

_TYPES = {
    1: "bool", 2: "uint8", 4: "int16", 8: "int32", 16: "float32", 32: "complex64", 64: "float64", 128: "uint8",
    256: "int8", 512: "uint16", 768: "uint32", 1024: "int64", 1280: "uint64", 1792: "complex128",
}  # fmt: skip
_UNITS = {1: "m", 2: "mm", 3: "µm"}


def inspect(reader: RangeReader) -> Facts:
    """Shape, type and voxel size. The free text of the header may name a patient and is not kept."""
    with parsing(reader, "NIfTI"):
        head = reader.head(4 * KIB)
        codec = unpack.codec_of(head)
        if codec:
            head = unpack.unpack(head, codec, 600).data
        if len(head) < 348:
            raise InspectError("The NIfTI header is cut off.", finding="truncated")
        order = "<" if struct.unpack_from("<i", head)[0] in (348, 540) else ">"
        size = struct.unpack_from(f"{order}i", head)[0]
        if size == 348:
            dim, kind, pixdim = (
                struct.unpack_from(f"{order}{t}", head, at) for t, at in (("8h", 40), ("h", 70), ("8f", 76))
            )
            units, version = head[123], 1
        elif size == 540 and len(head) >= 540:
            dim, kind, pixdim = (
                struct.unpack_from(f"{order}{t}", head, at) for t, at in (("8q", 16), ("h", 12), ("8d", 104))
            )
            units, version = struct.unpack_from(f"{order}i", head, 500)[0], 2
        else:
            raise InspectError("The NIfTI header has an impossible length.")
        if not 1 <= dim[0] <= 7 or any(n < 0 for n in dim[1 : dim[0] + 1]):
            raise InspectError("The NIfTI header has an impossible shape.")
        shape = list(dim[1 : dim[0] + 1])
        facet = Facet()
        dtype = _TYPES.get(kind[0], f"type_{kind[0]}")
        facet.add("shape", str(shape))
        facet.add("dtype", dtype)
        facet.add("version", str(version))
        facet.add("voxel_size", " × ".join(f"{abs(v):.3g}" for v in pixdim[1 : min(dim[0], 3) + 1]))
        facet.add("units", _UNITS.get(units & 7))
        facet.add("frames", shape[3] if len(shape) > 3 and shape[3] > 1 else None)
        return Facts("nifti", (Field("value", tensor(dtype, shape), False),), None, codec, facet.details)
