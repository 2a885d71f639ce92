"""A trace as an indented tree for a terminal: what flows in, then what flows out.

Each asset is unfolded once, where it is nearest to the focus; elsewhere a mark says where. What a cap kept
out stands as `… 17 more` at the asset it belongs to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from catalog.lineage.drawing.words import Unshown, rest, title, what, where, why
from catalog.lineage.graph import columns_between, is_path, parallel, walked
from catalog.model import Count
from catalog.model.lineage import ColumnEdge, Direction, Edge, Trace
from catalog.text import cut, ends, safe, width

_GAP = "  "
_LEAST = 8
_EDGES = 5
_COLUMNS = 12
_TITLES: dict[Direction, str] = {"up": "upstream", "down": "downstream"}
_CUT: tuple[tuple[int, int], ...] = (
    (4, 24), (1, 18), (0, 40), (4, 12), (1, 12), (0, 32), (4, 0), (1, 0), (0, 24)
)  # fmt: skip
"""Which column gives way when lines do not fit, down to how many cells, one after the other: columns are the name,
what it is, what joins the two, how that is known, and who says so."""
# The guides in front of a line, and in front of what hangs below it; the second of each for the last one.
_HERE = ("├─ ", "└─ ")
_BELOW = ("│  ", "   ")


def tree(trace: Trace, room: int | None = None) -> list[str]:
    """The lines of the tree. They fit `room` terminal cells where that can be done; None cuts nothing."""
    nodes = {node.id: node for node in trace.nodes}
    way = is_path(trace)
    lines: list[_Line] = []
    for focus in trace.focus[: 1 if way else None]:
        lines.append(_Line(f"{safe(title(nodes[focus]))}  {safe(what(nodes[focus]))}".rstrip()))
        for direction in trace.directions:
            found = list(_Section(trace, direction).lines(focus))
            if not way:
                lines.append(_Line(_TITLES[direction] if found else f"{_TITLES[direction]}: nothing is known"))
            lines += found
    return list(_aligned(lines, room))


@dataclass(frozen=True, slots=True)
class _Line:
    """One line: the guides in front, then the cells of its columns, all safe to print. A heading has no cells."""

    guides: str
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    """What hangs below an asset: another one with the edges that join the two, or how much is not shown."""

    guides: str
    last: bool
    above: int
    node: int | None = None
    edges: tuple[Edge, ...] = ()
    unshown: str = ""

    @property
    def below(self) -> str:
        """The guides of what hangs below this entry."""
        return self.guides + _BELOW[self.last]


class _Section:
    """One direction of a trace, unfolded from its focus."""

    def __init__(self, trace: Trace, direction: Direction) -> None:
        self._trace = trace
        self._direction = direction
        self._nodes = {node.id: node for node in trace.nodes}
        self._unshown = Unshown(trace)
        self._columns = columns_between(trace)
        self._next: dict[int, list[tuple[int, tuple[Edge, ...]]]] = {node.id: [] for node in trace.nodes}
        for (source, target), edges in parallel(trace).items():
            near, far = (target, source) if direction == "up" else (source, target)
            self._next[near].append((far, edges))

    def lines(self, focus: int) -> Iterator[_Line]:
        """Every line below the focus, in order. Nothing here recurses: a way can be long."""
        hops = walked(self._trace, self._direction, [focus])
        unfolded = {focus}
        waiting = self._entries(focus, "")
        while waiting:
            entry = waiting.pop()
            if entry.node is None:
                yield _Line(entry.guides + _HERE[entry.last], (entry.unshown,))
                continue
            mark, below = "", list[_Entry]()
            if entry.node == entry.above:
                mark = "itself"
            elif entry.node in unfolded:
                mark = "shown above"
            elif hops[entry.node] <= hops[entry.above]:
                mark = "shown below"
            else:
                unfolded.add(entry.node)
                below = self._entries(entry.node, entry.below)
            yield from self._told(entry, mark, bool(below))
            waiting += below

    def _entries(self, node: int, guides: str) -> list[_Entry]:
        """What hangs below an asset, the first at the end."""
        left = self._unshown.of(self._nodes[node], self._direction)
        following = self._next[node]
        found = [_Entry(guides, True, node, unshown=rest(left))] if left.number else []
        for at, (far, edges) in enumerate(reversed(following)):
            found.append(_Entry(guides, at == 0 and not left.number, node, far, edges))
        return found

    def _told(self, entry: _Entry, mark: str, unfolds: bool) -> Iterator[_Line]:
        """The lines of one entry: the asset with its most believed edge, then its other edges and its columns."""
        assert entry.node is not None
        node, shown = self._nodes[entry.node], entry.edges[:_EDGES]
        under = entry.below + (_BELOW[0] if unfolds else _BELOW[1])
        first = (safe(title(node)), mark or safe(what(node)))
        for at, edge in enumerate(shown):
            yield _Line(
                under if at else entry.guides + _HERE[entry.last],
                (*(("", "") if at else first), safe(edge.kind), safe(why(edge)), safe(_who(edge))),
            )
        if len(entry.edges) > len(shown):
            yield _Line(under, ("", "", "", "", rest(Count(len(entry.edges) - len(shown)), "edges")))
        pair = (entry.node, entry.above) if self._direction == "up" else (entry.above, entry.node)
        columns = self._columns.get(pair, ())
        for column in columns[:_COLUMNS]:
            flow = f"{column.source_field} → {column.target_field}"
            yield _Line(under, (safe(flow), "", "", "", safe(_made(column))))
        if len(columns) > _COLUMNS:
            yield _Line(under, (rest(Count(len(columns) - _COLUMNS), "columns"),))


def _who(edge: Edge) -> str:
    """The job that made the target, the file that told so, or both."""
    return ", ".join(filter(None, (edge.job, where(edge))))


def _made(column: ColumnEdge) -> str:
    """How a column is made from the other: OpenLineage's `DIRECT/IDENTITY` in lower case."""
    return (column.transformation or "").lower().replace("/", ", ")


def _aligned(lines: Sequence[_Line], room: int | None) -> Iterator[str]:
    """The lines with their columns under each other."""
    wide = [0] * 5
    for line in lines:
        for at, cell in enumerate(line.cells):
            wide[at] = max(wide[at], width(cell) + (width(line.guides) if at == 0 else 0))
    if room is not None:
        for at, least in _CUT:
            too_much = sum(wide) + len(_GAP) * sum(map(bool, wide[1:])) - room
            wide[at] = max(wide[at] - max(too_much, 0), min(wide[at], least))
    for line in lines:
        if not line.cells:
            yield line.guides if room is None else cut(line.guides, room)
            continue
        name = line.guides + cut(line.cells[0], max(wide[0] - width(line.guides), _LEAST))
        cells = [name, *(ends(cell, taken) for cell, taken in zip(line.cells[1:], wide[1:]))]
        padded = (cell + " " * (taken - width(cell)) for cell, taken in zip(cells, wide) if taken)
        yield _GAP.join(padded).rstrip()
