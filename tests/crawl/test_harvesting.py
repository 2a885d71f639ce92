"""Crawls that meet evidence: what it claims becomes edges, and they follow the files that told them."""

from __future__ import annotations

import json
import shutil
import uuid
from contextlib import closing
from pathlib import Path

import pytest
from crawl_bench import Bench

from catalog.crawl import crawl_silo, harvesting
from catalog.errors import EntryMissing, SiloRefused, SiloUnreachable
from catalog.lineage.evidence import registry
from catalog.silos.memory import MemorySilo
from catalog.silos.registry import open_silo
from catalog.store import crawls, migrate
from catalog.store.engine import Database

FIXTURES = Path(__file__).parents[2] / "fixtures" / "evidence"
LOCK = """\
schema: '2.0'
stages:
  clean:
    cmd: python clean.py
    deps:
    - path: {source}
      hash: md5
      md5: 0cc175b9c0f1b6a831c399e269772661
    outs:
    - path: clean.csv
      hash: md5
      md5: 92eb5ffee6ae2fec3ad71c777531578f
"""
PIPELINE = "stages:\n  clean:\n    cmd: python clean.py\n    deps: [raw.csv]\n    outs: [clean.csv]\n"
CSV = "a,b\n1,2\n"
LOG = "t/_delta_log"


def edges(bench: Bench, *, live: bool = True):
    """(source, kind, target) by the last part of their names."""
    rows = bench.rows(
        "SELECT a.name, e.kind, b.name FROM edge e JOIN asset a ON a.id = e.source_id JOIN asset b ON b.id = e.target_id "
        f"WHERE e.retracted_ns IS {'NULL' if live else 'NOT NULL'} AND e.kind <> 'holds'"
    )
    return sorted((source.rpartition("/")[2], kind, target.rpartition("/")[2]) for source, kind, target in rows)


def told(bench: Bench):
    """What a script would see of lineage, and the rows that an unchanged crawl must leave alone."""
    return {table: bench.rows(f"SELECT * FROM {table} ORDER BY id") for table in ("edge", "origin", "asset", "job")}


def findings(bench: Bench):
    rows = bench.rows("SELECT d.path, i.name, i.finding, i.finding_detail FROM inspection i "
                      "JOIN directory d ON d.id = i.directory_id WHERE i.finding IS NOT NULL")  # fmt: skip
    return {f"{path}/{name}".lstrip("/"): (finding, detail) for path, name, finding, detail in rows}


def project(bench, source="raw.csv"):
    for name in ("raw.csv", "other.csv", "clean.csv"):
        bench.write(f"p/{name}", CSV)
    bench.write("p/clean.py", "print()")
    bench.write("p/dvc.lock", LOCK.format(source=source))


# ---------------------------------------------------------------- first, unchanged, changed, gone


def test_the_first_crawl_reads_what_tells_of_lineage_and_says_why_it_believes(tree):
    project(tree)
    report = tree.crawl()
    assert (report.evidence, report.lineage) == (1, 1)
    assert edges(tree) == [("raw.csv", "derived", "clean.csv")]
    ((evidence, confidence, field, line, detail, origin, silo, job),) = tree.rows(
        "SELECT e.evidence, e.confidence, e.field, e.line, e.detail, o.uri, o.silo_id, j.name FROM edge e "
        "JOIN origin o ON o.id = e.origin_id JOIN job j ON j.id = e.job_id"
    )
    assert (evidence, confidence, field, line, detail) == ("proof", 1.0, "stages.clean.deps[0]", 6, "python clean.py")
    assert origin == (tree.folder / "p/dvc.lock").as_uri()
    assert job == f"{tree.folder}/p/dvc.yaml:clean"
    assert silo is not None


def test_the_ends_are_the_assets_that_the_crawl_found(tree):
    project(tree)
    tree.crawl()
    assert tree.rows("SELECT a.silo_id IS NULL, b.silo_id IS NULL FROM edge e JOIN asset a ON a.id = e.source_id "
                     "JOIN asset b ON b.id = e.target_id") == [(False, False)]  # fmt: skip


@pytest.mark.parametrize("mode", ["normal", "quick", "full"])
def test_an_unchanged_crawl_reads_no_evidence_and_writes_no_row(tree, mode):
    project(tree)
    tree.write("m/README.md", "---\nbase_model: acme/chat\n---\n")
    tree.age()
    tree.crawl()
    before = told(tree)
    report = tree.crawl(mode=mode)
    assert (report.evidence, report.lineage, report.inspected) == (0, 0, 0)
    assert told(tree) == before


