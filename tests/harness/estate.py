"""A catalog made of plain Python rows: inserted into a database, and searched there by brute force.

The searches here are the oracle: each condition is spelled out over the rows, nothing is shared
with the code under test but the parsed query and `fold`.
"""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass, field
from typing import Any

from catalog.query import Query, Term, Value
from catalog.store.engine import Database
from catalog.store.names import NameWriter, fold

NOW = 1_790_000_000 * 10**9
DAY = 86400 * 10**9
YEAR = 8766 * 3600 * 10**9
SILOS = {1: ("lake", "s3://bucket/pre"), 2: ("Nas", "file:///srv/data/"), 3: ("empty", "s3://none")}
FOLDERS = (
    *("raw", "Raw", "events", "user_events", "user%events", "data"),
    *("2026", "month=03", "a", "データ", "Straße", "v1.2"),
)
NAMES = (
    *("part", "clicks", "Clicks", "user_events", "100%", "café"),
    *("CAFÉ", "データ", "x", "events.daily", "model-00"),
)
ENDINGS = (".parquet", ".csv", ".CSV", ".csv.gz", "", ".safetensors", '."odd"', ".ü")
CSV = {".csv": "csv", ".CSV": "csv", ".csv.gz": "csv"}
FORMATS = {".parquet": "parquet", ".safetensors": "safetensors", **CSV}
COLUMNS = ("id", "user_id", "user.id", "Amount", "amount_eur", "ts", "tags[]", "Größe")
NOTES = [
    *(("owner", "ann"), ("owner", "Bob"), ("tag", "pii"), ("tag", "PII-free"), ("tag", "größe")),
    ("description", "Nightly 5%"),
]
TYPES = ("int64", "int32", "string", "timestamp[us]", "timestamp[us, tz=UTC]", "decimal128(10, 2)")


@dataclass
class File:
    directory: int
    silo: int
    folder: str
    name: str
    size: int | None
    mtime: int | None
    format: str | None
    inspected: dict[str, Any] | None = None

    @property
    def path(self) -> str:
        return f"{self.folder}/{self.name}" if self.folder else self.name


@dataclass
class Asset:
    id: int
    kind: str
    namespace: str
    name: str
    silo: int | None
    path: str
    rule: str
    format: str | None
    files: int
    bytes: int | None
    rows: int | None
    newest: int | None
    schema: int | None
    version: int
    inspected: int
    finding: str | None
    removed: bool
    notes: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Estate:
    files: list[File]
    assets: list[Asset]
    schemas: dict[int, list[tuple[str, str]]]

    def text(self, asset: Asset) -> str:
        lines = [asset.path, asset.name, SILOS[asset.silo][0] if asset.silo else ""]
        lines += [path for path, _ in self.schemas.get(asset.schema or 0, [])]
        return fold("\n".join([*lines, *(value for _, value in asset.notes)]))


def make(seed: int, *, directories: int = 60, large: int = 5000, assets: int = 150) -> Estate:
    """A random estate with ties, unknown sizes and times, odd names, and one large directory."""
    rnd = random.Random(seed)
    schemas = {
        i: [(c, rnd.choice(TYPES)) for c in rnd.sample(COLUMNS, rnd.randint(1, 5))] for i in range(1, 12)
    }
    files: list[File] = []
    for number, (silo, folder) in enumerate(_folders(rnd, directories), 1):
        count = large if number == directories // 2 else rnd.choice((0, 1, 2, 5, 20))
        names = {_name(rnd, i) for i in range(count)}
        files += [_file(rnd, number, silo, folder, name) for name in sorted(names)]
    return Estate(files, [_asset(rnd, i) for i in range(1, assets + 1)], schemas)


def _folders(rnd: random.Random, number: int) -> list[tuple[int, str]]:
    found = {(1, ""), (2, "")}
    while len(found) < number:
        found.add((rnd.choice((1, 2)), "/".join(rnd.choices(FOLDERS, k=rnd.randint(1, 4)))))
    return sorted(found, key=lambda f: zlib.crc32(repr(f).encode()))


def _name(rnd: random.Random, number: int) -> str:
    stem = rnd.choice(NAMES)
    return f"{stem}{rnd.choice(('', '-', '_'))}{number:05d}{rnd.choice(ENDINGS)}"


def _time(rnd: random.Random) -> int | None:
    return rnd.choice((None, NOW - 400 * DAY, NOW - 30 * DAY, NOW - rnd.randrange(500 * DAY), NOW - 5 * DAY))


