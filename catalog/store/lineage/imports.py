"""Importing events: in batches, each in one transaction; the same event a second time changes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from catalog.model.events import EventSeen, Rejected
from catalog.model.lineage import CONFIDENCE, End, Identity, ImportReport
from catalog.store.engine import Database
from catalog.store.inspections import Belongs
from catalog.store.lineage import events as stored
from catalog.store.lineage import origins
from catalog.store.lineage.claims import Column, Key, Said, settle_columns, settle_edges
from catalog.store.lineage.derive import GONE, Ends
from catalog.store.lineage.edges import close_edges
from catalog.store.lineage.gathered import Assets, Run
from catalog.store.lineage.identities import Identities
from catalog.store.lineage.meeting import hold
from catalog.store.lineage.origins import OPENLINEAGE
from catalog.store.lineage.runs import Absorber
from catalog.store.lineage.told import SchemaDigest, Telling

T = TypeVar("T")
Item = EventSeen | Rejected
Progress = Callable[[ImportReport], None]

BATCH = 500
"""Events that are written in one transaction."""
_DATASETS = 20_000
_TOLD = 1000  # warnings, and rejected places, that a report names


def load(
    db: Database, items: Iterable[Item], belongs: Belongs, digest: SchemaDigest, progress: Progress | None = None,
    *, now_ns: int | None = None,
) -> ImportReport:  # fmt: skip
    """Store events and the lineage they tell, and report. Each batch is a transaction of its own.

    Stopped in between, what was stored stays, and the same import goes on from there.
    """
    work = _Import(db, belongs, digest, now_ns or time.time_ns())
    for batch in _batches(items):
        work.take(batch)
        if progress is not None:
            progress(work.report)
    return work.report


class _Import:
    def __init__(self, db: Database, belongs: Belongs, digest: SchemaDigest, now_ns: int) -> None:
        self.report = ImportReport()
        self._db = db
        self._now = now_ns
        self._who = Identities(db, belongs, now_ns)
        self._absorber = Absorber(db, self._who.kinds, now_ns)
        self._telling = Telling(db, digest, now_ns)
        self._held: set[tuple[int, bool]] = set()
        self._declared = 0  # edges that jobs and datasets declare, runs aside

    def take(self, items: Sequence[Item]) -> None:
        """One batch: what is rejected is noted, what is known is passed over, the rest is stored."""
        rejected = [one for one in items if isinstance(one, Rejected)]
        events = [one for one in items if isinstance(one, EventSeen)]
        try:
            with self._db.transaction():
                self._who.begin()
                fresh = self._unknown(events)
                warnings = [(one.place, told) for one in fresh for told in one.warnings]
                if fresh:
                    warnings += self._store(fresh)
        except BaseException:
            self._who.forget()
            self._absorber.forget()
            self._telling.forget()
            self._held.clear()
            raise
        report = self.report
        self.report = replace(
            report,
            read=report.read + len(items),
            accepted=report.accepted + len(fresh),
            repeated=report.repeated + len(events) - len(fresh),
            rejected=report.rejected + len(rejected),
            runs=self._absorber.runs,
            assets=self._who.made,
            edges=self._absorber.edges + self._declared,
            warnings=_capped(report.warnings, [f"{place}: {told}" for place, told in warnings]),
            failed=_capped(report.failed, [(one.place, one.reason) for one in rejected]),
        )

    def _unknown(self, events: Sequence[EventSeen]) -> list[EventSeen]:
        known = stored.known(self._db, {one.digest for one in events})
        fresh = {one.digest: one for one in events if one.digest not in known}
        return list(fresh.values())

    def _store(self, events: Sequence[EventSeen]) -> list[tuple[str, str]]:
        assets, conflicts = self._identify(events)
        runs = [one for one in events if one.run is not None]
        if runs:
            self._absorber.absorb(runs, assets)
        for event in sorted((one for one in events if one.run is None), key=lambda one: one.time_ns):
            self._declare(event, assets)
        self._telling.jobs(events)
        self._telling.datasets(events, assets)
        stored.store(self._db, events, self._now)
        hold(self._db, self._who.addresses, assets, self._now, self._held)
        return conflicts

    def _identify(self, events: Sequence[EventSeen]) -> tuple[Assets, list[tuple[str, str]]]:
        """The asset of everything the events name, after what symlinks say of them."""
        ends: dict[Identity, End] = {}
        by: dict[Identity, str] = {}
        for event in events:
            for end in _ends(event):
                if ends.setdefault(end.identity, end).kind != end.kind:
                    ends[end.identity] = replace(end, kind="model")
                by.setdefault(end.identity, _by(event))
        origin = origins.known_origin(self._db, OPENLINEAGE, self._now)
        self._who.find_or_make(ends.values(), origin, by)
        conflicts = []
        merged = False
        for event in events:
            pairs = [(one.identity, other, kind) for one in event.datasets for other, kind in one.aliases]
            if pairs:
                before = self._who.merged
                conflicts += [(event.place, told) for told in self._who.link(pairs, origin)]
                merged |= self._who.merged != before
        if merged:
            self._absorber.forget()
            self._telling.forget()
        return self._who.find(ends), conflicts

    def _declare(self, event: EventSeen, assets: Assets) -> None:
        """What a job is declared to do, or a dataset to be made from: the latest such event counts."""
        edges, columns = _declared(event, assets, self._who.kinds)
        if event.type == "dataset":
            (one,) = (dataset for dataset in event.datasets if dataset.role == "dataset")
            if one.change in GONE:
                close_edges(self._db, [(assets[one.identity], event.time_ns)])
            told = "dataset" if one.sources is not None or one.columns else "renamed"
            uri, job = f"{OPENLINEAGE}:{told}:{one.identity.namespace}:{one.identity.name}", 0
            if told == "renamed" and not edges:
                return  # it tells of the dataset, and nothing of what that is made from
        else:
            assert event.job is not None
            uri = f"{OPENLINEAGE}:job:{event.job.namespace}:{event.job.name}"
            job = origins.jobs(self._db, {event.job: (event.time_ns, event.time_ns)})[event.job]
            if not event.datasets:
                return
        last = origins.digest_of(self._db, uri)
        if last is not None and int(last) > event.time_ns:
            return
        origin = origins.origin(self._db, uri, self._now, digest=str(event.time_ns))
        said: Said = ("declared", CONFIDENCE["declared"], None, None, None, event.time_ns)
        wanted: dict[Key, Said] = {(source, target, kind, job): said for source, target, kind in edges}
        made: dict[Column, str | None] = {(*key, job): how for key, how in columns.items()}
        self._declared += settle_edges(self._db, origin, wanted, self._now)
        settle_columns(self._db, origin, made, self._now)


def _declared(
    event: EventSeen, assets: Assets, kinds: Mapping[int, str]
) -> tuple[set[Ends], dict[tuple[int, str, int, str], str | None]]:
    """The edges and columns of an event without a run."""
    whole = Run("")
    columns: dict[tuple[int, str, int, str], str | None] = {}
    for one in event.datasets:
        made = replace(one, role="output") if one.role == "dataset" else one
        whole.take_dataset(made, assets, None)
        for column in one.columns:
            source, target = assets[column.source], assets[one.identity]
            if source != target:
                columns[source, column.source_field, target, column.target_field] = column.transformation
    return whole.edges(kinds), columns


def _ends(event: EventSeen) -> Iterator[End]:
    for one in event.datasets:
        yield End(one.identity, one.kind)
        if one.previous is not None:
            yield End(one.previous, one.kind)


def _by(event: EventSeen) -> str:
    if event.job is None:
        return f"run {event.run}" if event.run is not None else "a dataset event"
    return f"job {event.job.namespace}/{event.job.name}".replace(" /", " ")


def _capped(known: tuple[T, ...], more: Sequence[T]) -> tuple[T, ...]:
    return (*known, *more)[:_TOLD] if more and len(known) < _TOLD else known


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Batches of events, smaller ones where events name very many datasets."""
    batch: list[Item] = []
    datasets = 0
    for item in items:
        batch.append(item)
        datasets += len(item.datasets) if isinstance(item, EventSeen) else 0
        if len(batch) >= BATCH or datasets >= _DATASETS:
            yield batch
            batch, datasets = [], 0
    if batch:
        yield batch
