"""Lineage: what evidence claims, and what a trace shows.

An *edge* joins two assets: data flows from `source` to `target`, so that upstream means against the
edges. Rooms that read evidence (harvesters, OpenLineage events) make `Claim`s, which name both
ends by identity; the store finds or makes the assets and keeps `Edge`s between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

AssetKind = Literal["dataset", "model", "volume", "partition", "filesystem", "pool", "array", "host"]
EvidenceKind = Literal["proof", "declared", "observed", "inferred"]
EdgeKind = Literal["derived", "trained", "based", "copied", "holds", "stores"]
"""What an edge says: the target was *derived* from the source by a job, a model was *trained* on it, a model
is *based* on another one, the target is a *copy*; a folder *holds* a dataset (or its part, the other way
round, where a job reads the folder); a volume, partition or filesystem *stores* what lies on it."""
Direction = Literal["up", "down"]

CONFIDENCE: Mapping[EvidenceKind, float] = {"proof": 1.0, "observed": 0.95, "declared": 0.9, "inferred": 0.5}
"""How far each kind of evidence is believed, where nothing says otherwise."""

COUNTED = 1_000
"""The edges at one side of an asset are counted up to here: this number means so many or more."""


class Identity(NamedTuple):
    """The canonical name of an asset or a job, after OpenLineage's naming specification."""

    namespace: str
    name: str


# ---------------------------------------------------------------- what evidence claims


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why an edge is believed.

    `origin` says what was read: a file's URI, `openlineage`, `record`. `field` is where in it (a key
    path such as `stages.train.deps[0]`), `line` the line counted from 1. What one origin claimed
    before and does not claim any more is retracted.
    """

    kind: EvidenceKind
    origin: str
    field: str | None = None
    line: int | None = None
    detail: str | None = None
    confidence: float | None = None

    @property
    def belief(self) -> float:
        """Between 0 and 1: the confidence given, or the usual one of the kind."""
        return CONFIDENCE[self.kind] if self.confidence is None else self.confidence


@dataclass(frozen=True, slots=True)
class End:
    """One end of a claimed edge. `version` is what the evidence calls the state it saw, `digest` its `kind:hex`."""

    identity: Identity
    kind: AssetKind = "dataset"
    version: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class ColumnClaim:
    """One column made from another. `transformation` is OpenLineage's `DIRECT/IDENTITY` or the like."""

    source_field: str
    target_field: str
    transformation: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """An edge as evidence tells it, before its ends are looked up."""

    source: End
    target: End
    kind: EdgeKind
    evidence: Evidence
    job: Identity | None = None
    valid_from_ns: int | None = None
    columns: tuple[ColumnClaim, ...] = ()


# ---------------------------------------------------------------- what a trace shows
# Nodes and edges are named tuples: a trace makes hundreds of them, and a frozen dataclass takes ten times as long.


class Node(NamedTuple):
    """An asset in a trace. `label` is what people call it: its path in a silo, or its canonical name.

    `up` and `down` are how many edges lead to and from it in the catalog, whether shown or not, counted up
    to `COUNTED`.
    """

    id: int
    kind: AssetKind
    namespace: str
    name: str
    label: str
    silo: str | None = None
    format: str | None = None
    version: int | None = None
    removed: bool = False
    up: int = 0
    down: int = 0


class Edge(NamedTuple):
    """An edge of the catalog's graph between two assets' ids.

    `valid_from_ns` to `valid_to_ns` is when it was true in the world, `observed_ns` to `retracted_ns` while the
    catalog believed it. `runs` counts the runs that showed it; `run` is the latest one's UUID. `job` is the job's
    name, unique within `job_namespace`.
    """

    id: int
    source: int
    target: int
    kind: EdgeKind
    evidence: EvidenceKind
    confidence: float
    origin: str
    field: str | None = None
    line: int | None = None
    detail: str | None = None
    job: str | None = None
    run: str | None = None
    runs: int = 0
    source_version: int | None = None
    target_version: int | None = None
    valid_from_ns: int | None = None
    valid_to_ns: int | None = None
    observed_ns: int = 0
    retracted_ns: int | None = None
    job_namespace: str | None = None


@dataclass(frozen=True, slots=True)
class ColumnEdge:
    """One column made from another, between two assets' ids."""

    source: int
    source_field: str
    target: int
    target_field: str
    transformation: str | None = None
    job: str | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """A piece of the graph around `focus`, walked in `directions`.

    `hops` gives each node's distance in edges, negative upstream. `more` gives the number of edges at a node, in the
    directions it was walked, that are not shown, be it for its fan-out, for the size of the whole or for the
    depth (nodes without any are absent), so that nothing is left out silently. Where a side of a node has `COUNTED`
    edges it may be more of them. `more_columns` counts the column edges that did not fit.
    """

    focus: tuple[int, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    hops: Mapping[int, int]
    more: Mapping[int, int] = field(default_factory=dict)
    columns: tuple[ColumnEdge, ...] = ()
    directions: tuple[Direction, ...] = ("up", "down")
    more_columns: int = 0

    @property
    def complete(self) -> bool:
        """True when no cap kept anything out."""
        return not self.more and not self.more_columns


@dataclass(frozen=True, slots=True)
class Affected:
    """One row of an impact list: an asset downstream, how far, and the edge by which it was first reached."""

    node: Node
    hop: int
    edge: Edge


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What importing lineage did. Counts are events, then assets and edges that were new."""

    read: int = 0
    accepted: int = 0
    repeated: int = 0
    rejected: int = 0
    runs: int = 0
    assets: int = 0
    edges: int = 0
    warnings: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    """(place, reason) of what was rejected: `events.ndjson:17`, and why."""


@dataclass(frozen=True, slots=True)
class Pending:
    """An asset that lineage names and no crawl has found. `reads` and `writes` count the edges from and to it.

    `silo` is the one whose address holds the name, `crawled_ns` when it was crawled last.
    """

    id: int
    kind: AssetKind
    namespace: str
    name: str
    uri: str
    named_by: str
    reads: int
    writes: int
    since_ns: int
    silo: str | None = None
    crawled_ns: int | None = None


# ---------------------------------------------------------------- the storage below


@dataclass(frozen=True, slots=True)
class Layer:
    """A piece of storage below a silo, as the silo itself reads it: a volume, a partition, a filesystem.

    `prefix` is the directory of the silo that holds what lies on it (empty: everything). `facts` are a
    few short words and numbers (label, uuid, type, block size). `above` is the index, in the same
    sequence, of the layer this one lies on; None for the lowest.
    """

    kind: AssetKind
    identity: Identity
    title: str
    prefix: str = ""
    above: int | None = None
    bytes: int | None = None
    facts: Mapping[str, str | int] = field(default_factory=dict)
