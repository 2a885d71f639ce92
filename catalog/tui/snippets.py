"""Things as text for elsewhere: their URI, and lines of Python, SQL and shell that open them."""

from __future__ import annotations

import json
import shlex
from urllib.parse import quote

from catalog.model import Hit, SiloInfo
from catalog.text import safe
from catalog.tui import terms
from catalog.tui.crawl_line import CrawlLine

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
    """The URI on one line."""
    return one_line(hit.uri)


def one_line(uri: str) -> str:
    """A URI in which what has no place in one (controls, line breaks) is percent-encoded."""
    return "".join(c if safe(c) == c else quote(c, errors="replace") for c in uri)


def reference(hit: Hit) -> str:
    """What finds the asset again: its URI, or its id where the URI cannot be typed."""
    return hit.uri if safe(hit.uri) == hit.uri else str(hit.id)


def python(hit: Hit, db: str | None = None) -> str:
    """A line of Python that opens the asset; `db` names the catalog where it is not the usual one."""
    return f"import catalog; ds = {_connect(db)}.dataset({reference(hit)!r})"


def cli(hit: Hit, db: str | None = None) -> str:
    """The command that shows the asset."""
    return _command(db, "show", reference(hit))


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


def silo_choices(info: SiloInfo, db: str | None = None) -> list[tuple[str, str]]:
    """What `copy as` offers of a silo: (label, text)."""
    return [
        ("URL", one_line(info.url)),
        ("crawl", _command(db, "crawl", info.name)),
        ("search", _command(db, "search", terms.toggled("", "silo", info.name))),
        ("Python", f"import catalog; silo = {_connect(db)}.silo({info.name!r})"),
    ]


def crawl_choices(line: CrawlLine, db: str | None = None) -> list[tuple[str, str]]:
    """What `copy as` offers of a crawl: the command that does it again, and its report."""
    part = ["--prefix", line.prefix] if line.prefix else []
    offered = [("command", _command(db, "crawl", line.silo, *part))]
    if line.row is not None and line.row.report is not None:
        offered.append(("report", json.dumps(dict(line.row.report))))
    return offered


def node_choices(address: str, asset: int, db: str | None = None) -> list[tuple[str, str]]:
    """What `copy as` offers of an asset in a trace: (label, text)."""
    named = address if safe(address) == address else str(asset)
    return [
        ("address", one_line(address)),
        ("trace", _command(db, "trace", named)),
        ("impact", _command(db, "impact", named)),
        ("Python", f"import catalog; ds = {_connect(db)}.dataset({asset})"),
    ]


def _command(db: str | None, *words: str) -> str:
    return shlex.join(["catalog", *([] if db is None else ["--db", db]), *words])


def _connect(db: str | None) -> str:
    return f"catalog.connect({'' if db is None else repr(db)})"


def _sql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
