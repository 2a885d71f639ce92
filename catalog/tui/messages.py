"""What happened: events that widgets post and screens answer."""

from __future__ import annotations

from typing import Any

from textual.message import Message

from catalog.errors import CatalogError
from catalog.tui.crawler import CrawlJob


class QueryEdited(Message):
    """The search box holds another query, and the user paused typing."""

    def __init__(self, query: str) -> None:
        super().__init__()
        self.query = query


class FacetToggled(Message):
    """A value of a facet was chosen or dropped."""

    def __init__(self, field: str, value: str) -> None:
        super().__init__()
        self.field = field
        self.value = value


class RowHighlighted(Message):
    """The cursor of a table is on another row; `row` is None while that row is not loaded."""

    def __init__(self, table: Any, index: int, row: Any) -> None:
        super().__init__()
        self.table = table
        self.index = index
        self.row = row

    @property
    def control(self) -> Any:
        """The table, so that handlers can name it with a selector."""
        return self.table


class RowOpened(RowHighlighted):
    """A row was chosen with enter or a second click."""


class HeaderChosen(Message):
    """The heading of a column was clicked."""

    def __init__(self, table: Any, column: str) -> None:
        super().__init__()
        self.table = table
        self.column = column

    @property
    def control(self) -> Any:
        """The table, so that handlers can name it with a selector."""
        return self.table


class LoadFailed(Message):
    """Rows, facets or details could not be read from the catalog."""

    def __init__(self, error: CatalogError) -> None:
        super().__init__()
        self.error = error


class HintTaken(Message):
    """The user took the query offered in place of one that found nothing."""

    def __init__(self, query: str) -> None:
        super().__init__()
        self.query = query


class ModeChosen(Message):
    """A mode was chosen in the top line."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.mode = mode


class CrawlEnded(Message):
    """A crawl that was started here ended, however it did."""

    def __init__(self, job: CrawlJob) -> None:
        super().__init__()
        self.job = job
