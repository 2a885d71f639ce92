"""Two names of one dataset become one asset, early or late; the name of a table is never a path."""

from __future__ import annotations

import pytest
from harness.events import columns, dataset, dataset_event, event, schema, symlink

HIVE = "hive://metastore:9083"
GLUE = "arn:aws:glue:eu-west-1:123456789012"


def end(name):
    return dataset("s3://elsewhere", name)


def edges(bench):
    return {(a.removeprefix("s3://elsewhere/"), b.removeprefix("s3://elsewhere/")) for a, b in bench.edges()}


# ---------------------------------------------------------------- what others get wrong


def test_a_symlink_that_comes_with_a_late_dataset_event_joins_both_histories(bare):
    """Two lineages stand apart until a DatasetEvent says that two of their datasets are one (Marquez 2738)."""
    bare.tell(
        event("COMPLETE", 1, "job1", [dataset("ns1", "input1")], [dataset("ns2", "output1")]),
        event("COMPLETE", 2, "job2", [dataset("ns1", "input2")], [dataset("ns2", "output2")]),
    )
    bare.tell(dataset_event(dataset("ns1", "input1", symlinks=symlink("ns1", "input2", "DB_TABLE"))))
    assert bare.edges() == {("ns1:input1", "ns2:output1"), ("ns1:input1", "ns2:output2")}
    assert bare.named() == {"ns1:input1", "ns2:output1", "ns2:output2"}
    bare.tell(event("COMPLETE", 3, "job3", [dataset("ns1", "input2")], [dataset("ns2", "output3")]))
    assert ("ns1:input1", "ns2:output3") in bare.edges()


@pytest.mark.parametrize("table_first", [True, False])
def test_a_table_of_glue_and_its_files_are_one(bare, table_first):
    """Spark names the files and tells the table as a symlink; others name the table alone (OpenMetadata 28261)."""
    files = dataset("s3a://lake", "/warehouse/orders", symlinks=symlink(GLUE, "table/shop/orders"))
    spark = event("COMPLETE", 1, "spark", [end("raw")], [files])
    athena = event("COMPLETE", 2, "athena", [dataset(GLUE, "table/shop/orders")], [end("report")], minute=1)
    bare.tell(*((athena, spark) if table_first else (spark, athena)))
    middle = {target for source, target in edges(bare) if source == "raw"}
    assert middle == {source for source, target in edges(bare) if target == "report"}
    assert len(middle) == 1 and len(bare.named()) == 3


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_producers_that_disagree_which_name_is_the_first(bare, order):
    """The table first and the place as its symlink, or the other way round (OpenLineage 2718, 4638)."""
    events = [
        event("COMPLETE", 1, "a", [end("raw")], [dataset("s3://lake", "t", symlinks=symlink(GLUE, "table/d/t"))]),
        event(
            "COMPLETE", 2, "b", [dataset(GLUE, "table/d/t", symlinks=symlink("s3://lake", "t", "LOCATION"))], [end("x")]
        ),
        event("COMPLETE", 3, "c", [dataset("s3://lake/", "/t/")], [end("y")]),
    ]
    for number in order:
        bare.tell(events[number])
    assert len(bare.named()) == 4 and len(edges(bare)) == 3


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        ("hdfs://nn:8020/user/hive/warehouse", "default.t1"),
        ("file:/data/x", "default.t"),
        ("s3a://lake/", "default.t"),
        ("s3://lake", "default.t"),
        ("/user/hive/warehouse/shop.db", "shop.orders"),
        ("file", "default.t"),
    ],
    ids=" ".join,
)
def test_the_name_of_a_table_is_no_path(bench, namespace, name):
    """The warehouse a table stands in looks like the namespace of files; its name is none of their paths."""
    bench.write("default.t", "t/part-0000.csv", "t/part-0001.csv")
    bench.crawl()
    own = bench.identity("t")
    if namespace.startswith("s3"):
        namespace = own.namespace + "/" * namespace.endswith("/")
    one = dataset(*own, symlinks=symlink(namespace, name))
    bench.tell(event("COMPLETE", 1, "j", [one], [end("x")]))
    assert edges(bench) == {("lab/t", "x")}
    namespace_of_file, path = bench.identity("default.t")
    bench.tell(event("COMPLETE", 2, "k", [dataset(namespace_of_file, path)], [end("y")]))
    assert ("lab/t", "y") not in edges(bench)
    bench.tell(event("COMPLETE", 3, "l", [dataset("s3://other", "u", symlinks=symlink(namespace, name))], [end("z")]))
    assert ("lab/t", "z") in edges(bench)


# ---------------------------------------------------------------- with crawls


