"""A silo that knows what it lies on: its assets hang below their filesystem, and leave it when they go."""

from __future__ import annotations

import uuid
from contextlib import closing

import pytest
from crawl_bench import Bench

import catalog
from catalog.crawl import crawl_silo
from catalog.datasets.sketch import belongs
from catalog.model.lineage import Identity, Layer
from catalog.silos.base import Layered
from catalog.silos.memory import MemorySilo, discard
from catalog.store import crawls
from catalog.store.engine import Database
from catalog.store.lineage import storage

VOLUME = Layer("volume", Identity("block", "vol-7"), "vol7", bytes=10**9)
PARTITION = Layer("partition", Identity("block", "vol-7#p1"), "first partition", above=0)
ROOT = Layer("filesystem", Identity("block", "vol-7#p1/ext4"), "root", "", 1, 10**8, {"type": "ext4", "label": "data"})
INNER = Layer("filesystem", Identity("block", "vol-7#p2/xfs"), "inner", "a", 0, facts={"type": "xfs"})
LAYERS = (VOLUME, PARTITION, ROOT, INNER)


class Disk(MemorySilo):
    """A place in memory that claims to lie on layers of storage."""

    stack: tuple[Layer, ...] = LAYERS

    def layers(self):
        return self.stack


class DiskBench(Bench):
    def __init__(self, url, name, files):
        self.silo = Disk(name, files)
        super().__init__(url, f"memory://{name}")

    def crawl(self, **options):
        with closing(Database(self.url)) as db:
            return crawl_silo(db, crawls.silo(db, self.name), self.silo, **options)

    def stored(self, *, live=True):
        return sorted(self.rows(
            "SELECT a.name, b.name FROM edge e JOIN asset a ON a.id = e.source_id JOIN asset b ON b.id = e.target_id "
            f"WHERE e.kind = 'stores' AND e.retracted_ns IS {'' if live else 'NOT'} NULL"
        ))  # fmt: skip


@pytest.fixture
def disk(db_url):
    name = f"disk-{uuid.uuid4().hex}"
    yield DiskBench(db_url, name, {"x.csv": b"a\n1\n", "a/y.csv": b"a\n1\n", "ab/z.csv": b"a\n1\n"})
    discard(name)


STACK = [("vol-7", "vol-7#p1"), ("vol-7", "vol-7#p2/xfs"), ("vol-7#p1", "vol-7#p1/ext4")]
HELD = [("vol-7#p1/ext4", "ab/z.csv"), ("vol-7#p1/ext4", "x.csv"), ("vol-7#p2/xfs", "a/y.csv")]


def test_only_a_silo_that_says_so_is_layered():
    assert isinstance(Disk("none", {}), Layered)
    assert not isinstance(MemorySilo("none", {}), Layered)
    discard("none")


def test_each_asset_hangs_below_the_filesystem_that_holds_it_and_layers_below_each_other(disk):
    report = disk.crawl()
    assert disk.stored() == sorted(STACK + HELD)
    assert report.lineage == 6
    assert disk.rows("SELECT DISTINCT e.evidence, o.uri FROM edge e JOIN origin o ON o.id = e.origin_id") == [
        ("proof", "storage:lab")
    ]


def test_a_layer_is_an_asset_with_its_facts(disk):
    disk.crawl()
    rows = disk.rows("SELECT kind, format, bytes, evidence FROM asset WHERE namespace = 'block' ORDER BY name")
    assert rows == [
        ("volume", None, 10**9, "vol7"),
        ("partition", None, None, "first partition"),
        ("filesystem", "ext4", 10**8, "root, type ext4, label data"),
        ("filesystem", "xfs", None, "inner, type xfs"),
    ]


@pytest.mark.parametrize(("kind", "expected"), [("volume", 1), ("partition", 1), ("filesystem", 2), ("dataset", 3)])
def test_a_layer_is_found_by_its_kind(disk, kind, expected):
    disk.crawl()
    with catalog.connect(disk.url) as cat:
        found = cat.search(f"kind:{kind}")
        assert len(found) == expected and {hit.kind for hit in found.page(0, 10)} == {kind}


