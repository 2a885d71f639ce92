"""The application: the screens' common ground, and nothing that one of them can do alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from catalog import config
from catalog.errors import CatalogError, StoreBusy
from catalog.model import CrawlMode, Hit
from catalog.text import plural
from catalog.tui import clipboard, terms
from catalog.tui.cells import shown
from catalog.tui.crawl_words import ended
from catalog.tui.crawler import Crawler, CrawlJob
from catalog.tui.describe import Clock
from catalog.tui.messages import CrawlEnded, ModeChosen
from catalog.tui.modes import MODES, SEARCH
from catalog.tui.reader import Reader
from catalog.tui.screens.browse import BrowseScreen, PageScreen
from catalog.tui.screens.crawls import CrawlsScreen
from catalog.tui.screens.dataset import DatasetScreen
from catalog.tui.screens.help import HelpScreen
from catalog.tui.screens.impact import ImpactScreen
from catalog.tui.screens.lineage import LineageScreen
from catalog.tui.screens.menu import Menu
from catalog.tui.screens.search import SearchScreen
from catalog.tui.screens.silos import SilosScreen
from catalog.tui.screens.trace import Point, TraceScreen
from catalog.tui.screens.trace_tree import WholeTraceScreen
from catalog.tui.themes import DARK, LIGHT

if TYPE_CHECKING:
    from catalog.api import Catalog

Copy = Callable[[str, Callable[[str], None]], clipboard.Copied]


class CatalogApp(App[None]):
    """The terminal UI on one catalog. `clock`, `perf` (seconds) and `location` can be fixed for pictures."""

    TITLE = "Silograph"
    CSS_PATH: ClassVar[str | Path] = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    DEFAULT_MODE = SEARCH.name
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(mode.key, f"mode({mode.name!r})", f"go to {mode.name.lower()}", show=False, tooltip=mode.shows)
            for mode in MODES
        ),
        Binding(
            "question_mark",
            "help",
            "help",
            key_display="?",
            tooltip="keys of this place, and the query language",
        ),
        Binding("right_square_bracket", "forward", "forward", show=False, key_display="]"),
        Binding("q", "quit", "quit"),
    ]

    def __init__(
        self,
        cat: Catalog,
        *,
        clock: Clock | None = None,
        perf: Callable[[], float] = time.perf_counter,
        copy: Copy = clipboard.copy,
        location: str | None = None,
    ) -> None:
        super().__init__()
        self.cat = cat
        self.clock = clock or Clock()
        self.perf = perf
        self.readers = {name: Reader(cat, name) for name in ("rows", "facets", "detail", "lineage")}
        self._copy = copy
        self._location = location or _from_home(cat.location)
        self._forward: dict[str, list[PageScreen]] = {mode.name: [] for mode in MODES}
        self.other_db = _other_db(cat)
        self.crawls_ended = 0
        self.crawler = Crawler(cat, perf, self._crawl_ended)
        where = (self.readers, self.clock, self.perf, self._location)
        for mode, screen in zip(MODES, (SearchScreen, SilosScreen, CrawlsScreen)):
            self.add_mode(mode.name, partial(screen, *where))

    def on_mount(self) -> None:
        """Take the colours."""
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = DARK.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The two greys that the stylesheet needs and other themes do not have."""
        return {"quiet": "#8b94a1", "faint": "#747d8a"}

    def on_unmount(self) -> None:
        """End the threads."""
        self.crawler.close()
        for reader in self.readers.values():
            reader.close()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: what the keys of this place do, then colours and leaving."""
        seen = {"quit", "help_quit", "command_palette"}
        for _, binding, enabled, tooltip in screen.active_bindings.values():
            text = tooltip or binding.tooltip
            if text and enabled and not binding.system and binding.action not in seen:
                seen.add(binding.action)
                yield SystemCommand(
                    binding.description.capitalize(),
                    text,
                    lambda action=binding.action: self._act(screen, action),
                )
        yield SystemCommand("Theme", "choose other colours", self.action_change_theme)
        yield SystemCommand("Quit", "leave", self.action_quit)

    def _act(self, screen: Screen[object], action: str) -> None:
        target = screen.focused or screen
        self.call_later(target.run_action, action)

    # ------------------------------------------------------------ going places

    def action_mode(self, name: str) -> None:
        """Go to a mode, as it was left; in it already, to its first screen."""
        if name != self.current_mode:
            self.switch_mode(name)
        else:
            self._go_home()

    def on_mode_chosen(self, message: ModeChosen) -> None:
        """A mode was clicked."""
        self.action_mode(message.mode)

    def open_asset(self, hit: Hit) -> None:
        """Show the page of an asset."""
        self.open_page(DatasetScreen(hit, self.trail(), self.readers["detail"], self.clock))

    def open_trace(self, asset: int, label: str, at_ns: int | None = None) -> None:
        """Show what is around an asset, in the trace that is open below if there is one."""
        below = self.screen_stack[-2] if len(self.screen_stack) > 1 else None
        if isinstance(below, TraceScreen) and isinstance(self.screen, LineageScreen):
            self.go_back()
            below.at_ns = at_ns
            below.refocus(Point(asset, label))
            return
        self.open_page(TraceScreen([Point(asset, label)], self.trail(), self.readers, self.clock, at_ns))

    def open_whole_trace(self, asset: int, label: str, at_ns: int | None = None) -> None:
        """Show everything around an asset, indented."""
        self.open_page(WholeTraceScreen(asset, label, self.trail(), self.readers, self.clock, at_ns))

    def open_impact(self, reference: int | str, label: str, at_ns: int | None = None) -> None:
        """Show everything downstream of an asset or a silo."""
        self.open_page(ImpactScreen(reference, label, self.trail(), self.readers, self.clock, at_ns))

    def trail(self) -> list[str]:
        """The titles of the pages that are open."""
        return [screen.title_here for screen in self.screen_stack if isinstance(screen, PageScreen)]

    def open_page(self, page: PageScreen) -> None:
        """Put a page above those of this mode."""
        self._forward[self.current_mode].clear()
        self.push_screen(page)

    def go_back(self) -> None:
        """Leave the page on top; forward leads there again."""
        if isinstance(self.screen, PageScreen):
            self._forward[self.current_mode].append(self.screen)
            self.pop_screen()

    def action_forward(self) -> None:
        """Return to the page that was left last."""
        forward = self._forward[self.current_mode]
        if forward and not self.screen.is_modal:
            self.push_screen(forward.pop().again())

    def search_in(self, silo: str) -> None:
        """Search what a silo holds."""
        if self.current_mode != SEARCH.name:
            self.switch_mode(SEARCH.name)
        self._go_home()
        if isinstance(self.screen, SearchScreen):
            self.screen.ask(terms.toggled("", "silo", silo))

    def _go_home(self) -> None:
        while isinstance(self.screen, PageScreen):
            self.go_back()

    # ------------------------------------------------------------ crawls

    def start_crawl(self, silo: str, mode: CrawlMode, prefix: str = "") -> None:
        """Crawl a silo in the background."""
        try:
            self.crawler.start(silo, mode, prefix)
        except StoreBusy as error:
            self.notify(shown(f"{error.message} {error.hint}"), severity="warning", markup=False)
            return
        self._crawls_moved()

    def _crawl_ended(self, job: CrawlJob) -> None:
        self.post_message(CrawlEnded(job))  # called in the crawling thread

    def on_crawl_ended(self, message: CrawlEnded) -> None:
        """Say how it ended, wherever the user is."""
        title, words, wrong = ended(message.job)
        self.notify(words, title=title, severity="error" if wrong else "information", markup=False)
        self.crawls_ended += 1
        self._crawls_moved()

    def _crawls_moved(self) -> None:
        if isinstance(self.screen, BrowseScreen):
            self.screen.crawls_moved()

    async def action_quit(self) -> None:
        """Leave, after asking when that stops a crawl."""
        if not self.crawler.jobs or self.screen.is_modal:
            self.exit()
            return

        def answered(index: int | None) -> None:
            if index == 1:
                self.exit()

        choices = [Text("stay"), Text("stop the crawl and quit; what was stored stays")]
        self.push_screen(Menu(f"{plural(len(self.crawler.jobs), 'crawl')} running here", choices), answered)

    def action_help(self) -> None:
        """Keys of this place and the query language."""
        if not self.screen.is_modal:
            self.push_screen(HelpScreen(self.screen.active_bindings))

    # ------------------------------------------------------------ copying

    @work(thread=True, group="copy", exclusive=True)
    def copy_text(self, text: str) -> None:
        """Copy text out of the terminal and tell what is known about where it went."""
        copied = self._copy(text, lambda t: self.call_from_thread(self.copy_to_clipboard, t))
        mark = "✓" if copied.sure else "→"
        self.call_from_thread(
            self.notify, f"{shown(text, 200)}", title=f"{mark} {copied.message}", markup=False
        )


def _other_db(cat: Catalog) -> str | None:
    """The catalog's file, where a bare `catalog` command would open another one."""
    try:
        usual = config.database_url() == cat.url
    except CatalogError:
        usual = False
    return None if usual or not cat.url.startswith("sqlite:") else cat.location


def _from_home(location: str) -> str:
    """A path below the home folder as `~/…`."""
    home = str(Path.home())
    return "~" + location[len(home) :] if location.startswith(home + "/") else location
