"""The search screen: typing, facets, sorting, panes, paging, empty states and failures."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest
from driving import CopyLog, driven, names, query_of, results, screen_text, settle, write
from fake_catalog import FakeCatalog, hits, hostile, silos
from textual import events

from catalog.errors import StoreBusy
from catalog.model import Hit
from catalog.tui.screens.dataset import DatasetScreen
from catalog.tui.widgets.search_box import QueryInput
from catalog.tui.widgets.table import PAGES_KEPT


async def test_typing_filters_and_counts():
    async with driven() as pilot:
        assert results(pilot).count == 2_042
        await write(pilot, "orders")
        assert results(pilot).count == sum("orders" in hit.name for hit in pilot.app.cat.known)
        assert all("orders" in name for name in names(pilot))
        assert "of 2k" in str(results(pilot).border_title)


async def test_slash_and_question_mark_are_characters_in_the_box():
    async with driven() as pilot:
        await write(pilot, "a/b?q")
        assert query_of(pilot) == "a/b?q"


async def test_a_query_error_is_told_and_the_old_rows_stay():
    async with driven() as pilot:
        await write(pilot, "orders")
        before = names(pilot)
        pilot.app.screen.query_one(QueryInput).value = "orders sise:3"
        await settle(pilot)
        assert "did you mean 'size'" in screen_text(pilot)
        assert names(pilot) == before
        await pilot.press("slash", "ctrl+l")
        await settle(pilot)
        assert "did you mean" not in screen_text(pilot)
        assert results(pilot).count == 2_042


@pytest.mark.parametrize("key", ["enter", "space"])
async def test_choosing_a_facet_toggles_its_filter(key):
    async with driven() as pilot:
        await pilot.press("h", "home", key)
        await settle(pilot)
        assert query_of(pilot) == "silo:lake"
        assert {hit.silo for hit in (results(pilot).row(i) for i in range(50))} == {"lake"}
        assert "✓ lake" in screen_text(pilot)
        await pilot.press(key)
        await settle(pilot)
        assert query_of(pilot) == ""


async def test_clicking_a_facet_filters():
    async with driven() as pilot:
        await pilot.click("#facets", offset=(5, 2))
        await settle(pilot)
        assert query_of(pilot) == "silo:lake"


async def test_facet_counts_follow_the_query():
    async with driven() as pilot:
        await write(pilot, "format:zarr silo:scans")
        number = sum(hit.format == "zarr" and hit.silo == "scans" for hit in pilot.app.cat.known)
        line = next(line for line in screen_text(pilot).splitlines() if "✓ scans" in line)
        assert line.split()[3] == str(number)


async def test_a_chosen_value_without_results_can_still_be_dropped():
    async with driven() as pilot:
        await write(pilot, "nothing-is-called-so owner:ann")
        assert "✓ ann" in screen_text(pilot)


async def test_many_values_are_folded_and_unfold():
    known = [
        Hit(i, "dataset", f"d{i}", f"s3://b/d{i}", f"silo-{i:03d}", "csv", 1, 1, 1, 1, 1) for i in range(40)
    ]
    async with driven(FakeCatalog(known), size=(120, 60)) as pilot:
        assert "silo-039" not in screen_text(pilot).split("Results")[0]
        assert "32 more" in screen_text(pilot)
        await pilot.press("h", "home", "o")
        await settle(pilot)
        assert screen_text(pilot).count("silo-039") >= 1


async def test_sorting_from_the_menu_and_from_the_heading():
    async with driven() as pilot:
        await pilot.press("s", "down", "down", "down", "enter")
        await settle(pilot)
        assert query_of(pilot) == "sort:-size"
        assert "size ↓" in screen_text(pilot)
        sizes = [results(pilot).row(i).bytes for i in range(20)]
        assert sizes == sorted(sizes, reverse=True)
        await pilot.click("#results", offset=(5, 1))
        await settle(pilot)
        assert query_of(pilot) == "sort:name"


async def test_paging_far_down_loads_what_is_on_screen_and_little_more():
    cat = FakeCatalog(hits(100_000))
    async with driven(cat) as pilot:
        cat.pages.clear()
        await pilot.press("G")
        await settle(pilot)
        assert results(pilot).current == cat.known[-1]
        assert len(cat.pages) <= 3
        await pilot.press("g")
        await settle(pilot)
        assert results(pilot).current == cat.known[0]
        for _ in range(30):
            await pilot.press("pagedown")
        await settle(pilot)
        table = results(pilot)
        assert table.current == cat.known[table.cursor] and table.cursor > 200
        assert len(table._pages) <= PAGES_KEPT


async def test_rows_that_are_not_loaded_are_marked_and_a_new_query_cancels_the_old():
    cat = FakeCatalog(hits(1000))
    async with driven(cat) as pilot:
        cat.gate = threading.Event()
        await pilot.press("slash", "c")
        await asyncio.sleep(0.3)
        assert results(pilot).stale, "old rows are dimmed while a search takes long"
        await pilot.press("l", "i", "c", "k", "s")
        await asyncio.sleep(0.2)
        cat.gate.set()
        await settle(pilot)
        assert not results(pilot).stale
        assert names(pilot) and all("clicks" in name for name in names(pilot))


async def test_pages_that_load_show_placeholders():
    cat = FakeCatalog(hits(1000))
    async with driven(cat) as pilot:
        cat.gate = threading.Event()
        await pilot.press("G")
        await asyncio.sleep(0.1)
        assert "·····" in screen_text(pilot)
        assert results(pilot).current is None
        cat.gate.set()
        await settle(pilot)
        assert "·····" not in screen_text(pilot)


async def test_a_page_that_fails_is_told_once():
    cat = FakeCatalog(hits(1000), failing={"page": StoreBusy("the database is locked")})
    async with driven(cat) as pilot:
        await pilot.press("G")
        await settle(pilot)
        assert [n.title for n in pilot.app._notifications] == ["✗ could not read"]


async def test_a_search_that_fails_says_so_in_place_of_the_rows():
    cat = FakeCatalog(hits(10), failing={"search": StoreBusy("the database is locked", hint="wait")})
    async with driven(cat) as pilot:
        assert "✗ the database is locked" in screen_text(pilot)
        cat.failing.clear()
        await pilot.press("R")
        await settle(pilot)
        assert results(pilot).display and results(pilot).count == 10


async def test_no_silos_and_nothing_crawled():
    async with driven(FakeCatalog([], with_silos=[])) as pilot:
        assert "catalog silo add" in screen_text(pilot)
        pilot.app.cat.silo_list = silos(crawled=False)
        await pilot.press("R")
        await settle(pilot)
        assert "catalog crawl" in screen_text(pilot) and "lab-nas" in screen_text(pilot)


async def test_no_hits_offers_the_query_with_one_condition_less():
    async with driven() as pilot:
        await write(pilot, "clicks kind:model size:>1TB")
        best = sum("clicks" in hit.name and hit.kind == "model" for hit in pilot.app.cat.known)
        assert str(best) in screen_text(pilot)
        await pilot.press("enter", "enter")
        await settle(pilot)
        assert query_of(pilot) == "clicks kind:model"
        assert results(pilot).count == best and results(pilot).display


@pytest.mark.parametrize("size", [(80, 24), (120, 30), (200, 50)])
async def test_hostile_names_are_only_text(size):
    known = hits(20)
    cat = FakeCatalog([hostile(known[0]), *known[1:]])
    async with driven(cat, size=size) as pilot:
        await pilot.press("f", "f", "p", "p")
        await settle(pilot)
        shown = screen_text(pilot)
        assert not any(bad in shown for bad in ("\x1b", "\u202e", "\u200b", "\x07"))
        assert "[31mred" in shown and all(len(line) <= size[0] for line in shown.splitlines())
        await pilot.press("enter")
        await settle(pilot)
        assert "\x1b" not in screen_text(pilot) and "[bold]not bold[/bold]" in screen_text(pilot)


async def test_a_hostile_facet_value_can_be_chosen():
    known = hits(20)
    cat = FakeCatalog([hostile(known[0]), *known[1:]])
    async with driven(cat, size=(120, 50)) as pilot:
        await pilot.press("h", "home", *["down"] * 15)
        facets = pilot.app.screen.query_one("#facets")
        wanted = f"owner:={cat.known[0].owner}"
        facets.highlighted = next(i for i, option in enumerate(facets.options) if option.id == wanted)
        await pilot.press("enter")
        await settle(pilot)
        assert results(pilot).count == 1


async def test_copying_the_uri_never_carries_control_characters():
    copy = CopyLog(sure=False)
    known = hits(3)
    async with driven(FakeCatalog([hostile(known[0])]), copy=copy) as pilot:
        await pilot.press("y")
        await settle(pilot)
        assert copy.texts and copy.texts[0].isprintable() and "%1B" in copy.texts[0]
        assert [notice.title for notice in pilot.app._notifications] == ["→ sent to the terminal"]


async def test_copy_as_offers_python_and_duckdb():
    copy = CopyLog()
    async with driven(copy=copy) as pilot:
        await write(pilot, "format:parquet")
        await pilot.press("enter", "Y", "down", "enter")
        await settle(pilot)
        hit = results(pilot).current
        assert copy.texts[0].startswith("import catalog") and hit.uri in copy.texts[0]


@pytest.mark.parametrize(
    ("size", "facets", "preview"),
    [((80, 24), False, False), ((120, 30), True, True), ((120, 24), True, False), ((200, 50), True, True)],
)
async def test_panes_by_width_and_by_key(size, facets, preview):
    async with driven(size=size) as pilot:
        shown = {pane: pilot.app.screen.query_one(f"#{pane}") for pane in ("facets", "preview")}
        assert (shown["facets"].display, shown["preview"].display) == (facets, preview)
        await pilot.press("p", "f")
        assert (shown["facets"].display, shown["preview"].display) == (not facets, not preview)


async def test_zoom_gives_the_focused_pane_the_body_and_escape_ends_it():
    async with driven() as pilot:
        await pilot.press("plus")
        assert not pilot.app.screen.query_one("#facets").display
        assert results(pilot).size.width > 110
        await pilot.press("escape")
        assert pilot.app.screen.query_one("#facets").display


async def test_the_preview_follows_the_cursor():
    async with driven(size=(200, 50)) as pilot:
        await pilot.press("j", "j", "j")
        await settle(pilot)
        hit = pilot.app.cat.known[3]
        assert hit.uri in screen_text(pilot)
        assert "folders day=… hold files of one schema" in screen_text(pilot)


async def test_a_preview_that_fails_leaves_the_rows():
    cat = FakeCatalog(hits(30), failing={"dataset": StoreBusy("locked")})
    async with driven(cat, size=(200, 50)) as pilot:
        assert results(pilot).count == 30 and cat.known[0].uri in screen_text(pilot)


async def test_single_files_are_found_and_have_no_page():
    files = [Hit(1, "file", "a.csv", "s3://b/a.csv", "lake", "csv", 1, 5, None, 1, None)]
    async with driven(FakeCatalog(hits(10), single_files=files)) as pilot:
        await write(pilot, "kind:file")
        assert "Files 1" in str(results(pilot).border_title)
        await pilot.press("enter", "enter")
        await settle(pilot)
        assert not isinstance(pilot.app.screen, DatasetScreen)


async def test_refresh_keeps_the_cursor():
    async with driven() as pilot:
        await pilot.press(*["j"] * 5, "R")
        await settle(pilot)
        assert results(pilot).cursor == 5


async def test_every_fork_is_closed_in_the_end():
    async with driven() as pilot:
        cat = pilot.app.cat
        assert cat.open_forks == cat.forks > 0
    assert cat.open_forks == 0


async def test_palette_and_help_open():
    async with driven(size=(80, 24)) as pilot:
        await pilot.press("question_mark")
        await settle(pilot)
        assert "show or hide the facets" in screen_text(pilot)
        await pilot.press("escape", "ctrl+p")
        await settle(pilot)
        assert "copy the URI" in screen_text(pilot)


async def test_what_is_typed_right_behind_the_slash_is_text():
    async with driven(FakeCatalog(hits(10))) as pilot:
        for key in ("slash", "q", "f", "y"):
            pilot.app.post_message(events.Key(key, "/" if key == "slash" else key))
        await settle(pilot)
        assert pilot.app.is_running and query_of(pilot) == "qfy"


async def test_a_count_that_is_not_exact_grows_when_its_end_is_reached():
    async with driven(FakeCatalog(hits(700), counted=256)) as pilot:
        assert "256+" in str(results(pilot).border_title)
        for _ in range(5):
            await pilot.press("G")
            await settle(pilot)
        assert results(pilot).count == 700
        assert results(pilot).current == pilot.app.cat.known[-1]


async def test_silos_that_hold_nothing_and_crawls_that_were_cut_short():
    estate = [replace(silo, last_state="partial") for silo in silos()[:1]] + silos()[1:]
    async with driven(FakeCatalog([], with_silos=estate)) as pilot:
        assert "No datasets found" in screen_text(pilot)
        assert "partial 2h ago" in screen_text(pilot) and "! 1 incomplete" in screen_text(pilot)
