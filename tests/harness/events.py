"""OpenLineage events as plain dictionaries, and importing them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from catalog.datasets.schema import schema_digest
from catalog.datasets.sketch import belongs
from catalog.lineage.openlineage import read
from catalog.model.lineage import ImportReport
from catalog.store.engine import Database
from catalog.store.lineage.imports import load

PRODUCER = "https://example.com/producer/1.0"
Json = dict[str, Any]


def run_id(number: int) -> str:
    return str(uuid.UUID(int=number, version=4))


def at(minute: int) -> str:
    """A time, so many minutes after one in March."""
    return f"2026-03-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:00Z"


def facet(**content: Any) -> Json:
    return {"_producer": PRODUCER, "_schemaURL": "https://example.com/facet.json", **content}


def dataset(namespace: str, name: str, **facets: Any) -> Json:
    return {"namespace": namespace, "name": name, **({"facets": facets} if facets else {})}


def schema(*names: str) -> Json:
    return facet(fields=[{"name": name, "type": "string"} for name in names])


def symlink(namespace: str, name: str, kind: str = "TABLE") -> Json:
    return facet(identifiers=[{"namespace": namespace, "name": name, "type": kind}])


def columns(**made: list[tuple[str, str, str]]) -> Json:
    """`columnLineage`: each target with its (namespace, name, field)."""
    return facet(
        fields={
            target: {"inputFields": [{"namespace": n, "name": m, "field": f} for n, m, f in sources]}
            for target, sources in made.items()
        }
    )


def source(namespace: str, name: str, field: str | None = None, type: str = "DATASET") -> Json:
    """An input of the explicit `lineage` facet."""
    return {"namespace": namespace, "name": name, "type": type, **({"field": field} if field else {})}


def event(
    state: str | None, run: str | int | None, job: str = "job", inputs: Iterable[Json] = (), outputs: Iterable[Json] = (),
    minute: int = 0, *, run_facets: Mapping[str, Any] | None = None, job_facets: Mapping[str, Any] | None = None, **more: Any,
) -> Json:  # fmt: skip
    made: Json = {
        "eventTime": at(minute), "producer": PRODUCER,
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "job": {"namespace": "etl", "name": job, **({"facets": dict(job_facets)} if job_facets else {})},
        "inputs": list(inputs), "outputs": list(outputs),
    }  # fmt: skip
    if state is not None:
        made["eventType"] = state
    if run is not None:
        made["run"] = {
            "runId": run_id(run) if isinstance(run, int) else run,
            **({"facets": dict(run_facets)} if run_facets else {}),
        }
    return made | more


def dataset_event(one: Json, minute: int = 0) -> Json:
    return {
        "eventTime": at(minute), "producer": PRODUCER, "dataset": one,
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/DatasetEvent",
    }  # fmt: skip


def write(path: Path, events: Iterable[Json]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in events), encoding="utf-8")
    return path


def import_file(url: str, *paths: Path) -> ImportReport:
    with closing(Database(url)) as db:
        return load(db, read([str(path) for path in paths]), belongs, schema_digest)
