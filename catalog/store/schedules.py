"""Schedules and tasks in the database: what is due, who runs it, what came of it.

Any number of processes work on one database. Two rules keep them apart. A time is turned into a task by the one
whose UPDATE still finds the schedule at that time, and (schedule, time) is unique. A task belongs to whoever drew
its `claim`, until the lease runs out; every later statement names the claim and changes nothing when it is gone.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass

from catalog.errors import NotFound, UsageError
from catalog.model.schedules import Attempt, Cause, ScheduleInfo, TaskInfo, Terms
from catalog.store.engine import Database, Row

KEPT = 1000
"""Ended tasks a schedule keeps."""
LONGEST_LEASE_NS = 3600 * 1_000_000_000
"""A lease that would run longer was given by a clock that has been set back since."""

_ATTEMPTS_KEPT = 20
_TERMS = {
    "when": "expression", "zone": "zone", "prefix": "prefix", "mode": "mode", "inspect": "inspect", "share": "share",
    "runner": "runner", "jitter": "jitter_s", "timeout": "timeout_s", "overlap": "overlap", "misfire": "misfire",
    "retries": "retries", "classify": "classify",
}  # fmt: skip
"""The columns that hold what `Terms` says."""
_SCHEDULE = (
    "SELECT s.id, s.name, o.name, s.silo_id, s.added_ns, s.paused_ns, s.due_ns, s.starts_ns, "
    "(SELECT MIN(t.state) FROM task t WHERE t.schedule_id = s.id AND t.state IN ('running', 'waiting')), "
    f"l.state, l.ended_ns, {', '.join(f's.{column}' for column in _TERMS.values())} "
    "FROM schedule s JOIN silo o ON o.id = s.silo_id "
    "LEFT JOIN task l ON l.id = (SELECT t.id FROM task t WHERE t.schedule_id = s.id AND t.ended_ns IS NOT NULL "
    "ORDER BY t.due_ns DESC LIMIT 1) "
)
_TASK = (
    "SELECT t.id, s.name, o.name, t.due_ns, t.cause, t.state, t.starts_ns, t.started_ns, t.ended_ns, t.worker, "
    "t.reason, t.note, t.crawl_id, t.attempts, c.report FROM task t JOIN schedule s ON s.id = t.schedule_id "
    "JOIN silo o ON o.id = s.silo_id LEFT JOIN crawl c ON c.id = t.crawl_id "
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A task that somebody holds: `number` is what was drawn when it was taken."""

    task_id: int
    number: int
    schedule: ScheduleInfo
    due_ns: int
    cause: Cause
    failures: int
    fresh: bool
    """Nobody had tried it before."""
    started_ns: int
    worker: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A task whose time has come. `fresh` means that nobody has tried it yet."""

    task_id: int
    schedule: str
    silo_id: int
    overlap: str
    fresh: bool


def now_ns(db: Database) -> int:
    """The time by the clock that everybody who uses this database shares: Postgres's own."""
    if db.dialect == "sqlite":
        return time.time_ns()
    return int(db.value("SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint")) * 1000


# ---------------------------------------------------------------- schedules


def add(
    db: Database, name: str, silo_id: int, terms: Terms, added_ns: int, due_ns: int | None, starts_ns: int | None
) -> ScheduleInfo:
    """Keep a schedule. Raises `UsageError` when the name is taken."""
    with db.transaction():
        if db.value("SELECT 1 FROM schedule WHERE name = ?", (name,)):
            raise UsageError(
                f"A schedule called '{name}' exists already.",
                hint=f"Choose another: --name {name}-2. All schedules: catalog schedule ls",
            )
        asked = {column: getattr(terms, term) for term, column in _TERMS.items()}
        kept = {"name": name, "silo_id": silo_id, **asked, "added_ns": added_ns, "due_ns": due_ns}
        kept["starts_ns"] = starts_ns
        db.execute(
            f"INSERT INTO schedule({', '.join(kept)}) VALUES ({', '.join('?' * len(kept))})", tuple(kept.values())
        )
    return schedule(db, name)


def schedules(db: Database) -> list[ScheduleInfo]:
    """All schedules, by name."""
    return [_schedule(row) for row in db.all(_SCHEDULE + "ORDER BY s.name")]