def test_a_crawl_that_changed_something_else_leaves_edges_alone(tree):
    project(tree)
    tree.crawl()
    before = tree.rows("SELECT * FROM edge")
    tree.write("elsewhere/x.csv", CSV)
    assert tree.crawl().evidence == 0
    tree.write("p/more.csv", CSV)
    assert tree.crawl().lineage == 0
    assert tree.rows("SELECT * FROM edge") == before


def test_a_changed_file_takes_back_what_it_does_not_claim_any_more(tree):
    project(tree)
    tree.crawl()
    tree.write("p/dvc.lock", LOCK.format(source="other.csv"))
    report = tree.crawl()
    assert (report.evidence, report.lineage) == (1, 1)
    assert edges(tree) == [("other.csv", "derived", "clean.csv")]
    assert edges(tree, live=False) == [("raw.csv", "derived", "clean.csv")]


def test_what_a_removed_file_claimed_is_taken_back(tree):
    project(tree)
    tree.crawl()
    (tree.folder / "p/dvc.lock").unlink()
    assert tree.crawl().lineage == 0
    assert edges(tree) == []
    assert edges(tree, live=False) == [("raw.csv", "derived", "clean.csv")]
    tree.write("p/dvc.lock", LOCK.format(source="raw.csv"))
    assert tree.crawl().lineage == 1
    assert edges(tree) == [("raw.csv", "derived", "clean.csv")]


def test_a_removed_folder_takes_its_claims_with_it(tree):
    project(tree)
    tree.write("keep.csv", CSV)
    tree.crawl()
    shutil.rmtree(tree.folder / "p")
    tree.crawl()
    assert edges(tree) == []


def test_a_pipeline_is_believed_until_its_lock_proves_it_and_again_when_the_lock_is_gone(tree):
    def kinds():
        return tree.rows("SELECT evidence FROM edge WHERE retracted_ns IS NULL")

    for name in ("raw.csv", "clean.csv"):
        tree.write(f"p/{name}", CSV)
    tree.write("p/dvc.yaml", PIPELINE)
    tree.crawl()
    assert kinds() == [("declared",)]
    tree.write("p/dvc.lock", LOCK.format(source="raw.csv"))
    tree.crawl()
    assert kinds() == [("proof",)]
    (tree.folder / "p/dvc.lock").unlink()
    tree.crawl()
    assert kinds() == [("declared",)]


def test_the_working_folder_in_the_pipeline_moves_what_its_lock_tells(tree):
    project(tree)
    for name in ("raw.csv", "clean.csv"):
        tree.write(f"p/in/{name}", CSV)
    tree.crawl()
    tree.write("p/dvc.yaml", PIPELINE.replace("    cmd", "    wdir: in\n    cmd"))
    tree.crawl()
    rows = tree.rows("SELECT a.name FROM edge e JOIN asset a ON a.id = e.source_id WHERE e.retracted_ns IS NULL")
    assert rows == [(f"{tree.folder}/p/in/raw.csv",)]


# ---------------------------------------------------------------- broken files


def test_a_broken_file_is_a_finding_and_what_it_claimed_stays(tree):
    project(tree)
    tree.crawl()
    tree.write("p/dvc.lock", LOCK.format(source="raw.csv") + "<<<<<<< HEAD\n  x: [\n")
    report = tree.crawl()
    assert (report.state, report.evidence, report.findings) == ("complete", 1, 1)
    assert edges(tree) == [("raw.csv", "derived", "clean.csv")]
    ((kind, detail),) = findings(tree).values()
    assert (kind, detail.startswith("broken YAML at line 1")) == ("corrupt", True)
    tree.write("p/dvc.lock", LOCK.format(source="raw.csv"))
    tree.crawl()
    assert findings(tree) == {}


def test_a_finding_is_told_once_and_with_the_file(tree):
    tree.write("p/dvc.yaml", "stages: [\n")
    assert tree.crawl().findings == 1
    tree.write("p/x.csv", CSV)
    assert tree.crawl().findings == 0
    assert list(findings(tree)) == ["p/dvc.yaml"]


def test_one_broken_file_harms_no_other(tree):
    project(tree)
    tree.write("q/dvc.lock", "\x00")
    tree.write("r/README.md", b"---\nbase_model: \xff\n---\n")
    tree.write("s/_delta_log/00000000000000000000.json", '{"commitInfo": ')
    report = tree.crawl()
    assert (report.state, report.findings) == ("complete", 3)
    assert edges(tree) == [("raw.csv", "derived", "clean.csv")]


