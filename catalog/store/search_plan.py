"""A file search as conditions: on file rows, on their directories, and through the indexes.

The index of names and the parts of a directory say where a match may be, never that there is one;
the conditions on rows decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from catalog.query import Query, Term, Value, Word
from catalog.store.engine import Database
from catalog.store.names import certain_trigrams, fold
from catalog.store.search_sql import (
    ALWAYS,
    NEVER,
    YEAR_NS,
    Clause,
    both,
    either,
    in_silo,
    like,
    literal,
    lower_ascii,
    named,
    overlaps,
    schema_clauses,
    unless,
    within,
)

_TRIGRAMS = 16  # enough to narrow; a longer word needs no more

# An inspection speaks of the file only while it is the file that was read.
_INSPECTED = (
    "EXISTS (SELECT 1 FROM inspection i WHERE i.directory_id = f.directory_id AND i.name = f.name "
    "AND COALESCE(i.size, -1) = COALESCE(f.size, -1) AND COALESCE(i.mtime_ns, -1) = COALESCE(f.mtime_ns, -1) "
    "AND COALESCE(i.etag, '') = COALESCE(f.etag, '') AND ({}))"
)
_WHERE_INSPECTED = Clause("d.id IN (SELECT directory_id FROM inspection)")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a search asks of files.

    `rows` are conditions on `file f` (and its `directory d`); `directories` are cheap ones on
    `d` that leave out what cannot match; `indexed` are such too, but cost a look into an index.
    `rechecked` are words that only `names.fold` in Python compares rightly.
    """

    rows: tuple[Clause, ...]
    directories: tuple[Clause, ...]
    indexed: tuple[Clause, ...]
    words: tuple[Word, ...]
    rechecked: tuple[Word, ...]


def plan(db: Database, query: Query, now_ns: int) -> Plan:
    """How to look for the files a query asks for."""
    rows: list[Clause] = []
    directories = [Clause("d.own_files > 0")]
    indexed: list[Clause] = []
    for word in query.words:
        if word.text.isascii() or not word.negated:
            rows.append(unless(in_path(db, word), word.negated))
        if not word.negated:
            indexed += _word_index(db, word)
    for term in query.terms:
        where = _directory_term(db, term)
        row = _row_term(db, term, now_ns)
        directories += [unless(where, term.negated)] if where else []
        rows += [unless(row, term.negated)] if row else []
        if row and not term.negated:
            directories += _bounds(term, now_ns)
            indexed += _term_index(db, term, alone=not query.words)
    inspected = schema_clauses(db, query.terms, "i.schema_id")
    rows += [Clause(_INSPECTED.format(c.sql), c.parameters) for c in inspected]
    indexed += [_WHERE_INSPECTED] * bool(inspected)
    rechecked = tuple(word for word in query.words if not word.text.isascii())
    return Plan(tuple(rows), tuple(directories), tuple(indexed), query.words, rechecked)


def found_in(path: str, words: Iterable[Word]) -> bool:
    """Whether a file's path holds the words, and none of the negated ones."""
    folded = fold(path)
    return all((fold(word.text) in folded) is not word.negated for word in words)


def in_path(db: Database, word: Word) -> Clause:
    """A file's path holds a word; for words beyond ASCII, it may."""
    if "/" in word.text:
        return both((Clause("d.path <> ''"), _holds(db, "(d.path || '/' || f.name)", word.text)))
    return either((_holds(db, "f.name", word.text), _holds(db, "d.path", word.text)))


def texts_with(db: Database, text: str) -> Clause | None:
    """The ids of name texts that may hold a name with `text` in it; None when no index can tell."""
    pieces = [piece for piece in certain_trigrams(text) if piece.isprintable()][:_TRIGRAMS]
    if not pieces:
        return None
    if db.dialect == "sqlite":
        match = " AND ".join('"' + piece.replace('"', '""') + '"' for piece in pieces)
        return Clause("SELECT rowid FROM name_text WHERE name_text MATCH ?", (match,))
    held = both(Clause("text LIKE ? ESCAPE '!'", (f"%{literal(piece)}%",)) for piece in pieces)
    return Clause(f"SELECT rowid FROM name_text WHERE {held.sql}", held.parameters)


def _holds(db: Database, column: str, text: str, after: str = "%") -> Clause:
    """A column holds `text`, or ends with it when `after` is empty; for words beyond ASCII, it may."""
    return either(like(db, column, f"%{pattern}{after}") for pattern in _patterns(text))


def _patterns(text: str) -> list[str]:
    """LIKE patterns of which one matches wherever `text` is, whatever its case.

    The databases know the case of ASCII only. The first other letter with case is spelled out in
    all its forms; further ones may be anything, and are left to the check in Python.
    """
    forms = [_forms(char) for char in text]
    first = next((i for i, found in enumerate(forms) if len(found) > 1), len(forms))
    rest = "".join(literal(found[0]) if len(found) == 1 else "%" for found in forms[first + 1 :])
    head = literal(text[:first])
    return [head + literal(form) + rest for form in forms[first]] if first < len(forms) else [head]


