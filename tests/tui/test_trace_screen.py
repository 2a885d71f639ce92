"""The trace: walking through the columns, the edge and its evidence, time, and graphs of any size."""

from __future__ import annotations

from dataclasses import replace

import pytest
from driving import CopyLog, driven, screen_text, settle, until, write
from fake_catalog import FakeCatalog, hits
from fake_lineage import DAY, NOW, Graph, chain, hostile, star, team

from catalog.errors import NotFound, StoreError
from catalog.tui.screens.dataset import DatasetScreen
from catalog.tui.screens.search import SearchScreen
from catalog.tui.screens.trace import TraceScreen
from catalog.tui.screens.trace_tree import WholeTraceScreen

SIZES = [(80, 24), (120, 30), (200, 50)]


async def go(pilot, *keys):
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


async def traced(pilot, asset):
    pilot.app.open_trace(asset, pilot.app.cat.graph.names[asset]["label"])
    await settle(pilot)


def estate(graph=None):
    return FakeCatalog(hits(40), graph=graph or team())


def middle(pilot):
    return pilot.app.screen._focus.node.id


def labels(pilot, side):
    table = pilot.app.screen.query_one(f"#{side}")
    return [table.row(i).node.label for i in range(table.count)]


def edge_text(pilot):
    return str(pilot.app.screen.query_one("#edge").render())


@pytest.mark.parametrize("keys", [("t",), ("enter", "t")])
async def test_a_result_and_its_page_lead_to_the_trace_and_back(keys):
    async with driven(estate()) as pilot:
        before = len(pilot.app.screen_stack)
        await go(pilot, *keys)
        assert isinstance(pilot.app.screen, TraceScreen) and middle(pilot) == 1
        await go(pilot, *["escape"] * len(keys))
        assert len(pilot.app.screen_stack) == before and isinstance(pilot.app.screen, SearchScreen)


async def test_both_sides_with_direct_and_total_counts():
    async with driven(estate()) as pilot:
        await traced(pilot, 5)
        assert labels(pilot, "up") == ["features/users_daily", "labels/churned"]
        assert labels(pilot, "down") == ["models/churn-v4", "model:ltv-v2"]
        shown = screen_text(pilot)
        assert "Upstream 2" in shown and "5 in all" in shown and "Downstream 2" in shown and "3 in all" in shown
        assert "2 models downstream: models/churn-v4, model:ltv-v2" in shown
        assert "Trained on this" in shown


@pytest.mark.parametrize(
    ("keys", "arrives"), [(("h", "h"), 3), (("left", "j", "left"), 4), (("l", "l"), 6), (("l", "j", "enter"), 7)]
)
async def test_walking_goes_on_through_the_outer_columns(keys, arrives):
    async with driven(estate()) as pilot:
        await traced(pilot, 5)
        await go(pilot, *keys)
        assert middle(pilot) == arrives


async def test_the_cursor_stays_in_its_column_while_walking():
    async with driven(estate()) as pilot:
        await traced(pilot, 7)
        await go(pilot, "h", "h", "h", "h")
        assert middle(pilot) == 1, "three edges upstream: train/churn, features/users_daily, raw/clicks"
        assert pilot.app.screen.focused.id == "up"


async def test_back_and_forward_on_the_way_with_cursors():
    async with driven(estate()) as pilot:
        await traced(pilot, 5)
        await go(pilot, "h", "j", "enter")
        assert middle(pilot) == 4
        await go(pilot, "left_square_bracket")
        assert middle(pilot) == 5
        assert (pilot.app.screen.focused.id, pilot.app.screen.query_one("#up").cursor) == ("up", 1)
        await go(pilot, "left_square_bracket")
        assert middle(pilot) == 5, "there is nothing before the first"
        await go(pilot, "right_square_bracket")
        assert middle(pilot) == 4
        assert "train/churn › labels/churned" in screen_text(pilot)


async def test_a_page_that_was_left_is_reached_again_with_its_way():
    async with driven(estate()) as pilot:
        await traced(pilot, 5)
        await go(pilot, "l", "enter", "escape", "right_square_bracket")
        assert isinstance(pilot.app.screen, TraceScreen) and middle(pilot) == 6
        await go(pilot, "left_square_bracket")
        assert middle(pilot) == 5


