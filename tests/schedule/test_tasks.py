"""Tasks in the database: made once, held by one, taken over when nobody holds them; on either database."""

from __future__ import annotations

from collections import Counter

import pytest
from schedule_bench import LEASE, SECOND, T0, at_once, claim_all, ended, fire_together, waiting

import catalog
from catalog.errors import NotFound
from catalog.store import schedules as store


def held(db, info, due_ns=T0, now=T0):
    waiting(db, info, due_ns)
    found = store.claim(db, "h:1", now, LEASE)
    assert found is not None
    return found


def test_a_time_is_made_a_task_once(bench):
    info = bench.add()
    with bench.database() as db, db.transaction():
        assert store.create(db, info, T0, "tick", T0) is not None
        assert store.create(db, info, T0, "late", T0 + 1) is None
        assert store.create(db, info, T0 + 1, "tick", T0) is not None
    assert [one.cause for one in bench.tasks()] == ["tick", "tick"]


def test_a_schedule_is_moved_by_the_first_who_still_finds_it_there(bench):
    info = bench.add()
    with bench.database() as db:
        with db.transaction():
            assert store.move(db, info, T0, T0)
            assert not store.move(db, info, T0 + 1, T0 + 1)
        assert store.schedule(db, "lab").due_ns == T0


@pytest.mark.slow
def test_processes_that_race_for_tasks_never_take_one_twice(bench):
    with bench.database() as db:
        expected = {waiting(db, bench.add(name=silo, silo=silo)) for silo in bench.silos(60)}
    taken = at_once(6, claim_all, bench.url, False)
    assert Counter(one for some in taken for one in some) == Counter(expected)
    assert {one.state for one in bench.tasks()} == {"running"}


@pytest.mark.slow
def test_processes_that_end_what_they_take_do_each_task_once(bench):
    with bench.database() as db:
        expected = {waiting(db, info, T0 - n) for info in (bench.add(), bench.add(name="two")) for n in range(100)}
    taken = at_once(4, claim_all, bench.url, True)
    assert Counter(one for some in taken for one in some) == Counter(expected)
    assert {(one.state, len(one.attempts)) for one in bench.tasks()} == {("complete", 1)}


@pytest.mark.slow
def test_every_tick_is_fired_once_however_many_look(bench):
    names = [bench.add("every 1s", name=name).name for name in ("a", "b", "c")]
    for name in names:
        bench.rewind(name, T0 + SECOND)
    with bench.database() as db:
        db.execute("UPDATE schedule SET added_ns = ?", (T0,))
    at_once(4, fire_together, bench.url, T0, 21)
    for name in names:
        assert [one.due_ns for one in bench.tasks(name)] == [T0 + n * SECOND for n in range(1, 21)]


def test_the_one_that_waited_longest_is_taken_first(bench):
    with bench.database() as db:
        silos = bench.silos(3)
        for silo, due in zip(silos, (T0 - 1, T0 - 3, T0 - 2)):
            waiting(db, bench.add(name=silo, silo=silo), due)
        taken = [store.claim(db, "h:1", T0, LEASE) for _ in range(4)]
    assert [one and one.schedule.name for one in taken] == [silos[1], silos[2], silos[0], None]


def test_what_is_not_due_yet_or_paused_is_not_taken(bench):
    with bench.database() as db:
        info = bench.add()
        waiting(db, info, T0 + 1)
        assert store.claim(db, "h:1", T0, LEASE) is None
        db.execute("UPDATE schedule SET paused_ns = 1")
        assert store.claim(db, "h:1", T0 + 2, LEASE) is None
        db.execute("UPDATE schedule SET paused_ns = NULL")
        assert store.claim(db, "h:1", T0 + 2, LEASE) is not None


def test_two_tasks_of_one_silo_are_not_taken_together(bench):
    with bench.database() as db:
        first = held(db, bench.add())
        waiting(db, bench.add(name="two"))
        assert store.claim(db, "h:2", T0, LEASE) is None
        store.end(db, first, ended(first), failures=0, again_ns=None)
        assert store.claim(db, "h:2", T0, LEASE, busy=[bench.silo_id]) is None
        assert store.claim(db, "h:2", T0, LEASE).schedule.name == "two"


def test_a_lease_that_is_renewed_does_not_run_out(bench):
    with bench.database() as db:
        claim = held(db, bench.add())
        assert store.expired(db, T0 + LEASE) == []
        assert [one.number for one in store.expired(db, T0 + LEASE + 1)] == [claim.number]
        assert store.renew(db, claim, T0 + 2 * LEASE)
        assert store.expired(db, T0 + LEASE + 1) == []


def test_a_lease_from_a_clock_that_was_set_back_is_not_waited_for(bench):
    with bench.database() as db:
        held(db, bench.add(), now=T0)
        a_year = 365 * 86_400 * SECOND
        assert store.expired(db, T0 - 600 * SECOND) == []
        assert len(store.expired(db, T0 - a_year)) == 1


