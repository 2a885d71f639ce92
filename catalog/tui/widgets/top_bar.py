"""The top line of every screen: the modes, the pages that lead here, and on the right what it is about."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.widgets import Static

from catalog.tui.cells import fit, shown
from catalog.tui.messages import ModeChosen
from catalog.tui.modes import MODES

BRAND = "Silograph"
GAP = "  "
LEAST = 12  # cells below which the right part says nothing


class TopBar(Static):
    """One line that follows the width. A click on a mode goes there."""

    def __init__(self) -> None:
        super().__init__(id="bar", markup=False)
        self._mode = ""
        self._trail: list[str] = []
        self._right = ""
        self._crawls = 0

    def show(self, mode: str, trail: list[str], right: str, running: int = 0) -> None:
        """Say where we are; `running` is how many crawls run in this UI."""
        self._mode, self._trail, self._right, self._crawls = mode, trail, right, running
        self._draw()

    def on_resize(self, event: events.Resize) -> None:
        """Fill the new width."""
        self._draw()

    def on_click(self, event: events.Click) -> None:
        """Go to the mode under the pointer."""
        offset = event.get_content_offset(self)
        at = len(BRAND) + len(GAP)
        for mode in MODES:
            width = len(self._label(mode.key, mode.name))
            if offset is not None and at <= offset.x < at + width:
                self.post_message(ModeChosen(mode.name))
            at += width + len(GAP)

    def _label(self, key: str, name: str) -> str:
        running = f" ●{self._crawls}" if self._crawls and name == "Crawls" else ""
        return f"{key} {name}{running}"

    def _draw(self) -> None:
        width = max(20, self.size.width - 2)
        line = Text(BRAND, style="bold", no_wrap=True)
        for mode in MODES:
            here = mode.name == self._mode
            line.append(GAP).append(self._label(mode.key, mode.name), style="bold underline" if here else "dim")
        for at, page in enumerate(self._trail):
            line.append(" › " if at else "  │  ", style="dim").append(shown(page))
        room = width - line.cell_len - 3
        if self._right and room > LEAST:
            end = fit(shown(self._right), room, "start")
            line.append(" " * (width - line.cell_len - Text(end).cell_len))
            line.append(end, style="dim")
        line.truncate(width, overflow="ellipsis")
        self.update(line)
