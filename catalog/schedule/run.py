"""A task that a server holds while a process works on it, and how it ended, in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from catalog.model.schedules import Outcome
from catalog.schedule.process import CrawlProcess
from catalog.schedule.times import SECOND
from catalog.store.schedules import Claim
from catalog.text import duration, plural


@dataclass
class Run:
    """A task, its process, and what the process has said so far. `began` is monotonic, `began_ns` is not."""

    held: Claim
    process: CrawlProcess
    began: float
    began_ns: int
    ending: tuple[Outcome, str] | None = None
    """Why it was stopped, where it was."""
    kill_at: float | None = None
    said: dict[str, Any] = field(default_factory=dict)
    exit: int | None = None


def outcome_of(run: Run) -> tuple[Outcome, str]:
    """How a try ended, and why."""
    said = run.said
    state = said["report"]["state"] if "report" in said else None
    if state in ("complete", "partial"):
        return state, ""
    if run.ending is not None:
        return run.ending
    if state == "cancelled":
        return "interrupted", "The crawl's process was told to stop."
    if state == "failed":
        failed = said["report"]["failed"]
        return "failed", failed[-1]["reason"] if failed else "The silo could not be listed."
    if "failed" in said:
        return "failed", said["failed"]
    assert run.exit is not None
    return "crashed", said.get("crashed") or run.process.explain(run.exit)


def counts(report: dict[str, Any]) -> str:
    """What a crawl found, on one line."""
    changes = ", ".join(f"{report[kind]:,} {kind}" for kind in ("added", "changed", "removed"))
    failed = f"; {plural(len(report['failed']), 'part')} could not be listed" if report["failed"] else ""
    return f"{plural(report['listed'], 'file')}, {changes}{failed}"


def again(again_ns: int | None, now: int) -> str:
    """When a run is tried again, as a sentence to append; empty when it is not."""
    if again_ns is None:
        return ""
    return f" It is tried again in {duration((again_ns - now) / SECOND)}." if again_ns > now else " It is tried again."
