"""Reading assets: find one by any of its names, its details, its files, its versions."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

from catalog.errors import Ambiguous, NotFound
from catalog.model import AssetInfo, Count, Field, FileInfo, Finding, Hit, VersionInfo
from catalog.naming import address, canonical
from catalog.store import inspections, labels
from catalog.store.datasets import refresh_text
from catalog.store.engine import Database, Row
from catalog.store.inspections import SAMPLED_RULES, Belongs, Joined
from catalog.store.verified import verified
from catalog.text import safe, spelled, storable

_ASSET = (
    "SELECT a.id, a.kind, a.path, s.url, s.name, a.format, a.files, a.bytes, a.rows, a.newest_ns, a.version, "
    "a.root, a.rule, a.key, a.evidence, a.confidence, a.schema_id, a.inspected, a.codec, a.namespace, a.removed_crawl, "
    "a.first_crawl, a.silo_id, a.name FROM asset a LEFT JOIN silo s ON s.id = a.silo_id "
)
_NAMES = "a.id, s.name, a.path, a.removed_crawl, a.namespace, a.name FROM asset a LEFT JOIN silo s ON s.id = a.silo_id"
_CANDIDATES = 20
_FINDINGS = 100
_ALIASES = 20
_SCHEMAS = 16
_DRIFT = 100


def uri(silo_url: str | None, path: str, namespace: str, name: str) -> str:
    """The full address of an asset: of its path in a silo, or of the name that is all that is known of it."""
    if silo_url is None:
        return address(namespace, name)
    return f"{silo_url.rstrip('/')}/{path}" if path else silo_url


def find(db: Database, reference: str) -> tuple[int, int | None]:
    """The asset a reference means, and the version behind its `@`, if any.

    A reference is an id, a path, `silo/path`, a URI, or an unambiguous beginning of one. Raises
    `NotFound` or `Ambiguous`.
    """
    reference = spelled(reference)
    name, version = _versioned(reference)
    for text, wanted in ((reference, None), (name, version)):
        found = _exact(db, text)
        if len(found) == 1:
            return _checked(db, found[0][0], wanted, reference)
        if found:
            raise _ambiguous(reference, found)
        if version is None:
            break
    found = _beginning(db, name)
    if len(found) == 1:
        return _checked(db, found[0][0], version, reference)
    if found:
        raise _ambiguous(reference, found)
    raise NotFound(f"Nothing in the catalog is called '{safe(reference, 200)}'.", hint=_near(db, name))


def complete(db: Database, prefix: str, limit: int) -> list[str]:
    """`silo/path` names, and paths, that begin with `prefix`, for completion."""
    silo, slash, path = prefix.partition("/")
    if not slash or not db.value("SELECT 1 FROM silo WHERE name = ?", (silo,)):
        silos = [str(r[0]) + "/" for r in db.all("SELECT name FROM silo ORDER BY name") if r[0].startswith(prefix)]
        paths = db.all(
            "SELECT DISTINCT path FROM asset WHERE removed_crawl IS NULL AND merged_into IS NULL "
            "AND path >= ? AND path < ? ORDER BY path LIMIT ?",
            (prefix, prefix + "\U0010ffff", limit),
        )
        return silos + ([str(r[0]) for r in paths] if prefix else [])
    rows = db.all(
        "SELECT s.name, a.path FROM asset a JOIN silo s ON s.id = a.silo_id "
        "WHERE s.name = ? AND a.removed_crawl IS NULL "
        "AND a.path >= ? AND a.path < ? ORDER BY a.path LIMIT ?",
        (silo, path, path + "\U0010ffff", limit),
    )
    return [f"{name}/{found}" for name, found in rows]


def info(db: Database, asset_id: int, version: int | None, belongs: Belongs, joined: Joined | None = None) -> AssetInfo:
    """Everything `show` tells; with `version`, as it was then. `joined` tells what schemas do not agree on."""
    row = db.one(_ASSET + "WHERE a.id = ?", (asset_id,))
    assert row is not None
    past = None
    if version is not None and version != row[10]:
        past = db.one(
            "SELECT files, bytes, rows, newest_ns, schema_id FROM asset_version WHERE asset_id = ? AND number = ?",
            (asset_id, version),
        )
    words = _annotations(db, asset_id)
    files, size, rows, newest = past[:4] if past else row[6:10]
    hit = Hit(
        row[0], row[1], row[2], uri(row[3], row[2], row[19], row[23]), row[4] or "", row[5],
        None if row[12] == "named" else files, size, rows, newest, version or row[10] or None,
        words.get("owner", [None])[0], tuple(words.get("tag", [])),
    )  # fmt: skip
    told = [] if past else inspections.opened(db, asset_id, belongs)
    times = db.one("SELECT MIN(observed_ns), COUNT(*) FROM asset_version WHERE asset_id = ?", (asset_id,)) or (None, 0)
    if times[0] is None:
        times = db.value("SELECT MIN(added_ns) FROM alias WHERE asset_id = ?", (asset_id,)), 0
    found, looked_in = labels.labels(db, asset_id) if not past else (None, None)
    facts = labels.without_values(_facts(told, row[12]), {one.path for one in found or ()})
    return AssetInfo(
        hit=hit, namespace=row[19], rule=row[12], pattern=row[13].partition("|")[0] or None, evidence=row[14],
        confidence=row[15], description=(words.get("description") or [None])[0],
        fields=inspections.fields(db, past[4] if past else row[16]),
        partitions=tuple(filter(None, row[13].partition("|")[2].split(","))) if row[12] == "hive" else (),
        inspected=row[17], codec=row[18], versions=times[1], first_seen_ns=times[0] or 0,
        last_verified_ns=verified(db, row[22], row[11]) if row[22] is not None else None,
        removed_ns=_ended(db, row[20]),
        findings=tuple(Finding(one[0], one[5], one[6] or "") for one in told if one[5])[:_FINDINGS],
        facts=facts, labels=found, classified=looked_in, aliases=_aliases(db, asset_id),
        drift=_drift(db, told, joined) if joined and row[1] == "dataset" and row[12] in SAMPLED_RULES else (),
    )  # fmt: skip


def _aliases(db: Database, asset_id: int) -> tuple[str, ...]:
    """The addresses of an asset besides its own, the first that were heard of first."""
    rows = db.all(
        f"SELECT namespace, name FROM alias WHERE asset_id = ? ORDER BY added_ns, name LIMIT {_ALIASES}", (asset_id,)
    )
    own = identity(db, asset_id)
    return tuple(address(*row) for row in rows if row != own)


def _drift(db: Database, told: Sequence[tuple[Any, ...]], joined: Joined) -> tuple[str, ...]:
    """What the files of an asset do not agree on."""
    schemas = list(dict.fromkeys(row[2] for row in told if row[2] is not None))[:_SCHEMAS]
    if len(schemas) < 2:
        return ()
    return joined([inspections.fields(db, one) for one in schemas])[1][:_DRIFT]


def _facts(told: Sequence[tuple[Any, ...]], rule: str) -> dict[str, Any]:
    """What a folder told as a whole, else the facts that all opened files agree on."""
    of_tree = [row for row in told if row[1] == rule]
    kept = [json.loads(row[8]) for row in of_tree or told if row[8]]
    if not kept or (not of_tree and len(kept) < len(told)):
        return {}
    first, *others = kept
    return {name: value for name, value in first.items() if all(one.get(name) == value for one in others)}


def versions(db: Database, asset_id: int) -> list[VersionInfo]:
    """The versions of an asset, newest first."""
    rows = db.all(
        "SELECT v.number, v.observed_ns, v.crawl_id, v.files, v.bytes, v.rows, v.fingerprint, s.digest "
        "FROM asset_version v LEFT JOIN schema s ON s.id = v.schema_id WHERE v.asset_id = ? ORDER BY v.number DESC",
        (asset_id,),
    )
    return [VersionInfo(*row) for row in rows]


def fields_of(db: Database, digest: str) -> tuple[Field, ...]:
    """The columns of the schema with this digest."""
    return inspections.fields(db, db.value("SELECT id FROM schema WHERE digest = ?", (digest,)))


def identity(db: Database, asset_id: int) -> tuple[str, str]:
    """The canonical namespace and name of an asset."""
    row = db.one("SELECT namespace, name FROM asset WHERE id = ?", (asset_id,))
    assert row is not None
    return str(row[0]), str(row[1])


def version_at(db: Database, asset_id: int, at_ns: int) -> int | None:
    """The version that was current at a time; None when the asset was not known yet."""
    found = db.value("SELECT MAX(number) FROM asset_version WHERE asset_id = ? AND observed_ns <= ?", (asset_id, at_ns))
    return int(found) if found is not None else None


def schema_fields(db: Database, asset_id: int, version: int | None) -> tuple[Field, ...]:
    """The columns of an asset, or of one of its versions."""
    if version is None:
        schema_id = db.value("SELECT schema_id FROM asset WHERE id = ?", (asset_id,))
    else:
        schema_id = db.value(
            "SELECT schema_id FROM asset_version WHERE asset_id = ? AND number = ?", (asset_id, version)
        )
    return inspections.fields(db, schema_id)


def count_files(db: Database, asset_id: int) -> Count:
    """How many files an asset has, sidecars included."""
    return Count(int(db.value("SELECT COALESCE(SUM(files), 0) FROM part WHERE asset_id = ?", (asset_id,))))


def files(db: Database, asset_id: int, belongs: Belongs) -> Iterator[FileInfo]:
    """The live files of an asset, in path order."""
    for directory_id, path in db.all(
        "SELECT DISTINCT p.directory_id, d.path FROM part p JOIN directory d ON d.id = p.directory_id "
        "WHERE p.asset_id = ? ORDER BY d.path",
        (asset_id,),
    ):
        rows = db.all(
            "SELECT f.name, f.size, f.mtime_ns, f.etag, f.format, i.finding FROM file f LEFT JOIN inspection i "
            "ON i.directory_id = f.directory_id AND i.name = f.name WHERE f.directory_id = ? ORDER BY f.name",
            (directory_id,),
        )
        yield from _owned(db, asset_id, directory_id, path, rows, belongs)


def files_at(db: Database, asset_id: int, at_ns: int, belongs: Belongs) -> Iterator[FileInfo]:
    """The files of an asset as the last crawl begun before `at_ns` knew them."""
    crawl = db.value(
        "SELECT MAX(id) FROM crawl WHERE started_ns <= ? AND silo_id = (SELECT silo_id FROM asset WHERE id = ?)",
        (at_ns, asset_id),
    )
    root = db.one("SELECT root, silo_id FROM asset WHERE id = ?", (asset_id,))
    if crawl is None or root is None:
        return
    for directory_id, path in db.all(
        "SELECT id, path FROM directory WHERE silo_id = ? AND (path = ? OR (path >= ? AND path < ?)) ORDER BY path",
        (root[1], root[0], root[0] + "/" if root[0] else "", root[0] + "0" if root[0] else "\U0010ffff"),
    ):
        rows = db.all(
            "SELECT name, size, mtime_ns, etag, format, NULL FROM file WHERE directory_id = ? AND first_crawl <= ? "
            "UNION ALL SELECT name, size, mtime_ns, etag, format, NULL FROM file_history "
            "WHERE directory_id = ? AND first_crawl <= ? AND last_crawl > ? ORDER BY name",
            (directory_id, crawl, directory_id, crawl, crawl),
        )
        yield from _owned(db, asset_id, directory_id, path, rows, belongs, past=True)


def silo_files(db: Database, silo_id: int) -> Iterator[FileInfo]:
    """All live files of a silo, in path order of their directories."""
    for directory_id, path in db.all(
        "SELECT id, path FROM directory WHERE silo_id = ? AND own_files > 0 ORDER BY path", (silo_id,)
    ):
        prefix = path + "/" if path else ""
        for row in db.all(
            "SELECT f.name, f.size, f.mtime_ns, f.etag, f.format, i.finding FROM file f LEFT JOIN inspection i "
            "ON i.directory_id = f.directory_id AND i.name = f.name WHERE f.directory_id = ? ORDER BY f.name",
            (directory_id,),
        ):
            yield FileInfo(prefix + row[0], row[1], row[2], row[3], row[4], "live", row[5])


def annotate(
    db: Database, asset_id: int, owner: str | None, tags: Sequence[str], untag: Sequence[str], description: str | None
) -> None:
    """Set the user's words about an asset; an empty owner or description removes it."""
    with db.transaction():
        for kind, value in (("owner", owner), ("description", description)):
            if value is not None:
                db.execute("DELETE FROM annotation WHERE asset_id = ? AND kind = ?", (asset_id, kind))
                if value:
                    _annotate(db, asset_id, kind, value)
        for tag in untag:
            db.execute("DELETE FROM annotation WHERE asset_id = ? AND kind = 'tag' AND value = ?", (asset_id, tag))
        for tag in tags:
            _annotate(db, asset_id, "tag", tag)
        refresh_text(db, asset_id)


