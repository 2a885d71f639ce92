"""What lineage was read from, and the jobs that made it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from catalog.model.lineage import Identity
from catalog.store.engine import Database
from catalog.store.lineage.batches import joined

OPENLINEAGE = "openlineage"
RECORD = "record"
STORAGE = "storage"
"""Origins that are no file: events of runs, runs that this program recorded, and where files lie."""


def origin(db: Database, uri: str, now_ns: int, *, digest: str | None = None, silo_id: int | None = None) -> int:
    """The id of an origin, which is thereby read now. Inside the caller's transaction."""
    return int(
        db.value(
            "INSERT INTO origin(uri, silo_id, digest, read_ns) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (uri) DO UPDATE SET silo_id = excluded.silo_id, digest = excluded.digest, "
            "read_ns = excluded.read_ns RETURNING id",
            (uri, silo_id, digest, now_ns),
        )
    )


def known_origin(db: Database, uri: str, now_ns: int) -> int:
    """The id of an origin that is no file; an unchanged import leaves its row as it is."""
    found = db.value("SELECT id FROM origin WHERE uri = ?", (uri,))
    return int(found) if found is not None else origin(db, uri, now_ns)


def digest_of(db: Database, uri: str) -> str | None:
    """The state an origin was read in last; None when it never was."""
    found = db.value("SELECT digest FROM origin WHERE uri = ?", (uri,))
    return None if found is None else str(found)


def jobs(db: Database, seen: Mapping[Identity, tuple[int, int]]) -> dict[Identity, int]:
    """The ids of jobs, made where they are new; `seen` says from when to when each was seen."""
    db.executemany(
        "INSERT INTO job(namespace, name, first_ns, last_ns) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (namespace, name) DO UPDATE SET "
        "first_ns = CASE WHEN excluded.first_ns < job.first_ns THEN excluded.first_ns ELSE job.first_ns END, "
        "last_ns = CASE WHEN excluded.last_ns > job.last_ns THEN excluded.last_ns ELSE job.last_ns END",
        [(*job, first, last) for job, (first, last) in seen.items()],
    )
    return job_ids(db, seen)


def job_ids(db: Database, wanted: Iterable[Identity]) -> dict[Identity, int]:
    """The ids of those jobs that are known."""
    sql = "SELECT j.namespace, j.name, j.id FROM k JOIN job j ON j.namespace = k.a AND j.name = k.b"
    return {Identity(row[0], row[1]): row[2] for row in joined(db, sql, wanted)}


def told(facts: Mapping[str, object]) -> str | None:
    """Facts as the JSON that their columns hold; None without any."""
    kept = {key: value for key, value in facts.items() if value not in (None, "", [], {})}
    return json.dumps(kept, sort_keys=True) if kept else None
