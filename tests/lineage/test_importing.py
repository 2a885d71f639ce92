"""Events become one graph, whatever order they come in, and however often."""

from __future__ import annotations

import json
import random
from itertools import permutations

import pytest
from harness.events import (
    at,
    columns,
    dataset,
    dataset_event,
    event,
    facet,
    run_id,
    schema,
    source,
    symlink,
)
from harness.lineage import Bare

from catalog.naming import address
from catalog.store import migrate

LAKE = "s3://lake"


def lake(name, **facets):
    return dataset(LAKE, name, **facets)


def uri(name):
    return f"{LAKE}/{name}"


def graph(bench):
    """The live graph without ids: edges with what they rest on, columns, runs and what they did.

    Of an asset's names the first in the alphabet stands for it: which one it is shown by depends on the order.
    """
    names = {}
    for asset, namespace, name in bench.rows("SELECT asset_id, namespace, name FROM alias"):
        names[asset] = min(names.get(asset, "~"), address(namespace, name))
    rows = bench.rows(
        "SELECT e.source_id, e.target_id, e.kind, j.name, o.uri, e.evidence, e.confidence, e.detail, r.uuid, e.runs, "
        "e.valid_from_ns, e.valid_to_ns FROM edge e LEFT JOIN job j ON j.id = e.job_id JOIN origin o ON o.id = e.origin_id "
        "LEFT JOIN run r ON r.id = e.run_id WHERE e.retracted_ns IS NULL"
    )
    made = bench.rows(
        "SELECT c.source_id, c.source_field, c.target_id, c.target_field, j.name, c.transformation FROM column_edge c "
        "LEFT JOIN job j ON j.id = c.job_id WHERE c.retracted_ns IS NULL"
    )
    told = bench.rows("SELECT r.uuid, a.asset_id, a.role, a.label FROM run_asset a JOIN run r ON r.id = a.run_id")
    runs = (
        "SELECT r.uuid, j.namespace, j.name, r.state, r.started_ns, r.ended_ns, r.parent_uuid FROM run r "
        "JOIN job j ON j.id = r.job_id"
    )
    return {
        "edges": sorted((names[r[0]], names[r[1]], *map(str, r[2:])) for r in rows),
        "columns": sorted((names[r[0]], r[1], names[r[2]], *map(str, r[3:])) for r in made),
        "run_assets": sorted((r[0], names[r[1]], r[2], str(r[3])) for r in told),
        "runs": sorted(map(str, bench.rows(runs))),
        "jobs": sorted(map(str, bench.rows("SELECT namespace, name, facts FROM job"))),
        "names": sorted(map(str, bench.rows("SELECT namespace, name FROM alias"))),
    }


def edges(bench):
    return {(a.removeprefix(LAKE + "/"), b.removeprefix(LAKE + "/")) for a, b in bench.edges()}


# ---------------------------------------------------------------- runs


def test_a_run_makes_an_edge_from_each_input_to_each_output(bare):
    report = bare.tell(
        event("START", 1, "daily", [lake("a"), lake("b")], [lake("c"), lake("d")]),
        event("COMPLETE", 1, "daily", [lake("a"), lake("b")], [lake("c"), lake("d")], minute=5),
    )
    assert (report.read, report.accepted, report.repeated, report.rejected) == (2, 2, 0, 0)
    assert (report.runs, report.assets, report.edges, report.warnings, report.failed) == (1, 4, 4, (), ())
    assert edges(bare) == {("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")}
    ((evidence, confidence, runs, uuid, job, state),) = set(
        bare.rows(
            "SELECT e.evidence, e.confidence, e.runs, r.uuid, j.name, r.state FROM edge e JOIN run r ON r.id = e.run_id "
            "JOIN job j ON j.id = e.job_id"
        )
    )
    assert (evidence, confidence, runs, uuid, job, state) == ("observed", 0.95, 1, run_id(1), "daily", "complete")


