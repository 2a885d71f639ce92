"""The crawls: history in pages, live progress, stopping, and those of other processes."""

from __future__ import annotations

import asyncio

import pytest
from driving import CopyLog, driven, make_app, screen_text, settle, until
from fake_catalog import FakeCatalog, crawl_row, crawl_rows, hits

from catalog.errors import CatalogError
from catalog.model import CrawlProgress, SiloInfo
from catalog.tui.crawler import CrawlJob
from catalog.tui.screens.crawls import CrawlsScreen


def estate(number=400, **options):
    return FakeCatalog(hits(42), history=crawl_rows(number), **options)


async def go(pilot, *keys):
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


def table(pilot):
    return pilot.app.screen.query_one("#list")


async def test_history_is_newest_first_and_read_in_pages():
    async with driven(estate()) as pilot:
        await go(pilot, "3")
        assert isinstance(pilot.app.screen, CrawlsScreen)
        assert table(pilot).count == 400 and table(pilot).row(200) is None
        await go(pilot, "G")
        assert table(pilot).current.row.id == 1


@pytest.mark.parametrize(
    ("down", "words"),
    [
        (0, ("● running", "last sign 4.0 s ago", "filer.example:4711")),
        (1, ("! partial", "raw/private permission denied", "12 symlink", "2 files were opened twice")),
        (2, ("✗ failed", "permission denied")),
        (3, ("– cancelled", "quick crawl", "raw/events")),
        (4, ("– cut off", "is gone", "goes on from there")),
    ],
)
async def test_every_state_is_told_in_words(down, words):
    async with driven(estate(), size=(200, 50)) as pilot:
        await go(pilot, "3", *["j"] * down)
        shown = " ".join(screen_text(pilot).split())
        assert all(word in shown for word in words)


async def test_a_crawl_elsewhere_cannot_be_stopped_here_and_says_where():
    async with driven(estate(), notices=True) as pilot:
        await go(pilot, "3", "x")
        assert "another process (filer.example:4711)" in screen_text(pilot)


async def test_only_what_runs_offers_to_be_stopped():
    async with driven(estate()) as pilot:
        await go(pilot, "3")
        assert "x stop" in screen_text(pilot)
        await go(pilot, "j")
        assert "x stop" not in screen_text(pilot)


@pytest.mark.parametrize(("answer", "state"), [(("enter",), "complete"), (("down", "enter"), "cancelled")])
async def test_stopping_asks_first(answer, state):
    cat = FakeCatalog(hits(5), history=[crawl_row(1, "lake")])
    async with driven(cat, size=(120, 30)) as pilot:
        await go(pilot, "3", "c")
        await until(pilot, lambda: len(cat.history) == 2)
        await go(pilot, "R", "g", "x")
        assert "let it go on" in screen_text(pilot)
        await go(pilot, *answer)
        if state == "complete":
            cat.go_on.set()
        await until(pilot, lambda: not pilot.app.crawler.jobs)
        assert [row.state for row in cat.history] == [state, "complete"]
        await until(pilot, lambda: state in screen_text(pilot))


async def test_a_hostile_name_is_text_in_the_question():
    bad = "lake [/] [bold]\x1b[31m"
    cat = FakeCatalog(hits(5), with_silos=[SiloInfo(1, bad, "s3://x", "object", {}, 1)])
    async with driven(cat, size=(120, 30), notices=True) as pilot:
        await go(pilot, "2", "c", "3")
        await until(pilot, lambda: len(cat.history) == 1)
        await go(pilot, "R", "x")
        assert "Crawl of lake [/] [bold]" in screen_text(pilot)
        await go(pilot, "down", "enter")
        await until(pilot, lambda: "stopped" in screen_text(pilot))


async def test_again_means_the_same_part():
    cat = estate()
    cat.go_on.set()
    async with driven(cat) as pilot:
        await go(pilot, "3", "j", "j", "j", "c")
        await until(pilot, lambda: cat.crawling)
        assert cat.crawling == [("lake", "normal", "raw/events")]


async def test_the_cursor_stays_on_its_crawl_when_new_ones_come():
    cat = estate()
    async with driven(cat) as pilot:
        await go(pilot, "3", "j", "j")
        kept = table(pilot).current.row.id
        cat.history.insert(0, crawl_row(401, "lake"))
        await go(pilot, "R")
        assert (table(pilot).current.row.id, table(pilot).cursor) == (kept, 3)


