"""What becomes of a time that has come, and of a try that has ended. Pure: values in, decisions out."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

from catalog.model.schedules import Cause, Outcome, ScheduleInfo, TaskInfo
from catalog.schedule.times import SECOND, When, latest, upcoming
from catalog.text import duration, plural

GRACE_NS = 60 * SECOND
"""How much later than due a run may be started and still count as on time."""
MOST_RETRIES = 10

_FIRST_WAIT = 30  # seconds before a failed run is tried again; four times as long each time after that
_LONGEST_WAIT = 3600
_COUNTED = 1000  # missed runs that are counted one by one
RETRIED: tuple[Outcome, ...] = ("failed", "crashed", "lost")
"""Outcomes that count as failures of a run."""


@dataclass(frozen=True, slots=True)
class Firing:
    """A schedule's move from one time to the next.

    `due_ns` is the time the task stands for, `skip` says why it is not to be run ("" when it is), `note` what
    should be remembered of it. `instead_of` is an earlier run that this one makes needless. The last two are when
    the schedule is due again, without and with jitter.
    """

    due_ns: int
    cause: Cause
    skip: str
    note: str
    instead_of: TaskInfo | None
    next_due_ns: int | None
    next_starts_ns: int | None


def fire(info: ScheduleInfo, when: When, now: int, unfinished: TaskInfo | None) -> Firing:
    """Decide on a schedule whose `starts_ns` has come. `unfinished` is its newest run that has not ended.

    However many times were missed, there is one task: for the last of them.
    """
    assert info.due_ns is not None
    due = latest(when, info.due_ns, now)
    if starts(info.name, info.jitter, due) > now and due > info.due_ns:
        due = latest(when, info.due_ns, due - 1)  # this one waits for its own jitter
    following = when.after(due)
    following_starts = None if following is None else starts(info.name, info.jitter, following)
    late = now - starts(info.name, info.jitter, due) > GRACE_NS
    missed = _missed(when, info.due_ns, due)
    # A run that waits to be tried again later need not: this one is that try, and it is sooner.
    instead_of = unfinished if unfinished is not None and unfinished.attempts and unfinished.starts_ns > now else None
    skip = _overlap(info, unfinished) if instead_of is None else ""
    if not skip and late and info.misfire == "skip":
        skip = f"Nobody started it in time: schedules were served again {duration((now - due) / SECOND)} later."
        instead_of = None
    return Firing(due, "late" if late else "tick", skip, missed, instead_of, following, following_starts)


def starts(name: str, jitter: int, due_ns: int) -> int:
    """When a run that is due is started: later by less than `jitter` seconds, the same for whoever asks."""
    if not jitter:
        return due_ns
    drawn = blake2b(f"{name}:{due_ns}".encode(), digest_size=8).digest()
    return due_ns + int.from_bytes(drawn) % (jitter * SECOND)


def retry_at(info: ScheduleInfo, cause: Cause, outcome: Outcome, failures: int, now: int) -> int | None:
    """When a run is tried again whose `failures`th failure `outcome` is; None when it is not.

    A run that somebody asked for is not: whoever asked sees how it ended.
    """
    if cause == "manual" or outcome not in RETRIED or failures > info.retries:
        return None
    # What ran it is gone, and its lease was waited for already; it is not known to be the silo's fault.
    wait = 0 if outcome == "lost" else min(_FIRST_WAIT * 4 ** (failures - 1), _LONGEST_WAIT)
    return now + wait * SECOND


def shortest_gap(when: When, now: int) -> int | None:
    """Seconds between the nearest two of the coming hundred times; None when there are no two."""
    times = upcoming(when, now, 100)
    return min(((b - a) // SECOND for a, b in pairwise(times)), default=None)


def _overlap(info: ScheduleInfo, unfinished: TaskInfo | None) -> str:
    if unfinished is None:
        return ""
    if info.overlap == "queue":
        queued = unfinished.state == "waiting" and not unfinished.attempts
        return "An earlier run is waiting already." if queued else ""
    if unfinished.state == "running":
        return f"The run before was still going on ({unfinished.worker})."
    return "The run before was waiting to be tried again." if unfinished.attempts else "The run before was waiting."


def _missed(when: When, first: int, due: int) -> str:
    number = 0
    while first < due and number < _COUNTED:
        number += 1
        following = when.after(first)
        assert following is not None  # `due` itself is one
        first = following
    if not number:
        return ""
    many = "or more " if number == _COUNTED else ""
    return f"{plural(number, f'{many}earlier run')} {'was' if number == 1 else 'were'} not started in time."
