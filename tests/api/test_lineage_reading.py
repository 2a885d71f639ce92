"""Reading lineage in Python: traces, impact lists and paths, and how they look in a notebook."""

from __future__ import annotations

from contextlib import closing

import pytest
from harness import lineage_rows as rows
from harness.lineage_rows import DAY, LEARNT
from harness.lineage_sample import ALONE, CHURN, CLICKS, FEATURES, GONE, OLD, RAW, USERS, VOLUME, make

import catalog
from catalog.errors import NotFound
from catalog.store.engine import Database


@pytest.fixture
def cat(sqlite_url):
    make(sqlite_url)
    with catalog.connect(sqlite_url) as opened:
        yield opened


def names(lineage) -> set[str]:
    return {node.label for node in lineage.nodes}


@pytest.mark.parametrize("reference", [FEATURES, "features", "lake/features", "s3://lake/features", "feat"])
def test_an_asset_is_found_by_any_of_its_names(cat, reference):
    found = cat.trace(reference, depth=1)
    assert found.trace.focus == (FEATURES,)
    assert names(found) == {"features", "clicks", "users.csv", "models/churn"}


def test_a_dataset_knows_its_lineage(cat):
    clicks = cat.dataset("clicks")
    assert names(clicks.upstream()) == {"clicks", "raw.csv", "features"}
    assert names(clicks.downstream(depth=2)) == {"clicks", "features", "models/churn"}
    assert clicks.lineage(depth=1).edges == cat.trace(clicks, depth=1).edges
    assert [c.target_field for c in clicks.lineage(columns=True).trace.columns] == ["user_id"]


def test_caps_are_told(cat):
    found = cat.trace("features", depth=1, fan_out=1)
    assert not found.complete and found.trace.more[FEATURES] == 2
    assert "more left out" in repr(found)
    assert cat.trace("features", depth=9).complete


def test_a_merged_asset_leads_to_what_it_became(cat):
    assert cat.trace(11).trace.focus == (RAW,)
    assert cat.impact(11).rows[0].node.label == "clicks"


def test_as_of_a_time(cat):
    assert len(cat.trace("old")) == 0
    assert len(cat.trace("old", at="2026-01-05")) == 1
    assert len(cat.trace("old", at=LEARNT - 1)) == 0
    assert [one.node.label for one in cat.impact("old", at="2026-01-05")] == ["gone"]
    assert cat.path("old", "gone") is None and cat.path("old", "gone", at="2026-01-05")
    assert cat.neighbours("old", "down", at="2026-01-05") and not cat.neighbours("old", "down")


def test_a_version_asks_for_the_time_when_it_was_current(cat, sqlite_url):
    with closing(Database(sqlite_url)) as db, db.transaction():
        for number, day in ((1, 0), (2, 20)):
            row = {"asset_id": OLD, "number": number, "crawl_id": number, "observed_ns": LEARNT + day * DAY, "fingerprint": "", "files": 1}
            rows.insert(db, "asset_version", row)
        db.execute("UPDATE edge SET retracted_ns = ? WHERE id = 8", (LEARNT + 25 * DAY,))
    assert len(cat.trace("old@1")) == 1
    assert len(cat.trace("old@2")) == 0
    assert len(cat.trace(cat.dataset("old@1"))) == 1
    assert len(cat.trace("old@2", at="2026-01-05")) == 1


def test_impact_of_an_asset(cat):
    found = cat.impact("lab/raw.csv")
    assert [(one.hop, one.node.label) for one in found.rows] == [(1, "clicks"), (2, "features"), (3, "models/churn"), (4, "churn-v5")]
    assert len(found) == 4 and found.hops == 4 and found.kinds == {"dataset": 2, "model": 2}
    assert found.summary() == "4 assets within 4 hops: 2 datasets, 2 models"
    assert [one.node.kind for one in found.page(0, 9, "kind")] == ["dataset", "dataset", "model", "model"]
    assert [one.node.label for one in found.page(0, 9, "name")] == ["churn-v5", "clicks", "features", "models/churn"]
    assert [one.node.silo for one in found.page(1, 2, "silo")] == ["lake", "lake"]


