"""The impact list: everything downstream of an asset or a silo, in pages, to sort, to copy and to export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer

from catalog import text
from catalog.errors import CatalogError
from catalog.model.lineage import Affected, Node
from catalog.tui import impact_csv
from catalog.tui.cells import shown
from catalog.tui.describe import Clock
from catalog.tui.lineage_lists import IMPACT
from catalog.tui.lineage_words import HOW_TO, edge_told, name
from catalog.tui.messages import HeaderChosen, LoadFailed, RowHighlighted, RowOpened
from catalog.tui.reader import Reader
from catalog.tui.screens.lineage import LineageScreen
from catalog.tui.screens.menu import Menu
from catalog.tui.screens.prompt import Prompt
from catalog.tui.tracing import Downstream, downstream
from catalog.tui.widgets.edge_pane import EdgePane
from catalog.tui.widgets.table import VirtualTable
from catalog.tui.widgets.top_bar import TopBar

if TYPE_CHECKING:
    from catalog.api.lineage import Order

COPIED = 10_000  # rows of a list that can be copied; a longer one is exported to a file
ORDERS: dict[Order, str] = {"hop": "nearest first", "kind": "by kind", "name": "by name", "silo": "by silo"}


class ImpactScreen(LineageScreen):
    """All that is downstream. `reference` is an asset's id, or a silo's name."""

    not_here = frozenset({"whole", "impact"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sort", "sort", tooltip="choose the order"),
        Binding("e", "export", "export", tooltip="write the list to a CSV file"),
        Binding("E", "copy_list", "copy list", show=False, tooltip="copy the list as CSV"),
    ]

    def __init__(
        self, reference: int | str, label: str, trail: list[str], readers: Mapping[str, Reader], clock: Clock,
        at_ns: int | None,
    ) -> None:  # fmt: skip
        super().__init__(trail, at_ns)
        self._reference = reference
        self._label = label
        self._readers = readers
        self._clock = clock
        self._order: Order = "hop"
        self._found: Downstream | None = None

    def compose(self) -> ComposeResult:
        """Top line, the list, how it was reached, keys."""
        yield TopBar()
        table: VirtualTable[Affected] = VirtualTable(IMPACT, id="list", empty="looking downstream…", opens=True)
        yield table
        yield EdgePane()
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Read the list."""
        self.table.border_title = self.titled("Downstream of", self._label)
        self.set_focus(self.table)
        self.load()

    @property
    def table(self) -> VirtualTable[Affected]:
        """The list."""
        return self.query_one("#list", VirtualTable)

    @property
    def title_here(self) -> str:
        """What the top line calls this page."""
        return "impact"

    def again(self) -> ImpactScreen:
        """The same list."""
        return ImpactScreen(self._reference, self._label, self._trail, self._readers, self._clock, self.at_ns)

    @work(exclusive=True, group="load")
    async def load(self) -> None:
        """Find everything downstream, and show the first page of it."""
        read = partial(downstream, reference=self._reference, order=self._order, at=self.at_ns)
        try:
            found = await self._readers["lineage"].run(read)
        except CatalogError as error:
            self.table.empty = f"✗ {shown(error.message)}"
            self.table.show([])
            self.post_message(LoadFailed(error))
            return
        order = self._order

        async def fetch(offset: int, limit: int) -> Sequence[Affected]:
            return await self._readers["lineage"].run(lambda _: list(found.impact.page(offset, limit, order)))

        self._found = found
        now = self.at_ns is None
        self.table.empty = f"nothing downstream is known yet ({HOW_TO})" if now else "nothing downstream was known then"
        self.table.sorted = None if order == "hop" else (order, False)
        self.table.show(found.first, count=found.count, fetch=fetch)
        kinds = ", ".join(text.plural(number, kind) for kind, number in found.kinds.items())
        self.table.border_title = self.titled("Downstream of", self._label, f": {kinds}" if kinds else "")

    # ------------------------------------------------------------ what the user did

    @on(RowHighlighted)
    def _row_highlighted(self, message: RowHighlighted) -> None:
        row: Affected | None = message.row
        self.query_one(EdgePane).show("Reached by", lambda width: edge_told(row.edge, width) if row else Text())

    @on(RowOpened)
    def _row_opened(self, message: RowOpened) -> None:
        self.catalog_app.open_trace(message.row.node.id, name(message.row.node), self.at_ns)

    def action_sort(self) -> None:
        """Choose the order from a menu."""
        orders = list(ORDERS)

        def take(index: int | None) -> None:
            if index is not None:
                self.sort_by(orders[index])

        lines = [Text(words) for words in ORDERS.values()]
        self.app.push_screen(Menu("Sort", lines, orders.index(self._order)), take)

    @on(HeaderChosen)
    def _header_chosen(self, message: HeaderChosen) -> None:
        self.sort_by(next(order for order in ORDERS if order == message.column))

    def sort_by(self, order: Order) -> None:
        """Show the list in another order."""
        self._order = order
        self.load()

    def action_export(self) -> None:
        """Ask for a file, and write the list there in the order that is shown."""

        def wrong(answer: str) -> str | None:
            taken = Path(answer).expanduser().exists() if answer else False
            return "Name a file." if not answer else "That file exists already." if taken else None

        def take(answer: str | None) -> None:
            if answer is not None:
                self.write(Path(answer).expanduser())

        self.app.push_screen(Prompt("Export as CSV", "A new file.", impact_csv.file_name(self._label), wrong), take)

    @work(exclusive=True, group="export")
    async def write(self, path: Path) -> None:
        """Write the list, a page at a time."""
        found, order = self._found, self._order
        if found is None:
            return
        try:
            await self._readers["lineage"].run(lambda _: impact_csv.write(path, found.rows(order)))
        except OSError as error:
            why = shown(f"{path}: {error.strerror or error}")
            self.notify(why, title="✗ not written", severity="error", markup=False)
        except CatalogError as error:
            self.post_message(LoadFailed(error))
        else:
            self.notify(shown(str(path)), title=f"✓ {text.plural(found.count, 'row')} written", markup=False)

    @work(exclusive=True, group="export")
    async def action_copy_list(self) -> None:
        """Copy the whole list, while a clipboard may hold it."""
        found, order = self._found, self._order
        if found is None or found.count > COPIED:
            self.notify(f"More than {COPIED:,} rows are too many to copy: e writes them to a file.", markup=False)
            return
        try:
            whole = await self._readers["lineage"].run(lambda _: impact_csv.as_text(found.rows(order)))
        except CatalogError as error:
            self.post_message(LoadFailed(error))
            return
        self.catalog_app.copy_text(whole)

    def about(self) -> tuple[int, str] | None:
        """Nothing leads on from a list but its rows."""
        return None

    def action_pane(self, step: int) -> None:
        """There is one pane."""

    def chosen(self) -> Node | None:
        """The asset of the row under the cursor."""
        row = self.table.current
        return row.node if row is not None else None
