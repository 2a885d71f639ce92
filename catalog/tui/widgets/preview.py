"""The preview of the result under the cursor: at once what the hit says, the rest when it is read."""

from __future__ import annotations

from rich.text import Text

from catalog.model import AssetInfo, Hit
from catalog.tui.describe import Clock, inside, what
from catalog.tui.widgets.detail import Detail


class Preview(Detail):
    """A page about one hit."""

    split_from = 76

    def __init__(self, clock: Clock, *, id: str) -> None:
        super().__init__(id=id)
        self.clock = clock
        self._hit: Hit | None = None
        self._info: AssetInfo | None = None

    def show(self, hit: Hit | None, info: AssetInfo | None = None) -> None:
        """Describe a hit, with all that is known about its asset once `info` is there."""
        if hit != self._hit:
            self.scroll_home(animate=False)
        self._hit, self._info = hit, info
        self.draw()

    @property
    def incomplete(self) -> bool:
        """Whether there is more to read about this hit."""
        return self._hit is not None and self._hit.kind != "file" and self._info is None

    def halves(self, width: int) -> tuple[Text, Text]:
        """What it is, and what is inside."""
        what_text = Text() if self._hit is None else what(self._hit, self._info, self.clock)
        return what_text, inside(self._info, width)
