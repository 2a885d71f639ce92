"""The columns of each list: results, fields of a schema, files, versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catalog import text
from catalog.model import ColumnLabel, Field, FileInfo, Hit, VersionInfo
from catalog.tui.cells import NONE, shown
from catalog.tui.columns import Column
from catalog.tui.describe import day, number, size


def _name(hit: Hit) -> str:
    return shown(hit.name, 400)


HITS: tuple[Column[Hit], ...] = (
    Column("name", "name", _name, 28, 0, 0, cut="middle", marked=True, sort="name"),
    Column("silo", "silo", lambda h: shown(h.silo, 80), 8, 18, 1, cut="middle", tone="dim"),
    Column("format", "format", lambda h: shown(h.format, 40), 11, 13, 2),
    Column("kind", "kind", lambda h: shown(h.kind, 20), 7, 7, 9, tone="dim"),
    Column("size", "size", lambda h: size(h.bytes), 8, 8, 3, right=True, sort="size"),
    Column("files", "files", lambda h: number(h.files), 9, 11, 5, right=True, sort="files"),
    Column("rows", "rows", lambda h: number(h.rows), 11, 14, 6, right=True, sort="rows"),
    Column("modified", "modified", lambda h: day(h.modified_ns), 10, 10, 4, sort="modified"),
    Column("owner", "owner", lambda h: shown(h.owner, 40), 8, 14, 7),
    Column(
        "version",
        "ver",
        lambda h: NONE if h.version is None else str(h.version),
        4,
        5,
        8,
        right=True,
        tone="dim",
    ),
)


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field with its place in the schema, which filtering keeps."""

    place: int
    field: Field
    label: ColumnLabel | None = None

    @property
    def words(self) -> str:
        """What a filter looks into."""
        return f"{self.field.path}\n{self.field.type}\n{self.label.label if self.label else ''}".lower()


FIELDS: tuple[Column[FieldRow], ...] = (
    Column("place", "#", lambda r: f"{r.place:,}", 6, 6, 3, right=True, tone="dim"),
    Column("path", "column", lambda r: shown(r.field.path, 400), 16, 0, 0, cut="start", marked=True),
    Column("type", "type", lambda r: shown(r.field.type, 200), 12, 40, 1),
    Column("nullable", "null", lambda r: "yes" if r.field.nullable else "no", 4, 4, 2, tone="dim"),
    Column("doc", "description", lambda r: shown(r.field.doc, 400), 12, 60, 4, tone="dim"),
)
_LABEL: Column[FieldRow] = Column(
    "label", "label", lambda r: shown(r.label.shown, 80) if r.label else "", 12, 24, 2, tone="warn"
)
_ID: Column[FieldRow] = Column(
    "id", "id", lambda r: "" if r.field.id is None else str(r.field.id), 4, 10, 5, right=True, tone="dim"
)
_UNIT: Column[FieldRow] = Column("unit", "unit", lambda r: shown(r.field.unit, 60), 6, 16, 2)


def field_columns(rows: Sequence[FieldRow]) -> tuple[Column[FieldRow], ...]:
    """The columns of a schema: labels, ids and units only where there are any."""
    more = (
        (_LABEL, any(row.label for row in rows)),
        (_UNIT, any(row.field.unit for row in rows)),
        (_ID, any(row.field.id is not None for row in rows)),
    )
    return (*FIELDS[:-1], *(column for column, used in more if used), FIELDS[-1])


FILES: tuple[Column[FileInfo], ...] = (
    Column("path", "path", lambda f: shown(f.path, 2000), 36, 0, 0, cut="start"),
    Column("size", "size", lambda f: size(f.size), 8, 8, 1, right=True),
    Column("modified", "modified", lambda f: day(f.modified_ns), 10, 10, 2),
    Column("format", "format", lambda f: shown(f.format, 40), 8, 11, 4),
    Column("state", "state", lambda f: "" if f.state == "live" else shown(f.state, 20), 7, 7, 5, tone="warn"),
    Column("finding", "finding", lambda f: shown(f.finding, 80) if f.finding else "", 10, 24, 3, tone="warn"),
    Column("etag", "etag", lambda f: shown(f.etag, 80), 12, 34, 6, tone="dim"),
)


