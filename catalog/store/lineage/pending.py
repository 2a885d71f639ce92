"""Names that no crawl has found, and where a crawl could find them."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.model.lineage import Identity, Pending
from catalog.naming import address
from catalog.store.datasets import Place
from catalog.store.engine import Database
from catalog.store.lineage.addresses import places
from catalog.store.lineage.batches import among

_HOLDS = "SELECT 1 FROM edge e WHERE e.kind = 'holds' AND e.retracted_ns IS NULL"
_NAMED = (
    "SELECT a.id, a.kind, a.namespace, a.name, a.evidence, "
    "(SELECT COUNT(*) FROM edge e WHERE e.source_id = a.id AND e.retracted_ns IS NULL), "
    "(SELECT COUNT(*) FROM edge e WHERE e.target_id = a.id AND e.retracted_ns IS NULL), "
    "COALESCE((SELECT MIN(l.added_ns) FROM alias l WHERE l.asset_id = a.id), 0) "
    "FROM asset a WHERE a.rule = 'named' AND a.kind IN ('dataset', 'model') AND a.merged_into IS NULL "
    f"AND NOT EXISTS ({_HOLDS} AND e.source_id = a.id) AND NOT EXISTS ({_HOLDS} AND e.target_id = a.id) "
    "ORDER BY a.namespace, a.name"
)


def pending(db: Database) -> Iterator[Pending]:
    """Every named asset, by namespace and name; a folder whose datasets are known is not waiting for anything."""
    silos = places(db)
    sql = "SELECT silo_id, MAX(ended_ns) FROM crawl WHERE state IN ('complete', 'partial') GROUP BY silo_id"
    crawled: dict[int, int] = {row[0]: row[1] for row in db.all(sql)}
    rows = db.all(_NAMED)
    others: dict[int, list[Identity]] = {}
    sql = "SELECT asset_id, namespace, name FROM alias WHERE asset_id IN ({}) AND kind <> 'table'"
    for asset, namespace, name in among(db, sql, [row[0] for row in rows]):
        others.setdefault(asset, []).append(Identity(namespace, name))
    for row in rows:
        names = [Identity(row[2], row[3]), *others.get(row[0], ())]
        place = next((silo for silo in silos for name in names if _holds(silo, name)), None)
        yield Pending(
            id=row[0], kind=row[1], namespace=row[2], name=row[3], uri=address(row[2], row[3]),
            named_by=row[4].removeprefix("named by ").partition(";")[0], reads=row[5], writes=row[6], since_ns=row[7],
            silo=place.silo if place else None, crawled_ns=crawled.get(place.silo_id) if place else None,
        )  # fmt: skip


def _holds(place: Place, name: Identity) -> bool:
    return place.namespace == name.namespace and place.path_of(name.name) is not None
