"""The modes of the UI: places that a digit leads to, each with its own pages above it."""

from __future__ import annotations

from typing import NamedTuple


class Mode(NamedTuple):
    """A mode: its key, its name, and what it shows."""

    key: str
    name: str
    shows: str


SEARCH = Mode("1", "Search", "datasets, models and files")
MODES = (
    SEARCH,
    Mode("2", "Silos", "storage that is registered, and its last crawls"),
    Mode("3", "Crawls", "crawls that run, and what came of those before"),
)