def schedule(db: Database, name: str) -> ScheduleInfo:
    """One schedule. Raises `NotFound`, with the nearest name."""
    row = db.one(_SCHEDULE + "WHERE s.name = ?", (name,))
    if row is not None:
        return _schedule(row)
    from difflib import get_close_matches

    names = [str(r[0]) for r in db.all("SELECT name FROM schedule")]
    near = get_close_matches(name, names, 1)
    hint = f"Did you mean '{near[0]}'? All schedules: catalog schedule ls" if near else "catalog schedule ls"
    if not names:
        hint = "There are no schedules yet. Add one: catalog schedule add SILO '0 3 * * *'"
    raise NotFound(f"No schedule is called '{name}'.", hint=hint)


def remove(db: Database, schedule_id: int) -> None:
    """Forget a schedule and its history. Whoever runs it finds its claim gone, and stops."""
    with db.transaction():
        db.execute("DELETE FROM task WHERE schedule_id = ?", (schedule_id,))
        db.execute("DELETE FROM schedule WHERE id = ?", (schedule_id,))


def pause(db: Database, schedule_id: int, now: int) -> None:
    """Let nothing be due any more. A run that waits is skipped, one that runs is left alone."""
    with db.transaction():
        db.execute(
            "UPDATE schedule SET paused_ns = ?, due_ns = NULL, starts_ns = NULL WHERE id = ? AND paused_ns IS NULL",
            (now, schedule_id),
        )
        db.execute(
            "UPDATE task SET state = 'skipped', ended_ns = ?, reason = ? WHERE schedule_id = ? AND state = 'waiting'",
            (now, "The schedule was paused.", schedule_id),
        )


def resume(db: Database, schedule_id: int, due_ns: int | None, starts_ns: int | None) -> None:
    """Let a paused schedule be due again."""
    with db.transaction():
        db.execute(
            "UPDATE schedule SET paused_ns = NULL, due_ns = ?, starts_ns = ? WHERE id = ? AND paused_ns IS NOT NULL",
            (due_ns, starts_ns, schedule_id),
        )


def move(db: Database, info: ScheduleInfo, due_ns: int | None, starts_ns: int | None) -> bool:
    """Set when a schedule is due next, if nobody else has moved it. Inside the caller's transaction."""
    moved = db.execute(
        "UPDATE schedule SET due_ns = ?, starts_ns = ? WHERE id = ? AND due_ns = ? AND paused_ns IS NULL",
        (due_ns, starts_ns, info.id, info.due_ns),
    )
    return moved.rowcount == 1


def due(db: Database, now: int) -> list[ScheduleInfo]:
    """The schedules whose time has come, the earliest first."""
    rows = db.all(_SCHEDULE + "WHERE s.paused_ns IS NULL AND s.starts_ns <= ? ORDER BY s.starts_ns, s.id", (now,))
    return [_schedule(row) for row in rows]


def next_start(db: Database) -> int | None:
    """When the next schedule or waiting task is to be started."""
    found = [
        db.value("SELECT MIN(starts_ns) FROM schedule WHERE paused_ns IS NULL"),
        db.value("SELECT MIN(starts_ns) FROM task WHERE state = 'waiting'"),
    ]
    return min((int(one) for one in found if one is not None), default=None)


# ---------------------------------------------------------------- tasks


def create(
    db: Database, info: ScheduleInfo, due_ns: int, cause: Cause, now: int, *, skip: str = "", note: str = ""
) -> int | None:
    """Make the task of a time, inside the caller's transaction; None when that time has had one."""
    task_id = db.value(
        "INSERT INTO task(schedule_id, due_ns, cause, state, starts_ns, ended_ns, failures, reason, note, attempts) "
        "VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, '[]') ON CONFLICT (schedule_id, due_ns) DO NOTHING RETURNING id",
        (info.id, due_ns, cause, "skipped" if skip else "waiting", now, now if skip else None, skip, note),
    )
    db.execute(
        "DELETE FROM task WHERE schedule_id = ? AND ended_ns IS NOT NULL AND due_ns < "
        "(SELECT due_ns FROM task WHERE schedule_id = ? ORDER BY due_ns DESC LIMIT 1 OFFSET ?)",
        (info.id, info.id, KEPT),
    )
    return None if task_id is None else int(task_id)


def unfinished(db: Database, schedule_id: int) -> TaskInfo | None:
    """The newest task of a schedule that has not ended."""
    row = db.one(
        _TASK + "WHERE t.schedule_id = ? AND t.ended_ns IS NULL ORDER BY t.due_ns DESC LIMIT 1", (schedule_id,)
    )
    return _task(row) if row else None


