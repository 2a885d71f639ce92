"""Where everything stands and how lines run: the second half of a left-to-right drawing.

Lines run along the x axis and turn in the gutter between two layers, each net on a track of its own. No two
nets share a stretch of line: every line into an asset has its own place on the asset's left side, away from the lines
that leave the layer before. So lines only ever cross, and where they do the upright one has a gap.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from catalog.lineage.drawing.layers import Item, Layers, Net
from catalog.lineage.graph import Pair

PORT = 8.0
"""The distance between two lines at one side of a box."""
_CLEAR = 4.0  # the least distance between a line that leaves a layer and another one that enters the next
_APART = 18.0
_BEND = 12.0
_BENDS_APART = 6.0
_TRACK = 9.0
_MARGIN = 16.0
_ROUNDS = 8
_STRAIGHT = 1000.0


@dataclass(slots=True)
class Box:
    """The place of an asset: its left upper corner and its size."""

    x: float
    y: float
    width: float
    height: float


class Line(NamedTuple):
    """The way of one edge, from corner to corner, and where other lines cross its upright stretches: (x, y)."""

    corners: tuple[tuple[float, float], ...]
    crossed: tuple[tuple[float, float], ...]


@dataclass(slots=True)
class Routes:
    """A drawing's geometry. Boxes by node, lines by (source, target)."""

    boxes: dict[int, Box] = field(default_factory=dict)
    lines: dict[Pair, Line] = field(default_factory=dict)
    width: float = 0.0
    height: float = 0.0


def routed(layers: Layers, sizes: Mapping[int, tuple[float, float]], pairs: Iterable[Pair]) -> Routes:
    """Place boxes of the given sizes (width, height) and lead a line along each pair."""
    return _Router(layers, sizes).routes(pairs)


def height_for(lines: int, least: float) -> float:
    """How high a box must be for so many lines at its left side."""
    return max(least, (lines + 1) * PORT * 1.5)


