"""What cards and settings of the Hugging Face hub claim."""

from __future__ import annotations

import json

import pytest
from evidence_files import FIXTURES, GROUND, line_of, recorded, told

from catalog.lineage.evidence.base import Ground, Subject
from catalog.model.lineage import Identity


def sources(found):
    return {(claim.source.identity, claim.kind) for claim in found.claims}


def hub(name):
    return Identity("hf", name)


# ---------------------------------------------------------------- cards


def test_a_card_names_its_base_and_its_datasets():
    text = (FIXTURES / "cards/tuned/README.md").read_text()
    found = recorded("cards", "tuned/README.md")
    assert sources(found) == {
        (hub("google-bert/bert-base-uncased"), "based"),
        (hub("datasets/stanfordnlp/imdb"), "trained"),
        (hub("datasets/acme/reviews"), "trained"),
    }
    assert {(c.target.identity, c.target.kind) for c in found.claims} == {
        (Identity("s3://lake", "team/tuned"), "model")
    }
    assert {c.evidence.kind for c in found.claims} == {"declared"}
    by_field = {c.evidence.field: line_of(c, text) for c in found.claims}
    assert by_field == {
        "base_model": "base_model: google-bert/bert-base-uncased",
        "datasets[0]": "- stanfordnlp/imdb",
        "datasets[1]": "- acme/reviews",
    }
    (base,) = [c for c in found.claims if c.kind == "based"]
    assert base.evidence.detail == "finetune"


def test_a_merge_has_several_bases():
    assert sources(recorded("cards", "merged/README.md")) == {(hub("acme/left"), "based"), (hub("acme/right"), "based")}


def test_a_dataset_card_names_what_it_extends():
    found = recorded("cards", "reviews/README.md")
    assert sources(found) == {(hub("datasets/imdb"), "derived")}
    assert found.claims[0].target.identity == Identity("s3://lake", "team/reviews")


def test_every_model_in_the_folder_has_the_base_of_the_card():
    """One card for several quantisations."""
    models = tuple(Subject(Identity("s3://lake", f"team/q/{n}.gguf"), "model") for n in (4, 8))
    found = told("q/README.md", "---\nbase_model: acme/chat\n---\n", subjects=models)
    assert {c.target.identity for c in found.claims} == {one.identity for one in models}


def test_a_readme_with_other_front_matter_is_no_model_card():
    assert told("docs/README.md", "---\nlayout: page\ndatasets: [a/b]\n---\n# Docs\n").claims == ()


@pytest.mark.parametrize(
    "text",
    ["# no front matter\nbase_model: a/b\n", "---\n---\nbase_model: a/b\n", "---\nbase_model: a/b\n", "",
     "text\n---\nbase_model: a/b\n---\n"],
)  # fmt: skip
def test_text_is_no_card(text):
    assert told("m/README.md", text) == told("m/README.md", "")


@pytest.mark.parametrize("head", ["\ufeff---\n", "---\r\n", "\n\n---\n"])
def test_a_card_may_begin_as_the_hub_allows(head):
    found = told("m/README.md", f"{head}license: mit\nbase_model: a/b\n---\n")
    assert sources(found) == {(hub("a/b"), "based")}
    assert found.claims[0].evidence.line == head.count("\n") + 2


def test_a_broken_card_is_a_finding_with_the_line_in_its_file():
    found = told("m/README.md", "---\nbase_model: a/b\nlicense: [mit\n---\n# Title\n")
    assert found.claims == ()
    assert found.findings[0][1].startswith("broken YAML at line 4")


# ---------------------------------------------------------------- what a value may name


