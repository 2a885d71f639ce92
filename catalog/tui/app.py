"""The application: the screens' common ground, and nothing that one of them can do alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from catalog import config
from catalog.errors import CatalogError
from catalog.model import Hit
from catalog.tui import clipboard
from catalog.tui.cells import shown
from catalog.tui.describe import Clock
from catalog.tui.reader import Reader
from catalog.tui.screens.dataset import DatasetScreen
from catalog.tui.screens.help import HelpScreen
from catalog.tui.screens.search import SearchScreen
from catalog.tui.themes import DARK, LIGHT

if TYPE_CHECKING:
    from catalog.api import Catalog

Copy = Callable[[str, Callable[[str], None]], clipboard.Copied]


class CatalogApp(App[None]):
    """The terminal UI on one catalog. `clock`, `perf` (seconds) and `location` can be fixed for pictures."""

    TITLE = "Silograph"
    CSS_PATH: ClassVar[str | Path] = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
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
        self.readers = {name: Reader(cat, name) for name in ("rows", "facets", "detail")}
        self._copy = copy
        self._location = location or _from_home(cat.location)
        self._forward: list[Hit] = []
        self.other_db = _other_db(cat)

    def on_mount(self) -> None:
        """Take the colours."""
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = DARK.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The two greys that the stylesheet needs and other themes do not have."""
        return {"quiet": "#8b94a1", "faint": "#747d8a"}

    def get_default_screen(self) -> Screen[None]:
        """The search is home."""
        return SearchScreen(self.readers, self.clock, self.perf, self._location)

    def on_unmount(self) -> None:
        """End the reading threads."""
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

    def open_asset(self, hit: Hit) -> None:
        """Show the page of an asset."""
        self._forward.clear()
        self._push(hit)

    def go_back(self, left: Hit) -> None:
        """Leave the page of `left`; forward leads there again."""
        self._forward.append(left)
        self.pop_screen()

    def action_forward(self) -> None:
        """Return to the page that was left last."""
        if self._forward and not self.screen.is_modal:
            self._push(self._forward.pop())

    def _push(self, hit: Hit) -> None:
        trail = [s.hit.name for s in self.screen_stack if isinstance(s, DatasetScreen)]
        self.push_screen(DatasetScreen(hit, trail, self.readers["detail"], self.clock))

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
