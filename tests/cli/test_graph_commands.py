"""`catalog trace`, `impact`, `path` and what `show` tells of lineage, as people and scripts use them."""

from __future__ import annotations

import json
import sqlite3

import pytest
from harness.lineage_sample import ALONE, CLICKS, FEATURES, NAMED, VOLUME, make

from catalog.store import migrate

# What scripts rely on, written out: a key that changes its name breaks them.
NODE = ["id", "kind", "namespace", "name"]
EDGE = ["source", "target", "kind", "evidence", "confidence", "job", "run", "valid_from", "valid_to"]


@pytest.fixture
def graph(tmp_path, monkeypatch):
    """The sample graph in the catalog that CATALOG_DB names."""
    path = tmp_path / "catalog.db"
    monkeypatch.setenv("CATALOG_DB", str(path))
    migrate.upgrade(f"sqlite:///{path}")
    make(f"sqlite:///{path}")
    return path


def test_a_trace_is_a_tree(run, graph):
    ran = run("trace", "lake/clicks", "--depth", "2")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "lake/clicks  csv, v1",
        "upstream",
        "├─ lab/raw.csv           csv, v1      derived  observed  etl.daily",
        "│  └─ lab//dev/sdb       volume       stores   proof",
        "└─ lake/features         csv, v1      derived  observed  etl.daily",
        "   ├─ lake/clicks        shown above  derived  observed  etl.daily",
        "   └─ lake/users.csv     csv, v1      derived  observed  etl.daily",
        "downstream",
        "└─ lake/features         csv, v1      derived  observed  etl.daily",
        "   ├─ lake/clicks        shown above  derived  observed  etl.daily",
        "   └─ lake/models/churn  model        derived  observed  etl.daily",
        "      └─ … 1 more",
    ]
    assert "Not shown: 1 more edge, at 1 asset; --depth" in ran.err


@pytest.mark.parametrize(("option", "shown", "hidden"), [("--up", "raw.csv", "models/churn"), ("--down", "models/churn", "raw.csv")])
def test_one_direction(run, graph, option, shown, hidden):
    out = run("trace", "clicks", option, "--depth", "2").out
    assert shown in out and hidden not in out
    assert ("upstream" in out, "downstream" in out) == (option == "--up", option == "--down")


def test_caps_can_be_set_and_say_what_they_hide(run, graph):
    ran = run("trace", "features", "--depth", "1", "--fan-out", "1")
    assert "└─ … 1 more" in ran.out and "Not shown" in ran.err
    limited = run("trace", "features", "--limit", "2", "-o", "json").json
    assert len(limited["nodes"]) == 2 and limited["complete"] is False
    assert run("trace", "features", "--depth", "1", "-q").err == ""


def test_columns_are_told_when_asked_for(run, graph):
    out = run("trace", "clicks", "--up", "--depth", "1", "--columns").out
    assert "id → user_id" in out and "direct, identity" in out
    assert run("trace", "clicks", "--up", "--columns", "-o", "json").json["columns"][0]["target_field"] == "user_id"
    assert "Nothing is known of columns" in run("trace", "features", "--down", "--depth", "1", "--columns").err


def test_json_is_one_object_with_nodes_and_edges(run, graph):
    for words in (["-o", "json"], ["--format", "json"]):
        told = run("trace", "features", *words).json
        assert list(told["nodes"][0])[:4] == NODE and list(told["edges"][0])[:9] == EDGE
        assert told["focus"] == [FEATURES]
        ids = {node["id"] for node in told["nodes"]}
        assert all(edge["source"] in ids and edge["target"] in ids for edge in told["edges"])


def test_rows_are_edges_that_stand_alone(run, graph):
    lines = run("trace", "features", "-o", "jsonl").jsonl
    assert {(row["source_title"], row["target_title"]) for row in lines} >= {("lake/clicks", "lake/features")}
    assert [row["hop"] for row in lines] == sorted(row["hop"] for row in lines)
    rows = run("trace", "features", "-o", "csv").csv
    assert [row["source"] for row in rows] == [str(row["source"]) for row in lines]
    table = run("trace", "features", "--format", "table").out.splitlines()
    assert table[0].split() == ["HOP", "FROM", "EDGE", "TO", "EVIDENCE", "JOB", "LEARNT"] and len(table) == len(lines) + 1
    assert run("trace", "features", "-o", "table").out.splitlines() == table


@pytest.mark.parametrize(
    ("format", "begins"), [("mermaid", "flowchart LR"), ("dot", "digraph lineage {"), ("svg", "<svg xmlns=")]
)
def test_drawings(run, graph, format, begins):
    ran = run("trace", "features", "--format", format)
    assert ran.code == 0 and ran.out.startswith(begins)


