"""From identities to assets: found by what is remembered, found by what was crawled, or made.

An asset that evidence names and no crawl has found is a *named* asset: a row without a silo, so that
lineage can hang on it and searches find it. Every identity that lineage used is remembered in `alias`,
which is also how a later crawl finds what it should meet.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

from catalog.model.lineage import AssetKind, End, Identity
from catalog.naming import address
from catalog.store.datasets import refresh_text, search_text
from catalog.store.engine import Database
from catalog.store.inspections import Belongs
from catalog.store.lineage.addresses import Addresses, Found
from catalog.store.lineage.batches import among, joined, lock
from catalog.store.lineage.merging import merge, rekind
from catalog.text import storable

NAMED_CONFIDENCE = 0.9
NOBODY: Mapping[Identity, str] = {}
_REMEMBERED = 200_000

_ALIASES = (
    "SELECT l.namespace, l.name, COALESCE(a.merged_into, a.id), l.kind = 'named' AND a.silo_id IS NOT NULL, "
    "a.removed_crawl IS NOT NULL "
    "FROM k JOIN alias l ON l.namespace = k.a AND l.name = k.b JOIN asset a ON a.id = l.asset_id"
)
_REMEMBER = (
    "INSERT INTO alias(namespace, name, asset_id, kind, origin_id, added_ns) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (namespace, name) DO UPDATE SET asset_id = excluded.asset_id WHERE alias.kind = 'named'"
)
_MAKE = (
    "INSERT INTO asset(id, kind, namespace, name, silo_id, path, root, rule, key, confidence, evidence, files, "
    "version, fingerprint, sampled_version, inspected, first_crawl) "
    "VALUES (?, ?, ?, ?, NULL, ?, '', 'named', ?, ?, ?, 0, 0, '', 0, 0, 0)"
)


def clean(identity: Identity) -> Identity:
    """An identity as the database holds it."""
    return Identity(storable(identity.namespace), storable(identity.name))


def resolve(db: Database, identity: Identity, belongs: Belongs) -> int | None:
    """The asset an identity means, or None. Only reads."""
    wanted = clean(identity)
    return Identities(db, belongs).find([wanted]).get(wanted)


def find_or_make(db: Database, end: End, belongs: Belongs, origin_id: int | None, now_ns: int) -> int:
    """The asset of one end of an edge, made when nothing answers. Inside the caller's transaction."""
    wanted = replace(end, identity=clean(end.identity))
    return Identities(db, belongs, now_ns).find_or_make([wanted], origin_id)[wanted.identity]


