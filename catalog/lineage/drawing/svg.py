"""A trace as an SVG: left to right, in layers, for notebooks and pages.

Boxes bring their own light ground and dark words, lines and small words are of middle tones: both read on a
light page and on a dark one. Nothing outside the picture is referred to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape

from catalog.lineage.drawing.layers import Item, layered
from catalog.lineage.drawing.routes import Box, Line, height_for, routed
from catalog.lineage.drawing.words import Family, Unshown, family, rest, title, told, what, where
from catalog.lineage.graph import Pair, parallel
from catalog.model.lineage import Edge, EdgeKind, Node, Trace
from catalog.text import cut, plural, safe, width

Point = tuple[float, float]

_CHARACTER = 7.25  # the width of one character of the names, in a monospaced font of 12 pixels
_LONGEST = 36
_PADDING = 12.0
_LINE = 15.0
_SMALL = 5.9  # the same for the small words, which are not monospaced
_EDGE = 4.0  # around the whole drawing
_FOOTER = 22.0
_RING = 16.0
_CORNER = 4.0
_GAP = 3.0
_QUIET = "#7d8896"
_FOCUS = "#d97706"
_LOOKS: dict[Family, tuple[str, str, str, float]] = {
    "dataset": ("#e7f0fa", "#3b78b8", "#10243a", 5),
    "model": ("#f1e8fb", "#8450c4", "#2a1245", 17),
    "storage": ("#ecebe6", "#857f6c", "#2b281d", 0),
}
"""Ground, border, words, and how round the corners are."""
_LINES: dict[EdgeKind, str] = {"trained": "#8f63cf", "based": "#8f63cf", "stores": "#948c72", "holds": "#948c72"}
# Attributes, not a style sheet: one in a notebook's page would reach beyond the drawing.
_NAMES = "font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"12\""
_NOTES = "font-family=\"system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif\" font-size=\"10\""


def svg(trace: Trace) -> str:
    """The drawing. Each edge is a group with its ends in `data-source` and `data-target`, the assets' ids."""
    pairs = parallel(trace)
    unshown = Unshown(trace)
    cards = {
        node.id: _Card(node, node.id in trace.focus, (node.id, node.id) in pairs, list(_left(trace, node, unshown)))
        for node in trace.nodes
    }
    layers = layered([node.id for node in sorted(trace.nodes, key=lambda node: trace.hops[node.id])], pairs)
    into = Counter(target for targets in layers.nets.values() for target in targets)
    sizes = {id: (card.width, height_for(into[Item(id)], card.height)) for id, card in cards.items()}
    routes = routed(layers, sizes, pairs)
    footer = _footer(trace)
    wide = max(routes.width, _small(footer)) + 2 * _EDGE
    high = routes.height + 2 * _EDGE + (_FOOTER if footer else 0)
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:.0f}" height="{high:.0f}" '
            f'viewBox="{-_EDGE:g} {-_EDGE:g} {wide:.0f} {high:.0f}" role="img" aria-label="{_said(trace)}">',
            *(_line(pair, pairs[pair], line, pair in layers.turned) for pair, line in routes.lines.items()),
            *(cards[node.id].drawn(routes.boxes[node.id]) for node in trace.nodes),
            *(_ring(pair, edges, routes.boxes[pair[0]]) for pair, edges in pairs.items() if pair[0] == pair[1]),
            *([_words(0, routes.height + _FOOTER - 6, footer, _NOTES, _QUIET)] if footer else []),
            "</svg>\n",
        )
    )


class _Card:
    """The box of one asset, and what is written in it."""

    def __init__(self, node: Node, focus: bool, ring: bool, more: list[str]) -> None:
        self._node = node
        self._focus = focus
        self._title = safe(title(node))
        self._name = cut(self._title, _LONGEST)
        self._notes = [safe(what(node)), *more]
        words = max(width(self._name) * _CHARACTER, *map(_small, self._notes))
        self.width = words + 2 * _PADDING + (_RING if ring else 0)
        self.height = _LINE * (1 + len(self._notes)) + _PADDING

    def drawn(self, box: Box) -> str:
        """The box with its words, in the middle of the room it was given."""
        ground, border, ink, corner = _LOOKS[family(self._node)]
        unseen = self._node.silo is None and family(self._node) != "storage"
        look = f'stroke="{_FOCUS if self._focus else border}" stroke-width="{2.5 if self._focus else 1.2}"'
        look += ' stroke-dasharray="4 3"' if unseen and not self._focus else ""
        left, first = box.x + _PADDING, box.y + (box.height - self.height) / 2 + _LINE + _PADDING / 4
        style = ' font-weight="bold"' * self._focus + ' text-decoration="line-through"' * self._node.removed
        return "".join(
            (
                f'<g class="node" data-id="{self._node.id}"><title>{escape(self._title)}</title>',
                f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="{corner}" ',
                f'fill="{ground}" {look}/>',
                _words(left, first, self._name, _NAMES, ink, style),
                *(_words(left, first + _LINE * at, line, _NOTES, ink) for at, line in enumerate(self._notes, 1)),
                "</g>",
            )
        )


