"""`catalog schedule`: crawl silos regularly, and see what came of it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, cast
from zoneinfo import ZoneInfo

import typer

from catalog.cli import rows
from catalog.cli.crawl import PARTIAL, inspect_of, mode_of, told
from catalog.cli.groups import nouns
from catalog.cli.options import Output, OutputOption, complete_schedule, complete_silo, examples, session_of
from catalog.cli.output import emit, emit_one
from catalog.cli.progress import CrawlProgressBar
from catalog.cli.serve import logger
from catalog.cli.session import Session
from catalog.errors import CatalogError, Interrupted, SiloError, StoreBusy, UsageError
from catalog.model import CrawlReport
from catalog.text import plural, safe

if TYPE_CHECKING:
    from catalog.api import Catalog
    from catalog.model.schedules import Misfire, Overlap, ScheduleInfo, TaskInfo

app = nouns("Crawl silos regularly. What is due runs in `catalog serve`, or with `catalog schedule run --once`.")

NO_SCHEDULES = "No schedules yet. Add one: catalog schedule add SILO '0 3 * * *'"
OVERDUE_NS = 60 * 1_000_000_000
_SHOWN = 3  # coming times that are printed
_FAILED = 1

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The schedule's name.", autocompletion=complete_schedule)
]


@app.command(
    epilog=examples(
        "catalog schedule add lab '0 3 * * *' --zone Europe/Berlin",
        "catalog schedule add lake 'every 15m' --name events --prefix raw/events --quick --overlap queue",
        "catalog schedule add lake @weekly --name lake-full --full --inspect all --jitter 30m --timeout 6h",
    )
)
def add(
    ctx: typer.Context,
    silo: Annotated[str, typer.Argument(metavar="SILO", help="The silo to crawl.", autocompletion=complete_silo)],
    when: Annotated[
        list[str],
        typer.Argument(metavar="CRON", help="'MINUTE HOUR DAY MONTH WEEKDAY', @hourly and the like, or 'every 15m'."),
    ],
    zone: Annotated[
        str, typer.Option("--zone", metavar="ZONE", help="Whose clocks are meant, such as Europe/Berlin.")
    ] = "UTC",
    name: Annotated[str | None, typer.Option("--name", metavar="N", help="Its name; the silo's by default.")] = None,
    prefix: Annotated[str, typer.Option("--prefix", metavar="P", help="Only what lies below this path.")] = "",
    quick: Annotated[bool, typer.Option("--quick", help="Skip folders whose time has not changed.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Read every folder, whatever its time says.")] = False,
    inspect: Annotated[
        str, typer.Option("--inspect", metavar="none|sample|all", help="How many files to open for their schema.")
    ] = "sample",
    share: Annotated[
        int, typer.Option("--share", metavar="N", min=0, help="With --quick: list one in N folders anyway, in turn.")
    ] = 0,
    classify: Annotated[
        bool, typer.Option("--classify", help="Look for sensitive columns in what has changed; keeps no value.")
    ] = False,
    runner: Annotated[
        str | None,
        typer.Option("--runner", metavar="R", help="inline, threads:N, or dask://HOST:PORT."),
    ] = None,
    jitter: Annotated[
        str, typer.Option("--jitter", metavar="S", help="Start up to so much later, differently each time: 90, 5m.")
    ] = "0",
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="S", help="Stop a crawl that takes longer: 90, 30m, 6h.")
    ] = None,
    overlap: Annotated[
        str,
        typer.Option("--overlap", metavar="skip|queue", help="What a run does while its silo is being crawled."),
    ] = "skip",
    misfire: Annotated[
        str,
        typer.Option("--misfire", metavar="once|skip", help="What becomes of missed runs: one late run, or none."),
    ] = "once",
    retries: Annotated[int, typer.Option("--retries", metavar="N", help="Try a failed run so often again.")] = 2,
) -> None:
    """Crawl a silo regularly. Prints when it is due next, as the clocks of its zone show it."""
    session = session_of(ctx)
    mode, opened = mode_of(quick, full), inspect_of(inspect)
    with session.open(read_only=False) as cat:
        try:
            made = cat.add_schedule(
                silo, " ".join(when), name=name, zone=zone, prefix=prefix, mode=mode, inspect=opened, share=share,
                runner=runner, jitter=jitter, timeout=timeout, overlap=cast("Overlap", overlap),
                misfire=cast("Misfire", misfire), retries=retries, classify=classify,
            )  # fmt: skip
        except UsageError as error:
            if len(when) > 1 and "is no schedule" in error.message:
                error.hint = f"Put it in quotes, or the shell replaces the stars. {error.hint}"
            raise
        others = [one.name for one in cat.schedules() if one.silo == made.silo and one.id != made.id]
        due = cat.upcoming(made.name, _SHOWN)
    session.notice(f"Added schedule '{safe(made.name)}': {safe(made.when)} ({made.zone}), crawl of {safe(made.silo)}")
    _coming(session, made, due)
    if others and made.overlap == "skip":
        session.notice(f"Note: {safe(', '.join(others))} crawls this silo too. A run that meets a crawl is skipped;")
        session.notice("      with --overlap queue it waits.")
    session.notice("It runs while `catalog serve` does; now: catalog schedule run " + shlex.quote(made.name))


@app.command("ls", epilog=examples("catalog schedule ls", "catalog schedule ls -o json"))
def list_schedules(ctx: typer.Context, output: OutputOption = Output.table) -> None:
    """List the schedules, when they run next and how they ended last."""
    session = session_of(ctx)
    with session.open() as cat:
        found = cat.schedules()
        now = cat.now_ns()
    if not emit(session, output, map(rows.schedule, found), rows.SCHEDULE_KEYS, rows.SCHEDULE_COLUMNS):
        session.notice(NO_SCHEDULES)
    overdue = [one for one in found if one.starts_ns is not None and one.starts_ns < now - OVERDUE_NS]
    if overdue:
        names = ", ".join(safe(one.name) for one in overdue)
        session.notice(f"Overdue, and nobody runs them: {names}. Run them: catalog serve")


@app.command(epilog=examples("catalog schedule pause lab"))
def pause(ctx: typer.Context, name: NameArgument) -> None:
    """Let a schedule rest. A crawl that it runs is left alone, a run that waits is skipped."""
    session = session_of(ctx)
    with session.open(read_only=False) as cat:
        paused = cat.pause_schedule(name)
    session.notice(f"Paused '{safe(paused.name)}'. It goes on with: catalog schedule resume {shlex.quote(paused.name)}")


@app.command(epilog=examples("catalog schedule resume lab"))
def resume(ctx: typer.Context, name: NameArgument) -> None:
    """Let a paused schedule go on from now. What would have been due meanwhile is not made up for."""
    session = session_of(ctx)
    with session.open(read_only=False) as cat:
        resumed = cat.resume_schedule(name)
        due = cat.upcoming(name, _SHOWN)
    session.notice(f"'{safe(resumed.name)}' goes on.")
    _coming(session, resumed, due)


@app.command(
    epilog=examples("catalog schedule run lab", "catalog schedule run --once", "catalog schedule run lab -o json")
)
def run(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="The schedule to run now.", autocompletion=complete_schedule),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Run all that is due, then end: for cron and timers of systemd.")
    ] = False,
    workers: Annotated[
        int, typer.Option("--workers", metavar="N", min=1, help="With --once: how many crawls run at once.")
    ] = 2,
    output: OutputOption = Output.table,
) -> int:
    """Run a schedule now, or with --once all that is due. The history keeps it.

    Ends as `catalog crawl` does: 4 partial, 5 silo unreachable; 1 when a crawl crashed, timed out or could not start.
    """
    session = session_of(ctx)
    if once == (name is not None):
        raise UsageError("run takes the name of a schedule, or --once.", hint="catalog schedule run --help")
    with session.open() as cat:  # for reading: what runs opens its own connection
        if name is None:
            return _run_due(session, output, cat, workers)
        with CrawlProgressBar(session) as bar:
            ran = cat.run_schedule(name, progress=bar if session.shows_progress() else None)
    return _tell_run(session, output, ran)


@app.command(epilog=examples("catalog schedule history", "catalog schedule history lab --limit 5 -o json"))
def history(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One schedule.", autocompletion=complete_schedule)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many.")] = 50,
    output: OutputOption = Output.table,
) -> None:
    """What came of each run, the latest first. How it ended, why, and what was tried before."""
    session = session_of(ctx)
    with session.open() as cat:
        found = [rows.task(one) for one in cat.schedule_history(name, limit)]
    if output is Output.table:
        found = [one | {"reason": _story(one)} for one in found]
    if not emit(session, output, found, rows.TASK_KEYS, rows.TASK_COLUMNS):
        session.notice("Nothing has run yet." if name is None else f"'{safe(name)}' has not run yet.")


@app.command(epilog=examples("catalog schedule rm lab"))
def rm(ctx: typer.Context, name: NameArgument) -> None:
    """Forget a schedule, and say how to add it again. Its history goes too; a crawl that it runs is stopped."""
    session = session_of(ctx)
    with session.open(read_only=False) as cat:
        gone = cat.remove_schedule(name)
    session.notice(f"Removed schedule '{safe(gone.name)}' and its history. To add it again:")
    session.notice(f"  {safe(command(gone))}")


def command(info: ScheduleInfo) -> str:
    """The command that makes this schedule."""
    words = ["catalog", "schedule", "add", info.silo, info.when, "--name", info.name, "--zone", info.zone]
    words += ["--prefix", info.prefix] if info.prefix else []
    words += [f"--{info.mode}"] if info.mode != "normal" else []
    words += ["--inspect", info.inspect] if info.inspect != "sample" else []
    words += ["--classify"] if info.classify else []
    words += ["--share", str(info.share)] if info.share else []
    words += ["--runner", info.runner] if info.runner is not None else []
    words += ["--jitter", str(info.jitter)] if info.jitter else []
    words += ["--timeout", str(info.timeout)] if info.timeout is not None else []
    words += ["--overlap", info.overlap] if info.overlap != "skip" else []
    words += ["--misfire", info.misfire] if info.misfire != "once" else []
    words += ["--retries", str(info.retries)] if info.retries != 2 else []
    return shlex.join(words)


def exit_code(ran: Sequence[TaskInfo]) -> int:
    """The worst of what ran: 1 a crawl that crashed, timed out or was stopped, 5 a silo that failed, 4 partial."""
    ends = {one.attempts[-1].outcome for one in ran if one.attempts}
    if ends & {"crashed", "timeout", "lost", "interrupted"}:
        return _FAILED
    return SiloError.exit_code if "failed" in ends else PARTIAL if "partial" in ends else 0


def _run_due(session: Session, output: Output, cat: Catalog, workers: int) -> int:
    """Run what is due; on a terminal with progress, elsewhere with a line for each event."""
    drawn = session.shows_progress()
    with CrawlProgressBar(session) as bar:
        ran = cat.run_due(workers=workers, tell=None if drawn else logger(session), progress=bar if drawn else None)
    found = [rows.task(one) for one in ran]
    if output is Output.table:
        found = [one | {"reason": _story(one)} for one in found]
    emit(session, output, found, rows.TASK_KEYS, rows.TASK_COLUMNS)
    return exit_code(ran)


def _tell_run(session: Session, output: Output, ran: TaskInfo) -> int:
    """The report of a run that somebody asked for, or the error where there is none."""
    again = f"catalog schedule run {shlex.quote(ran.schedule)}"
    if output is not Output.table:
        emit_one(output, rows.task(ran), rows.TASK_KEYS)
    elif ran.report is not None:
        sys.stdout.writelines(f"{line}\n" for line in told(session, CrawlReport.from_dict(ran.report)))
    if ran.state == "skipped":
        raise StoreBusy(ran.reason, hint="Wait for it, or stop that process; its work is kept.")
    if ran.state == "interrupted":
        raise Interrupted(ran.reason, hint=f"{again} goes on where it stopped.")
    if ran.state in ("crashed", "timeout", "lost"):
        raise CatalogError(ran.reason, hint=f"{again} goes on where it stopped.")
    if ran.state == "failed" and ran.report is None:
        raise SiloError(ran.reason, hint=f"catalog silo test {shlex.quote(ran.silo)}")
    return exit_code([ran])


def _story(row: dict[str, object]) -> str:
    """Why a run is as it is, and how the tries before the last ended, on one line."""
    tries, unfinished = row["attempts"], row["state"] in ("waiting", "running")
    assert isinstance(tries, list)
    before = [f"{one['outcome']}: {one['reason']}" for one in (tries if unfinished else tries[:-1])]
    told = [*before, "" if unfinished else str(row["reason"])]
    waits = f"Tried again from {rows.when(str(row['next_try']))}." if row["next_try"] and before else ""
    return " ".join(filter(None, (" Then ".join(filter(None, told)), waits, str(row["note"]))))


def _coming(session: Session, info: ScheduleInfo, due: Sequence[int]) -> None:
    zone = ZoneInfo(info.zone)
    times = [datetime.fromtimestamp(one // 1_000_000_000, zone) for one in due]
    for number, one in enumerate(times):
        session.notice(f"{'Next:' if number == 0 else '':<6}{one:%a %Y-%m-%d %H:%M:%S %z} ({one:%Z})")
    if info.jitter:
        session.notice(f"      each up to {plural(info.jitter, 'second')} later")
