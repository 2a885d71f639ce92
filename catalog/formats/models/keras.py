"""Keras 3 archives (keras/src/saving/saving_lib.py): a ZIP with `config.json`, `metadata.json` and weights."""

from __future__ import annotations

import json
from typing import Any

from catalog.errors import InspectError
from catalog.formats.base import MIB, RangeReader, parsing
from catalog.formats.vocabulary import Facet
from catalog.formats.zipdir import ZipDirectory
from catalog.model import Facts

_CONFIG = 8 * MIB
_RUNS_CODE = frozenset({"Lambda", "TorchModuleWrapper"})


def inspect(reader: RangeReader) -> Facts:
    """Architecture and layers; a Lambda layer carries code and makes the file `unsafe` to load."""
    with parsing(reader, "a Keras archive"):
        archive = ZipDirectory(reader)
        facet = Facet()
        config = _json(archive, "config.json")
        if config is None:
            raise InspectError("No config.json in the archive: not a Keras model.", finding="unsupported")
        meta = _json(archive, "metadata.json") or {}
        facet.add("created_by", f"keras {meta['keras_version']}" if "keras_version" in meta else None)
        facet.add("members", len(archive.members))
        return described(config, facet, "keras")


def described(config: dict[str, Any], facet: Facet, format: str) -> Facts:
    """Facts from the serialised model of any Keras file."""
    inner = config.get("config") if isinstance(config.get("config"), dict) else {}
    layers = inner.get("layers") if isinstance(inner, dict) else None
    classes = [str(layer.get("class_name")) for layer in layers or () if isinstance(layer, dict)]
    facet.add("architecture", config.get("class_name"))
    facet.add("title", inner.get("name") if isinstance(inner, dict) else None)
    facet.add("layers", len(classes) or None)
    facet.add("operators", list(dict.fromkeys(classes)))
    bad = sorted(_RUNS_CODE & set(classes))
    detail = f"Loading it would run the code of a {bad[0]} layer." if bad else None
    return Facts(format, (), None, None, facet.details, "unsafe" if bad else None, detail)


def _json(archive: ZipDirectory, name: str) -> dict[str, Any] | None:
    member = archive.get(name)
    if member is None:
        return None
    if member.size > _CONFIG:
        raise InspectError(f"{name} is longer than 8 MiB.", finding="too_large")
    value = json.loads(archive.read(member, _CONFIG))
    return value if isinstance(value, dict) else None