def test_impact_of_a_silo_and_of_storage(cat):
    lake = cat.impact("lake")
    assert set(lake.start) == {CLICKS, USERS, FEATURES, CHURN, OLD, GONE, ALONE}
    assert [one.node.label for one in lake] == ["churn-v5"]
    assert [one.node.label for one in cat.impact("/dev/sdb")][:2] == ["raw.csv", "clicks"]
    nothing = cat.impact("alone")
    assert not nothing and nothing.rows == [] and nothing.hops == 0 and "nothing downstream" in repr(nothing)


def test_a_path_follows_the_data_or_says_that_it_flows_the_other_way(cat):
    there = cat.path("lab/raw.csv", "models/churn")
    back = cat.path("models/churn", "lab/raw.csv")
    assert [node.label for node in there.nodes] == ["raw.csv", "clicks", "features", "models/churn"]
    assert not there.backwards and back.backwards and back.trace == there.trace
    assert cat.path("users.csv", "alone") is None
    assert len(cat.path("users.csv", "users.csv")) == 0


def test_neighbours_come_in_pages(cat):
    assert [node.label for node, _ in cat.neighbours("features", "up")] == ["clicks", "users.csv"]
    assert [node.label for node, _ in cat.neighbours("features", "up", offset=1, limit=1)] == ["users.csv"]


@pytest.mark.parametrize("ask", [lambda cat: cat.trace("nope"), lambda cat: cat.impact("nope"), lambda cat: cat.path("features", "nope")])
def test_what_does_not_exist_is_not_found(cat, ask):
    with pytest.raises(NotFound):
        ask(cat)


def test_a_silo_is_no_asset_but_has_an_impact(cat):
    with pytest.raises(NotFound) as caught:
        cat.trace("lab")
    assert "catalog impact lab" in caught.value.hint


# ---------------------------------------------------------------- frames and notebooks


def test_frames_have_a_row_for_each_edge(cat):
    import polars
    import pyarrow

    found = cat.trace("features")
    table = found.to_arrow()
    assert table.num_rows == len(found) == len(found.edges)
    assert table.column("confidence").to_pylist() == [edge.confidence for edge in found.edges]
    assert pyarrow.table(found) == table
    assert polars.DataFrame(found).equals(found.to_polars())
    assert list(found.to_pandas()["source_title"]) == table.column("source_title").to_pylist()


def test_frames_of_an_impact_list(cat):
    table = cat.impact("lab/raw.csv").to_arrow()
    assert table.column("hop").to_pylist() == [1, 2, 3, 4]
    assert table.column("edge").to_pylist() == ["derived"] * 4
    assert cat.impact("alone").to_arrow().num_rows == 0


def test_every_form_of_a_trace(cat):
    found = cat.trace("features")
    assert found.to_networkx().number_of_edges() == 7
    assert found.to_mermaid().startswith("flowchart LR") and found.to_dot().startswith("digraph")
    assert found.to_svg().startswith("<svg") and found.to_dict()["focus"] == [FEATURES]
    assert [event["job"]["name"] for event in found.to_openlineage()] == ["etl.daily"]
    assert found.tree().splitlines()[0] == "lake/features  csv, v1"


def test_a_notebook_shows_a_small_graph_as_a_drawing(cat):
    shown = cat.trace("features")._repr_mimebundle_()
    assert "<svg" in shown["text/html"] and "lake/features" in shown["text/plain"]


def test_a_notebook_shows_a_large_graph_as_a_table_with_a_note(cat, monkeypatch):
    monkeypatch.setattr("catalog.api.lineage.DRAWN", 3)
    shown = cat.trace("features")._repr_html_()
    assert "<svg" not in shown and "<table>" in shown and "to_svg" in shown
    assert "<table>" in cat.impact("lab")._repr_html_()


def test_a_notebook_escapes_names(cat, sqlite_url):
    with closing(Database(sqlite_url)) as db, db.transaction():
        db.execute("UPDATE asset SET path = '<script>alert(1)</script>' WHERE id = ?", (USERS,))
    for shown in (cat.trace(USERS)._repr_html_(), cat.impact("lab")._repr_html_(), cat.impact(VOLUME)._repr_html_()):
        assert "<script" not in shown
