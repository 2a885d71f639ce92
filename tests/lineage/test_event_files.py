"""Files of events in every form, whole and broken: what can be read is, and the rest is named with its place."""

from __future__ import annotations

import gzip
import io
import json
import sys

import pytest
from harness.events import at, dataset, event, write
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import UsageError
from catalog.lineage.openlineage import files, read
from catalog.lineage.openlineage.events import EventError, parse
from catalog.model.events import EventSeen, Rejected

EVENTS = [
    event("COMPLETE", n, f"job {n}", [dataset("s3://lake", "a")], [dataset("s3://lake", "b")], n) for n in range(1, 6)
]


def items(*paths):
    return list(read([str(path) for path in paths]))


def told(*paths):
    """(place behind the file's name, job or reason) of everything read."""
    found = []
    for one in items(*paths):
        place = one.place.rpartition("/")[2].partition(":")[2]
        found.append((place, one.job.name if isinstance(one, EventSeen) else one.reason))
    return found


def lines(*texts):
    return "".join(f"{text}\n" for text in texts).encode()


ONE = json.dumps(EVENTS[0])
FORMS = {
    "lines": lines(*map(json.dumps, EVENTS)),
    "lines without an end": lines(*map(json.dumps, EVENTS))[:-1],
    "lines with blank ones": lines("", *map(json.dumps, EVENTS), "", "  "),
    "lines that end as on Windows": lines(*map(json.dumps, EVENTS)).replace(b"\n", b"\r\n"),
    "a byte order mark": b"\xef\xbb\xbf" + lines(*map(json.dumps, EVENTS)),
    "an array": json.dumps(EVENTS).encode(),
    "a pretty array": json.dumps(EVENTS, indent=2).encode(),
    "an array of a line each": ("[\n" + ",\n".join(map(json.dumps, EVENTS)) + "\n]\n").encode(),
    "a pretty array with a mark": b"\xef\xbb\xbf" + json.dumps(EVENTS, indent=1).encode(),
    "events in a row": "".join(json.dumps(one, indent=2) + "\n" for one in EVENTS).encode(),
    "events on one line": "".join(map(json.dumps, EVENTS)).encode(),
    "several arrays": lines(json.dumps(EVENTS[:2]), json.dumps(EVENTS[2:])),
}  # fmt: skip


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read(tmp_path, form, packed):
    content = FORMS[form]
    path = tmp_path / "events"
    path.write_bytes(gzip.compress(content[:50]) + gzip.compress(content[50:]) if packed else content)
    assert [one.job.name for one in items(path)] == [f"job {n}" for n in range(1, 6)]
    assert len({one.digest for one in items(path)}) == 5


@pytest.mark.parametrize("indent", [None, 2])
def test_one_event_may_be_a_file(tmp_path, indent):
    path = tmp_path / "event.json"
    path.write_text(json.dumps(EVENTS[0], indent=indent))
    (one,) = items(path)
    assert "\n" not in one.body and json.loads(one.body) == EVENTS[0]


def test_the_form_makes_no_difference_to_the_digest(tmp_path):
    found = set()
    for number, form in enumerate(FORMS):
        path = tmp_path / f"{number}.json"
        path.write_bytes(FORMS[form])
        found.add(tuple(one.digest for one in items(path)))
    assert len(found) == 1


def test_a_folder_gives_its_files_in_order(tmp_path):
    write(tmp_path / "b.ndjson", EVENTS[2:4])
    write(tmp_path / "a.json", EVENTS[:2])
    (tmp_path / "c.ndjson.gz").write_bytes(gzip.compress(lines(json.dumps(EVENTS[4]))))
    (tmp_path / "notes.txt").write_text("no events")
    assert [one.job.name for one in items(tmp_path)] == [f"job {n}" for n in range(1, 6)]


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(FORMS["lines"]))))
    assert [one.place for one in items("-")] == [f"stdin:{n}" for n in range(1, 6)]


@pytest.mark.parametrize("content", [b"", b"\n \n", gzip.compress(b"", mtime=0)])
def test_an_empty_file_has_no_events(tmp_path, content):
    path = tmp_path / "empty"
    path.write_bytes(content)
    assert items(path) == []


