"""Silos and crawls: what is registered, what is running, what came of it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

from catalog.errors import Interrupted, NotFound, StoreBusy, UsageError
from catalog.model import CrawlReport, SiloInfo
from catalog.store.datasets import Place
from catalog.store.engine import Database, Row
from catalog.store.loading import Counts
from catalog.store.verified import true_as_of, verified
from catalog.text import age

STALE_NS = 300 * 1_000_000_000
"""A running crawl that has given no sign for so long is dead (its own machine can tell at once)."""

RESUMED_NS = 24 * 3600 * 1_000_000_000
"""A crawl whose last sign is older is not gone on with: too much may have changed in what it had seen."""

_running: set[tuple[str, int]] = set()
"""(process, crawl) of the crawls this process runs, in any of its threads; a fork has its own pid."""

_SILO = (
    "SELECT s.id, s.name, s.url, s.kind, s.options, s.added_ns, "
    "(SELECT MAX(ended_ns) FROM crawl c WHERE c.silo_id = s.id), "
    "(SELECT state FROM crawl c WHERE c.silo_id = s.id ORDER BY c.id DESC LIMIT 1), "
    "(SELECT sub_files FROM directory d WHERE d.silo_id = s.id AND d.path = ''), "
    "(SELECT sub_bytes FROM directory d WHERE d.silo_id = s.id AND d.path = ''), "
    "(SELECT COUNT(*) FROM asset a WHERE a.silo_id = s.id AND a.removed_crawl IS NULL) FROM silo s "
)


@dataclass(frozen=True, slots=True)
class CrawlRow:
    """One crawl as the catalog remembers it. `report` has the keys of `catalog crawl -o json`.

    `worker` is `host:pid` of the process that runs it, `heartbeat_ns` its last sign of life. A crawl whose state
    is `running` and that is not `alive` was cut off: the next crawl of its silo takes over.
    """

    id: int
    silo: str
    prefix: str
    mode: str
    state: str
    started_ns: int
    ended_ns: int | None
    report: Mapping[str, Any] | None
    heartbeat_ns: int | None = None
    worker: str = ""
    alive: bool = False


def silos(db: Database) -> list[SiloInfo]:
    """All registered silos, by name."""
    return [_silo(db, row) for row in db.all(_SILO + "ORDER BY s.name")]


def silo(db: Database, name: str) -> SiloInfo:
    """One silo. Raises `NotFound`, with the nearest name."""
    row = db.one(_SILO + "WHERE s.name = ?", (name,))
    if row is not None:
        return _silo(db, row)
    from difflib import get_close_matches

    names = [str(r[0]) for r in db.all("SELECT name FROM silo")]
    near = get_close_matches(name, names, 1)
    hint = f"Did you mean '{near[0]}'? All silos: catalog silo ls" if near else "catalog silo ls"
    if not names:
        hint = "There are no silos yet. Add one: catalog silo add NAME URL"
    raise NotFound(f"No silo is called '{name}'.", hint=hint)


def add_silo(db: Database, name: str, url: str, kind: str, options: Mapping[str, str]) -> SiloInfo:
    """Register a silo. Raises `UsageError` when the name is taken."""
    with db.transaction():
        if db.value("SELECT 1 FROM silo WHERE name = ?", (name,)):
            raise UsageError(f"A silo called '{name}' exists already.", hint=f"catalog silo show {name}")
        db.execute(
            "INSERT INTO silo(name, url, kind, options, added_ns) VALUES (?, ?, ?, ?, ?)",
            (name, url, kind, json.dumps(dict(options), sort_keys=True), time.time_ns()),
        )
    return silo(db, name)


def remove_silo(db: Database, name: str) -> None:
    """Forget a silo, everything crawled from it and its schedules (never the storage itself).

    What lineage from elsewhere names stays, as a mere name.
    """
    from catalog.store.lineage.forgetting import release  # every command imports this module, few forget a silo

    found = silo(db, name).id
    directories = f"(SELECT id FROM directory WHERE silo_id = {found})"
    assets = f"(SELECT id FROM asset WHERE silo_id = {found})"
    with db.transaction():
        release(db, found, name, time.time_ns())
        for table in ("file", "file_history", "name_block", "inspection", "part"):
            db.execute(f"DELETE FROM {table} WHERE directory_id IN {directories}")
        db.execute(f"DELETE FROM asset_text WHERE rowid IN {assets}")
        for table in ("annotation", "asset_version", "classification", "column_label"):
            db.execute(f"DELETE FROM {table} WHERE asset_id IN {assets}")
        db.execute(f"DELETE FROM task WHERE schedule_id IN (SELECT id FROM schedule WHERE silo_id = {found})")
        for table in ("asset", "directory", "crawl", "schedule"):
            db.execute(f"DELETE FROM {table} WHERE silo_id = {found}")
        db.execute("DELETE FROM silo WHERE id = ?", (found,))


def settle_place(db: Database, place: Place) -> bool:
    """Keep where a silo's assets are named; True when that is new."""
    here = (place.namespace, place.root)
    if db.one("SELECT namespace, root FROM silo WHERE id = ?", (place.silo_id,)) == here:
        return False
    with db.transaction():
        db.execute("UPDATE silo SET namespace = ?, root = ? WHERE id = ?", (*here, place.silo_id))
    return True


