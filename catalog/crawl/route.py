"""The way a silo is listed: from its start or from where another crawl stopped, with so many requests under way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from catalog.crawl.cursor import Cursor, Way, way_of
from catalog.model import Listing
from catalog.silos.base import Dated, Listable, Ranged, Resumable, Silo, Unchanged
from catalog.silos.parallel import Ended, walk_parts, walk_tree
from catalog.silos.paths import join
from catalog.store.bounds import Parts, key_bounds, parts
from catalog.store.engine import Database
from catalog.store.known import parent_of


class Route:
    """One walk over a silo, or what is below `prefix`, with up to `workers` listing requests under way.

    `unchanged` tells the directories that need not be listed; without `quick` it is asked only of those that the
    crawl listed from which this one goes on (`before`). `ended` is told each part that was given out.
    """

    def __init__(
        self, db: Database, silo: Silo, silo_id: int, prefix: str, workers: int, unchanged: Unchanged, ended: Ended,
        *, quick: bool, before: Cursor | None,
    ) -> None:  # fmt: skip
        self._db, self._silo, self._silo_id = db, silo, silo_id
        self._prefix, self._workers = prefix, workers
        self._unchanged = unchanged
        self._ended = ended
        self._quick = quick and silo.capabilities.directory_mtimes
        self.catching_up = False
        """Whether directories are given out that do not tell how far the walk has come."""
        self.way: Way | None
        going_on = self._rest(before) if before is not None else None
        self.before = before if going_on is not None else None
        """Where it began, if it could begin there."""
        self.way, self.listings = going_on or self._all()

    def _all(self) -> tuple[Way | None, Iterator[Listing]]:
        silo, prefix = self._silo, self._prefix
        if self._workers > 1 and not self._quick:
            if isinstance(silo, Ranged) and silo.byte_order:
                return way_of(silo), silo.walk_ranges(prefix, self._bounds(), self._workers)
            if silo.capabilities.order == "tree" and isinstance(silo, Listable):
                return way_of(silo), walk_tree(silo, prefix, self._workers)
            known = parts(self._db, self._silo_id, prefix, self._workers)
            # An inventory is read as a whole, and lists no directory by itself.
            if known is not None and isinstance(silo, Listable) and not isinstance(silo, Dated):
                return "parts", self._parts(known, None)
        return way_of(silo), silo.walk(prefix, self._unchanged if self._quick else None)

    def _rest(self, before: Cursor) -> tuple[Way, Iterator[Listing]] | None:
        """What is left to list; None when it is no less than everything."""
        silo, prefix, workers = self._silo, self._prefix, max(self._workers, 1)
        if before.way == "parts":
            known = parts(self._db, self._silo_id, prefix, workers)
            return ("parts", self._parts(known, before)) if known is not None else None
        if before.way == "keys":
            assert isinstance(silo, Resumable) and before.at is not None
            return "keys", silo.walk_after(prefix, before.at, before.given, self._bounds(), workers)
        if not silo.capabilities.directory_mtimes:
            assert isinstance(silo, Listable)
            return "tree", walk_tree(silo, prefix, workers, wanted=lambda path: not before.passed(path))
        if workers > 1 and not self._quick:
            return "tree", self._catch_up(before, workers)
        return "tree", silo.walk(prefix, self._unchanged)

    def _bounds(self) -> Sequence[str]:
        if self._workers < 2 or not (isinstance(self._silo, Ranged) and self._silo.byte_order):
            return ()
        return key_bounds(self._db, self._silo_id, self._prefix, self._workers)

    def _catch_up(self, before: Cursor, workers: int) -> Iterator[Listing]:
        """Look at what was listed before, one directory after another, and list the rest several at once."""
        assert isinstance(self._silo, Listable)
        beyond: list[str] = []

        def seen(path: str, mtime_ns: int) -> Sequence[str] | None:
            if before.is_above(path) or before.passed(path):
                return self._unchanged(path, mtime_ns)
            beyond.append(path)
            return ()

        self.catching_up = True
        yield from self._silo.walk(self._prefix, seen)
        self.catching_up = False
        yield from walk_tree(self._silo, self._prefix, workers, starts=beyond)

    def _parts(self, known: Parts, before: Cursor | None) -> Iterator[Listing]:
        """The known parts, and then what the directories listed alone name besides: new subdirectories."""
        alone, whole, named = set(known.alone), set(known.whole), dict[str, None]()
        left = before.left(known.whole) if before else known.whole
        unsure: set[str] = set()
        for listing in walk_parts(self._silo, known.alone, left, self._workers, self._ended):  # those alone come first
            if listing.path in alone:
                named.update((join(listing.path, name), None) for name in listing.directories)
                unsure.update([] if listing.complete else [listing.path])
            elif listing.path in whole and listing.path not in named and parent_of(listing.path) not in unsure:
                continue  # gone: a prefix that no key has any more reads as an empty directory
            yield listing
        new = [path for path in named if path not in alone and path not in whole]
        yield from walk_parts(self._silo, (), before.left(new) if before else new, self._workers, self._ended)
