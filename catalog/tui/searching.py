"""The reading a search screen asks for; each function runs in a reader's thread on its fork."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.model import AssetInfo, Count, Hit, SiloInfo
from catalog.tui.widgets.table import PAGE

if TYPE_CHECKING:
    from catalog.api import Catalog, Results


@dataclass(frozen=True, slots=True)
class Estate:
    """Which silos there are, and how many assets in all of them."""

    silos: tuple[SiloInfo, ...]
    total: Count


@dataclass(frozen=True, slots=True)
class First:
    """The first page of a search, and the results that further pages come from."""

    rows: list[Hit]
    results: Results
    count: Count | None


def estate(cat: Catalog) -> Estate:
    """The silos and the number of assets."""
    return Estate(tuple(cat.silos()), cat.search("").count())


def first_page(cat: Catalog, query: str, counted: bool = False) -> First:
    """Start a search. The count is included when `counted`, or when the first page is all there is."""
    results = cat.search(query)
    rows = results.page(0, PAGE)
    if len(rows) < PAGE:
        return First(rows, results, Count(len(rows)))
    return First(rows, results, results.count() if counted else None)


def facets(cat: Catalog, query: str) -> dict[str, list[tuple[str, int]]]:
    """How many results each value of each facet has."""
    return cat.search(query).facets()


def hints(cat: Catalog, query: str) -> list[tuple[str, int]]:
    """Queries with one filter less, and what they would find."""
    return cat.search(query).hints()


def asset_info(cat: Catalog, hit: Hit) -> AssetInfo:
    """Everything the catalog knows about a hit's asset."""
    return cat.dataset(str(hit.id)).info
