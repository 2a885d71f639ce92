"""Finding single files among millions, without an index on their sizes or times.

Every directory row bounds the sizes and times of its files. A search walks the directories in the
order of those bounds, reads the files of a batch, keeps the best, and stops as soon as no further
directory can hold a better one: the first page of a million files comes from a few hundred rows.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from catalog.model import Count, Hit
from catalog.query import Query
from catalog.store.engine import Database, Row
from catalog.store.search_assets import COUNTED, Facets, most_frequent
from catalog.store.search_plan import Plan, found_in, plan, texts_with
from catalog.store.search_sql import ALWAYS, Clause, address, both, either

_CHUNKS = (1024, 16_384)  # directories asked for at first, then; later all that are left
_BATCH_DIRECTORIES = (16, 512)  # in the first statement, and at most
_BATCH_FILES = 20_000
_COMMON = 3000  # words in more texts than this are looked for without the index first
_SCANNED = 2_000_000  # a count gives up being exact after reading this many rows
_LARGE = 20_000  # of a directory with more files only the ranges that may match are read
_RANGES = 64  # a large directory with matches in more ranges than this is read whole
_LAST = "\U0010ffff"
_PATH = "CASE WHEN d.path = '' THEN f.name ELSE d.path || '/' || f.name END"


@dataclass(frozen=True, slots=True)
class _Order:
    """A sort key of files, and the bound of it that a directory knows."""

    key: str
    bound: str
    descending: bool
    parameters: tuple[object, ...] = ()

    def rank(self, value: object, directory: int) -> tuple[object, ...]:
        """What to sort by: the key, then the directory; unknown keys come last."""
        if value is None:
            return (1, 0, directory)
        return (0, _Reversed(value) if self.descending else value, directory)


class _Reversed:
    """A value that sorts the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __lt__(self, other: _Reversed) -> bool:
        return bool(other.value < self.value)  # type: ignore[operator]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reversed) and self.value == other.value

    __hash__ = None  # type: ignore[assignment]


def files(db: Database, query: Query, offset: int, limit: int, now_ns: int) -> list[Hit]:
    """A page of the matching files, newest first or in the order asked for.

    A file has no number of its own: `id` is its directory's id times 2**32 plus the CRC-32 of its name.
    """
    if not limit:
        return []
    todo, order, need = plan(db, query, now_ns), _order(query), offset + limit
    kept: list[Row] | None = None
    if todo.indexed and _common(db, todo):
        kept = _first(db, todo, order, need, indexed=False)
    if kept is None:
        kept = _first(db, todo, order, need, indexed=True) or []
    return _hits(db, kept[offset:need])


def count_files(db: Database, query: Query, now_ns: int) -> Count:
    """How many files match; exact up to `COUNTED`."""
    todo = plan(db, query, now_ns)
    if not todo.rows and not todo.rechecked:
        where = both(todo.directories)
        return Count(int(db.value(f"SELECT COALESCE(SUM(d.own_files), 0) FROM directory d WHERE {where.sql}",
                                  where.parameters)))  # fmt: skip
    number = 0
    for tally in _tallies(db, todo):
        if tally is None:
            return Count(min(number, COUNTED), exact=False)
        number += sum(tally.values())
        if number > COUNTED:
            return Count(COUNTED, exact=False)
    return Count(number)


def file_facets(db: Database, query: Query, now_ns: int) -> Facets:
    """How many matching files have each silo and format; of a broad search, among its first `COUNTED`."""
    todo = plan(db, query, now_ns)
    silos: dict[int, str] = {row[0]: row[1] for row in db.all("SELECT id, name FROM silo")}
    by_silo: Counter[str] = Counter()
    by_format: Counter[str] = Counter()
    for tally in _tallies(db, todo) if todo.rows or todo.rechecked else _totals(db, todo):
        for (silo, format), number in (tally or {}).items():
            by_silo[silos[silo]] += number
            if format:
                by_format[format] += number
        if by_silo.total() > COUNTED:
            break
    return {"silo": most_frequent(by_silo), "format": most_frequent(by_format)}


# ---------------------------------------------------------------- walking directories


def _order(query: Query) -> _Order:
    field = query.sort.field if query.sort else "modified"
    down = query.sort.descending if query.sort else True
    if field == "name":
        # Every path in a directory begins with the directory's: that is the bound.
        bound = "d.path || CASE WHEN d.path = '' THEN '' ELSE '/' END"
        return _Order(_PATH, f"{bound} || ?" if down else bound, down, (_LAST,) if down else ())
    if field == "size":
        return _Order("f.size", "d.largest" if down else "d.smallest", down)
    return _Order("f.mtime_ns", "d.newest_ns" if down else "d.oldest_ns", down)


