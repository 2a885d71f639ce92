"""A trace as plain values with the keys that scripts rely on: a document, or a row for each edge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from catalog.lineage.drawing.words import title
from catalog.model.lineage import Edge, Node, Trace
from catalog.text import iso


def document(trace: Trace) -> dict[str, Any]:
    """The whole trace: `focus`, `complete`, `nodes`, `edges`, `columns`. Ids join them; times are ISO 8601 in UTC."""
    return {
        "focus": list(trace.focus),
        "complete": trace.complete,
        "nodes": [
            {**node_row(node), "hop": trace.hops[node.id], "more": trace.more.get(node.id, 0)} for node in trace.nodes
        ],
        "edges": [edge_row(edge) for edge in trace.edges],
        "columns": [
            {
                "source": column.source, "source_field": column.source_field, "target": column.target,
                "target_field": column.target_field, "transformation": column.transformation, "job": column.job,
            }
            for column in trace.columns
        ],
        "more_columns": trace.more_columns,
    }  # fmt: skip


def node_row(node: Node) -> dict[str, Any]:
    """An asset."""
    return {
        "id": node.id, "kind": node.kind, "namespace": node.namespace, "name": node.name, "title": title(node),
        "silo": node.silo, "format": node.format, "version": node.version, "removed": node.removed, "up": node.up,
        "down": node.down,
    }  # fmt: skip


def edge_row(edge: Edge) -> dict[str, Any]:
    """An edge between two assets' ids."""
    return {
        "source": edge.source, "target": edge.target, "kind": edge.kind, "evidence": edge.evidence,
        "confidence": edge.confidence, "job": edge.job, "run": edge.run, "valid_from": iso(edge.valid_from_ns),
        "valid_to": iso(edge.valid_to_ns), "job_namespace": edge.job_namespace, "runs": edge.runs,
        "origin": edge.origin, "field": edge.field, "line": edge.line, "detail": edge.detail,
        "source_version": edge.source_version, "target_version": edge.target_version,
        "observed": iso(edge.observed_ns), "retracted": iso(edge.retracted_ns),
    }  # fmt: skip


def edge_rows(trace: Trace) -> Iterator[dict[str, Any]]:
    """A row for each edge that stands alone: both ends by id and by what people call them, and the `hop` it is on."""
    nodes = {node.id: node for node in trace.nodes}
    for edge in trace.edges:
        yield {
            "hop": hop(trace, edge), **edge_row(edge), "source_title": title(nodes[edge.source]),
            "target_title": title(nodes[edge.target]),
        }  # fmt: skip


def hop(trace: Trace, edge: Edge) -> int:
    """How far from the focus an edge is: 1 for one that leads from it, -1 for one that leads to it."""
    source, target = trace.hops[edge.source], trace.hops[edge.target]
    if source < 0:
        return target - 1 if target <= 0 else source
    return source + 1
