"""Servers as processes: they share the work, they are stopped, and they are killed."""

from __future__ import annotations

import os
import signal
from collections import Counter
from contextlib import suppress
from itertools import pairwise

import pytest
from schedule_bench import SECOND, Bench, fill, until

import catalog
from catalog.store import migrate

pytestmark = pytest.mark.slow


def ran(bench, state):
    return [one for one in bench.tasks() if one.state == state]


def crawling(bench, server):
    """The process of a crawl that has stored something and goes on."""
    stored = bench.rows("SELECT COUNT(*) FROM file")[0][0] > 0
    children = server.children()
    return children[0] if stored and children and ran(bench, "running") else None


def assert_whole(bench):
    assert migrate.check(bench.url) == []
    held = bench.rows("SELECT COUNT(*) FROM file")[0][0]
    assert held == sum(len(files) for _, _, files in os.walk(bench.folder))


def gone(pid):
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return False
    return True


def test_two_servers_do_every_tick_once(bench, serve):
    fill(bench.folder, 5, 2)
    bench.add("every 1s", name="a", silo=bench.silos(1)[0])
    bench.add("every 1s", name="b")
    servers = [serve(bench), serve(bench)]
    until(lambda: len(ran(bench, "complete")) >= 10 and all("started:" in one.log.read_text() for one in servers), 120)
    for one in servers:
        one.process.terminate()
    assert [one.process.wait(60) for one in servers] == [0, 0]
    for name in ("a", "b"):
        tasks = bench.tasks(name)
        assert max(Counter(one.due_ns for one in tasks).values()) == 1
        assert {one.due_ns % SECOND for one in tasks} == {tasks[0].due_ns % SECOND}
        # Whoever is stopped first may hand the run it was at to the other.
        assert all(sum(try_.outcome != "interrupted" for try_ in one.attempts) <= 1 for one in tasks)
    crawls = bench.rows("SELECT silo_id, started_ns, ended_ns FROM crawl ORDER BY silo_id, started_ns")
    assert len(crawls) == sum(len(one.attempts) for one in bench.tasks())
    for (silo, _, end), (other, start, _) in pairwise(crawls):
        assert silo != other or end <= start, "no two crawls of one silo at a time"
    assert bench.rows("SELECT COUNT(*) FROM crawl WHERE state = 'running'") == [(0,)]
    assert migrate.check(bench.url) == []


@pytest.mark.parametrize("number, code", [(signal.SIGTERM, 0), (signal.SIGINT, 1), (signal.SIGHUP, 0)])
def test_a_stopped_server_stops_its_crawl_and_hands_it_on(large, serve, number, code):
    large.add("every 1s")
    first = serve(large)
    child = until(lambda: crawling(large, first))
    assert first.end(number) == code  # Ctrl-C raises, as it does in any program
    assert gone(child)
    (task,) = [one for one in large.tasks() if one.attempts]
    assert (task.state, [one.outcome for one in task.attempts]) == ("waiting", ["interrupted"])
    assert large.rows("SELECT state FROM crawl") == [("cancelled",)]
    assert migrate.check(large.url) == []
    second = serve(large)
    until(lambda: ran(large, "complete"))
    assert second.end() == 0
    task = ran(large, "complete")[0]
    assert [one.outcome for one in task.attempts] == ["interrupted", "complete"]
    assert_whole(large)


def test_a_stopped_server_leaves_it_at_that_where_missed_runs_are_skipped(large, serve):
    large.add("every 1h", misfire="skip")
    large.rewind("lab", catalog.connect(large.url).now_ns() - SECOND)
    first = serve(large)
    until(lambda: crawling(large, first))
    assert first.end() == 0
    (task,) = large.tasks()
    assert (task.state, task.reason) == ("interrupted", "Whoever ran it was stopped.")


@pytest.mark.parametrize("both", [False, True], ids=["server", "server and crawl"])
def test_a_killed_server_is_taken_over_after_its_lease(large, serve, both):
    large.add("every 1s")
    first = serve(large, lease=3)
    child = until(lambda: crawling(large, first))
    first.process.kill()
    if both:
        os.kill(child, signal.SIGKILL)
    first.process.wait()
    until(lambda: gone(child))  # alone it ends itself, when it finds its server gone
    before = large.rows("SELECT COUNT(*) FROM file")[0][0]
    second = serve(large, lease=3)
    task = until(lambda: next((one for one in ran(large, "complete") if len(one.attempts) > 1), None))
    assert second.end() == 0
    lost, done = task.attempts
    assert (lost.outcome, lost.worker.endswith(f":{first.pid}")) == ("lost", True)
    assert (done.outcome, done.worker.endswith(f":{second.pid}")) == ("complete", True)
    assert done.started_ns >= lost.started_ns + 2 * SECOND, "not before the lease ran out"
    assert task.report["unchanged"] >= before > 0, "it went on where the other had stopped"
    assert_whole(large)


def test_a_killed_crawl_is_an_outcome_and_not_the_end_of_the_server(large, serve):
    large.add("every 1h", retries=0)
    large.rewind("lab", catalog.connect(large.url).now_ns() - SECOND)
    server = serve(large)
    os.kill(until(lambda: crawling(large, server)), signal.SIGKILL)
    (task,) = until(lambda: ran(large, "crashed"))
    assert "SIGKILL" in task.reason and task.crawl is not None
    assert large.rows("SELECT state FROM crawl") == [("cancelled",)]
    with catalog.connect(large.url) as cat:
        assert cat.run_schedule("lab").state == "complete"
    assert server.process.poll() is None
    assert server.end() == 0
    assert_whole(large)


def test_a_crawl_that_takes_too_long_is_stopped(large, serve):
    large.add("every 1h", timeout="1s")
    large.rewind("lab", catalog.connect(large.url).now_ns() - SECOND)
    server = serve(large)
    (task,) = until(lambda: ran(large, "timeout"))
    assert "took longer than 1.0 s" in task.reason
    assert large.rows("SELECT state FROM crawl WHERE state = 'running'") == []
    assert server.end() == 0


def test_a_removed_schedule_stops_its_crawl(large, serve):
    large.add("every 1s")
    server = serve(large, lease=2)
    child = until(lambda: crawling(large, server))
    with catalog.connect(large.url) as cat:
        cat.remove_schedule("lab")
    until(lambda: gone(child))
    until(lambda: "somebody else's by now" in server.log.read_text())
    assert server.end() == 0
    assert large.tasks() == []


@pytest.mark.postgres
def test_a_server_outlives_its_connection(postgres_server, serve, tmp_path):
    others = "pid <> pg_backend_pid() AND datname = current_database()"
    with postgres_server.database() as url:
        bench = Bench(url, tmp_path / "silo")
        bench.add("every 1s")
        server = serve(bench)
        until(lambda: ran(bench, "complete"))
        bench.rows(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
        number = len(ran(bench, "complete"))
        until(lambda: len(ran(bench, "complete")) > number)
        assert server.end() == 0
    assert any("terminat" in line for line in server.told())


def test_a_stopped_server_does_not_wait_for_a_database_that_refuses(sqlite_url, large_folder, serve):
    bench = Bench(sqlite_url, large_folder)
    bench.add("every 1s")
    server = serve(bench)
    child = until(lambda: crawling(bench, server))
    with bench.database() as db, db.transaction():  # somebody writes, and does not come to an end
        assert server.end() == 0
        assert gone(child)
    assert ran(bench, "running"), "it could not be recorded: whoever looks after the lease finds it lost"
