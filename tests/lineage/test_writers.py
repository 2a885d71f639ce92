"""Imports, crawls and removals at the same time, and silos within silos."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest
from harness.events import dataset, event, import_file, symlink, write
from harness.lineage import Folder

from catalog.crawl import crawl_silo
from catalog.datasets.schema import schema_digest
from catalog.datasets.sketch import belongs
from catalog.lineage.openlineage import read
from catalog.silos.registry import normalise, open_silo
from catalog.store import crawls
from catalog.store.engine import Database
from catalog.store.lineage import imports


def load(bench, tmp_path, events, between):
    """Import, and call `between` after each batch."""
    path = write(tmp_path / "events.ndjson", events)
    with closing(Database(bench.url)) as db:
        report = imports.load(db, read([str(path)]), belongs, schema_digest, lambda _: between())
    bench.check()
    return report


@pytest.fixture
def one_by_one(monkeypatch):
    """Each event is a batch."""
    monkeypatch.setattr(imports, "BATCH", 1)


def test_a_crawl_between_two_batches_is_seen(bench, tmp_path, one_by_one):
    own = dataset(*bench.identity("t"), symlinks=symlink("hive://m:9083", "db.t"))
    events = [event("COMPLETE", n, f"j{n}", [own], [dataset("s3://elsewhere", f"x{n}")], n) for n in range(3)]
    steps = iter([lambda: (bench.write("t/part-0.csv", "t/part-1.csv"), bench.crawl()), lambda: None, lambda: None])
    load(bench, tmp_path, events, lambda: next(steps)())
    assert bench.edges() == {("lab/t", f"s3://elsewhere/x{n}") for n in range(3)}
    assert bench.find("hive://m:9083/db.t") == "lab/t"


def test_a_silo_that_goes_between_two_batches_is_seen(bench, tmp_path, one_by_one):
    bench.write("t/part-0.csv", "t/part-1.csv", "lone.csv")
    bench.crawl()
    events = [
        event("COMPLETE", n, f"j{n}", [dataset(*bench.identity("t"))], [dataset("s3://elsewhere", f"x{n}")], n)
        for n in range(3)
    ]

    def forget():
        with closing(Database(bench.url)) as db:
            crawls.remove_silo(db, "lab")

    steps = iter([forget, lambda: None, lambda: None])
    load(bench, tmp_path, events, lambda: next(steps)())
    assert len(bench.edges()) == 3 and len({source for source, _ in bench.edges()}) == 1


def test_a_failing_batch_leaves_what_came_before(bare, tmp_path, one_by_one):
    events = [event("COMPLETE", n, "j", [dataset("s3://x", f"a{n}")], [dataset("s3://x", "b")], n) for n in range(4)]
    done = []

    def stop():
        done.append(True)
        if len(done) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(bare, tmp_path, events, stop)
    assert len(bare.edges()) == 2
    report = import_file(bare.url, write(tmp_path / "again.ndjson", events))
    assert (report.repeated, report.accepted) == (2, 2)
    assert len(bare.edges()) == 4


def test_many_imports_at_once_make_each_asset_once(bare, tmp_path):
    out = dataset("s3://x", "b", symlinks=symlink("hive://m:1", "db.b"))
    paths = [
        write(
            tmp_path / f"{n}.ndjson",
            [event("COMPLETE", 100 * n + m, f"j{m}", [dataset("s3://x", f"a{m}")], [out], m) for m in range(30)],
        )
        for n in range(4)
    ]
    failed = []

    def work(path):
        try:
            import_file(bare.url, path)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(path,)) for path in paths]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failed == []
    bare.check()
    assert bare.rows("SELECT COUNT(*) FROM asset") == [(31,)]
    assert bare.rows("SELECT COUNT(*), MIN(runs), MAX(runs) FROM edge") == [(30, 4, 4)]


@pytest.mark.parametrize("inner_first", [True, False])
def test_of_nested_silos_the_inner_one_answers(db_url, tmp_path, inner_first):
    outer = Folder(db_url, tmp_path / "outer")
    outer.write("inner/t/part-0.csv", "inner/t/part-1.csv", "beside.csv")
    inner = str(tmp_path / "outer" / "inner")

    def crawl_inner():
        with closing(Database(db_url)) as db, closing(open_silo(inner)) as silo:
            crawls.add_silo(db, "inner", *normalise(inner), {})
            crawl_silo(db, crawls.silo(db, "inner"), silo)

    if inner_first:
        crawl_inner()
        outer.crawl()
    else:
        outer.crawl()
        crawl_inner()
    read_ = [dataset("file", f"{inner}/t"), dataset("file", f"{tmp_path}/outer/beside.csv")]
    outer.tell(event("COMPLETE", 1, "j", read_, [dataset("s3://elsewhere", "x")]))
    assert outer.edges() == {("inner/t", "s3://elsewhere/x"), ("lab/beside.csv", "s3://elsewhere/x")}
