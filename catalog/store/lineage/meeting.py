"""What lineage named meets what a crawl found.

After a crawl every identity that lineage used in the silo's namespace is looked up again. A name that a
crawled asset answers to is merged into it. A folder that covers several datasets stays an asset of its own,
joined with each of them by `holds` edges, so that a walk through the graph passes through it.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping

from catalog.model.lineage import Identity
from catalog.store.engine import Database
from catalog.store.inspections import Belongs
from catalog.store.lineage.addresses import WHOLE_RULES, Addresses, below, places, upwards
from catalog.store.lineage.batches import among, lock
from catalog.store.lineage.merging import merge
from catalog.store.lineage.origins import STORAGE, known_origin

# Identities in a silo's namespace whose asset is a mere name, or is gone from the silo.
_WAITING = (
    "SELECT l.namespace, l.name, a.id, a.silo_id IS NULL FROM alias l JOIN asset a ON a.id = l.asset_id "
    "WHERE l.namespace = ? AND l.kind <> 'table' AND a.merged_into IS NULL "
    "AND (a.silo_id IS NULL OR (a.silo_id = ? AND a.removed_crawl IS NOT NULL)) ORDER BY l.namespace, l.name"
)


def meet(db: Database, silo_id: int, belongs: Belongs, crawl_id: int | None = None) -> int:
    """Look the names that lineage used up again after a crawl; returns how many were found.

    With `crawl_id` only those that something this crawl changed may answer to. In a transaction of its own, when
    there is anything to look up at all. What was grouped in another way before hands its lineage on to the asset
    that stands in its place, if all its names mean that one.
    """
    place = next((one for one in places(db) if one.silo_id == silo_id), None)
    if place is None:
        return 0
    rows = db.all(_WAITING, (place.namespace, silo_id))
    may_answer = _Changed(db, silo_id, crawl_id).touches if rows and crawl_id is not None else None
    waiting = {}
    for namespace, name, asset, is_name in rows:
        path = place.path_of(name)
        if path is not None and (may_answer is None or may_answer(path)):
            waiting[Identity(namespace, name)] = asset, bool(is_name)
    if not waiting:
        return 0
    with db.transaction():
        lock(db)
        addresses = Addresses(db, belongs)
        found = addresses.find(waiting).assets
        into = _pairs(waiting, found)
        merge(db, into)
        # Two names of one asset may turn out to be two places: then each means what was found there.
        apart = [
            (found[one], *one)
            for one, (asset, _) in waiting.items()
            if one in found and found[one] not in (asset, into.get(asset))
        ]
        db.executemany("UPDATE alias SET asset_id = ?, kind = 'named' WHERE namespace = ? AND name = ?", apart)
        left = {one: asset for one, (asset, named) in waiting.items() if named and asset not in into}
        hold(db, addresses, left, time.time_ns())
    return len(into)


def hold(
    db: Database, addresses: Addresses, assets: Mapping[Identity, int], now_ns: int,
    done: set[tuple[int, bool]] | None = None,
) -> None:  # fmt: skip
    """Join the folders among named assets with the datasets at and below them. Inside the caller's transaction.

    A folder that a job wrote leads to its datasets; the datasets lead to a folder that a job reads. What is
    in `done` (asset, and whether it was written) was joined before, and is added to.
    """
    folders = addresses.directories(assets)
    if not folders:
        return
    ids = {assets[one] for one in folders}
    named = {row[0] for row in among(db, "SELECT id FROM asset WHERE id IN ({}) AND silo_id IS NULL", ids)}
    live = (
        "SELECT DISTINCT {0} FROM edge WHERE {0} IN ({{}}) AND retracted_ns IS NULL AND kind NOT IN ('holds', 'stores')"
    )
    written = {row[0] for row in among(db, live.format("target_id"), named)}
    read = {row[0] for row in among(db, live.format("source_id"), named)}
    for identity, (silo_id, path) in folders.items():
        asset = assets[identity]
        for outward, used in ((True, written), (False, read)):
            if asset in used and (done is None or (asset, outward) not in done):
                _join(db, asset, silo_id, path, now_ns, outward=outward)
                if done is not None:
                    done.add((asset, outward))


# ---------------------------------------------------------------- inside


class _Changed:
    """What one crawl changed: which names it may have found an answer to."""

    def __init__(self, db: Database, silo_id: int, crawl_id: int) -> None:
        sql = "SELECT path FROM directory WHERE silo_id = ? AND changed_crawl = ?"
        self._directories = {row[0] for row in db.all(sql, (silo_id, crawl_id))}
        assets = db.all(
            "SELECT a.root, a.rule FROM asset a JOIN asset_version v ON v.asset_id = a.id AND v.number = a.version "
            "WHERE a.silo_id = ? AND v.crawl_id = ?",
            (silo_id, crawl_id),
        )
        self._above = {above for root, _ in assets for above in upwards(root)}
        self._whole = {root for root, rule in assets if rule in WHOLE_RULES}

    def touches(self, path: str) -> bool:
        """True for a path in a directory that changed, above an asset that did, or below one that owns all of it."""
        if path in self._directories or path.rpartition("/")[0] in self._directories or path in self._above:
            return True
        return any(above in self._whole for above in upwards(path))


def _pairs(waiting: Mapping[Identity, tuple[int, bool]], found: Mapping[Identity, int]) -> dict[int, int]:
    """Which asset goes into which: a name into the first that answers, one that is gone if all its names agree."""
    answers: dict[int, list[int | None]] = defaultdict(list)
    named: dict[int, bool] = {}
    for identity, (asset, is_name) in waiting.items():
        answer = found.get(identity)
        answers[asset].append(None if answer == asset else answer)
        named[asset] = is_name
    into = {}
    for asset, all_ in answers.items():
        live = [one for one in all_ if one is not None]
        if live and (named[asset] or (len(live) == len(all_) and len(set(live)) == 1)):
            into[asset] = live[0]
    return into


def _join(db: Database, folder: int, silo_id: int, path: str, now_ns: int, *, outward: bool) -> None:
    where, which = below(db, "a.root", path)
    near, far = ("source_id", "target_id") if outward else ("target_id", "source_id")
    db.execute(
        f"INSERT INTO edge({near}, {far}, kind, job_id, origin_id, evidence, confidence, detail, runs, observed_ns) "
        "SELECT CAST(? AS BIGINT), a.id, 'holds', 0, CAST(? AS BIGINT), 'proof', 1.0, 'the folder holds the dataset', "
        "0, CAST(? AS BIGINT) FROM asset a WHERE a.silo_id = ? AND a.removed_crawl IS NULL "
        f"AND (a.root = ? OR {where}) AND NOT EXISTS (SELECT 1 FROM edge e WHERE e.{near} = ? AND e.{far} = a.id "
        "AND e.kind = 'holds' AND e.retracted_ns IS NULL)",
        (folder, known_origin(db, STORAGE, now_ns), now_ns, silo_id, path, *which, folder),
    )
