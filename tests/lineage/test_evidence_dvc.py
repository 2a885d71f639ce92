"""What DVC's files claim: recorded by DVC 1, 2 and 3, and by hand where a store would be needed."""

from __future__ import annotations

import pytest
from evidence_files import FIXTURES, GROUND, edges, line_of, recorded, told

from catalog.lineage.evidence.base import Ground
from catalog.model.lineage import Identity

PAIRS = {
    ("raw.csv", "clean"),
    ("clean", "churn.pkl"),
    ("clean", "metrics.json"),
    ("raw.csv", "scores.csv"),
    ("churn.pkl", "scores.csv"),
}
SPLIT = {("clean", "eu.csv"), ("clean", "us.csv")}
WEIGHED = {(f"{country}.csv", f"{country}-{share}.csv") for country in ("eu", "us") for share in (10, 50)}


def pairs(found):
    return {(s.rpartition("/")[2], t.rpartition("/")[2]) for s, _, t in edges(found)}


@pytest.mark.parametrize(
    ("version", "expected"), [("dvc1", PAIRS), ("dvc2", PAIRS | SPLIT), ("dvc3", PAIRS | SPLIT | WEIGHED)]
)
def test_a_lock_of_each_schema_tells_what_each_stage_read_and_wrote(version, expected):
    found = recorded(f"dvc/{version}", "dvc.lock")
    assert found.findings == ()
    assert pairs(found) == expected
    assert {claim.evidence.kind for claim in found.claims} == {"proof"}


def test_paths_of_a_stage_are_relative_to_its_working_folder():
    found = recorded("dvc/dvc3", "dvc.lock")
    assert ("team/data/clean", "trained", "team/train/churn.pkl") in edges(found)


def test_an_edge_says_where_the_lock_tells_of_it_and_by_what_hash():
    text = (FIXTURES / "dvc/dvc3/dvc.lock").read_text()
    found = recorded("dvc/dvc3", "dvc.lock")
    (claim,) = [c for c in found.claims if c.source.identity.name.endswith("churn.pkl")]
    assert claim.evidence.field == "stages.score.deps[1]"
    assert line_of(claim, text) == "- path: train/churn.pkl"
    assert claim.source.digest == "md5:9a5bad7395d7f215c0ec796639d014fb"
    assert claim.target.digest == "md5:c6e814e271a7bc4e1e18452c63d123b7"
    assert claim.job == Identity("s3://lake", "team/dvc.yaml:score")
    assert claim.evidence.origin == "s3://lake/team/dvc.lock"
    assert claim.evidence.detail.startswith("python src/copy.py data/raw.csv scores.csv")


def test_every_line_is_that_of_the_dependency():
    text = (FIXTURES / "dvc/dvc3/dvc.lock").read_text()
    for claim in recorded("dvc/dvc3", "dvc.lock").claims:
        name = claim.source.identity.name.removeprefix("team/")
        assert line_of(claim, text).removeprefix("- path: ").removeprefix("../") == name


def test_hashes_of_dvc_2_are_not_taken_for_plain_ones():
    """It hashed text as if its lines ended in LF."""
    digests = {c.source.digest for c in recorded("dvc/dvc2", "dvc.lock").claims}
    assert digests
    assert all(digest.startswith("md5-dos2unix:") for digest in digests)


def test_code_and_parameters_are_no_datasets():
    found = recorded("dvc/dvc3", "dvc.lock")
    names = {claim.source.identity.name for claim in found.claims}
    assert not any(name.endswith((".py", ".yaml")) for name in names)
    (prepare,) = [c for c in found.claims if c.job.name.endswith(":prepare")]
    assert prepare.evidence.detail.endswith("code: src/prepare.py")


def test_what_dvc_yaml_declares_to_be_a_model_is_trained():
    claims = {c.target.identity.name: c for c in recorded("dvc/dvc3", "dvc.lock").claims}
    assert (claims["team/train/churn.pkl"].kind, claims["team/train/churn.pkl"].target.kind) == ("trained", "model")
    assert claims["team/train/metrics.json"].kind == "derived"


