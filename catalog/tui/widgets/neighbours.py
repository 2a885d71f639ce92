"""One side of a trace: the direct neighbours, in pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from catalog.model.lineage import Direction, Node
from catalog.tui.lineage_lists import NEIGHBOURS
from catalog.tui.tracing import Neighbour, Totals, edges_of
from catalog.tui.widgets.table import VirtualTable

if TYPE_CHECKING:
    from catalog.tui.widgets.table import Fetch

TITLES: dict[Direction, str] = {"up": "Upstream", "down": "Downstream"}


class NeighbourTable(VirtualTable[Neighbour]):
    """The assets one edge upstream or downstream of the focus; its id is the direction."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "focus", key_display="enter", tooltip="put this asset in the middle"),
    ]

    def __init__(self, direction: Direction) -> None:
        super().__init__(NEIGHBOURS, id=direction, opens=True)
        self.direction = direction
        self.border_title = TITLES[direction]

    def show_side(self, node: Node, first: Sequence[Neighbour], fetch: Fetch[Neighbour], cursor: int) -> None:
        """Show the neighbours of an asset, the first page and a way to the others."""
        known = node.up if self.direction == "up" else node.down
        # The count stops somewhere, and edges may come meanwhile: the end is where no more rows come.
        self.empty = "nothing known"
        self.show(first, count=max(known, len(first)), exact=False, fetch=fetch, cursor=cursor)
        self.border_title = f"{TITLES[self.direction]} {edges_of(node, self.direction)}"
        self.border_subtitle = ""

    def show_total(self, totals: Totals) -> None:
        """Say how many there are in all, neighbours of neighbours included."""
        self.border_subtitle = f"{totals.of(self.direction)} in all"