def test_the_events_of_a_run_accumulate(bare):
    bare.tell(event("START", 1, "j", [lake("a")], []))
    bare.tell(event("RUNNING", 1, "j", [], [lake("c")], minute=1))
    bare.tell(event("COMPLETE", 1, "j", [lake("b")], [], minute=2))
    assert edges(bare) == {("a", "c"), ("b", "c")}
    assert bare.rows("SELECT state, ended_ns - started_ns FROM run") == [("complete", 120 * 10**9)]


def test_the_same_events_again_change_nothing(bare):
    events = [
        event("START", 1, "j", [lake("a")], [lake("c")]),
        event("COMPLETE", 1, "j", [lake("a")], [lake("c", schema=schema("x"))], minute=1),
        event(None, None, "declared", [lake("a")], [lake("d")]),
        dataset_event(lake("a", symlinks=symlink("hive://m:9083", "db.a"))),
    ]
    bare.tell(*events)
    before = [
        bare.rows(f"SELECT * FROM {t} ORDER BY 1, 2") for t in ("asset", "edge", "run", "run_asset", "event", "job")
    ]
    spaced = [json.loads(json.dumps(one, sort_keys=True, indent=1)) for one in reversed(events)]
    report = bare.tell(*spaced, events[0])
    assert (report.read, report.accepted, report.repeated, report.edges, report.assets, report.runs) == (
        5,
        0,
        5,
        0,
        0,
        0,
    )
    assert [
        bare.rows(f"SELECT * FROM {t} ORDER BY 1, 2") for t in ("asset", "edge", "run", "run_asset", "event", "job")
    ] == before


def test_an_edge_counts_its_runs_and_names_the_latest(bare):
    for number in (2, 1, 3):
        bare.tell(event("COMPLETE", number, "j", [lake("a")], [lake("b")], minute=number))
    ((runs, uuid, since),) = bare.rows(
        "SELECT e.runs, r.uuid, e.valid_from_ns FROM edge e JOIN run r ON r.id = e.run_id"
    )
    first = bare.rows("SELECT MIN(ended_ns) FROM run")[0][0]
    assert (runs, uuid, since) == (3, run_id(3), first)


@pytest.mark.parametrize("state", ["FAIL", "ABORT"])
@pytest.mark.parametrize("together", [True, False])
def test_a_run_that_failed_makes_no_edge(bare, state, together):
    start = event("START", 1, "j", [lake("a")], [lake("b")])
    end = event(
        state, 1, "j", [lake("a")], [lake("b")], minute=1, run_facets={"errorMessage": facet(message="disk full")}
    )
    if together:
        bare.tell(start, end)
    else:
        bare.tell(start)
        assert edges(bare) == {("a", "b")}
        bare.tell(end)
    assert edges(bare) == set()
    assert bare.rows("SELECT role FROM run_asset ORDER BY role") == [("input",), ("output",)]
    assert json.loads(bare.rows("SELECT facts FROM run")[0][0]) == {"error": "disk full"}
    bare.tell(event("COMPLETE", 2, "j", [lake("a")], [lake("b")], minute=9))
    assert edges(bare) == {("a", "b")}


def test_a_failed_run_takes_nothing_from_those_that_succeeded(bare):
    bare.tell(
        event("COMPLETE", 1, "j", [lake("a")], [lake("b")], minute=1),
        event("START", 2, "j", [lake("a")], [lake("b")], minute=2),
    )
    assert bare.rows("SELECT e.runs, r.uuid FROM edge e JOIN run r ON r.id = e.run_id") == [(2, run_id(2))]
    bare.tell(event("FAIL", 2, "j", minute=3))
    assert bare.rows("SELECT e.runs, r.uuid FROM edge e JOIN run r ON r.id = e.run_id") == [(1, run_id(1))]


def test_a_retracted_edge_is_kept_as_history(bare):
    bare.tell(event("START", 1, "j", [lake("a")], [lake("b")]))
    bare.tell(event("FAIL", 1, "j", minute=1))
    ((observed, retracted),) = bare.rows("SELECT observed_ns, retracted_ns FROM edge")
    assert observed < retracted


