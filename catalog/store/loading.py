"""The values a bulk load works on, shared by the writer and its two databases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.model import Listing, Part

if TYPE_CHECKING:
    from catalog.store.engine import Database
    from catalog.store.known import Known


@dataclass(slots=True)
class Found:
    """One directory (or a slice of it) as a crawl found it, ready to load.

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

    def since(self, before: Counts) -> Counts:
        """What came on top of `before`."""
        return Counts(
            self.added - before.added,
            self.changed - before.changed,
            self.removed - before.removed,
            self.unchanged - before.unchanged,
        )


@dataclass(slots=True)
class Row:
    """A directory's row while its batch is being made.

    `stored_*` is what the database counts for its own files, `listed` tells a directory that was
    found from an ancestor that is only carried along, `whole` one whose columns were all at hand.
    """

    path: str
    id: int = 0
    parent_id: int | None = None
    new: bool = True
    listed: bool = False
    whole: bool = False
    digest: bytes | None = None
    directories: int = 0
    own_files: int = 0
    own_bytes: int = 0
    stored_files: int = 0
    stored_bytes: int = 0
    newest_ns: int | None = None
    oldest_ns: int | None = None
    largest: int | None = None
    smallest: int | None = None
    mtime_ns: int | None = None

    @classmethod
    def of(cls, known: Known) -> Row:
        """The row of a directory the catalog knows."""
        return cls(
            known.path, known.id, new=False, directories=known.directories, own_files=known.own_files,
            own_bytes=known.own_bytes, stored_files=known.own_files, stored_bytes=known.own_bytes,
        )  # fmt: skip

    def measure(self, listing: Listing, *, whole: bool) -> None:
        """Take totals and bounds from the listing's columns, when it is the whole directory."""
        self.listed, self.whole = True, whole
        if not whole:
            return
        self.own_files = len(listing.names)
        sizes, times = known_numbers(listing.sizes), known_numbers(listing.mtimes)
        self.own_bytes = sum(sizes)
        self.largest, self.smallest = max(sizes, default=None), min(sizes, default=None)
        self.newest_ns, self.oldest_ns = max(times, default=None), min(times, default=None)

    def recount(self, db: Database) -> None:
        """Take totals and bounds from the database, for a directory that was seen in part."""
        row = db.one(
            "SELECT COUNT(*), COALESCE(SUM(size), 0), MAX(mtime_ns), MIN(mtime_ns), MAX(size), MIN(size) "
            "FROM file WHERE directory_id = ?",
            (self.id,),
        )
        assert row is not None
        self.own_files, self.own_bytes = int(row[0]), int(row[1])
        self.newest_ns, self.oldest_ns, self.largest, self.smallest = row[2:]

    def inserted(self, silo_id: int, crawl_id: int, delta: Sequence[int]) -> tuple[object, ...]:
        """Parameters to insert the row."""
        return (
            self.id, silo_id, self.parent_id, self.path, self.digest, self.directories, self.own_files,
            self.own_bytes, delta[0], delta[1], self.newest_ns, self.oldest_ns, self.largest, self.smallest,
            self.mtime_ns, crawl_id,
        )  # fmt: skip

    def updated(self, crawl_id: int, delta: Sequence[int]) -> tuple[object, ...]:
        """Parameters to update the row."""
        return (
            self.digest, self.directories, self.own_files, self.own_bytes, delta[0], delta[1], self.newest_ns,
            self.oldest_ns, self.largest, self.smallest, self.mtime_ns, crawl_id, self.id,
        )  # fmt: skip


def known_numbers(column: Sequence[int | None]) -> Sequence[int]:
    """The column without its unknowns; the column itself when it has none (the common case)."""
    return [n for n in column if n is not None] if None in column else column  # type: ignore[return-value]