# ---------------------------------------------------------------- how much is opened


def test_a_crawl_that_opens_nothing_reads_no_evidence_and_the_next_one_does(tree):
    project(tree)
    assert tree.crawl(inspect="none").evidence == 0
    assert edges(tree) == []
    assert tree.crawl(inspect="none").evidence == 0
    report = tree.crawl()
    assert (report.added, report.evidence, report.lineage) == (0, 1, 1)


def test_a_crawl_that_opens_nothing_takes_back_only_what_is_gone(tree):
    project(tree)
    tree.write("q/dvc.lock", LOCK.format(source="s3://lake/raw.csv"))
    tree.crawl()
    tree.write("p/dvc.lock", LOCK.format(source="other.csv"))
    (tree.folder / "q/dvc.lock").unlink()
    tree.crawl(inspect="none")
    assert edges(tree) == [("raw.csv", "derived", "clean.csv")]
    before = told(tree)
    tree.crawl(inspect="none")
    assert told(tree) == before


def test_a_crawl_of_a_part_reads_evidence_there_alone(tree):
    project(tree)
    tree.write("q/dvc.lock", LOCK.format(source="s3://lake/raw.csv"))
    tree.crawl(inspect="none")
    assert tree.crawl(prefix="q").evidence == 1
    assert tree.crawl(prefix="q").lineage == 0
    assert (tree.crawl().lineage, len(edges(tree))) == (1, 2)


@pytest.fixture
def table(tree):
    """A table with six commits, each of which names a source."""
    for version in range(6):
        info = {"operation": "WRITE", "silograph.source": f"s3://lake/raw/{version}"}
        tree.write(f"{LOG}/{version:020}.json", json.dumps({"commitInfo": info}))
    tree.write("t/part-0.parquet", b"PAR1")
    return tree


def test_of_a_long_log_the_newest_commits_are_read_and_all_when_asked(table, monkeypatch):
    few = tuple(k if k.newest is None else registry.Kind(**{f: getattr(k, f) for f in k.__slots__} | {"newest": 2})
                for k in registry.KINDS)  # fmt: skip
    monkeypatch.setattr(registry, "KINDS", few)
    report = table.crawl()
    assert (report.evidence, report.lineage) == (2, 2)
    assert report.notes == ("4 older commits of Delta tables not read for lineage: --inspect all reads them",)
    assert [source for source, _, _ in edges(table)] == ["4", "5"]
    again = table.crawl()
    assert (again.evidence, again.notes) == (0, ())
    table.write(f"{LOG}/{6:020}.json", json.dumps({"commitInfo": {"silograph.source": "s3://lake/raw/6"}}))
    assert table.crawl().evidence == 1
    assert table.crawl(inspect="all").evidence == 4
    assert len(edges(table)) == 7


def test_commits_that_were_tidied_away_behind_a_checkpoint_stay_true(table):
    table.crawl()
    table.write(f"{LOG}/{3:020}.checkpoint.parquet", b"PAR1")
    for version in range(3):
        (table.folder / f"{LOG}/{version:020}.json").unlink()
    table.crawl()
    assert len(edges(table)) == 6
    shutil.rmtree(table.folder / "t")
    table.write("keep.csv", CSV)
    table.crawl()
    # What the tidied commits told went with its file; the table's own removal says the rest.
    assert [source for source, _, _ in edges(table)] == ["0", "1", "2"]


# ---------------------------------------------------------------- what stands in the folder


def test_a_card_speaks_of_every_model_beside_it_also_of_those_that_come_later(tree):
    tree.write("m/README.md", "---\nbase_model: acme/chat\n---\n")
    tree.write("m/q4.gguf", b"GGUF4")
    tree.crawl()
    assert edges(tree) == [("chat", "based", "q4.gguf")]
    tree.write("m/q8.gguf", b"GGUF8")
    tree.crawl()
    assert edges(tree) == [("chat", "based", "q4.gguf"), ("chat", "based", "q8.gguf")]


def test_an_adapter_is_one_model_with_its_base(tree):
    tree.write("lora/adapter_config.json", json.dumps({"base_model_name_or_path": "acme/chat", "peft_type": "LORA"}))
    tree.write("lora/adapter_model.safetensors", b"\x02\0\0\0\0\0\0\0{}")
    tree.crawl()
    assert tree.assets()["lora"] == ("model", "hf_model", "safetensors", 2, 1)
    assert edges(tree) == [("chat", "based", "lora")]


