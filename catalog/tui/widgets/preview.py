"""The preview of the result under the cursor: at once what the hit says, the rest when it is read."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from catalog.model import AssetInfo, Hit
from catalog.tui.describe import Clock, inside, what

SPLIT = 76  # columns from which the halves stand side by side


class Preview(VerticalScroll):
    """A scrollable page about one hit."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "down", show=False),
        Binding("k", "scroll_up", "up", show=False),
        Binding("g", "scroll_home", "top", show=False),
        Binding("G", "scroll_end", "bottom", show=False),
        Binding("left", "screen.pane(-1)", "left", show=False),
        Binding("right", "screen.pane(1)", "right", show=False),
    ]

    def __init__(self, clock: Clock, *, id: str) -> None:
        super().__init__(id=id)
        self.clock = clock
        self._hit: Hit | None = None
        self._info: AssetInfo | None = None

    def compose(self) -> ComposeResult:
        """What it is, and what is inside: beside each other where there is room."""
        yield Static(id="preview-what", markup=False)
        yield Static(id="preview-inside", markup=False)

    def show(self, hit: Hit | None, info: AssetInfo | None = None) -> None:
        """Describe a hit, with all that is known about its asset once `info` is there."""
        if hit != self._hit:
            self.scroll_home(animate=False)
        self._hit, self._info = hit, info
        self._draw()

    @property
    def incomplete(self) -> bool:
        """Whether there is more to read about this hit."""
        return self._hit is not None and self._hit.kind != "file" and self._info is None

    def on_resize(self, event: events.Resize) -> None:
        """Columns of the text follow the width."""
        self._draw()

    def _draw(self) -> None:
        width = max(20, self.scrollable_content_region.width)
        split = width >= SPLIT
        self.set_class(split, "-split")
        what_text = Text() if self._hit is None else what(self._hit, self._info, self.clock)
        self.query_one("#preview-what", Static).update(what_text)
        self.query_one("#preview-inside", Static).update(inside(self._info, width // 2 if split else width))
