"""What MLflow's file store claims: written by MLflow 2 and 3."""

from __future__ import annotations

import pytest
from evidence_files import FIXTURES, recorded, told

from catalog.model.lineage import Identity

HOMES = {2: "mlflow/mlflow2", 3: "mlflow/mlflow3"}
TRAIN = Identity("s3://lake", "team/data/train.csv")
VALID = Identity("s3://lake", "raw/valid.parquet")
IMDB = Identity("hf", "datasets/stanfordnlp/imdb")


def run_of(home):
    (meta,) = [path for path in (FIXTURES / home).glob("mlruns/*/*/meta.yaml") if path.parents[1].name.isdigit()]
    return meta.relative_to(FIXTURES / home).as_posix()


def version_of(home):
    return recorded(home, "mlruns/models/churn-model/version-1/meta.yaml")


@pytest.mark.parametrize("major", HOMES)
def test_a_run_trains_its_model_on_what_it_read(major):
    found = recorded(HOMES[major], run_of(HOMES[major]), known={"data/train.csv": "dataset"})
    assert {(c.source.identity, c.kind) for c in found.claims} == {
        (TRAIN, "trained"), (IMDB, "trained"), (VALID, "derived"),
    }  # fmt: skip
    (target,) = {c.target.identity for c in found.claims}
    assert target.name.endswith("artifacts/model" if major == 2 else "/artifacts")
    assert target.name.startswith("team/mlruns/")
    assert {(c.target.kind, c.evidence.kind) for c in found.claims} == {("model", "proof")}
    assert {c.job for c in found.claims} == {Identity("s3://lake", "team/mlruns:churn")}


def test_an_edge_says_which_input_tells_it_and_in_which_run():
    home = HOMES[2]
    (claim,) = [c for c in recorded(home, run_of(home)).claims if c.source.identity == VALID]
    assert claim.evidence.field.startswith("inputs/")
    assert claim.evidence.detail == f"run {run_of(home).split('/')[2]}; context validation"
    assert claim.source.version == "90307e28"
    assert claim.valid_from_ns is not None
    assert claim.evidence.origin.endswith("/meta.yaml")


def test_a_relative_source_is_looked_for_in_the_folders_above():
    home = HOMES[2]
    assert TRAIN not in {c.source.identity for c in recorded(home, run_of(home)).claims}
    known = {"data/train.csv": "dataset"}
    assert TRAIN in {c.source.identity for c in recorded(home, run_of(home), known=known).claims}


@pytest.mark.parametrize("major", HOMES)
def test_a_registered_version_is_a_copy_of_what_was_logged(major):
    (claim,) = version_of(HOMES[major]).claims
    assert (claim.target.identity, claim.target.version, claim.kind) == (
        Identity("model", "churn-model"),
        "1",
        "copied",
    )
    assert claim.evidence.field == "storage_location"
    trained = recorded(HOMES[major], run_of(HOMES[major])).claims[0].target
    assert claim.source.identity == trained.identity


def test_a_version_whose_artifacts_are_not_here_is_named_by_their_address():
    text = (FIXTURES / HOMES[2] / "mlruns/models/churn-model/version-1/meta.yaml").read_text()
    (claim,) = told("mlruns/models/churn-model/version-1/meta.yaml", text).claims
    assert claim.source.identity.namespace == "file"
    assert claim.source.identity.name.startswith("/srv/lab/mlruns/")


def test_artifacts_that_lie_elsewhere_are_named_by_their_address():
    home = HOMES[2]
    meta = (FIXTURES / home / run_of(home)).read_text().replace("file:///srv/lab", "s3://artifacts")
    files = {run_of(home): meta.encode()}
    folder = run_of(home).rpartition("/")[0]

    def below(path):
        real = FIXTURES / home
        return (
            [p.relative_to(real).as_posix() for p in (real / path).rglob("*") if p.is_file()]
            if "artifacts" not in path
            else []
        )

    def near(path):
        real = FIXTURES / home / path
        return files.get(path) or (real.read_bytes() if real.is_file() else None)

    found = told(run_of(home), meta, near=near, below=below)
    assert {c.target.identity for c in found.claims} == {Identity("s3://artifacts", f"{folder}/artifacts/model")}


def test_a_deleted_run_claims_nothing():
    home = HOMES[2]
    text = (FIXTURES / home / run_of(home)).read_text().replace("lifecycle_stage: active", "lifecycle_stage: deleted")
    assert told(run_of(home), text).claims == ()


@pytest.mark.parametrize(
    "text",
    ["{% set name = 'x' %}\npackage:\n  name: {{ name }}\n", "a: [", "artifact_uri: s3://a/b\n", "current_stage: None\nname: x\n",
     "artifact_uri: s3://a/b\nrun_id: x\n"],
)  # fmt: skip
def test_another_file_of_that_name_is_no_evidence(text):
    assert told("recipe/meta.yaml", text).claims == ()
    assert told("recipe/meta.yaml", text).findings == ()


def test_a_broken_run_is_a_finding():
    assert told("1/r/meta.yaml", "artifact_uri: [\n").findings[0][0] == "corrupt"


@pytest.mark.parametrize("source", ["models:/m-1", "runs:/abc/model", "mlflow-artifacts:/0/x", "relative/path", ""])
def test_what_only_a_server_can_tell_is_left_out(source):
    text = f"current_stage: None\nname: churn\nversion: 1\nrun_id: r\nsource: '{source}'\n"
    assert told("models/churn/version-1/meta.yaml", text).claims == ()


HISTORY = '[{"artifact_path": "model"}, {"artifact_path": "../../up"}, {}, 3]'
SOURCES = {
    '{"uri": "s3://lake/a.csv"}': Identity("s3://lake", "a.csv"),
    '{"url": "https://example.com/a.csv?token=x"}': Identity("https://example.com", "/a.csv"),
    '{"path": "/data/t", "delta_table_name": null}': Identity("file", "/data/t"),
    '{"tags": {}}': None,
    "[1]": None,
    "not json": None,
    '{"uri": 3}': None,
}


@pytest.mark.parametrize("source", SOURCES)
def test_sources_of_every_kind(source):
    files = {
        "1/r/tags/mlflow.log-model.history": HISTORY,
        "1/r/inputs/i/meta.yaml": "source_type: DATASET\nsource_id: d\n",
        "1/r/inputs/j/meta.yaml": "source_type: DATASET\nsource_id: ../../x\n",
        "1/datasets/d/meta.yaml": f"source: '{source}'\nsource_type: any\ndigest: 1e5\n",
    }
    found = told(
        "1/r/meta.yaml", "artifact_uri: s3://art/1/r/artifacts\nrun_id: r\n",
        near=lambda path: files[path].encode() if path in files else None,
        below=lambda folder: [path for path in files if path.startswith(folder + "/")],
    )  # fmt: skip
    expected = SOURCES[source]
    assert {c.source.identity for c in found.claims} == ({expected} if expected else set())
    assert {c.source.version for c in found.claims} <= {"1e5"}
    assert "token" not in repr(found)
