"""What was read from files: which of an asset's files to open next, and what opening them told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from catalog.model import Facts, Field, Sniffed
from catalog.store.datasets import refresh_text, under
from catalog.store.engine import Database
from catalog.store.names import fold

_T = TypeVar("_T")
Belongs = Callable[[Sequence[tuple[str, str | None, Any]], Sequence[str], Sequence[str | None]], list[int]]
Joined = Callable[[Sequence[Sequence[Field]]], tuple[tuple[Field, ...], tuple[str, ...]]]
"""All fields of several schemas, and what these do not agree on."""
# What an asset's facts are read from: its data, and of a model folder its weights alone.
_CONTENT = "p.role = 'data' AND (a.rule <> 'hf_model' OR p.format = a.format)"
SAMPLED_RULES = ("single", "shards", "folder", "hive", "dates")
"""Assets that are what their files tell; the others have metadata of their own."""
_GRAVEST = ("unsafe", "mislabelled", "corrupt", "truncated")
"""What an asset with several findings is said to have."""
_WINDOW = 2048  # names read from either end of a directory to choose samples from


@dataclass(frozen=True, slots=True)
class Target:
    """A file to open, in the state the listing saw."""

    directory_id: int
    directory: str
    name: str
    size: int | None
    mtime_ns: int | None
    etag: str | None
    format: str | None

    @property
    def path(self) -> str:
        """The file's path in the silo."""
        return f"{self.directory}/{self.name}" if self.directory else self.name


