"""One crawl of one silo, from start to report."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from catalog.crawl.cursor import Cursor
from catalog.crawl.harvesting import HarvestStage
from catalog.crawl.inspecting import InspectStage, regroup
from catalog.crawl.listing import ListingStage
from catalog.datasets.sketch import belongs
from catalog.errors import CatalogError, Interrupted, SiloError, UsageError
from catalog.model import CrawlMode, CrawlProgress, CrawlReport, CrawlState, Failure, InspectMode, SiloInfo
from catalog.silos.base import Dated, Layered, Silo
from catalog.store import crawls
from catalog.store.bulk import Writer
from catalog.store.datasets import Place
from catalog.store.engine import Database
from catalog.store.lineage import storage
from catalog.store.lineage.meeting import meet
from catalog.store.loading import Counts
from catalog.store.verified import next_share, verified
from catalog.text import iso, plural, safe

Progress = Callable[[CrawlProgress], None]
Stop = Callable[[], bool]
Stage = Literal["list", "inspect", "group", "done"]
_EVERY = 0.1  # seconds between two signs of progress
_BEAT = 15.0
_WAITING = "waiting for a worker"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for, see `crawl_silo`."""

    prefix: str
    mode: CrawlMode
    inspect: InspectMode
    workers: int
    changes: Iterable[str] | None
    share: int
    resume: bool
    cluster: str | None
    classify: bool


