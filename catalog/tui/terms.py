"""Edits of a query that facets, headings and menus make; the query language itself is `catalog.query`."""

from __future__ import annotations

from dataclasses import replace

from catalog.errors import QueryError
from catalog.query import SORTS, Query, Sort, Term, Value, parse
from catalog.query.fields import FILE_SORTS

# An asset has several tags and labels but one silo: further tags narrow, further silos widen.
NARROWING = ("tag", "label")


def read(query: str) -> Query:
    """The parsed query; one that does not parse counts as empty, its error is shown by the search."""
    try:
        return parse(query)
    except QueryError:
        return Query()


def has(query: Query, field: str, value: str) -> bool:
    """Whether the query filters by this value."""
    return any(_asks(term, field, value) for term in query.terms)


def values(query: Query, field: str) -> list[str]:
    """The values of a field that the query asks for."""
    return [v.text for term in query.terms if term.field == field and not term.negated for v in term.values]


def toggled(text: str, field: str, value: str) -> str:
    """The query with `field:value` taken out if it was there, put in if not."""
    query = read(text)
    if has(query, field, value):
        kept = [
            _less(c, value) if isinstance(c, Term) and _asks(c, field, value) else c for c in query.conditions
        ]
        return str(replace(query, conditions=tuple(c for c in kept if c is not None)))
    added = Term(field, (Value(value),))
    if not query.conditions and not query.sort:
        return f"{text} {added}".strip()  # an empty query, or one that does not parse: keep what was typed
    for index, term in enumerate(query.conditions):
        if isinstance(term, Term) and term.field == field and not term.negated and field not in NARROWING:
            wider = replace(term, values=(*term.values, Value(value)))
            around = (query.conditions[:index], query.conditions[index + 1 :])
            return str(replace(query, conditions=(*around[0], wider, *around[1])))
    return str(replace(query, conditions=(*query.conditions, added)))


def sorts(text: str) -> tuple[str, ...]:
    """What the results of this query can be sorted by."""
    return FILE_SORTS if "file" in read(text).kinds else SORTS


def sorted_by(text: str, field: str | None, descending: bool = False) -> str:
    """The query in another order; None is the order the catalog likes best."""
    return str(replace(read(text), sort=None if field is None else Sort(field, descending)))


def needles(query: Query) -> list[str]:
    """What to mark in names: the plain words, and parts of names asked for; all in lower case."""
    found = [word.text for word in query.words if not word.negated]
    return [text.lower() for text in [*found, *values(query, "name")]]


def _asks(term: Term, field: str, value: str) -> bool:
    folded = value.casefold()
    return term.field == field and not term.negated and any(v.text.casefold() == folded for v in term.values)


def _less(term: Term, value: str) -> Term | None:
    rest = tuple(v for v in term.values if v.text.casefold() != value.casefold())
    return replace(term, values=rest) if rest else None
