"""The later stages of a crawl: open what names do not tell, group, and sample each group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from threading import Lock

from catalog.datasets.grouping import group, partition_root
from catalog.datasets.schema import schema_digest, union
from catalog.datasets.sketch import belongs, sketch
from catalog.datasets.version import fingerprint
from catalog.errors import EntryMissing, InspectError, SiloError
from catalog.formats.base import TreeFile
from catalog.formats.names import claimed_formats, family
from catalog.formats.sandbox import shared
from catalog.model import InspectMode, Listing
from catalog.silos.base import Silo
from catalog.store import harvests, inspections
from catalog.store.datasets import Place, Regrouping, changed_directories, claimed_roots
from catalog.store.engine import Database
from catalog.store.inspections import Candidate, Seen, Target
from catalog.text import safe

MANY_ANCHORS = 64
"""With more touched places than this, grouping the whole silo again is cheaper."""
NAMELESS = 64
"""Files without a telling name that are opened in one directory, unless all are to be opened."""
LOGGED = 20_000
"""Files of one folder of a table's log that its inspector is shown."""
_BATCH = 200
_DRIFTED = 16
"""How many files of an asset are asked once the first few do not agree on a schema."""

Tick = Callable[[int], None]


def regroup(db: Database, place: Place, crawl_id: int, *, everything: bool) -> int:
    """Group what this crawl touched (or everything); returns how many versions were made."""
    anchors = [""] if everything else _anchors(db, place.silo_id, crawl_id)
    versions = 0
    for anchor in anchors:
        work = Regrouping(db, place, crawl_id, anchor)
        work.store(group((path, parts, sorted(names)) for path, parts, names in work.directories()), fingerprint)
        versions += work.versions
    return versions


def _anchors(db: Database, silo_id: int, crawl_id: int) -> list[str]:
    roots = claimed_roots(db, silo_id)
    found: set[str] = set()
    for path in changed_directories(db, silo_id, crawl_id):
        claimed = next((p for p in _upwards(path) if p in roots), None)
        found.add(claimed if claimed is not None else partition_root(path))
        if path.rpartition("/")[2] == "metadata":
            found.add(path.rpartition("/")[0])
    tops: list[str] = []
    for path in sorted(found):
        if not any(top == "" or path == top or path.startswith(top + "/") for top in tops):
            tops.append(path)
    return [""] if len(tops) > MANY_ANCHORS else tops


