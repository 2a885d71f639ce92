"""A piece of the graph around some assets: breadth first, with a cap on each asset's edges and on the whole."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, cycle, zip_longest

from catalog.model.lineage import ColumnEdge, Direction, Edge, Node, Trace
from catalog.store.engine import Database
from catalog.store.graph import reading
from catalog.store.graph.sql import SIDES, bound, listed, standing


def trace(
    db: Database, focus_ids: Iterable[int], *, up: bool = True, down: bool = True, depth: int = 3, fan_out: int = 20,
    limit: int = 300, at_ns: int | None = None, columns: bool = False,
) -> Trace:  # fmt: skip
    """What flows into `focus_ids` and out of them, `depth` edges far.

    At most `fan_out` edges are followed at each asset in each direction, the first by the id of their other
    end, and at most `limit` assets are shown (the focus always is): the nearest ones, both directions in
    turn. What was not shown is counted in `more`. With `columns` the column edges along
    shown edges come too.
    """
    focus = reading.became(db, focus_ids)
    walks = [_Walk("up", focus)] * up + [_Walk("down", focus)] * down
    shown = dict.fromkeys(focus)
    followed: dict[int, None] = {}
    for hop in range(1, depth + 1):
        # A step of each walk in turn, so that a wide direction does not use up the room of the other one.
        steps = zip_longest(*(walk.steps(db, fan_out, at_ns) for walk in walks))
        for walk, step in zip(cycle(walks), chain.from_iterable(steps)):
            if step is None:
                continue
            far, edge = step
            if far not in shown:
                if len(shown) >= limit:
                    continue
                shown[far] = None
            followed[edge] = None
            walk.reach(far, hop)
        if len(shown) >= limit:
            break
    found = reading.nodes(db, shown, at_ns=at_ns)
    known = {node.id for node in found}
    edges = tuple(e for e in reading.edges(db, followed) if e.source in known and e.target in known)
    column_edges, more_columns = _columns(db, edges, at_ns) if columns else ((), 0)
    return Trace(
        focus=tuple(focus), nodes=tuple(found), edges=edges, hops=_hops(walks, found), more=_more(walks, found, edges),
        columns=column_edges, directions=tuple(walk.direction for walk in walks), more_columns=more_columns,
    )  # fmt: skip


def neighbours(
    db: Database, asset_id: int, direction: Direction, offset: int = 0, limit: int = 50, at_ns: int | None = None
) -> list[tuple[Node, Edge]]:
    """A page of an asset's direct neighbours, by their ids; one that several edges lead to comes several times."""
    near, far = SIDES[direction]
    stands = standing(at_ns)
    (asset,) = reading.became(db, [asset_id])
    rows = db.all(
        f"SELECT id, {far} FROM edge WHERE {near} = ? AND {stands.sql} ORDER BY {far}, id LIMIT ? OFFSET ?",
        (asset, *stands.parameters, limit, offset),
    )
    found = {node.id: node for node in reading.nodes(db, (row[1] for row in rows), at_ns=at_ns)}
    edges = reading.edges(db, (row[0] for row in rows))
    ends = ((edge, edge.source if direction == "up" else edge.target) for edge in edges)
    return [(found[end], edge) for edge, end in ends if end in found]


# ---------------------------------------------------------------- inside


class _Walk:
    """One direction of a trace: how far each asset is, and those reached last."""

    def __init__(self, direction: Direction, focus: Sequence[int]) -> None:
        self.direction = direction
        self.hops = dict.fromkeys(focus, 0)
        self._frontier = list(focus)

    def steps(self, db: Database, fan_out: int, at_ns: int | None) -> list[tuple[int, int]]:
        """(far end, edge) of the first edges of each asset reached last, which are reached no more."""
        frontier, self._frontier = self._frontier, []
        return _first_edges(db, self.direction, frontier, fan_out, at_ns) if frontier else []

    def reach(self, asset: int, hop: int) -> None:
        """Note an asset, and go on from there in the next hop when it is new."""
        if asset not in self.hops:
            self.hops[asset] = hop
            self._frontier.append(asset)


def _first_edges(
    db: Database, direction: Direction, frontier: Sequence[int], fan_out: int, at_ns: int | None
) -> list[tuple[int, int]]:
    """(far end, edge) of the first edges of each asset of the frontier, in its order."""
    near, far = SIDES[direction]
    stands = standing(at_ns)
    first = f"SELECT {far} AS far, id FROM edge WHERE {near} = f.value AND {stands.sql} ORDER BY {far}, id LIMIT ?"
    if db.dialect == "sqlite":  # knows no LATERAL: one JSON text, which an index alone answers
        each = f"SELECT json_array(f.key, json_group_array(far), json_group_array(id)) FROM ({first})"
        text = db.value(
            f"SELECT json_group_array(json(edges)) FROM (SELECT ({each}) AS edges FROM {listed(db)})",
            (*stands.parameters, fan_out, bound(db, frontier)),
        )
        return [step for _, ends, ids in sorted(json.loads(text)) for step in sorted(zip(ends, ids))]
    rows = db.all(
        f"SELECT e.far, e.id FROM {listed(db)} CROSS JOIN LATERAL ({first}) e ORDER BY f.key, e.far, e.id",
        (bound(db, frontier), *stands.parameters, fan_out),
    )
    return [(row[0], row[1]) for row in rows]


def _columns(db: Database, edges: Sequence[Edge], at_ns: int | None) -> tuple[tuple[ColumnEdge, ...], int]:
    return reading.columns(db, list(dict.fromkeys((edge.source, edge.target) for edge in edges)), at_ns)


def _hops(walks: Sequence[_Walk], found: Sequence[Node]) -> dict[int, int]:
    """Each node's distance by its nearer direction; downstream where both are as near."""
    hops: dict[int, int] = {}
    for walk in walks:
        sign = -1 if walk.direction == "up" else 1
        for node, hop in walk.hops.items():
            if node not in hops or hop <= abs(hops[node]):
                hops[node] = sign * hop
    return {node.id: hops.get(node.id, 0) for node in found}  # the focus alone, where neither direction is asked


def _more(walks: Sequence[_Walk], found: Sequence[Node], edges: Sequence[Edge]) -> dict[int, int]:
    into, out = Counter(edge.target for edge in edges), Counter(edge.source for edge in edges)
    more = Counter[int]()
    for walk in walks:
        shown = into if walk.direction == "up" else out
        for node in found:
            # A crawl may write between two statements, so that more are shown than were counted.
            if node.id in walk.hops and (left := (node.up if shown is into else node.down) - shown[node.id]) > 0:
                more[node.id] += left
    return dict(more)
