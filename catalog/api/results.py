"""Search results: lazy until looked at, bounded when shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from catalog import query as language
from catalog import text
from catalog.api.frames import Framed, html_table
from catalog.model import Count, Hit
from catalog.store import search
from catalog.store.engine import Database

_PAGE = 500
_SHOWN = 10
_COLUMNS = (
    ("id", "int64"), ("kind", "string"), ("name", "string"), ("uri", "string"), ("silo", "string"),
    ("format", "string"), ("files", "int64"), ("bytes", "int64"), ("rows", "int64"), ("modified", "time"),
    ("version", "int64"), ("owner", "string"), ("tags", "strings"),
)  # fmt: skip


class Results(Framed):
    """What a query matches. Iterating, `len`, indexing and showing run it; nothing before does."""

    def __init__(self, db: Database, query: str, limit: int | None = None) -> None:
        self._db = db
        self._limit = limit
        self.query = language.parse(query)

    def page(self, offset: int, limit: int) -> list[Hit]:
        """Up to `limit` hits from `offset`, in order."""
        if self._limit is not None:
            limit = min(limit, max(self._limit - offset, 0))
        return search.search(self._db, self.query, offset, limit) if limit > 0 else []

    def count(self) -> Count:
        """How many there are (the limit aside); not exact beyond some thousands of files."""
        return search.count(self._db, self.query)

    def facets(self) -> dict[str, list[tuple[str, int]]]:
        """How many of the matches there are for each silo, format, kind, owner, tag and label."""
        return search.facets(self._db, self.query)

    def hints(self) -> list[tuple[str, int]]:
        """For a query that finds nothing: the query with one condition dropped, and what that finds."""
        return search.hints(self._db, self.query)

    def __iter__(self) -> Iterator[Hit]:
        offset = 0
        while page := self.page(offset, _PAGE):
            yield from page
            offset += len(page)
            if len(page) < _PAGE:
                return

    def __len__(self) -> int:
        number = self.count()
        total = number.number if number.exact else sum(1 for _ in self)
        return total if self._limit is None else min(total, self._limit)

    def __bool__(self) -> bool:
        return bool(self.page(0, 1))

    def __getitem__(self, index: int) -> Hit:
        found = self.page(index if index >= 0 else len(self) + index, 1)
        if not found:
            raise IndexError(index)
        return found[0]

    def __repr__(self) -> str:
        lines = [f"<Results {str(self.query)!r}: {self.count()}>"]
        lines += [
            f"  {text.safe(hit.reference, 90)}  {hit.format or ''}  {text.size(hit.bytes)}"
            for hit in self.page(0, _SHOWN)
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = self.page(0, _SHOWN)
        caption = f"{len(rows)} of {self.count()}"
        cells = [
            (h.kind, h.name, h.silo, h.format, h.files, text.size(h.bytes), h.rows, text.iso(h.modified_ns))
            for h in rows
        ]
        return html_table(("kind", "name", "silo", "format", "files", "size", "rows", "modified"), cells, caption)

    def _columns(self) -> Sequence[tuple[str, str]]:
        return _COLUMNS

    def _records(self) -> Iterable[Sequence[Any]]:
        for h in self:
            yield (
                h.id, h.kind, h.name, h.uri, h.silo, h.format, h.files, h.bytes, h.rows, h.modified_ns, h.version,
                h.owner, list(h.tags),
            )  # fmt: skip
