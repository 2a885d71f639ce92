"""Schedules and what came of them, for people: a `ScheduleInfo` each, and a `TaskInfo` for every run.

Imported by this name, not through `catalog.model`: a search does without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from catalog.model.crawls import CrawlMode, InspectMode

Overlap = Literal["skip", "queue"]
"""What a run does that meets a crawl of its silo: give up, or wait for the end of it."""
Misfire = Literal["once", "skip"]
"""What becomes of runs that nobody started in time: one late run for all of them, or none."""
Cause = Literal["tick", "late", "manual"]
"""Why a task exists: its time came; its time had come while nobody looked; somebody asked for it."""
Outcome = Literal["complete", "partial", "failed", "interrupted", "timeout", "crashed", "lost", "skipped"]
"""How a task, or one attempt at it, ended. `lost`: whoever ran it gave no sign any more."""
TaskState = Literal["waiting", "running"] | Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a schedule asks for: when, which crawl, and what becomes of runs that meet trouble.

    `jitter` and `timeout` are seconds; `timeout` None is no limit.
    """

    when: str
    zone: str = "UTC"
    prefix: str = ""
    mode: CrawlMode = "normal"
    inspect: InspectMode = "sample"
    share: int = 0
    classify: bool = False
    runner: str | None = None
    jitter: int = 0
    timeout: int | None = None
    overlap: Overlap = "skip"
    misfire: Misfire = "once"
    retries: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleInfo(Terms):
    """A schedule. `due_ns` is the next time its expression names, `starts_ns` that time with its jitter.

    Both are None when nothing is to come. `state` is `paused`, `running`, `waiting` (a run that was not started
    yet, or is tried again later) or None; `last` is how the latest run ended.
    """

    id: int
    name: str
    silo: str
    silo_id: int
    added_ns: int
    paused_ns: int | None = None
    due_ns: int | None = None
    starts_ns: int | None = None
    state: Literal["paused", "running", "waiting"] | None = None
    last: Outcome | None = None
    last_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at a task that has ended. `crawl` is None where no crawl came about."""

    worker: str
    started_ns: int
    ended_ns: int
    outcome: Outcome
    reason: str = ""
    crawl: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskInfo:
    """One run of a schedule: due once, tried until it ends.

    `state` is that of the run as a whole; `attempts` are the tries that ended, oldest first. `starts_ns` is the
    earliest time of the next try while it waits. `reason` tells why it ended, or waits, as it does; `note` what else
    should be remembered, such as earlier runs that were missed. `report` is that of the last try's crawl, with the
    keys of `catalog crawl -o json`.
    """

    id: int
    schedule: str
    silo: str
    due_ns: int
    cause: Cause
    state: TaskState
    starts_ns: int
    started_ns: int | None = None
    ended_ns: int | None = None
    worker: str | None = None
    reason: str = ""
    note: str = ""
    crawl: int | None = None
    attempts: tuple[Attempt, ...] = ()
    report: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ServeEvent:
    """Something that happened while schedules are served; `schedule` is None for the server itself.

    `trouble` marks what somebody should look at.
    """

    at_ns: int
    schedule: str | None
    text: str
    trouble: bool = False
