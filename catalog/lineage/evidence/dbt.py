"""dbt: which models are built from which tables and files, as `manifest.json` of a compiled project says.

https://schemas.getdbt.com/dbt/manifest/v12.json. A manifest does not say where its warehouse is: tables are
named within their project, except those of BigQuery, whose names are complete. What a model writes to
a file (`location`), a source reads from one (`external_location`), and seeds are files of the silo.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from catalog.lineage.evidence.base import MOST_CLAIMS, EvidenceFile, Harvest, keepable, told
from catalog.lineage.evidence.documents import json_object
from catalog.model.lineage import Claim, End, Evidence, Identity
from catalog.text import safe

_BUILT = ("model", "seed", "snapshot")
_DEEPEST = 50
_QUOTES = str.maketrans("", "", "\"`[]'")
_MOST = f"it tells of more than {MOST_CLAIMS:,} edges; the first of them are kept"


@dataclass(frozen=True, slots=True)
class _Project:
    """What every name in a manifest is relative to."""

    file: EvidenceFile
    name: str
    adapter: str
    folder: str
    nodes: Mapping[str, Any]
    sources: Mapping[str, Any]


def harvest_manifest(file: EvidenceFile) -> Harvest:
    """The edges between the models, seeds, snapshots and sources of one project."""
    if not file.data:
        return Harvest()
    members = {key: value for key, (value, _) in json_object(file.data).items()}
    metadata, nodes, sources = (_mapping(members, key) for key in ("metadata", "nodes", "sources"))
    if "/dbt/manifest/" not in (_text(metadata, "dbt_schema_version") or ""):
        return Harvest()
    folder, _, last = file.folder.rpartition("/")
    home = folder if last == "target" else file.folder
    name, adapter = _text(metadata, "project_name") or "project", _text(metadata, "adapter_type") or "sql"
    project = _Project(file, name, adapter, home, nodes, sources)
    claims: list[Claim] = []
    for claim in _claims(project):
        if len(claims) == MOST_CLAIMS:
            return Harvest(tuple(claims), (("too_large", _MOST),))
        claims.append(claim)
    return Harvest(tuple(claims))


def _claims(project: _Project) -> Iterator[Claim]:
    for unique_id, node in project.nodes.items():
        if not isinstance(node, Mapping) or node.get("resource_type") not in _BUILT or _is_ephemeral(node):
            continue
        target = _built(project, node)
        if target is None:
            continue
        home = project.file.ground.identity(project.folder)
        job = Identity(home.namespace, f"{home.name}:{safe(unique_id, 300)}")
        detail = told(f"dbt {node['resource_type']}", _text(_mapping(node, "config"), "materialized"))
        for place, source in _read_by(project, unique_id, node):
            if source != target:
                evidence = Evidence("declared", project.file.origin, safe(place, 400), None, detail)
                yield Claim(End(source), End(target), "derived", evidence, job)


def _read_by(project: _Project, unique_id: str, node: Mapping[str, Any]) -> Iterator[tuple[str, Identity]]:
    """What a node reads, with the place that says so; what is only inlined is looked through."""
    if node.get("resource_type") == "seed":
        path = _text(node, "original_file_path")
        file = project.file.locate(path, project.folder) if path and _is_own(project, node) else None
        if file is not None:
            yield f"nodes.{unique_id}.original_file_path", file
        return
    pending = [(0, unique_id, node)]
    seen = {unique_id}
    while pending:
        depth, name, at = pending.pop()
        below = _mapping(at, "depends_on").get("nodes")
        for number, dependency in enumerate(below if isinstance(below, list) else []):
            if not isinstance(dependency, str) or dependency in seen:
                continue
            seen.add(dependency)
            found = project.nodes.get(dependency) or project.sources.get(dependency)
            if not isinstance(found, Mapping):
                continue
            if _is_ephemeral(found) and depth < _DEEPEST:
                pending.append((depth + 1, dependency, found))
                continue
            is_source = found.get("resource_type") == "source"
            identity = _external(project, found) if is_source else _built(project, found)
            if identity is not None:
                yield f"nodes.{name}.depends_on.nodes[{number}]", identity


# ---------------------------------------------------------------- names


def _built(project: _Project, node: Mapping[str, Any]) -> Identity | None:
    """Where a node's rows are: in the file it is told to write, else in its table."""
    config = _mapping(node, "config")
    location = _text(config, "location")
    if location and config.get("materialized") == "external":
        return project.file.locate(location, project.folder)
    return _table(project, node, "alias")


def _external(project: _Project, source: Mapping[str, Any]) -> Identity | None:
    """Where a source's rows are: in the files it is read from, else in a table that is there already."""
    metas = (_mapping(source, "meta"), _mapping(_mapping(source, "config"), "meta"))
    places = [_text(meta, "external_location") for meta in metas] + [_text(_mapping(source, "external"), "location")]
    for place in filter(None, places):
        for key in ("name", "identifier", "schema", "database"):
            place = place.replace(f"{{{key}}}", _text(source, key) or "")
        if not any(character in place for character in "{}()' "):  # an expression of SQL is no address
            return project.file.locate(place, project.folder)
    return _table(project, source, "identifier")


def _table(project: _Project, node: Mapping[str, Any], last: str) -> Identity | None:
    parts = [_text(node, key) for key in ("database", "schema")] + [_text(node, last) or _text(node, "name")]
    name = ".".join(part.translate(_QUOTES) for part in parts if part)
    if not parts[-1] or not keepable(name):
        return None
    return Identity("bigquery" if project.adapter == "bigquery" else f"dbt:{safe(project.name, 100)}", name)


def _is_own(project: _Project, node: Mapping[str, Any]) -> bool:
    return node.get("package_name") in (None, project.name)


def _is_ephemeral(node: Mapping[str, Any]) -> bool:
    return _mapping(node, "config").get("materialized") == "ephemeral"


def _mapping(node: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = node.get(key)
    return value if isinstance(value, Mapping) else {}


def _text(node: Mapping[str, Any], key: str) -> str | None:
    value = node.get(key)
    return value if isinstance(value, str) and keepable(value) else None
