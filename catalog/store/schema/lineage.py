"""The lineage graph: identities, jobs, runs, edges, and what they were read from."""

from __future__ import annotations

from sqlalchemy import BigInteger, Float, Index, Text, text
from sqlmodel import Field

from catalog.store.schema.base import Table, id_column

_LIVE = text("retracted_ns IS NULL")


class Alias(Table, table=True):
    """Another identity of an asset, or the only one of an asset that no crawl has found yet.

    What a crawl found is looked up by its silo's address and needs no row here. `kind` is `named` (an
    event or a record used it), `symlink`, or `table` (opaque: no path); `origin_id` says who told.
    """

    namespace: str = Field(sa_type=Text, primary_key=True)
    name: str = Field(sa_type=Text, primary_key=True)
    asset_id: int = Field(sa_column=id_column("asset_id", "asset.id"))
    kind: str = Field(sa_type=Text, default="named")
    origin_id: int | None = Field(sa_column=id_column("origin_id", "origin.id", nullable=True))
    added_ns: int = Field(sa_type=BigInteger)

    __table_args__ = (Index("ix_alias_asset_id", "asset_id"), {"sqlite_with_rowid": False})


class Origin(Table, table=True):
    """What lineage was read from: a file of evidence by its URI, or `openlineage`, `record`, `storage`.

    `digest` is the state of that file when it was read last: an equal one need not be read again.
    """

    id: int = Field(sa_column=id_column("id", primary=True))
    uri: str = Field(sa_type=Text, unique=True)
    silo_id: int | None = Field(sa_column=id_column("silo_id", "silo.id", nullable=True))
    digest: str | None = Field(sa_type=Text, default=None)
    read_ns: int = Field(sa_type=BigInteger)

    __table_args__ = (Index("ix_origin_silo_id", "silo_id"),)


class Job(Table, table=True):
    """A process that reads and writes assets. `facts` is a JSON object of what its events told of it."""

    id: int = Field(sa_column=id_column("id", primary=True))
    namespace: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    facts: str | None = Field(sa_type=Text, default=None)
    first_ns: int = Field(sa_type=BigInteger)
    last_ns: int = Field(sa_type=BigInteger)

    __table_args__ = (Index("uq_job_identity", "namespace", "name", unique=True),)


class Run(Table, table=True):
    """One execution of a job. `state` is OpenLineage's last event type, in lower case."""

    id: int = Field(sa_column=id_column("id", primary=True))
    uuid: str = Field(sa_type=Text, unique=True)
    job_id: int = Field(sa_column=id_column("job_id", "job.id"))
    state: str = Field(sa_type=Text, default="other")
    started_ns: int | None = Field(sa_type=BigInteger, default=None)
    ended_ns: int | None = Field(sa_type=BigInteger, default=None)
    parent_uuid: str | None = Field(sa_type=Text, default=None)
    facts: str | None = Field(sa_type=Text, default=None)

    __table_args__ = (Index("ix_run_job_id", "job_id"),)


class RunAsset(Table, table=True):
    """What one run read (`input`) and wrote (`output`), gathered over all its events.

    `version` is the catalog's version of the asset that was current then, `label` what the event
    itself called the state.
    """

    __tablename__ = "run_asset"

    run_id: int = Field(sa_column=id_column("run_id", "run.id", primary=True))
    asset_id: int = Field(sa_column=id_column("asset_id", "asset.id", primary=True))
    role: str = Field(sa_type=Text, primary_key=True)
    version: int | None = Field(default=None)
    label: str | None = Field(sa_type=Text, default=None)
    facts: str | None = Field(sa_type=Text, default=None)

    __table_args__ = (Index("ix_run_asset_asset_id", "asset_id"), {"sqlite_with_rowid": False})


class Edge(Table, table=True):
    """Data flows from `source_id` to `target_id`: once for each kind, job and origin that says so.

    `job_id` is 0 where there is none. `run_id` is the latest run that showed the edge and `runs` how many
    did. `valid_*` is when it was true in the world, `observed_ns` to `retracted_ns` while the catalog
    believed it.
    """

    id: int = Field(sa_column=id_column("id", primary=True))
    source_id: int = Field(sa_column=id_column("source_id", "asset.id"))
    target_id: int = Field(sa_column=id_column("target_id", "asset.id"))
    kind: str = Field(sa_type=Text)
    job_id: int = Field(sa_type=BigInteger, default=0)
    origin_id: int = Field(sa_column=id_column("origin_id", "origin.id"))
    evidence: str = Field(sa_type=Text)
    confidence: float = Field(sa_type=Float)
    field: str | None = Field(sa_type=Text, default=None)
    line: int | None = Field(default=None)
    detail: str | None = Field(sa_type=Text, default=None)
    run_id: int | None = Field(sa_type=BigInteger, default=None)
    runs: int = Field(default=0)
    source_version: int | None = Field(default=None)
    target_version: int | None = Field(default=None)
    valid_from_ns: int | None = Field(sa_type=BigInteger, default=None)
    valid_to_ns: int | None = Field(sa_type=BigInteger, default=None)
    observed_ns: int = Field(sa_type=BigInteger)
    retracted_ns: int | None = Field(sa_type=BigInteger, default=None)

    __table_args__ = (
        Index(
            "uq_edge_live", "source_id", "target_id", "kind", "job_id", "origin_id",
            unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE,
        ),
        # Walks ask for the edges of an asset that stand, in the order of their other ends, and count them.
        Index("ix_edge_source_id", "source_id", "retracted_ns", "target_id"),
        Index("ix_edge_target_id", "target_id", "retracted_ns", "source_id"),
        Index("ix_edge_origin_id", "origin_id"),
    )  # fmt: skip


class ColumnEdge(Table, table=True):
    """One column made from another, as one job or origin tells it."""

    __tablename__ = "column_edge"

    source_id: int = Field(sa_column=id_column("source_id", "asset.id", primary=True))
    source_field: str = Field(sa_type=Text, primary_key=True)
    target_id: int = Field(sa_column=id_column("target_id", "asset.id", primary=True))
    target_field: str = Field(sa_type=Text, primary_key=True)
    job_id: int = Field(sa_type=BigInteger, primary_key=True, default=0)
    origin_id: int = Field(sa_column=id_column("origin_id", "origin.id", primary=True))
    transformation: str | None = Field(sa_type=Text, default=None)
    observed_ns: int = Field(sa_type=BigInteger)
    retracted_ns: int | None = Field(sa_type=BigInteger, default=None)

    __table_args__ = (
        Index("ix_column_edge_target_id", "target_id"),
        Index("ix_column_edge_origin_id", "origin_id"),
        {"sqlite_with_rowid": False},
    )


class Event(Table, table=True):
    """An OpenLineage event as it came, kept once: `digest` is the hex SHA-256 of its canonical JSON."""

    id: int = Field(sa_column=id_column("id", primary=True))
    digest: str = Field(sa_type=Text, unique=True)
    run_uuid: str | None = Field(sa_type=Text, default=None)
    type: str = Field(sa_type=Text)
    event_ns: int = Field(sa_type=BigInteger)
    received_ns: int = Field(sa_type=BigInteger)
    body: str = Field(sa_type=Text)

    __table_args__ = (Index("ix_event_run_uuid", "run_uuid"), Index("ix_event_event_ns", "event_ns"))
