"""Walks over random graphs give what networkx gives on the same edges, in both databases."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx
import pytest
from harness import lineage_rows as rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.lineage.drawing.words import Unshown
from catalog.store import graph
from catalog.store.engine import Database


@dataclass(frozen=True)
class Row:
    """One edge of a random graph; its id is its place, counted from 1."""

    source: int
    target: int
    learnt: int = 0
    retracted: int | None = None

    def alive(self, at: int | None) -> bool:
        return (
            self.retracted is None
            if at is None
            else self.learnt <= at and (self.retracted is None or self.retracted > at)
        )


@pytest.fixture
def db(db_url):
    with closing(Database(db_url)) as opened:
        yield opened


several = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
NODES = st.integers(1, 9)
PAIRS = st.lists(st.builds(Row, NODES, NODES), max_size=24)
TIMES = st.integers(0, 5)
HISTORIES = st.lists(
    st.builds(lambda s, t, a, b: Row(s, t, min(a, b or a), None if b is None else max(a, b) + 1), NODES, NODES, TIMES, st.none() | TIMES),
    max_size=24,
)  # fmt: skip


def store(db: Database, edges: list[Row]) -> None:
    rows.clear(db)
    with db.transaction():
        rows.origin(db)
        rows.assets(db, *({"id": node} for node in range(1, 10)))
        for number, edge in enumerate(edges, 1):
            rows.edge(db, number, edge.source, edge.target, observed_ns=edge.learnt, retracted_ns=edge.retracted)


def networkx_of(edges: list[Row], at: int | None = None) -> nx.MultiDiGraph:
    made = nx.MultiDiGraph()
    made.add_nodes_from(range(1, 10))
    made.add_edges_from((e.source, e.target, number) for number, e in enumerate(edges, 1) if e.alive(at))
    return made


def distances(made: nx.MultiDiGraph, focus: int, depth: int) -> dict[int, int]:
    return nx.single_source_shortest_path_length(made, focus, cutoff=depth)


@several
@given(PAIRS, NODES, st.integers(0, 4), st.booleans(), st.booleans())
def test_a_trace_without_caps_is_what_networkx_reaches(db, edges, focus, depth, up, down):
    store(db, edges)
    made = networkx_of(edges)
    found = graph.trace(db, [focus], up=up, down=down, depth=depth, fan_out=999, limit=999)
    above = distances(made.reverse(), focus, depth) if up else {focus: 0}
    below = distances(made, focus, depth) if down else {focus: 0}
    assert {node.id for node in found.nodes} == above.keys() | below.keys()
    nearest = {node: min(below.get(node, 99), above.get(node, 99)) for node in above.keys() | below.keys()}
    assert {node: abs(hop) for node, hop in found.hops.items()} == nearest
    assert all(above[node] == -hop if hop < 0 else below[node] == hop for node, hop in found.hops.items())
    walked_up = {key for _, target, key in made.edges(keys=True) if up and above.get(target, depth) < depth}
    walked_down = {key for source, _, key in made.edges(keys=True) if down and below.get(source, depth) < depth}
    assert Counter(edge.id for edge in found.edges) == Counter(walked_up | walked_down)
    assert found.directions == ("up",) * up + ("down",) * down


@several
@given(PAIRS, st.lists(NODES, min_size=1, max_size=3), st.integers(0, 4), st.integers(1, 3), st.integers(1, 9))
def test_caps_lose_nothing_silently(db, edges, focus, depth, fan_out, limit):
    store(db, edges)
    made = networkx_of(edges)
    asked = {"depth": depth, "fan_out": fan_out, "limit": limit}
    found = graph.trace(db, focus, **asked)
    assert graph.trace(db, focus, **asked) == found
    assert found.focus == tuple(dict.fromkeys(focus))
    assert len(found.nodes) <= max(limit, len(found.focus))
    shown = nx.MultiDiGraph()
    shown.add_nodes_from(node.id for node in found.nodes)
    shown.add_edges_from((edge.source, edge.target, edge.id) for edge in found.edges)
    assert set(shown.edges(keys=True)) <= set(made.edges(keys=True))
    below = nx.multi_source_dijkstra_path_length(shown, set(focus))
    above = nx.multi_source_dijkstra_path_length(shown.reverse(), set(focus))
    assert below.keys() | above.keys() == set(shown), "every node hangs together with the focus"
    for node in found.nodes:
        assert (node.up, node.down) == (made.in_degree(node.id), made.out_degree(node.id))
    up_only = graph.trace(db, focus, down=False, **asked)
    down_only = graph.trace(db, focus, up=False, **asked)
    for one, degree, side in ((up_only, made.in_degree, "target"), (down_only, made.out_degree, "source")):
        seen = Counter(getattr(edge, side) for edge in one.edges)
        assert {node.id: seen[node.id] + one.more.get(node.id, 0) for node in one.nodes} == {
            node.id: degree(node.id) for node in one.nodes
        }
        assert all(count <= fan_out for count in seen.values())
        assert one.complete == (not one.more)


@several
@given(PAIRS, NODES, st.integers(0, 4), st.integers(1, 3), st.integers(1, 9))
def test_both_directions_together_count_what_either_leaves_out(db, edges, focus, depth, fan_out, limit):
    store(db, edges)
    found = graph.trace(db, [focus], depth=depth, fan_out=fan_out, limit=limit)
    into, out = Counter(edge.target for edge in found.edges), Counter(edge.source for edge in found.edges)
    for node in found.nodes:
        left = {"up": node.up - into[node.id], "down": node.down - out[node.id]}
        allowed = {left["up"] * a + left["down"] * b for a, b in ((1, 0), (0, 1), (1, 1))}
        assert found.more.get(node.id, 0) in allowed
    assert found.more.get(focus, 0) == sum(
        n.up - into[focus] + n.down - out[focus] for n in found.nodes if n.id == focus
    )


@several
@given(PAIRS, st.lists(NODES, min_size=1, max_size=3))
def test_impact_is_all_that_networkx_reaches(db, edges, focus):
    store(db, edges)
    made = networkx_of(edges)
    wanted = nx.multi_source_dijkstra_path_length(made, set(focus))
    found = graph.impact(db, focus)
    assert {one.node.id: one.hop for one in found} == {node: hop for node, hop in wanted.items() if hop}
    assert [(one.hop, one.node.id) for one in found] == sorted((one.hop, one.node.id) for one in found)
    for one in found:
        assert one.edge.target == one.node.id and wanted[one.edge.source] == one.hop - 1
        assert one.edge.id == min(
            k for s, t, k in made.in_edges(one.node.id, keys=True) if wanted.get(s) == one.hop - 1
        )
    assert graph.impact(db, focus, limit=2) == found[:2]


@several
@given(PAIRS, st.lists(NODES, min_size=1, max_size=2), st.lists(NODES, min_size=1, max_size=2))
def test_a_path_is_as_short_as_networkx_finds(db, edges, sources, targets):
    store(db, edges)
    made = networkx_of(edges)
    reached = nx.multi_source_dijkstra_path_length(made, set(sources))
    wanted = min((reached[target] for target in targets if target in reached), default=None)
    found = graph.path(db, sources, targets)
    if wanted is None:
        assert found is None
        return
    way = [node.id for node in found.nodes]
    assert len(way) == wanted + 1
    assert way[0] in sources and way[-1] in targets
    assert found.focus == (way[0], *way[-1:]) if len(way) > 1 else (way[0],)
    assert found.hops == {node: hop for hop, node in enumerate(way)}
    steps = {(a, b) for a, b in pairwise(way)}
    assert {edge.id for edge in found.edges} == {k for s, t, k in made.edges(keys=True) if (s, t) in steps}
    assert graph.path(db, sources, targets) == found


@several
@given(HISTORIES, NODES, TIMES)
def test_as_of_a_time_is_the_graph_of_the_edges_alive_then(db, edges, focus, at):
    store(db, edges)
    caps = {"depth": 3, "fan_out": 2, "limit": 6}
    then = graph.trace(db, [focus], at_ns=at, **caps)
    reached = graph.impact(db, [focus], at_ns=at)
    ways = [graph.path(db, [focus], [other], at_ns=at) for other in range(1, 10)]
    near = graph.neighbours(db, focus, "down", at_ns=at)
    rows.clear(db)
    with db.transaction():
        rows.origin(db)
        rows.assets(db, *({"id": node} for node in range(1, 10)))
        for number, edge in enumerate(edges, 1):
            if edge.alive(at):  # the same row, as if it had never been retracted
                rows.edge(db, number, edge.source, edge.target, observed_ns=edge.learnt)
    rebuilt = graph.trace(db, [focus], **caps)
    assert plain(then) == plain(rebuilt)
    assert [(one.node.id, one.hop, one.edge.id) for one in reached] == [
        (one.node.id, one.hop, one.edge.id) for one in graph.impact(db, [focus])
    ]
    assert [way and plain(way) for way in ways] == [
        (way := graph.path(db, [focus], [other])) and plain(way) for other in range(1, 10)
    ]
    assert [(node.id, edge.id) for node, edge in near] == [
        (node.id, edge.id) for node, edge in graph.neighbours(db, focus, "down")
    ]


def plain(found):
    return found.focus, found.nodes, [edge.id for edge in found.edges], found.hops, found.more


@several
@given(PAIRS, NODES, st.integers(1, 5))
def test_pages_of_neighbours_are_all_of_them_once(db, edges, asset, size):
    store(db, edges)
    made = networkx_of(edges)
    for direction, wanted in (("down", made.out_edges), ("up", made.in_edges)):
        found, offset = [], 0
        while page := graph.neighbours(db, asset, direction, offset, size):
            found += page
            offset += size
        assert Counter(edge.id for _, edge in found) == Counter(k for _, _, k in wanted(asset, keys=True))
        assert all(node.id == (edge.target if direction == "down" else edge.source) for node, edge in found)
        assert [node.id for node, _ in found] == sorted(node.id for node, _ in found)


@several
@given(PAIRS, NODES, st.integers(0, 4), st.integers(1, 3), st.integers(1, 9))
def test_drawings_tell_at_least_what_a_trace_leaves_out(db, edges, focus, depth, fan_out, limit):
    """A drawing splits what is left out at an asset by direction; nothing of it gets lost."""
    store(db, edges)
    found = graph.trace(db, [focus], depth=depth, fan_out=fan_out, limit=limit)
    left = Unshown(found)
    told = {node.id: left.of(node, "up").number + left.of(node, "down").number for node in found.nodes}
    assert all(told[node] >= number for node, number in found.more.items())
    assert all(not told[node.id] for node in found.nodes if node.id not in found.more)
