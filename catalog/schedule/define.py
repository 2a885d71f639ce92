"""Schedules are made, paused and resumed; what is asked for is checked here."""

from __future__ import annotations

from catalog.crawl.runner import runner_of
from catalog.errors import UsageError
from catalog.model import CrawlMode, InspectMode
from catalog.model.schedules import Misfire, Overlap, ScheduleInfo, Terms
from catalog.schedule import policy, times
from catalog.store import crawls
from catalog.store import schedules as store
from catalog.store.engine import Database
from catalog.text import duration as told

_LONGEST_NAME = 100
_HELP = "catalog schedule add --help"
_CHOICES: dict[str, tuple[str, ...]] = {
    "mode": ("normal", "quick", "full"),
    "inspect": ("none", "sample", "all"),
    "overlap": ("skip", "queue"),
    "misfire": ("once", "skip"),
}


def terms(
    when: str, *, zone: str = "UTC", prefix: str = "", mode: CrawlMode = "normal", inspect: InspectMode = "sample",
    share: int = 0, runner: str | None = None, jitter: int | str = 0, timeout: int | str | None = None,
    overlap: Overlap = "skip", misfire: Misfire = "once", retries: int = 2,
    classify: bool = False,
) -> Terms:  # fmt: skip
    """What is asked for, as it is kept. Raises `UsageError` for what makes no sense."""
    for what, word in (("mode", mode), ("inspect", inspect), ("overlap", overlap), ("misfire", misfire)):
        if word not in _CHOICES[what]:
            raise UsageError(f"{what} takes {' or '.join(_CHOICES[what])}, not '{word}'.", hint=_HELP)
    if not 0 <= retries <= policy.MOST_RETRIES:
        raise UsageError(f"A run is tried again at most {policy.MOST_RETRIES} times, not {retries}.", hint=_HELP)
    if share < 0 or (share and mode != "quick"):
        raise UsageError("share goes with quick crawls: others list every folder.", hint=_HELP)
    if classify and inspect == "none":
        raise UsageError("To look for sensitive columns, files are opened: not with inspect none.", hint=_HELP)
    runner_of(runner)
    limit = None if timeout is None else times.duration(str(timeout), "a timeout")
    if limit == 0:
        raise UsageError("A timeout of nothing lets no crawl begin.", hint="Leave it out for no limit.")
    return Terms(
        when=" ".join(when.split()), zone=zone, prefix=prefix.strip("/"), mode=mode, inspect=inspect,
        share=share, runner=runner, jitter=times.duration(str(jitter), "a jitter"), timeout=limit, overlap=overlap,
        misfire=misfire, retries=retries, classify=classify,
    )  # fmt: skip


def add(db: Database, silo: str, name: str | None, asked: Terms) -> ScheduleInfo:
    """Make a schedule for a silo. Raises `NotFound` for the silo, `UsageError` for the rest."""
    silo_id, called = crawls.silo(db, silo).id, silo if name is None else name
    if (
        not called or len(called) > _LONGEST_NAME or called != called.strip() or not called.isprintable()
        or called.startswith("-") or "/" in called or "@" in called
    ):  # fmt: skip
        raise UsageError(f"'{called}' cannot be a schedule's name.", hint="Use letters, digits, '-', '_' and '.'.")
    now = store.now_ns(db)
    when = times.parse(asked.when, asked.zone, now)
    gap = policy.shortest_gap(when, now)
    if gap is not None and asked.jitter >= gap:
        raise UsageError(
            f"A jitter of {told(asked.jitter)} reaches the next run, which can be due {told(gap)} later.",
            hint=f"Less than that: --jitter {gap - 1}",
        )
    due = when.after(now)
    starts = None if due is None else policy.starts(called, asked.jitter, due)
    return store.add(db, called, silo_id, asked, now, due, starts)


def pause(db: Database, name: str) -> ScheduleInfo:
    """Let nothing be due any more until it is resumed. A crawl that runs is left alone."""
    store.pause(db, store.schedule(db, name).id, store.now_ns(db))
    return store.schedule(db, name)


def resume(db: Database, name: str) -> ScheduleInfo:
    """Let a schedule be due again, from now on: what would have been due meanwhile was not missed."""
    info, now = store.schedule(db, name), store.now_ns(db)
    due = times.parse(info.when, info.zone, info.added_ns).after(now)
    store.resume(db, info.id, due, None if due is None else policy.starts(info.name, info.jitter, due))
    return store.schedule(db, name)


def remove(db: Database, name: str) -> ScheduleInfo:
    """Forget a schedule and its history; what it was."""
    info = store.schedule(db, name)
    store.remove(db, info.id)
    return info


def upcoming(db: Database, name: str, count: int) -> list[int]:
    """The next times a schedule is due, also of a paused one; without jitter."""
    info = store.schedule(db, name)
    return times.upcoming(times.parse(info.when, info.zone, info.added_ns), store.now_ns(db), count)
