"""`catalog silo`: register storage, look at it, forget it."""

from __future__ import annotations

import sys
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from catalog.cli import rows
from catalog.cli.groups import nouns
from catalog.cli.options import Output, OutputOption, SiloArgument, examples, session_of
from catalog.cli.output import emit, emit_one, fields
from catalog.errors import UsageError
from catalog.silos.file import from_url
from catalog.silos.registry import ROOMS
from catalog.text import safe

app = nouns("Register storage: a folder, a bucket, a prefix of one, a disk image or device.")

NO_SILOS = "No silos yet. Add one: catalog silo add lab ~/data"
TEST_KEYS = ("name", "url", "identity", "readable", "seconds", "sample", "layers", "facts")


def _addresses() -> str:
    """A part of the command's help: an address of each kind of silo, with what other spellings it has."""
    spellings: dict[str, list[str]] = {}
    for scheme, room in ROOMS.items():
        spellings.setdefault(room.example, []).append(scheme)
    lines = []
    for example, schemes in spellings.items():
        own = example.partition(":")[0]
        more = [f"{scheme}://" for scheme in schemes if scheme != own and scheme != "file"]
        lines.append(f"  {example}" + (f"  (or {', '.join(more)})" if more else ""))
    return "\b\nAddresses:\n" + "\n".join(line for line in lines if "memory:" not in line)


@app.command(
    epilog=_addresses()
    + "\n\n"
    + examples(
        "catalog silo add lab ~/data",
        "catalog silo add lake s3://acme-lake/raw --option region=eu-west-1",
        "catalog silo add lake s3://lake --option endpoint=https://s3.example.com --option secret_access_key=env:KEY",
        "catalog silo add disk block:///data/disk.img --option partition=2",
    )
)
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A short name for it.")],
    url: Annotated[str, typer.Argument(metavar="URL", help="A folder, or one of the addresses below.")],
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            metavar="KEY=VALUE",
            help="An option of the silo; may be repeated. Secrets only by reference.",
        ),
    ] = None,
) -> None:
    """Register a silo. Nothing is read yet. Each kind has its options: docs/silos.md."""
    session = session_of(ctx)
    options = _options(option or [])
    with session.open(read_only=False) as cat:
        made = cat.add_silo(name, url, **options)
        alike = cat.same_place(made.name)
    session.notice(f"Added {safe(made.kind)} silo '{safe(made.name)}': {safe(made.url)}")
    if mounted := made.options.get("mounted_from"):
        session.notice(f"It is mounted from {safe(mounted)}")
    for other in alike:
        session.notice(f"The same place is the silo '{safe(other.name)}' already: {safe(other.url)}")
    if made.url.startswith("file:") and not Path(from_url(made.url)).is_dir():
        store = "" if url[:1] == "/" or ":" in url else f" If it is a bucket: catalog silo add NAME s3://{safe(url)}"
        session.notice(f"There is no such folder now: check the path, and that its filesystem is mounted.{store}")
    session.notice(f"Next: catalog crawl {safe(quote(made.name))}")


@app.command("ls", epilog=examples("catalog silo ls", "catalog silo ls -o json"))
def list_silos(ctx: typer.Context, output: OutputOption = Output.table) -> None:
    """List the silos and what their last crawls found."""
    session = session_of(ctx)
    with session.open() as cat:
        found = [rows.silo(one) for one in cat.silos()]
    if not emit(session, output, found, rows.SILO_KEYS, rows.SILO_COLUMNS):
        session.notice(NO_SILOS)


@app.command(epilog=examples("catalog silo show lab"))
def show(ctx: typer.Context, name: SiloArgument, output: OutputOption = Output.table) -> None:
    """Show one silo: its address, options and last crawl."""
    session = session_of(ctx)
    with session.open() as cat:
        found = rows.silo(cat.silo(name))
    if output is not Output.table:
        emit_one(output, found, rows.SILO_KEYS)
        return
    shown = {column.key: column.tell for column in rows.SILO_COLUMNS}
    pairs = [(key.replace("_", " "), safe(shown.get(key, rows.dash)(found[key]))) for key in rows.SILO_KEYS[:-2]]
    options = ", ".join(f"{key}={value}" for key, value in found["options"].items())
    fields(session, [*pairs, ("added", rows.when(found["added"])), ("options", safe(options))])


@app.command(epilog=examples("catalog silo test lake"))
def test(ctx: typer.Context, name: SiloArgument, output: OutputOption = Output.table) -> None:
    """Reach a silo, look at its first entries, and tell the partitions and filesystems of a disk."""
    session = session_of(ctx)
    with session.open() as cat:
        reached = cat.test_silo(name)
    if output is not Output.table:
        row = {
            "name": name,
            "url": reached.url,
            "identity": reached.identity,
            "readable": reached.readable,
            "seconds": round(reached.seconds, 3),
            "sample": list(reached.sample),
            "layers": [rows.layer(one) for one in reached.layers],
            "facts": dict(reached.facts),
        }
        emit_one(output, row, TEST_KEYS)
        return
    fields(
        session,
        [
            ("reached", safe(reached.url)),
            ("as", safe(reached.identity)),
            ("files", "can be read" if reached.readable else "could not be read"),
            ("took", f"{reached.seconds * 1000:.0f} ms"),
            *((safe(word), safe(value)) for word, value in reached.facts),
            ("first", safe(", ".join(reached.sample)) or "nothing there"),
            *((one.kind, safe(rows.layer_words(one))) for one in reached.layers),
        ],
    )


@app.command(epilog=examples("catalog silo rm lab --yes"))
def rm(
    ctx: typer.Context,
    name: SiloArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Forget a silo, all that was found in it, and its schedules. The storage itself is never touched."""
    session = session_of(ctx)
    with session.open(read_only=False) as cat:
        found = cat.silo(name)
        if not yes:
            if not sys.stdin.isatty():
                raise UsageError("Removing a silo must be confirmed.", hint=f"catalog silo rm {found.name} --yes")
            held = f"{found.files:,} files" if found.files is not None else "no files yet"
            typer.confirm(f"Forget '{safe(found.name)}' ({held}) and its history?", abort=True, err=True)
        cat.remove_silo(found.name)
    session.notice(f"Removed silo '{safe(found.name)}'. Its storage was not touched.")


def _options(given: list[str]) -> dict[str, str]:
    """`KEY=VALUE` words as a dictionary. Raises `UsageError`."""
    options = {}
    for word in given:
        key, mark, value = word.partition("=")
        if not mark or not key:
            # The word is not repeated: it may be a secret typed in the wrong place.
            raise UsageError("--option takes KEY=VALUE.", hint="For example: --option region=eu-west-1")
        if key in options:
            raise UsageError(f"--option {key} was given twice.", hint="Give it once.")
        options[key] = value
    return options
