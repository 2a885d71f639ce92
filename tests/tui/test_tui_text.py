"""The parts without a screen: cells, columns, edits of the query, snippets, copying."""

from __future__ import annotations

import os
import shlex
import stat
from dataclasses import replace
from itertools import pairwise

import pytest
from fake_catalog import NOW, FakeCatalog, hits, hostile
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from catalog.query import parse
from catalog.text import safe
from catalog.tui import cells, clipboard, snippets, terms
from catalog.tui.columns import GAP, fitted
from catalog.tui.crawl_lists import crawl_columns, silo_columns
from catalog.tui.describe import Clock
from catalog.tui.lineage_lists import IMPACT, LINEAGE, NEIGHBOURS, TRACE
from catalog.tui.listings import FIELDS, FILES, HITS, VERSIONS, beside, signed, signed_size
from catalog.tui.widgets.facets import short

values = st.text(min_size=1).map(lambda t: safe(t)).filter(lambda t: t.strip())


@given(st.text().map(safe), st.integers(0, 60), st.sampled_from(["end", "start", "middle", "behind"]))
def test_fit_never_exceeds_the_width(text, width, cut):
    fitted_text = cells.fit(text, width, cut)
    assert cell_len(fitted_text) <= width
    assert fitted_text == text if cell_len(text) <= width else width == 0 or "…" in fitted_text


@pytest.mark.parametrize(
    ("cut", "expected"), [("end", "raw/2026/p…"), ("start", "…07.parquet"), ("middle", "raw/2…rquet"), ("behind", "ra….parquet")]
)
def test_fit_cuts_where_told(cut, expected):
    assert cells.fit("raw/2026/part-00007.parquet", 11, cut) == expected


@given(st.text(), st.lists(st.text(min_size=1).map(str.lower), max_size=4))
def test_spans_are_sorted_and_apart(text, needles):
    found = cells.spans(text, needles)
    assert all(a < b for a, b in found)
    assert all(first[1] < second[0] for first, second in pairwise(found))


COLUMNS = [
    HITS, FIELDS, FILES, VERSIONS, NEIGHBOURS, LINEAGE, TRACE, IMPACT,
    silo_columns(Clock(NOW)), crawl_columns(Clock(NOW), lambda: 0.0),
]  # fmt: skip


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("width", [1, 12, 40, 75, 95, 117, 198, 400])
def test_columns_fit_and_the_first_rank_stays(columns, width):
    chosen = fitted(columns, width)
    assert sum(w for _, w in chosen) + GAP * (len(chosen) - 1) <= width
    assert min(c.rank for c in columns) in [c.rank for c, _ in chosen]
    kept = {c.rank for c, _ in chosen}
    assert kept == set(range(len(kept))), "columns go in the order of their rank"


def test_eighty_columns_show_the_five_that_matter():
    assert [c.key for c, _ in fitted(HITS, 75)] == ["name", "silo", "format", "size", "modified"]


@given(values)
def test_toggling_a_filter_twice_gives_the_query_back(value):
    for query in ("", "clicks sort:-size", "silo:a,b tag:x"):
        for field in ("silo", "tag"):
            if terms.has(parse(query), field, value):
                continue
            once = terms.toggled(query, field, value)
            assert terms.has(parse(once), field, value)
            assert parse(terms.toggled(once, field, value)) == parse(query)


@pytest.mark.parametrize(
    ("query", "field", "value", "expected"),
    [
        ("", "format", "csv", "format:csv"),
        ("format:csv", "format", "csv", ""),
        ("format:csv", "format", "parquet", "format:csv,parquet"),
        ("tag:pii", "tag", "gold", "tag:pii tag:gold"),
        ("clicks sort:-size", "silo", "my lake", 'clicks silo:"my lake" sort:-size'),
        ("format:CSV,parquet x", "format", "csv", "format:parquet x"),
        ('"open quote', "silo", "lake", '"open quote silo:lake'),
    ],
)
def test_toggled(query, field, value, expected):
    assert terms.toggled(query, field, value) == expected


@pytest.mark.parametrize(
    ("query", "field", "down", "expected"),
    [
        ("a sort:name", "size", True, "a sort:-size"),
        ("a sort:name", None, False, "a"),
        ("", "rows", False, "sort:rows"),
    ],
)
def test_sorted_by(query, field, down, expected):
    assert terms.sorted_by(query, field, down) == expected


def test_needles_are_words_and_names_not_filters():
    assert terms.needles(parse('Clicks "user Events" -not silo:lake name:Raw')) == [
        "clicks",
        "user events",
        "raw",
    ]


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "0"), (999, "999"), (1000, "1k"), (12_042, "12k"), (12_450, "12.4k"), (125_300, "125k"), (1_200_000, "1.2M")]
)  # fmt: skip
def test_short(number, expected):
    assert short(number) == expected


