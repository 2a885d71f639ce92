"""The query language: one string for the command line, the terminal UI and Python.

    clicks "user events" silo:lake format:csv,parquet size:>1GB modified:<30d -is:stale sort:-modified

Words and conditions are joined by AND, `-` in front negates, a comma in a value means OR, double
quotes keep spaces and special characters (a quote inside is written twice). `parse` turns the
string into a small immutable `Query`; `str` turns it back. Nothing here knows a database.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from catalog.errors import QueryError

ValueKind = Literal["text", "choice", "size", "number", "time", "sort"]

KINDS = ("dataset", "model", "file")
RULES = ("delta", "iceberg", "hudi", "lance", "zarr", "saved_model", "hf_model",
         "hive", "dates", "shards", "folder", "single")  # fmt: skip
TABLE_RULES = ("delta", "iceberg", "hudi", "lance")
SORTS = ("modified", "size", "name", "files", "rows")

STATES: Mapping[str, str] = {
    "broken": "something is wrong with a file of it",
    "changed": "has more than one version",
    "described": "someone wrote a description",
    "inspected": "content was read, not only listed",
    "new": "has one version so far",
    "owned": "has an owner",
    "partitioned": "laid out in hive or date folders",
    "removed": "gone from its silo (hidden otherwise)",
    "sharded": "one dataset in numbered files",
    "single": "one file",
    "stale": "newest file is older than a year",
    "table": "a Delta, Iceberg, Hudi or Lance table",
    "tagged": "has a tag",
}
"""What `is:` can ask, and what it means."""


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A field of the language: how its values are read, a help line, and values worth offering.

    `files` says whether it applies to `kind:file` as well.
    """

    name: str
    kind: ValueKind
    help: str
    values: tuple[str, ...] = ()
    files: bool = True


FIELDS: Mapping[str, FieldSpec] = {
    spec.name: spec
    for spec in (
        FieldSpec("silo", "text", "name of the silo"),
        FieldSpec("kind", "choice", "dataset, model, or file for single files", KINDS),
        FieldSpec("format", "text", "format of the content: parquet, csv, …"),
        FieldSpec("size", "size", "total size: >1GB, <10MiB, 1MB..5MB", (">1MB", ">1GB", ">1TB", "<1KB")),
        FieldSpec("modified", "time", "age or date: <30d, >1y, 2026-03, >2026-03-01", ("<1d", "<7d", "<30d", ">1y")),
        FieldSpec("owner", "text", "who owns it", files=False),
        FieldSpec("tag", "text", "a tag someone gave it", files=False),
        FieldSpec("column", "text", "part of a column's name; =name for the whole name"),
        FieldSpec("type", "text", "type of a column, or its beginning: int64, timestamp"),
        FieldSpec("in", "text", "folder inside the silo: raw/events"),
        FieldSpec("is", "choice", ", ".join(STATES), tuple(STATES)),
        FieldSpec("files", "number", "number of files: >1k, 1", (">1k", ">1M"), files=False),
        FieldSpec("rows", "number", "number of rows: >1M, 10k..20k", (">1k", ">1M")),
        FieldSpec("name", "text", "part of the name; =name for the whole name"),
        FieldSpec("rule", "text", "how files were grouped: " + ", ".join(RULES), RULES, files=False),
        FieldSpec("namespace", "text", "part of the namespace; =namespace for all of it", files=False),
        FieldSpec("sort", "sort", "order: -modified, size, name, files, rows",
                  tuple(sign + name for name in SORTS for sign in ("-", ""))),
    )
}  # fmt: skip
"""Every field, in the order help texts show them."""

FILE_STATES = ("broken", "inspected", "stale")
FILE_SORTS = ("modified", "size", "name")

