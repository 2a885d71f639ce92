"""All that is downstream: exact, hop by hop, holding three numbers for each asset and no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from catalog.model.lineage import Affected, Direction
from catalog.store.engine import Database
from catalog.store.graph import reading
from catalog.store.graph.sql import SIDES, among, bound, chunks, standing

_PAGE = 500


class Reached(NamedTuple):
    """An asset that a walk came to: how many edges away, and the id of the edge it was first reached by."""

    asset: int
    hop: int
    edge: int


def impact(
    db: Database, focus_ids: Iterable[int], *, at_ns: int | None = None, limit: int | None = None
) -> list[Affected]:
    """Every asset downstream of `focus_ids` (they themselves aside), nearest first, or the first `limit` of them."""
    return list(affected(db, islice(reach(db, focus_ids, at_ns=at_ns), limit), at_ns=at_ns))


def affected(db: Database, reached: Iterable[Reached], *, at_ns: int | None = None) -> Iterator[Affected]:
    """What was reached, with everything about the assets and edges; read a page at a time."""
    rest = iter(reached)
    while page := list(islice(rest, _PAGE)):
        nodes = {node.id: node for node in reading.nodes(db, (one.asset for one in page), at_ns=at_ns)}
        edges = {edge.id: edge for edge in reading.edges(db, (one.edge for one in page))}
        for one in page:
            if one.asset in nodes and one.edge in edges:
                yield Affected(nodes[one.asset], one.hop, edges[one.edge])


def reach(db: Database, focus_ids: Iterable[int], *, at_ns: int | None = None) -> Iterator[Reached]:
    """Every asset downstream as it is found: by hop, then by id."""
    frontier = reading.became(db, focus_ids)
    seen = set(frontier)
    hop = 0
    while frontier:
        hop += 1
        found = level(db, frontier, "down", seen, at_ns)
        seen.update(found)
        frontier = sorted(found)
        yield from (Reached(asset, hop, found[asset]) for asset in frontier)


def level(
    db: Database, frontier: Iterable[int], direction: Direction, seen: Iterable[int], at_ns: int | None
) -> dict[int, int]:
    """The assets one edge from the frontier that were not `seen`, each with the oldest edge that leads there."""
    near, far = SIDES[direction]
    stands = standing(at_ns)
    found: dict[int, int] = {}
    for chunk in chunks(list(frontier)):
        for asset, edge in db.all(
            f"SELECT {far}, MIN(id) FROM edge WHERE {among(db, near)} AND {stands.sql} GROUP BY {far}",
            (bound(db, chunk), *stands.parameters),
        ):
            if asset not in seen and edge < found.get(asset, edge + 1):
                found[asset] = edge
    return found