def test_a_folder_that_the_catalog_knows_as_a_model_is_trained(tree):
    tree.write("p/train.csv", CSV)
    tree.write("p/out/config.json", "{}")
    tree.write("p/out/model.safetensors", b"\x02\0\0\0\0\0\0\0{}")
    tree.write("p/src/a.py", "")
    lock = (
        LOCK.format(source="train.csv").replace("clean.csv", "out").replace("    outs:", "    - path: src\n    outs:")
    )
    tree.write("p/dvc.lock", lock)
    tree.crawl()
    assert edges(tree) == [("train.csv", "trained", "out")]


def test_folders_of_code_are_told_from_folders_of_anything_else(tree):
    """None of them holds an asset: text and documents may be a corpus, code never is."""
    files = {
        "src/a.py": "",
        "src/README.md": "",
        "conf/a.yaml": "",
        "corpus/a.txt": "x",
        "corpus/b.html": "x",
        "one/data.xml": "<a/>",
    }
    for path, text in files.items():
        tree.write(f"p/{path}", text)
    deps = "".join(f"    - path: {name}\n" for name in ("src", "conf", "corpus", "one", "one/data.xml", "not/here"))
    tree.write(
        "p/dvc.lock", f"schema: '2.0'\nstages:\n  s:\n    cmd: x\n    deps:\n{deps}    outs:\n    - path: out.csv\n"
    )
    tree.crawl()
    assert {source for source, _, _ in edges(tree)} == {"corpus", "one", "data.xml", "here"}


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("a.csv", "dataset"), ("data.xml", "dataset"), ("data", "dataset"), ("a.pkl", "dataset"), ("a.h5", "dataset"),
        ("model_inputs.pkl", "dataset"), ("docs.md", "dataset"), ("modelling.pkl", "dataset"),
        ("m.onnx", "model"), ("m.joblib", "model"), ("churn_model.pkl", "model"), ("models/rf.pkl", "model"),
        ("model-v2.pkl", "model"), ("best/checkpoints", "model"), ("clf.pkl", "model"), ("pytorch_model.bin", "model"),
        ("train.py", "other"), ("params.yaml", "other"), ("run.sh", "other"), ("eda.ipynb", "other"), ("pyproject.toml", "other"),
    ],
)  # fmt: skip
def test_what_a_name_is_mostly(name, what):
    assert harvesting.guess(f"team/project/{name}") == what


# ---------------------------------------------------------------- stopped and failing


@pytest.mark.parametrize("at", [1, 2, 5])
def test_a_crawl_stopped_while_it_reads_evidence_is_finished_by_the_next(tree, monkeypatch, at):
    for n in range(6):
        tree.write(f"p{n}/dvc.lock", LOCK.format(source=f"s3://lake/{n}.csv"))
        tree.write(f"p{n}/x.dvc", f"deps:\n- path: s3://lake/x{n}.csv\nouts:\n- path: x.csv\n")
    calls = []

    def stops(*given):
        calls.append(given)
        if len(calls) == at:
            raise KeyboardInterrupt
        return registry.harvest(*given)

    with monkeypatch.context() as patched:
        patched.setattr(harvesting, "harvest", stops)
        patched.setattr(harvesting, "_BATCH", 1)
        assert tree.crawl().state == "cancelled"
    assert len(edges(tree)) == at - 1
    assert tree.crawl().state == "complete"
    assert len(edges(tree)) == 12
    assert edges(tree, live=False) == []
    assert tree.crawl().evidence == 0


class Failing(MemorySilo):
    """A place of which some files cannot be read."""

    def __init__(self, name, failures):
        super().__init__(name)
        self.failures = failures

    def read(self, path, offset, length):
        if path in self.failures:
            raise self.failures[path](f"{path} cannot be read")
        return super().read(path, offset, length)


def crawl_failing(bench, **failures):
    with closing(Database(bench.url)) as db:
        silo = Failing(bench.silo.name, failures)
        return crawl_silo(db, crawls.silo(db, bench.name), silo)


def test_a_file_that_cannot_be_reached_is_tried_again_and_the_rest_is_not(memory):
    lab = memory(
        {"a/dvc.lock": LOCK.format(source="x.csv").encode(), "b/dvc.lock": LOCK.format(source="y.csv").encode()}
    )
    report = crawl_failing(lab, **{"a/dvc.lock": SiloUnreachable})
    assert (report.state, report.evidence, report.lineage) == ("complete", 1, 1)
    again = lab.crawl()
    assert (again.evidence, again.lineage) == (1, 1)
    assert lab.crawl().evidence == 0


