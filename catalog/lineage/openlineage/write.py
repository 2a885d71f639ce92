"""Recorded runs as OpenLineage events, so that they are stored, exported and understood like any other."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from catalog import __version__
from catalog.lineage.openlineage.events import PRODUCER
from catalog.model.lineage import AssetKind, Identity

_SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = "https://openlineage.io/spec/facets"
_OWN = f"{PRODUCER}/blob/main/docs/lineage.md"
_COMMIT = re.compile(r"[0-9a-fA-F]{7,64}")

Number = float | int | str


@dataclass(frozen=True, slots=True)
class Used:
    """A dataset or model that a recorded run read or wrote."""

    identity: Identity
    kind: AssetKind = "dataset"
    label: str | None = None
    metrics: Mapping[str, Number] = field(default_factory=dict)


def run_event(
    state: str, run: str, job: Identity, time_ns: int, *, reads: Sequence[Used] = (), writes: Sequence[Used] = (),
    code: str | None = None, parent: tuple[str, Identity] | None = None, error: str | None = None,
) -> dict[str, object]:  # fmt: skip
    """A RunEvent; `state` is one of OpenLineage's event types."""
    run_facets: dict[str, object] = {}
    if parent is not None:
        above = {"run": {"runId": parent[0]}, "job": _named(parent[1])}
        run_facets["parent"] = _facet("1-2-0/ParentRunFacet.json", **above)
    if error is not None:
        run_facets["errorMessage"] = _facet(
            "1-0-1/ErrorMessageRunFacet.json", message=error, programmingLanguage="PYTHON"
        )
    kind = {"processingType": "BATCH", "integration": "SILOGRAPH", "jobType": "RECORD"}
    job_facets: dict[str, object] = {"jobType": _facet("2-0-4/JobTypeJobFacet.json", **kind)}
    if code is not None:
        job_facets["sourceCodeLocation"] = _facet("1-1-0/SourceCodeLocationJobFacet.json", **_code(code))
    moment = datetime.fromtimestamp(time_ns // 10**9, UTC).replace(microsecond=time_ns // 1000 % 10**6)
    return {
        "eventType": state,
        "eventTime": moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "run": {"runId": run, "facets": run_facets},
        "job": {**_named(job), "facets": job_facets},
        "inputs": [_dataset(one) for one in reads],
        "outputs": [_dataset(one) for one in writes],
        "producer": f"{PRODUCER}/tree/{__version__}",
        "schemaURL": _SPEC,
    }


def _named(identity: Identity) -> dict[str, object]:
    return {"namespace": identity.namespace, "name": identity.name}


def _dataset(used: Used) -> dict[str, object]:
    facets: dict[str, object] = {}
    if used.kind == "model":
        facets["datasetType"] = _facet("1-0-1/DatasetTypeDatasetFacet.json", datasetType="MODEL")
    if used.label is not None:
        facets["version"] = _facet("1-0-1/DatasetVersionDatasetFacet.json", datasetVersion=used.label)
    made = {**_named(used.identity), "facets": facets}
    if used.metrics:
        metrics = {str(name): _plain(value) for name, value in used.metrics.items()}
        training = {"_producer": PRODUCER, "_schemaURL": _OWN, "metrics": metrics}
        made["outputFacets"] = {"silograph_training": training}
    return made


def _plain(value: object) -> Number:
    """A metric as JSON holds it, whichever library's number it is."""
    if isinstance(value, (bool, str)):
        return str(value) if isinstance(value, bool) else value
    if isinstance(value, int):
        return value
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(value)
    return number if math.isfinite(number) else str(number)


def _facet(schema: str, **content: object) -> dict[str, object]:
    return {"_producer": PRODUCER, "_schemaURL": f"{_FACETS}/{schema}", **content}


def _code(told: str) -> dict[str, object]:
    """`git:URL@COMMIT`, `git:COMMIT`, or the address of a script."""
    kind, colon, rest = told.partition(":")
    if colon and kind == "git":
        url, _, version = rest.rpartition("@")
        if not url:
            url, version = ("", rest) if _COMMIT.fullmatch(rest) else (rest, "")
        return {"type": "git", "url": url, **({"version": version} if version else {})}
    return {"type": "file", "url": told}
