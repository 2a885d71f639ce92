"""What names claim, and the table of formats."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.formats.names import BY_NAME, FORMATS, claimed_format, claimed_formats, family


@pytest.mark.parametrize(
    ("name", "claimed"),
    [
        ("a.parquet", "parquet"),
        ("a.PARQUET", "parquet"),
        ("part-00000-1a2b.c000.snappy.parquet", "parquet"),
        ("events.jsonl.gz", "jsonl"),
        ("data.csv.zst", "csv"),
        ("DATA.CSV.GZ", "csv"),
        ("log.txt.bz2", "text"),
        ("x.tar.gz", "tar"),
        ("x.tgz", "tar"),
        ("scan.nii.gz", "nifti"),
        ("model.pkl.gz", "gzip"),
        ("part-00000.gz", "gzip"),
        ("app.js.br", "brotli"),
        ("train.tfrecord-00001-of-00010", "tfrecord"),
        ("weights.safetensors", "safetensors"),
        ("README", "text"),
        ("Dockerfile", "build"),
        (".gitignore", "dotfile"),
        ("_SUCCESS", None),
        (".part-0.parquet.crc", None),
        ("tar", None),
        ("csv", None),
        ("000000_0", None),
        ("trailing.", None),
        ("", None),
        ("no.such-extension", None),
        ("x." + "y" * 300, None),
    ],
)
def test_claims(name, claimed):
    assert claimed_format(name) == claimed


def test_many_names_are_claimed_in_order():
    names = ["a.csv", "b", "c.json.gz", "d.parquet", "e.gz"] * 1000
    assert claimed_formats(names) == ["csv", None, "json", "parquet", "gzip"] * 1000


@given(st.lists(st.text(max_size=40)))
def test_any_name_claims_a_known_format_or_none(names):
    found = claimed_formats(names)
    assert len(found) == len(names)
    assert all(each is None or each in BY_NAME for each in found)
    assert found == [claimed_format(name) for name in names]


def test_remembered_endings_are_bounded():
    from catalog.formats import names as module

    claimed_formats([f"file.{i}" for i in range(200_000)])
    assert len(module._claims) <= module._REMEMBERED


def test_no_format_and_no_extension_stands_twice():
    extensions = [end for each in FORMATS for end in each.extensions]
    assert len(extensions) == len(set(extensions))
    assert len(BY_NAME) == len(FORMATS)
    assert all(end == end.lower() and "." not in end for end in extensions)


@pytest.mark.parametrize(
    ("format", "expected"),
    [("parquet", "table"), ("png", "image"), ("gguf", "model"), ("python", "code"), ("tar", "archive"), ("las", "geo")],
)
def test_family(format, expected):
    assert family(format) == expected


@pytest.mark.parametrize("format", [None, "", "unknown", "no such"])
def test_an_unknown_format_has_no_family(format):
    assert family(format) is None
