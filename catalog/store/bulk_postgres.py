"""Files into Postgres: COPY, then for known directories one set-based merge.

A blind upsert writes every row again and doubles the table; here only what differs is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat

from catalog.store.engine import Database
from catalog.store.loading import Counts, Found, Row

_COLUMNS = "directory_id, name, size, mtime_ns, etag, format"
_DIFFERS = "(s.size, s.mtime_ns, s.etag) IS DISTINCT FROM (f.size, f.mtime_ns, f.etag)"


def directory_ids(db: Database, count: int) -> Iterator[int]:
    """Ids for new directories, which no other loader gets."""
    return (int(row[0]) for row in db.all("SELECT nextval('directory_id_seq') FROM generate_series(1, ?)", (count,)))


def insert(db: Database, new: Sequence[tuple[Row, Found]], crawl_id: int) -> int:
    """COPY the files of new directories and return how many."""
    if not new:
        return 0
    with db.raw.cursor() as cursor, cursor.copy(f"COPY file({_COLUMNS}, first_crawl) FROM STDIN") as copy:
        for row, found in new:
            for record in _records(row.id, found):
                copy.write_row((*record, crawl_id))
    return sum(len(found.listing.names) for _, found in new)


def merge(
    db: Database, touched: Sequence[tuple[Row, Found]], crawl_id: int, counts: Counts
) -> dict[tuple[int, str | None], list[str]]:
    """Bring known directories up to date; returns the names added, by (directory id, slice)."""
    if not touched:
        return {}
    _stage(db, touched)
    changed = "FROM file_stage s WHERE s.directory_id = f.directory_id AND s.name = f.name AND " + _DIFFERS
    # What is gone: within what was listed completely (a whole directory, or a slice of its names).
    gone = (
        "FROM file_scope c WHERE c.directory_id = f.directory_id AND c.complete "
        "AND (c.after IS NULL OR f.name > c.after) AND (c.upto IS NULL OR f.name <= c.upto) "
        "AND NOT EXISTS (SELECT 1 FROM file_stage s WHERE s.directory_id = f.directory_id AND s.name = f.name)"
    )
    for which in (changed, gone):
        db.execute(
            "INSERT INTO file_history(directory_id, name, last_crawl, size, mtime_ns, etag, format, first_crawl) "
            f"SELECT f.directory_id, f.name, {crawl_id}, f.size, f.mtime_ns, f.etag, f.format, f.first_crawl "
            f"FROM file f, {which.removeprefix('FROM ')}"
        )
    counts.removed += db.execute(f"DELETE FROM file f USING {gone.removeprefix('FROM ')}").rowcount
    rewritten = db.execute(
        "UPDATE file f SET size = s.size, mtime_ns = s.mtime_ns, etag = s.etag, format = s.format, "
        f"first_crawl = {crawl_id} {changed}"
    ).rowcount
    added = db.all(
        f"INSERT INTO file({_COLUMNS}, first_crawl) SELECT s.directory_id, s.name, s.size, s.mtime_ns, s.etag, "
        f"s.format, {crawl_id} FROM file_stage s "
        "LEFT JOIN file f ON f.directory_id = s.directory_id AND f.name = s.name "
        "WHERE f.name IS NULL RETURNING directory_id, name"
    )
    staged = sum(len(found.listing.names) for _, found in touched)
    counts.added += len(added)
    counts.changed += rewritten
    counts.unchanged += staged - len(added) - rewritten
    return _by_slice(touched, added)


def _stage(db: Database, touched: Sequence[tuple[Row, Found]]) -> None:
    # Temporary tables are not logged; they vanish with the session, or with this transaction.
    db.execute(
        'CREATE TEMPORARY TABLE IF NOT EXISTS file_stage (directory_id bigint, name text COLLATE "C", size bigint, '
        "mtime_ns bigint, etag text, format text) ON COMMIT DELETE ROWS"
    )
    db.execute(
        'CREATE TEMPORARY TABLE IF NOT EXISTS file_scope (directory_id bigint, after text COLLATE "C", '
        'upto text COLLATE "C", complete boolean) ON COMMIT DELETE ROWS'
    )
    with db.raw.cursor() as cursor:
        with cursor.copy(f"COPY file_stage({_COLUMNS}) FROM STDIN") as copy:
            for row, found in touched:
                for record in _records(row.id, found):
                    copy.write_row(record)
        with cursor.copy("COPY file_scope FROM STDIN") as copy:
            for row, found in touched:
                one = found.listing
                copy.write_row((row.id, found.after, one.names[-1] if one.more else None, one.complete))
    db.execute("ANALYZE file_stage")


def _records(directory_id: int, found: Found) -> Iterable[tuple[object, ...]]:
    one = found.listing
    return zip(repeat(directory_id), one.names, one.sizes, one.mtimes, one.etags or repeat(None), found.formats)


def _by_slice(
    touched: Sequence[tuple[Row, Found]], added: Sequence[tuple[int, str]]
) -> dict[tuple[int, str | None], list[str]]:
    names: dict[int, set[str]] = {}
    for directory_id, name in added:
        names.setdefault(directory_id, set()).add(name)
    return {
        (row.id, found.after): [name for name in found.listing.names if name in names[row.id]]
        for row, found in touched
        if row.id in names
    }
