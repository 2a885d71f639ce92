"""A table of any length: only the rows on screen are loaded and drawn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from catalog.errors import CatalogError
from catalog.tui.cells import aligned, fit, spans
from catalog.tui.columns import GAP, Column, fitted
from catalog.tui.messages import HeaderChosen, LoadFailed, RowHighlighted, RowOpened

T = TypeVar("T")
Fetch = Callable[[int, int], Awaitable[Sequence[T]]]

PAGE = 128
PAGES_KEPT = 64
GUTTER = 2


class VirtualTable(ScrollView, Generic[T], can_focus=True):
    """Rows under a fixed heading. `show` gives it rows, or a count and a way to fetch pages."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--sorted",
        "table--cursor",
        "table--match",
        "table--dim",
        "table--warn",
        "table--stale",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", key_display="enter"),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("pagedown,ctrl+d", "page(1)", "page down", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "page up", show=False),
        Binding("left", "screen.pane(-1)", "left", show=False),
        Binding("right", "screen.pane(1)", "right", show=False),
        Binding("g,home", "end(False)", "first row", show=False),
        Binding("G,end", "end(True)", "last row", show=False),
    ]

    cursor = reactive(0, repaint=False)
    stale = reactive(False)

    def __init__(
        self, columns: Sequence[Column[T]], *, id: str, empty: str = "", opens: bool = False
    ) -> None:
        super().__init__(id=id)
        self.columns: tuple[Column[T], ...] = tuple(columns)
        self.count = 0
        self.needles: list[str] = []
        self.sorted: tuple[str, bool] | None = None
        self.empty = empty
        self.opens = opens
        self._pages: dict[int, Sequence[T]] = {}
        self._fetch: Fetch[T] | None = None
        self._exact = True
        self._loading = False
        self._shown = 0

    # ------------------------------------------------------------ rows

    def show(
        self,
        rows: Sequence[T],
        *,
        count: int | None = None,
        exact: bool = True,
        fetch: Fetch[T] | None = None,
        cursor: int = 0,
    ) -> None:
        """Take new rows: all of them, or the first page with the count and a way to fetch the others.

        `exact` False means that `count` may grow when its end is reached.
        """
        self._shown += 1
        self._fetch, self._exact, self._loading, self.stale = fetch, exact, False, False
        self._pages = {at // PAGE: rows[at : at + PAGE] for at in range(0, len(rows), PAGE)}
        self._resize_rows(len(rows) if count is None else count)
        self.set_reactive(VirtualTable.cursor, max(0, min(cursor, self.count - 1)))
        self.scroll_to(y=0, animate=False, force=True, immediate=True)
        self._reveal()
        self.refresh()
        self._announce()

    def renew(
        self, rows: Sequence[T], *, count: int | None = None, exact: bool = True, fetch: Fetch[T] | None = None
    ) -> None:
        """Take the same rows as they are now; the cursor and the scroll position stay.

        Pages further down stay while the count does, so that they do not flicker when this comes again and again.
        """
        self._shown += 1
        total = len(rows) if count is None else count
        kept = self._pages if fetch is not None and total == self.count else {}
        self._fetch, self._exact, self._loading = fetch, exact, False
        self._pages = kept | {at // PAGE: rows[at : at + PAGE] for at in range(0, len(rows), PAGE)}
        self._resize_rows(total)
        self._reveal()
        self.refresh()
        self._announce()

    def recount(self, count: int, exact: bool = True) -> None:
        """Correct the number of rows while the loaded ones stay."""
        self._exact = exact
        self._resize_rows(max(count, 0))
        self.refresh()

    def row(self, index: int) -> T | None:
        """The row at `index` if it is loaded."""
        page = self._pages.get(index // PAGE)
        at = index % PAGE
        return page[at] if page is not None and at < len(page) else None

    @property
    def current(self) -> T | None:
        """The row under the cursor if it is loaded."""
        return self.row(self.cursor) if self.count else None

    def missing(self) -> int | None:
        """The number of a page on screen, or next to it, that is not loaded."""
        if not self.count or self._fetch is None:
            return None
        top, height = int(self.scroll_y), max(1, self.size.height)
        last = self.count - 1
        for lower, upper in ((top, top + height), (top - height, top + 2 * height)):
            for page in range(max(0, lower) // PAGE, min(last, upper) // PAGE + 1):
                if page not in self._pages:
                    return page
        return None

    async def _load(self, shown: int) -> None:
        while shown == self._shown and (page := self.missing()) is not None and self._fetch is not None:
            try:
                rows = await self._fetch(page * PAGE, PAGE)
            except CatalogError as error:
                # `_loading` stays set: asking again at every repaint would only repeat the failure.
                if shown == self._shown:
                    self.post_message(LoadFailed(error))
                return
            if shown == self._shown:
                self._keep(page, rows)
        if shown == self._shown:
            self._loading = False

    def _keep(self, page: int, rows: Sequence[T]) -> None:
        self._pages.pop(page, None)
        self._pages[page] = rows
        while len(self._pages) > PAGES_KEPT:
            self._pages.pop(next(iter(self._pages)))
        end = page * PAGE + len(rows)
        if not self._exact and (end >= self.count or len(rows) < PAGE):
            self._exact = len(rows) < PAGE
            self._resize_rows(end if self._exact else end + PAGE)
        self.refresh()
        if self.cursor // PAGE == page:
            self._announce()

    def _resize_rows(self, count: int) -> None:
        self.count = count
        self.virtual_size = Size(self.scrollable_content_region.width, count + 1)
        if self.cursor >= count:  # there were fewer rows than the count said
            self._go(count - 1)

    # ------------------------------------------------------------ drawing

    def render_line(self, y: int) -> Strip:
        """One line: the heading, then rows from the scroll position on."""
        width = self.scrollable_content_region.width
        columns = self._columns()
        base = self.rich_style
        if y == 0:
            return self._line(self._heading(columns, base), width, base)
        index = int(self.scroll_y) + y - 1
        if index >= self.count:
            text = f"  {self.empty}" if index == 0 and self.empty else ""
            return self._line([Segment(fit(text, width), self._tone("dim", base))], width, base)
        row = self.row(index)
        if row is None:
            self._want()
            return self._line([Segment("  ·····", self._tone("dim", base))], width, base)
        return self._line(self._cells(row, index, columns, base), width, base, index == self.cursor)

    def _columns(self) -> list[tuple[Column[Any], int]]:
        # One cell stays free on the right, so that numbers do not touch the scrollbar.
        return fitted(self.columns, max(1, self.scrollable_content_region.width - GUTTER - 1))

    def _heading(self, columns: list[tuple[Column[Any], int]], base: Style) -> list[Segment]:
        plain = base + self.get_component_rich_style("table--header", partial=True)
        segments = [Segment(" " * GUTTER, plain)]
        for column, width in columns:
            title, style = column.title, plain
            if self.sorted and column.sort == self.sorted[0]:
                title += " ↓" if self.sorted[1] else " ↑"
                style = plain + self.get_component_rich_style("table--sorted", partial=True)
            segments.append(Segment(aligned(fit(title, width), width, column.right), style))
            segments.append(Segment(" " * GAP, plain))
        return segments[:-1]

    def _cells(
        self, row: T, index: int, columns: list[tuple[Column[Any], int]], base: Style
    ) -> list[Segment]:
        at_cursor = index == self.cursor
        segments = [Segment("▸ " if at_cursor else "  ", base)]
        for column, width in columns:
            text = fit(column.cell(row), width, column.cut)
            style = self._tone(column.tone_of(row), base)
            padding = Segment(" " * max(0, width - cell_len(text)), style)
            if column.right:
                segments.append(padding)
            segments.extend(self._marked(text, style) if column.marked else [Segment(text, style)])
            if not column.right:
                segments.append(padding)
            segments.append(Segment(" " * GAP, base))
        return segments[:-1]

    def _marked(self, text: str, style: Style) -> list[Segment]:
        match = style + self.get_component_rich_style("table--match", partial=True)
        segments, at = [], 0
        for start, end in spans(text, self.needles):
            segments += [Segment(text[at:start], style), Segment(text[start:end], match)]
            at = end
        return [*segments, Segment(text[at:], style)]

    def _line(self, segments: list[Segment], width: int, base: Style, at_cursor: bool = False) -> Strip:
        strip = Strip(segments).adjust_cell_length(width, base)
        for name in ("stale",) * self.stale + ("cursor",) * at_cursor:
            over = self.get_component_rich_style(f"table--{name}", partial=True)
            strip = Strip(Segment.apply_style(strip, post_style=over), width)
        return strip

    def _tone(self, name: str, base: Style) -> Style:
        return base + self.get_component_rich_style(f"table--{name}", partial=True) if name else base

    def _want(self) -> None:
        if not self._loading:
            self._loading = True
            self.run_worker(self._load(self._shown), group="pages")

    # ------------------------------------------------------------ moving

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Opening is offered only where rows lead somewhere."""
        return self.opens if action == "open" else True

    def action_move(self, rows: int) -> None:
        """Move the cursor by so many rows."""
        self._go(self.cursor + rows)

    def action_page(self, pages: int) -> None:
        """Move the cursor by so many screens."""
        self._go(self.cursor + pages * max(1, self.size.height - 2))

    def action_end(self, last: bool) -> None:
        """Move the cursor to the first or last row."""
        self._go(self.count - 1 if last else 0)

    def action_open(self) -> None:
        """Open the row under the cursor."""
        if self.current is not None:
            self.post_message(RowOpened(self, self.cursor, self.current))

    def _go(self, index: int) -> None:
        index = max(0, min(index, self.count - 1))
        if index != self.cursor:
            self.cursor = index
            self._reveal()
            self.refresh()
            self._announce()

    def _reveal(self) -> None:
        height = max(1, self.scrollable_content_region.height - 1)
        top = int(self.scroll_y)
        wanted = min(max(top, self.cursor - height + 1), self.cursor)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, force=True, immediate=True)

    def _announce(self) -> None:
        self.post_message(RowHighlighted(self, self.cursor, self.current))

    def on_resize(self, event: events.Resize) -> None:
        """Keep the cursor on screen and never scroll sideways."""
        self._resize_rows(self.count)
        self._reveal()

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a second one opens, one on the heading sorts."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y == 0:
            self._heading_clicked(offset.x)
            return
        index = int(self.scroll_y) + offset.y - 1
        if index < self.count:
            self._go(index)
            if event.chain == 2 and self.opens:
                self.action_open()

    def _heading_clicked(self, x: int) -> None:
        at = GUTTER
        for column, width in self._columns():
            if at <= x < at + width + GAP and column.sort:
                self.post_message(HeaderChosen(self, column.sort))
            at += width + GAP
