"""`Catalog`: an open catalog, and `connect`, which opens one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog import config
from catalog.errors import CatalogError, Interrupted, NotFound, SiloError, UsageError
from catalog.model import CrawlMode, CrawlPlan, CrawlProgress, CrawlReport, InspectMode, SiloInfo
from catalog.store import assets, crawls, migrate
from catalog.store.crawls import CrawlRow
from catalog.store.engine import Database, dialect_of, none_yet, shown, sqlite_path

if TYPE_CHECKING:
    from catalog.api.dataset import Dataset
    from catalog.api.lineage import Impact, Lineage
    from catalog.api.recording import Recording
    from catalog.api.results import Results
    from catalog.api.tracing import Reference
    from catalog.model.lineage import Direction, Edge, ImportReport, Node, Pending
    from catalog.model.schedules import Misfire, Overlap, ScheduleInfo, ServeEvent, TaskInfo
    from catalog.silos.base import Reached, Silo


def connect(url: str | Path | None = None, *, read_only: bool = False) -> Catalog:
    """Open a catalog: a file path, `sqlite:///…`, `postgresql://…`, or the configured one.

    A SQLite catalog that does not exist is created, readable by its owner alone; with `read_only`
    that raises `NotFound`. Raises `StoreOutdated` when an existing one needs `catalog db upgrade`.
    """
    target = config.database_url(str(url) if url is not None else None)
    fresh = dialect_of(target) == "sqlite" and not sqlite_path(target).exists()
    if fresh and read_only:
        raise none_yet(target)
    if fresh:
        migrate.upgrade(target)
    db = Database(target, write=not read_only)
    try:
        if not fresh and not read_only and migrate.revision(db) is None:
            migrate.upgrade(target)  # an empty database, as a new Postgres one is
        migrate.require_current(db)
    except BaseException:
        db.close()
        raise
    return Catalog(db)


class Catalog:
    """An open catalog. Not shared between threads: `fork()` opens another for a worker."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def __enter__(self) -> Catalog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        names = ", ".join(one.name for one in self.silos()) or "no silos yet"
        return f"<Catalog {self.location}: {names}>"

    @property
    def url(self) -> str:
        """The database's URL."""
        return self._db.url

    @property
    def location(self) -> str:
        """The database as it may be printed."""
        return shown(self._db.url)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def fork(self, *, write: bool = False) -> Catalog:
        """A second connection to the same catalog, for another thread; for reading, unless `write`."""
        return Catalog(Database(self._db.url, write=write))

    def interrupt(self) -> None:
        """Stop the statement this catalog is running in another thread."""
        self._db.interrupt()

    # ------------------------------------------------------------ silos

    def silos(self) -> list[SiloInfo]:
        """The registered silos, by name."""
        return crawls.silos(self._db)

    def silo(self, name: str) -> SiloInfo:
        """One silo. Raises `NotFound`."""
        return crawls.silo(self._db, name)

    def add_silo(self, name: str, url: str, **options: str) -> SiloInfo:
        """Register a storage location: a folder, an address such as `s3://bucket/prefix`, a disk image or device.

        Options depend on the kind (`endpoint`, `region`, `partition` …); secrets are references
        such as `env:NAME`. Reaches nothing yet: `test_silo` does. Raises `UsageError`.
        """
        from catalog.silos.registry import open_silo, settled

        if not name or "/" in name or "@" in name or name != name.strip() or not name.isprintable():
            raise UsageError(f"'{name}' cannot be a silo's name.", hint="Use letters, digits, '-', '_' and '.'.")
        address, kind, options = settled(url, options)
        open_silo(address, options).close()
        return crawls.add_silo(self._db, name, address, kind, options)

    def same_place(self, name: str) -> list[SiloInfo]:
        """The other silos at the place of this one: as a share by its protocol, and as the folder it is mounted at."""
        from catalog.silos.registry import places

        found = self.silo(name)
        here = set(places(found.url, found.options))
        return [one for one in self.silos() if one.id != found.id and here & set(places(one.url, one.options))]

    def remove_silo(self, name: str) -> None:
        """Forget a silo, all that was crawled from it and its schedules. The storage itself is not touched."""
        crawls.remove_silo(self._db, name)

    def test_silo(self, name: str) -> Reached:
        """Reach a silo now. Raises `SiloUnreachable` or `SiloRefused`."""
        silo = self._open(self.silo(name))
        try:
            return silo.test()
        finally:
            silo.close()

    # ------------------------------------------------------------ crawls

    def crawl(
        self, *names: str, prefix: str = "", mode: CrawlMode = "normal", inspect: InspectMode = "sample",
        progress: Callable[[CrawlProgress], None] | None = None, stop: Callable[[], bool] | None = None,
        runner: str | None = None, changes: Iterable[bytes] | None = None,
        share: int = 0, resume: bool = True, classify: bool = False,
    ) -> list[CrawlReport]:  # fmt: skip
        """Crawl the named silos, or all of them, and return a report each.

        `mode` is `normal` (list everything, compare by digest), `quick` (pass over directories
        whose time did not change) or `full`; `inspect` says how many files are opened: `none`,
        `sample`, `all`; `runner` how many listing requests are under way at once: `inline` for one,
        `threads:N`, `dask://host:port` for the workers of a cluster, None for as many as suit the kind of silo.
        `changes` are lines that say what
        changed (paths, or notifications of an object store): then only those directories are listed.
        With `share` a quick crawl lists one in so many directories whatever their times say, another one
        each time. A crawl goes on where the last one was cut off, unless `resume` is False.
        `classify` also reads a sample of each table and labels sensitive columns; values are kept nowhere.
        Ctrl-C, and `stop` when it returns True (it is asked between batches), raise `Interrupted` with
        the reports so far in `reports`.
        """
        from catalog.crawl import crawl_silo
        from catalog.crawl.runner import runner_of
        from catalog.silos.hints import changed_paths

        if classify and inspect == "none":
            why = "To look for sensitive columns, files are opened: not with inspect none."
            raise UsageError(why, hint="catalog crawl --classify")
        infos = [self.silo(name) for name in names] or self.silos()
        lines, by = list(changes) if changes is not None else None, runner_of(runner)
        if not infos:
            raise NotFound("There are no silos to crawl.", hint="catalog silo add NAME URL")
        reports: list[CrawlReport] = []
        for info in infos:
            silo = self._open(info)
            try:
                report = crawl_silo(
                    self._db, info, silo, prefix=prefix, mode="changes" if lines is not None else mode,
                    inspect=inspect, progress=progress, stop=stop, workers=by.workers, cluster=by.cluster, share=share,
                    changes=changed_paths(lines, silo) if lines is not None else None, resume=resume,
                    classify=classify,
                )  # fmt: skip
                reports.append(report)
            finally:
                silo.close()
            if reports[-1].state == "cancelled":
                stopped = Interrupted(
                    "Stopped. What was stored stays.", hint=f"catalog crawl {info.name} goes on from there"
                )
                stopped.reports = tuple(reports)
                raise stopped
        return reports

    def plan(
        self, *names: str, prefix: str = "", mode: CrawlMode = "normal", inspect: InspectMode = "sample",
        share: int = 0, classify: bool = False,
    ) -> list[CrawlPlan]:  # fmt: skip
        """What crawls of the named silos, or of all, are going to cost. Asks the storage nothing."""
        from catalog.crawl.plan import plan_crawl

        plans = []
        for info in [self.silo(name) for name in names] or self.silos():
            with closing(self._open(info)) as silo:
                plans.append(
                    plan_crawl(
                        self._db, info, silo, prefix=prefix, mode=mode, inspect=inspect, share=share, classify=classify
                    )
                )
        return plans

    def crawls(self, limit: int = 50, offset: int = 0) -> list[CrawlRow]:
        """The latest crawls, newest first."""
        return crawls.crawls(self._db, limit, offset)

    def count_crawls(self) -> int:
        """How many crawls the catalog remembers."""
        return crawls.count_crawls(self._db)

    def last_crawls(self) -> list[CrawlRow]:
        """The newest crawl of every silo that has one."""
        return crawls.last_crawls(self._db)

    # ------------------------------------------------------------ schedules

    def schedules(self) -> list[ScheduleInfo]:
        """The schedules, by name."""
        from catalog.store import schedules

        return schedules.schedules(self._db)

    def schedule(self, name: str) -> ScheduleInfo:
        """One schedule. Raises `NotFound`."""
        from catalog.store import schedules

        return schedules.schedule(self._db, name)

    def add_schedule(
        self, silo: str, when: str, *, name: str | None = None, zone: str = "UTC", prefix: str = "",
        mode: CrawlMode = "normal", inspect: InspectMode = "sample", share: int = 0, runner: str | None = None,
        jitter: int | str = 0, timeout: int | str | None = None, overlap: Overlap = "skip", misfire: Misfire = "once",
        retries: int = 2, classify: bool = False,
    ) -> ScheduleInfo:  # fmt: skip
        """Crawl a silo regularly: `when` is a cron expression (`0 3 * * *`), a name (`@hourly`) or `every 15m`.

        It is named after its silo unless `name` says otherwise. How it is crawled is told as for `crawl`. `jitter`
        (a random delay) and `timeout` are seconds or
        `5m`, `2h`. `overlap` says what a run does that meets another crawl of the silo, `misfire` what becomes of
        runs that nobody started in time. Nothing runs until `serve` or `run_due` do. Raises `UsageError`.
        """
        from catalog.schedule import define

        asked = define.terms(
            when, zone=zone, prefix=prefix, mode=mode, inspect=inspect, share=share, runner=runner, jitter=jitter,
            timeout=timeout, overlap=overlap, misfire=misfire, retries=retries, classify=classify,
        )  # fmt: skip
        return define.add(self._db, silo, name, asked)

    def pause_schedule(self, name: str) -> ScheduleInfo:
        """Let a schedule rest until it is resumed. A crawl that it runs is left alone."""
        from catalog.schedule import define

        return define.pause(self._db, name)

    def resume_schedule(self, name: str) -> ScheduleInfo:
        """Let a paused schedule go on from now."""
        from catalog.schedule import define

        return define.resume(self._db, name)

    def remove_schedule(self, name: str) -> ScheduleInfo:
        """Forget a schedule and its history, and return what it was. A crawl that it runs is stopped."""
        from catalog.schedule import define

        return define.remove(self._db, name)

    def now_ns(self) -> int:
        """The time by the clock that decides what is due: on Postgres the server's."""
        from catalog.store import schedules

        return schedules.now_ns(self._db)

    def upcoming(self, name: str, count: int = 3) -> list[int]:
        """The next times a schedule is due, in nanoseconds since the epoch, jitter left out."""
        from catalog.schedule import define

        return define.upcoming(self._db, name, count)

    def schedule_history(self, name: str | None = None, limit: int = 50) -> list[TaskInfo]:
        """The runs of a schedule, or of all of them, the latest first. Raises `NotFound`."""
        from catalog.store import schedules

        return schedules.history(self._db, self.schedule(name).name if name is not None else None, limit)

    def run_schedule(self, name: str, *, progress: Callable[[CrawlProgress], None] | None = None) -> TaskInfo:
        """Run a schedule now, whatever its times, and return how that ended. Raises `Interrupted` after Ctrl-C."""
        from catalog.schedule.server import Server

        return Server(self.url, progress=progress).run_now(name)

    def run_due(
        self, *, workers: int = 2, tell: Callable[[ServeEvent], None] | None = None,
        progress: Callable[[CrawlProgress], None] | None = None,
    ) -> list[TaskInfo]:  # fmt: skip
        """Run what is due now, `workers` crawls at once, and return how each run ended."""
        from catalog.schedule.server import Server

        return Server(self.url, workers=workers, tell=tell, progress=progress).run_due()

    def serve(
        self, *, workers: int = 2, lease: float | None = None, tell: Callable[[ServeEvent], None] | None = None
    ) -> None:
        """Run what is due, for ever: SIGTERM ends it in order, Ctrl-C as well and raises `Interrupted`.

        `lease` is after how many seconds without a sign others take over what this server runs. `tell` hears of
        every event.
        """
        import signal

        from catalog.schedule.server import LEASE, Server

        if Server(self.url, workers=workers, lease=lease or LEASE, tell=tell).serve() == signal.SIGINT:
            raise Interrupted("Stopped.")

    # ------------------------------------------------------------ finding

    def search(self, query: str = "", limit: int | None = None) -> Results:
        """What the query matches: datasets and models, or files with `kind:file`. Lazy.

        Raises `QueryError` at once when the query does not parse.
        """
        from catalog.api.results import Results

        return Results(self._db, query, limit)

    def files(self, query: str = "", limit: int | None = None) -> Results:
        """Files the query matches."""
        return self.search(f"{query} kind:file".strip(), limit)

    def dataset(self, reference: str | int, at: str | int | None = None) -> Dataset:
        """One asset by id, name, `silo/name`, URI or unique beginning, `@VERSION` behind it if wanted.

        `at` (nanoseconds since the epoch, or an ISO time) gives the version of that time. Raises
        `NotFound` or `Ambiguous`.
        """
        from catalog.api.dataset import Dataset, moment_ns

        asset_id, version = assets.find(self._db, str(reference))
        if at is not None:
            version = assets.version_at(self._db, asset_id, moment_ns(at))
            if version is None:
                raise NotFound(
                    f"'{reference}' was not in the catalog at that time.", hint=f"catalog versions {reference}"
                )
        return Dataset(self._db, self._open_by_id, asset_id, version)

    def __getitem__(self, reference: str) -> Dataset:
        return self.dataset(reference)

    def _ipython_key_completions_(self) -> list[str]:
        return [hit.reference for hit in self.search().page(0, 200)]

    def complete(self, prefix: str, limit: int = 50) -> list[str]:
        """Names that begin with `prefix`, for completion."""
        return assets.complete(self._db, prefix, limit)

    def silo_files(self, name: str) -> Any:
        """All live files of a silo, as `model.FileInfo`, in path order."""
        return assets.silo_files(self._db, self.silo(name).id)

    # ------------------------------------------------------------ lineage

    def trace(
        self, reference: Reference, *, up: bool = True, down: bool = True, depth: int = 3, fan_out: int = 20,
        limit: int = 300, at: str | int | None = None, columns: bool = False,
    ) -> Lineage:  # fmt: skip
        """What flows into an asset and out of it, `depth` edges far.

        Follows at most `fan_out` edges at each asset in each direction and shows at most `limit` assets, the
        nearest; how much was left out is told by the trace. `at` (nanoseconds since the epoch, or an ISO time)
        asks as of then; `columns` brings what is known of columns. Raises `NotFound` or `Ambiguous`.
        """
        from catalog.api import tracing

        return tracing.trace(
            self._db, reference, at=at, up=up, down=down, depth=depth, fan_out=fan_out, limit=limit, columns=columns
        )

    def impact(self, reference: Reference, at: str | int | None = None) -> Impact:
        """Everything downstream of an asset, a piece of storage or (by its name) all assets of a silo."""
        from catalog.api import tracing

        return tracing.impact(self._db, reference, at)

    def path(self, start: Reference, end: Reference, at: str | int | None = None) -> Lineage | None:
        """A shortest way that data flows from one asset to another; None when there is none.

        When it only flows the other way, that is what is returned, with `backwards` set.
        """
        from catalog.api import tracing

        return tracing.path(self._db, start, end, at)

    def neighbours(
        self, reference: Reference, direction: Direction, offset: int = 0, limit: int = 50, at: str | int | None = None
    ) -> list[tuple[Node, Edge]]:
        """A page of the assets one edge away: `up` for what it is made from, `down` for what is made from it."""
        from catalog.api import tracing

        return tracing.neighbours(self._db, reference, direction, offset, limit, at)

    def import_lineage(
        self, *paths: str | Path, progress: Callable[[ImportReport], None] | None = None
    ) -> ImportReport:
        """Read OpenLineage events from files, folders of them, or `-` (standard input), and report.

        JSON, arrays of events and NDJSON, plain or gzipped. An event that is known already changes nothing; one that
        cannot be read is named in the report, and the rest goes on. Raises `UsageError` for a missing file.
        """
        from catalog.datasets.schema import schema_digest
        from catalog.datasets.sketch import belongs
        from catalog.lineage.openlineage import read
        from catalog.store.lineage.imports import load

        return load(self._db, read([str(path) for path in paths]), belongs, schema_digest, progress)

    def export_lineage(self) -> Iterator[str]:
        """Every event, imported or recorded, as it came: one line of OpenLineage JSON each, in the order of time."""
        from catalog.store.lineage.events import bodies

        return bodies(self._db)

    def record(
        self, job: str, *, code: str | None = None, parent: Recording | str | None = None, namespace: str = "default",
        strict: bool = False,
    ) -> Recording:  # fmt: skip
        """A run of `job`, to be used with `with`: tell it what the block reads, writes and trains.

        `code` says what ran (`git:URL@COMMIT`), `parent` which run started it. A failure to record is a warning,
        unless `strict`.
        """
        from catalog.api.recording import Recording

        return Recording(self._db, job, code=code, parent=parent, namespace=namespace, strict=strict)

    def pending(self) -> list[Pending]:
        """What lineage names and no crawl has found."""
        from catalog.store.lineage.pending import pending

        return list(pending(self._db))

    # ------------------------------------------------------------ inside

    def _open(self, info: SiloInfo) -> Silo:
        from catalog.silos.registry import open_silo

        try:
            return open_silo(info.url, info.options)
        except SiloError:
            raise
        except CatalogError as error:
            error.hint = error.hint or f"catalog silo show {info.name}"
            raise

    def _open_by_id(self, silo_name: str) -> Silo:
        return self._open(self.silo(silo_name))