# ---------------------------------------------------------------- inside


def _annotate(db: Database, asset_id: int, kind: str, value: str) -> None:
    db.execute(
        "INSERT INTO annotation(asset_id, kind, value, added_ns) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (asset_id, kind, value) DO NOTHING",
        (asset_id, kind, value, time.time_ns()),
    )


def _annotations(db: Database, asset_id: int) -> dict[str, list[Any]]:
    words: dict[str, list[Any]] = {}
    for kind, value in db.all("SELECT kind, value FROM annotation WHERE asset_id = ? ORDER BY value", (asset_id,)):
        words.setdefault(kind, []).append(value)
    return words


def _owned(
    db: Database, asset_id: int, directory_id: int, path: str, rows: Sequence[Sequence[Any]], belongs: Belongs,
    *, past: bool = False,
) -> Iterator[FileInfo]:  # fmt: skip
    """Those of a directory's files that belong to the asset. A lone part owns its whole directory."""
    kinds = db.all("SELECT pattern, format, role, asset_id FROM part WHERE directory_id = ?", (directory_id,))
    if past:
        kinds = [*kinds, *_own_kinds(db, asset_id, path, rows)]
    prefix = path + "/" if path else ""
    if not past and all(kind[3] == asset_id for kind in kinds):
        mine = [True] * len(rows)
    else:
        keys = [(k[0], k[1] or None, k[2]) for k in kinds]
        owners = belongs(keys, [row[0] for row in rows], [row[4] for row in rows])
        for at, owner in enumerate(owners):
            if owner < 0:  # opened since, and found to be of another format than its name claims
                tries = (belongs(keys, [rows[at][0]], [key[1]])[0] for key in keys)
                owners[at] = next((one for one in tries if one >= 0), -1)
        mine = [owner >= 0 and kinds[owner][3] == asset_id for owner in owners]
    for row, own in zip(rows, mine):
        if own:
            yield FileInfo(prefix + row[0], row[1], row[2], row[3], row[4], "live", row[5])


