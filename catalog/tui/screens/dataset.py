"""The page of one asset: what it is, its schema, its files, its versions, and what is next to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer, Input, Static, TabbedContent, TabPane

from catalog.errors import CatalogError
from catalog.model import AssetInfo, Count, FileInfo, Hit, VersionInfo
from catalog.tui import snippets
from catalog.tui.cells import shown
from catalog.tui.describe import Clock, page_head
from catalog.tui.lineage_lists import LINEAGE
from catalog.tui.lineage_words import HOW_TO, name
from catalog.tui.listings import FIELDS, FILES, VERSIONS, FieldRow, VersionRow, beside, field_columns, version_columns
from catalog.tui.messages import LoadFailed, RowOpened
from catalog.tui.reader import Reader
from catalog.tui.screens.browse import PageScreen, copying
from catalog.tui.tracing import Neighbour, edges_of, read_focus
from catalog.tui.widgets.table import PAGE, VirtualTable
from catalog.tui.widgets.top_bar import TopBar

if TYPE_CHECKING:
    from catalog.api import Catalog, FileList

TABS = ("schema", "files", "versions", "lineage")


@dataclass(frozen=True, slots=True)
class Page:
    """What one visit reads; `files` is read on in the same reader."""

    info: AssetInfo
    versions: list[VersionInfo]
    files: FileList
    first_files: list[FileInfo]
    file_count: Count


def read_page(cat: Catalog, reference: str) -> Page:
    """Read an asset's page; the files only as far as the first screen needs."""
    asset = cat.dataset(reference)
    files = asset.files()
    return Page(asset.info, list(asset.versions), files, files.page(0, PAGE), files.count())


