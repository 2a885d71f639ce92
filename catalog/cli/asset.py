"""`catalog show`, `files`, `schema` and `versions`: one asset, now or as of a time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalog import text
from catalog.cli import graph_rows, rows
from catalog.cli.groups import app as application
from catalog.cli.moments import moment
from catalog.cli.options import AssetArgument, AtOption, Output, OutputOption, examples, session_of
from catalog.cli.output import emit, emit_one, fields, table
from catalog.cli.session import Session
from catalog.cli.version_rows import VERSION_KEYS, version, version_columns
from catalog.errors import UsageError
from catalog.model import Count, FileInfo, VersionInfo
from catalog.text import safe

if TYPE_CHECKING:
    from catalog.api import Catalog, Dataset
    from catalog.model.lineage import Direction, Trace

app = application()

SCREENFUL = 200
_COLUMNS_SHOWN = 30
_LISTED = 5
_BESIDE = 100


@app.command(
    epilog=examples("catalog show lab/clicks", "catalog show s3://lake/raw/clicks --at 7d", "catalog show 17 -o json")
)
def show(ctx: typer.Context, asset: AssetArgument, at: AtOption = None, output: OutputOption = Output.table) -> None:
    """Everything known about one asset: what it is, why that is believed, its columns and versions."""
    session, then = session_of(ctx), moment(at)
    with session.open() as cat:
        found = cat.dataset(asset, at=then)
        around = cat.trace(found, depth=1, fan_out=_BESIDE, limit=2 * _BESIDE + 1, at=then).trace
        sides = graph_rows.beside(around, "up"), graph_rows.beside(around, "down")
        row = rows.asset(found.info, [version(one) for one in _newest_first(found.versions)], *sides)
    if output is Output.table:
        _show(session, row, around)
    else:
        for direction in graph_rows.DIRECTIONS:
            row[f"{direction}stream_unlisted"] = graph_rows.unlisted(around, direction).number
        emit_one(output, row, rows.SHOW_KEYS)


@app.command(
    epilog=examples(
        "catalog files lab/clicks",
        "catalog files lab --limit 0 -o csv",
        "catalog files lab/clicks@2 --at 2026-03-01",
    )
)
def files(
    ctx: typer.Context,
    asset: AssetArgument,
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
    """The files of an asset, or of a whole silo."""
    session, then = session_of(ctx), moment(at)
    most = (SCREENFUL if output is Output.table else 0) if limit is None else limit
    with session.open() as cat:
        found, number = _files(cat, asset, then)
        kept = islice(found, most) if most else found
        seen = emit(session, output, map(rows.file, kept), rows.FILE_KEYS, rows.FILE_COLUMNS)
        if not seen:
            session.notice(f"No files in '{safe(asset)}'{' then' if at else ''}.")
        elif seen == most and (total := number()) > seen:
            session.notice(f"{seen:,} of {total:,}; --limit 0 shows all.")


@app.command(epilog=examples("catalog schema lab/clicks", "catalog schema lab/clicks@1 -o jsonl"))
def schema(ctx: typer.Context, asset: AssetArgument, at: AtOption = None, output: OutputOption = Output.table) -> None:
    """The columns of an asset, nested ones with dots."""
    session, then = session_of(ctx), moment(at)
    with session.open() as cat:
        found = cat.dataset(asset, at=then)
        columns = rows.fields(found.schema, found.labels)
        seen = emit(session, output, columns, rows.FIELD_KEYS, rows.field_columns(columns))
        if not seen:
            session.notice(_without_columns(found))


@app.command(epilog=examples("catalog versions lab/clicks", "catalog versions lab/clicks -o json"))
def versions(ctx: typer.Context, asset: AssetArgument, output: OutputOption = Output.table) -> None:
    """The states of an asset that crawls found, newest first."""
    session = session_of(ctx)
    with session.open() as cat:
        found = [version(one) for one in _newest_first(cat.dataset(asset).versions)]
        emit(session, output, found, VERSION_KEYS, version_columns(found))


def _without_columns(found: Dataset) -> str:
    if not found.silo:
        return "It is known by name only, and no event told its columns."
    if found.info.inspected:
        return "It has no columns that this release can read."
    return f"None of its files was opened. Open them: catalog crawl {safe(found.silo)} --inspect all"


def _newest_first(versions: Iterable[VersionInfo]) -> list[VersionInfo]:
    return sorted(versions, key=lambda one: -one.number)


def _files(cat: Catalog, name: str, at: int | None) -> tuple[Iterable[FileInfo], Callable[[], int]]:
    """The files of the silo or asset of this name, and how to count them. Raises `NotFound`."""
    silo = next((one for one in cat.silos() if one.name == name), None)
    if silo is None:
        found = cat.dataset(name, at=at).files()
        return found, lambda: found.count().number
    if at is not None:
        raise UsageError("--at asks about an asset, not a whole silo.", hint=f"catalog search silo:{safe(name)}")
    return cat.silo_files(name), lambda: silo.files or 0


def _show(session: Session, row: dict[str, Any], around: Trace) -> None:
    """The page about one asset, for people."""
    findings = [f"{one['path']}: {one['kind']}, {one['detail']}" for one in row["findings"]]
    fields(
        session,
        [
            (safe(row["kind"]), safe(f"{row['silo']}/{row['name']}" if row["silo"] else row["name"])),
            ("id", str(row["id"])),
            ("uri", safe(row["uri"])),
            ("also called", safe(", ".join(row["aliases"]))),
            ("description", safe(row["description"] or "")),
            ("owner", safe(row["owner"] or "")),
            ("tags", safe(", ".join(row["tags"]))),
            ("format", safe(_and(row["format"] or "unknown", row["codec"]))),
            ("holds", _holds(row) if row["files"] is not None else ""),
            ("partitions", safe(", ".join(row["partitions"]))),
            ("sensitive", _sensitive(row)),
            ("modified", rows.when(row["modified"])),
            ("evidence", safe(f"{row['evidence']} ({row['rule']}, {row['confidence']:.0%})")),
            ("first seen", rows.when(row["first_seen"])),
            ("verified", rows.when(row["last_verified"])),
            ("removed", rows.when(row["removed"]) if row["removed"] else ""),
        ],
    )
    _part(session, "Columns", row["schema"], rows.field_columns(row["schema"]), _COLUMNS_SHOWN)
    for direction in graph_rows.DIRECTIONS:
        _side(session, direction, row[f"{direction}stream"], graph_rows.unlisted(around, direction))
    _part(session, "Versions", row["versions"], version_columns(row["versions"][:_LISTED]), _LISTED)
    facts = [f"{name}: {_fact(value)}" for name, value in row["facts"].items() if name != "extra"]
    if "extra" in row["facts"]:
        facts.append(f"more with: pip install 'silograph[{row['facts']['extra']}]'")
    _lines(session, "Facts", facts, len(facts))
    _lines(session, "Drift", row["drift"], _COLUMNS_SHOWN)
    _lines(session, "Findings", findings, _COLUMNS_SHOWN)


def _lines(session: Session, title: str, found: list[str], most: int) -> None:
    if found:
        sys.stdout.write(f"\n{session.paint(title, 'bold', sys.stdout)}\n")
        sys.stdout.writelines(f"{safe(line)}\n" for line in found[:most])
        _rest(len(found) - most)


def _part(session: Session, title: str, found: list[dict[str, Any]], columns: Iterable[Any], most: int) -> None:
    if found:
        sys.stdout.write(f"\n{session.paint(f'{title} ({len(found):,})', 'bold', sys.stdout)}\n")
        sys.stdout.writelines(f"{line}\n" for line in table(session, found[:most], tuple(columns)))
        _rest(len(found) - most)


def _side(session: Session, direction: Direction, found: list[dict[str, Any]], unlisted: Count) -> None:
    """The assets one edge away."""
    if not found:
        return
    total = Count(len(found) + unlisted.number, unlisted.exact)
    title = f"{direction.capitalize()}stream ({total})"
    sys.stdout.write(f"\n{session.paint(title, 'bold', sys.stdout)}\n")
    sys.stdout.writelines(f"{line}\n" for line in table(session, found[:_LISTED], graph_rows.BESIDE_COLUMNS))
    if total.number > _LISTED:
        sys.stdout.write(f"… and {Count(total.number - _LISTED, total.exact)} more\n")


def _rest(left: int) -> None:
    if left > 0:
        sys.stdout.write(f"… and {left:,} more\n")


def _holds(row: dict[str, Any]) -> str:
    inside = f", {text.plural(row['rows'], 'row')}" if row["rows"] is not None else ""
    return f"{text.plural(row['files'], 'file')}, {text.size(row['bytes'])}{inside}, {row['inspected']:,} opened"


def _sensitive(row: dict[str, Any]) -> str:
    """How many columns are sensitive, as which, and in which version where that is not the present one."""
    if row["labels"] is None:
        return ""
    which = ", ".join(sorted({one["label"] for one in row["labels"]}))
    told = f"{text.plural(len(row['labels']), 'column')} ({which})" if which else "no column"
    return told if row["classified"] == row["version"] else f"{told}, as of version {row['classified']}"


def _fact(value: object) -> str:
    """A fact for people: numbers with separators, yes and no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _and(first: str, second: str | None) -> str:
    return f"{first}, {second}" if second else first
