"""Assets as grouping finds them: kept from crawl to crawl, with a version for each crawl that changed one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from catalog.model import Group, Part
from catalog.naming import address
from catalog.store.engine import Database, Row
from catalog.store.names import fold

MARKER_DIRECTORIES = frozenset({"_delta_log", ".hoodie", "_versions", "_transactions", "_indices", "metadata", "data"})
CLAIMED_RULES = ("delta", "iceberg", "hudi", "lance", "zarr", "saved_model", "hf_model")
"""Rules by which an asset owns everything below its root."""
_CHUNK = 2000
_OTHER_NAMES = 50  # so many of an asset's other names are searched
Member = tuple[str, Part]
Fingerprint = Callable[[Iterable[tuple[str, str, bytes]]], str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a silo's assets are named: the silo, and its root in OpenLineage's naming."""

    silo_id: int
    silo: str
    namespace: str
    root: str

    def name(self, path: str) -> str:
        """The canonical name of a path in the silo."""
        joined = f"{self.root.rstrip('/')}/{path}" if path and self.root else path or self.root
        return joined or "/"

    def path_of(self, name: str) -> str | None:
        """The path in the silo of a canonical name; None when the name lies elsewhere."""
        if self.root.startswith("/") and not name.startswith("/"):
            return None
        root, inside = self.root.strip("/"), name.strip("/")
        if not root or inside == root:
            return inside.removeprefix(root)
        return inside.removeprefix(root + "/") if inside.startswith(root + "/") else None


@dataclass(slots=True)
class _Known:
    id: int
    name: str
    version: int
    fingerprint: str
    removed: bool


def under(column: str, path: str) -> tuple[str, list[object]]:
    """SQL for "`column` is `path` or below it", and its parameters; everything for the root."""
    if not path:
        return "1 = 1", []
    return f"({column} = ? OR ({column} > ? AND {column} < ?))", [path, path + "/", path + "0"]  # '0' follows '/'


def changed_directories(db: Database, silo_id: int, crawl_id: int) -> list[str]:
    """Paths of the directories this crawl found new, different or gone."""
    rows = db.all("SELECT path FROM directory WHERE silo_id = ? AND changed_crawl = ?", (silo_id, crawl_id))
    return [str(row[0]) for row in rows]


def claimed_roots(db: Database, silo_id: int) -> set[str]:
    """Roots that own everything below them."""
    marks = ", ".join("?" * len(CLAIMED_RULES))
    rows = db.all(f"SELECT root FROM asset WHERE silo_id = ? AND rule IN ({marks})", (silo_id, *CLAIMED_RULES))
    return {str(row[0]) for row in rows}


