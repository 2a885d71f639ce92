"""Crawling disk images into both databases: found, changed, broken in between, opened as tables."""

from __future__ import annotations

import io
import os
import shutil
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from crawl_bench import Bench
from harness import images
from harness.images import MIB

import catalog
from catalog.silos.registry import open_silo


def parquet(rows: int) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"user_id": list(range(rows)), "page": ["p"] * rows}), buffer)
    return buffer.getvalue()


class Disk(Bench):
    """A disk of two partitions, FAT and ext4 with the same tree, whose image is made anew when the tree changes."""

    def __init__(self, url, folder):
        self.tree = folder / "tree"
        self.image = folder / "disk.img"
        for day in (1, 2, 3):
            self.write(f"clicks/date=2026-03-0{day}/part-0.parquet", parquet(100 * day))
        self.write("orders.csv", b"id,amount\n1,2.5\n2,3.5\n")
        self.make()
        super().__init__(url, f"block://{self.image}", "disk")

    def write(self, path, data):
        target = self.tree / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def assets(self):
        """Those that the crawl found in the silo, without the storage below them."""
        return {path: told for path, told in super().assets().items() if told[0] in ("dataset", "model")}

    def make(self, *more):
        fat = images.fat(self.image.with_suffix(".fat"), self.tree, 4 * MIB, 12, "-n", "SHARED")
        ext = images.ext(self.image.with_suffix(".ext"), self.tree, 8 * MIB, "ext4", "-L", "LAKE")
        images.gpt(self.image, [(1, MIB, fat), (2, 6 * MIB, ext), *more], 20 * MIB)


@pytest.fixture
def disk(db_url, tmp_path):
    return Disk(db_url, tmp_path)


ASSETS = {f"p{number}/{name}" for number in (1, 2) for name in ("clicks", "orders.csv")}


def test_datasets_on_every_partition_are_found(disk):
    report = disk.crawl()
    assert (report.state, report.listed, report.failed) == ("complete", 8, ())
    assert disk.assets().keys() == ASSETS
    assert disk.assets()["p2/clicks"] == ("dataset", "hive", "parquet", 3, 1)
    assert disk.rows("SELECT rows FROM asset WHERE path = 'p2/clicks'") == [(600,)]


def test_an_unchanged_image_writes_nothing(disk):
    time.sleep(2.1)  # the times of folders are believed from then on
    disk.crawl()
    before = disk.contents()
    for mode in ("normal", "quick", "full"):
        report = disk.crawl(mode=mode)
        assert (report.state, report.unchanged, report.added + report.changed + report.removed) == ("complete", 8, 0)
        assert disk.contents() == before


def test_a_changed_image_becomes_a_version(disk):
    disk.crawl()
    disk.write("clicks/date=2026-03-04/part-0.parquet", parquet(400))
    shutil.rmtree(disk.tree / "clicks" / "date=2026-03-01")
    disk.make()
    report = disk.crawl()
    assert (report.state, report.added, report.removed) == ("complete", 2, 2)
    assert disk.assets()["p1/clicks"][-2:] == (3, 2) == disk.assets()["p2/clicks"][-2:]
    assert [path for path, *_ in disk.history()] == [f"p{n}/clicks/date=2026-03-01/part-0.parquet" for n in (1, 2)]


def _cut(path):
    os.truncate(path, 6 * MIB + 4096)


def _emptied(path):
    path.write_bytes(b"")


def _gone(path):
    path.unlink()


def _overwritten(path):
    path.write_bytes(b"These are words, and no disk. " * 10_000)


def _folder(path):
    path.unlink()
    path.mkdir()


def _wrong_table(path):
    images.write_at(path, 512 + 40, b"\xde\xad")
    images.write_at(path, 20 * MIB - 512 + 40, b"\xde\xad")


def _wrong_superblock(path):
    images.write_at(path, 6 * MIB + 1024 + 24, b"\xff\xff\xff\xff")


def _wrong_directory(path):
    data = path.read_bytes()
    at = data.index(b"orders.csv", 6 * MIB)
    images.write_at(path, at - at % 1024, b"\xff" * 1024)


