"""The silos: what is told of each, and what can be done with it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from driving import CopyLog, driven, query_of, screen_text, settle, until
from fake_catalog import NOW, FakeCatalog, crawl_row, crawl_rows, hits, silos

from catalog.errors import SiloRefused, StoreBusy, StoreError
from catalog.model import CrawlProgress, SiloInfo
from catalog.model.lineage import Identity, Layer
from catalog.model.schedules import ScheduleInfo
from catalog.tui.screens.search import SearchScreen
from catalog.tui.screens.silos import SilosScreen


def estate(**options):
    return FakeCatalog(hits(2_042), history=crawl_rows(60), **options)


async def go(pilot, *keys):
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


def rows(pilot):
    table = pilot.app.screen.query_one("#list")
    return [table.row(i) for i in range(table.count)]


def line_with(pilot, word):
    return next(line for line in screen_text(pilot).splitlines() if word in line)


async def test_every_silo_with_the_state_of_its_last_crawl_in_words():
    async with driven(estate(), size=(200, 50)) as pilot:
        await go(pilot, "2")
        assert isinstance(pilot.app.screen, SilosScreen)
        assert [row.info.name for row in rows(pilot)] == ["lake", "scans", "lab-nas"]
        assert "! partial" in line_with(pilot, "s3://acme-lake") and "12,042" in line_with(pilot, "s3://acme-lake")
        assert "● running" in line_with(pilot, "nfs://filer") and "2h ago" in line_with(pilot, "nfs://filer")
        assert "✗ failed" in line_with(pilot, "/mnt/lab")


async def test_the_detail_names_what_could_not_be_listed_and_where_secrets_are_kept():
    async with driven(estate(), size=(200, 50)) as pilot:
        await go(pilot, "2")
        shown = screen_text(pilot)
        assert "raw/private permission denied" in shown and "12 symlink" in shown
        assert "env:LAKE_SECRET" in shown


@pytest.mark.parametrize(
    "name", ["secret_access_key", "session_token", "password", "private_key", "storage_credential"]
)
async def test_a_secret_in_the_clear_is_never_shown(name):
    known = [replace(silos()[0], options={name: "hunter2", "region": "eu"})]
    async with driven(FakeCatalog(hits(5), with_silos=known), size=(200, 50)) as pilot:
        await go(pilot, "2")
        assert "hunter2" not in screen_text(pilot) and "not shown" in line_with(pilot, name)
        assert "eu" in line_with(pilot, "region")


async def test_enter_searches_what_the_silo_holds():
    known = [SiloInfo(1, "my lake", "s3://x", "object", {}, 1)]
    async with driven(FakeCatalog(hits(5), with_silos=known)) as pilot:
        await go(pilot, "enter", "2", "enter")
        assert isinstance(pilot.app.screen, SearchScreen)
        assert query_of(pilot) == 'silo:"my lake"'


async def test_crawling_shows_progress_and_ends_with_a_notice():
    cat = estate()
    cat.steps = (CrawlProgress("lab-nas", "list", 44, 1_000, expected=88, prefix="mnt"),)
    async with driven(cat, size=(120, 30), notices=True) as pilot:
        await go(pilot, "2", "G", "c")
        await until(pilot, lambda: "44 of about 88" in screen_text(pilot))
        assert cat.crawling == [("lab-nas", "normal", "")]
        assert "● running" in line_with(pilot, "/mnt/lab") and "3 Crawls ●1" in screen_text(pilot)
        cat.go_on.set()
        await until(pilot, lambda: "✓ lab-nas crawled" in screen_text(pilot))
        await until(pilot, lambda: "✓ complete" in line_with(pilot, "/mnt/lab"))
        assert "●1" not in screen_text(pilot)


async def test_a_quick_crawl():
    cat = estate()
    cat.go_on.set()
    async with driven(cat) as pilot:
        await go(pilot, "2", "C")
        await until(pilot, lambda: cat.crawling)
        assert cat.crawling == [("lake", "quick", "")]


async def test_a_silo_crawled_here_already_is_told_in_words():
    cat = estate()
    async with driven(cat, notices=True) as pilot:
        await go(pilot, "2", "c", "c")
        assert "running here already" in screen_text(pilot)
        cat.go_on.set()
        await until(pilot, lambda: not pilot.app.crawler.jobs)
        assert len(cat.crawling) == 1


async def test_a_silo_crawled_elsewhere_is_told_in_words():
    busy = StoreBusy("A crawl of this silo is running (crawl 7, filer:12).", hint="Wait for it.")
    async with driven(estate(failing={"crawl": busy}), size=(120, 30), notices=True) as pilot:
        await go(pilot, "2", "c")
        await until(pilot, lambda: "was not crawled" in screen_text(pilot))
        assert "crawl 7, filer:12" in " ".join(screen_text(pilot).split())


async def test_a_second_silo_waits_for_the_first():
    cat = estate()
    async with driven(cat) as pilot:
        await go(pilot, "2", "c", "G", "c")
        assert "… waiting" in line_with(pilot, "/mnt/lab")
        cat.go_on.set()
        await until(pilot, lambda: not pilot.app.crawler.jobs)
        assert [name for name, *_ in cat.crawling] == ["lake", "lab-nas"]


async def test_results_are_read_anew_after_a_crawl():
    cat = FakeCatalog([], with_silos=silos(crawled=False))
    cat.go_on.set()
    async with driven(cat) as pilot:
        assert "Nothing crawled yet" in screen_text(pilot)
        await go(pilot, "2", "c")
        await until(pilot, lambda: cat.crawling and not pilot.app.crawler.jobs)
        cat.known = list(hits(30))
        await settle(pilot)
        await go(pilot, "1")
        assert pilot.app.screen.results.count == 30


async def test_testing_the_connection_tells_who_reached_what():
    async with driven(estate(), size=(120, 30)) as pilot:
        await go(pilot, "2", "r")
        assert "reached in 120 ms" in screen_text(pilot) and "as reader" in screen_text(pilot)


async def test_the_storage_below_a_silo_is_told_layer_by_layer():
    cat = estate()
    cat.layers = (
        Layer("volume", Identity("file", "/data/disk.img"), "disk.img", bytes=4_000_000_000, facts={"table": "gpt"}),
        Layer("partition", Identity("partition", "/data/disk.img/p1"), "p1", above=0, bytes=1_000_000_000),
        Layer("filesystem", Identity("filesystem", "/data/disk.img/p1"), "scratch \x1b[31m", above=1, facts={"type": "ext4"}),
    )
    async with driven(cat, size=(200, 50)) as pilot:
        await go(pilot, "2", "r")
        shown = screen_text(pilot)
        assert "volume disk.img  4.0 GB  table gpt" in shown
        assert "│ └─ partition p1  1.0 GB" in shown and "│    └─ filesystem scratch" in shown and "type ext4" in shown


async def test_the_schedules_of_a_silo_are_told():
    cat = estate()
    hour = 3600 * 10**9
    known = {"id": 1, "silo": "lake", "silo_id": 1, "added_ns": 1, "when": "0 3 * * *"}
    cat.schedule_list = [
        ScheduleInfo(name="nightly", due_ns=NOW + 13 * hour, last="complete", last_ns=NOW - 11 * hour, **known),
        ScheduleInfo(name="rests", state="paused", **known),
        ScheduleInfo(name="of another", **known | {"silo": "scans", "silo_id": 2}),
    ]
    async with driven(cat, size=(200, 50)) as pilot:
        await go(pilot, "2")
        shown = screen_text(pilot)
        assert "nightly  0 3 * * * · next in 13 h 0 min · last complete 11h ago" in shown
        assert "rests  0 3 * * * · paused" in shown and "of another" not in shown


async def test_a_silo_that_refuses_is_told_with_the_remedy():
    refused = SiloRefused("acme-lake refuses: access denied", hint="Set AWS_ACCESS_KEY_ID.")
    async with driven(estate(failing={"test_silo": refused}), size=(200, 50)) as pilot:
        await go(pilot, "2", "r")
        assert "✗ acme-lake refuses: access denied" in screen_text(pilot)
        assert "Set AWS_ACCESS_KEY_ID." in screen_text(pilot)


async def test_copying_takes_the_address_or_a_command():
    copy = CopyLog()
    async with driven(estate(), copy=copy) as pilot:
        await go(pilot, "2", "y", "Y", "down", "enter")
        assert copy.texts[0] == "s3://acme-lake"
        assert copy.texts[1].endswith("crawl lake")


@pytest.mark.parametrize("size", [(80, 24), (120, 30), (200, 50)])
async def test_no_silos_says_how_to_begin_and_offers_nothing_to_do(size):
    async with driven(FakeCatalog([], with_silos=[]), size=size) as pilot:
        await go(pilot, "2", "c", "r", "y")
        assert "catalog silo add" in screen_text(pilot)
        assert "reach" not in screen_text(pilot).splitlines()[-1]


async def test_a_catalog_that_cannot_be_read_says_so_and_r_tries_again():
    cat = estate(failing={"silos": StoreError("it is damaged", hint="catalog db check")})
    async with driven(cat) as pilot:
        await go(pilot, "2")
        assert "✗ it is damaged" in screen_text(pilot) and "catalog db check" in screen_text(pilot)
        cat.failing.clear()
        await go(pilot, "R")
        assert len(rows(pilot)) == 3


@pytest.mark.parametrize(("keys", "first"), [(("down", "enter"), "scans"), (("down", "down", "enter"), "lab-nas")])
async def test_sorting_by_name(keys, first):
    async with driven(estate()) as pilot:
        await go(pilot, "2", "s", *keys)
        assert rows(pilot)[0].info.name == first


async def test_silos_without_a_value_stand_last_either_way():
    known = [*silos(), SiloInfo(9, "new", "/new", "file", {}, 1)]
    async with driven(FakeCatalog(hits(5), with_silos=known), size=(120, 30)) as pilot:
        await go(pilot, "2")
        for down in (True, False):
            pilot.app.screen.sort_by(("files", down))
            assert rows(pilot)[-1].info.name == "new"
            assert [row.info.files for row in rows(pilot)[:3]] == sorted((88, 12_042, 1_204_551), reverse=down)


async def test_hostile_names_stay_on_their_line():
    bad = "\x1b[31mred\x1b[0m [bold]x[/]\u202e\n表データ" * 9
    known = [SiloInfo(1, bad, f"s3://{bad}", "object", {bad: bad}, 1, 2, "partial", 3, None, 1)]
    history = [crawl_row(1, bad, "partial", prefix=bad, facts={"failed": (), "notes": (bad,), "skipped": {bad: 2}})]
    for size in ((80, 24), (120, 30), (200, 50)):
        async with driven(FakeCatalog(hits(5), with_silos=known, history=history), size=size) as pilot:
            for mode in ("2", "3"):
                await go(pilot, mode)
                shown = screen_text(pilot)
                assert not any(c in shown for c in ("\x1b", "\u202e")) and "[bold]" in shown
                assert len(shown.splitlines()) == size[1]


async def test_the_modes_are_reached_by_key_by_click_and_by_palette():
    async with driven(estate()) as pilot:
        names = []
        for key in ("2", "3", "1"):
            await go(pilot, key)
            names.append(pilot.app.current_mode)
        await pilot.click("#bar", offset=(24, 0))
        await settle(pilot)
        names.append(pilot.app.current_mode)
        assert names == ["Silos", "Crawls", "Search", "Silos"]
        commands = {command.title for command in pilot.app.get_system_commands(pilot.app.screen)}
        assert {"Go to search", "Go to crawls", "Crawl", "Reach"} <= commands


async def test_a_digit_typed_in_the_box_is_a_character():
    async with driven(estate()) as pilot:
        await go(pilot, "slash", "2", "0", "2", "6")
        assert query_of(pilot) == "2026" and pilot.app.current_mode == "Search"


async def test_each_mode_stays_as_it_was_left_and_its_own_key_leads_home():
    async with driven(estate()) as pilot:
        await go(pilot, "enter", "2", "j", "1")
        assert len(pilot.app.screen_stack) == 2, "the page of the dataset is still open"
        await go(pilot, "1")
        assert isinstance(pilot.app.screen, SearchScreen)
        await go(pilot, "right_square_bracket")
        assert len(pilot.app.screen_stack) == 2
        await go(pilot, "2")
        assert pilot.app.screen.rows.cursor == 1
