"""What storage and machines do to a crawl: whatever it is, nothing is removed that is still there, and nothing is twice.

The server is a real one; the proxy in front of it does the harm (`tests/harness/faulty.py`).
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
import time
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import obstore
import pytest
from crawl_bench import Bench, Tree
from harness import s3_keys
from harness.faulty import proxied

from catalog.crawl import crawl_silo, run
from catalog.errors import StoreBusy
from catalog.silos.object import pages, stores
from catalog.silos.registry import normalise, open_silo
from catalog.store import bulk, crawls, migrate
from catalog.store.engine import Database

pytestmark = pytest.mark.slow
CSV = "a,b\n1,2\n"
KEYS = [f"{a}/{b}/{n:02}.csv" for a in ("a", "a-b", "b", "é") for b in ("x", "x-y") for n in range(14)] + [
    "a.csv", "flat.csv", "zz.csv"
]  # fmt: skip
PAGE = 10


@pytest.fixture
def db_url(sqlite_url):
    """SQLite alone: both databases are tried in `test_interruptions.py`."""
    return sqlite_url


# ---------------------------------------------------------------- a server that misbehaves


@pytest.fixture(scope="module")
def bucket(s3_server):
    """A bucket with keys, and its name. Tests leave it as they found it."""
    name = s3_server.bucket("faults")
    store = s3_server.store(name)
    for key in KEYS:
        store.put(key, CSV.encode())
    return name, store


@pytest.fixture
def lake(db_url, bucket, s3_server, monkeypatch):
    """The bucket behind the proxy, crawled once in good times, then changed; its client is quick to give up."""
    name, store = bucket
    monkeypatch.setenv("FAULTS_SECRET", s3_server.secret_key)
    monkeypatch.setattr(pages, "PAGE", PAGE)
    backoff = {"init_backoff": timedelta(milliseconds=5), "max_backoff": timedelta(milliseconds=20), "base": 2}
    monkeypatch.setattr(stores, "_RETRY", {**stores._RETRY, "max_retries": 2, "backoff": backoff})
    monkeypatch.setattr("catalog.silos.manners.pause", lambda *_: 0.01)
    with proxied(s3_server.endpoint, PAGE) as proxy:
        lake = Lake(db_url, name, s3_server, proxy, store)
        assert lake.crawl().state == "complete"
        store.put("a/x/new.csv", b"1")
        store.put("é/new/new.csv", b"1")
        store.delete("b/x/03.csv")
        proxy.pages = 0
        try:
            yield lake
        finally:
            store.put("b/x/03.csv", CSV.encode())
            store.delete("a/x/new.csv")
            store.delete("é/new/new.csv")


class Lake(Bench):
    def __init__(self, url, bucket, server, proxy, store):
        self.url, self.name, self.proxy, self.store = url, "lab", proxy, store
        options = {"endpoint": proxy.endpoint, "region": server.region, "access_key_id": server.access_key,
                   "secret_access_key": "env:FAULTS_SECRET"}  # fmt: skip
        with closing(Database(url)) as db:
            crawls.add_silo(db, self.name, *normalise(f"s3://{bucket}"), options)

    def crawl(self, fault=None, **options):
        self.proxy.fault = fault or (lambda page: None)
        with closing(Database(self.url)) as db:
            info = crawls.silo(db, self.name)
            with closing(open_silo(info.url, info.options)) as silo:
                report = crawl_silo(db, info, silo, **{"inspect": "none", "workers": 1} | options)
        assert migrate.check(self.url) == []
        return report

    def listed(self):
        return {one["path"] for batch in obstore.list(self.store) for one in batch}

    def twice(self):
        return self.rows(
            "SELECT d.path, f.name FROM file f JOIN directory d ON d.id = f.directory_id GROUP BY d.path, f.name "
            "HAVING COUNT(*) > 1"
        )


def busy_for_a_while(page):
    if 3 <= page.number <= 6:
        page.status, page.code = 503, "SlowDown"


def busy_from_then_on(page):
    if page.number >= 4:
        page.status, page.code = 503, "SlowDown"


def broken_off_now_and_then(page):
    page.reset = page.number % 3 == 0


def broken_off_from_then_on(page):
    page.reset = page.number >= 5


def half_a_page(page):
    page.cut = page.number in (2, 5)


def half_a_page_from_then_on(page):
    page.cut = page.number >= 5


def a_page_again(page):
    if page.number == 4:
        page.following = (page.following or 0) - 2 * PAGE


def the_same_token_for_ever(page):
    if page.following is not None:
        page.following = PAGE


def no_token_though_there_is_more(page):
    if page.number == 3:
        page.following, page.more = None, True


def a_page_backwards(page):
    if page.number in (2, 3):
        page.keys = page.keys[::-1]


def pages_shuffled(page):
    random.Random(page.number).shuffle(page.keys)


def an_entry_twice(page):
    page.keys = page.keys[:3] + page.keys[2:]


def wrong_credentials_from_then_on(page):
    if page.number >= 4:
        page.status, page.code = 403, "SignatureDoesNotMatch"


def wrong_credentials_at_first(page):
    page.status, page.code = 403, "InvalidAccessKeyId"


FAULTS = [
    busy_for_a_while, busy_from_then_on, broken_off_now_and_then, broken_off_from_then_on, half_a_page,
    half_a_page_from_then_on, a_page_again, the_same_token_for_ever, no_token_though_there_is_more, a_page_backwards,
    pages_shuffled, an_entry_twice, wrong_credentials_from_then_on, wrong_credentials_at_first,
]  # fmt: skip
MENDED = {busy_for_a_while, broken_off_now_and_then, half_a_page, a_page_again, no_token_though_there_is_more,
          the_same_token_for_ever, a_page_backwards, pages_shuffled, an_entry_twice}  # fmt: skip


@pytest.mark.s3
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_server_that_misbehaves_removes_nothing_that_is_there(lake, fault):
    report = lake.crawl(fault)
    there, held = lake.listed(), set(lake.files())
    assert set(KEYS) - {"b/x/03.csv"} <= held, "what is there and was known is still known"
    assert lake.twice() == []
    assert report.removed <= 1
    if fault in MENDED:
        assert report.state == "complete" and held == there and report.listed == len(there)
    else:
        assert report.state in ("partial", "failed") and report.failed
    again = lake.crawl()
    assert again.state == "complete" and again.listed == len(there)
    assert set(lake.files()) == there and lake.twice() == []
    assert (last := lake.crawl()).unchanged == len(there) and last.resumed is None


@pytest.mark.s3
@pytest.mark.parametrize("fault", [busy_from_then_on, broken_off_from_then_on, wrong_credentials_from_then_on])
def test_a_first_crawl_that_broke_off_leaves_nothing_twice(lake, fault, migrated, tmp_path):
    with closing(Database(lake.url)) as old:
        info = crawls.silo(old, lake.name)
    lake.url = f"sqlite:///{shutil.copy(migrated, tmp_path / 'first.db')}"
    with closing(Database(lake.url)) as db:
        crawls.add_silo(db, info.name, info.url, info.kind, info.options)
    assert lake.crawl(fault).state in ("partial", "failed")
    assert set(lake.files()) <= lake.listed() and lake.twice() == []
    assert lake.crawl().state == "complete"
    assert set(lake.files()) == lake.listed() and lake.twice() == []


@pytest.mark.s3
@pytest.mark.parametrize("at", [3, 6, 9])
def test_a_crawl_killed_between_faults_goes_on_where_it_stopped(lake, monkeypatch, at):
    monkeypatch.setattr(bulk, "BATCH_DIRECTORIES", 2)
    monkeypatch.setattr(run, "_EVERY", 0.0)
    shown = []

    def stop(now):
        shown.append(now)
        if len(shown) == at:
            raise KeyboardInterrupt

    assert lake.crawl(a_page_backwards, progress=stop).state == "cancelled"
    report = lake.crawl(busy_for_a_while)
    assert report.state == "complete" and report.listed == len(lake.listed())
    assert set(lake.files()) == lake.listed() and lake.twice() == []


# ---------------------------------------------------------------- a store that does not begin where it is asked to


@pytest.fixture
def keys(db_url, monkeypatch):
    """A silo of 40 keys, which fill four pages, in ten directories."""
    monkeypatch.setattr(pages, "PAGE", PAGE)
    monkeypatch.setattr(s3_keys, "PAGE", PAGE)
    with s3_keys.listing([f"{n // 20}/{n // 4:02}/{n:02}.csv" for n in range(40)]) as server:
        yield Keys(db_url, server)


class Keys(Lake):
    def __init__(self, url, server):
        self.url, self.name, self.server = url, "lab", server
        with closing(Database(url)) as db:
            crawls.add_silo(db, self.name, *normalise("s3://keys"), server.options)

    def crawl(self, **options):
        with closing(Database(self.url)) as db:
            info = crawls.silo(db, self.name)
            with closing(open_silo(info.url, info.options)) as silo:
                report = crawl_silo(db, info, silo, **{"inspect": "none", "workers": 1} | options)
        assert migrate.check(self.url) == [] and self.twice() == []
        return report


@pytest.mark.parametrize("start_after", ["ignored", "inclusive"])
@pytest.mark.parametrize("at", [1, 3, 5, 8])
def test_a_crawl_goes_on_though_the_store_begins_too_early(keys, monkeypatch, start_after, at):
    keys.server.start_after = start_after
    monkeypatch.setattr(bulk, "BATCH_DIRECTORIES", 2)
    monkeypatch.setattr(run, "_EVERY", 0.0)
    shown = []

    def stop(now):
        shown.append(now)
        if len(shown) == at:
            raise KeyboardInterrupt

    assert keys.crawl(progress=stop).state == "cancelled"
    report = keys.crawl()
    assert report.state == "complete" and report.removed == 0
    assert set(keys.files()) == set(keys.server.keys)


def test_what_cannot_be_known_to_be_all_removes_nothing(keys):
    assert keys.crawl().state == "complete"
    keys.server.keys = sorted([*keys.server.keys[:36], *(f"0/00/a{n}.csv" for n in range(6))])
    keys.server.start_after, keys.server.forgetful = "ignored", True
    report = keys.crawl()
    assert report.state == "partial" and [one.prefix for one in report.failed] == ["0/00"]
    assert report.removed == 4, "those of the directory that is gone, and none of the one that is not fully told"
    assert "does not tell what comes after it" in report.failed[0].reason
    keys.server.start_after, keys.server.forgetful = "honoured", False
    assert keys.crawl().state == "complete" and set(keys.files()) == set(keys.server.keys)


@pytest.mark.parametrize("circle", [(0, PAGE), (PAGE, PAGE), (2 * PAGE, 2 * PAGE), (2 * PAGE, 4)])
def test_a_listing_in_circles_ends_with_what_is_known(keys, circle, monkeypatch):
    monkeypatch.setattr(pages, "_SECONDS", 2.0)
    assert keys.crawl().state == "complete"
    keys.server.circles = circle
    report = keys.crawl()
    assert report.state in ("partial", "complete") and report.removed == 0
    assert set(keys.files()) == set(keys.server.keys)


# ---------------------------------------------------------------- a machine that misbehaves


def estate(tree):
    for n in range(16):
        for m in range(n % 4 + 1):
            tree.write(f"set{n % 5}/day={n:02}/part-{m:04}.csv", CSV)
        tree.write(f"odd/{n}/x.csv", CSV)
    tree.age()


@contextmanager
def forked(work):
    """`work` in a process of its own, which ends with what it returns."""
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            code = work()
        finally:
            os._exit(code)
    try:
        yield pid
    finally:
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass


def crawl_in_a_fork(tree):
    bulk.BATCH_DIRECTORIES = 3
    with closing(Database(tree.url)) as db, closing(open_silo(tree.address)) as silo:
        try:
            state = crawl_silo(db, crawls.silo(db, tree.name), silo, inspect="none").state
        except StoreBusy:
            return 3
    return 0 if state == "complete" else 1


@pytest.mark.parametrize("seed", range(10))
def test_a_crawl_killed_again_and_again_comes_to_the_same_end(db_url, migrated, tmp_path, seed, monkeypatch):
    chance = random.Random(seed)
    tree = Tree(db_url, tmp_path / "silo")
    estate(tree)
    if chance.random() < 0.5:
        tree.crawl(inspect="none")
        shutil.rmtree(tree.folder / "set1")
        tree.write("odd/3/late.csv", CSV)
        tree.write("set2/new/deep/er.csv", CSV)
    for _ in range(chance.randint(2, 6)):
        with forked(lambda: crawl_in_a_fork(tree)) as pid:
            time.sleep(chance.random() * 0.06)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        assert migrate.check(tree.url) == []
        if chance.random() < 0.3:
            tree.write(f"odd/{chance.randrange(16)}/after{chance.random()}.csv", CSV)
    assert tree.crawl(inspect="none").state == "complete"
    assert tree.files() == tree.listed()
    other = Bench(f"sqlite:///{shutil.copy(migrated, tmp_path / 'fresh.db')}", tree.address)
    other.crawl(inspect="none")
    assert tree.meaning() == other.meaning()


@pytest.mark.parametrize("seed", range(3))
def test_two_crawls_of_one_silo_at_once_are_one(db_url, tmp_path, seed):
    tree = Tree(db_url, tmp_path / "silo")
    estate(tree)
    for _ in range(3):
        with forked(lambda: crawl_in_a_fork(tree)) as one, forked(lambda: crawl_in_a_fork(tree)) as other:
            ends = {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in (one, other)}
        assert ends in ({0}, {0, 3}), "one after the other, or one is refused"
        assert tree.files() == tree.listed()
        assert migrate.check(tree.url) == []
        tree.write(f"odd/{seed}/more{_}.csv", CSV)


@pytest.mark.parametrize("step", [-3600, -2 * 86400, 3600])
def test_a_clock_that_is_set_while_a_crawl_runs(db_url, tmp_path, monkeypatch, step):
    tree = Tree(db_url, tmp_path / "silo")
    estate(tree)
    monkeypatch.setattr(bulk, "BATCH_DIRECTORIES", 3)
    monkeypatch.setattr(run, "_EVERY", 0.0)
    real, shift, seen = time.time_ns, [0], []
    monkeypatch.setattr(time, "time_ns", lambda: real() + shift[0] * 10**9)

    def set_the_clock(now):
        seen.append(now)
        if len(seen) == 12:
            shift[0] = step
        if len(seen) == 20:
            raise KeyboardInterrupt

    assert tree.crawl(inspect="none", progress=set_the_clock).state == "cancelled"
    (tree.folder / "odd/2/x.csv").unlink()
    tree.write("odd/9/y.csv", CSV)
    assert tree.crawl(inspect="none").state == "complete"
    assert tree.files() == tree.listed()
    shift[0] = 0
    tree.write("set1/day=01/z.csv", CSV)
    assert tree.crawl(inspect="none", mode="quick").added == 1
    assert tree.files() == tree.listed()


@contextmanager
def unprivileged():
    """Without the rights of root, for whom no folder is closed."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_becomes_unreadable_during_a_crawl(migrated, monkeypatch):
    monkeypatch.setattr(run, "_EVERY", 0.0)
    home = Path(tempfile.mkdtemp(prefix="faults-"))
    try:
        home.chmod(0o777)
        database = home / "catalog.db"
        shutil.copy(migrated, database)
        database.chmod(0o666)
        tree = Tree(f"sqlite:///{database}", home / "silo")
        estate(tree)
        tree.crawl(inspect="none")
        before = tree.files()
        tree.write("set4/day=04/new.csv", CSV)
        (home / "silo" / "odd/0/x.csv").unlink()
        for path in (database, *home.glob("catalog.db-*")):
            os.chown(path, 65534, 65534) if os.geteuid() == 0 else None
        closed = tree.folder / "set3"

        def close_it(now):
            if now.prefix.startswith("set2"):
                closed.chmod(0)

        for folder in [tree.folder, *tree.folder.rglob("*/")]:
            os.chown(folder, 65534, 65534) if os.geteuid() == 0 else None
        with unprivileged():
            report = tree.crawl(inspect="none", progress=close_it)
            closed.chmod(0o755)
        assert report.state == "partial" and [one.prefix for one in report.failed] == ["set3"]
        kept = {path for path in before if path.startswith("set3/")}
        assert kept and kept <= set(tree.files())
        assert (report.added, report.removed) == (1, 1)
        assert tree.crawl(inspect="none").state == "complete"
        assert tree.files() == tree.listed()
    finally:
        shutil.rmtree(home, ignore_errors=True)