class _Router:
    def __init__(self, layers: Layers, sizes: Mapping[int, tuple[float, float]]) -> None:
        self._layers = layers
        self._sizes = sizes
        self._layer = layers.layer_of()
        self._into: dict[Item, list[Net]] = {}
        for net, targets in layers.nets.items():
            for target in targets:
                self._into.setdefault(target, []).append(net)
        self._centre: dict[Item, float] = {}
        self._out: dict[Net, float] = {}
        self._in: dict[tuple[Net, Item], float] = {}
        self._track: dict[Net, float] = {}
        self._left: list[float] = []
        self._right: list[float] = []

    def routes(self, pairs: Iterable[Pair]) -> Routes:
        self._place()
        for at, column in enumerate(self._layers.columns):
            self._ports(at, column)
        self._tracks()
        crossed = self._crossings()
        made = Routes()
        for column, left, right in zip(self._layers.columns, self._left, self._right):
            for item in column:
                if not item.is_bend:
                    height = self._sizes[item.node][1]
                    made.boxes[item.node] = Box(left, self._centre[item] - height / 2, right - left, height)
        for pair in pairs:
            if pair[0] != pair[1]:
                made.lines[pair] = self._line(pair, crossed)
        made.width = self._right[-1] if self._right else 0.0
        return _from_zero(made, min([box.y for box in made.boxes.values()] + self._ys(), default=0.0))

    # ------------------------------------------------------------ places

    def _height(self, item: Item) -> float:
        return _BEND if item.is_bend else self._sizes[item.node][1]

    def _place(self) -> None:
        """The middle of each item: near those it is joined with, in its layer's order and never too close."""
        for column in self._layers.columns:
            y = 0.0
            for item in column:
                self._centre[item] = y + self._height(item) / 2
                y += self._height(item) + _APART
        joined: dict[Item, list[Item]] = {}
        for net, targets in self._layers.nets.items():
            for target in targets:
                joined.setdefault(target, []).append(net.origin)
                joined.setdefault(net.origin, []).append(target)
        columns = self._layers.columns
        for turn in range(_ROUNDS):
            for column in columns if turn % 2 == 0 else columns[::-1]:
                self._settle(column, joined)

    def _settle(self, column: Sequence[Item], joined: Mapping[Item, Sequence[Item]]) -> None:
        wanted, weights = [], []
        for item in column:
            near = [self._centre[other] for other in joined.get(item, ())]
            wanted.append(sum(near) / len(near) if near else self._centre[item])
            weights.append(4.0 if item.is_bend else 1.0)
        gaps = [(self._height(a) + self._height(b)) / 2 + _apart(a, b) for a, b in pairwise(column)]
        for item, y in zip(column, spread(wanted, gaps, weights)):
            self._centre[item] = y

    # ------------------------------------------------------------ ports

    def _ports(self, at: int, column: Sequence[Item]) -> None:
        """Where lines come in from the left, and where they leave; the layer before has its own already."""
        leaving = [(net, y) for net, y in self._out.items() if self._layer[net.origin] == at - 1]
        for item in column:
            nets = sorted(self._into.get(item, ()), key=lambda net: self._out[net])
            if item.is_bend:
                self._pass(item, nets[0], leaving)
            else:
                self._enter(item, nets, leaving)
            for turned in (False, True):
                if (net := Net(item, turned)) in self._layers.nets:
                    shift = PORT if turned and Net(item, False) in self._layers.nets else 0.0
                    self._out[net] = self._centre[item] + shift

    def _pass(self, bend: Item, net: Net, leaving: Sequence[tuple[Net, float]]) -> None:
        """A bend's line goes straight on where it can."""
        y = self._centre[bend]
        if abs(self._out[net] - y) < PORT:
            y = self._out[net]
        self._centre[bend] = self._in[net, bend] = _clear([net], [y], leaving, y - PORT, y + PORT)[0]

    def _enter(self, item: Item, nets: Sequence[Net], leaving: Sequence[tuple[Net, float]]) -> None:
        """Lines into a box keep their order and their height where they can, and a distance from each other."""
        half = self._sizes[item.node][1] / 2 - PORT / 2
        low, high = self._centre[item] - half, self._centre[item] + half
        wanted = [min(max(self._out[net], low), high) for net in nets]
        weights = [_STRAIGHT if y == self._out[net] else 1.0 for y, net in zip(wanted, nets)]
        apart = spread(wanted, [PORT] * (len(nets) - 1), weights)
        for net, y in zip(nets, _clear(nets, apart, leaving, low, high)):
            self._in[net, item] = y

    # ------------------------------------------------------------ tracks

    def _tracks(self) -> None:
        """Give each net that turns a place in its gutter, and with that every layer its place."""
        x = 0.0
        for at, column in enumerate(self._layers.columns):
            wide = max((self._sizes[item.node][0] for item in column if not item.is_bend), default=_BEND)
            self._left.append(x)
            self._right.append(x + wide)
            nets = [net for net in self._out if self._layer[net.origin] == at and self._turns(net)]
            tracks = self._ordered(nets)
            for net, track in tracks.items():
                self._track[net] = x + wide + _MARGIN + track * _TRACK
            x += wide + 2 * _MARGIN + (max(tracks.values(), default=0) + 1) * _TRACK

    def _turns(self, net: Net) -> bool:
        return any(self._in[net, target] != self._out[net] for target in self._layers.nets[net])

    def _span(self, net: Net) -> tuple[float, float]:
        ys = [self._out[net], *(self._in[net, target] for target in self._layers.nets[net])]
        return min(ys), max(ys)

    def _ordered(self, nets: Sequence[Net]) -> dict[Net, int]:
        """Tracks from the left, so that few lines cross: what goes up from above first, what goes down from below.

        Nets whose upright stretches are apart may share a track.
        """
        rising = sorted((net for net in nets if self._fall(net) <= 0), key=lambda net: self._out[net])
        falling = sorted((net for net in nets if self._fall(net) > 0), key=lambda net: -self._out[net])
        tracks: dict[Net, int] = {}
        for net in (*rising, *falling):
            low, high = self._span(net)
            beside = [tracks[other] for other in tracks if not _apart_from(self._span(other), low, high)]
            tracks[net] = max(beside, default=-1) + 1
        return tracks

    def _fall(self, net: Net) -> float:
        """How far a net goes down, on the whole."""
        return sum(self._in[net, target] - self._out[net] for target in self._layers.nets[net])

    # ------------------------------------------------------------ lines

    def _crossings(self) -> dict[Net, list[tuple[float, float]]]:
        """Where level stretches of other nets cross each net's upright one."""
        level: dict[int, list[tuple[Net, float, float, float]]] = {}
        for net in self._out:
            at = self._layer[net.origin]
            turn = self._track.get(net, self._right[at])
            level.setdefault(at, []).append((net, self._out[net], self._right[at], turn))
            for target in self._layers.nets[net]:
                level[at].append((net, self._in[net, target], turn, self._left[at + 1]))
        found: dict[Net, list[tuple[float, float]]] = {}
        for net, x in self._track.items():
            low, high = self._span(net)
            beside = [stretch for stretch in level[self._layer[net.origin]] if stretch[0] != net]
            found[net] = [(x, y) for y in sorted({y for _, y, a, b in beside if low < y < high and a <= x <= b})]
        return found

    def _line(self, pair: Pair, crossed: Mapping[Net, Sequence[tuple[float, float]]]) -> Line:
        """The way of an edge, over its bends; one that is turned round runs from right to left."""
        turned = pair in self._layers.turned
        left, right = pair[::-1] if turned else pair
        corners: list[tuple[float, float]] = []
        over: list[tuple[float, float]] = []
        here, end = Item(left), Item(right)
        while here != end:
            net = Net(here, turned)
            targets = self._layers.nets[net]
            following = end if end in targets else next(target for target in targets if target.is_bend)
            at, out, into = self._layer[here], self._out[net], self._in[net, following]
            corners.append((self._right[at] if here.node == left and not here.is_bend else corners[-1][0], out))
            if out != into:
                corners += [(self._track[net], out), (self._track[net], into)]
                low, high = sorted((out, into))
                over += [(x, y) for x, y in crossed[net] if low < y < high]
            corners.append((self._left[at + 1], into))
            here = following
        way = _without_repeats(corners)
        return Line(tuple(way[::-1] if turned else way), tuple(over))

    def _ys(self) -> list[float]:
        return [*self._out.values(), *self._in.values()]


