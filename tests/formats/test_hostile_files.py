"""Damaged and hostile files: every inspector ends in Facts or InspectError, within its caps."""

from __future__ import annotations

import gzip

import format_samples as make
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import InspectError
from catalog.formats.base import MIB, Caps, RangeReader
from catalog.formats.names import BY_NAME
from catalog.formats.registry import _INSPECTORS, inspect, inspector
from catalog.model import Facts

SAMPLES = {
    "parquet": make.parquet(make.table(200), row_group_size=50),
    "arrow_file": make.arrow_file(make.table(200), chunk=50, compression="zstd"),
    "arrow_stream": make.arrow_stream(make.table(200), chunk=50),
    "orc": make.orc(make.table(200)),
    "avro": make.avro(20),
    "csv": make.csv(),
    "tsv": make.csv().replace(b",", b"\t"),
    "json": make.json_array(),
    "jsonl": make.jsonl(),
    "csv.gz": gzip.compress(make.csv()),
    "jsonl.gz": gzip.compress(make.jsonl()),
}
CAPS = Caps(bytes=2 * MIB, calls=64)


def ends_well(format: str, data: bytes, size: int | None) -> None:
    fetch = make.Counted(data)
    reader = RangeReader(fetch, size, caps=CAPS)
    run = inspector(format.removesuffix(".gz"))
    assert run is not None
    try:
        found = run(reader)
    except InspectError as error:
        assert error.finding in {"corrupt", "truncated", "encrypted", "too_large", "unsupported"}
        assert error.message.isprintable()
    else:
        assert isinstance(found, Facts)
        assert found.rows is None or found.rows >= 0
        assert len(found.fields) <= 10_000
    assert sum(length for _, length in fetch.calls) <= CAPS.bytes
    assert len(fetch.calls) <= CAPS.calls


def test_every_inspector_has_a_sample_and_a_known_format():
    assert set(_INSPECTORS) <= set(SAMPLES)
    assert set(_INSPECTORS) <= set(BY_NAME)
    assert list(_INSPECTORS) == sorted(_INSPECTORS)
    assert all(inspector(format) is not None for format in _INSPECTORS)


@pytest.mark.parametrize("format", SAMPLES)
def test_cut_off_near_either_end(format):
    data = SAMPLES[format]
    for cut in [*range(0, min(40, len(data))), *range(max(len(data) - 40, 0), len(data))]:
        ends_well(format, data[:cut], cut)


@pytest.mark.parametrize("format", SAMPLES)
@settings(max_examples=60, deadline=None)
@given(share=st.floats(0, 1), listed=st.booleans())
def test_cut_off_anywhere(format, share, listed):
    data = SAMPLES[format]
    cut = int(share * len(data))
    ends_well(format, data[:cut], len(data) if listed else cut)


@pytest.mark.parametrize("format", SAMPLES)
@settings(max_examples=120, deadline=None)
@given(flips=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), min_size=1, max_size=6), near_end=st.booleans())
def test_flipped_bits(format, flips, near_end):
    data = bytearray(SAMPLES[format])
    reach = min(400, len(data)) if near_end else len(data)
    for share, mask in flips:
        data[len(data) - 1 - int(share * (reach - 1))] ^= mask
    ends_well(format, bytes(data), len(data))


@pytest.mark.parametrize("format", SAMPLES)
@settings(max_examples=40, deadline=None)
@given(noise=st.binary(max_size=2000))
def test_noise(format, noise):
    ends_well(format, noise, len(noise))
    ends_well(format, SAMPLES[format][:8] + noise + SAMPLES[format][-8:], None)


@pytest.mark.parametrize("format", SAMPLES)
@settings(max_examples=60, deadline=None)
@given(flips=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), min_size=1, max_size=4), share=st.floats(0.2, 1))
def test_the_whole_way_raises_nothing(format, flips, share):
    data = bytearray(SAMPLES[format][: int(share * len(SAMPLES[format]))])
    for at, mask in flips:
        data[int(at * (len(data) - 1))] ^= mask
    sniffed, facts, error = inspect(make.Counted(bytes(data)), len(data), f"x.{format}", CAPS)
    assert facts is None or error is None
    assert sniffed.evidence