def _upwards(path: str) -> Iterable[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield ""


class Spent:
    """What reading files took of a silo; several threads count at once."""

    def __init__(self, silo: Silo) -> None:
        self.requests = 0
        self.bytes = 0
        self._silo = silo
        self._lock = Lock()

    def read(self, path: str, offset: int, length: int) -> bytes:
        """`Silo.read`, counted."""
        data = self._silo.read(path, offset, length)
        with self._lock:
            self.requests += 1
            self.bytes += len(data)
        return data


class InspectStage:
    """Opens files of one silo and stores what they tell."""

    def __init__(self, db: Database, silo: Silo, silo_id: int, crawl_id: int, mode: InspectMode, tick: Tick) -> None:
        self.opened = 0
        self.findings = 0
        self.spent = Spent(silo)
        self._db = db
        self._silo = silo
        self._silo_id = silo_id
        self._crawl_id = crawl_id
        self._everything = mode == "all"
        self._tick = tick
        self._workers = silo.capabilities.concurrent_reads
        self._sandbox = shared()

    def identify(self, prefix: str, *, cut_off: bool) -> bool:
        """Open files whose names tell nothing, and sketch their directories again; True when any was.

        After a crawl that was `cut_off`, also directories whose files it opened and did not sketch.
        """
        found = False
        for directory_id, path in inspections.identified(self._db, self._silo_id, prefix) if cut_off else ():
            self._resketch(directory_id, path)
            found = True
        for targets in inspections.nameless(self._db, self._silo_id, prefix, None if self._everything else NAMELESS):
            self._open(targets)
            self._resketch(targets[0].directory_id, targets[0].directory)
            found = True
        return found

    def sample(self, prefix: str) -> None:
        """Open files of assets that have a version none was opened of."""
        for asset in inspections.candidates(self._db, self._silo_id, prefix, everything=self._everything):
            targets = inspections.targets(self._db, asset, belongs, self._crawl_id, everything=self._everything)
            self._open([t for t in targets if not inspections.is_current(self._db, t)])
            tree = self._look_at_tree(asset)
            told = inspections.opened(self._db, asset.id, belongs)
            if len(told) < asset.files and len({row[2] for row in told if row[2] is not None}) > 1:
                more = inspections.spread(self._db, asset, belongs, _DRIFTED)  # a few files disagree: ask more of them
                self._open([t for t in more if not inspections.is_current(self._db, t)])
                told = inspections.opened(self._db, asset.id, belongs)
            inspections.settle(self._db, asset, told, union, schema_digest, tree)

    def _look_at_tree(self, asset: Candidate) -> Seen | None:
        """What the folder of a table or model tells as a whole; None for assets that are no such folder."""
        from catalog.formats.registry import TREES

        if asset.rule not in TREES:
            return None
        read: list[str] = []  # what was asked for, in order: the first says most, and what was told is kept with it
        listed: dict[str, Target] = {}
        root = f"{asset.root}/" if asset.root else ""

        def listing(folder: str) -> list[TreeFile]:
            place = f"{root}{folder}".rstrip("/")
            targets = inspections.folder(self._db, self._silo_id, place, LOGGED)
            within = {t.path[len(root) :]: t for t in targets}
            listed.update(within)
            return [TreeFile(path, target.size) for path, target in within.items()]

        def fetch(path: str, offset: int, length: int) -> bytes:
            read.append(path)
            return self.spent.read(root + path, offset, length)

        try:
            facts, error = self._sandbox.inspect_tree(asset.rule, listing, fetch)
        except SiloError as failed:
            facts, error = None, InspectError(failed.message, finding="unreadable")
        seen = next((listed[path] for path in (*read, *reversed(listed)) if path in listed), None)
        if seen is None:
            return None
        finding = error.finding if error else facts.finding if facts else None
        detail = error.message if error else facts.finding_detail if facts else None
        told = Seen(seen, None, facts, finding, safe(detail, 300) if detail else None)
        self.findings += finding is not None and not harvests.has_finding(self._db, seen)  # a file's is told once
        inspections.save_tree(self._db, asset, told, self._crawl_id, schema_digest)
        return told

    def _open(self, targets: Sequence[Target]) -> None:
        workers = min(self._workers, len(targets))
        for start in range(0, len(targets), _BATCH):
            batch = targets[start : start + _BATCH]
            if workers > 1:
                from concurrent.futures import ThreadPoolExecutor

                with ThreadPoolExecutor(workers) as pool:
                    seen = [one for one in pool.map(self._look, batch) if one is not None]
            else:
                seen = [one for one in map(self._look, batch) if one is not None]
            self._keep(seen)
            self._tick(self.opened)

    def note(self, target: Target, finding: str, detail: str) -> None:
        """Keep what another stage found wrong with a file, beside what opening it tells."""
        seen = self._look(target)
        if seen is not None:
            self._keep([seen if seen.finding else replace(seen, finding=finding, detail=detail)])

    def _keep(self, seen: Sequence[Seen]) -> None:
        inspections.save(self._db, seen, self._crawl_id, schema_digest)
        self.opened += len(seen)
        self.findings += sum(one.finding is not None for one in seen)

    def _look(self, target: Target) -> Seen | None:
        """What one file tells; None when it is gone since it was listed (the next crawl will see)."""
        try:
            fetch = partial(self.spent.read, target.path)
            sniffed, facts, error = self._sandbox.inspect(fetch, target.size, target.name)
        except EntryMissing:
            return None
        except SiloError as failed:
            return Seen(target, None, None, "unreadable", safe(failed.message, 300))
        except InspectError as failed:
            return Seen(target, None, None, failed.finding, safe(failed.message, 300))
        if error is not None:
            return Seen(target, sniffed, facts, error.finding, safe(error.message, 300))
        if sniffed.conflict:
            detail = f"the name says {sniffed.claimed}, the content {sniffed.format} ({sniffed.evidence})"
            return Seen(target, sniffed, facts, "mislabelled", safe(detail, 300))
        if facts is not None and facts.finding:
            return Seen(target, sniffed, facts, facts.finding, safe(facts.finding_detail or "", 300))
        return Seen(target, sniffed, facts, None, None)

    def _resketch(self, directory_id: int, path: str) -> None:
        rows = self._db.all(
            "SELECT name, size, mtime_ns, etag, format FROM file WHERE directory_id = ? ORDER BY name", (directory_id,)
        )
        names, sizes, times, etags, seen = ([row[i] for row in rows] for i in range(5))
        formats = [claimed or shown for claimed, shown in zip(claimed_formats(names), seen)]
        listing = Listing(path, names, sizes, times, etags if any(etags) else None)
        parts = sketch(listing, formats, family)
        with self._db.transaction():
            self._db.execute("DELETE FROM part WHERE directory_id = ?", (directory_id,))
            self._db.executemany(
                "INSERT INTO part(directory_id, pattern, format, role, dense, files, bytes, newest_ns, digest) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (directory_id, p.pattern, p.format or "", p.role, p.dense, p.files, p.bytes, p.newest_ns, p.digest)
                    for p in parts
                ),
            )