# ---------------------------------------------------------------- edges


def _line(pair: Pair, edges: Sequence[Edge], line: Line, turned: bool) -> str:
    """An edge between two boxes, its arrow at the target."""
    return _edge(pair, edges, path(line), _head(*line.corners[-1], -1 if turned else 1))


def _ring(pair: Pair, edges: Sequence[Edge], box: Box) -> str:
    """A small ring in the upper right corner of a box, for an asset that is made from itself."""
    x, y = box.x + box.width - 12, box.y + 7
    return _edge(pair, edges, f"M{_at((x - 4, y))}a4.5,4.5 0 1 0 4.5,4.5", _head(x + 1, y, 1))


def _edge(pair: Pair, edges: Sequence[Edge], way: str, head: str) -> str:
    colour = _LINES.get(edges[0].kind, _QUIET)
    dashes = ' stroke-dasharray="5 4"' if all(edge.evidence == "inferred" for edge in edges) else ""
    lines = "\n".join(safe(" ".join(filter(None, (told(edge), where(edge))))) for edge in edges)
    return (
        f'<g class="edge" data-source="{pair[0]}" data-target="{pair[1]}"><title>{escape(lines)}</title>'
        f'<path d="{way}" fill="none" stroke="{colour}" stroke-width="1.5"{dashes}/>'
        f'<path d="{head}" fill="{colour}"/></g>'
    )


def path(line: Line) -> str:
    """The commands of a line: rounded where it turns, with a gap where another one crosses."""
    points = line.corners
    drawn = [f"M{_at(points[0])}"]
    for at in range(1, len(points)):
        here, previous = points[at], points[at - 1]
        stop = here if at == len(points) - 1 else _towards(here, previous, _corner(points, at))
        begin = previous if at == 1 else _towards(previous, here, _corner(points, at - 1))
        drawn += _gaps(begin, stop, line.crossed)
        drawn.append(f"L{_at(stop)}")
        if stop != here:
            drawn.append(f"Q{_at(here)} {_at(_towards(here, points[at + 1], _corner(points, at)))}")
    return "".join(drawn)


def _gaps(begin: Point, stop: Point, crossed: Sequence[Point]) -> Iterator[str]:
    """Leave the pen up around each crossing of an upright stretch."""
    if begin[0] != stop[0]:
        return
    x, down = begin[0], 1 if stop[1] > begin[1] else -1
    for _, y in sorted((point for point in crossed if point[0] == x), key=lambda point: down * point[1]):
        low, high = sorted((begin[1], stop[1]))
        if low < y < high:
            ends = [min(max(y + side * down * _GAP, low), high) for side in (-1, 1)]
            yield f"L{_at((x, ends[0]))}M{_at((x, ends[1]))}"


def _corner(points: Sequence[Point], at: int) -> float:
    return min(_CORNER, *(_length(points[i], points[i + 1]) / 2 for i in (at - 1, at)))


def _towards(start: Point, end: Point, distance: float) -> Point:
    part = distance / (_length(start, end) or 1)
    return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part


def _length(a: Point, b: Point) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _head(x: float, y: float, to: int) -> str:
    return f"M{_at((x, y))}L{_at((x - to * 7, y - 3.5))}L{_at((x - to * 7, y + 3.5))}Z"


def _at(point: Point) -> str:
    return f"{point[0]:g},{point[1]:g}"


# ---------------------------------------------------------------- words


def _words(x: float, y: float, words: str, font: str, colour: str, style: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" {font} fill="{colour}"{style}>{escape(words)}</text>'


def _left(trace: Trace, node: Node, unshown: Unshown) -> Iterator[str]:
    for direction in trace.directions:
        if (left := unshown.of(node, direction)).number:
            yield rest(left, "upstream" if direction == "up" else "downstream")


def _small(words: str) -> float:
    return width(words) * _SMALL


def _said(trace: Trace) -> str:
    names = ", ".join(title(node) for node in trace.nodes if node.id in trace.focus)
    shown = f"{plural(len(trace.nodes), 'asset')}, {plural(len(trace.edges), 'edge')}"
    return escape(f"Lineage of {safe(names, 200)}: {shown}")


def _footer(trace: Trace) -> str:
    """What the picture cannot say itself: dashes, and how much is not shown."""
    told = []
    if any(edge.evidence == "inferred" for edge in trace.edges):
        told.append("dashed lines: inferred")
    if any(node.silo is None and family(node) != "storage" for node in trace.nodes):
        told.append("dashed boxes: not crawled")
    if trace.more:
        told.append(f"edges not shown: at {plural(len(trace.more), 'asset')}")
    return " · ".join(told)
