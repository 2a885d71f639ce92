"""Facts of CSV, JSON and JSON Lines, as they are really written."""

from __future__ import annotations

import bz2
import csv as stdlib_csv
import gzip
import io
import json
import lzma

import format_samples as make
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import InspectError
from catalog.formats.base import KIB, MIB, RangeReader
from catalog.formats.registry import inspector
from catalog.formats.tabular.json import close_off


def facts(format: str, data: bytes, size: int | None = -1):
    reader = RangeReader(make.Counted(data), len(data) if size == -1 else size)
    found = inspector(format)
    assert found is not None
    return found(reader)


def pairs(found) -> list[tuple[str, str]]:
    return [(field.path, field.type) for field in found.fields]


# ---------------------------------------------------------------- CSV


def test_csv_columns_types_and_rows():
    found = facts("csv", make.csv())
    assert found.rows == 40
    assert pairs(found) == [
        ("id", "int64"),
        ("name", "string"),
        ("score", "double"),
        ("day", "date32[day]"),
        ("code", "string"),
    ]
    assert (found.details["delimiter"], found.details["header"], found.details["encoding"]) == (",", True, "utf-8")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_endings(delimiter, ending):
    rows = [["a", "b", "c"], ["1", "x y", "2.5"], ["2", "z", "3.5"]]
    data = ending.join(delimiter.join(row) for row in rows).encode()
    found = facts("csv", data)
    assert pairs(found) == [("a", "int64"), ("b", "string"), ("c", "double")]
    assert found.rows == 2
    assert found.format == ("tsv" if delimiter == "\t" else "csv")


@pytest.mark.parametrize(
    ("text", "expected", "rows"),
    [
        ('a,b\n1,"x, y"\n2,"line\nbreak"\n3,"say ""hi"""\n', [("a", "int64"), ("b", "string")], 3),
        ('a,b\n1,"say \\"hi\\", ann"\n2,"y"\n', [("a", "int64"), ("b", "string")], 2),
        ("a;b\n1,5;2\n2,5;3\n", [("a", "string"), ("b", "int64")], 2),
        ("sep=;\na;b\n1;2\n", [("a", "int64"), ("b", "int64")], 1),
        ("# made by x\n# on monday\na,b\n1,2\n", [("a", "int64"), ("b", "int64")], 1),
        ("Sales report\n\na,b,c\n1,2,3\n4,5,6\n7,8,9\n", [("a", "int64"), ("b", "int64"), ("c", "int64")], 3),
        ("1,2\n3,4\n", [("f0", "int64"), ("f1", "int64")], 2),
        ("name\nann\nbob\n", [("name", "string")], 2),
        ("a,a,\n1,2,3\n", [("a", "int64"), ("f2", "int64")], 1),
        (",x\n0,1\n1,2\n", [("f0", "int64"), ("x", "int64")], 2),
        ("'a','b'\n'1,5','x'\n'2,5','y'\n", [("a", "string"), ("b", "string")], 2),
        ("a.b,c\n1,2\n", [("a\\.b", "int64"), ("c", "int64")], 1),
        ("first name,city\nann,Bonn\nbob,Rome\n", [("first name", "string"), ("city", "string")], 2),
        ("a,b\n", [("a", "null"), ("b", "null")], 0),
        ("a,b,c\n1,x\n2,y\n3,z,w\n", [("a", "int64"), ("b", "string"), ("c", "string")], 3),
        ("x,y\n1,2\n3\n4,5\n", [("x", "int64"), ("y", "int64")], 3),
    ],
)
def test_dialects_as_found(text, expected, rows):
    found = facts("csv", text.encode())
    if text.startswith("a,a,"):
        assert pairs(found) == [("a", "int64"), ("a_2", "int64"), ("f2", "int64")]
    else:
        assert pairs(found) == expected
    assert found.rows == rows


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "-2", "+3"], "int64"),
        (["1", "2.5", "1e9"], "double"),
        (["nan", "1.5", "inf"], "double"),
        (["007", "012"], "string"),
        (["99999999999999999999", "1"], "string"),
        (["true", "False", "TRUE"], "bool"),
        (["true", "1"], "string"),
        (["2024-01-31", "2023-12-01"], "date32[day]"),
        (["2024-13-31", "2023-12-01"], "string"),
        (["2024-01-31 10:00", "2024-01-31T10:00:01.5"], "timestamp[us]"),
        (["2024-01-31", "2024-01-31 10:00:00"], "timestamp[us]"),
        (["2024-01-31T10:00:00Z", "2024-01-31T10:00:00+02:00"], "timestamp[us, tz=UTC]"),
        (["", "NA", "null"], "null"),
        (["", "5", "NULL"], "int64"),
        (["5", "five"], "string"),
    ],
)
def test_types(cells, expected):
    data = "k,v\n" + "".join(f"x,{cell}\n" for cell in cells)
    assert pairs(facts("csv", data.encode()))[1] == ("v", expected)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_encodings(encoding):
    found = facts("csv", "näme,n\nä,1\nö,2\n".encode(encoding))
    assert pairs(found) == [("näme", "string"), ("n", "int64")]
    assert found.rows == 2
    assert found.details["encoding"] == encoding


