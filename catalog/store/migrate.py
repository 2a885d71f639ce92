"""Bring a database to the schema this release needs.

Opening a catalog compares one version number and loads nothing; SQLAlchemy and Alembic are
imported only when there is something to migrate.
"""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.errors import StoreBusy, StoreOutdated, StoreTooNew
from catalog.store.engine import Database, dialect_of, shown, sqlite_path, store_errors

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0007"
"""The newest revision under `migrations/versions`; a test holds the two together."""

KNOWN = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
"""Every revision this release knows, oldest first."""

UNMANAGED = ("name_text", "asset_text")
"""Full-text tables, made by hand in the migrations because each database has its own kind."""


def default_url() -> str:
    """The database a bare `alembic` command works on."""
    return os.environ.get("CATALOG_DB") or "sqlite:///catalog.db"


def sqlalchemy_url(url: str) -> str:
    """The catalog's URL as SQLAlchemy spells it: psycopg is the Postgres driver."""
    if dialect_of(url) == "postgresql":
        return "postgresql+psycopg://" + url.partition("://")[2]
    return url


def revision(db: Database) -> str | None:
    """The revision a database is at; None for an empty one. Raises `StoreError` for what is no catalog."""
    table = (
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
        if db.dialect == "sqlite"
        else "SELECT 1 WHERE to_regclass('alembic_version') IS NOT NULL"
    )
    if not db.value(table):
        return None
    found = db.value("SELECT version_num FROM alembic_version")
    return str(found) if found is not None else None


def require_current(db: Database) -> None:
    """Raise `StoreOutdated` or `StoreTooNew` unless the database has this release's schema."""
    found = revision(db)
    if found == HEAD:
        return
    where = shown(db.url)
    if found is None or found in KNOWN:
        raise StoreOutdated(
            f"The catalog at {where} has an older schema ({found or 'none'}; this release needs {HEAD}).",
            hint="catalog db upgrade",
        )
    raise StoreTooNew(
        f"The catalog at {where} was written by a newer release (schema {found}; this release knows {HEAD}).",
        hint="Upgrade: pip install -U silograph. Nothing was changed.",
    )


def config(url: str) -> Config:
    """Alembic's configuration for a database, as the installed package builds it."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    made.set_main_option("sqlalchemy.url", sqlalchemy_url(url).replace("%", "%%"))
    return made


def upgrade(url: str) -> tuple[str | None, str]:
    """Migrate to the newest schema and return (revision before, revision after).

    Creates the database when there is none. Two processes may call this at once: one migrates,
    the other waits or finds the work done.
    """
    with closing(Database(url)) as db:
        before = revision(db)
        if before == HEAD:
            return before, before
        if before is not None and before not in KNOWN:
            require_current(db)
    from alembic import command

    with store_errors(url), _only_one(url):
        command.upgrade(config(url), "head")
    return before, HEAD


def check(url: str) -> list[str]:
    """What is wrong with a database, as sentences: the file itself, its schema, its totals."""
    with closing(Database(url, write=False)) as db:
        require_current(db)
        problems = []
        if db.dialect == "sqlite":
            problems += [f"integrity: {row[0]}" for row in db.all("PRAGMA quick_check(20)") if row[0] != "ok"]
        problems += [
            f"directory '{path}' says {own} files and holds {held}"
            for path, own, held in db.all(
                "SELECT d.path, d.own_files, COALESCE(f.held, 0) FROM directory d LEFT JOIN "
                "(SELECT directory_id, COUNT(*) AS held FROM file GROUP BY directory_id) f ON f.directory_id = d.id "
                "WHERE d.own_files <> COALESCE(f.held, 0) LIMIT 20"
            )
        ]
        problems += [
            f"directory '{path}' counts {counted} files at and below it, the sum is {actual}"
            for path, counted, actual in db.all(
                "SELECT d.path, d.sub_files, d.own_files + COALESCE(c.below, 0) FROM directory d LEFT JOIN "
                "(SELECT parent_id, SUM(sub_files) AS below FROM directory GROUP BY parent_id) c ON c.parent_id = d.id "
                "WHERE d.sub_files <> d.own_files + COALESCE(c.below, 0) LIMIT 20"
            )
        ]
    return problems


def backup(url: str, target: Path) -> None:
    """Copy a SQLite catalog, consistent even while a crawl writes. Raises `StoreError` when `target` exists."""
    import sqlite3

    from catalog.errors import StoreError
    from catalog.store.engine import _create_private

    if dialect_of(url) != "sqlite":
        raise StoreError("A Postgres catalog is backed up with its own tools.", hint=f"pg_dump {shown(url)}")
    if target.exists():
        raise StoreError(f"{target} exists already.", hint="Choose another file name.")
    with closing(Database(url, write=False)) as db:
        require_current(db)
        with store_errors(f"sqlite:///{target}"):
            _create_private(target)
            with closing(sqlite3.connect(target)) as copy:
                db.raw.backup(copy)


class _only_one:  # noqa: N801 (used as a context manager, like contextlib.closing)
    """Holds a lock file (SQLite) or an advisory lock (Postgres) while a database is migrated."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __enter__(self) -> None:
        if dialect_of(self.url) == "sqlite":
            import fcntl

            path = sqlite_path(self.url)
            self._file = path.with_name(path.name + ".migrating").open("w")
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                self._file.close()
                raise StoreBusy(f"Another process is upgrading {path}.", hint="Wait for it, then try again.") from error
        else:
            self._db = Database(self.url)
            self._db.execute("SELECT pg_advisory_lock(?)", (0x5110,))

    def __exit__(self, *_: object) -> None:
        if dialect_of(self.url) == "sqlite":
            Path(self._file.name).unlink(missing_ok=True)
            self._file.close()
        else:
            self._db.close()