def test_what_is_missing_is_said_before_anything_is_read(tmp_path):
    good = write(tmp_path / "good.json", EVENTS)
    (tmp_path / "hollow").mkdir()
    for wrong in (tmp_path / "none.json", tmp_path / "hollow"):
        with pytest.raises(UsageError) as refused:
            read([str(good), str(wrong)])
        assert wrong.name in refused.value.message and refused.value.hint


# ---------------------------------------------------------------- what is broken


def test_a_broken_line_costs_only_itself(tmp_path):
    path = tmp_path / "events.ndjson"
    path.write_bytes(
        lines('{"eventTime": "2026', json.dumps(EVENTS[0]), "not json", "[1, {}]", json.dumps(EVENTS[1])[:-1])
        + b'{"a": "\xff"}\n' + lines('{"a": NaN}', '{"n": 1e999, "eventTime": "2026-01-01", "job": {"name": "x"}}', json.dumps(EVENTS[2]))
    )  # fmt: skip
    assert told(path) == [
        ("1", "it is not JSON (Unterminated string starting at at column 15)"),
        ("2", "job 1"),
        ("3", "it is not JSON (Expecting value at column 1)"),
        ("4[0]", "it is a number, not an object"),
        ("4[1]", "it has no eventTime"),
        ("5", f"it is not JSON (Expecting ',' delimiter at column {len(json.dumps(EVENTS[1]))})"),
        ("6", "it is not UTF-8"),
        ("7", "it is not JSON (NaN is no number in JSON)"),
        ("8", "it holds a number that JSON cannot"),
        ("9", "job 3"),
    ]


def test_a_broken_document_is_read_up_to_where_it_breaks(tmp_path):
    path = tmp_path / "events.json"
    path.write_text(json.dumps(EVENTS, indent=1).replace('"job 3"', "job 3"))
    found = told(path)
    assert [name for _, name in found[:2]] == ["job 1", "job 2"]
    assert len(found) == 3 and found[2][1].endswith("the rest of the file was not read")


def test_places_of_a_pretty_array_are_lines(tmp_path):
    path = tmp_path / "events.json"
    path.write_text(json.dumps(EVENTS, indent=1))
    text = path.read_text().splitlines()
    assert all(text[int(place) - 1] == " {" for place, _ in told(path))


