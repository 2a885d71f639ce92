"""The full trace of an asset, indented: upstream, then downstream, each asset unfolded once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.widgets import Footer

from catalog.errors import CatalogError
from catalog.model.lineage import Direction, Node
from catalog.tui.cells import shown
from catalog.tui.describe import Clock
from catalog.tui.lineage_lists import TRACE
from catalog.tui.lineage_words import between, name, nothing_known
from catalog.tui.messages import LoadFailed, RowHighlighted, RowOpened
from catalog.tui.reader import Reader
from catalog.tui.screens.lineage import LineageScreen
from catalog.tui.tracing import side
from catalog.tui.tree import TITLES, Line, lines
from catalog.tui.widgets.edge_pane import EdgePane
from catalog.tui.widgets.table import VirtualTable
from catalog.tui.widgets.top_bar import TopBar

if TYPE_CHECKING:
    from catalog.api import Catalog

NOTHING = ": nothing is known"


def read_lines(cat: Catalog, asset: int, at: int | None) -> list[Line]:
    """All lines: what flows in, then what flows out."""
    found: list[Line] = []
    for direction in ("up", "down"):
        found += _section(cat, asset, direction, at)
    return found


def _section(cat: Catalog, asset: int, direction: Direction, at: int | None) -> list[Line]:
    trace = side(cat, asset, direction, at)
    below = list(lines(trace, direction))
    number = sum(node.id not in trace.focus for node in trace.nodes)
    known = f" {number:,}{'' if trace.complete else '+'}" if below else NOTHING
    return [Line("", f"{TITLES[direction]}{known}", direction=direction), *below]


class WholeTraceScreen(LineageScreen):
    """Every asset on both sides, as far as the caps reach."""

    not_here = frozenset({"whole"})

    def __init__(
        self, asset: int, label: str, trail: list[str], readers: Mapping[str, Reader], clock: Clock, at_ns: int | None
    ) -> None:
        super().__init__(trail, at_ns)
        self._asset = asset
        self._label = label
        self._readers = readers
        self._clock = clock

    def compose(self) -> ComposeResult:
        """Top line, the lines, the edge, keys."""
        yield TopBar()
        table: VirtualTable[Line] = VirtualTable(TRACE, id="list", empty="loading…", opens=True)
        table.border_title = self.titled("Full trace of", self._label)
        yield table
        yield EdgePane()
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Read the trace."""
        self.set_focus(self.table)
        self.load()

    @property
    def table(self) -> VirtualTable[Line]:
        """The lines."""
        return self.query_one("#list", VirtualTable)

    @property
    def title_here(self) -> str:
        """What the top line calls this page."""
        return "full trace"

    def again(self) -> WholeTraceScreen:
        """The same trace."""
        return WholeTraceScreen(self._asset, self._label, self._trail, self._readers, self._clock, self.at_ns)

    @work(exclusive=True, group="load")
    async def load(self) -> None:
        """Read both sides."""
        try:
            found = await self._readers["lineage"].run(partial(read_lines, asset=self._asset, at=self.at_ns))
        except CatalogError as error:
            self.table.empty = f"✗ {shown(error.message)}"
            self.table.show([])
            self.post_message(LoadFailed(error))
            return
        self.table.renew(found)

    @on(RowHighlighted)
    def _row_highlighted(self, message: RowHighlighted) -> None:
        line: Line | None = message.row
        edge = self.query_one(EdgePane)
        if line is not None and line.node is not None and line.near is not None:
            edge.show("Edge", partial(between, line.near, line.node, line.edges, line.direction))
        elif line is not None and line.words.endswith(NOTHING):
            words = nothing_known(TITLES[line.direction].lower(), self.at_ns)
            edge.show("Trace", lambda _: words)
        else:
            edge.show("Trace", lambda _: Text("enter puts an asset in the middle and walks from there", style="dim"))

    @on(RowOpened)
    def _row_opened(self, message: RowOpened) -> None:
        if message.row.node is not None:
            self.catalog_app.open_trace(message.row.node.id, name(message.row.node), self.at_ns)

    def about(self) -> tuple[int, str]:
        """The asset at the root."""
        return self._asset, self._label

    def action_pane(self, step: int) -> None:
        """There is one pane."""

    def chosen(self) -> Node | None:
        """The asset of the line under the cursor."""
        line = self.table.current
        return line.node if line is not None else None
