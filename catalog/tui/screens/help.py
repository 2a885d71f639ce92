"""Help: the keys that work where it was called, and the query language. Scrolls on small screens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from catalog.query import FIELDS, STATES
from catalog.tui.cells import aligned

# What the frame offers everywhere and no one looks for here.
HIDDEN = {
    "copy_text",
    "page_left",
    "page_right",
    "command_palette",
    "focus_next",
    "focus_previous",
    "help_quit",
}


class HelpScreen(ModalScreen[None]):
    """A page of text over the screen it explains."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss", "close", key_display="esc"),
        Binding("j", "scroll(1)", "down", show=False),
        Binding("k", "scroll(-1)", "up", show=False),
    ]

    def __init__(self, bindings: Mapping[str, ActiveBinding]) -> None:
        super().__init__()
        self._bindings_there = bindings

    def compose(self) -> ComposeResult:
        """The text in a scrolling frame."""
        with VerticalScroll(id="help") as frame:
            frame.border_title = "Help"
            frame.border_subtitle = "esc closes"
            yield Static(self._text(), markup=False)

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one("#help").scroll_relative(y=lines, animate=False)

    def _text(self) -> Text:
        text = Text()
        text.append("Keys here\n", style="bold")
        for keys, words in self._keys():
            text.append(f"  {aligned(keys, 14)}", style="bold")
            text.append(f" {words}\n")
        text.append("\nSearch for\n", style="bold")
        text.append(
            '  words, "a phrase", -without, and conditions field:value; a comma means or\n\n', style="dim"
        )
        for spec in FIELDS.values():
            text.append(f"  {aligned(spec.name + ':', 14)}", style="bold")
            text.append(f" {spec.help}\n")
        text.append("\nis:\n", style="bold")
        for state, meaning in STATES.items():
            text.append(f"  {aligned(state, 14)}", style="bold")
            text.append(f" {meaning}\n")
        return text

    def _keys(self) -> list[tuple[str, str]]:
        """(keys, what they do): keys of one action on one line, in the order of the bindings."""
        found: dict[str, tuple[list[str], str, bool]] = {}
        for _, binding, enabled, tooltip in self._bindings_there.values():
            action = binding.action.rpartition(".")[2]
            words = tooltip or binding.tooltip or binding.description
            if not enabled or not words or binding.system or action in HIDDEN:
                continue
            key = binding.key_display or self.app.get_key_display(binding)
            keys = found.setdefault(action, ([], words, bool(binding.tooltip)))[0]
            if key not in keys:
                keys.append(key)
        ordered = sorted(found.values(), key=lambda line: not line[2])  # what is special here stands first
        lines = [(" ".join(keys), words) for keys, words, _ in ordered]
        return [*lines, ("tab", "next pane"), ("ctrl+p", "all commands by name")]
