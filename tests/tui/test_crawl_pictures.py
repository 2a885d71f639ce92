"""Pictures of the silos and the crawls in three sizes."""

from __future__ import annotations

import pytest
from driving import settle, sizes, taken, until
from fake_catalog import FakeCatalog, crawl_row, crawl_rows, hits, silos

from catalog.errors import SiloRefused, StoreError
from catalog.model import CrawlProgress, SiloInfo


def estate(**options):
    return FakeCatalog(hits(2_042), history=crawl_rows(300), **options)


class Watch:
    """Seconds that pass when the test says so."""

    now = 0.0

    def __call__(self):
        return self.now


def crawling(watch, *keys):
    """Start crawls of the silos under the cursor, and let the first have run for twelve seconds."""

    async def begin(pilot):
        cat = pilot.app.cat
        cat.steps = (CrawlProgress("lake", "list", 4_816, 17_300_000_000, expected=12_042, prefix="raw/events/2026/03"),)
        for key in ("2", "c", *keys):
            await pilot.press(key)
            await settle(pilot)
        await until(pilot, lambda: cat.crawling and any(job.progress for job in pilot.app.crawler.jobs))
        watch.now = 12.0
        await pilot.press("R")
        await settle(pilot)

    return begin


@sizes
def test_silos(snap_compare, size):
    assert taken(snap_compare, size, "2", cat=estate())


@sizes
def test_no_silos(snap_compare, size):
    assert taken(snap_compare, size, "2", cat=FakeCatalog([], with_silos=[]))


@sizes
def test_silos_that_were_never_crawled(snap_compare, size):
    assert taken(snap_compare, size, "2", cat=FakeCatalog([], with_silos=silos(crawled=False)))


@sizes
def test_silo_being_crawled(snap_compare, size):
    watch = Watch()
    assert taken(snap_compare, size, cat=estate(), begin=crawling(watch), perf=watch)


@sizes
def test_silo_that_refuses(snap_compare, size):
    refused = SiloRefused("acme-lake refuses: access denied", hint="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
    assert taken(snap_compare, size, "2", "r", cat=estate(failing={"test_silo": refused}))


@sizes
def test_crawls(snap_compare, size):
    assert taken(snap_compare, size, "3", "j", cat=estate())


@sizes
def test_no_crawls(snap_compare, size):
    assert taken(snap_compare, size, "3", cat=FakeCatalog(hits(0)))


@sizes
def test_crawls_running_and_waiting(snap_compare, size):
    watch = Watch()
    assert taken(snap_compare, size, "3", "j", cat=estate(), begin=crawling(watch, "G", "c", "g"), perf=watch)


@sizes
def test_crawl_that_failed(snap_compare, size):
    assert taken(snap_compare, size, "3", "j", "j", cat=estate())


@sizes
def test_crawls_that_cannot_be_read(snap_compare, size):
    broken = StoreError("The catalog at ~/data/catalog.db is damaged.", hint="catalog db check")
    assert taken(snap_compare, size, "3", cat=estate(failing={"crawls": broken}))


@sizes
@pytest.mark.parametrize("mode", ["2", "3"])
def test_hostile_names(snap_compare, size, mode):
    bad = "\x1b[31mred\x1b[0m [bold]x[/] \u202eover\n表データ " * 8
    known = [SiloInfo(1, bad, f"s3://{bad}", "object", {bad: bad}, 1, 2, "partial", 3, None, 1), *silos()]
    failed = ({"prefix": bad, "reason": bad},)
    history = [crawl_row(9, bad, "partial", prefix=bad)]
    history[0].report.update(failed=failed, notes=[bad], skipped={bad: 2})
    assert taken(snap_compare, size, mode, cat=FakeCatalog(hits(5), with_silos=known, history=history))


def test_stop_menu(snap_compare):
    watch = Watch()
    assert taken(snap_compare, (80, 24), "3", "x", cat=estate(), begin=crawling(watch), perf=watch)


@pytest.mark.parametrize("mode", ["2", "3"])
def test_without_colour(snap_compare, monkeypatch, mode):
    monkeypatch.setenv("NO_COLOR", "1")
    assert taken(snap_compare, (120, 30), mode, "j", cat=estate())
