"""Crawls by the workers of a real Dask cluster into a real Postgres, against crawls in one process."""

from __future__ import annotations

import threading
import time
from contextlib import closing

import pytest
from crawl_bench import CONTENT, Bench, Tree
from harness.dask import DaskCluster

import catalog
from catalog.crawl.runner import runner_of
from catalog.errors import CatalogError, UsageError
from catalog.silos.registry import normalise
from catalog.store import crawls, migrate
from catalog.store.engine import Database

pytestmark = [pytest.mark.dask, pytest.mark.postgres]
CSV = "a,b\n1,2\n"


@pytest.fixture(scope="module")
def cluster():
    with DaskCluster.started(2, LAKE_SECRET="testsecret") as found:
        yield found


@pytest.fixture
def url(postgres_server):
    with postgres_server.database() as found:
        yield found


@pytest.fixture
def twin(postgres_server):
    """Another catalog, crawled in one process."""
    with postgres_server.database() as found:
        yield found


def estate(tree):
    for n in range(18):
        for m in range(n % 4 + 1):
            tree.write(f"set{n % 9}/day={n:02}/part-{m:04}.csv", CSV)
            tree.write(f"set{n % 9}/day={n:02}/deep/{m}/part.csv", CSV)
        tree.write(f"odd/{n}/blob", b"PAR1 no" if n % 2 else CSV)
    tree.write("top.csv", CSV)
    tree.age()


def crawl(bench, runner, **options):
    with catalog.connect(bench.url) as cat:
        (report,) = cat.crawl(bench.name, runner=runner, **options)
    assert migrate.check(bench.url) == []
    return report


def everything(bench):
    """Every row of what the catalog holds, with paths in the place of directories' ids and texts in that of theirs."""
    found = {}
    for table in CONTENT:
        columns = [row[0] for row in bench.rows(
            "SELECT column_name FROM information_schema.columns WHERE table_name = ? AND table_schema = 'public' "
            "ORDER BY ordinal_position", table)]  # fmt: skip
        wanted, joins = [], ""
        for column in columns:
            if column == "directory_id":
                wanted.append("d.path")
                joins += " JOIN directory d ON d.id = t.directory_id"
            elif column == "text_id":
                wanted.append("n.text")
                joins += " JOIN name_text n ON n.rowid = t.text_id"
            elif column in ("asset_id",):
                wanted.append("a.name")
                joins += " LEFT JOIN asset a ON a.id = t.asset_id"
            elif column not in ("id", "parent_id", "observed_ns", "schema_id"):
                wanted.append(f"t.{column}")
        found[table] = sorted(map(repr, bench.rows(f"SELECT {', '.join(wanted)} FROM {table} t{joins}")))
    return found


def compare(report, other):
    ours, theirs = report.as_dict(), other.as_dict()
    assert {k: v for k, v in ours.items() if k not in ("seconds", "resumed")} == {
        k: v for k, v in theirs.items() if k not in ("seconds", "resumed")
    }


