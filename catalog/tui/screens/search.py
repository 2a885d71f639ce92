"""The search: a box, facets that count what it finds, results, and a preview."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.widget import Widget
from textual.widgets import Footer

from catalog import text
from catalog.errors import CatalogError, QueryError
from catalog.model import Count, Hit
from catalog.tui import snippets, terms
from catalog.tui.describe import Clock
from catalog.tui.listings import HITS
from catalog.tui.messages import (
    FacetToggled,
    HeaderChosen,
    HintTaken,
    LoadFailed,
    QueryEdited,
    RowHighlighted,
    RowOpened,
)
from catalog.tui.reader import Reader
from catalog.tui.screens.browse import BrowseScreen, copying
from catalog.tui.screens.menu import Menu
from catalog.tui.screens.panes import PANES, Pane, Panes
from catalog.tui.searching import Estate, First, asset_info, estate, facets, first_page, hints
from catalog.tui.widgets.facets import Facets, short
from catalog.tui.widgets.notice import Notice
from catalog.tui.widgets.preview import Preview
from catalog.tui.widgets.search_box import QueryInput, SearchBox
from catalog.tui.widgets.table import VirtualTable
from catalog.tui.widgets.top_bar import TopBar

DIM_AFTER = 0.15  # seconds a search may take before the old rows are dimmed
PREVIEW_AFTER = 0.05  # seconds the cursor rests before the preview is read


class SearchScreen(BrowseScreen):
    """Home. The query in the box is the whole state; facets, sorting and hints only edit it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # With priority, so that what is typed right behind the slash goes to the box already.
        Binding("slash", "focus_box", "search", key_display="/", tooltip="type a query", priority=True),
        Binding("f", "toggle_pane('facets')", "facets", tooltip="show or hide the facets"),
        Binding("p", "toggle_pane('preview')", "preview", tooltip="show or hide the preview"),
        Binding("s", "sort", "sort", tooltip="choose the order"),
        Binding("t", "trace", "trace", tooltip="what flows into this and out of it"),
        *copying(),
        Binding(
            "plus",
            "zoom",
            "zoom",
            show=False,
            key_display="+",
            tooltip="give this pane the whole screen, or end that",
        ),
        Binding("R", "refresh", "refresh", show=False, tooltip="read everything anew"),
        Binding("escape", "leave", "back", show=False, tooltip="end the zoom, or go to the results"),
    ]

    def __init__(
        self, readers: Mapping[str, Reader], clock: Clock, perf: Callable[[], float], location: str
    ) -> None:
        super().__init__()
        self._readers = readers
        self._clock = clock
        self._perf = perf
        self._location = location
        self._estate: Estate | None = None
        self._query = ""
        self._panes = Panes()
        self._empty = False
        self._crawls_ended = 0

    def compose(self) -> ComposeResult:
        """Top line, box, panes, keys."""
        yield TopBar()
        yield SearchBox(id="box")
        with Horizontal(id="body"):
            yield Facets(id="facets")
            with Container(id="work"):
                results: VirtualTable[Hit] = VirtualTable(HITS, id="results", opens=True)
                yield results
                yield Notice(id="notice")
                yield Preview(self._clock, id="preview")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Name the panes and read the catalog."""
        self.query_one("#facets").border_title = "Filter"
        self.query_one("#preview").border_title = "Preview"
        self.results.border_title = "Results"
        self.query_one("#notice").display = False
        self.set_focus(self.results)
        self.refresh_estate()
        self.search("")

    @property
    def results(self) -> VirtualTable[Hit]:
        """The table of results."""
        return self.query_one("#results", VirtualTable)

    # ------------------------------------------------------------ searching

    @work(exclusive=True, group="estate")
    async def refresh_estate(self) -> None:
        """Read which silos there are and how much the whole catalog holds."""
        try:
            self._estate = await self._readers["detail"].run(estate)
        except CatalogError as error:
            self._fail(error)
            return
        self.draw_bar()

    @work(exclusive=True, group="search")
    async def search(self, query: str, cursor: int = 0) -> None:
        """Show what a query finds; the rows of the previous one stay until its own are there."""
        started = self._perf()
        slow = self.set_timer(DIM_AFTER, partial(setattr, self.results, "stale", True))
        rows = self._readers["rows"]
        try:
            first = await rows.run(partial(first_page, query=query, counted=cursor > 0))
            seconds = self._perf() - started
            self._show_first(query, first, cursor)
            count = first.count
            if count is None:
                count = await rows.run(lambda _: first.results.count())
            self.results.recount(count.number, count.exact)
            self._tell(query, count, seconds)
            if not count.number:
                await self._explain(query)
        except CatalogError as error:
            self._fail(error)
        finally:
            slow.stop()
            self.results.stale = False

    def _show_first(self, query: str, first: First, cursor: int) -> None:
        parsed = terms.read(query)
        self._query = query
        self.query_one(SearchBox).show_error(None)
        table = self.results
        table.needles = terms.needles(parsed)
        table.sorted = (parsed.sort.field, parsed.sort.descending) if parsed.sort else None
        count = first.count or Count(len(first.rows), exact=False)
        read = partial(self._page, first)
        table.show(first.rows, count=count.number, exact=count.exact, fetch=read, cursor=cursor)
        self._put_notice(not first.rows)
        self.count_facets(query)

    async def _page(self, first: First, offset: int, limit: int) -> list[Hit]:
        return await self._readers["rows"].run(lambda _: first.results.page(offset, limit))

    @work(exclusive=True, group="facets")
    async def count_facets(self, query: str) -> None:
        """Count the facets of a query; they follow the results, they never hold them up."""
        try:
            found = await self._readers["facets"].run(partial(facets, query=query))
        except CatalogError:
            found = {}  # the search itself tells what is wrong
        self.query_one(Facets).show(found, terms.read(query))
        self.query_one(SearchBox).words.facets = found

    async def _explain(self, query: str) -> None:
        notice = self.query_one(Notice)
        known = await self._readers["detail"].run(estate)
        if not known.silos:
            notice.no_silos()
        elif not known.total.number and not query.strip():
            notice.no_assets(known.silos, self._clock)
        else:
            notice.no_hits(await self._readers["facets"].run(partial(hints, query=query)))

    def _fail(self, error: CatalogError) -> None:
        if isinstance(error, QueryError):
            self.query_one(SearchBox).show_error(error)
            return
        notice = self.query_one(Notice)
        notice.border_title = "Results"
        notice.failed(error)
        self._put_notice(True)

    def _tell(self, query: str, count: Count, seconds: float) -> None:
        noun = "Files" if "file" in terms.read(query).kinds else "Results"
        total = self._estate.total.number if self._estate and query.strip() and noun == "Results" else 0
        of = f" of {short(total)}" if total > count.number else ""
        took = "<1 ms" if seconds < 0.001 else f"{seconds * 1000:,.0f} ms"
        for pane in (self.results, self.query_one(Notice)):
            pane.border_title = f"{noun} {count}{of} · {took}"

    # ------------------------------------------------------------ what the user did

    @on(QueryEdited)
    def _query_edited(self, message: QueryEdited) -> None:
        self.search(message.query)

    @on(FacetToggled)
    def _facet_toggled(self, message: FacetToggled) -> None:
        box = self.query_one(SearchBox)
        box.put(terms.toggled(box.query_text, message.field, message.value))

    @on(HintTaken)
    def _hint_taken(self, message: HintTaken) -> None:
        self.query_one(SearchBox).put(message.query)

    @on(RowHighlighted, "#results")
    def _row_highlighted(self, message: RowHighlighted) -> None:
        preview = self.query_one(Preview)
        preview.show(message.row)
        self.refresh_bindings()
        if preview.display and message.row is not None and message.row.kind != "file":
            self.read_preview(message.row)

    @work(exclusive=True, group="preview")
    async def read_preview(self, hit: Hit) -> None:
        """Read the rest about a hit, once the cursor rests on it."""
        await asyncio.sleep(PREVIEW_AFTER)
        try:
            info = await self._readers["detail"].run(partial(asset_info, hit=hit))
        except CatalogError as error:
            self.post_message(LoadFailed(error))
            return
        self.query_one(Preview).show(hit, info)

    @on(RowOpened, "#results")
    def _row_opened(self, message: RowOpened) -> None:
        if message.row.kind != "file":
            self.catalog_app.open_asset(message.row)
        elif not self._panes.visible("preview"):
            self.action_toggle_pane("preview")

    @on(HeaderChosen, "#results")
    def _header_chosen(self, message: HeaderChosen) -> None:
        now = self.results.sorted
        flip = now is not None and now[0] == message.column and now[1]
        down = message.column != "name" if now is None or now[0] != message.column else not flip
        self._sort(message.column, down)

    def _sort(self, field: str | None, descending: bool = False) -> None:
        box = self.query_one(SearchBox)
        if field is None or field in terms.sorts(box.query_text):
            box.put(terms.sorted_by(box.query_text, field, descending))

    def action_sort(self) -> None:
        """Choose the order from a menu."""
        box = self.query_one(SearchBox)
        orders: list[tuple[str | None, bool]] = [(None, False)]
        orders += [(name, down) for name in terms.sorts(box.query_text) for down in (True, False)]
        lines = [Text(_order_words(name, down)) for name, down in orders]
        now = orders.index(self.results.sorted) if self.results.sorted in orders else 0

        def take(index: int | None) -> None:
            if index is not None:
                self._sort(*orders[index])

        self.app.push_screen(Menu("Sort by", lines, now), take)

    def on_screen_resume(self) -> None:
        """Show what crawls have found meanwhile."""
        self.crawls_moved()

    def crawls_moved(self) -> None:
        """A crawl ended: what is on screen may be out of date."""
        super().crawls_moved()
        if self._crawls_ended != self.catalog_app.crawls_ended:
            self._crawls_ended = self.catalog_app.crawls_ended
            self.action_refresh()

    def action_refresh(self) -> None:
        """Read everything anew; the cursor stays on its line."""
        self.refresh_estate()
        self.search(self._query, self.results.cursor)

    def action_trace(self) -> None:
        """Show what is around the result under the cursor."""
        hit = self.results.current
        if hit is not None:
            self.catalog_app.open_trace(hit.id, hit.name)

    def ask(self, query: str) -> None:
        """Search for something, as if it had been typed."""
        self.query_one(SearchBox).put(query)
        self.set_focus(self.results)

    def copies(self) -> list[tuple[str, str]]:
        """Copying is about the result under the cursor."""
        hit = self.results.current
        return snippets.choices(hit, self.catalog_app.other_db) if hit is not None else []

    # ------------------------------------------------------------ panes

    def on_resize(self, event: events.Resize) -> None:
        """Arrange the panes for the new size."""
        self._panes.resize(event.size.width, event.size.height)
        self._arrange()

    def action_toggle_pane(self, pane: Pane) -> None:
        """Show or hide the facets or the preview."""
        self._panes.toggle(pane)
        self._arrange()
        target = self.query_one(f"#{pane}")
        if pane == "facets" and target.display:
            self.set_focus(target)

    def action_zoom(self) -> None:
        """Give the focused pane the whole body, or end that."""
        focused = self.focused.id if self.focused else None
        self._panes.zoom(next((pane for pane in PANES if pane == focused), None))
        self._arrange()

    def action_leave(self) -> None:
        """End the zoom, or go to the results."""
        if self._panes.zoomed:
            self.action_zoom()
        self.action_focus_results()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In the box a slash is a character; a single file has no lineage."""
        if action == "trace":
            return self.results.current is None or self.results.current.kind != "file"
        return not (action == "focus_box" and isinstance(self.focused, QueryInput))

    def action_focus_box(self) -> None:
        """Type a query."""
        self.set_focus(self.query_one(QueryInput))

    def action_focus_results(self) -> None:
        """Go to the results, or to what stands in their place."""
        choices = self.query_one("#notice-choices")
        self.set_focus(choices if self._empty and choices.display else self.results)

    def action_pane(self, step: int) -> None:
        """Move to the pane on the left or right."""
        shown: list[Widget] = [self.query_one(f"#{pane}") for pane in PANES if self._panes.visible(pane)]
        ids = [widget.id for widget in shown]
        at = ids.index(self.focused.id) if self.focused and self.focused.id in ids else ids.index("results")
        self.set_focus(shown[max(0, min(at + step, len(shown) - 1))])

    def _put_notice(self, empty: bool) -> None:
        self._empty = empty
        self._arrange()

    def _arrange(self) -> None:
        for shape in ("narrow", "medium", "wide"):
            self.set_class(self._panes.shape == shape, f"-{shape}")
        for pane in PANES:
            self.query_one(f"#{pane}").display = self._panes.visible(pane)
        results = self._panes.visible("results")
        self.query_one("#work").display = results or self._panes.visible("preview")
        self.results.display = results and not self._empty
        self.query_one("#notice").display = results and self._empty
        preview = self.query_one(Preview)
        preview.display = preview.display and not self._empty
        if preview.display and self.results.current is not None and preview.incomplete:
            self.read_preview(self.results.current)
        if self.focused is not None and not self.focused.display:
            self.action_focus_results()

    def place(self) -> tuple[list[str], str]:
        """The catalog, and how fresh what it knows is."""
        parts = [self._location]
        if self._estate is not None:
            silos = self._estate.silos
            crawled = [silo.last_crawl_ns for silo in silos if silo.last_crawl_ns is not None]
            parts.append(text.plural(len(silos), "silo"))
            if crawled:
                parts.append(f"crawled {self._clock.age(max(crawled))}")
            cut_short = sum(silo.last_state in ("partial", "failed", "cancelled") for silo in silos)
            if cut_short:
                parts.append(f"! {cut_short} incomplete")
        return [], " · ".join(parts)


def _order_words(field: str | None, descending: bool) -> str:
    if field is None:
        return "best match first"
    ends = {"modified": ("newest", "oldest"), "name": ("z to a", "a to z")}.get(field, ("most", "fewest"))
    if field == "size":
        ends = ("largest", "smallest")
    return f"{field:<9} {'↓' if descending else '↑'} {ends[0 if descending else 1]}"
