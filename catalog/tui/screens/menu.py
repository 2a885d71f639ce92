"""A small menu over a screen: one choice out of a few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option


class Menu(ModalScreen[int | None]):
    """Returns the index of what was chosen, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "close"),
        Binding("j", "move(1)", "down", show=False),
        Binding("k", "move(-1)", "up", show=False),
    ]

    def __init__(self, title: str, choices: Sequence[Text], highlighted: int = 0) -> None:
        super().__init__()
        self._title = title
        self._choices = choices
        self._first = highlighted

    def compose(self) -> ComposeResult:
        """The choices in a frame."""
        options = OptionList(*(Option(text) for text in self._choices), id="menu", compact=True, markup=False)
        options.border_title = Text(self._title)
        options.border_subtitle = "enter takes, esc closes"
        yield options

    def on_mount(self) -> None:
        """Start at what holds now."""
        self.query_one(OptionList).highlighted = self._first

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        options = self.query_one(OptionList)
        (options.action_cursor_down if rows > 0 else options.action_cursor_up)()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Done."""
        self.dismiss(event.option_index)
