"""`catalog impact`: everything downstream, as one list."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalog.cli import graph_rows as rows
from catalog.cli.groups import app as application
from catalog.cli.moments import moment
from catalog.cli.options import AtOption, Output, OutputOption, complete_anything, examples, session_of
from catalog.cli.output import emit, emit_object
from catalog.cli.session import Session
from catalog.cli.trace import IMPORT
from catalog.lineage.drawing.document import edge_row
from catalog.text import plural, safe

if TYPE_CHECKING:
    from catalog.api import Impact

app = application()

SCREENFUL = 200


class Order(StrEnum):
    """What the list is sorted by."""

    hop = "hop"
    kind = "kind"
    name = "name"
    silo = "silo"


@app.command(
    epilog=examples(
        "catalog impact lake/raw/clicks",
        "catalog impact lake --sort kind",
        "catalog impact s3://lake/raw/clicks --at 2026-03-01 -o csv",
    )
)
def impact(
    ctx: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT", help="An asset, a silo's name, a volume or a filesystem.", autocompletion=complete_anything
        ),
    ],
    sort: Annotated[Order, typer.Option("--sort", help="What the list is sorted by, then by hop.")] = Order.hop,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            metavar="N",
            min=0,
            help=f"At most so many; 0 for all. A table shows {SCREENFUL} by default.",
        ),
    ] = None,
    at: AtOption = None,
    output: OutputOption = Output.table,
) -> None:
    """Everything downstream of an asset, of all assets of a silo, or of a piece of storage.

    Each asset is listed once, with how many hops away it is and the edge by which it was first reached.
    """
    session, then = session_of(ctx), moment(at)
    with session.open() as cat:
        found = cat.impact(what, at=then)
        most = limit or (SCREENFUL if limit is None and output is Output.table else len(found))
        if output is Output.json:
            emit_object(_members(found, most, sort))
        else:
            affected = map(rows.affected, found.page(0, most, sort.value))
            emit(session, output, affected, rows.AFFECTED_KEYS, rows.AFFECTED_COLUMNS)
        _sum_up(session, found, what, most, past=then is not None)


def _members(found: Impact, most: int, sort: Order) -> Iterator[tuple[str, Any]]:
    """One object as `trace` prints it: the start with hop 0, what is affected, and the edges that first reached it."""
    yield "focus", list(found.start)
    yield "complete", len(found) <= most
    yield "nodes", rows.impact_nodes(found, found.page(0, most, sort.value))
    yield "edges", (edge_row(one.edge) for one in found.page(0, most, sort.value))


def _sum_up(session: Session, found: Impact, what: str, most: int, *, past: bool) -> None:
    """Say how much there is of what kind, or why there is nothing."""
    name, several = safe(what, 100), len(found.start) > 1
    if not found.start:
        session.notice(f"'{name}' holds no assets{' of that time' if past else ''}.")
    elif not found and several:
        session.notice(f"Nothing beyond the {len(found.start):,} assets of {name} is downstream of them. {IMPORT}")
    elif not found:
        session.notice(f"Nothing downstream of '{name}' {'was known then' if past else 'is known'}. {IMPORT}")
    else:
        start = f" ({plural(len(found.start), 'asset')})" if several else ""
        session.notice(f"Downstream of {name}{start}: {found.summary()}.")
        if len(found) > most:
            session.notice(f"{most:,} of {len(found):,}; --limit 0 shows all.")
