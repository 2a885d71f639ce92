"""`catalog lineage`, and how names that no crawl has found look everywhere else."""

from __future__ import annotations

import gzip
import io
import json
import sys

import pytest
from harness.events import at, dataset, event, facet, schema, symlink, write

from catalog.cli.lineage import IMPORT_KEYS, PENDING_KEYS, RECORD_KEYS


@pytest.fixture
def events(tmp_path, data):
    """A file of sound events about the folder of the lab and about a bucket."""
    return write(
        tmp_path / "events.ndjson",
        [
            event("START", 1, "daily", [dataset("file", str(data / "clicks"))], []),
            event("COMPLETE", 1, "daily", [dataset("file:", f"{data}/users.csv")], [dataset("s3a://lake", "/out", schema=schema("total", "day"))], 1),
        ],
    )  # fmt: skip


@pytest.fixture
def mixed(tmp_path, events):
    path = tmp_path / "mixed.ndjson"
    odd = event("WHAT", 3, "odd", [dataset("s3://lake", "t")], [dataset("s3://lake", "t")], eventTime=at(3))
    path.write_text(
        events.read_text()
        + "not json\n"
        + json.dumps(event("START", 2, eventTime="never"))
        + "\n"
        + json.dumps(odd)
        + "\n"
    )
    return path


# ---------------------------------------------------------------- import


def test_importing_says_what_is_new(run, lab, events):
    ran = run("lineage", "import", events)
    assert ran.code == 0
    first, second = ran.out.splitlines()
    assert first.startswith("2 events read in ") and first.endswith(": 2 new, 0 known already, 0 rejected")
    assert second == "  new: 1 run, 1 asset, 2 edges"
    again = run("lineage", "import", events)
    assert again.code == 0 and "0 new, 2 known already, 0 rejected" in again.out


def test_importing_as_json(run, lab, events):
    found = run("lineage", "import", events, "-o", "json").json
    assert list(found) == list(IMPORT_KEYS)
    seconds = found.pop("seconds")
    assert seconds >= 0 and found == {
        "read": 2, "accepted": 2, "repeated": 0, "rejected": 0, "runs": 1, "assets": 1, "edges": 2, "warnings": [], "failed": []
    }  # fmt: skip


def test_what_cannot_be_read_is_named_with_its_place(run, lab, mixed):
    ran = run("lineage", "import", mixed)
    assert ran.code == 4
    assert ran.out.splitlines()[2:] == [
        "  rejected:",
        f"    {mixed}:3: it is not JSON (Expecting value at column 1)",
        f"    {mixed}:4: its eventTime 'never' is no time",
        "  warnings:",
        f"    {mixed}:5: it reads and writes 't': no dataset is made from itself",
        f"    {mixed}:5: its eventType 'WHAT' is none of START, RUNNING, COMPLETE, ABORT, FAIL, OTHER",
    ]
    found = run("lineage", "import", mixed, "-o", "json")
    assert found.code == 4
    assert found.json["failed"][1] == {"place": f"{mixed}:4", "reason": "its eventTime 'never' is no time"}


def test_nothing_that_can_be_read_is_a_failure(run, lab, tmp_path):
    path = tmp_path / "broken.json"
    path.write_text("nothing of this\nis JSON\n")
    ran = run("lineage", "import", path)
    assert ran.code == 1 and "2 rejected" in ran.out


def test_an_empty_file_is_no_failure(run, lab, tmp_path):
    (tmp_path / "empty").touch()
    ran = run("lineage", "import", tmp_path / "empty")
    assert (ran.code, ran.err) == (0, "There were no events to read.\n")


def test_a_missing_file_is_a_mistake_of_the_caller(run, lab, events, tmp_path):
    ran = run("lineage", "import", events, tmp_path / "missing")
    assert ran.code == 2
    assert f"error: There is no file '{tmp_path}/missing'." in ran.err and "hint:" in ran.err
    assert run("lineage", "import").code == 2
    assert run("lineage", "pending").out == ""  # nothing was imported


def test_many_rejected_lines_are_not_all_shown(run, lab, tmp_path):
    path = tmp_path / "many.ndjson"
    path.write_text("{}\n" * 3000)
    ran = run("lineage", "import", path)
    assert ran.code == 1 and len(ran.out.splitlines()) == 24
    assert "… and 2,980 more" in ran.out
    found = run("lineage", "import", path, "-o", "json").json
    assert found["rejected"] == 3000 and len(found["failed"]) == 1000


def test_events_from_standard_input_and_folders(run, lab, events, tmp_path, monkeypatch):
    packed = io.BytesIO(gzip.compress(events.read_bytes()))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(packed)))
    assert "2 new" in run("lineage", "import", "-").out
    (tmp_path / "folder").mkdir()
    events.rename(tmp_path / "folder" / "e.ndjson")
    assert "2 known already" in run("lineage", "import", tmp_path / "folder").out


