"""A trace as OpenLineage events: accepted by OpenLineage's own client, and saying just the trace's edges."""

from __future__ import annotations

import json

import attr
import pytest
from harness.traces import trace, traces
from hypothesis import given, settings
from openlineage.client.event_v2 import (
    DatasetEvent,
    InputDataset,
    Job,
    JobEvent,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
    StaticDataset,
)
from openlineage.client.generated import lineage as facets

from catalog.lineage.drawing.openlineage import events, untold
from catalog.model.lineage import ColumnEdge

UUID = "0190a6f2-2b7c-7c3e-9f1e-000000000001"


def inputs(found: list[dict]) -> list:
    return [
        facets.LineageDatasetInput(
            **{k: v for k, v in one.items() if k != "transformations"},
            transformations=[facets.LineageTransformation(**t) for t in one.get("transformations", ())],
        )
        for one in found
    ]


def flow(found: dict) -> dict:
    fields = {name: facets.LineageFieldEntry(inputs(one["inputs"])) for name, one in found.get("fields", {}).items()}
    return {"inputs": inputs(found["inputs"]), "fields": fields}


def accepted(event: dict):
    """The event as the client's own objects, which know each name and check what they are given."""
    common = {"eventTime": event["eventTime"], "producer": event["producer"]}
    if "dataset" in event:
        told = event["dataset"]["facets"]["lineage"]
        facet = facets.LineageDatasetFacet(**flow(told))
        dataset = StaticDataset(event["dataset"]["namespace"], event["dataset"]["name"], facets={"lineage": facet})
        return DatasetEvent(dataset=dataset, **common), facet, told
    told = event["job"]["facets"]["lineage"]
    entries = [
        facets.LineageDatasetEntry(entry["namespace"], entry["name"], entry["type"], **flow(entry)) for entry in told["entries"]
    ]
    facet = facets.LineageJobFacet(entries)
    job = Job(event["job"]["namespace"], event["job"]["name"], facets={"lineage": facet})
    ends = {"inputs": [InputDataset(**one) for one in event["inputs"]], "outputs": [OutputDataset(**one) for one in event["outputs"]]}
    if "run" in event:
        return RunEvent(eventType=RunState[event["eventType"]], run=Run(event["run"]["runId"]), job=job, **ends, **common), facet, told
    return JobEvent(job=job, **ends, **common), facet, told


def said(event: dict) -> set[tuple]:
    """(source, target, job) of every edge an event tells."""
    if "dataset" in event:
        target = event["dataset"]
        return {(i["namespace"], i["name"], target["namespace"], target["name"], None) for i in target["facets"]["lineage"]["inputs"]}
    return {
        (i["namespace"], i["name"], entry["namespace"], entry["name"], event["job"]["name"])
        for entry in event["job"]["facets"]["lineage"]["entries"]
        for i in entry["inputs"]
    }


@settings(max_examples=100, deadline=None)
@given(traces())
def test_events_say_every_edge_that_a_job_or_evidence_made(found):
    names = {node.id: (node.namespace, node.name) for node in found.nodes}
    wanted = {(*names[e.source], *names[e.target], e.job) for e in found.edges if e.kind not in ("holds", "stores")}
    made = list(events(found))
    assert set().union(*map(said, made)) == wanted
    assert untold(found) == sum(e.kind in ("holds", "stores") for e in found.edges)
    for event in made:
        assert event["eventTime"].endswith("Z")
        assert json.dumps(event).isascii()


def sample():
    columns = [ColumnEdge(1, "id", 3, "user_id", "DIRECT/IDENTITY", "etl"), ColumnEdge(2, "x", 3, "y", None, "unheard-of")]
    jobs = {"job": "etl", "job_namespace": "airflow"}
    return trace(
        [(1, 3), (2, 3), (3, 4), (4, 5), (6, 1)],
        focus=3,
        edges={1: {**jobs, "run": UUID}, 2: jobs, 3: {**jobs, "run": UUID}, 4: {"evidence": "declared"}, 5: {"kind": "stores"}},
        columns=columns,
    )


def test_runs_jobs_and_datasets_each_have_their_kind_of_event():
    run, job, dataset = events(sample())
    assert run["run"] == {"runId": UUID} and run["eventType"] == "COMPLETE" and "run" not in job
    assert [one["name"] for one in run["inputs"]] == ["table_1", "table_3"]
    assert [one["name"] for one in run["outputs"]] == ["table_3", "table_4"]
    assert dataset["dataset"]["name"] == "table_5"
    assert untold(sample()) == 1


@pytest.mark.parametrize("number", [0, 1, 2])
def test_openlineages_own_client_accepts_them(number):
    event = list(events(sample()))[number]
    made, facet, told = accepted(event)
    assert event["schemaURL"] == made.schemaURL
    assert told["_schemaURL"] == facet._get_schema()
    assert attr.asdict(made)["eventTime"] == event["eventTime"]


def test_columns_go_with_the_job_that_told_them_or_with_all():
    run, job, _ = events(sample())
    fields = {name: [i["field"] for i in one["inputs"]] for e in (run, job) for entry in e["job"]["facets"]["lineage"]["entries"] for name, one in entry.get("fields", {}).items()}
    assert fields == {"user_id": ["id"], "y": ["x"]}
    identity = run["job"]["facets"]["lineage"]["entries"][0]["fields"]["user_id"]["inputs"][0]
    assert identity["transformations"] == [{"type": "DIRECT", "subtype": "IDENTITY"}]