class Identities:
    """Finds and makes assets in batches, and remembers them for as long as it lives.

    It is given identities that are `clean`. Everything that writes works inside the caller's
    transaction: one that may follow another writer's begins with `begin`, a rollback is followed by
    `forget`.
    """

    def __init__(self, db: Database, belongs: Belongs, now_ns: int | None = None) -> None:
        self.made = self.merged = 0
        self.kinds: dict[int, str] = {}
        self._db = db
        self._belongs = belongs
        self._now = now_ns or time.time_ns()
        self._known: dict[Identity, int] = {}
        self._unwritten: dict[Identity, int] = {}
        self._linked: set[tuple[Identity, Identity]] = set()
        self._checked: set[int] = set()
        self._addresses: Addresses | None = None

    def begin(self) -> None:
        """Take the lock of writers; what was found before another writer's turn is looked at again when it is used."""
        lock(self._db)
        self._addresses = None
        self._checked.clear()
        self.kinds.clear()
        if len(self._known) > _REMEMBERED:
            self.forget()

    def forget(self) -> None:
        """Remember nothing: what was made in a transaction that was rolled back is not there."""
        self._known.clear()
        self._unwritten.clear()
        self._linked.clear()
        self._checked.clear()
        self.kinds.clear()

    @property
    def addresses(self) -> Addresses:
        """The crawled assets by address, with the silos as they are in this transaction."""
        if self._addresses is None:
            self._addresses = Addresses(self._db, self._belongs)
        return self._addresses

    def find(self, wanted: Iterable[Identity]) -> dict[Identity, int]:
        """The assets of those identities that have one.

        An identity that merely was used before is looked up by its address again: a directory that
        held one dataset may hold another one now, or several.
        """
        wanted = set(wanted)
        self._drop_stale(wanted)
        missing = {one for one in wanted if one not in self._known}
        firm, used, gone = dict[Identity, int](), dict[Identity, int](), set[Identity]()
        for namespace, name, asset, was_used, is_gone in joined(self._db, _ALIASES, missing):
            one = Identity(namespace, name)
            (used if was_used else firm)[one] = asset
            if is_gone:
                gone.add(one)
        open_ = {one for one in missing if one not in firm}
        crawled = self.addresses.find(open_) if open_ else Found()
        found = crawled.assets
        self._unwritten |= {one: asset for one, asset in found.items() if used.get(one) != asset}
        # Of what was used before and is not found any more, only what is gone is still meant.
        self._known |= {one: asset for one, asset in used.items() if one in gone and one not in crawled.folders}
        self._known |= found | firm
        self._checked.update(self._known[one] for one in missing if one in self._known)
        return {one: self._known[one] for one in wanted if one in self._known}

    def find_or_make(
        self, ends: Iterable[End], origin_id: int | None, by: Mapping[Identity, str] = NOBODY
    ) -> dict[Identity, int]:
        """The assets of the ends; `by` says who names what has to be made (`job etl.daily`)."""
        kinds: dict[Identity, AssetKind] = {}
        for end in ends:
            if kinds.get(end.identity) != "model":
                kinds[end.identity] = end.kind
        found = self.find(kinds)
        self._make({one: kind for one, kind in kinds.items() if one not in found}, origin_id, by)
        used = {one: self._unwritten.pop(one) for one in kinds if one in self._unwritten}
        self._remember(used, "named", origin_id)
        assets = {one: self._known[one] for one in kinds}
        self._learn_kinds(assets.values())
        self._promote({assets[one] for one, kind in kinds.items() if kind == "model"})
        return assets

    def link(self, pairs: Iterable[tuple[Identity, Identity, str]], origin_id: int | None) -> list[str]:
        """Make second identities mean the assets of the first: (first, second, kind of alias) each.

        The first have been found or made before. What a second one already means is merged with it. Returns
        what could not be: two assets that crawls found at different places stay two.
        """
        fresh = [pair for pair in dict.fromkeys(pairs) if pair[:2] not in self._linked and pair[0] != pair[1]]
        if not fresh:
            return []
        self.find(second for _, second, _ in fresh)
        conflicts: list[str] = []
        renamed = set[int]()
        for first, second, kind in fresh:
            self._linked.add((first, second))
            mine, other = self._known[first], self._known.get(second)
            if other is None:
                self._known[second] = mine
                renamed.add(mine)
            elif other != mine:
                conflicts += self._unite(mine, other)
            if self._known[second] == self._known[first]:
                self._remember({second: self._known[second]}, kind, origin_id)
                self._firm(second, kind)
        for asset in renamed & set(self._known.values()):
            refresh_text(self._db, asset)
        return conflicts

    def moved(self, into: Mapping[int, int]) -> None:
        """Follow a merge in what is remembered."""
        for identity, asset in self._known.items():
            if asset in into:
                self._known[identity] = into[asset]

    def _drop_stale(self, wanted: Iterable[Identity]) -> None:
        """Forget those of the identities whose asset another writer has merged or removed since."""
        unchecked = {self._known[one] for one in wanted if one in self._known} - self._checked
        sql = "SELECT id FROM asset WHERE id IN ({}) AND merged_into IS NULL AND removed_crawl IS NULL"
        there = {row[0] for row in among(self._db, sql, unchecked)}
        self._checked |= there
        if there != unchecked:
            stale = unchecked - there
            self._known = {one: asset for one, asset in self._known.items() if asset not in stale}
            self._linked.clear()

    def _unite(self, one: int, other: int) -> list[str]:
        sql = "SELECT id, path, silo_id IS NOT NULL FROM asset WHERE id IN ({})"
        rows = {row[0]: row[1:] for row in among(self._db, sql, (one, other))}
        if rows[one][1] and rows[other][1]:
            return [f"'{rows[one][0]}' and '{rows[other][0]}' are said to be one, but crawls found both: kept apart"]
        stays = one if rows[one][1] else other if rows[other][1] else min(one, other)
        goes = other if stays == one else one
        self.merged += merge(self._db, {goes: stays})
        self.moved({goes: stays})
        self._learn_kinds([stays], again=True)
        return []

    def _firm(self, second: Identity, kind: str) -> None:
        """An identity that a symlink names means that asset from now on, whatever lies at its address."""
        sql = "UPDATE alias SET kind = ? WHERE namespace = ? AND name = ? AND kind = 'named'"
        self._db.execute(sql, (kind, *second))

    def _make(self, wanted: Mapping[Identity, AssetKind], origin_id: int | None, by: Mapping[Identity, str]) -> None:
        if not wanted:
            return
        lock(self._db)
        following = int(self._db.value("SELECT COALESCE(MAX(id), 0) FROM asset")) + 1
        origin = str(self._db.value("SELECT uri FROM origin WHERE id = ?", (origin_id,)) or "evidence")
        rows = {identity: following + number for number, identity in enumerate(wanted)}
        self._db.executemany(
            _MAKE,
            [
                (
                    rows[one],
                    kind,
                    *one,
                    one.name or one.namespace,
                    one.name,
                    NAMED_CONFIDENCE,
                    _evidence(by.get(one, origin)),
                )
                for one, kind in wanted.items()
            ],
        )
        texts = [(rows[one], search_text(one.name, address(*one), None, kind)) for one, kind in wanted.items()]
        self._db.executemany("INSERT INTO asset_text(rowid, text) VALUES (?, ?)", texts)
        self._known |= rows
        self._checked.update(rows.values())
        self.kinds.update((rows[one], kind) for one, kind in wanted.items())
        self.made += len(rows)
        self._remember(rows, "named", origin_id)

    def _remember(self, rows: Mapping[Identity, int], kind: str, origin_id: int | None) -> None:
        self._db.executemany(
            _REMEMBER, [(*identity, asset, kind, origin_id, self._now) for identity, asset in rows.items()]
        )

    def _learn_kinds(self, ids: Iterable[int], *, again: bool = False) -> None:
        unknown = {asset for asset in ids if again or asset not in self.kinds}
        self.kinds.update(among(self._db, "SELECT id, kind FROM asset WHERE id IN ({})", unknown))

    def _promote(self, ids: set[int]) -> None:
        """Names that turn out to be models; what a crawl found is what the crawl says."""
        ids = {asset for asset in ids if self.kinds[asset] != "model"}
        sql = "SELECT id FROM asset WHERE id IN ({}) AND silo_id IS NULL"
        named = [row[0] for row in among(self._db, sql, ids)]
        if not named:
            return
        self._db.executemany("UPDATE asset SET kind = 'model' WHERE id = ?", [(asset,) for asset in named])
        self.kinds.update((asset, "model") for asset in named)
        rekind(self._db, named)
        for asset in named:
            refresh_text(self._db, asset)


def _evidence(by: str) -> str:
    return f"named by {by}; no crawl has found it"
