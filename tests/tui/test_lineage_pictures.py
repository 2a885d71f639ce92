"""Pictures of lineage in three sizes: the columns, the full trace, the impact list, the tab of a page."""

from __future__ import annotations

import pytest
from driving import settle, sizes, taken
from fake_catalog import FakeCatalog, hits
from fake_lineage import Graph, chain, hostile, star, team


def at(asset, label):
    """Open the trace of an asset."""

    async def begin(pilot):
        pilot.app.open_trace(asset, label)
        await settle(pilot)

    return begin


def pictured(snap_compare, size, *keys, graph=None, asset=5, label="train/churn"):
    cat = FakeCatalog(hits(42), graph=graph or team())
    return taken(snap_compare, size, *keys, cat=cat, begin=at(asset, label))


@sizes
def test_trace(snap_compare, size):
    assert pictured(snap_compare, size)


@sizes
def test_trace_edge(snap_compare, size):
    assert pictured(snap_compare, size, "l")


@sizes
def test_trace_after_a_walk(snap_compare, size):
    assert pictured(snap_compare, size, "h", "h", "h", "left_square_bracket")


@sizes
def test_trace_of_nothing(snap_compare, size):
    assert pictured(snap_compare, size, graph=Graph(), asset=1, label="clicks")


@sizes
def test_trace_as_of(snap_compare, size):
    assert pictured(snap_compare, size, "a", *"5d", "enter", asset=3, label="features/users_daily")


@sizes
def test_trace_of_very_many(snap_compare, size):
    assert pictured(snap_compare, size, "l", graph=star(2_500), asset=1, label="raw/everything")


@sizes
def test_full_trace(snap_compare, size):
    assert pictured(snap_compare, size, "T", "j", "j")


@sizes
def test_full_trace_of_a_long_way(snap_compare, size):
    assert pictured(snap_compare, size, "T", "G", graph=chain(130), asset=1, label="step-00001")


@sizes
def test_impact(snap_compare, size):
    assert pictured(snap_compare, size, "i", asset=3, label="features/users_daily")


@sizes
def test_impact_of_nothing(snap_compare, size):
    assert pictured(snap_compare, size, "i", graph=Graph(), asset=1, label="clicks")


@sizes
def test_lineage_of_a_page(snap_compare, size):
    cat = FakeCatalog(hits(42), graph=team())
    assert taken(snap_compare, size, "j", "j", "enter", "l", "l", "l", cat=cat)


@sizes
@pytest.mark.parametrize("keys", [("h",), ("T", "j"), ("i",)], ids=["trace", "full", "impact"])
def test_hostile_names(snap_compare, size, keys):
    assert pictured(snap_compare, size, *keys, graph=hostile(), asset=1, label="\x1b[31mred [bold]x[/]\u202e" * 20)


@pytest.mark.parametrize(
    "keys",
    [("l",), ("T", "j", "j"), ("i",), ("a",), ("i", "e")],
    ids=["edge", "full", "impact", "as-of", "export"],
)
def test_without_colour(snap_compare, monkeypatch, keys):
    monkeypatch.setenv("NO_COLOR", "1")
    assert pictured(snap_compare, (120, 30), *keys)
