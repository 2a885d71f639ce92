"""Jupyter notebooks (nbformat 4): cells and kernel."""

from __future__ import annotations

import json
from typing import Any

from catalog.formats.base import MIB, RangeReader, parsing
from catalog.formats.tabular.json import close_off
from catalog.formats.tabular.sample import read_text
from catalog.formats.vocabulary import Facet
from catalog.model import Facts


def inspect(reader: RangeReader) -> Facts:
    """Cells in view; outputs are not looked at."""
    sample = read_text(reader, MIB)
    with parsing(reader, "a notebook"):
        facet = Facet()
        if not sample.text.strip():
            return Facts("ipynb")
        book = json.loads(sample.text if sample.whole else close_off(sample.text))
        cells = book.get("cells")
        facet.add("cells", len(cells) if isinstance(cells, list) and sample.whole else None)
        kernel = _member(_member(book, "metadata"), "kernelspec")
        facet.add("kernel", str(kernel.get("language") or kernel.get("name") or ""))
        version = (book.get("nbformat"), book.get("nbformat_minor"))
        facet.add("version", ".".join(str(part) for part in version if part is not None))
        return Facts("ipynb", (), None, None, facet.details)


def _member(value: Any, name: str) -> dict[str, Any]:
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}
