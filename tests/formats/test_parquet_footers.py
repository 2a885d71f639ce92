"""Footers laid out as one that was read before: the same facts as if there were no other, from damaged ones as well."""

from __future__ import annotations

import io
import random

import format_samples as make
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.formats.registry import inspect
from catalog.formats.tabular import footers


@pytest.fixture(autouse=True)
def forgotten():
    footers._known.clear()


def told(data: bytes):
    """Facts, or what the error says."""
    _, found, error = inspect(make.Counted(data), len(data), "a.parquet")
    return found if error is None else (error.finding, error.message)


def alone(data: bytes):
    """The same, read as the first of its kind."""
    kept, footers._known[:] = footers._known[:], []
    try:
        return told(data)
    finally:
        footers._known[:] = kept


def written(table: pa.Table, **options) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def rows(seed: int, count: int) -> dict[str, pa.Array]:
    rng = random.Random(seed)

    def some(one):
        return [None if rng.random() < 0.2 else one() for _ in range(count)]

    return {
        "n": pa.array(some(lambda: rng.randrange(-(2**40), 2**40)), pa.int64()),
        "small": pa.array(some(lambda: rng.randrange(100)), pa.int8()),
        "x": pa.array(some(lambda: rng.uniform(-1, 1)), pa.float64()),
        "s": pa.array(some(lambda: "x" * rng.randrange(300)), pa.string()),
        "b": pa.array(some(lambda: rng.random() < 0.5), pa.bool_()),
        "at": pa.array(some(lambda: rng.randrange(2**50)), pa.timestamp("us", "UTC")),
        "money": pa.array(some(lambda: rng.randrange(10**6)), pa.int64()).cast(pa.decimal128(24, 2)),
        "raw": pa.array(some(lambda: rng.randbytes(8)), pa.binary(8)),
        "tags": pa.array(some(lambda: ["a", "b"][: rng.randrange(3)]), pa.list_(pa.string())),
        "spot": pa.array(some(lambda: {"lat": rng.random(), "n.n": 1}), pa.struct([("lat", pa.float32()), ("n.n", pa.int32())])),
        "word": pa.array(some(lambda: rng.choice("abc")), pa.string()).dictionary_encode(),
    }  # fmt: skip


WAYS = {
    "as usual": {},
    "groups": {"row_group_size": 40},
    "zstd": {"compression": "zstd"},
    "mixed codecs": {"compression": {"n": "gzip", "s": "snappy"}},
    "no statistics": {"write_statistics": False},
    "some statistics": {"write_statistics": ["x", "s"]},
    "version 1": {"version": "1.0"},
    "pages": {"write_page_index": True, "data_page_version": "2.0"},
    "no dictionary": {"use_dictionary": False},
    "no arrow": {"store_schema": False},
}


@pytest.mark.parametrize("way", WAYS)
def test_files_of_one_table(way):
    files = [written(pa.table(rows(seed, 90 + seed)), **WAYS[way]) for seed in range(8)]
    found = [told(data) for data in files]
    assert found == [alone(data) for data in files]

    assert sum(footers.find(footer_of(data)) is not None for data in files) >= 4


def footer_of(data: bytes) -> bytes:
    length = int.from_bytes(data[-8:-4], "little")
    return data[-8 - length : -8]


def test_tables_of_pandas_whose_index_grows():
    pd = pytest.importorskip("pandas")
    files = [written(pa.Table.from_pandas(pd.DataFrame({"a": range(n), "b": ["x"] * n}))) for n in range(5, 300, 40)]
    assert [told(data) for data in files] == [alone(data) for data in files]
    assert footers.find(footer_of(files[-1])) is not None


def test_the_metadata_of_a_file_is_its_own():
    table = pa.table({"a": [1, 2, 3]})
    files = [written(table.replace_schema_metadata({"run": str(n % 3), "key": "x" * n})) for n in range(9)]
    renamed = written(table.replace_schema_metadata({"other": "1"}))
    for data in (*files, renamed):
        assert told(data) == alone(data)
    assert "other" in told(renamed).details["metadata_keys"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.tuples(st.none() | st.integers(-(2**63), 2**63 - 1), st.none() | st.text(max_size=200)), max_size=6), min_size=3, max_size=6))
def test_whatever_the_values(tables):
    footers._known.clear()
    schema = pa.schema([("n", pa.int64()), ("s", pa.string())])
    for table in tables:
        data = written(pa.Table.from_pylist([{"n": n, "s": s} for n, s in table], schema))
        assert told(data) == alone(data)


def test_a_damaged_footer_is_told_as_it_would_be_alone_or_with_the_same_structure():
    files = [written(pa.table(rows(seed, 50))) for seed in range(4)]
    for data in files:
        told(data)
    whole = files[0]
    first = told(whole)
    rng = random.Random(5)
    start = len(whole) - 8 - len(footer_of(whole))
    for at in rng.sample(range(start, len(whole) - 8), 600):
        damaged = whole[:at] + bytes([whole[at] ^ 1 << rng.randrange(8)]) + whole[at + 1 :]
        found, single = told(damaged), alone(damaged)
        if found != single:
            # What the library would not read, or what only it looks at: nothing but numbers differs.
            assert (found.fields, found.codec) == (first.fields, first.codec), at


def test_a_footer_that_points_beyond_the_file_is_corrupt_in_a_known_layout_too():
    files = [written(pa.table(rows(seed, 50))) for seed in range(4)]
    for data in files:
        told(data)
    cut = files[3][:4] + files[3][-8 - len(footer_of(files[3])) :]
    assert footers.find(footer_of(cut)) is not None
    assert told(cut)[0] == "corrupt" == alone(cut)[0]


def test_what_is_remembered_is_bounded():
    for columns in range(1, 60):
        for seed in range(12):
            told(written(pa.table({f"c{n}": [seed] * seed for n in range(columns)}), row_group_size=seed // 2 + 1))
    assert len(footers._known) <= 16
    assert all(len(one.layouts) <= 8 and len(one.fields) <= 8 for one in footers._known)
