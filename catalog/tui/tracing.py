"""The reading that the trace screens ask for; each function runs in a reader's thread on its fork."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from catalog.model.lineage import COUNTED, Affected, Direction, Edge, Node, Trace
from catalog.tui.widgets.table import PAGE

if TYPE_CHECKING:
    from catalog.api import Catalog, Impact
    from catalog.api.lineage import Order

FAR = 100  # edges from the focus that a full trace follows at most
WIDE = 50  # edges of one asset that it follows
WHOLE = 1_000  # assets that it shows


class Neighbour(NamedTuple):
    """An asset at the other end of an edge, seen from the focus."""

    node: Node
    edge: Edge
    direction: Direction

    @property
    def further(self) -> int:
        """How many edges lead on from there."""
        return self.node.up if self.direction == "up" else self.node.down


class Totals(NamedTuple):
    """How many assets are on each side in all; `exact` False means at least so many. `models` are those downstream."""

    up: int
    down: int
    up_exact: bool
    down_exact: bool
    models: tuple[str, ...]

    def of(self, direction: Direction) -> str:
        """`14`, `1,000+`."""
        number, exact = (self.up, self.up_exact) if direction == "up" else (self.down, self.down_exact)
        return f"{number:,}" if exact else f"{number:,}+"


@dataclass(frozen=True, slots=True)
class Focus:
    """The asset in the middle, with the first of its neighbours on each side."""

    node: Node
    up: list[Neighbour]
    down: list[Neighbour]


def edges_of(node: Node, direction: Direction) -> str:
    """How many edges an asset has on one side: `3`, `1,000+`."""
    number = node.up if direction == "up" else node.down
    return f"{number:,}+" if number >= COUNTED else f"{number:,}"


def read_focus(cat: Catalog, asset: int, at: int | None = None) -> Focus:
    """The asset and the first page of both sides."""
    around = cat.trace(asset, depth=1, fan_out=1, limit=1, at=at).trace
    node = around.nodes[0]
    return Focus(node, neighbours(cat, node.id, "up", at=at), neighbours(cat, node.id, "down", at=at))


def neighbours(
    cat: Catalog, asset: int, direction: Direction, offset: int = 0, limit: int = PAGE, at: int | None = None
) -> list[Neighbour]:
    """A page of one side."""
    found = cat.neighbours(asset, direction, offset=offset, limit=limit, at=at)
    return [Neighbour(node, edge, direction) for node, edge in found]


def side(cat: Catalog, asset: int, direction: Direction, at: int | None = None) -> Trace:
    """All that is on one side, as far as the caps let it."""
    up = direction == "up"
    return cat.trace(asset, up=up, down=not up, depth=FAR, fan_out=WIDE, limit=WHOLE, at=at).trace


@dataclass(frozen=True, slots=True)
class Downstream:
    """Everything downstream of something; further pages come from `impact`, in the same reader."""

    impact: Impact
    first: list[Affected]
    count: int
    kinds: Mapping[str, int]

    def rows(self, order: Order) -> Iterator[Affected]:
        """All rows, read as they are asked for; in the same reader."""
        return self.impact.page(0, self.count, order)


def downstream(cat: Catalog, reference: int | str, order: Order, at: int | None = None) -> Downstream:
    """Everything downstream of an asset (its id) or a silo (its name): how much, and the first page."""
    impact = cat.impact(reference, at=at)
    return Downstream(impact, list(impact.page(0, PAGE, order)), len(impact), impact.kinds)


def totals(cat: Catalog, asset: int, at: int | None = None) -> Totals:
    """How many assets are on each side, counted up to the caps of a full trace."""
    up, down = side(cat, asset, "up", at), side(cat, asset, "down", at)
    node = up.nodes[0]
    models = tuple(node.label for node in down.nodes if node.kind == "model" and node.id not in down.focus)
    return Totals(_beside(up, node.up), _beside(down, node.down), up.complete, down.complete, models)


def _beside(trace: Trace, direct: int) -> int:
    shown = sum(node.id not in trace.focus for node in trace.nodes)
    # Several edges may lead to one asset: their number is a lower bound only where the caps left some out.
    return shown if trace.complete else max(shown, direct)
