"""Events as they came: each kept once, and given out again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from catalog.model.events import EventSeen
from catalog.store.engine import Database
from catalog.store.lineage.batches import among

_PAGE = 500


def known(db: Database, digests: Iterable[str]) -> set[str]:
    """Which of these events are stored already."""
    return {row[0] for row in among(db, "SELECT digest FROM event WHERE digest IN ({})", digests)}


def store(db: Database, events: Sequence[EventSeen], now_ns: int) -> None:
    """Keep events that are not known yet. Inside the caller's transaction."""
    db.executemany(
        "INSERT INTO event(digest, run_uuid, type, event_ns, received_ns, body) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (digest) DO NOTHING",
        [(one.digest, one.run, one.type, one.time_ns, now_ns, one.body) for one in events],
    )


def bodies(db: Database) -> Iterator[str]:
    """The text of every event, each on one line, in the order of their times."""
    after: tuple[int, int] = (-1, -1)
    while True:
        rows = db.all(
            "SELECT event_ns, id, body FROM event WHERE event_ns > ? OR (event_ns = ? AND id > ?) "
            "ORDER BY event_ns, id LIMIT ?",
            (after[0], *after, _PAGE),
        )
        yield from (str(row[2]) for row in rows)
        if len(rows) < _PAGE:
            return
        after = rows[-1][0], rows[-1][1]
