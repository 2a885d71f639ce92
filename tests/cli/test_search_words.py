"""How the words of a command line become one query."""

import pytest

from catalog.cli.commands import COMMANDS
from catalog.cli.groups import load
from catalog.cli.search import joined
from catalog.cli.session import Session
from catalog.query import parse

SEARCH = load(next(command for command in COMMANDS if command.name == "search"))


@pytest.mark.parametrize(
    ("words", "query"),
    [
        ([], ""),
        (["clicks"], "clicks"),
        (['clicks "user events" -is:stale'], 'clicks "user events" -is:stale'),
        (["clicks", "user events"], 'clicks "user events"'),
        (["clicks", "silo:lake"], "clicks silo:lake"),
        (["clicks", "name:my file"], 'clicks name:"my file"'),
        (["clicks", "-name:my file"], 'clicks -name:"my file"'),
        (["clicks", "silo:lake kind:model"], "clicks silo:lake kind:model"),
        (["clicks", '"user events"'], 'clicks "user events"'),
    ],
    ids=str,
)
def test_what_the_shell_kept_together_stays_together(words, query):
    assert joined(words) == query
    parse(joined(words))


@pytest.mark.parametrize(
    ("words", "query", "rest"),
    [
        (["-is:stale"], ["-is:stale"], {}),
        (["clicks", "-is:stale", "tag:pii"], ["clicks", "tag:pii", "-is:stale"], {}),
        (["-format:parquet", "-o", "json"], ["-format:parquet"], {"output": "json"}),
        (["-ojson", "-clicks"], ["-clicks"], {"output": "json"}),
        (["--limit", "3", "-qv", "x"], ["x"], {"limit": 3}),
        (["x", "--", "-o", "--limit"], ["x", "-o", "--limit"], {}),
        (["-owner:ann", "--", "-x"], ["-owner:ann", "-x"], {}),
        (["--limit", "0", "--facets", '-"two words"'], ['-"two words"'], {"limit": 0, "facets": True}),
    ],
    ids=str,
)
def test_a_word_with_a_dash_is_a_filter_unless_it_is_an_option(words, query, rest):
    ctx = SEARCH.make_context("search", list(words), obj=Session())
    assert list(ctx.params["query"]) == query
    assert {key: ctx.params[key] for key in rest} == rest
