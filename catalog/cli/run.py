"""Run one command: parse, invoke, and turn whatever happens into words and an exit code."""

from __future__ import annotations

import json
import os
import sys
import traceback
from itertools import pairwise
from typing import Annotated, Any

import typer
from typer.main import get_command

from catalog.cli import COMPLETE, on_terminal
from catalog.cli.commands import help_text, version_text
from catalog.cli.groups import Root, app, equip
from catalog.cli.options import session_of
from catalog.cli.session import Session
from catalog.errors import Ambiguous, CatalogError, Interrupted, UsageError
from catalog.text import safe, spelled

# Every mistake on the command line that click finds is one of these, in any release of typer.
_ClickUsageError: Any = typer.BadParameter.__base__
SHOWN = 20
"""How many candidates of an ambiguous name are listed."""


def run(words: list[str]) -> int:
    """Run the command in `words` and return its exit code."""
    session = Session()
    root = program()
    if os.environ.get(COMPLETE):
        root.main(args=words, prog_name="catalog", obj=session)  # answers the shell and exits
    try:
        with root.make_context("catalog", list(words), obj=session) as ctx:
            code = root.invoke(ctx)
    except typer.Exit as done:
        return done.exit_code
    except BrokenPipeError:
        raise
    except (KeyboardInterrupt, typer.Abort):
        return failed(session, Interrupted("Interrupted.", hint="Run the same command again."), words)
    except CatalogError as error:
        return failed(session, error, words)
    except _ClickUsageError as error:
        return failed(session, _usage(error), words)
    except UnicodeEncodeError as error:
        told = _no_text(words)
        return failed(session, told, words) if told else _bug(session, error, words)
    except Exception as error:  # noqa: BLE001 (the outermost frame: a person reads what is left)
        return _bug(session, error, words)
    return code if isinstance(code, int) else 0


def program() -> Any:
    """The whole command line as a click command."""
    made = app(cls=Root, invoke_without_command=True, add_completion=True)
    made.callback()(_root)
    command = get_command(made)
    equip(command)
    return command


def _root(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", is_eager=True, help="Show the version and exit.")] = False,
) -> None:
    if version:
        sys.stdout.write(version_text())
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        if not on_terminal():
            sys.stdout.write(help_text())
            raise typer.Exit
        from catalog.tui import run as open_ui

        with session_of(ctx).open(read_only=False) as cat:
            open_ui(cat)


def failed(session: Session, error: CatalogError, words: list[str]) -> int:
    """Tell an error on stderr, as text and, where JSON was asked for, as JSON. Returns its exit code."""
    session.error(error.message, error.hint)
    told: dict[str, object] = {"kind": error.kind, "message": error.message, "hint": error.hint}
    if isinstance(error, Ambiguous):
        told["candidates"] = list(error.candidates)
        _candidates([name for name in error.candidates if safe(name) not in error.message])
    if session.verbose and error.__cause__ is not None:
        print(f"cause: {safe(repr(error.__cause__))}", file=sys.stderr)
    if _wants_json(words):
        print(json.dumps({"error": told}), file=sys.stderr)
    return error.exit_code


def _candidates(unnamed: list[str]) -> None:
    """List the candidates that the error's own sentence has no room for."""
    for name in unnamed[:SHOWN]:
        print(f"  {safe(name)}", file=sys.stderr)
    if len(unnamed) > SHOWN:
        print(f"  … and {len(unnamed) - SHOWN:,} more", file=sys.stderr)


def _usage(error: Any) -> UsageError:
    """Click's own mistake in our words: the message, and where the help is."""
    path = error.ctx.command_path if getattr(error, "ctx", None) else "catalog"
    message = " ".join(error.format_message().split())
    hint = f"{path} --help"
    if path == "catalog" and getattr(error, "option_name", None) in ("-o", "--output"):
        hint = "It stands behind the command: catalog search QUERY -o json"
    return UsageError(message, hint=hint)


def _no_text(words: list[str]) -> UsageError | None:
    """The mistake of a word whose bytes are not UTF-8, where there is one."""
    for word in words:
        if spelled(word) != word:
            return UsageError(
                f"'{safe(word, 200)}' is no text: it has bytes that are not UTF-8.",
                hint=f"In names the catalog writes them as: {safe(spelled(word), 200)}",
            )
    return None


def _bug(session: Session, error: Exception, words: list[str]) -> int:
    if session.verbose:
        traceback.print_exc(file=sys.stderr)
    reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    hint = "Please report it with the lines above." if session.verbose else "The same command with -v shows where."
    return failed(session, CatalogError(f"This is a bug. {reason}", hint=hint), words)


def _wants_json(words: list[str]) -> bool:
    """Whether JSON was asked for; asked of the raw words, because parsing them may be what failed."""
    before = words[: words.index("--")] if "--" in words else words
    joined = {f"{a}={b}" for a, b in pairwise(before)} | set(before)
    return not joined.isdisjoint(_JSON)


_JSON = {f"{option}{kind}" for option in ("-o=", "-o", "--output=", "--format=") for kind in ("json", "jsonl")}
