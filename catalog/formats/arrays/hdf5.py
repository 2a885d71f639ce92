"""HDF5 and what is stored in it (NetCDF 4, Keras, AnnData, MATLAB 7.3), through h5py (extra `hpc`).

Only the tree, shapes, types and small attributes are read: no data, no filter plug-ins, no links that
lead out of the file.
"""

from __future__ import annotations

import json
from typing import Any

from catalog.errors import InspectError
from catalog.formats.base import KIB, RangeReader, parsing
from catalog.formats.models.keras import described
from catalog.formats.tabular.fields import clean, join, told
from catalog.formats.vocabulary import Facet, Tensors, tensor
from catalog.model import Facts, Field

_MOST = 2000
"""Objects looked at; each costs scattered reads."""
_DEEPEST = 24
_ATTRIBUTE = 4 * 1024 * KIB
_TOLD = {"title": "title", "Conventions": "version", "source": "created_by", "keras_version": "created_by"}


def inspect(reader: RangeReader) -> Facts:
    """Arrays with their shapes, and attributes of the root."""
    return inspect_as(reader, "hdf5")


def inspect_netcdf(reader: RangeReader) -> Facts:
    """As `inspect`, of a NetCDF 4 file."""
    return inspect_as(reader, "netcdf4")


def inspect_keras(reader: RangeReader) -> Facts:
    """The model's architecture beside its weights."""
    return inspect_as(reader, "keras_h5")


def inspect_anndata(reader: RangeReader) -> Facts:
    """As `inspect`; the rows are observations."""
    return inspect_as(reader, "anndata")


def inspect_as(reader: RangeReader, format: str) -> Facts:
    """Facts of an HDF5 file known to be `format`."""
    with parsing(reader, "HDF5"):
        try:
            import h5py
        except ImportError:
            return Facts(format, details={"extra": "hpc"})
        with h5py.File(_Blocks(reader), "r", locking=False) as file:
            walk = _Walk(h5py)
            walk.group("", file, 0)
            return _facts(format, file, walk)


def _facts(format: str, file: Any, walk: _Walk) -> Facts:
    facet = Facet()
    facet.add("groups", walk.groups or None)
    facet.add("attributes", [str(name) for name in list(file.attrs)[:50]])
    for name, fact in _TOLD.items():
        if (words := _words(file, name)) is not None:
            facet.add(fact, f"keras {words}" if name == "keras_version" else words)
    facet.flag("members_cut", walk.cut)
    facet.add("compression", sorted(walk.filters))
    if format == "keras_h5":
        return _keras(file, walk, facet)
    fields = walk.tensors.into(facet)
    facet.add("arrays", facet.details.pop("tensors", None))
    facet.details.pop("parameters", None)
    if walk.dimensions:
        facet.add("dimensions", [f"{name}={size}" for name, size in walk.dimensions.items()])
    rows = walk.rows if format == "anndata" else None
    return Facts(format, fields, rows, None, facet.details)


def _keras(file: Any, walk: _Walk, facet: Facet) -> Facts:
    fields = walk.tensors.into(facet)
    words = _words(file, "model_config")
    config = json.loads(words) if words else {}
    facts = described(config if isinstance(config, dict) else {}, facet, "keras_h5")
    return Facts("keras_h5", fields, None, None, facet.details, facts.finding, facts.finding_detail)


def _words(item: Any, name: str) -> str | None:
    """A text attribute of bounded size."""
    if name not in item.attrs:
        return None
    known = item.attrs.get_id(name)
    if known.get_storage_size() > _ATTRIBUTE:
        return None
    value = item.attrs[name]
    if getattr(value, "size", 0) == 1:
        value = value.item()  # NetCDF's strings are arrays of one
    value = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return value if isinstance(value, str) else None