def test_jobs_runs_and_parents_are_kept(bare):
    bare.tell(
        event(
            "COMPLETE", 1, "dag.task", [lake("a")], [lake("b")],
            job_facets={
                "sql": facet(query="select 1"), "documentation": facet(description="Nightly."),
                "jobType": facet(processingType="BATCH", integration="AIRFLOW", jobType="TASK"),
                "sourceCodeLocation": facet(type="git", url="https://git.example.com/etl", version="abc"),
                "ownership": facet(owners=[{"name": "team:data", "type": "MAINTAINER"}]),
                "tags": facet(tags=[{"key": "pii", "value": "true"}, {"key": "tier", "value": "1", "source": "user"}]),
            },
            run_facets={
                "parent": facet(run={"runId": run_id(9)}, job={"namespace": "airflow", "name": "dag"}),
                "nominalTime": facet(nominalStartTime=at(0), nominalEndTime=at(60)),
            },
        )
    )  # fmt: skip
    ((facts,),) = bare.rows("SELECT facts FROM job")
    assert json.loads(facts) == {
        "sql": "select 1", "description": "Nightly.", "owner": "team:data", "tags": ["pii", "tier:1"],
        "type": {"processingType": "BATCH", "integration": "AIRFLOW", "jobType": "TASK"},
        "code": {"type": "git", "url": "https://git.example.com/etl", "version": "abc"},
    }  # fmt: skip
    ((parent, told),) = bare.rows("SELECT parent_uuid, facts FROM run")
    assert parent == run_id(9)
    assert json.loads(told)["parent_job"] == {"namespace": "airflow", "name": "dag"}


def test_what_a_run_read_and_wrote_is_kept_with_versions_and_counts(bare):
    read = {
        **lake("a", version=facet(datasetVersion="17")),
        "inputFacets": {"inputStatistics": facet(rowCount=5, size=50)},
    }
    wrote = {**lake("b"), "outputFacets": {"outputStatistics": facet(rowCount=4, size=40, fileCount=2)}}
    bare.tell(event("COMPLETE", 1, "j", [read], [wrote]))
    rows = {row[0]: row[1:] for row in bare.rows("SELECT role, label, facts FROM run_asset")}
    assert rows["input"][0] == "17"
    assert json.loads(rows["input"][1]) == {"rows": 5, "bytes": 50}
    assert json.loads(rows["output"][1]) == {"rows": 4, "bytes": 40, "files": 2}


def test_a_run_without_a_job_waits_for_it(bare):
    lonely = event("COMPLETE", 1, minute=2)
    del lonely["job"]
    bare.tell(lonely)
    assert bare.rows("SELECT namespace FROM job") == [("unknown",)]
    bare.tell(event("START", 1, "late", [lake("a")], [lake("b")]))
    assert bare.rows("SELECT namespace, name FROM job") == [("etl", "late")]
    assert bare.rows("SELECT state FROM run") == [("complete",)]
    assert edges(bare) == {("a", "b")}


def test_a_dataset_read_and_written_is_not_made_from_itself(bare):
    report = bare.tell(event("COMPLETE", 1, "merge", [lake("t"), lake("updates")], [lake("t")]))
    assert edges(bare) == {("updates", "t")}
    assert report.rejected == 0
    (warning,) = report.warnings
    assert warning.endswith("events.ndjson:1: it reads and writes 't': no dataset is made from itself")


def test_a_circle_of_jobs_is_a_circle(bare):
    report = bare.tell(
        event("COMPLETE", 1, "there", [lake("a")], [lake("b")]),
        event("COMPLETE", 2, "back", [lake("b")], [lake("a")]),
        event("COMPLETE", 3, "both", [lake("x"), lake("y")], [lake("x"), lake("y")]),
    )
    assert edges(bare) == {("a", "b"), ("b", "a"), ("x", "y"), ("y", "x")}
    assert len(report.warnings) == 1


# ---------------------------------------------------------------- facets that say which from which


