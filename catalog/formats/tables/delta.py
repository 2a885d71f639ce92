"""Delta Lake (delta-io PROTOCOL.md): the newest checkpoint, and the commits after it, replayed."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from catalog.errors import InspectError
from catalog.formats.base import MIB, TreeFile, TreeReader, parsing
from catalog.formats.tabular.fields import DEEPEST, Told, bounded, clean, join, numbered, told
from catalog.formats.vocabulary import Facet
from catalog.model import Facts, Field
from catalog.text import iso

LOG = "_delta_log"
_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10}))?\.parquet")
_ID = "delta.columnMapping.id"
_NAME = "delta.columnMapping.physicalName"
_NESTED = "delta.columnMapping.nested.ids"
_MOST_COMMITS = 150
_COMMIT_SIZE = 8 * MIB
_CHECKPOINT_SIZE = 24 * MIB
_TYPES = {
    "string": "string", "long": "int64", "integer": "int32", "short": "int16", "byte": "int8", "float": "float",
    "double": "double", "boolean": "bool", "binary": "binary", "date": "date32[day]",
    "timestamp": "timestamp[us, tz=UTC]", "timestamp_ntz": "timestamp[us]",
}  # fmt: skip


def inspect_tree(files: TreeReader) -> Facts:
    """Facts of the newest version that the log knows."""
    with parsing(files, "a Delta table"):
        commits, checkpoints = _log(files)
        if not commits and not checkpoints:
            raise InspectError("The Delta log holds no commit.", finding="truncated")
        state = _State()
        newest = max([*commits, *checkpoints])
        start = max((v for v in checkpoints if v <= newest), default=None)
        after = [v for v in sorted(commits) if start is None or v > start]
        first = after[0] if after else None
        if start is None and first != 0 and first is not None:
            raise InspectError("The Delta log begins later than version 0 and has no checkpoint.", finding="truncated")
        if len(after) > _MOST_COMMITS:
            raise InspectError(f"{len(after):,} commits since the last checkpoint are too many.", finding="too_large")
        # The newest is read first: it is what the facts are of, and what is kept with them.
        last = _actions(files, commits[after[-1]]) if after else []
        state.last(last)
        for part in checkpoints.get(start, []) if start is not None else []:
            state.checkpoint(files.read(part, _CHECKPOINT_SIZE))
        for version in after[:-1]:
            state.commit(_actions(files, commits[version]))
        state.commit(last)
        return state.facts(newest, len(commits))


def _log(files: TreeReader) -> tuple[dict[int, TreeFile], dict[int, list[TreeFile]]]:
    """Commits and complete checkpoints by version."""
    commits: dict[int, TreeFile] = {}
    parts: dict[int, list[TreeFile]] = {}
    wanted: dict[int, int] = {}
    for file in files.files(LOG):
        name = file.path.rpartition("/")[2]
        if match := _COMMIT.fullmatch(name):
            commits[int(match[1])] = file
        elif match := _CHECKPOINT.fullmatch(name):
            parts.setdefault(int(match[1]), []).append(file)
            wanted[int(match[1])] = int(match[3] or 1)
    return commits, {version: found for version, found in parts.items() if len(found) >= wanted[version]}


def _actions(files: TreeReader, file: TreeFile) -> list[dict[str, Any]]:
    lines = files.read(file, _COMMIT_SIZE).decode("utf-8").splitlines()
    return [action for line in lines if line.strip() and isinstance(action := json.loads(line), dict)]


class _State:
    """Files that are part of the table now, and the last metadata."""

    def __init__(self) -> None:
        self.facet = Facet()
        self.metadata: dict[str, Any] = {}
        self.protocol: dict[str, Any] = {}
        self._files: dict[str, tuple[int, int | None, int]] = {}
        """By path: bytes, rows where known, and rows a deletion vector takes away."""

    def last(self, actions: list[dict[str, Any]]) -> None:
        """What the newest commit says about itself."""
        info: dict[str, Any] = next((a["commitInfo"] for a in actions if isinstance(a.get("commitInfo"), dict)), {})
        self.facet.add("operation", info.get("operation"))
        stamp = info.get("inCommitTimestamp", info.get("timestamp"))
        self.facet.add("committed", iso(stamp * 1_000_000) if isinstance(stamp, int) else None)
        self.facet.add("created_by", info.get("engineInfo"))

    def commit(self, actions: list[dict[str, Any]]) -> None:
        """Apply one commit: removals do not depend on their order within it."""
        for action in actions:
            if isinstance(gone := action.get("remove"), dict):
                self._files.pop(str(gone.get("path")), None)
        for action in actions:
            self._apply(action)

    def _apply(self, action: dict[str, Any]) -> None:
        if isinstance(added := action.get("add"), dict):
            vector = added.get("deletionVector")
            stats = json.loads(added["stats"]) if isinstance(added.get("stats"), str) and added["stats"] else {}
            rows = stats.get("numRecords") if isinstance(stats, dict) else None
            gone = vector.get("cardinality", 0) if isinstance(vector, dict) else 0
            self._files[str(added.get("path"))] = (int(added.get("size") or 0), rows, int(gone or 0))
        if isinstance(action.get("metaData"), dict):
            self.metadata = action["metaData"]
        if isinstance(action.get("protocol"), dict):
            self.protocol = action["protocol"]

    def checkpoint(self, data: bytes) -> None:
        """One part of a checkpoint: the same actions as columns of a Parquet file."""
        import pyarrow.parquet as pq

        file = pq.ParquetFile(io.BytesIO(data))
        names = file.schema_arrow.names
        wanted = [name for name in ("add", "metaData", "protocol") if name in names]
        for batch in file.iter_batches(columns=wanted, batch_size=2048):
            for row in batch.to_pylist():
                if isinstance(row.get("metaData"), dict):
                    row["metaData"]["configuration"] = dict(row["metaData"].get("configuration") or [])
                self._apply(row)

    def facts(self, version: int, commits: int) -> Facts:
        facet = self.facet
        facet.add("table_version", version)
        facet.add("snapshots", commits)
        facet.add("files", len(self._files))
        facet.add("bytes", sum(size for size, _, _ in self._files.values()))
        facet.add("deleted_files", sum(gone > 0 for _, _, gone in self._files.values()) or None)
        facet.add("partitioning", list(self.metadata.get("partitionColumns") or []))
        facet.add("title", self.metadata.get("name"))
        facet.add("uuid", self.metadata.get("id"))
        facet.add("properties", sorted(dict(self.metadata.get("configuration") or {})))
        reader, writer = self.protocol.get("minReaderVersion"), self.protocol.get("minWriterVersion")
        facet.add("version", f"reader {reader}, writer {writer}" if reader else None)
        rows = [None if count is None else count - gone for _, count, gone in self._files.values()]
        schema = json.loads(self.metadata.get("schemaString") or "{}")
        fields = bounded(_fields("", schema, 1), facet.details)
        known = [count for count in rows if isinstance(count, int)]
        return Facts("delta", fields, sum(known) if len(known) == len(rows) else None, None, facet.details)


def _fields(path: str, schema: Any, depth: int) -> Iterator[Field]:
    if not isinstance(schema, dict) or depth > DEEPEST:
        return
    for member in schema.get("fields") or ():
        metadata = member.get("metadata") or {}
        ids, name = metadata.get(_NESTED), metadata.get(_NAME) or member["name"]
        inside = _Inside(ids if isinstance(ids, dict) else {}, str(name))
        nullable = bool(member.get("nullable", True))
        yield from _walk(join(path, str(member["name"])), member["type"], nullable, told(metadata, _ID), inside, depth)


class _Inside(NamedTuple):
    """Where items, keys and values have their ids: at the member they are in, by their path in a data file."""

    ids: Mapping[str, Any]
    path: str

    def into(self, part: str) -> tuple[Told, _Inside]:
        """What is known of a part, and the same for what is in it."""
        path = f"{self.path}.{part}"
        return numbered(self.ids.get(path)), _Inside(self.ids, path)


def _walk(path: str, kind: Any, nullable: bool, more: Told, inside: _Inside, depth: int) -> Iterator[Field]:
    if isinstance(kind, str):
        decimal = re.fullmatch(r"decimal\((\d+),\s*(-?\d+)\)", kind)
        named = f"decimal128({decimal[1]}, {decimal[2]})" if decimal else _TYPES.get(kind, clean(kind)[:40])
        yield Field(path, named, nullable, *more)
        return
    outer = {"struct": "struct", "array": "list", "map": "map"}.get(str(kind.get("type")), "unknown")
    yield Field(path, outer, nullable, *more)
    if depth >= DEEPEST:
        return
    if outer == "struct":
        yield from _fields(path, kind, depth + 1)
    elif outer == "list":
        nullable = bool(kind.get("containsNull", True))
        yield from _walk(f"{path}[]", kind["elementType"], nullable, *inside.into("element"), depth + 1)
    elif outer == "map":
        yield from _walk(f"{path}.key", kind["keyType"], False, *inside.into("key"), depth + 1)
        nullable = bool(kind.get("valueContainsNull", True))
        yield from _walk(f"{path}.value", kind["valueType"], nullable, *inside.into("value"), depth + 1)
