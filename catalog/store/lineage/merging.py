"""Two assets turn out to be one: everything that hangs on the one is hung on the other.

What only names knew becomes what a crawl found; of two names the older asset stays. The row of a
name that was merged away is kept and leads to the other (`merged_into`), so that its id never breaks.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from catalog.model.lineage import EdgeKind
from catalog.store.datasets import refresh_text
from catalog.store.engine import Database
from catalog.store.lineage.batches import among, chunks, execute_among, joined
from catalog.store.lineage.origins import OPENLINEAGE, RECORD

RUNS = (OPENLINEAGE, RECORD)
"""Origins whose edges are made from runs: what kind they are follows from the kinds of their ends."""
SOURCES = ("explicit", "columns", "renamed")
"""Facts of a run's output that hold ids of assets."""

_COLUMNS = (
    "id, source_id, target_id, kind, job_id, origin_id, run_id, runs, source_version, target_version, valid_from_ns, "
    "valid_to_ns, observed_ns, retracted_ns"
)


@dataclass(frozen=True, slots=True)
class _Edge:
    id: int
    source: int
    target: int
    kind: str
    job: int
    origin: int
    run: int | None
    runs: int
    source_version: int | None
    target_version: int | None
    valid_from_ns: int | None
    valid_to_ns: int | None
    observed_ns: int
    retracted_ns: int | None

    @property
    def key(self) -> tuple[object, ...]:
        return self.source, self.target, self.kind, self.job, self.origin


def edge_kind(source: str, target: str) -> EdgeKind:
    """What a run that reads one and writes the other says: a model is trained on data and based on models."""
    if target != "model":
        return "derived"
    return "based" if source == "model" else "trained"


def merge(db: Database, into: Mapping[int, int]) -> int:
    """Merge each asset into another and return how many were. Inside the caller's transaction."""
    into = _straight(into)
    if not into:
        return 0
    kinds = _settle_kinds(db, into)
    _move_runs(db, into)  # first: edges that become one count the runs again
    _move_edges(db, into, kinds)
    _move_columns(db, into)
    for old, new in into.items():
        _move_rest(db, old, new)
    for new in set(into.values()):
        refresh_text(db, new)
    return len(into)


def rekind(db: Database, ids: Iterable[int]) -> None:
    """Give the edges that runs made at these assets the kind that the assets' own kinds now ask for."""
    edges = {edge.id: edge for edge in _touching(db, set(ids)) if edge.retracted_ns is None}
    kinds = _kinds(db, {end for edge in edges.values() for end in (edge.source, edge.target)})
    made = _run_origins(db)
    for edge in edges.values():
        kind = edge_kind(kinds[edge.source], kinds[edge.target])
        if edge.origin in made and edge.kind in ("derived", "trained", "based") and edge.kind != kind:
            db.execute("UPDATE edge SET kind = ? WHERE id = ?", (kind, edge.id))


def recount(db: Database, edge_ids: Iterable[int]) -> None:
    """Count the runs behind edges again, name the latest one, and retract nothing."""
    sql = (
        "SELECT e.id, r.id, COALESCE(r.ended_ns, r.started_ns, 0) FROM edge e "
        "JOIN run_asset o ON o.asset_id = e.target_id AND o.role = 'output' "
        "JOIN run_asset i ON i.run_id = o.run_id AND i.asset_id = e.source_id AND i.role = 'input' "
        "JOIN run r ON r.id = o.run_id AND r.job_id = e.job_id AND r.state NOT IN ('fail', 'abort') "
        "WHERE e.id IN ({})"
    )
    runs: dict[int, dict[int, int]] = defaultdict(dict)
    for edge, run, time_ns in among(db, sql, edge_ids):
        runs[edge][run] = time_ns
    db.executemany(
        "UPDATE edge SET runs = ?, run_id = ? WHERE id = ?",
        [(len(found), max(found, key=lambda run: (found[run], run)), edge) for edge, found in runs.items()],
    )


# ---------------------------------------------------------------- inside


def _straight(into: Mapping[int, int]) -> dict[int, int]:
    """The mapping without chains: each asset leads straight to the one that stays."""
    found = {}
    for old in into:
        new, seen = old, set[int]()
        while new in into and new not in seen:
            seen.add(new)
            new = into[new]
        if new != old:
            found[old] = new
    return found


def _kinds(db: Database, ids: Iterable[int]) -> dict[int, str]:
    return {row[0]: row[1] for row in among(db, "SELECT id, kind FROM asset WHERE id IN ({})", ids)}


