"""`catalog annotate`: what only people know about an asset."""

from __future__ import annotations

from typing import Annotated

import typer

from catalog.cli.groups import app as application
from catalog.cli.options import AssetArgument, examples, session_of
from catalog.errors import UsageError
from catalog.text import safe

app = application()


@app.command(
    epilog=examples(
        "catalog annotate lab/clicks --owner ann --tag pii --tag raw",
        "catalog annotate lab/clicks --untag raw --describe 'Clicks of the web shop, one row each.'",
    )
)
def annotate(
    ctx: typer.Context,
    asset: AssetArgument,
    owner: Annotated[str | None, typer.Option("--owner", metavar="O", help="Who answers for it; '' clears.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="T", help="Add a tag; may be repeated.")] = None,
    untag: Annotated[
        list[str] | None, typer.Option("--untag", metavar="T", help="Take a tag away; may be repeated.")
    ] = None,
    describe: Annotated[str | None, typer.Option("--describe", metavar="TEXT", help="What it is; '' clears.")] = None,
) -> None:
    """Set owner, tags and description of an asset. They survive every crawl."""
    session = session_of(ctx)
    if owner is None and describe is None and not tag and not untag:
        raise UsageError("Nothing to set.", hint=f"catalog annotate {safe(asset)} --owner NAME --tag WORD")
    with session.open(read_only=False) as cat:
        found = cat.dataset(asset)
        found.annotate(owner=owner, tags=tag or (), remove_tags=untag or (), description=describe)
        session.notice(f"Annotated '{safe(found.name)}'.")
