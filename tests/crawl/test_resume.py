"""A crawl that was cut off is gone on with, not begun again; and what comes of it equals an undisturbed crawl."""

from __future__ import annotations

import os
import shutil
from contextlib import closing

import obstore
import pytest
from crawl_bench import Bench

import catalog
from catalog.crawl import cursor, run
from catalog.silos.memory import MemorySilo
from catalog.silos.parallel import walk_tree
from catalog.store import bulk, crawls, migrate
from catalog.store.engine import Database

CSV = "a,b\n1,2\n"


@pytest.fixture
def db_url(sqlite_url):
    """SQLite alone: both databases are tried in `test_interruptions.py`."""
    return sqlite_url


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(run, "_EVERY", 0.0)
    monkeypatch.setattr(bulk, "BATCH_DIRECTORIES", 3)


class Stop:
    """A progress callback that is Ctrl-C at its nth call."""

    def __init__(self, at):
        self.at = at

    def __call__(self, _):
        self.at -= 1
        if self.at == 0:
            raise KeyboardInterrupt


def estate(tree):
    for n in range(24):
        for m in range(n % 3 + 1):
            tree.write(f"set{n % 5}/day={n:02}/part-{m:04}.csv", CSV)
            tree.write(f"set{n % 5}/day={n:02}-b/deep/er/part-{m:04}.csv", CSV)
        tree.write(f"odd/{n}/blob", b"PAR1 no" if n % 2 else CSV)
    tree.write("top.csv", CSV)
    tree.age()


def fresh(migrated, tmp_path, address, **options):
    bench = Bench(f"sqlite:///{shutil.copy(migrated, tmp_path / 'fresh.db')}", address)
    bench.crawl(**options)
    return bench.meaning()


class Listed:
    """Counts the directories that the local walk really lists."""

    def __init__(self, monkeypatch):
        from catalog.silos import tree

        self.paths = []
        real = tree._listings

        def noted(fd, path, mtime_ns):
            self.paths.append(path)
            return real(fd, path, mtime_ns)

        monkeypatch.setattr(tree, "_listings", noted)


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("mode", ["normal", "full", "quick"])
def test_what_was_listed_is_not_listed_again(tree, migrated, tmp_path, monkeypatch, mode, workers):
    estate(tree)
    whole = len(list(tree.folder.rglob("*/"))) + 1
    assert tree.crawl(progress=Stop(60), mode=mode, workers=workers).state == "cancelled"
    listed = Listed(monkeypatch)
    again = tree.crawl(mode=mode, workers=workers)
    assert again.state == "complete" and again.resumed["crawl"] == 1 and again.resumed["from"]
    assert 0 < again.resumed["files"] < again.listed == len(tree.listed())
    assert len(listed.paths) <= whole - 50
    assert (again.removed, again.added + again.unchanged) == (0, len(tree.listed()))
    assert tree.files() == tree.listed()
    assert tree.meaning() == fresh(migrated, tmp_path, tree.address)
    assert tree.crawl().resumed is None


@pytest.mark.parametrize("workers", [1, 4])
def test_what_changed_behind_its_back_is_seen_where_folders_have_times(tree, workers):
    estate(tree)
    tree.crawl()
    for n in range(24):
        tree.write(f"set{n % 5}/day={n:02}/late.csv", CSV)
    assert tree.crawl(progress=Stop(60), workers=workers).state == "cancelled"
    tree.write("odd/0/new/file.csv", CSV)
    (tree.folder / "odd/1/blob").unlink()
    (tree.folder / "odd/1").rmdir()
    (tree.folder / "set0/day=00/part-0000.csv").unlink()
    tree.write("set4/new.csv", CSV)
    report = tree.crawl(workers=workers)
    assert report.resumed
    assert tree.files() == tree.listed()
    last = tree.crawl()
    assert (last.added, last.changed, last.removed) == (0, 0, 0)


