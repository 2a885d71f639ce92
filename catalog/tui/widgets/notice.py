"""What stands in place of the results when there are none, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from catalog.errors import CatalogError
from catalog.model import SiloInfo
from catalog.tui.cells import shown
from catalog.tui.describe import Clock
from catalog.tui.messages import HintTaken

HINTS_SHOWN = 6
SILOS_SHOWN = 8


class Notice(VerticalScroll):
    """A short text, and queries to take instead where there are some."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "app.simulate_key('down')", "down", show=False),
        Binding("k", "app.simulate_key('up')", "up", show=False),
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, can_focus=False)
        self._queries: list[str] = []

    def compose(self) -> ComposeResult:
        """The text, and the choices below it."""
        yield Static(id="notice-text", markup=False)
        yield OptionList(id="notice-choices", compact=True, markup=False)

    def on_mount(self) -> None:
        """Nothing to choose yet."""
        self.query_one("#notice-choices").display = False

    def no_silos(self) -> None:
        """The catalog knows no storage yet."""
        self._say(
            "No silos yet",
            "A silo is a place where data lies: a folder, a bucket.\nIn another shell:\n",
            (
                "  catalog silo add lake s3://bucket/prefix",
                "  catalog silo add data ./data",
                "  catalog crawl",
            ),
            "\nThen press R here.",
        )

    def no_assets(self, silos: Sequence[SiloInfo], clock: Clock) -> None:
        """There are silos, and nothing was found in them, or nothing was listed yet."""
        crawled = any(silo.last_crawl_ns is not None for silo in silos)
        lines = []
        for silo in silos[:SILOS_SHOWN]:
            state = (
                f"{silo.last_state} {clock.age(silo.last_crawl_ns)}" if silo.last_crawl_ns else "not crawled"
            )
            lines.append(f"{shown(silo.name, 40):<16} {state}")
        if len(silos) > SILOS_SHOWN:
            lines.append(f"… {len(silos) - SILOS_SHOWN:,} more")
        title = "No datasets found in the silos" if crawled else "Nothing crawled yet"
        self._say(title, "\n".join(lines) + "\n", ("  catalog crawl",), "\nThen press R here.")

    def no_crawls(self) -> None:
        """Nothing was crawled yet."""
        where = "Press 2 for the silos, and c there; or in another shell:\n"
        self._say("Nothing crawled yet", where, ("  catalog crawl",), "")

    def no_hits(self, hints: Sequence[tuple[str, int]]) -> None:
        """The query matches nothing; each hint is a query with one filter less and what it would find."""
        self._say(
            "Nothing matches", "Dropping one condition finds more (enter takes it):" if hints else "", (), ""
        )
        self._queries = [query for query, _ in hints[:HINTS_SHOWN]]
        choices = self.query_one("#notice-choices", OptionList)
        choices.set_options(
            Option(Text.assemble(f"{number:>9,}  ", (shown(query) if query else "everything", "bold")))
            for query, number in hints[:HINTS_SHOWN]
        )
        choices.display = bool(hints)
        if hints:
            choices.highlighted = 0

    def failed(self, error: CatalogError) -> None:
        """The catalog could not be read."""
        self._say(
            "✗ " + shown(error.message), shown(error.hint) if error.hint else "", (), "\nR tries again."
        )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take the chosen query."""
        event.stop()
        self.post_message(HintTaken(self._queries[event.option_index]))

    def _say(self, title: str, before: str, commands: Sequence[str], after: str) -> None:
        text = Text.assemble((title, "bold"), "\n\n", (before, "dim"))
        for command in commands:
            text.append(f"\n{command}", style="bold")
        text.append(f"\n{after}" if after else "", style="dim")
        self.query_one("#notice-text", Static).update(text)
        self.query_one("#notice-choices").display = False