@pytest.mark.parametrize(
    ("stage", "out", "dep", "kind"),
    [
        ("fit", "model.safetensors", "a.csv", "trained"),
        ("fit", "model.safetensors", "base.onnx", "based"),
        ("score", "scores.csv", "base.onnx", "derived"),
        ("train", "clf.pkl", "a.csv", "trained"),
        ("train@eu", "clf.joblib", "a.csv", "trained"),
        ("featurize", "matrix.pkl", "a.csv", "derived"),
        ("constrain", "matrix.pkl", "a.csv", "derived"),
    ],
)
def test_the_kind_of_an_edge_follows_what_its_ends_are(stage, out, dep, kind):
    lock = (
        f"schema: '2.0'\nstages:\n  {stage}:\n    cmd: x\n    deps:\n    - path: {dep}\n    outs:\n    - path: {out}\n"
    )
    assert edges(told("dvc.lock", lock)) == {(f"team/{dep}", kind, f"team/{out}")}


def test_what_the_catalog_takes_a_path_for_goes_before_its_name():
    lock = "schema: '2.0'\nstages:\n  s:\n    cmd: x\n    deps:\n    - path: src\n    - path: in\n    outs:\n    - path: out\n"
    found = told("dvc.lock", lock, known={"src": "other", "in": "dataset", "out": "model"})
    assert edges(found) == {("team/in", "trained", "team/out")}
    assert found.claims[0].evidence.detail == "x; code: src"


STORES = """\
schema: '2.0'
stages:
  load:
    cmd:
    - first
    - second
    deps:
    - path: s3a://AKIA:secret@Other/raw//x.csv
      etag: d41d8cd98f00b204e9800998ecf8427e-2
    - path: /mnt/nfs/y.csv
      md5: 12345678901234567890123456789012
    - path: remote://depot/z.csv
    - path: gs://bucket/w
      cloud:
        gcs:
          etag: CJjj
          version_id: '1700000000'
    - path: ds://users
      dataset:
        type: url
        name: users
        url: https://example.com/users.csv
        meta: {version_id: v3}
    - path: ds://people
      dataset:
        type: dc
        name: people
        url: dc://people
        version: 4
    outs:
    - path: ../../above/out.csv
"""


def test_dependencies_in_stores_and_registries_have_their_own_names():
    found = told("a/b/dvc.lock", STORES)
    seen = {c.source.identity: (c.source.digest, c.source.version) for c in found.claims}
    assert seen == {
        Identity("s3://other", "raw/x.csv"): ("etag:d41d8cd98f00b204e9800998ecf8427e-2", None),
        Identity("file", "/mnt/nfs/y.csv"): ("md5-dos2unix:12345678901234567890123456789012", None),
        Identity("gs://bucket", "w"): ("etag:CJjj", "1700000000"),
        Identity("https://example.com", "/users.csv"): (None, "v3"),
        Identity("datachain", "people"): (None, "4"),
    }
    assert {c.target.identity for c in found.claims} == {Identity("s3://lake", "team/above/out.csv")}
    assert {c.evidence.detail for c in found.claims} == {"first && second"}


def test_a_path_that_leads_out_of_the_bucket_names_nothing():
    lock = (
        "schema: '2.0'\nstages:\n  s:\n    cmd: x\n    deps:\n    - path: ../../up.csv\n    outs:\n    - path: o.csv\n"
    )
    assert told("dvc.lock", lock).claims == ()
    (claim,) = told("dvc.lock", lock, ground=Ground("file", "/data/a/team")).claims
    assert claim.source.identity == Identity("file", "/data/up.csv")


# ---------------------------------------------------------------- .dvc files


