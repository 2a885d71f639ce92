"""The Python API: connect, add silos, crawl, search, open. The only door for the faces above.

Names are resolved when they are first used: a crawl needs no search and a search no dataset.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from catalog.api.catalog import Catalog, connect
    from catalog.api.dataset import Dataset, FileList, Schema
    from catalog.api.lineage import Impact, Lineage
    from catalog.api.results import Results
    from catalog.store.crawls import CrawlRow
    from catalog.store.migrate import backup, check, upgrade

__all__ = [
    "Catalog", "CrawlRow", "Dataset", "FileList", "Impact", "Lineage", "Results", "Schema", "backup", "check",
    "connect", "upgrade",
]  # fmt: skip

_HOMES = {
    "Catalog": "catalog.api.catalog",
    "CrawlRow": "catalog.store.crawls",
    "Dataset": "catalog.api.dataset",
    "FileList": "catalog.api.dataset",
    "Impact": "catalog.api.lineage",
    "Lineage": "catalog.api.lineage",
    "Results": "catalog.api.results",
    "Schema": "catalog.api.dataset",
    "backup": "catalog.store.migrate",
    "check": "catalog.store.migrate",
    "connect": "catalog.api.catalog",
    "upgrade": "catalog.store.migrate",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'catalog.api' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