def test_a_large_csv_is_sampled_and_estimated():
    data = make.csv(100_000)
    fetch = make.Counted(data)
    found = inspector("csv")(RangeReader(fetch, len(data)))
    assert found.rows is None
    assert abs(found.details["rows_estimate"] - 100_000) < 10_000
    assert sum(length for _, length in fetch.calls) <= 68 * KIB


def test_csv_rows_are_exact_up_to_a_mebibyte():
    data = make.csv(25_000)
    assert 64 * KIB < len(data) < MIB
    assert facts("csv", data).rows == 25_000


@pytest.mark.parametrize("data", [b"", b"\n\n"])
def test_an_empty_csv_has_no_rows_and_no_columns(data):
    found = facts("csv", data)
    assert (found.fields, found.rows) == ((), 0)


def test_a_csv_of_unknown_size():
    assert facts("csv", make.csv(), size=None).rows == 40
    assert facts("csv", make.csv(100_000), size=None).rows is None


@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12), min_size=3, max_size=3),
        min_size=5,
        max_size=20,
    )
)
def test_what_the_csv_module_writes_is_read_with_its_columns(rows):
    sink = io.StringIO()
    writer = stdlib_csv.writer(sink, quoting=stdlib_csv.QUOTE_ALL)
    writer.writerow(["one", "two", "three"])
    writer.writerows(rows)
    try:
        found = facts("csv", sink.getvalue().encode())
    except InspectError as error:
        assert error.finding == "corrupt"  # so many control characters that it is no text
        return
    assert len(found.fields) == 3
    assert found.rows in (len(rows), len(rows) + 1)  # one more when the header is taken for data


# ---------------------------------------------------------------- compressed


@pytest.mark.parametrize(
    ("codec", "compress"), [("gzip", gzip.compress), ("bzip2", bz2.compress), ("xz", lzma.compress)]
)
def test_compressed_text_is_read_whole(codec, compress):
    found = facts("csv", compress(make.csv()))
    assert (found.rows, found.codec) == (40, codec)


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_arrow_decompresses_the_rest(codec):
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as stream:
        stream.write(make.jsonl())
    found = facts("jsonl", sink.getvalue().to_pybytes())
    assert (found.rows, found.codec) == (40, codec)


def test_gzip_members_follow_one_another():
    assert facts("jsonl", gzip.compress(make.jsonl(3)) + gzip.compress(make.jsonl(4))).rows == 7


def test_a_bomb_is_bounded():
    bomb = gzip.compress(b"id,name\n" + b"1,x\n" * 20_000_000, compresslevel=9)
    found = facts("csv", bomb)
    assert (pairs(found), found.rows) == ([("id", "int64"), ("name", "string")], None)


def test_compressed_data_cut_off_is_truncated():
    with pytest.raises(InspectError) as error:
        facts("jsonl", gzip.compress(make.jsonl())[:-20])
    assert error.value.finding == "truncated"


# ---------------------------------------------------------------- JSON


def test_json_array_of_objects():
    found = facts("json", make.json_array())
    assert found.rows == 40
    assert pairs(found) == [("id", "int64"), ("user", "struct"), ("user.name", "string")]
    assert found.details["layout"] == "array"


def test_json_single_object():
    found = facts("json", b'{"a": 1, "b": {"c": [1, 2.5]}, "d": null, "e": []}')
    assert found.rows == 1
    assert pairs(found) == [
        ("a", "int64"),
        ("b", "struct"),
        ("b.c", "list"),
        ("b.c[]", "double"),
        ("d", "null"),
        ("e", "list"),
    ]


