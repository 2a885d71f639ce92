"""The options that many commands share, with their help and their shell completion."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from catalog.cli.session import Session
from catalog.query import suggest


class Output(StrEnum):
    """How a command prints what it found."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"


def examples(*lines: str) -> str:
    """The closing part of a command's help: lines to try, printed as they stand."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def session_of(ctx: typer.Context) -> Session:
    """The session of this run."""
    session = ctx.find_root().obj
    assert isinstance(session, Session)
    return session


def remembered(name: str) -> Callable[[typer.Context, Any], Any]:
    """A callback that keeps an option in the session, whichever side of the command it stood on."""

    def keep(ctx: typer.Context, value: Any) -> Any:
        if value:
            setattr(session_of(ctx), name, value)
        return value

    return keep


def everywhere(
    db: Annotated[
        str | None,
        typer.Option(
            "--db",
            metavar="URL",
            expose_value=False,
            callback=remembered("db"),
            help="The catalog: a file, sqlite:///… or postgresql://…",
        ),
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            expose_value=False,
            callback=remembered("quiet"),
            help="No progress and no notices.",
        ),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            expose_value=False,
            callback=remembered("verbose"),
            help="Say more; show tracebacks.",
        ),
    ] = False,
    no_color: Annotated[
        bool,
        typer.Option("--no-color", expose_value=False, callback=remembered("no_color"), help="No colours."),
    ] = False,
) -> None:
    """Carries the options that every command takes; never called."""


def complete_asset(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of assets and silos that begin so."""
    return _from_catalog(ctx, lambda cat: cat.complete(incomplete))


def complete_silo(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of silos that begin so."""
    return _from_catalog(ctx, lambda cat: [s.name for s in cat.silos() if s.name.startswith(incomplete)])


def complete_anything(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of silos and assets that begin so."""
    return [*complete_silo(ctx, incomplete), *complete_asset(ctx, incomplete)]


def complete_schedule(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of schedules that begin so."""
    return _from_catalog(ctx, lambda cat: [s.name for s in cat.schedules() if s.name.startswith(incomplete)])


def complete_query(ctx: typer.Context, incomplete: str) -> list[str]:
    """What a word of a search could become: a field, its value, or a name."""
    return [*suggest(incomplete), *complete_asset(ctx, incomplete)]


def _from_catalog(ctx: typer.Context, ask: Callable[[Any], list[str]]) -> list[str]:
    try:
        with session_of(ctx).open() as cat:
            return ask(cat)
    except Exception:  # noqa: BLE001 (a shell that waits for completion is no place for errors)
        return []


OutputOption = Annotated[Output, typer.Option("--output", "-o", help="How to print.")]
AtOption = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="As of then: 2026-03-01, 2026-03-01T12:00Z, or an age such as 7d."),
]
AssetArgument = Annotated[
    str,
    typer.Argument(
        metavar="ASSET",
        help="An id, a name, silo/name, a URI or a unique beginning; @VERSION behind it.",
        autocompletion=complete_asset,
    ),
]
SiloArgument = Annotated[str, typer.Argument(metavar="NAME", help="The silo's name.", autocompletion=complete_silo)]
