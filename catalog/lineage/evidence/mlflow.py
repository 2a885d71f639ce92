"""MLflow's file store: which datasets a run read, which models it logged, and which of them were registered.

A run is a folder `EXPERIMENT/RUN` with `meta.yaml`; `inputs/` names datasets, which the experiment keeps in
`datasets/`. Models are named by the tag `mlflow.log-model.history` (MLflow 1 and 2) or in
`outputs/` (MLflow 3). A registered model is known by its name alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from catalog.errors import InspectError
from catalog.lineage.evidence.base import MOST_CLAIMS, EvidenceFile, Harvest, keepable, told
from catalog.lineage.evidence.documents import Node, json_value, yaml
from catalog.model.lineage import Claim, EdgeKind, End, Evidence, Identity
from catalog.text import safe

_HISTORY = "tags/mlflow.log-model.history"
_RUN = b"artifact_uri:"
_VERSION = b"current_stage:"
_DEEPEST = 12
_BUILDERS = frozenset(
    {"arrow", "audiofolder", "csv", "imagefolder", "json", "pandas", "parquet", "sql", "text", "webdataset"}
)
"""What Hugging Face's library takes for a dataset's name when it reads plain files."""


@dataclass(frozen=True, slots=True)
class _Input:
    """A dataset that a run read."""

    end: End
    context: str | None
    field: str


def harvest_meta(file: EvidenceFile) -> Harvest:
    """A `meta.yaml`: of a run, of a registered model's version, or of anything else, which claims nothing."""
    if _RUN not in file.data and _VERSION not in file.data:
        return Harvest()  # many tools have a file of this name, and not all of them write plain YAML
    meta = yaml(file.data)
    if meta.word("lifecycle_stage") == "deleted":
        return Harvest()
    if meta.word("artifact_uri") and (meta.word("run_id") or meta.word("run_uuid")):
        return Harvest(tuple(_run_claims(file, meta))[:MOST_CLAIMS])
    if meta.word("name") and meta.word("version") and meta.word("run_id"):
        return Harvest(tuple(_version_claims(file, meta)))
    return Harvest()


def _run_claims(file: EvidenceFile, meta: Node) -> Iterator[Claim]:
    experiment = file.folder.rpartition("/")[0]
    models = _models(file, meta, experiment)
    if not models:
        return
    run, start = meta.word("run_id") or meta.word("run_uuid"), meta.word("start_time") or ""
    job = _job(file, experiment)
    time_ns = int(start) * 1_000_000 if start.isdecimal() and len(start) < 15 else None
    for read in _inputs(file, experiment):
        # What a model was tested with had a part in its making, but did not train it.
        kind: EdgeKind = "trained" if read.context in (None, "training", "train") else "derived"
        detail = told(f"run {run}", f"context {read.context}" if read.context else None)
        evidence = Evidence("proof", file.origin, read.field, None, detail)
        for model in models:
            if model != read.end.identity:
                yield Claim(read.end, End(model, "model"), kind, evidence, job, time_ns)


def _version_claims(file: EvidenceFile, meta: Node) -> Iterator[Claim]:
    """A registered version is a copy of what the run logged."""
    field = "storage_location" if meta.word("storage_location") else "source"
    place, name = meta.word(field), meta.word("name") or ""
    source = (_moved(file, place) or _logged(file, place)) if place else None
    if source is not None and keepable(name):
        evidence = Evidence("proof", file.origin, field, meta.lines.get(field), told(f"run {meta.word('run_id')}"))
        target = End(Identity("model", name), "model", meta.word("version"))
        yield Claim(End(source, "model"), target, "copied", evidence)


# ---------------------------------------------------------------- what a run read


def _inputs(file: EvidenceFile, experiment: str) -> Iterator[_Input]:
    for path in file.below(f"{file.folder}/inputs"):
        entry = _read(file, path) if path.endswith("/meta.yaml") else None
        dataset_id = entry.word("source_id") if entry is not None and entry.word("source_type") == "DATASET" else None
        if entry is None or not dataset_id or "/" in dataset_id:
            continue
        dataset = _read(file, f"{experiment}/datasets/{dataset_id}/meta.yaml")
        end = _dataset(file, dataset) if dataset is not None else None
        if end is not None:
            context = entry.word("tags", "mlflow.data.context")
            field = path[len(file.folder) + 1 :].removesuffix("/meta.yaml")
            yield _Input(end, safe(context, 60) if context else None, safe(field, 200))