def waiting(db: Database, now: int) -> list[Waiting]:
    """The tasks whose time has come, the earliest first."""
    rows = db.all(
        "SELECT t.id, s.name, s.silo_id, s.overlap, t.attempts = '[]' FROM task t "
        "JOIN schedule s ON s.id = t.schedule_id WHERE t.state = 'waiting' AND t.starts_ns <= ? "
        "AND s.paused_ns IS NULL ORDER BY t.starts_ns, t.id",
        (now,),
    )
    return [Waiting(int(a), str(b), int(c), str(d), bool(e)) for a, b, c, d, e in rows]


def running_on(db: Database, silo_id: int) -> str | None:
    """Who runs a task of this silo, where somebody does."""
    worker = db.value(
        "SELECT t.worker FROM task t JOIN schedule s ON s.id = t.schedule_id "
        "WHERE t.state = 'running' AND s.silo_id = ?",
        (silo_id,),
    )
    return None if worker is None else str(worker)


def claim(db: Database, worker: str, now: int, lease_ns: int, busy: Collection[int] = ()) -> Claim | None:
    """Take the task that has waited longest, of none of the silos in `busy`; None when there is none.

    Two tasks of one silo are not taken together, as far as one can see: on Postgres somebody may take the other
    at the same moment. The crawl itself refuses then.
    """
    marks = ", ".join("?" * len(busy))
    idle = f"AND s.silo_id NOT IN ({marks})" if busy else ""
    # Postgres: whoever asks at the same time passes over the row instead of waiting for it.
    locking = "FOR UPDATE OF t SKIP LOCKED" if db.dialect == "postgresql" else ""
    number = secrets.randbits(62)
    with db.transaction():
        taken = db.all(
            "UPDATE task SET state = 'running', claim = ?, worker = ?, lease_ns = ?, started_ns = ? WHERE id = ("
            "SELECT t.id FROM task t JOIN schedule s ON s.id = t.schedule_id WHERE t.state = 'waiting' "
            f"AND t.starts_ns <= ? AND s.paused_ns IS NULL {idle} AND NOT EXISTS (SELECT 1 FROM task r "
            "JOIN schedule q ON q.id = r.schedule_id WHERE r.state = 'running' AND q.silo_id = s.silo_id) "
            f"ORDER BY t.starts_ns, t.id LIMIT 1 {locking}) RETURNING id, schedule_id, due_ns, cause, failures, "
            "attempts = '[]'",
            (number, worker, now + lease_ns, now, now, *busy),
        )
        if not taken:
            return None
        task_id, schedule_id, due_ns, cause, failures, fresh = taken[0]
        info = _schedule(db.all(_SCHEDULE + "WHERE s.id = ?", (schedule_id,))[0])
    return Claim(int(task_id), number, info, int(due_ns), cause, int(failures), bool(fresh), now, worker)


def begin(db: Database, info: ScheduleInfo, worker: str, now: int, lease_ns: int) -> Claim:
    """Make a task that somebody asks for now, and take it."""
    number = secrets.randbits(62)
    with db.transaction():
        task_id = db.value(
            "INSERT INTO task(schedule_id, due_ns, cause, state, starts_ns, failures, claim, worker, lease_ns, "
            "started_ns, reason, note, attempts) VALUES (?, ?, 'manual', 'running', ?, 0, ?, ?, ?, ?, '', '', '[]') "
            "RETURNING id",
            (info.id, now, now, number, worker, now + lease_ns, now),
        )
    return Claim(int(task_id), number, info, now, "manual", 0, True, now, worker)


def expired(db: Database, now: int) -> list[Claim]:
    """The tasks whose lease has run out: whoever held them gives no sign any more."""
    rows = db.all(
        "SELECT id, claim, schedule_id, due_ns, cause, failures, attempts = '[]', started_ns, worker FROM task "
        "WHERE state = 'running' AND (lease_ns < ? OR lease_ns > ?) ORDER BY id",
        (now, now + LONGEST_LEASE_NS),
    )
    found = []
    for task_id, number, schedule_id, due_ns, cause, failures, fresh, started_ns, worker in rows:
        row = db.one(_SCHEDULE + "WHERE s.id = ?", (schedule_id,))
        if row is not None:
            info = _schedule(row)
            found.append(Claim(task_id, number, info, due_ns, cause, failures, bool(fresh), started_ns, worker))
    return found


def renew(db: Database, held: Claim, until_ns: int) -> bool:
    """Go on holding a task; False when it belongs to somebody else by now, or is gone."""
    with db.transaction():
        renewed = db.execute(
            "UPDATE task SET lease_ns = ? WHERE id = ? AND claim = ? AND state = 'running'",
            (until_ns, held.task_id, held.number),
        )
        return renewed.rowcount == 1


