"""A hit as text for elsewhere: its URI, and lines of Python, SQL and shell that open it."""

from __future__ import annotations

import shlex
import unicodedata
from urllib.parse import quote, unquote, urlsplit

from catalog.model import Hit

_READERS = {
    "parquet": "read_parquet",
    "csv": "read_csv",
    "tsv": "read_csv",
    "json": "read_json",
    "jsonl": "read_json",
    "ndjson": "read_json",
}
_TABLES = {"delta": "delta_scan", "iceberg": "iceberg_scan"}


def uri(hit: Hit) -> str:
    """The URI, with characters that have no place in one (controls, line breaks) percent-encoded."""
    return "".join(
        quote(c, errors="replace") if unicodedata.category(c)[0] in "CZ" and c != " " else c for c in hit.uri
    )


def python(hit: Hit) -> str:
    """A line of Python that opens the asset through the catalog."""
    return f"import catalog; ds = catalog.connect().dataset({uri(hit)!r})"


def cli(hit: Hit) -> str:
    """The command that shows the asset."""
    return f"catalog show {shlex.quote(uri(hit))}"


def duckdb(hit: Hit) -> str | None:
    """A DuckDB query over the asset's files; None for formats that DuckDB does not read."""
    target = uri(hit)
    parts = urlsplit(target)
    if parts.scheme == "file":
        target = unquote(parts.path)
    if hit.format in _TABLES:
        return f"SELECT * FROM {_TABLES[hit.format]}({_sql(target)});"
    reader = _READERS.get(hit.format or "")
    if reader is None:
        return None
    if hit.kind != "file" and not target.rsplit("/", 1)[-1].lower().endswith(f".{hit.format}"):
        target = f"{target.rstrip('/')}/**/*.{hit.format}"
    return f"SELECT * FROM {reader}({_sql(target)});"


def _sql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def choices(hit: Hit) -> list[tuple[str, str]]:
    """What `copy as` offers: (label, text)."""
    offered = [("URI", uri(hit)), ("Python", python(hit)), ("command", cli(hit)), ("DuckDB", duckdb(hit))]
    return [(label, text) for label, text in offered if text is not None]
