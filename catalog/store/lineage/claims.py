"""What one origin claims: its live edges are made exactly these."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace as changed

from catalog.model.lineage import Claim, End, Identity
from catalog.naming import is_path
from catalog.store.engine import Database
from catalog.store.inspections import Belongs
from catalog.store.lineage import origins
from catalog.store.lineage.batches import chunks
from catalog.store.lineage.identities import Identities, clean
from catalog.store.lineage.meeting import hold
from catalog.text import storable

LONGEST = 2000
"""Bytes of a namespace and name together. What is longer is no name: neither database could index it."""

Key = tuple[int, int, str, int]
Column = tuple[int, str, int, str, int]
Said = tuple[str, float, str | None, int | None, str | None, int | None]
"""The kind of evidence, how far it is believed, where it stands (field and line), detail, and since when it is true."""


def unchanged(db: Database, origin_uri: str, digest: str) -> bool:
    """True when the origin was read in this very state before."""
    return origins.digest_of(db, origin_uri) == digest


def replace(
    db: Database, origin_uri: str, digest: str | None, claims: Iterable[Claim], belongs: Belongs,
    *, silo_id: int | None = None, now_ns: int | None = None,
) -> int:  # fmt: skip
    """Make the live edges of an origin exactly these claims, in one transaction; returns how many edges are new.

    What it claimed before and does not claim now is retracted, what it still claims stays as it is. An edge of
    an asset to itself, and an end whose name is empty or longer than `LONGEST`, are left out. `silo_id` is
    the silo whose file the origin is: it is forgotten with the silo.
    """
    now = now_ns or time.time_ns()
    with db.transaction():
        who = Identities(db, belongs, now)
        who.begin()
        return replace_in(db, who, origin_uri, digest, claims, silo_id=silo_id, now_ns=now)


def replace_in(
    db: Database, who: Identities, origin_uri: str, digest: str | None, claims: Iterable[Claim],
    *, silo_id: int | None, now_ns: int,
) -> int:  # fmt: skip
    """What `replace` does, inside the caller's transaction."""
    kept = [one for one in map(_clean, claims) if _fits(one.source.identity) and _fits(one.target.identity)]
    origin = origins.origin(db, origin_uri, now_ns, digest=digest, silo_id=silo_id)
    ends = who.find_or_make((end for one in kept for end in (one.source, one.target)), origin)
    jobs = origins.jobs(db, {one.job: (now_ns, now_ns) for one in kept if one.job is not None})
    wanted: dict[Key, Said] = {}
    columns: dict[Column, str | None] = {}
    for one in kept:
        source, target = ends[one.source.identity], ends[one.target.identity]
        job = jobs[one.job] if one.job is not None else 0
        if source == target:
            continue
        wanted.setdefault((source, target, one.kind, job), _said(one))
        for column in one.columns:
            columns[source, column.source_field, target, column.target_field, job] = column.transformation
    new = settle_edges(db, origin, wanted, now_ns)
    settle_columns(db, origin, columns, now_ns)
    hold(db, who.addresses, ends, now_ns)
    return new


# ---------------------------------------------------------------- inside


def _clean(claim: Claim) -> Claim:
    columns = tuple(
        changed(one, source_field=storable(one.source_field), target_field=storable(one.target_field))
        for one in claim.columns
        if len((one.source_field + one.target_field).encode("utf-8", "replace")) <= LONGEST
    )
    job = None if claim.job is None or not _fits(claim.job) else clean(claim.job)
    return changed(claim, source=_clean_end(claim.source), target=_clean_end(claim.target), job=job, columns=columns)


def _clean_end(end: End) -> End:
    return changed(end, identity=clean(end.identity))


def _fits(identity: Identity) -> bool:
    named = identity.name or is_path(identity.namespace)  # a whole bucket has no name
    return bool(named) and len("".join(identity).encode("utf-8", "replace")) <= LONGEST


def _said(claim: Claim) -> Said:
    evidence = claim.evidence
    field, detail = (None if text is None else storable(text) for text in (evidence.field, evidence.detail))
    return evidence.kind, evidence.belief, field, evidence.line, detail, claim.valid_from_ns


# ---------------------------------------------------------------- an origin's rows


def settle_edges(db: Database, origin: int, wanted: Mapping[Key, Said], now_ns: int) -> int:
    """Make the live edges of an origin exactly these; returns how many are new. Inside the caller's transaction."""
    live: dict[Key, tuple[int, Said]] = {
        (row[1], row[2], row[3], row[4]): (row[0], (row[5], row[6], row[7], row[8], row[9], row[10]))
        for row in db.all(
            "SELECT id, source_id, target_id, kind, job_id, evidence, confidence, field, line, detail, valid_from_ns "
            "FROM edge WHERE origin_id = ? AND retracted_ns IS NULL",
            (origin,),
        )
    }
    db.executemany(
        "UPDATE edge SET retracted_ns = ? WHERE id = ?",
        [(now_ns, live[key][0]) for key in live if key not in wanted],
    )
    db.executemany(
        "UPDATE edge SET evidence = ?, confidence = ?, field = ?, line = ?, detail = ?, valid_from_ns = ? WHERE id = ?",
        [(*said, live[key][0]) for key, said in wanted.items() if key in live and live[key][1] != said],
    )
    new = [(*key, origin, *said, now_ns) for key, said in wanted.items() if key not in live]
    for chunk in chunks(new, 5000):
        db.executemany(
            "INSERT INTO edge(source_id, target_id, kind, job_id, origin_id, evidence, confidence, field, line, "
            "detail, valid_from_ns, observed_ns, runs) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
            chunk,
        )
    return len(new)


def settle_columns(db: Database, origin: int, wanted: Mapping[Column, str | None], now_ns: int) -> None:
    """Make the live columns of an origin exactly these. Inside the caller's transaction."""
    live: dict[Sequence[object], str | None] = {
        tuple(row[:5]): row[5]
        for row in db.all(
            "SELECT source_id, source_field, target_id, target_field, job_id, transformation FROM column_edge "
            "WHERE origin_id = ? AND retracted_ns IS NULL",
            (origin,),
        )
    }
    db.executemany(
        "UPDATE column_edge SET retracted_ns = ? WHERE source_id = ? AND source_field = ? AND target_id = ? "
        "AND target_field = ? AND job_id = ? AND origin_id = ?",
        [(now_ns, *key, origin) for key in live if key not in wanted],
    )
    write_columns(db, [(*key, origin, how, now_ns) for key, how in wanted.items() if live.get(key, "") != how])


def write_columns(db: Database, rows: Sequence[Sequence[object]]) -> None:
    """Store columns made from columns; one that was retracted is believed again."""
    for chunk in chunks(rows, 5000):
        db.executemany(
            "INSERT INTO column_edge(source_id, source_field, target_id, target_field, job_id, origin_id, "
            "transformation, observed_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (source_id, source_field, target_id, target_field, job_id, origin_id) DO UPDATE SET "
            "transformation = excluded.transformation, retracted_ns = NULL, "
            "observed_ns = CASE WHEN column_edge.retracted_ns IS NULL THEN column_edge.observed_ns "
            "ELSE excluded.observed_ns END "
            "WHERE column_edge.retracted_ns IS NOT NULL "
            "OR COALESCE(column_edge.transformation, '') <> COALESCE(excluded.transformation, '')",
            chunk,
        )