@dataclass(frozen=True, slots=True)
class Seen:
    """What opening a file told: its format, its facts, or what is wrong with it."""

    target: Target
    sniffed: Sniffed | None
    facts: Facts | None
    finding: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An asset whose files should be opened."""

    id: int
    version: int
    files: int
    single: bool
    rule: str
    root: str


def nameless(db: Database, silo_id: int, prefix: str, limit: int | None) -> Iterator[list[Target]]:
    """Files whose names tell nothing and that were not opened in their present state yet.

    Up to `limit` of a directory, and a directory at a time.
    """
    where, which = under("d.path", prefix)
    directories = db.all(
        "SELECT d.id, d.path FROM directory d JOIN part p ON p.directory_id = d.id "
        f"WHERE d.silo_id = ? AND p.format = '' AND p.role = 'other' AND {where} ORDER BY d.id",
        (silo_id, *which),
    )
    for directory_id, path in directories:
        rows = db.all(
            "SELECT f.name, f.size, f.mtime_ns, f.etag, f.format FROM file f LEFT JOIN inspection i "
            f"ON i.directory_id = f.directory_id AND i.name = f.name AND {_same_state(db)} "
            "WHERE f.directory_id = ? AND f.format IS NULL AND f.size > 0 AND i.name IS NULL ORDER BY f.name"
            + ("" if limit is None else f" LIMIT {limit}"),
            (directory_id,),
        )
        if rows:
            yield [Target(directory_id, path, *row) for row in rows]


def identified(db: Database, silo_id: int, prefix: str) -> list[tuple[int, str]]:
    """Directories (id, path) of which nameless files were opened while others stay without a format."""
    where, which = under("d.path", prefix)
    rows = db.all(
        "SELECT d.id, d.path FROM directory d JOIN part p ON p.directory_id = d.id "
        f"WHERE d.silo_id = ? AND p.format = '' AND p.role = 'other' AND {where} "
        "AND EXISTS (SELECT 1 FROM inspection i "
        "WHERE i.directory_id = d.id AND i.claimed IS NULL AND i.format IS NOT NULL) ORDER BY d.id",
        (silo_id, *which),
    )
    return [(row[0], row[1]) for row in rows]


def _same_state(db: Database) -> str:
    """SQL for "the inspection `i` saw the file `f` as it is"."""
    same = "IS" if db.dialect == "sqlite" else "IS NOT DISTINCT FROM"
    return " AND ".join(f"f.{column} {same} i.{column}" for column in ("size", "mtime_ns", "etag"))


def candidates(db: Database, silo_id: int, prefix: str, *, everything: bool) -> list[Candidate]:
    """Assets with a version of which no file was opened yet (with `everything`, or not all were)."""
    where, which = under("root", prefix)
    wanted = "(sampled_version <> version OR inspected < files)" if everything else "sampled_version <> version"
    rows = db.all(
        "SELECT id, version, files, rule, root FROM asset "
        f"WHERE silo_id = ? AND removed_crawl IS NULL AND {wanted} AND {where} "
        "ORDER BY id",
        (silo_id, *which),
    )
    return [Candidate(row[0], row[1], row[2], row[3] == "single", row[3], row[4]) for row in rows]


def targets(db: Database, asset: Candidate, belongs: Belongs, crawl_id: int, *, everything: bool) -> list[Target]:
    """The files of an asset to open: all, or the first, middle and last, and a few that changed."""
    parts = _parts(db, asset)
    if not parts:
        return []
    if everything:
        return [t for part in parts for t in _members(db, part, belongs, None)]
    first, middle, last = parts[0], parts[len(parts) // 2], parts[-1]
    chosen = _members(db, first, belongs, "ASC")[:1]
    inner = _members(db, middle, belongs, "ASC")
    chosen += inner[len(inner) // 2 : len(inner) // 2 + 1]
    chosen += _members(db, last, belongs, "DESC")[:1]
    if asset.version > 1:
        chosen += _changed(db, asset.id, belongs, crawl_id)
    return list({(t.directory_id, t.name): t for t in chosen}.values())


def spread(db: Database, asset: Candidate, belongs: Belongs, most: int) -> list[Target]:
    """About `most` files of an asset, evenly over its parts and over the names at either end of each."""
    parts = _parts(db, asset)
    each = -(-most // max(len(parts), 1))
    chosen = []
    for part in _evenly(parts, most):
        ends = [t for end in ("ASC", "DESC") for t in _members(db, part, belongs, end)]
        chosen += _evenly(sorted({t.name: t for t in ends}.values(), key=lambda t: t.name), each)
    return chosen


def _evenly(given: Sequence[_T], most: int) -> list[_T]:
    count = min(len(given), most)
    return [given[at * len(given) // count] for at in range(count)]


def _parts(db: Database, asset: Candidate) -> list[tuple[Any, ...]]:
    return db.all(
        "SELECT p.directory_id, d.path, p.pattern, p.format FROM part p JOIN directory d ON d.id = p.directory_id "
        f"JOIN asset a ON a.id = p.asset_id WHERE p.asset_id = ? AND {_CONTENT} ORDER BY d.path, p.pattern",
        (asset.id,),
    )


def _members(db: Database, part: Sequence[Any], belongs: Belongs, end: str | None) -> list[Target]:
    directory_id, path, pattern, format = part
    order = "" if end is None else f" ORDER BY name {end} LIMIT {_WINDOW}"
    rows = db.all(f"SELECT name, size, mtime_ns, etag, format FROM file WHERE directory_id = ?{order}", (directory_id,))
    kinds = db.all("SELECT pattern, format, role FROM part WHERE directory_id = ?", (directory_id,))
    keys = [(k[0], k[1] or None, k[2]) for k in kinds]
    mine = keys.index((pattern, format or None, "data"))
    # A part keeps the format its names claimed when it was made; a file that was opened since may
    # have told another.
    owners = belongs(keys, [r[0] for r in rows], [format or None if len(keys) == 1 else r[4] for r in rows])
    for at, owner in enumerate(owners):
        if owner < 0:
            owners[at] = belongs(keys, [rows[at][0]], [format or None])[0]
    return [Target(directory_id, path, *row) for row, owner in zip(rows, owners) if owner == mine]


def _changed(db: Database, asset_id: int, belongs: Belongs, crawl_id: int) -> list[Target]:
    rows = db.all(
        "SELECT p.directory_id, d.path, p.pattern, p.format FROM part p JOIN directory d ON d.id = p.directory_id "
        "WHERE p.asset_id = ? AND p.role = 'data' AND d.changed_crawl = ? ORDER BY d.path LIMIT 3",
        (asset_id, crawl_id),
    )
    found: list[Target] = []
    for part in rows:
        names = {
            r[0]
            for r in db.all(
                "SELECT name FROM file WHERE directory_id = ? AND first_crawl = ? ORDER BY name LIMIT 64",
                (part[0], crawl_id),
            )
        }
        found += [t for t in _members(db, part, belongs, "DESC") if t.name in names][:1]
    return found


def is_current(db: Database, target: Target) -> bool:
    """True when the file was opened before, in this very state."""
    row = db.one(
        "SELECT size, mtime_ns, etag FROM inspection WHERE directory_id = ? AND name = ?",
        (target.directory_id, target.name),
    )
    return row is not None and tuple(row) == (target.size, target.mtime_ns, target.etag)


def save(db: Database, seen: Sequence[Seen], crawl_id: int, digest: Callable[[Sequence[Field]], str]) -> None:
    """Store what opening files told; a file's format becomes what its content showed."""
    known: dict[int, int] = {}
    with db.transaction():
        for one in seen:
            _save_one(db, one, crawl_id, digest, known)


