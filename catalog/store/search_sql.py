"""Small pieces of SQL that mean the same in both databases, for searches.

Text is compared without regard to case of ASCII letters, by the database itself; where other
letters matter, the caller compares `names.fold` in Python.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from catalog.query import Term, Value
from catalog.store.engine import Database
from catalog.store.names import fold

YEAR_NS = 8766 * 3600 * 10**9

_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_ESCAPE = str.maketrans({"!": "!!", "%": "!%", "_": "!_"})


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition and its parameters."""

    sql: str
    parameters: tuple[object, ...] = ()


ALWAYS = Clause("1 = 1")
NEVER = Clause("1 = 0")


def both(clauses: Iterable[Clause]) -> Clause:
    """All of the conditions; true when there are none."""
    found = tuple(clauses)
    if not found:
        return ALWAYS
    return Clause(" AND ".join(f"({c.sql})" for c in found), tuple(p for c in found for p in c.parameters))


def either(clauses: Iterable[Clause]) -> Clause:
    """Any of the conditions; false when there are none."""
    found = tuple(clauses)
    if not found:
        return NEVER
    return Clause(" OR ".join(f"({c.sql})" for c in found), tuple(p for c in found for p in c.parameters))


def unless(clause: Clause, negated: bool = True) -> Clause:
    """The opposite of a condition when `negated`; what is unknown does not fulfil the condition."""
    return Clause(f"({clause.sql}) IS NOT TRUE", clause.parameters) if negated else clause


def lower_ascii(text: str) -> str:
    """`text` with A to Z in lower case and everything else as it is."""
    return text.translate(_LOWER)


def folded(db: Database, column: str) -> str:
    """A column as `lower_ascii` makes it, for equality."""
    return f"lower({column})" if db.dialect == "sqlite" else f'lower({column} COLLATE "C")'


def literal(text: str) -> str:
    """`text` as part of a LIKE pattern that matches just itself."""
    return text.translate(_ESCAPE)


def like(db: Database, column: str, pattern: str) -> Clause:
    """A column matches a pattern made of `literal` pieces and `%`."""
    left = column if db.dialect == "sqlite" else folded(db, column)  # SQLite's LIKE ignores ASCII case itself
    return Clause(f"{left} LIKE ? ESCAPE '!'", (lower_ascii(pattern),))


def contains(db: Database, column: str, text: str) -> Clause:
    """A column holds `text` somewhere."""
    return like(db, column, f"%{literal(text)}%")


def equals(db: Database, column: str, text: str) -> Clause:
    """A column is `text`."""
    return Clause(f"{folded(db, column)} = ?", (lower_ascii(text),))


def named(db: Database, column: str, value: Value) -> Clause:
    """A column is the value when it was written `=value`, else holds it somewhere."""
    return equals(db, column, value.text) if value.operator == "=" else contains(db, column, value.text)


def within(column: str, value: Value, now_ns: int) -> Clause:
    """A column of amounts or times lies in the value's range."""
    return overlaps(column, column, value, now_ns)


def overlaps(lowest: str, highest: str, value: Value, now_ns: int) -> Clause:
    """The span from `lowest` to `highest` may hold something in the value's range."""
    low, high = value.bounds(now_ns)
    clauses = [Clause(f"{highest} IS NOT NULL")]
    if low is not None:
        clauses.append(Clause(f"{highest} >= ?", (low,)))
    if high is not None:
        clauses.append(Clause(f"{lowest} < ?", (high,)))
    return both(clauses)


def in_silo(db: Database, column: str, term: Term) -> Clause:
    """A silo id is that of one of the silos the term names."""
    names = either(equals(db, "name", value.text) for value in term.values)
    return Clause(f"{column} IN (SELECT id FROM silo WHERE {names.sql})", names.parameters)


def schemas_with(db: Database, columns: Term | None, types: Iterable[Term]) -> Clause:
    """Schema ids with one field that fulfils all the terms at once; put behind `IN`."""
    clauses = [unless(either(_type(db, value) for value in term.values), term.negated) for term in types]
    if columns is not None:
        clauses.append(either(_column(db, value) for value in columns.values))
    field = both(clauses)
    return Clause(f"(SELECT schema_id FROM field WHERE {field.sql})", field.parameters)


def _column(db: Database, value: Value) -> Clause:
    name = fold(value.text)
    if value.operator != "=":
        return contains(db, "name", name)
    return either((equals(db, "name", name), like(db, "name", "%." + literal(name))))


def _type(db: Database, value: Value) -> Clause:
    if value.operator == "=":
        return equals(db, "type", value.text)
    return like(db, "type", literal(value.text) + "%")


def schema_clauses(db: Database, terms: Iterable[Term], schema_id: str) -> list[Clause]:
    """What `column:` and `type:` terms say about a schema.

    A type belongs to the column written before it, or else to the first column: both then speak of
    one field. Without a column a type may be that of any field.
    """
    columns: list[tuple[Term | None, list[Term]]] = []
    early: list[Term] = []
    clauses = []
    for term in terms:
        if term.field == "column" and not term.negated:
            columns.append((term, early))
            early = []
        elif term.field == "column":
            found = schemas_with(db, term, ())
            clauses.append(unless(Clause(f"{schema_id} IN {found.sql}", found.parameters)))
        elif term.field == "type":
            (columns[-1][1] if columns else early).append(term)
    for term in early:
        found = schemas_with(db, None, (Term("type", term.values),))
        clauses.append(unless(Clause(f"{schema_id} IN {found.sql}", found.parameters), term.negated))
    for column, types in columns:
        found = schemas_with(db, column, types)
        clauses.append(Clause(f"{schema_id} IN {found.sql}", found.parameters))
    return clauses


def address(url: str, path: str) -> str:
    """The URI of a path inside a silo; nothing is percent-encoded."""
    if not path:
        return url
    return url + path if url.endswith("/") else f"{url}/{path}"
