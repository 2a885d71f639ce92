"""The catalog's tables, as SQLModel describes them: for migrations, `alembic check` and objects.

Nothing on the hot path imports this module: bulk loading and reading speak SQL through
`engine.Database`. Times are nanoseconds since the epoch, sizes are bytes, unknown is NULL.

How rows lie on disk is part of the design. A file's key is (directory, name) and, in SQLite, the
table itself is that key (WITHOUT ROWID): the rows of a directory lie together, and no second
index repeats their names. Searching by name goes through `name_block`, see `store/names.py`;
sorting by size or time goes through the bounds kept in `directory`, see `store/search.py`.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, LargeBinary, MetaData, Text
from sqlmodel import Field, SQLModel

# Set before any table is declared: Alembic can only alter constraints that have names.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Table(SQLModel):
    """Base of all tables: gives the metadata its naming convention."""

    metadata = MetaData(naming_convention=NAMING)


# SQLite gives only a column declared INTEGER PRIMARY KEY its row id; Postgres wants 64 bits.
_ID = BigInteger().with_variant(Integer(), "sqlite")
# Names sort by code point in both databases, whatever the server's locale.
_NAME = Text().with_variant(Text(collation="C"), "postgresql")


Digest = bytes  # a column named `bytes` hides the builtin inside its class


def _key(name: str, target: str | None = None, *, primary: bool = False, nullable: bool = False) -> Column:  # type: ignore[type-arg]
    references = [ForeignKey(target)] if target else []
    return Column(name, _ID, *references, primary_key=primary, nullable=nullable, autoincrement=name == "id")


class Silo(Table, table=True):
    """A registered storage location. `options` is a JSON object of strings; secrets are references."""

    id: int = Field(sa_column=_key("id", primary=True))
    name: str = Field(sa_type=Text, unique=True)
    url: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    options: str = Field(sa_type=Text, default="{}")
    added_ns: int = Field(sa_type=BigInteger)


class Crawl(Table, table=True):
    """One pass over a silo or a part of it.

    `worker` is `host:pid` of the process that runs it, `report` the JSON of what was counted.
    """

    id: int = Field(sa_column=_key("id", primary=True))
    silo_id: int = Field(sa_column=_key("silo_id", "silo.id"))
    prefix: str = Field(sa_type=Text, default="")
    mode: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    started_ns: int = Field(sa_type=BigInteger)
    ended_ns: int | None = Field(sa_type=BigInteger, default=None)
    heartbeat_ns: int = Field(sa_type=BigInteger)
    worker: str = Field(sa_type=Text, default="")
    report: str | None = Field(sa_type=Text, default=None)

    __table_args__ = (Index("ix_crawl_silo_id", "silo_id"),)


class Directory(Table, table=True):
    """A directory (or key prefix) of a silo.

    `digest` covers its own entries and subdirectory names: equal digest, nothing to do. `own_*`
    count its direct files, `sub_*` everything at and below it. `newest_ns`, `oldest_ns`,
    `largest` and `smallest` bound its direct files, so that a search can pass over it unread.
    `mtime_ns` is the directory's own time, kept only when it can be trusted. `changed_crawl` is the
    last crawl that found it different, `removed_crawl` the one that found it gone: a crawl that
    finds nothing new writes no row here.
    """

    id: int = Field(sa_column=_key("id", primary=True))
    silo_id: int = Field(sa_column=_key("silo_id", "silo.id"))
    parent_id: int | None = Field(sa_column=_key("parent_id", "directory.id", nullable=True))
    path: str = Field(sa_type=_NAME)
    digest: bytes | None = Field(sa_type=LargeBinary, default=None)
    directories: int = Field(default=0)
    own_files: int = Field(sa_type=BigInteger, default=0)
    own_bytes: int = Field(sa_type=BigInteger, default=0)
    sub_files: int = Field(sa_type=BigInteger, default=0)
    sub_bytes: int = Field(sa_type=BigInteger, default=0)
    newest_ns: int | None = Field(sa_type=BigInteger, default=None)
    oldest_ns: int | None = Field(sa_type=BigInteger, default=None)
    largest: int | None = Field(sa_type=BigInteger, default=None)
    smallest: int | None = Field(sa_type=BigInteger, default=None)
    mtime_ns: int | None = Field(sa_type=BigInteger, default=None)
    changed_crawl: int = Field(sa_type=BigInteger)
    removed_crawl: int | None = Field(sa_type=BigInteger, default=None)

    __table_args__ = (
        Index("uq_directory_silo_id_path", "silo_id", "path", unique=True),
        Index("ix_directory_silo_id_changed_crawl", "silo_id", "changed_crawl"),
        Index("ix_directory_parent_id", "parent_id"),
    )


class File(Table, table=True):
    """A live file. `format` is what its content showed when it was inspected, else what its name claims."""

    directory_id: int = Field(sa_column=_key("directory_id", primary=True))
    name: str = Field(sa_type=_NAME, primary_key=True)
    size: int | None = Field(sa_type=BigInteger, default=None)
    mtime_ns: int | None = Field(sa_type=BigInteger, default=None)
    etag: str | None = Field(sa_type=Text, default=None)
    format: str | None = Field(sa_type=Text, default=None)
    first_crawl: int = Field(sa_type=BigInteger)

    __table_args__ = ({"sqlite_with_rowid": False},)


class FileHistory(Table, table=True):
    """A state of a file that is no longer true: it held from `first_crawl` until `last_crawl` saw otherwise."""

    __tablename__ = "file_history"

    directory_id: int = Field(sa_column=_key("directory_id", primary=True))
    name: str = Field(sa_type=_NAME, primary_key=True)
    last_crawl: int = Field(sa_type=BigInteger, primary_key=True)
    size: int | None = Field(sa_type=BigInteger, default=None)
    mtime_ns: int | None = Field(sa_type=BigInteger, default=None)
    etag: str | None = Field(sa_type=Text, default=None)
    format: str | None = Field(sa_type=Text, default=None)
    first_crawl: int = Field(sa_type=BigInteger)

    __table_args__ = ({"sqlite_with_rowid": False},)


class NameBlock(Table, table=True):
    """Which directory (or, in a large one, which range of its names) a search text speaks of."""

    __tablename__ = "name_block"

    text_id: int = Field(sa_column=_key("text_id", primary=True))
    directory_id: int = Field(sa_column=_key("directory_id", primary=True))
    first: str | None = Field(sa_type=_NAME, default=None)
    last: str | None = Field(sa_type=_NAME, default=None)

    __table_args__ = (Index("ix_name_block_directory_id", "directory_id"), {"sqlite_with_rowid": False})


class Schema(Table, table=True):
    """A distinct canonical schema, stored once. `digest` is the hex SHA-256 of its canonical JSON."""

    id: int = Field(sa_column=_key("id", primary=True))
    digest: str = Field(sa_type=Text, unique=True)
    columns: int = Field(default=0)


class SchemaField(Table, table=True):
    """One field of a schema, in order. `name` is the path, folded for searching."""

    __tablename__ = "field"

    schema_id: int = Field(sa_column=_key("schema_id", "schema.id", primary=True))
    position: int = Field(primary_key=True)
    path: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    type: str = Field(sa_type=Text)
    nullable: bool = Field(default=True)
    doc: str | None = Field(sa_type=Text, default=None)

    __table_args__ = (Index("ix_field_name", "name"), {"sqlite_with_rowid": False})


class Inspection(Table, table=True):
    """What reading a file's header told, valid while its state (`size`, `mtime_ns`, `etag`) stands."""

    directory_id: int = Field(sa_column=_key("directory_id", primary=True))
    name: str = Field(sa_type=_NAME, primary_key=True)
    size: int | None = Field(sa_type=BigInteger, default=None)
    mtime_ns: int | None = Field(sa_type=BigInteger, default=None)
    etag: str | None = Field(sa_type=Text, default=None)
    crawl_id: int = Field(sa_type=BigInteger)
    format: str | None = Field(sa_type=Text, default=None)
    claimed: str | None = Field(sa_type=Text, default=None)
    evidence: str | None = Field(sa_type=Text, default=None)
    schema_id: int | None = Field(sa_column=_key("schema_id", "schema.id", nullable=True))
    rows: int | None = Field(sa_type=BigInteger, default=None)
    codec: str | None = Field(sa_type=Text, default=None)
    details: str | None = Field(sa_type=Text, default=None)
    finding: str | None = Field(sa_type=Text, default=None)
    finding_detail: str | None = Field(sa_type=Text, default=None)

    __table_args__ = ({"sqlite_with_rowid": False},)


