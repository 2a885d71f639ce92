"""Rows on stdout: every format, hostile values, narrow terminals."""

import csv
import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.cli.options import Output
from catalog.cli.output import Column, emit, table
from catalog.cli.session import Session
from catalog.text import cut, width

KEYS = ("name", "size", "tags")
COLUMNS = (Column("name", "NAME", shrinks=True), Column("size", "SIZE", right=True))
ROWS = [{"name": "a", "size": 1, "tags": ["x", "y"]}, {"name": "日本", "size": None, "tags": []}]


@pytest.fixture
def printed(capsys):
    def call(output, rows):
        capsys.readouterr()
        assert emit(Session(), Output(output), iter(rows), KEYS, COLUMNS) == len(rows)
        return capsys.readouterr().out

    return call


@pytest.mark.parametrize("rows", [[], ROWS[:1], ROWS], ids=len)
def test_json_is_one_array_and_jsonl_one_object_a_line(printed, rows):
    assert json.loads(printed("json", rows)) == rows
    assert [json.loads(line) for line in printed("jsonl", rows).splitlines()] == rows


def test_csv_has_a_header_even_without_rows(printed):
    assert printed("csv", []) == "name,size,tags\n"
    assert printed("csv", ROWS) == "name,size,tags\na,1,x;y\n日本,,\n"


def test_a_table_is_aligned_by_cells_not_characters(printed):
    assert printed("table", ROWS).splitlines() == ["NAME  SIZE", "a        1", "日本  None"]


def test_a_table_without_rows_is_nothing(printed):
    assert printed("table", []) == ""


HOSTILE = st.text(st.characters(), max_size=40)


@given(HOSTILE)
def test_no_value_reaches_the_terminal_raw(value):
    row = {"name": value, "size": 0, "tags": [value]}
    lines = list(table(Session(), [row], COLUMNS))
    assert len(lines) == 2
    shown = "".join(lines)
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs")]


@given(HOSTILE)
def test_csv_and_json_hold_no_control_characters(value):
    import contextlib

    for output in (Output.csv, Output.json, Output.jsonl):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            emit(Session(), output, [{"name": value, "size": 0, "tags": [value]}], KEYS, COLUMNS)
        text = out.getvalue()
        assert not [c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs")]
        if output is Output.csv:
            assert len(list(csv.reader(io.StringIO(text)))) == 2
        elif output is Output.jsonl:
            assert json.loads(text)["name"] == value


@given(st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs")), max_size=60), st.integers(1, 40))
def test_cut_never_exceeds_its_limit(words, limit):
    assert width(cut(words, limit)) <= max(limit, 1)
    assert width(words) > limit or cut(words, limit) == words


def test_a_table_fits_the_terminal(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "30")
    rows = [{"name": "raw/" + "x" * 100 + "/end.parquet", "size": 1234}]
    title, line = table(Session(no_color=True), rows, COLUMNS)
    assert width(line) == 30
    assert line.startswith("raw/") and ".parquet" in line and "…" in line and line.endswith("1234")
    assert title.startswith("NAME")


def test_spare_columns_leave_before_a_name_becomes_unreadable(monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    columns = (*COLUMNS, Column("tags", "TAGS", spare=2), Column("kind", "KIND", spare=1))
    row = {"name": "n" * 40, "size": 1, "tags": "t" * 9, "kind": "k" * 9}
    shown = {}
    for room in (80, 55, 45, 30):
        monkeypatch.setenv("COLUMNS", str(room))
        title, line = table(Session(no_color=True), [row], columns)
        shown[room] = title.split()
        assert width(line) <= room
    assert shown == {
        80: ["NAME", "SIZE", "TAGS", "KIND"],
        55: ["NAME", "SIZE", "KIND"],
        45: ["NAME", "SIZE"],
        30: ["NAME", "SIZE"],
    }


def test_rows_are_written_as_they_come(monkeypatch):
    """A million rows need no memory: the first is out before the last is asked for."""
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    seen = []

    def rows():
        for number in range(2000):
            seen.append(len(out.getvalue()))
            yield {"name": str(number), "size": number, "tags": []}

    for output in Output:
        out.truncate(0)
        out.seek(0)
        seen.clear()
        emit(Session(), output, rows(), KEYS, COLUMNS)
        assert seen[0] < seen[-1] and seen[-1] > 0, output
