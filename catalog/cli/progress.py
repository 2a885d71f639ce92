"""The progress of a crawl on a terminal, one line a silo, on stderr."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from catalog import text
from catalog.cli.session import Session
from catalog.model import CrawlProgress

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_DOING = {"list": "listing", "inspect": "inspecting", "group": "grouping", "done": "done"}


class CrawlProgressBar:
    """Draws `CrawlProgress` values; call it with each. Draws nothing when stderr is no terminal."""

    def __init__(self, session: Session) -> None:
        self._bar = _bar(session) if session.shows_progress() else None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar:
            self._bar.stop()

    def __call__(self, now: CrawlProgress) -> None:
        """Draw where the crawl of one silo stands."""
        if self._bar is None:
            return
        if now.silo not in self._tasks:
            self._tasks[now.silo] = self._bar.add_task(text.safe(now.silo, 24), total=None, doing="", told="")
        # A first crawl has nothing to compare with: no percentage, the bar only moves.
        total = max(now.expected, now.listed) if now.expected else None
        self._bar.update(
            self._tasks[now.silo],
            total=(now.listed or 1) if now.stage == "done" else total,
            completed=(now.listed or 1) if now.stage == "done" else now.listed,
            doing=_DOING[now.stage],
            told=_told(now),
        )


def _told(now: CrawlProgress) -> str:
    if now.stage == "inspect":
        return text.plural(now.done, "file") + " opened"
    where = f" in {text.safe(now.prefix, 40)}" if now.prefix and now.stage == "list" else ""
    return f"{text.plural(now.listed, 'file')}, {text.size(now.bytes)}{where}"


def _bar(session: Session) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, TaskProgressColumn, TextColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        """Listed files a second."""

        def render(self, task: object) -> Text:
            speed = getattr(task, "finished_speed", None) or getattr(task, "speed", None)
            return Text(f"{speed:,.0f}/s" if speed else "")

    console = Console(stderr=True, no_color=session.no_color or None)
    return Progress(
        TextColumn("{task.description} {task.fields[doing]}", markup=False),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TextColumn("{task.fields[told]}", markup=False),
        Rate(),
        console=console,
        transient=True,
    )
