"""Putting the rows of many files into the order of their keys, on disk, in flat memory."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

from catalog.silos.inventory.rows import Row


class Spool:
    """A temporary table of rows; the last row of a key counts. Gone when it is closed."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="catalog-inventory-")
        self._db = sqlite3.connect(Path(self._folder.name) / "rows.db", isolation_level=None)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "page_size=16384", "cache_size=-65536"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute("CREATE TABLE row(key BLOB PRIMARY KEY, size, mtime_ns, etag) WITHOUT ROWID")
        self._db.execute("BEGIN")

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._db.close()
        self._folder.cleanup()

    def add(self, rows: Iterable[Row]) -> None:
        """Take rows in any order."""
        self._db.executemany("INSERT OR REPLACE INTO row VALUES (?, ?, ?, ?)", rows)

    def ordered(self, size: int) -> Iterator[list[Row]]:
        """All rows in the byte order of their keys, `size` at a time."""
        cursor = self._db.execute("SELECT key, size, mtime_ns, etag FROM row ORDER BY key")
        while rows := cursor.fetchmany(size):
            yield rows