class FilterInput(Input):
    """Filters the schema while typing; leaves to the list below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,down", "screen.focus_list", "columns", key_display="enter ↓"),
        Binding("escape", "leave", "clear"),
    ]

    def action_leave(self) -> None:
        """Drop the filter, then the focus."""
        self.value = ""
        self.screen.run_worker(self.screen.run_action("focus_list"))


class DatasetScreen(PageScreen):
    """One asset. `trail` names the pages between home and this one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "back", "back", show=False, key_display="["),
        Binding("slash", "filter", "filter", key_display="/", tooltip="filter the columns", priority=True),
        Binding("t", "trace", "trace", tooltip="what flows into this and out of it"),
        *copying(),
        Binding("R", "refresh", "refresh", show=False, tooltip="read everything anew"),
    ]

    def __init__(self, hit: Hit, trail: Sequence[str], reader: Reader, clock: Clock) -> None:
        super().__init__()
        self.hit = hit
        self._trail = list(trail)
        self._reader = reader
        self._clock = clock
        self._fields: list[FieldRow] = []
        self._info: AssetInfo | None = None

    def compose(self) -> ComposeResult:
        """Top line, head, tabs, keys."""
        yield TopBar()
        yield Static(id="head", markup=False)
        with TabbedContent(id="tabs"):
            with TabPane("Schema", id="schema"):
                filter_box = FilterInput(
                    placeholder="/ filters columns by name or type", id="filter", compact=True
                )
                filter_box.cursor_blink = False
                yield filter_box
                fields: VirtualTable[FieldRow] = VirtualTable(FIELDS, id="schema-list", empty="loading…")
                yield fields
            with TabPane("Files", id="files"):
                files: VirtualTable[FileInfo] = VirtualTable(FILES, id="files-list", empty="loading…")
                yield files
            with TabPane("Versions", id="versions"):
                versions: VirtualTable[VersionRow] = VirtualTable(
                    VERSIONS, id="versions-list", empty="loading…"
                )
                yield versions
            with TabPane("Lineage", id="lineage"):
                lineage: VirtualTable[Neighbour] = VirtualTable(
                    LINEAGE, id="lineage-list", empty="loading…", opens=True
                )
                yield lineage
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Show what the hit says at once, and read the rest."""
        self._draw_head()
        self.set_focus(self._table("schema"))
        self.load()

    def on_resize(self, event: events.Resize) -> None:
        """Low screens do without blank lines."""
        self.set_class(event.size.height <= 24, "-low")

    def place(self) -> tuple[list[str], str]:
        """The pages before it, and its silo and kind."""
        return [*self._trail, self.hit.name], f"{self.hit.silo} · {self.hit.kind}"

    @work(exclusive=True, group="page")
    async def load(self) -> None:
        """Read the page and fill the tabs."""
        try:
            page = await self._reader.run(lambda cat: read_page(cat, str(self.hit.id)))
        except CatalogError as error:
            self._failed(TABS, error)
            return
        self._info, self.hit = page.info, page.info.hit
        self._draw_head()
        labels = {label.path: label for label in page.info.labels or ()}
        self._fields = [FieldRow(i, field, labels.get(field.path)) for i, field in enumerate(page.info.fields, 1)]
        table: VirtualTable[FieldRow] = self.query_one("#schema-list", VirtualTable)
        table.columns = field_columns(self._fields)
        self._filter(self.query_one(FilterInput).value)
        self._show_files(page)
        versions: VirtualTable[VersionRow] = self.query_one("#versions-list", VirtualTable)
        versions.empty = "no versions yet"
        history = beside(page.versions)
        versions.columns = version_columns(history)
        versions.show(history)
        self._title("schema", f"Schema {len(self._fields):,}")
        self._title("files", f"Files {page.file_count}")
        self._title("versions", f"Versions {len(page.versions):,}")
        self.load_lineage()

    @work(exclusive=True, group="lineage")
    async def load_lineage(self) -> None:
        """Read what is one edge away, as much of it as one page holds."""
        try:
            focus = await self._reader.run(partial(read_focus, asset=self.hit.id))
        except CatalogError as error:
            self._failed(["lineage"], error)
            return
        table = self._table("lineage")
        table.empty = f"nothing is known yet; events and records of runs tell more: {HOW_TO}"
        table.show([*focus.up, *focus.down])
        self._title("lineage", f"Lineage ↑{edges_of(focus.node, 'up')} ↓{edges_of(focus.node, 'down')}")

    def _failed(self, tabs: Sequence[str], error: CatalogError) -> None:
        for tab in tabs:
            self._table(tab).empty = f"✗ {shown(error.message)}"
            self._table(tab).show([])
        self.post_message(LoadFailed(error))

    def _show_files(self, page: Page) -> None:
        async def fetch(offset: int, limit: int) -> list[FileInfo]:
            return await self._reader.run(lambda _: page.files.page(offset, limit))

        table = self._table("files")
        table.empty = "no files"
        table.show(page.first_files, count=page.file_count.number, exact=page.file_count.exact, fetch=fetch)

    def _draw_head(self) -> None:
        self.query_one("#head", Static).update(page_head(self.hit, self._info, self._clock))

    def _table(self, tab: str) -> VirtualTable[object]:
        return self.query_one(f"#{tab}-list", VirtualTable)

    def _title(self, tab: str, title: str) -> None:
        self.query_one("#tabs", TabbedContent).get_tab(tab).label = title

    # ------------------------------------------------------------ what the user did

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        if self._info is not None:
            self._filter(event.value)

    def _filter(self, value: str) -> None:
        wanted = value.lower().split()
        table = self._table("schema")
        kept = [
            row
            for row in self._fields
            if all(word in row.words for word in wanted)
        ]
        table.needles = wanted
        table.empty = (
            "no column has that" if self._fields else "no columns known: content was not read, or has none"
        )
        table.show(kept)
        whole = f"Schema {len(self._fields):,}"
        self._title("schema", f"Schema {len(kept):,} of {len(self._fields):,}" if wanted else whole)

    @on(TabbedContent.TabActivated)
    def _tab_activated(self, event: TabbedContent.TabActivated) -> None:
        if not isinstance(self.focused, Input):
            self.action_focus_list()

    def action_focus_list(self) -> None:
        """Go to the list of the open tab."""
        self.set_focus(self._table(self.query_one("#tabs", TabbedContent).active or TABS[0]))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In the filter a slash is a character."""
        return not (action == "filter" and isinstance(self.focused, FilterInput))

    def action_filter(self) -> None:
        """Type a filter for the columns."""
        self.query_one("#tabs", TabbedContent).active = "schema"
        self.set_focus(self.query_one(FilterInput))

    def action_pane(self, step: int) -> None:
        """Open the next tab."""
        tabs = self.query_one("#tabs", TabbedContent)
        at = TABS.index(tabs.active) if tabs.active in TABS else 0
        tabs.active = TABS[max(0, min(at + step, len(TABS) - 1))]

    @on(RowOpened, "#lineage-list")
    def _neighbour_opened(self, message: RowOpened) -> None:
        self.catalog_app.open_trace(message.row.node.id, name(message.row.node))

    def action_trace(self) -> None:
        """Show what is around this asset."""
        self.catalog_app.open_trace(self.hit.id, self.hit.name)

    def action_refresh(self) -> None:
        """Read the page anew."""
        self.load()

    @property
    def title_here(self) -> str:
        """Its name."""
        return self.hit.name

    def again(self) -> DatasetScreen:
        """The same page, to be shown anew."""
        return DatasetScreen(self.hit, self._trail, self._reader, self._clock)

    def copies(self) -> list[tuple[str, str]]:
        """Copying is about this asset."""
        return snippets.choices(self.hit, self.catalog_app.other_db)