def test_a_file_that_is_refused_is_a_finding(memory):
    lab = memory({"a/dvc.lock": LOCK.format(source="x.csv").encode()})
    report = crawl_failing(lab, **{"a/dvc.lock": SiloRefused})
    assert (report.evidence, report.findings) == (0, 1)
    assert findings(lab)["a/dvc.lock"] == ("unreadable", "a/dvc.lock cannot be read")
    assert lab.crawl().evidence == 0


def test_a_file_that_went_meanwhile_is_nothing(memory):
    lab = memory({"a/dvc.lock": LOCK.format(source="x.csv").encode()})
    report = crawl_failing(lab, **{"a/dvc.lock": EntryMissing})
    assert (report.state, report.evidence, report.findings) == ("complete", 0, 0)


def test_when_nothing_can_be_reached_the_next_crawl_reads_all(memory, monkeypatch):
    monkeypatch.setattr(harvesting, "_AGAIN", 2)
    files = {f"{n}/dvc.lock": LOCK.format(source="x.csv").encode() for n in range(6)}
    lab = memory(files)
    assert crawl_failing(lab, **dict.fromkeys(files, SiloUnreachable)).lineage == 0
    assert lab.crawl().lineage == 6


def test_harvesters_that_learnt_something_read_all_again(tree, monkeypatch):
    project(tree)
    tree.crawl()
    monkeypatch.setattr(harvesting, "REVISION", registry.REVISION + 1)
    report = tree.crawl()
    assert (report.evidence, report.lineage) == (1, 0)
    assert tree.crawl().evidence == 0


# ---------------------------------------------------------------- recorded by the tools themselves


@pytest.mark.s3
def test_evidence_in_a_bucket_is_read_and_joined_with_a_folder(s3_server, tree, monkeypatch):
    """A project on disk that reads from a bucket, and a card in the bucket, meet in one graph, whichever is crawled first."""
    monkeypatch.setenv("TEST_S3_SECRET", s3_server.secret_key)
    options = {"endpoint": s3_server.endpoint, "region": s3_server.region, "access_key_id": s3_server.access_key,
               "secret_access_key": "env:TEST_S3_SECRET"}  # fmt: skip
    name = s3_server.bucket(f"evidence-{uuid.uuid4().hex[:8]}")
    store = s3_server.store(name)
    store.put("raw/x.csv", CSV.encode())
    for n in range(40):
        store.put(f"models/m{n}/README.md", f"---\nbase_model: acme/m{n}\n---\n".encode())
        store.put(f"models/m{n}/model.safetensors", b"\x02\0\0\0\0\0\0\0{}")
    project(tree, source=f"s3a://{name}/raw/x.csv")
    tree.crawl()
    ((silo, kind),) = tree.rows("SELECT a.silo_id, a.rule FROM edge e JOIN asset a ON a.id = e.source_id")
    assert (silo, kind) == (None, "named")
    with closing(Database(tree.url)) as db:
        crawls.add_silo(db, "bucket", f"s3://{name}", "object", options)
        with closing(open_silo(f"s3://{name}", options)) as bucket:
            report = crawl_silo(db, crawls.silo(db, "bucket"), bucket)
    assert (report.state, report.evidence, report.lineage) == ("complete", 40, 40)
    rows = tree.rows("SELECT a.path FROM edge e JOIN asset a ON a.id = e.source_id JOIN asset b ON b.id = e.target_id "
                     "WHERE b.path = 'p/clean.csv' AND a.silo_id IS NOT NULL AND e.retracted_ns IS NULL")  # fmt: skip
    assert rows == [("raw/x.csv",)]


def test_projects_as_their_tools_left_them(tree, tmp_path):
    for name in ("dvc/dvc3", "cards", "delta", "mlflow", "dbt"):
        shutil.copytree(FIXTURES / name, tree.folder / name)
    report = tree.crawl()
    assert (report.state, report.findings) == ("complete", 0)
    assert report.lineage == len(edges(tree)) == 34
    fresh = f"sqlite:///{tmp_path / 'fresh.db'}"
    migrate.upgrade(fresh)
    other = Bench(fresh, tree.address)
    other.crawl(inspect="all")
    assert edges(other) == edges(tree)
