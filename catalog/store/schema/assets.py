"""Datasets and models, what was read from their files, and their versions."""

from __future__ import annotations

from sqlalchemy import BigInteger, Float, Index, LargeBinary, Text
from sqlmodel import Field

from catalog.store.schema.base import NAME, Table, id_column

Digest = bytes  # a column named `bytes` hides the builtin inside its class


class Schema(Table, table=True):
    """A distinct canonical schema, stored once. `digest` is the hex SHA-256 of its canonical JSON."""

    id: int = Field(sa_column=id_column("id", primary=True))
    digest: str = Field(sa_type=Text, unique=True)
    columns: int = Field(default=0)


class SchemaField(Table, table=True):
    """One field of a schema, in order. `name` is the path, folded for searching; `field_id` the file's own number."""

    __tablename__ = "field"

    schema_id: int = Field(sa_column=id_column("schema_id", "schema.id", primary=True))
    position: int = Field(primary_key=True)
    path: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    type: str = Field(sa_type=Text)
    nullable: bool = Field(default=True)
    doc: str | None = Field(sa_type=Text, default=None)
    field_id: int | None = Field(default=None)
    unit: str | None = Field(sa_type=Text, default=None)

    __table_args__ = (Index("ix_field_name", "name"), {"sqlite_with_rowid": False})


class Inspection(Table, table=True):
    """What reading a file's header told, valid while its state (`size`, `mtime_ns`, `etag`) stands."""

    directory_id: int = Field(sa_column=id_column("directory_id", primary=True))
    name: str = Field(sa_type=NAME, primary_key=True)
    size: int | None = Field(sa_type=BigInteger, default=None)
    mtime_ns: int | None = Field(sa_type=BigInteger, default=None)
    etag: str | None = Field(sa_type=Text, default=None)
    crawl_id: int = Field(sa_type=BigInteger)
    format: str | None = Field(sa_type=Text, default=None)
    claimed: str | None = Field(sa_type=Text, default=None)
    evidence: str | None = Field(sa_type=Text, default=None)
    schema_id: int | None = Field(sa_column=id_column("schema_id", "schema.id", nullable=True))
    rows: int | None = Field(sa_type=BigInteger, default=None)
    codec: str | None = Field(sa_type=Text, default=None)
    details: str | None = Field(sa_type=Text, default=None)
    finding: str | None = Field(sa_type=Text, default=None)
    finding_detail: str | None = Field(sa_type=Text, default=None)

    __table_args__ = ({"sqlite_with_rowid": False},)


class Asset(Table, table=True):
    """Anything with lineage: a dataset or a model found by grouping files, a piece of storage, or what
    evidence names and no crawl has found yet (`rule` is `named`, without a silo).

    (`silo_id`, `root`, `rule`, `key`) is how grouping finds the asset again, so its id outlives
    every crawl. `namespace` and `name` are its canonical identity; `path` is its name inside the
    silo, as people type it. Totals are those of the current version; `sampled_version` is the last
    version of which files were opened, `inspected` how many of its files have been. `merged_into` is the asset
    that this one turned out to be: its id goes on to lead there.
    """

    id: int = Field(sa_column=id_column("id", primary=True))
    kind: str = Field(sa_type=Text)
    namespace: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    silo_id: int | None = Field(sa_column=id_column("silo_id", "silo.id", nullable=True))
    path: str = Field(sa_type=Text)
    root: str = Field(sa_type=Text)
    rule: str = Field(sa_type=Text)
    key: str = Field(sa_type=Text)
    format: str | None = Field(sa_type=Text, default=None)
    confidence: float = Field(sa_type=Float, default=0.0)
    evidence: str = Field(sa_type=Text, default="")
    files: int = Field(sa_type=BigInteger, default=0)
    bytes: int | None = Field(sa_type=BigInteger, default=None)
    rows: int | None = Field(sa_type=BigInteger, default=None)
    newest_ns: int | None = Field(sa_type=BigInteger, default=None)
    schema_id: int | None = Field(sa_column=id_column("schema_id", "schema.id", nullable=True))
    version: int = Field(default=0)
    fingerprint: str = Field(sa_type=Text, default="")
    sampled_version: int = Field(default=0)
    inspected: int = Field(default=0)
    codec: str | None = Field(sa_type=Text, default=None)
    finding: str | None = Field(sa_type=Text, default=None)
    first_crawl: int = Field(sa_type=BigInteger)
    removed_crawl: int | None = Field(sa_type=BigInteger, default=None)
    merged_into: int | None = Field(sa_type=BigInteger, default=None)

    __table_args__ = (
        Index("uq_asset_identity", "silo_id", "kind", "namespace", "name", unique=True),
        Index("uq_asset_group", "silo_id", "root", "rule", "key", unique=True),
        Index("ix_asset_newest_ns", "newest_ns"),
        Index("ix_asset_path", "path"),
        Index("ix_asset_schema_id", "schema_id"),
    )


