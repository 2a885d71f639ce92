"""Rows on stdout: as an aligned table, JSON, JSON lines or CSV.

A row is a dictionary with the keys that scripts rely on. A table shows some of them, for people;
it is fitted to a terminal and left whole in a pipe. All of them are written as they come, so that
a million rows need no memory.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from shutil import get_terminal_size
from typing import Any

from catalog.cli.options import Output
from catalog.cli.session import Session
from catalog.text import cut, safe, width

Row = Mapping[str, Any]

_SAMPLE = 500  # rows that decide how wide the columns are
_GAP = "  "
_NARROWEST = 8
_READABLE = 32  # cells that a column which may be cut should keep before others are left out


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: the row's key, how a value is told to people, and how it is laid out."""

    key: str
    title: str
    tell: Callable[[Any], str] = str
    right: bool = False
    shrinks: bool = False
    """May be cut with `…` when the terminal is too narrow."""
    spare: int = 0
    """Left out when the terminal is too narrow, the highest first; 0 always stays."""


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


def emit_object(members: Iterable[tuple[str, Any]]) -> None:
    """Print one JSON object, one member after the other; a member that is an iterator of rows is streamed."""
    opening = "{"
    for name, value in members:
        sys.stdout.write(f"{opening}\n  {json.dumps(name)}: ")
        if isinstance(value, Iterator):
            sys.stdout.write("\n  ".join(_json_array(value)))
        else:
            sys.stdout.write(json.dumps(value))
        opening = ","
    sys.stdout.write("\n}\n")


def fields(session: Session, pairs: Iterable[tuple[str, str]]) -> None:
    """Print `name  value` lines for people; values must be safe to print."""
    kept = [(name, value) for name, value in pairs if value]
    left = max((len(name) for name, _ in kept), default=0)
    for name, value in kept:
        sys.stdout.write(f"{session.paint(name.ljust(left), 'dim', sys.stdout)}{_GAP}{value}\n")


def table(session: Session, rows: Iterable[Row], columns: Sequence[Column]) -> Iterator[str]:
    """The lines of a table, titles first; nothing at all without rows."""
    rest = iter(rows)
    sample = list(islice(rest, _SAMPLE))
    if not sample:
        return
    widths = [max(width(column.title), *(width(_cell(column, row)) for row in sample)) for column in columns]
    if sys.stdout.isatty():
        columns, widths = _fitted(columns, widths, get_terminal_size().columns)
    yield session.paint(_line([column.title for column in columns], columns, widths), "bold", sys.stdout)
    for row in chain(sample, rest):
        yield _line([_cell(column, row) for column in columns], columns, widths)


def _cell(column: Column, row: Row) -> str:
    return safe(column.tell(row.get(column.key)))


def _fitted(columns: Sequence[Column], widths: Sequence[int], room: int) -> tuple[Sequence[Column], list[int]]:
    """The columns that fit into `room` cells, and their widths: first spare columns go, then wide ones shrink."""
    kept = list(zip(columns, widths))

    def taken(limit: int) -> int:
        return sum(min(w, limit) if c.shrinks else w for c, w in kept) + len(_GAP) * (len(kept) - 1)

    while taken(_READABLE) > room and any(column.spare for column, _ in kept):
        kept.remove(max(kept, key=lambda pair: pair[0].spare))
    limit = max((w for c, w in kept if c.shrinks), default=0)
    while taken(limit) > room and limit > _NARROWEST:
        limit -= 1
    return [c for c, _ in kept], [min(w, limit) if c.shrinks else w for c, w in kept]


def _line(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    shown = []
    for cell, column, wide in zip(cells, columns, widths):
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
