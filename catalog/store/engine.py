"""One small door to both databases: connections, transactions, errors in our own words.

The hot path speaks SQL through `Database`, over the standard library's sqlite3 or over psycopg;
SQLAlchemy is loaded only to migrate. Statements are written once with `?` for parameters; where
the two databases differ, the difference stands beside the statement that needs it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from catalog.errors import (
    CatalogError,
    MissingExtra,
    NotFound,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreReadOnly,
    UsageError,
)

Dialect = Literal["sqlite", "postgresql"]
Row = tuple[Any, ...]

# WAL lets readers go on while a crawl writes; NORMAL survives a killed process and loses at most
# the last transactions on power loss, which the next crawl brings back.
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    "PRAGMA busy_timeout=5000",
    "PRAGMA cache_size=-32768",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA journal_size_limit=67108864",
)
# Takes effect in a new database only. Larger pages are split and logged less often while a crawl loads.
_PAGE = "PRAGMA page_size=16384"
# Readers map the file; a crawl must not, or its memory would seem to grow with the catalog.
_MMAP = "PRAGMA mmap_size=1073741824"


class Cursor(Protocol):
    """The part of DB-API cursors that both drivers share."""

    rowcount: int

    def fetchall(self) -> list[Row]:
        """All remaining rows."""
        ...

    def fetchone(self) -> Row | None:
        """The next row, or None."""
        ...

    def fetchmany(self, size: int) -> list[Row]:
        """Up to `size` rows."""
        ...

    def __iter__(self) -> Iterator[Row]: ...


class Database:
    """An open catalog database. Not shared between threads; open one a thread.

    `write=False` opens for reading: nothing is created, and writing raises `StoreReadOnly`.
    """

    dialect: Dialect

    def __init__(self, url: str, *, write: bool = True) -> None:
        self.url = url
        self.write = write
        self.dialect = dialect_of(url)
        self._raw: Any = _open_sqlite(url, write) if self.dialect == "sqlite" else _open_postgres(url, write)

    @property
    def raw(self) -> Any:
        """The driver's own connection, for what only one database can do (COPY, backup)."""
        return self._raw

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> Cursor:
        """Run one statement. Raises `StoreError` and its kin."""
        with store_errors(self.url):
            if self.dialect == "sqlite":
                return cast(Cursor, self._raw.execute(sql, parameters))
            return cast(Cursor, self._raw.execute(_percent(sql), parameters or None))

    def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for many rows."""
        with store_errors(self.url):
            if self.dialect == "sqlite":
                self._raw.executemany(sql, rows)
            else:
                with self._raw.cursor() as cursor:
                    cursor.executemany(_percent(sql), list(rows))

    def all(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows of a query."""
        with store_errors(self.url):
            return self.execute(sql, parameters).fetchall()

    def one(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        """The first row of a query, or None."""
        with store_errors(self.url):
            return self.execute(sql, parameters).fetchone()

    def value(self, sql: str, parameters: Sequence[object] = ()) -> Any:
        """The first column of the first row, or None."""
        row = self.one(sql, parameters)
        return row[0] if row else None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """One write transaction; rolled back when the block raises.

        SQLite takes the write lock at once (BEGIN IMMEDIATE): a transaction that first reads and
        then asks for the lock fails under contention whatever the timeout.
        """
        with store_errors(self.url):
            if not self.write:
                raise StoreReadOnly("This catalog was opened for reading only.")
            self._raw.execute("BEGIN IMMEDIATE" if self.dialect == "sqlite" else "BEGIN")
            try:
                yield
            except BaseException:
                with contextlib.suppress(Exception):  # the first error is the one to tell
                    self._raw.execute("ROLLBACK")
                raise
            self._raw.execute("COMMIT")

    def interrupt(self) -> None:
        """Stop the statement that is running in another thread."""
        if self.dialect == "sqlite":
            self._raw.interrupt()
        else:
            self._raw.cancel()

    def close(self) -> None:
        """Close the connection."""
        self._raw.close()


def dialect_of(url: str) -> Dialect:
    """Which database a URL names: `sqlite:///path`, `postgresql://…`. Raises `UsageError`."""
    scheme = url.partition(":")[0].lower()
    if scheme == "sqlite":
        return "sqlite"
    if scheme in ("postgresql", "postgres"):
        return "postgresql"
    raise UsageError(
        f"'{url}' is no database this catalog knows.",
        hint="Use a file path, sqlite:///path/to/catalog.db or postgresql://user@host/name.",
    )


def sqlite_path(url: str) -> Path:
    """The file of a `sqlite:///path` URL (three slashes: relative or absolute path follows)."""
    return Path(url.removeprefix("sqlite:///"))


def none_yet(url: str) -> NotFound:
    """What reading a catalog ends with that nobody has made."""
    return NotFound(
        f"There is no catalog at {shown(url)} yet.",
        hint="Add a silo to make one: catalog silo add NAME URL, or look at a demo: catalog demo",
    )


def _open_sqlite(url: str, write: bool) -> sqlite3.Connection:
    path = sqlite_path(url)
    if not write and not path.exists():
        raise none_yet(url)
    with store_errors(url):
        if write and not path.exists():
            _create_private(path)
        mode = "rwc" if write else "ro"
        quoted = str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
        raw = sqlite3.connect(f"file:{quoted}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False)
        for pragma in _PRAGMAS[1:]:
            raw.execute(pragma)
        if write:
            raw.execute(_PAGE)
            raw.execute(_PRAGMAS[0])
        else:
            raw.execute(_MMAP)
            raw.execute("PRAGMA query_only=1")
        return raw


def _create_private(path: Path) -> None:
    # A catalog knows every file name a team has: only its owner may read it. SQLite gives its
    # -wal and -shm files the mode of the database.
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, stat.S_IRUSR | stat.S_IWUSR))