class Started(NamedTuple):
    """A crawl that has begun; `cut_off` says that the one before was, `before` what it can go on with."""

    id: int
    cut_off: bool
    before: Before | None


class Before(NamedTuple):
    """The crawl that this one goes on with, and how far that had come."""

    crawl: int
    started_ns: int
    cursor: str


def start(db: Database, silo_id: int, prefix: str, mode: str, *, resume: bool = True) -> Started:
    """Begin a crawl; with `resume` it may go on with the one before, when that was cut off.

    Raises `StoreBusy` while another crawl of the silo is alive.
    """
    now = time.time_ns()
    with db.transaction():
        if running := running_on(db, silo_id):
            raise StoreBusy(running, hint="Wait for it, or stop that process; its work is kept.")
        db.execute(
            "UPDATE crawl SET state = 'cancelled', ended_ns = heartbeat_ns WHERE silo_id = ? AND state = 'running'",
            (silo_id,),
        )
        last = db.one(
            "SELECT state, id, started_ns, cursor, heartbeat_ns, prefix, mode FROM crawl WHERE silo_id = ? "
            "ORDER BY id DESC LIMIT 1",
            (silo_id,),
        )
        cut_off = last is not None and last[0] in ("cancelled", "failed")
        before = None
        # One that began or was alive in the future: the clock went back, and no time it kept can be trusted.
        if resume and last and cut_off and last[3] and last[5:] == (prefix, mode) and last[2] <= last[4] <= now:
            before = Before(*last[1:4]) if now - last[4] < RESUMED_NS else None
        identity = process_name(os.getpid())
        crawl_id = db.value(
            "INSERT INTO crawl(silo_id, prefix, mode, state, started_ns, heartbeat_ns, worker, cursor) "
            "VALUES (?, ?, ?, 'running', ?, ?, ?, ?) RETURNING id",
            (silo_id, prefix, mode, now, now, identity, before.cursor if before else None),
        )
    _running.add((str(os.getpid()), int(crawl_id)))
    return Started(int(crawl_id), cut_off, before)


def running_on(db: Database, silo_id: int) -> str | None:
    """The crawl of a silo that is alive, as a sentence; None when there is none."""
    now = time.time_ns()
    for crawl_id, worker, heartbeat_ns, started_ns in db.all(
        "SELECT id, worker, heartbeat_ns, started_ns FROM crawl WHERE silo_id = ? AND state = 'running'", (silo_id,)
    ):
        if _alive(int(crawl_id), str(worker), int(heartbeat_ns), now):
            since = age(int(started_ns))
            ago = since if since == "just now" else f"{since} ago"
            return f"A crawl of this silo is running (crawl {crawl_id}, {worker}, started {ago})."
    return None


def process_name(pid: int) -> str:
    """A process of this machine, as the catalog writes it down: `host:pid`."""
    return f"{os.uname().nodename}:{pid}"


def beat_for(db: Database, silo_id: int, worker: str) -> None:
    """Say that the crawl which another process of this machine runs is alive."""
    db.execute(
        "UPDATE crawl SET heartbeat_ns = ? WHERE silo_id = ? AND state = 'running' AND worker = ?",
        (time.time_ns(), silo_id, worker),
    )


def abandon(db: Database, silo_id: int, worker: str, since_ns: int) -> int | None:
    """Close the crawl that a process of this machine left behind when it ended; its id, where it had one."""
    with db.transaction():
        db.execute(
            "UPDATE crawl SET state = 'cancelled', ended_ns = heartbeat_ns "
            "WHERE silo_id = ? AND state = 'running' AND worker = ?",
            (silo_id, worker),
        )
        found = db.value(
            "SELECT MAX(id) FROM crawl WHERE silo_id = ? AND worker = ? AND started_ns >= ?",
            (silo_id, worker, since_ns),
        )
    return None if found is None else int(found)


def known_as_of(db: Database, silo_id: int, before: int) -> int | None:
    """As of when the last complete crawl before this one knew the silo, in nanoseconds."""
    row = db.one(
        "SELECT started_ns, report FROM crawl WHERE silo_id = ? AND id < ? AND state = 'complete' "
        "ORDER BY id DESC LIMIT 1",
        (silo_id, before),
    )
    if row is None:
        return None
    return true_as_of(json.loads(row[1] or "{}"), int(row[0]))


