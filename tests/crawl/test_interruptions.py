"""A crawl that is stopped anywhere: what was stored is right, and the next crawl goes on from there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from crawl_bench import Bench

import catalog
from catalog.crawl import run
from catalog.errors import Interrupted, StoreBusy
from catalog.store import bulk, crawls, migrate
from catalog.store.engine import Database

CSV = "a,b\n1,2\n"


def estate(tree):
    for n in range(30):
        for m in range(n % 5 + 1):
            tree.write(f"set{n % 7}/day={n:02}/part-{m:04}.csv", CSV)
        tree.write(f"odd/{n}/blob", b"PAR1 no" if n % 2 else CSV)
    tree.age()


def fresh(tree, tmp_path, **options):
    url = f"sqlite:///{tmp_path / 'fresh.db'}"
    migrate.upgrade(url)
    bench = Bench(url, tree.address)
    bench.crawl(**options)
    return bench.meaning()


class Stop:
    """A progress callback that is Ctrl-C at its nth call."""

    def __init__(self, at):
        self.at = at

    def __call__(self, _):
        self.at -= 1
        if self.at == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("at", [1, 2, 20, 45, 70, 71, 72, 73, 80, 90])
def test_an_interrupted_crawl_resumed_equals_an_undisturbed_one(tree, tmp_path, monkeypatch, at):
    monkeypatch.setattr(run, "_EVERY", 0.0)
    monkeypatch.setattr(bulk, "BATCH_DIRECTORIES", 5)
    estate(tree)
    stopped = tree.crawl(progress=Stop(at))
    assert stopped.state == "cancelled"
    (state,) = tree.rows("SELECT state FROM crawl")
    assert state == ("cancelled",)
    again = tree.crawl()
    assert (again.state, again.added + again.unchanged) == ("complete", len(tree.listed()))
    assert tree.files() == tree.listed()
    assert tree.meaning() == fresh(tree, tmp_path)


@pytest.mark.parametrize("at", [1, 3, 30, 60, 80])
def test_a_crawl_that_is_asked_to_stop_ends_as_with_ctrl_c_and_resumes(tree, tmp_path, monkeypatch, at):
    monkeypatch.setattr(bulk, "BATCH_DIRECTORIES", 5)
    estate(tree)
    asked = iter(range(1, 10_000))
    stopped = tree.crawl(stop=lambda: next(asked) >= at)
    assert stopped.state == "cancelled" and next(asked) == at + 1, "it is not asked again"
    again = tree.crawl()
    assert (again.state, again.added + again.unchanged) == ("complete", len(tree.listed()))
    assert tree.meaning() == fresh(tree, tmp_path)


def test_a_crawl_is_stopped_from_another_thread(tree):
    estate(tree)
    stop, listing = threading.Event(), threading.Event()

    def crawl_in_a_thread():
        def slowly(_):
            listing.set()
            assert stop.wait(30)

        with catalog.connect(tree.url) as cat:
            cat.add_silo("other", tree.address)
            with pytest.raises(Interrupted) as told:
                cat.crawl("other", progress=slowly, stop=stop.is_set)
            states.extend(report.state for report in told.value.reports)

    states = []
    thread = threading.Thread(target=crawl_in_a_thread)
    thread.start()
    assert listing.wait(30)
    stop.set()
    thread.join(30)
    assert states == ["cancelled"]


def test_how_much_is_expected_is_known_only_of_a_whole_silo_listed_before(tree):
    estate(tree)

    def expected(**options):
        seen = []
        tree.crawl(progress=seen.append, **options)
        return {step.expected for step in seen}

    assert expected(stop=lambda: True) == {None}
    assert expected() == {None}
    assert expected() == {len(tree.listed())}
    assert expected(prefix="odd") == {None}


def test_a_failure_while_parts_are_made_anew_is_mended(tree, tmp_path, monkeypatch):
    """Files without a telling name were opened, and the crawl died before it grouped them."""
    from catalog.crawl.inspecting import InspectStage

    estate(tree)

    def dies(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(InspectStage, "_resketch", dies)
        assert tree.crawl().state == "cancelled"
    tree.crawl()
    assert tree.meaning() == fresh(tree, tmp_path)


CHILD = """
import sys
from contextlib import closing
from catalog.crawl import crawl_silo
from catalog.silos.registry import open_silo
from catalog.store import bulk, crawls
from catalog.store.engine import Database
bulk.BATCH_DIRECTORIES = 3
url, address, wait = sys.argv[1:]
def progress(step):
    print(step.stage, flush=True)
    if wait == "wait":
        sys.stdin.read()
with closing(Database(url)) as db, closing(open_silo(address)) as silo:
    crawl_silo(db, crawls.silo(db, "lab"), silo, progress=progress)
"""


def child(tree, *, wait=False):
    environment = {**os.environ, "PYTHONPATH": str(Path(catalog.__file__).parents[1])}
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, tree.url, tree.address, "wait" if wait else "go"],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


def test_a_killed_crawl_resumed_equals_an_independent_listing(tree, tmp_path):
    estate(tree)
    chance = random.Random(7)
    killed = 0
    for turn in range(6):
        tree.write(f"odd/turn{turn}/x.csv", CSV)
        with child(tree) as process:
            process.stdout.readline()
            time.sleep(chance.random() * 0.08)
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
        assert migrate.check(tree.url) == []
    assert killed > 0
    assert tree.crawl().state == "complete"
    assert tree.files() == tree.listed()
    assert tree.meaning() == fresh(tree, tmp_path)
    assert tree.rows("SELECT 1 FROM crawl WHERE state = 'running'") == []


def test_a_second_crawl_of_the_silo_is_refused_while_one_runs(tree):
    estate(tree)
    with child(tree, wait=True) as process:
        assert process.stdout.readline().strip() == b"list"
        with pytest.raises(StoreBusy) as refused:
            tree.crawl()
        assert str(process.pid) in refused.value.message
        process.communicate()
        assert process.returncode == 0
    assert tree.files() == tree.listed()
    assert tree.crawl().unchanged == len(tree.listed())


def test_a_crawl_of_another_machine_counts_as_dead_after_a_while(tree):
    estate(tree)
    with closing(Database(tree.url)) as db:
        silo_id, now = crawls.silo(db, "lab").id, time.time_ns()
        for beat in (now, now - crawls.STALE_NS - 1):
            db.execute("DELETE FROM crawl")
            db.execute(
                "INSERT INTO crawl(id, silo_id, prefix, mode, state, started_ns, heartbeat_ns, worker) "
                "VALUES (?, ?, '', 'normal', 'running', ?, ?, 'elsewhere:1')", (1, silo_id, now, beat),
            )  # fmt: skip
            if beat == now:
                with pytest.raises(StoreBusy):
                    crawls.start(db, silo_id, "", "normal")
            else:
                db.execute("UPDATE crawl SET id = 0")
                assert crawls.start(db, silo_id, "", "normal")[1] is True


def test_a_second_crawl_in_the_same_process_is_refused_too(sqlite_url, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.csv").write_text("a\n1\n")
    refused = []

    def meddle(_progress):
        if not refused:
            with catalog.connect(sqlite_url) as other, pytest.raises(StoreBusy) as busy:
                other.crawl("s")
            refused.append(busy.value)

    with catalog.connect(sqlite_url) as cat:
        cat.add_silo("s", str(folder))
        assert cat.crawl("s", progress=meddle)[0].state == "complete"
        assert refused
        assert cat.crawl("s")[0].unchanged == 1