def test_openlineage_is_an_event_a_line(run, graph):
    ran = run("trace", "clicks", "--format", "openlineage")
    (event,) = ran.jsonl
    assert event["job"]["name"] == "etl.daily" and "lineage" in event["job"]["facets"]
    assert "1 edge left out" in ran.err


def test_as_of_a_time(run, graph):
    assert "lake/gone" in run("trace", "old", "--at", "2026-01-05").out
    now = run("trace", "old")
    assert "downstream: nothing is known" in now.out
    assert "Nothing upstream or downstream of 'lake/old' is known" in now.err and "catalog lineage import" in now.err
    assert "was known then" in run("trace", "old", "--at", "2025-01-05", "--down").err
    assert run("impact", "old", "--at", "2026-01-05", "-o", "json").json["nodes"][-1]["title"] == "lake/gone"
    assert run("path", "old", "gone").code == 3
    assert run("path", "old", "gone", "--at", "2026-01-05").code == 0
    assert run("trace", "old", "--at", "someday").code == 2


@pytest.mark.parametrize("words", [["trace", "nope"], ["impact", "nope"], ["path", "features", "nope"], ["trace", "nope", "--format", "json"]])
def test_what_does_not_exist(run, graph, words):
    ran = run(*words)
    assert ran.code == 3 and ran.out == "" and "error:" in ran.err and "hint:" in ran.err
    if "json" in words:
        assert json.loads(ran.err.splitlines()[-1])["error"]["kind"] == "not_found"


@pytest.mark.parametrize(
    "words",
    [
        ["trace", "features", "--format", "dot", "-o", "csv"],
        ["trace", "features", "--depth", "0"],
        ["trace", "features", "--depth", "many"],
        ["trace", "features", "--format", "png"],
        ["trace"],
        ["path", "features"],
        ["impact", "features", "--sort", "size"],
    ],
    ids=" ".join,
)
def test_mistakes_are_usage_errors(run, graph, words):
    ran = run(*words)
    assert ran.code == 2 and ran.out == "" and "Traceback" not in ran.err


# ---------------------------------------------------------------- impact


def test_impact_is_a_list_with_a_summary(run, graph):
    ran = run("impact", "lab/raw.csv")
    assert [line.split()[:2] for line in ran.out.splitlines()] == [
        ["HOP", "ASSET"],
        ["1", "lake/clicks"],
        ["2", "lake/features"],
        ["3", "lake/models/churn"],
        ["4", "model:churn-v5"],
    ]
    assert "4 assets within 4 hops: 2 datasets, 2 models" in ran.err


def test_impact_of_a_silo_and_of_a_volume(run, graph):
    lake = run("impact", "lake")
    assert "model:churn-v5" in lake.out and "lake (7 assets): 1 asset within 1 hop: 1 model" in lake.err
    assert run("impact", VOLUME, "-o", "csv").csv[0]["title"] == "lab/raw.csv"
    assert "Nothing downstream of 'alone' is known" in run("impact", "alone").err
    with sqlite3.connect(graph) as db:
        db.execute("DELETE FROM edge WHERE target_id = ?", (NAMED,))
    assert "Nothing beyond the 7 assets of lake" in run("impact", "lake").err


def test_impact_in_every_format(run, graph):
    told = run("impact", "lab/raw.csv", "-o", "json").json
    assert list(told["nodes"][0])[:4] == NODE and list(told["edges"][0])[:9] == EDGE
    assert [node["hop"] for node in told["nodes"]] == [0, 1, 2, 3, 4] and told["complete"] is True
    assert [edge["target"] for edge in told["edges"]] == [node["id"] for node in told["nodes"][1:]]
    lines = run("impact", "lab/raw.csv", "-o", "jsonl").jsonl
    assert [row["edge"] for row in lines] == ["derived"] * 4
    assert [row["id"] for row in run("impact", "lab/raw.csv", "-o", "csv").csv] == [str(row["id"]) for row in lines]
    (alone,) = run("trace", "alone", "-o", "json").json["nodes"]
    nodes = [{key: value for key, value in alone.items() if key != "more"}]
    assert run("impact", "alone", "-o", "json").json == {"focus": [ALONE], "complete": True, "nodes": nodes, "edges": []}


def test_impact_is_sorted_and_limited(run, graph):
    kinds = [row["kind"] for row in run("impact", "lab/raw.csv", "--sort", "kind", "-o", "jsonl").jsonl]
    assert kinds == ["dataset", "dataset", "model", "model"]
    ran = run("impact", "lab/raw.csv", "--limit", "2")
    assert len(ran.out.splitlines()) == 3 and "2 of 4; --limit 0 shows all." in ran.err
    assert len(run("impact", "lab/raw.csv", "--limit", "0").out.splitlines()) == 5
    assert run("impact", "lab/raw.csv", "--limit", "2", "-o", "json").json["complete"] is False


