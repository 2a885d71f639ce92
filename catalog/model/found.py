"""What people read: silos, search results, assets and their versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from catalog.model.content import Field
from catalog.model.crawls import CrawlState


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
    verified_ns: int | None = None
    """When all of it was last seen in full, see `store/verified.py`."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result: an asset, or a file (`kind == "file"`).

    Of an asset that lineage names and no crawl has found `silo` is empty, `files` and `version` are None.
    """

    id: int
    kind: str
    name: str
    uri: str
    silo: str
    format: str | None
    files: int | None
    bytes: int | None
    rows: int | None
    modified_ns: int | None
    version: int | None
    owner: str | None = None
    tags: tuple[str, ...] = ()

    @property
    def reference(self) -> str:
        """What finds it again: `silo/name`, or the URI of what is in no silo."""
        return f"{self.silo}/{self.name}" if self.silo else self.uri


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
class ColumnChange:
    """One difference between a schema and the one before.

    `change` is `added` or `removed` (a type after, a type before), `renamed` (two paths), or the word for what differs
    of the column at `path`: `type`, `nullable` (`nullable`, `not null`), `unit`, `doc`, `id`, as text.
    """

    path: str
    change: str
    before: str | None = None
    after: str | None = None

    @property
    def shown(self) -> str:
        """For people: `+ a`, `- b`, `c → d`, `e: int32 → int64`."""
        if self.change in ("added", "removed"):
            return f"{'+' if self.change == 'added' else '-'} {self.path}"
        if self.change == "renamed":
            return f"{self.before} → {self.after}"
        if self.change == "doc":
            return f"{self.path}: description"
        word = f"{self.change} " if self.change in ("unit", "id") else ""
        return f"{self.path}: {word}{self.before or 'none'} → {self.after or 'none'}"


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """An immutable state of an asset, as one crawl found it.

    `changes` are those of its columns since the version before whose columns are known.
    """

    number: int
    observed_ns: int
    crawl: int
    files: int
    bytes: int | None
    rows: int | None
    fingerprint: str
    schema_digest: str | None
    changes: tuple[ColumnChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong or noteworthy with a file: `kind` is a stable word, `detail` a sentence."""

    path: str
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class ColumnLabel:
    """A sensitive column of one asset, see `model/labels.py`. Values are kept nowhere.

    `score` (0 to 1) is evidence of the name × evidence of the values × share of values that fit; `sampled` is how many
    distinct values were looked at, `matched` how many of them fit. `country` (ISO 3166, lower case) goes with
    `national_id` where the numbers themselves tell it.
    """

    path: str
    label: str
    score: float
    sampled: int
    matched: int
    country: str | None = None

    @property
    def shown(self) -> str:
        """For people: `national_id (es) 96%`."""
        country = f" ({self.country})" if self.country else ""
        return f"{self.label}{country} {self.score:.0%}"


@dataclass(frozen=True, slots=True)
class AssetInfo:
    """Everything `show` tells about one asset.

    `facts` are what its opened files agree on, or its folder told as a whole, in the words of
    `formats/vocabulary.py`. `labels` are its sensitive columns, None when nobody looked for them; `classified` is the
    version in which they were found. `aliases` are the other names that lineage knows it by, as addresses. `drift` is
    what the schemas of its opened files do not agree on, in sentences.
    """

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
    facts: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    labels: tuple[ColumnLabel, ...] | None = None
    classified: int | None = None
    aliases: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