def folder(db: Database, silo_id: int, path: str, limit: int) -> list[Target]:
    """Up to `limit` files directly in a folder as they were listed; the last by name, where logs put their newest."""
    rows = db.all(
        "SELECT d.id, d.path, f.name, f.size, f.mtime_ns, f.etag, f.format FROM directory d "
        "JOIN file f ON f.directory_id = d.id WHERE d.silo_id = ? AND d.path = ? "
        f"ORDER BY f.name DESC LIMIT {limit}",
        (silo_id, path),
    )
    return [Target(*row) for row in reversed(rows)]


def save_tree(
    db: Database, asset: Candidate, one: Seen, crawl_id: int, digest: Callable[[Sequence[Field]], str]
) -> None:
    """Store what an asset's folder told, in place of what it told before.

    It is kept with the file that its inspector began with, whose own format stays as it is.
    """
    with db.transaction():
        db.execute(
            "DELETE FROM inspection WHERE format = ? "
            "AND directory_id IN (SELECT directory_id FROM part WHERE asset_id = ?)",
            (asset.rule, asset.id),
        )
        _insert(db, one, one.facts.format if one.facts else one.target.format, crawl_id, digest, {})


def _save_one(
    db: Database, one: Seen, crawl_id: int, digest: Callable[[Sequence[Field]], str], known: dict[int, int]
) -> None:
    target, sniffed, facts = one.target, one.sniffed, one.facts
    format = facts.format if facts else sniffed.format if sniffed and sniffed.format != "unknown" else None
    _insert(db, one, format, crawl_id, digest, known)
    if format and format != target.format:
        db.execute(
            "UPDATE file SET format = ? WHERE directory_id = ? AND name = ?", (format, target.directory_id, target.name)
        )


def _insert(
    db: Database, one: Seen, format: str | None, crawl_id: int, digest: Callable[[Sequence[Field]], str],
    known: dict[int, int],
) -> None:  # fmt: skip
    """Keep one. `known` are the ids of the schemas of this batch, of which many are one object."""
    target, sniffed, facts = one.target, one.sniffed, one.facts
    schema_id = None
    if facts and facts.fields:
        schema_id = known.get(id(facts.fields))
        if schema_id is None:
            schema_id = known[id(facts.fields)] = schema(db, facts.fields, digest)
    db.execute("DELETE FROM inspection WHERE directory_id = ? AND name = ?", (target.directory_id, target.name))
    db.execute(
        "INSERT INTO inspection(directory_id, name, size, mtime_ns, etag, crawl_id, format, claimed, evidence, "
        "schema_id, rows, codec, details, finding, finding_detail) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            target.directory_id, target.name, target.size, target.mtime_ns, target.etag, crawl_id, format,
            sniffed.claimed if sniffed else None, sniffed.evidence if sniffed else None, schema_id,
            facts.rows if facts else None, facts.codec if facts else None,
            json.dumps(dict(facts.details)) if facts and facts.details else None, one.finding, one.detail,
        ),
    )  # fmt: skip


def schema(db: Database, fields: Sequence[Field], digest: Callable[[Sequence[Field]], str]) -> int:
    """The id of a schema, stored once for each distinct one. Inside a transaction."""
    key = digest(fields)
    found = db.value("SELECT id FROM schema WHERE digest = ?", (key,))
    if found is not None:
        return int(found)
    schema_id = int(
        db.value(
            "INSERT INTO schema(digest, columns) VALUES (?, ?) RETURNING id",
            (key, sum("." not in f.path for f in fields)),
        )
    )
    db.executemany(
        "INSERT INTO field(schema_id, position, path, name, type, nullable, doc, field_id, unit) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (schema_id, at, f.path, fold(f.path), f.type, f.nullable, f.doc, f.id, f.unit)
            for at, f in enumerate(fields)
        ),
    )
    return schema_id


