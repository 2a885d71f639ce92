"""Rows on stdout: as an aligned table, JSON, JSON lines or CSV.

A row is a dictionary with the keys that scripts rely on. A table shows some of them, for people;
it is fitted to a terminal and left whole in a pipe. All of them are written as they come, so that
a million rows need no memory.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from shutil import get_terminal_size
from typing import Any

from catalog.cli.options import Output
from catalog.cli.session import Session
from catalog.text import safe

Row = Mapping[str, Any]

_SAMPLE = 500  # rows that decide how wide the columns are
_GAP = "  "
_NARROWEST = 8


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: the row's key, how a value is told to people, and how it is laid out."""

    key: str
    title: str
    tell: Callable[[Any], str] = str
    right: bool = False
    shrinks: bool = False
    """May be cut with `…` when the terminal is too narrow."""


def emit(session: Session, output: Output, rows: Iterable[Row], keys: Sequence[str], columns: Sequence[Column]) -> int:
    """Print rows and return how many there were. `keys` are the columns of CSV, in order."""
    seen = 0

    def counted() -> Iterator[Row]:
        nonlocal seen
        for row in rows:
            seen += 1
            yield row

    if output is Output.table:
        lines = table(session, counted(), columns)
    elif output is Output.csv:
        lines = _csv(counted(), keys)
    else:
        lines = (_json_lines if output is Output.jsonl else _json_array)(counted())
    for line in lines:
        sys.stdout.write(line + "\n")
    return seen


def emit_one(output: Output, row: Row, keys: Sequence[str]) -> None:
    """Print a single object as JSON (one object, not an array), a JSON line or CSV."""
    if output is Output.csv:
        sys.stdout.writelines(line + "\n" for line in _csv([row], keys))
    else:
        sys.stdout.write(json.dumps(row, indent=2 if output is Output.json else None) + "\n")


def fields(session: Session, pairs: Iterable[tuple[str, str]]) -> None:
    """Print `name  value` lines for people; values must be safe to print."""
    kept = [(name, value) for name, value in pairs if value]
    left = max((len(name) for name, _ in kept), default=0)
    for name, value in kept:
        sys.stdout.write(f"{session.paint(name.ljust(left), 'dim', sys.stdout)}{_GAP}{value}\n")


def table(session: Session, rows: Iterable[Row], columns: Sequence[Column]) -> Iterator[str]:
    """The lines of a table, titles first; nothing at all without rows."""
    cells = ([safe(column.tell(row.get(column.key))) for column in columns] for row in rows)
    sample = list(islice(cells, _SAMPLE))
    if not sample:
        return
    titles = [column.title for column in columns]
    widths = [max(width(line[i]) for line in (titles, *sample)) for i in range(len(columns))]
    if sys.stdout.isatty():
        widths = _fitted(widths, columns, get_terminal_size().columns)
    yield session.paint(_line(titles, widths, columns), "bold", sys.stdout)
    for line in chain(sample, cells):
        yield _line(line, widths, columns)


def width(words: str) -> int:
    """How many terminal cells a text takes."""
    if words.isascii():
        return len(words)
    return sum(_cells(c) for c in words)


def cut(words: str, limit: int) -> str:
    """`words` in at most `limit` cells: the middle gives way, as both ends of a path tell most."""
    if width(words) <= limit:
        return words
    head, tail = _head(words, limit // 2), _head(words[::-1], limit - limit // 2 - 1)[::-1]
    return f"{head}…{tail}"


def _cells(c: str) -> int:
    if unicodedata.combining(c):
        return 0
    return 2 if unicodedata.east_asian_width(c) in "WF" else 1


def _head(words: str, limit: int) -> str:
    used = 0
    for position, c in enumerate(words):
        used += _cells(c)
        if used > limit:
            return words[:position]
    return words


def _fitted(widths: list[int], columns: Sequence[Column], room: int) -> list[int]:
    """Shrink the widest columns that may shrink until the line fits, or nothing is left to give."""
    fitted = list(widths)
    excess = sum(fitted) + len(_GAP) * (len(fitted) - 1) - room
    while excess > 0:
        able = [i for i, column in enumerate(columns) if column.shrinks and fitted[i] > _NARROWEST]
        if not able:
            break
        fitted[max(able, key=fitted.__getitem__)] -= 1
        excess -= 1
    return fitted


def _line(cells: Sequence[str], widths: Sequence[int], columns: Sequence[Column]) -> str:
    shown = []
    for cell, wide, column in zip(cells, widths, columns):
        kept = cut(cell, wide) if column.shrinks else cell
        padding = " " * (wide - width(kept))
        shown.append(padding + kept if column.right else kept + padding)
    return _GAP.join(shown).rstrip()


def _json_lines(rows: Iterable[Row]) -> Iterator[str]:
    # Everything beyond ASCII is escaped: lossless for a program, harmless on a terminal.
    return (json.dumps(row) for row in rows)


def _json_array(rows: Iterable[Row]) -> Iterator[str]:
    yield "["
    waiting: str | None = None
    for line in _json_lines(rows):
        if waiting is not None:
            yield f"  {waiting},"
        waiting = line
    if waiting is not None:
        yield f"  {waiting}"
    yield "]"


def _csv(rows: Iterable[Row], keys: Sequence[str]) -> Iterator[str]:
    import csv
    import io

    def line(cells: Iterable[str]) -> str:
        kept = io.StringIO()
        csv.writer(kept, lineterminator="").writerow(cells)
        return kept.getvalue()

    yield line(keys)
    for row in rows:
        yield line(_csv_cell(row.get(key)) for key in keys)


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return safe(";".join(value))
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value)
    return safe(value)