class _Walk:
    """Visits groups and arrays once each, along hard links alone."""

    def __init__(self, h5py: Any) -> None:
        self._h5py = h5py
        self._seen: set[Any] = set()
        self.tensors = Tensors()
        self.groups = 0
        self.cut = False
        self.filters: set[str] = set()
        self.dimensions: dict[str, int] = {}
        self.rows: int | None = None

    def group(self, path: str, group: Any, depth: int) -> None:
        """Everything in a group and below."""
        for name in group:
            if len(self._seen) >= _MOST or depth > _DEEPEST:
                self.cut = True
                return
            if not isinstance(group.get(name, getlink=True), self._h5py.HardLink):
                continue
            item = group[name]
            address = self._h5py.h5o.get_info(item.id).addr
            if address in self._seen:
                continue
            self._seen.add(address)
            below = join(path, str(name))
            if isinstance(item, self._h5py.Group):
                self.groups += 1
                self.group(below, item, depth + 1)
            elif isinstance(item, self._h5py.Dataset):
                self.array(below, item)

    def array(self, path: str, item: Any) -> None:
        """One data set, of which only the description is read."""
        shape = [int(length) for length in item.shape or ()]
        if (path == "obs._index" and shape) or (path in ("obs.index", "X") and shape and self.rows is None):
            self.rows = shape[0]
        if item.compression:
            self.filters.add(str(item.compression))
        if item.attrs.get("CLASS") == b"DIMENSION_SCALE" and shape and len(self.dimensions) < 64:
            self.dimensions[path] = shape[0]
        names = item.dtype.names
        if names and len(self.tensors.fields) < 5000:
            self.tensors.fields += [Field(path, tensor("struct", shape), False)]
            self.tensors.fields += [Field(join(path, n), str(item.dtype[n]), False) for n in names[:1000]]
            self.tensors.count += 1
            return
        more = told({name: _words(item, name) for name in ("units", "unit", "long_name", "description")})
        self.tensors.add(clean(path), _dtype(item.dtype, self._h5py), shape, more)


def _dtype(dtype: Any, h5py: Any) -> str:
    if h5py.check_string_dtype(dtype) is not None:
        return "string"
    if h5py.check_ref_dtype(dtype) is not None:
        return "reference"
    return "object" if dtype.kind == "O" else str(dtype.name)


def _require_steps(heap: bytes | bytearray) -> None:
    """Raise `InspectError` for a global heap that libhdf5 would read for ever: an object that leads to itself.

    HDF5 File Format Specification, III.E: a header of 16 bytes with the size of the collection, then objects of 16
    bytes and their content in steps of 8; index 0 is the free space, whose size has its own header in it. What does
    not fit into the collection is left to the library, which refuses it.
    """
    end = min(int.from_bytes(heap[8:16], "little"), len(heap))
    at = 16
    while at + 16 <= end:
        index, size = int.from_bytes(heap[at : at + 2], "little"), int.from_bytes(heap[at + 8 : at + 16], "little")
        step = (size if index == 0 else 16 + (size + 7) // 8 * 8) % (1 << 64)
        if step == 0:
            raise InspectError("An object of its global heap leads to itself.")
        at += step


class _Blocks:
    """The file as HDF5 wants it: many small scattered reads become few, by blocks of 64 KiB that are kept."""

    _SIZE = 64 * KIB

    def __init__(self, reader: RangeReader) -> None:
        self._reader = reader
        self._file = reader.file()
        self._kept: dict[int, bytes] = {}
        self._at = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        """As of any file."""
        self._at = self._file.seek(offset, whence if whence != 1 else 0) if whence != 1 else self._at + offset
        return self._at

    def tell(self) -> int:
        """As of any file."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """As of any file."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def read(self, size: int = -1) -> bytes:
        """As of any file; never more than a piece of 16 MiB."""
        size = min(size if size >= 0 else 0, 16 * 1024 * KIB)
        out = bytearray()
        while len(out) < size:
            block, inside = divmod(self._at, self._SIZE)
            if block not in self._kept:
                self._kept[block] = self._reader.read(block * self._SIZE, self._SIZE)
            piece = self._kept[block][inside : inside + size - len(out)]
            if not piece:
                break
            out += piece
            self._at += len(piece)
        if out.startswith(b"GCOL"):
            _require_steps(out)
        return bytes(out)

    def write(self, data: bytes) -> int:
        """Never: silos are read-only."""
        raise OSError("read-only")

    def truncate(self, size: int | None = None) -> int:
        """Never: silos are read-only."""
        raise OSError("read-only")

    def flush(self) -> None:
        """Nothing is written."""