@pytest.mark.parametrize("size", [2, 2000])
def test_a_tree_is_crawled_as_by_one_process(cluster, url, twin, tmp_path, monkeypatch, size):
    from catalog.store import bounds

    monkeypatch.setattr(bounds, "SMALLEST", size)
    tree = Tree(url, tmp_path / "silo")
    other = Bench(twin, tree.address)
    estate(tree)
    opened = "sample" if size == 2 else "none"
    for turn in range(2 if opened == "sample" else 3):
        compare(crawl(tree, cluster.runner, inspect=opened), crawl(other, "inline", inspect=opened))
        assert tree.files() == tree.listed()
        assert everything(tree) == everything(other)
        tree.write(f"set3/day=03/new{turn}.csv", CSV)
        tree.write(f"brand/new{turn}/x/y.csv", CSV)
        tree.write("odd/4/blob", f"a,b\n{turn}0,2\n")
        for path in sorted((tree.folder / f"set{turn}").rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        if turn:
            (tree.folder / f"set{turn}").rmdir()
        tree.age()  # else it depends on the time of day whether a folder's own time is kept


@pytest.mark.s3
def test_a_bucket_is_crawled_as_by_one_process(cluster, url, twin, s3_server, monkeypatch):
    from catalog.store import bounds

    monkeypatch.setenv("LAKE_SECRET", s3_server.secret_key)
    name = s3_server.bucket("cluster")
    store = s3_server.store(name)
    keys = {f"{a}/{b}/{n}.csv" for a in ("a", "a-b", "b", "c") for b in ("x", "y", "é") for n in range(4)} | {"top.csv"}
    for key in keys:
        store.put(key, CSV.encode())
    benches = [StoreBench(url, name, s3_server), StoreBench(twin, name, s3_server)]
    for turn in range(3):
        compare(crawl(benches[0], cluster.runner, inspect="none"), crawl(benches[1], "inline", inspect="none"))
        assert set(benches[0].files()) == keys
        assert everything(benches[0]) == everything(benches[1])
        monkeypatch.setattr(bounds, "SMALLEST", 4)
        monkeypatch.setattr(bounds, "PAGE", 1)
        gone, new = {key for key in keys if f"/{turn}.csv" in key}, {f"b/x/new{turn}.csv", f"d{turn}/e.csv"}
        for key in gone:
            store.delete(key)
        for key in new:
            store.put(key, b"1")
        keys = keys - gone | new


class StoreBench(Bench):
    def __init__(self, url, bucket, server):
        self.url, self.name = url, "lab"
        options = {"endpoint": server.endpoint, "region": server.region, "access_key_id": server.access_key,
                   "secret_access_key": "env:LAKE_SECRET"}  # fmt: skip
        with closing(Database(url)) as db:
            crawls.add_silo(db, "lab", *normalise(f"s3://{bucket}"), options)


def test_a_lost_worker_costs_its_shard_again_and_nothing_else(url, twin, tmp_path):
    tree = Tree(url, tmp_path / "silo")
    estate(tree)
    with DaskCluster.started(2, slow=True) as cluster:
        killed = []

        def kill_in_the_middle():
            with closing(Database(url, write=False)) as db:
                deadline = time.monotonic() + 30
                while time.monotonic() < deadline:
                    if (db.value("SELECT MAX(added) FROM crawl") or 0) > 40:
                        cluster.kill()
                        killed.append(db.value("SELECT MAX(added) FROM crawl"))
                        return
                    time.sleep(0.005)

        killer = threading.Thread(target=kill_in_the_middle)
        killer.start()
        report = crawl(tree, cluster.runner, inspect="none")
        killer.join()
        assert killed and killed[0] < len(tree.listed()), "it was killed in the middle"
    other = Bench(twin, tree.address)
    compare(report, crawl(other, "inline", inspect="none"))
    assert tree.files() == tree.listed()
    assert everything(tree) == everything(other)


def test_a_cluster_that_loses_all_its_workers_is_waited_for_and_then_given_up(url, tmp_path, monkeypatch):
    from catalog.crawl import cluster as room

    monkeypatch.setattr(room, "_ALONE_SECONDS", 4.0)
    tree = Tree(url, tmp_path / "silo")
    estate(tree)
    told = []
    with DaskCluster.started(1, slow=True) as cluster:

        def progress(now):
            told.append(now.prefix)
            if cluster.workers and now.stage == "list" and tree.rows("SELECT 1 FROM crawl WHERE added > 0"):
                cluster.kill()

        with catalog.connect(url) as cat, pytest.raises(CatalogError, match="no worker for") as lost:
            cat.crawl("lab", runner=cluster.runner, inspect="none", progress=progress)
        assert "dask worker" in lost.value.hint and "waiting for a worker" in told
        cluster.add()
        report = crawl(tree, cluster.runner, inspect="none")
    assert report.state == "complete" and tree.files() == tree.listed()


@pytest.mark.parametrize("then", ["cluster", "inline", "threads:3"])
def test_a_crawl_by_a_cluster_that_was_cut_off_is_gone_on_with(cluster, url, tmp_path, then):
    tree = Tree(url, tmp_path / "silo")
    estate(tree)
    parts = []

    def stop():
        parts.extend(tree.rows("SELECT cursor FROM crawl WHERE cursor LIKE '%\"parts\":[\"%'"))
        return bool(parts)

    with catalog.connect(url) as cat, pytest.raises(catalog.errors.Interrupted) as stopped:
        cat.crawl("lab", runner=cluster.runner, stop=stop)
    assert stopped.value.reports[0].state == "cancelled" and parts
    report = crawl(tree, cluster.runner if then == "cluster" else then)
    assert report.state == "complete"
    assert report.resumed or then != "cluster"
    assert report.listed == len(tree.listed()) == report.added + report.unchanged
    assert tree.files() == tree.listed()


@pytest.mark.parametrize("prefix", ["", "odd"])
def test_a_folder_that_is_gone_is_no_empty_one(cluster, url, tmp_path, monkeypatch, prefix):
    from catalog.store import bounds

    monkeypatch.setattr(bounds, "SMALLEST", 2)
    tree = Tree(url, tmp_path / "silo")
    estate(tree)
    assert crawl(tree, cluster.runner, inspect="none").state == "complete"
    before = tree.files()
    (tree.folder / prefix).rename(tmp_path / "aside")
    report = crawl(tree, cluster.runner, inspect="none", prefix=prefix)
    assert (report.state, report.removed) == ("failed", 0) and tree.files() == before


def test_what_a_worker_lacks_is_told(url, tmp_path, cluster):
    tree = Tree(url, tmp_path / "silo")
    estate(tree)
    with closing(Database(url)) as db:
        db.execute("UPDATE silo SET url = 's3://bucket', kind = 'object', options = ?",
                   ('{"access_key_id": "a", "secret_access_key": "env:NOWHERE_TO_BE_FOUND"}',))  # fmt: skip
    with pytest.raises(CatalogError, match="NOWHERE_TO_BE_FOUND"):
        crawl(tree, cluster.runner)


def test_a_scheduler_that_does_not_answer_is_named(url, tmp_path, monkeypatch):
    from harness.servers import free_port

    from catalog.crawl import cluster as room

    monkeypatch.setattr(room, "_CONNECT_SECONDS", 1)
    tree = Tree(url, tmp_path / "silo")
    estate(tree)
    port = free_port()
    with pytest.raises(CatalogError, match=f"No Dask scheduler answers at 127.0.0.1:{port}"):
        crawl(tree, f"dask://127.0.0.1:{port}")
    assert crawl(tree, None).state == "complete"


def test_a_file_is_no_catalog_for_many_machines(sqlite_url, tmp_path):
    tree = Tree(sqlite_url, tmp_path / "silo")
    with pytest.raises(UsageError, match="Postgres"):
        crawl(tree, "dask://127.0.0.1:1")


@pytest.mark.parametrize("asked", ["dask", "dask://", "dask://host", "dask://user@host:1", "dask://host:1/x", "threads:0"])
def test_what_is_no_runner_is_refused(asked):
    with pytest.raises(UsageError):
        runner_of(asked)
