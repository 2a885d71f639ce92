"""Forgetting a silo keeps what jobs declared, and lets it meet again."""

from __future__ import annotations

from contextlib import closing

import pytest
from harness.events import dataset, dataset_event, event, symlink

from catalog.datasets.sketch import belongs
from catalog.model.lineage import Claim, End, Evidence
from catalog.store import assets, crawls
from catalog.store.engine import Database
from catalog.store.lineage import claims


def forget(bench):
    with closing(Database(bench.url)) as db:
        crawls.remove_silo(db, "lab")
    bench.check()
    assert bench.rows("SELECT 1 FROM silo") == []


def add_again(bench):
    with closing(Database(bench.url)) as db:
        crawls.add_silo(db, "lab", bench.address, "file" if bench.root else "object", {})


def told(bench, *paths):
    return [dataset(*bench.identity(path)) for path in paths]


def test_declared_lineage_outlives_the_silo(bench):
    bench.write("users.csv", "orders.csv", "unused.csv")
    bench.crawl()
    bench.tell(event("COMPLETE", 1, "j", told(bench, "users.csv"), [dataset("s3://elsewhere", "result")]))
    ((before, version),) = bench.rows("SELECT source_id, source_version FROM edge")
    assert version is None  # the event is older than the crawl
    with closing(Database(bench.url)) as db:
        assets.annotate(db, before, "ann", ["pii"], [], None)
    forget(bench)
    assert bench.rows("SELECT source_id FROM edge") == [(before,)]
    assert len(bench.named()) == 2 and bench.rows("SELECT COUNT(*) FROM asset") == [(2,)]
    assert bench.rows("SELECT kind, value FROM annotation ORDER BY kind") == [("owner", "ann"), ("tag", "pii")]
    ((evidence, files, version, columns),) = bench.rows(
        "SELECT evidence, files, version, schema_id FROM asset WHERE id = ?", before
    )
    assert "'lab', which was forgotten" in evidence
    assert (files, version) == (0, 0) and columns is not None
    add_again(bench)
    bench.crawl()
    assert bench.edges() == {("lab/users.csv", "s3://elsewhere/result")}
    assert bench.find(str(before)) == "lab/users.csv"
    assert bench.rows("SELECT kind, value FROM annotation ORDER BY kind") == [("owner", "ann"), ("tag", "pii")]


def test_a_silo_without_lineage_leaves_nothing(bench):
    bench.write("users.csv", "out/part-0000.csv", "out/part-0001.csv")
    bench.crawl()
    forget(bench)
    for table in ("asset", "asset_text", "alias", "edge", "origin", "part", "asset_version"):
        assert bench.rows(f"SELECT 1 FROM {table}") == [], table


def test_evidence_from_the_silos_own_files_goes_with_it(bench):
    bench.write("a.csv", "b.csv", "lock")
    bench.crawl()
    silo = bench.rows("SELECT id FROM silo")[0][0]
    ends = [End(bench.identity("a.csv")), End(bench.identity("b.csv")), End(bench.elsewhere("made"))]
    with closing(Database(bench.url)) as db:
        made = [Claim(ends[0], one, "derived", Evidence("proof", "lock")) for one in ends[1:]]
        assert claims.replace(db, "file:///lock", "1", made, belongs, silo_id=silo) == 2
    bench.tell(event("COMPLETE", 1, "j", told(bench, "b.csv"), [dataset("s3://elsewhere", "kept")]))
    forget(bench)
    assert {target for _, target in bench.edges()} == {"s3://elsewhere/kept"}
    assert len(bench.named()) == 2
    assert "s3://elsewhere/made" not in bench.named()


def test_folders_lose_what_they_held(bench):
    bench.write("raw/a.csv", "raw/b.csv")
    bench.crawl()
    bench.tell(event("COMPLETE", 1, "j", told(bench, "raw"), [dataset("s3://elsewhere", "x")]))
    assert len(bench.edges("holds")) == 2
    forget(bench)
    assert bench.edges("holds") == set()
    assert len(bench.edges()) == 1


def test_names_that_were_said_to_be_one_stay_one(bench):
    bench.write("t.csv")
    bench.crawl()
    bench.tell(dataset_event({**told(bench, "t.csv")[0], "facets": {"symlinks": symlink("hive://m:9083", "db.t")}}))
    forget(bench)
    assert len(bench.named()) == 1
    bench.tell(event("COMPLETE", 1, "j", [dataset("hive://m:9083", "db.t")], [dataset("s3://elsewhere", "x")]))
    add_again(bench)
    bench.crawl()
    assert bench.edges() == {("lab/t.csv", "s3://elsewhere/x")}


@pytest.mark.parametrize("times", [1, 2])
def test_ids_that_led_to_a_crawled_asset_go_on_leading(bench, times):
    bench.write("out/part-0000.csv", "out/part-0001.csv")
    bench.tell(event("COMPLETE", 1, "j", told(bench, "out/part-0000.csv"), [dataset("s3://elsewhere", "x")]))
    ((named,),) = bench.rows("SELECT source_id FROM edge")
    for _ in range(times):
        bench.crawl()
        assert bench.find(str(named)) == "lab/out"
        forget(bench)
        assert bench.edges() == {(bench.find(str(named)), "s3://elsewhere/x")}
        add_again(bench)
