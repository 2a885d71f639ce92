"""Which layer each asset stands in, and in which order: the first half of a left-to-right drawing.

Sugiyama's way: edges that close a cycle are turned round, the longest way to an asset gives its layer, an edge
over several layers passes a bend in each between, and the order in the layers is swept until few edges cross.
Edges of one asset over the same layers share their bends, so that they are drawn as one line that branches.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from catalog.lineage.graph import Pair

_SWEEPS = 12


class Item(NamedTuple):
    """What takes a place in a layer: an asset, or (with `layer`) the bend of its edges there.

    `turned` are the bends of edges that are drawn against their direction.
    """

    node: int
    layer: int | None = None
    turned: bool = False

    @property
    def is_bend(self) -> bool:
        """Whether only a line passes here."""
        return self.layer is not None


class Net(NamedTuple):
    """All lines that leave one item for the next layer as one line. `turned` ones hold their arrow at this end."""

    origin: Item
    turned: bool


@dataclass(slots=True)
class Layers:
    """The items of each layer in order, and where each net leads in the next one."""

    columns: list[list[Item]]
    nets: dict[Net, list[Item]] = field(default_factory=dict)
    turned: frozenset[Pair] = frozenset()

    def layer_of(self) -> dict[Item, int]:
        """The layer of each item."""
        return {item: at for at, column in enumerate(self.columns) for item in column}


def layered(nodes: Sequence[int], pairs: Iterable[Pair]) -> Layers:
    """Lay out a graph. `nodes` come in the order in which they should stand where nothing else decides.

    An edge from an asset to itself has no place here and is left out.
    """
    edges = [pair for pair in dict.fromkeys(pairs) if pair[0] != pair[1]]
    turned = _closing(nodes, edges)
    straight = [(target, source) if (source, target) in turned else (source, target) for source, target in edges]
    layer = _layers(nodes, list(dict.fromkeys(straight)))
    columns: list[list[Item]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for node in nodes:
        columns[layer[node]].append(Item(node))
    made = Layers(columns, turned=frozenset(turned))
    for (source, target), (left, right) in zip(edges, straight):
        _connect(made, left, right, layer, turned=(source, target) in turned)
    _order(made)
    return made


def _closing(nodes: Sequence[int], edges: Sequence[Pair]) -> set[Pair]:
    """Edges without which there is no cycle: those that lead back to where a walk is."""
    following: dict[int, list[int]] = {node: [] for node in nodes}
    for source, target in edges:
        following[source].append(target)
    found: set[Pair] = set()
    state: dict[int, str] = {}
    for start in nodes:
        if start in state:
            continue
        state[start] = "open"
        waiting = [(start, iter(following[start]))]
        while waiting:
            node, rest = waiting[-1]
            for target in rest:
                if state.get(target) == "open":
                    found.add((node, target))
                elif target not in state:
                    state[target] = "open"
                    waiting.append((target, iter(following[target])))
                    break
            else:
                state[node] = "done"
                waiting.pop()
    return found


def _layers(nodes: Sequence[int], edges: Sequence[Pair]) -> dict[int, int]:
    """The longest way to each node, without cycles; nodes that nothing leads to stand next to what they lead to."""
    into: dict[int, list[int]] = {node: [] for node in nodes}
    out: dict[int, list[int]] = {node: [] for node in nodes}
    for source, target in edges:
        into[target].append(source)
        out[source].append(target)
    left = {node: len(sources) for node, sources in into.items()}
    waiting = [node for node in nodes if not left[node]]
    layer = dict.fromkeys(nodes, 0)
    for node in waiting:  # grows while it is walked
        for target in out[node]:
            layer[target] = max(layer[target], layer[node] + 1)
            left[target] -= 1
            if not left[target]:
                waiting.append(target)
    for node in nodes:
        if out[node] and not into[node]:
            layer[node] = min(layer[target] for target in out[node]) - 1
    taken = {old: new for new, old in enumerate(sorted(set(layer.values())))}
    return {node: taken[old] for node, old in layer.items()}


def _connect(made: Layers, left: int, right: int, layer: Mapping[int, int], *, turned: bool) -> None:
    """Lead a line from one node to another one in a later layer, over the bends that it shares."""
    here = Item(left)
    for between in range(layer[left] + 1, layer[right]):
        bend = Item(left, between, turned)
        targets = made.nets.setdefault(Net(here, turned), [])
        if bend not in targets:
            targets.append(bend)
            made.columns[between].append(bend)
        here = bend
    made.nets.setdefault(Net(here, turned), []).append(Item(right))


# ---------------------------------------------------------------- order


def _order(made: Layers) -> None:
    """Sort each layer by where its neighbours stand, to and fro, and keep the best of what was seen."""
    before: dict[Item, list[Item]] = {}
    after: dict[Item, list[Item]] = {}
    for net, targets in made.nets.items():
        for target in targets:
            before.setdefault(target, []).append(net.origin)
            after.setdefault(net.origin, []).append(target)
    best, least = [list(column) for column in made.columns], _crossings(made.columns, after)
    for sweep in range(_SWEEPS):
        if not least:
            break
        columns = made.columns if sweep % 2 == 0 else made.columns[::-1]
        neighbours = before if sweep % 2 == 0 else after
        for fixed, column in pairwise(columns):
            place = {item: at for at, item in enumerate(fixed)}
            middle = {item: _middle(at, [place[n] for n in neighbours.get(item, ())]) for at, item in enumerate(column)}
            column.sort(key=middle.__getitem__)
        number = _crossings(made.columns, after)
        if number < least:
            best, least = [list(column) for column in made.columns], number
    made.columns = best


def _middle(own: int, places: Sequence[int]) -> float:
    return sum(places) / len(places) if places else own


def _crossings(columns: Sequence[Sequence[Item]], after: Mapping[Item, Sequence[Item]]) -> int:
    """How many lines between neighbouring layers cross."""
    number = 0
    for column, following in pairwise(columns):
        place = {item: at for at, item in enumerate(following)}
        passed: list[int] = []
        for item in column:
            targets = sorted(place[target] for target in after.get(item, ()) if target in place)
            number += sum(len(passed) - bisect_right(passed, target) for target in targets)
            for target in targets:
                insort(passed, target)
    return number
