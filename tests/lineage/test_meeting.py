"""What jobs name and what crawls find become one asset, whichever came first."""

from __future__ import annotations

import pytest

from catalog.model.lineage import Identity

PARTS = ("out/part-00000.csv", "out/part-00001.csv", "out/part-00002.csv", "out/_SUCCESS")
SINGLE = ("out/part-00000-5f3c1e9a-77aa-4e3b.c000.csv", "out/_SUCCESS")
HIVE = tuple(f"events/day=2026-01-0{n}/part-0000.csv" for n in range(1, 5))
DATES = tuple(f"logs/2026/03/0{n}/log.csv" for n in range(1, 4))
DELTA = ("t/_delta_log/00000000000000000000.json", "t/part-00000-x.parquet", "t/day=1/part-00001-y.parquet")
ICEBERG = ("ice/metadata/v1.metadata.json", "ice/metadata/snap-1.avro", "ice/data/00000-0.parquet")

LAYOUTS = {
    "a file": (("users.csv", "orders.csv"), "users.csv", "lab/users.csv"),
    "a directory of shards": (PARTS, "out", "lab/out"),
    "a directory with a slash behind it": (PARTS, "out/", "lab/out"),
    "one of several shards": (PARTS, "out/part-00001.csv", "lab/out"),
    "a shard that is not listed yet": (PARTS, "out/part-00007.csv", "lab/out"),
    "a directory with one file in it": (SINGLE, "out", "lab/out/part-00000-5f3c1e9a-77aa-4e3b.c000.csv"),
    "a pattern": (PARTS, "out/*.csv", "lab/out"),
    "a partitioned dataset": (HIVE, "events", "lab/events"),
    "a partition": (HIVE, "events/day=2026-01-02", "lab/events"),
    "a file in a partition": (HIVE, "events/day=2026-01-02/part-0000.csv", "lab/events"),
    "a partition not listed yet": (HIVE, "events/day=2027-01-01", "lab/events"),
    "a file of a partition not listed yet": (HIVE, "events/day=2027-01-01/part-0000.csv", "lab/events"),
    "a pattern over partitions": (HIVE, "events/*/*.csv", "lab/events"),
    "dated directories": (DATES, "logs", "lab/logs"),
    "a day": (DATES, "logs/2026/03/02", "lab/logs"),
    "a month": (DATES, "logs/2026/03", "lab/logs"),
    "a Delta table": (DELTA, "t", "lab/t"),
    "a file of a Delta table": (DELTA, "t/part-00000-x.parquet", "lab/t"),
    "a partition of a Delta table": (DELTA, "t/day=1", "lab/t"),
    "an Iceberg table": (ICEBERG, "ice", "lab/ice"),
    "an Iceberg table by its metadata": (ICEBERG, "ice/metadata/v2.metadata.json", "lab/ice"),
}  # fmt: skip
ORDERS = ("event first", "crawl first")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_both_orders_meet_in_one_asset(bench, layout, order):
    files, name, label = LAYOUTS[layout]
    bench.write(*files)
    result = bench.elsewhere("result")
    if order == "crawl first":
        bench.crawl()
        bench.claim((bench.identity(name), result))
    else:
        bench.claim((bench.identity(name), result))
        assert len(bench.named()) == 2
        report = bench.crawl()
        assert report.notes == ("1 name that lineage knew is found now.",)
    assert bench.edges() == {(label, "s3://elsewhere/result")}
    assert bench.named() == {"s3://elsewhere/result"}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", ["", "/"])
def test_a_table_may_be_the_whole_silo(bench, name, order):
    bench.write(*(path.removeprefix("t/") for path in DELTA))
    edge = (bench.identity(name), bench.elsewhere("result"))
    if order == "event first":
        bench.claim(edge)
        bench.crawl()
    else:
        bench.crawl()
        bench.claim(edge)
    assert bench.edges() == {("lab/lab", "s3://elsewhere/result")}


@pytest.mark.parametrize("order", ORDERS)
def test_all_names_of_one_dataset_meet(bench, order):
    bench.write(*HIVE)
    names = ("events", "events/day=2026-01-01", "events/day=2026-01-02/part-0000.csv")
    edges = [(bench.identity(name), bench.elsewhere("result")) for name in names]
    if order == "event first":
        bench.claim(*edges)
        assert len(bench.named()) == 4
        assert bench.crawl().notes == ("3 names that lineage knew are found now.",)
    else:
        bench.crawl()
        assert bench.claim(*edges) == 1
    assert bench.edges() == {("lab/events", "s3://elsewhere/result")}


# ---------------------------------------------------------------- folders


def several(bench) -> None:
    bench.write("raw/a.csv", "raw/b.csv", "raw/deep/c.csv", "other/d.csv")


@pytest.mark.parametrize("order", ORDERS)
def test_a_folder_that_was_read_is_joined_with_each_dataset_in_it(bench, order):
    several(bench)
    edge = (bench.identity("raw"), bench.elsewhere("result"))
    if order == "event first":
        bench.claim(edge)
        bench.crawl()
    else:
        bench.crawl()
        bench.claim(edge)
    (folder,) = bench.named() - {"s3://elsewhere/result"}
    assert bench.edges() == {(folder, "s3://elsewhere/result")}
    assert bench.edges("holds") == {(f"lab/raw/{name}", folder) for name in ("a.csv", "b.csv", "deep/c.csv")}


