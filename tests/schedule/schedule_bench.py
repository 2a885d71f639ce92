"""What the tests of schedules share: a catalog with a folder to crawl, and processes that work on it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import catalog
from catalog.model.schedules import Attempt, Terms
from catalog.schedule.server import Server
from catalog.store import schedules as store
from catalog.store.engine import Database

SECOND = 1_000_000_000
T0 = 1_800_000_000 * SECOND
LEASE = 60 * SECOND


class Bench:
    """A catalog with one silo, `lab`, and its schedules."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        folder.mkdir(exist_ok=True)
        with catalog.connect(url) as cat:
            cat.add_silo("lab", str(folder))
            self.silo_id = cat.silo("lab").id

    @contextmanager
    def database(self):
        with closing(Database(self.url)) as db:
            yield db

    def add(self, when: str = "every 1s", name: str = "lab", silo: str = "lab", **terms: Any):
        with catalog.connect(self.url) as cat:
            return cat.add_schedule(silo, when, name=name, **terms)

    def silos(self, number: int) -> list[str]:
        """More silos, all of the same folder."""
        with catalog.connect(self.url) as cat:
            return [cat.add_silo(f"silo{n:03}", str(self.folder)).name for n in range(number)]

    def rewind(self, name: str, due_ns: int) -> None:
        """Let a schedule be due at a given time."""
        with self.database() as db:
            db.execute("UPDATE schedule SET due_ns = ?, starts_ns = ? WHERE name = ?", (due_ns, due_ns, name))

    def tasks(self, name: str | None = None):
        """Its runs, the earliest first."""
        with catalog.connect(self.url, read_only=True) as cat:
            return cat.schedule_history(name, 10_000)[::-1]

    def rows(self, sql: str, *parameters: object):
        with self.database() as db:
            return [tuple(row) for row in db.all(sql, parameters)]


def fill(folder: Path, directories: int, files: int) -> None:
    """Empty files: enough of them keep a crawl busy."""
    for n in range(directories):
        place = folder / f"set{n % 10}" / f"day={n:04}"
        place.mkdir(parents=True)
        for m in range(files):
            os.close(os.open(f"{place}/part-{m:05}.csv", os.O_CREAT | os.O_WRONLY))


def waiting(db: Database, info, due_ns: int = T0) -> int:
    with db.transaction():
        made = store.create(db, info, due_ns, "tick", due_ns)
    assert made is not None
    return made


def ended(held: store.Claim, outcome: str = "complete", now: int = T0 + 5 * SECOND) -> Attempt:
    return Attempt(worker=held.worker, started_ns=held.started_ns, ended_ns=now, outcome=outcome, reason="because")


def terms(when: str = "every 1s") -> Terms:
    return Terms(when=when)


# ------------------------------------------------------------------ many processes at once


def at_once(number: int, work: Callable[..., Any], *arguments: Any) -> list[Any]:
    """Run `work(barrier, *arguments)` in so many processes; what each returned."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        barrier = manager.Barrier(number)
        with context.Pool(number) as pool:
            waits = [pool.apply_async(work, (barrier, *arguments)) for _ in range(number)]
            return [one.get(timeout=240) for one in waits]


def claim_all(barrier: Any, url: str, end: bool) -> list[int]:
    """Take tasks until there are none."""
    taken = []
    with closing(Database(url)) as db:
        barrier.wait()
        while held := store.claim(db, f"h:{os.getpid()}", T0, LEASE):
            taken.append(held.task_id)
            if end:
                assert store.end(db, held, ended(held), failures=0, again_ns=None)
    return taken


def fire_together(barrier: Any, url: str, first: int, seconds: int) -> int:
    """Look at the schedules once a second of a clock that all share."""
    for second in range(seconds):
        barrier.wait()
        moment = first + second * SECOND
        Server(url, workers=0, clock=lambda db, moment=moment: moment).run_due()
    return os.getpid()


# ------------------------------------------------------------------ servers

SERVE = """
import sys, catalog
url, lease, workers = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
def tell(event): print(event.schedule or "-", event.text, sep="\\t", flush=True)
with catalog.connect(url, read_only=True) as cat:
    cat.serve(lease=lease, workers=workers, tell=tell)
"""


class Serving:
    """A server in a process of its own, and the lines it told."""

    def __init__(self, url: str, log: Path, *, lease: float = 60.0, workers: int = 2) -> None:
        environment = {**os.environ, "PYTHONPATH": str(Path(catalog.__file__).parents[1])}
        self.log = log
        with log.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SERVE, url, str(lease), str(workers)], env=environment, stdout=out, stderr=out
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def told(self) -> list[str]:
        return self.log.read_text().splitlines()

    def children(self) -> list[int]:
        """The crawls it runs now."""
        found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.pid)], capture_output=True, text=True)
        return [int(word) for word in found.stdout.split()]

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)


def until(what: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait until something is so, and return it."""
    limit = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < limit, "it did not come about"
        time.sleep(0.05)
    return found