def test_columns_add_the_input_that_is_missing(bare):
    """As dbt's wrapper does for seeds: they stand in columnLineage alone."""
    out = lake("model", columnLineage=columns(id=[(LAKE, "seed", "id")], n=[(LAKE, "a", "n")]))
    bare.tell(event("COMPLETE", 1, "j", [lake("a")], [out]))
    assert edges(bare) == {("a", "model"), ("seed", "model")}
    assert {(row[0], row[1]) for row in bare.rows("SELECT source_field, target_field FROM column_edge")} == {
        ("id", "id"),
        ("n", "n"),
    }


def test_columns_say_which_output_an_input_went_to(bare):
    one = lake("one", columnLineage=columns(x=[(LAKE, "a", "x")]))
    two = lake("two", columnLineage=columns(y=[(LAKE, "b", "y")]))
    bare.tell(event("COMPLETE", 1, "j", [lake("a"), lake("b"), lake("filter")], [one, two, lake("three")]))
    assert edges(bare) == {
        ("a", "one"), ("filter", "one"), ("b", "two"), ("filter", "two"), ("a", "three"), ("b", "three"), ("filter", "three")
    }  # fmt: skip


def test_the_explicit_facet_is_all_there_is(bare):
    out = lake(
        "out",
        lineage=facet(inputs=[source(LAKE, "b")], fields={"x": {"inputs": [source(LAKE, "c", "cx")]}}),
        columnLineage=columns(x=[(LAKE, "a", "x")]),
    )
    bare.tell(event("COMPLETE", 1, "j", [lake("a"), lake("b")], [out, lake("other")]))
    assert edges(bare) == {("b", "out"), ("c", "out"), ("a", "other"), ("b", "other")}
    assert bare.rows("SELECT source_field, target_field FROM column_edge") == [("cx", "x")]


def test_an_explicit_facet_without_sources_says_that_there_are_none(bare):
    bare.tell(event("COMPLETE", 1, "j", [lake("a")], [lake("out", lineage=facet(inputs=[]))]))
    bare.tell(event("COMPLETE", 1, "j", [lake("a")], [lake("out")], minute=1))
    assert edges(bare) == set()


@pytest.mark.parametrize("key", ["entries", "lineage"])
@pytest.mark.parametrize("holder", ["job_facets", "run_facets"])
def test_the_explicit_facet_of_a_job_names_its_targets(bare, holder, key):
    entries = [
        {"namespace": LAKE, "name": "out", "type": "DATASET", "inputs": [source(LAKE, "a"), {"type": "JOB"}]},
        {"type": "JOB", "inputs": [source(LAKE, "sunk")]},
    ]
    bare.tell(
        event(
            "COMPLETE", 1, "j", [lake("a"), lake("b")], [lake("out")], **{holder: {"lineage": facet(**{key: entries})}}
        )
    )
    assert edges(bare) == {("a", "out")}
    assert len(bare.rows("SELECT 1 FROM run_asset WHERE role = 'input'")) == 3


def test_columns_keep_how_they_were_made(bare):
    made = facet(
        fields={
            "total": {
                "inputFields": [
                    {
                        "namespace": LAKE, "name": "a", "field": "n",
                        "transformations": [{"type": "DIRECT", "subtype": "AGGREGATION", "masking": False}],
                    }
                ]
            }
        },
        dataset=[{"namespace": LAKE, "name": "a", "field": "day", "transformations": [{"type": "INDIRECT", "subtype": "FILTER"}]}],
    )  # fmt: skip
    bare.tell(event("COMPLETE", 1, "j", [lake("a")], [lake("b", columnLineage=made)]))
    assert set(bare.rows("SELECT source_field, target_field, transformation FROM column_edge")) == {
        ("n", "total", "DIRECT/AGGREGATION"), ("day", "*", "INDIRECT/FILTER")
    }  # fmt: skip


# ---------------------------------------------------------------- models


