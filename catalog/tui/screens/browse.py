"""What every screen offers: the top line, copying, panes side by side, and failures told in one way."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.screen import Screen

from catalog.tui.cells import fit, shown
from catalog.tui.messages import LoadFailed
from catalog.tui.screens.menu import Menu
from catalog.tui.widgets.top_bar import TopBar

if TYPE_CHECKING:
    from catalog.tui.app import CatalogApp


def copying(what: str = "the URI", forms: str = "Python, DuckDB or a command") -> tuple[Binding, Binding]:
    """The keys that copy, listed by each screen where its footer wants them."""
    return (
        Binding("y", "copy", "copy", tooltip=f"copy {what}"),
        Binding("Y", "copy_as", "copy as", show=False, tooltip=f"copy as {forms}"),
    )


class BrowseScreen(Screen[None]):
    """Base of all screens that are no dialogue."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h,left", "pane(-1)", "left", show=False),
        Binding("l,right", "pane(1)", "right", show=False),
    ]

    @property
    def catalog_app(self) -> CatalogApp:
        """The application this screen belongs to."""
        return cast("CatalogApp", self.app)

    def copies(self) -> list[tuple[str, str]]:
        """What can be copied of the thing under the cursor: (label, text), the address first."""
        raise NotImplementedError

    def place(self) -> tuple[list[str], str]:
        """What the top line says: the pages that lead here, and what this is about."""
        raise NotImplementedError

    def action_pane(self, step: int) -> None:
        """Move to the pane on the left or right."""
        raise NotImplementedError

    def action_copy(self) -> None:
        """Copy the address."""
        for _, text in self.copies()[:1]:
            self.catalog_app.copy_text(text)

    def action_copy_as(self) -> None:
        """Ask in which form to copy."""
        choices = self.copies()
        if not choices:
            return
        room = max(20, min(100, self.size.width - 24))
        lines = [
            Text.assemble(f"{label:<9}", (fit(shown(text), room, "middle"), "dim")) for label, text in choices
        ]

        def copy(index: int | None) -> None:
            if index is not None:
                self.catalog_app.copy_text(choices[index][1])

        self.app.push_screen(Menu("Copy as", lines), copy)

    def draw_bar(self) -> None:
        """Fill the top line."""
        trail, right = self.place()
        self.query_one(TopBar).show(self.app.current_mode, trail, right, len(self.catalog_app.crawler.jobs))

    def on_screen_resume(self) -> None:
        """Crawls may have begun and ended meanwhile."""
        self.draw_bar()

    def crawls_moved(self) -> None:
        """A crawl began or ended while this is on screen."""
        self.draw_bar()

    def on_load_failed(self, message: LoadFailed) -> None:
        """Say what could not be read; what is on screen stays."""
        text = shown(message.error.message) + (f"\n{shown(message.error.hint)}" if message.error.hint else "")
        self.notify(text, title="✗ could not read", severity="error", markup=False)


class PageScreen(BrowseScreen):
    """Base of the pages above a mode's first screen, which are left with escape."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "back", "back", key_display="esc", tooltip="go back"),
    ]

    @property
    def title_here(self) -> str:
        """What the top line calls this page."""
        raise NotImplementedError

    def again(self) -> PageScreen:
        """The same page, to be shown anew."""
        raise NotImplementedError

    def action_back(self) -> None:
        """Leave the page; `]` leads here again."""
        self.catalog_app.go_back()
