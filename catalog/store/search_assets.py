"""Finding datasets and models.

Words are looked up in `asset_text`: one row an asset, holding its path, names, columns, tags and
whatever else people may search it by, folded. Everything else is a condition on the asset's row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from catalog import naming
from catalog.model import Count, Hit
from catalog.query import TABLE_RULES, Query, Term, Word
from catalog.store.engine import Database
from catalog.store.names import fold
from catalog.store.search_sql import (
    ALWAYS,
    YEAR_NS,
    Clause,
    address,
    both,
    contains,
    either,
    equals,
    in_silo,
    like,
    literal,
    named,
    schema_clauses,
    unless,
    within,
)

COUNTED = 10_000
"""Results are counted exactly up to this many."""

FACET_VALUES = 50

Facets = dict[str, list[tuple[str, int]]]

_FILES = "CASE WHEN a.rule <> 'named' THEN a.files END"  # nobody has counted those of a mere name
_COLUMNS = (
    f"a.id, a.kind, a.name, a.path, a.format, {_FILES}, a.bytes, a.rows, a.newest_ns, a.version, s.name, s.url, "
    "a.namespace"
)
_SOURCE = "FROM asset a LEFT JOIN silo s ON s.id = a.silo_id"
_AMOUNTS = {"size": "a.bytes", "files": _FILES, "rows": "a.rows", "modified": "a.newest_ns"}
_RULES: Mapping[str, tuple[str, ...]] = {
    "partitioned": ("hive", "dates"),
    "sharded": ("shards",),
    "single": ("single",),
    "table": TABLE_RULES,
}
_ANNOTATED = {"described": "description", "owned": "owner", "tagged": "tag"}


def assets(db: Database, query: Query, offset: int, limit: int, now_ns: int) -> list[Hit]:
    """A page of the matching assets, in the order asked for."""
    where, order = _where(db, query, now_ns), _order(db, query)
    rows = db.all(
        f"SELECT {_COLUMNS} {_SOURCE} WHERE {where.sql} ORDER BY {order.sql}, a.id LIMIT ? OFFSET ?",
        (*where.parameters, *order.parameters, limit, offset),
    )
    owners, tags = _annotations(db, [row[0] for row in rows])
    return [
        Hit(
            id=id, kind=kind, name=path or name, silo=silo or "", format=format,
            uri=address(url, path) if url is not None else naming.address(namespace, name),
            files=files, bytes=size, rows=count, modified_ns=newest,
            version=version or None, owner=owners.get(id), tags=tuple(tags.get(id, ())),
        )
        for id, kind, name, path, format, files, size, count, newest, version, silo, url, namespace in rows
    ]  # fmt: skip


def count_assets(db: Database, query: Query, now_ns: int) -> Count:
    """How many assets match; exact up to `COUNTED`."""
    where = _where(db, query, now_ns)
    found = db.value(
        f"SELECT COUNT(*) FROM (SELECT 1 FROM asset a WHERE {where.sql} LIMIT ?) counted",
        (*where.parameters, COUNTED + 1),
    )
    return Count(int(found)) if found <= COUNTED else Count(COUNTED, exact=False)


def facets(db: Database, query: Query, now_ns: int) -> Facets:
    """How many matching assets have each silo, format, kind, owner, tag and label: the most frequent values."""
    where = _where(db, query, now_ns)
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("silo", "format", "kind", "owner", "tag", "label")}
    silos: dict[int, str] = {row[0]: row[1] for row in db.all("SELECT id, name FROM silo")}
    for silo, format, kind, number in db.all(
        "SELECT a.silo_id, a.format, a.kind, COUNT(*) FROM asset a "
        f"WHERE {where.sql} GROUP BY a.silo_id, a.format, a.kind",
        where.parameters,
    ):
        for name, value in (("silo", silos.get(silo)), ("format", format), ("kind", kind)):
            if value is not None:
                counts[name][value] += int(number)
    for kind, value, number in db.all(
        "SELECT t.kind, t.value, COUNT(*) FROM annotation t JOIN asset a ON a.id = t.asset_id "
        f"WHERE t.kind IN ('owner', 'tag') AND {where.sql} GROUP BY t.kind, t.value",
        where.parameters,
    ):
        counts[kind][value] = int(number)
    for label, number in db.all(
        "SELECT l.label, COUNT(DISTINCT l.asset_id) FROM column_label l JOIN asset a ON a.id = l.asset_id "
        f"WHERE {where.sql} GROUP BY l.label",
        where.parameters,
    ):
        counts["label"][label] = int(number)
    return {name: most_frequent(values) for name, values in counts.items()}


def most_frequent(values: Mapping[str, int]) -> list[tuple[str, int]]:
    """The `FACET_VALUES` most frequent values, ties by name."""
    return sorted(values.items(), key=lambda v: (-v[1], v[0]))[:FACET_VALUES]


def _annotations(db: Database, ids: list[int]) -> tuple[dict[int, str], dict[int, list[str]]]:
    owners: dict[int, str] = {}
    tags: dict[int, list[str]] = {}
    if ids:
        marks = ", ".join("?" * len(ids))
        for asset, kind, value in db.all(
            f"SELECT asset_id, kind, value FROM annotation WHERE asset_id IN ({marks}) "
            "AND kind IN ('owner', 'tag') ORDER BY asset_id, kind, added_ns, value",
            ids,
        ):
            if kind == "owner":
                owners[asset] = f"{owners[asset]}, {value}" if asset in owners else value
            else:
                tags.setdefault(asset, []).append(value)
    return owners, tags


# ---------------------------------------------------------------- order


def _order(db: Database, query: Query) -> Clause:
    if query.sort is None:
        ranks = [_rank(db, word) for word in query.words if not word.negated]
        best = " + ".join(rank.sql for rank in ranks)
        newest = "a.newest_ns DESC NULLS LAST"
        return Clause(f"{best}, {newest}" if best else newest, tuple(p for r in ranks for p in r.parameters))
    direction = "DESC" if query.sort.descending else "ASC"
    if query.sort.field == "name":
        collate = "" if db.dialect == "sqlite" else ' COLLATE "C"'
        return Clause(f"a.path{collate} {direction}, a.name{collate} {direction}")
    return Clause(f"{_AMOUNTS[query.sort.field]} {direction} NULLS LAST")


def _rank(db: Database, word: Word) -> Clause:
    """0: the path's last name is the word; 1: some name in it begins so; 2: in the path; 3: elsewhere."""
    text = literal(word.text)
    path = "('/' || a.path)"
    # The test that most assets fail comes first, for a common word ranks many.
    steps = (
        unless(contains(db, "a.path", word.text)),
        like(db, path, f"%/{text}"),
        like(db, path, f"%/{text}%"),
    )
    cases = " ".join(f"WHEN {step.sql} THEN {rank}" for step, rank in zip(steps, (3, 0, 1)))
    return Clause(f"CASE {cases} ELSE 2 END", tuple(p for step in steps for p in step.parameters))


