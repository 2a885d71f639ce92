"""NumPy's npy and npz (numpy/lib/format.py, Format Version 3.0)."""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from catalog.errors import InspectError
from catalog.formats.base import RangeReader, parsing
from catalog.formats.tabular.fields import clean, join
from catalog.formats.vocabulary import Facet, Tensors, elements, tensor
from catalog.formats.zipdir import ZipDirectory
from catalog.model import Facts, Field

_HEADER = 64 * 1024
_LOOKED_INTO = 64
"""Members of an npz whose headers are read; each costs two reads."""
_LONGS = re.compile(r"(?<=\d)L(?=\s*[,)])")
"""How Python 2 wrote the long integers of a shape."""
_KINDS = {"f": "float", "i": "int", "u": "uint", "c": "complex", "b": "bool"}


class Header(NamedTuple):
    """Type in NumPy's words, members of a structured type, shape, order, and how long the header is."""

    dtype: str
    members: tuple[tuple[str, str], ...]
    shape: tuple[int, ...]
    fortran: bool
    length: int
    itemsize: int


def inspect(reader: RangeReader) -> Facts:
    """Shape and type of one array; pickled objects inside are a finding."""
    with parsing(reader, "a NumPy array"):
        header = parse(reader.head(min(_HEADER, reader.size or _HEADER)))
        facet = Facet()
        facet.add("shape", str(list(header.shape)))
        facet.add("dtype", header.dtype)
        facet.add("order", "F" if header.fortran else "C")
        end = header.length + elements(header.shape) * header.itemsize
        fields = tuple(_fields("", header)) or (Field("value", tensor(header.dtype, header.shape), False),)
        rows = header.shape[0] if header.shape else 1
        if header.dtype == "object":
            facet.flag("objects", True)
            return Facts("npy", fields, rows, None, facet.details, "unsafe", "Its elements are pickled objects.")
        if reader.size is not None and end > reader.size:
            return Facts("npy", fields, rows, None, facet.details, "truncated", f"The header speaks of {end:,} bytes.")
        return Facts("npy", fields, rows, None, facet.details)


def inspect_archive(reader: RangeReader) -> Facts:
    """The arrays of an npz, of which the first 64 are looked into."""
    with parsing(reader, "a NumPy archive"):
        archive = ZipDirectory(reader)
        tensors, facet, unsafe = Tensors(), Facet(), ""
        arrays = [member for member in archive.members if member.name.endswith(".npy")]
        for member in arrays[:_LOOKED_INTO]:
            header = parse(archive.read(member, 4096))
            name = member.name.removesuffix(".npy")
            tensors.add(name.replace(".", "\\."), header.dtype, header.shape)
            unsafe = unsafe or (name if header.dtype == "object" else "")
        facet.add("arrays", len(arrays))
        facet.flag("members_cut", len(arrays) > _LOOKED_INTO)
        fields = tensors.into(facet)
        for counted in ("tensors", "parameters"):
            facet.details.pop(counted, None)
        detail = f"The array {clean(unsafe)[:80]} holds pickled objects." if unsafe else None
        return Facts("npz", fields, None, None, facet.details, "unsafe" if unsafe else None, detail)


def parse(data: bytes) -> Header:
    """The header at the beginning of an array's file."""
    if not data.startswith(b"\x93NUMPY") or len(data) < 12:
        raise InspectError("The array has no header.")
    wide = data[6] >= 2
    start = 12 if wide else 10
    length = int.from_bytes(data[8:start], "little")
    if length > _HEADER:
        raise InspectError("The array's header is longer than 64 KiB.", finding="too_large")
    if start + length > len(data):
        raise InspectError("The file ends within the array's header.", finding="truncated")
    words = data[start : start + length].decode("utf-8" if data[6] >= 3 else "latin-1").strip()
    header = ast.literal_eval(_LONGS.sub("", words) if data[6] < 3 else words)
    shape = tuple(int(each) for each in header["shape"])
    if any(each < 0 for each in shape) or len(shape) > 64:
        raise InspectError("The array has an impossible shape.")
    dtype, members, itemsize = _dtype(header["descr"])
    return Header(dtype, members, shape, bool(header["fortran_order"]), start + length, itemsize)


def _dtype(description: object) -> tuple[str, tuple[tuple[str, str], ...], int]:
    """Name, members and bytes of a type as `descr` writes it."""
    if isinstance(description, list):
        members, size = [], 0
        for each in description[:1000]:
            name, inner = str(each[0]), each[1]
            plain, _, width = _dtype(inner)
            shape = tuple(int(n) for n in each[2]) if len(each) > 2 else ()
            size += width * elements(shape)
            if name:
                members.append((name, tensor(plain, shape) if shape else plain))
        return "struct", tuple(members), size
    match = re.fullmatch(r"[<>|=]?([a-zA-Z?])(\d*)(\[.*\])?", str(description))
    if match is None:
        return "unknown", (), 0
    kind, width = match[1], int(match[2] or 0)
    if kind == "O":
        return "object", (), 0
    if kind in "SaU":
        return "string" if kind == "U" else "bytes", (), width * (4 if kind == "U" else 1)
    if kind in "mM":
        return ("datetime64" if kind == "M" else "timedelta64") + (match[3] or ""), (), 8
    if kind == "b":
        return "bool", (), width
    return (f"{_KINDS[kind]}{width * 8}" if kind in _KINDS else "void"), (), width


def _fields(path: str, header: Header) -> list[Field]:
    return [Field(join(path, name), kind, False) for name, kind in header.members]