def spread(wanted: Sequence[float], gaps: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Places as near to those wanted as their order and the gaps between neighbours allow (least squares)."""
    before = [0.0]
    for gap in gaps:
        before.append(before[-1] + gap)
    blocks: list[tuple[float, float, int]] = []  # (mean, weight, how many), each above the one before
    for want, offset, weight in zip(wanted, before, weights):
        mean, number = want - offset, 1
        while blocks and blocks[-1][0] >= mean:
            above, heavy, several = blocks.pop()
            mean = (mean * weight + above * heavy) / (weight + heavy)
            weight, number = weight + heavy, number + several
        blocks.append((mean, weight, number))
    means = [mean for mean, _, number in blocks for _ in range(number)]
    return [mean + offset for mean, offset in zip(means, before)]


def _clear(
    nets: Sequence[Net], wanted: Sequence[float], leaving: Sequence[tuple[Net, float]], low: float, high: float
) -> list[float]:
    """Places between `low` and `high`, in order, near those wanted, and clear of the lines that leave the layer before.

    Where it is very crowded they stand closer. A net may keep the height of its own line.
    """
    for closer in (1.0, 0.75, 0.5, 0.25):
        free = [
            sorted(
                {y for y in (low + step for step in range(int(high - low) + 1)) if _is_free(y, net, leaving, closer)}
                | {y for other, y in leaving if other == net and low <= y <= high and _is_free(y, net, leaving, closer)}
            )
            for net in nets
        ]
        latest = _latest(free, high, PORT * closer)
        if latest is not None:
            return _nearest(free, wanted, latest, PORT * closer)
    return list(wanted)


def _is_free(y: float, net: Net, leaving: Sequence[tuple[Net, float]], closer: float) -> bool:
    return all(other == net or abs(taken - y) >= _CLEAR * closer for other, taken in leaving)


def _latest(free: Sequence[Sequence[float]], high: float, apart: float) -> list[float] | None:
    """The last place each line may take so that those after it still find one; None when there is no room."""
    latest: list[float] = []
    bound = high
    for places in reversed(free):
        at = bisect_right(places, bound)
        if not at:
            return None
        latest.append(places[at - 1])
        bound = places[at - 1] - apart
    return latest[::-1]


def _nearest(
    free: Sequence[Sequence[float]], wanted: Sequence[float], latest: Sequence[float], apart: float
) -> list[float]:
    taken: list[float] = []
    for places, want, last in zip(free, wanted, latest):
        first = taken[-1] + apart - 1e-6 if taken else places[0]
        taken.append(min((y for y in places if first <= y <= last), key=lambda y: abs(y - want)))
    return taken


def _apart(a: Item, b: Item) -> float:
    return _BENDS_APART if a.is_bend and b.is_bend else _APART


def _apart_from(span: tuple[float, float], low: float, high: float) -> bool:
    return span[1] + PORT < low or high + PORT < span[0]


def _without_repeats(corners: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Corners without those that are in one straight line with their neighbours."""
    kept: list[tuple[float, float]] = []
    for corner in dict.fromkeys(corners):
        while len(kept) > 1 and (kept[-2][0] == kept[-1][0] == corner[0] or kept[-2][1] == kept[-1][1] == corner[1]):
            kept.pop()
        kept.append(corner)
    return kept


def _from_zero(made: Routes, top: float) -> Routes:
    """Everything moved so that nothing lies above zero."""
    for box in made.boxes.values():
        box.y -= top
    for pair, line in made.lines.items():
        made.lines[pair] = Line(*(tuple((x, y - top) for x, y in points) for points in line))
    lowest = [box.y + box.height for box in made.boxes.values()]
    made.height = max([*lowest, *(y for line in made.lines.values() for _, y in line.corners)], default=0.0)
    return made