def test_importing_makes_the_catalog(run, events, tmp_path):
    ran = run("--db", tmp_path / "new.db", "lineage", "import", events)
    assert ran.code == 0 and "2 new" in ran.out


# ---------------------------------------------------------------- record


def test_recording_from_a_shell(run, lab):
    ran = run(
        "lineage",
        "record",
        "--job",
        "train",
        "--reads",
        "lab/clicks",
        "--trains",
        "churn-v5",
        "--metric",
        "auc=0.93",
        "--code",
        "git:abc1234",
    )
    assert ran.code == 0
    assert ran.err == "Recorded a run of 'train': 1 input, 1 output.\n"
    (run_id,) = ran.out.split()
    last = json.loads(run("lineage", "export").out.splitlines()[-1])
    assert last["run"]["runId"] == run_id and last["eventType"] == "COMPLETE"
    assert last["job"]["facets"]["sourceCodeLocation"]["version"] == "abc1234"
    assert last["outputs"][0]["outputFacets"]["silograph_training"]["metrics"] == {"auc": 0.93}


def test_recording_as_json(run, lab, data):
    found = run(
        "lineage", "record", "--job", "j", "--namespace", "team", "--reads", f"{data}/users.csv", "--writes", "s3a://lake/x/", "-o", "json"
    ).json  # fmt: skip
    assert list(found) == list(RECORD_KEYS)
    assert found | {"run": ""} == {
        "run": "", "namespace": "team", "job": "j", "inputs": [f"file://{data}/users.csv"], "outputs": ["s3://lake/x"]
    }  # fmt: skip
    child = run("lineage", "record", "--job", "k", "--writes", "s3://lake/y", "--parent", found["run"])
    assert child.code == 0
    facets = json.loads(run("lineage", "export").out.splitlines()[-1])["run"]["facets"]
    assert facets["parent"]["run"]["runId"] == found["run"] and facets["parent"]["job"] == {
        "namespace": "team",
        "name": "j",
    }


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--job", "j"], 2, "A run that read and wrote nothing leaves no trace."),
        (["--reads", "lab/clicks"], 2, "--job"),
        (["--job", "j", "--reads", "nosuch"], 3, "Nothing in the catalog is called 'nosuch'."),
        (["--job", "j", "--reads", "lab/clicks", "--metric", "auc=1"], 2, "--metric measures a model."),
        (["--job", "j", "--trains", "m", "--metric", "auc"], 2, "--metric takes NAME=VALUE, not 'auc'."),
        (["--job", "j", "--reads", "lab/clicks", "--parent", "x"], 2, "'x' is no run's id."),
    ],
)
def test_mistakes_in_recording(run, lab, words, code, told):
    ran = run("lineage", "record", *words)
    assert (ran.code, ran.out) == (code, "")
    assert told in ran.err


# ---------------------------------------------------------------- pending


def test_pending_says_what_to_do_next(run, lab, data, tmp_path):
    path = write(
        tmp_path / "e.ndjson",
        [
            event(
                "COMPLETE", 1, "j",
                [dataset("s3://lake", "a"), dataset("s3://lake", "b"), dataset("hive://m:1", "d.t"), dataset("hf", "org/m"), dataset("file://nas", "/x")],
                [dataset("file", "/other/deep/y.csv"), dataset("file", "/other/z.csv"), dataset("file", str(data / "late.csv")), dataset("hdfs://nn:8020", "/w"), dataset("model", "m")],
            )
        ],
    )  # fmt: skip
    run("lineage", "import", path)
    found = {row["uri"]: row for row in run("lineage", "pending", "-o", "jsonl").jsonl}
    assert all(list(row) == list(PENDING_KEYS) for row in found.values())
    assert {uri: row["next"] for uri, row in found.items()} == {
        "s3://lake/a": "catalog silo add NAME s3://lake",
        "s3://lake/b": "catalog silo add NAME s3://lake",
        "file:///other/deep/y.csv": "catalog silo add NAME /other",
        "file:///other/z.csv": "catalog silo add NAME /other",
        f"file://{data}/late.csv": "catalog crawl lab",
        "file://nas/x": "a file of another machine: mount it, and add the mounted folder",
        "hdfs://nn:8020/w": "no silo reads hdfs: yet",
        "hive://m:1/d.t": "a table or topic: nothing to crawl",
        "hf://org/m": "a repository on the hub: nothing to crawl",
        "model:m": "a model known by its name alone",
    }
    one = found["s3://lake/a"]
    assert (one["named_by"], one["reads"], one["writes"], one["silo"]) == ("job etl/j", 5, 0, None)
    table = run("lineage", "pending")
    assert table.out.splitlines()[0].split() == ["NAME", "KIND", "NAMED", "BY", "READ", "WRITTEN", "NEXT"]
    assert "2 names could be found by: catalog silo add NAME s3://lake\n" in table.err
    run("crawl", "lab")
    (late,) = [row for row in run("lineage", "pending", "-o", "json").json if row["silo"]]
    assert late["next"].startswith("not in 'lab' when it was crawled (20")
    (data / "late.csv").write_text("a\n1\n")
    run("crawl", "lab")
    assert [row for row in run("lineage", "pending", "-o", "json").json if row["silo"]] == []


