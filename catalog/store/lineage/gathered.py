"""A run, gathered over all its events, in any order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalog.model.events import ENDED, FAILED, DatasetSeen, EventSeen
from catalog.model.lineage import Identity
from catalog.store.lineage.derive import Ends, edges_of
from catalog.store.lineage.merging import SOURCES

Assets = Mapping[Identity, int]

_ORDER = {"other": 0, "start": 1, "running": 2}


@dataclass(slots=True)
class Row:
    """What a run's row about one asset holds."""

    version: int | None = None
    label: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    stored: tuple[object, ...] | None = None

    def values(self) -> tuple[object, ...]:
        """As the table keeps it."""
        return self.version, self.label, json.dumps(self.facts, sort_keys=True) if self.facts else None


@dataclass(slots=True)
class Run:
    """A run while a batch of its events is taken in.

    `latest_ns` is the time of its latest event, `nameless` tells that none named its job, `before` are the
    edges it made until now.
    """

    uuid: str
    id: int | None = None
    job: Identity | None = None
    job_id: int = 0
    nameless: bool = True
    latest_ns: int = 0
    state: str = "other"
    started_ns: int | None = None
    ended_ns: int | None = None
    parent: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    rows: dict[tuple[int, str], Row] = field(default_factory=dict)
    before: set[Ends] = field(default_factory=set)
    before_job: int = 0

    @property
    def failed(self) -> bool:
        """True when it ended without having made what it meant to."""
        return self.state in FAILED

    @property
    def time_ns(self) -> int:
        """When it ended, or began."""
        return self.ended_ns or self.started_ns or 0

    def edges(self, kinds: Mapping[int, str]) -> set[Ends]:
        """The edges it makes."""
        return set() if self.failed else edges_of({key: row.facts for key, row in self.rows.items()}, kinds)

    def version(self, asset: int, role: str) -> int | None:
        """The version of an asset that the run read or wrote."""
        row = self.rows.get((asset, role))
        return row.version if row is not None else None

    def take(self, event: EventSeen) -> None:
        """Take in what an event tells of the run itself. The order of events does not matter."""
        if event.type in ENDED:
            later = self.ended_ns is None or (event.time_ns, event.type) > (self.ended_ns, self.state)
            if later:
                self.state, self.ended_ns = event.type, event.time_ns
        else:
            if self.state not in ENDED and _ORDER[event.type] > _ORDER[self.state]:
                self.state = event.type
            if self.started_ns is None or event.time_ns < self.started_ns:
                self.started_ns = event.time_ns
        newer = event.time_ns >= self.latest_ns
        if event.job is not None and (newer or self.nameless):  # some rename their job as they go on
            self.job, self.nameless = event.job, False
        self.parent = (event.parent or self.parent) if newer else (self.parent or event.parent)
        self.facts = {**self.facts, **event.run_facts} if newer else {**event.run_facts, **self.facts}
        self.latest_ns = max(self.latest_ns, event.time_ns)
        if event.recorded:
            self.facts["recorded"] = True

    def take_dataset(self, seen: DatasetSeen, assets: Assets, version: int | None) -> None:
        """Take in what an event tells of a dataset that the run read or wrote."""
        key = (assets[seen.identity], seen.role)
        fresh = key not in self.rows
        row = self.rows.setdefault(key, Row())
        facts = row.facts
        if version is not None:  # inputs as they were first, outputs as they were last
            known = [one for one in (row.version, version) if one is not None]
            row.version = min(known) if seen.role == "input" else max(known)
        row.label = seen.label or row.label
        facts.update(seen.facts)
        if seen.role == "input":
            if seen.declared:
                facts.pop("declared", None)
            elif fresh:
                facts["declared"] = False
            return
        if seen.sources is not None:
            facts["explicit"] = _union(facts.get("explicit"), (assets[one] for one in seen.sources))
        elif seen.columns:
            facts["columns"] = _union(facts.get("columns"), (assets[one.source] for one in seen.columns))
        if seen.previous is not None and seen.change == "rename":
            facts["renamed"] = _union(facts.get("renamed"), [assets[seen.previous]])
        if seen.change is not None:
            facts["changes"] = sorted({*facts.get("changes", ()), seen.change})

    def mentioned(self) -> Iterator[int]:
        """Every asset that its rows name."""
        for (asset, _), row in self.rows.items():
            yield asset
            for key in SOURCES:
                yield from row.facts.get(key, ())


def _union(known: Sequence[int] | None, more: Iterable[int]) -> list[int]:
    return sorted({*(known or ()), *more})