def leave(crawl_id: int) -> None:
    """This process does not run the crawl any more, however it ended."""
    _running.discard((str(os.getpid()), crawl_id))


def beat(db: Database, crawl_id: int) -> None:
    """Say that a crawl is alive."""
    db.execute("UPDATE crawl SET heartbeat_ns = ? WHERE id = ?", (time.time_ns(), crawl_id))


def checkpoint(db: Database, crawl_id: int, cursor: str | None, counts: Counts) -> None:
    """Say that a crawl is alive and how far it has come, inside the transaction that loads the last of it."""
    db.execute(
        "UPDATE crawl SET heartbeat_ns = ?, cursor = ?, added = added + ?, changed = changed + ?, "
        "removed = removed + ? WHERE id = ?",
        (time.time_ns(), cursor, counts.added, counts.changed, counts.removed, crawl_id),
    )


def contribute(db: Database, crawl_id: int, counts: Counts) -> None:
    """Add to a crawl that another process runs, inside the transaction that loads.

    Raises `Interrupted` when that crawl has ended.
    """
    took_part = db.execute(
        "UPDATE crawl SET added = added + ?, changed = changed + ?, removed = removed + ? "
        "WHERE id = ? AND state = 'running'",
        (counts.added, counts.changed, counts.removed, crawl_id),
    )
    if took_part.rowcount != 1:
        raise Interrupted("The crawl this belongs to has ended.")


def loaded(db: Database, crawl_id: int) -> Counts:
    """What all who take part in a crawl have loaded so far."""
    return Counts(*(db.one("SELECT added, changed, removed FROM crawl WHERE id = ?", (crawl_id,)) or ()))


@contextmanager
def alone_in(db: Database, crawl_id: int, path: str) -> Iterator[None]:
    """Wait until nobody else loads this part of a crawl; Postgres only. It ends with the connection at the latest."""
    key = int.from_bytes(blake2b(f"{crawl_id}/{path}".encode(), digest_size=8).digest(), signed=True)
    db.execute("SELECT pg_advisory_lock(?)", (key,))
    try:
        yield
    finally:
        db.execute("SELECT pg_advisory_unlock(?)", (key,))


def finish(db: Database, report: CrawlReport, as_json: str) -> None:
    """Store how a crawl ended."""
    now = time.time_ns()
    with db.transaction():
        db.execute(
            "UPDATE crawl SET state = ?, ended_ns = ?, heartbeat_ns = ?, report = ?, "
            "cursor = CASE WHEN ? IN ('complete', 'partial') THEN NULL ELSE cursor END WHERE id = ?",
            (report.state, now, now, as_json, report.state, report.crawl),
        )


_CRAWL = (
    "SELECT c.id, s.name, c.prefix, c.mode, c.state, c.started_ns, c.ended_ns, c.report, c.heartbeat_ns, c.worker "
    "FROM crawl c JOIN silo s ON s.id = c.silo_id "
)


def crawls(db: Database, limit: int, offset: int = 0) -> list[CrawlRow]:
    """The latest crawls, newest first."""
    return [_crawl(row) for row in db.all(_CRAWL + "ORDER BY c.id DESC LIMIT ? OFFSET ?", (limit, offset))]


def count_crawls(db: Database) -> int:
    """How many crawls the catalog remembers."""
    return int(db.value("SELECT COUNT(*) FROM crawl"))


def last_crawls(db: Database) -> list[CrawlRow]:
    """The newest crawl of every silo that has one, by the silo's name."""
    newest = "WHERE c.id = (SELECT MAX(n.id) FROM crawl n WHERE n.silo_id = s.id) "
    return [_crawl(row) for row in db.all(_CRAWL + newest + "ORDER BY s.name")]


def _crawl(row: Row) -> CrawlRow:
    number, name, prefix, mode, state, started, ended, report, heartbeat, worker = row
    alive = state == "running" and _alive(int(number), worker, int(heartbeat), time.time_ns())
    told = json.loads(report) if report else None
    return CrawlRow(number, name, prefix, mode, state, started, ended, told, heartbeat, worker, alive)


def _alive(crawl_id: int, worker: str, heartbeat_ns: int, now_ns: int) -> bool:
    host, _, pid = worker.rpartition(":")
    if host == os.uname().nodename and pid.isdigit():
        if int(pid) == os.getpid():
            return (pid, crawl_id) in _running
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
    return now_ns - heartbeat_ns < STALE_NS


def _silo(db: Database, row: Row | Sequence[Any]) -> SiloInfo:
    return SiloInfo(
        id=row[0], name=row[1], url=row[2], kind=row[3], options=json.loads(row[4]), added_ns=row[5],
        last_crawl_ns=row[6], last_state=row[7], files=row[8], bytes=row[9], datasets=row[10],
        verified_ns=verified(db, row[0], ""),
    )  # fmt: skip
