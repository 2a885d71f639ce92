"""What the catalog remembers of crawls: newest first, the last of each silo, and whether a running one is alive."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import closing

import pytest

import catalog
from catalog.errors import StoreBusy, StoreReadOnly
from catalog.store.engine import Database


@pytest.fixture
def cat(db_url, tmp_path):
    with catalog.connect(db_url) as cat:
        for name in ("lab", "lake", "never"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "a.csv").write_text("a\n1\n")
            cat.add_silo(name, str(tmp_path / name))
        yield cat


def pretend_running(cat, worker, heartbeat_ns):
    """A crawl of `lab` as another process would have left it."""
    with closing(Database(cat.url)) as db:
        silo = cat.silo("lab").id
        db.execute(
            "INSERT INTO crawl(silo_id, prefix, mode, state, started_ns, heartbeat_ns, worker) VALUES (?, '', 'normal', 'running', 1, ?, ?)",
            (silo, heartbeat_ns, worker),
        )


def test_crawls_are_read_in_pages_newest_first(cat):
    for _ in range(3):
        cat.crawl("lab", "lake")
    numbers = [row.id for row in cat.crawls()]
    assert numbers == sorted(numbers, reverse=True) and len(numbers) == 6 == cat.count_crawls()
    assert [row.id for row in cat.crawls(2, 3)] == numbers[3:5]
    assert cat.crawls()[0].report["listed"] == 1


def test_the_last_crawl_of_each_silo_that_has_one(cat):
    cat.crawl("lab")
    cat.crawl("lab", "lake", mode="quick")
    assert [(row.silo, row.mode, row.state) for row in cat.last_crawls()] == [
        ("lab", "quick", "complete"),
        ("lake", "quick", "complete"),
    ]


def test_a_crawl_of_a_process_that_is_gone_is_not_alive(cat):
    gone = subprocess.run([sys.executable, "-c", "import os, socket; print(f'{socket.gethostname()}:{os.getpid()}')"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    pretend_running(cat, gone.stdout.strip(), 1)
    (row,) = cat.last_crawls()
    assert (row.state, row.alive, row.report) == ("running", False, None)


def test_a_crawl_on_another_machine_is_alive_while_it_gives_signs(cat):
    import time

    pretend_running(cat, "elsewhere.example:1", time.time_ns() - 10**9)
    assert cat.crawls()[0].alive
    with pytest.raises(StoreBusy, match=r"elsewhere\.example:1"):
        cat.crawl("lab")


def test_a_crawl_in_a_thread_of_this_process_is_alive(cat):
    running, go_on = threading.Event(), threading.Event()

    def crawl():
        with cat.fork(write=True) as own:
            own.crawl("lab", progress=lambda _: (running.set(), go_on.wait(30)))

    thread = threading.Thread(target=crawl)
    thread.start()
    assert running.wait(30)
    assert [row.alive for row in cat.crawls()] == [True]
    go_on.set()
    thread.join(30)
    assert [(row.state, row.alive) for row in cat.crawls()] == [("complete", False)]


def test_a_fork_is_for_reading_unless_it_says_so(cat):
    with cat.fork() as reader, pytest.raises(StoreReadOnly):
        reader.crawl("lab")
    with cat.fork(write=True) as writer:
        assert writer.crawl("lab")[0].state == "complete"
