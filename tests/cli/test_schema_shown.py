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
