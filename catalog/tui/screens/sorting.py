"""Lists that are all in memory: sorted by any column, from a menu or by a click on its heading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text
from textual import on

from catalog.tui.columns import Column
from catalog.tui.messages import HeaderChosen
from catalog.tui.screens.browse import BrowseScreen
from catalog.tui.screens.menu import Menu
from catalog.tui.widgets.table import VirtualTable


def ordered(rows: Sequence[Any], column: Column[Any] | None, descending: bool) -> list[Any]:
    """The rows by a column; those without a value stand last either way. Equal rows keep their order."""
    key = column.order if column is not None else None
    if key is None:
        return list(rows)
    keyed = [(key(row), row) for row in rows]
    known = [pair for pair in keyed if pair[0] is not None]
    known.sort(key=lambda pair: pair[0], reverse=descending)
    return [row for _, row in known] + [row for value, row in keyed if value is None]


class SortedRows(BrowseScreen):
    """A screen whose table with the id `list` is sorted in memory."""

    _unsorted: Sequence[Any] = ()

    def put_rows(self, rows: Sequence[Any]) -> None:
        """Take new rows, in the order that was chosen; the cursor stays on its line."""
        self._unsorted = rows
        self._table.renew(self._in_order())

    def action_sort(self) -> None:
        """Choose the order from a menu."""
        columns = [column for column in self._table.columns if column.order is not None and column.sort]
        orders: list[tuple[str, bool] | None] = [None]
        orders += [(str(column.sort), down) for column in columns for down in (True, False)]
        titles = {column.sort: column.title for column in columns}
        lines = [Text("as it comes" if o is None else f"{titles[o[0]]} {'↓' if o[1] else '↑'}") for o in orders]
        now = orders.index(self._table.sorted) if self._table.sorted in orders else 0

        def take(index: int | None) -> None:
            if index is not None:
                self.sort_by(orders[index])

        self.app.push_screen(Menu("Sort by", lines, now), take)

    @on(HeaderChosen, "#list")
    def _header_chosen(self, message: HeaderChosen) -> None:
        now = self._table.sorted
        down = now is None or now[0] != message.column or not now[1]
        self.sort_by((message.column, down))

    def sort_by(self, order: tuple[str, bool] | None) -> None:
        """Take another order: a column's word and whether it descends; None is as the rows come."""
        self._table.sorted = order
        self._table.show(self._in_order())

    def _in_order(self) -> list[Any]:
        name, down = self._table.sorted or (None, False)
        column = next((column for column in self._table.columns if column.sort == name and name), None)
        return ordered(self._unsorted, column, down)

    @property
    def _table(self) -> VirtualTable[Any]:
        return self.query_one("#list", VirtualTable)