def _first(db: Database, todo: Plan, order: _Order, need: int, *, indexed: bool) -> list[Row] | None:
    """The first `need` matching rows: (key, directory, name, path, silo, size, time, format).

    Without the indexes only the first directories are tried, and None says that they were not enough.
    """
    kept: list[Row] = []
    for batch in _batches(db, todo, order, indexed=indexed, chunks=None if indexed else 1):
        worst = kept[-1][0] if len(kept) == need else None
        kept += _rows(db, todo, order, need, batch, worst)
        kept.sort(key=lambda row: (*order.rank(row[0], row[1]), row[2]))
        del kept[need:]
        directory, _, bound = batch[-1]
        if len(kept) == need and not order.rank(bound, directory) < order.rank(kept[-1][0], kept[-1][1]):
            return kept  # no file of a later directory comes before the last one kept
    return kept if indexed else None


def _totals(db: Database, todo: Plan) -> Iterator[dict[tuple[int, str | None], int]]:
    """All files of the directories by (silo, format), as their parts know it."""
    where = both(todo.directories)
    rows = db.all(
        "SELECT d.silo_id, p.format, SUM(p.files) FROM directory d JOIN part p ON p.directory_id = d.id "
        f"WHERE {where.sql} GROUP BY d.silo_id, p.format",
        where.parameters,
    )
    yield {(silo, format or None): int(number) for silo, format, number in rows}


_Batch = list[tuple[int, int, object]]  # directory id, number of files, bound


def _batches(
    db: Database, todo: Plan, order: _Order | None, *, indexed: bool, chunks: int | None = None
) -> Iterator[_Batch]:
    """The directories that may hold a match, best bound first, in batches worth one statement."""
    where = both((*todo.directories, *(todo.indexed if indexed else ())))
    bound, parameters = (order.bound, order.parameters) if order else ("NULL", ())
    by = "d.id"
    if order:
        by = f"bound {'DESC' if order.descending else 'ASC'} NULLS LAST, d.id"
    seen = 0
    for size in (*_CHUNKS, 10**9)[:chunks]:
        chunk = db.all(
            f"SELECT d.id, d.own_files, {bound} AS bound FROM directory d WHERE {where.sql} "
            f"ORDER BY {by} LIMIT ? OFFSET ?",
            (*parameters, *where.parameters, size, seen),
        )
        yield from _portions(chunk)
        seen += len(chunk)
        if len(chunk) < size:
            return


def _portions(chunk: list[Row]) -> Iterator[_Batch]:
    batch: _Batch = []
    held, (size, most) = 0, _BATCH_DIRECTORIES
    for directory, own_files, bound in chunk:
        batch.append((directory, own_files, bound))
        held += own_files
        if held >= _BATCH_FILES or len(batch) >= size:
            yield batch
            batch, held, size = [], 0, min(2 * size, most)
    if batch:
        yield batch


def _rows(db: Database, todo: Plan, order: _Order, need: int, batch: _Batch, worst: object) -> list[Row]:
    """The best `need` matching rows of a batch that are no worse than `worst`."""
    better = Clause(f"{order.key} {'>=' if order.descending else '<='} ?", (worst,)) if worst is not None else ALWAYS
    columns = f"{order.key} AS k, f.directory_id, f.name, d.path, d.silo_id, f.size, f.mtime_ns, f.format"
    down = "DESC" if order.descending else "ASC"
    rows: list[Row] = []
    for source, where in _sources(db, todo, batch):
        sql = f"SELECT {columns} {source.sql} WHERE {better.sql} AND {where.sql}"
        parameters = (*source.parameters, *better.parameters, *where.parameters)
        if todo.rechecked:
            found = db.execute(sql, parameters)
            rows += (row for row in found if found_in(_path(row[3], row[2]), todo.rechecked))
        else:
            best = f"{sql} ORDER BY k {down} NULLS LAST, f.directory_id, f.name LIMIT ?"
            rows += db.all(best, (*parameters, need))
    return rows


