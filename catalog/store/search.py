"""Searching the catalog: pages, counts, facets and hints for a query, assets or single files.

A query with `kind:file` looks for files, any other for datasets and models. Everything here only
reads, in plain statements that `Database.interrupt` stops.
"""

from __future__ import annotations

import time

from catalog.model import Count, Hit
from catalog.query import Query
from catalog.store.engine import Database
from catalog.store.search_assets import COUNTED, Facets, assets, count_assets
from catalog.store.search_assets import facets as asset_facets
from catalog.store.search_files import count_files, file_facets, files

__all__ = ["COUNTED", "Facets", "count", "facets", "hints", "search"]

_HINTED = 8  # conditions tried


def search(db: Database, query: Query, offset: int = 0, limit: int = 50, *, now_ns: int | None = None) -> list[Hit]:
    """One page of hits. Pages of an unchanged catalog neither overlap nor leave gaps.

    `now_ns` is the moment ages in the query are counted from; give the same one for every page.
    """
    look = files if _wants_files(query) else assets
    return look(db, query, max(offset, 0), max(limit, 0), now_ns or time.time_ns())


def count(db: Database, query: Query, *, now_ns: int | None = None) -> Count:
    """How many hits there are, exact up to `COUNTED`."""
    look = count_files if _wants_files(query) else count_assets
    return look(db, query, now_ns or time.time_ns())


def facets(db: Database, query: Query, *, now_ns: int | None = None) -> Facets:
    """The most frequent values among all hits, most frequent first: `{"format": [("csv", 12), …], …}`.

    Assets have `silo`, `format`, `kind`, `owner`, `tag` and `label`; files `silo` and `format`.
    """
    look = file_facets if _wants_files(query) else asset_facets
    return look(db, query, now_ns or time.time_ns())


def hints(db: Database, query: Query, *, now_ns: int | None = None) -> list[tuple[str, int]]:
    """For a query that finds nothing: each query with one condition less that does, and how many it finds."""
    found = []
    if len(query.conditions) > 1:
        for index in range(min(len(query.conditions), _HINTED)):
            less = query.without(index)
            number = count(db, less, now_ns=now_ns).number
            if number:
                found.append((str(less), number))
    return sorted(found, key=lambda hint: -hint[1])


def _wants_files(query: Query) -> bool:
    return "file" in query.kinds