def test_an_import_is_a_copy_of_its_source():
    text = (FIXTURES / "dvc/dvc3/data/prices.csv.dvc").read_text()
    (claim,) = recorded("dvc/dvc3", "data/prices.csv.dvc").claims
    assert claim.source.identity == Identity("http://127.0.0.1:18573", "/prices.csv")
    assert claim.target.identity == Identity("s3://lake", "team/data/prices.csv")
    assert claim.target.digest == "md5:a25af6894f46a7ed252a348d8f640471"
    assert (claim.kind, claim.evidence.kind, claim.job) == ("copied", "proof", None)
    assert (claim.evidence.field, line_of(claim, text)) == ("deps[0]", "path: http://127.0.0.1:18573/prices.csv")


@pytest.mark.parametrize(
    ("url", "identity"),
    [
        ("https://github.com/acme/registry", Identity("git://github.com", "acme/registry/data/rates.csv")),
        ("https://user:token@GitHub.com/acme/registry.git", Identity("git://github.com", "acme/registry/data/rates.csv")),
        ("git@github.com:acme/registry.git", Identity("git://github.com", "acme/registry/data/rates.csv")),
        ("ssh://git@github.com:22/acme/registry.git", Identity("git://github.com", "acme/registry/data/rates.csv")),
        ("/srv/git/registry", Identity("file", "/srv/git/registry/data/rates.csv")),
        ("file:///srv/git/registry", Identity("file", "/srv/git/registry/data/rates.csv")),
    ],
)  # fmt: skip
def test_an_import_from_a_repository_names_it_however_it_is_written(url, identity):
    text = (FIXTURES / "dvc/dvc3/data/rates.csv.dvc").read_text().replace("../registry", url)
    (claim,) = told("data/rates.csv.dvc", text).claims
    assert (claim.source.identity, len(claim.source.version)) == (identity, 40)
    assert "token" not in repr(claim)


def test_a_relative_repository_is_looked_for_from_the_folders_above():
    """DVC keeps it as it was typed, mostly at the top of the project."""
    known = {"registry/data/rates.csv": "dataset"}
    text = (FIXTURES / "dvc/dvc3/data/rates.csv.dvc").read_text()
    (claim,) = told("project/data/rates.csv.dvc", text, known=known).claims
    assert claim.source.identity == Identity("s3://lake", "team/registry/data/rates.csv")
    assert told("project/data/rates.csv.dvc", text).claims == ()


def test_data_that_was_only_added_has_no_source():
    assert recorded("dvc/dvc3", "data/raw.csv.dvc").claims == ()


def test_an_import_without_a_hash_is_declared_only():
    text = "deps:\n- path: s3://lake/raw.csv\nouts:\n- path: raw.csv\n"
    assert told("raw.csv.dvc", text).claims[0].evidence.kind == "declared"


def test_a_stage_of_old_keeps_its_command_in_its_own_file():
    text = "cmd: python make.py\nwdir: ..\ndeps:\n- {path: raw/a.csv, md5: abc1}\nouts:\n- {path: b.csv, md5: abc2}\n"
    (claim,) = told("steps/make.dvc", text).claims
    assert (claim.source.identity.name, claim.target.identity.name) == ("team/raw/a.csv", "team/b.csv")
    assert (claim.kind, claim.job) == ("derived", Identity("s3://lake", "team/steps/dvc.yaml:make.dvc"))


def test_a_table_that_was_imported_is_named_by_its_connection():
    text = "deps:\n- db:\n    connection: shop\n    table: orders\n    file_format: csv\nouts:\n- path: orders.csv\n  md5: abc1\n"
    (claim,) = told("orders.csv.dvc", text).claims
    assert claim.source.identity == Identity("db:shop", "orders")


# ---------------------------------------------------------------- dvc.yaml


def test_a_pipeline_that_never_ran_is_declared():
    found = told("dvc.yaml", (FIXTURES / "dvc/dvc3/dvc.yaml").read_bytes())
    assert {c.evidence.kind for c in found.claims} == {"declared"}
    assert pairs(found) == PAIRS  # what is written as a template is told by the lock, once it ran
    (claim,) = [c for c in found.claims if c.job.name.endswith(":prepare")]
    assert (claim.evidence.field, claim.source.digest) == ("stages.prepare.deps[0]", None)


