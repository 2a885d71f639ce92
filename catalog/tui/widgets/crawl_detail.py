"""The details of a silo and of a crawl."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text

from catalog.tui.crawl_line import CrawlLine
from catalog.tui.crawl_words import crawl_facts, trouble
from catalog.tui.describe import Clock
from catalog.tui.silo_words import SiloLine, silo_crawl, silo_facts
from catalog.tui.widgets.detail import Detail


class SiloDetail(Detail):
    """What a silo is, what it holds, and its last crawl."""

    def __init__(self, clock: Clock, perf: Callable[[], float], *, id: str) -> None:
        super().__init__(id=id)
        self._clock = clock
        self._perf = perf
        self._line: SiloLine | None = None

    def show(self, line: SiloLine | None) -> None:
        """Describe a silo."""
        if line is None or self._line is None or line.info.id != self._line.info.id:
            self.scroll_home(animate=False)
        self._line = line
        self.draw()

    def halves(self, width: int) -> tuple[Text, Text]:
        """The silo, and its last crawl."""
        if self._line is None:
            return Text(), Text()
        return silo_facts(self._line, self._clock), silo_crawl(self._line, self._clock, self._perf(), width)


class CrawlDetail(Detail):
    """How a crawl went, or goes."""

    def __init__(self, clock: Clock, perf: Callable[[], float], *, id: str) -> None:
        super().__init__(id=id)
        self._clock = clock
        self._perf = perf
        self._line: CrawlLine | None = None

    def show(self, line: CrawlLine | None) -> None:
        """Describe a crawl."""
        if line is None or self._line is None or line.key != self._line.key:
            self.scroll_home(animate=False)
        self._line = line
        self.draw()

    def halves(self, width: int) -> tuple[Text, Text]:
        """What it did, and what it could not do."""
        if self._line is None:
            return Text(), Text()
        first = crawl_facts(self._line, self._clock, self._perf(), width)
        return first, Text("\n").join(trouble(self._line)[1:])
