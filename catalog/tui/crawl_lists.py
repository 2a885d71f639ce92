"""The columns of the silos and of the crawls."""

from __future__ import annotations

from collections.abc import Callable

from catalog import text
from catalog.tui.cells import NONE, shown
from catalog.tui.columns import Column
from catalog.tui.crawl_line import CrawlLine
from catalog.tui.describe import Clock, number, size
from catalog.tui.silo_words import SiloLine


def silo_columns(clock: Clock) -> tuple[Column[SiloLine], ...]:
    """Silos, with the state of the last crawl as a word."""

    def crawled(line: SiloLine) -> str:
        return clock.age(line.info.last_crawl_ns) if line.info.last_crawl_ns is not None else "never"

    return (
        Column("name", "name", lambda s: shown(s.info.name, 80), 12, 28, 0, cut="middle", sort="name",
               order=lambda s: s.info.name.casefold()),
        Column("kind", "kind", lambda s: shown(s.info.kind, 10), 6, 6, 7, tone="dim"),
        Column("state", "last crawl", lambda s: s.crawl.state, 11, 11, 1, tone=lambda s: s.crawl.tone, sort="state",
               order=lambda s: s.crawl.state),
        Column("crawled", "crawled", crawled, 8, 9, 2, sort="crawled", order=lambda s: s.info.last_crawl_ns),
        Column("failures", "failed", lambda s: _failures(s.crawl), 6, 6, 5, right=True, tone="warn", sort="failed",
               order=lambda s: s.crawl.failures),
        Column("files", "files", lambda s: number(s.info.files), 11, 13, 3, right=True, sort="files",
               order=lambda s: s.info.files),
        Column("size", "size", _held, 8, 8, 4, right=True, sort="size", order=lambda s: s.info.bytes),
        Column("assets", "assets", lambda s: number(s.info.datasets), 8, 9, 6, right=True, sort="assets",
               order=lambda s: s.info.datasets),
        Column("url", "address", lambda s: shown(s.info.url, 400), 20, 0, 8, cut="middle", tone="dim"),
    )  # fmt: skip


def _held(line: SiloLine) -> str:
    return NONE if line.info.files is None else size(line.info.bytes)


def _failures(line: CrawlLine) -> str:
    return f"{line.failures:,}" if line.failures else ""


def crawl_columns(clock: Clock, perf: Callable[[], float]) -> tuple[Column[CrawlLine], ...]:
    """Crawls, with how they ended as a word."""

    def took(line: CrawlLine) -> str:
        seconds = line.seconds(clock, perf())
        return NONE if seconds is None else text.duration(seconds)

    def count(key: str) -> Callable[[CrawlLine], str]:
        return lambda line: number(line.told(key))

    return (
        Column("began", "began", lambda c: clock.age(c.row.started_ns if c.row else None), 8, 9, 1),
        Column("silo", "silo", lambda c: shown(c.silo, 80), 12, 0, 0, cut="middle"),
        Column("state", "state", lambda c: c.state, 11, 11, 2, tone=lambda c: c.tone),
        Column("mode", "mode", lambda c: shown(c.row.mode if c.row else c.job and c.job.mode, 10), 7, 7, 8, tone="dim"),
        Column("listed", "files", lambda c: number(c.listed), 10, 13, 3, right=True),
        Column("added", "added", count("added"), 7, 11, 7, right=True),
        Column("changed", "changed", count("changed"), 7, 11, 9, right=True),
        Column("removed", "removed", count("removed"), 7, 11, 10, right=True),
        Column("failures", "failed", _failures, 6, 6, 5, right=True, tone="warn"),
        Column("took", "took", took, 12, 12, 4, right=True),
        Column("number", "crawl", lambda c: str(c.row.id) if c.row else "", 5, 8, 11, right=True, tone="dim"),
        Column("part", "part", lambda c: shown(c.prefix, 400) if c.prefix else "", 10, 30, 6, cut="middle", tone="dim"),
    )  # fmt: skip