def _file(rnd: random.Random, directory: int, silo: int, folder: str, name: str) -> File:
    ending = next((e for e in sorted(ENDINGS, key=len, reverse=True) if e and name.endswith(e)), "")
    size = rnd.choice((None, 0, 10, 1000, rnd.randrange(10**10)))
    file = File(directory, silo, folder, name, size, _time(rnd), FORMATS.get(ending))
    if rnd.random() < 0.03:
        file.inspected = {
            "stands": rnd.random() < 0.8, "schema": rnd.choice((None, *range(1, 12))),
            "rows": rnd.choice((None, 0, 500, 2_000_000)), "finding": rnd.choice((None, None, "truncated")),
        }  # fmt: skip
        if rnd.random() < 0.3:
            file.format = "arrow"
    return file


def _asset(rnd: random.Random, number: int) -> Asset:
    silo = rnd.choice((1, 1, 2, None))
    depth = rnd.randint(0, 2)
    path = "/".join([*rnd.choices(FOLDERS, k=depth), f"{rnd.choice(NAMES)}{rnd.choice(('', number))}"])
    asset = Asset(
        number, rnd.choice(("dataset", "dataset", "model")), rnd.choice(("s3://bucket", "file")),
        f"{path}#{number}", silo, path, rnd.choice(("hive", "dates", "shards", "single", "delta", "folder")),
        rnd.choice((None, "parquet", "csv", "safetensors")), rnd.choice((1, 5, 5000)),
        rnd.choice((None, 0, 10**6, rnd.randrange(10**10))), rnd.choice((None, 0, 100, 10**7)), _time(rnd),
        rnd.choice((None, *range(1, 12))), rnd.randint(1, 3), rnd.randint(0, 2),
        rnd.choice((None, None, None, "truncated")), rnd.random() < 0.15,
    )  # fmt: skip
    asset.notes = [note for note in NOTES if rnd.random() < 0.25]
    return asset


# ---------------------------------------------------------------- into a database


def insert(db: Database, estate: Estate) -> None:
    """Write the estate's rows, as a crawl would leave them."""
    with db.transaction():
        db.executemany(
            "INSERT INTO silo(id, name, url, kind, options, added_ns) VALUES (?, ?, ?, 'file', '{}', 0)",
            [(i, name, url) for i, (name, url) in SILOS.items()],
        )
        _insert_schemas(db, estate)
        _insert_files(db, estate)
        _insert_assets(db, estate)


def _insert_schemas(db: Database, estate: Estate) -> None:
    db.executemany(
        "INSERT INTO schema(id, digest, columns) VALUES (?, ?, ?)",
        [(i, str(i), len(fields)) for i, fields in estate.schemas.items()],
    )
    db.executemany(
        "INSERT INTO field(schema_id, position, path, name, type, nullable) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (i, position, path, fold(path), type_, True)
            for i, fields in estate.schemas.items()
            for position, (path, type_) in enumerate(fields)
        ],
    )


def _insert_files(db: Database, estate: Estate) -> None:
    folders: dict[int, list[File]] = {}
    for file in estate.files:
        folders.setdefault(file.directory, []).append(file)
    names = NameWriter(db)
    names.begin()
    for number, held in folders.items():
        sizes = [f.size for f in held if f.size is not None]
        times = [f.mtime for f in held if f.mtime is not None]
        whole = number % 7 != 0  # every seventh was not listed to its end: no digest, no parts
        db.execute(
            "INSERT INTO directory(id, silo_id, path, digest, directories, own_files, own_bytes, sub_files, "
            "sub_bytes, newest_ns, oldest_ns, largest, smallest, changed_crawl) "
            "VALUES (?, ?, ?, ?, 0, ?, 0, 0, 0, ?, ?, ?, ?, 1)",
            (number, held[0].silo, held[0].folder, b"x" if whole else None, len(held),
             *(bound(values, default=None) for values in (times, sizes) for bound in (max, min))),
        )  # fmt: skip
        claimed: dict[str, int] = {}
        for file in held:
            format = "" if file.format in (None, "arrow") else str(file.format)
            claimed[format] = claimed.get(format, 0) + 1
        if whole:
            db.executemany(
                "INSERT INTO part(directory_id, pattern, format, role, dense, files, digest) "
                "VALUES (?, '', ?, 'data', ?, ?, ?)",
                [(number, format, False, count, b"x") for format, count in claimed.items()],
            )
        names.add(number, sorted(f.name for f in held))
    names.flush()
    db.executemany(
        "INSERT INTO file(directory_id, name, size, mtime_ns, format, first_crawl) VALUES (?, ?, ?, ?, ?, 1)",
        [(f.directory, f.name, f.size, f.mtime, f.format) for f in estate.files],
    )
    db.executemany(
        "INSERT INTO inspection(directory_id, name, size, mtime_ns, crawl_id, format, schema_id, rows, "
        "finding) VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?)",
        [
            (f.directory, f.name, f.size if i["stands"] else 77, f.mtime, f.format,
             i["schema"], i["rows"], i["finding"])
            for f in estate.files
            if (i := f.inspected) is not None
        ],
    )  # fmt: skip
    # A directory that is gone keeps its row.
    db.execute(
        "INSERT INTO directory(id, silo_id, path, directories, own_files, own_bytes, sub_files, sub_bytes, "
        "changed_crawl, removed_crawl) VALUES (9999, 1, 'gone', 0, 0, 0, 0, 0, 1, 1)"
    )


