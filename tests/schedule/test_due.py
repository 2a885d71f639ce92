"""What is due is run once, with a clock that the test sets; the crawls are real processes."""

from __future__ import annotations

import os
import threading

import pytest
from schedule_bench import LEASE, SECOND, T0, ended, waiting

import catalog
from catalog.errors import StoreError
from catalog.schedule.server import Server
from catalog.store import crawls
from catalog.store import schedules as store

pytestmark = pytest.mark.slow


@pytest.fixture
def hourly(bench):
    """A schedule due every hour from T0 on, and a function that runs what is due at a given second."""
    (bench.folder / "a.csv").write_text("a,b\n1,2\n")
    bench.add("every 1h", retries=1)
    with bench.database() as db:
        db.execute("UPDATE schedule SET added_ns = ?", (T0,))
    bench.rewind("lab", T0 + 3600 * SECOND)

    def run(seconds: float, **options):
        told = []
        server = Server(
            bench.url, clock=lambda _: T0 + int(seconds * SECOND), tell=lambda event: told.append(event.text), **options
        )
        return server.run_due(), told

    bench.at = run
    return bench


def hours(tasks):
    return [(one.due_ns - T0) / 3600 / SECOND for one in tasks]


def test_a_run_is_crawled_and_kept_with_what_it_found(hourly):
    assert hourly.at(3599) == ([], [])
    (ran,), told = hourly.at(3600)
    assert (ran.state, ran.cause, ran.report["added"], ran.reason) == ("complete", "tick", 1, "")
    assert ran.attempts[0].crawl == ran.crawl is not None
    assert any(line.startswith("started: crawl of lab") for line in told)
    assert any("1 file, 1 added" in line for line in told)
    assert hourly.at(3601) == ([], [])
    with catalog.connect(hourly.url) as cat:
        assert cat.crawls()[0].state == "complete"
        assert cat.schedule("lab").due_ns == T0 + 7200 * SECOND


def test_missed_runs_are_made_up_for_by_one(hourly):
    (ran,), told = hourly.at(3600 * 5 + 1800)
    assert (hours([ran]), ran.cause, ran.note) == ([5.0], "late", "4 earlier runs were not started in time.")
    assert ran.note in told
    assert hours(hourly.tasks()) == [5.0]


def test_missed_runs_are_only_remembered_where_they_are_to_be_skipped(hourly):
    with hourly.database() as db:
        db.execute("UPDATE schedule SET misfire = 'skip'")
    assert hourly.at(3600 * 5 + 1800)[0] == []
    (task,) = hourly.tasks()
    assert task.state == "skipped" and "Nobody started it in time" in task.reason and "4 earlier runs" in task.note
    assert [one.state for one in hourly.at(3600 * 6)[0]] == ["complete"]


def test_a_clock_that_was_set_back_neither_repeats_runs_nor_waits_for_the_old_time(hourly):
    for hour in (1, 2, 3):
        hourly.at(3600 * hour)
    assert hourly.at(3600 * 2)[0] == hourly.at(3600 * 3)[0] == []  # set back by an hour and a half, and on
    assert hours(hourly.tasks()) == [1.0, 2.0, 3.0]
    assert hours(hourly.at(3600 * 4)[0]) == [4.0]
    hourly.at(3600 * 9000)  # a clock that was wrong for a while
    assert hours(hourly.at(3600 * 5)[0]) == []
    assert hours(hourly.at(3600 * 6)[0]) == [6.0]


def test_a_silo_that_fails_is_tried_again_and_then_given_up(hourly):
    (hourly.folder / "a.csv").unlink()
    hourly.folder.rmdir()
    (first,), told = hourly.at(3600)
    assert first.state == "waiting" and first.starts_ns == T0 + 3630 * SECOND
    assert "does not exist" in first.attempts[0].reason
    assert any("It is tried again in 30 s" in line for line in told)
    assert hourly.at(3629)[0] == []
    (last,), _ = hourly.at(3630)
    assert (last.id, last.state, [one.outcome for one in last.attempts]) == (first.id, "failed", ["failed"] * 2)


def test_what_trying_again_cannot_mend_is_not_tried_again(hourly):
    with hourly.database() as db:
        db.execute("UPDATE silo SET url = 's3://bucket', options = '{\"secret_access_key\": \"env:NO_SUCH_NAME\"}'")
    (ran,), _ = hourly.at(3600)
    assert ran.state == "failed" and "NO_SUCH_NAME" in ran.reason