async def test_the_edge_tells_job_evidence_times_and_versions():
    async with driven(estate(), size=(120, 30)) as pilot:
        await traced(pilot, 6)
        await go(pilot, "h")
        told = edge_text(pilot)
        for word in ("train/churn → ◆ models/churn-v4", "trained by train.churn", "declared, 90% sure, stages.train.deps[0], line 12",
                     "s3://acme-lake/repos/churn/dvc.yaml", "since 2026-08-12", "v3 → v7"):  # fmt: skip
            assert word in told, word


async def test_an_asset_without_lineage_says_how_to_bring_some():
    async with driven(estate(Graph()), size=(80, 24)) as pilot:
        await go(pilot, "t")
        assert "Nothing upstream or downstream is known yet" in screen_text(pilot)
        assert "catalog lineage import" in screen_text(pilot)
        await go(pilot, "h", "h", "enter", "l", "l", "l")
        assert middle(pilot) == 1


@pytest.mark.parametrize(
    ("typed", "known"), [("2026-09-01", True), ("5d", True), ("1d", False), ("60d", False), ("", False)]
)
async def test_as_of_shows_what_was_known_then(typed, known):
    async with driven(estate()) as pilot:
        await traced(pilot, 3)
        await go(pilot, "a", *({"-": "minus"}.get(c, c) for c in typed), "enter")
        assert ("exports/partner_feed" in labels(pilot, "down")) is known
        assert ("as of 2026" in screen_text(pilot)) is bool(typed)


async def test_a_time_that_is_none_is_told_and_asked_again():
    async with driven(estate(), size=(80, 24)) as pilot:
        await traced(pilot, 3)
        await go(pilot, "a", *"soon", "enter")
        assert "'soon' is no time" in screen_text(pilot)
        await go(pilot, "escape")
        assert pilot.app.screen.at_ns is None


async def test_the_time_goes_along_to_the_full_trace_and_the_impact_list():
    async with driven(estate()) as pilot:
        await traced(pilot, 3)
        await go(pilot, "a", *"5d", "enter", "T")
        assert "exports/partner_feed" in screen_text(pilot)
        await go(pilot, "i")
        assert "exports/partner_feed" in screen_text(pilot) and pilot.app.screen.at_ns == NOW - 5 * DAY


async def test_the_full_trace_unfolds_each_asset_once():
    async with driven(estate(), size=(120, 30)) as pilot:
        await traced(pilot, 5)
        await go(pilot, "T")
        assert isinstance(pilot.app.screen, WholeTraceScreen)
        rows = [pilot.app.screen.table.row(i) for i in range(pilot.app.screen.table.count)]
        assert [row.words for row in rows if not row.guides] == ["Upstream 5", "Downstream 3"]
        seen = [row.node.label for row in rows if row.seen]
        assert seen == ["model:ltv-v2"]
        assert screen_text(pilot).count("(seen above)") == 1
        await go(pilot, "j", "j")
        assert "derived by" in edge_text(pilot)


async def test_a_line_of_the_full_trace_leads_back_into_the_columns():
    async with driven(estate()) as pilot:
        await traced(pilot, 5)
        await go(pilot, "T", "j", "enter")
        assert isinstance(pilot.app.screen, TraceScreen) and middle(pilot) == 3
        await go(pilot, "left_square_bracket")
        assert middle(pilot) == 5
        assert sum(isinstance(screen, TraceScreen) for screen in pilot.app.screen_stack) == 1


async def test_the_page_of_any_asset_is_one_key_away():
    async with driven(estate()) as pilot:
        await traced(pilot, 5)
        await go(pilot, "h", "o")
        assert isinstance(pilot.app.screen, DatasetScreen) and pilot.app.screen.hit.id == 3
        await go(pilot, "escape", "h", "l", "l", "enter")
        assert isinstance(pilot.app.screen, TraceScreen | DatasetScreen)


async def test_an_asset_that_has_no_page_says_so():
    async with driven(estate(), notices=True, size=(120, 30)) as pilot:
        await traced(pilot, 5)
        pilot.app.cat.known.clear()
        await go(pilot, "o")
        assert isinstance(pilot.app.screen, TraceScreen) and "no asset" in screen_text(pilot)