def _settle_kinds(db: Database, into: Mapping[int, int]) -> dict[int, str]:
    """The kinds of all ends; a name becomes a model when one that merges into it was told to be one."""
    kinds = _kinds(db, {*into, *into.values()})
    sql = "SELECT id FROM asset WHERE id IN ({}) AND silo_id IS NULL"
    named = {row[0] for row in among(db, sql, set(into.values()))}
    for old, new in into.items():
        if kinds[old] == "model" and kinds[new] != "model" and new in named:
            kinds[new] = "model"
            db.execute("UPDATE asset SET kind = 'model' WHERE id = ?", (new,))
    return kinds


def _touching(db: Database, ids: set[int]) -> list[_Edge]:
    found = {}
    for column in ("source_id", "target_id"):
        for row in among(db, f"SELECT {_COLUMNS} FROM edge WHERE {column} IN ({{}})", ids):
            found[row[0]] = _Edge(*row)
    return list(found.values())


def _run_origins(db: Database) -> set[int]:
    return {row[0] for row in among(db, "SELECT id FROM origin WHERE uri IN ({})", RUNS)}


def _move_edges(db: Database, into: Mapping[int, int], kinds: Mapping[int, str]) -> None:
    before = _touching(db, set(into))
    others = {end for edge in before for end in (edge.source, edge.target)} - kinds.keys()
    kinds = {**kinds, **_kinds(db, others)}
    made = _run_origins(db)
    moved: list[_Edge] = []
    loops: list[int] = []
    for edge in before:
        source, target = into.get(edge.source, edge.source), into.get(edge.target, edge.target)
        kind = edge.kind
        if edge.origin in made and kind in ("derived", "trained", "based"):
            kind = edge_kind(kinds[source], kinds[target])
        if source == target:
            loops.append(edge.id)
        else:
            moved.append(replace(edge, source=source, target=target, kind=kind))
    execute_among(db, "DELETE FROM edge WHERE id IN ({})", loops)
    live: dict[tuple[object, ...], list[_Edge]] = defaultdict(list)
    for edge in [*moved, *_between(db, moved)]:
        if edge.retracted_ns is None:
            live[edge.key].append(edge)
    kept = {edge.id: edge for edge in moved if edge.retracted_ns is not None}
    folded = []
    for same in live.values():
        first = _fold(same)
        kept[first.id] = first
        folded += [edge.id for edge in same if edge.id != first.id]
    execute_among(db, "DELETE FROM edge WHERE id IN ({})", folded)
    db.executemany(
        "UPDATE edge SET source_id = ?, target_id = ?, kind = ?, runs = ?, run_id = ?, source_version = ?, "
        "target_version = ?, valid_from_ns = ?, valid_to_ns = ?, observed_ns = ? WHERE id = ?",
        [
            (
                e.source, e.target, e.kind, e.runs, e.run, e.source_version, e.target_version, e.valid_from_ns,
                e.valid_to_ns, e.observed_ns, e.id,
            )
            for e in kept.values()
        ],
    )  # fmt: skip
    recount(db, [same[0].id for same in map(_ordered, live.values()) if len(same) > 1 and same[0].runs])


def _between(db: Database, moved: Sequence[_Edge]) -> list[_Edge]:
    """Live edges that stand where others are moved to."""
    mine = {edge.id for edge in moved}
    columns = ", ".join(f"e.{name}" for name in _COLUMNS.split(", "))
    sql = f"SELECT {columns} FROM k JOIN edge e ON e.source_id = k.a AND e.target_id = k.b WHERE e.retracted_ns IS NULL"
    pairs = {(edge.source, edge.target) for edge in moved}
    return [_Edge(*row) for row in joined(db, sql, pairs) if row[0] not in mine]


def _ordered(same: Sequence[_Edge]) -> list[_Edge]:
    return sorted(same, key=lambda edge: edge.id)


def _fold(same: Sequence[_Edge]) -> _Edge:
    """Edges that have become one: the oldest row, with what the others know."""
    first, *others = _ordered(same)
    for other in others:
        starts = [ns for ns in (first.valid_from_ns, other.valid_from_ns) if ns is not None]
        ends = [ns for ns in (first.valid_to_ns, other.valid_to_ns) if ns is not None]
        first = replace(
            first,
            runs=max(first.runs, other.runs),
            run=first.run if first.run is not None else other.run,
            source_version=first.source_version or other.source_version,
            target_version=first.target_version or other.target_version,
            valid_from_ns=min(starts, default=None),
            valid_to_ns=max(ends) if len(ends) == 2 else None,
            observed_ns=min(first.observed_ns, other.observed_ns),
        )
    return first