def skip(db: Database, task_id: int, reason: str, now: int) -> bool:
    """Give up a task that nobody has taken; False when somebody has."""
    with db.transaction():
        skipped = db.execute(
            "UPDATE task SET state = 'skipped', ended_ns = ?, reason = ? WHERE id = ? AND state = 'waiting'",
            (now, reason, task_id),
        )
        return skipped.rowcount == 1


def close(db: Database, waits: TaskInfo, now: int) -> None:
    """End a task that waits to be tried again as its last try ended. Inside the caller's transaction."""
    db.execute(
        "UPDATE task SET state = ?, ended_ns = ? WHERE id = ? AND state = 'waiting'",
        (waits.attempts[-1].outcome, now, waits.id),
    )


def put_back(db: Database, held: Claim, starts_ns: int) -> bool:
    """Let a task wait again as if nobody had taken it."""
    with db.transaction():
        back = db.execute(
            "UPDATE task SET state = 'waiting', starts_ns = ?, claim = NULL, worker = NULL, lease_ns = NULL, "
            "started_ns = NULL WHERE id = ? AND claim = ? AND state = 'running'",
            (starts_ns, held.task_id, held.number),
        )
        return back.rowcount == 1


def end(db: Database, held: Claim, attempt: Attempt, *, failures: int, again_ns: int | None) -> bool:
    """Record how a try ended, and the task with it unless it is tried again at `again_ns`.

    False when the task belongs to somebody else by now: then nothing is recorded.
    """
    with db.transaction():
        row = db.one(
            "SELECT attempts FROM task WHERE id = ? AND claim = ? AND state = 'running'"
            + (" FOR UPDATE" if db.dialect == "postgresql" else ""),
            (held.task_id, held.number),
        )
        if row is None:
            return False
        attempts = [*json.loads(row[0]), asdict(attempt)][-_ATTEMPTS_KEPT:]
        state, ended_ns = ("waiting", None) if again_ns is not None else (attempt.outcome, attempt.ended_ns)
        db.execute(
            "UPDATE task SET state = ?, starts_ns = COALESCE(?, starts_ns), claim = NULL, lease_ns = NULL, "
            "ended_ns = ?, failures = ?, crawl_id = ?, reason = ?, attempts = ? WHERE id = ?",
            (state, again_ns, ended_ns, failures, attempt.crawl, attempt.reason, json.dumps(attempts),
             held.task_id),
        )  # fmt: skip
        return True


def history(db: Database, name: str | None, limit: int) -> list[TaskInfo]:
    """The tasks of a schedule, or of all, the latest first."""
    where, parameters = ("WHERE s.name = ? ", [name]) if name is not None else ("", [])
    rows = db.all(_TASK + where + "ORDER BY t.due_ns DESC, t.id DESC LIMIT ?", (*parameters, limit))
    return [_task(row) for row in rows]


def task(db: Database, task_id: int) -> TaskInfo:
    """One task. Raises `NotFound` when its schedule was removed meanwhile."""
    row = db.one(_TASK + "WHERE t.id = ?", (task_id,))
    if row is None:
        raise NotFound("The schedule was removed meanwhile.", hint="catalog schedule ls")
    return _task(row)


def _schedule(row: Row) -> ScheduleInfo:
    number, name, silo, silo_id, added, paused, due_ns, starts_ns, state, last, last_ns, *terms = row
    return ScheduleInfo(
        id=number, name=name, silo=silo, silo_id=silo_id, added_ns=added, paused_ns=paused, due_ns=due_ns,
        starts_ns=starts_ns, state=state or ("paused" if paused is not None else None), last=last, last_ns=last_ns,
        **{**dict(zip(_TERMS, terms)), "classify": bool(terms[-1])},  # the last of `_TERMS`; SQLite has no booleans
    )  # fmt: skip


def _task(row: Row) -> TaskInfo:
    (number, schedule_name, silo, due_ns, cause, state, starts_ns, started_ns, ended_ns, worker, reason, note, crawl,
     attempts, report) = row  # fmt: skip
    return TaskInfo(
        id=int(number), schedule=schedule_name, silo=silo, due_ns=due_ns, cause=cause, state=state, starts_ns=starts_ns,
        started_ns=started_ns, ended_ns=ended_ns, worker=worker, reason=reason, note=note, crawl=crawl,
        attempts=tuple(Attempt(**one) for one in json.loads(attempts)), report=json.loads(report) if report else None,
    )  # fmt: skip