def _tallies(db: Database, todo: Plan) -> Iterator[dict[tuple[int, str | None], int] | None]:
    """Matching files of batch after batch by (silo, format); a last None when there were too many to read."""
    scanned = 0
    indexed = bool(todo.indexed) and not _common(db, todo)
    for batch in _batches(db, todo, None, indexed=indexed):
        tally: dict[tuple[int, str | None], int] = {}
        for source, where in _sources(db, todo, batch):
            parameters = (*source.parameters, *where.parameters)
            if todo.rechecked:
                sql = f"SELECT d.silo_id, f.format, d.path, f.name {source.sql} WHERE {where.sql}"
                for silo, format, path, name in db.execute(sql, parameters):
                    if found_in(_path(path, name), todo.rechecked):
                        tally[silo, format] = tally.get((silo, format), 0) + 1
            else:
                sql = f"SELECT d.silo_id, f.format, COUNT(*) {source.sql} WHERE {where.sql}"
                for silo, format, number in db.all(f"{sql} GROUP BY d.silo_id, f.format", parameters):
                    tally[silo, format] = tally.get((silo, format), 0) + int(number)
        yield tally
        scanned += sum(own_files for _, own_files, _ in batch)
        if scanned > _SCANNED:
            yield None
            return


def _sources(db: Database, todo: Plan, batch: _Batch) -> Iterator[tuple[Clause, Clause]]:
    """FROM and WHERE for the files of a batch: the small directories at once, each large one by itself."""
    where = both(todo.rows)
    small = [directory for directory, own_files, _ in batch if own_files <= _LARGE]
    if small:
        yield _from(db, small), where
    for directory, own_files, _ in batch:
        if own_files > _LARGE:
            yield _from(db, [directory]), both((where, _ranges(db, todo, directory)))


def _from(db: Database, directories: list[int]) -> Clause:
    if db.dialect == "sqlite":  # CROSS JOIN keeps the order: directories first, then their files
        sql = "FROM directory d CROSS JOIN file f ON f.directory_id = d.id"
        return Clause(f"{sql} AND d.id IN (SELECT value FROM json_each(?))", (str(directories),))
    return Clause("FROM directory d JOIN file f ON f.directory_id = d.id AND d.id = ANY(?)", (directories,))


def _ranges(db: Database, todo: Plan, directory: int) -> Clause:
    """The ranges of a large directory's names that may hold the longest word, when the index can tell."""
    path = db.value("SELECT path FROM directory WHERE id = ?", (directory,))
    words = [w for w in todo.words if not w.negated and "/" not in w.text and not found_in(path, [w])]
    texts = texts_with(db, max(words, key=lambda w: len(w.text)).text) if words else None
    if texts is None:
        return ALWAYS
    blocks = db.all(
        f"SELECT first, last FROM name_block WHERE directory_id = ? AND text_id IN ({texts.sql})",
        (directory, *texts.parameters),
    )
    if len(blocks) > _RANGES or any(first is None for first, _ in blocks):
        return ALWAYS
    return either(Clause("f.name >= ? AND f.name <= ?", (first, last)) for first, last in blocks)


def _common(db: Database, todo: Plan) -> bool:
    """Whether the words are in so many names that looking without the index is quicker."""
    if any("/" in word.text for word in todo.words):
        return False  # few directories end in what stands before the slash
    known = (texts_with(db, word.text) for word in todo.words if not word.negated)
    numbers = [
        db.value(f"SELECT COUNT(*) FROM ({texts.sql} LIMIT {_COMMON}) t", texts.parameters)
        for texts in known
        if texts is not None
    ]
    return bool(numbers) and min(numbers) >= _COMMON


def _hits(db: Database, rows: list[Row]) -> list[Hit]:
    silos = {silo: (name, url) for silo, name, url in db.all("SELECT id, name, url FROM silo")}
    counted = _row_counts(db, [row[1] for row in rows])
    return [
        Hit(
            id=directory << 32 | zlib.crc32(name.encode()), kind="file", name=_path(path, name),
            uri=address(silos[silo][1], _path(path, name)), silo=silos[silo][0], format=format, files=1,
            bytes=size, rows=counted.get((directory, name, size, mtime)), modified_ns=mtime, version=None,
        )
        for _, directory, name, path, silo, size, mtime, format in rows
    ]  # fmt: skip


def _row_counts(db: Database, directories: list[int]) -> dict[tuple[object, ...], int]:
    if not directories:
        return {}
    wanted = sorted(set(directories))
    found = db.all(
        "SELECT directory_id, name, size, mtime_ns, rows FROM inspection WHERE rows IS NOT NULL "
        f"AND directory_id IN ({', '.join('?' * len(wanted))})",
        wanted,
    )
    return {tuple(row[:4]): int(row[4]) for row in found}


def _path(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory else name
