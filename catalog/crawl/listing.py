"""The first stage of a crawl: walk the silo, compare digests, load what differs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from heapq import heappop, heappush
from typing import cast

from catalog.datasets.digest import listing_digest
from catalog.datasets.sketch import merge, sketch
from catalog.errors import EntryMissing, SiloError, Transient
from catalog.formats.names import claimed_formats, family
from catalog.model import CrawlMode, Failure, Listing, Part
from catalog.silos.base import Listable, Ranged, Silo
from catalog.silos.parallel import walk_parts, walk_tree
from catalog.silos.paths import join
from catalog.store.bounds import Parts, key_bounds, parts
from catalog.store.bulk import Writer
from catalog.store.engine import Database
from catalog.store.known import Known, KnownDirectories, parent_of
from catalog.store.loading import Found
from catalog.store.verified import is_due

DOUBT_NS = 2_000_000_000
"""A directory that changed so shortly before it was listed may change again within the same tick of
its clock: its time is not kept, so that a quick crawl lists it again."""

MAX_FAILURES = 1000


class ListingStage:
    """Lists one silo into the catalog and counts what it met."""

    def __init__(
        self, db: Database, silo: Silo, writer: Writer, mode: CrawlMode, workers: int, tick: Callable[[str], None],
        share: tuple[int, int] | None = None,
    ) -> None:
        self.listed = 0
        self.bytes: int | None = 0
        self.failed: list[Failure] = []
        self.skipped: dict[str, int] = {}
        self.passed_over = 0
        self._db = db
        self._silo = silo
        self._writer = writer
        self._mode = mode
        self._workers = workers
        self._share = share
        self._tick = tick
        self._started_ns = time.time_ns()
        self._sliced: dict[str, tuple[str | None, list[Part]]] = {}

    def run(self, prefix: str) -> None:
        """Walk everything below `prefix`. Raises what the silo raises when its start cannot be listed."""
        # Closing the walk at once on an error or Ctrl-C releases its descriptors.
        with closing(self._walk(prefix)) as listings:  # type: ignore[type-var]
            for number, listing in enumerate(listings):
                if number == 0:
                    self._writer.reopen(prefix)
                self._taken(listing)
        self._writer.flush()

    def run_changes(self, paths: Iterable[str]) -> int:
        """List the directories in which something changed, and those that are new; returns how many."""
        waiting, done = sorted(_directories(paths, self._writer.known)), set[str]()
        while waiting:
            path = heappop(waiting)  # a directory before those in it, which may be new and come with it
            if path in done:
                continue
            done.add(path)
            listing = self._alone(path)
            if listing is None:
                heappush(waiting, parent_of(path) or "")  # its end shows in the directory above
                continue
            new = [below for name in listing.directories if self._is_new(below := join(path, name))]
            self._taken(listing)
            for below in new:
                for deeper in self._silo.walk(below):
                    if deeper.path not in done:
                        self._taken(deeper)
                    if not deeper.more:
                        done.add(deeper.path)
        self._writer.flush()
        return len(done)

    def _alone(self, path: str) -> Listing | None:
        """One directory without what is below; None when it is gone. Raises when the silo itself is."""
        assert isinstance(self._silo, Listable)
        try:
            return self._silo.children(path)
        except EntryMissing:
            if not path:
                raise
            return None
        except SiloError as error:
            if not path:
                raise
            failure = Failure(path, error.message, retriable=isinstance(error, Transient))
            return Listing(path, (), (), (), complete=False, failure=failure)

    def _is_new(self, path: str) -> bool:
        known = self._writer.known.look_up(path)
        return known is None or bool(known.removed)

    def _taken(self, listing: Listing) -> None:
        self._take(listing)
        self._tick(listing.path)

    def _walk(self, prefix: str) -> Iterator[Listing]:
        """The silo's walk, with as many listing requests under way as were asked for."""
        can = self._silo.capabilities
        quick = self._mode == "quick" and can.directory_mtimes
        if self._workers > 1 and not quick:
            if isinstance(self._silo, Ranged) and self._silo.byte_order:
                bounds = key_bounds(self._db, self._writer.silo_id, prefix, self._workers)
                return self._silo.walk_ranges(prefix, bounds, self._workers)
            if can.order == "tree" and isinstance(self._silo, Listable):
                return walk_tree(self._silo, prefix, self._workers)
            known = parts(self._db, self._writer.silo_id, prefix, self._workers)
            if known is not None and isinstance(self._silo, Listable):
                return self._parts(known, prefix)
        return self._silo.walk(prefix, self._unchanged if quick else None)

    def _parts(self, known: Parts, prefix: str) -> Iterator[Listing]:
        """The known parts, and then what the directories listed alone name besides: new subdirectories."""
        assert isinstance(self._silo, Listable)
        alone, whole, named = set(known.alone), set(known.whole), dict[str, None]()
        unsure: set[str] = set()
        for listing in walk_parts(self._silo, known.alone, known.whole, self._workers):  # those alone come first
            if listing.path in alone:
                named.update((join(listing.path, name), None) for name in listing.directories)
                unsure.update([] if listing.complete else [listing.path])
            elif listing.path in whole and listing.path not in named and parent_of(listing.path) not in unsure:
                continue  # gone: a prefix that no key has any more reads as an empty directory
            yield listing
        new = [path for path in named if path not in alone and path not in whole]
        yield from walk_parts(self._silo, (), new, self._workers)

    def _take(self, listing: Listing) -> None:
        self.listed += len(listing.names)
        self._count(listing)
        known = self._writer.known.get(listing.path)
        digest = None if listing.more or listing.path in self._sliced else listing_digest(listing)
        mtime_ns = self._trusted(listing.mtime_ns)
        if known is not None and listing.complete and digest is not None and known.digest == digest:
            self._writer.same(listing, known, mtime_ns)
            return
        formats: Sequence[str | None] = claimed_formats(listing.names)
        if known is not None:
            formats = self._seen(known, listing, formats)
        parts = sketch(listing, formats, family)
        after, parts = self._slice(listing, parts)
        self._writer.add(Found(listing, formats, parts, digest, known, after), mtime_ns)

    def _slice(self, listing: Listing, parts: list[Part]) -> tuple[str | None, list[Part]]:
        after, before = self._sliced.pop(listing.path, (None, []))
        parts = merge(before, parts) if before else parts
        if listing.more:
            self._sliced[listing.path] = (listing.names[-1], parts)
        return after, parts

    def _seen(self, known: Known, listing: Listing, formats: Sequence[str | None]) -> Sequence[str | None]:
        """The formats, with what opening unchanged files has shown where their names claim nothing.

        What a name claims goes on to say which files belong together, also when the content is
        found to be something else: that is a finding on the file, and its dataset stays.
        """
        if None not in formats:
            return formats
        rows = self._db.all(
            "SELECT name, size, mtime_ns, etag, format FROM inspection WHERE directory_id = ? AND format IS NOT NULL",
            (known.id,),
        )
        if not rows:
            return formats
        index = {name: at for at, name in enumerate(listing.names)}
        merged = list(formats)
        for name, size, mtime_ns, etag, format in rows:
            at = index.get(name)
            if at is None or merged[at] or (listing.sizes[at], listing.mtimes[at]) != (size, mtime_ns):
                continue
            if listing.etags is None or listing.etags[at] == etag:
                merged[at] = format
        return merged

    def _count(self, listing: Listing) -> None:
        for kind, number in listing.skipped.items():
            self.skipped[kind] = self.skipped.get(kind, 0) + number
        if self.bytes is not None and listing.names:
            self.bytes = None if None in listing.sizes else self.bytes + sum(cast("Sequence[int]", listing.sizes))
        if listing.failure is not None and len(self.failed) < MAX_FAILURES:
            self.failed.append(listing.failure)

    def _trusted(self, mtime_ns: int | None) -> int | None:
        return None if mtime_ns is None or mtime_ns > self._started_ns - DOUBT_NS else mtime_ns

    def _unchanged(self, path: str, mtime_ns: int) -> Sequence[str] | None:
        known = self._writer.known.get(path)
        if known is None or known.digest is None or known.mtime_ns != mtime_ns or is_due(path, self._share):
            return None
        self.listed += known.own_files
        self.passed_over += 1
        self._writer.counts.unchanged += known.own_files
        if self.bytes is not None:
            self.bytes += known.own_bytes
        children = sorted(self._writer.known.children(path)) if known.directories else ()
        self._writer.known.done(path)
        return children


def _directories(paths: Iterable[str], known: KnownDirectories) -> set[str]:
    """The directories to list: that of each path, the path itself where it is one, and what is new above."""
    found: set[str] = set()
    for path in paths:
        at: str | None = path.rstrip("/")
        if path.endswith("/") or (at and known.look_up(at) is not None):
            found.add(at or "")
        at = parent_of(at or "") if at else ""
        while at is not None and at not in found:
            found.add(at)
            row = known.look_up(at)
            at = parent_of(at) if row is None or row.removed else None
    return found
