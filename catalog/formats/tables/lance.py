"""Lance (lance-format/lance protos/table.proto): the newest manifest below `_versions/`."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from catalog.errors import InspectError
from catalog.formats.base import MIB, TreeFile, TreeReader, parsing
from catalog.formats.models.onnx import text, walk
from catalog.formats.protobuf import BYTES, VARINT
from catalog.formats.stream import Stream
from catalog.formats.tabular.fields import DEEPEST, bounded, join, told
from catalog.formats.vocabulary import Facet
from catalog.model import Facts, Field

_FOLDER = "_versions"
_MANIFEST = 16 * MIB
_MOST = (1 << 64) - 1
_MOST_WORDS = 100
_TYPES = {"large_string": "string", "large_binary": "binary"}
_LISTS = ("list", "large_list", "fixed_size_list")
_UNITED = re.compile(r"(date32|date64|time32|time64|duration):(\w{1,3})")


def inspect_tree(files: TreeReader) -> Facts:
    """Facts of the newest version."""
    with parsing(files, "a Lance table"):
        versions = _versions(files)
        if not versions:
            raise InspectError("There is no version manifest.", finding="truncated")
        newest = max(versions)
        data = files.read(versions[newest], _MANIFEST)
        if len(data) < 16 or data[-4:] != b"LANC":
            raise InspectError("The manifest has no footer: it was cut off.", finding="truncated")
        at = struct.unpack_from("<Q", data, len(data) - 16)[0]
        if at + 4 > len(data):
            raise InspectError("The manifest's footer points beyond it.")
        length = struct.unpack_from("<I", data, at)[0]
        manifest = _Manifest(Stream(data, at + 4, at + 4 + length))
        facet = manifest.facet
        facet.add("table_version", newest)
        facet.add("snapshots", len(versions))
        facet.add("files", manifest.files)
        facet.add("deleted_files", manifest.deletions or None)
        fields = bounded(manifest.fields(), facet.details)
        return Facts("lance", fields, manifest.rows if manifest.counted else None, None, facet.details)


def _versions(files: TreeReader) -> dict[int, TreeFile]:
    """Manifests by version; newer writers count down from the largest number, so that the newest sorts first."""
    found = {}
    for file in files.files(_FOLDER):
        match = re.fullmatch(r"(\d{1,20})\.manifest", file.path.rpartition("/")[2])
        if match:
            number = int(match[1])
            found[_MOST - number if len(match[1]) == 20 else number] = file
    return found


class _Column(NamedTuple):
    """One field of the manifest (protos/file.proto, Field), which names its parent by id."""

    parent: int
    name: str
    kind: str
    nullable: bool
    words: dict[str, str]


class _Manifest:
    def __init__(self, stream: Stream) -> None:
        self.facet = Facet()
        self.files = self.deletions = self.rows = 0
        self.counted = True
        self._columns: dict[int, _Column] = {}
        for field in walk(stream, stream.end or 0):
            if field.wire != BYTES:
                continue
            if field.number == 1:
                self._column(stream, field.value)
            elif field.number == 2:
                self._fragment(stream, field.value)
            elif field.number == 13:
                words = [text(stream, part.value) for part in walk(stream, field.value) if part.wire == BYTES]
                self.facet.add("created_by", " ".join(words[:2]))

    def _column(self, stream: Stream, end: int) -> None:
        number = {3: 0, 4: -1, 6: 0}
        words = {2: "", 5: ""}
        more: dict[str, str] = {}
        for part in walk(stream, end):
            if part.number in number and part.wire == VARINT:
                number[part.number] = part.value if part.value < 1 << 31 else -1
            elif part.number in words and part.wire == BYTES:
                words[part.number] = text(stream, part.value)[:200]
            elif part.number == 10 and part.wire == BYTES and len(more) < _MOST_WORDS:
                pair = {p.number: text(stream, p.value) for p in walk(stream, part.value) if p.wire == BYTES}
                more[pair.get(1, "")] = pair.get(2, "")
        self._columns[number[3]] = _Column(number[4], words[2], words[5], bool(number[6]), more)

    def _fragment(self, stream: Stream, end: int) -> None:
        rows = None
        for part in walk(stream, end):
            if part.number == 2 and part.wire == BYTES:
                self.files += 1
            elif part.number == 3 and part.wire == BYTES:
                self.deletions += 1
                self.rows -= sum(p.value for p in walk(stream, part.value) if p.number == 4 and p.wire == VARINT)
            elif part.number == 4 and part.wire == VARINT:
                rows = part.value
        self.counted = self.counted and rows is not None
        self.rows += rows or 0

    def fields(self) -> Iterator[Field]:
        """Columns with their paths, which hang on the ids of their parents."""
        paths: dict[int, str] = {}
        for number, column in self._columns.items():
            above, parent = paths.get(column.parent, ""), self._columns.get(column.parent)
            outer = parent.kind.partition(":")[0].partition(".")[0] if parent else ""
            if outer == "map":
                paths[number] = above  # its entries, which hold key and value
                continue
            path = paths[number] = f"{above}[]" if outer in _LISTS else join(above, column.name)
            doc, _, unit = told(column.words)
            yield from _walk(Field(path, "", column.nullable, doc, number, unit), column.kind, 1)


def _walk(field: Field, kind: str, depth: int) -> Iterator[Field]:
    """`field` with its type; behind a list of fixed size also its items where they are no fields of their own."""
    if not kind.startswith("fixed_size_list:"):
        yield replace(field, type=_type(kind))
        return
    inner, _, length = kind.partition(":")[2].rpartition(":")
    yield replace(field, type="list", doc=field.doc or f"{length[:20]} items each")
    if inner != "struct" and depth < DEEPEST:
        yield from _walk(Field(f"{field.path}[]", ""), inner, depth + 1)


def _type(kind: str) -> str:
    """Lance's logical type in Arrow's words."""
    if united := _UNITED.fullmatch(kind):
        return f"{united[1]}[{united[2]}]"
    if kind.startswith("dict:"):
        return _type(kind[len("dict:") :].rpartition(":")[0].rpartition(":")[0])  # behind it, how it is encoded
    if kind.startswith("fixed_size_binary:"):
        return f"fixed_size_binary[{kind.partition(':')[2][:20]}]"
    if kind.startswith("decimal:"):
        _, width, precision, scale = [*kind.split(":"), "", "", ""][:4]
        return f"decimal{width}({precision}, {scale})"
    if kind.startswith("timestamp:"):
        _, unit, zone = [*kind.split(":", 2), "", ""][:3]
        return f"timestamp[{unit}]" if zone in ("-", "") else f"timestamp[{unit}, tz={zone}]"
    if kind.startswith(("list", "large_list")):
        return "list"
    return _TYPES.get(kind, kind[:40] or "unknown")
