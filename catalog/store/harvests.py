"""Evidence in the file table: which files are to be read, which are gone, and up to where it was done.

A silo's evidence was read up to a crawl (the *mark*). What directories that changed since hold is
pending; a crawl that was stopped leaves the mark, and the next one goes on from there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from catalog.model.lineage import AssetKind, Identity
from catalog.store.datasets import CLAIMED_RULES, under
from catalog.store.engine import Database, Row
from catalog.store.inspections import Target
from catalog.store.lineage.batches import among

_FILES = (
    "SELECT d.id, d.path, f.name, f.size, f.mtime_ns, f.etag, f.format, f.first_crawl "
    "FROM directory d JOIN file f ON f.directory_id = d.id"
)
_MAY_TELL = "(p.role <> 'data' OR p.format = 'json')"
_SETTINGS = "p.format = 'yaml'"  # what evidence that is known by its ending is written in
_SUBJECTS = 200
"""Assets of one folder that a card may speak of."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Up to which crawl a silo's evidence was read, by which revision of the harvesters.

    `left` counts files that were passed over to save requests; `again` are the paths that could not be
    reached.
    """

    crawl: int = 0
    revision: int = 0
    left: int = 0
    again: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Names:
    """How files of evidence are called: whole names, endings, and endings below a directory of some name."""

    whole: tuple[str, ...]
    endings: tuple[str, ...]
    below: tuple[tuple[str, str], ...]

    def within(self, name: str) -> tuple[str, list[object]]:
        """SQL for "the file `name` of directory `d` is called like this", a superset, and its parameters."""
        tests = [f"({where} AND {test})" if where else test for where, test, _ in self._pieces(name)]
        return f"({' OR '.join(tests)})", [value for _, _, values in self._pieces(name) for value in values]

    def pieces(self) -> list[tuple[str, list[object]]]:
        """The same of `f.name`, as alternatives that each look at no more than they must.

        Most directories of a large silo hold nothing but shards, whose names need not be looked at.
        """
        whole, *others = self._pieces("f.name")
        likely = "EXISTS (SELECT 1 FROM part p WHERE p.directory_id = d.id AND {})"
        found = [(f"{likely.format(_MAY_TELL)} AND {whole[1]}", whole[2])]
        for where, test, values in others:
            found.append((f"{where or likely.format(_SETTINGS)} AND {test}", values))
        return found

    def _pieces(self, name: str) -> list[tuple[str, str, list[object]]]:
        """(test of the directory, test of the name, parameters), whole names first."""
        found: list[tuple[str, str, list[object]]] = [
            ("", f"{name} IN ({', '.join('?' * len(self.whole))})", list(self.whole))
        ]
        found += [("", f"{name} LIKE ?", [f"%{ending}"]) for ending in self.endings]
        place = "(d.path = ? OR d.path LIKE ?)"
        found += [(place, f"{name} LIKE ?", [parent, f"%/{parent}", f"%{ending}"]) for parent, ending in self.below]
        return found


def mark(db: Database, silo: str) -> Mark:
    """Where the silo's evidence stands."""
    row = db.one("SELECT digest FROM origin WHERE uri = ?", (_mark_uri(silo),))
    if row is None or not row[0]:
        return Mark()
    kept = json.loads(row[0])
    return Mark(kept["crawl"], kept["revision"], kept["left"], tuple(kept["again"]))


def set_mark(db: Database, silo_id: int, silo: str, to: Mark) -> None:
    """Remember where the silo's evidence stands."""
    text = json.dumps({"crawl": to.crawl, "revision": to.revision, "left": to.left, "again": to.again})
    with db.transaction():
        db.execute(
            "INSERT INTO origin(uri, silo_id, digest, read_ns) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (uri) DO UPDATE SET digest = excluded.digest, read_ns = excluded.read_ns",
            (_mark_uri(silo), silo_id, text, time.time_ns()),
        )


def pending(
    db: Database, silo_id: int, prefix: str, since: int, names: Names, again: Collection[str]
) -> Iterator[tuple[list[Target], frozenset[str]]]:
    """Files called like evidence in directories that changed since a crawl, a directory at a time.

    With each the names of those that are in another state than before. `again` are paths that are
    wanted whatever changed.
    """
    where, which = under("d.path", prefix)
    rows: list[Row] = []
    for test, values in names.pieces():
        rows += db.all(
            f"{_FILES} WHERE d.silo_id = ? AND d.changed_crawl > ? AND d.removed_crawl IS NULL AND {where} AND {test} "
            "ORDER BY d.id, f.name",
            (silo_id, since, *which, *values),
        )
    rows += [row for path in again for row in _one(db, silo_id, path)]
    found: dict[int, dict[str, Target]] = {}
    fresh: dict[int, set[str]] = {}
    for row in rows:
        found.setdefault(row[0], {})[row[2]] = Target(*row[:7])
        if row[7] > since:
            fresh.setdefault(row[0], set()).add(row[2])
    for directory_id, targets in found.items():
        yield list(targets.values()), frozenset(fresh.get(directory_id, ()))


def gone(db: Database, silo_id: int, prefix: str, since: int, names: Names) -> list[str]:
    """Paths of files called like evidence that were there before and are no more."""
    test, values = names.within("h.name")
    where, which = under("d.path", prefix)
    rows = db.all(
        "SELECT DISTINCT d.path, h.name FROM directory d JOIN file_history h ON h.directory_id = d.id "
        f"WHERE d.silo_id = ? AND d.changed_crawl > ? AND h.last_crawl > ? AND {where} AND {test} "
        "AND NOT EXISTS (SELECT 1 FROM file f WHERE f.directory_id = h.directory_id AND f.name = h.name)",
        (silo_id, since, since, *which, *values),
    )
    return [f"{path}/{name}" if path else name for path, name in rows]