class Part(Table, table=True):
    """The files of one directory that share a naming pattern and a format; an asset is a set of parts."""

    directory_id: int = Field(sa_column=id_column("directory_id", primary=True))
    pattern: str = Field(sa_type=Text, primary_key=True)
    format: str = Field(sa_type=Text, primary_key=True, default="")
    role: str = Field(sa_type=Text, default="data")
    dense: bool = Field(default=False)
    files: int = Field(sa_type=BigInteger)
    bytes: int | None = Field(sa_type=BigInteger, default=None)
    newest_ns: int | None = Field(sa_type=BigInteger, default=None)
    digest: Digest = Field(sa_type=LargeBinary)
    asset_id: int | None = Field(sa_column=id_column("asset_id", nullable=True))

    __table_args__ = (Index("ix_part_asset_id", "asset_id"), {"sqlite_with_rowid": False})


class AssetVersion(Table, table=True):
    """An immutable state of an asset, as one crawl found it."""

    __tablename__ = "asset_version"

    asset_id: int = Field(sa_column=id_column("asset_id", "asset.id", primary=True))
    number: int = Field(primary_key=True)
    crawl_id: int = Field(sa_type=BigInteger)
    observed_ns: int = Field(sa_type=BigInteger)
    fingerprint: str = Field(sa_type=Text)
    schema_id: int | None = Field(sa_column=id_column("schema_id", "schema.id", nullable=True))
    files: int = Field(sa_type=BigInteger)
    bytes: int | None = Field(sa_type=BigInteger, default=None)
    rows: int | None = Field(sa_type=BigInteger, default=None)
    newest_ns: int | None = Field(sa_type=BigInteger, default=None)

    __table_args__ = ({"sqlite_with_rowid": False},)


class Annotation(Table, table=True):
    """The user's own words about an asset (`owner`, `tag`, `description`); no crawl touches them."""

    asset_id: int = Field(sa_column=id_column("asset_id", "asset.id", primary=True))
    kind: str = Field(sa_type=Text, primary_key=True)
    value: str = Field(sa_type=Text, primary_key=True)
    added_ns: int = Field(sa_type=BigInteger)

    __table_args__ = (Index("ix_annotation_kind_value", "kind", "value"), {"sqlite_with_rowid": False})


class Classification(Table, table=True):
    """That somebody looked for sensitive columns of an asset: in which version, by which crawl, in how many columns.

    `problems` is a JSON list of sentences about what could not be looked into.
    """

    asset_id: int = Field(sa_column=id_column("asset_id", "asset.id", primary=True))
    version: int
    crawl_id: int = Field(sa_type=BigInteger)
    columns: int
    problems: str = Field(sa_type=Text)


class ColumnLabel(Table, table=True):
    """A sensitive column of an asset, as the last crawl that looked for them found it. No value is kept."""

    __tablename__ = "column_label"

    asset_id: int = Field(sa_column=id_column("asset_id", "asset.id", primary=True))
    path: str = Field(sa_type=Text, primary_key=True)
    position: int
    label: str = Field(sa_type=Text)
    country: str | None = Field(sa_type=Text, default=None)
    score: float = Field(sa_type=Float)
    sampled: int = Field(sa_type=BigInteger)
    matched: int = Field(sa_type=BigInteger)
    crawl_id: int = Field(sa_type=BigInteger)

    __table_args__ = (Index("ix_column_label_label", "label"), {"sqlite_with_rowid": False})
