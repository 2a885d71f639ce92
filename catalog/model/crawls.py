"""What a crawl is asked for and what it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from catalog.model.listings import Failure

CrawlState = Literal["running", "complete", "partial", "failed", "cancelled"]
InspectMode = Literal["none", "sample", "all"]
CrawlMode = Literal["normal", "quick", "full", "changes"]


@dataclass(frozen=True, slots=True)
class CrawlProgress:
    """Where a running crawl stands.

    `expected` is how many files the catalog holds of the silo; None in a first crawl, in one of a part, and
    after one that was cut off.
    """

    silo: str
    stage: Literal["list", "inspect", "group", "done"]
    listed: int = 0
    bytes: int = 0
    done: int = 0
    expected: int | None = None
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class CrawlReport:
    """What one crawl of one silo did. Counts are files; `bytes` is what the listed files hold.

    `inspected` is how many files were opened, `requests` and `bytes_read` what that took of the silo.
    `evidence` is how many files were read for what they tell of lineage, `lineage` how many edges were new.
    `classified` is how many datasets were looked into for sensitive columns, `sensitive` how many were found;
    None when not asked.
    """

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
    requests: int = 0
    bytes_read: int = 0
    findings: int = 0
    evidence: int = 0
    lineage: int = 0
    classified: int | None = None
    sensitive: int | None = None
    skipped: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    share: str | None = None
    """`which/of`: the directories a quick crawl listed whatever their times, one part in `of`, counted from 0."""
    as_of: str | None = None
    """When the listing was true (ISO 8601, UTC), where it was made by someone else before the crawl."""
    resumed: Mapping[str, Any] | None = None
    """The cut-off crawl it went on with: `crawl`, `from` (the path behind which it began), `since` (when that crawl
    began) and `files` (those of what was listed that were not listed again)."""

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> CrawlReport:
        """The report that `as_dict` was made of."""
        known = {one.name: found[one.name] for one in fields(cls) if one.name in found}
        failed = tuple(Failure(one["prefix"], one["reason"]) for one in found.get("failed", ()))
        return cls(**known | {"failed": failed, "notes": tuple(found.get("notes", ()))})

    def as_dict(self) -> dict[str, object]:
        """The keys of `catalog crawl -o json`, which scripts rely on."""
        found: dict[str, object] = {one.name: getattr(self, one.name) for one in fields(self)}
        return found | {
            "seconds": round(self.seconds, 3),
            "failed": [{"prefix": one.prefix, "reason": one.reason} for one in self.failed],
            "skipped": dict(self.skipped),
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class CrawlPlan:
    """What a crawl is going to cost, from what the catalog knows; unknown is None.

    `list_requests` are listing requests (of a folder on this machine: folders read), `looks` folders whose time
    alone is looked at, `open_files` the files that would be opened, `classify_files` those of them that would be for
    their values; one that is opened for both counts twice. `known_files` and `known_directories`
    are what the last crawl left, and what the rest is reckoned from.
    """

    silo: str
    mode: CrawlMode
    prefix: str
    known_files: int | None
    known_directories: int | None
    list_requests: int | None
    looks: int | None
    open_files: int | None
    classify_files: int | None = None

    def as_dict(self) -> dict[str, object]:
        """The keys of `catalog crawl --dry-run -o json`."""
        return {one.name: getattr(self, one.name) for one in fields(self)}