@pytest.mark.parametrize(
    ("value", "identity"),
    [
        ("gpt2", hub("gpt2")),
        ("acme/chat-7b.v2", hub("acme/chat-7b.v2")),
        ("https://huggingface.co/acme/chat", hub("acme/chat")),
        ("https://huggingface.co/acme/chat/tree/main", hub("acme/chat")),
        ("https://huggingface.co/datasets/acme/reviews/", hub("datasets/acme/reviews")),
        ("/models/base", Identity("file", "/models/base")),
        ("./base", Identity("s3://lake", "team/m/base")),
        ("../base/", Identity("s3://lake", "team/base")),
        ("s3a://Models/base/", Identity("s3://models", "base")),
        ("C:\\models\\base", Identity("file", "C:/models/base")),
        ("out/run-1/checkpoint-500", None),
        ("a model of ours", None),
        ("~/models/base", None),
        ("../../../../etc", None),
        ("a" * 97, None),
        ("-", None),
        ("", None),
    ],
)
def test_a_base_is_an_id_a_page_a_path_or_nothing(value, identity):
    found = told("m/README.md", "---\nlibrary_name: x\nbase_model: " + json.dumps(value) + "\n---\n")
    assert {c.source.identity for c in found.claims} == ({identity} if identity else set())


@pytest.mark.parametrize("value", ["null", "[]", "{a: b}", "[[a/b]]", "~", "''"])
def test_a_base_of_another_shape_claims_nothing(value):
    assert told("m/README.md", f"---\nbase_model: {value}\n---\n").claims == ()


def test_a_bare_name_is_a_path_where_the_catalog_knows_one():
    found = told("m/README.md", "---\nbase_model: sub/base\n---\n", known={"m/sub/base": "model"})
    assert {c.source.identity for c in found.claims} == {Identity("s3://lake", "team/m/sub/base")}


# ---------------------------------------------------------------- settings beside weights


def test_an_adapter_is_based_on_the_model_it_is_put_onto():
    text = json.dumps(
        {"peft_type": "LORA", "base_model_name_or_path": "acme/chat", "revision": "f00d", "r": 8}, indent=2
    )
    (claim,) = told("lora/adapter_config.json", text).claims
    assert (claim.source.identity, claim.source.version, claim.kind) == (hub("acme/chat"), "f00d", "based")
    assert (claim.evidence.field, claim.evidence.detail) == ("base_model_name_or_path", "adapter (lora)")
    assert line_of(claim, text) == '"base_model_name_or_path": "acme/chat",'


def test_settings_say_from_where_weights_were_loaded_and_are_believed_less():
    text = '{\n  "model_type": "bert",\n  "nested": {"_name_or_path": "no/this"},\n  "_name_or_path": "acme/bert"\n}'
    (claim,) = told("m/config.json", text).claims
    assert (claim.source.identity, claim.kind, claim.evidence.line) == (hub("acme/bert"), "based", 4)
    assert claim.evidence.belief < 0.9


@pytest.mark.parametrize("value", ['""', "null", '"."', '"./"', '"/data/team/m"', '"../m"', "3"])
def test_settings_that_name_their_own_folder_claim_nothing(value):
    text = f'{{"model_type": "bert", "_name_or_path": {value}}}'
    assert told("m/config.json", text, ground=Ground("file", "/data/team")).claims == ()


def test_settings_in_the_hubs_cache_that_name_their_own_model_claim_nothing():
    text = '{"model_type": "bert", "_name_or_path": "acme/bert-base"}'
    assert told("hub/models--acme--bert-base/snapshots/0ab1/config.json", text).claims == ()
    assert len(told("hub/models--acme--other/snapshots/0ab1/config.json", text).claims) == 1


def test_any_other_config_claims_nothing():
    assert told("app/config.json", '{"_name_or_path": "acme/bert", "port": 80}').claims == ()
    assert told("app/config.json", '{"_name_or_path": "' + "x" * 2_000_000, whole=False).findings == ()


@pytest.mark.parametrize(
    ("text", "line"), [('{"a": 1,\n "b" 2}', 2), ('{"a": 1\n"b": 2}', 2), ('{\n\n"a": tru}', 3), ("{", 1), ('{"a"', 1)]
)
def test_broken_json_is_a_finding_with_its_line(text, line):
    ((kind, detail),) = told("m/adapter_config.json", text).findings
    assert kind == "corrupt"
    assert f"line {line}" in detail


def test_the_ground_is_that_of_the_silo():
    assert GROUND.identity("") == Identity("s3://lake", "team")
