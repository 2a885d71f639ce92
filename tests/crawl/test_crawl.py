"""Crawls of real folders and of places in memory, into both databases."""

from __future__ import annotations

import os
import random
import shutil

import pytest
from crawl_bench import LONG_AGO, Bench, Tree

from catalog.silos import memory as memory_module
from catalog.silos import tree as tree_module
from catalog.store import migrate

CSV = "a,b\n1,2\n3,4\n"


def counts(report):
    return report.added, report.changed, report.removed, report.unchanged


def small(tree: Tree) -> None:
    tree.write("orders.csv", CSV)
    for n in range(4):
        tree.write(f"events/day=2026-01-0{n + 1}/part-0000.csv", CSV)
    for n in range(3):
        tree.write(f"deep/er/still/shard-{n:05}.csv", CSV)
    tree.write("notes/readme.md", "# notes\n")
    tree.age()


# ---------------------------------------------------------------- first and second


def test_the_first_crawl_knows_every_file(tree):
    small(tree)
    report = tree.crawl()
    assert (report.state, report.mode, report.listed, counts(report)) == ("complete", "normal", 9, (9, 0, 0, 0))
    assert tree.files() == tree.listed()
    assert report.bytes == sum(size for size, _ in tree.listed().values())
    assert tree.assets() == {
        "orders.csv": ("dataset", "single", "csv", 1, 1),
        "events": ("dataset", "hive", "csv", 4, 1),
        "deep/er/still": ("dataset", "shards", "csv", 3, 1),
    }
    assert (report.datasets, report.versions) == (3, 3)


@pytest.mark.parametrize("mode", ["normal", "quick", "full"])
def test_an_unchanged_crawl_writes_no_row(tree, mode):
    small(tree)
    tree.crawl()
    before = tree.contents()
    report = tree.crawl(mode=mode)
    assert (report.state, report.listed, counts(report)) == ("complete", 9, (0, 0, 0, 9))
    assert (report.versions, report.inspected) == (0, 0)
    assert report.bytes == sum(size for size, _ in tree.listed().values())
    assert tree.contents() == before


def test_an_empty_folder_is_a_complete_crawl(tree):
    report = tree.crawl()
    assert (report.state, report.listed, report.bytes, report.datasets) == ("complete", 0, 0, 0)
    assert tree.rows("SELECT path, sub_files FROM directory") == [("", 0)]


# ---------------------------------------------------------------- changes


def test_added_changed_and_removed_files_are_counted_and_kept_as_history(tree):
    small(tree)
    first = tree.crawl()
    tree.write("events/day=2026-01-05/part-0000.csv", CSV)
    tree.write("orders.csv", CSV * 2)
    (tree.folder / "deep/er/still/shard-00001.csv").unlink()
    second = tree.crawl()
    assert counts(second) == (1, 1, 1, 7)
    assert tree.files() == tree.listed()
    assert sorted(tree.history()) == [
        ("deep/er/still/shard-00001.csv", len(CSV), first.crawl, second.crawl),
        ("orders.csv", len(CSV), first.crawl, second.crawl),
    ]
    assert {name: row[3:] for name, row in tree.assets().items()} == {
        "orders.csv": (1, 2), "events": (5, 2), "deep/er/still": (2, 2),
    }  # fmt: skip


def test_only_what_changed_gets_a_version(tree):
    small(tree)
    tree.crawl()
    tree.write("orders.csv", CSV * 2)
    assert tree.crawl().versions == 1
    assert {name: row[4] for name, row in tree.assets().items()} == {"orders.csv": 2, "events": 1, "deep/er/still": 1}
    rows = tree.rows("SELECT v.number, v.bytes FROM asset_version v JOIN asset a ON a.id = v.asset_id "
                     "WHERE a.path = 'orders.csv' ORDER BY 1")  # fmt: skip
    assert rows == [(1, len(CSV)), (2, 2 * len(CSV))]


def test_same_size_with_another_time_is_a_change(tree):
    file = tree.write("a.csv", CSV)
    tree.crawl()
    os.utime(file, ns=(LONG_AGO, LONG_AGO))
    assert counts(tree.crawl()) == (0, 1, 0, 0)


