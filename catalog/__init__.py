"""Silograph: one catalog and one lineage graph over object, file and block storage.

    import catalog

    cat = catalog.connect()
    cat.add_silo("lab", "~/data")
    cat.crawl("lab")
    cat.search("orders format:parquet")
    cat.dataset("lab/sales/orders").to_polars()

Names are resolved when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from catalog.api import Catalog, Dataset, Results, connect

__version__ = "0.1.0"
__all__ = ["Catalog", "Dataset", "Results", "__version__", "connect"]


def __getattr__(name: str) -> Any:
    if name in ("Catalog", "Dataset", "Results", "connect"):
        from catalog import api

        return getattr(api, name)
    raise AttributeError(f"module 'catalog' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
