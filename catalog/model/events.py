"""What one OpenLineage event tells, as plain values: canonical identities, times in nanoseconds, short facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from catalog.model.content import Field
from catalog.model.lineage import AssetKind, Identity

Told = Mapping[str, object]
"""A few short facts, as JSON holds them."""

RUN_STATES = ("start", "running", "complete", "abort", "fail", "other")
ENDED = ("complete", "abort", "fail")
FAILED = ("abort", "fail")


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column of a dataset made from a column of another one. `*` is the whole of either."""

    source: Identity
    source_field: str
    target_field: str
    transformation: str | None = None


@dataclass(frozen=True, slots=True)
class DatasetSeen:
    """A dataset as one event tells of it.

    `aliases` are other identities with their kind (`symlink`, or `table` for one that is no path).
    `sources` are what the explicit `lineage` facet names (None without that facet: then whatever the run
    read may be a source); `columns` come from it or from `columnLineage`. `change` is the lower-case
    lifecycle change, `previous` the identity before a rename.
    """

    identity: Identity
    role: Literal["input", "output", "dataset"]
    kind: AssetKind = "dataset"
    declared: bool = True
    """False for an input that only a facet of an output names."""
    label: str | None = None
    aliases: tuple[tuple[Identity, str], ...] = ()
    fields: tuple[Field, ...] = ()
    format: str | None = None
    owner: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    change: str | None = None
    previous: Identity | None = None
    sources: tuple[Identity, ...] | None = None
    columns: tuple[SourceColumn, ...] = ()
    facts: Told = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventSeen:
    """One event. `type` is a run's state (`start`, `complete` …), or `job` or `dataset` for an event without a run.

    `place` says where it stands (`events.ndjson:17`), `body` is its text as it came, on one line and in ASCII,
    `digest` the hex SHA-256 of its canonical JSON. `recorded` tells what this program's own recording wrote.
    """

    place: str
    digest: str
    body: str
    type: str
    time_ns: int
    run: str | None = None
    job: Identity | None = None
    parent: str | None = None
    recorded: bool = False
    datasets: tuple[DatasetSeen, ...] = ()
    job_facts: Told = field(default_factory=dict)
    run_facts: Told = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something that could not be read as an event, where it stands and why."""

    place: str
    reason: str
