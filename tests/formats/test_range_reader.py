"""The range reader: nothing is fetched twice, and no cap is passed."""

from __future__ import annotations

import io

import pytest
from format_samples import Counted
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import InspectError, SiloUnreachable
from catalog.formats.base import Caps, RangeReader, parsing

DATA = bytes(range(256)) * 40


def test_head_is_fetched_once():
    fetch = Counted(DATA)
    reader = RangeReader(fetch, len(DATA))
    assert reader.head(4096) == DATA[:4096]
    assert reader.head(100) == DATA[:100]
    assert reader.read(50, 1000) == DATA[50:1050]
    assert fetch.calls == [(0, 4096)]
    assert (reader.calls, reader.bytes_read) == (1, 4096)


def test_tail_is_fetched_once_and_grows_by_what_is_missing():
    fetch = Counted(DATA)
    reader = RangeReader(fetch, len(DATA))
    assert reader.tail(100) == DATA[-100:]
    assert reader.tail(300) == DATA[-300:]
    assert reader.tail(20) == DATA[-20:]
    assert fetch.calls == [(len(DATA) - 100, 100), (len(DATA) - 300, 200)]


def test_a_file_smaller_than_its_tail_is_one_fetch():
    fetch = Counted(DATA)
    reader = RangeReader(fetch, len(DATA))
    assert reader.tail(1 << 16) == DATA
    assert reader.head(1 << 16) == DATA
    assert len(fetch.calls) == 1
    assert reader.whole()


@given(st.lists(st.tuples(st.sampled_from(["head", "tail", "read"]), st.integers(0, 300), st.integers(0, 300))))
def test_any_order_of_reads_gives_the_bytes_of_the_file(asks):
    data = bytes(range(200))
    reader = RangeReader(Counted(data), len(data))
    for how, offset, length in asks:
        if how == "head":
            assert reader.head(length) == data[:length]
        elif how == "tail":
            assert reader.tail(length) == data[max(len(data) - length, 0) :]
        else:
            assert reader.read(offset, length) == data[offset : offset + length]


def test_a_head_that_reaches_into_the_tail_completes_the_file():
    fetch = Counted(DATA)
    reader = RangeReader(fetch, len(DATA))
    reader.head(100)
    reader.tail(100)
    assert reader.head(len(DATA)) == DATA
    assert reader.whole()
    assert reader.head(len(DATA)) == DATA
    assert sum(length for _, length in fetch.calls) == len(DATA)


def test_unknown_size_becomes_known_at_a_short_read():
    reader = RangeReader(Counted(DATA[:1000]), None)
    assert reader.tail(10) == b""
    assert reader.head(4096) == DATA[:1000]
    assert reader.size == 1000
    assert reader.tail(10) == DATA[990:1000]
    assert reader.calls == 1


def test_unknown_size_of_a_longer_file_reads_only_its_head():
    reader = RangeReader(Counted(DATA), None)
    assert reader.head(100) == DATA[:100]
    assert (reader.size, reader.whole()) == (None, False)
    with pytest.raises(InspectError) as error:
        reader.file()
    assert error.value.finding == "unsupported"


def test_a_file_shorter_than_listed_gives_what_there_is():
    reader = RangeReader(Counted(DATA[:1000]), 5000)
    assert reader.head(4096) == DATA[:1000]
    assert reader.size == 1000


@pytest.mark.parametrize(
    ("caps", "word"),
    [(Caps(bytes=1000), "bytes"), (Caps(calls=2), "calls"), (Caps(seconds=-1), "seconds")],
)
def test_each_cap_stops_reading_and_is_named(caps, word):
    fetch = Counted(DATA)
    reader = RangeReader(fetch, len(DATA), caps=caps)
    with pytest.raises(InspectError, match=word) as error:
        for offset in range(0, 5000, 500):
            reader.read(offset, 500)
    assert error.value.finding == "too_large"
    assert sum(length for _, length in fetch.calls) <= caps.bytes
    assert len(fetch.calls) <= caps.calls


def test_the_file_view_seeks_and_reads_like_a_file():
    reader = RangeReader(Counted(DATA), len(DATA))
    ours, theirs = io.BufferedReader(reader.file()), io.BytesIO(DATA)
    for offset, whence, length in [(5, 0, 10), (3, 1, 4), (-20, 2, 50), (0, 2, 5), (7, 0, -1)]:
        assert ours.seek(offset, whence) == theirs.seek(offset, whence)
        assert ours.read(length) == theirs.read(length)


def test_a_hostile_length_reads_only_what_is_left():
    file = RangeReader(Counted(DATA), len(DATA)).file()
    file.seek(len(DATA) - 3)
    assert file.read(1 << 60) == DATA[-3:]


def test_a_silo_error_inside_a_library_comes_out_as_it_was():
    import pyarrow as pa
    import pyarrow.orc as orc

    def refuse(offset: int, length: int) -> bytes:
        raise SiloUnreachable("gone")

    reader = RangeReader(refuse, 1000)
    with pytest.raises(SiloUnreachable), parsing(reader, "ORC"):
        orc.ORCFile(pa.PythonFile(reader.file(), mode="r"))


@pytest.mark.parametrize(
    ("raised", "finding"),
    [
        (MemoryError(), "too_large"),
        (RecursionError("deep"), "too_large"),
        (NotImplementedError("no"), "unsupported"),
        (EOFError(), "truncated"),
        (OSError("footer is encrypted"), "encrypted"),
        (KeyError("avro.schema"), "corrupt"),
    ],
)
def test_parser_errors_become_findings(raised, finding):
    with pytest.raises(InspectError) as error, parsing(RangeReader(Counted(b""), 0), "X"):
        raise raised
    assert error.value.finding == finding


def test_messages_hold_no_escapes_from_the_file():
    with pytest.raises(InspectError) as error, parsing(RangeReader(Counted(b""), 0), "X"):
        raise ValueError("bad \x1b[31m\u202e" + "x" * 1000 + "\nsecond line")
    assert error.value.message.isprintable()
    assert len(error.value.message) < 250
