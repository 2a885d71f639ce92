"""Sensitive columns in the database: which assets to look into, and what looking told."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from catalog.model import ColumnLabel
from catalog.store.datasets import under
from catalog.store.engine import Database
from catalog.store.inspections import Candidate


def candidates(db: Database, silo_id: int, prefix: str, formats: Collection[str], *, again: bool) -> list[Candidate]:
    """Assets with files of these formats whose version was not looked into yet; with `again` all of them."""
    where, which = under("a.root", prefix)
    marks = ", ".join("?" * len(formats))
    new = "" if again else "AND (c.version IS NULL OR c.version <> a.version) "
    rows = db.all(
        "SELECT a.id, a.version, a.files, a.rule, a.root FROM asset a "
        "LEFT JOIN classification c ON c.asset_id = a.id "
        f"WHERE a.silo_id = ? AND a.removed_crawl IS NULL {new}AND {where} "
        f"AND (a.format IN ({marks}) OR EXISTS (SELECT 1 FROM part p "
        f"WHERE p.asset_id = a.id AND p.role = 'data' AND p.format IN ({marks}))) ORDER BY a.id",
        (silo_id, *which, *formats, *formats),
    )
    return [Candidate(row[0], row[1], row[2], row[3] == "single", row[3], row[4]) for row in rows]


def save(
    db: Database, asset: Candidate, crawl_id: int, columns: int, labels: Sequence[ColumnLabel], problems: Sequence[str]
) -> None:
    """Keep what looking into an asset told, in place of what it told before; no value of a sensitive column stays."""
    with db.transaction():
        forget(db, [asset.id])
        db.execute(
            "INSERT INTO classification(asset_id, version, crawl_id, columns, problems) VALUES (?, ?, ?, ?, ?)",
            (asset.id, asset.version, crawl_id, columns, json.dumps(list(problems))),
        )
        db.executemany(
            "INSERT INTO column_label(asset_id, path, position, label, country, score, sampled, matched, crawl_id) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (asset.id, one.path, at, one.label, one.country, one.score, one.sampled, one.matched, crawl_id)
                for at, one in enumerate(labels)
            ],
        )
        if labels:
            _forget_values(db, asset.id, {one.path for one in labels})


def _forget_values(db: Database, asset_id: int, paths: Collection[str]) -> None:
    """Take the smallest and largest values of these columns out of what the asset's directories have told."""
    rows = db.all(
        "SELECT i.directory_id, i.name, i.details FROM inspection i WHERE i.directory_id IN "
        "(SELECT directory_id FROM part WHERE asset_id = ?) AND i.details LIKE '%\"ranges\"%'",
        (asset_id,),
    )
    kept = [(json.dumps(without_values(json.loads(details), paths)), at, name) for at, name, details in rows]
    db.executemany("UPDATE inspection SET details = ? WHERE directory_id = ? AND name = ?", kept)


def without_values(facts: Mapping[str, Any], paths: Collection[str]) -> dict[str, Any]:
    """A file's facts without the ranges of these columns."""
    kept = [one for one in str(facts.get("ranges", "")).split(", ") if one.rpartition(" ")[0] not in paths]
    rest = {name: value for name, value in facts.items() if name != "ranges"}
    return {**rest, "ranges": ", ".join(kept)} if any(kept) else rest


def forget(db: Database, assets: Collection[int]) -> None:
    """Forget what was found in these assets. Inside a transaction."""
    for table in ("column_label", "classification"):
        db.executemany(f"DELETE FROM {table} WHERE asset_id = ?", [(asset,) for asset in assets])


def labels(db: Database, asset_id: int) -> tuple[tuple[ColumnLabel, ...] | None, int | None]:
    """An asset's sensitive columns, and the version in which they were looked for; (None, None) where nobody has."""
    version = db.value("SELECT version FROM classification WHERE asset_id = ?", (asset_id,))
    if version is None:
        return None, None
    rows = db.all(
        "SELECT path, label, score, sampled, matched, country FROM column_label WHERE asset_id = ? ORDER BY position",
        (asset_id,),
    )
    return tuple(ColumnLabel(*row) for row in rows), int(version)
