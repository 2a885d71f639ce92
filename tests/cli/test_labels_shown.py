"""What people and scripts see of sensitive columns."""

from __future__ import annotations

from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import catalog
from catalog.store.engine import Database


@pytest.fixture
def people(run, tmp_path):
    """A silo with people in it, crawled without looking for them."""
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "people.csv").write_text(
        "n,mail,dni\n" + "".join(f"{n},ann{n}@example.org,12345678Z\n" for n in range(30))
    )
    (folder / "plain.csv").write_text("a,b\n1,2\n3,4\n")
    assert run("silo", "add", "lab", folder).code == 0
    assert run("crawl").code == 0
    return folder


def test_nothing_is_shown_before_anybody_looked(run, people):
    assert "LABEL" not in run("schema", "lab/people.csv").out
    assert "sensitive" not in run("show", "lab/people.csv").out
    shown = run("show", "lab/people.csv", "-o", "json").json
    assert (shown["labels"], shown["classified"]) == (None, None)
    assert {column["label"] for column in shown["schema"]} == {None}
    assert run("crawl", "-o", "json").json[0]["classified"] is None


def test_labels_have_a_column_of_their_own_where_there_are_any(run, people):
    ran = run("crawl", "--classify")
    assert "classified: 2 datasets, 2 sensitive columns" in ran.out
    lines = run("schema", "lab/people.csv").out.splitlines()
    assert lines[0].split() == ["COLUMN", "TYPE", "NULL", "LABEL", "OF", "SCORE"]
    assert lines[2].split() == ["mail", "string", "yes", "email", "-", "100%"]
    assert "LABEL" not in run("schema", "lab/plain.csv").out
    shown = run("show", "lab/people.csv").out
    assert "2 columns (email, national_id)" in shown and "LABEL" in shown
    assert "no column" in run("show", "lab/plain.csv").out


def test_scripts_get_label_score_and_counts(run, people):
    assert run("crawl", "--classify", "-o", "json").json[0]["sensitive"] == 2
    shown = run("show", "lab/people.csv", "-o", "json").json
    assert shown["labels"][0] == {
        "path": "mail",
        "label": "email",
        "country": None,
        "score": 1.0,
        "sampled": 30,
        "matched": 30,
    }
    assert (shown["labels"][1]["label"], shown["classified"]) == ("national_id", 1)
    assert run("show", "lab/plain.csv", "-o", "json").json["labels"] == []
    row = run("schema", "lab/people.csv", "-o", "csv").csv[1]
    assert (row["path"], row["label"], row["sampled"]) == ("mail", "email", "30")
    assert [hit["name"] for hit in run("search", "label:email", "-o", "json").json] == ["people.csv"]
    assert "email" in run("search", "is:sensitive", "--facets").out


def test_older_labels_say_of_which_version_they_are(run, people):
    run("crawl", "--classify")
    (people / "people.csv").write_text("n,mail\n1,x\n")
    run("crawl")
    assert "as of version 1" in run("show", "lab/people.csv").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("crawl", "--classify", "--inspect", "none"), "--inspect none does not"),
        (("search", "label:emial"), "email"),
        (("search", "label:email kind:file"), "not of single files"),
        (("schedule", "add", "lab", "@daily", "--classify", "--inspect", "none"), "files are opened"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(run, people, words, said):
    ran = run(*words)
    assert ran.code == 2
    assert said in ran.err


def test_a_schedule_says_how_to_make_it_again(run, people):
    run("schedule", "add", "lab", "@daily", "--classify")
    assert run("schedule", "ls", "-o", "json").json[0]["classify"] is True
    assert "--classify" in run("schedule", "rm", "lab").err


def test_no_value_of_a_sensitive_column_stays(run, tmp_path):
    """Parquet keeps the smallest and largest number of each column; those of cards are nobody's business."""
    folder = tmp_path / "shop"
    folder.mkdir()
    cards = [4111111111111111, 5500000000000004, 4012888888881881, 4222222222222220, 5105105105105100] * 8
    table = pa.table({"n": range(40), "card_number": cards, "price": [float(n) for n in range(40)]})
    for name in ("a.parquet", "b.parquet"):
        pq.write_table(table, folder / name)
    run("silo", "add", "shop", folder)
    run("crawl", "--inspect", "all")
    assert "card_number" in run("show", "shop/a.parquet", "-o", "json").json["facts"]["ranges"]
    assert "2 sensitive columns" in run("crawl", "--classify", "--inspect", "all").out
    for name in ("a.parquet", "b.parquet"):
        assert run("show", f"shop/{name}", "-o", "json").json["facts"]["ranges"] == "n 0..39, price 0..39"
    with closing(catalog.connect()) as cat, closing(Database(cat.url)) as db:
        kept = db.all("SELECT details FROM inspection")
    assert len(kept) == 2 and not any("4.11" in row[0] or "card" in row[0] for row in kept)
    pq.write_table(table.slice(1), folder / "a.parquet")  # opened again, and not yet looked into
    run("crawl", "--inspect", "all")
    assert "card_number" not in run("show", "shop/a.parquet", "-o", "json").json["facts"]["ranges"]
