"""The silos: what is registered, how their last crawls went, and what can be done with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType

from catalog import text
from catalog.errors import CatalogError
from catalog.model import CrawlMode, SiloInfo
from catalog.model.lineage import Layer
from catalog.tui import snippets
from catalog.tui.background import in_a_thread
from catalog.tui.cells import shown
from catalog.tui.crawl_line import line_of
from catalog.tui.crawl_lists import silo_columns
from catalog.tui.describe import Clock
from catalog.tui.messages import RowOpened
from catalog.tui.reader import Reader
from catalog.tui.screens.browse import copying
from catalog.tui.screens.sorting import SortedRows
from catalog.tui.screens.split import SplitScreen
from catalog.tui.silo_words import SiloLine
from catalog.tui.widgets.crawl_detail import SiloDetail
from catalog.tui.widgets.detail import Detail
from catalog.tui.widgets.notice import Notice
from catalog.tui.widgets.table import VirtualTable

if TYPE_CHECKING:
    from catalog.api import Catalog, CrawlRow
    from catalog.model.schedules import ScheduleInfo
    from catalog.silos.base import Reached


def read_silos(cat: Catalog) -> tuple[list[SiloInfo], Mapping[str, CrawlRow], list[ScheduleInfo]]:
    """The silos, the last crawl of each by its name, and what crawls them regularly."""
    return cat.silos(), {row.silo: row for row in cat.last_crawls()}, cat.schedules()


class SilosScreen(SortedRows, SplitScreen):
    """Every silo. `enter` searches what it holds."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "crawl('normal')", "crawl", tooltip="crawl this silo now"),
        Binding("C", "crawl('quick')", "quick", tooltip="crawl it, passing over folders whose time has not changed"),
        Binding("r", "reach", "reach", tooltip="test the connection: reach it and look at its first files"),
        Binding("i", "impact", "impact", show=False, tooltip="all that is downstream of this silo"),
        Binding("s", "sort", "sort", tooltip="choose the order"),
        *copying("the URL", "the URL, a command or Python"),
    ]  # fmt: skip

    detail_title = "Silo"
    row_actions = frozenset({"crawl", "reach", "impact", "sort", "copy", "copy_as"})

    def __init__(self, readers: Mapping[str, Reader], clock: Clock, perf: Callable[[], float], location: str) -> None:
        super().__init__()
        self._reader = readers["rows"]
        self._clock = clock
        self._perf = perf
        self._location = location
        self._lines: list[SiloLine] = []
        self._reached: dict[int, tuple[str, ...]] = {}
        self._layers: dict[int, tuple[Layer, ...]] = {}

    def make_list(self) -> VirtualTable[Any]:
        """The silos."""
        return VirtualTable(silo_columns(self._clock), id="list", opens=True)

    def make_detail(self) -> Detail:
        """One silo."""
        return SiloDetail(self._clock, self._perf, id="detail")

    async def read(self) -> bool:
        """Read the silos and their last crawls."""
        silos, last, schedules = await self._reader.run(read_silos)
        crawler, regular = self.catalog_app.crawler, defaultdict(list)
        for schedule in schedules:
            regular[schedule.silo_id].append(schedule)
        self._lines = [
            SiloLine(
                info,
                line_of(last.get(info.name), crawler.job(info.name)),
                self._reached.get(info.id, ()),
                self._layers.get(info.id, ()),
                tuple(regular[info.id]),
            )
            for info in silos
        ]
        self.put_rows(self._lines)
        self.rows.border_title = f"Silos {len(silos):,}"
        if not silos:
            self.query_one(Notice).no_silos()
        return bool(silos)

    def show_row(self, row: SiloLine | None) -> None:
        """Describe a silo."""
        self.query_one(SiloDetail).show(row)

    def goes_on(self) -> bool:
        """Whether any silo is being crawled."""
        return any(line.crawl.runs for line in self._lines) or bool(self.catalog_app.crawler.jobs)

    def place(self) -> tuple[list[str], str]:
        """The catalog, and what all silos hold together."""
        counted = [line.info for line in self._lines if line.info.files is not None]
        held = f" · {text.plural(sum(info.files or 0 for info in counted), 'file')}" if counted else ""
        return [], f"{self._location}{held}"

    # ------------------------------------------------------------ what the user did

    @on(RowOpened, "#list")
    def _row_opened(self, message: RowOpened) -> None:
        self.catalog_app.search_in(message.row.info.name)

    def action_crawl(self, mode: CrawlMode) -> None:
        """Crawl the silo under the cursor."""
        line = self.rows.current
        if line is not None:
            self.catalog_app.start_crawl(line.info.name, mode)
            self.load()

    def action_impact(self) -> None:
        """Show what hangs on the silo under the cursor."""
        line = self.rows.current
        if line is not None:
            self.catalog_app.open_impact(line.info.name, line.info.name)

    @work(exclusive=True, group="reach")
    async def action_reach(self) -> None:
        """Reach the silo under the cursor, and say what came of it."""
        line = self.rows.current
        if line is None:
            return
        info, origin = line.info, self.catalog_app.cat
        self._tell(info, ("reaching it …",))

        def reach() -> Reached:
            with origin.fork() as own:
                return own.test_silo(info.name)

        try:
            found = await in_a_thread(reach)
        except CatalogError as error:
            self._tell(info, (f"✗ {error.message}", *([error.hint] if error.hint else ())))
            return
        self._layers[info.id] = found.layers
        readable = "files can be read" if found.readable else "! files could not be read"
        first = ", ".join(found.sample) or "nothing there"
        told = f"✓ reached in {found.seconds * 1000:,.0f} ms, {readable}"
        self._tell(info, (told, f"as {found.identity}", f"first: {first}"))

    def _tell(self, info: SiloInfo, words: tuple[str, ...]) -> None:
        self._reached[info.id] = words
        if len(words) > 1:
            self.notify(shown(words[0]), title=shown(info.name), markup=False,
                        severity="error" if words[0].startswith("✗") else "information")  # fmt: skip
        self.load()

    def copies(self) -> list[tuple[str, str]]:
        """Copying is about the silo under the cursor."""
        line = self.rows.current
        return snippets.silo_choices(line.info, self.catalog_app.other_db) if line is not None else []
