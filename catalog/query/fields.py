"""The fields of the query language, as parsing, help texts and completion read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from catalog.model.labels import LABELS

ValueKind = Literal["text", "choice", "size", "number", "time", "sort"]

KINDS = ("dataset", "model", "file", "volume", "partition", "filesystem")
RULES = ("delta", "iceberg", "hudi", "lance", "zarr", "saved_model", "hf_model",
         "hive", "dates", "shards", "folder", "single", "named")  # fmt: skip
TABLE_RULES = ("delta", "iceberg", "hudi", "lance")
SORTS = ("modified", "size", "name", "files", "rows")

STATES: Mapping[str, str] = {
    "broken": "something is wrong with a file of it",
    "changed": "has more than one version",
    "described": "someone wrote a description",
    "inspected": "content was read, not only listed",
    "mislabelled": "the content of a file is not what its name says",
    "new": "has one version so far",
    "owned": "has an owner",
    "partitioned": "laid out in hive or date folders",
    "removed": "gone from its silo (hidden otherwise)",
    "sensitive": "has a column with a label, see label:",
    "sharded": "one dataset in numbered files",
    "single": "one file",
    "stale": "newest file is older than a year",
    "table": "a Delta, Iceberg, Hudi or Lance table",
    "tagged": "has a tag",
    "unsafe": "loading a file of it could run commands",
}
"""What `is:` can ask, and what it means."""


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A field of the language: how its values are read, a help line, and values worth offering.

    `files` says whether it applies to `kind:file` as well.
    """

    name: str
    kind: ValueKind
    help: str
    values: tuple[str, ...] = ()
    files: bool = True


FIELDS: Mapping[str, FieldSpec] = {
    spec.name: spec
    for spec in (
        FieldSpec("silo", "text", "name of the silo"),
        FieldSpec("kind", "choice", "dataset, model, file for single files, or a layer of block storage", KINDS),
        FieldSpec("format", "text", "format of the content: parquet, csv, …"),
        FieldSpec("size", "size", "total size: >1GB, <10MiB, 1MB..5MB", (">1MB", ">1GB", ">1TB", "<1KB")),
        FieldSpec("modified", "time", "age or date: <30d, >1y, 2026-03, >2026-03-01",
                  ("<1d", "<7d", "<30d", ">1y")),
        FieldSpec("owner", "text", "who owns it", files=False),
        FieldSpec("tag", "text", "a tag someone gave it", files=False),
        FieldSpec("column", "text", "part of a column's name; =name for the whole name"),
        FieldSpec("type", "text", "type of a column, or its beginning: int64, timestamp"),
        FieldSpec("label", "choice", "what a sensitive column holds: " + ", ".join(LABELS), tuple(LABELS), files=False),
        FieldSpec("in", "text", "folder inside the silo: raw/events"),
        FieldSpec("is", "choice", ", ".join(STATES), tuple(STATES)),
        FieldSpec("files", "number", "number of files: >1k, 1", (">1k", ">1M"), files=False),
        FieldSpec("rows", "number", "number of rows: >1M, 10k..20k", (">1k", ">1M")),
        FieldSpec("name", "text", "part of the name; =name for the whole name"),
        FieldSpec("rule", "text", "how files were grouped: " + ", ".join(RULES), RULES, files=False),
        FieldSpec("namespace", "text", "part of the namespace; =namespace for all of it", files=False),
        FieldSpec("sort", "sort", "order: -modified, size, name, files, rows",
                  tuple(sign + name for name in SORTS for sign in ("-", ""))),
    )
}  # fmt: skip
"""Every field, in the order help texts show them."""

FILE_STATES = ("broken", "inspected", "mislabelled", "stale", "unsafe")
FILE_SORTS = ("modified", "size", "name")
