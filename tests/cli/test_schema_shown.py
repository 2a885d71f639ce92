"""What people and scripts see of a column besides its name and type."""

from __future__ import annotations

from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import catalog
from catalog.store.engine import Database


@pytest.fixture
def sea(run, tmp_path):
    """A silo with a table that tells ids, units and words, thirty times over, and one that tells nothing."""
    folder = tmp_path / "sea"
    (folder / "casts").mkdir(parents=True)
    told = {"PARQUET:field_id": "7", "unit": "m", "comment": "below the \x1b[31msurface"}
    table = pa.schema([pa.field("depth", pa.float64(), metadata=told), pa.field("n", pa.int64())]).empty_table()
    for number in range(30):
        pq.write_table(table, folder / "casts" / f"part-{number:03}.parquet")
    (folder / "plain.csv").write_text("a,b\n1,2\n3,4\n")
    assert run("silo", "add", "sea", folder).code == 0
    assert run("crawl", "--inspect", "all").code == 0
    return folder


def test_ids_units_and_words_have_columns_where_there_are_any(run, sea):
    shown = run("schema", "sea/casts").out
    assert shown.splitlines()[0].split() == ["COLUMN", "TYPE", "NULL", "ID", "UNIT", "DESCRIPTION"]
    assert shown.splitlines()[1].split()[:5] == ["depth", "double", "yes", "7", "m"] and "\x1b" not in shown
    assert shown.splitlines()[2].split()[3:] == ["-", "-", "-"]
    assert run("schema", "sea/plain.csv").out.splitlines()[0].split() == ["COLUMN", "TYPE", "NULL"]
    assert "UNIT" in run("show", "sea/casts").out


def test_scripts_get_them_always(run, sea):
    first, second = run("schema", "sea/casts", "-o", "json").json
    assert (first["id"], first["unit"], first["doc"][:5]) == (7, "m", "below")
    assert (second["id"], second["unit"], second["doc"]) == (None, None, None)


def test_a_schema_of_many_files_is_stored_once(run, sea):
    with closing(catalog.connect()) as cat, closing(Database(cat.url)) as db:
        assert db.value("SELECT COUNT(*) FROM schema") == 2
        assert db.value("SELECT COUNT(*) FROM inspection WHERE schema_id IS NOT NULL") == 31


def test_python_shows_units(run, sea):
    with closing(catalog.connect()) as cat:
        schema = cat.dataset("sea/casts").schema
        assert repr(schema).splitlines()[0].endswith("double  in m")
        assert schema["depth"].id == 7
        assert "<th>unit</th>" in schema._repr_html_()
        read = cat.dataset("sea/casts").to_arrow().schema.field("depth").metadata
        assert (read[b"PARQUET:field_id"], read[b"unit"]) == (b"7", b"m")


def numbered(*told: tuple[str, int]) -> pa.Table:
    names = [pa.field(name, pa.int64(), metadata={"PARQUET:field_id": str(id)}) for name, id in told]
    return pa.schema(names).empty_table()


def test_a_renamed_column_is_told_as_renamed(run, tmp_path):
    folder = tmp_path / "lake" / "clicks"
    folder.mkdir(parents=True)
    for number in range(3):
        pq.write_table(numbered(("n", 1), ("user", 2)), folder / f"part-{number:03}.parquet")
    assert run("silo", "add", "lake", tmp_path / "lake").code == 0
    assert run("crawl").code == 0
    assert "COLUMNS" not in run("versions", "lake/clicks").out.splitlines()[0]
    for number in range(1, 4):  # the first file keeps the old name
        pq.write_table(numbered(("n", 1), ("\x1b[31mperson", 2)), folder / f"part-{number:03}.parquet")
    assert run("crawl").code == 0
    second, first = run("versions", "lake/clicks", "-o", "json").json
    assert first["changes"] == []
    assert [(one["change"], one["before"]) for one in second["changes"]] == [("renamed", "user")]
    page = run("show", "lake/clicks").out
    assert "user is named" in page and "missing" not in page and "\x1b" not in page
    (folder / "part-000.parquet").unlink()
    assert run("crawl").code == 0
    shown = run("show", "lake/clicks", "-o", "json").json
    assert shown["drift"] == [] and [one["change"] for one in shown["versions"][0]["changes"]] == ["renamed"]


def test_a_column_renamed_in_an_iceberg_table(run, tmp_path):
    package = pytest.importorskip("pyiceberg.catalog.sql")
    from pyiceberg import types

    warehouse = tmp_path / "house"
    warehouse.mkdir()
    tables = package.SqlCatalog("c", uri=f"sqlite:///{tmp_path}/c.db", warehouse=f"file://{warehouse}")
    tables.create_namespace("n")
    table = tables.create_table("n.t", schema=pa.schema([("n", pa.int32()), ("user", pa.struct([("name", pa.string())]))]))
    table.append(pa.table({"n": pa.array([1], pa.int32()), "user": [{"name": "x"}]}))
    assert run("silo", "add", "house", warehouse).code == 0
    assert run("crawl").code == 0
    with table.update_schema() as update:
        update.rename_column("user", "person").add_column("at", types.DateType()).update_column("n", types.LongType())
    table.append(pa.table({"n": [1], "person": [{"name": "x"}], "at": pa.array([1], pa.date32())}))
    tables.close()
    assert run("crawl").code == 0
    newest, _ = run("versions", "house/n/t", "-o", "json").json
    assert [(one["path"], one["change"], one["before"], one["after"]) for one in newest["changes"]] == [
        ("n", "type", "int32", "int64"), ("person", "renamed", "user", "person"), ("at", "added", None, "date32[day]"),
    ]  # fmt: skip
    assert "n: int32 → int64, user → person, + at" in run("versions", "house/n/t").out
    assert "n: int32 → int64, user → person, + at" in run("show", "house/n/t").out
    with closing(catalog.connect()) as cat:
        told = cat.dataset("house/n/t")
        assert [one.shown for one in told.versions[0].changes] == ["n: int32 → int64", "user → person", "+ at"]
        assert told.info.drift == ()  # the table knows better than its files, and its metadata are no data
