"""A shortest way that data flows between two sets of assets: breadth first from both ends at once."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from catalog.model.lineage import Direction, Trace
from catalog.store.engine import Database
from catalog.store.graph import reading
from catalog.store.graph.reaching import level
from catalog.store.graph.sql import SIDES, standing

PARALLEL = 20
"""Edges that are shown between two neighbours on the way; the rest are counted."""


def path(db: Database, sources: Iterable[int], targets: Iterable[int], *, at_ns: int | None = None) -> Trace | None:
    """A shortest way along edges from one of `sources` to one of `targets`; None when there is none.

    The trace holds the assets on the way in order, `hops` counts from the source, and each step shows
    every edge it could be made by, the most believed first. Of several ways, the choice is the same every time.
    """
    ahead = _Front("down", reading.became(db, sources))
    behind = _Front("up", reading.became(db, targets))
    meeting = ahead.via.keys() & behind.via.keys()
    while not meeting:
        front, other = (ahead, behind) if len(ahead.frontier) <= len(behind.frontier) else (behind, ahead)
        if not front.frontier:
            return None
        meeting = front.advance(db, at_ns) & other.via.keys()
    middle = min(meeting)
    way = [*reversed(ahead.back(db, middle)), middle, *behind.back(db, middle)]
    return _along(db, way, at_ns)


class _Front:
    """All that was reached from one end: the edge each asset was reached by, None at the end itself."""

    def __init__(self, direction: Direction, ends: list[int]) -> None:
        self.direction = direction
        self.via: dict[int, int | None] = dict.fromkeys(ends)
        self.frontier = ends

    def advance(self, db: Database, at_ns: int | None) -> set[int]:
        """Go one edge further; returns what is new."""
        found = level(db, self.frontier, self.direction, self.via, at_ns)
        self.via.update(found)
        self.frontier = sorted(found)
        return set(found)

    def back(self, db: Database, asset: int) -> list[int]:
        """The assets from `asset` (not included) back to the end this front began at."""
        near = SIDES[self.direction].near
        way = []
        while (edge := self.via[asset]) is not None:
            asset = int(db.value(f"SELECT {near} FROM edge WHERE id = ?", (edge,)))
            way.append(asset)
        return way


def _along(db: Database, way: list[int], at_ns: int | None) -> Trace:
    stands = standing(at_ns)
    kept: list[int] = []
    more: dict[int, int] = {}
    for source, target in pairwise(way):
        rows = db.all(
            f"SELECT id FROM edge WHERE source_id = ? AND target_id = ? AND {stands.sql} ORDER BY confidence DESC, id",
            (source, target, *stands.parameters),
        )
        kept += [row[0] for row in rows[:PARALLEL]]
        if len(rows) > PARALLEL:
            more[source] = len(rows) - PARALLEL
    return Trace(
        focus=tuple(dict.fromkeys((way[0], way[-1]))), nodes=tuple(reading.nodes(db, way, at_ns=at_ns)),
        edges=tuple(reading.edges(db, kept)), hops={asset: hop for hop, asset in enumerate(way)}, more=more,
        directions=("down",),
    )  # fmt: skip