def test_who_lost_a_task_changes_nothing_any_more(bench):
    with bench.database() as db:
        first = held(db, bench.add())
        assert store.end(db, first, ended(first, "lost"), failures=1, again_ns=T0)
        second = store.claim(db, "h:2", T0, LEASE)
        assert (second.task_id, second.failures, second.fresh) == (first.task_id, 1, False)
        assert not store.renew(db, first, T0 + 9 * LEASE)
        assert not store.put_back(db, first, T0)
        assert not store.end(db, first, ended(first), failures=0, again_ns=None)
        assert store.end(db, second, ended(second), failures=1, again_ns=None)
        assert not store.end(db, second, ended(second, "failed"), failures=2, again_ns=None)
    (task,) = bench.tasks()
    assert task.state == "complete"
    assert [(one.outcome, one.worker) for one in task.attempts] == [("lost", "h:1"), ("complete", "h:2")]


def test_a_task_made_anew_under_an_old_number_is_nobodys(bench):
    """SQLite gives the number of the newest row away again when that row is deleted."""
    with bench.database() as db:
        old = held(db, bench.add())
        with catalog.connect(bench.url) as cat:
            cat.remove_schedule("lab")
        new = held(db, bench.add())
        assert not store.renew(db, old, T0 + LEASE)
        assert store.renew(db, new, T0 + LEASE)


def test_a_task_put_back_waits_as_if_nobody_had_taken_it(bench):
    with bench.database() as db:
        claim = held(db, bench.add())
        assert store.put_back(db, claim, T0 + 15 * SECOND)
    (task,) = bench.tasks()
    assert (task.state, task.attempts, task.worker, task.started_ns) == ("waiting", (), None, None)
    assert task.starts_ns == T0 + 15 * SECOND


def test_only_a_waiting_task_can_be_skipped(bench):
    with bench.database() as db:
        claim = held(db, bench.add())
        assert not store.skip(db, claim.task_id, "no", T0)
        store.put_back(db, claim, T0)
        assert store.skip(db, claim.task_id, "no", T0)
    (task,) = bench.tasks()
    assert (task.state, task.reason, task.ended_ns) == ("skipped", "no", T0)


def test_old_runs_are_forgotten_and_unfinished_ones_kept(bench, monkeypatch):
    monkeypatch.setattr(store, "KEPT", 5)
    with bench.database() as db:
        info = bench.add()
        waiting(db, info, T0)
        for n in range(1, 12):
            with db.transaction():
                store.create(db, info, T0 + n, "tick", T0, skip="no")
    kept = [one.due_ns - T0 for one in bench.tasks()]
    assert kept == [0, 6, 7, 8, 9, 10, 11]


def test_a_silo_takes_its_schedules_along(bench):
    bench.add()
    other = bench.silos(1)[0]
    bench.add(name="other", silo=other)
    with bench.database() as db, catalog.connect(bench.url) as cat:
        held(db, cat.schedule("lab"))
        cat.remove_silo("lab")
        assert [one.name for one in cat.schedules()] == ["other"]
    assert bench.rows("SELECT COUNT(*) FROM task") == [(0,)]


def test_what_a_schedule_shows_of_itself(bench):
    info = bench.add(zone="Europe/Berlin", prefix="/a/b/", mode="quick", inspect="none", timeout="2h", overlap="queue")
    assert (info.state, info.last, info.zone, info.prefix, info.timeout) == (None, None, "Europe/Berlin", "a/b", 7200)
    with bench.database() as db:
        waiting(db, info)
        assert store.schedule(db, "lab").state == "waiting"
        claim = store.claim(db, "h:1", T0, LEASE)
        assert store.schedule(db, "lab").state == "running"
        store.end(db, claim, ended(claim, "failed"), failures=1, again_ns=T0 + LEASE)
        assert store.schedule(db, "lab").state == "waiting"
        again = store.claim(db, "h:1", T0 + LEASE, LEASE)
        store.end(db, again, ended(again, "partial"), failures=1, again_ns=None)
        found = store.schedule(db, "lab")
        assert (found.state, found.last, found.last_ns) == (None, "partial", T0 + 5 * SECOND)


def test_a_paused_schedule_is_never_due_and_goes_on_from_now(bench):
    info = bench.add("every 1h")
    with catalog.connect(bench.url) as cat, bench.database() as db:
        waiting(db, info)
        paused = cat.pause_schedule("lab")
        assert (paused.state, paused.due_ns, paused.starts_ns) == ("paused", None, None)
        assert cat.pause_schedule("lab").paused_ns == paused.paused_ns
        (task,) = bench.tasks()
        assert (task.state, task.reason) == ("skipped", "The schedule was paused.")
        assert store.due(db, T0 * 2) == []
        resumed = cat.resume_schedule("lab")
        assert resumed.paused_ns is None and cat.now_ns() < resumed.due_ns <= cat.now_ns() + 3600 * SECOND
        assert cat.resume_schedule("lab").due_ns == resumed.due_ns


def test_names_that_nobody_has_given(bench):
    with catalog.connect(bench.url) as cat:
        with pytest.raises(NotFound) as empty:
            cat.schedule("lab")
        assert "catalog schedule add" in empty.value.hint
        cat.add_schedule("lab", "@daily", name="nightly")
        for call in (cat.schedule, cat.pause_schedule, cat.resume_schedule, cat.remove_schedule, cat.schedule_history, cat.upcoming):
            with pytest.raises(NotFound, match="nigthly") as near:
                call("nigthly")
            assert "'nightly'" in near.value.hint