def test_a_directory_that_is_gone_takes_everything_below_with_it(tree):
    small(tree)
    first = tree.crawl()
    shutil.rmtree(tree.folder / "deep")
    second = tree.crawl()
    assert counts(second) == (0, 0, 3, 6)
    assert tree.files() == tree.listed()
    assert "deep/er/still" not in tree.assets()
    assert [(path, a, b) for path, _, a, b in tree.history()] == [
        (f"deep/er/still/shard-{n:05}.csv", first.crawl, second.crawl) for n in range(3)
    ]
    gone = tree.rows("SELECT path, sub_files, removed_crawl FROM directory WHERE removed_crawl IS NOT NULL ORDER BY path")
    assert gone == [(path, 0, second.crawl) for path in ("deep", "deep/er", "deep/er/still")]


def test_what_comes_back_is_the_same_asset_with_a_new_version(tree):
    small(tree)
    tree.crawl()
    (asset,) = tree.rows("SELECT id FROM asset WHERE path = 'deep/er/still'")
    away = tree.folder.with_name("away")
    shutil.move(tree.folder / "deep", away)
    tree.crawl()
    shutil.move(away, tree.folder / "deep")
    report = tree.crawl()
    assert counts(report) == (3, 0, 0, 6)
    assert tree.files() == tree.listed()
    assert tree.rows("SELECT id, version, files FROM asset WHERE path = 'deep/er/still'") == [(*asset, 2, 3)]
    assert tree.rows("SELECT path FROM directory WHERE removed_crawl IS NOT NULL") == []


def test_a_renamed_directory_is_one_gone_and_one_new(tree):
    small(tree)
    tree.crawl()
    (tree.folder / "deep").rename(tree.folder / "down")
    assert counts(tree.crawl()) == (3, 0, 3, 6)
    assert set(tree.assets()) == {"orders.csv", "events", "down/er/still"}


@pytest.mark.parametrize("first", ["file", "folder"])
def test_a_name_changes_between_file_and_folder(tree, first):
    tree.write("keep.csv", CSV)
    steps = [lambda: tree.write("thing", "text"), lambda: tree.write("thing/a.csv", CSV)]
    steps = steps if first == "file" else steps[::-1]
    steps[0]()
    tree.crawl()
    target = tree.folder / "thing"
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    steps[1]()
    assert counts(tree.crawl()) == (1, 0, 1, 1)
    assert tree.files() == tree.listed()


def test_names_that_sort_around_the_slash_stay_apart(tree):
    """`a-b` and `a.b` sort before `a/`: removing `a` must leave them."""
    for path in ("a/x.csv", "a-b/x.csv", "a.b/x.csv", "a0/x.csv", "a b/x.csv", "aa/x.csv"):
        tree.write(path, CSV)
    tree.crawl()
    shutil.rmtree(tree.folder / "a")
    assert counts(tree.crawl()) == (0, 0, 1, 5)
    assert tree.files() == tree.listed()


@pytest.mark.parametrize("name", ["ü.csv", "データ.csv", "a%b?.csv", "q'\"uote.csv", "tab\tnew\nline.csv", "{n}.csv", "😀.csv"])
def test_any_name_goes_in_and_comes_out(tree, name):
    tree.write(f"in/{name}", CSV)
    tree.write(f"d {name}/x.csv", CSV)
    tree.crawl()
    assert tree.files() == tree.listed()
    assert counts(tree.crawl()) == (0, 0, 0, 2)
    shutil.rmtree(tree.folder / f"d {name}")
    assert counts(tree.crawl()) == (0, 0, 1, 1)


# ---------------------------------------------------------------- what could not be listed


def test_a_directory_that_fails_removes_nothing_and_is_named(memory):
    lab = memory({"a/x.csv": b"1", "a/b/y.csv": b"2", "c/z.csv": b"3"})
    lab.crawl()
    before = lab.files()
    lab.silo.fail("a", "the disk is on fire")
    report = lab.crawl()
    assert (report.state, counts(report)) == ("partial", (0, 0, 0, 1))
    assert [(one.prefix, one.reason) for one in report.failed] == [("a", "the disk is on fire")]
    assert lab.files() == before
    lab.silo.remove("a/x.csv")
    lab.silo.fail("a", None)
    again = lab.crawl()
    assert (again.state, again.removed) == ("complete", 1)
    assert lab.files() == lab.listed()


