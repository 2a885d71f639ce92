"""`catalog crawl --classify`: what is labelled, when, and that no value is left anywhere."""

from __future__ import annotations

import csv
import json
from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import catalog
from catalog.errors import UsageError
from catalog.model import ColumnLabel
from catalog.store import migrate
from catalog.store.engine import Database

PEOPLE = 60
EMAILS = [f"planted{n}@example.org" for n in range(PEOPLE)]
IBANS = ["DE89370400440532013000", "FR1420041010050500013M02606", "GB82WEST12345698765432"] * (PEOPLE // 3)


def write_people(folder):
    folder.mkdir(exist_ok=True)
    with (folder / "people.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "contact", "payout"])
        writer.writerows(zip(range(PEOPLE), EMAILS, IBANS))
    (folder / "events.jsonl").write_text(
        "\n".join(json.dumps({"n": n, "user": {"mail": m}}) for n, m in enumerate(EMAILS))
    )
    (folder / "numbers.csv").write_text("a,b\n" + "\n".join(f"{n},{n * 7}" for n in range(50)))
    (folder / "notes.txt").write_text("\n".join(EMAILS))


@pytest.fixture
def lab(db_url, tmp_path):
    """A catalog with a crawled silo of people, and the folder."""
    write_people(tmp_path / "lab")
    with catalog.connect(db_url) as cat:
        cat.add_silo("lab", str(tmp_path / "lab"))
        yield cat, tmp_path / "lab"


def labels(cat, name):
    found = cat.dataset(name).labels
    return None if found is None else {one.path: one.label for one in found}


def test_a_dry_run_counts_the_files_that_would_be_looked_into(lab):
    cat, folder = lab
    (folder / "day").mkdir()
    for number in range(9):
        (folder / f"day/part-{number:03}.csv").write_text("mail\nann@example.org\n")
    cat.crawl("lab", inspect="none")
    assert cat.plan("lab", inspect="none")[0].classify_files is None
    (plan,) = cat.plan("lab", classify=True)
    (without,) = cat.plan("lab")
    assert plan.classify_files == 3 + 3, "three of one table of many files, and three that stand alone"
    assert plan.open_files == without.open_files + plan.classify_files
    cat.crawl("lab", classify=True)
    assert cat.plan("lab", classify=True)[0].classify_files == 0
    assert cat.plan("lab", classify=True, mode="full")[0].classify_files == 6


def names(cat, query):
    return sorted(hit.name for hit in cat.search(query))


def test_it_is_off_by_default(lab):
    cat, _ = lab
    (report,) = cat.crawl()
    assert (report.classified, report.sensitive) == (None, None)
    assert labels(cat, "lab/people.csv") is None
    assert names(cat, "is:sensitive") == []


def test_labels_are_kept_and_found(lab):
    cat, _ = lab
    (report,) = cat.crawl(classify=True)
    assert (report.classified, report.sensitive) == (3, 3)
    assert cat.dataset("lab/people.csv").labels == [
        ColumnLabel("contact", "email", 0.95, PEOPLE, PEOPLE),
        ColumnLabel("payout", "iban", 0.95, 3, 3),
    ]
    assert labels(cat, "lab/events.jsonl") == {"user.mail": "email"}
    assert labels(cat, "lab/numbers.csv") == {}
    assert cat.dataset("lab/people.csv").info.classified == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("label:email", ["events.jsonl", "people.csv"]),
        ("label:iban", ["people.csv"]),
        ("label:email label:iban", ["people.csv"]),
        ("label:iban,card", ["people.csv"]),
        ("is:sensitive -label:iban", ["events.jsonl"]),
        ("-is:sensitive format:csv", ["numbers.csv"]),
        ("label:secret", []),
    ],
)
def test_searching_by_label(lab, query, found):
    cat, _ = lab
    cat.crawl(classify=True)
    assert names(cat, query) == found


def test_labels_are_counted(lab):
    cat, _ = lab
    cat.crawl(classify=True)
    assert cat.search("").facets()["label"] == [("email", 2), ("iban", 1)]
    assert cat.search("label:iban").facets()["label"] == [("email", 1), ("iban", 1)]


def test_a_crawl_without_it_leaves_labels_and_a_later_one_replaces_them(lab):
    cat, folder = lab
    cat.crawl(classify=True)
    (folder / "people.csv").write_text("id,contact\n" + "\n".join(f"{n},+49 170 {1234567 + n}" for n in range(40)))
    cat.crawl()
    assert labels(cat, "lab/people.csv") == {"contact": "email", "payout": "iban"}
    info = cat.dataset("lab/people.csv").info
    assert (info.hit.version, info.classified) == (2, 1)
    (report,) = cat.crawl(classify=True)
    assert report.classified == 1  # the others have not changed since they were looked into
    assert labels(cat, "lab/people.csv") == {"contact": "phone"}
    assert cat.dataset("lab/people.csv@1").labels is None


@pytest.mark.parametrize("again", [{"mode": "full"}, {"inspect": "all"}])
def test_all_is_looked_into_again_when_asked(lab, again):
    cat, _ = lab
    cat.crawl(classify=True)
    assert cat.crawl(classify=True)[0].classified == 0
    assert cat.crawl(classify=True, **again)[0].classified == 3


