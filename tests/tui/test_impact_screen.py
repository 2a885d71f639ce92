"""The impact list: everything downstream, sorted, copied and exported."""

from __future__ import annotations

import csv

import pytest
from driving import CopyLog, driven, screen_text, settle, until
from fake_catalog import FakeCatalog, hits
from fake_lineage import Graph, hostile, star, team

from catalog.cli.graph_rows import AFFECTED_KEYS
from catalog.errors import StoreError
from catalog.text import safe
from catalog.tui import impact_csv
from catalog.tui.screens.impact import ImpactScreen
from catalog.tui.screens.trace import TraceScreen


async def go(pilot, *keys):
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


async def listed(pilot, reference=5, label="train/churn"):
    pilot.app.open_impact(reference, label)
    await settle(pilot)


def estate(graph=None):
    return FakeCatalog(hits(40), graph=graph or team())


def labels(pilot):
    table = pilot.app.screen.table
    return [table.row(i).node.label for i in range(min(table.count, 128))]


async def typed(pilot, text):
    await pilot.press("ctrl+u", *({"/": "slash", ".": "full_stop", "-": "minus", "_": "underscore"}.get(c, c) for c in text))
    await pilot.press("enter")
    await settle(pilot)


async def test_everything_downstream_nearest_first_with_the_edge_it_was_reached_by():
    async with driven(estate(), size=(120, 30)) as pilot:
        await listed(pilot)
        assert labels(pilot) == ["models/churn-v4", "model:ltv-v2", "reports/churn_by_country"]
        assert "Downstream of train/churn: 2 models, 1 dataset" in screen_text(pilot)
        assert "stages.train.deps[0], line 12" in screen_text(pilot)


async def test_the_trace_and_a_silo_lead_to_it():
    async with driven(estate()) as pilot:
        pilot.app.open_trace(5, "train/churn")
        await settle(pilot)
        await go(pilot, "i")
        assert isinstance(pilot.app.screen, ImpactScreen) and len(labels(pilot)) == 3
        await go(pilot, "escape", "2", "G", "i")
        assert "Downstream of lab-nas" in screen_text(pilot)
        assert labels(pilot)[0] == "train/churn"


@pytest.mark.parametrize(
    ("order", "first"),
    [("hop", "models/churn-v4"), ("kind", "reports/churn_by_country"), ("name", "model:ltv-v2"), ("silo", "model:ltv-v2")],
)
async def test_sorting(order, first):
    async with driven(estate(), size=(120, 30)) as pilot:
        await listed(pilot)
        pilot.app.screen.sort_by(order)
        await settle(pilot)
        assert labels(pilot)[0] == first


async def test_sorting_from_the_menu_and_the_heading():
    async with driven(estate(), size=(120, 30)) as pilot:
        await listed(pilot)
        await go(pilot, "s", "down", "down", "enter")
        assert labels(pilot) == ["model:ltv-v2", "models/churn-v4", "reports/churn_by_country"]
        assert "asset ↑" in screen_text(pilot)
        await pilot.click("#list", offset=(5, 1))
        await settle(pilot)
        assert labels(pilot)[0] == "models/churn-v4" and "asset ↑" not in screen_text(pilot)


async def test_export_writes_what_is_shown_in_its_order(tmp_path):
    target = tmp_path / "list.csv"
    async with driven(estate(), notices=True, size=(120, 30)) as pilot:
        await listed(pilot)
        pilot.app.screen.sort_by("name")
        await go(pilot, "e")
        await typed(pilot, str(target))
        await until(pilot, lambda: "3 rows written" in screen_text(pilot))
    rows = list(csv.DictReader(target.open(newline="")))
    assert [row["title"] for row in rows] == ["model:ltv-v2", "lake/models/churn-v4", "lake/reports/churn_by_country"]
    assert rows[1]["evidence"] == "declared" and rows[1]["hop"] == "1" and rows[0]["silo"] == ""


async def test_export_never_overwrites(tmp_path):
    target = tmp_path / "kept.csv"
    target.write_text("mine")
    async with driven(estate()) as pilot:
        await listed(pilot)
        await go(pilot, "e")
        await typed(pilot, str(target))
        assert "exists already" in screen_text(pilot)
    assert target.read_text() == "mine"


async def test_a_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a path short enough for one line
    async with driven(estate(), notices=True, size=(120, 30)) as pilot:
        await listed(pilot)
        await go(pilot, "e")
        await typed(pilot, "missing/list.csv")
        await until(pilot, lambda: "✗ not written" in screen_text(pilot))
        assert "No such file or directory" in " ".join(screen_text(pilot).split())


async def test_the_whole_list_can_be_copied():
    copy = CopyLog()
    async with driven(estate(), copy=copy) as pilot:
        await listed(pilot)
        await go(pilot, "y", "E")
        assert copy.texts[0] == "s3://acme-lake/models/churn-v4"
        assert len(list(csv.reader(copy.texts[1].splitlines()))) == 4


async def test_hostile_names_survive_as_csv(tmp_path):
    graph = hostile()
    rows = graph.impact([3]).rows
    impact_csv.write(tmp_path / "x.csv", rows)
    read = list(csv.DictReader((tmp_path / "x.csv").open(newline="", encoding="utf-8")))
    assert [row["name"] for row in read] == [safe(row.node.name) for row in rows]


def test_a_list_that_breaks_off_leaves_no_file(tmp_path):
    def broken():
        yield from team().impact([5]).rows
        raise StoreError("it broke")

    with pytest.raises(StoreError):
        impact_csv.write(tmp_path / "half.csv", broken())
    assert list(tmp_path.iterdir()) == []


def test_the_columns_are_those_of_the_command():
    assert impact_csv.COLUMNS == AFFECTED_KEYS


@pytest.mark.parametrize(
    ("label", "name"),
    [("features/users_daily", "impact-features-users-daily.csv"), ("../../etc/passwd", "impact-etc-passwd.csv"), ("\x1b[31m", "impact-31m.csv"), ("表データ", "impact-list.csv")],
)
def test_the_file_that_is_offered_is_in_the_working_directory(label, name):
    assert impact_csv.file_name(label) == name


async def test_a_row_leads_into_the_trace():
    async with driven(estate()) as pilot:
        await listed(pilot)
        await go(pilot, "enter")
        assert isinstance(pilot.app.screen, TraceScreen) and pilot.app.screen._focus.node.id == 6


async def test_nothing_downstream_says_how_to_bring_some():
    async with driven(estate(Graph()), size=(80, 24)) as pilot:
        await listed(pilot, 1, "x")
        assert "nothing downstream is known yet (catalog lineage import" in screen_text(pilot)
        await go(pilot, "Y", "y", "enter", "E", "s", "escape")
        assert isinstance(pilot.app.screen, ImpactScreen)


async def test_a_long_list_is_read_in_pages_and_too_long_to_copy():
    copy = CopyLog()
    async with driven(estate(star(20_000)), copy=copy, notices=True, size=(120, 30)) as pilot:
        await listed(pilot, 1, "raw/everything")
        assert "20,000 datasets" in screen_text(pilot)
        assert pilot.app.screen.table.row(10_000) is None
        await go(pilot, "G")
        assert pilot.app.screen.table.current.node.label == "derived/020001"
        await go(pilot, "E")
        assert "More than 10,000 rows" in screen_text(pilot) and copy.texts == []


async def test_a_failure_is_told_in_place_of_the_list():
    cat = estate()
    cat.failing["impact"] = StoreError("it broke")
    async with driven(cat) as pilot:
        await listed(pilot)
        assert "✗ it broke" in screen_text(pilot)