def test_a_later_run_replaces_a_try_that_would_come_after_it(hourly):
    with hourly.database() as db:
        info = store.schedule(db, "lab")
        waiting(db, info, T0)
        claim = store.claim(db, "h:1", T0, LEASE)
        store.end(db, claim, ended(claim, "failed"), failures=1, again_ns=T0 + 7000 * SECOND)
    assert hours(hourly.at(3600)[0]) == [1.0]
    assert [(one.state, one.reason) for one in hourly.tasks()] == [("failed", "because"), ("complete", "")]


def test_a_lost_run_is_taken_over(hourly):
    with hourly.database() as db:
        waiting(db, store.schedule(db, "lab"), T0)
        store.claim(db, "elsewhere:1", T0, LEASE)
    assert hourly.at(60)[0] == []
    (ran,), told = hourly.at(61)
    assert [(one.outcome, one.worker) for one in ran.attempts] == [
        ("lost", "elsewhere:1"), ("complete", crawls.process_name(os.getpid()))
    ]  # fmt: skip
    assert any("elsewhere:1 gave no sign" in line for line in told)


@pytest.fixture
def crawled_elsewhere(hourly):
    """Another process crawls the silo, by hand: this one, as far as the catalog knows."""
    with hourly.database() as db:
        crawl = crawls.start(db, hourly.silo_id, "", "normal").id
    yield crawl
    crawls.leave(crawl)


def test_a_run_that_meets_a_crawl_is_skipped_with_the_reason(hourly, crawled_elsewhere):
    assert hourly.at(3600)[0] == []
    (task,) = hourly.tasks()
    assert task.state == "skipped" and f"crawl {crawled_elsewhere}," in task.reason
    assert [one.state for one in hourly.tasks()] == ["skipped"]


def test_a_run_that_meets_a_crawl_waits_where_it_should(hourly, crawled_elsewhere):
    with hourly.database() as db:
        db.execute("UPDATE schedule SET overlap = 'queue'")
    assert hourly.at(3600)[0] == []
    assert [one.state for one in hourly.tasks()] == ["waiting"]
    with hourly.database() as db:
        db.execute("UPDATE crawl SET state = 'complete'")
    assert [one.state for one in hourly.at(3610)[0]] == ["complete"]


def test_a_crawl_that_begins_between_look_and_start_is_met_in_the_child(hourly, crawled_elsewhere, monkeypatch):
    monkeypatch.setattr(crawls, "running_on", lambda *_: None)  # the child looks for itself
    (ran,), _ = hourly.at(3600)
    assert ran.state == "skipped" and f"crawl {crawled_elsewhere}," in ran.reason
    with hourly.database() as db:
        db.execute("UPDATE schedule SET overlap = 'queue'")
    (waits,), _ = hourly.at(7200)
    assert (waits.state, waits.attempts, waits.starts_ns) == ("waiting", (), T0 + 7215 * SECOND)


def test_what_is_due_of_one_silo_runs_one_after_the_other(hourly):
    hourly.add("every 1h", name="other", overlap="queue")
    hourly.rewind("other", T0 + 3600 * SECOND)
    with hourly.database() as db:
        db.execute("UPDATE schedule SET added_ns = ?", (T0,))
    ran, _ = hourly.at(3600, workers=4)
    assert [one.state for one in ran] == ["complete", "complete"]
    (first, first_end), (second, _) = hourly.rows("SELECT started_ns, ended_ns FROM crawl ORDER BY id")
    assert first < first_end <= second


def test_a_schedule_is_run_now_whatever_its_times(hourly):
    with catalog.connect(hourly.url) as cat:
        seen = []
        ran = cat.run_schedule("lab", progress=seen.append)
        assert (ran.state, ran.cause, ran.report["added"]) == ("complete", "manual", 1)
        assert seen[-1].stage == "done" and {one.silo for one in seen} == {"lab"}
        cat.pause_schedule("lab")
        assert cat.run_schedule("lab").state == "complete"
        assert cat.schedule("lab").state == "paused"


def test_a_run_asked_for_meets_a_crawl(hourly, crawled_elsewhere):
    with catalog.connect(hourly.url) as cat:
        assert cat.run_schedule("lab").state == "skipped"


def test_a_schedule_can_be_run_from_another_thread(hourly):
    ran = []
    thread = threading.Thread(target=lambda: ran.append(Server(hourly.url).run_now("lab")))
    thread.start()
    thread.join(60)
    assert ran[0].state == "complete"


def test_a_zone_that_this_machine_does_not_know_is_told(hourly):
    with hourly.database() as db:
        db.execute("UPDATE schedule SET zone = 'Mars/Olympus'")
    ran, told = hourly.at(3600)
    assert ran == [] and told.count("'Mars/Olympus' is no time zone.") == 1


def test_a_database_without_tables_is_no_reason_to_wait(tmp_path):
    with pytest.raises(StoreError):
        Server(f"sqlite:///{tmp_path / 'none.db'}").run_due()