class Crawl:
    """The state of one running crawl. `run` does it all; nothing of it outlives the report."""

    def __init__(
        self, db: Database, info: SiloInfo, silo: Silo, wanted: Wanted, progress: Progress | None, stop: Stop | None
    ) -> None:
        self._db, self._info, self._silo = db, info, silo
        self._wanted, self._prefix = wanted, wanted.prefix
        self._progress, self._stop = progress, stop
        # What a part holds is not known beforehand, nor how much was missing in a crawl that was cut off.
        whole = not wanted.prefix and info.last_state in ("complete", "partial")
        self._expected = info.files if whole else None
        self._began = time.monotonic()
        self._shown = self._beaten = 0.0
        resume = wanted.resume and wanted.changes is None
        self.id, self._cut_off, before = crawls.start(db, info.id, wanted.prefix, wanted.mode, resume=resume)
        tree_order = silo.capabilities.order == "tree"
        self._writer = Writer(db, info.id, self.id, self._checkpoint, tree_order=tree_order)
        self._share = next_share(db, info.id, wanted.share) if wanted.share and wanted.mode == "quick" else None
        workers = wanted.workers or silo.capabilities.concurrent_lists
        self._before = before
        cursor = Cursor.of(before.cursor, wanted.share, silo) if before is not None else None
        self._listing = ListingStage(db, silo, self._writer, wanted.mode, workers, self._listed, self._share, cursor)
        self._opening = InspectStage(db, silo, info.id, self.id, wanted.inspect, self._opened)
        self._harvesting = HarvestStage(
            db, silo, info.id, info.name, self.id, everything=wanted.inspect == "all",
            note=self._opening.note, tick=self._opened,
        )  # fmt: skip
        self._versions = 0
        self._notes: list[str] = []
        self._classified: tuple[int, int] | None = None
        self._as_of: int | None = None

    def run(self) -> CrawlReport:
        """Crawl and report. Ctrl-C, `stop` and a silo's failure end it with a report; what was stored stays."""
        try:
            outdated = self._outdated()
            if outdated:
                return self._end("complete", outdated)
            self._list()
            self._after_listing()
        except (KeyboardInterrupt, Interrupted):
            return self._end("cancelled", "Stopped. What was stored stays: the same command goes on from there.")
        except SiloError as error:
            self._listing.failed.append(Failure(self._prefix, safe(error.message, 300)))
            return self._end("failed", *([error.hint] if error.hint else []))
        except BaseException as error:
            message = error.message if isinstance(error, CatalogError) else f"{type(error).__name__}: {error}"
            self._try_to_end(safe(message, 300))
            raise
        return self._end("partial" if self._listing.failed else "complete")

    def _list(self) -> None:
        if self._wanted.cluster is not None:
            self._list_by_a_cluster(self._wanted.cluster)
            self._tell_what_was_not_seen()
        elif self._wanted.changes is None:
            self._listing.run(self._prefix)
            self._tell_what_was_not_seen()
        else:
            number = self._listing.run_changes(self._wanted.changes)
            self._notes.append(f"Listed was what the changes name: {plural(number, 'directory', 'directories')}.")

    def _list_by_a_cluster(self, address: str) -> None:
        """Have workers list and load; what all of them have loaded is counted where they count it together."""
        from catalog import __version__
        from catalog.crawl.cluster import Workers, joined
        from catalog.crawl.shard import Shard

        shard = Shard(self._db.url, self._info.name, self.id, (), self._wanted.mode, self._share, __version__)
        with joined(address) as cluster:
            crew = Workers(cluster, shard, lambda there: self._listed(self._prefix if there else _WAITING))
            self._listing.run_in_parts(self._prefix, crew)
        counts, found = self._writer.counts, crawls.loaded(self._db, self.id)
        counts.added, counts.changed, counts.removed = found.added, found.changed, found.removed
        counts.unchanged = max(self._listing.listed - found.added - found.changed, 0)

    def _tell_what_was_not_seen(self) -> None:
        if self._listing.passed_over:
            seen = verified(self._db, self._info.id, self._prefix)
            last = f"it was last seen in full {iso(seen)}" if seen else "it was never seen in full"
            self._notes.append(
                f"Not looked into: {plural(self._listing.passed_over, 'folder')} whose time did not change. A file "
                f"rewritten in place does not show there; {last}."
            )

    def _outdated(self) -> str | None:
        """Why a listing made by someone else is not used: the catalog knows what came after it."""
        self._as_of = self._silo.listed_as_of() if isinstance(self._silo, Dated) else None
        known = crawls.known_as_of(self._db, self._info.id, self.id)
        if self._as_of is None or known is None or self._as_of >= known:
            return None
        return f"The inventory is of {iso(self._as_of)}, what is known of {iso(known)}: nothing was compared."

    def _after_listing(self) -> None:
        self._go_on()
        counts = self._writer.counts
        touched = bool(counts.added or counts.changed or counts.removed)
        identified = self._wanted.inspect != "none" and self._opening.identify(self._prefix, cut_off=self._cut_off)
        place = Place(self._info.id, self._info.name, *self._silo.namespace())
        renamed = crawls.settle_place(self._db, place)
        if touched or identified or self._cut_off:
            self._show("group")
            first = counts.unchanged == 0 or identified or self._cut_off
            self._versions = regroup(self._db, place, self.id, everything=first)
        if touched or identified or self._cut_off or renamed:
            self._meet(place.silo_id, everything=self._cut_off or renamed)
        if self._wanted.inspect != "none":
            self._opening.sample(self._prefix)
        if self._wanted.classify:
            self._classify()
        self._harvest()
        self._settle_storage(touched or identified or self._cut_off)

    def _meet(self, silo_id: int, *, everything: bool) -> None:
        """Hang what lineage named on what is found now."""
        met = meet(self._db, silo_id, belongs, None if everything else self.id)
        if met:
            self._notes.append(f"{plural(met, 'name')} that lineage knew {'is' if met == 1 else 'are'} found now.")

    def _classify(self) -> None:
        """Look for sensitive columns. What the stage knows takes a while to load, and few crawls ask for it."""
        from catalog.crawl.classifying import ClassifyStage

        stage = ClassifyStage(self._db, self._silo, self._info.id, self.id, self._opened)
        try:
            stage.run(self._prefix, again=self._wanted.mode == "full" or self._wanted.inspect == "all")
        finally:
            self._classified = stage.looked, stage.found
            self._notes += stage.notes

    def _harvest(self) -> None:
        """Follow what files tell of lineage, also when none may be opened: what is gone tells nothing any more."""
        self._harvesting.retract(self._prefix)
        if self._wanted.inspect != "none":
            self._harvesting.run(self._prefix)

    def _settle_storage(self, touched: bool) -> None:
        """Hang what was found below the storage it lies on, where the silo knows that."""
        if not isinstance(self._silo, Layered):
            return
        layers = self._silo.layers()
        if touched or not storage.unchanged(self._db, self._info.name, layers):
            self._harvesting.edges += storage.settle(self._db, self._info.id, self._info.name, layers, belongs)

    def _end(self, state: CrawlState, *notes: str) -> CrawlReport:
        report = replace(self._report(state), notes=(*self._notes, *self._harvesting.notes, *notes))
        crawls.finish(self._db, report, json.dumps(report.as_dict()))
        self._show("done", force=True)
        return report

    def _try_to_end(self, reason: str) -> None:
        try:
            self._end("failed", reason)
        except CatalogError:
            pass  # the store itself failed; its error is the one being raised

    def _report(self, state: CrawlState) -> CrawlReport:
        counts, listing = self._writer.counts, self._listing
        datasets = self._db.value(
            "SELECT COUNT(*) FROM asset WHERE silo_id = ? AND removed_crawl IS NULL", (self._info.id,)
        )
        return CrawlReport(
            silo=self._info.name, crawl=self.id, mode=self._wanted.mode, state=state, listed=listing.listed,
            added=counts.added, changed=counts.changed, removed=counts.removed, unchanged=counts.unchanged,
            bytes=listing.bytes, seconds=time.monotonic() - self._began, datasets=int(datasets),
            versions=self._versions, inspected=self._opening.opened, requests=self._opening.spent.requests,
            bytes_read=self._opening.spent.bytes, findings=self._opening.findings,
            evidence=self._harvesting.read, lineage=self._harvesting.edges,
            classified=self._classified[0] if self._classified else None,
            sensitive=self._classified[1] if self._classified else None,
            failed=tuple(listing.failed), skipped=dict(listing.skipped), as_of=iso(self._as_of),
            share=f"{self._share[0]}/{self._share[1]}" if self._share else None, resumed=self._resumed(),
        )  # fmt: skip

    def _resumed(self) -> dict[str, object] | None:
        """What the report says of the crawl that this one went on with."""
        cursor = self._listing.before
        if cursor is None or self._before is None:
            return None
        return {
            "crawl": self._before.crawl, "from": cursor.shown, "since": iso(cursor.since_ns),
            "files": self._listing.carried,
        }  # fmt: skip

    def _checkpoint(self, counts: Counts) -> None:
        """Keep how far the listing has come; called in the transaction that loads the last of it."""
        cursor = self._listing.cursor
        crawls.checkpoint(self._db, self.id, str(cursor) if cursor is not None else None, counts)

    def _go_on(self) -> None:
        """Raise `Interrupted` when the crawl is asked to stop; called where nothing is half done."""
        if self._stop is not None and self._stop():
            raise Interrupted("The crawl was asked to stop.")

    def _listed(self, path: str) -> None:
        self._go_on()
        now = time.monotonic()
        if now - self._shown >= _EVERY:
            self._show("list", prefix=path)
            if now - self._beaten >= _BEAT:
                self._beaten = now
                crawls.beat(self._db, self.id)

    def _opened(self, number: int) -> None:
        self._show("inspect", done=number)
        crawls.beat(self._db, self.id)
        self._go_on()

    def _show(self, stage: Stage, *, prefix: str = "", done: int = 0, force: bool = False) -> None:
        self._shown = time.monotonic()
        if self._progress is not None or force:
            step = CrawlProgress(
                self._info.name,
                stage,
                self._listing.listed,
                self._listing.bytes or 0,
                done,
                self._expected,
                prefix,
            )
            if self._progress is not None:
                self._progress(step)


