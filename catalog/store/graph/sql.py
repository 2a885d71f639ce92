"""Pieces of SQL for walks: lists of ids as one parameter, and which edges stand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from catalog.model.lineage import Direction
from catalog.store.engine import Database

CHUNK = 5_000
"""Ids that one statement takes."""


class Side(NamedTuple):
    """The two columns of an edge as a walk sees them: the end it stands at, and the end it goes to."""

    near: str
    far: str


SIDES: dict[Direction, Side] = {"up": Side("target_id", "source_id"), "down": Side("source_id", "target_id")}


class Standing(NamedTuple):
    """The condition that an edge stands, with its parameters."""

    sql: str
    parameters: tuple[int, ...]


def standing(at_ns: int | None, row: str = "") -> Standing:
    """Edges (or column edges) that are believed now, or were at a time. `row` is the table's alias with its dot."""
    if at_ns is None:
        return Standing(f"{row}retracted_ns IS NULL", ())
    return Standing(f"{row}observed_ns <= ? AND ({row}retracted_ns IS NULL OR {row}retracted_ns > ?)", (at_ns, at_ns))


def among(db: Database, column: str) -> str:
    """The condition that a column is one of many ids, which are bound as one parameter, see `bound`."""
    return f"{column} IN (SELECT value FROM json_each(?))" if db.dialect == "sqlite" else f"{column} = ANY(?)"


def listed(db: Database) -> str:
    """Ids bound as one parameter, as a table `f(key, value)` in their order."""
    if db.dialect == "sqlite":
        return "json_each(?) f"
    return "unnest(CAST(? AS bigint[])) WITH ORDINALITY f(value, key)"


def bound(db: Database, ids: Sequence[int]) -> object:
    """Ids as the one parameter that `among` and `listed` take."""
    return json.dumps(ids) if db.dialect == "sqlite" else list(ids)


def chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Ids in pieces that one statement takes."""
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
