"""Silos, crawls, and the files they found."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, LargeBinary, Text, text
from sqlmodel import Field

from catalog.store.schema.base import NAME, Table, id_column

_RUNNING = text("state = 'running'")
_ZERO = {"server_default": "0"}


class Silo(Table, table=True):
    """A registered storage location. `options` is a JSON object of strings; secrets are references.

    `namespace` and `root` are where its assets are named, after OpenLineage: known once it was crawled.
    """

    id: int = Field(sa_column=id_column("id", primary=True))
    name: str = Field(sa_type=Text, unique=True)
    url: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    options: str = Field(sa_type=Text, default="{}")
    added_ns: int = Field(sa_type=BigInteger)
    namespace: str | None = Field(sa_type=Text, default=None)
    root: str | None = Field(sa_type=Text, default=None)


class Crawl(Table, table=True):
    """One pass over a silo or a part of it.

    `worker` is `host:pid` of the process that runs it, `report` the JSON of what was counted. `cursor` is how far
    its listing has come, and the counts are what it has loaded: both move with each batch, in its transaction.
    """

    id: int = Field(sa_column=id_column("id", primary=True))
    silo_id: int = Field(sa_column=id_column("silo_id", "silo.id"))
    prefix: str = Field(sa_type=Text, default="")
    mode: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    started_ns: int = Field(sa_type=BigInteger)
    ended_ns: int | None = Field(sa_type=BigInteger, default=None)
    heartbeat_ns: int = Field(sa_type=BigInteger)
    worker: str = Field(sa_type=Text, default="")
    report: str | None = Field(sa_type=Text, default=None)
    cursor: str | None = Field(sa_type=Text, default=None)
    added: int = Field(sa_type=BigInteger, default=0, sa_column_kwargs=_ZERO)
    changed: int = Field(sa_type=BigInteger, default=0, sa_column_kwargs=_ZERO)
    removed: int = Field(sa_type=BigInteger, default=0, sa_column_kwargs=_ZERO)

    __table_args__ = (
        Index("ix_crawl_silo_id", "silo_id"),
        Index("ix_crawl_running", "silo_id", sqlite_where=_RUNNING, postgresql_where=_RUNNING),
    )


class Directory(Table, table=True):
    """A directory (or key prefix) of a silo.

    `digest` covers its own entries and subdirectory names: equal digest, nothing to do. `own_*`
    count its direct files, `sub_*` everything at and below it. `newest_ns`, `oldest_ns`,
    `largest` and `smallest` bound its direct files, so that a search can pass over it unread.
    `mtime_ns` is the directory's own time, kept only when it can be trusted. `changed_crawl` is the
    last crawl that found it different, `removed_crawl` the one that found it gone: a crawl that
    finds nothing new writes no row here.
    """

    id: int = Field(sa_column=id_column("id", primary=True))
    silo_id: int = Field(sa_column=id_column("silo_id", "silo.id"))
    parent_id: int | None = Field(sa_column=id_column("parent_id", "directory.id", nullable=True))
    path: str = Field(sa_type=NAME)
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

    directory_id: int = Field(sa_column=id_column("directory_id", primary=True))
    name: str = Field(sa_type=NAME, primary_key=True)
    size: int | None = Field(sa_type=BigInteger, default=None)
    mtime_ns: int | None = Field(sa_type=BigInteger, default=None)
    etag: str | None = Field(sa_type=Text, default=None)
    format: str | None = Field(sa_type=Text, default=None)
    first_crawl: int = Field(sa_type=BigInteger)

    __table_args__ = ({"sqlite_with_rowid": False},)


class FileHistory(Table, table=True):
    """A state of a file that is no longer true: it held from `first_crawl` until `last_crawl` saw otherwise."""

    __tablename__ = "file_history"

    directory_id: int = Field(sa_column=id_column("directory_id", primary=True))
    name: str = Field(sa_type=NAME, primary_key=True)
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

    text_id: int = Field(sa_column=id_column("text_id", primary=True))
    directory_id: int = Field(sa_column=id_column("directory_id", primary=True))
    first: str | None = Field(sa_type=NAME, default=None)
    last: str | None = Field(sa_type=NAME, default=None)

    __table_args__ = (Index("ix_name_block_directory_id", "directory_id"), {"sqlite_with_rowid": False})