def _open_postgres(url: str, write: bool) -> Any:
    try:
        import psycopg
    except ImportError as error:
        raise MissingExtra("A Postgres catalog", "postgres") from error
    with store_errors(url):
        raw = psycopg.connect(url, autocommit=True, application_name="silograph")
        if not write:
            raw.execute("SET default_transaction_read_only = on")
        return raw


def _percent(sql: str) -> str:
    # psycopg marks parameters with %s. No statement of this package has a literal ? or %.
    return sql.replace("%", "%%").replace("?", "%s")


@contextlib.contextmanager
def store_errors(url: str) -> Iterator[None]:
    """Turn the drivers' errors into ours; what is ours already passes through."""
    try:
        yield
    except CatalogError:
        raise
    except sqlite3.Error as error:
        raise _from_sqlite(error, url) from error
    except OSError as error:
        raise _from_os(error, url) from error
    except Exception as error:  # psycopg is optional, so its classes cannot be named here
        if type(error).__module__.partition(".")[0] != "psycopg":
            raise
        raise _from_postgres(error, url) from error


def shown(url: str) -> str:
    """The URL as it may be printed: a file's path, or a server without password."""
    if dialect_of(url) == "sqlite":
        return str(sqlite_path(url))
    head, at, tail = url.partition("://")[2].rpartition("@")
    return f"postgresql://{head.partition(':')[0]}{at}{tail}"


def _from_sqlite(error: sqlite3.Error, url: str) -> StoreError:
    name = getattr(error, "sqlite_errorname", "") or ""
    where = shown(url)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreBusy(f"Another process is writing to {where}.", hint="Wait for it to finish, then try again.")
    if name.startswith("SQLITE_FULL"):
        return StoreFull(
            f"No space left to write {where}.", hint="Free some space; a crawl then goes on where it stopped."
        )
    if name.startswith("SQLITE_READONLY"):
        return StoreReadOnly(f"{where} cannot be written.", hint="Check its permissions, or choose another with --db.")
    if name.startswith("SQLITE_CANTOPEN"):
        return StoreError(
            f"{where} cannot be opened.", hint="Check the path and its permissions, or choose another with --db."
        )
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return StoreError(
            f"{where} is not a catalog, or is damaged ({error}).",
            hint="catalog db check tells more; a backup can be put in its place.",
        )
    if name.startswith("SQLITE_IOERR"):
        return StoreError(f"Reading or writing {where} failed ({name}).", hint="Check the disk and its free space.")
    return StoreError(f"The catalog at {where} answered: {error}.", hint="catalog db check")


def _from_os(error: OSError, url: str) -> StoreError:
    import errno

    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(f"No space left to write {shown(url)}.", hint="Free some space and try again.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StoreReadOnly(f"{shown(url)} cannot be written: {reason}.", hint="Choose another place with --db.")
    return StoreError(f"{shown(url)} cannot be opened: {reason}.", hint="Choose another place with --db.")


def _from_postgres(error: Exception, url: str) -> StoreError:
    state = getattr(error, "sqlstate", None) or ""
    where = shown(url)
    text = " ".join(str(error).split())
    if state in ("53100", "53200"):
        return StoreFull(f"The database server at {where} has no space left.", hint="Free some space there.")
    if state in ("55P03", "40P01", "40001"):
        return StoreBusy(f"Another process is writing to {where}.", hint="Try again.")
    if state in ("25006", "42501"):
        return StoreReadOnly(f"{where} may not be written: {text}", hint="Ask for a role that may write.")
    if not state or state.startswith(("08", "28", "3D")):
        return StoreError(
            f"Cannot connect to {where}: {text}", hint="Check the URL, the role and that the server runs."
        )
    return StoreError(f"The catalog at {where} answered: {text}", hint="catalog db check")