def _own_kinds(db: Database, asset_id: int, path: str, rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """The parts an asset may have had in a directory, as its key tells, for files that are no longer there."""
    root, rule, key = db.one("SELECT root, rule, key FROM asset WHERE id = ?", (asset_id,)) or ("", "", "")
    pattern, _, format = key.partition("|")
    formats = {row[4] or "" for row in rows}
    if rule in ("hive", "dates"):
        return [("{*}", pattern, "data", asset_id)] if path != root else []
    if rule in ("single", "shards", "folder"):
        if path != root:
            return []
        if rule == "single":  # its key is its name; any format the file had
            return [(key, one, "data", asset_id) for one in formats]
        return [(pattern, format, "data", asset_id)]
    return [(wild, one, role, asset_id) for one in formats for wild, role in (("{*}", "data"), ("{_}", "sidecar"))]


def _versioned(reference: str) -> tuple[str, int | None]:
    name, at, number = reference.rpartition("@")
    return (name, int(number)) if at and name and number.isdigit() else (reference, None)


def _checked(db: Database, asset_id: int, version: int | None, reference: str) -> tuple[int, int | None]:
    if version is not None and not db.value(
        "SELECT 1 FROM asset_version WHERE asset_id = ? AND number = ?", (asset_id, version)
    ):
        raise NotFound(
            f"'{safe(reference, 200)}' has no version {version}.",
            hint=f"catalog versions {reference.rpartition('@')[0]}",
        )
    return asset_id, version


def _exact(db: Database, name: str) -> list[tuple[int, str]]:
    """Assets that answer to the whole name: live ones before removed ones."""
    if name.isdigit():
        sql = "SELECT COALESCE(merged_into, id), path FROM asset WHERE id = ?"
        row = db.one(sql, (int(name),)) if len(name) < 19 else None
        if row:
            return [(row[0], row[1])]
    silo, _, path = name.partition("/")
    tries: list[tuple[str, tuple[object, ...]]] = [
        ("a.path = ?", (name,)),
        ("s.name = ? AND a.path = ?", (silo, path)),
        ("a.name = ?", (name,)),
    ]
    if "://" in name:
        tries = [("s.id = ? AND a.path = ?", (found, inside)) for found, inside in _in_silos(db, name)]
    if ":" in name:  # any name that lineage knows it by, in any spelling
        pair = tuple(storable(part) for part in canonical(name))
        tries.append(("a.id = (SELECT asset_id FROM alias WHERE namespace = ? AND name = ?)", pair))
    # Of a table people know the name, and not the metastore it is in.
    tries.append(("a.id IN (SELECT asset_id FROM alias WHERE name = ?)", (storable(name),)))
    for where, which in tries:
        sql = f"SELECT {_NAMES} WHERE a.merged_into IS NULL AND {where} ORDER BY a.id LIMIT {_CANDIDATES}"
        rows = db.all(sql, which)
        live = [row for row in rows if row[3] is None] or rows
        if live:
            return [(row[0], _label(row)) for row in live]
    return []


def _label(row: Row) -> str:
    """What an asset of `_NAMES` is called where several answer."""
    return f"{row[1]}/{row[2]}" if row[1] is not None else address(row[4], row[5])


def _in_silos(db: Database, address: str) -> list[tuple[int, str]]:
    """Silos whose address the given one begins with, and the path below."""
    found = []
    for silo_id, url in db.all("SELECT id, url FROM silo"):
        base = url.rstrip("/")
        if address.rstrip("/") == base:
            found.append((silo_id, ""))
        elif address.startswith(base + "/"):
            found.append((silo_id, address[len(base) + 1 :].rstrip("/")))
    return found


def _beginning(db: Database, name: str) -> list[tuple[int, str]]:
    silo, _, path = name.partition("/")
    end = "\U0010ffff"
    for where, which in (
        ("a.path >= ? AND a.path < ?", (name, name + end)),
        ("s.name = ? AND a.path >= ? AND a.path < ?", (silo, path, path + end)),
    ):
        rows = db.all(
            f"SELECT {_NAMES} WHERE a.removed_crawl IS NULL AND a.merged_into IS NULL AND {where} "
            f"ORDER BY a.path LIMIT {_CANDIDATES}",
            which,
        )
        if rows and name:
            return [(row[0], _label(row)) for row in rows]
    return []


def _ambiguous(reference: str, found: Sequence[tuple[int, str]]) -> Ambiguous:
    names = tuple(name for _, name in found)
    listed = ", ".join(safe(name, 100) for name in names[:5]) + (", …" if len(names) > 5 else "")
    return Ambiguous(
        f"'{safe(reference, 200)}' could be any of {len(names)}{'+' if len(names) == _CANDIDATES else ''}: {listed}.",
        candidates=names,
        hint=f"Write more of the name, or see them all: catalog search {safe(reference, 100)}",
    )


def _near(db: Database, name: str) -> str:
    from difflib import get_close_matches

    last = name.rstrip("/").rpartition("/")[2]
    rows = db.all("SELECT path FROM asset WHERE removed_crawl IS NULL AND merged_into IS NULL LIMIT 5000")
    by_last = {row[0].rpartition("/")[2]: row[0] for row in rows}
    near = get_close_matches(last, list(by_last), 1)
    search = f"catalog search {safe(last, 80)}"
    return f"Did you mean '{safe(by_last[near[0]], 120)}'? Or try: {search}" if near else search


def _ended(db: Database, crawl_id: int | None) -> int | None:
    if crawl_id is None:
        return None
    found = db.value("SELECT COALESCE(ended_ns, heartbeat_ns) FROM crawl WHERE id = ?", (crawl_id,))
    return int(found) if found is not None else None
