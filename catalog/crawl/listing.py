"""The first stage of a crawl: walk the silo, compare digests, load what differs."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from heapq import heappop, heappush
from itertools import chain
from typing import cast

from catalog.crawl.crew import Crew, Loaded
from catalog.crawl.cursor import Cursor
from catalog.crawl.route import Route
from catalog.datasets.digest import listing_digest
from catalog.datasets.sketch import merge, sketch
from catalog.errors import EntryMissing, SiloError, Transient
from catalog.formats.names import claimed_formats, family
from catalog.model import CrawlMode, Failure, Listing, Part
from catalog.silos.base import Listable, Silo
from catalog.silos.parallel import shielded, walk_parts
from catalog.silos.paths import join
from catalog.store.bounds import PAGE, Parts, parts
from catalog.store.bulk import Writer
from catalog.store.engine import Database
from catalog.store.known import Known, KnownDirectories, parent_of
from catalog.store.loading import Found
from catalog.store.verified import is_due

DOUBT_NS = 2_000_000_000
"""A directory that changed so shortly before it was listed may change again within the same tick of
its clock: its time is not kept, so that a quick crawl lists it again."""

MAX_FAILURES = 1000
_PARTS = 4
"""So many parts for each thread of a crew are enough, where nothing tells how large they are."""
_PROBES = 200
"""So many directories are listed to find them."""


class ListingStage:
    """Lists one silo into the catalog and counts what it met.

    With `before` it goes on where another crawl stopped; `cursor` says how far it has come itself.
    """

    def __init__(
        self, db: Database, silo: Silo, writer: Writer, mode: CrawlMode, workers: int, tick: Callable[[str], None],
        share: tuple[int, int] | None = None, before: Cursor | None = None,
    ) -> None:  # fmt: skip
        self.listed = 0
        self.bytes: int | None = 0
        self.failed: list[Failure] = []
        self.skipped: dict[str, int] = {}
        self.passed_over = 0
        self.carried = 0
        self.before = before
        self.cursor = before
        self._db = db
        self._silo = silo
        self._writer = writer
        self._mode = mode
        self._workers = workers
        self._share = share
        self._tick = tick
        self._started_ns = time.time_ns()
        self._sliced: dict[str, tuple[str | None, list[Part]]] = {}
        self._route: Route | None = None
        self._timed = False
        """Whether a look at a directory's time tells that it is as it was listed before."""
        self._held = False
        """Whether the cursor stays where it is, because too much failed to be remembered."""

    def run(self, prefix: str) -> None:
        """Walk everything below `prefix`. Raises what the silo raises when its start cannot be listed."""
        route = Route(
            self._db, self._silo, self._writer.silo_id, prefix, self._workers, self._unchanged, self._part_ended,
            quick=self._mode == "quick", before=self.before,
        )  # fmt: skip
        self.before, self.cursor = route.before, None
        if route.way is not None:
            share = self._share[1] if self._share else 0
            self.cursor = self.before.copy() if self.before else Cursor(route.way, share, self._started_ns)
        self._timed = route.way == "tree" and self._silo.capabilities.directory_mtimes
        # Closing the walk at once on an error or Ctrl-C releases its descriptors.
        with closing(route.listings) as listings:  # type: ignore[type-var]
            if self.before is not None and self.cursor is not None and not self._timed:
                self._mend(self.before, self.cursor)
            self._route = route
            for number, listing in enumerate(listings):
                if number == 0:
                    self._writer.reopen(prefix)
                self._taken(listing)
        self._writer.flush()
        if self.before is not None and not self._timed:
            self._carry(prefix)

    def run_part(self, path: str) -> None:
        """Walk one subtree of a crawl that others list as well; its own failure is no more than that."""
        quick = self._mode == "quick" and self._silo.capabilities.directory_mtimes
        unchanged = self._unchanged if quick else None
        self._writer.known.begin(path)
        for listing in shielded(path, lambda path: self._silo.walk(path, unchanged)):
            self._taken(listing)
        self._writer.flush()

    def run_in_parts(self, prefix: str, crew: Crew) -> None:
        """List the directories above the parts here, and have the parts listed; what was done before is left out."""
        before = self.before if self.before is not None and self.before.way == "parts" else None
        self.before, share = before, self._share[1] if self._share else 0
        self.cursor = cursor = before.copy() if before else Cursor("parts", share, self._started_ns)
        page = 1 if self._silo.capabilities.order == "tree" else PAGE
        plan = parts(self._db, self._writer.silo_id, prefix, crew.threads, page)
        left = self._probed(prefix, crew.threads) if plan is None else self._planned(prefix, plan)
        self._writer.flush()
        if before is not None:
            self._mend(before, cursor)
            left = before.left(left)
        for done, found in crew.listed(left):
            self._add(found)
            remembered = [cursor.fail(one.prefix) for one in found.failed]
            self._held = self._held or not all(remembered)
            for path in done:
                self._part_ended(path)
            self._writer.flush()
        if before is not None:
            self._carry(prefix)

    def _planned(self, prefix: str, plan: Parts) -> list[str]:
        """List the directories above the parts of a plan; the parts that are there, and those that are new."""
        top = self._alone(prefix)
        if top is None or not (top.complete or top.names or top.directories):
            self._nothing(prefix)
            return []
        named: dict[str, None] = {}
        unsure: set[str] = set()
        rest = [path for path in plan.alone if path != prefix]
        below = walk_parts(self._silo, rest, (), max(self._silo.capabilities.concurrent_lists, 1))
        for listing in chain((top,), below):
            self._top(listing, prefix)
            named.update((join(listing.path, name), None) for name in listing.directories)
            unsure.update([] if listing.complete else [listing.path])
        kept = [path for path in plan.whole if path in named or parent_of(path) in unsure]
        planned = {*plan.alone, *plan.whole}
        return kept + [path for path in named if path not in planned]

    def _probed(self, prefix: str, threads: int) -> list[str]:
        """List directories from the top down until there are enough below them to be listed as parts."""
        waiting, asked = deque([prefix]), 0
        while waiting and len(waiting) < _PARTS * threads and asked < _PROBES:
            path, asked = waiting.popleft(), asked + 1
            listing = self._alone(path)
            if listing is not None:
                self._top(listing, prefix)
                waiting.extend(join(path, name) for name in listing.directories)
            elif path == prefix:
                self._nothing(prefix)
        return list(waiting)

    def _top(self, listing: Listing, prefix: str) -> None:
        """Take a directory above the parts."""
        if listing.path == prefix:
            self._writer.reopen(prefix)
        self._taken(listing)

    def _nothing(self, prefix: str) -> None:
        """There is no directory `prefix`: what that means, and whether there is a silo at all, its walk knows."""
        for listing in self._silo.walk(prefix):
            self._taken(listing)

    def _add(self, found: Loaded) -> None:
        """Count what others listed."""
        self.listed += found.listed
        self.passed_over += found.passed_over
        self.bytes = None if self.bytes is None or found.bytes is None else self.bytes + found.bytes
        self.failed += found.failed[: MAX_FAILURES - len(self.failed)]
        for kind, number in found.skipped:
            self.skipped[kind] = self.skipped.get(kind, 0) + number

    def _carry(self, prefix: str) -> None:
        """Count what another crawl listed and this one did not: all the catalog holds now that was not met here."""
        row = self._db.one(
            "SELECT sub_files, sub_bytes FROM directory WHERE silo_id = ? AND path = ?", (self._writer.silo_id, prefix)
        )
        files, size = row or (0, 0)
        self.carried = max(int(files) - self.listed, 0)
        self.listed += self.carried
        self._writer.counts.unchanged += self.carried
        self.bytes = None if self.bytes is None else max(self.bytes, int(size))

    def _mend(self, before: Cursor, cursor: Cursor) -> None:
        """List once more what failed, with all below it, in what is not listed again."""
        for path in before.failures():
            if before.way == "tree" and before.is_above(path):
                continue  # it is listed with the rest
            again = []
            for listing in walk_parts(self._silo, (), (path,), 1):
                self._taken(listing)
                again += [listing.path] if not (listing.more or listing.complete) else []
            cursor.forgive(path)
            cursor.failed += again
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

    def _take(self, listing: Listing) -> None:
        self.listed += len(listing.names)
        self._count(listing)
        known = self._writer.known.get(listing.path)
        if not listing.more:
            self._reached(listing)
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

    def _reached(self, listing: Listing) -> None:
        """Move the cursor behind a directory that was given out, before the batch it belongs to is written."""
        cursor, before, path = self.cursor, self.before, listing.path
        if self._route is None or cursor is None or self._held:
            return
        if before is not None and before.way == "tree" and (before.is_above(path) or before.passed(path)):
            if listing.complete:
                cursor.forgive(path)
        elif not (listing.complete or self._timed or cursor.fail(path)):
            self._held = True
        else:
            self._move(path)

    def _move(self, path: str) -> None:
        """A directory was given out, or passed over, in its turn."""
        route, cursor = self._route, self.cursor
        if route is not None and cursor is not None and cursor.way != "parts" and not (self._held or route.catching_up):
            cursor.move(path)

    def _part_ended(self, path: str) -> None:
        if self.cursor is not None and not self._held:
            self.cursor.finish_part(path)

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
        before = self.before if self.before is not None and self.before.way == "tree" else None
        passed = before is not None and before.passed(path)
        if not passed and (self._mode != "quick" or (before is not None and before.is_above(path))):
            return None
        known = self._writer.known.get(path)
        if known is None or known.digest is None or known.mtime_ns != mtime_ns:
            return None
        if not passed and is_due(path, self._share):
            return None
        children = sorted(self._writer.known.children(known))
        if len(children) != known.directories:
            return None  # a crawl was cut off before it came to all of them
        self.listed += known.own_files
        if passed:
            self.carried += known.own_files
        else:
            self.passed_over += 1
            self._move(path)
        if self.bytes is not None:
            self.bytes += known.own_bytes
        self._writer.counts.unchanged += known.own_files
        self._writer.passed(known)
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
