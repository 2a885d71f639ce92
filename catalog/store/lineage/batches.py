"""Many keys in few statements, the same in both databases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import TypeVar

from catalog.store.engine import Database, Row

CHUNK = 300
_LOCK = 0x5111  # the lock that crawls hold while they write: ids of assets are counted under it

T = TypeVar("T")


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The items in lists of up to `size`."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def joined(
    db: Database, sql: str, keys: Iterable[Sequence[object]], parameters: Sequence[object] = ()
) -> Iterator[Row]:
    """The rows of a query that joins `k`, whose columns `a`, `b`, … hold one key a row.

    A join, because SQLite reads a whole table for `(a, b) IN (VALUES …)`.
    """
    for chunk in chunks(keys):
        width = len(chunk[0])
        values = ", ".join([f"({', '.join('?' * width)})"] * len(chunk))
        names = ", ".join("abcdef"[:width])
        yield from db.all(f"WITH k({names}) AS (VALUES {values}) {sql}", [*chain.from_iterable(chunk), *parameters])


def among(db: Database, sql: str, keys: Iterable[object], parameters: Sequence[object] = ()) -> Iterator[Row]:
    """The rows of a query with `IN ({})` for many values, which come before the other parameters."""
    for chunk in chunks(keys):
        yield from db.all(sql.format(", ".join("?" * len(chunk))), [*chunk, *parameters])


def execute_among(db: Database, sql: str, keys: Iterable[object]) -> None:
    """Run a statement with `IN ({})` for many values."""
    for chunk in chunks(keys):
        db.execute(sql.format(", ".join("?" * len(chunk))), chunk)


def lock(db: Database) -> None:
    """Let no other writer of assets in before this transaction ends (SQLite lets none in anyway)."""
    if db.dialect == "postgresql":
        db.execute("SELECT pg_advisory_xact_lock(?)", (_LOCK,))
