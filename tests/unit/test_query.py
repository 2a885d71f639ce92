"""The query language: what parses, to what, what is refused, and that str() is its inverse."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog.errors import QueryError
from catalog.query import FIELDS, KINDS, SORTS, STATES, Query, Sort, Term, Value, Word, parse, suggest

DAY = 86400 * 10**9
GB = 10**9


def only(text: str) -> Word | Term:
    (condition,) = parse(text).conditions
    return condition


def value(text: str) -> Value:
    term = only(text)
    assert isinstance(term, Term)
    (found,) = term.values
    return found


def test_the_example_of_the_documentation():
    query = parse(
        'clicks "user events" silo:lake kind:dataset format:parquet size:>1GB modified:<30d owner:ann '
        "tag:pii column:user_id type:int64 in:raw/ is:broken -is:stale sort:-modified"
    )
    assert query.words == (Word("clicks"), Word("user events"))
    assert [t.field for t in query.terms] == [
        *("silo", "kind", "format", "size", "modified", "owner"),
        *("tag", "column", "type", "in", "is", "is"),
    ]
    assert query.terms[-1] == Term("is", (Value("stale"),), negated=True)
    assert query.sort == Sort("modified", descending=True)
    assert query.kinds == {"dataset"}


@pytest.mark.parametrize("text", ["", "   ", '""', "\t\n"])
def test_nothing_asked_is_the_empty_query(text):
    assert parse(text) == Query()


@pytest.mark.parametrize(
    "text, word",
    [
        ("clicks", Word("clicks")),
        ("-clicks", Word("clicks", True)),
        ("--clicks", Word("-clicks", True)),
        ("-", Word("-")),
        ('"-clicks"', Word("-clicks")),
        ('-"user events"', Word("user events", True)),
        ('"say ""hi"""', Word('say "hi"')),
        ('""""', Word('"')),
        ("http://x", Word("http://x")),
        ("s3://bucket/key", Word("s3://bucket/key")),
        ("git+ssh://host/x", Word("git+ssh://host/x")),
        ("C:\\x", Word("C:\\x")),
        ("D:/data", Word("D:/data")),
        ("12:30", Word("12:30")),
        ("std::vector", Word("std::vector")),
        (":x", Word(":x")),
        ('"foo:bar"', Word("foo:bar")),
        ('"silo:lake"', Word("silo:lake")),
        ("a,b", Word("a,b")),
        (">5", Word(">5")),
        ("100%_", Word("100%_")),
        ("データ", Word("データ")),
        ("caf\udce9", Word("caf\u201bE9")),
    ],
)
def test_words(text, word):
    assert only(text) == word
    assert only(str(word)) == word


@pytest.mark.parametrize(
    "text, term",
    [
        ("silo:lake", Term("silo", (Value("lake"),))),
        ("SILO:Lake", Term("silo", (Value("Lake"),))),
        ("-silo:lake", Term("silo", (Value("lake"),), True)),
        ("format:csv,parquet", Term("format", (Value("csv"), Value("parquet")))),
        ("format:csv,", Term("format", (Value("csv"),))),
        ('tag:"a, b",c', Term("tag", (Value("a, b"), Value("c")))),
        ("column:=id", Term("column", (Value("id", "="),))),
        ('column:"=id"', Term("column", (Value("=id"),))),
        ('type:"timestamp[us, tz=UTC]"', Term("type", (Value("timestamp[us, tz=UTC]"),))),
        ("in:s3://odd", Term("in", (Value("s3://odd"),))),
        ("is:Broken", Term("is", (Value("broken"),))),
        ("kind:dataset,model", Term("kind", (Value("dataset"), Value("model")))),
    ],
)
def test_terms(text, term):
    assert only(text) == term
    assert only(str(term)) == term


