"""Nodes and edges by their ids, how many edges an asset has, and where a question starts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from catalog.model.lineage import COUNTED, ColumnEdge, Edge, Node
from catalog.store.engine import Database, Row
from catalog.store.graph.sql import SIDES, among, bound, chunks, standing

COLUMNS_SHOWN = 10_000
"""Column edges of one trace at most; the rest are counted."""

_NODE = (
    "SELECT a.id, a.kind, a.namespace, a.name, a.path, s.name, a.format, {version}, {removed}, {up}, {down} "
    "FROM asset a LEFT JOIN silo s ON s.id = a.silo_id WHERE "
)
_VERSION_AT = "(SELECT MAX(v.number) FROM asset_version v WHERE v.asset_id = a.id AND v.observed_ns <= ?)"
_REMOVED_AT = "(SELECT COALESCE(c.ended_ns, c.heartbeat_ns) FROM crawl c WHERE c.id = a.removed_crawl) <= ?"
_EDGE = (
    "SELECT e.id, e.source_id, e.target_id, e.kind, e.evidence, e.confidence, COALESCE(o.uri, ''), e.field, "
    "e.line, e.detail, j.name, r.uuid, e.runs, e.source_version, e.target_version, e.valid_from_ns, e.valid_to_ns, "
    "e.observed_ns, e.retracted_ns, j.namespace FROM edge e LEFT JOIN origin o ON o.id = e.origin_id "
    "LEFT JOIN job j ON j.id = e.job_id LEFT JOIN run r ON r.id = e.run_id WHERE "
)


def nodes(db: Database, ids: Iterable[int], *, at_ns: int | None = None) -> list[Node]:
    """The assets of these ids, in their order; an id that no asset has is left out."""
    asked = list(dict.fromkeys(ids))
    found: dict[int, Node] = {}
    for chunk in chunks(asked):
        for id, kind, namespace, name, path, silo, format, version, removed, up, down in _node_rows(db, chunk, at_ns):
            found[id] = Node(
                id, kind, namespace, name, path or name, silo, format, version or None, bool(removed), up, down
            )
    return [found[one] for one in asked if one in found]


def _node_rows(db: Database, ids: Sequence[int], at_ns: int | None) -> list[Row]:
    """The columns of `_NODE`, then how many edges lead to each asset and from it, counted up to `COUNTED`."""
    stands, then = standing(at_ns), () if at_ns is None else (at_ns, at_ns)
    up, down = (
        f"(SELECT COUNT(*) FROM (SELECT 1 FROM edge WHERE {near} = a.id AND {stands.sql} LIMIT ?) c)"
        for near, _ in (SIDES["up"], SIDES["down"])
    )
    sql = _NODE.format(
        version=_VERSION_AT if then else "a.version", removed=_REMOVED_AT if then else "a.removed_crawl IS NOT NULL",
        up=up, down=down,
    )  # fmt: skip
    counted = (*stands.parameters, COUNTED)
    return db.all(sql + among(db, "a.id"), (*then, *counted, *counted, bound(db, ids)))


def names(db: Database, ids: Iterable[int]) -> dict[int, tuple[str, str, str]]:
    """(kind, silo, label) of assets: what long lists are sorted and counted by."""
    found: dict[int, tuple[str, str, str]] = {}
    for chunk in chunks(list(ids)):
        rows = db.all(
            "SELECT a.id, a.kind, COALESCE(s.name, ''), a.path, a.name FROM asset a "
            f"LEFT JOIN silo s ON s.id = a.silo_id WHERE {among(db, 'a.id')}",
            (bound(db, chunk),),
        )
        found.update((id, (kind, silo, path or name)) for id, kind, silo, path, name in rows)
    return found


def edges(db: Database, ids: Iterable[int]) -> list[Edge]:
    """The edges of these ids, in their order."""
    asked = list(ids)
    found: dict[int, Edge] = {}
    for chunk in chunks(asked):
        rows = db.all(_EDGE + among(db, "e.id"), (bound(db, chunk),))
        found.update((row[0], Edge._make(row)) for row in rows)
    return [found[one] for one in asked if one in found]


def columns(
    db: Database, pairs: Sequence[tuple[int, int]], at_ns: int | None = None
) -> tuple[tuple[ColumnEdge, ...], int]:
    """The column edges between pairs of assets (source, target), and how many more there are."""
    if not pairs:
        return (), 0
    stands = standing(at_ns, "c.")
    sources, targets = zip(*pairs)
    if db.dialect == "sqlite":
        wanted = "SELECT s.value, t.value FROM json_each(?) s JOIN json_each(?) t ON t.key = s.key"
        collation = ""
    else:
        wanted = "SELECT * FROM unnest(CAST(? AS bigint[]), CAST(? AS bigint[]))"
        collation = ' COLLATE "C"'
    found = (
        "SELECT DISTINCT c.source_id, c.source_field, c.target_id, c.target_field, c.transformation, j.name "
        "FROM column_edge c LEFT JOIN job j ON j.id = c.job_id "
        f"WHERE (c.source_id, c.target_id) IN ({wanted}) AND {stands.sql}"
    )
    which = (bound(db, sources), bound(db, targets), *stands.parameters)
    rows = db.all(
        f"SELECT * FROM ({found}) d ORDER BY target_id, target_field{collation}, source_id, source_field{collation}, "
        f"name{collation}, transformation{collation} LIMIT ?",
        (*which, COLUMNS_SHOWN + 1),
    )
    left = 0
    if len(rows) > COLUMNS_SHOWN:
        left = int(db.value(f"SELECT COUNT(*) FROM ({found}) d", which)) - COLUMNS_SHOWN
    return tuple(ColumnEdge(*row) for row in rows[:COLUMNS_SHOWN]), left


# ---------------------------------------------------------------- where a question starts


def became(db: Database, ids: Iterable[int]) -> list[int]:
    """The assets that these turned out to be: each merged one gives way to what it was merged into."""
    asked = list(dict.fromkeys(ids))
    into: dict[int, int] = {}
    waiting = asked
    while waiting:
        found: dict[int, int] = {}
        for chunk in chunks(waiting):
            found.update(
                db.all(
                    f"SELECT id, merged_into FROM asset WHERE merged_into IS NOT NULL AND {among(db, 'id')}",
                    (bound(db, chunk),),
                )
            )
        into |= found
        waiting = [one for one in dict.fromkeys(found.values()) if one not in into]
    return list(dict.fromkeys(_last(one, into) for one in asked))


def _last(one: int, into: dict[int, int]) -> int:
    passed = {one}
    while one in into and into[one] not in passed:  # a damaged catalog could lead in a circle
        one = into[one]
        passed.add(one)
    return one


def of_silo(db: Database, silo_id: int, *, at_ns: int | None = None) -> list[int]:
    """The assets of a silo that are there, or were at a time."""
    there = "a.removed_crawl IS NULL"
    if at_ns is not None:
        there = (
            "(SELECT MIN(v.observed_ns) FROM asset_version v WHERE v.asset_id = a.id) <= ? "
            f"AND ({there} OR ({_REMOVED_AT}) IS NOT TRUE)"
        )
    rows = db.all(
        f"SELECT a.id FROM asset a WHERE a.silo_id = ? AND a.merged_into IS NULL AND {there} ORDER BY a.id",
        (silo_id, *([] if at_ns is None else [at_ns, at_ns])),
    )
    return [int(row[0]) for row in rows]