async def test_rows_far_down_stay_while_the_list_is_read_again():
    async with driven(estate()) as pilot:
        await go(pilot, "3", "G", "k")
        far = table(pilot).row(398)
        assert far is not None
        pilot.app.screen.load()
        await settle(pilot)
        assert table(pilot).row(398) is far and table(pilot).cursor == 398


async def test_a_crawl_that_another_process_begins_is_seen():
    cat = estate()
    cat.history = cat.history[5:]
    async with driven(cat) as pilot:
        await go(pilot, "3")
        assert "running" not in screen_text(pilot)
        cat.history.insert(0, crawl_row(401, "lake", "running", 0))
        await until(pilot, lambda: "● running" in screen_text(pilot))


async def test_what_waits_stands_on_top_and_the_history_below_is_complete():
    cat = estate()
    async with driven(cat) as pilot:
        await go(pilot, "2", "c", "j", "c", "j", "c", "3")
        await until(pilot, lambda: len(cat.history) == 401)
        await go(pilot, "R")
        states = [table(pilot).row(i).state for i in range(3)]
        assert states == ["… waiting", "… waiting", "● running"]
        await go(pilot, "G")
        assert (table(pilot).count, table(pilot).current.row.id) == (403, 1)
        cat.go_on.set()
        await until(pilot, lambda: not pilot.app.crawler.jobs)


async def test_leaving_asks_while_a_crawl_runs_and_stops_it():
    cat = estate()
    app = make_app(cat)
    async with app.run_test() as pilot:
        await settle(pilot)
        await go(pilot, "2", "c")
        await until(pilot, lambda: cat.crawling)
        await go(pilot, "q")
        assert "1 crawl running here" in screen_text(pilot)
        await go(pilot, "enter", "q", "down", "enter")
        async with asyncio.timeout(20):
            while app.is_running:
                await asyncio.sleep(0.01)
    assert cat.history[0].state == "cancelled" and cat.open_forks == 0


async def test_copying_takes_the_command_or_the_report():
    copy = CopyLog()
    async with driven(estate(), copy=copy) as pilot:
        await go(pilot, "3", "j", "j", "j", "y", "Y", "down", "enter")
        assert copy.texts[0].endswith("crawl lake --prefix raw/events")
        assert '"state": "cancelled"' in copy.texts[1]


async def test_nothing_crawled_yet():
    async with driven(FakeCatalog(hits(0))) as pilot:
        await go(pilot, "3")
        assert "Nothing crawled yet" in screen_text(pilot)


# ---------------------------------------------------------------- how far a crawl is


def job(listed, expected, stage="list", began=10.0):
    made = CrawlJob("lake", "normal")
    made.began, made.progress = began, CrawlProgress("lake", stage, listed, 1, expected=expected)
    return made


@pytest.mark.parametrize(
    ("made", "rate", "left"),
    [
        (job(1_000, 5_000), 100, 40),
        (job(1_000, None), 100, None),
        (job(6_000, 5_000), 600, None),
        (job(0, 5_000), 0, None),
        (job(1_000, 5_000, "inspect"), None, None),
        (job(1_000, 5_000, began=20.0), None, None),
        (CrawlJob("lake", "normal"), None, None),
    ],
)
def test_how_long_it_takes_is_told_only_where_an_earlier_crawl_said_how_much_there_is(made, rate, left):
    assert (made.rate(20.0), made.left(20.0)) == (rate, left)


async def test_a_bug_in_a_crawl_ends_that_crawl_alone():
    cat = estate(failing={"crawl": ZeroDivisionError("division by zero")})
    cat.go_on.set()
    async with driven(cat, size=(120, 30), notices=True) as pilot:
        await go(pilot, "2", "c")
        await until(pilot, lambda: "This is a bug" in screen_text(pilot))
        cat.failing = {}
        await go(pilot, "j", "c")
        await until(pilot, lambda: cat.crawling == [("scans", "normal", "")])
        await until(pilot, lambda: not pilot.app.crawler.jobs)


async def test_a_history_that_cannot_be_read_is_told():
    cat = estate(failing={"crawls": CatalogError("no", hint="catalog db check")})
    async with driven(cat) as pilot:
        await go(pilot, "3")
        assert "✗ no" in screen_text(pilot) and "catalog db check" in screen_text(pilot)
