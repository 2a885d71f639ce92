"""From a file to its facts: how much is read, and what is run."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys

import format_samples as make
import pyarrow as pa
import pytest

from catalog.errors import EntryMissing
from catalog.formats.base import KIB, Caps
from catalog.formats.registry import inspect, inspector


@pytest.mark.parametrize(
    ("name", "data", "format", "rows"),
    [
        ("a.parquet", make.parquet(), "parquet", 3),
        ("a.arrow", make.arrow_file(), "arrow_file", 3),
        ("a.arrow", make.arrow_stream(), "arrow_stream", 3),
        ("a.feather", make.arrow_file(), "arrow_file", 3),
        ("a.orc", make.orc(), "orc", 3),
        ("a.avro", make.avro(), "avro", 3),
        ("a.csv", make.csv(), "csv", 40),
        ("a.json", make.jsonl(), "jsonl", 40),
        ("no_extension", make.parquet(), "parquet", 3),
        ("named_wrong.csv", make.parquet(), "parquet", 3),
    ],
)
def test_a_small_file_is_read_once(name, data, format, rows):
    fetch = make.Counted(data)
    sniffed, facts, error = inspect(fetch, len(data), name)
    assert error is None
    assert (sniffed.format, facts.format, facts.rows) == (format, format, rows)
    assert fetch.calls == [(0, len(data))]


def _pretty_json() -> bytes:
    return json.dumps([{"id": i, "v": {"w": i / 2}} for i in range(10_000)], indent=2).encode()


@pytest.mark.parametrize(
    ("name", "data", "rows"),
    [
        ("a.csv", make.csv(10_000), 10_000),
        ("a.jsonl", make.jsonl(5_000), 5_000),
        ("a.json", _pretty_json(), 10_000),
        ("a.json", make.json_array(10_000), 10_000),
        ("a.json.gz", gzip.compress(make.json_array(10_000)), 10_000),
        ("a.avro", make.avro(4_000, codec="null"), 4_000),
        ("a.arrows", make.arrow_stream(make.table(3_000)), 3_000),
    ],
)
def test_a_file_below_a_mebibyte_is_counted_exactly(name, data, rows):
    fetch = make.Counted(data)
    _, facts, error = inspect(fetch, len(data), name)
    assert error is None
    assert facts.rows == rows
    assert len(fetch.calls) <= 3
    assert sum(length for _, length in fetch.calls) == len(data)


@pytest.mark.parametrize(
    ("name", "write", "calls", "most"),
    [
        ("a.parquet", lambda t: make.parquet(t, compression="none", use_dictionary=False), 2, 69 * KIB),
        ("a.orc", lambda t: make.orc(t, compression="uncompressed"), 3, 90 * KIB),
        ("a.arrow", make.arrow_file, 4, 140 * KIB),
    ],
)
def test_a_large_file_is_read_at_its_ends(name, write, calls, most):
    import os

    import pyarrow as pa

    data = write(pa.table({"n": range(200_000), "noise": [os.urandom(8) for _ in range(200_000)]}))
    fetch = make.Counted(data)
    _, facts, error = inspect(fetch, len(data), name)
    assert error is None
    assert facts.rows == 200_000
    assert len(fetch.calls) <= calls
    assert sum(length for _, length in fetch.calls) <= most


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.parquet", b"<html>not found</html>" * 10),
        ("a.parquet", bytes(range(256)) * 20),
        ("a.csv", bytes(range(256)) * 20),
        ("a.orc", b""),
        ("a.avro", b"\x00asm\x01\0\0\0" + bytes(40)),
    ],
)
def test_no_inspector_runs_against_the_content(name, data):
    sniffed, facts, error = inspect(make.Counted(data), len(data), name)
    assert (sniffed.conflict, facts, error) == (True, None, None)


def test_a_broken_file_gives_its_format_and_its_finding():
    data = make.parquet()[:-20]
    sniffed, facts, error = inspect(make.Counted(data), len(data), "a.parquet")
    assert (sniffed.format, sniffed.conflict, facts, error.finding) == ("parquet", False, None, "truncated")


def test_a_cap_reached_before_the_first_look_is_a_finding():
    data = make.csv()
    sniffed, facts, error = inspect(make.Counted(data), len(data), "a.csv", Caps(bytes=10))
    assert (sniffed.format, sniffed.claimed, facts, error.finding) == ("unknown", "csv", None, "too_large")


def test_a_silo_that_fails_is_no_finding():
    def gone(offset: int, length: int) -> bytes:
        raise EntryMissing("gone")

    with pytest.raises(EntryMissing):
        inspect(gone, 100, "a.parquet")


def test_unknown_size():
    sniffed, facts, error = inspect(make.Counted(make.csv()), None, "a.csv")
    assert (sniffed.format, facts.rows, error) == ("csv", 40, None)


@pytest.mark.parametrize("format", ["woff", "unknown", ""])
def test_formats_without_an_inspector(format):
    assert inspector(format) is None


def test_sniffing_and_the_registry_load_no_heavy_library():
    code = (
        "import sys; from catalog.formats.registry import inspect; d = b'a,b\\n1,2\\n'; "
        "assert inspect(lambda o, n: d[o:o+n], len(d), 'a.csv')[1].rows == 1; "
        "print(sorted({'pyarrow', 'fastavro', 'numpy', 'pandas'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_parquet_file_is_told_in_one_request():
    data = make.parquet(pa.table({"noise": pa.array([os.urandom(64) for _ in range(4000)])}))
    fetch = make.Counted(data)
    sniffed, facts, error = inspect(fetch, len(data), "part-0.parquet")
    assert (sniffed.format, sniffed.conflict, error, len(fetch.calls)) == ("parquet", False, None, 1)
    assert facts is not None and facts.rows == 4000
    assert inspect(make.Counted(data), len(data), "part-0")[1] == facts


def test_what_is_wrong_with_a_large_parquet_file_is_told_all_the_same():
    data = make.parquet(pa.table({"noise": pa.array([os.urandom(64) for _ in range(4000)])}))
    cut = data[:-100]
    sniffed, facts, error = inspect(make.Counted(cut), len(cut), "part-0.parquet")
    assert (sniffed.format, facts, error.finding) == ("parquet", None, "truncated")
    other = os.urandom(300_000)
    assert inspect(make.Counted(other), len(other), "part-0.parquet")[0].conflict
