"""A hit as text for elsewhere: its URI, and lines of Python, SQL and shell that open it."""

from __future__ import annotations

import shlex
from urllib.parse import quote

from catalog.model import Hit
from catalog.text import safe

_READERS = {
    "parquet": "read_parquet",
    "csv": "read_csv",
    "tsv": "read_csv",
    "json": "read_json",
    "jsonl": "read_json",
}
_TABLES = {"delta": "delta_scan", "iceberg": "iceberg_scan"}
_GLOB = frozenset("*?[")


def uri(hit: Hit) -> str:
    """The URI on one line: what has no place in one (controls, line breaks) is percent-encoded."""
    return "".join(c if safe(c) == c else quote(c, errors="replace") for c in hit.uri)


def reference(hit: Hit) -> str:
    """What finds the asset again: its URI, or its id where the URI cannot be typed."""
    return hit.uri if safe(hit.uri) == hit.uri else str(hit.id)


def python(hit: Hit, db: str | None = None) -> str:
    """A line of Python that opens the asset; `db` names the catalog where it is not the usual one."""
    return (
        f"import catalog; ds = catalog.connect({'' if db is None else repr(db)}).dataset({reference(hit)!r})"
    )


def cli(hit: Hit, db: str | None = None) -> str:
    """The command that shows the asset."""
    flag = "" if db is None else f"--db {shlex.quote(db)} "
    return f"catalog {flag}show {shlex.quote(reference(hit))}"


def duckdb(hit: Hit) -> str | None:
    """A DuckDB query over the asset's files; None for formats and names that DuckDB does not read."""
    if safe(hit.uri) != hit.uri or _GLOB & set(hit.uri):
        return None
    target = hit.uri.removeprefix("file://")
    if hit.format in _TABLES and hit.kind != "file":
        return f"SELECT * FROM {_TABLES[hit.format]}({_sql(target)});"
    reader = _READERS.get(hit.format or "")
    if reader is None:
        return None
    if hit.kind != "file" and hit.files is None:
        return None  # known by name only: nobody knows whether it is one file or a folder
    if hit.kind != "file" and hit.files != 1:
        target = f"{target.rstrip('/')}/**/*.{hit.format}"
    return f"SELECT * FROM {reader}({_sql(target)});"


def choices(hit: Hit, db: str | None = None) -> list[tuple[str, str]]:
    """What `copy as` offers: (label, text). A single file has no page of its own to open."""
    offered: list[tuple[str, str | None]] = [("URI", uri(hit))]
    if hit.kind != "file":
        offered += [("Python", python(hit, db)), ("command", cli(hit, db))]
    offered.append(("DuckDB", duckdb(hit)))
    return [(label, text) for label, text in offered if text is not None]


def _sql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