def test_a_new_directory_that_fails_is_found_later(memory):
    lab = memory({"a/x.csv": b"1"})
    lab.silo.put("new/y.csv", b"2")
    lab.silo.fail("new", "no")
    assert lab.crawl().state == "partial"
    lab.silo.fail("new", None)
    assert lab.crawl().state == "complete"
    assert lab.files() == lab.listed()
    assert set(lab.assets()) == {"a/x.csv", "new/y.csv"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_without_permission_removes_nothing(tree):
    small(tree)
    tree.crawl()
    before = tree.files()
    (tree.folder / "deep/er").chmod(0)
    try:
        report = tree.crawl()
    finally:
        (tree.folder / "deep/er").chmod(0o755)
    assert (report.state, report.removed, [f.prefix for f in report.failed]) == ("partial", 0, ["deep/er"])
    assert tree.files() == before


def test_a_root_that_is_gone_fails_and_removes_nothing(tree):
    small(tree)
    tree.crawl()
    before = tree.contents()
    tree.folder.rename(tree.folder.with_name("elsewhere"))
    report = tree.crawl()
    assert (report.state, report.removed, report.listed) == ("failed", 0, 0)
    assert len(report.failed) == 1
    assert str(tree.folder) in report.failed[0].reason
    assert tree.contents() == before


def test_a_root_that_is_suddenly_empty_is_believed(tree):
    """An empty folder is a complete listing: the difference to a missing one is the silo's to tell."""
    small(tree)
    tree.crawl()
    for child in tree.folder.iterdir():
        shutil.rmtree(child) if child.is_dir() else child.unlink()
    assert counts(tree.crawl()) == (0, 0, 9, 0)
    assert tree.assets() == {}


# ---------------------------------------------------------------- quick


def test_quick_sees_new_and_gone_entries_but_trusts_untouched_folders(tree):
    small(tree)
    tree.crawl()
    shard = tree.folder / "deep/er/still/shard-00000.csv"
    shard.write_text(CSV * 3)  # in place: the folder's own time stays
    os.utime(shard.parent, ns=(LONG_AGO, LONG_AGO))
    tree.write("notes/more.md", "more")
    (tree.folder / "events/day=2026-01-01/part-0000.csv").unlink()
    quick = tree.crawl(mode="quick")
    assert counts(quick) == (1, 0, 1, 8)
    assert tree.files()["deep/er/still/shard-00000.csv"][0] == len(CSV)
    assert counts(tree.crawl()) == (0, 1, 0, 8)
    assert tree.files() == tree.listed()


def test_quick_lists_what_was_touched_while_it_was_listed(tree):
    tree.write("a/x.csv", CSV)
    tree.crawl()  # the folder's time is too young to be trusted
    before = (tree.folder / "a").stat().st_mtime_ns
    tree.write("a/y.csv", CSV)
    os.utime(tree.folder / "a", ns=(before, before))
    assert tree.crawl(mode="quick").added == 1


def test_the_first_crawl_may_be_quick(tree):
    small(tree)
    assert counts(tree.crawl(mode="quick")) == (9, 0, 0, 0)
    assert tree.files() == tree.listed()


# ---------------------------------------------------------------- a part of a silo


def test_a_part_is_crawled_alone(tree):
    small(tree)
    tree.crawl()
    tree.write("events/day=2026-01-09/part-0000.csv", CSV)
    tree.write("orders.csv", CSV * 2)
    report = tree.crawl(prefix="events/")
    assert (report.listed, counts(report)) == (5, (1, 0, 0, 4))
    assert tree.files()["orders.csv"][0] == len(CSV)
    assert counts(tree.crawl()) == (0, 1, 0, 9)
    assert tree.files() == tree.listed()


@pytest.mark.parametrize("whole_first", [True, False])
def test_a_part_below_folders_the_catalog_has_not_listed(tree, whole_first):
    tree.write("orders.csv", CSV)
    if whole_first:
        tree.age()
        tree.crawl()
    tree.write("new/er/still/x.csv", CSV)
    os.utime(tree.folder, ns=(LONG_AGO, LONG_AGO))
    assert counts(tree.crawl(prefix="new/er")) == (1, 0, 0, 0)
    shutil.rmtree(tree.folder / "new")
    os.utime(tree.folder, ns=(LONG_AGO, LONG_AGO))
    assert tree.crawl().removed == 1
    assert tree.files() == tree.listed()


def test_a_part_of_a_folder_that_was_gone(tree):
    small(tree)
    tree.crawl()
    shutil.rmtree(tree.folder / "deep")
    tree.crawl()
    tree.write("deep/er/back.csv", CSV)
    assert tree.crawl(prefix="deep/er").added == 1
    shutil.rmtree(tree.folder / "deep")
    assert tree.crawl().removed == 1
    assert tree.files() == tree.listed()


def test_a_part_that_does_not_exist_fails(tree):
    small(tree)
    tree.crawl()
    before = tree.contents()
    assert tree.crawl(prefix="nowhere/at/all").state == "failed"
    assert tree.contents() == before


# ---------------------------------------------------------------- large directories


@pytest.mark.usefixtures("db_url")
@pytest.mark.parametrize("kind", ["memory", "tree"])
@pytest.mark.parametrize("size", [1, 4, 7])
def test_a_large_directory_comes_in_slices(kind, size, request, monkeypatch):
    """However a directory is cut, the catalog says the same."""
    monkeypatch.setattr(memory_module if kind == "memory" else tree_module, "SLICE", size)
    random_ = random.Random(size)
    names = [f"d/{random_.choice('abc')}-{n:03}.csv" for n in range(20)] + ["d/below/z.csv"]
    lab = request.getfixturevalue(kind)
    if kind == "memory":
        lab = lab({name: CSV.encode() for name in names})
        put, remove = lab.silo.put, lab.silo.remove
    else:
        put, remove = lab.write, lambda name: (lab.folder / name).unlink()
        for name in names:
            put(name, CSV.encode())
    assert counts(lab.crawl()) == (21, 0, 0, 0)
    for _ in range(4):
        for name in random_.sample(names[:-1], 3):
            remove(name)
            names.remove(name)
        put(f"d/new-{random_.random()}.csv", b"new")
        names.insert(0, max(lab.listed(), key=lambda p: lab.listed()[p][1] or 0))
        report = lab.crawl()
        assert (report.added, report.removed, report.changed) == (1, 3, 0)
        assert lab.files() == lab.listed()
    before = lab.contents()
    assert lab.crawl().unchanged == len(lab.listed())
    assert lab.contents()["file"] == before["file"]
    assert lab.contents()["asset_version"] == before["asset_version"]


# ---------------------------------------------------------------- any sequence of changes


PLACES = ("", "a", "a/b", "a/b/c", "d=1", "d=2", "2026/01", "2026/02", "x y")
STEMS = ("part-{:05}.csv", "shard_{}.json", "{}.png", "readme{}.md", "noname{}", "t{}.parquet")


def change_something(tree, chance):
    place = chance.choice(PLACES)
    path = "/".join(filter(None, (place, chance.choice(STEMS).format(chance.randint(0, 5)))))
    action = chance.random()
    if action < 0.6:
        tree.write(path, "1" * chance.randint(0, 9))
    elif action < 0.85:
        (tree.folder / path).unlink(missing_ok=True)
    elif place:
        shutil.rmtree(tree.folder / place, ignore_errors=True)


@pytest.mark.parametrize("seed", range(5))
def test_any_sequence_of_changes_ends_as_a_fresh_crawl_would(tree, tmp_path, seed):
    """A walk of random changes, crawled as it goes: the catalog holds what the folder holds."""
    chance = random.Random(seed)
    for step in range(12):
        for _ in range(chance.randint(0, 6)):
            change_something(tree, chance)
        before, now = tree.files(), tree.listed()
        prefix = chance.choice(["", "", "", "a", "2026"])
        whole = not (tree.folder / prefix).is_dir() or prefix == ""
        report = tree.crawl(prefix="" if whole else prefix, inspect=chance.choice(["none", "sample"]))
        if whole:
            assert tree.files() == now, f"step {step}"
            assert report.added == len(now.keys() - before.keys())
            assert report.removed == len(before.keys() - now.keys())
            assert report.changed == sum(before[p] != now[p] for p in before.keys() & now.keys())
    tree.crawl(inspect="all")
    fresh_url = f"sqlite:///{tmp_path / 'fresh.db'}"
    migrate.upgrade(fresh_url)
    fresh = Bench(fresh_url, str(tree.folder))
    fresh.crawl(inspect="all")
    here, there = tree.meaning(), fresh.meaning()
    for what in there:
        assert here[what] == there[what]