@pytest.mark.parametrize(
    ("broken", "state", "failed"),
    [
        (_cut, "partial", ["p2"]),
        (_emptied, "failed", [""]),
        (_gone, "failed", [""]),
        (_overwritten, "failed", [""]),
        (_folder, "failed", [""]),
        (_wrong_table, "failed", [""]),
        (_wrong_superblock, "partial", ["p2"]),
        (_wrong_directory, "partial", ["p2"]),
    ],
)
def test_an_image_that_breaks_between_two_crawls_harms_nothing(disk, broken, state, failed):
    disk.crawl()
    before, files = disk.assets(), disk.files()
    broken(disk.image)
    report = disk.crawl()
    assert report.state == state and [one.prefix for one in report.failed] == failed
    assert all(one.reason for one in report.failed)
    assert report.removed == 0
    assert disk.files() == files and disk.assets() == before
    if disk.image.is_dir():
        disk.image.rmdir()
    disk.make()
    assert disk.crawl().state == "complete"
    assert disk.files().keys() == files.keys()


@pytest.mark.parametrize("mode", ["normal", "quick"])
def test_a_truncated_filesystem_is_told_by_every_crawl(disk, mode):
    disk.crawl()
    os.truncate(disk.image, 13 * MIB)
    for _ in range(2):
        report = disk.crawl(mode=mode)
        assert report.state == "partial" and "truncated" in report.failed[0].reason


def test_a_partition_that_goes_away_takes_its_files_along(disk):
    disk.crawl()
    images.gpt(disk.image, [(1, MIB, disk.image.with_suffix(".fat"))], 20 * MIB)
    report = disk.crawl()
    assert (report.state, report.removed) == ("complete", 4)
    assert disk.assets().keys() == {"p1/clicks", "p1/orders.csv"}


def test_what_cannot_be_read_leaves_the_crawl_partial_and_names_it(disk):
    disk.make((4, 15 * MIB, images.head("xfs")), (5, 16 * MIB, images.head("swap")))
    report = disk.crawl()
    assert report.state == "partial" and report.skipped == {"swap": 1}
    assert [(one.prefix, one.reason) for one in report.failed] == [
        ("p4", "an XFS filesystem, which cannot be read yet")
    ]


def test_a_prefix_is_crawled_alone(disk):
    report = disk.crawl(prefix="p2/clicks")
    assert (report.state, report.listed) == ("complete", 3) and disk.assets().keys() == {"p2/clicks"}


def test_assets_hang_below_the_filesystem_they_lie_on(disk):
    disk.crawl()
    edges = disk.rows(
        "SELECT a.namespace, a.name, b.path FROM edge e JOIN asset a ON a.id = e.source_id "
        "JOIN asset b ON b.id = e.target_id WHERE e.kind = 'stores' AND b.silo_id IS NOT NULL ORDER BY b.path"
    )
    assert edges == [("filesystem", f"{disk.image}/{path[:2]}", path) for path in sorted(ASSETS)]
    above = disk.rows(
        "SELECT a.kind, b.kind FROM edge e JOIN asset a ON a.id = e.source_id JOIN asset b ON b.id = e.target_id "
        "WHERE e.kind = 'stores' AND b.silo_id IS NULL ORDER BY a.id, b.id"
    )
    assert sorted(above) == [("partition", "filesystem")] * 2 + [("volume", "partition")] * 2


def test_datasets_in_an_image_are_opened_as_tables(disk):
    disk.crawl()
    with catalog.connect(disk.url) as cat:
        table = cat.dataset("disk/p2/clicks").to_arrow()
        assert table.num_rows == 600 and {"user_id", "page"} <= set(table.column_names)
        assert cat.dataset("disk/p1/orders.csv").to_arrow().column("amount").to_pylist() == [2.5, 3.5]
        assert cat.dataset(f"block://{disk.image}/p2/clicks").name == "p2/clicks"
        (layer, *_) = cat.test_silo("disk").layers
        assert layer.kind == "volume"


def test_a_silo_of_one_partition_has_the_same_addresses(disk, db_url):
    disk.crawl()
    with catalog.connect(db_url) as cat:
        made = cat.add_silo("lake", str(disk.image), partition="2")
        assert (made.url, made.kind, dict(made.options)) == (f"block://{disk.image}/p2", "block", {})
        (report,) = cat.crawl("lake")
        assert report.listed == 4
        uris = {hit.uri for hit in cat.search("clicks silo:lake")}
        assert uris == {f"block://{disk.image}/p2/clicks"}
        assert uris < {hit.uri for hit in cat.search("clicks silo:disk")}


def test_what_pyarrow_reads_through_the_filesystem_is_what_was_written(disk):
    fs = open_silo(f"block://{disk.image}").filesystem()
    for partition in ("p1", "p2"):
        table = pq.read_table(f"{partition}/clicks", filesystem=fs)
        assert table.num_rows == 600
        assert table.column("date").unique().to_pylist() == [f"2026-03-0{day}" for day in (1, 2, 3)]
