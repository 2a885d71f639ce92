"""Forgetting a silo without forgetting what jobs declared.

What was read from the silo's own files goes with it. An asset on which lineage from elsewhere hangs becomes a
mere name again; crawled anew, or found in another silo, it meets its lineage again.
"""

from __future__ import annotations

from catalog.store import labels
from catalog.store.datasets import refresh_text
from catalog.store.engine import Database
from catalog.store.lineage.batches import among, execute_among
from catalog.store.lineage.identities import NAMED_CONFIDENCE
from catalog.store.lineage.origins import STORAGE

_HELD = (
    "SELECT a.id FROM asset a WHERE (EXISTS (SELECT 1 FROM edge e WHERE e.source_id = a.id) "
    "OR EXISTS (SELECT 1 FROM edge e WHERE e.target_id = a.id) "
    "OR EXISTS (SELECT 1 FROM run_asset r WHERE r.asset_id = a.id) "
    "OR EXISTS (SELECT 1 FROM column_edge c WHERE c.source_id = a.id) "
    "OR EXISTS (SELECT 1 FROM column_edge c WHERE c.target_id = a.id) "
    "OR EXISTS (SELECT 1 FROM alias l WHERE l.asset_id = a.id AND l.kind <> 'named' AND l.origin_id IS NOT NULL) "
    "OR a.id IN (SELECT merged_into FROM asset WHERE merged_into IS NOT NULL))"
)
"""Assets on which lineage hangs, now or in history, or of which an event said that they are one with another name."""


def release(db: Database, silo_id: int, silo: str, now_ns: int) -> None:
    """Let go of a silo's assets that lineage names; afterwards none that are left in the silo have any.

    Inside the caller's transaction, before the silo's own rows are deleted.
    """
    read = [row[0] for row in db.all("SELECT id FROM origin WHERE silo_id = ?", (silo_id,))]
    told = [row[0] for row in among(db, "SELECT asset_id FROM alias WHERE origin_id IN ({})", read)]
    for table in ("edge", "column_edge"):
        execute_among(db, f"DELETE FROM {table} WHERE origin_id IN ({{}})", read)
    mine = "(SELECT id FROM asset WHERE silo_id = ?)"
    db.execute(
        "DELETE FROM edge WHERE origin_id IN (SELECT id FROM origin WHERE uri = ?) "
        f"AND (source_id IN {mine} OR target_id IN {mine})",
        (STORAGE, silo_id, silo_id),
    )
    execute_among(db, "UPDATE alias SET origin_id = NULL WHERE origin_id IN ({})", read)
    execute_among(db, "DELETE FROM origin WHERE id IN ({})", read)
    _make_names(db, [row[0] for row in db.all(f"{_HELD} AND a.silo_id = ? ORDER BY a.id", (silo_id,))], silo, now_ns)
    held = {row[0] for row in among(db, f"{_HELD} AND a.id IN ({{}})", told)}
    words = {row[0] for row in among(db, "SELECT asset_id FROM annotation WHERE asset_id IN ({})", told)}
    sql = "SELECT id FROM asset WHERE id IN ({}) AND rule = 'named'"
    orphans = {row[0] for row in among(db, sql, set(told) - held - words)}
    db.execute(f"DELETE FROM alias WHERE asset_id IN {mine}", (silo_id,))
    execute_among(db, "DELETE FROM alias WHERE asset_id IN ({})", orphans)
    execute_among(db, "DELETE FROM asset_text WHERE rowid IN ({})", orphans)
    execute_among(db, "DELETE FROM asset WHERE id IN ({})", orphans)


def _make_names(db: Database, ids: list[int], silo: str, now_ns: int) -> None:
    """Turn crawled assets into mere names, with their ids, words and columns."""
    execute_among(db, "DELETE FROM asset_version WHERE asset_id IN ({})", ids)
    labels.forget(db, ids)
    for column in ("source", "target"):
        execute_among(db, f"UPDATE edge SET {column}_version = NULL WHERE {column}_id IN ({{}})", ids)
    execute_among(db, "UPDATE run_asset SET version = NULL WHERE asset_id IN ({})", ids)
    execute_among(db, "UPDATE part SET asset_id = NULL WHERE asset_id IN ({})", ids)
    evidence = f"named by lineage; it was found in the silo '{silo}', which was forgotten"
    names = {row[0]: row[1:] for row in among(db, "SELECT id, namespace, name FROM asset WHERE id IN ({})", ids)}
    db.executemany(
        "UPDATE asset SET silo_id = NULL, path = ?, root = '', rule = 'named', key = ?, confidence = ?, evidence = ?, "
        "files = 0, bytes = NULL, rows = NULL, version = 0, fingerprint = '', sampled_version = 0, inspected = 0, "
        "codec = NULL, finding = NULL, first_crawl = 0, removed_crawl = NULL WHERE id = ?",
        [(name or place, name, NAMED_CONFIDENCE, evidence, asset) for asset, (place, name) in names.items()],
    )
    called = {row[0] for row in among(db, "SELECT asset_id FROM alias WHERE asset_id IN ({})", ids)}
    db.executemany(
        "INSERT INTO alias(namespace, name, asset_id, kind, added_ns) VALUES (?, ?, ?, 'named', ?) "
        "ON CONFLICT (namespace, name) DO NOTHING",
        [(*name, asset, now_ns) for asset, name in names.items() if asset not in called],
    )
    for asset in ids:
        refresh_text(db, asset)
