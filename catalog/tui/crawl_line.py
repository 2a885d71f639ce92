"""A crawl as lists and details see it: what the catalog remembers, and the job while it runs in this UI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from catalog.tui.cells import shown
from catalog.tui.crawler import CrawlJob
from catalog.tui.describe import Clock

if TYPE_CHECKING:
    from catalog.api import CrawlRow

MARKS = {"complete": "✓", "partial": "!", "failed": "✗", "cancelled": "–"}


@dataclass(frozen=True, slots=True)
class CrawlLine:
    """A crawl in a list: as the catalog remembers it, and the job if it runs or waits in this UI."""

    row: CrawlRow | None
    job: CrawlJob | None = None

    @property
    def silo(self) -> str:
        """The silo it is of."""
        return self.row.silo if self.row else self.job.silo if self.job else ""

    @property
    def prefix(self) -> str:
        """The part of the silo; empty is all of it."""
        return self.row.prefix if self.row else self.job.prefix if self.job else ""

    @property
    def key(self) -> object:
        """What stays the same while the crawl goes on."""
        return self.row.id if self.row else self.job

    @property
    def runs(self) -> bool:
        """Whether it is going on, here or elsewhere."""
        return self.job is not None or (self.row is not None and self.row.alive)

    @property
    def state(self) -> str:
        """Where it stands, as a mark and a word."""
        if self.job is not None:
            return {"waiting": "… waiting", "stopping": "● stopping"}.get(self.job.state, "● running")
        if self.row is None:
            return "not crawled"
        if self.row.state == "running":
            return "● running" if self.row.alive else "– cut off"
        return f"{MARKS.get(self.row.state, '?')} {shown(self.row.state, 20)}"

    @property
    def tone(self) -> str:
        """The style that goes with the word."""
        state = self.row.state if self.row and not self.runs else ""
        return "warn" if state in ("partial", "failed") else "dim" if state in ("cancelled", "running") else ""

    def told(self, key: str) -> Any:
        """A value of its report; None where there is none."""
        return self.row.report.get(key) if self.row and self.row.report else None

    @property
    def failures(self) -> int | None:
        """How many places could not be listed; None before it ended."""
        failed = self.told("failed")
        return len(failed) if failed is not None else None

    @property
    def listed(self) -> int | None:
        """How many files it met, up to now if it runs here."""
        if self.job is not None:
            return self.job.progress.listed if self.job.progress else None
        value: int | None = self.told("listed")
        return value

    def seconds(self, clock: Clock, now: float) -> float | None:
        """How long it took, or has been running."""
        if self.job is not None:
            return self.job.seconds(now) if self.job.began is not None else None
        if self.row is None:
            return None
        seconds: float | None = self.told("seconds")
        return (clock.now() - self.row.started_ns) / 1e9 if self.row.alive else seconds


def line_of(row: CrawlRow | None, job: CrawlJob | None) -> CrawlLine:
    """A silo's crawl: the job while there is one, with its row once it has begun; else what came last."""
    if job is None:
        return CrawlLine(row)
    return CrawlLine(row if row is not None and row.alive and job.began is not None else None, job)
