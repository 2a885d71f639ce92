"""The search box: one line to type in, and one line below it for what is wrong or possible."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.suggester import Suggester
from textual.timer import Timer
from textual.widgets import Input, Static

from catalog import query
from catalog.errors import CatalogError
from catalog.query import Value
from catalog.tui.cells import shown
from catalog.tui.messages import QueryEdited

DEBOUNCE = 0.08
SYNTAX = (
    "silo:",
    "format:",
    "owner:",
    "tag:",
    "column:",
    "in:",
    "size:>1GB",
    "modified:<7d",
    "sort:-size",
    "-without",
)


class Words(Suggester):
    """Completes the last word: a field's name, or a value that the facets show."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self.facets: dict[str, list[tuple[str, int]]] = {}

    async def get_suggestion(self, value: str) -> str | None:
        """The whole query with its last word completed, or None."""
        last = value.rsplit(" ", 1)[-1]
        field, colon, start = last.removeprefix("-").partition(":")
        if not last or value.count('"') % 2:
            return None
        offered = [
            last[: len(last) - len(start)] + str(Value(v)) for v, _ in self.facets.get(field, []) if colon
        ]
        offered += query.suggest(value)
        found = next((word for word in offered if word.startswith(last) and word != last), None)
        return None if found is None or len(last) < 2 else value + found[len(last) :]


class QueryInput(Input):
    """The line itself; leaves to the results with down, enter and escape."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,down", "screen.focus_results", "results", key_display="enter ↓", priority=False),
        Binding("escape", "screen.focus_results", "leave", show=False),
        Binding("ctrl+l", "clear", "clear"),
    ]

    def action_clear(self) -> None:
        """Empty the line."""
        self.value = ""


class SearchBox(Vertical):
    """Posts `QueryEdited` when the user pauses typing."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.words = Words()
        self._timer: Timer | None = None
        self._error: CatalogError | None = None

    def compose(self) -> ComposeResult:
        """The prompt, the line, and the status below."""
        with Horizontal(id="box-line"):
            yield Static("❯", id="box-prompt", markup=False)
            box = QueryInput(
                placeholder="search names, columns, paths, tags",
                id="query",
                compact=True,
                suggester=self.words,
            )
            box.cursor_blink = False
            yield box
        yield Static(id="box-status", markup=False)

    @property
    def query_text(self) -> str:
        """What the box holds."""
        return self.query_one(QueryInput).value

    @property
    def pending(self) -> bool:
        """Whether something was typed that is not searched yet."""
        return self._timer is not None

    def put(self, text: str) -> None:
        """Replace the text and search at once."""
        box = self.query_one(QueryInput)
        with box.prevent(Input.Changed):
            box.value = text
        box.cursor_position = len(text)
        self._send()

    def show_error(self, error: CatalogError | None) -> None:
        """Say below the box what is wrong with the query; None: nothing is."""
        status = self.query_one("#box-status", Static)
        status.set_class(error is not None, "-error")
        self._error = error
        if error is None:
            room = self.size.width - 6
            fitting = [n for n in range(len(SYNTAX) + 1) if len("  ".join(SYNTAX[:n])) <= room]
            status.update(Text("  ".join(SYNTAX[: fitting[-1]]) if fitting else ""))
            return
        line = Text.assemble(("✗ ", "bold"), shown(error.message))
        if error.hint:
            line.append(f" → {shown(error.hint)}", style="bold")
        status.update(line)

    def on_resize(self, event: events.Resize) -> None:
        """As much of the syntax as the width holds."""
        self.show_error(self._error)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Wait for a pause in typing."""
        event.stop()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(DEBOUNCE, self._send)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Search now."""
        event.stop()
        self._send()

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self.post_message(QueryEdited(self.query_text))
