"""An impact list as CSV, in the columns that the Python API gives its frames."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from catalog.lineage.drawing.words import title
from catalog.model.lineage import Affected
from catalog.text import iso

COLUMNS = (
    "hop", "id", "kind", "namespace", "name", "title", "silo", "format", "version", "source", "edge", "evidence",
    "confidence", "job", "run", "valid_from",
)  # fmt: skip

def file_name(label: str) -> str:
    """A name for the file: letters and digits of what it is about."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", label).strip("-")[-60:]
    return f"impact-{words or 'list'}.csv"


def write(path: Path, affected: Iterable[Affected]) -> None:
    """Write a new file. Raises `OSError`, also when there is one already."""
    with path.open("x", newline="", encoding="utf-8", errors="replace") as file:
        _write(file, affected)


def as_text(affected: Iterable[Affected]) -> str:
    """The list as text."""
    into = io.StringIO(newline="")
    _write(into, affected)
    return into.getvalue()


def _write(file: TextIO, affected: Iterable[Affected]) -> None:
    to = csv.writer(file, lineterminator="\n")
    to.writerow(COLUMNS)
    for row in affected:
        node, edge = row.node, row.edge
        to.writerow((
            row.hop, node.id, node.kind, node.namespace, node.name, title(node), node.silo, node.format, node.version,
            edge.source, edge.kind, edge.evidence, edge.confidence, edge.job, edge.run, iso(edge.valid_from_ns),
        ))  # fmt: skip
