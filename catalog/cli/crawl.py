"""`catalog crawl`: list silos and report what changed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from catalog import text
from catalog.cli import rows
from catalog.cli.groups import app as application
from catalog.cli.options import Output, OutputOption, complete_silo, examples, session_of
from catalog.cli.output import emit
from catalog.cli.progress import CrawlProgressBar
from catalog.cli.session import Session
from catalog.cli.silo import NO_SILOS
from catalog.errors import Interrupted, SiloError, UsageError
from catalog.model import CrawlMode, CrawlPlan, CrawlReport, InspectMode

app = application()

PARTIAL = 4
_FAILURES_SHOWN = 20
_STYLES = {"complete": "green", "partial": "yellow", "cancelled": "yellow", "failed": "red"}


@app.command(
    epilog=examples(
        "catalog crawl",
        "catalog crawl lake --prefix raw/events --quick",
        "catalog crawl lab --inspect all -o json",
        "catalog crawl lab --classify",
    )
)
def crawl(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Silos; all of them by default.", autocompletion=complete_silo),
    ] = None,
    prefix: Annotated[str, typer.Option("--prefix", metavar="P", help="Only what lies below this path.")] = "",
    quick: Annotated[
        bool, typer.Option("--quick", help="Trust directory times: skip folders that have not changed.")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="Read every folder, whatever its time says.")] = False,
    inspect: Annotated[
        str,
        typer.Option(
            "--inspect", metavar="none|sample|all", help="How many files to open for their schema and lineage."
        ),
    ] = "sample",
    runner: Annotated[
        str | None,
        typer.Option(
            "--runner", metavar="R", help="inline, threads:N, or dask://HOST:PORT; by default as suits the silo."
        ),
    ] = None,
    changes: Annotated[
        str | None,
        typer.Option(
            "--changes", metavar="FILE", help="List only what FILE says changed: paths, or S3 events; '-' reads stdin."
        ),
    ] = None,
    share: Annotated[
        int,
        typer.Option("--share", metavar="N", min=0, help="With --quick: list one in N folders anyway, in turn."),
    ] = 0,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start over, instead of going on where the last crawl was cut off.")
    ] = False,
    classify: Annotated[
        bool, typer.Option("--classify", help="Look for sensitive columns in a sample of each table; keeps no value.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many requests it is going to take.")] = False,
    output: OutputOption = Output.table,
) -> int:
    """List silos, recognise formats, find datasets and models, and keep what changed as versions.

    Ends with 4 when a part could not be listed, and with 5 when a silo could not be reached.
    """
    session = session_of(ctx)
    mode, opened, prefix = mode_of(quick, full), inspect_of(inspect), text.spelled(prefix)
    if share and not quick:
        raise UsageError("--share goes with --quick: other crawls list every folder.", hint="catalog crawl --help")
    if classify and opened == "none":
        raise UsageError("--classify opens files, --inspect none does not.", hint="catalog crawl --help")
    hints = _changes(changes, names, prefix, quick or full)
    with session.open(read_only=False) as cat:
        if not names and not cat.silos():
            emit(session, output, [], rows.CRAWL_KEYS, ())
            session.notice(NO_SILOS)
            return 0
        if dry_run:
            plans = cat.plan(
                *(names or []), prefix=prefix, mode=mode, inspect=opened, share=share, classify=classify
            )
            _planned(session, output, plans)
            return 0
        try:
            with CrawlProgressBar(session) as bar:
                reports = cat.crawl(
                    *(names or []), prefix=prefix, mode=mode, inspect=opened, progress=bar, runner=runner,
                    changes=hints, share=share, resume=not fresh, classify=classify,
                )
        except Interrupted as stopped:
            _report(session, output, getattr(stopped, "reports", ()))
            again = " ".join(["catalog crawl", *(names or []), *(["--prefix", prefix] if prefix else [])])
            raise Interrupted(
                "Interrupted. What was listed so far is kept.", hint=f"{again} goes on where it stopped."
            ) from None
    _report(session, output, reports)
    return exit_code(reports)


def exit_code(reports: Sequence[CrawlReport]) -> int:
    """5 when a silo could not be used, else 4 when one was listed in part, else 0."""
    states = {report.state for report in reports}
    return SiloError.exit_code if "failed" in states else PARTIAL if "partial" in states else 0


def mode_of(quick: bool, full: bool) -> CrawlMode:
    """The mode that two options ask for. Raises `UsageError` for both."""
    if quick and full:
        raise UsageError("--quick and --full exclude each other.", hint="catalog crawl --help")
    return "quick" if quick else "full" if full else "normal"


def _changes(file: str | None, names: list[str] | None, prefix: str, other_mode: bool) -> list[bytes] | None:
    """The lines of the file of changes, which speak of one silo."""
    if file is None:
        return None
    if not names or len(names) != 1 or prefix or other_mode:
        raise UsageError(
            "--changes goes with the name of one silo, and without --prefix, --quick and --full.",
            hint="catalog crawl lake --changes changed.txt",
        )
    if file == "-":
        return sys.stdin.buffer.readlines()
    try:
        return Path(file).read_bytes().splitlines()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(
            f"The changes in '{text.safe(file)}' cannot be read: {reason}.", hint="A path, or - for standard input."
        ) from error


def inspect_of(word: str) -> InspectMode:
    """What `--inspect` asks for. Raises `UsageError`."""
    modes: dict[str, InspectMode] = {"none": "none", "sample": "sample", "all": "all"}
    if word not in modes:
        raise UsageError(f"--inspect takes none, sample or all, not '{word}'.", hint="catalog crawl --help")
    return modes[word]


def _report(session: Session, output: Output, reports: Sequence[CrawlReport]) -> None:
    if output is not Output.table:
        emit(session, output, (report.as_dict() for report in reports), rows.CRAWL_KEYS, ())
        return
    for report in reports:
        sys.stdout.writelines(f"{line}\n" for line in told(session, report))


def _planned(session: Session, output: Output, plans: Sequence[CrawlPlan]) -> None:
    emit(session, output, (plan.as_dict() for plan in plans), rows.PLAN_KEYS, rows.PLAN_COLUMNS)
    if any(plan.known_files is None for plan in plans):
        session.notice("'?': never crawled, so nothing can be reckoned from. Listing 1,000 objects takes one request.")


def _behind(report: CrawlReport) -> str:
    where = str(report.resumed["from"]) if report.resumed else ""
    return f"behind {text.safe(where)}" if where else "which had listed everything"


def told(session: Session, report: CrawlReport) -> list[str]:
    """A crawl's report for people: what was done, what could not be, what was left out."""
    state = session.paint(report.state, _STYLES.get(report.state, "bold"), sys.stdout)
    held = f" ({text.size(report.bytes)})" if report.bytes is not None else ""
    lines = [
        f"{text.safe(report.silo)}: {state}, {text.plural(report.listed, 'file')}{held}"
        f" in {text.duration(report.seconds)}",
        f"  {report.added:,} added, {report.changed:,} changed, {report.removed:,} removed,"
        f" {report.unchanged:,} unchanged",
        f"  {text.plural(report.datasets, 'asset')}, {text.plural(report.versions, 'new version')},"
        f" {text.plural(report.inspected, 'file')} inspected, {text.plural(report.findings, 'finding')}",
    ]
    if report.resumed:
        seen = text.plural(report.resumed["files"], "file")
        lines.insert(1, f"  went on with crawl {report.resumed['crawl']}, {_behind(report)}: {seen} not listed again")
    if report.requests:
        requests = text.plural(report.requests, "request")
        lines.append(f"  read {text.size(report.bytes_read)} in {requests} to inspect them")
    if report.evidence or report.lineage:
        read = text.plural(report.evidence, "file of evidence", "files of evidence")
        lines.append(f"  lineage: {text.plural(report.lineage, 'new edge')} from {read}")
    if report.classified is not None:
        found = text.plural(report.sensitive or 0, "sensitive column")
        lines.append(f"  classified: {text.plural(report.classified, 'dataset')}, {found}")
    if report.failed:
        lines.append(f"  could not list {text.plural(len(report.failed), 'part')}; nothing was removed there:")
        lines += [
            f"    {text.safe(one.prefix) or '(the start)'}: {text.safe(one.reason)}"
            for one in report.failed[:_FAILURES_SHOWN]
        ]
        if len(report.failed) > _FAILURES_SHOWN:
            lines.append(f"    … and {len(report.failed) - _FAILURES_SHOWN:,} more (-o json names all)")
    if report.skipped:
        left = ", ".join(f"{count:,} {text.safe(kind)}" for kind, count in sorted(report.skipped.items()))
        lines.append(f"  skipped: {left}")
    return lines + [f"  note: {text.safe(note)}" for note in report.notes]
