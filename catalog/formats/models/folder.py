"""Model folders as Hugging Face lays them out: `config.json`, card, index and the headers of the weights."""

from __future__ import annotations

import json
import re
from typing import Any

from catalog.errors import InspectError
from catalog.formats.base import KIB, MIB, TreeFile, TreeReader, parsing
from catalog.formats.models import safetensors, tensorflow
from catalog.formats.vocabulary import Facet, Tensors
from catalog.model import Facts

_DOCUMENT = 2 * MIB
_INDEX = 16 * MIB
_MOST_SHARDS = 64
_CONTEXT = ("max_position_embeddings", "n_positions", "max_sequence_length", "seq_length", "n_ctx", "max_seq_len")
_LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
_CARD = {
    "license": "license", "base_model": "base_model", "datasets": "datasets", "language": "language",
    "pipeline_tag": "task", "library_name": "framework",
}  # fmt: skip


def inspect_tree(files: TreeReader) -> Facts:
    """Everything the folder says about its model; fields are the tensors."""
    with parsing(files, "a model folder"):
        facet, tensors = Facet(), Tensors()
        config = _json(files, "config.json") or _json(files, "adapter_config.json")
        if config is None:
            raise InspectError("There is no config.json.", finding="truncated")
        _configured(config, facet)
        _carded(files, facet)
        tokenizer = _json(files, "tokenizer_config.json") or {}
        facet.add("tokenizer", tokenizer.get("tokenizer_class"))
        length = tokenizer.get("model_max_length")
        if "context_length" not in facet.details and isinstance(length, int) and length < 1 << 32:
            facet.add("context_length", length)
        short = _weighed(files, tensors, facet)
        fields = tensors.into(facet)  # what the weights are says more than what the configuration declares
        return Facts("hf_model", fields, None, None, facet.details, "truncated" if short else None, short)


def inspect_saved_model(files: TreeReader) -> Facts:
    """The graph of a SavedModel's folder."""
    file = files.get("saved_model.pb")
    if file is None:
        raise InspectError("There is no saved_model.pb.", finding="truncated")
    return tensorflow.inspect_saved_model(files.reader(file))


def _json(files: TreeReader, path: str, limit: int = _DOCUMENT) -> dict[str, Any] | None:
    file = files.get(path)
    if file is None:
        return None
    value = json.loads(files.read(file, limit))
    return value if isinstance(value, dict) else None


def _configured(config: dict[str, Any], facet: Facet) -> None:
    """What `config.json` (or an adapter's) says; of several parts the one for text."""
    inner = config.get("text_config")
    told: dict[str, Any] = {**(inner if isinstance(inner, dict) else {}), **config}
    architectures = config.get("architectures")
    facet.add(
        "architecture",
        architectures[0] if isinstance(architectures, list) and architectures else told.get("model_type"),
    )
    facet.add("context_length", _first(told, _CONTEXT))
    facet.add("layers", _first(told, _LAYERS))
    facet.add("vocabulary", _first(told, ("vocab_size",)))
    dtype = told.get("dtype") or told.get("torch_dtype")
    facet.add("dtype", dtype if isinstance(dtype, str) else None)
    base = config.get("base_model_name_or_path")
    facet.add("base_model", base if isinstance(base, str) else None)
    quantised = config.get("quantization_config")
    if isinstance(quantised, dict):
        bits = quantised.get("bits") or (
            4 if quantised.get("load_in_4bit") else 8 if quantised.get("load_in_8bit") else ""
        )
        facet.add("quantization", f"{quantised.get('quant_method', 'quantised')} {bits}".strip())
    version = config.get("transformers_version")
    facet.add("created_by", f"transformers {version}" if isinstance(version, str) else None)


def _first(told: dict[str, Any], names: tuple[str, ...]) -> int | None:
    return next((told[name] for name in names if isinstance(told.get(name), int)), None)


def _carded(files: TreeReader, facet: Facet) -> None:
    """The front matter of the model card. A card that is no YAML says nothing, and that is no fault of the model."""
    file = files.get("README.md")
    if file is None:
        return
    import yaml

    head = files.reader(file).head(64 * KIB).decode("utf-8", "replace")
    matter = re.match(r"---\s*\n(.*?)\n---\s*(?:\n|$)", head, re.DOTALL)
    try:
        card = yaml.safe_load(matter[1]) if matter else None
    except yaml.YAMLError:
        return
    if not isinstance(card, dict):
        return
    for key, fact in _CARD.items():
        value = card.get(key)
        if isinstance(value, str) or (isinstance(value, list) and all(isinstance(v, str) for v in value)):
            facet.add(fact, value)


def _weighed(files: TreeReader, tensors: Tensors, facet: Facet) -> str | None:
    """Tensors from the headers of the weights; a sentence where shards are missing."""
    index = next((f for f in files.files() if f.path.endswith(".safetensors.index.json")), None)
    present = [f for f in files.files() if f.path.endswith(".safetensors")]
    missing: list[str] = []
    if index is not None:
        named = (_json(files, index.path, _INDEX) or {}).get("weight_map") or {}
        wanted = sorted({str(name) for name in named.values()})
        missing = [name for name in wanted if files.get(name) is None]
        present = [file for name in wanted if (file := files.get(name)) is not None]
    facet.add("shards", len(present) + len(missing) if len(present) + len(missing) > 1 else None)
    for file in present[:_MOST_SHARDS]:
        _headed(files, file, tensors)
    facet.flag("members_cut", len(present) > _MOST_SHARDS)
    return f"{len(missing)} of the files that the index names are missing: {missing[0][:80]}" if missing else None


def _headed(files: TreeReader, file: TreeFile, tensors: Tensors) -> None:
    header, _ = safetensors.read_header(files.reader(file))
    safetensors.add_tensors(header, tensors)
