"""Pictures of every screen in three sizes. They change when the look changes; behaviour is tested beside them."""

from __future__ import annotations

from driving import make_app, settle, sizes, taken, write
from fake_catalog import FakeCatalog, hits, hostile, silos

from catalog.tui.widgets.search_box import QueryInput


@sizes
def test_search(snap_compare, size):
    assert taken(snap_compare, size, "j", "j", query="clicks format:parquet sort:-size")


@sizes
def test_dataset_schema(snap_compare, size):
    assert taken(snap_compare, size, "enter")


@sizes
def test_dataset_files(snap_compare, size):
    assert taken(snap_compare, size, "enter", "l")


@sizes
def test_dataset_versions(snap_compare, size):
    assert taken(snap_compare, size, "enter", "l", "l")


@sizes
def test_no_silos(snap_compare, size):
    assert taken(snap_compare, size, cat=FakeCatalog([], with_silos=[]))


@sizes
def test_nothing_crawled(snap_compare, size):
    assert taken(snap_compare, size, cat=FakeCatalog([], with_silos=silos(crawled=False)))


@sizes
def test_no_hits(snap_compare, size):
    assert taken(snap_compare, size, query="clicks kind:model size:>1TB")


@sizes
def test_help(snap_compare, size):
    assert taken(snap_compare, size, "question_mark")


@sizes
def test_hostile_names(snap_compare, size):
    known = hits(30)
    assert taken(snap_compare, size, cat=FakeCatalog([hostile(known[0]), *known[1:]]))


def test_facets_on_a_narrow_screen(snap_compare):
    assert taken(snap_compare, (80, 24), "f", "down")


def test_query_error(snap_compare):
    async def prepare(pilot):
        await settle(pilot)
        await write(pilot, "clicks")
        pilot.app.screen.query_one(QueryInput).value = "clicks sise:3"
        await settle(pilot)

    assert snap_compare(make_app(), terminal_size=(80, 24), run_before=prepare)


def test_sort_menu(snap_compare):
    assert taken(snap_compare, (80, 24), "s")


def test_without_colour(snap_compare, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert taken(snap_compare, (120, 30), "j", query="clicks")
