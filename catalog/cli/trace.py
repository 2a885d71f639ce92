"""`catalog trace` and `catalog path`: pieces of the lineage graph, drawn in many ways."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from enum import StrEnum
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalog.cli import graph_rows as rows
from catalog.cli.groups import app as application
from catalog.cli.moments import moment
from catalog.cli.options import AssetArgument, AtOption, Output, complete_asset, examples, session_of
from catalog.cli.output import emit, emit_object
from catalog.cli.session import Session
from catalog.errors import NotFound, UsageError
from catalog.lineage.drawing.words import title
from catalog.text import plural, safe

if TYPE_CHECKING:
    from catalog.api import Lineage
    from catalog.model.lineage import Trace

app = application()

IMPORT = "Import some: catalog lineage import FILE"


class Format(StrEnum):
    """How a piece of the graph is drawn."""

    tree = "tree"
    table = "table"
    mermaid = "mermaid"
    dot = "dot"
    svg = "svg"
    json = "json"
    openlineage = "openlineage"


FormatOption = Annotated[
    Format | None, typer.Option("--format", help="How to draw it: a tree by default; json is one object.")
]
OutputOption = Annotated[
    Output | None, typer.Option("--output", "-o", help="The same as rows: an edge each, or one object for json.")
]


@app.command(
    epilog=examples(
        "catalog trace lake/features/daily",
        "catalog trace lake/models/churn --up --depth 5",
        "catalog trace lake/clicks --down --columns --at 2026-03-01",
        "catalog trace lake/clicks --format mermaid",
        "catalog trace lake/clicks -o csv",
    )
)
def trace(
    ctx: typer.Context,
    asset: AssetArgument,
    up: Annotated[bool, typer.Option("--up", help="Only what flows into it.")] = False,
    down: Annotated[bool, typer.Option("--down", help="Only what flows out of it.")] = False,
    depth: Annotated[int, typer.Option("--depth", metavar="N", min=1, help="How many edges far.")] = 3,
    columns: Annotated[bool, typer.Option("--columns", help="Which columns feed which.")] = False,
    fan_out: Annotated[
        int, typer.Option("--fan-out", metavar="N", min=1, help="At most so many edges of one asset, each way.")
    ] = 20,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many assets in all.")] = 300,
    at: AtOption = None,
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """What flows into an asset and out of it.

    Data flows downstream: upstream is what the asset is made from, downstream what is made from it. What is
    left out, for depth or for size, is counted where it would stand.
    """
    session, then, drawn = session_of(ctx), moment(at), _format(format, output)
    with session.open() as cat:
        found = cat.trace(
            asset, up=up or not down, down=down or not up, depth=depth, fan_out=fan_out, limit=limit, at=then,
            columns=columns,
        )  # fmt: skip
    _draw(session, found, drawn)
    _say_what_is_missing(session, found.trace, past=then is not None)
    if columns and found.edges and not found.trace.columns:
        session.notice("Nothing is known of columns along these edges.")


@app.command(
    epilog=examples(
        "catalog path lake/raw/clicks lake/models/churn",
        "catalog path s3://lake/raw/clicks model:churn-v5 --at 30d -o json",
    )
)
def path(
    ctx: typer.Context,
    start: Annotated[
        str, typer.Argument(metavar="FROM", help="Where data comes from.", autocompletion=complete_asset)
    ],
    end: Annotated[str, typer.Argument(metavar="TO", help="Where it goes.", autocompletion=complete_asset)],
    at: AtOption = None,
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """A shortest way that data flows from one asset to another.

    When data only flows the other way, that way is shown, and a notice says so. Ends with 3 when there is none.
    """
    session, then, drawn = session_of(ctx), moment(at), _format(format, output)
    with session.open() as cat:
        found = cat.path(start, end, at=then)
    if found is None:
        raise NotFound(
            f"No data is known to flow between '{safe(start, 100)}' and '{safe(end, 100)}'{' then' if then else ''}.",
            hint=f"See what is known around one of them: catalog trace {safe(start, 100)}",
        )
    _draw(session, found, drawn)
    if found.backwards:
        session.notice(f"Data flows the other way: from {safe(end, 100)} to {safe(start, 100)}.")
    elif not found.edges:
        session.notice("Both are the same asset.")


def _format(format: Format | None, output: Output | None) -> str:
    if format and output:
        raise UsageError("--format and --output both say how to print.", hint="Leave one of them away.")
    return str(format or output or Format.tree)


def _draw(session: Session, found: Lineage, drawn: str) -> None:
    """Print the piece of the graph."""
    if drawn == Format.tree:
        terminal = get_terminal_size().columns if sys.stdout.isatty() else None
        sys.stdout.write(found.tree(terminal) + "\n")
    elif drawn == Format.mermaid:
        sys.stdout.write(found.to_mermaid())
    elif drawn == Format.dot:
        sys.stdout.write(found.to_dot())
    elif drawn == Format.svg:
        sys.stdout.write(found.to_svg())
    elif drawn == Format.json:
        emit_object(_members(found.to_dict()))
    elif drawn == Format.openlineage:
        _openlineage(session, found)
    else:
        emit(session, Output(drawn), rows.edges(found.trace), rows.EDGE_KEYS, rows.EDGE_COLUMNS)


def _members(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The members of a document, lists of rows as something that is printed row by row."""
    for name, value in document.items():
        yield name, iter(value) if name in ("nodes", "edges", "columns") else value


def _openlineage(session: Session, found: Lineage) -> None:
    from catalog.lineage.drawing.openlineage import untold

    for event in found.to_openlineage():
        sys.stdout.write(json.dumps(event) + "\n")
    if number := untold(found.trace):
        session.notice(f"{plural(number, 'edge')} left out: OpenLineage has no word for what stores or holds what.")


def _say_what_is_missing(session: Session, trace: Trace, *, past: bool) -> None:
    """Say that nothing is known, or how to see what was left out."""
    if not trace.edges and not trace.more:
        sides = " or ".join(f"{direction}stream" for direction in trace.directions)
        when = "was known then" if past else "is known"
        session.notice(f"Nothing {sides} of '{safe(title(trace.nodes[0]), 100)}' {when}. {IMPORT}")
    if trace.more:
        number = plural(sum(trace.more.values()), "more edge")
        at_least = "at least " if rows.uncounted(trace) else ""
        session.notice(
            f"Not shown: {at_least}{number}, at {plural(len(trace.more), 'asset')}; "
            "--depth, --fan-out and --limit show more."
        )
    if trace.more_columns:
        session.notice(f"Not shown: {plural(trace.more_columns, 'more edge')} between columns.")
