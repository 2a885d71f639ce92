"""Files made to hurt: bounded in what they cost, and never more than a finding."""

from __future__ import annotations

import json

import pytest
from evidence_files import evidence, told
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catalog.errors import InspectError
from catalog.lineage.evidence import documents
from catalog.lineage.evidence.base import without_secrets
from catalog.lineage.evidence.registry import KINDS, harvest, kind_of

PATHS = ("dvc.lock", "dvc.yaml", "x.dvc", "Dvcfile", "m/README.md", "m/adapter_config.json", "m/config.json",
         "r/meta.yaml", "target/manifest.json", "t/_delta_log/00000000000000000001.json")  # fmt: skip

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)
MERGED = "m0: &m0 {a: 1, b: 2}\n" + "".join(
    f"m{n}: &m{n}\n  <<: [*m{n - 1}, *m{n - 1}]\n  k{n}: 1\n" for n in range(1, 400)
)


def test_the_paths_are_of_every_kind():
    assert {kind_of(path) for path in PATHS} == set(KINDS)


# ---------------------------------------------------------------- YAML


def test_a_billion_laughs_cost_no_more_than_they_are_long():
    assert told("dvc.lock", LAUGHS).findings == ()
    laughs = documents.yaml(LAUGHS.encode()).get("a11").items
    assert len(laughs) == 9
    assert all(one is laughs[0] for one in laughs)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 1000, "nested deeper"),
        ("{a: " * 100 + "1" + "}" * 100, "nested deeper"),
        ("a: &a [1]\nb:\n" + "- *a\n" * 1500, "aliases"),
        ("- x\n" * 450_000, "values"),
        (MERGED, "values"),
    ],
    ids=["open", "deep", "aliases", "long", "merged"],
)
def test_beyond_the_bounds_is_too_large(text, reason, monkeypatch):
    if text is MERGED:
        monkeypatch.setattr(documents, "MOST_NODES", 50_000)
    ((kind, detail),) = told("dvc.lock", text).findings
    assert kind == "too_large"
    assert reason in detail


def test_a_document_that_takes_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr(documents, "SECONDS", 0.0)
    ((kind, detail),) = told("dvc.lock", "- x\n" * 2000).findings
    assert (kind, "seconds" in detail) == ("too_large", True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: *b", "alias"),
        ("a: &a [*a]", "alias inside"),
        ("a: &a {b: *a}", "alias inside"),
        ("a: 'x", "line"),
        ("\x07", "line 1"),
        ("a: 1\nb: \x00", "line 2"),
    ],
)
def test_what_is_no_yaml_says_where(text, reason):
    ((kind, detail),) = told("dvc.lock", text).findings
    assert kind == "corrupt"
    assert reason in detail


def test_bytes_that_are_no_text_say_on_which_line():
    ((kind, detail),) = told("dvc.lock", b"a: 1\nb: \xff\xfe\n").findings
    assert (kind, detail.startswith("broken YAML at line 2")) == ("corrupt", True)


def test_no_tag_makes_an_object():
    node = documents.yaml(b"a: !!python/object/apply:os.system [touch /never]\nb: !!timestamp 2001-01-01\n")
    assert [one.text for _, one in node.members("a")] == ["touch /never"]
    assert node.word("b") == "2001-01-01"


def test_words_stay_as_they_are_written():
    node = documents.yaml(b"a: 0123\nb: 1e10\nc: yes\nd: ~\ne: '~'\nf: null\ng: ''\n")
    assert [node.word(key) for key in "abcdefg"] == ["0123", "1e10", "yes", None, "~", None, ""]


def test_a_file_longer_than_its_limit_is_not_read_on():
    assert told("dvc.lock", "x", whole=False).findings[0][0] == "too_large"
    assert told("m/README.md", "---\nbase_model: a/b\n---\n# cut", whole=False).claims != ()


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PATHS), st.binary(max_size=400))
@example("dvc.lock", b"\xff\xfe")
def test_any_bytes_are_a_harvest(path, data):
    harvest(kind_of(path), evidence(path, data))


WORDS = st.sampled_from(
    ["stages", "deps", "outs", "path", "repo", "url", "db", "md5", "wdir", "cmd", "schema", "base_model", "datasets",
     "source_datasets", "library_name", "dataset", "type", "artifacts", "do", "cloud", "..", "/", "a b", "s3://b/k", "\x00",
     "\ud800", "commitInfo", "operation", "CLONE", "operationParameters", "source", "silograph.source", "_name_or_path",
     "base_model_name_or_path", "model_type", "timestamp", "artifact_uri", "run_id", "name", "version", "storage_location",
     "current_stage", "metadata", "dbt_schema_version", "x/dbt/manifest/v12.json", "nodes", "sources", "resource_type", "model",
     "seed", "depends_on", "config", "location", "external", "materialized", "database", "schema", "alias", "original_file_path"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=30,
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(PATHS), st.dictionaries(WORDS, VALUES, max_size=6), VALUES)
def test_any_document_is_a_harvest_that_a_database_can_keep(path, document, other):
    text = json.dumps(document)
    data = f"---\n{text}\n---\n" if path.endswith("README.md") else text
    beside = {name: json.dumps(other) for name in ("dvc.yaml", "dvc.lock")}
    found = told(path, data, beside)
    for claim in found.claims:
        parts = (*claim.source.identity, *claim.target.identity, *(claim.job or ()), claim.evidence.field, claim.evidence.detail,
                 claim.source.version, claim.source.digest)  # fmt: skip
        for part in parts:
            assert part is None or "\0" not in part
            (part or "").encode()
        assert claim.source.identity != claim.target.identity


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=6), st.sampled_from([None, 0, 2]))
def test_a_json_object_is_read_as_the_library_reads_it(document, indent):
    text = json.dumps(document, indent=indent)
    members = documents.json_object(text.encode())
    assert {key: value for key, (value, _) in members.items()} == document
    if indent and document:
        lines = text.split("\n")
        assert all(lines[line - 1].startswith(" " * indent + json.dumps(key)) for key, (_, line) in members.items())


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": ' * 50_000, '{"a": ' + "9" * 5000 + "}"])
def test_json_that_is_too_deep_or_holds_a_number_too_long_is_refused(text):
    with pytest.raises(InspectError):
        documents.json_object(text.encode())


@pytest.mark.parametrize(
    ("uri", "kept"),
    [
        ("https://u:p@h/x?page=2", "https://h/x?page=2"),
        ("https://h/x?X-Amz-Signature=abc&page=2", "https://h/x"),
        ("https://acct.blob.core.windows.net/c/x?sv=1&sig=abc", "https://acct.blob.core.windows.net/c/x"),
        ("abfss://c:p@acct.dfs.core.windows.net/x", "abfss://c@acct.dfs.core.windows.net/x"),
        ("s3://bucket/a@b/c", "s3://bucket/a@b/c"),
        ("/data/x", "/data/x"),
    ],
)
def test_what_opens_a_place_is_no_part_of_its_name(uri, kept):
    assert without_secrets(uri) == kept
