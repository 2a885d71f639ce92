"""The crawls: those that run, with how far they are, and the history, newest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.text import Text
from textual.binding import Binding, BindingType

from catalog.model import CrawlMode
from catalog.tui import snippets
from catalog.tui.cells import shown
from catalog.tui.crawl_line import CrawlLine, line_of
from catalog.tui.crawl_lists import crawl_columns
from catalog.tui.describe import Clock
from catalog.tui.reader import Reader
from catalog.tui.screens.browse import copying
from catalog.tui.screens.menu import Menu
from catalog.tui.screens.split import SplitScreen
from catalog.tui.widgets.crawl_detail import CrawlDetail
from catalog.tui.widgets.detail import Detail
from catalog.tui.widgets.notice import Notice
from catalog.tui.widgets.table import PAGE, VirtualTable

if TYPE_CHECKING:
    from catalog.api import Catalog, CrawlRow


def read_first(cat: Catalog) -> tuple[list[CrawlRow], int]:
    """The newest crawls, and how many there are in all."""
    return cat.crawls(PAGE), cat.count_crawls()


class CrawlsScreen(SplitScreen):
    """Crawls of all silos. What waits in this UI stands on top."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "crawl('normal')", "crawl again", tooltip="crawl this silo again, the same part of it"),
        Binding("C", "crawl('quick')", "quick", tooltip="crawl it, passing over folders whose time has not changed"),
        Binding("x", "stop", "stop", tooltip="stop this crawl; what was stored stays"),
        *copying("the command that crawls it again", "the command or the report"),
    ]  # fmt: skip

    detail_title = "Crawl"
    row_actions = frozenset({"crawl", "copy", "copy_as"})

    def __init__(self, readers: Mapping[str, Reader], clock: Clock, perf: Callable[[], float], location: str) -> None:
        super().__init__()
        self._reader = readers["rows"]
        self._clock = clock
        self._perf = perf
        self._location = location
        self._alive = 0

    def make_list(self) -> VirtualTable[Any]:
        """The crawls."""
        return VirtualTable(crawl_columns(self._clock, self._perf), id="list")

    def make_detail(self) -> Detail:
        """One crawl."""
        return CrawlDetail(self._clock, self._perf, id="detail")

    async def read(self) -> bool:
        """Read the newest crawls; further ones are read when they are scrolled to."""
        found, total = await self._reader.run(read_first)
        waiting = [CrawlLine(None, job) for job in self.catalog_app.crawler.jobs if job.began is None]

        async def fetch(offset: int, limit: int) -> Sequence[CrawlLine]:
            rows = await self._reader.run(lambda cat: cat.crawls(limit, offset - len(waiting)))
            return self._lines(rows)

        lines = [*waiting, *self._lines(found)][:PAGE]
        kept = self._index_of_current(lines)
        self.rows.renew(lines, count=len(waiting) + total, fetch=fetch)
        if kept is not None:
            self.rows.action_move(kept - self.rows.cursor)
        self._alive = sum(line.runs for line in lines)
        running = f" · {self._alive:,} running" if self._alive else ""
        self.rows.border_title = f"Crawls {total:,}{running}"
        if not lines:
            self.query_one(Notice).no_crawls()
        return bool(lines)

    def _lines(self, rows: Sequence[CrawlRow]) -> list[CrawlLine]:
        return [line_of(row, self.catalog_app.crawler.job(row.silo) if row.alive else None) for row in rows]

    def _index_of_current(self, lines: Sequence[CrawlLine]) -> int | None:
        """Where the crawl under the cursor stands now; at the top the cursor stays at the top."""
        now = cast("CrawlLine | None", self.rows.current)
        if now is None or self.rows.cursor == 0:
            return None
        return next((index for index, line in enumerate(lines) if line.key == now.key), None)

    def show_row(self, row: CrawlLine | None) -> None:
        """Describe a crawl."""
        self.query_one(CrawlDetail).show(row)

    def goes_on(self) -> bool:
        """Whether any crawl runs, here or elsewhere."""
        return self._alive > 0 or bool(self.catalog_app.crawler.jobs)

    def place(self) -> tuple[list[str], str]:
        """The catalog."""
        return [], self._location

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only a crawl that runs can be stopped."""
        if action == "stop":
            return self.rows.current is not None and self.rows.current.runs
        return super().check_action(action, parameters)

    # ------------------------------------------------------------ what the user did

    def action_crawl(self, mode: CrawlMode) -> None:
        """Crawl the silo of the crawl under the cursor again."""
        line = self.rows.current
        if line is not None:
            self.catalog_app.start_crawl(line.silo, mode, line.prefix)
            self.load()

    def action_stop(self) -> None:
        """Stop the crawl under the cursor, after asking."""
        line = self.rows.current
        if line is None:
            return
        job = line.job
        if job is None:
            self.notify(f"It runs in another process ({shown(line.row.worker)}): stop it there.", markup=False)
            return

        def answered(index: int | None) -> None:
            if index == 1:
                job.asked_to_stop.set()
                self.load()

        choices = [Text("let it go on"), Text("stop it; what was stored stays")]
        self.app.push_screen(Menu(f"Crawl of {shown(job.silo, 40)}", choices), answered)

    def copies(self) -> list[tuple[str, str]]:
        """Copying is about the command that crawls this again, and the report."""
        line = self.rows.current
        return snippets.crawl_choices(line, self.catalog_app.other_db) if line is not None else []