@pytest.mark.parametrize(
    "order", ["table, crawl, link", "table, link, crawl", "crawl, table, link", "link, crawl, table"]
)
def test_a_table_meets_the_files_that_a_crawl_found(bench, order):
    bench.write("t/part-0000.csv", "t/part-0001.csv")
    own = bench.identity("t")
    steps = {
        "table": lambda: bench.tell(
            event("COMPLETE", 1, "report", [dataset(HIVE, "db.t", schema=schema("a"))], [end("x")])
        ),
        "link": lambda: bench.tell(dataset_event(dataset(*own, symlinks=symlink(HIVE, "db.t")))),
        "crawl": bench.crawl,
    }
    for step in order.split(", "):
        steps[step]()
    assert edges(bench) == {("lab/t", "x")}
    assert bench.find("hive://metastore:9083/db.t") == "lab/t"
    assert bench.rows("SELECT name, kind FROM alias WHERE namespace = ?", HIVE) == [("db.t", "table")]


def test_a_table_whose_location_is_told_meets_a_later_crawl(bench):
    bench.write("t/part-0000.csv", "t/part-0001.csv")
    bench.tell(
        event(
            "COMPLETE", 1, "j", [dataset(HIVE, "db.t", symlinks=symlink(*bench.identity("t"), "LOCATION"))], [end("x")]
        )
    )
    assert edges(bench) == {("hive://metastore:9083/db.t", "x")}
    bench.crawl()
    assert edges(bench) == {("lab/t", "x")}


def test_what_crawls_found_at_two_places_stays_two(bench):
    bench.write("a.csv", "b.csv")
    bench.crawl()
    one = dataset(*bench.identity("a.csv"), symlinks=symlink(*bench.identity("b.csv"), "LOCATION"))
    report = bench.tell(event("COMPLETE", 1, "j", [one, dataset(*bench.identity("b.csv"))], [end("x")]))
    assert edges(bench) == {("lab/a.csv", "x"), ("lab/b.csv", "x")}
    (warning,) = report.warnings
    assert "'a.csv' and 'b.csv' are said to be one, but crawls found both: kept apart" in warning


def test_two_names_of_one_asset_that_are_two_places_are_parted(bench):
    a, b = bench.identity("a.csv"), bench.identity("b.csv")
    bench.tell(event("COMPLETE", 1, "j", [dataset(*a, symlinks=symlink(*b, "LOCATION"))], [end("x")]))
    bench.write("a.csv", "b.csv")
    bench.crawl()
    assert edges(bench) == {("lab/a.csv", "x")}
    bench.tell(event("COMPLETE", 2, "k", [dataset(*b)], [end("y")]))
    assert edges(bench) == {("lab/a.csv", "x"), ("lab/b.csv", "y")}


def test_what_two_rows_of_a_run_say_is_kept_when_they_become_one(bare):
    """The run read the place, and only a facet names the table: together it is read, and leads everywhere."""
    made = columns(c=[(HIVE, "db.t", "c")])
    bare.tell(
        event("COMPLETE", 1, "j", [dataset("s3://lake", "t")], [dataset("s3://elsewhere", "x", columnLineage=made)]),
        event("COMPLETE", 1, "j", [], [end("y")], minute=1),
    )
    bare.tell(dataset_event(dataset("s3://lake", "t", symlinks=symlink(HIVE, "db.t"))))
    bare.tell(event("RUNNING", 1, "j", [], [end("z")], minute=2))
    assert {target for _, target in edges(bare)} == {"x", "y", "z"}
    assert len({source for source, _ in edges(bare)}) == 1


def test_edges_that_become_one_are_counted_once_a_run(bare):
    bare.tell(
        event("COMPLETE", 1, "j", [dataset(HIVE, "db.t"), dataset("s3://lake", "t")], [end("x")], minute=1),
        event("COMPLETE", 2, "j", [dataset("s3://lake", "t")], [end("x")], minute=2),
        event("COMPLETE", 3, "j", [dataset(HIVE, "db.t")], [end("x")], minute=3),
    )
    assert sorted(bare.rows("SELECT runs FROM edge")) == [(2,), (2,)]
    bare.tell(dataset_event(dataset("s3://lake", "t", symlinks=symlink(HIVE, "db.t"))))
    ((runs, ended),) = bare.rows("SELECT e.runs, r.ended_ns FROM edge e JOIN run r ON r.id = e.run_id")
    assert (runs, ended) == (3, bare.rows("SELECT MAX(ended_ns) FROM run")[0][0])


def test_a_run_that_read_and_wrote_what_is_one_leaves_no_edge(bare):
    bare.tell(event("COMPLETE", 1, "j", [dataset(HIVE, "db.t")], [dataset("s3://lake", "t")]))
    bare.tell(dataset_event(dataset("s3://lake", "t", symlinks=symlink(HIVE, "db.t"))))
    assert bare.edges() == set()
    assert sorted(bare.rows("SELECT role FROM run_asset")) == [("input",), ("output",)]


def test_the_other_names_of_an_asset_are_found_by_searches(bench):
    from contextlib import closing

    from catalog.query import parse
    from catalog.store import search
    from catalog.store.engine import Database

    bench.write("t/part-0000.csv", "t/part-0001.csv")
    bench.crawl()
    bench.tell(dataset_event(dataset(*bench.identity("t"), symlinks=symlink(HIVE, "marketing.clicks"))))
    with closing(Database(bench.url, write=False)) as db:
        assert [hit.name for hit in search.search(db, parse("marketing"))] == ["t"]