def elsewhere(db: Database, silo_id: int, prefix: str, since: int) -> bool:
    """Whether anything outside of `prefix` changed since a crawl."""
    where, which = under("path", prefix)
    test = f"silo_id = ? AND changed_crawl > ? AND own_files > 0 AND NOT {where}"
    return bool(db.value(f"SELECT 1 FROM directory WHERE {test} LIMIT 1", (silo_id, since, *which)))


def changed(db: Database, silo_id: int, since: int) -> bool:
    """Whether any directory changed, or went, since a crawl."""
    return bool(db.value("SELECT 1 FROM directory WHERE silo_id = ? AND changed_crawl > ? LIMIT 1", (silo_id, since)))


def target(db: Database, silo_id: int, path: str) -> Target | None:
    """One live file; None when the silo has none of that path."""
    row = next(iter(_one(db, silo_id, path)), None)
    return Target(*row[:7]) if row is not None else None


def paths_below(db: Database, silo_id: int, folder: str, limit: int) -> list[str]:
    """Paths of live files at and below a directory, in order, up to `limit`."""
    where, which = under("d.path", folder)
    rows = db.all(
        "SELECT d.path, f.name FROM directory d JOIN file f ON f.directory_id = d.id "
        f"WHERE d.silo_id = ? AND {where} ORDER BY d.path, f.name LIMIT {limit}",
        (silo_id, *which),
    )
    return [f"{path}/{name}" if path else name for path, name in rows]


def names_in(db: Database, silo_id: int, folder: str) -> list[str]:
    """The live files of a directory."""
    rows = db.all(
        "SELECT f.name FROM file f JOIN directory d ON d.id = f.directory_id WHERE d.silo_id = ? AND d.path = ?",
        (silo_id, folder),
    )
    return [str(row[0]) for row in rows]


def contents(db: Database, silo_id: int, path: str) -> list[tuple[str | None, str | None]] | None:
    """What a path holds as (kind of asset, format): the assets at it, standing in it, or below it.

    Without any, the formats of that file or of the files below that folder, with None for the kind. None
    when the silo has nothing of that path.
    """
    live = "removed_crawl IS NULL AND merged_into IS NULL"
    rows = db.all(
        f"SELECT kind, format FROM asset WHERE silo_id = ? AND path = ? AND {live} "
        f"UNION SELECT kind, format FROM asset WHERE silo_id = ? AND root = ? AND {live}",
        (silo_id, path, silo_id, path),
    )
    if rows:
        return [(row[0], row[1]) for row in rows]
    known = "SELECT 1 FROM directory WHERE silo_id = ? AND path = ? AND removed_crawl IS NULL"
    if not db.value(known, (silo_id, path)):
        file = target(db, silo_id, path)
        return None if file is None else [(None, file.format)]
    where, which = under("root", path)
    below = f"SELECT DISTINCT kind, format FROM asset WHERE silo_id = ? AND {live} AND {where}"
    rows = db.all(below, (silo_id, *which))
    if not rows:
        where, which = under("d.path", path)
        parts = "SELECT DISTINCT NULL, p.format FROM part p JOIN directory d ON d.id = p.directory_id"
        rows = db.all(f"{parts} WHERE d.silo_id = ? AND {where}", (silo_id, *which))
    return [(row[0], row[1] or None) for row in rows]


def subjects(db: Database, silo_id: int, folder: str) -> list[tuple[Identity, AssetKind]]:
    """The assets that stand in a folder; where there are none, the one that owns everything around it."""
    live = "silo_id = ? AND removed_crawl IS NULL AND merged_into IS NULL"
    rows = db.all(
        f"SELECT namespace, name, kind FROM asset WHERE {live} AND root = ? ORDER BY name LIMIT {_SUBJECTS}",
        (silo_id, folder),
    )
    claimed = ", ".join("?" * len(CLAIMED_RULES))
    while not rows and folder:
        folder = folder.rpartition("/")[0]
        rows = db.all(
            f"SELECT namespace, name, kind FROM asset WHERE {live} AND root = ? AND rule IN ({claimed})",
            (silo_id, folder, *CLAIMED_RULES),
        )
    return [(Identity(row[0], row[1]), row[2]) for row in rows]


def has_finding(db: Database, target: Target) -> bool:
    """Whether something wrong with the file as it is now is known. What was wrong before is forgotten."""
    place = (target.directory_id, target.name)
    row = db.one(
        "SELECT size, mtime_ns, etag FROM inspection WHERE directory_id = ? AND name = ? AND finding IS NOT NULL", place
    )
    if row is None or tuple(row) == (target.size, target.mtime_ns, target.etag):
        return row is not None
    with db.transaction():
        db.execute("DELETE FROM inspection WHERE directory_id = ? AND name = ?", place)
    return False


def is_believed(db: Database, uri: str) -> bool:
    """Whether an origin has live edges."""
    live = "SELECT 1 FROM origin o JOIN edge e ON e.origin_id = o.id WHERE o.uri = ? AND e.retracted_ns IS NULL LIMIT 1"
    return bool(db.value(live, (uri,)))


def origins_among(db: Database, uris: Sequence[str]) -> set[str]:
    """Those addresses that lineage was read from before."""
    return {str(row[0]) for row in among(db, "SELECT uri FROM origin WHERE uri IN ({})", uris)}


def _one(db: Database, silo_id: int, path: str) -> list[Row]:
    folder, _, name = path.rpartition("/")
    return db.all(f"{_FILES} WHERE d.silo_id = ? AND d.path = ? AND f.name = ?", (silo_id, folder, name))


def _mark_uri(silo: str) -> str:
    return f"evidence:{silo}"
