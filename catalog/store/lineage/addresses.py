"""Which crawled asset an address means: the silo that holds the name, and what in it answers.

Jobs name directories, partitions, single files, whole tables; a crawl found files and grouped them. An
address is looked up for the narrowest answer first: an asset of that very path, the owner of that
very file, the nearest table or partitioned dataset above, the only dataset in that directory. Only when
nothing live answers does an asset that is gone from its silo.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from catalog.model.lineage import Identity
from catalog.naming import canonical
from catalog.store.datasets import CLAIMED_RULES, Place
from catalog.store.engine import Database, Row
from catalog.store.inspections import Belongs
from catalog.store.lineage.batches import among, joined
from catalog.text import name_to_text

_PARTITIONED = ("hive", "dates")
WHOLE_RULES = (*CLAIMED_RULES, *_PARTITIONED)
"""Rules of assets that answer for paths below their root."""
_LUMPS = ("{*}", "{_}", "{-}")  # patterns that match any name
_PARTITION = re.compile(r"[^=/]+=[^/]*")
_DATED = re.compile(r"\d[\d_.T-]*")
_GLOB = re.compile(r"[*?\[{]")
_NOT_TEXT = "\u201b"  # a name that has it is kept quoted by the silos


@dataclass(frozen=True, slots=True)
class _Asset:
    id: int
    path: str
    root: str
    rule: str
    key: str
    live: bool

    @property
    def partitions(self) -> list[str]:
        """The keys of a Hive dataset, outermost first."""
        return [key for key in self.key.partition("|")[2].split(",") if key]


def places(db: Database) -> list[Place]:
    """Where each silo's assets are named, the innermost root first. A silo never crawled is taken at its URL."""
    found = []
    for silo_id, name, url, namespace, root in db.all("SELECT id, name, url, namespace, root FROM silo ORDER BY id"):
        if namespace is None:
            namespace, root = canonical(url)
            root = name_to_text(root)
        found.append(Place(silo_id, name, namespace, root or ""))
    return sorted(found, key=lambda place: -len(place.root))


class Addresses:
    """Looks up crawled assets by their canonical names."""

    def __init__(self, db: Database, belongs: Belongs, silo_id: int | None = None) -> None:
        self._db = db
        self._belongs = belongs
        self._places = [place for place in places(db) if silo_id in (None, place.silo_id)]

    def find(self, wanted: Iterable[Identity]) -> Found:
        """The assets of those identities that a crawl found, and which of them are folders of several."""
        open_, found = set(wanted), Found()
        for place in self._places:
            asked = _asked(place, open_)
            if not asked:
                continue
            here = _InPlace(self._db, self._belongs, place)
            for path, asset in here.find(asked).items():
                kept = found.live if asset.live else found.gone
                for identity in asked[path]:
                    kept.setdefault(identity, asset.id)
            found.folders.update(one for path in here.folders for one in asked.get(path, ()))
            open_ -= found.live.keys()
        return found

    def directories(self, wanted: Iterable[Identity]) -> dict[Identity, tuple[int, str]]:
        """The (silo, path) of those identities that are directories of a silo, or patterns in one."""
        open_, found = set(wanted), dict[Identity, tuple[int, str]]()
        for place in self._places:
            asked = _asked(place, open_)
            bases = {path: _above_glob(path) for path in asked}
            known = set(_directories(self._db, place.silo_id, set(bases.values())))
            for path, identities in asked.items():
                if bases[path] in known:
                    for identity in identities:
                        found.setdefault(identity, (place.silo_id, bases[path]))
            open_ -= found.keys()
        return found


@dataclass(slots=True)
class Found:
    """What addresses mean: live assets, assets gone from their silo, and folders that cover several datasets."""

    live: dict[Identity, int] = field(default_factory=dict)
    gone: dict[Identity, int] = field(default_factory=dict)
    folders: set[Identity] = field(default_factory=set)

    @property
    def assets(self) -> dict[Identity, int]:
        """One asset for each identity that has one; what is a folder now is not what it was before."""
        gone = {identity: asset for identity, asset in self.gone.items() if identity not in self.folders}
        return gone | self.live


