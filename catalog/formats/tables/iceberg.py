"""Apache Iceberg (Iceberg Table Spec): the newest metadata document, and the manifest list of its snapshot."""

from __future__ import annotations

import io
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any

from catalog.errors import InspectError
from catalog.formats.base import KIB, MIB, TreeFile, TreeReader, parsing
from catalog.formats.tabular.fields import DEEPEST, Told, bounded, clean, join, numbered, told
from catalog.formats.vocabulary import Facet
from catalog.model import Facts, Field
from catalog.text import iso

_FOLDER = "metadata"
_METADATA = re.compile(r"v?(\d+)(?:-[0-9a-fA-F-]+)?(?:\.gz)?\.metadata\.json(?:\.gz)?")
_DOCUMENT = 16 * MIB
_LIST = 8 * MIB
_MOST_MANIFESTS = 100_000
_TYPES = {
    "boolean": "bool", "int": "int32", "long": "int64", "float": "float", "double": "double", "date": "date32[day]",
    "time": "time64[us]", "timestamp": "timestamp[us]", "timestamptz": "timestamp[us, tz=UTC]",
    "timestamp_ns": "timestamp[ns]", "timestamptz_ns": "timestamp[ns, tz=UTC]", "string": "string",
    "uuid": "extension<arrow.uuid>", "binary": "binary", "unknown": "null",
}  # fmt: skip


def inspect_tree(files: TreeReader) -> Facts:
    """Facts of the current snapshot."""
    with parsing(files, "an Iceberg table"):
        file = _newest(files)
        metadata = json.loads(_plain(files.read(file, _DOCUMENT)))
        facet = Facet()
        snapshots = metadata.get("snapshots") or []
        current = next((s for s in snapshots if s.get("snapshot-id") == metadata.get("current-snapshot-id")), None)
        schema = _by_id(metadata, "schemas", "schema-id", "current-schema-id") or metadata.get("schema") or {}
        facet.add("version", str(metadata.get("format-version", "")))
        facet.add("uuid", metadata.get("table-uuid"))
        facet.add("location", metadata.get("location"))
        facet.add("snapshots", len(snapshots))
        facet.add("partitioning", list(_partitioning(metadata, schema)))
        facet.add("properties", sorted(metadata.get("properties") or {}))
        rows = _snapshot(files, current, facet) if isinstance(current, dict) else (0 if not snapshots else None)
        fields = bounded(_fields("", schema, 1), facet.details)
        return Facts("iceberg", fields, rows, None, facet.details)


def _newest(files: TreeReader) -> TreeFile:
    """The document that the hint names, else the one with the highest number."""
    numbered: dict[int, TreeFile] = {}
    for file in files.files(_FOLDER):
        if match := _METADATA.fullmatch(file.path.rpartition("/")[2]):
            numbered[int(match[1])] = file
    if not numbered:
        raise InspectError("There is no metadata document.", finding="truncated")
    hint = files.get(f"{_FOLDER}/version-hint.text")
    told = files.read(hint, 4 * KIB).strip() if hint else b""
    number = int(told) if told.isdigit() and len(told) < 10 else -1
    return numbered.get(number) or numbered[max(numbered)]


def _plain(data: bytes) -> bytes:
    if data[:2] != b"\x1f\x8b":
        return data
    plain = zlib.decompressobj(wbits=31).decompress(data, _DOCUMENT + 1)
    if len(plain) > _DOCUMENT:
        raise InspectError("The metadata unpacks to more than 16 MiB.", finding="too_large")
    return plain


def _by_id(metadata: dict[str, Any], many: str, key: str, current: str) -> dict[str, Any] | None:
    return next((one for one in metadata.get(many) or () if one.get(key) == metadata.get(current)), None)


