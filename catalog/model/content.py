"""What files and groups of files are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Digest = bytes
"""Eight bytes that differ when anything about some files differs. (A field called `bytes` hides the builtin.)"""


@dataclass(frozen=True, slots=True)
class Field:
    """One column, or one nested member of a column.

    `path` joins names with dots (`user.address.city`, list items as `tags[]`); a dot that is part
    of a name is written `\\.`. `type` is the Arrow type's name (`int64`, `string`,
    `timestamp[us, tz=UTC]`, `struct`, `list`, `decimal128(10, 2)`). `id` is the number that the file itself
    gives the field and keeps when it is renamed; `unit` is that of its values, as the file writes it.
    """

    path: str
    type: str
    nullable: bool = True
    doc: str | None = None
    id: int | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What the content (and name) of a file says it is.

    `format` is a lower-case word (`parquet`, `csv`); `unknown` when nothing is recognised.
    `confidence` is 0 to 1. `evidence` says which bytes or structure decided. `claimed` is the
    format the name suggests, if any; `conflict` is true when content and name contradict. `also`
    names formats whose signature the content carries besides.
    """

    format: str
    confidence: float
    evidence: str
    claimed: str | None = None
    conflict: bool = False
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What an inspector read from a file's header or footer. Unknown is None.

    `fields` is empty for formats without a schema. `codec` names the compression where there is
    one (`snappy`, `zstd`, several joined by `+`). `details` holds a few short facts in the words of
    `formats/vocabulary.py`, all plain strings or numbers. `finding` is for a file that could be read
    and has something wrong with it all the same (`unsafe`, `truncated`); `finding_detail` says what.
    """

    format: str
    fields: tuple[Field, ...] = ()
    rows: int | None = None
    codec: str | None = None
    details: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    finding: str | None = None
    finding_detail: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """The files of one directory that belong together: same naming pattern, same format.

    `pattern` is the common file name with varying runs written `{n}` (digits), `{x}` (hex or
    UUID), `{*}` (anything), or a plain file name when the part is one file. `digest` changes when
    any member's name, size, time or etag does. `role` is `data`, or `sidecar` for files that
    accompany data and are no dataset themselves (`_SUCCESS`, checksums, indexes), or `other` for
    files that are no data (source code, text, executables).
    """

    directory: str
    pattern: str
    format: str | None
    files: int
    bytes: int | None
    newest_ns: int | None
    digest: Digest
    role: Literal["data", "sidecar", "other"] = "data"
    dense: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A dataset or model found by grouping: where it is rooted, and why it is believed.

    `rule` is one of `delta`, `iceberg`, `hudi`, `lance`, `zarr`, `saved_model`, `hf_model`,
    `hive`, `dates`, `shards`, `folder`, `single`. `key` is what stays the same from crawl to crawl:
    the catalog finds the asset again by (silo, root, rule, key).
    """

    kind: Literal["dataset", "model"]
    root: str
    name: str
    rule: str
    key: str
    format: str | None
    confidence: float
    evidence: str