class _InPlace:
    """One lookup in one silo: `find` says for each path which asset answers, `folders` which cover several."""

    def __init__(self, db: Database, belongs: Belongs, place: Place) -> None:
        self._db = db
        self._belongs = belongs
        self._place = place
        self.folders: set[str] = set()

    def find(self, paths: Collection[str]) -> dict[str, _Asset]:
        by_path, by_root = self._candidates(paths)
        found: dict[str, _Asset] = {}

        def settle(answers: Iterable[tuple[str, _Asset | None]]) -> list[str]:
            found.update((path, asset) for path, asset in answers if asset is not None)
            return [path for path in paths if path not in found]

        rest = settle((path, self._named(path, by_path, by_root, live=True)) for path in paths)
        directories = _directories(self._db, self._place.silo_id, {*rest, *map(_above, rest)}) if rest else {}
        rest = settle(self._owners(rest, directories))
        rest = settle((path, _nearest(path, by_root, path in directories)) for path in rest)
        rest = settle((path, self._alone(path)) for path in rest if path in directories)
        globs = {path: _above_glob(path) for path in rest if _GLOB.search(path)}
        if globs:
            answers = self.find(set(globs.values()))
            self.folders.update(path for path, base in globs.items() if base in self.folders)
            rest = settle((path, answers.get(base)) for path, base in globs.items())
        settle((path, self._named(path, by_path, by_root, live=False)) for path in rest)
        return found

    def _candidates(self, paths: Collection[str]) -> tuple[dict[str, list[_Asset]], dict[str, list[_Asset]]]:
        """Assets by their path, and those that own what lies below their root by that root."""
        columns, silo = "a.id, a.path, a.root, a.rule, a.key, a.removed_crawl IS NULL", (self._place.silo_id,)
        by_path: dict[str, list[_Asset]] = defaultdict(list)
        # `+` keeps SQLite from reading the whole silo by the index of silos.
        sql = f"SELECT {columns} FROM k JOIN asset a ON a.path = k.a WHERE +a.silo_id = ? ORDER BY a.id"
        for row in joined(self._db, sql, ((path,) for path in paths if path), silo):
            by_path[row[1]].append(_asset(row))
        by_root: dict[str, list[_Asset]] = defaultdict(list)
        roots = {above for path in paths for above in upwards(path)}
        rules = ", ".join(f"'{rule}'" for rule in WHOLE_RULES)
        sql = (
            f"SELECT {columns} FROM asset a WHERE a.root IN ({{}}) AND a.silo_id = ? "
            f"AND a.rule IN ({rules}) ORDER BY a.id"
        )
        for row in among(self._db, sql, roots, silo):
            by_root[row[2]].append(_asset(row))
        return by_path, by_root

    def _named(
        self, path: str, by_path: dict[str, list[_Asset]], by_root: dict[str, list[_Asset]], *, live: bool
    ) -> _Asset | None:
        """The asset of this very path, or the one that owns everything below it."""
        exact = [asset for asset in by_path.get(path, ()) if asset.live is live]
        whole = [asset for asset in by_root.get(path, ()) if asset.live is live]
        claimed = [asset for asset in whole if asset.rule in CLAIMED_RULES]
        main = [asset for asset in whole if asset.path == (path or self._place.silo)]
        # Of what is gone the latest counts: the same place may have been grouped in several ways.
        best = claimed or main or exact or (whole if len(whole) == 1 else [])
        return (best[0] if live else best[-1]) if best else None

    def _owners(self, paths: Sequence[str], directories: dict[str, int]) -> Iterator[tuple[str, _Asset | None]]:
        """The assets that own these very files, or would own them: pieces of a series not listed yet."""
        homes = {path: directories[_above(path)] for path in paths if path and _above(path) in directories}
        parts: dict[int, list[tuple[str, str | None, str, int | None]]] = defaultdict(list)
        sql = "SELECT directory_id, pattern, format, role, asset_id FROM part WHERE directory_id IN ({})"
        for directory, pattern, format, role, asset in among(self._db, sql, set(homes.values())):
            parts[directory].append((pattern, format or None, role, asset))
        sql = "SELECT f.directory_id, f.name, f.format FROM k JOIN file f ON f.directory_id = k.a AND f.name = k.b"
        keys = ((directory, _name(path)) for path, directory in homes.items())
        files = {(row[0], row[1]): row[2] for row in joined(self._db, sql, keys)}
        for path, directory in homes.items():
            key = (directory, _name(path))
            if key in files:
                yield path, self._owner(parts[directory], _name(path), (files[key], *(p[1] for p in parts[directory])))
            elif path not in directories:
                series = [p for p in parts[directory] if p[2] == "data" and "{" in p[0] and p[0] not in _LUMPS]
                yield path, self._owner(series, _name(path), [p[1] for p in series])

    def _owner(
        self, parts: Sequence[tuple[str, str | None, str, int | None]], name: str, formats: Iterable[str | None]
    ) -> _Asset | None:
        keys = [part[:3] for part in parts]
        # A file that was opened may have told another format than the one its part was made with.
        owner = next((at for format in formats if (at := self._belongs(keys, [name], [format])[0]) >= 0), -1)
        asset_id = parts[owner][3] if owner >= 0 else None
        return None if asset_id is None else _Asset(asset_id, "", "", "", "", True)

    def _alone(self, path: str) -> _Asset | None:
        """The only dataset at a directory that has none below it; with more, the path is a folder."""
        rows = self._db.all(
            "SELECT id, path, root, rule, key, 1 FROM asset WHERE silo_id = ? AND root = ? "
            "AND removed_crawl IS NULL LIMIT 2",
            (self._place.silo_id, path),
        )
        if len(rows) == 2 or _any_below(self._db, self._place.silo_id, path):
            self.folders.add(path)
            return None
        return _asset(rows[0]) if rows else None