class Regrouping:
    """Groups the directories at and below `anchor` again and keeps their assets in step."""

    def __init__(self, db: Database, place: Place, crawl_id: int, anchor: str) -> None:
        self._db = db
        self._place = place
        self._crawl_id = crawl_id
        self._anchor = anchor
        self._ids: dict[str, int] = {}
        self._owners: dict[tuple[int, str, str], int] = {}
        self.versions = 0
        self.assets = 0

    def directories(self) -> Iterator[tuple[str, list[Part], set[str]]]:
        """(path, parts, names of child directories that may be markers), in tree order."""
        where, which = under("path", self._anchor)
        children: dict[str, set[str]] = {}
        for (path,) in self._db.all(
            f"SELECT path FROM directory WHERE silo_id = ? AND removed_crawl IS NULL AND {where}",
            (self._place.silo_id, *which),
        ):
            above, _, name = path.rpartition("/")
            if name in MARKER_DIRECTORIES:
                children.setdefault(above, set()).add(name)
        separator = "char(1)" if self._db.dialect == "sqlite" else "chr(1)"
        rows = self._db.all(
            "SELECT d.id, d.path, p.pattern, p.format, p.files, p.bytes, p.newest_ns, p.digest, p.role, p.dense, "
            "p.asset_id FROM directory d LEFT JOIN part p ON p.directory_id = d.id "
            f"WHERE d.silo_id = ? AND d.removed_crawl IS NULL AND {where} "
            f"ORDER BY replace(d.path, '/', {separator}), p.pattern, p.format",
            (self._place.silo_id, *which),
        )
        at, parts = "", list[Part]()
        begun = False
        for row in rows:
            if row[1] != at or not begun:
                if begun:
                    yield at, parts, children.get(at, set())
                begun, at, parts = True, str(row[1]), []
                self._ids[row[1]] = row[0]
            if row[2] is not None:
                if row[10] is not None:
                    self._owners[row[0], row[2], row[3]] = row[10]
                pattern, format, files, size, newest, digest, role, dense = row[2:10]
                parts.append(Part(at, pattern, format or None, files, size, newest, digest, role, bool(dense)))
        if begun:
            yield at, parts, children.get(at, set())

    def store(self, groups: Iterable[tuple[Group, Sequence[Member]]], fingerprint: Fingerprint) -> None:
        """Find or make the asset of each group; what no group claims any more is marked removed."""
        with self._db.transaction():
            if self._db.dialect == "postgresql":
                self._db.execute("SELECT pg_advisory_xact_lock(?)", (0x5111,))
            known = self._known()
            following = int(self._db.value("SELECT COALESCE(MAX(id), 0) FROM asset")) + 1
            taken = {one.name for one in known.values()} if self._anchor == "" else None
            writes = _Writes()
            seen = set[int]()
            for group, members in groups:
                asset = known.get((group.root, group.rule, group.key))
                print_ = fingerprint((d, p.pattern, p.digest) for d, p in members)
                if asset is None:
                    name = self._free(self._place.name(group.name), group, taken)
                    asset = _Known(following, name, 0, "", False)
                    following += 1
                    self._make(asset, group, writes)
                seen.add(asset.id)
                self._own(asset.id, members, writes)
                if asset.fingerprint != print_ or asset.removed:
                    self._version(asset, group, members, print_, writes)
                writes.flush(self._db, self._place, _CHUNK)
            writes.flush(self._db, self._place, 0)
            self._retire([one.id for one in known.values() if one.id not in seen and not one.removed])
            self.assets = len(seen)

    def _known(self) -> dict[tuple[str, str, str], _Known]:
        where, which = under("root", self._anchor)
        rows = self._db.all(
            "SELECT root, rule, key, id, name, version, fingerprint, removed_crawl FROM asset "
            f"WHERE silo_id = ? AND {where}",
            (self._place.silo_id, *which),
        )
        return {(r[0], r[1], r[2]): _Known(r[3], r[4], r[5], r[6], r[7] is not None) for r in rows}

    def _free(self, name: str, group: Group, taken: set[str] | None) -> str:
        """A name no other asset of the silo has: rarely, two rules see one directory differently."""
        candidate, number = name, 1
        while self._is_taken(candidate, taken):
            number += 1
            candidate = f"{name} ({group.format or group.rule})" if number == 2 else f"{name} ({number})"
        if taken is not None:
            taken.add(candidate)
        return candidate

    def _is_taken(self, name: str, taken: set[str] | None) -> bool:
        if taken is not None:
            return name in taken
        return bool(self._db.value("SELECT 1 FROM asset WHERE silo_id = ? AND name = ?", (self._place.silo_id, name)))

    def _make(self, asset: _Known, group: Group, writes: _Writes) -> None:
        canonical = self._place.name(group.name)
        suffix = asset.name[len(canonical) :]
        path = (group.name or self._place.silo) + suffix
        writes.made.append(
            (
                asset.id, group.kind, self._place.namespace, asset.name, self._place.silo_id, path, group.root,
                group.rule, group.key, group.format, group.confidence, group.evidence, self._crawl_id,
            )
        )  # fmt: skip
        writes.texts.append((asset.id, search_text(path, self._place.silo, group.format, group.kind)))

    def _own(self, asset_id: int, members: Sequence[Member], writes: _Writes) -> None:
        for directory, part in members:
            key = (self._ids[directory], part.pattern, part.format or "")
            if self._owners.get(key) != asset_id:
                writes.owned.append((asset_id, *key))

    def _version(
        self, asset: _Known, group: Group, members: Sequence[Member], fingerprint: str, writes: _Writes
    ) -> None:
        data = [p for _, p in members if p.role == "data"]
        counted = data if data and group.rule not in CLAIMED_RULES else [p for _, p in members]
        files = sum(p.files for p in counted)
        size = None if any(p.bytes is None for p in counted) else sum(p.bytes or 0 for p in counted)
        newest = max((p.newest_ns for p in counted if p.newest_ns is not None), default=None)
        number = asset.version + 1
        writes.versions.append((asset.id, number, self._crawl_id, time.time_ns(), fingerprint, files, size, newest))
        writes.current.append(
            (group.format, group.confidence, group.evidence, files, size, newest, number, fingerprint, asset.id)
        )
        self.versions += 1

    def _retire(self, ids: Sequence[int]) -> None:
        crawl = self._crawl_id
        self._db.executemany(
            f"UPDATE asset SET removed_crawl = {crawl}, files = 0, bytes = 0 WHERE id = ?", ((i,) for i in ids)
        )