def fields(db: Database, schema_id: int | None) -> tuple[Field, ...]:
    """The fields of a stored schema, in order."""
    rows = db.all(
        "SELECT path, type, nullable, doc, field_id, unit FROM field WHERE schema_id = ? ORDER BY position",
        (schema_id,),
    )
    return tuple(Field(row[0], row[1], bool(row[2]), *row[3:]) for row in rows)


def opened(db: Database, asset_id: int, belongs: Belongs) -> list[tuple[Any, ...]]:
    """What is known from an asset's opened files.

    Each is (path, format, schema_id, rows, codec, finding, detail, claimed, details as JSON).
    """
    same = "IS" if db.dialect == "sqlite" else "IS NOT DISTINCT FROM"
    rows = db.all(
        "SELECT DISTINCT i.directory_id, d.path, i.name, i.format, i.schema_id, i.rows, i.codec, i.finding, "
        "i.finding_detail, i.claimed, i.details, f.format FROM part p JOIN directory d ON d.id = p.directory_id "
        "JOIN asset a ON a.id = p.asset_id "
        "JOIN inspection i ON i.directory_id = p.directory_id "
        "JOIN file f ON f.directory_id = i.directory_id AND f.name = i.name "
        f"AND f.size {same} i.size AND f.mtime_ns {same} i.mtime_ns AND f.etag {same} i.etag "
        f"WHERE p.asset_id = ? AND {_CONTENT} ORDER BY d.path, i.name",
        (asset_id,),
    )
    kept = []
    keys_of: dict[int, tuple[list[tuple[str, str | None, Any]], set[int]]] = {}
    for row in rows:
        if row[0] not in keys_of:
            kinds = db.all("SELECT pattern, format, role, asset_id FROM part WHERE directory_id = ?", (row[0],))
            keys_of[row[0]] = (
                [(k[0], k[1] or None, k[2]) for k in kinds],
                {i for i, k in enumerate(kinds) if k[3] == asset_id},
            )
        keys, mine = keys_of[row[0]]
        owner = next(
            (o for f in (row[9], row[11], *{k[1] for k in keys}) if (o := belongs(keys, [row[2]], [f])[0]) >= 0), -1
        )
        if owner in mine:
            kept.append((f"{row[1]}/{row[2]}" if row[1] else row[2], *row[3:11]))
    return kept


def settle(
    db: Database,
    asset: Candidate,
    told: Sequence[tuple[Any, ...]],
    joined: Joined,
    digest: Callable[[Sequence[Field]], str],
    tree: Seen | None = None,
) -> None:
    """Give an asset and its current version the schema, rows and format its opened files told.

    `tree` is what its folder told as a whole, which knows better than a sample of the files in it.
    """
    whole = tree.facts if tree else None
    schemas = list(dict.fromkeys(row[2] for row in told if row[2] is not None))
    with db.transaction():
        schema_id = schemas[0] if len(schemas) == 1 else None
        if whole is not None and whole.fields:
            schema_id = schema(db, whole.fields, digest)
        elif len(schemas) > 1:
            schema_id = schema(db, joined([fields(db, one) for one in schemas])[0], digest)
        counts = [row[3] for row in told]
        rows = sum(counts) if counts and len(told) >= asset.files and None not in counts else None
        rows = whole.rows if whole is not None else rows
        codecs = "+".join(sorted({row[4] for row in told if row[4]})) or None
        found = {row[5] for row in told if row[5]} | ({tree.finding} if tree and tree.finding else set())
        finding = next((one for one in _GRAVEST if one in found), None) or min(found, default=None)
        formats = {row[1] for row in told if row[1]}
        seen = formats.pop() if len(formats) == 1 else None
        db.execute(
            "UPDATE asset SET schema_id = ?, rows = ?, codec = ?, finding = ?, inspected = ?, sampled_version = ?, "
            f"format = CASE WHEN rule IN {SAMPLED_RULES} THEN COALESCE(?, format) "
            "ELSE format END WHERE id = ?",
            (schema_id, rows, codecs, finding, len(told), asset.version, seen, asset.id),
        )
        db.execute(
            "UPDATE asset_version SET schema_id = COALESCE(schema_id, ?), rows = COALESCE(rows, ?) "
            "WHERE asset_id = ? AND number = ?",
            (schema_id, rows, asset.id, asset.version),
        )
        refresh_text(db, asset.id)
