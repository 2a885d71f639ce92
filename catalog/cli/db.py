"""`catalog db`: the catalog's own database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from catalog import api
from catalog.cli.groups import nouns
from catalog.cli.options import Output, OutputOption, examples, session_of
from catalog.cli.output import Column, emit
from catalog.errors import CheckFailed
from catalog.store.engine import shown
from catalog.text import plural

app = nouns("The catalog's own database.")


@app.command(epilog=examples("catalog db upgrade", "catalog --db postgresql://me@db.example.com/catalog db upgrade"))
def upgrade(ctx: typer.Context) -> None:
    """Bring the database to the schema this release needs. Creates it when there is none."""
    session = session_of(ctx)
    url = session.url
    before, after = api.upgrade(url)
    where = shown(url)
    if before == after:
        session.notice(f"{where} is up to date (schema {after}).")
    else:
        session.notice(f"{where}: schema {before or 'none'} -> {after}.")


@app.command(epilog=examples("catalog db check"))
def check(ctx: typer.Context, output: OutputOption = Output.table) -> None:
    """Look for damage: the file itself, its schema, its totals. Ends with 6 when there is some."""
    session = session_of(ctx)
    url = session.url
    problems = api.check(url)
    emit(session, output, ({"problem": one} for one in problems), ("problem",), (Column("problem", "PROBLEM"),))
    if problems:
        raise CheckFailed(
            f"{shown(url)} has {plural(len(problems), 'problem')}.",
            hint="Put a backup in its place, or crawl again into a new catalog.",
        )
    session.notice(f"{shown(url)} is sound.")


@app.command(epilog=examples("catalog db backup ~/catalog-2026-03-01.db"))
def backup(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy to write; must not exist.")],
) -> None:
    """Copy a SQLite catalog, consistent even while a crawl writes."""
    session = session_of(ctx)
    api.backup(session.url, file)
    session.notice(f"Wrote {file}.")
