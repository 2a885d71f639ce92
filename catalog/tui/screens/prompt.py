"""A question over a screen that one line answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from catalog.tui.cells import shown


class Prompt(ModalScreen[str | None]):
    """Returns what was typed, or None. `wrong` says what is wrong with an answer, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "close")]

    def __init__(self, title: str, hint: str, value: str, wrong: Callable[[str], str | None]) -> None:
        super().__init__()
        self._title = title
        self._hint = hint
        self._value = value
        self._wrong = wrong

    def compose(self) -> ComposeResult:
        """The line, and what may stand in it."""
        with Vertical(id="prompt") as frame:
            frame.border_title = Text(self._title)
            frame.border_subtitle = "enter takes, esc closes"
            line = Input(self._value, id="answer", compact=True)
            line.cursor_blink = False
            yield line
            yield Static(self._hint, id="prompt-hint", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the answer, or say what is wrong with it."""
        event.stop()
        answer = event.value.strip()
        wrong = self._wrong(answer)
        if wrong is None:
            self.dismiss(answer)
        else:
            self.query_one("#prompt-hint", Static).update(f"✗ {shown(wrong)}")