_LONGEST = 2000  # characters of a query
_INT64 = (-(2**63), 2**63 - 1)
_OPERATORS = (">=", "<=", ">", "<", "=")
_FIELD_LIKE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_NUMBER = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,9}))?([a-z]*)", re.IGNORECASE)
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?Z?)?)?)?")
_DECIMAL = {"": 1, "b": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "p": 10**15}
_SIZES = (
    _DECIMAL
    | {f"{unit}b": size for unit, size in _DECIMAL.items() if unit not in ("", "b")}
    | {f"{unit}ib": 1024**power for power, unit in enumerate("kmgtp", 1)}
)
_COUNTS = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9}
_HOUR = 3600 * 10**9
_AGES = {"m": _HOUR // 60, "h": _HOUR, "d": 24 * _HOUR, "w": 168 * _HOUR, "mo": 2_629_800 * 10**9, "y": 8766 * _HOUR}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
        return _clamp(low), _clamp(high)

    def __str__(self) -> str:
        special = "," in self.text or self.text.startswith(_OPERATORS)
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


# ---------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class _Token:
    """A piece of the query without its quotes; `quoted` tells for each character whether it was inside."""

    position: int
    text: str
    quoted: tuple[bool, ...]

    def starts(self, prefix: str) -> bool:
        return self.text.startswith(prefix) and not any(self.quoted[: len(prefix)])

    def find(self, char: str) -> int:
        return next((i for i, c in enumerate(self.text) if c == char and not self.quoted[i]), -1)

    def cut(self, start: int, stop: int | None = None) -> _Token:
        return _Token(self.position, self.text[start:stop], self.quoted[start:stop])

    def split(self, char: str) -> Iterator[_Token]:
        rest = self
        while (at := rest.find(char)) >= 0:
            yield rest.cut(0, at)
            rest = rest.cut(at + 1)
        yield rest


def parse(text: str) -> Query:
    """Read a query. Raises `QueryError` with the position of what is wrong and what to write instead."""
    conditions: list[Word | Term] = []
    sort: Sort | None = None
    tokens, closed = _tokens(_storable(text))
    if not closed:
        raise QueryError("A quote is opened and not closed.", hint='Add the closing ".', position=tokens[-1].position)
    for token in tokens:
        negated = token.starts("-") and len(token.text) > 1
        body = token.cut(1) if negated else token
        spec = _field_of(body)
        if spec is None:
            if body.text:
                conditions.append(Word(body.text, negated))
            continue
        rest = body.cut(len(spec.name) + 1)
        if spec.name != "sort":
            conditions.append(_term(spec, rest, negated))
        elif sort is not None or negated:
            hint = "Write one of them." if sort is not None else f"Write sort:-{rest.text}."
            raise QueryError("A search has one order.", hint=hint, position=token.position)
        else:
            sort = _sort(rest)
    return _checked(Query(tuple(conditions), sort))


def suggest(text_before_cursor: str) -> list[str]:
    """What the last word of the text could become: `is:br` → `is:broken`, `fo` → `format:`."""
    tokens, closed = _tokens(text_before_cursor[-_LONGEST:])
    if not closed:
        return []
    blank = not tokens or text_before_cursor[-1:].isspace()
    token = _Token(0, "", ()) if blank else tokens[-1]
    sign = "-" if token.starts("-") else ""
    body = token.cut(len(sign))
    at = body.find(":")
    if at < 0:
        return [f"{sign}{name}:" for name in FIELDS if name.startswith(body.text.lower())]
    spec = FIELDS.get(body.text[:at].lower())
    if spec is None:
        return []
    *before, last = body.cut(at + 1).split(",")
    done = "".join(f"{piece.text}," for piece in before)
    found = (v for v in spec.values if v.startswith(last.text.lower()) and v != last.text)
    return [f"{sign}{spec.name}:{done}{value}" for value in found]


def _storable(text: str) -> str:
    if len(text) > _LONGEST:
        raise QueryError(f"A query has at most {_LONGEST:,} characters.", position=_LONGEST)
    # Bytes that are no UTF-8 arrive as surrogates; the catalog writes them as text.name_to_text does.
    text = re.sub("[\udc80-\udcff]", lambda m: f"\u201b{ord(m[0]) - 0xDC00:02X}", text)
    bad = re.search("[\0\ud800-\udfff]", text)
    if bad:
        raise QueryError("The query holds a character that no name can hold.", position=bad.start())
    return text


def _tokens(text: str) -> tuple[list[_Token], bool]:
    """The pieces between spaces, and whether every quote is closed."""
    tokens: list[_Token] = []
    start, chars, mask, inside, index = -1, [""], [False], False, 0
    for index, char in enumerate(text + " "):
        if char.isspace() and not inside or index == len(text):
            if start >= 0:
                tokens.append(_Token(start, "".join(chars), tuple(mask)))
            start = -1
            continue
        if start < 0:
            start, chars, mask = index, [], []
        if char != '"':
            chars.append(char)
            mask.append(inside)
            continue
        inside = not inside
        if inside and index and text[index - 1] == '"' and index - 1 > start:
            chars.append(char)  # a doubled quote inside quotes is a quote
            mask.append(True)
    return tokens, not inside


def _field_of(token: _Token) -> FieldSpec | None:
    """The field a token names; None for a plain word. Raises `QueryError` for an unknown field."""
    at = token.find(":")
    if at <= 0 or any(token.quoted[:at]):
        return None
    head, rest = token.text[:at], token.text[at + 1 :]
    known = FIELDS.get(head.lower())
    if known is not None:
        return known
    path_like = rest.startswith(("//", ":")) or (len(head) == 1 and rest.startswith(("\\", "/")))
    if path_like or not _FIELD_LIKE.fullmatch(head):
        return None
    raise QueryError(
        f"There is no field '{head}'{_meant(head, FIELDS)} The fields are {', '.join(FIELDS)}.",
        hint=f'To search for these very characters, quote them: "{token.text}".',
        position=token.position,
    )


def _term(spec: FieldSpec, rest: _Token, negated: bool) -> Term:
    pieces = [piece for piece in rest.split(",") if piece.text]
    if not pieces:
        example = f" for example {spec.name}:{spec.values[0]}" if spec.values else ""
        raise QueryError(f"{spec.name}: needs a value{',' + example if example else ''}.", position=rest.position)
    return Term(spec.name, tuple(_value(spec, piece) for piece in pieces), negated)


def _value(spec: FieldSpec, piece: _Token) -> Value:
    if spec.kind in ("size", "number", "time"):
        return _range(spec, "".join(piece.text.split()), piece.position)
    operator = next((o for o in _OPERATORS if piece.starts(o)), "")
    text = piece.text[len(operator) :]
    if operator not in ("", "=") or not text:
        problem = f"takes no {operator}" if text else "needs a value"
        raise QueryError(f"{spec.name}: {problem}.", hint=f"{spec.name}: {spec.help}", position=piece.position)
    if spec.kind != "choice":
        return Value(text, operator)
    if text.lower() not in spec.values:
        raise _unknown(spec, text, spec.values, piece.position)
    return Value(text.lower())


def _sort(rest: _Token) -> Sort:
    name = rest.text.lower().removeprefix("-")
    if name not in SORTS:
        raise _unknown(FIELDS["sort"], name, SORTS, rest.position)
    return Sort(name, rest.text.startswith("-"))


def _checked(query: Query) -> Query:
    """The query itself, when `kind:file` is asked together only with what single files have."""
    if "file" not in query.kinds:
        return query
    if len(query.kinds) > 1:
        raise QueryError("Single files are searched apart from datasets and models.", hint="Keep only kind:file.")
    for term in query.terms:
        odd = next((v.text for v in term.values if term.field == "is" and v.text not in FILE_STATES), None)
        if not FIELDS[term.field].files or odd:
            raise QueryError(
                f"{term.field}:{odd or ''} speaks of datasets and models, not of single files.",
                hint="Leave out kind:file, or this condition.",
            )
    if query.sort and query.sort.field not in FILE_SORTS:
        raise QueryError(
            f"Single files cannot be sorted by {query.sort.field}.", hint=f"Sort by {', '.join(FILE_SORTS)}."
        )
    return query


# ---------------------------------------------------------------- amounts and times


def _range(spec: FieldSpec, text: str, position: int) -> Value:
    operator = next((o for o in _OPERATORS if text.startswith(o)), "")
    rest = text[len(operator) :]
    read = _read_time if spec.kind == "time" else _read_amount
    try:
        if ".." in rest and not operator:
            first, _, last = rest.partition("..")
            if not (first or last):
                raise ValueError
            low, high = read(spec, first) if first else None, read(spec, last) if last else None
            return _between(rest, low, high)
        start, end, ages = read(spec, rest)
    except ValueError:
        raise QueryError(
            f"'{rest or text}' is no {spec.kind} for {spec.name}:.", hint=f"{spec.name}: {spec.help}", position=position
        ) from None
    # For amounts between two whole numbers, end is just above start.
    low, high = {">": (end, None), ">=": (start, None), "<": (None, start), "<=": (None, end)}.get(
        operator, (start, end)
    )
    if ages and operator in (">", "<="):  # an age is a point in time, not the span that a bare value means
        low, high = (start + 1, None) if operator == ">" else (None, start + 1)
    return Value(rest, "" if operator == "=" else operator, _clamp(low), _clamp(high), ages)


_Read = tuple[int, int, bool]  # where it starts, where it ends (exclusive), whether it is an age


def _between(text: str, first: _Read | None, last: _Read | None) -> Value:
    if first and last and first[2] != last[2]:
        raise ValueError
    ages = bool((first or last or (0, 0, False))[2])
    if ages and first and last and first[0] > last[0]:
        first, last = last, first  # from 30d to 7d ago, or from 7d to 30d: both are said
    low = first[0] if first else None
    high = None if last is None else last[0] + 1 if ages else last[1]
    if low is not None and high is not None and low >= high:
        raise ValueError
    return Value(text, "..", _clamp(low), _clamp(high), ages)


def _read_amount(spec: FieldSpec, text: str) -> _Read:
    """A size or number as (smallest whole number not below it, smallest above it)."""
    match = _NUMBER.fullmatch(text)
    units = _SIZES if spec.kind == "size" else _COUNTS
    if match is None or match[3].lower() not in units:
        raise ValueError
    whole, fraction, unit = match[1], match[2] or "", units[match[3].lower()]
    scaled, scale = int(whole + fraction) * unit, 10 ** len(fraction)
    return -(-scaled // scale), scaled // scale + 1, False


def _read_time(spec: FieldSpec, text: str) -> _Read:
    """An age, or the span of a year, month, day, minute or second (UTC)."""
    age = _NUMBER.fullmatch(text)
    if age is not None and age[3].lower() in _AGES:
        fraction, unit = age[2] or "", _AGES[age[3].lower()]
        start = int(age[1] + fraction) * unit // 10 ** len(fraction)
        return start, start + unit, True
    date = _DATE.fullmatch(text)
    if date is None:
        raise ValueError
    year, month, day, hour, minute, second = (int(g) if g else None for g in date.groups())
    begin = datetime(year or 0, month or 1, day or 1, hour or 0, minute or 0, second or 0, tzinfo=UTC)
    if month is None:
        end = begin.replace(year=begin.year + 1)
    elif day is None:
        end = begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
    else:
        step = timedelta(days=1) if hour is None else timedelta(minutes=1) if second is None else timedelta(seconds=1)
        end = begin + step if begin < datetime(9999, 12, 31, tzinfo=UTC) else begin
    return _ns(begin), _ns(end), False


def _ns(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _clamp(value: int | None) -> int | None:
    return None if value is None else min(max(value, _INT64[0]), _INT64[1])


# ---------------------------------------------------------------- writing


def _quoted(text: str, special: bool) -> str:
    if special or any(c == '"' or c.isspace() for c in text):
        return '"' + text.replace('"', '""') + '"'
    return text


def _looks_special(word: str) -> bool:
    if word.startswith("-"):
        return True
    try:
        return _field_of(_Token(0, word, (False,) * len(word))) is not None
    except QueryError:
        return True


def _unknown(spec: FieldSpec, text: str, known: tuple[str, ...], position: int) -> QueryError:
    return QueryError(
        f"{spec.name}: knows no '{text}'{_meant(text, known)}",
        hint=f"{spec.name}: takes {', '.join(known)}.",
        position=position,
    )


def _meant(text: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    wanted = text.lower()
    close = [name for name in known if len(wanted) > 1 and name.startswith(wanted)]
    close = close or difflib.get_close_matches(wanted, known, n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else "."