class Asset(Table, table=True):
    """Anything with lineage: today a dataset or a model found by grouping files.

    (`silo_id`, `root`, `rule`, `key`) is how grouping finds the asset again, so its id outlives
    every crawl. `namespace` and `name` are its canonical identity; `path` is its name inside the
    silo, as people type it. Totals are those of the current version; `sampled_version` is the last
    version of which files were opened, `inspected` how many of its files have been.
    """

    id: int = Field(sa_column=_key("id", primary=True))
    kind: str = Field(sa_type=Text)
    namespace: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    silo_id: int | None = Field(sa_column=_key("silo_id", "silo.id", nullable=True))
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
    schema_id: int | None = Field(sa_column=_key("schema_id", "schema.id", nullable=True))
    version: int = Field(default=0)
    fingerprint: str = Field(sa_type=Text, default="")
    sampled_version: int = Field(default=0)
    inspected: int = Field(default=0)
    codec: str | None = Field(sa_type=Text, default=None)
    finding: str | None = Field(sa_type=Text, default=None)
    first_crawl: int = Field(sa_type=BigInteger)
    removed_crawl: int | None = Field(sa_type=BigInteger, default=None)

    __table_args__ = (
        Index("uq_asset_identity", "silo_id", "kind", "namespace", "name", unique=True),
        Index("uq_asset_group", "silo_id", "root", "rule", "key", unique=True),
        Index("ix_asset_newest_ns", "newest_ns"),
        Index("ix_asset_path", "path"),
        Index("ix_asset_schema_id", "schema_id"),
    )


