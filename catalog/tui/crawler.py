"""Crawls started in this UI: one after the other, in a thread with a connection of its own.

One after the other, because a SQLite catalog has one writer: two crawls at once would only wait for
each other. The thread writes to a `CrawlJob` what the screens read from it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING, Literal

from catalog.errors import CatalogError, Interrupted, StoreBusy
from catalog.model import CrawlMode, CrawlProgress, CrawlReport

if TYPE_CHECKING:
    from catalog.api import Catalog

JobState = Literal["waiting", "running", "stopping", "ended"]
CLOSING = 2.0  # seconds the thread is given when the UI is left


@dataclass(slots=True, eq=False)
class CrawlJob:
    """One crawl: asked for, running, ended. `report` or `error` say how it ended."""

    silo: str
    mode: CrawlMode
    prefix: str = ""
    progress: CrawlProgress | None = None
    began: float | None = None
    report: CrawlReport | None = None
    error: CatalogError | None = None
    ended: bool = False
    asked_to_stop: threading.Event = field(default_factory=threading.Event)

    @property
    def state(self) -> JobState:
        """Where it stands."""
        if self.ended:
            return "ended"
        if self.asked_to_stop.is_set():
            return "stopping"
        return "waiting" if self.began is None else "running"

    def seconds(self, now: float) -> float:
        """How long it has been running."""
        return 0.0 if self.began is None else max(0.0, now - self.began)

    def rate(self, now: float) -> float | None:
        """Files listed in a second; None before there is anything to tell."""
        seconds = self.seconds(now)
        if self.progress is None or self.progress.stage != "list" or seconds <= 0:
            return None
        return self.progress.listed / seconds

    def left(self, now: float) -> float | None:
        """Seconds until all is listed, where an earlier crawl said how much there is."""
        rate = self.rate(now)
        if not rate or self.progress is None or self.progress.expected is None:
            return None
        missing = self.progress.expected - self.progress.listed
        return missing / rate if missing > 0 else None


class Crawler:
    """The thread. `ended` is called in it with every job that ends."""

    def __init__(self, catalog: Catalog, perf: Callable[[], float], ended: Callable[[CrawlJob], None]) -> None:
        self._catalog = catalog
        self._perf = perf
        self._ended = ended
        self._queue: SimpleQueue[CrawlJob | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self.jobs: list[CrawlJob] = []

    def start(self, silo: str, mode: CrawlMode = "normal", prefix: str = "") -> CrawlJob:
        """Crawl a silo when those before it are done. Raises `StoreBusy` when it is crawled here already."""
        if self.job(silo) is not None:
            told = f"A crawl of '{silo}' is running here already."
            raise StoreBusy(told, hint="Wait for it, or stop it with x in Crawls.")
        job = CrawlJob(silo, mode, prefix)
        with self._lock:
            self.jobs = [*self.jobs, job]
        self._queue.put(job)
        if self._thread is None:
            # A daemon, so that a silo which does not answer cannot keep the program from ending.
            self._thread = threading.Thread(target=self._work, name="catalog-crawl", daemon=True)
            self._thread.start()
        return job

    def job(self, silo: str) -> CrawlJob | None:
        """The job that crawls this silo or waits to."""
        return next((job for job in self.jobs if job.silo == silo), None)

    def stop_all(self) -> None:
        """Ask every job to stop."""
        for job in self.jobs:
            job.asked_to_stop.set()

    def close(self) -> None:
        """Stop everything and end the thread; one that hangs in a silo is left behind."""
        self.stop_all()
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(CLOSING)

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            if not job.asked_to_stop.is_set():
                self._run(job)
            job.ended = True
            with self._lock:
                self.jobs = [other for other in self.jobs if other is not job]
            self._ended(job)

    def _run(self, job: CrawlJob) -> None:
        def moved(step: CrawlProgress) -> None:
            job.progress = step

        job.began = self._perf()
        try:
            with self._catalog.fork(write=True) as own:
                (job.report,) = own.crawl(
                    job.silo, prefix=job.prefix, mode=job.mode, progress=moved, stop=job.asked_to_stop.is_set
                )
        except Interrupted as stopped:
            job.report = next((one for one in stopped.reports if isinstance(one, CrawlReport)), None)
        except CatalogError as error:
            job.error = error
        except Exception as bug:  # noqa: BLE001 (the thread goes on with the next job, and the user is told)
            job.error = CatalogError(f"This is a bug. {type(bug).__name__}: {bug}", hint="Please report it.")
