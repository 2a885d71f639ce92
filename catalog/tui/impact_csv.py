"""An impact list as CSV: the rows that `catalog impact -o csv` prints."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from catalog.lineage.drawing.document import edge_row, node_row
from catalog.model.lineage import Affected
from catalog.text import safe

COLUMNS = (
    "hop", "id", "kind", "namespace", "name", "title", "silo", "format", "version", "removed", "source", "edge",
    "evidence", "confidence", "job", "run", "valid_from", "valid_to",
)  # fmt: skip


def file_name(label: str) -> str:
    """A name for the file: letters and digits of what it is about."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", label).strip("-")[-60:]
    return f"impact-{words or 'list'}.csv"


def write(path: Path, affected: Iterable[Affected]) -> None:
    """Write a new file, all of it or none. Raises `OSError`, also when there is one already."""
    with path.open("x", newline="", encoding="utf-8") as file:
        try:
            _write(file, affected)
        except BaseException:
            path.unlink()
            raise


def as_text(affected: Iterable[Affected]) -> str:
    """The list as text."""
    into = io.StringIO(newline="")
    _write(into, affected)
    return into.getvalue()


def _write(file: TextIO, affected: Iterable[Affected]) -> None:
    to = csv.writer(file, lineterminator="\n")
    to.writerow(COLUMNS)
    for found in affected:
        row = {**edge_row(found.edge), **node_row(found.node), "hop": found.hop, "edge": found.edge.kind}
        to.writerow([_cell(row[key]) for key in COLUMNS])


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else safe(value)