def _dataset(file: EvidenceFile, dataset: Node) -> End | None:
    """The place that a dataset of an experiment was read from."""
    try:
        source = json_value((dataset.word("source") or "").encode("utf-8", "replace"))
    except InspectError:
        return None
    if not isinstance(source, Mapping):
        return None
    digest = dataset.word("digest")
    version = safe(digest, 100) if digest else None
    if dataset.word("source_type") == "hugging_face":
        name, revision = _text(source, "path"), _text(source, "revision")
        plain = name in _BUILDERS or source.get("data_files") is not None
        known = name and not plain and name.count("/") <= 1
        return End(Identity("hf", f"datasets/{name}"), version=revision or version) if known else None
    place = _text(source, "uri") or _text(source, "url") or _text(source, "path")
    identity = _placed(file, place) if place else None
    return End(identity, version=version) if identity is not None else None


def _placed(file: EvidenceFile, place: str) -> Identity | None:
    """A path or URI; a relative path is relative to wherever the run was started, mostly a folder above."""
    return file.locate(place) if place.startswith("/") or ":" in place else file.seen_from_above(place)


# ---------------------------------------------------------------- what it logged


def _models(file: EvidenceFile, meta: Node, experiment: str) -> list[Identity]:
    found: dict[Identity, None] = {}
    for path in _logged_before_3(file):
        place = _artifact(file, f"{file.folder}/artifacts", meta.word("artifact_uri") or "", path)
        if place is not None:
            found[place] = None
    for path in file.below(f"{file.folder}/outputs"):
        output = _read(file, path) if path.endswith("/meta.yaml") else None
        model_id = output.word("destination_id") if output is not None else None
        if not model_id or "/" in model_id:
            continue
        folder = f"{experiment}/models/{model_id}"
        model = _read(file, f"{folder}/meta.yaml")
        place = _artifact(file, f"{folder}/artifacts", (model and model.word("artifact_location")) or "", "")
        if place is not None:
            found[place] = None
    return list(found)


def _logged_before_3(file: EvidenceFile) -> list[str]:
    data = file.near(f"{file.folder}/{_HISTORY}")
    try:
        history = json_value(data) if data else []
    except InspectError:
        return []
    entries = history if isinstance(history, list) else []
    paths = (entry.get("artifact_path") for entry in entries if isinstance(entry, Mapping))
    return [path for path in paths if isinstance(path, str) and keepable(path)]


def _artifact(file: EvidenceFile, folder: str, uri: str, path: str) -> Identity | None:
    """Where an artifact is: in the store itself when it is there, else where the run says it was put."""
    inside = f"{folder}/{path}".rstrip("/")
    if ".." not in inside.split("/") and any(True for _ in file.below(inside)):
        return file.ground.identity(inside)
    return _logged(file, f"{uri.rstrip('/')}/{path}".rstrip("/")) if uri else None


def _moved(file: EvidenceFile, place: str) -> Identity | None:
    """An artifact of this very store, which may stand elsewhere now than it says: found by the end of its path."""
    store = file.folder.rpartition("/models/")[0]  # a version is STORE/models/NAME/version-N
    parts = place.rstrip("/").split("/")
    for start in range(max(len(parts) - _DEEPEST, 1), len(parts) - 2):
        inside = "/".join(filter(None, (store, *parts[start:])))
        if ".." not in parts and file.below(inside):
            return file.ground.identity(inside)
    return None


def _logged(file: EvidenceFile, place: str) -> Identity | None:
    """The folder a URI of artifacts means; `runs:/`, `models:/` and relative paths need a server to tell."""
    if place.startswith(("runs:", "models:", "mlflow-artifacts:", "dbfs:/databricks/mlflow")):
        return None
    return file.locate(place) if place.startswith("/") or ":" in place else None


def _job(file: EvidenceFile, experiment: str) -> Identity:
    """The experiment, by its name if it has one, in the folder that keeps it."""
    meta = _read(file, f"{experiment}/meta.yaml")
    name = (meta.word("name") if meta is not None else None) or experiment.rpartition("/")[2]
    home = file.ground.identity(experiment.rpartition("/")[0])
    return Identity(home.namespace, f"{home.name}:{safe(name, 200)}")


def _read(file: EvidenceFile, path: str) -> Node | None:
    """Another file of the store; None when it is missing or broken."""
    data = file.near(path)
    try:
        return yaml(data) if data is not None else None
    except InspectError:
        return None


def _text(source: Mapping[str, Any], key: str) -> str | None:
    value = source.get(key)
    return value if isinstance(value, str) and keepable(value) else None
