"""`catalog doctor`: is everything in place, and if not, what mends it."""

from __future__ import annotations

import codecs
import os
import platform
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from catalog import __version__, config
from catalog.cli.groups import app as application
from catalog.cli.options import Output, OutputOption, examples, session_of
from catalog.cli.output import emit
from catalog.cli.session import Session
from catalog.cli.silo import NO_SILOS
from catalog.errors import CatalogError, CheckFailed
from catalog.store import engine, migrate
from catalog.text import safe

if TYPE_CHECKING:
    from catalog.api import Catalog

app = application()

OLDEST_PYTHON = (3, 11)
NARROWEST = 80
CHECK_KEYS = ("status", "check", "detail", "hint")
EXTRAS = {
    "postgres": ("psycopg",),
    "frames": ("polars", "pandas"),
    "keyring": ("keyring",),
    "aws": ("botocore",),
    "ftp": ("ftputil",),
    "http": ("httpx2",),
    "sftp": ("paramiko",),
    "smb": ("smbprotocol",),
    "nfs": ("nfs_rs",),
    "classify": ("phonenumbers", "stdnum"),
}
_STYLES = {"ok": "green", "warn": "yellow", "fail": "red"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `hint` is what mends it, empty when nothing needs mending."""

    status: Literal["ok", "warn", "fail"]
    check: str
    detail: str
    hint: str = ""


@app.command(epilog=examples("catalog doctor", "catalog doctor --no-silos -o json"))
def doctor(
    ctx: typer.Context,
    silos: Annotated[bool, typer.Option("--silos/--no-silos", help="Try to reach every silo.")] = True,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="How long each silo may take.")
    ] = 5.0,
    output: OutputOption = Output.table,
) -> int:
    """Check Python, the terminal, the database, optional packages and the silos.

    Prints ok, warn or fail for each and ends with 6 when something failed.
    """
    session = session_of(ctx)
    failed = 0

    def counted() -> Iterator[Check]:
        nonlocal failed
        for one in _all(session, silos, timeout):
            failed += one.status == "fail"
            yield one

    if output is Output.table:
        for one in counted():
            _tell(session, one)
    else:
        emit(session, output, map(asdict, counted()), CHECK_KEYS, ())
    return CheckFailed.exit_code if failed else 0


def _all(session: Session, silos: bool, timeout: float) -> Iterator[Check]:
    yield _python()
    yield from _terminal(session)
    yield _encoding()
    yield _zone()
    yield from _extras()
    database = list(_database(session))
    yield from database
    if silos and all(one.status == "ok" for one in database):
        yield from _silos(session, timeout)


def _tell(session: Session, one: Check) -> None:
    status = session.paint(f"{one.status:<4}", _STYLES[one.status], sys.stdout)
    hint = f" -> {safe(one.hint)}" if one.hint else ""
    print(f"{status}  {safe(one.check)}: {safe(one.detail)}{hint}", flush=True)


def _python() -> Check:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}, silograph {__version__}"
    if sys.version_info < OLDEST_PYTHON:
        return Check("fail", "python", found, "Python 3.11 or later is needed.")
    return Check("ok", "python", found)


def _terminal(session: Session) -> Iterator[Check]:
    if not sys.stdout.isatty():
        yield Check("ok", "terminal", "stdout is no terminal: plain output, no progress")
        return
    wide, high = get_terminal_size()
    size = f"{wide}x{high}"
    if wide < NARROWEST:
        yield Check("warn", "terminal", size, f"The terminal UI wants {NARROWEST} columns.")
    else:
        yield Check("ok", "terminal", size)
    if not session.colour(sys.stdout):
        yield Check("ok", "colours", "off (--no-color, NO_COLOR or TERM=dumb)")
        return
    depth = "16 million" if os.environ.get("COLORTERM") in ("truecolor", "24bit") else "as TERM says"
    yield Check("ok", "colours", f"{depth} ({os.environ.get('TERM', 'TERM is not set')})")


def _encoding() -> Check:
    found = sys.stdout.encoding or "unknown"
    try:
        unicode = codecs.lookup(found).name.startswith("utf")
    except LookupError:
        unicode = False
    if not unicode:
        return Check("warn", "encoding", found, "export LC_ALL=C.UTF-8 (names may be shown with ?)")
    return Check("ok", "encoding", found)


def _zone() -> Check:
    from datetime import datetime

    here = datetime.now().astimezone()
    return Check("ok", "time zone", f"{here.tzname()} (UTC{here:%z}); all times are printed in UTC")


def _extras() -> Iterator[Check]:
    for extra, modules in EXTRAS.items():
        missing = [module for module in modules if find_spec(module) is None]
        if missing:
            hint = f"pip install 'silograph[{extra}]' (optional)"
            yield Check("warn", f"extra {extra}", f"{', '.join(missing)} not installed", hint)
        else:
            yield Check("ok", f"extra {extra}", "installed")


def _database(session: Session) -> Iterator[Check]:
    """Where the database is, whether it can be read and written, whether it is sound."""
    try:
        place = config.locate(session.db)
        where = f"{engine.shown(place.url)} (from {place.source})"
        if engine.dialect_of(place.url) == "sqlite" and not engine.sqlite_path(place.url).exists():
            yield Check("warn", "database", f"{where} does not exist yet", "catalog silo add lab ~/data creates it")
            return
        yield Check("ok", "database", where)
        with closing(engine.Database(place.url)) as db:
            migrate.require_current(db)
            with db.transaction():  # takes the write lock and gives it back: nothing is changed
                pass
        yield Check("ok", "database", f"writable, schema {migrate.HEAD}")
        problems = migrate.check(place.url)
    except CatalogError as error:
        yield _failed("database", error)
        return
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        yield Check("fail", "database", f"{problems[0]}{more}", "catalog db check")
    else:
        yield Check("ok", "database", "sound")


def _silos(session: Session, timeout: float) -> Iterator[Check]:
    try:
        with session.open() as cat:
            names = [silo.name for silo in cat.silos()]
            if not names:
                yield Check("ok", "silos", NO_SILOS)
            for name in names:
                yield _reach(cat, name, timeout)
    except CatalogError as error:
        yield _failed("silos", error)


def _reach(cat: Catalog, name: str, timeout: float) -> Check:
    """Test one silo in a thread of its own, because a dead mount can hang for ever."""
    check = f"silo {name}"
    outcome: list[Check] = []

    def attempt() -> None:
        try:
            with cat.fork() as own:
                reached = own.test_silo(name)
        except CatalogError as error:
            outcome.append(_failed(check, error))
            return
        detail = f"{reached.url} as {reached.identity}, {reached.seconds * 1000:.0f} ms"
        if reached.readable:
            outcome.append(Check("ok", check, detail))
        else:
            outcome.append(Check("fail", check, f"{detail}: files cannot be read", f"catalog silo test {name}"))

    _within(timeout, attempt)
    return (
        outcome[0] if outcome else Check("fail", check, f"no answer within {timeout:g} s", f"catalog silo test {name}")
    )


def _within(seconds: float, work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)


def _failed(check: str, error: CatalogError) -> Check:
    return Check("fail", check, error.message, error.hint or "")