def test_a_model_is_trained_on_data_and_based_on_models(bare):
    model = dataset("model", "churn-v5", datasetType=facet(datasetType="MODEL"))
    bare.tell(
        event(
            "COMPLETE",
            1,
            "train",
            [lake("features"), dataset("hf", "org/base"), dataset("hf", "datasets/org/d")],
            [model],
        )
    )
    assert bare.edges("trained") == {(uri("features"), "model:churn-v5"), ("hf://datasets/org/d", "model:churn-v5")}
    assert bare.edges("based") == {("hf://org/base", "model:churn-v5")}
    assert dict(bare.rows("SELECT name, kind FROM asset"))["org/base"] == "model"


def test_what_is_told_later_to_be_a_model_was_trained(bare):
    bare.tell(event("COMPLETE", 1, "train", [lake("features")], [lake("m")]))
    assert bare.edges("derived") == {(uri("features"), uri("m"))}
    bare.tell(
        event("COMPLETE", 2, "train", [lake("features")], [lake("m", datasetType=facet(datasetType="MODEL"))], minute=1)
    )
    assert bare.edges("trained") == {(uri("features"), uri("m"))}
    assert bare.edges("derived") == set()
    assert bare.rows("SELECT runs FROM edge") == [(2,)]


# ---------------------------------------------------------------- what is declared without a run


def test_the_latest_declaration_of_a_job_counts(bare):
    old = event(None, None, "j", [lake("a")], [lake("x")], minute=1)
    new = event(None, None, "j", [lake("b")], [lake("x")], minute=2)
    for order in ((old, new), (new, old)):
        bare.tell(*order)
        assert edges(bare) == {("b", "x")}
    assert bare.rows(
        "SELECT e.evidence, j.name, e.runs FROM edge e JOIN job j ON j.id = e.job_id WHERE e.retracted_ns IS NULL"
    ) == [("declared", "j", 0)]


def test_a_dataset_may_say_itself_what_it_is_made_from(bare):
    bare.tell(dataset_event(lake("out", lineage=facet(inputs=[source(LAKE, "a")])), minute=1))
    bare.tell(
        dataset_event(lake("out", documentation=facet(description="Only words."))),
    )
    assert edges(bare) == {("a", "out")}
    bare.tell(dataset_event(lake("out", lineage=facet(inputs=[source(LAKE, "b")])), minute=2))
    assert edges(bare) == {("b", "out")}


# ---------------------------------------------------------------- what is told beside


def test_a_name_has_the_columns_format_and_words_that_events_tell(bare):
    out = lake(
        "t", schema=facet(fields=[{"name": "user", "type": "struct", "fields": [{"name": "id", "type": "long", "description": "Who."}]},
                                  {"name": "tags", "type": "array", "fields": [{"name": "_element", "type": "string"}]}]),
        storage=facet(storageLayer="delta", fileFormat="parquet"), ownership=facet(owners=[{"name": "ann"}, {"name": "bob"}]),
        documentation=facet(description="All of it."), tags=facet(tags=[{"key": "pii", "value": "true"}]),
    )  # fmt: skip
    bare.tell(event("COMPLETE", 1, "j", [], [out]))
    assert bare.rows("SELECT path, type, doc FROM field ORDER BY position") == [
        ("user", "struct", None), ("user.id", "long", "Who."), ("tags", "array", None), ("tags[]", "string", None)
    ]  # fmt: skip
    assert bare.rows("SELECT format, files, bytes, rule FROM asset") == [("delta", 0, None, "named")]
    assert bare.rows("SELECT kind, value FROM annotation ORDER BY kind") == [
        ("description", "All of it."), ("owner", "ann, bob"), ("tag", "pii")
    ]  # fmt: skip


def test_the_latest_schema_counts_in_any_order(bare):
    old = event("COMPLETE", 1, "j", [], [lake("t", schema=schema("a"))], minute=1)
    new = event("COMPLETE", 2, "j", [], [lake("t", schema=schema("a", "b"))], minute=2)
    bare.tell(new)
    bare.tell(old)
    ((number,),) = bare.rows("SELECT s.columns FROM asset a JOIN schema s ON s.id = a.schema_id")
    assert number == 2