@pytest.mark.parametrize("cut", [5, 30, -20, -1])
def test_damaged_compression_is_told_with_what_came_before(tmp_path, cut):
    import random

    rnd = random.Random(1)
    many = [event("COMPLETE", n, f"job {n} {rnd.random()}") for n in range(1, 400)]
    path = tmp_path / "events.ndjson.gz"
    path.write_bytes(gzip.compress(lines(*map(json.dumps, many)))[:cut])
    found = items(path)
    assert isinstance(found[-1], Rejected) and "compressed data is damaged" in found[-1].reason
    assert all(isinstance(one, EventSeen) for one in found[:-2])
    flipped = bytearray(gzip.compress(lines(*map(json.dumps, many))))
    flipped[len(flipped) // 2] ^= 0xFF
    path.write_bytes(flipped)
    assert any(isinstance(one, Rejected) for one in items(path))


def test_a_line_without_end_is_not_held_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LONGEST", 10_000)
    path = tmp_path / "events.ndjson"
    path.write_bytes(lines(ONE) + b"[" * 50_000 + b"\n" + lines(json.dumps(EVENTS[1])) + b"x" * 20_000)
    assert told(path) == [
        ("1", "job 1"), ("2", "it is longer than 10,000 bytes"), ("3", "job 2"), ("4", "it is longer than 10,000 bytes")
    ]  # fmt: skip


def test_an_endless_event_in_a_document_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LONGEST", 200_000)
    path = tmp_path / "events.json"
    path.write_bytes(b"[\n" + ONE.encode() + b',\n{"a": "' + b"x" * 1_000_000)
    found = told(path)
    assert found[0][1] == "job 1"
    assert found[1] == ("3", "it is longer than 200,000 bytes; the rest of the file was not read")


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_endless_nesting_is_refused(tmp_path, opening):
    path = tmp_path / "events.ndjson"
    path.write_text(ONE + "\n" + opening * 100_000 + "\n" + json.dumps(EVENTS[1]) + "\n")
    (first, second, third) = told(path)
    assert (first[1], third[1]) == ("job 1", "job 2")
    assert "nested too deeply" in second[1]
    path.write_text(opening * 100_000)
    assert all(isinstance(one, Rejected) for one in items(path))


# ---------------------------------------------------------------- what is no event


def but(**changed):
    """A sound event with some keys put in place of its own."""
    return event("COMPLETE", 1) | changed


def without(key):
    made = event("COMPLETE", 1)
    del made[key]
    return made


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ([], "it is a list, not an object"),
        ("event", "it is a text, not an object"),
        (None, "it is null, not an object"),
        (True, "it is a truth value, not an object"),
        ({}, "it has no eventTime"),
        ({"eventTime": at(0)}, "it has no run, job or dataset"),
        (without("eventTime"), "it has no eventTime"),
        (but(eventTime="yesterday"), "its eventTime 'yesterday' is no time"),
        (but(eventTime=1767225600), "its eventTime '1767225600' is no time"),
        (but(eventTime="9999-01-01T00:00:00Z"), "its eventTime '9999-01-01T00:00:00Z' is out of reach"),
        (but(eventTime="0001-01-01T00:00:00Z"), "its eventTime '0001-01-01T00:00:00Z' is out of reach"),
        (but(run=[]), "its run is a list, not an object"),
        (but(run={}), "its run has no runId"),
        (but(run={"runId": 7}), "its runId is no id"),
        (but(run={"runId": "x" * 201}), "its runId is no id"),
        (but(job="j"), "its job is a text, not an object"),
        (but(job={"namespace": "n"}), "its job has no name"),
        (but(job={"namespace": "n", "name": "x" * 3000}), "its job's name is longer than 2,000 bytes"),
        (but(inputs=[{}] * 10_001), "it has 10,001 inputs, more than can be meant"),
        (
            but(inputs=[dataset("s", f"i{n}") for n in range(400)], outputs=[dataset("s", f"o{n}") for n in range(400)]),
            "it has 400 inputs and 400 outputs, more than can be meant",
        ),
        ({"eventTime": at(0), "dataset": {"namespace": "n"}}, "its dataset has no name"),
    ],
    ids=lambda one: one if isinstance(one, str) else None,
)  # fmt: skip
def test_what_is_no_event_is_refused_with_its_reason(wrong, reason):
    with pytest.raises(EventError) as refused:
        parse(wrong)
    assert str(refused.value) == reason


@pytest.mark.parametrize(
    ("odd", "warning"),
    [
        (event(None, 1), "it has no eventType"),
        (event("DONE", 1), "its eventType 'DONE' is none of START, RUNNING, COMPLETE, ABORT, FAIL, OTHER"),
        (event("COMPLETE", None), "it has an eventType and no run: read as what the job is declared to do"),
        (event("COMPLETE", "not-a-uuid"), "its runId 'not-a-uuid' is no UUID"),
        (but(job={"name": "j"}), "its job has no namespace"),
        (but(inputs={}), "its inputs are a number, not a list"),
        (but(inputs=[{"namespace": "n"}]), "a dataset has no name"),
        (but(inputs=[{"name": "n"}]), "dataset 'n' has no namespace"),
        (but(inputs=[dataset("n", "x" * 3000)]), f"dataset '{'x' * 99}…' is left out: its name is empty or too long"),
        (but(inputs=[dataset("n", "x", schema=[])]), "facet 'schema' is no object"),
        (but(inputs=[{"namespace": "n", "name": "x", "facets": []}]), "its facets are no object"),
    ],
    ids=lambda one: one if isinstance(one, str) else None,
)  # fmt: skip
def test_what_is_odd_is_read_with_a_warning(odd, warning):
    assert warning in parse(odd).warnings


