"""Apache Avro object container files (Avro 1.12 specification, Object Container Files)."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from catalog.errors import InspectError
from catalog.formats.base import KIB, MIB, RangeReader, parsing
from catalog.formats.protobuf import varint
from catalog.formats.tabular.fields import DEEPEST, NOTHING, Details, Told, bounded, clean, join, numbered, told
from catalog.model import Facts, Field

_HEADS = (64 * KIB, MIB, 8 * MIB)
_WHOLE = MIB
_PRIMITIVE = {
    "null": "null", "boolean": "bool", "int": "int32", "long": "int64", "float": "float",
    "double": "double", "bytes": "binary", "string": "string",
}  # fmt: skip
_LOGICAL = {
    "date": "date32[day]", "time-millis": "time32[ms]", "time-micros": "time64[us]",
    "timestamp-millis": "timestamp[ms, tz=UTC]", "timestamp-micros": "timestamp[us, tz=UTC]",
    "timestamp-nanos": "timestamp[ns, tz=UTC]", "local-timestamp-millis": "timestamp[ms]",
    "local-timestamp-micros": "timestamp[us]", "local-timestamp-nanos": "timestamp[ns]",
    "duration": "month_day_nano_interval",
}  # fmt: skip


def inspect(reader: RangeReader) -> Facts:
    """Schema and codec from the header; rows by walking the blocks where the file is within 1 MiB."""
    with parsing(reader, "Avro"):
        blocks = _open(reader)
        schema = json.loads(blocks.metadata["avro.schema"])
        rows = None
        if reader.whole():
            rows = 0
            for block in blocks:
                reader.check_time()
                if block.num_records < 0:
                    raise ValueError("a block of negative length")
                rows += block.num_records
        details: Details = {}
        if isinstance(schema, dict) and isinstance(schema.get("name"), str):
            details["record"] = clean(schema["name"])[:200]
        codec = blocks.codec if blocks.codec != "null" else None
        return Facts("avro", bounded(fields_of(schema), details), rows, codec, details)


def _open(reader: RangeReader) -> Any:
    """A block reader over the file's beginning, growing until the header (with its schema) is in it."""
    import fastavro

    small = reader.size is not None and reader.size <= _WHOLE
    for length in (_WHOLE,) if small else _HEADS:
        head = reader.head(length)
        if _header_length(head) <= len(head):
            return fastavro.block_reader(io.BytesIO(head))
        if reader.whole():
            raise InspectError("The Avro file ends within its header.", finding="truncated")
    raise InspectError("The Avro header is longer than 8 MiB.", finding="too_large")


def _header_length(data: bytes) -> int:
    """Bytes of the header (magic, metadata map, sync marker); more than there are where it is cut off."""
    at = 4
    while at < len(data):
        count, at = _long(data, at)
        if count == 0:
            return at + 16
        if count < 0:  # a block with its size in bytes before it
            count = -count
            _, at = _long(data, at)
        for _ in range(2 * count):
            length, at = _long(data, at)
            if length < 0:
                raise ValueError("metadata of negative length")
            at += length
            if at > len(data):
                break
    return max(at, len(data) + 1)


def _long(data: bytes, at: int) -> tuple[int, int]:
    """A zig-zag long and the offset behind it; 1 beyond the end of the data."""
    value, after = varint(data, at)
    return (1, len(data) + 1) if value < 0 else ((value >> 1) ^ -(value & 1), after)


def fields_of(schema: Any) -> Iterator[Field]:
    """The fields of an Avro schema; of one that is no record, a single field `value`."""
    types = _Types()
    if isinstance(schema, dict) and schema.get("type") == "record":
        return types.record("", schema, 1)
    return types.walk("value", schema, NOTHING, 1)


class _Types:
    """Walks a schema. Named types may be used again by name, and a record even within itself."""

    def __init__(self) -> None:
        self.named: dict[str, Mapping[str, Any]] = {}
        self.entered: list[str] = []

    def walk(self, path: str, schema: Any, more: Told, depth: int) -> Iterator[Field]:
        """The field at `path` and its members."""
        nullable = False
        schema = self._resolve(schema)
        if isinstance(schema, list):
            nullable = "null" in schema
            branches = [branch for branch in schema if branch != "null"]
            single = len(branches) == 1
            schema = self._resolve(branches[0]) if single else {"type": "union" if branches else "null"}
        yield Field(path, _name(schema), nullable, *more)
        kind = schema.get("type")
        if depth >= DEEPEST:
            return
        if _name(schema) == "map" and kind == "array":
            yield from self.record(path, self._resolve(schema["items"]), depth + 1)
        elif kind == "array":
            yield from self.walk(f"{path}[]", schema["items"], numbered(schema.get("element-id")), depth + 1)
        elif kind == "map":
            yield Field(f"{path}.key", "string", False, *numbered(schema.get("key-id")))
            yield from self.walk(f"{path}.value", schema["values"], numbered(schema.get("value-id")), depth + 1)
        elif kind in ("record", "error"):
            yield from self.record(path, schema, depth + 1)

    def record(self, path: str, schema: Mapping[str, Any], depth: int) -> Iterator[Field]:
        """The members of a record; none where it stands within itself, for that has no end."""
        name = str(schema.get("name"))
        if name in self.entered:
            return
        self.named[name] = schema
        self.entered.append(name)
        for member in schema.get("fields", ()):
            yield from self.walk(join(path, str(member["name"])), member["type"], told(member, "field-id"), depth)
        self.entered.pop()

    def _resolve(self, schema: Any) -> Any:
        """A union as a list, anything else as a dictionary with a plain `type`."""
        while isinstance(schema, dict) and isinstance(schema.get("type"), (dict, list)):
            schema = schema["type"]  # {"type": {"type": "array", …}} says no more than its inside
        if isinstance(schema, str):
            schema = {"type": schema} if schema in _PRIMITIVE else self._lookup(schema)
        if isinstance(schema, dict) and isinstance(schema.get("name"), str):
            self.named[schema["name"]] = schema
        return schema

    def _lookup(self, name: str) -> Mapping[str, Any]:
        short = name.rpartition(".")[2]
        for key, schema in self.named.items():
            if key == name or key.rpartition(".")[2] == short:
                return schema
        raise ValueError("the schema names a type it does not define")


def _name(schema: Mapping[str, Any]) -> str:
    """The Arrow name of an Avro type."""
    kind, logical = str(schema.get("type")), schema.get("logicalType")
    if logical == "decimal" and kind in ("bytes", "fixed"):
        precision = int(schema.get("precision", 38))
        return f"decimal{128 if precision <= 38 else 256}({precision}, {int(schema.get('scale', 0))})"
    if isinstance(logical, str) and logical in _LOGICAL:
        # Iceberg's own attribute (Iceberg Table Spec, Appendix A, Avro), older than Avro's local timestamps.
        return _LOGICAL[logical].replace(", tz=UTC", "") if schema.get("adjust-to-utc") is False else _LOGICAL[logical]
    if kind == "array" and logical == "map":
        return "map"  # Iceberg's, whose keys may be anything: its items are records of a key and a value
    if kind == "fixed":
        return f"fixed_size_binary[{int(schema.get('size', 0))}]"
    renamed = {"record": "struct", "error": "struct", "array": "list", "enum": "string", **_PRIMITIVE}
    return renamed.get(kind, clean(kind)[:40])
