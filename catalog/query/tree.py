"""What a query is once it is read: a small immutable tree that `str` turns back into the string."""

from __future__ import annotations

from dataclasses import dataclass, replace

from catalog.errors import QueryError
from catalog.query.tokens import Token, field_of

OPERATORS = (">=", "<=", ">", "<", "=")

_INT64 = (-(2**63), 2**63 - 1)


@dataclass(frozen=True, slots=True)
class Word:
    """A plain word or a quoted phrase."""

    text: str
    negated: bool = False

    def __str__(self) -> str:
        return ("-" if self.negated else "") + _quoted(self.text, _looks_special(self.text))


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a term. For text, `operator` is `=` (the whole text) or empty.

    For sizes, numbers and times, `low` (inclusive) and `high` (exclusive) bound what matches,
    None is unbounded; with `ages` they are ages in nanoseconds, see `bounds`.
    """

    text: str
    operator: str = ""
    low: int | None = None
    high: int | None = None
    ages: bool = False

    def bounds(self, now_ns: int) -> tuple[int | None, int | None]:
        """(low, high) of the matching amounts or times, low inclusive and high exclusive."""
        if not self.ages:
            return self.low, self.high
        low = None if self.high is None else now_ns - self.high + 1
        high = None if self.low is None else now_ns - self.low + 1
        return clamp(low), clamp(high)

    def __str__(self) -> str:
        special = "," in self.text or self.text.startswith(OPERATORS)
        return ("" if self.operator == ".." else self.operator) + _quoted(self.text, special)


@dataclass(frozen=True, slots=True)
class Term:
    """A condition on a field: any of `values` matches, or none of them when `negated`."""

    field: str
    values: tuple[Value, ...]
    negated: bool = False

    def __str__(self) -> str:
        return ("-" if self.negated else "") + self.field + ":" + ",".join(map(str, self.values))


@dataclass(frozen=True, slots=True)
class Sort:
    """The order asked for."""

    field: str
    descending: bool = False

    def __str__(self) -> str:
        return f"sort:{'-' if self.descending else ''}{self.field}"


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query: conditions joined by AND, in the order they were written, and an order."""

    conditions: tuple[Word | Term, ...] = ()
    sort: Sort | None = None

    @property
    def words(self) -> tuple[Word, ...]:
        """The plain words and phrases."""
        return tuple(c for c in self.conditions if isinstance(c, Word))

    @property
    def terms(self) -> tuple[Term, ...]:
        """The conditions on fields."""
        return tuple(c for c in self.conditions if isinstance(c, Term))

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds asked for by `kind:`; empty when none is."""
        return frozenset(v.text for t in self.terms if t.field == "kind" and not t.negated for v in t.values)

    def without(self, index: int) -> Query:
        """This query without its condition number `index`."""
        return replace(self, conditions=self.conditions[:index] + self.conditions[index + 1 :])

    def fold(self) -> Query:
        """This query with its words in lower case; two queries that find the same by words fold alike."""
        folded = (replace(c, text=c.text.lower()) if isinstance(c, Word) else c for c in self.conditions)
        return replace(self, conditions=tuple(folded))

    def __str__(self) -> str:
        return " ".join(map(str, (*self.conditions, *([self.sort] if self.sort else []))))


def clamp(value: int | None) -> int | None:
    """`value` cut to what a database column of 64 bits holds."""
    return None if value is None else min(max(value, _INT64[0]), _INT64[1])


def _quoted(text: str, special: bool) -> str:
    if special or any(c == '"' or c.isspace() for c in text):
        return '"' + text.replace('"', '""') + '"'
    return text


def _looks_special(word: str) -> bool:
    if word.startswith("-"):
        return True
    try:
        return field_of(Token(0, word, (False,) * len(word))) is not None
    except QueryError:
        return True