@pytest.mark.parametrize(
    "text, low, high",
    [
        ("size:0", 0, 1),
        ("size:10", 10, 11),
        ("size:=10B", 10, 11),
        ("size:>1GB", GB + 1, None),
        ("size:>=1GB", GB, None),
        ("size:<1GB", None, GB),
        ("size:<=1gb", None, GB + 1),
        ("size:>1KiB", 1025, None),
        ("size:1MB..5MB", 10**6, 5 * 10**6 + 1),
        ("size:1MB..", 10**6, None),
        ("size:..5MB", None, 5 * 10**6 + 1),
        ("size:>1.5k", 1501, None),
        ("size:>0.5", 1, None),
        ("size:<0.5", None, 1),
        ("size:=0.5", 1, 1),
        ('size:"> 2 TiB"', 2 * 1024**4 + 1, None),
        ("size:>999999999999PB", 2**63 - 1, None),
        ("files:>1k", 1001, None),
        ("rows:2M..3M", 2 * 10**6, 3 * 10**6 + 1),
    ],
)
def test_amounts(text, low, high):
    assert value(text).bounds(0) == (low, high)


@pytest.mark.parametrize(
    "text, first, after",
    [
        ("2026", "2026-01-01", "2027-01-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2024-02", "2024-02-01", "2024-03-01"),
        ("2026-03-01", "2026-03-01", "2026-03-02"),
        ("2026-01-01..2026-02-01", "2026-01-01", "2026-02-02"),
        ("2026-01..2026-02", "2026-01-01", "2026-03-01"),
        (">2026-03-01", "2026-03-02", None),
        (">=2026-03-01", "2026-03-01", None),
        ("<2026-03", None, "2026-03-01"),
        ("<=2026-03", None, "2026-04-01"),
        ("2026-03-01..", "2026-03-01", None),
    ],
)
def test_dates(text, first, after):
    from datetime import UTC, datetime

    def ns(date: str | None) -> int | None:
        return date and int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()) * 10**9

    assert value(f"modified:{text}").bounds(0) == (ns(first), ns(after))


def test_moments():
    low, high = value("modified:2026-03-01T12:30Z").bounds(0)
    assert (high - low) == 60 * 10**9
    low, high = value("modified:2026-03-01T12:30:05").bounds(0)
    assert (high - low) == 10**9


@pytest.mark.parametrize(
    "text, ages",
    [
        ("<30d", [0, 1, 30 * DAY - 1]),
        ("<=30d", [0, 30 * DAY]),
        (">30d", [30 * DAY + 1, 900 * DAY]),
        (">=30d", [30 * DAY, 900 * DAY]),
        ("30d", [30 * DAY, 31 * DAY - 1]),
        ("7d..30d", [7 * DAY, 30 * DAY]),
        ("30d..7d", [7 * DAY, 30 * DAY]),
        ("<90m", [0, 5400 * 10**9 - 1]),
        ("<1.5h", [0, 5400 * 10**9 - 1]),
        (">1mo", [31 * DAY]),
        (">1y", [366 * DAY]),
        ("<1w", [7 * DAY - 1]),
    ],
)
def test_ages(text, ages):
    now = 2_000_000_000 * 10**9
    low, high = value(f"modified:{text}").bounds(now)
    probes = {0, 1, 30 * DAY - 1, 30 * DAY, 30 * DAY + 1, 7 * DAY, 7 * DAY - 1, 900 * DAY, *ages}
    inside = {a for a in probes if (low is None or now - a >= low) and (high is None or now - a < high)}
    assert set(ages) <= inside
    assert inside != probes


@pytest.mark.parametrize(
    "text, position, says",
    [
        ("formt:csv", 0, "did you mean 'format'"),
        ("clicks col:x", 7, "did you mean 'column'"),
        ("zzz:1", 0, "The fields are silo, kind"),
        ("x is:brokn", 2, "did you mean 'broken'"),
        ("sort:newest", 0, "knows no 'newest'"),
        ("kind:tables", 0, "knows no 'tables'"),
        ("size:big", 0, "no size"),
        ("size:>", 0, "no size"),
        ("size:5MB..1MB", 0, "no size"),
        ("size:..", 0, "no size"),
        ("size:1QB", 0, "no size"),
        ("size:" + "9" * 40, 0, "no size"),
        ("size:-1", 0, "no size"),
        ("modified:soon", 0, "no time"),
        ("modified:2026-13", 0, "no time"),
        ("modified:2026-00", 0, "no time"),
        ("modified:2026-02-30", 0, "no time"),
        ("modified:0000", 0, "no time"),
        ("modified:9999", 0, "no time"),
        ("modified:7d..2026", 0, "no time"),
        ("rows:1GB", 0, "no number"),
        ("silo:", 0, "needs a value"),
        ("silo:=", 0, "needs a value"),
        ('silo:""', 0, "needs a value"),
        ("silo:>lake", 0, "takes no >"),
        ('a "b c', 2, "not closed"),
        ('tag:"x', 0, "not closed"),
        ("a\0b", 1, "no name can hold"),
        ("\ud800", 0, "no name can hold"),
        ("x" * 2001, 2000, "at most 2,000"),
        ("sort:size sort:name", 10, "one order"),
        ("-sort:size", 0, "one order"),
    ],
)
def test_refused(text, position, says):
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert says in caught.value.message
    assert caught.value.position == position
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "text", ["kind:file,dataset", "kind:file owner:ann", "kind:file is:tagged", "kind:file sort:rows"]
)
def test_single_files_take_only_what_files_have(text):
    with pytest.raises(QueryError, match=r"[Ss]ingle files"):
        parse(text)


