"""The rows of each command: which keys scripts find, and which columns people see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from catalog import text
from catalog.cli.output import Column
from catalog.model import AssetInfo, Field, FileInfo, Hit, SiloInfo, VersionInfo

HIT_KEYS = (
    "id", "kind", "name", "uri", "silo", "format", "files", "bytes", "rows",
    "modified", "version", "owner", "tags",
)  # fmt: skip
FILE_KEYS = ("path", "size", "modified", "etag", "format", "state")
FIELD_KEYS = ("path", "type", "nullable")
VERSION_KEYS = ("number", "observed", "crawl", "files", "bytes", "rows", "fingerprint", "schema_digest")
SILO_KEYS = (
    "name", "url", "kind", "files", "bytes", "datasets", "last_crawl", "state", "verified", "added", "options",
)  # fmt: skip
CRAWL_KEYS = (
    "silo", "crawl", "mode", "state", "listed", "added", "changed", "removed", "unchanged",
    "bytes", "seconds", "failed", "datasets", "versions", "inspected", "findings", "evidence", "lineage",
    "skipped", "notes", "share", "as_of",
)  # fmt: skip
SHOW_KEYS = (*HIT_KEYS, "schema", "evidence", "description", "upstream", "downstream", "versions")


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
VERSION_COLUMNS = (
    Column("number", "VERSION", right=True),
    Column("observed", "OBSERVED", when),
    Column("crawl", "CRAWL", right=True, spare=1),
    Column("files", "FILES", text.count, right=True),
    Column("bytes", "SIZE", text.size, right=True),
    Column("rows", "ROWS", text.count, right=True),
    Column("fingerprint", "FINGERPRINT", lambda value: str(value)[:12], spare=2),
    Column("schema_digest", "SCHEMA", lambda value: dash(value)[:12], spare=3),
)
PLAN_KEYS = (
    "silo", "mode", "prefix", "known_files", "known_directories", "list_requests", "looks", "open_files",
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


def field(found: Field) -> dict[str, Any]:
    """A column of a schema."""
    return {"path": found.path, "type": found.type, "nullable": found.nullable}


def version(found: VersionInfo) -> dict[str, Any]:
    """A version of an asset."""
    return {
        "number": found.number,
        "observed": text.iso(found.observed_ns),
        "crawl": found.crawl,
        "files": found.files,
        "bytes": found.bytes,
        "rows": found.rows,
        "fingerprint": found.fingerprint,
        "schema_digest": found.schema_digest,
    }


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
    info: AssetInfo, versions: Iterable[VersionInfo], upstream: list[dict[str, Any]], downstream: list[dict[str, Any]]
) -> dict[str, Any]:
    """Everything known about an asset."""
    return {
        **hit(info.hit),
        "schema": [field(one) for one in info.fields],
        "evidence": info.evidence,
        "description": info.description,
        "upstream": upstream,
        "downstream": downstream,
        "versions": [version(one) for one in versions],
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
    }
