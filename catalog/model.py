"""The plain values that travel between rooms: frozen dataclasses, standard library only.

Paths inside a silo are relative to its root, separated by `/`, with no leading or trailing
slash; the root itself is the empty string. Sizes are bytes, times are nanoseconds since the
epoch (`*_ns`), unknown is `None` and never 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Literal

CrawlState = Literal["running", "complete", "partial", "failed", "cancelled"]
InspectMode = Literal["none", "sample", "all"]
CrawlMode = Literal["normal", "quick", "full"]


Digest = bytes
"""Eight bytes that differ when anything about some files differs. (A field called `bytes` hides the builtin.)"""


# ---------------------------------------------------------------- listings


@dataclass(frozen=True, slots=True)
class Failure:
    """A part of a silo that could not be listed, and why. `retriable` says whether later may differ."""

    prefix: str
    reason: str
    retriable: bool = True


@dataclass(frozen=True, slots=True)
class Listing:
    """The entries of one directory, as columns sorted by name (code-point order).

    `names`, `sizes` and `mtimes` have one element a file; `etags` too, or is None where the silo
    keeps none. `directories` are the names of the direct subdirectories. `complete` is False when
    the directory could not be read to its end: then nothing may be removed on its account, and
    `failure` says why. `skipped` counts what is deliberately not an entry, by kind (`symlink`,
    `socket`, `device`, `fifo`, `vanished`, `marker` for the empty objects that stand for folders,
    `other`). `mtime_ns` is the directory's own time where the silo has one.

    A very large directory may come as several listings in name order; all but the last say `more`.
    """

    path: str
    names: Sequence[str]
    sizes: Sequence[int | None]
    mtimes: Sequence[int | None]
    etags: Sequence[str | None] | None = None
    directories: Sequence[str] = ()
    mtime_ns: int | None = None
    complete: bool = True
    failure: Failure | None = None
    skipped: Mapping[str, int] = field(default_factory=dict)
    more: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or object. `path` is relative to the silo's root."""

    path: str
    size: int | None
    mtime_ns: int | None
    etag: str | None = None


# ---------------------------------------------------------------- what a file is


@dataclass(frozen=True, slots=True)
class Field:
    """One column, or one nested member of a column.

    `path` joins names with dots (`user.address.city`, list items as `tags[]`); a dot that is part
    of a name is written `\\.`. `type` is the Arrow type's name (`int64`, `string`,
    `timestamp[us, tz=UTC]`, `struct`, `list`, `decimal128(10, 2)`).
    """

    path: str
    type: str
    nullable: bool = True
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What the content (and name) of a file says it is.

    `format` is a lower-case word (`parquet`, `csv`); `unknown` when nothing is recognised.
    `confidence` is 0 to 1. `evidence` says which bytes or structure decided. `claimed` is the
    format the name suggests, if any; `conflict` is true when content and name contradict.
    """

    format: str
    confidence: float
    evidence: str
    claimed: str | None = None
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What an inspector read from a file's header or footer. Unknown is None.

    `fields` is empty for formats without a schema. `codec` names the compression where there is
    one (`snappy`, `zstd`, several joined by `+`). `details` holds a few short, format-specific
    facts (row groups, delimiter, encoding), all plain strings or numbers.
    """

    format: str
    fields: tuple[Field, ...] = ()
    rows: int | None = None
    codec: str | None = None
    details: Mapping[str, str | int | float | bool] = field(default_factory=dict)


# ---------------------------------------------------------------- grouping


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


# ---------------------------------------------------------------- what people read


@dataclass(frozen=True, slots=True)
class SiloInfo:
    """A registered silo and what its last crawl left in the catalog."""

    id: int
    name: str
    url: str
    kind: str
    options: Mapping[str, str]
    added_ns: int
    last_crawl_ns: int | None = None
    last_state: CrawlState | None = None
    files: int | None = None
    bytes: int | None = None
    datasets: int = 0


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result: an asset, or a file (`kind == "file"`)."""

    id: int
    kind: str
    name: str
    uri: str
    silo: str
    format: str | None
    files: int
    bytes: int | None
    rows: int | None
    modified_ns: int | None
    version: int | None
    owner: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are; when `exact` is False, at least this many."""

    number: int
    exact: bool = True

    def __str__(self) -> str:
        return f"{self.number:,}" if self.exact else f"{self.number:,}+"


@dataclass(frozen=True, slots=True)
class FileInfo:
    """One file of an asset or a silo. `state` is `live` or `removed`; `finding` names what is wrong with it."""

    path: str
    size: int | None
    modified_ns: int | None
    etag: str | None
    format: str | None
    state: Literal["live", "removed"] = "live"
    finding: str | None = None


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """An immutable state of an asset, as one crawl found it."""

    number: int
    observed_ns: int
    crawl: int
    files: int
    bytes: int | None
    rows: int | None
    fingerprint: str
    schema_digest: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong or noteworthy with a file: `kind` is a stable word, `detail` a sentence."""

    path: str
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class AssetInfo:
    """Everything `show` tells about one asset."""

    hit: Hit
    namespace: str
    rule: str
    pattern: str | None
    evidence: str
    confidence: float
    description: str | None
    fields: tuple[Field, ...]
    partitions: tuple[str, ...]
    inspected: int
    codec: str | None
    versions: int
    first_seen_ns: int
    last_verified_ns: int | None
    removed_ns: int | None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class CrawlProgress:
    """Where a running crawl stands. `expected` is the last crawl's file count, when there was one."""

    silo: str
    stage: Literal["list", "inspect", "group", "done"]
    listed: int = 0
    bytes: int = 0
    done: int = 0
    expected: int | None = None
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class CrawlReport:
    """What one crawl of one silo did. Counts are files; `bytes` is what the listed files hold."""

    silo: str
    crawl: int
    mode: CrawlMode
    state: CrawlState
    listed: int
    added: int
    changed: int
    removed: int
    unchanged: int
    bytes: int | None
    seconds: float
    failed: tuple[Failure, ...] = ()
    datasets: int = 0
    versions: int = 0
    inspected: int = 0
    findings: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """The keys of `catalog crawl -o json`, which scripts rely on."""
        found: dict[str, object] = {one.name: getattr(self, one.name) for one in fields(self)}
        return found | {
            "seconds": round(self.seconds, 3),
            "failed": [{"prefix": one.prefix, "reason": one.reason} for one in self.failed],
            "skipped": dict(self.skipped),
            "notes": list(self.notes),
        }