def test_the_words_of_people_are_not_changed(bench):
    from contextlib import closing

    from catalog.store import assets
    from catalog.store.engine import Database

    bench.write("users.csv")
    bench.crawl()
    with closing(Database(bench.url)) as db:
        assets.annotate(db, assets.find(db, "lab/users.csv")[0], "ann", [], [], None)
    namespace, name = bench.identity("users.csv")
    told = dataset(
        namespace,
        name,
        ownership=facet(owners=[{"name": "robot"}]),
        documentation=facet(description="Users."),
        schema=schema("z"),
    )
    bench.tell(event("COMPLETE", 1, "j", [told], []))
    assert bench.rows("SELECT kind, value FROM annotation ORDER BY kind") == [
        ("description", "Users."),
        ("owner", "ann"),
    ]
    columns_ = {row[0] for row in bench.rows("SELECT f.path FROM field f JOIN asset a ON a.schema_id = f.schema_id")}
    assert columns_ == {"a", "b"}  # what the file itself says


# ---------------------------------------------------------------- lifecycle


def test_a_dataset_that_was_dropped_is_made_from_nothing_any_more(bare):
    bare.tell(event("COMPLETE", 1, "j", [lake("a")], [lake("t")], minute=1))
    bare.tell(
        event(
            "COMPLETE",
            2,
            "drop",
            [lake("a")],
            [lake("t", lifecycleStateChange=facet(lifecycleStateChange="DROP"))],
            minute=5,
        )
    )
    ((over,),) = bare.rows("SELECT valid_to_ns FROM edge")
    assert over == bare.rows("SELECT MAX(ended_ns) FROM run")[0][0]
    bare.tell(event("COMPLETE", 3, "j", [lake("a")], [lake("t")], minute=9))
    assert bare.rows("SELECT valid_to_ns, runs FROM edge") == [(None, 2)]


def test_what_was_dropped_before_it_was_written_stands(bare):
    bare.tell(event("COMPLETE", 1, "j", [lake("a")], [lake("t")], minute=9))
    bare.tell(
        event(
            "COMPLETE",
            2,
            "drop",
            [],
            [lake("t", lifecycleStateChange=facet(lifecycleStateChange="TRUNCATE"))],
            minute=5,
        )
    )
    assert bare.rows("SELECT valid_to_ns FROM edge") == [(None,)]


def test_a_rename_leads_from_the_old_name_to_the_new_one(bare):
    bare.tell(event("COMPLETE", 1, "j", [lake("a")], [lake("t_tmp")], minute=1))
    renamed = facet(lifecycleStateChange="RENAME", previousIdentifier={"namespace": LAKE, "name": "t_tmp"})
    bare.tell(event("COMPLETE", 2, "swap", [], [lake("t", lifecycleStateChange=renamed)], minute=2))
    assert edges(bare) == {("a", "t_tmp"), ("t_tmp", "t")}
    assert bare.edges("copied") == {(uri("t_tmp"), uri("t"))}
    bare.tell(event("COMPLETE", 3, "j", [lake("b")], [lake("t_tmp")], minute=3))
    assert edges(bare) == {("a", "t_tmp"), ("b", "t_tmp"), ("t_tmp", "t")}


def test_a_dataset_event_may_drop_and_rename(bare):
    bare.tell(event("COMPLETE", 1, "j", [lake("a")], [lake("t")], minute=1))
    bare.tell(dataset_event(lake("t", lifecycleStateChange=facet(lifecycleStateChange="DROP")), minute=2))
    assert bare.rows("SELECT COUNT(*) FROM edge WHERE valid_to_ns IS NULL") == [(0,)]
    renamed = facet(lifecycleStateChange="RENAME", previousIdentifier={"namespace": LAKE, "name": "a"})
    bare.tell(dataset_event(lake("a2", lifecycleStateChange=renamed), minute=3))
    assert bare.edges("copied") == {(uri("a"), uri("a2"))}