def _insert_assets(db: Database, estate: Estate) -> None:
    db.executemany(
        "INSERT INTO asset(id, kind, namespace, name, silo_id, path, root, rule, key, format, confidence, "
        "evidence, files, bytes, rows, newest_ns, schema_id, version, fingerprint, sampled_version, "
        "inspected, finding, first_crawl, removed_crawl) "
        "VALUES (?, ?, ?, ?, ?, ?, '', ?, ?, ?, 1.0, '', ?, ?, ?, ?, ?, ?, '', 0, ?, ?, 1, ?)",
        [
            (a.id, a.kind, a.namespace, a.name, a.silo, a.path, a.rule, str(a.id), a.format, a.files,
             a.bytes, a.rows, a.newest, a.schema, a.version, a.inspected, a.finding, 1 if a.removed else None)
            for a in estate.assets
        ],
    )  # fmt: skip
    db.executemany(
        "INSERT INTO asset_text(rowid, text) VALUES (?, ?)", [(a.id, estate.text(a)) for a in estate.assets]
    )
    db.executemany(
        "INSERT INTO annotation(asset_id, kind, value, added_ns) VALUES (?, ?, ?, 0)",
        [(a.id, kind, value) for a in estate.assets for kind, value in a.notes],
    )


# ---------------------------------------------------------------- the oracle


def find_files(estate: Estate, query: Query) -> list[File]:
    found = [f for f in estate.files if _file_matches(estate, f, query)]
    found.sort(key=lambda f: (f.directory, f.name))
    by = query.sort.field if query.sort else "modified"
    keys = {"modified": lambda f: f.mtime, "size": lambda f: f.size, "name": lambda f: f.path}
    return _sorted(found, keys[by], query.sort is None or query.sort.descending)


def find_assets(estate: Estate, query: Query) -> list[Asset]:
    found = [a for a in estate.assets if _asset_matches(estate, a, query)]
    found.sort(key=lambda a: a.id)
    if query.sort is None:
        found = _sorted(found, lambda a: a.newest, True)
        return sorted(found, key=lambda a: sum(_rank(a.path, w.text) for w in query.words if not w.negated))
    if query.sort.field == "name":
        return sorted(found, key=lambda a: (a.path, a.name), reverse=query.sort.descending)
    keys = {"modified": "newest", "size": "bytes", "files": "files", "rows": "rows"}
    return _sorted(found, lambda a: getattr(a, keys[query.sort.field]), query.sort.descending)


def _sorted(found: list[Any], key: Any, descending: bool) -> list[Any]:
    known = sorted((f for f in found if key(f) is not None), key=key, reverse=descending)
    return known + [f for f in found if key(f) is None]


