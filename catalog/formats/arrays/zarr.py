"""Zarr 2 and 3 (zarr-specs): groups and arrays from their metadata documents; chunks are never listed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from catalog.errors import InspectError
from catalog.formats.base import MIB, RangeReader, TreeReader, parsing
from catalog.formats.tabular.fields import NOTHING, Told, clean, told
from catalog.formats.vocabulary import MOST_TENSORS, Facet, Tensors, dtypes
from catalog.formats.zipdir import ZipDirectory
from catalog.model import Facts, Field

_DOCUMENT = 8 * MIB
_MOST = 500
_TYPES = {"f": "float", "i": "int", "u": "uint", "c": "complex"}

Read = Callable[[str], Any]
"""A metadata document by its path from the root, None where there is none."""


def inspect_tree(files: TreeReader) -> Facts:
    """Facts of a store that is a folder."""
    with parsing(files, "Zarr"):

        def read(path: str) -> Any:
            file = files.get(path)
            return None if file is None else json.loads(files.read(file, _DOCUMENT))

        return _facts(read, [])


def inspect(reader: RangeReader) -> Facts:
    """Facts of a store in a ZIP file."""
    with parsing(reader, "Zarr"):
        archive = ZipDirectory(reader)

        def read(path: str) -> Any:
            member = archive.get(path)
            return None if member is None or member.size > _DOCUMENT else json.loads(archive.read(member, _DOCUMENT))

        ends = (".zarray", ".zgroup", ".zattrs", "zarr.json")
        names = (member.name for member in archive.members if member.name.rpartition("/")[2] in ends)
        return _facts(read, list(dict.fromkeys(names)))  # what was written twice stands in the directory twice


def _facts(read: Read, known: list[str]) -> Facts:
    """From the consolidated metadata where there is one, else from the root's own documents."""
    found = _Store()
    consolidated, root = read(".zmetadata"), read("zarr.json")
    if isinstance(consolidated, dict):
        for path, document in _bounded(consolidated.get("metadata")):
            found.second(path, document)
    elif isinstance(root, dict):
        found.third("", root)
        inside = (root.get("consolidated_metadata") or {}).get("metadata")
        for path, document in _bounded(inside):
            found.third(path, document)
        for path in known if not inside else ():
            if path != "zarr.json":
                found.third(path.removesuffix("/zarr.json"), read(path))
    else:
        for path in known[:_MOST] or [".zgroup", ".zarray", ".zattrs"]:
            if (document := read(path)) is not None:
                found.second(path, document)
    if not found.version:
        raise InspectError("No metadata of a Zarr store is there.", finding="unsupported")
    return found.facts()


def _path(folder: str) -> str:
    """The path of the array in a folder of the store; a store that is one array has a value."""
    return clean(folder or "value").replace(".", "\\.").replace("/", ".")


def _bounded(documents: Any) -> list[tuple[str, Any]]:
    return list(documents.items())[:20_000] if isinstance(documents, dict) else []


class _Store:
    def __init__(self) -> None:
        self.facet = Facet()
        self.tensors = Tensors()
        self.version = 0
        self.groups = 0
        self.codecs: set[str] = set()
        self.chunks: str | None = None
        self.told: dict[str, Told] = {}

    def facts(self) -> Facts:
        facet = self.facet
        facet.add("version", str(self.version))
        facet.add("groups", self.groups)
        facet.add("chunks", self.chunks)
        kinds = dtypes(self.tensors.kinds)
        plain = self.tensors.into(facet)
        # What an array says of itself may stand behind it, in a file of its own.
        fields = tuple(Field(f.path, f.type, f.nullable, *self.told.get(f.path, NOTHING)) for f in plain)
        facet.add("arrays", facet.details.pop("tensors", None))
        facet.details.pop("parameters", None)
        facet.add("dtype", kinds)
        return Facts("zarr", fields, None, "+".join(sorted(self.codecs)) or None, facet.details)

    def second(self, path: str, document: Any) -> None:
        """`.zarray`, `.zgroup` or `.zattrs` of version 2."""
        if not isinstance(document, dict):
            return
        folder, _, kind = path.rpartition("/")
        self.version = 2
        if kind == ".zgroup":
            self.groups += 1
        elif kind == ".zattrs" and len(self.told) < MOST_TENSORS:
            self.told[_path(folder)] = told(document)
            if not folder:
                self.facet.add("attributes", [str(key) for key in document])
        elif kind == ".zarray":
            compressor = document.get("compressor")
            name = compressor.get("id") if isinstance(compressor, dict) else None
            self.array(folder, _second_type(document.get("dtype")), document.get("shape"), document.get("chunks"), name)

    def third(self, path: str, document: Any) -> None:
        """`zarr.json` of version 3."""
        if not isinstance(document, dict) or document.get("zarr_format") not in (2, 3):
            return
        self.version = int(document["zarr_format"])
        if document.get("node_type") == "group":
            self.groups += 1
            if not path:
                self.facet.add("attributes", [str(key) for key in document.get("attributes") or {}])
            return
        codecs = [c.get("name") for c in document.get("codecs") or () if isinstance(c, dict)]
        named = [str(c) for c in codecs if c not in ("bytes", "transpose", "crc32c", "vlen-utf8", "vlen-bytes")]
        grid = document.get("chunk_grid") or {}
        chunks = (grid.get("configuration") or {}).get("chunk_shape")
        kind = document.get("data_type")
        dtype = kind if isinstance(kind, str) else str((kind or {}).get("name", "unknown"))
        self.array(path, dtype, document.get("shape"), chunks, named[-1] if named else None)
        if isinstance(document.get("attributes"), dict):
            self.told[_path(path)] = told(document["attributes"])

    def array(self, path: str, dtype: str, shape: Any, chunks: Any, codec: str | None) -> None:
        if not isinstance(shape, list) or not all(isinstance(n, int) for n in shape):
            raise InspectError("An array of the store has no shape.")
        self.tensors.add(_path(path), clean(dtype)[:40], shape)
        if codec:
            self.codecs.add(clean(codec)[:20])
        if self.chunks is None and isinstance(chunks, list):
            self.chunks = str(chunks[:32])


def _second_type(kind: Any) -> str:
    """NumPy's short form: `<f4` is float32."""
    if not isinstance(kind, str):
        return "struct"
    plain = kind.lstrip("<>|=")
    if plain[:1] in _TYPES and plain[1:].isdigit():
        return f"{_TYPES[plain[0]]}{int(plain[1:]) * 8}"
    if plain[:1] == "O":
        return "object"
    return {"b1": "bool"}.get(plain, "string" if plain[:1] in "SU" else plain)