def test_a_cut_off_crawl_is_gone_on_with_again_and_again(tree, migrated, tmp_path):
    estate(tree)
    starts, stops = [], 0
    while (report := tree.crawl(progress=Stop(25))).state == "cancelled":
        starts.append(report.resumed["from"] if report.resumed else None)
        stops += 1
        assert stops < 40
    assert stops > 3 and starts[0] is None
    places = [start.split("/") for start in starts[1:]]
    assert places == sorted(places) and len({tuple(place) for place in places}) > 2
    assert tree.meaning() == fresh(migrated, tmp_path, tree.address)


def begun(tree, **options):
    estate(tree)
    assert tree.crawl(progress=Stop(60), **options).state == "cancelled"


@pytest.mark.parametrize(
    "options", [{"resume": False}, {"mode": "full"}, {"prefix": "odd"}, {"mode": "quick", "share": 3}], ids=str
)
def test_a_crawl_of_something_else_starts_over(tree, options):
    begun(tree)
    assert tree.crawl(**options).resumed is None


def test_a_share_is_gone_on_with_as_the_same_share(tree):
    begun(tree, mode="quick", share=3)
    assert tree.crawl(mode="quick", share=2).resumed is None
    (tree.folder / "odd/3").touch()
    for folder in sorted(tree.folder.glob("odd/*")):
        os.utime(folder)
    assert tree.crawl(mode="quick", share=3, progress=Stop(40)).state == "cancelled"
    report = tree.crawl(mode="quick", share=3)
    assert report.resumed and report.share == "1/3"


@pytest.mark.parametrize(
    ("aged", "resumes"), [(0, True), (23 * 3600, True), (25 * 3600, False), (-60, False)],
    ids=["now", "within a day", "after a day", "before the clock was set back"],
)  # fmt: skip
def test_only_a_recent_crawl_is_gone_on_with(tree, aged, resumes):
    begun(tree)
    with closing(Database(tree.url)) as db:
        db.execute("UPDATE crawl SET started_ns = started_ns - ?, heartbeat_ns = ended_ns - ?", (aged * 10**9,) * 2)
    report = tree.crawl()
    assert bool(report.resumed) is resumes
    assert tree.files() == tree.listed()


def test_a_crawl_cut_off_before_anything_was_kept_starts_over(tree):
    estate(tree)
    assert tree.crawl(progress=Stop(1)).state == "cancelled"
    assert tree.crawl().resumed is None


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"way": "tree"}', '{"way": "keys", "share": 0, "since_ns": 1, "at": "x"}'])
def test_a_cursor_that_says_nothing_is_no_cursor(tree, kept):
    begun(tree)
    with closing(Database(tree.url)) as db:
        db.execute("UPDATE crawl SET cursor = ?", (kept,))
    assert tree.crawl().resumed is None
    assert tree.files() == tree.listed()


def test_what_was_seen_in_full_is_as_old_as_the_crawl_that_began_it(tree):
    begun(tree)
    (since,) = tree.rows("SELECT started_ns FROM crawl")[0]
    report = tree.crawl()
    assert report.resumed["since"] == catalog.text.iso(since)
    with catalog.connect(tree.url) as cat:
        assert cat.silo("lab").verified_ns // 10**9 == since // 10**9


def test_a_quick_crawl_does_not_trust_a_folder_whose_subfolders_were_never_reached(tree):
    begun(tree)
    report = tree.crawl(mode="quick")
    assert report.resumed is None
    assert tree.files() == tree.listed()


def test_a_folder_that_failed_before_the_cut_is_tried_again(memory):
    files = {f"d{n:02}/{m}.csv": CSV.encode() for n in range(30) for m in range(2)}
    bench = memory(files | {"d03/sub/x.csv": b"1"})
    bench.silo.fail("d03", "not now")
    assert bench.crawl(progress=Stop(25)).state == "cancelled"
    bench.silo.fail("d03", None)
    report = bench.crawl()
    assert report.resumed and report.state == "complete"
    assert bench.files() == bench.listed()