def _asset(row: Row) -> _Asset:
    return _Asset(row[0], row[1], row[2], row[3], row[4], bool(row[5]))


def below(db: Database, column: str, path: str) -> tuple[str, list[object]]:
    """SQL for "`column` lies below `path`", and its parameters, by code point in either database."""
    if not path:
        return f"{column} <> ''", []
    collate = "" if db.dialect == "sqlite" else ' COLLATE "C"'
    return f"({column}{collate} > ? AND {column}{collate} < ?)", [path + "/", path + "0"]  # '0' follows '/'


def _any_below(db: Database, silo_id: int, path: str) -> bool:
    where, which = below(db, "root", path)
    sql = f"SELECT 1 FROM asset WHERE silo_id = ? AND {where} AND removed_crawl IS NULL LIMIT 1"
    return db.value(sql, (silo_id, *which)) is not None


def _directories(db: Database, silo_id: int, paths: Collection[str]) -> dict[str, int]:
    """The ids of those paths that are live directories of a silo."""
    sql = "SELECT path, id FROM directory WHERE path IN ({}) AND silo_id = ? AND removed_crawl IS NULL"
    return {row[0]: row[1] for row in among(db, sql, paths, (silo_id,))}


def _nearest(path: str, by_root: dict[str, list[_Asset]], is_directory: bool) -> _Asset | None:
    """The table, or the partitioned dataset, in which a path lies."""
    above = path
    while above:
        above = _above(above)
        live = [asset for asset in by_root.get(above, ()) if asset.live]
        claimed = next((asset for asset in live if asset.rule in CLAIMED_RULES), None)
        if claimed is not None:
            return claimed
        within = path[len(above) :].strip("/").split("/")
        inside = [asset for asset in live if _is_partition(asset, within, is_directory)]
        if inside:
            return next((asset for asset in inside if asset.path == above), inside[0])
    return None


def _is_partition(asset: _Asset, within: Sequence[str], is_directory: bool) -> bool:
    """True when `within`, below the asset's root, leads to one of its partitions or to a file in one."""
    pattern = _PARTITION if asset.rule == "hive" else _DATED
    to_file = not is_directory and pattern.fullmatch(within[-1]) is None
    folders = within[:-1] if to_file else within
    if not folders or any(pattern.fullmatch(one) is None for one in folders):
        return False
    if asset.rule == "dates":
        return True
    keys = [one.partition("=")[0] for one in folders]
    return keys == asset.partitions[: len(keys)] and (not to_file or len(keys) == len(asset.partitions))


def _asked(place: Place, identities: Iterable[Identity]) -> dict[str, list[Identity]]:
    """The paths in a silo that the identities may mean."""
    asked: dict[str, list[Identity]] = defaultdict(list)
    for identity in identities:
        for path in _paths(place, identity):
            asked[path].append(identity)
    return asked


def _paths(place: Place, identity: Identity) -> list[str]:
    """The paths of an identity in a silo: as it is written, and as the silo would keep a raw name."""
    if place.namespace != identity.namespace:
        return []
    names = [identity.name]
    if _NOT_TEXT in identity.name:
        names.append(name_to_text(identity.name))
    return [path for name in names if (path := place.path_of(name)) is not None]


def upwards(path: str) -> Iterator[str]:
    """A path and every directory above it, the root last."""
    while path:
        yield path
        path = _above(path)
    yield ""


def _above(path: str) -> str:
    return path.rpartition("/")[0]


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _above_glob(path: str) -> str:
    """The directory above the first piece of a path that is a pattern; the path itself without one."""
    found = _GLOB.search(path)
    return path if found is None else _above(path[: found.start()])