# ---------------------------------------------------------------- conditions


def _where(db: Database, query: Query, now_ns: int) -> Clause:
    clauses = [_word(db, word) for word in query.words]
    clauses += [
        unless(_term(db, term, now_ns), term.negated) for term in query.terms if term.field not in ("column", "type")
    ]
    clauses += schema_clauses(db, query.terms, "a.schema_id")
    asked = [term.values for term in query.terms if term.field == "is" and not term.negated]
    if not any(value.text == "removed" for values in asked for value in values):
        clauses.append(Clause("a.removed_crawl IS NULL"))
    clauses.append(Clause("a.merged_into IS NULL"))
    return both(clauses)


def _word(db: Database, word: Word) -> Clause:
    text = fold(word.text)
    if db.dialect == "postgresql":
        found = Clause("text LIKE ? ESCAPE '!'", (f"%{literal(text)}%",))
    elif len(text) < 3:
        found = Clause("instr(text, ?) > 0", (text,))
    else:
        phrase = Clause("asset_text MATCH ?", ('"' + text.replace('"', '""') + '"',))
        # The index folds a few letters more than we do; plain ASCII it finds exactly.
        found = phrase if text.isascii() else both((phrase, Clause("instr(text, ?) > 0", (text,))))
    among = "NOT IN" if word.negated else "IN"
    return Clause(f"a.id {among} (SELECT rowid FROM asset_text WHERE {found.sql})", found.parameters)


def _term(db: Database, term: Term, now_ns: int) -> Clause:
    if term.field == "silo":
        return in_silo(db, "a.silo_id", term)
    if term.field in _AMOUNTS:
        return either(within(_AMOUNTS[term.field], value, now_ns) for value in term.values)
    if term.field in ("kind", "format", "rule"):
        return either(equals(db, f"a.{term.field}", value.text) for value in term.values)
    if term.field in ("owner", "tag"):
        value = either(equals(db, "value", v.text) for v in term.values)
        return _annotated(term.field, value)
    if term.field == "label":
        return _labelled(either(Clause("label = ?", (value.text,)) for value in term.values))
    if term.field == "in":
        return either(_inside(value.text.strip("/")) for value in term.values)
    if term.field == "is":
        return either(_state(value.text, now_ns) for value in term.values)
    if term.field == "namespace":
        return either(named(db, "a.namespace", value) for value in term.values)
    return either(clause for value in term.values for clause in _names(db, value.text, value.operator == "="))


def _names(db: Database, text: str, whole: bool) -> tuple[Clause, ...]:
    if not whole:
        return contains(db, "a.path", text), contains(db, "a.name", text)
    return equals(db, "a.path", text), equals(db, "a.name", text), like(db, "a.path", f"%/{literal(text)}")


def _inside(folder: str) -> Clause:
    if not folder:
        return ALWAYS
    # substr, for it minds case in both databases
    return Clause("a.path = ? OR substr(a.path, 1, ?) = ?", (folder, len(folder) + 1, folder + "/"))


def _annotated(kind: str, value: Clause = ALWAYS) -> Clause:
    sql = f"a.id IN (SELECT asset_id FROM annotation WHERE kind = '{kind}' AND ({value.sql}))"
    return Clause(sql, value.parameters)


def _labelled(value: Clause = ALWAYS) -> Clause:
    return Clause(f"a.id IN (SELECT asset_id FROM column_label WHERE {value.sql})", value.parameters)


def _state(state: str, now_ns: int) -> Clause:
    if state in _ANNOTATED:
        return _annotated(_ANNOTATED[state])
    if state == "sensitive":
        return _labelled()
    if state == "stale":
        return Clause("a.newest_ns < ?", (now_ns - YEAR_NS,))
    if state in _RULES:
        return Clause(f"a.rule IN ({', '.join('?' * len(_RULES[state]))})", _RULES[state])
    plain = {
        "broken": "a.finding IS NOT NULL",
        "changed": "a.version > 1",
        "inspected": "a.inspected > 0",
        "mislabelled": "a.finding = 'mislabelled'",
        "new": "a.version = 1",
        "removed": "a.removed_crawl IS NOT NULL",
        "unsafe": "a.finding = 'unsafe'",
    }
    return Clause(plain[state])