class _Writes:
    """Rows waiting to be written, in the order their tables need."""

    def __init__(self) -> None:
        self.made: list[Row] = []
        self.texts: list[Row] = []
        self.owned: list[Row] = []
        self.versions: list[Row] = []
        self.current: list[Row] = []

    def flush(self, db: Database, place: Place, beyond: int) -> None:
        if len(self.owned) <= beyond and len(self.versions) <= beyond and beyond:
            return
        db.executemany(
            "INSERT INTO asset(id, kind, namespace, name, silo_id, path, root, rule, key, format, confidence, "
            "evidence, first_crawl, files, version, fingerprint, sampled_version, inspected) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '', 0, 0)",
            self.made,
        )
        db.executemany("INSERT INTO asset_text(rowid, text) VALUES (?, ?)", self.texts)
        db.executemany("UPDATE part SET asset_id = ? WHERE directory_id = ? AND pattern = ? AND format = ?", self.owned)
        db.executemany(
            "INSERT INTO asset_version(asset_id, number, crawl_id, observed_ns, fingerprint, files, bytes, newest_ns) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            self.versions,
        )
        db.executemany(
            "UPDATE asset SET format = ?, confidence = ?, evidence = ?, files = ?, bytes = ?, newest_ns = ?, "
            "version = ?, fingerprint = ?, removed_crawl = NULL WHERE id = ?",
            self.current,
        )
        for rows in (self.made, self.texts, self.owned, self.versions, self.current):
            rows.clear()


def search_text(path: str, silo: str, format: str | None, kind: str, *more: str) -> str:
    """What an asset is found by: its path, silo, format, kind, columns, and the user's words."""
    return "\n".join(fold(word) for word in (path, silo, format or "", kind, *more) if word)


def refresh_text(db: Database, asset_id: int) -> None:
    """Write an asset's search text again after its columns, annotations or other names changed."""
    row = db.one(
        "SELECT a.path, s.name, a.format, a.kind, a.schema_id, a.namespace, a.name FROM asset a "
        "LEFT JOIN silo s ON s.id = a.silo_id WHERE a.id = ?",
        (asset_id,),
    )
    assert row is not None
    columns = db.all("SELECT path FROM field WHERE schema_id = ? ORDER BY position", (row[4],))
    words = db.all("SELECT value FROM annotation WHERE asset_id = ? ORDER BY kind, value", (asset_id,))
    names = db.all(
        "SELECT name FROM alias WHERE asset_id = ? AND name <> ? ORDER BY namespace, name LIMIT ?",
        (asset_id, row[6], _OTHER_NAMES),
    )
    more = [str(found[0]) for found in (*columns, *words, *names)]
    text = search_text(row[0], row[1] or address(row[5], row[6]), row[2], row[3], *more)
    db.execute("DELETE FROM asset_text WHERE rowid = ?", (asset_id,))
    db.execute("INSERT INTO asset_text(rowid, text) VALUES (?, ?)", (asset_id, text))