@pytest.mark.parametrize(
    ("value", "expected", "rows"),
    [
        ([], [], 0),
        ([1, 2], [("value", "int64")], 2),
        ([[1], [2]], [("value", "list"), ("value[]", "int64")], 2),
        ("word", [("value", "string")], 1),
        ({"a.b": True}, [("a\\.b", "bool")], 1),
        ([{"a": 1}, {"a": "x"}], [("a", "string")], 2),
        ([{"a": 2**70}], [("a", "double")], 1),
        ([{"a": {"b": 1}}, {"a": None}, {}], [("a", "struct"), ("a.b", "int64")], 3),
        ({f"img{i}": {"w": 1} for i in range(300)}, [("key", "string"), ("value", "struct"), ("value.w", "int64")], 1),
        (
            [{"m": {f"{i}-{j}": 1 for j in range(60)}} for i in range(20)],
            [("m", "map"), ("m.key", "string"), ("m.value", "int64")],
            20,
        ),
    ],
)
def test_json_values(value, expected, rows):
    found = facts("json", json.dumps(value).encode())
    assert (pairs(found), found.rows) == (expected, rows)


def test_types_that_disagree_are_named():
    found = facts("jsonl", b'{"a": 1}\n{"a": "x"}\n')
    assert found.details["mixed_types"] == "a"


def test_a_large_document_is_read_as_far_as_its_sample():
    document = {"info": {"year": 2017}, "images": [{"id": i, "file": f"{i}.jpg"} for i in range(60_000)], "rest": 1}
    data = json.dumps(document).encode()
    fetch = make.Counted(data)
    found = inspector("json")(RangeReader(fetch, len(data)))
    assert len(data) > MIB > sum(length for _, length in fetch.calls)
    assert found.rows is None
    assert pairs(found) == [
        ("info", "struct"),
        ("info.year", "int64"),
        ("images", "list"),
        ("images[]", "struct"),
        ("images[].id", "int64"),
        ("images[].file", "string"),
    ]


@pytest.mark.parametrize("records", [3, 60])
def test_json_lines_under_a_json_name(records):
    data = b"".join(json.dumps({"id": i, "text": "x" * 30_000}).encode() + b"\n" for i in range(records))
    found = facts("json", data)
    assert (found.format, pairs(found)) == ("jsonl", [("id", "int64"), ("text", "string")])


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)), st.data())  # fmt: skip
def test_a_document_cut_anywhere_closes_or_is_refused(value, data):
    document = json.dumps([value, {"k": value}])
    cut = data.draw(st.integers(1, len(document) - 1))
    assert isinstance(json.loads(close_off(document[:cut])), list)


@pytest.mark.parametrize("text", ["", "   ", "plain words", "{'a': 1}", "[1, 2]}", '{"a": 1]', "[oops " + "x" * 9])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(ValueError):
        json.loads(close_off(text))


@pytest.mark.parametrize("data", [b"[" * 200_000, b'{"a":' * 100_000, b"[" * 2_000_000])
def test_bottomless_nesting_is_too_large(data):
    with pytest.raises(InspectError) as error:
        facts("json", data)
    assert error.value.finding == "too_large"


def test_deep_but_honest_nesting_is_cut():
    value: object = 1
    for _ in range(60):
        value = {"x": value}
    assert len(facts("json", json.dumps(value).encode()).fields) <= 33


def test_ten_thousand_fields_and_no_more():
    rows = [{f"c{i}": i if i % 2 else "x" if i % 3 else None for i in range(12_000)}] * 2
    found = facts("jsonl", b"\n".join(json.dumps(row).encode() for row in rows))
    assert len(found.fields) == 10_000
    assert found.details["fields_cut"] is True


# ---------------------------------------------------------------- JSON Lines


def test_json_lines():
    found = facts("jsonl", make.jsonl())
    assert found.rows == 40
    assert pairs(found) == [
        ("id", "int64"),
        ("user", "struct"),
        ("user.name", "string"),
        ("user.tags", "list"),
        ("user.tags[]", "string"),
    ]


def test_json_lines_with_blank_and_broken_lines():
    found = facts("jsonl", b'{"a": 1}\n\n{"a": 2.5\n{"a": 3.5}\r\n')
    assert (found.rows, pairs(found), found.details["bad_lines"]) == (3, [("a", "double")], 1)


def test_json_lines_with_unicode_line_separators():
    data = '{"a": "x\u2028y"}\n{"a": "z\u0085"}\n'.encode()
    assert facts("jsonl", data).rows == 2


@pytest.mark.parametrize(
    ("data", "finding"),
    [(b"no json\nat all\n", "corrupt"), (b'{"a": "' + b"x" * 2_000_000, "too_large"), (b"\0\1\2" * 500, "corrupt")],
)
def test_what_is_no_json_lines(data, finding):
    with pytest.raises(InspectError) as error:
        facts("jsonl", data)
    assert error.value.finding == finding
