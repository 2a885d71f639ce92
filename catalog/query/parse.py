"""Reading a query string, and completing one that is being typed."""

from __future__ import annotations

from catalog.errors import QueryError
from catalog.query.fields import FIELDS, FILE_SORTS, FILE_STATES, SORTS, FieldSpec
from catalog.query.ranges import read_range
from catalog.query.tokens import LONGEST, Token, field_of, meant, storable, tokens_of
from catalog.query.tree import OPERATORS, Query, Sort, Term, Value, Word
from catalog.text import safe


def parse(text: str) -> Query:
    """Read a query. Raises `QueryError` with the position of what is wrong and what to write instead."""
    conditions: list[Word | Term] = []
    sort: Sort | None = None
    tokens, closed = tokens_of(storable(text))
    if not closed:
        position = tokens[-1].position
        raise QueryError("A quote is opened and not closed.", hint='Add the closing ".', position=position)
    for token in tokens:
        negated = token.starts("-") and len(token.text) > 1
        body = token.cut(1) if negated else token
        spec = field_of(body)
        if spec is None:
            if body.text:
                conditions.append(Word(body.text, negated))
            continue
        rest = body.cut(body.find(":") + 1)
        if spec.name != "sort":
            conditions.append(_term(spec, rest, negated))
        elif sort is not None or negated:
            hint = "Write one of them." if sort is not None else f"Write sort:-{safe(rest.text, 80)}."
            raise QueryError("A search has one order.", hint=hint, position=token.position)
        else:
            sort = _sort(rest)
    return _checked(Query(tuple(conditions), sort))


def suggest(text_before_cursor: str) -> list[str]:
    """What the last word of the text could become: `is:br` → `is:broken`, `fo` → `format:`."""
    tokens, closed = tokens_of(text_before_cursor[-LONGEST:])
    if not closed:
        return []
    blank = not tokens or text_before_cursor[-1:].isspace()
    token = Token(0, "", ()) if blank else tokens[-1]
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


def _term(spec: FieldSpec, rest: Token, negated: bool) -> Term:
    pieces = [piece for piece in rest.split(",") if piece.text]
    if not pieces:
        hint = f"{spec.name}: {spec.help}"
        raise QueryError(f"{spec.name}: needs a value.", hint=hint, position=rest.position)
    return Term(spec.name, tuple(_value(spec, piece) for piece in pieces), negated)


def _value(spec: FieldSpec, piece: Token) -> Value:
    if spec.kind in ("size", "number", "time"):
        return read_range(spec, "".join(piece.text.split()), piece.position)
    operator = next((o for o in OPERATORS if piece.starts(o)), "")
    text = piece.text[len(operator) :]
    if operator not in ("", "=") or not text:
        problem = f"{spec.name}: takes no {operator}." if text else f"{spec.name}: needs a value."
        raise QueryError(problem, hint=f"{spec.name}: {spec.help}", position=piece.position)
    if spec.kind != "choice":
        return Value(text, operator)
    if text.lower() not in spec.values:
        raise _unknown(spec, text, spec.values, piece.position)
    return Value(text.lower())


def _sort(rest: Token) -> Sort:
    name = rest.text.lower().removeprefix("-")
    if name not in SORTS:
        raise _unknown(FIELDS["sort"], name, SORTS, rest.position)
    return Sort(name, rest.text.startswith("-"))


def _checked(query: Query) -> Query:
    """The query itself, when `kind:file` is asked together only with what single files have."""
    if "file" not in query.kinds:
        return query
    if len(query.kinds) > 1:
        hint = "Keep only kind:file, or leave it out."
        raise QueryError("Single files are searched apart from datasets and models.", hint=hint)
    for term in query.terms:
        odd = next((v.text for v in term.values if term.field == "is" and v.text not in FILE_STATES), None)
        if not FIELDS[term.field].files or odd:
            raise QueryError(
                f"{term.field}:{safe(odd or '', 80)} speaks of datasets and models, not of single files.",
                hint="Leave out kind:file, or this condition.",
            )
    if query.sort and query.sort.field not in FILE_SORTS:
        raise QueryError(
            f"Single files cannot be sorted by {query.sort.field}.", hint=f"Sort by {', '.join(FILE_SORTS)}."
        )
    return query


def _unknown(spec: FieldSpec, text: str, known: tuple[str, ...], position: int) -> QueryError:
    return QueryError(
        f"{spec.name}: knows no '{safe(text, 80)}'{meant(text, known)}",
        hint=f"{spec.name}: takes {', '.join(known)}.",
        position=position,
    )
