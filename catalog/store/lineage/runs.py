"""Runs, gathered over all their events in any order, and the edges they make.

An edge of a run stands as long as a run stands behind it: one that ended FAIL or ABORT keeps what it read
and wrote, and makes no edge. So the graph is a function of the events, whatever order they come in.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from catalog.model.events import EventSeen
from catalog.model.lineage import EvidenceKind, Identity
from catalog.store.engine import Database
from catalog.store.lineage import origins
from catalog.store.lineage.batches import among
from catalog.store.lineage.claims import write_columns
from catalog.store.lineage.derive import GONE, is_gone
from catalog.store.lineage.edges import Change, EdgeKey, close_edges, write_edges
from catalog.store.lineage.gathered import Assets, Row, Run
from catalog.store.lineage.origins import OPENLINEAGE, RECORD

UNKNOWN = "unknown"
"""The namespace of the job of a run whose events name none."""

_COLUMNS_REMEMBERED = 500_000


class Absorber:
    """Takes in batches of run events. One import, inside the caller's transactions."""

    def __init__(self, db: Database, kinds: dict[int, str], now_ns: int) -> None:
        self.runs = self.edges = 0
        self._db = db
        self._kinds = kinds
        self._now = now_ns
        self._columns: set[tuple[object, ...]] = set()

    def absorb(self, events: Sequence[EventSeen], assets: Assets) -> None:
        """Merge the events into their runs, and bring the edges of these runs in step."""
        runs = self._load(dict.fromkeys(event.run for event in events if event.run is not None))
        for run in runs.values():
            run.before, run.before_job = run.edges(self._kinds), run.job_id
        versions = Versions(self._db, set(assets.values()))
        for event in sorted(events, key=lambda one: one.time_ns):
            assert event.run is not None
            run = runs[event.run]
            run.take(event)
            for seen in event.datasets:
                run.take_dataset(seen, assets, versions.at(assets[seen.identity], event.time_ns))
        self._write_runs(runs)
        self._write_rows(runs.values())
        any_recorded = any(run.facts.get("recorded") for run in runs.values())
        observed = origins.known_origin(self._db, OPENLINEAGE, self._now)
        recorded = origins.known_origin(self._db, RECORD, self._now) if any_recorded else 0
        self._write_edges(runs.values(), observed, recorded)
        self._write_columns(events, runs, assets, (observed, recorded))
        close_edges(self._db, self._gone(events, runs, assets))

    def forget(self) -> None:
        """Remember nothing of what was written: it was rolled back, or merged away."""
        self._columns.clear()

    def _load(self, uuids: Iterable[str]) -> dict[str, Run]:
        runs = {uuid: Run(uuid) for uuid in uuids}
        by_id: dict[int, Run] = {}
        for row in among(
            self._db,
            "SELECT r.id, r.uuid, r.job_id, r.state, r.started_ns, r.ended_ns, r.parent_uuid, r.facts, j.namespace, "
            "COALESCE((SELECT MAX(e.event_ns) FROM event e WHERE e.run_uuid = r.uuid), 0) "
            "FROM run r JOIN job j ON j.id = r.job_id WHERE r.uuid IN ({})",
            uuids,
        ):
            run = runs[row[1]]
            run.id, run.job_id, run.state, run.started_ns, run.ended_ns, run.parent = row[0], *row[2:7]
            run.facts = json.loads(row[7]) if row[7] else {}
            run.nameless, run.latest_ns = row[8] == UNKNOWN, row[9]
            by_id[row[0]] = run
        sql = "SELECT run_id, asset_id, role, version, label, facts FROM run_asset WHERE run_id IN ({})"
        for run_id, asset, role, version, label, facts in among(self._db, sql, by_id):
            kept = by_id[run_id].rows[asset, role] = Row(version, label, json.loads(facts) if facts else {})
            kept.stored = kept.values()
        self._learn_kinds({asset for run in by_id.values() for asset in run.mentioned()})
        return runs

    def _learn_kinds(self, ids: set[int]) -> None:
        sql = "SELECT id, kind FROM asset WHERE id IN ({})"
        self._kinds.update((row[0], row[1]) for row in among(self._db, sql, ids - self._kinds.keys()))

    def _write_runs(self, runs: Mapping[str, Run]) -> None:
        jobs: dict[Identity, tuple[int, int]] = {}
        for run in runs.values():
            if run.job is None and not run.job_id:
                run.job = Identity(UNKNOWN, run.uuid)
            if run.job is not None:
                times = [ns for ns in (run.started_ns, run.ended_ns) if ns is not None]
                first, last = jobs.get(run.job, (times[0], times[0]))
                jobs[run.job] = min(first, *times), max(last, *times)
        ids = origins.jobs(self._db, jobs)
        for run in runs.values():
            run.job_id = ids[run.job] if run.job is not None else run.job_id
        self.runs += sum(run.id is None for run in runs.values())
        self._db.executemany(
            "INSERT INTO run(uuid, job_id, state, started_ns, ended_ns, parent_uuid, facts) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (uuid) DO UPDATE SET job_id = excluded.job_id, "
            "state = excluded.state, started_ns = excluded.started_ns, ended_ns = excluded.ended_ns, "
            "parent_uuid = excluded.parent_uuid, facts = excluded.facts",
            [
                (one.uuid, one.job_id, one.state, one.started_ns, one.ended_ns, one.parent, origins.told(one.facts))
                for one in runs.values()
            ],
        )
        for uuid, run_id in among(self._db, "SELECT uuid, id FROM run WHERE uuid IN ({})", runs):
            runs[uuid].id = run_id
        self._db.executemany(
            "DELETE FROM job WHERE id = ? AND namespace = ? AND NOT EXISTS (SELECT 1 FROM run WHERE job_id = job.id)",
            [(run.before_job, UNKNOWN) for run in runs.values() if run.before_job not in (0, run.job_id)],
        )

    def _write_rows(self, runs: Iterable[Run]) -> None:
        self._db.executemany(
            "INSERT INTO run_asset(run_id, asset_id, role, version, label, facts) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (run_id, asset_id, role) DO UPDATE SET version = excluded.version, label = excluded.label, "
            "facts = excluded.facts",
            [
                (run.id, asset, role, *row.values())
                for run in runs
                for (asset, role), row in run.rows.items()
                if row.stored != row.values()
            ],
        )

    def _write_edges(self, runs: Iterable[Run], observed: int, recorded: int) -> None:
        changes: dict[EdgeKey, Change] = defaultdict(Change)
        for run in runs:
            assert run.id is not None
            origin = recorded if run.facts.get("recorded") else observed
            after = run.edges(self._kinds)
            same_job = run.before_job in (0, run.job_id)
            for source, target, kind in run.before:
                if not same_job or (source, target, kind) not in after:
                    changes[source, target, kind, run.before_job, origin].leave(run.id)
            for source, target, kind in after:
                new = not same_job or (source, target, kind) not in run.before
                shown = run.time_ns, run.id, run.version(source, "input"), run.version(target, "output")
                key = (source, target, kind, run.job_id, origin)
                changes[key].show(shown, run.started_ns or run.ended_ns, new=new)
        evidence: dict[int, EvidenceKind] = {observed: "observed", recorded: "declared"}
        self.edges += write_edges(self._db, changes, evidence, self._now)

    def _write_columns(
        self, events: Sequence[EventSeen], runs: Mapping[str, Run], assets: Assets, origin_ids: tuple[int, int]
    ) -> None:
        if any(run.failed or run.before_job not in (0, run.job_id) for run in runs.values()):
            self._columns.clear()  # columns may have been retracted, and be told again
        rows = []
        for event in events:
            run = runs[event.run or ""]
            if run.failed:
                continue
            origin = origin_ids[bool(run.facts.get("recorded"))]
            for seen in event.datasets:
                target = assets[seen.identity]
                for one in seen.columns:
                    key = (assets[one.source], one.source_field, target, one.target_field, run.job_id, origin)
                    told = (*key, one.transformation)
                    if key[0] != target and told not in self._columns:
                        self._columns.add(told)
                        rows.append((*told, self._now))
        write_columns(self._db, rows)
        if len(self._columns) > _COLUMNS_REMEMBERED:
            self._columns.clear()

    def _gone(self, events: Sequence[EventSeen], runs: Mapping[str, Run], assets: Assets) -> Iterator[tuple[int, int]]:
        """What successful runs dropped or emptied, and when."""
        for event in events:
            run = runs[event.run or ""]
            for seen in event.datasets:
                asset = assets[seen.identity]
                dropped = seen.role == "output" and seen.change in GONE and not run.failed
                if dropped and is_gone(run.rows[asset, "output"].facts):
                    yield asset, event.time_ns


class Versions:
    """Which version of crawled assets was current when."""

    def __init__(self, db: Database, ids: set[int]) -> None:
        self._known: dict[int, tuple[list[int], list[int]]] = {}
        sql = "SELECT asset_id, number, observed_ns FROM asset_version WHERE asset_id IN ({}) ORDER BY asset_id, number"
        for asset, number, observed in among(db, sql, ids):
            times, numbers = self._known.setdefault(asset, ([], []))
            times.append(observed)
            numbers.append(number)

    def at(self, asset: int, time_ns: int) -> int | None:
        """The version that was current then; None when no crawl had seen the asset yet."""
        times, numbers = self._known.get(asset, ((), ()))
        at = bisect_right(times, time_ns)
        return numbers[at - 1] if at else None
