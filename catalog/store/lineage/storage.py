"""What a silo lies on: its layers of storage, and the assets that each filesystem stores.

A silo may hold any number of assets, so what hangs below a filesystem is found by the database, in one
statement for each change, and never one asset at a time.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from hashlib import blake2b

from catalog.model.lineage import CONFIDENCE, End, Layer
from catalog.store.datasets import search_text, under
from catalog.store.engine import Database
from catalog.store.inspections import Belongs
from catalog.store.lineage import origins
from catalog.store.lineage.identities import Identities, clean
from catalog.text import safe

_WORD = 60
_INSERT = (
    "INSERT INTO edge(source_id, target_id, kind, job_id, origin_id, evidence, confidence, detail, runs, observed_ns)"
)


def unchanged(db: Database, silo: str, layers: Sequence[Layer]) -> bool:
    """Whether the silo lay on these very layers when it was looked at last."""
    return origins.digest_of(db, _uri(silo)) == _digest(layers)


def settle(
    db: Database, silo_id: int, silo: str, layers: Sequence[Layer], belongs: Belongs, now_ns: int | None = None
) -> int:
    """Make the silo's live edges of kind `stores` those of its layers and its live assets; how many were new.

    Each layer lies on the one it names, each asset on the filesystem with the longest prefix that
    holds its root. What is not so any more is retracted. Opens a transaction.
    """
    now = now_ns or time.time_ns()
    with db.transaction():
        who = Identities(db, belongs, now)
        who.begin()
        origin_id = origins.origin(db, _uri(silo), now, digest=_digest(layers), silo_id=silo_id)
        ends = [End(clean(layer.identity), layer.kind) for layer in layers]
        found = who.find_or_make(ends, origin_id)
        ids = [found[end.identity] for end in ends]
        for asset_id, layer in zip(ids, layers):
            _describe(db, asset_id, layer)
        new = _stack(db, silo_id, origin_id, ids, layers, now)
        return new + _hang(db, silo_id, origin_id, ids, layers, now)


def _stack(
    db: Database, silo_id: int, origin_id: int, ids: Sequence[int], layers: Sequence[Layer], now: int
) -> int:  # fmt: skip
    """The edges from each layer to what lies on it. They are few."""
    wanted = {(ids[layer.above], ids[at]): layer for at, layer in enumerate(layers) if layer.above is not None}
    kept = set()
    for edge_id, source, target in db.all(
        "SELECT e.id, e.source_id, e.target_id FROM edge e JOIN asset a ON a.id = e.target_id "
        "WHERE e.origin_id = ? AND e.retracted_ns IS NULL AND (a.silo_id IS NULL OR a.silo_id <> ?)",
        (origin_id, silo_id),
    ):
        kept.add((source, target))
        if (source, target) not in wanted:
            db.execute("UPDATE edge SET retracted_ns = ? WHERE id = ?", (now, edge_id))
    new = [(pair, layer) for pair, layer in wanted.items() if pair not in kept and pair[0] != pair[1]]
    db.executemany(
        f"{_INSERT} VALUES (?, ?, 'stores', 0, ?, 'proof', ?, ?, 0, ?)",
        ((*pair, origin_id, CONFIDENCE["proof"], _told(layer), now) for pair, layer in new),
    )
    return len(new)


def _hang(db: Database, silo_id: int, origin_id: int, ids: Sequence[int], layers: Sequence[Layer], now: int) -> int:
    """The edges from each filesystem to the assets on it: one statement for those that end, one for the new."""
    holder, values = _holder(ids, layers)
    gone = f"(a.removed_crawl IS NOT NULL OR a.merged_into IS NOT NULL OR COALESCE({holder}, 0) <> edge.source_id)"
    db.execute(
        "UPDATE edge SET retracted_ns = ? WHERE origin_id = ? AND retracted_ns IS NULL AND EXISTS "
        f"(SELECT 1 FROM asset a WHERE a.id = edge.target_id AND a.silo_id = ? AND {gone})",
        (now, origin_id, silo_id, *values),
    )
    cursor = db.execute(
        f"{_INSERT} SELECT held.holder, held.id, 'stores', 0, ?, 'proof', ?, NULL, 0, ? FROM "
        f"(SELECT a.id, {holder} AS holder FROM asset a "
        "WHERE a.silo_id = ? AND a.removed_crawl IS NULL AND a.merged_into IS NULL) held "
        "WHERE held.holder IS NOT NULL AND NOT EXISTS (SELECT 1 FROM edge e WHERE e.source_id = held.holder "
        "AND e.target_id = held.id AND e.kind = 'stores' AND e.origin_id = ? AND e.retracted_ns IS NULL)",
        (origin_id, CONFIDENCE["proof"], now, *values, silo_id, origin_id),
    )
    return max(cursor.rowcount, 0)


def _holder(ids: Sequence[int], layers: Sequence[Layer]) -> tuple[str, list[object]]:
    """SQL for "the filesystem that holds the asset `a`" (null where none does), and its parameters."""
    held = [(layer.prefix, asset_id) for asset_id, layer in zip(ids, layers) if layer.kind == "filesystem"]
    cases, values = [], list[object]()
    for prefix, asset_id in sorted(held, key=lambda one: -len(one[0])):
        where, which = under("a.root", prefix)
        cases.append(f"WHEN {where} THEN {int(asset_id)}")
        values += which
    return (f"CASE {' '.join(cases)} END" if cases else "CAST(NULL AS BIGINT)"), values


def _describe(db: Database, asset_id: int, layer: Layer) -> None:
    """Keep what the silo told of a layer with its asset, which people find by its title and facts.

    A volume may be an image that a crawl found as a file: what the crawl says of it stays.
    """
    told, format = _told(layer), layer.facts.get("type")
    row = db.one("SELECT evidence, bytes, format FROM asset WHERE id = ? AND silo_id IS NULL", (asset_id,))
    kept = (told, layer.bytes, safe(format, _WORD) if format is not None else None)
    if row is None or tuple(row) == kept:
        return
    db.execute("UPDATE asset SET evidence = ?, bytes = ?, format = ? WHERE id = ?", (*kept, asset_id))
    name = str(db.value("SELECT path FROM asset WHERE id = ?", (asset_id,)))
    db.execute("DELETE FROM asset_text WHERE rowid = ?", (asset_id,))
    db.execute(
        "INSERT INTO asset_text(rowid, text) VALUES (?, ?)",
        (asset_id, search_text(name, "", kept[2], layer.kind, told)),
    )


def _told(layer: Layer) -> str:
    """A layer in a few words: its title, and the facts that are short enough for a line."""
    facts = (f"{safe(key, _WORD)} {safe(value, _WORD)}" for key, value in layer.facts.items())
    return safe(", ".join([safe(layer.title, 2 * _WORD), *facts]), 300)


def _digest(layers: Sequence[Layer]) -> str:
    told = [
        (one.kind, *one.identity, one.title, one.prefix, one.above, one.bytes, sorted(one.facts.items()))
        for one in layers
    ]
    return blake2b(repr(told).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _uri(silo: str) -> str:
    return f"{origins.STORAGE}:{silo}"
