"""Which panes of the search are on screen: by width, by the user's choice, and by zoom."""

from __future__ import annotations

from typing import Literal

Shape = Literal["narrow", "medium", "wide"]
Pane = Literal["facets", "results", "preview"]
PANES: tuple[Pane, ...] = ("facets", "results", "preview")
WIDE, MEDIUM = 150, 100  # columns
LOW = 24  # lines; below the results of a lower screen there is no room for a preview


class Panes:
    """The choice of panes; `visible` says what to show."""

    def __init__(self) -> None:
        self.shape: Shape = "narrow"
        self.zoomed: Pane | None = None
        self._low = True
        self._chosen: dict[tuple[Shape, Pane], bool] = {}

    def resize(self, width: int, height: int) -> None:
        """The screen has another size."""
        self.shape = "wide" if width >= WIDE else "medium" if width >= MEDIUM else "narrow"
        self._low = height <= LOW

    def visible(self, pane: Pane) -> bool:
        """Whether the pane is to be shown now."""
        if self.zoomed is not None:
            return pane == self.zoomed
        return self._wanted(pane)

    def toggle(self, pane: Pane) -> None:
        """Show or hide a pane, remembered for this width; ends a zoom on something else."""
        shown = self.visible(pane)
        self.zoomed = None
        self._chosen[self.shape, pane] = not shown

    def zoom(self, pane: Pane | None) -> None:
        """Give a pane the whole body, or end that."""
        self.zoomed = None if self.zoomed is not None else pane

    def _wanted(self, pane: Pane) -> bool:
        if pane == "results":
            return True
        default = self.shape != "narrow" and (pane == "facets" or self.shape == "wide" or not self._low)
        return self._chosen.get((self.shape, pane), default)
