"""Damaged and hostile files: every inspector ends in Facts or InspectError, within its caps."""

from __future__ import annotations

import io
import json
import time

import format_samples as make
import pytest
from format_writers import SAME, SAMPLES, sample
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import InspectError
from catalog.formats.base import MIB, Caps, RangeReader
from catalog.formats.names import BY_NAME
from catalog.formats.registry import _INSPECTORS, inspect, inspector
from catalog.formats.vocabulary import FACTS
from catalog.model import Facts
from catalog.text import safe

CAPS = Caps(bytes=2 * MIB, calls=64)
FINDINGS = {"corrupt", "truncated", "encrypted", "too_large", "unsupported", "unsafe"}
EVERY = [*SAMPLES, *SAME]


def ends_well(format: str, data: bytes, size: int | None) -> Facts | None:
    fetch = make.Counted(data)
    reader = RangeReader(fetch, size, caps=CAPS)
    run = inspector(format.removesuffix(".gz"))
    assert run is not None
    found = None
    try:
        found = run(reader)
    except InspectError as error:
        assert error.finding in FINDINGS
        assert error.message.isprintable()
    else:
        assert isinstance(found, Facts)
        assert found.rows is None or found.rows >= 0
        assert len(found.fields) <= 10_000
        assert found.finding is None or (found.finding in FINDINGS and found.finding_detail)
        assert found.details.keys() <= FACTS.keys()
        assert all(not isinstance(value, str) or value == safe(value) for value in found.details.values())
        json.dumps({"fields": [f.path for f in found.fields], **found.details}).encode()
    assert sum(min(length, max(len(data) - at, 0)) for at, length in fetch.calls) <= CAPS.bytes
    assert len(fetch.calls) <= CAPS.calls
    return found


def test_every_inspector_has_a_sample_and_a_known_format():
    assert set(_INSPECTORS) <= set(EVERY)
    assert set(_INSPECTORS) <= set(BY_NAME)
    assert list(_INSPECTORS) == sorted(_INSPECTORS)
    assert all(inspector(format) is not None for format in _INSPECTORS)


@pytest.mark.parametrize("format", SAMPLES)
def test_an_intact_file_is_recognised_and_read(format):
    data = sample(format)
    sniffed, facts, error = inspect(make.Counted(data), len(data), "")
    assert (sniffed.format, error) == (format.removesuffix(".gz"), None), sniffed
    assert facts is not None and facts.format == sniffed.format
    assert ends_well(format, data, len(data)) is not None
    assert facts.finding in (None, "unsafe")


@pytest.mark.parametrize("format", EVERY)
def test_cut_off_near_either_end(format):
    data = sample(format)
    for cut in [*range(0, min(40, len(data))), *range(max(len(data) - 40, 0), len(data))]:
        ends_well(format, data[:cut], cut)


@pytest.mark.parametrize("format", EVERY)
@settings(max_examples=25, deadline=None)
@given(share=st.floats(0, 1), listed=st.booleans())
def test_cut_off_anywhere(format, share, listed):
    data = sample(format)
    cut = int(share * len(data))
    ends_well(format, data[:cut], len(data) if listed else cut)


@pytest.mark.parametrize("format", EVERY)
@settings(max_examples=40, deadline=None)
@given(
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), min_size=1, max_size=6),
    part=st.sampled_from(["head", "tail", "all"]),
)
def test_flipped_bits(format, flips, part):
    data = bytearray(sample(format))
    reach = len(data) if part == "all" else min(400, len(data))
    for share, mask in flips:
        at = int(share * (reach - 1))
        data[len(data) - 1 - at if part == "tail" else at] ^= mask
    ends_well(format, bytes(data), len(data))


@pytest.mark.parametrize("format", EVERY)
@settings(max_examples=40, deadline=None)
@given(
    at=st.floats(0, 1),
    number=st.sampled_from([0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFF0, 1 << 63, (1 << 64) - 1]),
    width=st.sampled_from([1, 2, 4, 8]),
    big=st.booleans(),
    near=st.booleans(),
)
def test_forged_lengths_and_counts(format, at, number, width, big, near):
    data = bytearray(sample(format))
    place = int(at * max(min(len(data), 600 if near else len(data)) - width, 0))
    data[place : place + width] = (number & (1 << 8 * width) - 1).to_bytes(width, "big" if big else "little")
    ends_well(format, bytes(data), len(data))


@pytest.mark.parametrize("format", EVERY)
@settings(max_examples=40, deadline=None)
@given(noise=st.binary(max_size=2000))
def test_noise(format, noise):
    data = sample(format)
    ends_well(format, noise, len(noise))
    ends_well(format, data[:8] + noise + data[-8:], None)
    ends_well(format, data[:200] + noise, 200 + len(noise))


@pytest.mark.parametrize("format", SAMPLES)
@settings(max_examples=40, deadline=None)
@given(flips=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), min_size=1, max_size=4), share=st.floats(0.2, 1))
def test_the_whole_way_raises_nothing(format, flips, share):
    whole = sample(format)
    data = bytearray(whole[: max(int(share * len(whole)), 1)])
    for at, mask in flips:
        data[int(at * (len(data) - 1))] ^= mask
    sniffed, facts, error = inspect(make.Counted(bytes(data)), len(data), f"x.{format}", CAPS)
    assert facts is None or error is None
    assert sniffed.evidence


@pytest.mark.parametrize("start", ["", "#\n", "{", "<?xml ", "FROM a\n", "data_x\n", "HEADER    abcd\n", "From: a\n", "@misc{", "digraph a {"])
@pytest.mark.parametrize("name", ["", "x.csv", "x.md"])
def test_monotonous_text_costs_little(name, start):
    slow = []
    for unit in ("\n", " ", " \n", "\t\n", "# \n", "a: b\n", '"', "','", "(", "a.", "\\", "<a ", "<!--", "[a]", "- ", "f(", "1:2 "):
        data = (start + unit * 8192)[:16384].encode()
        began = time.process_time()
        inspect(make.Counted(data), len(data), name, CAPS)
        if time.process_time() - began > 3:
            slow.append(unit)
    assert slow == []


@pytest.mark.parametrize("codec", [8, 20, 63])
def test_a_codec_of_the_future_leaves_the_schema_readable(codec):
    data = make.parquet(make.table(3), compression="zstd")
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    told = []
    for place in range(footer, len(data) - 8):
        if data[place] == 12:  # the codec ZSTD as Thrift writes it, among other things
            found = ends_well("parquet", data[:place] + bytes([codec * 2]) + data[place + 1 :], len(data))
            told.append(found is not None and found.rows == 3 and found.codec is None)
    assert any(told)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, (1 << 64) - 16), (7, (1 << 64) - 17)])
def test_a_heap_of_hdf5_that_leads_to_itself_does_not_hang_the_library(index, size):
    h5py = pytest.importorskip("h5py")
    file = io.BytesIO()
    with h5py.File(file, "w") as made:
        made["x"] = [1]
        made["x"].attrs["units"] = "kilometres"
    data = bytearray(file.getvalue())
    at = data.index(b"GCOL") + 16
    data[at : at + 2], data[at + 8 : at + 16] = index.to_bytes(2, "little"), size.to_bytes(8, "little")
    with pytest.raises(InspectError, match="leads to itself"):
        inspector("hdf5")(RangeReader(make.Counted(bytes(data)), len(data)))