# ---------------------------------------------------------------- trees without times


@pytest.fixture
def timeless(monkeypatch):
    """Places in memory as on servers that tell no times of directories."""
    from dataclasses import replace

    monkeypatch.setattr(MemorySilo, "capabilities", replace(MemorySilo.capabilities, directory_mtimes=False))
    asked = []
    real = MemorySilo.children

    def children(self, path):
        from catalog.errors import SiloUnreachable

        asked.append(path)
        if path in self._place().failures:
            raise SiloUnreachable("not now")
        return real(self, path)

    monkeypatch.setattr(MemorySilo, "children", children)
    return asked


def deep():
    names = [f"{a}/{b}/{c}.csv" for a in ("a", "a-b", "a.c", "b", "zz") for b in ("x", "x-y", "y") for c in range(2)]
    return {name: CSV.encode() for name in [*names, *(f"a/x/deeper/{n}/f.csv" for n in range(5)), "top.csv"]}


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("at", [4, 11, 17, 24])
def test_a_tree_without_times_is_listed_from_where_it_stopped(memory, timeless, migrated, tmp_path, at, workers):
    bench = memory(deep())
    assert bench.crawl(progress=Stop(at), workers=workers).state == "cancelled"
    timeless.clear()
    report = bench.crawl(workers=workers)
    assert report.state == "complete" and report.resumed and report.listed == len(deep())
    spine = report.resumed["from"].count("/") + 2
    whole = len({path.rpartition("/")[0] for path in deep()}) + 7
    assert len(timeless) <= whole - (at // 3 * 3 - spine)
    assert report.added + report.unchanged == len(deep())
    assert bench.files() == bench.listed()
    assert bench.meaning() == fresh(migrated, tmp_path, bench.address)


def test_what_failed_in_a_tree_without_times_is_listed_again_with_all_below(memory, timeless):
    bench = memory(deep())
    bench.crawl()
    bench.silo.fail("a/x", "not now")
    bench.silo.put("a/x/deeper/3/new.csv", b"1")
    bench.silo.put("zz/y/new.csv", b"1")
    assert bench.crawl(progress=Stop(20), workers=2).state == "cancelled"
    bench.silo.fail("a/x", None)
    report = bench.crawl(workers=2)
    assert report.resumed and report.state == "complete"
    assert bench.files() == bench.listed()


def test_a_tree_is_listed_ahead_in_the_order_of_one_walker(memory):
    silo = memory(deep()).silo
    assert list(walk_tree(silo, "", 3)) == list(silo.walk())


# ---------------------------------------------------------------- keys


KEYS = sorted(
    [f"{a}/{b}/{n:03}.csv" for a in ("a", "a-b", "a.c", "b0", "é") for b in ("x", "x-y", "y") for n in range(7)]
    + [f"flat/{n:04}" for n in range(40)]
    + [f"a/x/in/ner/{n}/f" for n in range(6)]
    + ["a.csv", "zz.csv", "b0/f.csv", "a/mid.csv"],
    key=str.encode,
)


class Bucket(Bench):
    """Keys in the client's own store, which lists in byte order, or on a real server, which lists a tree."""

    def __init__(self, url, silo, store):
        self.silo, self.store = silo, store
        for key in KEYS:
            store.put(key, CSV.encode())
        super().__init__(url, "s3://bucket/")

    def crawl(self, **options):
        from catalog.crawl import crawl_silo

        with closing(Database(self.url)) as db:
            report = crawl_silo(db, crawls.silo(db, "lab"), self.silo, inspect="none", **options)
        assert migrate.check(self.url) == []
        return report

    def listed(self):
        return {one["path"] for batch in obstore.list(self.store) for one in batch}


@pytest.fixture(params=["byte order", pytest.param("a real server", marks=pytest.mark.s3)])
def bucket(request, db_url):
    from catalog.silos.manners import Pace
    from catalog.silos.object.errors import Advice
    from catalog.silos.object.silo import ObjectSilo
    from catalog.silos.object.stores import Place

    if request.param == "byte order":
        store, name = obstore.store.MemoryStore(), "memory"
    else:
        server = request.getfixturevalue("s3_server")
        name = server.bucket("resume")
        store = server.store(name)
    ordered = request.param == "byte order"
    silo = ObjectSilo(store, Place(f"s3://{name}", name, ""), "me", Advice("bucket", ""), Pace(), byte_order=ordered)
    return Bucket(db_url, silo, store)


@pytest.mark.parametrize("at", [4, 13, 25])
def test_keys_are_listed_from_where_it_stopped(bucket, at):
    assert bucket.crawl(progress=Stop(at), workers=1).state == "cancelled"
    report = bucket.crawl(workers=1)
    assert report.state == "complete" and report.resumed
    assert set(bucket.files()) == bucket.listed() == set(KEYS)
    assert report.listed == len(KEYS) == report.added + report.unchanged
    before = bucket.meaning()
    again = bucket.crawl(workers=1)
    assert (again.added, again.changed, again.removed, again.unchanged) == (0, 0, 0, len(KEYS))
    assert bucket.meaning() == before


@pytest.mark.parametrize("forgetful", [False, True])
@pytest.mark.parametrize("at", [5, 17])
def test_keys_that_came_and_went_before_the_cut_and_after(bucket, at, forgetful, monkeypatch):
    if forgetful:
        if not bucket.silo.byte_order:
            pytest.skip("this server shows prefixes that no key has any more: only a memory tells them apart")
        monkeypatch.setattr(cursor, "_SIBLINGS", 0)
    bucket.crawl(workers=1)
    for key in [*KEYS[::5], *KEYS[60:75]]:
        bucket.store.delete(key)
    for key in ("a/x/in/ner/9/f", "b0/x-y-z/new", "flat/0000a", "zzz/last"):
        bucket.store.put(key, b"1")
    assert bucket.crawl(progress=Stop(at), workers=1).state == "cancelled"
    report = bucket.crawl(workers=1)
    assert report.resumed and report.state == "complete"
    assert set(bucket.files()) == bucket.listed()
    again = bucket.crawl(workers=1)
    assert (again.added, again.changed, again.removed) == (0, 0, 0)


@pytest.mark.parametrize("at", [20, 28])
def test_parts_that_were_finished_are_not_listed_again(bucket, at, monkeypatch):
    from catalog.store import bounds

    monkeypatch.setattr(bounds, "SMALLEST", 5)
    monkeypatch.setattr(bounds, "PAGE", 1)
    bucket.silo.byte_order = False
    bucket.crawl(workers=1)
    bucket.store.put("é/y/new", b"1")
    bucket.store.put("a/x/new", b"1")
    assert bucket.crawl(progress=Stop(at), workers=2).state == "cancelled"
    report = bucket.crawl(workers=2)
    assert report.state == "complete" and report.resumed and 0 < report.resumed["files"] < len(KEYS)
    assert report.listed == len(KEYS) + 2
    assert set(bucket.files()) == bucket.listed()


def test_ranges_go_on_as_one_listing_does(bucket, monkeypatch):
    from catalog.store import bounds

    if not bucket.silo.byte_order:
        pytest.skip("ranges are for stores in byte order")
    monkeypatch.setattr(bounds, "SMALLEST", 5)
    bucket.crawl(workers=1)
    for key in KEYS[::3]:
        bucket.store.put(key, b"other")
    assert bucket.crawl(progress=Stop(17), workers=4).state == "cancelled"
    report = bucket.crawl(workers=4)
    assert report.resumed and report.listed == len(KEYS)
    assert report.changed + report.unchanged == len(KEYS)
    assert set(bucket.files()) == bucket.listed()
    assert bucket.crawl(workers=1).unchanged == len(KEYS)
