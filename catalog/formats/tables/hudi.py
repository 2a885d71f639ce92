"""Apache Hudi (hudi.apache.org/tech-specs): properties of the table, its timeline, the schema of the last commit."""

from __future__ import annotations

import json
import re
from typing import Any

from catalog.errors import InspectError
from catalog.formats.base import KIB, MIB, TreeFile, TreeReader, parsing
from catalog.formats.tabular import avro
from catalog.formats.tabular.fields import bounded
from catalog.formats.vocabulary import Facet
from catalog.model import Facts, Field

_PROPERTIES = ".hoodie/hoodie.properties"
_ACTION = re.compile(r"(\d{14,17})(?:_\d{14,17})?\.(commit|deltacommit|replacecommit|compaction|clustering)")
_COMMIT = 8 * MIB


def inspect_tree(files: TreeReader) -> Facts:
    """Facts from `.hoodie/`; the timeline lies in it, or in `timeline/` since version 1.0."""
    with parsing(files, "a Hudi table"):
        file = files.get(_PROPERTIES)
        if file is None:
            raise InspectError("There is no hoodie.properties.", finding="truncated")
        told = _properties(files.read(file, 256 * KIB).decode("utf-8", "replace"))
        facet = Facet()
        facet.add("title", told.get("hoodie.table.name"))
        facet.add("table_type", told.get("hoodie.table.type"))
        facet.add("version", told.get("hoodie.table.version"))
        partitions = told.get("hoodie.table.partition.fields", "")
        facet.add("partitioning", [part.partition(":")[0] for part in partitions.split(",") if part])
        timeline = _timeline(files)
        facet.add("snapshots", len(timeline))
        commit: dict[str, Any] = {}
        if timeline:
            name, last = timeline[-1]
            facet.add("committed", _stamp(name))
            commit = _json(files.read(last, _COMMIT))
            facet.add("operation", commit.get("operationType"))
        fields = bounded(_fields(commit, told), facet.details)
        return Facts("hudi", fields, None, None, facet.details)


def _properties(text: str) -> dict[str, str]:
    """Java's properties, without continued lines."""
    found = {}
    for line in text.splitlines()[:2000]:
        if not line.startswith(("#", "!")) and "=" in line:
            key, _, value = line.partition("=")
            found[key.strip()] = value.strip().replace("\\:", ":").replace("\\=", "=")
    return found


def _timeline(files: TreeReader) -> list[tuple[str, TreeFile]]:
    """Completed actions by their instant, oldest first."""
    every = [file for folder in (".hoodie", ".hoodie/timeline") for file in files.files(folder)]
    named = ((_ACTION.fullmatch(file.path.rpartition("/")[2]), file) for file in every)
    return sorted(((match[1], file) for match, file in named if match), key=lambda one: one[0])


def _stamp(instant: str) -> str:
    y, mo, d, h, mi, s = instant[:4], instant[4:6], instant[6:8], instant[8:10], instant[10:12], instant[12:14]
    return f"{y}-{mo}-{d}T{h}:{mi}:{s}Z"


def _json(data: bytes) -> dict[str, Any]:
    """Commit metadata is JSON up to table version 7, Avro from 8 on: that is not read."""
    if data.lstrip()[:1] != b"{":
        return {}
    value = json.loads(data)
    return value if isinstance(value, dict) else {}


def _fields(commit: dict[str, Any], told: dict[str, str]) -> list[Field]:
    extra = commit.get("extraMetadata")
    schema = extra.get("schema") if isinstance(extra, dict) else None
    text = schema or told.get("hoodie.table.create.schema")
    if not text:
        return []
    return [field for field in avro.fields_of(json.loads(text)) if not field.path.startswith("_hoodie_")]
