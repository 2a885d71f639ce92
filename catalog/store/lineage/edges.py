"""The edges that runs make: counted, dated, and retracted when no run stands behind them any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from catalog.model.lineage import CONFIDENCE, EvidenceKind
from catalog.store.engine import Database
from catalog.store.lineage.batches import chunks, joined
from catalog.store.lineage.merging import recount

EdgeKey = tuple[int, int, str, int, int]
"""Source, target, kind, job and origin: what makes a live edge one."""
Shown = tuple[int, int, int | None, int | None]
"""When a run showed an edge, the run, and the versions of the edge's ends then."""

_LIVE = (
    "SELECT e.id, e.source_id, e.target_id, e.kind, e.job_id, e.origin_id, e.runs, e.run_id, "
    "COALESCE(r.ended_ns, r.started_ns, 0), e.source_version, e.target_version, e.valid_from_ns, e.valid_to_ns "
    "FROM k JOIN edge e ON e.source_id = k.a AND e.target_id = k.b LEFT JOIN run r ON r.id = e.run_id "
    "WHERE e.retracted_ns IS NULL"
)


@dataclass(slots=True)
class Change:
    """What a batch of events changes at one edge: how many runs came to show it, and which went."""

    runs: int = 0
    latest: Shown | None = None
    earliest_ns: int | None = None
    left: set[int] = field(default_factory=set)

    def show(self, shown: Shown, first_ns: int | None, *, new: bool) -> None:
        """A run shows the edge."""
        self.runs += new
        if self.latest is None or shown[:2] > self.latest[:2]:
            self.latest = shown
        if first_ns is not None and (self.earliest_ns is None or first_ns < self.earliest_ns):
            self.earliest_ns = first_ns

    def leave(self, run: int) -> None:
        """A run that showed the edge does not any more."""
        self.runs -= 1
        self.left.add(run)


@dataclass(slots=True)
class _Live:
    id: int
    runs: int
    shown: Shown
    valid_from_ns: int | None
    valid_to_ns: int | None


def write_edges(
    db: Database, changes: Mapping[EdgeKey, Change], evidence: Mapping[int, EvidenceKind], now_ns: int
) -> int:
    """Write what changed; returns how many edges are new. `evidence` is what each origin's edges rest on."""
    live: dict[EdgeKey, _Live] = {}
    for row in joined(db, _LIVE, {key[:2] for key in changes}):
        shown = (row[8], row[7] or 0, row[9], row[10])
        live[row[1], row[2], row[3], row[4], row[5]] = _Live(row[0], row[6], shown, row[11], row[12])
    new = [
        _row(key, change, evidence, now_ns) for key, change in changes.items() if key not in live and change.runs > 0
    ]
    gone = [key for key in changes if key in live and live[key].runs + changes[key].runs <= 0]
    for chunk in chunks(new, 5000):
        db.executemany(
            "INSERT INTO edge(source_id, target_id, kind, job_id, origin_id, evidence, confidence, detail, runs, "
            "run_id, source_version, target_version, valid_from_ns, observed_ns) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            chunk,
        )
    kept = [(live[key], change) for key, change in changes.items() if key in live and key not in gone]
    db.executemany(
        "UPDATE edge SET runs = ?, run_id = ?, source_version = ?, target_version = ?, valid_from_ns = ?, "
        "valid_to_ns = ? WHERE id = ?",
        [_updated(edge, change) for edge, change in kept],
    )
    recount(db, [edge.id for edge, change in kept if edge.shown[1] in change.left])
    _retract(db, [(live[key].id, key) for key in gone], now_ns)
    return len(new)


def close_edges(db: Database, ends: Iterable[tuple[int, int]]) -> None:
    """What led to an asset is over since then: (asset, time) each, for those that were dropped or emptied."""
    db.executemany(
        "UPDATE edge SET valid_to_ns = ? WHERE target_id = ? AND retracted_ns IS NULL AND valid_to_ns IS NULL "
        "AND kind IN ('derived', 'trained', 'based', 'copied') "
        "AND COALESCE((SELECT COALESCE(r.ended_ns, r.started_ns) FROM run r WHERE r.id = edge.run_id), "
        "valid_from_ns, 0) < ?",
        [(ns, asset, ns) for asset, ns in ends],
    )


def _row(key: EdgeKey, change: Change, evidence: Mapping[int, EvidenceKind], now_ns: int) -> tuple[object, ...]:
    kind = evidence[key[4]]
    assert change.latest is not None
    _, run, source_version, target_version = change.latest
    detail = "renamed" if key[2] == "copied" else None
    return (
        *key, kind, CONFIDENCE[kind], detail, change.runs, run, source_version, target_version,
        change.earliest_ns, now_ns,
    )  # fmt: skip


def _updated(edge: _Live, change: Change) -> tuple[object, ...]:
    shown = edge.shown
    if change.latest is not None and change.latest[:2] >= shown[:2]:
        shown = change.latest
    starts = [ns for ns in (edge.valid_from_ns, change.earliest_ns) if ns is not None]
    over = edge.valid_to_ns if edge.valid_to_ns is not None and shown[0] <= edge.valid_to_ns else None
    return edge.runs + change.runs, shown[1] or None, *shown[2:], min(starts, default=None), over, edge.id


def _retract(db: Database, gone: Iterable[tuple[int, EdgeKey]], now_ns: int) -> None:
    """Retract edges, and the columns that hung on them."""
    gone = list(gone)
    db.executemany("UPDATE edge SET runs = 0, retracted_ns = ? WHERE id = ?", [(now_ns, edge) for edge, _ in gone])
    db.executemany(
        "UPDATE column_edge SET retracted_ns = ? WHERE source_id = ? AND target_id = ? AND job_id = ? "
        "AND origin_id = ? AND retracted_ns IS NULL",
        [(now_ns, source, target, job, origin) for _, (source, target, _, job, origin) in gone],
    )