def _forms(char: str) -> list[str]:
    if char.isascii():
        return [char]
    folded = fold(char)
    return list(dict.fromkeys((folded, char, *_letters().get(folded, ()))))


@cache
def _letters() -> Mapping[str, list[str]]:
    """Letters beyond ASCII by what they fold to. Built once, and only for words that need it."""
    letters: dict[str, list[str]] = {}
    for char in map(chr, range(0x80, 0x20000)):
        folded = char.casefold()
        if folded != char:
            letters.setdefault(folded, []).append(char)
    return letters


def _named_with(db: Database, text: str) -> Clause | None:
    texts = texts_with(db, text)
    if texts is None:
        return None
    block = f"SELECT directory_id FROM name_block WHERE text_id IN ({texts.sql})"
    return Clause(f"d.id IN ({block})", texts.parameters)


def _word_index(db: Database, word: Word) -> list[Clause]:
    """Directories that may hold a file with the word in its path; nothing when they cannot be told."""
    head, slash, tail = word.text.rpartition("/")
    names = _named_with(db, tail)
    if not slash:
        return [either((names, _holds(db, "d.path", word.text)))] if names else []
    ends = _holds(db, "d.path", head, after="")
    within_path = _holds(db, "(d.path || '/')", word.text)
    return [either((both((ends, names)) if names else ends, within_path))]


def _directory_term(db: Database, term: Term) -> Clause | None:
    """What a term says about the directory alone."""
    if term.field == "silo":
        return in_silo(db, "d.silo_id", term)
    if term.field == "in":
        return either(_inside(value.text.strip("/")) for value in term.values)
    return None


def _row_term(db: Database, term: Term, now_ns: int) -> Clause | None:
    """What a term says about the file itself."""
    if term.field == "kind":
        asked = any(value.text == "file" for value in term.values)
        return None if asked is not term.negated else ALWAYS if asked else NEVER
    if term.field in ("silo", "in", "column", "type"):
        return None
    return either(_row(db, term.field, value, now_ns) for value in term.values)


_INSPECTED_AS = {
    "broken": "i.finding IS NOT NULL",
    "inspected": "1 = 1",
    "mislabelled": "i.finding = 'mislabelled'",
    "unsafe": "i.finding = 'unsafe'",
}
"""States of a file that opening it told."""


def _row(db: Database, field: str, value: Value, now_ns: int) -> Clause:
    if field == "size":
        return within("f.size", value, now_ns)
    if field == "modified":
        return within("f.mtime_ns", value, now_ns)
    if field == "format":
        return Clause("f.format = ?", (lower_ascii(value.text),))
    if field == "name":
        return named(db, "f.name", value)
    if field == "rows":
        rows = within("i.rows", value, now_ns)
        return Clause(_INSPECTED.format(rows.sql), rows.parameters)
    if value.text == "stale":
        return Clause("f.mtime_ns < ?", (now_ns - YEAR_NS,))
    return Clause(_INSPECTED.format(_INSPECTED_AS[value.text]))


def _bounds(term: Term, now_ns: int) -> list[Clause]:
    """What the bounds of a directory say about the files in it."""
    if term.field == "size":
        return [either(overlaps("d.smallest", "d.largest", value, now_ns) for value in term.values)]
    if term.field == "modified":
        return [either(overlaps("d.oldest_ns", "d.newest_ns", value, now_ns) for value in term.values)]
    if term.field == "is" and all(value.text == "stale" for value in term.values):
        return [Clause("d.oldest_ns < ?", (now_ns - YEAR_NS,))]
    return []


def _term_index(db: Database, term: Term, *, alone: bool) -> list[Clause]:
    if term.field == "format":
        wanted = either(Clause("format = ?", (lower_ascii(value.text),)) for value in term.values)
        # Where words leave few directories, each is looked up; else all that fit are gathered once.
        parts = f"d.id IN (SELECT directory_id FROM part WHERE {wanted.sql})"
        if not alone:
            parts = f"EXISTS (SELECT 1 FROM part WHERE directory_id = d.id AND ({wanted.sql}))"
        # Parts know what the names claim, inspections what the content showed. A directory without
        # digest was not listed to its end, and its parts may be missing.
        read = f"d.id IN (SELECT directory_id FROM inspection WHERE {wanted.sql})"
        return [Clause(f"d.digest IS NULL OR {parts} OR {read}", wanted.parameters * 2)]
    if term.field == "name":
        held = [_named_with(db, value.text) for value in term.values]
        return [either(c for c in held if c is not None)] if all(held) else []
    inspected = term.field == "rows" or all(value.text in _INSPECTED_AS for value in term.values)
    return [_WHERE_INSPECTED] if inspected and term.field in ("rows", "is") else []


def _inside(folder: str) -> Clause:
    if not folder:
        return ALWAYS
    below = (folder + "/", folder + "0")  # "0" follows "/"
    return Clause("d.path = ? OR (d.path >= ? AND d.path < ?)", (folder, *below))
