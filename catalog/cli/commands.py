"""Every command, in the order of the help, without importing any of them.

The start of the program reads only this table, so that help and version answer at once; a
command's module is imported when the command runs.
"""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """One command: its name, the module of this package that holds it, and its line in the help."""

    name: str
    module: str
    help: str
    nouns: bool = False
    """True for a group of commands (`silo add`)."""


COMMANDS = (
    Command("demo", "demo", "Build a small estate, crawl it and open it."),
    Command("silo", "silo", "Register storage: add, ls, show, test, rm.", nouns=True),
    Command("crawl", "crawl", "List silos, find datasets and models, keep versions."),
    Command("search", "search", "Find datasets, models and files."),
    Command("show", "asset", "Everything known about one asset."),
    Command("files", "asset", "The files of an asset or a silo."),
    Command("schema", "asset", "The columns of an asset."),
    Command("versions", "asset", "The states of an asset, newest first."),
    Command("trace", "trace", "What flows into an asset and out of it."),
    Command("impact", "impact", "Everything downstream of an asset, a silo or a volume."),
    Command("path", "trace", "The way that data flows from one asset to another."),
    Command("annotate", "annotate", "Set owner, tags and description of an asset."),
    Command("lineage", "lineage", "What jobs did: import, record, pending, export.", nouns=True),
    Command("schedule", "schedule", "Crawl regularly: add, ls, run, history, and more.", nouns=True),
    Command("serve", "serve", "Run due schedules until stopped."),
    Command("db", "db", "The catalog's own database: upgrade, check, backup.", nouns=True),
    Command("doctor", "doctor", "Check this installation, the database and the silos."),
)

_OPTIONS = (
    ("--db URL", "The catalog: a file, sqlite:///… or postgresql://…"),
    ("-q, --quiet", "No progress and no notices."),
    ("-v, --verbose", "Say more; show tracebacks."),
    ("--no-color", "No colours (also: NO_COLOR=1)."),
    ("--version", "Show the version and exit."),
    ("--install-completion", "Install completion for the current shell."),
    ("--show-completion", "Show completion for the current shell."),
    ("-h, --help", "Show this message and exit."),
)

_EXAMPLES = (
    "catalog demo",
    "catalog silo add lab ~/data",
    "catalog crawl lab",
    "catalog search 'format:parquet size:>1GB modified:<30d'",
    "catalog trace lab/clicks",
)


def help_text() -> str:
    """What `catalog --help` prints."""
    left = max(len(name) for name, _ in (*_OPTIONS, *((c.name, c.help) for c in COMMANDS))) + 2
    lines = [
        "Usage: catalog [OPTIONS] COMMAND [ARGS]...",
        "",
        "  One catalog over object, file and block storage.",
        "",
        "  Without a command, on a terminal: the terminal UI.",
        "",
        "Options:",
        *(f"  {name:<{left}}{text}" for name, text in _OPTIONS),
        "",
        "Commands:",
        *(f"  {command.name:<{left}}{command.help}" for command in COMMANDS),
        "",
        "Examples:",
        *(f"  {example}" for example in _EXAMPLES),
        "",
        "  catalog COMMAND --help says more about one.",
    ]
    return "\n".join(lines) + "\n"


def version_text() -> str:
    """What `catalog --version` prints."""
    from catalog import __version__

    return f"silograph {__version__}\n"
