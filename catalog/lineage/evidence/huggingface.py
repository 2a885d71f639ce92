"""Hugging Face: what model and dataset cards, and the settings beside weights, name as their sources.

A card is the YAML at the head of `README.md` (https://huggingface.co/docs/hub/model-cards). What it
says is declared by people. Datasets of evaluation results (`model-index`) are no sources and claim
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from catalog.lineage.evidence.base import MOST_CLAIMS, EvidenceFile, Harvest, keepable, told
from catalog.lineage.evidence.documents import Node, json_object, yaml
from catalog.model.lineage import AssetKind, Claim, EdgeKind, End, Evidence, Identity
from catalog.text import safe

HUB = "hf"
LOADED = 0.7
"""How far `_name_or_path` is believed: weights were loaded from there, for training or just to be saved again."""

_FRONT = re.compile(rb"\A(?:\xef\xbb\xbf)?(\s*---[ \t]*\r?\n)(.*?\r?\n)??---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_ID = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?(?:/[A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_CACHED = re.compile(r"(?:^|/)(models|datasets)--([^/]+)/snapshots/[^/]+$")
_MODEL_KEYS = ("base_model", "pipeline_tag", "library_name", "model-index", "model_name", "adapter_transformers")
_MODEL_SETTINGS = ("model_type", "architectures", "_class_name", "transformers_version")


def harvest_card(file: EvidenceFile) -> Harvest:
    """A `README.md` with a card: `base_model`, `datasets`, and a dataset's `source_datasets`."""
    found = _FRONT.match(file.data)
    if found is None or not found[2]:
        return Harvest()
    card = yaml(found[2], first_line=found[1].count(b"\n") + 1)
    claims = [*_sources_of_dataset(file, card)]
    models = _models(file)
    if models or any(card.get(key) is not None for key in _MODEL_KEYS):
        relation = card.word("base_model_relation")
        claims += _card_claims(file, card, "base_model", "model", models, relation)
        claims += _card_claims(file, card, "datasets", "dataset", models, None)
    return Harvest(tuple(claims[:MOST_CLAIMS]))


def harvest_adapter(file: EvidenceFile) -> Harvest:
    """An `adapter_config.json` of PEFT: the model that the adapter's weights are put onto."""
    settings = json_object(file.data)
    value, line = settings.get("base_model_name_or_path", (None, 0))
    kind, revision = _word(settings, "peft_type"), _word(settings, "revision")
    detail = told(f"adapter ({kind.lower()})" if kind else "adapter")
    return _settings_claims(file, value, "base_model_name_or_path", line, detail, revision, None)


def harvest_config(file: EvidenceFile) -> Harvest:
    """A `config.json` of a model: where its weights were loaded from before they were saved here."""
    settings = json_object(file.data)
    if not any(key in settings for key in _MODEL_SETTINGS):
        return Harvest()
    value, line = settings.get("_name_or_path", (None, 0))
    return _settings_claims(file, value, "_name_or_path", line, "loaded from there", None, LOADED)


# ---------------------------------------------------------------- from values to claims


def _card_claims(
    file: EvidenceFile, card: Node, key: str, kind: AssetKind, models: Sequence[Identity], relation: str | None
) -> Iterator[Claim]:
    edge: EdgeKind = "based" if kind == "model" else "trained"
    for at, node in card.listed(key):
        source = _source(file, node.text, kind)
        if source is None:
            continue
        evidence = Evidence("declared", file.origin, key + at, node.line, told(relation))
        for target in models or [_folder(file)]:
            if target != source.identity:
                yield Claim(source, End(target, "model"), edge, evidence)


def _sources_of_dataset(file: EvidenceFile, card: Node) -> Iterator[Claim]:
    for at, node in card.listed("source_datasets"):
        # `original` has no source, `extended|other-…` one without an address.
        value = (node.text or "").removeprefix("extended|")
        if value in ("original", "extended") or value.startswith("other-"):
            continue
        source, target = _source(file, value, "dataset"), _folder(file)
        if source is not None and source.identity != target:
            evidence = Evidence("declared", file.origin, f"source_datasets{at}", node.line)
            yield Claim(source, End(target, "dataset"), "derived", evidence)


def _settings_claims(
    file: EvidenceFile, value: Any, field: str, line: int, detail: str | None, version: str | None,
    confidence: float | None,
) -> Harvest:  # fmt: skip
    source = _source(file, value, "model") if isinstance(value, str) else None
    if source is None or source.identity in (_folder(file), _own(file)):
        return Harvest()
    source = End(source.identity, source.kind, version)
    evidence = Evidence("declared", file.origin, field, line, detail, confidence)
    targets = [target for target in _models(file) or [_folder(file)] if target != source.identity]
    return Harvest(tuple(Claim(source, End(target, "model"), "based", evidence) for target in targets))


def _models(file: EvidenceFile) -> list[Identity]:
    """The models that stand in the file's folder."""
    return [one.identity for one in file.subjects(file.folder) if one.kind == "model"]


def _folder(file: EvidenceFile) -> Identity:
    return file.ground.identity(file.folder)


def _own(file: EvidenceFile) -> Identity | None:
    """The name on the hub of a folder in the hub's own cache."""
    found = _CACHED.search(file.folder)
    if found is None:
        return None
    name = found[2].replace("--", "/", 1)
    return Identity(HUB, name if found[1] == "models" else f"datasets/{name}")


# ---------------------------------------------------------------- what a value names


def _source(file: EvidenceFile, value: str | None, kind: AssetKind) -> End | None:
    """What a value names: an id on the hub, a page of the hub, or a path or URI; None for anything else."""
    value = (value or "").strip()
    if not keepable(value):
        return None
    placed = _placed(file, value)
    if placed is None:
        return _on_hub(value, kind)
    return End(placed, "dataset" if placed.namespace == HUB and placed.name.startswith("datasets/") else kind)


def _placed(file: EvidenceFile, value: str) -> Identity | None:
    """A path, a URI or a page of the hub; a bare `a/b` is a path only where the catalog knows one of that name."""
    beside = file.locate(value)
    if value.startswith(("/", "./", "../")) or value in (".", "..") or ":" in value:
        return beside
    path = file.ground.path(beside) if beside is not None else None
    return beside if path is not None and file.what(path) in ("model", "dataset") else None


def _on_hub(name: str, kind: AssetKind) -> End | None:
    if len(name) > 96 or not _ID.fullmatch(name) or "--" in name or ".." in name:
        return None
    return End(Identity(HUB, name if kind == "model" else f"datasets/{name}"), kind)


def _word(settings: dict[str, tuple[Any, int]], key: str) -> str | None:
    value = settings.get(key, (None, 0))[0]
    return safe(value, 100) if isinstance(value, str) and value else None
