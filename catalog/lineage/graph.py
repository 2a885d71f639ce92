"""A trace as a graph: what stands between each two assets, and the whole for networkx."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from catalog.model.lineage import ColumnEdge, Direction, Edge, Trace
from catalog.text import iso

if TYPE_CHECKING:
    import networkx


Pair = tuple[int, int]
"""The ids of a source and a target."""


def parallel(trace: Trace) -> Mapping[Pair, tuple[Edge, ...]]:
    """The edges between each two assets, the most believed first; pairs in the order of the trace."""
    found: dict[Pair, list[Edge]] = {}
    for edge in trace.edges:
        found.setdefault((edge.source, edge.target), []).append(edge)
    return {pair: tuple(sorted(edges, key=lambda edge: -edge.confidence)) for pair, edges in found.items()}


def columns_between(trace: Trace) -> Mapping[Pair, tuple[ColumnEdge, ...]]:
    """The column edges between each two assets."""
    found: dict[Pair, list[ColumnEdge]] = {}
    for column in trace.columns:
        found.setdefault((column.source, column.target), []).append(column)
    return {pair: tuple(columns) for pair, columns in found.items()}


def is_path(trace: Trace) -> bool:
    """Whether the trace is a way from one asset to another one, not what lies around them."""
    return len(trace.focus) == 2 and trace.hops[trace.focus[1]] != 0


def walked(trace: Trace, direction: Direction, start: Sequence[int]) -> dict[int, int]:
    """What the shown edges reach from `start` in one direction, with how far each asset is."""
    following: dict[int, list[int]] = {node.id: [] for node in trace.nodes}
    for source, target in parallel(trace):
        near, far = (target, source) if direction == "up" else (source, target)
        following[near].append(far)
    hops = dict.fromkeys(start, 0)
    waiting = deque(start)
    while waiting:
        node = waiting.popleft()
        for far in following[node]:
            if far not in hops:
                hops[far] = hops[node] + 1
                waiting.append(far)
    return hops


def to_networkx(trace: Trace) -> networkx.DiGraph[int]:
    """The trace as a directed graph from sources to targets; its nodes are the assets' ids.

    A node has `kind`, `namespace`, `name`, `label`, `silo`, `format`, `version`, `removed`, `hop` (negative
    upstream), `focus` (True or False), `up` and `down` (edges in the whole catalog) and `more` (edges kept out).

    Two assets are joined by one edge. Its `edges` are all `model.lineage.Edge`s between them, the most believed
    first; of that one it has `kind`, `evidence`, `confidence`, `job`, `run`, `origin`, `valid_from` and `valid_to`
    (ISO 8601). `columns` are the `ColumnEdge`s between the two, when the trace has columns. The graph
    itself has `focus`, the tuple of ids the trace began at.
    """
    import networkx

    made: networkx.DiGraph[int] = networkx.DiGraph(focus=trace.focus)
    for node in trace.nodes:
        told = {name: value for name, value in node._asdict().items() if name != "id"}
        made.add_node(
            node.id, **told, hop=trace.hops[node.id], focus=node.id in trace.focus, more=trace.more.get(node.id, 0)
        )
    for (source, target), edges in parallel(trace).items():
        best = edges[0]
        facts: dict[str, Any] = {
            name: getattr(best, name) for name in ("kind", "evidence", "confidence", "job", "run", "origin")
        }
        facts |= {"valid_from": iso(best.valid_from_ns), "valid_to": iso(best.valid_to_ns)}
        made.add_edge(source, target, **facts, edges=edges, columns=())
    for pair, columns in columns_between(trace).items():
        made.edges[pair]["columns"] = columns
    return made
