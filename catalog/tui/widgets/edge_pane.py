"""The pane at the bottom of the lineage screens: an edge and its evidence, one line each."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text
from textual import events
from textual.widgets import Static


class EdgePane(Static):
    """Shows what a function makes of the width it has."""

    def __init__(self) -> None:
        super().__init__(id="edge", markup=False)
        self._words: Callable[[int], Text] = lambda _: Text()

    def show(self, title: str, words: Callable[[int], Text]) -> None:
        """Take other words."""
        self.border_title = title
        self._words = words
        self._draw()

    def on_resize(self, event: events.Resize) -> None:
        """Cut what is long to the new width."""
        self._draw()

    def _draw(self) -> None:
        self.update(self._words(max(20, self.content_size.width)))
