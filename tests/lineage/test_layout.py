"""The geometry of drawings: every line leads from its source to its target and can be followed."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.lineage.drawing.layers import Item, layered
from catalog.lineage.drawing.routes import height_for, routed, spread

GRAPHS = st.lists(st.tuples(st.integers(1, 14), st.integers(1, 14)), max_size=45)
several = settings(max_examples=100, deadline=None)


def drawn(pairs):
    nodes = list(range(1, 15))
    layers = layered(nodes, pairs)
    into = Counter(target for targets in layers.nets.values() for target in targets)
    sizes = {node: (100.0 + 7 * node, height_for(into[Item(node)], 42.0)) for node in nodes}
    return layers, routed(layers, sizes, pairs)


def stretches(layers, routes):
    """Every straight piece of every line, with what it belongs to: the end that a bundle of lines shares."""
    for pair, line in routes.lines.items():
        turned = pair in layers.turned
        for a, b in pairwise(line.corners):
            yield (pair[1] if turned else pair[0], turned), min(a, b), max(a, b)


@several
@given(GRAPHS)
def test_every_line_leads_from_the_side_of_its_source_to_the_side_of_its_target(pairs):
    layers, routes = drawn(pairs)
    assert routes.lines.keys() == {pair for pair in pairs if pair[0] != pair[1]}
    for (source, target), line in routes.lines.items():
        turned = (source, target) in layers.turned
        for node, (x, y), right in ((source, line.corners[0], not turned), (target, line.corners[-1], turned)):
            box = routes.boxes[node]
            assert x == (box.x + box.width if right else box.x)
            assert box.y < y < box.y + box.height
        assert all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(line.corners))
        run = [x for x, _ in line.corners]
        assert run == sorted(run, reverse=turned), "a line never runs back"


@several
@given(GRAPHS)
def test_lines_of_different_bundles_never_share_a_stretch(pairs):
    layers, routes = drawn(pairs)
    for (mine, a, b), (other, c, d) in combinations(stretches(layers, routes), 2):
        for along, across in ((0, 1), (1, 0)):
            if mine != other and a[across] == b[across] == c[across] == d[across]:
                assert min(b[along], d[along]) <= max(a[along], c[along])


@several
@given(GRAPHS)
def test_every_crossing_is_known_to_the_upright_line(pairs):
    layers, routes = drawn(pairs)
    found = list(stretches(layers, routes))
    upright = {}
    for pair, line in routes.lines.items():
        for a, b in pairwise(line.corners):
            if a[0] == b[0]:
                upright.setdefault((a[0], min(a[1], b[1]), max(a[1], b[1]), pair), line.crossed)
    for (x, low, high, pair), crossed in upright.items():
        mine = (pair[1], True) if pair in layers.turned else (pair[0], False)
        wanted = {(x, a[1]) for owner, a, b in found if owner != mine and a[1] == b[1] and low < a[1] < high and a[0] <= x <= b[0]}
        assert wanted == {point for point in crossed if point[0] == x and low < point[1] < high}


@several
@given(GRAPHS)
def test_boxes_do_not_overlap_and_no_line_runs_through_one(pairs):
    layers, routes = drawn(pairs)
    for a, b in combinations(routes.boxes.values(), 2):
        apart = a.x + a.width <= b.x or b.x + b.width <= a.x or a.y + a.height <= b.y or b.y + b.height <= a.y
        assert apart
    for box in routes.boxes.values():
        assert box.x >= 0 and box.y >= 0
        assert box.x + box.width <= routes.width and box.y + box.height <= routes.height
        for _, a, b in stretches(layers, routes):
            inside = a[0] < box.x + box.width and b[0] > box.x and a[1] < box.y + box.height and b[1] > box.y
            assert not inside


@several
@given(GRAPHS)
def test_lines_run_from_left_to_right_but_for_those_that_close_a_cycle(pairs):
    import networkx as nx

    layers, _ = drawn(pairs)
    at = {item.node: layer for item, layer in layers.layer_of().items() if not item.is_bend}
    straight = {pair for pair in pairs if pair[0] != pair[1]} - layers.turned
    assert all(at[source] < at[target] for source, target in straight)
    assert all(at[source] > at[target] for source, target in layers.turned)
    acyclic = nx.is_directed_acyclic_graph(nx.DiGraph([pair for pair in pairs if pair[0] != pair[1]]))
    assert acyclic == (not layers.turned)


def test_a_chain_is_one_straight_line():
    _, routes = drawn([(1, 2), (2, 3), (3, 4)])
    assert all(len(line.corners) == 2 for line in routes.lines.values())
    assert len({line.corners[0][1] for line in routes.lines.values()}) == 1


def test_edges_of_one_asset_share_their_bends():
    layers, _ = drawn([(1, 2), (2, 3), (3, 4), (1, 3), (1, 4)])
    assert [len([item for item in column if item.is_bend]) for column in layers.columns] == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("wanted", "placed"),
    [([5.0, 5.0], [0.0, 10.0]), ([0.0, 100.0], [0.0, 100.0]), ([3.0], [3.0]), ([0.0, 0.0, 0.0], [-10.0, 0.0, 10.0])],
)
def test_places_are_as_near_as_the_gaps_allow(wanted, placed):
    assert spread(wanted, [10.0] * (len(wanted) - 1), [1.0] * len(wanted)) == placed
