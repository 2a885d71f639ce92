"""Files into SQLite: `executemany` for the touched directories, the difference made in Python."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat

from catalog.store.diff import diff
from catalog.store.engine import Database
from catalog.store.loading import Counts, Found, Row

_ROWS = 100
"""Rows of one INSERT; six values each stay below the number of parameters any SQLite allows."""

_HISTORY = (
    "INSERT INTO file_history(directory_id, name, last_crawl, size, mtime_ns, etag, format, first_crawl) "
    "SELECT directory_id, name, ?, size, mtime_ns, etag, format, first_crawl FROM file "
    "WHERE directory_id = ? AND name = ?"
)


def directory_ids(db: Database, count: int) -> Iterator[int]:
    """Ids for `count` new directories; inside the transaction that inserts them, which is the only one that writes."""
    first = int(db.value("SELECT COALESCE(MAX(id), 0) FROM directory")) + 1
    return iter(range(first, first + count))


def insert(db: Database, new: Sequence[tuple[Row, Found]], crawl_id: int) -> int:
    """Insert the files of new directories and return how many."""
    plain = [(row, found) for row, found in new if found.listing.etags is None]
    tagged = [(row, found) for row, found in new if found.listing.etags is not None]
    _insert(db, "directory_id, name, size, mtime_ns, format", plain, crawl_id)
    _insert(db, "directory_id, name, size, mtime_ns, format, etag", tagged, crawl_id)
    return sum(len(found.listing.names) for _, found in new)


def _insert(db: Database, columns: str, new: Sequence[tuple[Row, Found]], crawl_id: int) -> None:
    """Insert with many rows a statement: what is left of a row's cost is binding its values.

    The crawl is the same for all rows, so it is written into the statement and not bound.
    """
    count = columns.count(",") + 1
    values = f"({'?, ' * count}{crawl_id})"
    sql = f"INSERT INTO file({columns}, first_crawl) VALUES "
    flat = list(chain.from_iterable(map(chain.from_iterable, map(_records, new))))
    width = count * _ROWS
    whole = len(flat) // width * width
    db.executemany(sql + ", ".join([values] * _ROWS), zip(*[iter(flat[:whole])] * width))
    db.executemany(sql + values, zip(*[iter(flat[whole:])] * count))


def _records(one: tuple[Row, Found]) -> Iterable[tuple[object, ...]]:
    row, found = one
    listing = found.listing
    columns = (repeat(row.id), listing.names, listing.sizes, listing.mtimes, found.formats)
    return zip(*columns) if listing.etags is None else zip(*columns, listing.etags)


def merge(
    db: Database, touched: Sequence[tuple[Row, Found]], crawl_id: int, counts: Counts
) -> dict[tuple[int, str | None], list[str]]:
    """Bring known directories up to date; returns the names added, by (directory id, slice)."""
    return {(row.id, found.after): _merge_one(db, row.id, found, crawl_id, counts) for row, found in touched}


def _merge_one(db: Database, directory_id: int, found: Found, crawl_id: int, counts: Counts) -> list[str]:
    one = found.listing
    where, which = slice_of(found)
    before = {
        name: (size, mtime_ns, etag)
        for name, size, mtime_ns, etag in db.raw.execute(
            f"SELECT name, size, mtime_ns, etag FROM file WHERE directory_id = ?{where}", (directory_id, *which)
        )
    }
    after = dict(zip(one.names, zip(one.sizes, one.mtimes, one.etags or repeat(None))))
    changes = diff(before, after.items(), complete=one.complete)
    formats = dict(zip(one.names, found.formats)) if changes.added or changes.changed else {}
    past = [(crawl_id, directory_id, name) for name in (*changes.changed, *changes.removed)]
    db.executemany(_HISTORY, past)
    db.executemany(
        "DELETE FROM file WHERE directory_id = ? AND name = ?", ((directory_id, name) for name in changes.removed)
    )
    db.executemany(
        f"UPDATE file SET size = ?, mtime_ns = ?, etag = ?, format = ?, first_crawl = {crawl_id} "
        "WHERE directory_id = ? AND name = ?",
        ((*after[name], formats[name], directory_id, name) for name in changes.changed),
    )
    db.executemany(
        "INSERT INTO file(directory_id, name, size, mtime_ns, etag, format, first_crawl) "
        f"VALUES (?, ?, ?, ?, ?, ?, {crawl_id})",
        ((directory_id, name, *after[name], formats[name]) for name in changes.added),
    )
    counts.added += len(changes.added)
    counts.changed += len(changes.changed)
    counts.removed += len(changes.removed)
    counts.unchanged += len(after) - len(changes.added) - len(changes.changed)
    return changes.added


def slice_of(found: Found) -> tuple[str, list[object]]:
    """SQL that keeps to the names a slice speaks of, and its parameters."""
    where, which = "", list[object]()
    if found.after is not None:
        where, which = " AND name > ?", [found.after]
    if found.listing.more:
        where, which = where + " AND name <= ?", [*which, found.listing.names[-1]]
    return where, which
