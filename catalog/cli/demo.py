"""`catalog demo`: a small estate to look around in."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from catalog import config
from catalog.cli import on_terminal
from catalog.cli.groups import app as application
from catalog.cli.options import examples, session_of
from catalog.errors import UsageError
from catalog.text import safe

app = application()

MARK = ".silograph-demo"
"""Stands in a folder that this command made, and may therefore remove."""


@app.command(epilog=examples("catalog demo", "catalog demo --no-tui --dir /tmp/estate --fresh"))
def demo(
    ctx: typer.Context,
    tui: Annotated[bool, typer.Option("--tui/--no-tui", help="Open the terminal UI afterwards.")] = True,
    directory: Annotated[
        Path | None,
        typer.Option("--dir", metavar="D", help="Where to build it; the user's data folder by default."),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over.")] = False,
) -> None:
    """Build a small estate, crawl it and open it. Your own catalog is not touched."""
    session = session_of(ctx)
    place = (directory or config.user_data_dir() / "demo").expanduser().absolute()
    _prepare(place, fresh)
    from catalog.demo import build

    with build(place, session.notice) as made:
        session.db = made.url
        if tui and on_terminal():
            from catalog.tui import run

            with session.open(read_only=False) as cat:
                run(cat)
            return
    sys.stdout.writelines(f"{safe(line)}\n" for line in made.summary)
    session.notice("Try:")
    for command in made.next_commands:
        session.notice(f"  {safe(command)}")


def _prepare(place: Path, fresh: bool) -> None:
    """Make the demo's folder, empty when `fresh`. Raises `UsageError` for one that holds other things."""
    mark = place / MARK
    try:
        if place.exists() and not mark.is_file() and any(place.iterdir()):
            raise UsageError(
                f"{place} is not empty and was not made by the demo.", hint="Choose a new folder with --dir."
            )
        if fresh and mark.is_file():
            shutil.rmtree(place)
        place.mkdir(parents=True, exist_ok=True)
        if not mark.exists():
            mark.touch()
    except OSError as error:
        raise UsageError(f"{place} cannot be used: {error.strerror}.", hint="Choose another with --dir.") from error
