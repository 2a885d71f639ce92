"""What the screens over lineage share: an asset, a time, copying, and the ways between them."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType

from catalog import text
from catalog.errors import CatalogError
from catalog.model.lineage import Node
from catalog.tui import snippets
from catalog.tui.cells import shown
from catalog.tui.lineage_words import uri
from catalog.tui.messages import LoadFailed
from catalog.tui.screens.browse import PageScreen, copying
from catalog.tui.screens.prompt import Prompt

TIMES = "2026-03-01, 2026-03-01T12:00Z, or an age: 12h, 7d, 6mo. Empty: as it is now."


class LineageScreen(PageScreen):
    """Base of the trace, the full trace and the impact list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("T", "whole", "full", tooltip="the full trace, indented"),
        Binding("i", "impact", "impact", tooltip="all that is downstream, as a list"),
        Binding("a", "as_of", "as of", tooltip="ask as of another time"),
        Binding("o", "page", "page", show=False, tooltip="open the page of this asset"),
        *copying("the address of this asset", "an address, a command or Python"),
        Binding("R", "refresh", "refresh", show=False, tooltip="read everything anew"),
    ]

    not_here: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, trail: list[str], at_ns: int | None) -> None:
        super().__init__()
        self._trail = trail
        self.at_ns = at_ns

    def about(self) -> tuple[int, str] | None:
        """The id and the name of the asset that all of this is about; None for a silo."""
        raise NotImplementedError

    def chosen(self) -> Node | None:
        """The asset that the cursor is on."""
        raise NotImplementedError

    def load(self) -> object:
        """Read what is shown."""
        raise NotImplementedError

    def place(self) -> tuple[list[str], str]:
        """The pages before it, and the time that is asked about."""
        then = text.iso(self.at_ns)
        return [*self._trail, self.title_here], f"as of {then[:10]} {then[11:16]}" if then else ""

    def action_whole(self) -> None:
        """Show the full trace."""
        asset = self.about()
        if asset is not None:
            self.catalog_app.open_whole_trace(*asset, self.at_ns)

    def action_impact(self) -> None:
        """Show all that is downstream."""
        asset = self.about()
        if asset is not None:
            self.catalog_app.open_impact(asset[0], asset[1], self.at_ns)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What leads elsewhere is not offered there."""
        return action not in self.not_here

    def action_refresh(self) -> None:
        """Read everything anew."""
        self.load()

    def action_as_of(self) -> None:
        """Ask for a time, and show what was known then."""

        def wrong(words: str) -> str | None:
            return None if not words or text.moment(words) is not None else f"'{words}' is no time. {TIMES}"

        def take(words: str | None) -> None:
            if words is not None:
                self.at_ns = text.moment(words, self.catalog_app.clock.now()) if words else None
                self.draw_bar()
                self.load()

        now = text.iso(self.at_ns) or ""
        self.app.push_screen(Prompt("As of", TIMES, now, wrong), take)

    @work(exclusive=True, group="page")
    async def action_page(self) -> None:
        """Open the page of the asset under the cursor."""
        node = self.chosen()
        if node is None:
            return
        try:
            hit = await self.catalog_app.readers["detail"].run(lambda cat: cat.dataset(str(node.id)).hit)
        except CatalogError as error:
            self.post_message(LoadFailed(error))
            return
        self.catalog_app.open_asset(hit)

    def copies(self) -> list[tuple[str, str]]:
        """Copying is about the asset under the cursor."""
        node = self.chosen()
        return snippets.node_choices(uri(node), node.id, self.catalog_app.other_db) if node is not None else []

    def titled(self, before: str, label: str, after: str = "") -> Text:
        """A title with a name in it; as text, because a plain string would be read as markup."""
        return Text(f"{before} {shown(label, 60)}{after}")