async def test_copying_takes_the_address_of_what_the_cursor_is_on():
    copy = CopyLog()
    async with driven(estate(), copy=copy) as pilot:
        await traced(pilot, 5)
        await go(pilot, "y", "h", "j", "y", "l", "l", "j", "y", "Y", "down", "enter")
        assert copy.texts[:3] == ["s3://acme-lake/train/churn", "file:///mnt/lab/labels/churned", "model:ltv-v2"]
        assert copy.texts[3].endswith("trace model:ltv-v2")


async def test_an_asset_with_very_many_neighbours_is_read_in_pages():
    cat = estate(star(3_000))
    async with driven(cat) as pilot:
        await traced(pilot, 1)
        assert "Downstream 1,000+" in screen_text(pilot)
        await go(pilot, "l", "G", "G", "G")
        asked = [call for call in cat.graph.asked if call[0] == "neighbours"]
        assert all(limit <= 128 for *_, limit in asked) and len(asked) < 16
        for _ in range(20):
            await go(pilot, "G")
        assert pilot.app.screen.query_one("#down").current.node.label == "derived/003001"


async def test_a_very_long_way_is_folded_and_its_rest_counted():
    async with driven(estate(chain(130)), size=(80, 24)) as pilot:
        await traced(pilot, 1)
        assert "100+ in all" in screen_text(pilot)
        await go(pilot, "T", "G")
        assert "… 1 more" in screen_text(pilot) and "⋯" in screen_text(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_names_stay_on_their_line(size):
    async with driven(estate(hostile()), size=size) as pilot:
        await traced(pilot, 1)
        for keys in ((), ("h",), ("l", "l"), ("T",), ("escape", "i")):
            await go(pilot, *keys)
            shown = screen_text(pilot)
            assert not any(c in shown for c in ("\x1b", "\u202e")) and len(shown.splitlines()) == size[1]
            await until(pilot, lambda: "? help" in screen_text(pilot).splitlines()[-1])


@pytest.mark.parametrize("size", SIZES)
async def test_labels_stay_on_one_line_at_every_width(size):
    async with driven(estate(), size=size) as pilot:
        await traced(pilot, 5)
        lines = screen_text(pilot).splitlines()
        top = next(i for i, line in enumerate(lines) if "Upstream 2" in line)
        assert "users_daily" in lines[top + 2] and "churned" in lines[top + 3]
        await until(pilot, lambda: "q quit" in screen_text(pilot).splitlines()[-1])


async def test_a_catalog_that_fails_is_told_and_the_way_stays():
    async with driven(estate(), notices=True, size=(120, 30)) as pilot:
        await traced(pilot, 5)
        pilot.app.cat.failing["neighbours"] = StoreError("it broke", hint="catalog db check")
        await go(pilot, "h", "enter")
        assert "✗ could not read" in screen_text(pilot) and "it broke" in screen_text(pilot)
        pilot.app.cat.failing.clear()
        await go(pilot, "R")
        assert middle(pilot) == 3


async def test_the_page_of_an_asset_shows_what_is_next_to_it():
    async with driven(estate(), size=(120, 30)) as pilot:
        await go(pilot, "j", "j", "enter", "l", "l", "l")
        shown = screen_text(pilot)
        assert "Lineage ↑2 ↓2" in shown and "training_set.build" in shown
        await go(pilot, "G", "enter")
        assert isinstance(pilot.app.screen, TraceScreen) and middle(pilot) == 8


async def test_a_page_stands_when_its_lineage_cannot_be_read():
    cat = estate()
    cat.failing["trace"] = NotFound("no such asset")
    async with driven(cat) as pilot:
        await go(pilot, "enter")
        assert "user_id" in screen_text(pilot)
        await go(pilot, "l", "l", "l")
        assert "✗ no such asset" in screen_text(pilot)


async def test_a_single_file_has_no_trace():
    async with driven(FakeCatalog(hits(5), single_files=[replace(hits(1)[0], kind="file")])) as pilot:
        assert "t trace" in screen_text(pilot)
        await write(pilot, "kind:file")
        await go(pilot, "enter", "t")
        assert isinstance(pilot.app.screen, SearchScreen)
        await until(pilot, lambda: "t trace" not in screen_text(pilot))
