"""A screen with a list and, beside or below it, what is known about the row under the cursor."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Footer

from catalog.errors import CatalogError
from catalog.tui.messages import RowHighlighted
from catalog.tui.screens.browse import BrowseScreen
from catalog.tui.screens.panes import WIDE
from catalog.tui.widgets.detail import Detail
from catalog.tui.widgets.notice import Notice
from catalog.tui.widgets.table import VirtualTable
from catalog.tui.widgets.top_bar import TopBar

TICK = 0.5  # seconds between two looks at a crawl of this UI
AGAIN = 4  # ticks after which the list is read anew while something goes on
IDLE = 10  # ticks after which it is read anew when nothing does: other processes may have begun something


class SplitScreen(BrowseScreen):
    """Base of the silos and the crawls: reads when it is shown, and follows what goes on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "toggle_detail", "detail", show=False, tooltip="show or hide the detail"),
        Binding("plus", "zoom", "zoom", show=False, key_display="+", tooltip="give this pane the screen, or end that"),
        Binding("R", "refresh", "refresh", show=False, tooltip="read everything anew"),
        Binding("escape", "leave", "back", show=False, tooltip="end the zoom, or go to the list"),
    ]  # fmt: skip

    detail_title: ClassVar[str]
    row_actions: ClassVar[frozenset[str]]

    def __init__(self) -> None:
        super().__init__()
        self._detail_wanted = True
        self._zoomed: str | None = None
        self._empty = False
        self._ticks = 0

    # ------------------------------------------------------------ what a screen of this kind says

    def make_list(self) -> VirtualTable[Any]:
        """The list; its id is `list`."""
        raise NotImplementedError

    def make_detail(self) -> Detail:
        """The detail; its id is `detail`."""
        raise NotImplementedError

    async def read(self) -> bool:
        """Read the rows and show them; False when there are none, and the notice says so."""
        raise NotImplementedError

    def show_row(self, row: Any) -> None:
        """Describe a row in the detail."""
        raise NotImplementedError

    def goes_on(self) -> bool:
        """Whether anything shown is going on, so that it is worth looking again."""
        raise NotImplementedError

    # ------------------------------------------------------------ the frame

    def compose(self) -> ComposeResult:
        """Top line, list, detail, keys."""
        yield TopBar()
        with Container(id="work"):
            yield self.make_list()
            yield Notice(id="notice")
            yield self.make_detail()
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Follow what goes on."""
        notice = self.query_one("#notice")
        notice.display, notice.border_title = False, self.app.current_mode
        self.query_one(Detail).border_title = self.detail_title
        self.set_focus(self.rows)
        self.set_interval(TICK, self._tick)

    def on_screen_resume(self) -> None:
        """Read what became of things meanwhile."""
        self.load()

    def crawls_moved(self) -> None:
        """A crawl began or ended."""
        self.load()

    def on_resize(self, event: events.Resize) -> None:
        """Beside each other where there is room, else below each other."""
        self.set_class(event.size.width >= WIDE, "-wide")
        self._arrange()

    @property
    def rows(self) -> VirtualTable[Any]:
        """The list."""
        return self.query_one("#list", VirtualTable)

    @work(exclusive=True, group="load")
    async def load(self) -> None:
        """Read the rows; those on screen stay until the new ones are there."""
        try:
            self._empty = not await self.read()
        except CatalogError as error:
            self._empty = True
            self.query_one(Notice).failed(error)
        self._arrange()
        self.draw_bar()
        self.refresh_bindings()

    def _tick(self) -> None:
        if self.app.screen is not self:
            return
        self._ticks += 1
        busy = self.goes_on()
        if busy:
            self.rows.refresh()
            self.show_row(self.rows.current)
        if self._ticks % (AGAIN if busy else IDLE) == 0:
            self.load()

    @on(RowHighlighted, "#list")
    def _row_highlighted(self, message: RowHighlighted) -> None:
        self.show_row(message.row)
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is done to a row is offered where there is one."""
        return self.rows.current is not None if action in self.row_actions else True

    # ------------------------------------------------------------ panes

    def action_refresh(self) -> None:
        """Read everything anew."""
        self.load()

    def action_toggle_detail(self) -> None:
        """Show or hide the detail."""
        self._zoomed = None
        self._detail_wanted = not self._detail_wanted
        self._arrange()

    def action_zoom(self) -> None:
        """Give the focused pane the whole body, or end that."""
        focused = self.focused.id if self.focused else None
        self._zoomed = None if self._zoomed else focused
        self._arrange()

    def action_leave(self) -> None:
        """End the zoom, or go to the list."""
        self._zoomed = None
        self._arrange()
        self.set_focus(self.rows)

    def action_pane(self, step: int) -> None:
        """Move between the list and the detail."""
        detail = self.query_one(Detail)
        self.set_focus(detail if step > 0 and detail.display else self.rows)

    def _arrange(self) -> None:
        detail = self.query_one(Detail)
        self.rows.display = not self._empty and self._zoomed in (None, "list")
        self.query_one("#notice").display = self._empty
        detail.display = not self._empty and (self._zoomed == "detail" or (self._detail_wanted and not self._zoomed))
        if self.focused is detail and not detail.display:
            self.set_focus(self.rows)
