"""The versions of an asset as rows, and what people see of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from catalog import text
from catalog.cli.output import Column
from catalog.cli.rows import dash, when
from catalog.model import ColumnChange, VersionInfo

VERSION_KEYS = ("number", "observed", "crawl", "files", "bytes", "rows", "fingerprint", "schema_digest", "changes")
_TOLD = 20
"""Changes of one version that people are told; scripts get all."""


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
        "changes": [
            {"path": one.path, "change": one.change, "before": one.before, "after": one.after} for one in found.changes
        ],
    }


def version_columns(found: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    """What people see of versions: what changed of the columns only where anything did."""
    return (*_COLUMNS, _CHANGES) if any(one["changes"] for one in found) else _COLUMNS


def _changes(found: Sequence[Mapping[str, Any]]) -> str:
    words = [ColumnChange(**one).shown for one in found[:_TOLD]]
    return dash(", ".join(words) + (f" … and {len(found) - _TOLD:,} more" if len(found) > _TOLD else ""))


_COLUMNS = (
    Column("number", "VERSION", right=True),
    Column("observed", "OBSERVED", when),
    Column("crawl", "CRAWL", right=True, spare=1),
    Column("files", "FILES", text.count, right=True),
    Column("bytes", "SIZE", text.size, right=True),
    Column("rows", "ROWS", text.count, right=True),
    Column("fingerprint", "FINGERPRINT", lambda value: str(value)[:12], spare=2),
    Column("schema_digest", "SCHEMA", lambda value: dash(value)[:12], spare=3),
)
_CHANGES = Column("changes", "COLUMNS", _changes, shrinks=True)
