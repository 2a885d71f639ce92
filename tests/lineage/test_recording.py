"""Recorded runs: what a block of work reads, writes and trains, without ever standing in its way."""

from __future__ import annotations

import json
import os
import time
import warnings
from pathlib import Path
from uuid import UUID

import pytest

import catalog
from catalog.api.recording import new_run_id
from catalog.errors import NotFound, StoreReadOnly
from catalog.lineage.openlineage.events import parse
from catalog.store import migrate

CSV = "a,b\n1,2\n"


@pytest.fixture
def lab(tmp_path):
    """A folder with two datasets."""
    root = tmp_path / "lab"
    (root / "out").mkdir(parents=True)
    (root / "users.csv").write_text(CSV)
    for number in range(2):
        (root / "out" / f"part-{number:05}.csv").write_text(CSV)
    return root


@pytest.fixture
def cat(db_url, lab):
    with catalog.connect(db_url) as made:
        made.add_silo("lab", str(lab))
        made.crawl()
        yield made


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


def edges(cat):
    rows = cat._db.all(
        "SELECT s.path, t.path, e.kind, e.evidence, o.uri FROM edge e JOIN asset s ON s.id = e.source_id "
        "JOIN asset t ON t.id = e.target_id JOIN origin o ON o.id = e.origin_id WHERE e.retracted_ns IS NULL"
    )
    return set(rows)


def runs(cat):
    return cat._db.all(
        "SELECT r.uuid, j.namespace, j.name, r.state FROM run r JOIN job j ON j.id = r.job_id ORDER BY r.id"
    )


def test_a_block_is_a_run(cat, lab):
    with cat.record("features.daily", code="git:https://git.example.com/etl@abc1234") as run:
        assert runs(cat) == [(run.id, "default", "features.daily", "start")]
        run.reads(cat.dataset("lab/users.csv"))
        run.writes("s3a://lake/features/")
    assert runs(cat) == [(run.id, "default", "features.daily", "complete")]
    assert edges(cat) == {("users.csv", "features", "derived", "declared", "record")}
    facts = json.loads(cat._db.value("SELECT facts FROM job"))
    assert facts["code"] == {"type": "git", "url": "https://git.example.com/etl", "version": "abc1234"}
    assert repr(run) == f"<Run {run.id} of features.daily: 1 read, 1 written>"


