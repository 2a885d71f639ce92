"""What a crawl reads from files: real files of the formats, and files that are not what they seem."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import catalog

CSV = "id,name\n1,a\n2,b\n"


def parquet(path, rows=3, **columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"id": pa.array(range(rows), pa.int64()), **columns}), path)
    return path


def fields(dataset):
    return [(f.path, f.type) for f in dataset.schema]


@pytest.fixture
def cat(tree):
    with catalog.connect(tree.url) as opened:
        yield opened


def test_a_parquet_file_tells_its_columns_and_rows(tree, cat):
    parquet(tree.folder / "t.parquet", 5, name=pa.array(list("abcde")))
    report = tree.crawl()
    assert (report.inspected, report.findings) == (1, 0)
    found = cat.dataset("t.parquet")
    assert fields(found) == [("id", "int64"), ("name", "string")]
    assert (found.hit.rows, found.hit.format, found.info.codec) == (5, "parquet", "snappy")


def test_a_hive_dataset_is_sampled_and_its_columns_joined(tree, cat):
    for n in range(9):
        parquet(tree.folder / f"ev/day=2026-01-{n + 1:02}/part-0.parquet", late=pa.array([1.0, None, 2.0]))
    report = tree.crawl()
    assert (report.inspected, report.requests) == (3, 3)
    assert report.bytes_read == 3 * (tree.folder / "ev/day=2026-01-01/part-0.parquet").stat().st_size
    found = cat.dataset("ev")
    assert (found.info.rule, found.info.partitions, found.hit.files, found.hit.rows) == ("hive", ("day",), 9, None)
    assert fields(found) == [("id", "int64"), ("late", "double")]
    assert found.schema["late"].nullable
    assert tree.crawl(inspect="all").inspected == 6
    assert cat.dataset("ev").hit.rows == 27


@pytest.mark.parametrize("layout", ["day=2026-01-{:02}/part-0.parquet", "part-{:05}.parquet"])
def test_a_sample_that_does_not_agree_is_widened(tree, cat, layout):
    for n in range(30):
        extra = {"late": pa.array([1.0] * 3)} if n >= 20 else {"early": pa.array([1] * 3)} if n in (5, 6, 7, 8) else {}
        parquet(tree.folder / "ev" / layout.format(n + 1), **extra)
    opened = tree.crawl().inspected
    assert 3 < opened < 30
    found = cat.dataset("ev")
    assert set(fields(found)) == {("id", "int64"), ("early", "int64"), ("late", "double")}
    assert found.schema["early"].nullable and found.schema["late"].nullable
    assert found.hit.rows is None
    assert tree.crawl().inspected == 0


def test_inspecting_everything_opens_what_changed(tree, cat):
    parquet(tree.folder / "t.parquet", 5)
    tree.crawl(inspect="all")
    parquet(tree.folder / "t.parquet", 7, more=pa.array(range(7)))
    assert tree.crawl(inspect="all").inspected == 1
    assert cat.dataset("t.parquet").hit.rows == 7
    assert [v.rows for v in cat.dataset("t.parquet").versions] == [7, 5]
    assert fields(cat.dataset("t.parquet@1")) == [("id", "int64")]


def test_inspecting_nothing_opens_nothing(tree, cat):
    parquet(tree.folder / "t.parquet")
    tree.write("blob", b"PAR1")
    assert tree.crawl(inspect="none").inspected == 0
    assert fields(cat.dataset("t.parquet")) == []
    assert tree.crawl().inspected == 2
    assert fields(cat.dataset("t.parquet")) == [("id", "int64")]


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[: len(data) // 2], lambda data: data[: -int.from_bytes(data[-8:-4], "little") - 8] + b"\xff" * 600 + data[-8:], lambda data: b"PAR1" + b"\xff" * 60 + b"PAR1"],
    ids=["cut", "footer", "noise"],
)
def test_a_broken_parquet_file_is_a_finding_and_the_crawl_complete(tree, cat, damage):
    whole = parquet(tree.folder / "whole.parquet")
    tree.write("broken.parquet", damage(whole.read_bytes()))
    report = tree.crawl()
    assert (report.state, report.findings, report.inspected) == ("complete", 1, 2)
    assert [hit.name for hit in cat.search("is:broken")] == ["broken.parquet"]
    assert [hit.name for hit in cat.files("is:broken")] == ["broken.parquet"]
    (finding,) = cat.dataset("broken.parquet").info.findings
    assert finding.path == "broken.parquet"
    assert finding.kind in ("corrupt", "truncated")


def test_noise_called_csv_ends_no_crawl(tree, cat):
    import random

    tree.write("noise.csv", random.Random(1).randbytes(5000))
    tree.write("fine.csv", CSV)
    report = tree.crawl()
    assert report.state == "complete"
    assert [hit.name for hit in cat.search("is:broken")] == ["noise.csv"]
    assert fields(cat.dataset("fine.csv")) == [("id", "int64"), ("name", "string")]


def test_a_mislabelled_file_is_found_and_stays_found(tree, cat):
    parquet(tree.folder / "real.parquet")
    (tree.folder / "real.parquet").rename(tree.folder / "wrong.csv")
    tree.write("image.png", "just words\n")
    for n in range(2):
        tree.crawl()
        assert {hit.name for hit in cat.search("is:broken")} == {"wrong.csv", "image.png"}
        assert {one.kind for one in cat.dataset("wrong.csv").info.findings} == {"mislabelled"}
        assert cat.dataset("wrong.csv").hit.format == "parquet"
        tree.write(f"neighbour{n}_x.csv", CSV)  # the folder is looked at again


def test_files_without_an_ending_are_identified_by_content(tree, cat):
    parquet(tree.folder / "in/first").rename(tree.folder / "in/blob")
    tree.write("in/words", "only words\n")
    tree.crawl()
    found = cat.dataset("in/blob")
    assert (found.hit.format, found.hit.rows, fields(found)) == ("parquet", 3, [("id", "int64")])
    assert {f.path: f.format for f in cat.silo_files("lab")}["in/blob"] == "parquet"


def test_a_file_without_an_ending_is_identified_again_when_it_changes(tree, cat):
    tree.write("in/blob", "only words\n")
    tree.write("in/other", b"\x00\x01\x02")
    tree.crawl()
    assert list(cat.search("kind:dataset")) == []
    parquet(tree.folder / "in/blob")
    tree.crawl()
    assert [hit.name for hit in cat.search("format:parquet")] == ["in/blob"]


def test_a_shard_of_another_format_does_not_split_its_dataset(tree, cat):
    for n in range(5):
        parquet(tree.folder / f"set/part-{n:05}.parquet")
    tree.write("set/part-00000.parquet", CSV)
    tree.crawl()
    (before,) = cat.search("in:set")
    assert (before.files, [f.kind for f in cat.dataset("set").info.findings]) == (5, ["mislabelled"])
    parquet(tree.folder / "set/part-00005.parquet")
    tree.crawl()
    (after,) = cat.search("in:set")
    assert (after.id, after.files, after.version) == (before.id, 6, 2)