def test_only_the_part_that_is_crawled_is_looked_into(lab):
    cat, folder = lab
    write_people(folder / "deep")
    cat.crawl()
    assert cat.crawl(prefix="deep", classify=True)[0].classified == 3
    assert names(cat, "is:sensitive") == ["deep/events.jsonl", "deep/people.csv"]


def test_files_that_are_not_opened_are_not_looked_into(lab):
    cat, _ = lab
    with pytest.raises(UsageError):
        cat.crawl(inspect="none", classify=True)
    with pytest.raises(UsageError):
        cat.add_schedule("lab", "@daily", inspect="none", classify=True)


def test_a_damaged_table_does_not_end_the_crawl(lab):
    cat, folder = lab
    pq.write_table(pa.table({"mail": EMAILS}), folder / "broken.parquet", compression="none", use_dictionary=False)
    data = bytearray((folder / "broken.parquet").read_bytes())
    data[4:40] = b"\xff" * 36
    (folder / "broken.parquet").write_bytes(data)
    (report,) = cat.crawl(classify=True)
    assert report.state == "complete"
    assert any("broken.parquet" in note for note in report.notes)
    assert names(cat, "label:email") == ["events.jsonl", "people.csv"]


def test_partitions_are_looked_into_together(lab):
    cat, folder = lab
    for day in range(3):
        part = folder / "clicks" / f"day=2026-01-0{day + 1}"
        part.mkdir(parents=True)
        pq.write_table(pa.table({"who": EMAILS[day * 20 : day * 20 + 20]}), part / "part-0.parquet")
    cat.crawl(classify=True)
    (label,) = cat.dataset("lab/clicks").labels
    assert (label.path, label.label, label.sampled) == ("who", "email", PEOPLE)


def test_the_data_of_a_lake_table_is_looked_into(lab):
    deltalake = pytest.importorskip("deltalake")
    cat, folder = lab
    deltalake.write_deltalake(str(folder / "orders"), pa.table({"buyer": EMAILS, "n": list(range(PEOPLE))}))
    cat.crawl(classify=True)
    assert labels(cat, "lab/orders") == {"buyer": "email"}


def test_forgetting_the_silo_forgets_labels(lab):
    cat, _ = lab
    cat.crawl(classify=True)
    cat.remove_silo("lab")
    with closing(Database(cat.url)) as db:
        assert db.value("SELECT COUNT(*) FROM column_label") == 0
        assert db.value("SELECT COUNT(*) FROM classification") == 0


def test_a_schedule_looks_for_them_too(lab):
    cat, _ = lab
    assert cat.add_schedule("lab", "@daily", name="with", classify=True).classify is True
    assert cat.add_schedule("lab", "@weekly", name="without").classify is False
    assert cat.run_schedule("with").report["sensitive"] == 3
    assert names(cat, "label:iban") == ["people.csv"]


WORDS = st.text(st.characters(min_codepoint=0x61, max_codepoint=0x7A), min_size=9, max_size=14)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORDS, min_size=3, max_size=12, unique=True), st.integers(10**9, 10**10))
def test_no_value_is_left_in_the_catalog(tmp_path_factory, words, number):
    folder = tmp_path_factory.mktemp("planted")
    mails = [f"{word}@example.org" for word in words]
    secrets = [f"sk_live_{word}{word}" for word in words]
    phones = [f"+49 {number + n}" for n in range(len(words))]
    table = pa.table({"mail": mails, "key": secrets, "user": [{"tel": one} for one in phones]})
    (folder / "data").mkdir()
    pq.write_table(table, folder / "data" / "a.parquet")
    (folder / "data" / "b.jsonl").write_text("\n".join(json.dumps(row) for row in table.to_pylist()))
    (folder / "data" / "c.csv").write_text("\n".join(["mail,key", *map(",".join, zip(mails, secrets))]))
    with catalog.connect(folder / "c.db") as cat:
        cat.add_silo("lab", str(folder / "data"))
        (report,) = cat.crawl(classify=True)
        assert report.sensitive == 8
    stored = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    assert b"label" in stored and b"secret" in stored
    assert [value for value in (*words, *secrets, *phones) if value.encode() in stored] == []


def test_the_upgrade_keeps_schedules_and_labels_come_after(db_url, tmp_path):
    from alembic import command

    write_people(tmp_path / "lab")
    with catalog.connect(db_url) as cat:
        cat.add_silo("lab", str(tmp_path / "lab"))
        cat.crawl(classify=True)
        cat.add_schedule("lab", "@daily", classify=True)
    before = migrate.KNOWN[migrate.KNOWN.index("0006") - 1]
    command.downgrade(migrate.config(db_url), before)
    with closing(Database(db_url)) as db:
        assert db.value("SELECT COUNT(*) FROM schedule") == 1
    assert migrate.upgrade(db_url) == (before, migrate.HEAD)
    with catalog.connect(db_url) as cat:
        assert cat.schedule("lab").classify is False
        assert labels(cat, "lab/people.csv") is None
        cat.crawl(classify=True)
        assert labels(cat, "lab/people.csv") == {"contact": "email", "payout": "iban"}
