"""What is decided when a time has come, and when a try has ended."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.model.schedules import Attempt, ScheduleInfo, TaskInfo
from catalog.schedule import policy
from catalog.schedule.times import SECOND, parse

T0 = 1_800_000_000 * SECOND
MINUTE = 60 * SECOND


def info(when: str = "every 15m", **terms) -> ScheduleInfo:
    made = ScheduleInfo(id=1, name="lab", silo="lab", silo_id=1, added_ns=T0, when=when, **terms)
    due = parse(when, "UTC", T0).after(T0)
    return replace(made, due_ns=due, starts_ns=policy.starts(made.name, made.jitter, due))


def task(state: str, *, starts: int = T0, tries: int = 0) -> TaskInfo:
    tried = (Attempt(worker="h:1", started_ns=T0, ended_ns=T0, outcome="failed", reason="no"),) * tries
    return TaskInfo(
        id=7, schedule="lab", silo="lab", due_ns=T0, cause="tick", state=state, starts_ns=starts, worker="h:1", attempts=tried
    )


def fire(schedule: ScheduleInfo, now: int, unfinished: TaskInfo | None = None) -> policy.Firing:
    return policy.fire(schedule, parse(schedule.when, "UTC", T0), now, unfinished)


def test_a_time_that_has_come_is_run_and_the_next_one_waited_for():
    firing = fire(info(), T0 + 15 * MINUTE)
    assert (firing.due_ns, firing.cause, firing.skip, firing.note) == (T0 + 15 * MINUTE, "tick", "", "")
    assert firing.next_due_ns == firing.next_starts_ns == T0 + 30 * MINUTE


@pytest.mark.parametrize("misfire, skipped", [("once", False), ("skip", True)])
def test_however_many_were_missed_there_is_one_late_run_or_none(misfire, skipped):
    firing = fire(info(misfire=misfire), T0 + 152 * MINUTE)
    assert (firing.due_ns, firing.cause) == (T0 + 150 * MINUTE, "late")
    assert firing.note == "9 earlier runs were not started in time."
    assert bool(firing.skip) is skipped
    assert firing.next_due_ns == T0 + 165 * MINUTE


@pytest.mark.parametrize("misfire", ["once", "skip"])
def test_a_little_late_is_in_time(misfire):
    firing = fire(info(misfire=misfire), T0 + 15 * MINUTE + policy.GRACE_NS)
    assert (firing.cause, firing.skip) == ("tick", "")


def test_uncounted_misses_are_called_many():
    assert fire(info("every 1s"), T0 + 7 * 86_400 * SECOND).note.startswith("1,000 or more earlier runs")


@pytest.mark.parametrize(
    "overlap, unfinished, skip",
    [
        ("skip", None, ""), ("skip", task("running"), "The run before was still going on (h:1)."),
        ("skip", task("waiting"), "The run before was waiting."),
        ("skip", task("running", tries=1), "The run before was still going on (h:1)."),
        ("skip", task("waiting", tries=1), "The run before was waiting to be tried again."),
        ("queue", None, ""), ("queue", task("running"), ""), ("queue", task("waiting"), "An earlier run is waiting already."),
        ("queue", task("waiting", tries=1), ""),
    ],
)  # fmt: skip
def test_a_run_that_meets_the_one_before(overlap, unfinished, skip):
    firing = fire(info(overlap=overlap), T0 + 15 * MINUTE, unfinished)
    assert (firing.skip, firing.instead_of) == (skip, None)


@pytest.mark.parametrize("overlap", ["skip", "queue"])
def test_a_run_replaces_a_try_that_would_come_later(overlap):
    waits = task("waiting", starts=T0 + 60 * MINUTE, tries=1)
    firing = fire(info(overlap=overlap), T0 + 15 * MINUTE, waits)
    assert (firing.skip, firing.instead_of) == ("", waits)
    missed = fire(info(overlap=overlap, misfire="skip"), T0 + 40 * MINUTE, waits)
    assert missed.skip and missed.instead_of is None


@given(st.text(min_size=1, max_size=20), st.integers(0, 86_400), st.integers(0, 2**62))
def test_jitter_is_below_its_limit_and_the_same_for_all(name, jitter, due):
    delay = policy.starts(name, jitter, due) - due
    assert delay == policy.starts(name, jitter, due) - due
    assert 0 <= delay < max(jitter * SECOND, 1)


def test_jitter_differs_between_times_and_between_schedules():
    delays = {policy.starts(name, 600, T0 + n * MINUTE) - T0 - n * MINUTE for name in ("a", "b") for n in range(50)}
    assert len(delays) == 100
    assert min(delays) < 60 * SECOND and max(delays) > 540 * SECOND


def test_a_time_whose_jitter_has_not_passed_is_left_for_its_own_moment():
    schedule = info("every 1m", jitter=59)
    first, second = schedule.due_ns, schedule.due_ns + MINUTE
    firing = fire(schedule, policy.starts("lab", 59, second) - 1)
    assert (firing.due_ns, firing.next_due_ns, firing.next_starts_ns) == (first, second, policy.starts("lab", 59, second))


def test_a_failed_run_is_tried_again_later_each_time_and_not_for_ever():
    schedule = info(retries=3)
    waits = [policy.retry_at(schedule, "tick", "failed", failures, T0) for failures in (1, 2, 3, 4)]
    assert waits == [T0 + 30 * SECOND, T0 + 120 * SECOND, T0 + 480 * SECOND, None]
    assert policy.retry_at(info(retries=10), "late", "crashed", 10, T0) == T0 + 3600 * SECOND
    assert policy.retry_at(info(retries=0), "tick", "crashed", 1, T0) is None


def test_a_lost_run_is_tried_again_at_once_because_its_lease_was_waited_for():
    assert policy.retry_at(info(), "tick", "lost", 1, T0) == T0
    assert policy.retry_at(info(), "tick", "lost", 3, T0) is None


@pytest.mark.parametrize("outcome", ["complete", "partial", "timeout", "skipped", "interrupted"])
def test_what_is_no_failure_is_not_tried_again(outcome):
    assert policy.retry_at(info(), "tick", outcome, 0, T0) is None


@pytest.mark.parametrize("outcome", policy.RETRIED)
def test_a_run_that_somebody_asked_for_is_not_tried_again(outcome):
    assert policy.retry_at(info(), "manual", outcome, 1, T0) is None


@pytest.mark.parametrize("when, gap", [("every 90s", 90), ("0,10,15 * * * *", 300), ("@daily", 86_400), ("0 0 1 * *", 28 * 86_400)])
def test_the_shortest_gap_between_runs(when, gap):
    assert policy.shortest_gap(parse(when, "UTC", T0), T0) == gap
