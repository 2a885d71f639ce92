"""A scrolling page of text in two halves, which stand beside each other where there is room."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

TALL = 24  # lines from which the halves stand below each other, however wide it is


class Detail(VerticalScroll):
    """A page about the row under the cursor; `draw` says what its halves show at a width."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "down", show=False),
        Binding("k", "scroll_up", "up", show=False),
        Binding("g", "scroll_home", "top", show=False),
        Binding("G", "scroll_end", "bottom", show=False),
        Binding("left", "screen.pane(-1)", "left", show=False),
        Binding("right", "screen.pane(1)", "right", show=False),
    ]

    split_from: ClassVar[int] = 100
    """Columns from which the halves stand side by side."""

    def compose(self) -> ComposeResult:
        """The halves."""
        yield Static(classes="detail-first", markup=False)
        yield Static(classes="detail-second", markup=False)

    def halves(self, width: int) -> tuple[Text, Text]:
        """What the halves show when each has so many cells."""
        raise NotImplementedError

    def on_resize(self, event: events.Resize) -> None:
        """Columns of the text follow the width."""
        self.draw()

    def draw(self) -> None:
        """Show what there is to show."""
        width = max(20, self.scrollable_content_region.width)
        split = width >= self.split_from and self.size.height < TALL
        self.set_class(split, "-split")
        first, second = self.halves(width // 2 if split else width)
        self.query_one(".detail-first", Static).update(first)
        self.query_one(".detail-second", Static).update(second)
