"""What every screen over assets offers: copying, panes side by side, and failures told in one way."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Static

from catalog.model import Hit
from catalog.tui import snippets
from catalog.tui.cells import fit, shown
from catalog.tui.messages import LoadFailed
from catalog.tui.screens.menu import Menu

if TYPE_CHECKING:
    from catalog.tui.app import CatalogApp


# Listed by each screen where its footer wants them.
COPYING: tuple[Binding, ...] = (
    Binding("y", "copy_uri", "copy", tooltip="copy the URI"),
    Binding("Y", "copy_as", "copy as", show=False, tooltip="copy as Python, DuckDB or a command"),
)


class BrowseScreen(Screen[None]):
    """Base of the search and the asset pages."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h,left", "pane(-1)", "left", show=False),
        Binding("l,right", "pane(1)", "right", show=False),
    ]

    @property
    def catalog_app(self) -> CatalogApp:
        """The application this screen belongs to."""
        return cast("CatalogApp", self.app)

    def chosen(self) -> Hit | None:
        """What copying and opening act on."""
        raise NotImplementedError

    def action_pane(self, step: int) -> None:
        """Move to the pane on the left or right."""
        raise NotImplementedError

    def action_copy_uri(self) -> None:
        """Copy the URI."""
        hit = self.chosen()
        if hit is not None:
            self.catalog_app.copy_text(snippets.uri(hit))

    def action_copy_as(self) -> None:
        """Ask in which form to copy."""
        hit = self.chosen()
        if hit is None:
            return
        choices = snippets.choices(hit, self.catalog_app.other_db)
        room = max(20, min(100, self.size.width - 24))
        lines = [
            Text.assemble(f"{label:<9}", (fit(shown(text), room, "middle"), "dim")) for label, text in choices
        ]

        def copy(index: int | None) -> None:
            if index is not None:
                self.catalog_app.copy_text(choices[index][1])

        self.app.push_screen(Menu("Copy as", lines), copy)

    def bar(self, left: list[str], right: str) -> None:
        """Fill the top line: where we are, and on what."""
        width = max(20, self.size.width - 2)
        trail = Text(" › ").join([Text("Silograph", style="bold"), *(Text(shown(part)) for part in left)])
        room = width - trail.cell_len - 3
        if room > 12:
            end = fit(shown(right), room, "start")
            trail.append(" " * (width - trail.cell_len - Text(end).cell_len))
            trail.append(end, style="dim")
        trail.truncate(width, overflow="ellipsis")
        self.query_one("#bar", Static).update(trail)

    def on_load_failed(self, message: LoadFailed) -> None:
        """Say what could not be read; what is on screen stays."""
        text = shown(message.error.message) + (f"\n{shown(message.error.hint)}" if message.error.hint else "")
        self.notify(text, title="✗ could not read", severity="error", markup=False)
