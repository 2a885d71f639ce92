"""The commands against a real folder and a real catalog."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

# What scripts rely on, written out: a key that changes its name breaks them.
HIT = [
    "id",
    "kind",
    "name",
    "uri",
    "silo",
    "format",
    "files",
    "bytes",
    "rows",
    "modified",
    "version",
    "owner",
    "tags",
]
FILE = ["path", "size", "modified", "etag", "format", "state"]
VERSION = ["number", "observed", "crawl", "files", "bytes", "rows", "fingerprint", "schema_digest", "changes"]


def test_a_silo_is_added_listed_shown_tested_and_forgotten(run, data, tmp_path, monkeypatch):
    monkeypatch.setenv("CATALOG_DB", str(tmp_path / "c.db"))
    added = run("silo", "add", "lab", data)
    assert (added.code, added.out) == (0, "") and "catalog crawl lab" in added.err
    (silo,) = run("silo", "ls", "-o", "json").json
    assert silo["name"] == "lab" and silo["files"] is None and silo["state"] is None
    assert run("silo", "show", "lab", "-o", "json").json == silo
    assert "lab" in run("silo", "show", "lab").out
    tested = run("silo", "test", "lab", "-o", "json").json
    assert tested["readable"] is True and tested["sample"]
    refused = run("silo", "rm", "lab")
    assert refused.code == 2 and "--yes" in refused.err
    assert run("silo", "rm", "lab", "--yes").code == 0
    assert run("silo", "ls", "-o", "json").json == []
    assert "catalog silo add" in run("silo", "ls").err
    assert data.exists()


def test_a_silo_that_does_not_exist(run, lab):
    for words in (
        ["silo", "show", "lob"],
        ["silo", "test", "lob"],
        ["silo", "rm", "lob", "-y"],
        ["crawl", "lob"],
    ):
        ran = run(*words, "-o", "json") if "rm" not in words else run(*words)
        assert ran.code == 3, words
        assert "lab" in ran.err, "the near name is offered"


def test_a_silo_whose_folder_is_gone_is_unreachable(run, tmp_path, monkeypatch):
    monkeypatch.setenv("CATALOG_DB", str(tmp_path / "c.db"))
    place = tmp_path / "gone"
    place.mkdir()
    (place / "a.csv").write_text("a\n1\n")
    assert run("silo", "add", "gone", place).code == 0
    (place / "a.csv").unlink()
    place.rmdir()
    assert run("silo", "test", "gone").code == 5
    crawled = run("crawl", "gone", "-o", "json")
    assert crawled.code == 5
    assert [one["state"] for one in crawled.json] == ["failed"]


def test_a_crawl_reports_what_changed(run, lab):
    (lab / "users.csv").write_text("id,name\n1,ann\n2,bob\n3,cid\n")
    (lab / "clicks" / "part-00002.parquet").unlink()
    (report,) = run("crawl", "-o", "json").json
    assert (report["state"], report["changed"], report["removed"], report["added"]) == ("complete", 1, 1, 0)
    assert report["failed"] == [] and report["listed"] == report["added"] + report["changed"] + report["unchanged"]
    (again,) = run("crawl", "lab", "--quick", "-o", "jsonl").jsonl
    assert (again["mode"], again["changed"], again["removed"]) == ("quick", 0, 0)


def test_a_folder_that_cannot_be_listed_makes_the_crawl_partial(run, lab):
    (lab / "notes").chmod(0)
    try:
        if os.access(lab / "notes", os.R_OK):
            pytest.skip("the superuser can list every folder")
        ran = run("crawl", "lab", "-o", "json")
    finally:
        (lab / "notes").chmod(0o755)
    assert ran.code == 4
    assert [one["prefix"] for one in ran.json[0]["failed"]] == ["notes"]
    assert ran.json[0]["removed"] == 0


def test_a_crawl_without_silos_says_what_to_do(run, tmp_path):
    ran = run("--db", tmp_path / "c.db", "crawl")
    assert ran.code == 0 and "catalog silo add" in ran.err
    assert run("--db", tmp_path / "c.db", "crawl", "-o", "json").json == []


def test_an_interrupted_crawl_reports_and_says_how_to_go_on(run, lab, monkeypatch):
    pressed = iter([KeyboardInterrupt])

    def stop(*_):
        for once in pressed:
            raise once

    monkeypatch.setattr("catalog.cli.progress.CrawlProgressBar.__call__", stop)
    ran = run("crawl", "lab", "--prefix", "clicks", "-o", "json")
    assert ran.code == 130
    assert "catalog crawl lab --prefix clicks" in ran.err and "Traceback" not in ran.err
    assert [one["state"] for one in ran.json] == ["cancelled"]


def test_progress_and_notices_never_reach_stdout(run, lab):
    assert run("crawl", "-o", "json").json
    assert run("crawl", "-q", "-o", "json").err == ""
    assert run("search", "no-such-thing", "-q").err == ""


def test_search_prints_the_same_hits_in_every_format(run, lab):
    hits = run("search", "clicks", "-o", "json").json
    assert hits and all(list(hit) == HIT for hit in hits)
    assert run("search", "clicks", "-o", "jsonl").jsonl == hits
    table = run("search", "clicks").out.splitlines()
    assert table[0].startswith("NAME") and len(table) == len(hits) + 1
    csv = run("search", "clicks", "-o", "csv").csv
    assert [row["name"] for row in csv] == [hit["name"] for hit in hits]
    assert list(csv[0]) == HIT
    clicks = next(hit for hit in hits if hit["name"].startswith("clicks"))
    assert (clicks["format"], clicks["files"], clicks["silo"], clicks["kind"]) == (
        "parquet",
        3,
        "lab",
        "dataset",
    )
    assert clicks["modified"].endswith("Z") and isinstance(clicks["bytes"], int)


def test_search_limits_and_says_so(run, lab):
    ran = run("search", "kind:file", "--limit", "2")
    assert len(ran.out.splitlines()) == 3 and "--limit 0" in ran.err
    every = run("search", "kind:file", "--limit", "0", "-o", "json").json
    assert len(every) == 5 == len(run("search", "kind:file", "-o", "json").json)


def test_search_excludes_with_a_dash(run, lab):
    names = {hit["name"] for hit in run("search", "-o", "json").json}
    without = {hit["name"] for hit in run("search", "-format:parquet", "-o", "json").json}
    assert without and without < names


def test_facets_count_what_the_query_matches(run, lab):
    counts = {
        (row["field"], row["value"]): row["count"] for row in run("search", "clicks", "--facets", "-o", "json").json
    }
    assert counts[("format", "parquet")] >= 1 and ("format", "csv") not in counts


def test_an_empty_search_says_what_to_drop(run, lab):
    ran = run("search", "clicks", "format:csv")
    assert (ran.code, ran.out) == (0, "")
    assert "No matches" in ran.err and "found by: " in ran.err
    assert run("search", "clicks", "format:csv", "-o", "json").json == []


def test_a_bad_query_is_a_usage_error(run, lab):
    ran = run("search", "formt:csv", "-o", "json")
    assert ran.code == 2
    assert json.loads(ran.err.splitlines()[-1])["error"]["kind"] == "query_error"


def asset(run, word):
    (first, *_) = run("search", word, "-o", "json").json
    return first


def test_show_has_the_promised_keys(run, lab):
    hit = asset(run, "clicks")
    shown = run("show", hit["id"], "-o", "json").json
    assert {key: shown[key] for key in HIT} == hit
    assert {"schema", "evidence", "description", "upstream", "downstream", "versions"} <= shown.keys()
    assert [field["path"] for field in shown["schema"]] == ["user_id", "url"]
    assert (shown["upstream"], shown["downstream"]) == ([], [])
    page = run("show", f"lab/{hit['name']}").out
    assert "user_id" in page and "parquet" in page


def test_files_of_an_asset_and_of_a_silo(run, lab):
    found = run("files", asset(run, "clicks")["id"], "-o", "json").json
    assert len(found) == 3 and all(list(row) == FILE for row in found)
    assert {row["state"] for row in found} == {"live"}
    every = run("files", "lab", "-o", "json").json
    assert len(every) == 5 and all(list(row) == FILE for row in every)
    assert {row["path"] for row in found} <= {row["path"] for row in every}
    assert "2 of 3" in run("files", asset(run, "clicks")["id"], "--limit", "2").err


def test_names_from_storage_are_made_safe(run, lab):
    for words in (
        ["files", "lab"],
        ["search", "kind:file"],
        ["files", "lab", "-o", "csv"],
        ["files", "lab", "-o", "json"],
    ):
        assert "\x1b" not in run(*words).out
    paths = {row["path"] for row in run("files", "lab", "-o", "json").json}
    assert "notes/evil\x1b[31m\nname.json" in paths, "JSON keeps the name as it is"


def test_schema_and_versions(run, lab):
    clicks = asset(run, "clicks")["id"]
    columns = run("schema", clicks, "-o", "jsonl").jsonl
    assert [(one["path"], one["type"], one["nullable"]) for one in columns] == [
        ("user_id", "int64", True), ("url", "string", True)
    ]  # fmt: skip
    (lab / "clicks" / "part-00002.parquet").unlink()
    assert run("crawl").code == 0
    versions = run("versions", clicks, "-o", "json").json
    assert [one["number"] for one in versions] == [2, 1]
    assert all(list(one) == VERSION for one in versions)
    assert [one["files"] for one in versions] == [2, 3]


def test_the_past_can_be_asked(run, lab):
    clicks = asset(run, "clicks")["id"]
    (lab / "clicks" / "part-00002.parquet").unlink()
    time.sleep(1.1)  # times on the command line are whole seconds
    before = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    time.sleep(1.1)
    assert run("crawl").code == 0
    assert len(run("files", clicks, "-o", "json").json) == 2
    assert len(run("files", clicks, "--at", before, "-o", "json").json) == 3
    assert run("show", clicks, "--at", before, "-o", "json").json["files"] == 3
    assert run("schema", clicks, "--at", before, "-o", "json").json
    assert run("show", clicks, "--at", "2001-01-01").code == 3


@pytest.mark.parametrize("command", ["show", "files", "schema", "versions", "annotate --owner ann"])
def test_what_is_not_there_is_not_found(run, lab, command):
    ran = run(*command.split(), "nothing")
    assert (ran.code, ran.out) == (3, "") and "hint: " in ran.err


def test_annotations_are_found_and_taken_back(run, lab):
    clicks = asset(run, "clicks")["id"]
    said = run("annotate", clicks, "--owner", "ann", "--tag", "pii", "--tag", "raw", "--describe", "Web clicks.")
    assert (said.code, said.out) == (0, "")
    assert run("annotate", clicks, "--untag", "raw").code == 0
    shown = run("show", clicks, "-o", "json").json
    assert (shown["owner"], shown["tags"], shown["description"]) == ("ann", ["pii"], "Web clicks.")
    assert [hit["id"] for hit in run("search", "owner:ann", "tag:pii", "-o", "json").json] == [clicks]
    assert run("crawl", "--full").code == 0
    assert run("show", clicks, "-o", "json").json["owner"] == "ann"


@pytest.mark.parametrize("words", [["search", "x"], ["show", "x"], ["db", "check"]], ids=" ".join)
def test_reading_a_catalog_that_does_not_exist_creates_none(run, tmp_path, words):
    ran = run("--db", tmp_path / "none.db", *words)
    assert ran.code in (1, 3) and "none.db" in ran.err and "Traceback" not in ran.err
    assert not (tmp_path / "none.db").exists()


def test_the_database_is_upgraded_checked_and_backed_up(run, lab, tmp_path):
    assert "up to date" in run("db", "upgrade").err
    checked = run("db", "check")
    assert (checked.code, checked.out) == (0, "") and "sound" in checked.err
    assert run("db", "check", "-o", "json").json == []
    copy = tmp_path / "copy.db"
    assert run("db", "backup", copy).code == 0
    assert run("--db", copy, "search", "clicks", "-o", "json").json == run("search", "clicks", "-o", "json").json
    assert run("db", "backup", copy).code == 1, "a backup never overwrites"


def test_damage_is_found(run, lab, tmp_path):
    with sqlite3.connect(tmp_path / "catalog.db") as raw:
        raw.execute("UPDATE directory SET own_files = own_files + 1")
    ran = run("db", "check", "-o", "json")
    assert ran.code == 6 and ran.json
    assert run("doctor").code == 6


def test_a_new_database_can_be_made_beforehand(run, tmp_path):
    assert "none ->" in run("--db", tmp_path / "new.db", "db", "upgrade").err
    assert run("--db", tmp_path / "new.db", "silo", "ls", "-o", "json").json == []


def test_the_global_options_stand_on_either_side(run, lab, tmp_path, monkeypatch):
    monkeypatch.delenv("CATALOG_DB")
    db = tmp_path / "catalog.db"
    for words in (
        ["--db", db, "search", "clicks"],
        ["search", "--db", db, "clicks"],
        ["search", "clicks", f"--db={db}"],
    ):
        assert "clicks" in run(*words).out
    assert run("silo", "--db", db, "ls", "-o", "json").json[0]["name"] == "lab"


def test_completion_offers_commands_silos_and_assets(lab, tmp_path):
    def completed(line):
        words = line.split(" ")
        environment = {
            **os.environ,
            "_CATALOG_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        }
        program = [sys.executable, "-c", "import sys; from catalog.cli import main; sys.exit(main())"]
        ran = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=60)
        assert ran.stderr == ""
        return ran.stdout.split()

    assert completed("catalog se") == ["search", "serve"]
    assert completed("catalog silo ") == ["add", "ls", "show", "test", "rm"]
    assert completed("catalog crawl l") == ["lab"]
    assert completed("catalog show l") == ["lab/"]
    assert completed("catalog search -o js") == ["json", "jsonl"]
    assert any("clicks" in name for name in completed("catalog show lab/c"))
    assert completed("catalog search is:bro") == ["is:broken"]
    assert completed("catalog --db /no/such.db crawl l") == []


def test_a_table_of_a_terminal_fits_it(run, lab, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    lines = run("search", "--no-color").out.splitlines()
    assert lines and max(map(len, lines)) <= 100
