"""Nodes, edges and columns as rows give them; where questions start; what became of merged assets."""

from __future__ import annotations

from contextlib import closing

import pytest
from harness import lineage_rows as rows
from harness.lineage_rows import LEARNT

from catalog.model.lineage import COUNTED, ColumnEdge
from catalog.store import graph
from catalog.store.engine import Database
from catalog.store.graph import reading, sql


@pytest.fixture
def db(db_url):
    with closing(Database(db_url)) as opened:
        rows.silo(opened, 1, "lake")
        with opened.transaction():
            rows.origin(opened)
            rows.origin(opened, 2, "s3://bucket/dvc.lock")
            rows.job(opened, 7, "etl.daily")
            rows.run(opened, 5, 7, "0190-uuid")
        yield opened


def make(db: Database, ids: range, **more: object) -> None:
    with db.transaction():
        rows.assets(db, *({"id": one, **more} for one in ids))


def link(db: Database, *pairs: tuple[int, int], **more: object) -> None:
    first = int(db.value("SELECT COALESCE(MAX(id), 0) FROM edge")) + 1
    with db.transaction():
        for number, (source, target) in enumerate(pairs, first):
            rows.edge(db, number, source, target, **more)


def test_an_edge_tells_its_origin_job_and_run(db):
    make(db, range(1, 3))
    link(
        db,
        (1, 2),
        job_id=7,
        run_id=5,
        origin_id=2,
        field="stages.a",
        line=17,
        detail="md5",
        valid_from_ns=3,
        source_version=2,
    )
    (edge,) = graph.edges(db, [1])
    assert (edge.origin, edge.field, edge.line, edge.detail) == ("s3://bucket/dvc.lock", "stages.a", 17, "md5")
    assert (edge.job_namespace, edge.job, edge.run) == ("airflow", "etl.daily", "0190-uuid")
    assert (edge.source_version, edge.target_version, edge.valid_from_ns, edge.valid_to_ns) == (2, None, 3, None)
    assert (edge.confidence, edge.runs, edge.observed_ns, edge.retracted_ns) == (0.95, 1, LEARNT, None)


def test_an_edge_without_job_and_run_has_none(db):
    make(db, range(1, 3))
    link(db, (1, 2), job_id=0)
    (edge,) = graph.edges(db, [1])
    assert (edge.job, edge.job_namespace, edge.run) == (None, None, None)


def test_a_node_is_called_by_its_path_and_silo(db):
    with db.transaction():
        rows.assets(
            db,
            {
                "id": 1,
                "silo_id": 1,
                "path": "raw/x",
                "name": "pre/raw/x",
                "format": "csv",
                "version": 4,
                "rule": "single",
            },
            {"id": 2, "path": "churn-v5", "name": "churn-v5", "namespace": "model", "kind": "model"},
            {"id": 3, "silo_id": 1, "path": "gone", "removed_crawl": 1},
        )
    crawled, named, gone = graph.nodes(db, [1, 2, 3])
    assert (crawled.label, crawled.silo, crawled.name, crawled.format, crawled.version) == (
        "raw/x",
        "lake",
        "pre/raw/x",
        "csv",
        4,
    )
    assert (named.label, named.silo, named.kind, named.version, named.removed) == (
        "churn-v5",
        None,
        "model",
        None,
        False,
    )
    assert gone.removed


def test_nodes_come_in_the_order_asked_and_unknown_ids_are_left_out(db):
    make(db, range(1, 4))
    assert [node.id for node in graph.nodes(db, [3, 99, 1, 3])] == [3, 1]
    assert graph.nodes(db, []) == [] == graph.edges(db, [])


def test_more_ids_than_one_statement_takes(db, monkeypatch):
    monkeypatch.setattr(sql, "CHUNK", 2)
    make(db, range(1, 8))
    link(db, *((1, other) for other in range(2, 8)), (2, 7))
    assert [node.id for node in graph.nodes(db, range(7, 0, -1))] == [7, 6, 5, 4, 3, 2, 1]
    assert [edge.id for edge in graph.edges(db, [6, 1, 3, 2])] == [6, 1, 3, 2]
    assert {one.node.id: one.hop for one in graph.impact(db, [1])} == dict.fromkeys(range(2, 8), 1)
    assert graph.became(db, [5, 4, 3]) == [5, 4, 3]


def test_the_edges_of_a_hub_are_counted_up_to_a_number(db):
    make(db, range(1, COUNTED + 102))
    link(db, *((1, other) for other in range(2, COUNTED + 101)))
    hub, leaf = graph.nodes(db, [1, 2])
    assert (hub.up, hub.down) == (0, COUNTED) and (leaf.up, leaf.down) == (1, 0)
    found = graph.trace(db, [1])
    assert len(found.edges) == 20 and found.more == {1: COUNTED - 20} and not found.complete
    assert len(graph.impact(db, [1])) == COUNTED + 99


def test_a_merged_asset_leads_to_what_it_became(db):
    make(db, range(1, 3))
    with db.transaction():
        rows.assets(
            db, {"id": 3, "merged_into": 4, "removed_crawl": 1}, {"id": 4, "merged_into": 2, "removed_crawl": 1}
        )
    link(db, (1, 2))
    assert graph.became(db, [3, 1, 2]) == [2, 1]
    assert graph.trace(db, [3]).focus == (2,)
    assert [node.id for node, _ in graph.neighbours(db, 3, "up")] == [1]
    assert [one.node.id for one in graph.impact(db, [1])] == [2]
    assert [node.id for node in graph.path(db, [1], [4]).nodes] == [1, 2]


def test_assets_merged_in_a_circle_end(db):
    with db.transaction():
        rows.assets(db, {"id": 1, "merged_into": 2}, {"id": 2, "merged_into": 1})
    assert len(graph.became(db, [1])) == 1


