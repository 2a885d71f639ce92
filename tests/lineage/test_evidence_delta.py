"""What the commits of Delta tables claim: a log written by deltalake, and commits as Spark writes them."""

from __future__ import annotations

import json

import pytest
from evidence_files import FIXTURES, recorded, told

from catalog.lineage.evidence.registry import kind_of, outlives
from catalog.model.lineage import Identity

LOG = "delta/events/_delta_log"
FIRST = "t/_delta_log/00000000000000000000.json"


def commit(info, *actions):
    return "\n".join(json.dumps(action) for action in ({"commitInfo": info}, *actions)) + "\n"


def clone(source, *actions, **more):
    parameters = {"source": source, "sourceVersion": 7, **more}
    return commit({"timestamp": 1_770_000_000_000, "operation": "CLONE", "operationParameters": parameters}, *actions)


def test_what_a_recorder_stamped_is_proof_with_the_commits_version_and_time():
    found = recorded("", f"{LOG}/00000000000000000001.json")
    table = Identity("s3://lake", "team/t")
    claims = told(
        "t/_delta_log/00000000000000000001.json", (FIXTURES / LOG / "00000000000000000001.json").read_bytes()
    ).claims
    assert {c.source.identity for c in claims} == {
        Identity("s3://lake", "raw/clicks"), Identity("file", "/data/users.parquet"),
    }  # fmt: skip
    assert {(c.target.identity, c.target.version, c.kind) for c in claims} == {(table, "1", "derived")}
    assert claims[0].valid_from_ns == 1795614603095 * 1_000_000
    assert claims[0].evidence.detail == "version 1: WRITE; run 0190-run"
    assert (claims[0].evidence.kind, claims[0].evidence.line) == ("proof", 1)
    assert [c.evidence.field for c in claims] == ["commitInfo.silograph.source[0]", "commitInfo.silograph.source[1]"]
    assert found.findings == ()


@pytest.mark.parametrize("version", [0, 3, 4])
def test_commits_that_name_no_source_claim_nothing(version):
    found = recorded("", f"{LOG}/{version:020}.json")
    assert (found.claims, found.findings) == ((), ())


@pytest.mark.parametrize(
    ("source", "identity"),
    [
        ("delta.`s3a://Lake/gold/t`", Identity("s3://lake", "gold/t")),
        ("parquet.`/data/old`", Identity("file", "/data/old")),
        ('"delta.`/data/old`"', Identity("file", "/data/old")),
        ("abfss://c@acct.dfs.core.windows.net/t", None),
        ("dbfs:/mnt/t", Identity("dbfs", "/mnt/t")),
    ],
)
def test_a_clone_is_a_copy_of_the_table_it_names(source, identity):
    (claim,) = told(FIRST, clone(source, isShallow="true")).claims
    assert (claim.kind, claim.source.version) == ("copied", "7")
    if identity is not None:
        assert claim.source.identity == identity
    assert claim.evidence.detail == "version 0: CLONE"


def test_a_container_before_the_host_is_no_user():
    (claim,) = told(FIRST, clone("abfss://c@acct.dfs.core.windows.net/t")).claims
    assert claim.source.identity == Identity("abfss://c@acct.dfs.core.windows.net", "t")


def test_a_clone_of_a_named_table_is_known_by_the_files_it_borrows():
    adds = [
        {"add": {"path": "s3://lake/silver/t/day=1/part-0.parquet", "dataChange": True}},
        {"add": {"path": "s3://lake/silver/t/day=2/part-1.parquet", "dataChange": True}},
        {"add": {"path": "day=3/part-2.parquet"}},
        {"add": {"path": 3}},
    ]
    (claim,) = told(FIRST, clone("main.silver.t", *adds)).claims
    assert claim.source.identity == Identity("s3://lake", "silver/t")
    assert claim.evidence.detail == "version 0: CLONE; source main.silver.t"
    assert told(FIRST, clone("main.silver.t")).claims == ()


def test_an_operation_that_names_its_source_is_believed():
    text = commit({"operation": "COPY INTO", "operationParameters": {"source": "s3://lake/landing"}})
    (claim,) = told(FIRST, text).claims
    assert (claim.source.identity, claim.kind) == (Identity("s3://lake", "landing"), "derived")


def test_a_table_is_no_source_of_itself():
    assert told(FIRST, clone("delta.`s3://lake/team/t`")).claims == ()


@pytest.mark.parametrize(
    "info",
    [None, [], "x", {"operationParameters": None}, {"operationParameters": {"source": {}}, "operation": []},
     {"silograph.source": [3, None, "relative/path", "bad\x00://x"]}, {"silograph.source": {"a": 1}, "timestamp": True},
     {"operation": "CLONE", "operationParameters": {"source": True, "sourceVersion": []}}],
)  # fmt: skip
def test_a_commit_of_another_shape_claims_nothing(info):
    assert told(FIRST, commit(info)).claims == ()


def test_a_time_no_clock_shows_is_left_out():
    text = commit({"timestamp": 10**17, "silograph.source": "s3://a/b"})
    assert told(FIRST, text).claims[0].valid_from_ns is None


def test_a_broken_commit_is_a_finding_with_its_line():
    found = told(FIRST, '{"protocol": {}}\n{"commitInfo": {"operation": \n')
    assert found.findings[0][1].startswith("broken JSON at line 2")


@pytest.mark.parametrize("at", ["data", "end"])
def test_of_a_long_commit_the_first_and_last_lines_are_read(at):
    info = commit({"silograph.source": "s3://a/b"}).strip()
    head, tail = '{"protocol": {}}\n{"add": {"path": "cut', 'cut"}}\n{"remove": {}}\n'
    data, end = (f"{info}\n{head}", tail) if at == "data" else (head, f"{tail}{info}\n")
    (claim,) = told(FIRST, data, whole=False, end=end.encode()).claims
    assert claim.evidence.line == (1 if at == "data" else None)


def test_only_commits_of_a_log_are_read():
    assert kind_of("t/_delta_log/00000000000000000000.json") is not None
    for other in ("00000000000000000000.json", "t/_delta_log/00000000000000000000.checkpoint.parquet", "t/_delta_log/_last_checkpoint",
                  "t/_delta_log/00000000000000000000.00000000000000000003.compacted.json", "t/_delta_log/x/00000000000000000000.json"):  # fmt: skip
        assert kind_of(other) is None


def test_a_commit_behind_a_checkpoint_is_true_after_it_was_tidied_away():
    kind = kind_of(FIRST)
    assert outlives(kind, FIRST, ["00000000000000000003.checkpoint.parquet", "00000000000000000003.json"])
    assert outlives(kind, FIRST, ["00000000000000000003.checkpoint.0000000001.0000000002.parquet"])
    assert not outlives(kind, FIRST, ["00000000000000000003.json"])
    assert not outlives(kind, FIRST, [])
    later = "t/_delta_log/00000000000000000004.json"
    assert not outlives(kind_of(later), later, ["00000000000000000003.checkpoint.parquet"])