def _move_columns(db: Database, into: Mapping[int, int]) -> None:
    columns = (
        "source_id, source_field, target_id, target_field, job_id, origin_id, transformation, observed_ns, retracted_ns"
    )
    rows = {}
    for end in ("source_id", "target_id"):
        for row in among(db, f"SELECT {columns} FROM column_edge WHERE {end} IN ({{}})", into):
            rows[row[:6]] = row
        execute_among(db, f"DELETE FROM column_edge WHERE {end} IN ({{}})", into)
    moved = [(into.get(r[0], r[0]), r[1], into.get(r[2], r[2]), *r[3:]) for r in rows.values()]
    db.executemany(
        f"INSERT INTO column_edge({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (source_id, source_field, target_id, target_field, job_id, origin_id) DO UPDATE SET "
        "retracted_ns = CASE WHEN excluded.retracted_ns IS NULL THEN NULL ELSE column_edge.retracted_ns END",
        [row for row in moved if row[0] != row[2]],
    )


def _move_runs(db: Database, into: Mapping[int, int]) -> None:
    """Rows of runs about assets that become one become one, and what they say of other assets follows."""
    columns = "run_id, asset_id, role, version, label, facts"
    runs = {row[0] for row in among(db, "SELECT run_id FROM run_asset WHERE asset_id IN ({})", into)}
    before = list(among(db, f"SELECT {columns} FROM run_asset WHERE run_id IN ({{}})", runs))
    after: dict[tuple[int, int, str], tuple[int | None, str | None, dict[str, Any]]] = {}
    for run, asset, role, version, label, told in sorted(before, key=lambda row: row[1] in into):
        facts = json.loads(told) if told else {}
        facts |= {key: sorted({into.get(one, one) for one in facts[key]}) for key in SOURCES if key in facts}
        key = (run, into.get(asset, asset), role)
        known = after.get(key)
        if known is not None:
            version, label, facts = known[0] or version, known[1] or label, join_facts(known[2], facts)
        after[key] = version, label, facts
    execute_among(db, "DELETE FROM run_asset WHERE run_id IN ({})", runs)
    rows = [
        (*key, version, label, json.dumps(facts, sort_keys=True) if facts else None)
        for key, (version, label, facts) in after.items()
    ]
    db.executemany(f"INSERT INTO run_asset({columns}) VALUES (?, ?, ?, ?, ?, ?)", rows)


def join_facts(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """What two rows tell of one asset in one run: lists are united, else the first counts."""
    joined_ = {**second, **first}
    for key in (*SOURCES, "changes"):
        if key in first or key in second:
            joined_[key] = sorted({*first.get(key, ()), *second.get(key, ())})
    if first.get("declared", True) or second.get("declared", True):
        joined_.pop("declared", None)  # named by a facet alone in one, and read for itself in the other
    return joined_


def _move_rest(db: Database, old: int, new: int) -> None:
    """Names, the user's words, and what the row of a mere name holds."""
    db.execute("UPDATE alias SET asset_id = ? WHERE asset_id = ?", (new, old))
    silo_id, schema_id, format, newest = (
        db.one("SELECT silo_id, schema_id, format, newest_ns FROM asset WHERE id = ?", (old,)) or (None,) * 4
    )
    if silo_id is not None:
        return  # gone from its silo: its history stays with it, only its lineage goes on elsewhere
    taken = {row[0] for row in db.all("SELECT kind FROM annotation WHERE asset_id = ? AND kind <> 'tag'", (new,))}
    words = db.all("SELECT kind, value, added_ns FROM annotation WHERE asset_id = ?", (old,))
    for chunk in chunks(words):
        db.executemany(
            "INSERT INTO annotation(asset_id, kind, value, added_ns) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (asset_id, kind, value) DO NOTHING",
            [(new, *word) for word in chunk if word[0] not in taken],
        )
    db.execute("DELETE FROM annotation WHERE asset_id = ?", (old,))
    db.execute("DELETE FROM asset_text WHERE rowid = ?", (old,))
    db.execute("UPDATE asset SET merged_into = ? WHERE id = ? OR merged_into = ?", (new, old, old))
    db.execute(
        "UPDATE asset SET schema_id = COALESCE(schema_id, ?), format = COALESCE(format, ?), "
        "newest_ns = COALESCE(newest_ns, ?) WHERE id = ? AND silo_id IS NULL",
        (schema_id, format, newest, new),
    )