def test_an_unchanged_crawl_writes_no_row(disk):
    disk.crawl()
    tables = ("edge", "origin", "asset")
    before = [disk.rows(f"SELECT * FROM {table} ORDER BY id") for table in tables]
    assert disk.crawl().lineage == 0
    assert [disk.rows(f"SELECT * FROM {table} ORDER BY id") for table in tables] == before


def test_an_asset_that_goes_leaves_its_filesystem_and_comes_back(disk):
    disk.crawl()
    disk.silo.remove("a/y.csv")
    disk.crawl()
    assert ("vol-7#p2/xfs", "a/y.csv") not in disk.stored()
    assert disk.stored(live=False) == [("vol-7#p2/xfs", "a/y.csv")]
    disk.silo.put("a/y.csv", b"a\n2\n")
    assert disk.crawl().lineage == 1
    assert disk.stored() == sorted(STACK + HELD)


def test_a_volume_that_is_mounted_elsewhere_moves_what_lies_on_it(disk):
    disk.crawl()
    disk.silo.stack = (VOLUME, PARTITION, Layer("filesystem", INNER.identity, "inner", "", 1))
    assert disk.crawl().lineage == 3
    assert disk.stored() == sorted([
        STACK[0], ("vol-7#p1", "vol-7#p2/xfs"), ("vol-7#p2/xfs", "a/y.csv"), ("vol-7#p2/xfs", "ab/z.csv"), ("vol-7#p2/xfs", "x.csv"),
    ])  # fmt: skip


def test_a_silo_without_any_layer_left_stores_nothing(disk):
    disk.crawl()
    disk.silo.stack = ()
    disk.crawl()
    assert disk.stored() == []
    assert len(disk.stored(live=False)) == 6


def test_a_volume_that_is_a_crawled_image_is_that_file_and_stays_what_the_crawl_found(disk, tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images/disk.qcow2").write_bytes(b"QFI\xfb\x00\x00\x00\x03" + b"\x00" * 4096)
    images = Bench(disk.url, str(tmp_path / "images"), "images")
    images.crawl()
    found = disk.rows("SELECT id, kind, format, bytes, evidence FROM asset WHERE path = 'disk.qcow2'")
    disk.silo.stack = (Layer("volume", Identity("file", f"{tmp_path}/images/disk.qcow2"), "disk", bytes=7), *LAYERS[1:])
    disk.crawl()
    assert len(found) == 1
    assert disk.rows("SELECT id, kind, format, bytes, evidence FROM asset WHERE path = 'disk.qcow2'") == found
    assert (f"{tmp_path}/images/disk.qcow2", "vol-7#p1") in disk.stored()
    assert disk.crawl().lineage == 0


def test_many_assets_take_as_many_statements_as_few(db_url):
    """Set-based: what is written for 3,000 assets are rows, not statements."""
    with closing(Database(db_url)) as db:
        crawls.add_silo(db, "big", "memory://big", "object", {})
        silo_id = crawls.silo(db, "big").id
        with db.transaction():
            db.executemany(
                "INSERT INTO asset(id, kind, namespace, name, silo_id, path, root, rule, key, confidence, evidence, first_crawl, "
                "files, version, fingerprint, sampled_version, inspected) "
                "VALUES (?, 'dataset', 'memory://big', ?, ?, ?, ?, 'single', ?, 1.0, '', 1, 1, 1, '', 1, 0)",
                ((n, f"a/{n}.csv", silo_id, f"a/{n}.csv", "a" if n % 2 else "b", f"{n}.csv") for n in range(1, 3001)),
            )
        statements = []
        execute = Database.execute

        class Counting(Database):
            def execute(self, sql, parameters=()):
                statements.append(sql)
                return execute(self, sql, parameters)

        with closing(Counting(db_url)) as counted:
            assert storage.settle(counted, silo_id, "big", LAYERS, belongs) == 3003
            first = len(statements)
            assert storage.settle(counted, silo_id, "big", LAYERS, belongs) == 0
        assert first < 100
        assert (
            db.value("SELECT COUNT(*) FROM edge WHERE source_id = (SELECT id FROM asset WHERE name = 'vol-7#p2/xfs')")
            == 1500
        )