def test_an_edge_to_nowhere_is_counted_and_not_shown(sqlite_url):
    """SQLite does not hold foreign keys; a damaged catalog is still read."""
    with closing(Database(sqlite_url)) as db:
        with db.transaction():
            rows.origin(db)
            rows.assets(db, {"id": 1}, {"id": 2})
            rows.edge(db, 1, 1, 2)
            rows.edge(db, 2, 1, 99)
        found = graph.trace(db, [1])
        assert [node.id for node in found.nodes] == [1, 2]
        assert [edge.id for edge in found.edges] == [1] and found.more == {1: 1}
        assert [one.node.id for one in graph.impact(db, [1])] == [2]
        assert [node.id for node, _ in graph.neighbours(db, 1, "down")] == [2]


def test_a_wide_direction_leaves_room_for_the_other(db):
    make(db, range(1, 20))
    link(db, *((other, 1) for other in range(2, 12)), *((1, other) for other in range(12, 20)))
    found = graph.trace(db, [1], limit=7)
    assert sorted(found.hops.values()) == [-1, -1, -1, 0, 1, 1, 1]
    assert found.more == {1: 12}


def test_steps_of_a_path_show_every_edge_the_most_believed_first(db, monkeypatch):
    from catalog.store.graph import paths

    make(db, range(1, 3))
    link(db, (1, 2), evidence="inferred", confidence=0.5)
    link(db, (1, 2), evidence="proof", confidence=1.0)
    link(db, (1, 2))
    assert [edge.evidence for edge in graph.path(db, [1], [2]).edges] == ["proof", "observed", "inferred"]
    monkeypatch.setattr(paths, "PARALLEL", 2)
    found = graph.path(db, [1], [2])
    assert [edge.evidence for edge in found.edges] == ["proof", "observed"] and found.more == {1: 1}


# ---------------------------------------------------------------- as of a time


def versions(db: Database, asset: int, *observed: int) -> None:
    with db.transaction():
        for number, when in enumerate(observed, 1):
            rows.insert(
                db,
                "asset_version",
                {
                    "asset_id": asset,
                    "number": number,
                    "crawl_id": number,
                    "observed_ns": when,
                    "fingerprint": "",
                    "files": 1,
                },
            )


def crawl(db: Database, id: int, ended: int) -> None:
    with db.transaction():
        rows.insert(
            db,
            "crawl",
            {
                "id": id,
                "silo_id": 1,
                "prefix": "",
                "mode": "normal",
                "state": "complete",
                "started_ns": 1,
                "ended_ns": ended,
                "heartbeat_ns": ended,
                "worker": "",
            },
        )


def test_nodes_have_the_version_and_the_state_of_then(db):
    crawl(db, 9, 30)
    make(db, range(1, 2), silo_id=1, version=2, removed_crawl=9, rule="single")
    versions(db, 1, 10, 20)
    told = {at: graph.nodes(db, [1], at_ns=at)[0] for at in (5, 10, 25, 30)}
    assert [(at, node.version, node.removed) for at, node in told.items()] == [
        (5, None, False),
        (10, 1, False),
        (25, 2, False),
        (30, 2, True),
    ]


def test_the_assets_of_a_silo_now_and_then(db):
    crawl(db, 9, 30)
    with db.transaction():
        rows.assets(
            db,
            {"id": 1, "silo_id": 1},
            {"id": 2, "silo_id": 1, "removed_crawl": 9},
            {"id": 3, "silo_id": 1, "merged_into": 1, "removed_crawl": 9},
            {"id": 4},
        )
    versions(db, 1, 20)
    versions(db, 2, 10)
    assert graph.of_silo(db, 1) == [1]
    assert {at: graph.of_silo(db, 1, at_ns=at) for at in (5, 10, 20, 30)} == {5: [], 10: [2], 20: [1, 2], 30: [1]}


# ---------------------------------------------------------------- columns


def test_columns_along_the_shown_edges_come_when_asked(db):
    make(db, range(1, 5))
    link(db, (1, 2), (2, 3), (3, 4))
    with db.transaction():
        rows.columns(db, 1, 2, [("b", "y"), ("a", "x")], transformation="DIRECT/IDENTITY", job_id=7)
        rows.columns(db, 1, 2, [("a", "x")], transformation="DIRECT/IDENTITY", job_id=7, origin_id=2)
        rows.columns(db, 1, 2, [("old", "x")], retracted_ns=LEARNT + 10)
        rows.columns(db, 3, 4, [("far", "away")])
        rows.columns(db, 1, 4, [("no", "edge")])
    assert graph.trace(db, [1], depth=2).columns == ()
    found = graph.trace(db, [1], depth=2, columns=True)
    assert found.columns == (
        ColumnEdge(1, "a", 2, "x", "DIRECT/IDENTITY", "etl.daily"),
        ColumnEdge(1, "b", 2, "y", "DIRECT/IDENTITY", "etl.daily"),
    )
    then = graph.trace(db, [1], depth=2, columns=True, at_ns=LEARNT + 5)
    assert [c.source_field for c in then.columns] == ["a", "old", "b"]
    assert graph.trace(db, [1], columns=True, at_ns=LEARNT - 1).columns == ()


def test_columns_that_do_not_fit_are_counted(db, monkeypatch):
    monkeypatch.setattr(reading, "COLUMNS_SHOWN", 3)
    make(db, range(1, 3))
    link(db, (1, 2))
    with db.transaction():
        rows.columns(db, 1, 2, [(f"c{i}", f"c{i}") for i in range(8)])
    found = graph.trace(db, [1], columns=True)
    assert [c.source_field for c in found.columns] == ["c0", "c1", "c2"]
    assert found.more_columns == 5 and not found.complete and not found.more