def crawl_silo(
    db: Database, info: SiloInfo, silo: Silo, *, prefix: str = "", mode: CrawlMode = "normal",
    inspect: InspectMode = "sample", progress: Progress | None = None, stop: Stop | None = None,
    workers: int = 0, changes: Iterable[str] | None = None, share: int = 0, resume: bool = True,
    cluster: str | None = None, classify: bool = False,
) -> CrawlReport:  # fmt: skip
    """Crawl one silo (or the part below `prefix`) and return the report.

    `stop` is asked after every directory and every batch of opened files; once it says True the crawl ends
    `cancelled`, as with Ctrl-C, which reaches the main thread alone. `workers` is how many listing
    requests are under way at once; 0 leaves it to the kind of silo. With `changes` (paths in the silo, see
    `silos/hints.py`) only the directories they name are listed. A `quick` crawl lists one in `share` of all
    directories whatever their times say, another one each time. With `resume` it goes on where the silo's last
    crawl of the same part and mode was cut off, when that is less than a day ago (`catalog/crawl/cursor.py`).
    With `cluster` (`host:port`) the workers of a Dask cluster list and load. `classify` looks for sensitive columns.
    Raises `StoreBusy` when another crawl of the silo runs, and what the store raises. A silo that
    cannot be listed ends the crawl `failed`, in the report.
    """
    if cluster is not None:
        _fit_for_a_cluster(db, silo, changes)
    with _few_collections():
        wanted = Wanted(prefix.strip("/"), mode, inspect, workers, changes, share, resume, cluster, classify)
        crawl = Crawl(db, info, silo, wanted, progress, stop)
        try:
            return crawl.run()
        finally:
            crawls.leave(crawl.id)


def _fit_for_a_cluster(db: Database, silo: Silo, changes: object) -> None:
    """Raise `UsageError` for what no cluster can crawl."""
    if db.dialect != "postgresql":
        raise UsageError(
            "The workers of a cluster load into one Postgres catalog; this one is a SQLite file.",
            hint="--db postgresql://USER@HOST/NAME, or --runner threads:N",
        )
    if changes is not None or isinstance(silo, Dated):
        what = "Changes are few" if changes is not None else "An inventory is one listing"
        raise UsageError(f"{what}: there is nothing that workers of a cluster could share.", hint="--runner inline")


@contextmanager
def _few_collections() -> Iterator[None]:
    """Let the garbage collector look less often: a batch is many small objects and no cycles."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)