def test_everything_that_names_a_dataset(cat, lab, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    by_id = cat.dataset("lab/out").id
    with cat.record("j", namespace="team") as run:
        run.reads("lab/users.csv", str(lab / "users.csv"), lab / "users.csv", f"file://{lab}/users.csv", "users.csv")
        run.reads(str(by_id), lab / "out", "lab/out/part-00000.csv", cat.dataset(by_id))
        run.writes("new/file.parquet", Path("other.bin"), "hf://datasets/org/name", "postgresql://h/db.s.t")
    made = {row[0] for row in cat._db.all("SELECT path FROM asset WHERE rule = 'named'")}
    assert made == {f"{tmp_path}/new/file.parquet", f"{tmp_path}/other.bin", "datasets/org/name", "db.s.t"}
    assert {source for source, *_ in edges(cat)} == {"users.csv", "out"}


def test_models_are_trained_with_their_metrics(cat):
    with cat.record("train") as run:
        run.reads("lab/users.csv", "hf://org/base")
        run.trains("churn-v5", metrics={"auc": 0.93, "epochs": 3, "loss": float("nan"), "note": "first"})
        run.trains("/models/churn.safetensors")
    assert {(source, target, kind) for source, target, kind, *_ in edges(cat)} == {
        ("users.csv", "churn-v5", "trained"), ("org/base", "churn-v5", "based"),
        ("users.csv", "/models/churn.safetensors", "trained"), ("org/base", "/models/churn.safetensors", "based"),
    }  # fmt: skip
    assert cat.dataset("model:churn-v5").kind == "model"
    told = [json.loads(row[0]) for row in cat._db.all("SELECT facts FROM run_asset WHERE facts IS NOT NULL")]
    assert {"metrics": {"auc": 0.93, "epochs": 3, "loss": "nan", "note": "first"}} in told


def test_numbers_of_other_libraries_are_numbers(cat):
    numpy = pytest.importorskip("numpy")
    with cat.record("train") as run:
        run.reads("lab/users.csv")
        run.trains("m", metrics={"f32": numpy.float32(0.5), "i64": numpy.int64(7), "inf": numpy.float64("inf")})
    (told,) = [json.loads(row[0]) for row in cat._db.all("SELECT facts FROM run_asset WHERE facts IS NOT NULL")]
    assert told["metrics"] == {"f32": 0.5, "i64": 7.0, "inf": "inf"}


def test_the_version_that_was_read_is_kept(cat, lab):
    with cat.record("j") as run:
        run.reads("lab/users.csv@1")
        run.writes("s3://b/x")
    row = cat._db.one("SELECT label, version FROM run_asset WHERE role = 'input'")
    assert row == ("1", 1)
    assert cat._db.one("SELECT source_version, target_version FROM edge") == (1, None)


@pytest.mark.parametrize(("error", "state"), [(ValueError("no \x1b[31mway"), "fail"), (KeyboardInterrupt(), "abort")])
def test_a_block_that_fails_is_a_run_that_failed(cat, error, state):
    with pytest.raises(type(error)), cat.record("j") as run:
        run.reads("lab/users.csv")
        run.writes("s3://b/x")
        raise error
    assert runs(cat) == [(run.id, "default", "j", state)]
    assert edges(cat) == set()
    told = json.loads(cat._db.value("SELECT facts FROM run"))
    assert told["error"].startswith(type(error).__name__) and "\x1b" not in told["error"]


def test_runs_within_runs(cat):
    with cat.record("dag") as outer:
        with cat.record("task", parent=outer) as inner:
            inner.writes("s3://b/x")
        with cat.record("other", parent=outer.id) as second:
            second.writes("s3://b/y")
    found = dict(cat._db.all("SELECT uuid, parent_uuid FROM run"))
    assert found == {outer.id: None, inner.id: outer.id, second.id: outer.id}
    facts = [
        json.loads(row[0])["parent_job"] for row in cat._db.all("SELECT facts FROM run WHERE parent_uuid IS NOT NULL")
    ]
    assert facts == [{"namespace": "default", "name": "dag"}] * 2


# ---------------------------------------------------------------- what goes wrong


def test_what_is_not_known_is_a_warning_and_the_rest_is_recorded(cat):
    told = "Lineage of 'j' is not recorded: Nothing in the catalog is called 'nosuch'"
    with pytest.warns(RuntimeWarning, match=told) as caught, cat.record("j") as run:
        run.reads("nosuch", "lab/users.csv")
        run.writes("s3://b/x")
    assert [one.filename for one in caught] == [__file__]
    assert len(edges(cat)) == 1


def test_strict_recording_raises(cat):
    with pytest.raises(NotFound), cat.record("j", strict=True) as run:
        run.reads("nosuch")
    assert runs(cat)[0][3] == "fail"


def test_a_catalog_that_cannot_be_written_stops_nobody(cat, db_url):
    done = []
    with catalog.connect(db_url, read_only=True) as reader:
        with pytest.warns(RuntimeWarning, match="opened for reading only"), reader.record("j") as run:
            run.reads("lab/users.csv")
            done.append(True)
        with pytest.raises(StoreReadOnly), reader.record("j", strict=True):
            done.append("never")
        with pytest.warns(RuntimeWarning), pytest.raises(ZeroDivisionError), reader.record("j"):
            1 / 0  # noqa: B018
    assert done == [True]
    assert runs(cat) == []


def test_a_parent_that_is_none_is_a_warning(cat):
    with pytest.warns(RuntimeWarning, match="'nonsense' is no run's id"), cat.record("j", parent="nonsense"):
        pass


# ---------------------------------------------------------------- out and in again


def test_an_export_makes_the_same_graph_again(cat, db_url, lab, tmp_path):
    from harness.events import at, dataset, event, write

    cat.import_lineage(
        write(tmp_path / "e.ndjson", [event("START", 1, "a", [dataset("s3://x", "é")], []), event("COMPLETE", 1, "a", [], [dataset("file", str(lab / "users.csv"))], 1), event("COMPLETE", 2, "odd\u2028", [dataset("s3://x", "é")], [], 2, extra=at(0))])
    )  # fmt: skip
    with cat.record("j") as run:
        run.reads("lab/users.csv", "lab/out")
        run.trains("m", metrics={"auc": 0.5})
    lines = list(cat.export_lineage())
    assert len(lines) == 5 and all("\n" not in line and json.loads(line) for line in lines)
    moments = [parse(json.loads(line)).time_ns for line in lines]
    assert moments == sorted(moments)
    out = tmp_path / "out.ndjson"
    out.write_text("".join(f"{line}\n" for line in lines))
    url = f"sqlite:///{tmp_path / 'second.db'}"
    migrate.upgrade(url)
    with catalog.connect(url) as second:
        second.add_silo("lab", str(lab))
        second.crawl()
        report = second.import_lineage(out)
        assert (report.accepted, report.rejected) == (5, 0)
        assert edges(second) == edges(cat)
        assert [row[1:] for row in runs(second)] == [row[1:] for row in runs(cat)]
        assert second.import_lineage(out).repeated == 5
        assert list(second.export_lineage()) == lines


def test_ids_of_runs_sort_by_time():
    ids = []
    for _ in range(20):
        ids.append(new_run_id())
        time.sleep(0.002)
    assert ids == sorted(ids) and len(set(ids)) == 20
    assert {(UUID(one).version, UUID(one).variant) for one in ids} == {
        (7, UUID(os.urandom(16).hex(), version=4).variant)
    }
    assert abs((UUID(ids[0]).int >> 80) - time.time() * 1000) < 60_000