def test_versions_stand_beside_the_one_before():
    versions = FakeCatalog(hits(1)).fork().dataset("1").versions
    rows = beside(versions)
    assert [row.version.number for row in rows] == sorted((v.number for v in versions), reverse=True)
    assert rows[-1].before is None and rows[0].before == rows[1].version


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [(5, 3, "+2"), (3, 1_003, "−1,000"), (3, 3, "="), (None, 3, ""), (3, None, "")],
)
def test_signed(new, old, expected):
    assert signed(new, old) == expected


def test_signed_size():
    assert signed_size(3_000_000, 1_000_000) == "+2.0 MB"


# ---------------------------------------------------------------- snippets


@pytest.fixture
def hit():
    return replace(
        hits(1)[0], uri="file:///data/it's here/clicks", format="parquet", files=3, modified_ns=NOW
    )


def test_snippets_quote_names(hit):
    assert shlex.split(snippets.cli(hit)) == ["catalog", "show", hit.uri]
    assert shlex.split(snippets.cli(hit, "/my db"))[:3] == ["catalog", "--db", "/my db"]
    assert snippets.duckdb(hit) == "SELECT * FROM read_parquet('/data/it''s here/clicks/**/*.parquet');"
    compile(snippets.python(hit), "snippet", "exec")
    assert "connect('/my db')" in snippets.python(hit, "/my db")


@pytest.mark.parametrize(
    ("format", "files", "expected"),
    [
        ("delta", 9, "delta_scan('s3://b/t')"),
        ("csv", 1, "read_csv('s3://b/t')"),
        ("jsonl", 2, "read_json('s3://b/t/**/*.jsonl')"),
        ("zarr", 2, None),
        (None, 1, None),
    ],
)
def test_duckdb_by_format(hit, format, files, expected):
    found = snippets.duckdb(replace(hit, uri="s3://b/t", format=format, files=files))
    assert found == (expected and f"SELECT * FROM {expected};")


def test_a_single_file_offers_no_page(hit):
    assert [label for label, _ in snippets.choices(replace(hit, kind="file"))] == ["URI", "DuckDB"]


def test_hostile_names_become_ids_or_percent_signs(hit):
    bad = hostile(hit)
    assert snippets.uri(bad).isprintable() and "%0A" in snippets.uri(bad)
    assert snippets.cli(bad) == f"catalog show {bad.id}"
    assert snippets.duckdb(bad) is None


# ---------------------------------------------------------------- copying


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """A folder that is the whole PATH; `make(name, code)` puts a copy tool there that writes its input to a file."""

    def make(name, code=0):
        tool = tmp_path / name
        tool.write_text(f'#!/bin/sh\n/bin/cat > "{tmp_path}/{name}.got"\nexit {code}\n')
        tool.chmod(tool.stat().st_mode | stat.S_IEXEC)
        return tmp_path / f"{name}.got"

    monkeypatch.setenv("PATH", str(tmp_path))
    return make


def test_the_native_tool_comes_first_and_is_sure(tools):
    got = tools("wl-copy")
    sent = []
    copied = clipboard.copy("s3://ü", sent.append, {"WAYLAND_DISPLAY": "w", "TMUX": "x"})
    assert (copied.sure, got.read_text(), sent) == (True, "s3://ü", [])


@pytest.mark.parametrize("env", [{"SSH_TTY": "/dev/pts/1"}, {"SSH_CONNECTION": "a b c d"}])
def test_over_ssh_the_desktop_of_the_server_is_left_alone(tools, env):
    got = tools("xclip")
    sent = []
    copied = clipboard.copy("x", sent.append, env | {"DISPLAY": ":0"})
    assert not copied.sure and "sent to the terminal" in copied.message and sent == ["x"] and not got.exists()


def test_tmux_next_and_a_failing_tool_is_passed_over(tools):
    tools("xclip", code=1)
    got = tools("tmux")
    copied = clipboard.copy("x", lambda _: pytest.fail("not needed"), {"DISPLAY": ":0", "TMUX": "t"})
    assert got.read_text() == "x" and "tmux" in copied.message


def test_text_too_long_for_the_terminal_is_not_sent(tools):
    copied = clipboard.copy("x" * 100_000, lambda _: pytest.fail("would be dropped"), {})
    assert not copied.sure and "too long" in copied.message


def test_macos_uses_its_own_tool(tools):
    tools("pbcopy")
    assert clipboard.native_tool({}, platform="darwin") == ["pbcopy"]
    assert clipboard.native_tool(dict(os.environ) | {"SSH_TTY": "x"}, platform="darwin") is None