def ascii_lower(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


def _rank(path: str, word: str) -> int:
    names, word = ascii_lower(path).split("/"), ascii_lower(word)
    if names[-1] == word:
        return 0
    whole = "/".join(names)
    if whole.startswith(word) or f"/{word}" in whole:
        return 1
    return 2 if word in whole else 3


def _in(value: Value, number: int | None) -> bool:
    low, high = value.bounds(NOW)
    return number is not None and (low is None or number >= low) and (high is None or number < high)


def _same(value: Value, text: str | None) -> bool:
    return text is not None and ascii_lower(text) == ascii_lower(value.text)


def _named(value: Value, text: str) -> bool:
    return _same(value, text) if value.operator == "=" else ascii_lower(value.text) in ascii_lower(text)


def _inside(value: Value, path: str) -> bool:
    folder = value.text.strip("/")
    return not folder or path == folder or path.startswith(folder + "/")


def _column(value: Value, path: str) -> bool:
    wanted, path = fold(value.text), fold(path)
    return (path == wanted or path.endswith("." + wanted)) if value.operator == "=" else wanted in path


def _type(value: Value, type_: str) -> bool:
    if value.operator == "=":
        return _same(value, type_)
    return ascii_lower(type_).startswith(ascii_lower(value.text))


def _fields_match(fields: list[tuple[str, str]], terms: tuple[Term, ...]) -> bool:
    """Types belong to the column before them, or to the first one; to any field without columns."""
    columns = [t for t in terms if t.field == "column" and not t.negated]
    types: dict[int, list[Term]] = {}
    at = -1
    for term in terms:
        if term.field == "column" and not term.negated:
            at += 1
        elif term.field == "type":
            types.setdefault(max(at, 0), []).append(term)
    for number, term in enumerate(columns):
        if not any(
            any(_column(v, p) for v in term.values)
            and all(any(_type(v, t) for v in y.values) is not y.negated for y in types.get(number, []))
            for p, t in fields
        ):
            return False
    if not columns:
        for y in types.get(0, []):
            if any(any(_type(v, t) for v in y.values) for _, t in fields) is y.negated:
                return False
    refused = [t for t in terms if t.field == "column" and t.negated]
    return not any(any(_column(v, p) for v in t.values) for t in refused for p, _ in fields)


def _file_matches(estate: Estate, file: File, query: Query) -> bool:
    if not all((fold(w.text) in fold(file.path)) is not w.negated for w in query.words):
        return False
    shape = tuple(t for t in query.terms if t.field in ("column", "type"))
    read = file.inspected if file.inspected and file.inspected["stands"] else None
    if shape and (read is None or not _fields_match(estate.schemas.get(read["schema"], []), shape)):
        return False
    tests = {
        "kind": lambda v: v.text == "file",
        "silo": lambda v: _same(v, SILOS[file.silo][0]),
        "format": lambda v: _same(v, file.format),
        "size": lambda v: _in(v, file.size),
        "modified": lambda v: _in(v, file.mtime),
        "in": lambda v: _inside(v, file.folder),
        "name": lambda v: _named(v, file.name),
        "rows": lambda v: read is not None and _in(v, read["rows"]),
        "is": lambda v: {
            "broken": read is not None and read["finding"] is not None,
            "inspected": read is not None,
            "stale": file.mtime is not None and file.mtime < NOW - YEAR,
        }[v.text],
    }
    return all(any(map(tests[t.field], t.values)) is not t.negated for t in query.terms if t not in shape)


def _asset_matches(estate: Estate, asset: Asset, query: Query) -> bool:
    text = estate.text(asset)
    if not all((fold(w.text) in text) is not w.negated for w in query.words):
        return False
    shape = tuple(t for t in query.terms if t.field in ("column", "type"))
    if not _fields_match(estate.schemas.get(asset.schema or 0, []), shape):
        return False
    asked = {v.text for t in query.terms if t.field == "is" and not t.negated for v in t.values}
    if asset.removed and "removed" not in asked:
        return False
    kinds = {kind for kind, _ in asset.notes}
    states = {
        "broken": asset.finding is not None, "changed": asset.version > 1, "new": asset.version == 1,
        "inspected": asset.inspected > 0, "described": "description" in kinds, "owned": "owner" in kinds,
        "partitioned": asset.rule in ("hive", "dates"), "sharded": asset.rule == "shards",
        "removed": asset.removed, "single": asset.rule == "single",
        "stale": asset.newest is not None and asset.newest < NOW - YEAR,
        "table": asset.rule in ("delta", "iceberg", "hudi", "lance"), "tagged": "tag" in kinds,
    }  # fmt: skip
    tests = {
        "kind": lambda v: v.text == asset.kind,
        "silo": lambda v: asset.silo is not None and _same(v, SILOS[asset.silo][0]),
        "format": lambda v: _same(v, asset.format),
        "size": lambda v: _in(v, asset.bytes),
        "modified": lambda v: _in(v, asset.newest),
        "files": lambda v: _in(v, asset.files),
        "rows": lambda v: _in(v, asset.rows),
        "owner": lambda v: any(_same(v, x) for k, x in asset.notes if k == "owner"),
        "tag": lambda v: any(_same(v, x) for k, x in asset.notes if k == "tag"),
        "in": lambda v: _inside(v, asset.path),
        "is": lambda v: states[v.text],
        "rule": lambda v: v.text == asset.rule,
        "namespace": lambda v: _named(v, asset.namespace),
        "name": lambda v: _named(v, asset.path) or _named(v, asset.name)
        or (v.operator == "=" and _same(v, asset.path.rpartition("/")[2])),
    }  # fmt: skip
    return all(any(map(tests[t.field], t.values)) is not t.negated for t in query.terms if t not in shape)
