"""A trace: what flows into an asset on its left, what flows out of it on its right, and why below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

from rich.text import Text
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Footer, Static

from catalog.errors import CatalogError
from catalog.model.lineage import Direction, Node
from catalog.tui.cells import fit, shown
from catalog.tui.describe import Clock
from catalog.tui.lineage_words import between, focus_words, name, summary
from catalog.tui.messages import LoadFailed, RowHighlighted, RowOpened
from catalog.tui.reader import Reader
from catalog.tui.screens.lineage import LineageScreen
from catalog.tui.tracing import Focus, Neighbour, Totals, neighbours, read_focus, totals
from catalog.tui.widgets.edge_pane import EdgePane
from catalog.tui.widgets.neighbours import NeighbourTable
from catalog.tui.widgets.top_bar import TopBar

Pane = Literal["up", "focus", "down"]
PANES: tuple[Pane, ...] = ("up", "focus", "down")
SIDES: tuple[Direction, ...] = ("up", "down")


@dataclass(slots=True)
class Point:
    """A place on the way that was walked: the asset in the middle, and where the cursors were."""

    asset: int
    label: str
    pane: Pane = "focus"
    up: int = 0
    down: int = 0


class FocusPane(VerticalScroll):
    """The asset in the middle."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.page", "page", key_display="enter", tooltip="open the page of this asset"),
        Binding("j", "scroll_down", "down", show=False),
        Binding("k", "scroll_up", "up", show=False),
        Binding("left", "screen.pane(-1)", "left", show=False),
        Binding("right", "screen.pane(1)", "right", show=False),
    ]

    def compose(self) -> ComposeResult:
        """Its text."""
        yield Static(id="focus-text", markup=False)


