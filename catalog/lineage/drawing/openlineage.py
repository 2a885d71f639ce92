"""A trace as OpenLineage events, one for each run or job in it, for whatever else reads them.

https://openlineage.io/spec/2-0-2/OpenLineage.json. What a job read and wrote says nothing of which input went
into which output, so each event carries the explicit `lineage` facet with just the edges of the trace:
https://openlineage.io/spec/facets/1-0-0/LineageFacet.json. An edge without a job is told as a dataset's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from catalog import __version__
from catalog.lineage.graph import columns_between, parallel
from catalog.model.lineage import ColumnEdge, Edge, Node, Trace
from catalog.text import iso

_PRODUCER = f"https://github.com/silograph/silograph/tree/{__version__}"
_SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/"
_FACET = "https://openlineage.io/spec/facets/1-0-0/LineageFacet.json#/$defs/"
_UNTOLD = ("holds", "stores")
"""Edges that no job makes and that OpenLineage has no word for."""


class _Subject(NamedTuple):
    """What an event is about: a run of a job, a job, or (without any) the dataset that an edge leads to."""

    namespace: str | None
    job: str | None
    run: str | None
    dataset: int | None


def events(trace: Trace) -> Iterator[dict[str, Any]]:
    """The events, in the order of the trace. Storage below the data is left out, see `untold`."""
    nodes = {node.id: node for node in trace.nodes}
    columns = _columns(trace)
    subjects: dict[_Subject, list[Edge]] = {}
    for edge in trace.edges:
        if edge.kind not in _UNTOLD:
            subjects.setdefault(_subject(edge), []).append(edge)
    for subject, edges in subjects.items():
        yield _event(subject, edges, nodes, columns)


def untold(trace: Trace) -> int:
    """How many edges of the trace OpenLineage cannot say: what stores or holds what."""
    return sum(edge.kind in _UNTOLD for edge in trace.edges)


def _subject(edge: Edge) -> _Subject:
    if edge.job is None:
        return _Subject(None, None, None, edge.target)
    return _Subject(edge.job_namespace, edge.job, edge.run, None)


def _columns(trace: Trace) -> dict[int, list[ColumnEdge]]:
    """The column edges that go with each edge: those its own job tells, else all between the two assets."""
    between = columns_between(trace)
    found: dict[int, list[ColumnEdge]] = {}
    for pair, edges in parallel(trace).items():
        jobs = {edge.job for edge in edges}
        for edge in edges:
            found[edge.id] = [c for c in between.get(pair, ()) if c.job == edge.job or c.job not in jobs]
    return found


def _event(
    subject: _Subject, edges: Sequence[Edge], nodes: Mapping[int, Node], columns: Mapping[int, Sequence[ColumnEdge]]
) -> dict[str, Any]:
    inputs = dict.fromkeys(edge.source for edge in edges)
    outputs = dict.fromkeys(edge.target for edge in edges)
    into = {output: [edge for edge in edges if edge.target == output] for output in outputs}
    flows = {output: _flow(some, nodes, columns) for output, some in into.items()}
    when = max((edge.observed_ns if edge.valid_from_ns is None else edge.valid_from_ns) for edge in edges)
    event: dict[str, Any] = {"eventTime": iso(when) or iso(0)}
    if subject.dataset is not None:
        facet = _facet("LineageDatasetFacet", flows[subject.dataset])
        event["dataset"] = {**_named(nodes[subject.dataset]), "facets": {"lineage": facet}}
        return event | {"producer": _PRODUCER, "schemaURL": f"{_SPEC}DatasetEvent"}
    entries = [{**_typed(nodes[output]), **flow} for output, flow in flows.items()]
    if subject.run:
        event |= {"eventType": "COMPLETE", "run": {"runId": subject.run}}
    return event | {
        "job": {
            "namespace": subject.namespace or "", "name": subject.job,
            "facets": {"lineage": _facet("LineageJobFacet", {"entries": entries})},
        },
        "inputs": [_named(nodes[one]) for one in inputs],
        "outputs": [_named(nodes[one]) for one in outputs],
        "producer": _PRODUCER,
        "schemaURL": f"{_SPEC}{'RunEvent' if subject.run else 'JobEvent'}",
    }  # fmt: skip


def _flow(
    edges: Sequence[Edge], nodes: Mapping[int, Node], columns: Mapping[int, Sequence[ColumnEdge]]
) -> dict[str, Any]:
    """What goes into one dataset: whole datasets, and columns where they are known."""
    fields: dict[str, Any] = {}
    for column in dict.fromkeys(column for edge in edges for column in columns[edge.id]):
        source = {**_typed(nodes[column.source]), "field": column.source_field, **_made(column)}
        fields.setdefault(column.target_field, {"inputs": []})["inputs"].append(source)
    whole = [_typed(nodes[source]) for source in dict.fromkeys(edge.source for edge in edges)]
    return {"inputs": whole, **({"fields": fields} if fields else {})}


def _made(column: ColumnEdge) -> dict[str, Any]:
    kind, _, subtype = (column.transformation or "").partition("/")
    if kind not in ("DIRECT", "INDIRECT"):
        return {}
    return {"transformations": [{"type": kind, **({"subtype": subtype} if subtype else {})}]}


def _named(node: Node) -> dict[str, str]:
    return {"namespace": node.namespace, "name": node.name}


def _typed(node: Node) -> dict[str, str]:
    return {**_named(node), "type": "DATASET"}


def _facet(name: str, content: Mapping[str, Any]) -> dict[str, Any]:
    return {"_producer": _PRODUCER, "_schemaURL": f"{_FACET}{name}", **content}