_CHANGES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version beside the one before it."""

    version: VersionInfo
    before: VersionInfo | None

    @property
    def old(self) -> VersionInfo:
        """The version to compare with; for the first one itself."""
        return self.before or self.version

    @property
    def schema(self) -> str:
        """What happened to the schema."""
        if self.before is None:
            return "first" if self.version.schema_digest else NONE
        return "same" if self.version.schema_digest == self.before.schema_digest else "≠ changed"


def version_columns(rows: Sequence[VersionRow]) -> tuple[Column[VersionRow], ...]:
    """The columns of a list of versions: what changed of the schema only where anything did."""
    return (*VERSIONS, _CHANGES) if any(row.version.changes for row in rows) else VERSIONS


def beside(versions: Sequence[VersionInfo]) -> list[VersionRow]:
    """The versions, newest first, each with its predecessor."""
    ordered = sorted(versions, key=lambda v: v.number)
    return [VersionRow(v, ordered[i - 1] if i else None) for i, v in enumerate(ordered)][::-1]


def signed(new: int | None, old: int | None) -> str:
    """`+1,204`, `−3`, `=`; empty when there is nothing to compare."""
    if new is None or old is None:
        return ""
    return "=" if new == old else f"{'+' if new > old else '−'}{abs(new - old):,}"


def signed_size(new: int | None, old: int | None) -> str:
    """`+1.2 GB`, `−3 KB`, `=`; empty when there is nothing to compare."""
    if new is None or old is None:
        return ""
    return "=" if new == old else f"{'+' if new > old else '−'}{text.size(abs(new - old))}"


def _observed(row: VersionRow) -> str:
    stamp = text.iso(row.version.observed_ns)
    return f"{stamp[:10]} {stamp[11:16]}" if stamp else NONE


VERSIONS: tuple[Column[VersionRow], ...] = (
    Column("number", "ver", lambda r: str(r.version.number), 4, 5, 0, right=True),
    Column("observed", "observed (UTC)", _observed, 16, 16, 1),
    Column("files", "files", lambda r: number(r.version.files), 8, 11, 3, right=True),
    Column(
        "more_files",
        "± files",
        lambda r: signed(r.version.files, r.old.files),
        8,
        10,
        4,
        right=True,
    ),
    Column("size", "size", lambda r: size(r.version.bytes), 8, 8, 2, right=True),
    Column(
        "more",
        "± size",
        lambda r: signed_size(r.version.bytes, r.old.bytes),
        9,
        10,
        5,
        right=True,
    ),
    Column("schema", "schema", lambda r: r.schema, 9, 9, 6),
    Column("rows", "rows", lambda r: number(r.version.rows), 11, 15, 7, right=True),
    Column(
        "more_rows",
        "± rows",
        lambda r: signed(r.version.rows, r.old.rows),
        11,
        15,
        8,
        right=True,
    ),
    Column("crawl", "crawl", lambda r: str(r.version.crawl), 6, 7, 9, right=True, tone="dim"),
    Column("fingerprint", "fingerprint", lambda r: shown(r.version.fingerprint, 64), 12, 34, 10, tone="dim"),
)

_CHANGES: Column[VersionRow] = Column("changes", "columns", lambda r: shown(_changed(r.version), 400), 16, 60, 6)


def _changed(version: VersionInfo) -> str:
    more = len(version.changes) - _CHANGES_SHOWN
    words = ", ".join(change.shown for change in version.changes[:_CHANGES_SHOWN])
    return f"{words} … and {more:,} more" if more > 0 else words