# ---------------------------------------------------------------- path


def test_a_path_is_one_branch(run, graph):
    ran = run("path", "lab/raw.csv", "models/churn")
    assert ran.out.splitlines() == [
        "lab/raw.csv  csv, v1",
        "└─ lake/clicks              csv, v1  derived  observed  etl.daily",
        "   └─ lake/features         csv, v1  derived  observed  etl.daily",
        "      └─ lake/models/churn  model    derived  observed  etl.daily",
    ]
    assert ran.err == ""
    told = run("path", "lab/raw.csv", "models/churn", "-o", "json").json
    assert len(told["edges"]) == 3 and len(told["nodes"]) == 4


def test_a_path_against_the_flow_says_so(run, graph):
    ran = run("path", "models/churn", "lab/raw.csv")
    assert ran.code == 0 and ran.out == run("path", "lab/raw.csv", "models/churn").out
    assert "Data flows the other way: from lab/raw.csv to models/churn." in ran.err


def test_no_path_is_not_found(run, graph):
    ran = run("path", "users.csv", "alone")
    assert ran.code == 3 and ran.out == "" and "No data is known to flow between" in ran.err
    same = run("path", "alone", "alone")
    assert same.code == 0 and "same asset" in same.err


# ---------------------------------------------------------------- show


def test_show_tells_what_is_one_edge_away(run, graph):
    out = run("show", "features").out
    up, down = out.index("Upstream (2)"), out.index("Downstream (2)")
    assert "lake/users.csv" in out[up:down] and "lake/models/churn" in out[down:]
    told = run("show", "features", "-o", "json").json
    assert [one["title"] for one in told["upstream"]] == ["lake/clicks", "lake/users.csv"]
    assert told["downstream"][0]["id"] == CLICKS
    assert list(told["upstream"][0])[:4] == NODE and told["upstream"][0]["edge"] == "derived"
    assert (told["upstream_unlisted"], told["downstream_unlisted"]) == (0, 0)


def test_show_as_of_a_time_tells_the_lineage_of_then(run, graph):
    assert run("show", "old", "-o", "json").json["downstream"] == []
    with sqlite3.connect(graph) as db:
        db.execute("INSERT INTO asset_version VALUES (7, 1, 1, 1, '', NULL, 0, 0, NULL, NULL)")
    assert [one["title"] for one in run("show", "old", "--at", "2026-01-05", "-o", "json").json["downstream"]] == ["lake/gone"]


def test_show_says_how_many_more_there_are(run, graph):
    with sqlite3.connect(graph) as db:
        for id in range(100, 230):
            db.execute(
                "INSERT INTO asset(id, kind, namespace, name, silo_id, path, root, rule, key, confidence, evidence, files, version, "
                "fingerprint, sampled_version, inspected, first_crawl) VALUES (?, 'dataset', 's3://lake', ?, 2, ?, ?, 'single', ?, 1, '', 0, "
                "1, '', 0, 0, 1)",
                (id, *[f"out/{id}"] * 4),
            )
            db.execute(
                "INSERT INTO edge(id, source_id, target_id, kind, job_id, origin_id, evidence, confidence, runs, observed_ns) "
                "VALUES (?, ?, ?, 'derived', 0, 1, 'observed', 0.95, 1, 1)",
                (id, ALONE, id),
            )
    out = run("show", "alone").out
    assert "Downstream (130)" in out and "… and 125 more" in out
    told = run("show", "alone", "-o", "json").json
    assert (len(told["downstream"]), told["downstream_unlisted"]) == (100, 30)


def test_hostile_names_never_reach_the_terminal(run, graph):
    with sqlite3.connect(graph) as db:
        db.execute("UPDATE asset SET path = ? WHERE id = ?", ("evil\x1b[31m\n\u202ename", CLICKS))
        db.execute("UPDATE job SET name = ?", ("job\x1b]0;x\x07\n",))
    for words in (
        *(["trace", FEATURES, "--format", format] for format in ("tree", "table", "mermaid", "dot", "svg", "json", "openlineage")),
        *(["impact", FEATURES, "-o", output] for output in ("table", "csv", "json", "jsonl")),
        ["path", "lab/raw.csv", "models/churn"],
        ["show", FEATURES],
    ):
        ran = run(*words)
        assert ran.code == 0, ran.err
        assert not set("\x1b\x07\u202e") & set(ran.out + ran.err), words
