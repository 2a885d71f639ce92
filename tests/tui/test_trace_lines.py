"""A full trace as lines: everything is there, each asset is unfolded once, nothing is left out silently."""

from __future__ import annotations

from fake_lineage import Graph, chain, star
from hypothesis import given
from hypothesis import strategies as st

from catalog.tui.tree import lines

pairs = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)).filter(lambda p: p[0] != p[1]), max_size=30)


def graph_of(edges):
    graph = Graph()
    for id in range(1, 10):
        graph.add(id, f"asset-{id}")
    for source, target in edges:
        graph.join(source, target)
    return graph


@given(pairs, st.sampled_from(["up", "down"]), st.integers(1, 4))
def test_every_asset_and_every_edge_of_a_trace_has_its_line(edges, direction, fan_out):
    trace = graph_of(edges).trace(1, up=direction == "up", down=direction == "down", depth=20, fan_out=fan_out).trace
    found = list(lines(trace, direction))
    unfolded = [line.node.id for line in found if line.node is not None and not line.seen]
    assert len(unfolded) == len(set(unfolded)), "each asset is unfolded once"
    assert {1, *unfolded} == {node.id for node in trace.nodes}
    assert {edge.id for line in found for edge in line.edges} == {edge.id for edge in trace.edges}
    known = {1}
    for line in found:
        if line.node is not None:
            assert line.seen is (line.node.id in known), "what is marked stands above"
            assert line.near.id in known
            known.add(line.node.id)


@given(pairs)
def test_what_a_cap_left_out_is_counted(edges):
    trace = graph_of(edges).trace(1, up=False, depth=20, fan_out=1).trace
    counted = sum(int(line.words.split()[1]) for line in lines(trace, "down") if line.words)
    assert counted == sum(trace.more.values())


def test_a_way_of_any_length_needs_no_recursion():
    trace = chain(3_000).trace(1, up=False, depth=5_000, limit=5_000).trace
    found = list(lines(trace, "down"))
    assert len(found) == 2_999 and found[-1].hop == 2_999 and len(found[-1].guides) < 40


def test_the_guides_show_what_is_last():
    graph = star(3)
    graph.join(2, 3)
    found = list(lines(graph.trace(1, up=False).trace, "down"))
    assert [line.guides for line in found] == ["├─ ", "│  └─ ", "├─ ", "└─ "]
    assert [line.seen for line in found] == [False, False, True, False]
