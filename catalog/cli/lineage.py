"""`catalog lineage`: what jobs read and wrote, imported, recorded and given out again."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalog import text
from catalog.cli.groups import nouns
from catalog.cli.options import Output, OutputOption, complete_asset, examples, session_of
from catalog.cli.output import Column, emit, emit_one
from catalog.cli.session import Session
from catalog.errors import UsageError
from catalog.text import safe

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalog.model.lineage import ImportReport

app = nouns("Import, record and export what jobs read and wrote.")

PARTIAL = 4
_SHOWN = 20
IMPORT_KEYS = (
    "read", "accepted", "repeated", "rejected", "runs", "assets", "edges", "seconds", "warnings", "failed",
)  # fmt: skip
RECORD_KEYS = ("run", "namespace", "job", "inputs", "outputs")
PENDING_KEYS = ("id", "kind", "name", "namespace", "uri", "named_by", "reads", "writes", "since", "silo", "next")
PENDING_COLUMNS = (
    Column("uri", "NAME", shrinks=True),
    Column("kind", "KIND", spare=3),
    Column("named_by", "NAMED BY", shrinks=True, spare=2),
    Column("reads", "READ", text.count, right=True, spare=1),
    Column("writes", "WRITTEN", text.count, right=True, spare=1),
    Column("next", "NEXT", shrinks=True),
)


@app.command(
    "import",
    epilog=examples(
        "catalog lineage import events.ndjson",
        "catalog lineage import /var/log/openlineage archive/2026-03.ndjson.gz",
        "catalog lineage import - --output json",
    ),
)
def import_events(
    ctx: typer.Context,
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="Files of events, folders of them, or - for standard input.")
    ],
    output: OutputOption = Output.table,
) -> int:
    """Read OpenLineage events: JSON, arrays of events or one a line, plain or gzipped.

    An event that is known already changes nothing. Ends with 4 when some could not be read, and with 1 when
    none could.
    """
    session = session_of(ctx)
    began = time.monotonic()
    with session.open(read_only=False) as cat, _progress(session) as progress:
        report = cat.import_lineage(*files, progress=progress)
    seconds = time.monotonic() - began
    if output is Output.table:
        sys.stdout.writelines(f"{line}\n" for line in _told(report, seconds))
    else:
        emit_one(output, _row(report, seconds), IMPORT_KEYS)
    if report.read == 0:
        session.notice("There were no events to read.")
    if report.rejected:
        return PARTIAL if report.accepted or report.repeated else 1
    return 0


@app.command(
    epilog=examples(
        "catalog lineage record --job features.daily --reads lake/clicks --writes s3://lake/features",
        "catalog lineage record --job train --reads lake/features --trains churn-v5 --code git:4f1c2d0",
    )
)
def record(
    ctx: typer.Context,
    job: Annotated[str, typer.Option("--job", metavar="NAME", help="What ran.")],
    reads: Annotated[
        list[str] | None,
        typer.Option("--reads", metavar="X", help="It read this; may be repeated.", autocompletion=complete_asset),
    ] = None,
    writes: Annotated[
        list[str] | None,
        typer.Option("--writes", metavar="X", help="It wrote this; may be repeated.", autocompletion=complete_asset),
    ] = None,
    trains: Annotated[
        list[str] | None,
        typer.Option("--trains", metavar="MODEL", help="It trained this model; may be repeated."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", metavar="NAME=VALUE", help="A measure of the models; may be repeated."),
    ] = None,
    code: Annotated[
        str | None, typer.Option("--code", metavar="CODE", help="What it ran: git:URL@COMMIT, git:COMMIT, a script.")
    ] = None,
    parent: Annotated[
        str | None, typer.Option("--parent", metavar="RUN", help="The id of the run that started it.")
    ] = None,
    namespace: Annotated[str, typer.Option("--namespace", metavar="NS", help="The namespace of the job.")] = "default",
    output: OutputOption = Output.table,
) -> None:
    """Record one run that has just ended well, and print its id. For shells and Makefiles.

    X is an asset as in `catalog show`, a URI, or a path.
    """
    session = session_of(ctx)
    if not (reads or writes or trains):
        raise UsageError("A run that read and wrote nothing leaves no trace.", hint="--reads X --writes Y")
    metrics = _metrics(metric or [])
    if metrics and not trains:
        raise UsageError("--metric measures a model.", hint="--trains MODEL --metric auc=0.93")
    with session.open(read_only=False) as cat:
        run = cat.record(job, code=code, parent=parent, namespace=namespace, strict=True)
        run.reads(*(reads or ()))
        run.writes(*(writes or ()))
        for model in trains or ():
            run.trains(model, metrics=metrics)
        run.done()
    if output is Output.table:
        sys.stdout.write(f"{run.id}\n")
        session.notice(
            f"Recorded a run of '{safe(job)}': {text.plural(len(run.inputs), 'input')},"
            f" {text.plural(len(run.outputs), 'output')}."
        )
    else:
        row = {"run": run.id, "namespace": namespace, "job": job, "inputs": run.inputs, "outputs": run.outputs}
        emit_one(output, row, RECORD_KEYS)


@app.command(epilog=examples("catalog lineage pending", "catalog lineage pending -o json"))
def pending(ctx: typer.Context, output: OutputOption = Output.table) -> None:
    """What lineage names and no crawl has found, and what to add or crawl next."""
    session = session_of(ctx)
    from catalog.api.waiting import next_steps

    with session.open() as cat:
        waiting = cat.pending()
        found = [
            {
                "id": one.id, "kind": one.kind, "name": one.name, "namespace": one.namespace, "uri": one.uri,
                "named_by": one.named_by, "reads": one.reads, "writes": one.writes, "since": text.iso(one.since_ns),
                "silo": one.silo, "next": step,
            }
            for one, step in zip(waiting, next_steps(waiting))
        ]  # fmt: skip
    emit(session, output, found, PENDING_KEYS, PENDING_COLUMNS)
    if not found:
        session.notice("Everything that lineage names was found.")
        return
    commands = Counter(str(row["next"]) for row in found if str(row["next"]).startswith("catalog "))
    for command, number in commands.most_common(3):
        session.notice(f"{text.plural(number, 'name')} could be found by: {safe(command)}")


@app.command(epilog=examples("catalog lineage export"))
def export(ctx: typer.Context) -> None:
    """Print every event, imported or recorded, as it came: OpenLineage, one event a line, in the order of time."""
    session = session_of(ctx)
    empty = True
    with session.open() as cat:
        for line in cat.export_lineage():
            sys.stdout.write(f"{line}\n")
            empty = False
    if empty:
        session.notice("There are no events yet. Import some: catalog lineage import FILE")


# ---------------------------------------------------------------- inside


def _row(report: ImportReport, seconds: float) -> dict[str, Any]:
    counts = {
        key: getattr(report, key) for key in ("read", "accepted", "repeated", "rejected", "runs", "assets", "edges")
    }
    failed = [{"place": place, "reason": reason} for place, reason in report.failed]
    return {**counts, "seconds": round(seconds, 3), "warnings": list(report.warnings), "failed": failed}


def _told(report: ImportReport, seconds: float) -> list[str]:
    """A report for people."""
    lines = [
        f"{text.plural(report.read, 'event')} read in {text.duration(seconds)}: {report.accepted:,} new,"
        f" {report.repeated:,} known already, {report.rejected:,} rejected",
        f"  new: {text.plural(report.runs, 'run')}, {text.plural(report.assets, 'asset')},"
        f" {text.plural(report.edges, 'edge')}",
    ]
    lines += _some("rejected", [f"{place}: {reason}" for place, reason in report.failed], report.rejected)
    return lines + _some("warnings", list(report.warnings), len(report.warnings))


def _some(title: str, found: list[str], number: int) -> list[str]:
    if not found:
        return []
    lines = [f"  {title}:", *(f"    {safe(one, 300)}" for one in found[:_SHOWN])]
    if number > _SHOWN:
        lines.append(f"    … and {number - _SHOWN:,} more (-o json names them)")
    return lines


def _metrics(given: list[str]) -> dict[str, float | str]:
    """`NAME=VALUE` words as numbers where they are some. Raises `UsageError`."""
    metrics: dict[str, float | str] = {}
    for word in given:
        name, mark, value = word.partition("=")
        if not mark or not name:
            raise UsageError(f"--metric takes NAME=VALUE, not '{safe(word, 80)}'.", hint="--metric auc=0.93")
        try:
            metrics[name] = float(value)
        except ValueError:
            metrics[name] = value
    return metrics


@contextmanager
def _progress(session: Session) -> Iterator[Callable[[ImportReport], None] | None]:
    """Shows how many events were read, on a terminal."""
    if not session.shows_progress():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, no_color=session.no_color or None)
    columns = (SpinnerColumn(), TextColumn("importing {task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda now: bar.update(task, description=f"{now.read:,} events, {now.edges:,} edges")
