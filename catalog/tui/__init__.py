"""The terminal UI. `run(cat)` opens it on a catalog and returns when the user leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.api import Catalog

__all__ = ["run"]


def run(cat: Catalog) -> None:
    """Open the terminal UI on `cat`; returns when the user quits. `cat` stays open."""
    from catalog.tui.app import CatalogApp

    CatalogApp(cat).run()