def test_a_change_of_what_was_read_is_none_of_the_run(bare):
    dropped = lake("a", lifecycleStateChange=facet(lifecycleStateChange="DROP"))
    bare.tell(event("COMPLETE", 1, "j", [lake("z")], [lake("a")]))
    bare.tell(event("COMPLETE", 2, "k", [dropped], [lake("b")], minute=1))
    assert edges(bare) == {("z", "a"), ("a", "b")}
    assert bare.rows("SELECT COUNT(*) FROM edge WHERE valid_to_ns IS NOT NULL") == [(0,)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_job_that_is_renamed_as_it_goes_on_has_its_last_name(bare, order):
    """Spark adds the name of what is written once it knows it."""
    events = [
        event("START", 1, "app.execute_insert", [lake("a")], [lake("t")], minute=1),
        event("COMPLETE", 1, "app.execute_insert.t", [lake("a")], [lake("t")], minute=2),
    ]
    for number in order:
        bare.tell(events[number])
    assert bare.rows("SELECT j.name FROM run r JOIN job j ON j.id = r.job_id") == [("app.execute_insert.t",)]
    assert bare.rows(
        "SELECT j.name, e.runs FROM edge e JOIN job j ON j.id = e.job_id WHERE e.retracted_ns IS NULL"
    ) == [("app.execute_insert.t", 1)]


# ---------------------------------------------------------------- any order


def story():
    """Events of every kind, about few datasets, that overlap in every way."""
    out = lake("out", columnLineage=columns(x=[(LAKE, "a", "x")], s=[(LAKE, "seed", "s")]), schema=schema("x", "s"))
    return [
        event("START", 1, "j", [lake("a")], [lake("out")], minute=1),
        event("RUNNING", 1, "j", [lake("b", symlinks=symlink("hive://m:9083", "db.b"))], [], minute=2),
        event("COMPLETE", 1, "j", [], [out], minute=3),
        event("START", 2, "j", [lake("a"), lake("c")], [lake("out")], minute=11),
        event("FAIL", 2, "j", [], [], minute=12),
        event("COMPLETE", 3, "j", [lake("a")], [lake("out"), lake("two")], minute=21),
        event("COMPLETE", 4, "hive", [dataset("hive://m:9083", "db.b")], [lake("three")], minute=31),
        dataset_event(lake("three", symlinks=symlink("file", "/mnt/three", "LOCATION")), minute=35),
        event(
            "COMPLETE",
            5,
            "copy",
            [dataset("file", "/mnt/three/")],
            [lake("four", lineage=facet(inputs=[source("file", "/mnt/three")]))],
            minute=41,
        ),
        event(None, None, "j", [lake("a")], [lake("declared")], minute=42),
        event(
            "COMPLETE",
            6,
            "train",
            [lake("out")],
            [dataset("model", "m", datasetType=facet(datasetType="MODEL"))],
            minute=51,
        ),
    ]


@pytest.mark.parametrize("seed", range(6))
def test_the_graph_is_the_same_in_any_order_and_any_pieces(bare, tmp_path, seed):
    url = f"sqlite:///{tmp_path / 'in-order.db'}"
    migrate.upgrade(url)
    in_order = Bare(url)
    in_order.tell(*story())
    rnd = random.Random(seed)
    shuffled = story()
    rnd.shuffle(shuffled)
    while shuffled:
        cut = rnd.randint(1, 4)
        bare.tell(*shuffled[:cut])
        shuffled = shuffled[cut:]
    bare.tell(*rnd.sample(story(), 4))
    assert graph(bare) == graph(in_order)
    assert graph(bare)["edges"] and graph(bare)["columns"]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_start_complete_and_a_late_one_in_every_order(bare, order):
    events = [
        event("START", 1, "j", [lake("a")], [], minute=1),
        event("COMPLETE", 1, "j", [], [lake("b")], minute=3),
        event("OTHER", 1, "j", [lake("c")], [], minute=2),
    ]
    for at_ in order:
        bare.tell(events[at_])
    assert edges(bare) == {("a", "b"), ("c", "b")}
    assert bare.rows("SELECT state, ended_ns - started_ns, (SELECT COUNT(*) FROM event) FROM run") == [
        ("complete", 120 * 10**9, 3)
    ]
