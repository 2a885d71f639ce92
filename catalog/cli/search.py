"""`catalog search`: the query language on the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from catalog.cli import rows
from catalog.cli.groups import app as application
from catalog.cli.options import Output, OutputOption, complete_query, examples, session_of
from catalog.cli.output import Column, emit
from catalog.cli.session import Session
from catalog.cli.silo import NO_SILOS
from catalog.query import FIELDS
from catalog.text import count, safe

if TYPE_CHECKING:
    from catalog.api import Catalog, Results

app = application()

SCREENFUL = 50
FACET_KEYS = ("field", "value", "count")
FACET_COLUMNS = (
    Column("field", "FIELD"),
    Column("value", "VALUE", rows.dash),
    Column("count", "COUNT", count, right=True),
)
# `-is:stale` is a filter, `-ojson` and `-qv` are options: everything else with one dash is a word.
_OPTION = re.compile(r"--|-.?$|-o(table|jsonl?|csv)$|-[qv]+$")
_FIELD = re.compile(r"(-?[a-z_]+:)([^:]*)", re.IGNORECASE)


class SearchCommand(TyperCommand):
    """Takes `-field:value` as a part of the query, not as an option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Move words that begin with a dash behind `--`, where click leaves them alone."""
        end = args.index("--") if "--" in args else len(args)
        words = [word for word in args[:end] if word.startswith("-") and not _OPTION.match(word)]
        rest = [*words, *args[end + 1 :]]
        options = [word for word in args[:end] if word not in words]
        return super().parse_args(ctx, [*options, "--", *rest] if rest else options)


@app.command(
    cls=SearchCommand,
    epilog=examples(
        "catalog search clicks",
        "catalog search 'format:parquet size:>1GB modified:<30d sort:-modified'",
        "catalog search kind:file silo:lake in:raw/ --limit 0 -o csv",
        "catalog search tag:pii -is:stale --facets",
    )
    + "\n\n\b\nFilters:\n"
    + "\n".join(f"  {spec.name + ':':<11}{spec.help}" for spec in FIELDS.values()),
)
def search(
    ctx: typer.Context,
    query: Annotated[
        list[str] | None,
        typer.Argument(metavar="QUERY", help="Words and field:value filters.", autocompletion=complete_query),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            metavar="N",
            min=0,
            help=f"At most so many; 0 for all. A table shows {SCREENFUL} by default.",
        ),
    ] = None,
    facets: Annotated[bool, typer.Option("--facets", help="Count the hits by field instead of listing them.")] = False,
    output: OutputOption = Output.table,
) -> None:
    """Find datasets, models and (with kind:file) files.

    Words match names, paths, columns, descriptions and tags. A dash before a word or a filter
    excludes, a comma in a value means or.
    """
    session = session_of(ctx)
    asked = joined(query or [])
    with session.open() as cat:
        found = cat.search(asked)
        if facets:
            seen = emit(session, output, _facets(found), FACET_KEYS, FACET_COLUMNS)
        else:
            most = (SCREENFUL if output is Output.table else 0) if limit is None else limit
            hits = map(rows.hit, found.page(0, most) if most else found)
            seen = emit(session, output, hits, rows.HIT_KEYS, rows.HIT_COLUMNS)
            if seen and seen == most:
                _more(session, found, seen)
        if not seen:
            _nothing(session, cat, found, asked)


def joined(words: list[str]) -> str:
    """The words of the command line as one query; what the shell kept together stays together."""
    if len(words) < 2:
        return "".join(words)
    return " ".join(_quoted(word) for word in words)


def _quoted(word: str) -> str:
    if '"' in word or not any(c.isspace() for c in word):
        return word
    if ":" not in word:
        return f'"{word}"'
    field = _FIELD.fullmatch(word)
    return f'{field[1]}"{field[2]}"' if field else word


def _facets(found: Results) -> Iterator[dict[str, Any]]:
    for field, values in found.facets().items():
        for value, number in values:
            yield {"field": field, "value": value, "count": number}


def _more(session: Session, found: Results, seen: int) -> None:
    total = found.count()
    if total.number > seen:
        session.notice(f"{seen:,} of {total}; --limit 0 shows all.")


def _nothing(session: Session, cat: Catalog, found: Results, asked: str) -> None:
    """Say why there is nothing, and what would help."""
    silos = cat.silos()
    if not silos:
        session.notice(NO_SILOS)
    elif all(silo.last_crawl_ns is None for silo in silos):
        session.notice("Nothing was crawled yet. Begin: catalog crawl")
    else:
        session.notice(f"No matches for: {safe(asked)}" if asked else "The catalog holds no assets.")
        for query, gained in found.hints():
            session.notice(f"  {gained} found by: {safe(query)}")