@pytest.mark.parametrize("missing", ["producer", "schemaURL", "inputs", "outputs", "job"])
def test_what_producers_leave_out_is_not_missed(missing):
    assert parse(without(missing)).warnings == ()


@pytest.mark.parametrize(
    "written",
    ["2026-03-01T00:00:00Z", "2026-03-01T00:00:00+00:00", "2026-03-01T01:00:00.000+01:00", "2026-03-01T00:00:00",
     "2026-03-01T00:00:00.000000000Z", "20260301T000000Z", "2026-03-01"],
)  # fmt: skip
def test_times_in_every_spelling(written):
    assert parse(but(eventTime=written)).time_ns == 1_772_323_200 * 10**9


def test_a_dataset_may_be_named_by_a_whole_uri():
    names = [dataset("default", "s3a://Lake/x/"), dataset("", "/data//x"), dataset("food", "public.orders")]
    assert [tuple(one.identity) for one in parse(but(inputs=names)).datasets] == [
        ("s3://lake", "x"), ("file", "/data/x"), ("food", "public.orders")
    ]  # fmt: skip


def test_unknown_facets_stay_in_the_event():
    odd = but(inputs=[dataset("n", "x", custom_facet={"a": [1, {"b": None}]})], extra={"kept": True})
    assert json.loads(parse(odd).body) == odd


# ---------------------------------------------------------------- anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20) | st.sampled_from(["s3://b", "/a/b", "DATASET", "JOB", "\ud800", "\0", "a" * 3000, at(1)]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            ["eventTime", "eventType", "run", "runId", "job", "dataset", "namespace", "name", "inputs", "outputs", "facets",
             "schema", "fields", "columnLineage", "inputFields", "field", "lineage", "entries", "symlinks", "identifiers",
             "type", "version", "datasetVersion", "parent", "lifecycleStateChange", "previousIdentifier", "tags", "key",
             "value", "ownership", "owners", "documentation", "description", "inputFacets", "outputFacets",
             "inputStatistics", "rowCount", "storage", "fileFormat", "producer", "transformations", "dataSource", "uri"]
        ),
        inner, max_size=6,
    ),
    max_leaves=30,
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(JSON)
def test_any_json_is_an_event_or_refused(value):
    try:
        seen = parse(value)
    except EventError as error:
        assert str(error) and "\n" not in str(error)
    else:
        for one in seen.datasets:
            for text in (*one.identity, one.label or "", one.owner or "", one.description or "", *one.tags):
                assert "\0" not in text and text.encode()


def placed(inner):
    """Hostile JSON where an event has its parts, so that reading gets past the door."""
    base = event("COMPLETE", 1, "j", [dataset("s3://lake", "a")], [dataset("s3://lake", "b")])
    spots = st.sampled_from(
        [
            ("inputs",),
            ("outputs",),
            ("job",),
            ("run",),
            ("eventType",),
            ("job", "facets"),
            ("run", "facets"),
            ("job", "name"),
        ]
        + [("inputs", 0, key) for key in ("facets", "name", "namespace", "inputFacets")]
        + [
            ("outputs", 0, "facets", key)
            for key in ("schema", "columnLineage", "lineage", "symlinks", "version", "tags")
        ]
    )

    def put(spot, value):
        made = json.loads(json.dumps(base))
        at_ = made
        for key in spot[:-1]:
            at_ = at_.setdefault(key, {}) if isinstance(at_, dict) else at_[key]
        at_[spot[-1]] = value
        return made

    return st.builds(put, spots, inner)


@settings(max_examples=400, deadline=None)
@given(placed(JSON))
def test_any_json_in_any_place_of_an_event_is_read_or_refused(value):
    try:
        parse(value)
    except EventError as error:
        assert str(error)


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=300)
    | st.lists(
        st.sampled_from([ONE.encode(), b"{", b"[", b"]", b",", b"\n", b"\xff", b'"', b"\x1f\x8b"]), max_size=12
    ).map(b"".join)
)
def test_any_bytes_are_read_to_their_end(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "events"
    path.write_bytes(content)
    for one in items(path):
        assert one.place.startswith(str(path))