@pytest.mark.parametrize("order", ORDERS)
def test_a_folder_that_was_written_leads_to_each_dataset_in_it(bench, order):
    several(bench)
    edge = (bench.elsewhere("source"), bench.identity("raw/"))
    if order == "event first":
        bench.claim(edge)
        bench.crawl()
    else:
        bench.crawl()
        bench.claim(edge)
    (folder,) = bench.named() - {"s3://elsewhere/source"}
    assert bench.edges("holds") == {(folder, f"lab/raw/{name}") for name in ("a.csv", "b.csv", "deep/c.csv")}


@pytest.mark.parametrize("order", ORDERS)
def test_the_whole_silo_is_a_folder_too(bench, order):
    several(bench)
    edge = (bench.identity(""), bench.elsewhere("result"))
    if order == "event first":
        bench.claim(edge)
        bench.crawl()
    else:
        bench.crawl()
        bench.claim(edge)
    assert {source for source, _ in bench.edges("holds")} == {
        "lab/raw/a.csv", "lab/raw/b.csv", "lab/raw/deep/c.csv", "lab/other/d.csv"
    }  # fmt: skip


def test_a_dataset_that_comes_later_is_joined_with_the_folder(bench):
    several(bench)
    bench.crawl()
    bench.claim((bench.identity("raw"), bench.elsewhere("result")))
    bench.write("raw/e.csv")
    bench.crawl()
    assert "lab/raw/e.csv" in {source for source, _ in bench.edges("holds")}
    before = len(bench.edges("holds"))
    bench.crawl()
    assert len(bench.edges("holds")) == before == 4


# ---------------------------------------------------------------- what changes


def test_lineage_follows_a_directory_whose_files_are_written_anew(bench):
    bench.write("out/part-00000-aaaa1111.csv")
    bench.crawl()
    bench.claim((bench.elsewhere("source"), bench.identity("out")))
    assert bench.edges() == {("s3://elsewhere/source", "lab/out/part-00000-aaaa1111.csv")}
    bench.remove("out/part-00000-aaaa1111.csv")
    bench.write("out/part-00000-bbbb2222.csv")
    bench.crawl()
    assert bench.edges() == {("s3://elsewhere/source", "lab/out/part-00000-bbbb2222.csv")}
    bench.write(*PARTS)
    bench.remove("out/part-00000-bbbb2222.csv")
    bench.crawl()
    assert bench.edges() == {("s3://elsewhere/source", "lab/out")}


def test_lineage_of_a_dataset_that_is_gone_stays_with_it(bench):
    bench.write("users.csv", "orders.csv")
    bench.crawl()
    bench.claim((bench.identity("users.csv"), bench.elsewhere("result")))
    bench.remove("users.csv")
    bench.crawl()
    assert bench.edges() == {("lab/users.csv", "s3://elsewhere/result")}
    bench.claim((bench.identity("users.csv"), bench.elsewhere("result")), origin="later")
    assert bench.named() == {"s3://elsewhere/result"}


def test_a_directory_that_held_one_dataset_and_holds_several_now_becomes_a_folder(bench):
    bench.write("in/a.csv")
    bench.crawl()
    bench.claim((bench.identity("in"), bench.elsewhere("first")), origin="one")
    bench.write("in/b.csv")
    bench.crawl()
    bench.claim((bench.identity("in"), bench.elsewhere("second")), origin="two")
    (folder,) = bench.named() - {"s3://elsewhere/first", "s3://elsewhere/second"}
    assert bench.edges() == {("lab/in/a.csv", "s3://elsewhere/first"), (folder, "s3://elsewhere/second")}
    assert bench.edges("holds") == {("lab/in/a.csv", folder), ("lab/in/b.csv", folder)}


def test_a_crawl_after_which_nothing_changed_writes_no_row(bench):
    several(bench)
    bench.crawl()
    bench.claim(
        (bench.identity("raw"), bench.identity("other/d.csv")), (bench.identity("nowhere"), bench.elsewhere("x"))
    )
    tables = ("asset", "edge", "alias", "silo", "origin")
    before = [bench.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]
    assert bench.crawl().notes == ()
    assert [bench.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables] == before


def test_names_of_other_places_are_left_alone(bench):
    bench.write("users.csv")
    namespace, name = bench.identity("users.csv")
    other = Identity(namespace + "-2" if "://" in namespace else "file://other", name)
    beside = bench.identity("../lab-2/users.csv") if bench.root else bench.elsewhere("users.csv")
    bench.claim((other, bench.elsewhere("x")), (beside, bench.elsewhere("y")))
    bench.crawl()
    assert len(bench.named()) == 4
    assert not any(source.startswith("lab/") for source, _ in bench.edges())


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", [b"caf\xe9.csv", "caf\u201b.csv".encode(), "größe 100%.csv".encode()])
def test_names_that_are_not_utf_8_or_look_odd(db_url, tmp_path, name, order):
    import os

    from harness.lineage import Folder

    bench = Folder(db_url, tmp_path / "lab")
    (tmp_path / "lab" / os.fsdecode(name)).write_bytes(b"a,b\n1,2\n")
    bench.write("other.csv")
    raw = Identity("file", str(tmp_path / "lab" / os.fsdecode(name)))  # as JSON or a URI would spell it
    edge = (raw, bench.elsewhere("result"))
    if order == "event first":
        bench.claim(edge)
        bench.crawl()
    else:
        bench.crawl()
        bench.claim(edge)
    assert bench.named() == {"s3://elsewhere/result"}
    ((source, _),) = bench.edges()
    assert source.startswith("lab/") and source != "lab/other.csv"