def test_nothing_is_pending_when_all_was_found(run, lab, events):
    ran = run("lineage", "pending")
    assert (ran.code, ran.out, ran.err) == (0, "", "Everything that lineage names was found.\n")
    assert run("lineage", "pending", "-o", "json").json == []
    assert run("lineage", "export").err == "There are no events yet. Import some: catalog lineage import FILE\n"


# ---------------------------------------------------------------- names, elsewhere


def test_names_are_searched_shown_and_completed_like_datasets(run, lab, events):
    run("lineage", "import", events)
    (hit,) = run("search", "total", "-o", "json").json
    assert (hit["name"], hit["uri"], hit["silo"], hit["files"], hit["bytes"], hit["version"]) == (
        "out",
        "s3://lake/out",
        "",
        None,
        None,
        None,
    )
    assert hit["modified"] == at(1)
    for reference in ("out", "s3://lake/out", "s3a://lake//out/", "s3n://LAKE/out", str(hit["id"])):
        shown = run("show", reference, "-o", "json").json
        assert shown["id"] == hit["id"]
    assert shown["evidence"] == "named by job etl/daily; no crawl has found it" and shown["rule"] == "named"
    assert [one["path"] for one in shown["schema"]] == ["total", "day"]
    page = run("show", "s3://lake/out").out
    assert (
        "named by job etl/daily; no crawl has found it (named, 90%)" in page
        and "holds" not in page
        and "1970" not in page
    )
    assert run("files", "s3://lake/out").code == 0
    assert run("versions", "s3://lake/out").out == ""
    assert run("schema", "s3://lake/out").out.splitlines()[1].startswith("total")
    assert [one["uri"] for one in run("search", "rule:named", "-o", "json").json] == ["s3://lake/out"]
    assert [one["uri"] for one in run("search", "files:<5 out", "-o", "json").json] == []
    line = next(line for line in run("search", "rule:named").out.splitlines() if line.startswith("out"))
    assert line.split()[1:] == ["-", "dataset", "-", "?", "?", "2026-03-01", "00:01:00", "-", "-"]


def test_two_names_of_one_dataset_lead_to_it(run, lab, data, tmp_path):
    path = write(
        tmp_path / "e.ndjson",
        [
            event(
                "COMPLETE",
                1,
                "j",
                [dataset("file", f"{data}/clicks", symlinks=symlink("hive://m:9083", "web.clicks"))],
                [],
            )
        ],
    )
    run("lineage", "import", path)
    shown = run("show", "lab/clicks", "-o", "json").json
    assert run("show", "hive://m:9083/web.clicks", "-o", "json").json["id"] == shown["id"]
    assert run("search", "web.clicks", "-o", "json").json[0]["id"] == shown["id"]


def test_a_merged_id_goes_on_leading_to_the_asset(run, lab, data, tmp_path):
    later = data / "later.csv"
    path = write(
        tmp_path / "e.ndjson",
        [event("COMPLETE", 1, "j", [], [dataset("file", str(later), documentation=facet(description="Told."))])],
    )
    run("lineage", "import", path)
    (named,) = run("search", "later", "-o", "json").json
    run("annotate", named["id"], "--tag", "pii")
    later.write_text("a\n1\n")
    crawled = run("crawl", "lab")
    assert "note: 1 name that lineage knew is found now." in crawled.out
    (hit,) = run("search", "later", "-o", "json").json
    assert hit["id"] != named["id"] and hit["tags"] == ["pii"] and hit["silo"] == "lab"
    shown = run("show", named["id"], "-o", "json").json
    assert shown["id"] == hit["id"] and shown["description"] == "Told."
    assert run("search", "rule:named", "-o", "json").json == []
    assert run("search", "later is:removed", "-o", "json").json == []


def test_a_name_has_nothing_to_open(run, lab, events):
    import catalog

    run("lineage", "import", events)
    with catalog.connect(read_only=True) as cat:
        found = cat.dataset("s3://lake/out")
        assert repr(found) == "<Dataset s3://lake/out: known by name, no crawl has found it>"
        assert "s3://lake/out" in repr(cat.search("rule:named")) and "s3://lake/out" in found._repr_html_()
        with pytest.raises(catalog.errors.NotFound) as refused:
            found.to_arrow()
        assert refused.value.hint == "catalog lineage pending tells which silo to add or crawl"


def test_removing_a_silo_keeps_what_jobs_said(run, lab, events):
    run("lineage", "import", events)
    assert run("silo", "rm", "lab", "--yes").code == 0
    names = {row["uri"] for row in run("lineage", "pending", "-o", "json").json}
    assert names == {f"file://{lab}/clicks", f"file://{lab}/users.csv", "s3://lake/out"}
    assert run("db", "check").code == 0
