"""Groups of commands for typer: one that imports a command only when it runs, one for nouns."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from catalog.cli.commands import COMMANDS, Command, help_text
from catalog.cli.options import everywhere
from catalog.cli.plain import attach
from catalog.errors import UsageError

# Click comes with typer, under a name that depends on typer's release: its types are `Any` here.


def app(**settings: Any) -> typer.Typer:
    """A typer application with this program's settings."""
    settings.setdefault("add_completion", False)
    return typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, **settings)


def nouns(about: str) -> typer.Typer:
    """An application for a group such as `catalog silo`, whose commands are its verbs."""
    return app(cls=Nouns, help=about, invoke_without_command=True)


class Nouns(TyperGroup):
    """A group that names its commands when an unknown one, or none, is given."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, or None while completing. Raises `UsageError` with the nearest names."""
        found = super().get_command(ctx, cmd_name)
        if found is None and not ctx.resilient_parsing and not cmd_name.startswith("-"):
            raise unknown(ctx, cmd_name, self.list_commands(ctx))
        return found

    def invoke(self, ctx: Any) -> Any:
        """Run the command; without one, say which there are."""
        if not (ctx.args or getattr(ctx, "_protected_args", None) or getattr(ctx, "protected_args", None)):
            raise UsageError(
                f"'{ctx.command_path}' needs a command: {', '.join(self.list_commands(ctx))}.",
                hint=f"{ctx.command_path} --help",
            )
        return super().invoke(ctx)


class Root(TyperGroup):
    """The program itself: its commands stand in a table and are imported one at a time."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All command names, in the order of the help."""
        return [command.name for command in COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a command, or None while completing. Raises `UsageError` with the nearest names."""
        found = next((command for command in COMMANDS if command.name == cmd_name), None)
        if found is None and not ctx.resilient_parsing and not cmd_name.startswith("-"):
            raise unknown(ctx, cmd_name, self.list_commands(ctx))
        return load(found) if found else None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The help from the table, the same as without typer."""
        formatter.write(help_text())


def unknown(ctx: Any, name: str, known: list[str]) -> UsageError:
    """The error for a command that does not exist."""
    near = [f"'{one}'" for one in get_close_matches(name, known, n=2)]
    guess = f" Did you mean {' or '.join(near)}?" if near else ""
    return UsageError(f"'{ctx.command_path} {name}' is no command.{guess}", hint=f"{ctx.command_path} --help")


@cache
def load(command: Command) -> Any:
    """The click command behind an entry of the table, with the options every command takes."""
    module = import_module(f"catalog.cli.{command.module}")
    made = get_command(module.app) if command.nouns else get_group(module.app).commands[command.name]
    for one in (made, *getattr(made, "commands", {}).values()):
        equip(one)
    return made


def equip(made: Any) -> None:
    """Give a click command the options that every command takes, and cheap conversion."""
    carrier = app()
    carrier.command()(everywhere)
    made.params.extend(get_command(carrier).params)
    made.context_settings["help_option_names"] = ["-h", "--help"]
    attach([*made.params, made.get_help_option(typer.Context(made, **made.context_settings))])
