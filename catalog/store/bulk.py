"""Bulk loading: what a crawl found, into the database, a batch a transaction.

A `Writer` is given directories that differ from what the catalog holds (the crawl compares
digests and never brings the others). It keeps everything that hangs on a directory in step within
one transaction: files and their history, parts, search texts, and the totals of all ancestors.
Killing the process at any point loses at most the batch that was being written.

SQLite takes plain `executemany` for the touched directories; Postgres takes COPY, into the table
itself for new directories and into an unlogged stage with one set-based merge for known ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from catalog.model import Listing, Part
from catalog.store import bulk_postgres, bulk_sqlite
from catalog.store.engine import Database
from catalog.store.known import Known, KnownDirectories, parent_of
from catalog.store.names import NameWriter

N = TypeVar("N", int, float)

BATCH_FILES = 20_000
BATCH_DIRECTORIES = 4_000


@dataclass(slots=True)
class Found:
    """One directory as a crawl found it, ready to load.

    `formats` has one element a file. `parts` are the directory's parts, given with its last (or
    only) listing. `after` is the last name of the slice before, None for the first.
    """

    listing: Listing
    formats: Sequence[str | None]
    parts: Sequence[Part]
    digest: bytes | None
    known: Known | None
    after: str | None = None


@dataclass(slots=True)
class Counts:
    """Files by what happened to them."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0


@dataclass(slots=True)
class Row:
    """A directory's row while its batch is being made."""

    id: int
    parent_id: int | None
    path: str
    new: bool
    digest: bytes | None = None
    directories: int = 0
    own_files: int = 0
    own_bytes: int = 0
    delta_files: int = 0
    delta_bytes: int = 0
    newest_ns: int | None = None
    oldest_ns: int | None = None
    largest: int | None = None
    smallest: int | None = None
    mtime_ns: int | None = None
    listed: bool = False


@dataclass(slots=True)
class Batch:
    """What is written in one transaction."""

    found: list[tuple[Row, Found]] = field(default_factory=list)
    rows: dict[str, Row] = field(default_factory=dict)
    gone: list[Known] = field(default_factory=list)
    times: list[tuple[int | None, int]] = field(default_factory=list)
    files: int = 0


class Writer:
    """Loads one crawl's findings into the catalog. One thread, one silo."""

    def __init__(self, db: Database, silo_id: int, crawl_id: int, heartbeat: Any) -> None:
        self.known = KnownDirectories(db, silo_id)
        self.counts = Counts()
        self._db = db
        self._silo_id = silo_id
        self._crawl_id = crawl_id
        self._heartbeat = heartbeat
        self._names = NameWriter(db)
        self._batch = Batch()
        self._slices: dict[str, Row] = {}
        self._next_id = 0
        self._backend = bulk_sqlite if db.dialect == "sqlite" else bulk_postgres

    # ------------------------------------------------------------ what the crawl calls

    def same(self, listing: Listing, known: Known, mtime_ns: int | None) -> None:
        """A directory whose digest did not change: at most its own time is new."""
        self.counts.unchanged += known.own_files
        if mtime_ns != known.mtime_ns:
            self._batch.times.append((mtime_ns, known.id))
        self.known.done(listing.path)

    def add(self, found: Found, mtime_ns: int | None) -> None:
        """Load a directory that is new, changed, or could not be listed to its end."""
        listing = found.listing
        row = self._slices.get(listing.path) or self._row(listing.path, found.known)
        if listing.more:
            self._slices[listing.path] = row
        else:
            self._slices.pop(listing.path, None)
        _measure(row, listing, first=found.after is None)
        if listing.complete and not listing.more:
            row.digest = found.digest if found.after is None else None
            row.mtime_ns = mtime_ns
            row.directories = len(listing.directories)
            here = set(listing.directories)
            self._batch.gone += [c for name, c in self.known.children(listing.path).items() if name not in here]
        elif not listing.complete:
            row.digest = None
            row.directories = max(found.known.directories if found.known else 0, len(listing.directories))
        self._batch.found.append((row, found))
        self._batch.files += len(listing.names)
        if not listing.more:
            self.known.done(listing.path)
        if self._batch.files >= BATCH_FILES or len(self._batch.found) >= BATCH_DIRECTORIES:
            self.flush()

    def flush(self) -> None:
        """Write the batch in one transaction."""
        batch, self._batch = self._batch, Batch()
        if not (batch.found or batch.gone or batch.times):
            return
        try:
            with self._db.transaction():
                self._write(batch)
        except BaseException:
            self._names.forget()
            raise

    # ------------------------------------------------------------ one batch

    def _write(self, batch: Batch) -> None:
        db = self._db
        for known in batch.gone:
            self._remove_below(known, batch)
        self._number(batch)
        # Rows of new directories come first: everything else refers to them.
        self._write_directories(batch)
        new = [(row, found) for row, found in batch.found if row.new]
        touched = [(row, found) for row, found in batch.found if not row.new]
        self.counts.added += self._backend.insert(db, new, self._crawl_id)
        added = self._backend.merge(db, touched, self._crawl_id, self.counts)
        self._write_parts(batch.found)
        for row, found in new:
            if found.listing.names:
                self._names.add(row.id, found.listing.names)
        for row, found in touched:
            names = added.get((row.id, found.after), ())
            if names and not self._names.rewrite_if_crowded(row.id, found.listing.names):
                self._names.add(row.id, names)
        self._names.flush()
        if batch.times:
            db.executemany("UPDATE directory SET mtime_ns = ? WHERE id = ?", batch.times)
        self._heartbeat()

    def _row(self, path: str, known: Known | None) -> Row:
        row = self._batch.rows.get(path)
        if row is None:
            known = known or self.known.get(path)
            if known is not None:
                row = Row(known.id, None, path, new=False)
            else:
                row = Row(0, None, path, new=True)
            self._batch.rows[path] = row
        if not row.listed:
            row.listed = True
            if known is not None:
                row.delta_files -= known.own_files
                row.delta_bytes -= known.own_bytes
        return row

    def _number(self, batch: Batch) -> None:
        """Give new directories ids, make missing ancestors, carry differences up the tree."""
        self._next_id = self._backend.next_id(self._db, self._next_id)
        deltas: dict[str, list[int]] = {}
        for path in list(batch.rows):
            row = batch.rows[path]
            files, size = row.delta_files + row.own_files, row.delta_bytes + row.own_bytes
            at: str | None = path
            while at is not None:
                self._ensure(at, batch)
                entry = deltas.setdefault(at, [0, 0])
                entry[0] += files
                entry[1] += size
                at = parent_of(at)
        for path in sorted(batch.rows):  # a parent sorts before its children, so its id is there
            row = batch.rows[path]
            if row.new:
                row.id, self._next_id = self._next_id, self._next_id + 1
                above = parent_of(path)
                row.parent_id = batch.rows[above].id if above is not None else None
            row.delta_files, row.delta_bytes = deltas[path]
