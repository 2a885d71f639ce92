"""The rows of each command: which keys scripts find, and which columns people see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from catalog import text
from catalog.cli.output import Column
from catalog.model import AssetInfo, ColumnLabel, Field, FileInfo, Hit, SiloInfo

if TYPE_CHECKING:
    from catalog.model.lineage import Layer
    from catalog.model.schedules import Attempt, ScheduleInfo, TaskInfo

HIT_KEYS = (
    "id", "kind", "name", "uri", "silo", "format", "files", "bytes", "rows",
    "modified", "version", "owner", "tags",
)  # fmt: skip
FILE_KEYS = ("path", "size", "modified", "etag", "format", "state")
LABEL_KEYS = ("label", "country", "score", "sampled", "matched")
FIELD_KEYS = ("path", "type", "nullable", *LABEL_KEYS, "doc", "id", "unit")
SILO_KEYS = (
    "name", "url", "kind", "files", "bytes", "datasets", "last_crawl", "state", "verified", "added", "options",
)  # fmt: skip
CRAWL_KEYS = (
    "silo", "crawl", "mode", "state", "listed", "added", "changed", "removed", "unchanged",
    "bytes", "seconds", "failed", "datasets", "versions", "inspected", "requests", "bytes_read", "findings",
    "evidence", "lineage", "skipped", "notes", "share", "as_of", "resumed", "classified", "sensitive",
)  # fmt: skip
SCHEDULE_KEYS = (
    "name", "silo", "when", "zone", "next", "state", "last", "last_ended", "prefix", "mode", "inspect",
    "share", "runner", "jitter", "timeout", "overlap", "misfire", "retries", "added", "paused", "classify",
)  # fmt: skip
TASK_KEYS = (
    "schedule", "silo", "due", "cause", "state", "started", "ended", "seconds", "crawl", "listed", "added", "changed",
    "removed", "worker", "reason", "note", "next_try", "attempts",
)  # fmt: skip
SHOW_KEYS = (
    *HIT_KEYS, "schema", "evidence", "description", "upstream", "downstream", "versions", "facts", "labels",
    "classified", "aliases", "drift",
)  # fmt: skip


_LAYER_WORDS = {
    "type": "{}", "name": "'{}'", "label": "'{}'", "table": "{} table", "sector": "sectors of {}",
    "block": "blocks of {}", "uuid": "uuid {}", "content": "{}", "state": "{}", "problem": "{}",
}  # fmt: skip
"""The facts of a layer that people are told, in this order, and how."""


def dash(value: Any) -> str:
    """A value for people; what is not there is a dash."""
    return "-" if value is None or value == "" else str(value)


def when(value: str | None) -> str:
    """An ISO time for people: without the `T`, and in UTC as all times here."""
    return value.replace("T", " ").removesuffix("Z") if value else "-"


def listed(values: Iterable[str] | None) -> str:
    """Words joined by commas."""
    return ", ".join(values or ()) or "-"


HIT_COLUMNS = (
    Column("name", "NAME", shrinks=True),
    Column("silo", "SILO", dash),
    Column("kind", "KIND", spare=1),
    Column("format", "FORMAT", dash),
    Column("files", "FILES", text.count, right=True, spare=2),
    Column("bytes", "SIZE", text.size, right=True),
    Column("modified", "MODIFIED", when),
    Column("owner", "OWNER", dash, shrinks=True, spare=4),
    Column("tags", "TAGS", listed, shrinks=True, spare=3),
)
FILE_COLUMNS = (
    Column("path", "PATH", shrinks=True),
    Column("size", "SIZE", text.size, right=True),
    Column("modified", "MODIFIED", when, spare=1),
    Column("format", "FORMAT", dash),
    Column("state", "STATE", spare=2),
)
FIELD_COLUMNS = (
    Column("path", "COLUMN", shrinks=True),
    Column("type", "TYPE", shrinks=True),
    Column("nullable", "NULL", lambda value: "yes" if value else "no"),
)
LABEL_COLUMNS = (
    Column("label", "LABEL", dash),
    Column("country", "OF", dash, spare=1),
    Column("score", "SCORE", lambda value: dash(None if value is None else f"{value:.0%}"), right=True),
)
"""What is added where something is sensitive."""
TOLD_COLUMNS = (
    Column("id", "ID", lambda value: dash(None if value is None else str(value)), right=True),
    Column("unit", "UNIT", dash),
    Column("doc", "DESCRIPTION", dash, shrinks=True),
)
"""What is added where a file tells it of any column."""
PLAN_KEYS = (
    "silo", "mode", "prefix", "known_files", "known_directories", "list_requests", "looks", "open_files",
    "classify_files",
)  # fmt: skip
PLAN_COLUMNS = (
    Column("silo", "SILO"),
    Column("mode", "MODE", spare=1),
    Column("known_files", "FILES", text.count, right=True),
    Column("known_directories", "FOLDERS", text.count, right=True),
    Column("list_requests", "LISTING REQUESTS", text.count, right=True),
    Column("looks", "LOOKS", text.count, right=True, spare=2),
    Column("open_files", "FILES TO OPEN", text.count, right=True),
)
SILO_COLUMNS = (
    Column("name", "NAME"),
    Column("url", "URL", shrinks=True),
    Column("kind", "KIND", spare=3),
    Column("files", "FILES", text.count, right=True),
    Column("bytes", "SIZE", text.size, right=True),
    Column("datasets", "ASSETS", text.count, right=True, spare=2),
    Column("last_crawl", "LAST CRAWL", when, spare=1),
    Column("state", "STATE", dash),
)
SCHEDULE_COLUMNS = (
    Column("name", "NAME"),
    Column("silo", "SILO", spare=2),
    Column("when", "WHEN"),
    Column("zone", "ZONE", spare=3),
    Column("next", "NEXT", when),
    Column("state", "STATE", dash),
    Column("last", "LAST", dash),
    Column("last_ended", "LAST ENDED", when, spare=1),
)
TASK_COLUMNS = (
    Column("due", "DUE", when),
    Column("schedule", "SCHEDULE"),
    Column("cause", "CAUSE", spare=4),
    Column("state", "STATE"),
    Column("seconds", "TOOK", lambda value: dash(None if value is None else text.duration(value)), right=True, spare=2),
    Column("listed", "FILES", lambda value: dash(None if value is None else text.count(value)), right=True, spare=3),
    Column("attempts", "TRIES", lambda value: dash(len(value) or None), right=True, spare=1),
    Column("reason", "REASON", dash, shrinks=True),
)


def hit(found: Hit) -> dict[str, Any]:
    """A search result."""
    return {
        "id": found.id,
        "kind": found.kind,
        "name": found.name,
        "uri": found.uri,
        "silo": found.silo,
        "format": found.format,
        "files": found.files,
        "bytes": found.bytes,
        "rows": found.rows,
        "modified": text.iso(found.modified_ns),
        "version": found.version,
        "owner": found.owner,
        "tags": list(found.tags),
    }


def file(found: FileInfo) -> dict[str, Any]:
    """A file of an asset."""
    return {
        "path": found.path,
        "size": found.size,
        "modified": text.iso(found.modified_ns),
        "etag": found.etag,
        "format": found.format,
        "state": found.state,
    }


def fields(found: Iterable[Field], labels: Iterable[ColumnLabel] | None) -> list[dict[str, Any]]:
    """The columns of a schema, each with its label where it has one."""
    by_path = {one.path: one for one in labels or ()}
    return [field(one, by_path.get(one.path)) for one in found]


def field(found: Field, told: ColumnLabel | None) -> dict[str, Any]:
    """A column of a schema."""
    kept = {"path": found.path, "type": found.type, "nullable": found.nullable}
    labelled = {name: getattr(told, name) if told else None for name in LABEL_KEYS}
    return {**kept, **labelled, "doc": found.doc, "id": found.id, "unit": found.unit}


def field_columns(found: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    """What people see of columns: label, id, unit and description only where there is any."""
    labels = LABEL_COLUMNS if any(one["label"] for one in found) else ()
    more = (column for column in TOLD_COLUMNS if any(one[column.key] is not None for one in found))
    return (*FIELD_COLUMNS, *labels, *more)


def label(found: ColumnLabel) -> dict[str, Any]:
    """A sensitive column."""
    return {"path": found.path, **{name: getattr(found, name) for name in LABEL_KEYS}}


def layer(found: Layer) -> dict[str, Any]:
    """A piece of the storage below a silo."""
    return {
        "kind": found.kind,
        "namespace": found.identity.namespace,
        "name": found.identity.name,
        "title": found.title,
        "prefix": found.prefix,
        "above": found.above,
        "bytes": found.bytes,
        "facts": dict(found.facts),
    }


def layer_words(found: Layer) -> str:
    """A piece of the storage below a silo on one line: its title and size, then its facts."""
    size = [text.size(found.bytes)] if found.bytes is not None else []
    told = {key: value for key, value in found.facts.items() if key != "content" or "problem" not in found.facts}
    facts = [words.format(told[key]) for key, words in _LAYER_WORDS.items() if key in told]
    return ", ".join([found.title, *size, *facts])


def silo(found: SiloInfo) -> dict[str, Any]:
    """A registered silo."""
    return {
        "name": found.name,
        "url": found.url,
        "kind": found.kind,
        "files": found.files,
        "bytes": found.bytes,
        "datasets": found.datasets,
        "last_crawl": text.iso(found.last_crawl_ns),
        "state": found.last_state,
        "verified": text.iso(found.verified_ns),
        "added": text.iso(found.added_ns),
        "options": dict(found.options),
    }


def asset(
    info: AssetInfo,
    versions: list[dict[str, Any]],
    upstream: list[dict[str, Any]],
    downstream: list[dict[str, Any]],
) -> dict[str, Any]:
    """Everything known about an asset; the others are rows."""
    return {
        **hit(info.hit),
        "schema": fields(info.fields, info.labels),
        "evidence": info.evidence,
        "description": info.description,
        "upstream": upstream,
        "downstream": downstream,
        "versions": versions,
        "rule": info.rule,
        "pattern": info.pattern,
        "confidence": info.confidence,
        "codec": info.codec,
        "partitions": list(info.partitions),
        "inspected": info.inspected,
        "first_seen": text.iso(info.first_seen_ns),
        "last_verified": text.iso(info.last_verified_ns),
        "removed": text.iso(info.removed_ns),
        "findings": [{"path": one.path, "kind": one.kind, "detail": one.detail} for one in info.findings],
        "facts": dict(info.facts),
        "labels": None if info.labels is None else [label(one) for one in info.labels],
        "classified": info.classified,
        "aliases": list(info.aliases),
        "drift": list(info.drift),
    }


def schedule(found: ScheduleInfo) -> dict[str, Any]:
    """A schedule."""
    return {
        "name": found.name,
        "silo": found.silo,
        "when": found.when,
        "zone": found.zone,
        "next": text.iso(found.starts_ns),
        "state": found.state,
        "last": found.last,
        "last_ended": text.iso(found.last_ns),
        "prefix": found.prefix,
        "mode": found.mode,
        "inspect": found.inspect,
        "share": found.share,
        "runner": found.runner,
        "jitter": found.jitter,
        "timeout": found.timeout,
        "overlap": found.overlap,
        "misfire": found.misfire,
        "retries": found.retries,
        "added": text.iso(found.added_ns),
        "paused": text.iso(found.paused_ns),
        "classify": found.classify,
    }


def task(found: TaskInfo) -> dict[str, Any]:
    """A run of a schedule. What was counted is null where no crawl came to a report."""
    counts = found.report or {}
    took = None if found.started_ns is None or found.ended_ns is None else (found.ended_ns - found.started_ns) / 1e9
    return {
        "schedule": found.schedule,
        "silo": found.silo,
        "due": text.iso(found.due_ns),
        "cause": found.cause,
        "state": found.state,
        "started": text.iso(found.started_ns),
        "ended": text.iso(found.ended_ns),
        "seconds": None if took is None else round(took, 3),
        "crawl": found.crawl,
        **{key: counts.get(key) for key in ("listed", "added", "changed", "removed")},
        "worker": found.worker,
        "reason": found.reason,
        "note": found.note,
        "next_try": text.iso(found.starts_ns) if found.state == "waiting" else None,
        "attempts": [attempt(one) for one in found.attempts],
    }


def attempt(found: Attempt) -> dict[str, Any]:
    """One try at a run."""
    return {
        "started": text.iso(found.started_ns),
        "ended": text.iso(found.ended_ns),
        "outcome": found.outcome,
        "reason": found.reason,
        "crawl": found.crawl,
        "worker": found.worker,
    }
