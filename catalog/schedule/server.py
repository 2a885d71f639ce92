"""Runs what is due: until stopped (`serve`), once (`run_due`), or one schedule now (`run_now`).

One thread does all of it, in passes: renew the leases of what runs, take over what others left behind, turn times
that have come into tasks, take tasks and start their crawls, each in a process of its own. Between passes it
waits for a word of its children, a signal, or the next time. Any number of servers share one database.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any

from catalog.errors import CatalogError, Interrupted, StoreBusy, StoreError, Terminal, UsageError
from catalog.model import CrawlProgress
from catalog.model.schedules import Attempt, Outcome, ScheduleInfo, ServeEvent, TaskInfo
from catalog.schedule import policy
from catalog.schedule.process import CrawlProcess, Inbox
from catalog.schedule.run import Run, again, counts, outcome_of
from catalog.schedule.times import SECOND, When, parse
from catalog.store import crawls
from catalog.store import schedules as store
from catalog.store.engine import Database, shown
from catalog.text import duration, iso, plural

LEASE = 60.0
"""Seconds after which a task whose server gives no sign is taken over."""

_REMEMBERED = 10_000  # tasks, for whoever asks what was run; `serve` runs for ever and nobody asks
_POLL = 1.0  # seconds between two looks at the database
_RECONNECT = 5.0
_BUSY_TOLD = 3  # passes after which a database that others write to is worth a word
_BUSY_WAIT = 15  # seconds until a queued run looks again whether its silo is free
_PATIENCE = 25.0  # seconds that a stopped crawl has to end itself, see child.SOFT and child.HARD


class Server:
    """Serves the schedules of one database. `tell` hears of every event, `progress` of every crawl's progress."""

    def __init__(
        self, url: str, *, workers: int = 2, lease: float = LEASE, tell: Callable[[ServeEvent], None] | None = None,
        progress: Callable[[CrawlProgress], None] | None = None, clock: Callable[[Database], int] = store.now_ns,
    ) -> None:  # fmt: skip
        self._url, self._workers, self._lease = url, workers, lease
        self._tell, self._progress, self._clock = tell, progress, clock
        self._worker = crawls.process_name(os.getpid())
        self._inbox: Inbox = SimpleQueue()
        self._db: Database | None = None
        self._runs: dict[CrawlProcess, Run] = {}
        self._ran: deque[int] = deque(maxlen=_REMEMBERED)
        self._stopping: int | None = None
        self._beaten = self._reconnect_at = 0.0
        self._seen = 0
        self._refused = 0
        self._unreadable: set[str] = set()

    def serve(self) -> int:
        """Run schedules until SIGTERM or SIGINT; the signal. What runs then is stopped in order."""
        with self._signals(), self._children():
            number = len(store.schedules(self._database()))
            self._event(None, f"serving {plural(number, 'schedule')} of {shown(self._url)} as {self._worker}")
            while not self._over():
                self._pass(self._attend, forgive=True)
                self._listen(self._patience())
            self._event(None, "stopped")
            assert self._stopping is not None
            return self._stopping

    def run_due(self) -> list[TaskInfo]:
        """Run what is due now, and no more; what was run. Raises `Interrupted`."""
        with self._signals(), self._children():
            done = self._pass(self._attend, forgive=False)
            while not done and not self._over():
                self._listen(self._patience())
                done = self._pass(self._attend, forgive=False)
            while (self._runs or not done) and not self._over():
                self._listen(self._patience())
                done = self._pass(self._attend_rest, forgive=False)
            return self._finished()

    def run_now(self, name: str) -> TaskInfo:
        """Run one schedule now, whatever its times are. Raises `NotFound`, `Interrupted`."""
        with self._signals(), self._children():
            db = self._database()
            held = store.begin(db, store.schedule(db, name), self._worker, self._clock(db), self._lease_ns)
            self._start(db, held)
            while self._runs and not self._over():
                self._listen(self._patience())
                self._pass(self._keep, forgive=False)
            return self._finished()[0]

    # ------------------------------------------------------------ the loop

    def _over(self) -> bool:
        """Stopped, and all that ran has ended; recorded too, unless the database refuses for too long."""
        ended = all(run.exit is not None for run in self._runs.values())
        return self._stopping is not None and ended and (not self._runs or self._refused > _BUSY_TOLD)

    def _pass(self, work: Callable[[Database, int], None], *, forgive: bool) -> bool:
        """Do what is to be done; False when the database was busy, or out of reach and that is forgiven."""
        self._insist()
        if time.monotonic() < self._reconnect_at:
            return False
        try:
            db = self._database()
            work(db, self._clock(db))
        except StoreError as error:
            busy = isinstance(error, StoreBusy)
            if not busy and (not forgive or isinstance(error, Terminal)):
                raise
            self._refused += 1
            if self._refused == (_BUSY_TOLD if busy else 1):  # once, as long as it lasts
                self._event(None, error.message, trouble=True)
            if not busy:
                self._disconnect()
            return False
        self._refused = 0
        return True

    def _attend(self, db: Database, now: int) -> None:
        """Everything there is to do."""
        self._keep(db, now)
        if self._stopping is not None:
            return
        if now < self._seen or not self._seen:
            self._clock_was_set_back(db, now)
        self._seen = now
        for lost in store.expired(db, now):
            self._lost(db, lost, now)
        for info in store.due(db, now):
            self._fire(db, info, now)
        self._claim(db, now)

    def _attend_rest(self, db: Database, now: int) -> None:
        """What `run_due` does after the first pass: no time that comes meanwhile is its business."""
        self._keep(db, now)
        if self._stopping is None:
            self._claim(db, now)

    def _keep(self, db: Database, now: int) -> None:
        """Record what has ended, and go on holding what runs."""
        for run in [run for run in self._runs.values() if run.exit is not None]:
            self._ended(db, run, now)
            del self._runs[run.process]
        if time.monotonic() - self._beaten < self._lease / 4:
            return
        for run in self._runs.values():
            crawls.beat_for(db, run.held.schedule.silo_id, crawls.process_name(run.process.pid))
            if not store.renew(db, run.held, now + self._lease_ns) and run.ending is None:
                self._event(run.held.schedule, "stopping: the run is nobody's or somebody else's by now", trouble=True)
                self._stop(run, "lost", "Its lease had run out.")
        self._beaten = time.monotonic()

    def _listen(self, seconds: float) -> None:
        """Wait for a word, and hear all that was said meanwhile."""
        try:
            who, message = self._inbox.get(timeout=seconds)
            while True:
                self._heard(self._runs.get(who), message)
                who, message = self._inbox.get_nowait()
        except Empty:
            pass

    def _heard(self, run: Run | None, message: dict[str, Any]) -> None:
        if "signal" in message:
            self._signalled(message["signal"])
        elif run is not None and "exit" in message:
            run.exit = message["exit"]
        elif run is not None and "progress" in message:
            if self._progress is not None:
                self._progress(CrawlProgress(**message["progress"]))
        elif run is not None:
            run.said = message

    def _patience(self) -> float:
        """How long nothing needs to be done, unless somebody speaks."""
        moments = [time.monotonic() + _POLL]
        moments += [self._beaten + self._lease / 4] if self._runs else []
        moments += [run.kill_at for run in self._runs.values() if run.kill_at is not None]
        if any(run.exit is not None for run in self._runs.values()):
            return 0.2  # it could not be recorded: the database was busy
        if self._db is not None and time.monotonic() >= self._reconnect_at:
            coming = self._coming()
            moments += [time.monotonic() + coming] if coming is not None else []
        return max(min(moments) - time.monotonic(), 0.01)

    def _coming(self) -> float | None:
        """Seconds until the next schedule or task starts; None when none does, or it waits for something else."""
        assert self._db is not None
        try:
            starts_ns = store.next_start(self._db)
            seconds = None if starts_ns is None else (starts_ns - self._clock(self._db)) / SECOND
        except StoreError:
            return None  # the next pass tells
        return seconds if seconds is not None and seconds > 0 else None

    # ------------------------------------------------------------ times and tasks

    def _clock_was_set_back(self, db: Database, now: int) -> None:
        """Do not wait for times that were computed by a clock that has been set back since."""
        for info in store.schedules(db):
            when = self._when(info) if info.due_ns is not None else None
            due = when.after(now) if when is not None else None
            if due is not None and info.due_ns is not None and due < info.due_ns:
                with db.transaction():
                    store.move(db, info, due, policy.starts(info.name, info.jitter, due))

    def _fire(self, db: Database, info: ScheduleInfo, now: int) -> None:
        """Turn the time of a schedule into a task, unless somebody else was first."""
        when = self._when(info)
        if when is None:
            return
        firing = policy.fire(info, when, now, store.unfinished(db, info.id))
        with db.transaction():
            made = store.move(db, info, firing.next_due_ns, firing.next_starts_ns) and store.create(
                db, info, firing.due_ns, firing.cause, now, skip=firing.skip, note=firing.note
            )
            if made and firing.instead_of is not None:
                store.close(db, firing.instead_of, now)
        if made and firing.skip:
            self._event(info, f"skipped the run due {iso(firing.due_ns)}: {firing.skip}")
        if made and firing.note:
            self._event(info, firing.note, trouble=True)

    def _claim(self, db: Database, now: int) -> None:
        """Take tasks as long as there are hands for them."""
        while len(self._runs) < self._workers:
            waiting = self._waiting(db, now)
            if not any(waiting.values()):
                return  # without asking for the lock to write
            busy = [silo for silo, free in waiting.items() if not free]
            held = store.claim(db, self._worker, now, self._lease_ns, busy)
            if held is None:
                return  # somebody else was faster
            self._start(db, held)

    def _waiting(self, db: Database, now: int) -> dict[int, bool]:
        """The silos that tasks wait for, and whether they are free; tasks that will not wait are skipped."""
        silos: dict[int, str | None] = {}
        for one in store.waiting(db, now):
            if one.silo_id not in silos:
                holder = store.running_on(db, one.silo_id)
                silos[one.silo_id] = crawls.running_on(db, one.silo_id) or (
                    f"This silo is being crawled for a schedule ({holder})." if holder else None
                )
            reason = silos[one.silo_id]
            if reason and one.fresh and one.overlap == "skip" and store.skip(db, one.task_id, reason, now):
                self._event(one.schedule, f"skipped: {reason}")
        return {silo: reason is None for silo, reason in silos.items()}

    def _lost(self, db: Database, lost: store.Claim, now: int) -> None:
        """Take the task of a server that gives no sign away from it."""
        again_ns = policy.retry_at(lost.schedule, lost.cause, "lost", lost.failures + 1, now)
        reason = f"{lost.worker} gave no sign any more."
        attempt = Attempt(
            worker=lost.worker, started_ns=lost.started_ns, ended_ns=now, outcome="lost", reason=reason
        )
        if store.end(db, lost, attempt, failures=lost.failures + 1, again_ns=again_ns):
            self._event(lost.schedule, f"lost: {reason}{again(again_ns, now)}", trouble=True)

    # ------------------------------------------------------------ crawls

    def _start(self, db: Database, held: store.Claim) -> None:
        info = held.schedule
        job = {
            "url": self._url, "silo": info.silo, "prefix": info.prefix, "mode": info.mode, "inspect": info.inspect,
            "share": info.share, "classify": info.classify, "runner": info.runner,
            "progress": self._progress is not None,
        }  # fmt: skip
        self._ran.append(held.task_id)
        try:
            process = CrawlProcess(job, self._inbox)
        except CatalogError as error:
            self._record(db, held, "crashed", error.message, None, held.started_ns)
            return
        self._runs[process] = Run(held, process, time.monotonic(), time.time_ns())
        self._event(info, f"started: crawl of {info.silo}, due {iso(held.due_ns)} (process {process.pid})")

    def _stop(self, run: Run, outcome: Outcome, reason: str) -> None:
        if run.ending is None and run.exit is None:
            run.ending = (outcome, reason)
            run.kill_at = time.monotonic() + _PATIENCE
            run.process.stop()

    def _insist(self) -> None:
        """Stop what has run too long; kill what was stopped and does not end."""
        now = time.monotonic()
        for run in self._runs.values():
            limit = run.held.schedule.timeout
            if limit is not None and now - run.began > limit:
                self._stop(run, "timeout", f"It took longer than {duration(limit)}; the next run goes on from there.")
            if run.kill_at is not None and now > run.kill_at:
                run.process.kill()

    def _ended(self, db: Database, run: Run, now: int) -> None:
        """Record what a process that has ended said, or why it said nothing."""
        assert run.exit is not None
        held, said = run.held, run.said
        silo_id, name = held.schedule.silo_id, crawls.process_name(run.process.pid)
        crawl = crawls.abandon(db, silo_id, name, run.began_ns)
        if "busy" in said and run.ending is None:
            self._met_a_crawl(db, held, said["busy"], now)
            return
        outcome, reason = outcome_of(run)
        self._record(db, held, outcome, reason, crawl, now, final=said.get("again") is False, report=said.get("report"))

    def _met_a_crawl(self, db: Database, held: store.Claim, reason: str, now: int) -> None:
        """Somebody began to crawl the silo between our look and our start."""
        if held.cause != "manual" and (held.schedule.overlap == "queue" or not held.fresh):
            store.put_back(db, held, now + _BUSY_WAIT * SECOND)
            self._event(held.schedule, f"waiting: {reason}")
        else:
            self._record(db, held, "skipped", reason, None, now)

    def _record(
        self, db: Database, held: store.Claim, outcome: Outcome, reason: str, crawl: int | None, now: int, *,
        final: bool = False, report: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        failures = held.failures + (outcome in policy.RETRIED)
        again_ns = None if final else policy.retry_at(held.schedule, held.cause, outcome, failures, now)
        if outcome == "interrupted" and self._stopping and held.cause != "manual" and held.schedule.misfire == "once":
            again_ns = now  # as a run that nobody started in time: whoever serves next goes on with it
        attempt = Attempt(
            worker=held.worker, started_ns=held.started_ns, ended_ns=now, outcome=outcome, reason=reason, crawl=crawl
        )
        if not store.end(db, held, attempt, failures=failures, again_ns=again_ns):
            self._event(held.schedule, f"{outcome}, but the run is somebody else's by now", trouble=True)
            return
        took = duration(max(now - held.started_ns, 0) / SECOND)
        told = counts(report) if outcome in ("complete", "partial") and report else reason
        good = outcome in ("complete", "skipped")
        self._event(held.schedule, f"{outcome} after {took}: {told}{again(again_ns, now)}", trouble=not good)

    # ------------------------------------------------------------ the rest of the world

    @property
    def _lease_ns(self) -> int:
        return int(self._lease * SECOND)

    def _database(self) -> Database:
        if self._db is None:
            self._db = Database(self._url)
        return self._db

    def _disconnect(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db = None
        self._reconnect_at = time.monotonic() + _RECONNECT

    def _when(self, info: ScheduleInfo) -> When | None:
        try:
            return parse(info.when, info.zone, info.added_ns)
        except UsageError as error:  # it was added on a machine that knows the zone
            if info.name not in self._unreadable:
                self._event(info, error.message, trouble=True)
            self._unreadable.add(info.name)
            return None

    def _event(self, schedule: ScheduleInfo | str | None, text: str, *, trouble: bool = False) -> None:
        name = schedule.name if isinstance(schedule, ScheduleInfo) else schedule
        if self._tell is not None:
            self._tell(ServeEvent(time.time_ns(), name, text, trouble))

    def _finished(self) -> list[TaskInfo]:
        if self._stopping is not None:
            raise Interrupted("Stopped. What was listed so far is kept.", hint="Run the same command again.")
        db = self._database()
        return [store.task(db, task_id) for task_id in dict.fromkeys(self._ran)]

    def _signalled(self, number: int) -> None:
        insists = self._stopping is not None
        self._stopping = number
        if not insists:
            self._event(None, f"{signal.Signals(number).name}: stopping")
        for run in self._runs.values():
            if insists:
                run.process.kill()
            self._stop(run, "interrupted", "Whoever ran it was stopped.")

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Hear what ends programs in the inbox; only the main thread of a program can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handlers = {
            number: signal.signal(number, lambda number, _: self._inbox.put((None, {"signal": number})))
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN  # as nohup has it
        }
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    @contextmanager
    def _children(self) -> Iterator[None]:
        """Leave no process behind, nor the database open, however it ends."""
        try:
            yield
        finally:
            for process in self._runs:
                process.stop()  # and it ends itself; whoever looks next finds the lease run out
            if self._db is not None:
                self._db.close()