def test_an_unknown_field_tells_to_quote():
    with pytest.raises(QueryError) as caught:
        parse("sha256:abcd")
    assert caught.value.hint is not None
    assert '"sha256:abcd"' in caught.value.hint


def test_without_and_fold():
    query = parse("Alpha -Beta silo:X sort:size")
    assert str(query.without(1)) == "Alpha silo:X sort:size"
    assert str(query.fold()) == "alpha -beta silo:X sort:size"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("fo", ["format:"]),
        ("clicks -si", ["-silo:", "-size:"]),
        ("is:br", ["is:broken"]),
        ("-is:st", ["-is:stale"]),
        ("kind:dataset,m", ["kind:dataset,model"]),
        ("is:broken", []),
        ("sort:-s", ["sort:-size"]),
        ("nosuch:", []),
        ('"open', []),
        ("zz", []),
    ],
)
def test_suggest(text, expected):
    assert suggest(text) == expected


def test_suggest_offers_every_field_after_a_space():
    assert suggest("clicks ") == suggest("") == [f"{name}:" for name in FIELDS]
    assert suggest("is:") == [f"is:{state}" for state in STATES]


# ---------------------------------------------------------------- hostile input

_text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
_words = st.builds(Word, _text, st.booleans())
_texts = st.builds(Value, _text, st.sampled_from(["", "="]))
_amounts = st.sampled_from(["1", ">1GB", "<2MiB", "1k..5M", "..7", ">=0.5"]).map(lambda t: value(f"size:{t}"))
_times = st.sampled_from(["<30d", ">1y", "7d..30d", "2026", ">2026-03-01", "2026-01..2026-02", "3mo"]).map(
    lambda t: value(f"modified:{t}")
)


def _terms(fields: list[str], values: st.SearchStrategy[Value]) -> st.SearchStrategy[Term]:
    several = st.lists(values, min_size=1, max_size=3).map(tuple)
    return st.builds(Term, st.sampled_from(fields), several, st.booleans())


_conditions = st.one_of(
    _words,
    _terms([s.name for s in FIELDS.values() if s.kind == "text"], _texts),
    _terms(["is"], st.sampled_from(sorted(STATES)).map(Value)),
    _terms(["kind"], st.sampled_from(KINDS[:2]).map(Value)),
    _terms(["size"], _amounts),
    _terms(["modified"], _times),
)
_queries = st.builds(
    Query,
    st.lists(_conditions, max_size=5).map(tuple),
    st.none() | st.builds(Sort, st.sampled_from(SORTS), st.booleans()),
)


@given(_queries)
def test_str_is_the_inverse_of_parse(query):
    assert parse(str(query)) == query


@given(st.text(max_size=60))
@example('"a""')
@example("is:,")
@example("-:")
@example("kind:datas\x19et")
@example("size:\x1b[31m")
@example("fi\x1beld:x")
@example("sort:size sort:\x07")
@example("kind:file is:\x85")
def test_any_text_parses_or_is_a_query_error(text):
    try:
        query = parse(text)
    except QueryError as error:
        assert error.position is None or 0 <= error.position <= len(text)
        assert error.message.isprintable() and (error.hint or "").isprintable()
    else:
        assert parse(str(query)) == query
    assert all(isinstance(s, str) for s in suggest(text))
