"""The Python API over real files: finding datasets, reading them, and remembering how they were."""

from __future__ import annotations

import json
import os
import time

import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.orc
import pyarrow.parquet as pq
import pytest

import catalog
from catalog.errors import Ambiguous, NotFound, QueryError, SecretInline, UsageError

TABLE = pa.table({"id": pa.array([1, 2, 3], pa.int64()), "name": ["a", "b", "c"]})
ROWS = TABLE.to_pylist()


def write(path, table=TABLE):
    """`table` as a file of the format its ending names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ending = path.suffix
    if ending == ".parquet":
        pq.write_table(table, path)
    elif ending == ".csv":
        pyarrow.csv.write_csv(table, path)
    elif ending == ".orc":
        pyarrow.orc.write_table(table, path)
    elif ending == ".arrow":
        pyarrow.feather.write_feather(table, path, compression="uncompressed")
    elif ending == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    elif ending == ".json":
        path.write_text(json.dumps(table.to_pylist()))
    elif ending == ".avro":
        import fastavro

        fields = [{"name": "id", "type": "long"}, {"name": "name", "type": "string"}]
        with path.open("wb") as file:
            fastavro.writer(file, {"type": "record", "name": "r", "fields": fields}, table.to_pylist())
    else:
        raise AssertionError(ending)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "silo"
    made.mkdir()
    return made


@pytest.fixture
def cat(db_url, folder):
    with catalog.connect(db_url) as opened:
        opened.add_silo("lab", str(folder))
        yield opened


@pytest.mark.parametrize("ending", ["parquet", "csv", "orc", "arrow", "jsonl", "json", "avro"])
def test_a_table_of_any_format_is_read(cat, folder, ending):
    write(folder / f"in/t.{ending}")
    cat.crawl()
    found = cat.dataset(f"in/t.{ending}")
    assert found.to_arrow().to_pylist() == ROWS
    assert found.to_arrow(columns=["name"]).column_names == ["name"]
    assert found.to_polars().to_dicts() == ROWS
    assert found.to_pandas().to_dict("records") == ROWS
    assert pa.table(found).to_pylist() == ROWS  # through __arrow_c_stream__
    assert found.schema.names == ["id", "name"]
    with found.open() as file:
        assert file.read() == (folder / f"in/t.{ending}").read_bytes()


def test_a_partitioned_dataset_has_its_partitions_as_columns(cat, folder):
    for day in ("2026-01-01", "2026-01-02"):
        write(folder / f"ev/day={day}/part-0.parquet")
    cat.crawl()
    found = cat.dataset("lab/ev")
    table = found.to_arrow()
    assert (table.num_rows, set(table["day"].to_pylist())) == (6, {"2026-01-01", "2026-01-02"})
    with pytest.raises(UsageError):
        found.open()


@pytest.fixture
def three(cat, folder):
    for name in ("sales/orders.csv", "sales/orders_old.csv", "people.csv"):
        write(folder / name)
    cat.crawl()
    return cat


@pytest.mark.parametrize("reference", ["people.csv", "lab/people.csv", "peop", "lab/peo", "people.csv@1", "lab/people.csv@1"])
def test_a_reference_means_one_dataset(three, reference):
    assert three.dataset(reference).name == "people.csv"


def test_an_id_and_a_uri_mean_it_too(three):
    hit = three.search("people")[0]
    assert three.dataset(hit.id).name == three.dataset(hit.uri).name == three[hit.uri].name == "people.csv"


def test_what_is_not_clear_lists_its_candidates(three):
    with pytest.raises(Ambiguous) as unclear:
        three.dataset("sales/ord")
    assert set(unclear.value.candidates) == {"lab/sales/orders.csv", "lab/sales/orders_old.csv"}
    assert three.dataset("sales/orders.csv").name == "sales/orders.csv"


@pytest.mark.parametrize("reference", ["nothing", "people.csv@9", "elsewhere/people.csv", "999999", "", "lab/"])
def test_what_is_not_there_is_not_found(three, reference):
    with pytest.raises(NotFound):
        three.dataset(reference)


def test_searches_are_lazy_and_bounded(three):
    assert len(three.search()) == 3
    assert [hit.name for hit in three.search("orders sort:name")] == ["sales/orders.csv", "sales/orders_old.csv"]
    assert len(three.search(limit=2)) == 2
    assert not three.search("nothing-like-it")
    assert len(three.files("in:sales")) == 2
    assert three.search().to_arrow()["files"].to_pylist() == [1, 1, 1]
    with pytest.raises(QueryError):
        three.search("colour:red")


def test_words_of_the_user_are_found_and_survive_a_crawl(three, folder):
    three.dataset("people.csv").annotate(owner="ann", tags=["pii", "hr"], description="Everyone we know")
    write(folder / "people.csv", TABLE.slice(1))
    three.crawl()
    for query in ("owner:ann", "tag:pii", "everyone", "tag:hr is:described"):
        assert [hit.name for hit in three.search(query)] == ["people.csv"], query
    three.dataset("people.csv").annotate(owner="", remove_tags=["pii"])
    assert not three.search("owner:ann")
    assert three.dataset("people.csv").hit.tags == ("hr",)


def test_files_and_versions_of_the_past(cat, folder):
    for n in range(3):
        write(folder / f"set/part-{n:05}.csv")
    write(folder / "set/other_a.parquet")
    cat.crawl()
    between = time.time_ns()
    (folder / "set/part-00001.csv").unlink()
    write(folder / "set/part-00003.csv")
    write(folder / "set/other_a.parquet", TABLE.slice(1))
    cat.crawl()
    shards, other = sorted((cat.dataset(hit.id) for hit in cat.search("in:set")), key=lambda one: one.hit.format)
    assert [v.number for v in shards.versions] == [2, 1]
    now = [f"set/part-{n:05}.csv" for n in (0, 2, 3)]
    then = [f"set/part-{n:05}.csv" for n in (0, 1, 2)]
    assert [f.path for f in shards.files()] == now
    assert [f.path for f in shards.files(at=between)] == then
    assert [f.path for f in cat.dataset(f"{shards.id}@1").files()] == then
    assert [f.path for f in other.files(at=between)] == ["set/other_a.parquet"]
    assert cat.dataset(shards.id, at=between).version == 1
    with pytest.raises(NotFound):
        cat.dataset(shards.id, at="2001-01-01")


def test_files_of_what_is_gone(cat, folder):
    write(folder / "in/a.csv")
    write(folder / "in/b_x.csv")
    cat.crawl()
    between = time.time_ns()
    a = cat.dataset("in/a.csv")
    (folder / "in/a.csv").unlink()
    cat.crawl()
    assert [f.path for f in a.files(at=between)] == ["in/a.csv"]
    (folder / "in/b_x.csv").unlink()
    cat.crawl()
    assert [f.path for f in a.files(at=between)] == ["in/a.csv"]
    assert list(a.files()) == []
    with pytest.raises(NotFound):
        a.to_arrow()


def test_html_never_holds_what_a_file_name_says(cat, folder):
    write(folder / "<script>alert(1)" / "t<img src=x>.csv")
    cat.crawl()
    found = cat.dataset(cat.search()[0].id)
    for shown in (found, cat.search(), found.files(), found.schema):
        text = shown._repr_html_()
        assert "<table>" in text
        assert "<script" not in text
        assert "<img" not in text


def test_a_catalog_that_is_not_there(tmp_path):
    with pytest.raises(NotFound):
        catalog.connect(tmp_path / "none.db", read_only=True)
    assert not (tmp_path / "none.db").exists()
    with catalog.connect(tmp_path / "new.db") as cat:
        assert cat.silos() == []
        with pytest.raises(NotFound):
            cat.crawl()
    assert os.stat(tmp_path / "new.db").st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["", "a/b", "a@b", " a", "a\n"])
def test_a_silo_needs_a_plain_name(cat, name, folder):
    with pytest.raises(UsageError):
        cat.add_silo(name, str(folder))


def test_secrets_are_never_taken_in_the_clear(cat):
    with pytest.raises(SecretInline):
        cat.add_silo("s3", "s3://bucket", secret_access_key="hunter2")


def test_a_removed_silo_leaves_nothing(three):
    three.remove_silo("lab")
    assert three.silos() == []
    assert list(three.search()) == []
    assert list(three.files()) == []


@pytest.mark.s3
def test_a_bucket_is_crawled_changed_and_crawled_again(db_url, s3_server, monkeypatch):
    bucket = s3_server.bucket("lake")
    store = s3_server.store(bucket)
    monkeypatch.setenv("LAB_KEY", s3_server.access_key)
    monkeypatch.setenv("LAB_SECRET", s3_server.secret_key)
    sink = pa.BufferOutputStream()
    pq.write_table(TABLE, sink)
    body = sink.getvalue().to_pybytes()
    for day in (1, 2, 3):
        store.put(f"raw/ev/day={day}/part-0.parquet", body)
    store.put("raw/notes.txt", b"words")
    with catalog.connect(db_url) as cat:
        cat.add_silo(
            "lake", f"s3://{bucket}/raw", endpoint=s3_server.endpoint, region=s3_server.region,
            access_key_id="env:LAB_KEY", secret_access_key="env:LAB_SECRET",
        )  # fmt: skip
        (first,) = cat.crawl()
        assert (first.state, first.added, first.datasets) == ("complete", 4, 1)
        assert cat.dataset("ev").to_arrow().num_rows == 9
        assert cat.dataset(f"s3://{bucket}/raw/ev").id == cat.dataset("lake/ev").id
        (second,) = cat.crawl()
        assert (second.added, second.changed, second.removed, second.unchanged) == (0, 0, 0, 4)
        store.put("raw/ev/day=4/part-0.parquet", body)
        store.put("raw/notes.txt", b"other words")
        store.delete("raw/ev/day=1/part-0.parquet")
        (third,) = cat.crawl()
        assert (third.added, third.changed, third.removed, third.unchanged) == (1, 1, 1, 2)
        assert [v.number for v in cat.dataset("ev").versions] == [2, 1]
        assert catalog.api.check(cat.url) == []
