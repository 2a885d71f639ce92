"""What events tell of datasets and jobs beside their lineage: columns, formats, owners, words, code."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from catalog.model import Field
from catalog.model.events import DatasetSeen, EventSeen
from catalog.model.lineage import Identity
from catalog.store import inspections
from catalog.store.datasets import refresh_text
from catalog.store.engine import Database
from catalog.store.lineage import origins
from catalog.store.lineage.batches import among

SchemaDigest = Callable[[Sequence[Field]], str]


class Telling:
    """Keeps what events tell, for one import; works inside the caller's transactions."""

    def __init__(self, db: Database, digest: SchemaDigest, now_ns: int) -> None:
        self._db = db
        self._digest = digest
        self._now = now_ns
        self._schemas: dict[int, tuple[Field, ...]] = {}
        self._jobs: dict[Identity, Mapping[str, object]] = {}

    def forget(self) -> None:
        """Remember nothing of what was written: it was rolled back, or merged away."""
        self._schemas.clear()
        self._jobs.clear()

    def datasets(self, events: Iterable[EventSeen], assets: Mapping[Identity, int]) -> None:
        """Give mere names the columns, format and time that events tell, and any asset the words it has none of.

        What a crawl found is what the crawl says; the words of people are never changed.
        """
        seen = [(event, one, assets[one.identity]) for event in events for one in event.datasets]
        named = self._named({asset for _, _, asset in seen})
        before = dict(named)
        touched = set[int]()
        for event, one, asset in sorted(seen, key=lambda found: found[0].time_ns):
            if asset not in named:
                continue
            schema, newest, format = named[asset]
            if one.fields and self._schemas.get(asset) != one.fields and (schema is None or event.time_ns >= newest):
                self._schemas[asset] = one.fields
                schema = inspections.schema(self._db, one.fields, self._digest)
                touched.add(asset)
            if one.role == "output" and event.type in ("running", "complete"):
                newest = max(newest, event.time_ns)
            named[asset] = schema, newest, one.format or format
        self._db.executemany(
            "UPDATE asset SET schema_id = ?, newest_ns = ?, format = ? WHERE id = ?",
            [(row[0], row[1] or None, row[2], asset) for asset, row in named.items() if row != before[asset]],
        )
        touched |= self._words([(one, asset) for _, one, asset in seen if one.owner or one.description or one.tags])
        for asset in touched:
            refresh_text(self._db, asset)

    def jobs(self, events: Iterable[EventSeen]) -> None:
        """Keep what events tell of their jobs; of two that differ the later one counts."""
        told: dict[Identity, dict[str, object]] = defaultdict(dict)
        seen: dict[Identity, tuple[int, int]] = {}
        for event in sorted(events, key=lambda one: one.time_ns):
            if event.job is not None and event.job_facts and self._jobs.get(event.job) != event.job_facts:
                told[event.job].update(event.job_facts)
                seen[event.job] = event.time_ns, event.time_ns
        if not told:
            return
        origins.jobs(self._db, seen)
        ids = origins.job_ids(self._db, told)
        sql = "SELECT id, facts, last_ns FROM job WHERE id IN ({})"
        stored = {row[0]: (json.loads(row[1]) if row[1] else {}, row[2]) for row in among(self._db, sql, ids.values())}
        changed = []
        for job, facts in told.items():
            before, last_ns = stored[ids[job]]
            after = {**before, **facts} if seen[job][1] >= last_ns else {**facts, **before}
            self._jobs[job] = facts
            if after != before:
                changed.append((origins.told(after), ids[job]))
        self._db.executemany("UPDATE job SET facts = ? WHERE id = ?", changed)

    def _named(self, ids: set[int]) -> dict[int, tuple[int | None, int, str | None]]:
        sql = "SELECT id, schema_id, newest_ns, format FROM asset WHERE id IN ({}) AND rule = 'named'"
        return {row[0]: (row[1], row[2] or 0, row[3]) for row in among(self._db, sql, ids)}

    def _words(self, told: Sequence[tuple[DatasetSeen, int]]) -> set[int]:
        """Owners, descriptions and tags, each only where an asset has none of that kind."""
        sql = "SELECT DISTINCT asset_id, kind FROM annotation WHERE asset_id IN ({})"
        taken = {(row[0], row[1]) for row in among(self._db, sql, {asset for _, asset in told})}
        new: dict[tuple[int, str, str], None] = {}
        for one, asset in told:
            for kind, values in (("owner", one.owner), ("description", one.description), ("tag", one.tags)):
                if values and (asset, kind) not in taken:
                    taken.add((asset, kind))
                    new.update(((asset, kind, v), None) for v in ((values,) if isinstance(values, str) else values))
        self._db.executemany(
            "INSERT INTO annotation(asset_id, kind, value, added_ns) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (asset_id, kind, value) DO NOTHING",
            [(*key, self._now) for key in new],
        )
        return {asset for asset, _, _ in new}
