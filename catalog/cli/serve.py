"""`catalog serve`: run due schedules until stopped."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from catalog import text
from catalog.cli.groups import app as application
from catalog.cli.options import examples, session_of
from catalog.cli.session import Session

if TYPE_CHECKING:
    from catalog.model.schedules import ServeEvent

app = application()


@app.command(
    epilog=examples("catalog serve", "catalog --db postgresql://me@db.example.com/catalog serve --workers 4")
)
def serve(
    ctx: typer.Context,
    workers: Annotated[int, typer.Option("--workers", metavar="N", min=1, help="How many crawls run at once.")] = 2,
    lease: Annotated[
        float,
        typer.Option(
            "--lease", metavar="SECONDS", min=1, help="Others take over a run whose server gave no sign for so long."
        ),
    ] = 60.0,
) -> None:
    """Run due schedules until stopped, in the foreground; a line for each event on stderr.

    Several may serve one catalog: each run is started once. SIGTERM and Ctrl-C stop the crawls at a consistent point.
    """
    session = session_of(ctx)
    with session.open() as cat:  # for reading: a server opens its own connection, and makes no catalog by mistake
        cat.serve(workers=workers, lease=lease, tell=logger(session))


def logger(session: Session) -> Callable[[ServeEvent], None]:
    """Writes an event as a line to stderr; with --quiet only what somebody should look at."""

    def tell(event: ServeEvent) -> None:
        if event.trouble or not session.quiet:
            who = f"{text.safe(event.schedule)}: " if event.schedule else ""
            with suppress(OSError):  # a log that nobody reads any more is no reason to stop
                print(f"{text.iso(event.at_ns)} {who}{text.safe(event.text)}", file=sys.stderr, flush=True)

    return tell