def test_a_pipeline_is_silent_on_what_its_lock_proves():
    assert recorded("dvc/dvc3", "dvc.yaml").claims == ()
    lock = "schema: '2.0'\nstages:\n  prepare:\n    cmd: x\n"
    found = told("dvc.yaml", (FIXTURES / "dvc/dvc3/dvc.yaml").read_bytes(), {"dvc.lock": lock})
    assert pairs(found) == PAIRS - {("raw.csv", "clean")}


def test_outs_with_options_and_anchors_are_read():
    text = """\
vars: &shared
  deps: [in.csv]
stages:
  a:
    <<: *shared
    cmd: x
    outs:
    - out.csv: {cache: false}
    plots:
    - curve.csv: {x: n}
    - ${where}/skipped.csv
"""
    assert pairs(told("dvc.yaml", text)) == {("in.csv", "out.csv"), ("in.csv", "curve.csv")}


# ---------------------------------------------------------------- broken and hostile


def test_broken_yaml_is_a_finding_with_its_line():
    found = told("dvc.lock", "schema: '2.0'\nstages:\n  a:\n    cmd: x\n   deps: []\n")
    assert found.claims == ()
    ((kind, detail),) = found.findings
    assert kind == "corrupt"
    assert detail.startswith("broken YAML at line 5")


def test_a_broken_pipeline_beside_does_not_spoil_its_lock():
    lock = (FIXTURES / "dvc/dvc3/dvc.lock").read_bytes()
    found = told("dvc.lock", lock, {"dvc.yaml": "stages: ["})
    assert found.findings == ()
    assert len(found.claims) == len(recorded("dvc/dvc3", "dvc.lock").claims)


def test_a_stage_with_very_many_pairs_is_cut_and_says_so():
    deps = "".join(f"    - path: in{n}.csv\n" for n in range(200))
    outs = "".join(f"    - path: out{n}.csv\n" for n in range(200))
    found = told("dvc.lock", f"schema: '2.0'\nstages:\n  s:\n    cmd: x\n    deps:\n{deps}    outs:\n{outs}")
    assert len(found.claims) == 10_000
    assert found.findings[0][0] == "too_large"


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "42", "schema: '2.0'", "schema: '2.0'\nstages: [a, b]", "stages:\n  a: {deps: {path: 1}, outs: 3}",
     "schema: '2.0'\nstages:\n  a:\n    deps: [[path], {path: [x]}, ~]\n    outs: [{path: {a: b}}]"],
)  # fmt: skip
def test_what_has_another_shape_claims_nothing(text):
    for path in ("dvc.lock", "dvc.yaml", "x.dvc"):
        assert told(path, text).claims == ()


def test_a_name_no_database_keeps_is_left_out():
    lock = 'schema: "2.0"\nstages:\n  "a\\0b":\n    cmd: "x\\x1b[31m"\n    deps: [{path: "a\\0.csv"}, {path: in.csv}]\n    outs: [{path: o.csv}]\n'
    (claim,) = told("dvc.lock", lock).claims
    assert "\0" not in repr((claim.job, claim.evidence))
    assert "\x1b" not in claim.evidence.detail


def test_the_ground_of_a_whole_bucket_and_of_the_root_folder():
    lock = "schema: '2.0'\nstages:\n  s:\n    cmd: x\n    deps: [{path: a.csv}]\n    outs: [{path: b.csv}]\n"
    for ground, name in ((Ground("s3://lake", ""), "p/a.csv"), (Ground("file", "/"), "/p/a.csv")):
        (claim,) = told("p/dvc.lock", lock, ground=ground).claims
        assert claim.source.identity == Identity(ground.namespace, name)
    assert GROUND.path(Identity("s3://lake", "team/x")) == "x"
    assert GROUND.path(Identity("s3://lake", "teams/x")) is None