class TraceScreen(LineageScreen):
    """Walks the graph: `h` and `l` go on through the columns, `enter` puts an asset in the middle."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "step(-1)", "back", show=False, key_display="[", tooltip="back on the way"),
        Binding("right_square_bracket", "step(1)", "forward", show=False, key_display="]", tooltip="forward on it"),
    ]

    def __init__(
        self, points: Sequence[Point], trail: list[str], readers: Mapping[str, Reader], clock: Clock,
        at_ns: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(trail, at_ns)
        self._points = list(points)
        self._at = len(self._points) - 1
        self._readers = readers
        self._clock = clock
        self._focus: Focus | None = None
        self._totals: Totals | None = None

    def compose(self) -> ComposeResult:
        """Top line, the way, three columns, the edge, keys."""
        yield TopBar()
        yield Static(id="way", markup=False)
        with Horizontal(id="columns"):
            yield NeighbourTable("up")
            pane = FocusPane(id="focus")
            pane.border_title = "Focus"
            yield pane
            yield NeighbourTable("down")
        yield EdgePane()
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Begin at the asset that was asked about."""
        self._pane(self.point.pane).focus()
        self.load()

    def on_resize(self, event: events.Resize) -> None:
        """Names are cut to the new widths."""
        self._draw()

    @property
    def point(self) -> Point:
        """Where we are."""
        return self._points[self._at]

    @property
    def title_here(self) -> str:
        """What the top line calls this page."""
        return "trace"

    def again(self) -> TraceScreen:
        """The same way, at the same place."""
        return TraceScreen(self._points[: self._at + 1], self._trail, self._readers, self._clock, self.at_ns)

    # ------------------------------------------------------------ reading

    @work(exclusive=True, group="focus")
    async def load(self) -> None:
        """Read the asset and its neighbours."""
        point = self.point
        try:
            focus = await self._readers["rows"].run(partial(read_focus, asset=point.asset, at=self.at_ns))
        except CatalogError as error:
            self.post_message(LoadFailed(error))
            return
        self._focus, self._totals = focus, None
        self._show_side("up", focus.node, focus.up, point.up)
        self._show_side("down", focus.node, focus.down, point.down)
        self._draw()
        self.count(focus.node.id)

    def _show_side(self, direction: Direction, node: Node, first: Sequence[Neighbour], cursor: int) -> None:
        async def fetch(offset: int, limit: int) -> Sequence[Neighbour]:
            read = partial(neighbours, asset=node.id, direction=direction, offset=offset, limit=limit, at=self.at_ns)
            return await self._readers["rows"].run(read)

        self._side(direction).show_side(node, first, fetch, cursor)

    @work(exclusive=True, group="totals")
    async def count(self, asset: int) -> None:
        """Count what is on both sides in all; walking does not wait for it."""
        try:
            self._totals = await self._readers["lineage"].run(partial(totals, asset=asset, at=self.at_ns))
        except CatalogError:
            return  # the columns themselves tell what is wrong
        for direction in SIDES:
            self._side(direction).show_total(self._totals)
        self._draw()

    # ------------------------------------------------------------ walking

    @on(RowOpened)
    def _row_opened(self, message: RowOpened) -> None:
        self._go(message.row, "focus")

    def action_pane(self, step: int) -> None:
        """Go to the next column; from the outer ones, on to the asset that is chosen there."""
        at = PANES.index(self._pane_here()) + step
        if 0 <= at < len(PANES):
            self._pane(PANES[at]).focus()
            return
        outer: Direction = "up" if step < 0 else "down"
        near = self._side(outer).current
        if near is not None:
            self._go(near, outer)

    def _go(self, near: Neighbour, pane: Pane) -> None:
        self.refocus(Point(near.node.id, name(near.node), pane))

    def refocus(self, point: Point) -> None:
        """Put another asset in the middle, one step further on the way."""
        self._keep_cursors()
        self._points = [*self._points[: self._at + 1], point]
        self._arrive(len(self._points) - 1)

    def action_step(self, step: int) -> None:
        """Go back or forward on the way."""
        if 0 <= self._at + step < len(self._points):
            self._keep_cursors()
            self._arrive(self._at + step)

    def _arrive(self, at: int) -> None:
        self._at = at
        self._pane(self.point.pane).focus()
        self.load()

    def _keep_cursors(self) -> None:
        here = self.point
        here.pane, here.up, here.down = self._pane_here(), self._side("up").cursor, self._side("down").cursor

    def about(self) -> tuple[int, str]:
        """The asset in the middle."""
        return self.point.asset, self.point.label

    def chosen(self) -> Node | None:
        """The neighbour under the cursor, or the asset in the middle."""
        pane = self._pane_here()
        if pane != "focus":
            near = self._side(pane).current
            return near.node if near is not None else None
        return self._focus.node if self._focus is not None else None

    # ------------------------------------------------------------ drawing

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The edge below is that of the column with the cursor."""
        self._draw_edge()

    @on(RowHighlighted)
    def _row_highlighted(self, message: RowHighlighted) -> None:
        self._draw_edge()

    def _draw(self) -> None:
        self._draw_way()
        self._draw_edge()
        if self._focus is not None:
            pane = self.query_one(FocusPane)
            width = max(10, pane.scrollable_content_region.width)
            pane.query_one("#focus-text", Static).update(focus_words(self._focus, self._totals, width))

    def _draw_way(self) -> None:
        before = " › ".join(shown(point.label, 60) for point in self._points[: self._at])
        here = shown(self.point.label, 200)
        width = max(20, self.size.width - 2)
        way = fit(f"{before} › {here}" if before else here, width, "start")
        after = len(self._points) - 1 - self._at
        line = Text(way)
        line.stylize("bold", max(0, len(way) - len(here)))
        if after and line.cell_len + 12 < width:
            line.append(f"  ] {after} more", style="dim")
        self.query_one("#way", Static).update(line)

    def _draw_edge(self) -> None:
        if self._focus is None:
            return
        pane = self._pane_here()
        near = self._side(pane).current if pane != "focus" else None
        edge = self.query_one(EdgePane)
        if near is not None:
            edge.show("Edge", partial(between, self._focus.node, near.node, [near.edge], near.direction))
        else:
            words = summary(self._focus, self._totals, self._clock, self.at_ns)
            edge.show("Trace", lambda _: words)

    def _side(self, direction: Direction) -> NeighbourTable:
        return self.query_one(f"#{direction}", NeighbourTable)

    def _pane(self, pane: Pane) -> NeighbourTable | FocusPane:
        return self.query_one(FocusPane) if pane == "focus" else self._side(pane)

    def _pane_here(self) -> Pane:
        focused = self.focused.id if self.focused is not None else None
        return next((pane for pane in PANES if pane == focused), "focus")
