"""How a delimited text file is written: delimiter, quoting, header, by a vote over its first records.

RFC 4180 describes one dialect; what is found in storage knows many. Shared by the sniffer and the
CSV inspector.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

DELIMITERS = ",\t;|"
_RECORDS = 200
_PREAMBLE = 10
_PLAIN = 100_000
"""Longer text may hold a field beyond what the csv module takes."""
_SEP = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Dialect:
    """`skip` records stand before the table; `share` is the part of the rest that has `columns` fields."""

    delimiter: str
    quote: str
    escape: str | None
    columns: int
    records: int
    skip: int
    share: float


def vote(text: str, whole: bool) -> Dialect | None:
    """The dialect most of the records of `text` agree on, None where none gives two columns.

    `whole` is False when `text` is only the file's beginning: then its last record does not count.
    """
    told = _SEP.match(text)
    if told:
        return _candidate(text, told[1], whole)
    lines = text.count("\n") or text.count("\r")
    usual = [d for d in DELIMITERS if d in text and text.count(d) * 2 >= lines]
    found = [each for d in usual if (each := _candidate(text, d, whole))]
    return max(found, key=lambda each: (round(each.share, 2), each.columns), default=None)


def single(text: str, whole: bool) -> Dialect:
    """The dialect of a file with one column, where no delimiter is to be found."""
    rows = records(text, Dialect(",", '"', None, 1, 0, 0, 1.0), whole, _RECORDS)
    return Dialect(",", '"', None, 1, len(rows), _comments(rows), 1.0)


def records(text: str, dialect: Dialect, whole: bool, limit: int) -> list[list[str]]:
    """Up to `limit` records, blank lines left out; the last is dropped where it may be cut off."""
    rows: list[list[str]] = []
    try:
        for row in reader(text, dialect):
            if row:
                rows.append(row)
            if len(rows) > limit:
                return rows[:limit]
    except csv.Error:  # a field beyond csv.field_size_limit: a quote that never closes
        whole = True
    if not whole and rows:
        rows.pop()
    return rows


def reader(text: str, dialect: Dialect) -> Iterator[list[str]]:
    """All records of `text`, blank lines included. Raises `csv.Error` for a field without end."""
    return csv.reader(
        io.StringIO(text, newline=""),
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        escapechar=dialect.escape,
        skipinitialspace=dialect.delimiter != "\t",
    )


def _candidate(text: str, delimiter: str, whole: bool) -> Dialect | None:
    quote, escape = _quoting(text, delimiter)
    if quote not in text and len(text) <= _PLAIN:
        rows = _plain_records(text, delimiter, whole)
    else:
        rows = records(text, Dialect(delimiter, quote, escape, 0, 0, 0, 0.0), whole, _RECORDS)
    skip = _comments(rows)
    if skip and rows[0][0][:1] == "#":  # where remarks stand above the table, they stand in it as well
        rows = rows[:skip] + [row for row in rows[skip:] if len(row) > 1 or row[0][:1] != "#"]
    widths = [len(row) for row in rows[skip:]]
    if not widths:
        return None
    columns, times = max(Counter(widths).items(), key=lambda item: (item[1], item[0]))
    empty = sum(row[-1] == "" for row in rows[skip:] if len(row) == columns)
    if columns - (rows[skip][-1] == "" and empty * 2 > times) < 2:
        return None  # code has a semicolon at the end of its lines, and no columns
    before = next(i for i, width in enumerate(widths) if width == columns)
    if 0 < before <= _PREAMBLE and max(widths[:before]) < columns:
        skip += before  # a title or remarks above the table
        widths = widths[before:]
    # A delimiter that the first record lacks is seldom the one: decimal commas are no columns.
    share = times / len(widths) * (1.0 if not before else 0.9 if widths[0] == columns else 0.6)
    return Dialect(delimiter, quote, escape, columns, len(widths), skip, share)


def _plain_records(text: str, delimiter: str, whole: bool) -> list[list[str]]:
    """What `records` gives for text without quotes, but for spaces in front of inner cells; several times faster."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    rows = [line.split(delimiter) for line in lines if line][: _RECORDS + 1]
    if len(rows) > _RECORDS or (rows and not whole):
        rows.pop()
    if delimiter != "\t":
        for row in rows:
            row[0], row[-1] = row[0].lstrip(" "), row[-1].lstrip(" ")
    return rows


def _comments(rows: list[list[str]]) -> int:
    """How many records at the top are comments, or Excel's `sep=` line."""
    count = 0
    for row in rows:
        remark = row[0][:1] == "#" and (len(row) == 1 or row[0][:2] == "##")
        if not remark and row[0][:4].lower() != "sep=":
            break
        count += 1
    return count if count < len(rows) else 0


def _quoting(text: str, delimiter: str) -> tuple[str, str | None]:
    head = text[:8192]
    edge = re.escape(delimiter)
    pattern = rf"(?:^|{edge})'[^'\n]*+'(?=$|{edge})"
    single_quoted = len(re.findall(pattern, head, re.MULTILINE)) if "'" in head else 0
    quote = "'" if single_quoted > 1 and f'{delimiter}"' not in head and not head.startswith('"') else '"'
    # Spark and MySQL escape a quote with a backslash where RFC 4180 doubles it.
    escaped = "\\" + quote in head and quote * 2 + quote not in head
    return quote, "\\" if escaped else None


def has_header(rows: list[list[str]], kinds: list[str], first: list[str]) -> bool:
    """Whether the first record names the columns.

    `kinds` are the types of the columns below the first record, `first` those of its own cells.
    """
    if not rows:
        return False
    names = [cell.strip() for cell in rows[0]]
    filled = sum(name != "" for name in names)
    if filled * 2 < len(names) or any(kind not in ("string", "null") for kind in first):
        return False
    if any(kind not in ("string", "null") for kind in kinds) or len(rows) == 1:
        return True
    unique = "" not in names[1:] and len(set(names)) == len(names) and all(len(name) <= 64 for name in names)
    again = any(name and name == cell.strip() for row in rows[1:50] for name, cell in zip(names, row))
    return unique and not again
