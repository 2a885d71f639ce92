"""The UI on a real catalog: crawled files, real threads, real queries."""

from __future__ import annotations

import json

import pytest
from driving import names, query_of, results, screen_text, settle, write

import catalog
from catalog.tui.app import CatalogApp
from catalog.tui.screens.dataset import DatasetScreen


@pytest.fixture
def cat(tmp_path):
    data = tmp_path / "data"
    for day in range(1, 5):
        folder = data / "clicks" / f"day=2026-03-{day:02d}"
        folder.mkdir(parents=True)
        for part in range(2):
            (folder / f"part-{part:05d}.csv").write_text("user_id,amount\n1,2.5\n2,3.5\n")
    (data / "labels.csv").write_text("id,label\n1,cat\n2,dog\n")
    (data / "events.jsonl").write_text("".join(json.dumps({"at": i, "event": "x"}) + "\n" for i in range(5)))
    (data / "\x1b[31mred [bold]x\u202e.csv").write_text("a,b\n1,2\n")
    with catalog.connect(tmp_path / "catalog.db") as cat:
        cat.add_silo("data", str(data))
        cat.crawl()
        yield cat


def running(cat, size=(120, 30)):
    return CatalogApp(cat).run_test(size=size)


async def test_search_open_and_back(cat):
    async with running(cat) as pilot:
        await settle(pilot)
        assert results(pilot).count == cat.search().count().number >= 4
        await write(pilot, "labels")
        assert names(pilot) == ["labels.csv"]
        await pilot.press("enter", "enter")
        await settle(pilot)
        assert isinstance(pilot.app.screen, DatasetScreen)
        assert "label" in screen_text(pilot) and "string" in screen_text(pilot)
        await pilot.press("l")
        await settle(pilot)
        assert "labels.csv" in screen_text(pilot)
        await pilot.press("l")
        await settle(pilot)
        assert "first" in screen_text(pilot)
        await pilot.press("escape")
        await settle(pilot)
        assert query_of(pilot) == "labels"


async def test_facets_and_hints(cat):
    async with running(cat) as pilot:
        await settle(pilot)
        assert "jsonl" in screen_text(pilot)
        await write(pilot, "labels format:jsonl")
        assert "Nothing matches" in screen_text(pilot)
        await pilot.press("enter", "enter")
        await settle(pilot)
        assert results(pilot).count == 1


async def test_query_error_and_single_files(cat):
    async with running(cat) as pilot:
        await settle(pilot)
        await write(pilot, "kind:file in:clicks")
        assert results(pilot).count == 8
        await write(pilot, " ownr:x")
        assert "ownr" in screen_text(pilot) and "✗" in screen_text(pilot)


async def test_hostile_name_on_disk(cat):
    async with running(cat, (200, 50)) as pilot:
        await settle(pilot)
        shown = screen_text(pilot)
        assert "\x1b" not in shown and "\u202e" not in shown and "[31mred [bold]x" in shown


async def test_an_empty_catalog_says_how_to_begin(tmp_path):
    with catalog.connect(tmp_path / "empty.db") as empty:
        async with running(empty, (80, 24)) as pilot:
            await settle(pilot)
            assert "catalog silo add" in screen_text(pilot)
            empty.add_silo("here", str(tmp_path))
            await pilot.press("R")
            await settle(pilot)
            assert "Nothing crawled yet" in screen_text(pilot)