def _partitioning(metadata: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    """`day(created)`, `bucket[16](id)`: transform and source column of each partition field."""
    spec = _by_id(metadata, "partition-specs", "spec-id", "default-spec-id") or {}
    names = {field.get("id"): str(field.get("name")) for field in schema.get("fields") or ()}
    for field in spec.get("fields") or ():
        source = names.get(field.get("source-id"), str(field.get("name")))
        transform = str(field.get("transform", "identity"))
        yield source if transform == "identity" else f"{transform}({source})"


def _snapshot(files: TreeReader, snapshot: dict[str, Any], facet: Facet) -> int | None:
    """What the snapshot says of itself, or else what its manifest list adds up to. Returns the rows."""
    summary = snapshot.get("summary") or {}
    facet.add("operation", summary.get("operation"))
    stamp = snapshot.get("timestamp-ms")
    facet.add("committed", iso(stamp * 1_000_000) if isinstance(stamp, int) else None)
    facet.add("table_version", snapshot.get("sequence-number"))
    told = {key: int(value) for key, value in summary.items() if str(value).isdigit()}
    counted = _manifests(files, snapshot)
    facet.add("files", told.get("total-data-files", counted.get("files")))
    facet.add("bytes", told.get("total-files-size"))
    deletes = told.get("total-delete-files", counted.get("deletes", 0))
    facet.add("deleted_files", deletes or None)
    rows = told.get("total-records", counted.get("rows"))
    return None if deletes else rows


def _manifests(files: TreeReader, snapshot: dict[str, Any]) -> dict[str, int]:
    """Files and rows added up over a manifest list (Avro), where it lies beside the metadata."""
    import fastavro

    name = str(snapshot.get("manifest-list", "")).rpartition("/")[2]
    file = files.get(f"{_FOLDER}/{name}") if name else None
    if file is None:
        return {}
    found = {"files": 0, "rows": 0, "deletes": 0}
    for index, entry in enumerate(fastavro.reader(io.BytesIO(files.read(file, _LIST)))):
        files.check_time()
        if index >= _MOST_MANIFESTS or not isinstance(entry, dict):
            return {}
        number = sum(
            _count(entry, f"{state}_files_count", f"{state}_data_files_count") for state in ("added", "existing")
        )
        if entry.get("content"):
            found["deletes"] += number
        else:
            found["files"] += number
            found["rows"] += sum(_count(entry, f"{state}_rows_count") for state in ("added", "existing"))
    return found


def _count(entry: dict[str, Any], *names: str) -> int:
    return next((int(entry[name]) for name in names if isinstance(entry.get(name), int)), 0)


def _fields(path: str, schema: Any, depth: int) -> Iterator[Field]:
    if not isinstance(schema, dict) or depth > DEEPEST:
        return
    for member in schema.get("fields") or ():
        name = join(path, str(member["name"]))
        yield from _walk(name, member["type"], not member.get("required"), told(member, "id"), depth)


def _walk(path: str, kind: Any, nullable: bool, more: Told, depth: int) -> Iterator[Field]:
    if isinstance(kind, str):
        yield Field(path, _primitive(kind), nullable, *more)
        return
    outer = str(kind.get("type"))
    yield Field(path, outer if outer in ("struct", "list", "map") else "unknown", nullable, *more)
    if depth >= DEEPEST:
        return
    if outer == "struct":
        yield from _fields(path, kind, depth + 1)
    elif outer == "list":
        items = numbered(kind.get("element-id"))
        yield from _walk(f"{path}[]", kind["element"], not kind.get("element-required"), items, depth + 1)
    elif outer == "map":
        keys, values = numbered(kind.get("key-id")), numbered(kind.get("value-id"))
        yield from _walk(f"{path}.key", kind["key"], False, keys, depth + 1)
        yield from _walk(f"{path}.value", kind["value"], not kind.get("value-required"), values, depth + 1)


def _primitive(kind: str) -> str:
    if match := re.fullmatch(r"decimal\((\d+),\s*(\d+)\)", kind):
        return f"decimal128({match[1]}, {match[2]})"
    if match := re.fullmatch(r"fixed\[(\d+)\]", kind):
        return f"fixed_size_binary[{match[1]}]"
    return _TYPES.get(kind, clean(kind)[:40])
