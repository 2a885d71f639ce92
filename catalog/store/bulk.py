"""Bulk loading: what a crawl found, into the database, a batch a transaction.

A `Writer` is given directories that differ from what the catalog holds (the crawl compares
digests and never brings the others). It keeps everything that hangs on a directory in step within
one transaction: files and their history, parts, search texts, and the totals of all ancestors.
Killing the process at any point loses at most the batch that was being written.

SQLite takes plain `executemany` for the touched directories; Postgres takes COPY, into the table
itself for new directories and into an unlogged stage with one set-based merge for known ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from catalog.model import Listing
from catalog.store import bulk_postgres, bulk_sqlite
from catalog.store.engine import Database
from catalog.store.known import Known, KnownDirectories, parent_of
from catalog.store.loading import Counts, Found, Row
from catalog.store.names import NameWriter

BATCH_FILES = 20_000
BATCH_DIRECTORIES = 4_000

_INSERT = (
    "INSERT INTO directory(id, silo_id, parent_id, path, digest, directories, own_files, own_bytes, sub_files, "
    "sub_bytes, newest_ns, oldest_ns, largest, smallest, mtime_ns, changed_crawl) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_UPDATE = (
    "UPDATE directory SET digest = ?, directories = ?, own_files = ?, own_bytes = ?, sub_files = sub_files + ?, "
    "sub_bytes = sub_bytes + ?, newest_ns = ?, oldest_ns = ?, largest = ?, smallest = ?, mtime_ns = ?, "
    "changed_crawl = ?, removed_crawl = NULL WHERE id = ?"
)
_CARRY = "UPDATE directory SET sub_files = sub_files + ?, sub_bytes = sub_bytes + ? WHERE id = ?"


@dataclass(slots=True)
class Batch:
    """What is written in one transaction."""

    found: list[tuple[Row, Found]] = field(default_factory=list)
    rows: dict[str, Row] = field(default_factory=dict)
    gone: list[Known] = field(default_factory=list)
    times: list[tuple[int | None, int]] = field(default_factory=list)
    files: int = 0
    same: int = 0

    @property
    def full(self) -> bool:
        """Whether it is time to write it; directories that stayed as they are count, so that the cursor moves."""
        return self.files >= BATCH_FILES or len(self.found) + self.same >= BATCH_DIRECTORIES

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.found or self.gone or self.times)


class Writer:
    """Loads one crawl's findings into the catalog. One thread, one silo.

    `checkpoint` is called inside each batch's transaction, with what the batch counts; `tree_order` says that
    directories come before their children.
    """

    def __init__(
        self, db: Database, silo_id: int, crawl_id: int, checkpoint: Callable[[Counts], None], *, tree_order: bool
    ) -> None:
        self.known = KnownDirectories(db, silo_id, tree_order=tree_order)
        self.counts = Counts()
        self._db = db
        self.silo_id = silo_id
        self._crawl_id = crawl_id
        self._checkpoint = checkpoint
        self._told = Counts()
        self._names = NameWriter(db)
        self._batch = Batch()
        self._slices: dict[str, Row] = {}
        self._backend = bulk_sqlite if db.dialect == "sqlite" else bulk_postgres

    def same(self, listing: Listing, known: Known, mtime_ns: int | None) -> None:
        """A directory whose digest did not change: at most its own time is new."""
        self.counts.unchanged += known.own_files
        if mtime_ns != known.mtime_ns:
            self._batch.times.append((mtime_ns, known.id))
        self.passed(known)

    def passed(self, known: Known) -> None:
        """A directory that needs no more attention."""
        self.known.done(known.path)
        self._batch.same += 1
        if self._batch.full:
            self.flush()

    def add(self, found: Found, mtime_ns: int | None) -> None:
        """Load a directory that is new, changed, or could not be listed to its end."""
        listing = found.listing
        row = self._slices.get(listing.path) or self._row(listing.path, found.known)
        row.measure(listing, whole=listing.complete and not listing.more and found.after is None)
        if listing.more:
            self._slices[listing.path] = row
        else:
            self._slices.pop(listing.path, None)
            if listing.complete:
                here = set(listing.directories)
                if found.known is not None:
                    children = self.known.children(found.known)
                    self._batch.gone += [child for name, child in children.items() if name not in here]
                row.mtime_ns, row.digest, row.directories = mtime_ns, found.digest, len(here)
            elif found.known is not None:
                row.directories = max(found.known.directories, len(listing.directories))
        self._batch.rows[listing.path] = row
        self._batch.found.append((row, found))
        self._batch.files += len(listing.names)
        if not listing.more:
            self.known.done(listing.path)
        if self._batch.full:
            self.flush()

    def reopen(self, path: str) -> None:
        """Let the directories above a part that is new to the catalog be listed again.

        They were listed without it, or are marked as gone: trusted as they are, a later crawl
        would not see the part vanish.
        """
        known = self.known.look_up(path)
        if not path or (known is not None and not known.removed):
            return
        above = parent_of(path)
        with self._db.transaction():
            while above is not None:
                self._db.execute(
                    "UPDATE directory SET digest = NULL, mtime_ns = NULL, removed_crawl = NULL, "
                    "directories = CASE WHEN directories = 0 THEN 1 ELSE directories END "
                    "WHERE silo_id = ? AND path = ?",
                    (self.silo_id, above),
                )
                above = parent_of(above)

    def flush(self) -> None:
        """Write the batch in one transaction."""
        batch, self._batch = self._batch, Batch()
        try:
            with self._db.transaction():
                if not batch.empty:
                    self._write(batch)
                self._checkpoint(self.counts.since(self._told))
        except BaseException:
            self._names.forget()
            raise
        self._told = replace(self.counts)

    def _row(self, path: str, known: Known | None) -> Row:
        row = self._batch.rows.get(path)
        if row is None:
            row = Row.of(known) if known is not None else Row(path)
        return row

    def _write(self, batch: Batch) -> None:
        removed = {known.path: self._remove(known) for known in batch.gone}
        self._number(batch, [parent_of(path) or "" for path in removed])
        new = [(row, found) for row, found in batch.found if row.new]
        touched = [(row, found) for row, found in batch.found if not row.new]
        self.counts.added += self._backend.insert(self._db, new, self._crawl_id)
        added = self._backend.merge(self._db, touched, self._crawl_id, self.counts)
        self._write_names(new, touched, added)
        self._write_parts(batch.found)
        self._write_directories(batch, removed)
        if batch.times:
            self._db.executemany("UPDATE directory SET mtime_ns = ? WHERE id = ?", batch.times)

    def _number(self, batch: Batch, parents: Iterable[str]) -> None:
        """Give new directories their ids, with a row for each missing ancestor."""
        self._names.begin()
        for path in [*batch.rows, *parents]:
            at: str | None = path
            while at is not None:
                if at not in batch.rows:
                    known = self.known.look_up(at)
                    # An ancestor made here is not listed yet, but has the child that needs it.
                    batch.rows[at] = Row.of(known) if known else Row(at, directories=1)
                at = parent_of(at)
        ids = self._backend.directory_ids(self._db, sum(row.new for row in batch.rows.values()))
        for path in sorted(batch.rows):  # a parent sorts before its children
            row = batch.rows[path]
            if row.new:
                row.id = next(ids)
                above = parent_of(path)
                row.parent_id = batch.rows[above].id if above is not None else None

    def _write_names(
        self,
        new: Sequence[tuple[Row, Found]],
        touched: Sequence[tuple[Row, Found]],
        added: dict[tuple[int, str | None], list[str]],
    ) -> None:
        for row, found in new:
            if found.listing.names:
                self._names.add(row.id, found.listing.names)
        for row, found in touched:
            names = added.get((row.id, found.after))
            whole = found.after is None and not found.listing.more and found.listing.complete
            if names and not (whole and self._names.rewrite_if_crowded(row.id, found.listing.names)):
                self._names.add(row.id, names)
        self._names.flush()

    def _write_parts(self, found: Sequence[tuple[Row, Found]]) -> None:
        last = [(row, one.parts) for row, one in found if not one.listing.more and one.listing.complete]
        owners: dict[tuple[int, str, str], int] = {}
        for row, _ in last:
            if not row.new:
                for pattern, format, asset in self._db.all(
                    "SELECT pattern, format, asset_id FROM part WHERE directory_id = ?", (row.id,)
                ):
                    if asset is not None:
                        owners[row.id, pattern, format] = asset
                self._db.execute("DELETE FROM part WHERE directory_id = ?", (row.id,))
        self._db.executemany(
            "INSERT INTO part(directory_id, pattern, format, role, dense, files, bytes, newest_ns, digest, asset_id) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    row.id,
                    p.pattern,
                    p.format or "",
                    p.role,
                    p.dense,
                    p.files,
                    p.bytes,
                    p.newest_ns,
                    p.digest,
                    owners.get((row.id, p.pattern, p.format or "")),
                )
                for row, parts in last
                for p in parts
            ),
        )

    def _write_directories(self, batch: Batch, removed: dict[str, tuple[int, int]]) -> None:
        """Store the rows, and carry each difference in totals up to the root."""
        deltas: dict[str, list[int]] = {path: [0, 0] for path in batch.rows}
        changes = [(parent_of(path) or "", -files, -size) for path, (files, size) in removed.items()]
        for path, row in batch.rows.items():
            if row.listed and not row.whole:
                row.recount(self._db)
            files, size = row.own_files - row.stored_files, row.own_bytes - row.stored_bytes
            if files or size:
                changes.append((path, files, size))
            row.stored_files, row.stored_bytes = row.own_files, row.own_bytes
        for path, files, size in changes:
            at: str | None = path
            while at is not None:
                delta = deltas[at]
                delta[0] += files
                delta[1] += size
                at = parent_of(at)
        crawl, silo = self._crawl_id, self.silo_id
        ordered = [(batch.rows[path], deltas[path]) for path in sorted(batch.rows)]
        self._db.executemany(_INSERT, (row.inserted(silo, crawl, delta) for row, delta in ordered if row.new))
        known = [(row, delta) for row, delta in ordered if not row.new]
        self._db.executemany(_UPDATE, (row.updated(crawl, delta) for row, delta in known if row.listed))
        self._db.executemany(_CARRY, ((*delta, row.id) for row, delta in known if not row.listed and any(delta)))
        for row, _ in ordered:
            row.new = False

    def _remove(self, known: Known) -> tuple[int, int]:
        """Move everything at and below a directory that is gone into history; its files and bytes."""
        db, crawl = self._db, self._crawl_id
        below = "SELECT id FROM directory WHERE silo_id = ? AND (path = ? OR (path > ? AND path < ?))"
        which = (self.silo_id, known.path, known.path + "/", known.path + "0")  # '0' follows '/'
        totals = db.one("SELECT sub_files, sub_bytes FROM directory WHERE id = ?", (known.id,)) or (0, 0)
        db.execute(
            "INSERT INTO file_history(directory_id, name, last_crawl, size, mtime_ns, etag, format, first_crawl) "
            f"SELECT directory_id, name, {crawl}, size, mtime_ns, etag, format, first_crawl FROM file "
            f"WHERE directory_id IN ({below})",
            which,
        )
        for table in ("file", "part", "inspection", "name_block"):
            db.execute(f"DELETE FROM {table} WHERE directory_id IN ({below})", which)
        db.execute(
            "UPDATE directory SET digest = NULL, directories = 0, own_files = 0, own_bytes = 0, sub_files = 0, "
            "sub_bytes = 0, newest_ns = NULL, oldest_ns = NULL, largest = NULL, smallest = NULL, mtime_ns = NULL, "
            f"removed_crawl = {crawl}, changed_crawl = {crawl} "
            f"WHERE removed_crawl IS NULL AND id IN ({below})",
            which,
        )
        self.counts.removed += int(totals[0])
        return int(totals[0]), int(totals[1])
