"""Columns of a table: what a cell says, how wide it may be, and which columns a width has room for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from catalog.tui.cells import Cut

T = TypeVar("T")
GAP = 2


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """One column: `cell` gives the safe text of a row.

    `least` and `most` are widths in cells, `most` 0 means: all that is left. Columns with the
    lowest `rank` stay when the screen is narrow. `sort` is the word that `sort:` takes, if any.
    `tone` names a style of the table, for all rows or by row: `dim`, `warn`, or empty. `order` is what
    rows that are all in memory are sorted by; None is not sorted by.
    """

    key: str
    title: str
    cell: Callable[[T], str]
    least: int
    most: int
    rank: int
    right: bool = False
    cut: Cut = "end"
    marked: bool = False
    sort: str | None = None
    tone: str | Callable[[T], str] = ""
    order: Callable[[T], Any] | None = None

    def tone_of(self, row: T) -> str:
        """The style of this cell."""
        return self.tone if isinstance(self.tone, str) else self.tone(row)


def fitted(columns: Sequence[Column[Any]], width: int) -> list[tuple[Column[Any], int]]:
    """The columns that `width` cells have room for, in their order, each with its width."""
    kept: list[Column[Any]] = []
    used = -GAP
    for column in sorted(columns, key=lambda c: c.rank):
        if kept and used + GAP + column.least > width:
            break
        kept.append(column)
        used += GAP + column.least
    widths = _spread(kept, max(0, width - used))
    if used > width:
        widths[kept[0].key] = max(1, width)
    return [(column, widths[column.key]) for column in columns if column in kept]


def _spread(kept: list[Column[Any]], spare: int) -> dict[str, int]:
    widths = {column.key: column.least for column in kept}
    wants = {column.key: column.most - column.least for column in kept if column.most > column.least}
    open_ended = [column.key for column in kept if column.most == 0]
    # The open-ended column gets at least half of what is spare, so that names are readable first.
    bounded = min(sum(wants.values()), spare // 2 if open_ended else spare)
    total = sum(wants.values())
    for key, want in wants.items():
        share = bounded * want // total
        widths[key] += share
        spare -= share
    if open_ended:
        widths[open_ended[0]] += spare
    return widths
