"""The rows of the commands that read the lineage graph: keys for scripts, columns for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from catalog.api.lineage import Impact
from catalog.cli.output import Column
from catalog.cli.rows import dash, when
from catalog.lineage.drawing.document import edge_row, edge_rows, node_row
from catalog.lineage.drawing.words import Unshown
from catalog.model import Count
from catalog.model.lineage import COUNTED, Affected, Direction, Trace

DIRECTIONS: tuple[Direction, ...] = ("up", "down")
EDGE_KEYS = (
    "hop", "source", "target", "kind", "evidence", "confidence", "job", "run", "valid_from", "valid_to",
    "source_title", "target_title", "job_namespace", "runs", "origin", "field", "line", "detail", "source_version",
    "target_version", "observed", "retracted",
)  # fmt: skip
AFFECTED_KEYS = (
    "hop", "id", "kind", "namespace", "name", "title", "silo", "format", "version", "removed", "source", "edge",
    "evidence", "confidence", "job", "run", "valid_from", "valid_to",
)  # fmt: skip
_BESIDE_NODE = ("id", "kind", "namespace", "name", "title", "silo", "format", "version")
_BESIDE_EDGE = ("evidence", "confidence", "job", "run", "valid_from", "valid_to")
EDGE_COLUMNS = (
    Column("hop", "HOP", right=True),
    Column("source_title", "FROM", shrinks=True),
    Column("kind", "EDGE"),
    Column("target_title", "TO", shrinks=True),
    Column("evidence", "EVIDENCE"),
    Column("job", "JOB", dash, shrinks=True, spare=2),
    Column("observed", "LEARNT", when, spare=3),
)
AFFECTED_COLUMNS = (
    Column("hop", "HOP", right=True),
    Column("title", "ASSET", shrinks=True),
    Column("kind", "KIND"),
    Column("format", "FORMAT", dash, spare=3),
    Column("edge", "REACHED BY"),
    Column("evidence", "EVIDENCE", spare=1),
    Column("job", "JOB", dash, shrinks=True, spare=2),
)
BESIDE_COLUMNS = (
    Column("title", "ASSET", shrinks=True),
    Column("kind", "KIND", spare=2),
    Column("format", "FORMAT", dash, spare=3),
    Column("edge", "EDGE"),
    Column("evidence", "EVIDENCE"),
    Column("job", "JOB", dash, shrinks=True, spare=1),
)


def edges(trace: Trace) -> Iterator[dict[str, Any]]:
    """The edges of a trace, from the farthest upstream to the farthest downstream."""
    return iter(sorted(edge_rows(trace), key=lambda row: row["hop"]))


def affected(found: Affected) -> dict[str, Any]:
    """An asset of an impact list, and the edge by which it was first reached."""
    edge = edge_row(found.edge)
    told = {key: edge[key] for key in ("source", "evidence", "confidence", "job", "run", "valid_from", "valid_to")}
    return {"hop": found.hop, **node_row(found.node), "edge": found.edge.kind, **told}


def impact_nodes(found: Impact, rows: Iterator[Affected]) -> Iterator[dict[str, Any]]:
    """The assets of an impact list as `trace` prints them: those it starts from with hop 0."""
    yield from ({**node_row(node), "hop": 0} for node in found.start_nodes())
    yield from ({**node_row(row.node), "hop": row.hop} for row in rows)


def beside(trace: Trace, direction: Direction) -> list[dict[str, Any]]:
    """The direct neighbours of a trace's focus, with the edges that join them."""
    nodes = {node.id: node for node in trace.nodes}
    found = []
    for edge in trace.edges:
        near, far = (edge.target, edge.source) if direction == "up" else (edge.source, edge.target)
        if near in trace.focus:
            node, row = node_row(nodes[far]), edge_row(edge)
            named = {key: node[key] for key in _BESIDE_NODE}
            found.append({**named, "edge": edge.kind, **{key: row[key] for key in _BESIDE_EDGE}})
    return found


def unlisted(trace: Trace, direction: Direction) -> Count:
    """How many edges of its focus a trace of one hop leaves out on one side."""
    return Unshown(trace).of(trace.nodes[0], direction)


def uncounted(trace: Trace) -> bool:
    """Whether some of what a trace leaves out was not counted to its end."""
    return any(max(node.up, node.down) >= COUNTED for node in trace.nodes if node.id in trace.more)
