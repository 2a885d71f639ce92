"""What quick crawls cannot see, the share that turns, and when each part was last seen in full."""

from __future__ import annotations

import os

import pytest

import catalog
from catalog.store.verified import is_due


@pytest.fixture
def lake(db_url, tmp_path):
    root = tmp_path / "lake"
    for number in range(12):
        folder = root / f"d{number:02}"
        folder.mkdir(parents=True)
        (folder / "a.csv").write_text("id\n1\n")
        os.utime(folder, ns=(10**18, 10**18))
    os.utime(root, ns=(10**18, 10**18))
    with catalog.connect(db_url) as cat:
        cat.add_silo("lake", str(root))
        cat.crawl()
        yield cat, root


def rewrite(root, number):
    """Change a file in place: its folder's time stays."""
    file = root / f"d{number:02}" / "a.csv"
    with file.open("r+") as opened:
        opened.write("id\n2\n3\n")


def test_a_quick_crawl_says_what_it_cannot_see(lake):
    cat, root = lake
    rewrite(root, 3)
    (report,) = cat.crawl("lake", mode="quick")
    assert report.changed == 0
    assert any("13 folders whose time did not change" in note and "seen in full 20" in note for note in report.notes)
    (full,) = cat.crawl("lake", mode="full")
    assert (full.changed, full.notes) == (1, ())


def test_every_folder_has_its_turn(lake):
    cat, root = lake
    for number in range(12):
        rewrite(root, number)
    found = 0
    for turn in range(4):
        (report,) = cat.crawl("lake", mode="quick", share=4, inspect="none")
        assert report.share == f"{turn}/4"
        found += report.changed
    assert found == 12
    assert cat.crawl("lake", mode="quick", share=4)[0].share == "0/4"


@pytest.mark.parametrize("of", [1, 3, 7])
def test_the_shares_part_all_folders(of):
    paths = ["", *(f"a/b{n}" for n in range(200)), "name \udcff"]
    assert all(sum(is_due(path, (which, of)) for which in range(of)) == 1 for path in paths)


def test_when_a_part_was_last_seen_in_full(lake):
    cat, _ = lake
    first = cat.silo("lake").verified_ns
    cat.crawl("lake", mode="quick")
    assert cat.silo("lake").verified_ns == first
    cat.crawl("lake", prefix="d03")
    assert cat.silo("lake").verified_ns == first
    part = cat.dataset("lake/d03/a.csv").info.last_verified_ns
    assert part > first and cat.dataset("lake/d04/a.csv").info.last_verified_ns == first
    began = [cat.crawl("lake", mode="quick", share=2)[0] for _ in range(2)]
    second = cat.silo("lake").verified_ns
    assert first < second
    assert second == next(row.started_ns for row in cat.crawls() if row.id == began[0].crawl)
    cat.crawl("lake", mode="full")
    assert cat.silo("lake").verified_ns > second


def test_a_part_that_failed_is_not_verified(lake, monkeypatch):
    from catalog.silos import tree

    cat, _ = lake
    first = cat.silo("lake").verified_ns
    real = tree._listings

    def broken(fd, path, mtime_ns):
        if path == "d05":
            raise OSError(5, "Input/output error")
        return real(fd, path, mtime_ns)

    monkeypatch.setattr(tree, "_listings", broken)
    (report,) = cat.crawl("lake")
    assert report.state == "partial"
    assert cat.silo("lake").verified_ns == first
    assert cat.dataset("lake/d05/a.csv").info.last_verified_ns == first
    assert cat.dataset("lake/d06/a.csv").info.last_verified_ns > first


def test_a_plan_reckons_from_what_is_known(lake):
    cat, root = lake
    (plan,) = cat.plan("lake")
    assert (plan.known_files, plan.known_directories, plan.list_requests, plan.looks) == (12, 13, 13, 0)
    (quick,) = cat.plan("lake", mode="quick", share=4)
    assert (quick.list_requests, quick.looks) == (3, 13)
    assert cat.plan("lake", prefix="d01")[0].known_files == 1
    (root / "d01" / "b.csv").write_text("id\n1\n")
    cat.crawl("lake", inspect="none")
    assert cat.plan("lake")[0].open_files == 1
    cat.add_silo("new", str(root))
    assert cat.plan("new")[0].list_requests is None