class Part(Table, table=True):
    """The files of one directory that share a naming pattern and a format; an asset is a set of parts."""

    directory_id: int = Field(sa_column=_key("directory_id", primary=True))
    pattern: str = Field(sa_type=Text, primary_key=True)
    format: str = Field(sa_type=Text, primary_key=True, default="")
    role: str = Field(sa_type=Text, default="data")
    dense: bool = Field(default=False)
    files: int = Field(sa_type=BigInteger)
    bytes: int | None = Field(sa_type=BigInteger, default=None)
    newest_ns: int | None = Field(sa_type=BigInteger, default=None)
    digest: Digest = Field(sa_type=LargeBinary)
    asset_id: int | None = Field(sa_column=_key("asset_id", nullable=True))

    __table_args__ = (Index("ix_part_asset_id", "asset_id"), {"sqlite_with_rowid": False})


class AssetVersion(Table, table=True):
    """An immutable state of an asset, as one crawl found it."""

    __tablename__ = "asset_version"

    asset_id: int = Field(sa_column=_key("asset_id", "asset.id", primary=True))
    number: int = Field(primary_key=True)
    crawl_id: int = Field(sa_type=BigInteger)
    observed_ns: int = Field(sa_type=BigInteger)
    fingerprint: str = Field(sa_type=Text)
    schema_id: int | None = Field(sa_column=_key("schema_id", "schema.id", nullable=True))
    files: int = Field(sa_type=BigInteger)
    bytes: int | None = Field(sa_type=BigInteger, default=None)
    rows: int | None = Field(sa_type=BigInteger, default=None)
    newest_ns: int | None = Field(sa_type=BigInteger, default=None)

    __table_args__ = ({"sqlite_with_rowid": False},)


class Annotation(Table, table=True):
    """The user's own words about an asset (`owner`, `tag`, `description`); no crawl touches them."""

    asset_id: int = Field(sa_column=_key("asset_id", "asset.id", primary=True))
    kind: str = Field(sa_type=Text, primary_key=True)
    value: str = Field(sa_type=Text, primary_key=True)
    added_ns: int = Field(sa_type=BigInteger)

    __table_args__ = (Index("ix_annotation_kind_value", "kind", "value"), {"sqlite_with_rowid": False})
