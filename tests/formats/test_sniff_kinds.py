"""Kinds of a format that share a signature, text by its structure, and second looks."""

from __future__ import annotations

import gzip
import json
import lzma
import pickle
import random
import struct
import zlib
from pathlib import Path

import format_samples as make
import format_writers as write
import pytest

from catalog.formats.registry import inspect
from catalog.formats.sniff import sniff


def look(data: bytes, name: str = ""):
    return sniff(data[:4096], data[-4096:], name, len(data))


def closely(data: bytes, name: str = ""):
    return inspect(make.Counted(data), len(data), name)[0]


TEXTS = {
    "gff": "##gff-version 3\nctg123\t.\tgene\t1000\t9000\t.\t+\t.\tID=gene1\n",
    "sam": "@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:ref\tLN:45\nr1\t0\tref\t7\t30\t8M\t*\t0\t0\tTTAG\t*\n",
    "bed": "chr1\t100\t200\tpeak1\nchr1\t300\t400\tpeak2\nchr2\t5\t50\tpeak3\n",
    "pgn": '[Event "F/S Return Match"]\n[Site "Belgrade"]\n\n1. e4 e5 2. Nf3 Nc6\n',
    "calendar": "BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR\n",
    "subtitles": "1\n00:00:01,000 --> 00:00:04,000\nHello there\n\n2\n00:00:05,000 --> 00:00:06,000\nBye\n",
    "stl": "solid cube\n  facet normal 0 0 1\n    outer loop\n      vertex 0 0 0\n",
    "arff": "% iris\n@RELATION iris\n@ATTRIBUTE width NUMERIC\n@ATTRIBUTE class {a,b}\n@DATA\n1.0,a\n",
    "tex": "\\documentclass{article}\n\\begin{document}\nHello\n\\end{document}\n",
    "bibtex": "@article{knuth84,\n  author = {Knuth},\n  year = 1984\n}\n",
    "diff": "--- a/x.py\n+++ b/x.py\n@@ -1,3 +1,4 @@\n line\n+more\n",
    "gettext": 'msgid ""\nmsgstr ""\n\nmsgid "yes"\nmsgstr "ja"\n',
    "dot": "digraph G {\n  a -> b;\n  b -> c;\n}\n",
    "obj": "v 0.0 0.0 0.0\nv 1.0 0.0 0.0\nv 0.0 1.0 0.0\nv 1 1 0\nf 1 2 3\nf 2 3 4\n",
    "libsvm": "+1 1:0.7 3:1.2 9:0.1\n-1 2:0.3 3:0.5\n+1 1:0.2 7:0.9 8:0.4\n",
    "lightgbm": "tree\nversion=v3\nnum_class=1\n",
    "log": "2024-01-01 10:00:00 INFO started\n2024-01-01 10:00:01 WARN slow thing\n2024-01-01 10:00:02 INFO ended\n",
    "email": "From: a@b.c\nTo: d@e.f\nSubject: hello\nDate: Mon, 1 Jan 2024 10:00:00 +0000\n\nHi\n",
    "feed": '<?xml version="1.0"?><rss version="2.0"><channel></channel></rss>',
    "plist": '<?xml version="1.0"?><!DOCTYPE plist><plist version="1.0"><dict/></plist>',
    "graphml": '<?xml version="1.0"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns"></graphml>',
    "pmml": '<?xml version="1.0"?><PMML version="4.4" xmlns="http://www.dmg.org/PMML-4_4"></PMML>',
    "toml": 'title = "x"\n[owner]\nname = "Tom"\nports = [8000, 8001]\n',
    "ini": "[server]\nhost = localhost\nport = 8080\n",
    "terraform": 'resource "aws_s3_bucket" "b" {\n  bucket = "x"\n}\n',
    "build": "FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nRUN pip install .\n",
    "c": '#include <stdio.h>\n#define N 10\n\nint main(void) {\n  printf("hi");\n  return 0;\n}\n',
    "java": "package a.b;\nimport java.util.List;\n\npublic class A {\n  public static void main(String[] args) {\n  }\n}\n",
    "go": 'package main\n\nimport "fmt"\n\nfunc main() {\n\tx := 1\n\tfmt.Println(x)\n}\n',
    "rust": "use std::io;\n\nfn main() {\n    let mut x = 1;\n    println!(\"{}\", x);\n}\n\npub struct A;\n",
    "javascript": "'use strict';\nconst a = require('a');\nfunction b() {\n  return a === 1;\n}\nmodule.exports = b;\n",
    "php": "<?php\n$x = 1;\necho $x;\n",
    "python": '"""What this module is for."""\n\nX = 1\n',
    "rst": "Title\n=====\n\n.. note:: careful\n\n.. code-block:: python\n\n   x = 1\n",
    "schema": 'syntax = "proto3";\nmessage A { string b = 1; }\n',
}


@pytest.mark.parametrize("format", TEXTS)
def test_text_by_its_structure_alone(format):
    found = look(TEXTS[format].encode())
    assert found.format == format, found


@pytest.mark.parametrize(
    ("text", "format"),
    [
        ("name,when\na,2024-01-01 10:00:00\nb,2024-01-02 10:00:00\nc,2024-01-03 10:00:00\n", "csv"),
        ("2024-01-01 10:00:00,1.5,a\n2024-01-02 10:00:00,2.5,b\n2024-01-03 10:00:00,3.5,c\n", "csv"),
        ("7\t36\t1\n0\t7\t2\n1\t2\t3\n", "tsv"),
        ("Dear all,\nthe import of the data is done.\nBest, Ann\n", "text"),
        ("We select the best from all of it; and so on.\n", "text"),
        ("a: 1\nb: 2\nc:\n  - x\n  - y\n", "yaml"),
    ],
)
def test_text_that_only_looks_like_something_else(text, format):
    assert look(text.encode()).format == format


# ---------------------------------------------------------------- kinds behind one signature


def ebml(kind: bytes) -> bytes:
    return b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82" + bytes([0x80 | len(kind)]) + kind + bytes(60)


def ftyp(brand: bytes, *others: bytes) -> bytes:
    body = b"ftyp" + brand + bytes(4) + b"".join(others)
    return struct.pack(">I", len(body) + 4) + body + bytes(60)


@pytest.mark.parametrize(
    ("data", "format"),
    [
        (ebml(b"webm"), "webm"),
        (ebml(b"matroska"), "matroska"),
        (ftyp(b"isom"), "mp4"),
        (ftyp(b"qt  "), "mov"),
        (ftyp(b"M4A "), "m4a"),
        (ftyp(b"heic"), "heic"),
        (ftyp(b"mif1", b"mif1", b"avif"), "avif"),
        (ftyp(b"mif1", b"mif1", b"heic"), "heic"),
        (b"OggS\0\2" + bytes(22) + b"\x80theora" + bytes(60), "ogv"),
        (b"OggS\0\2" + bytes(22) + b"OpusHead" + bytes(60), "ogg"),
        (b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + b"fLaC" + bytes(60), "flac"),
        (b"SQLite format 3\0" + bytes(52) + b"GPKG" + bytes(60), "geopackage"),
        (b"SQLite format 3\0" + bytes(52) + b"MPBX" + bytes(60), "mbtiles"),
        (b"\x89HDF\r\n\x1a\n" + bytes(60) + b"_Netcdf4Dimid", "netcdf4"),
        (b"\x89HDF\r\n\x1a\n" + bytes(60) + b"keras_version", "keras_h5"),
        (b"CBM1" + bytes(60), "catboost"),
        (b"\x1c\0\0\0ORTM" + bytes(60), "ort"),
        (b"bplist00" + bytes(60), "plist"),
        (bytes(1024) + b"\xe2\xe1\xf5\xe0" + bytes(3072), "disk_image"),
        (bytes(4086) + b"SWAPSPACE2", "disk_image"),
        (bytes(512) + b"LABELONE" + bytes(16) + b"LVM2 001" + bytes(3552), "disk_image"),
        (bytes(80) + struct.pack("<I", 2) + bytes(100), "stl"),
        (write.field(1, write.field(1, b"<unk>") + b"\x15\0\0\0\0\x18\2") * 4, "sentencepiece"),
        (zlib.compress(bytes(range(256)) * 9), "zlib"),
        (zlib.compress(random.Random(1).randbytes(9000), 1), "zlib"),
        (zlib.compress(b"short"), "zlib"),
        (lzma.compress(bytes(range(256)) * 9, lzma.FORMAT_ALONE), "lzma"),
        (b"IxF2" + struct.pack("<iqqq", 8, 10, 1 << 20, 1 << 20) + bytes(60), "faiss"),
        (bytes(36) + b"acsp" + bytes(100), "icc"),
        (b"\0\0\0\1Bud1" + bytes(100), "ds_store"),
    ],
)
def test_kinds(data, format):
    assert look(data).format == format


def test_translations_compiled_by_python_and_time_zones_have_names():
    zones = Path(write.lib("tzdata").__file__).parent / "zoneinfo"
    assert closely((zones / "Europe" / "Berlin").read_bytes()).format == "tzif"
    # The .mo format as the manual of GNU gettext tells it: magic, revision, count, two tables, no hash table.
    assert closely(struct.pack("<7I", 0x950412DE, 0, 0, 28, 28, 0, 28)).format == "mo"


@pytest.mark.parametrize("word", [b"x^2 + y^2 = z^2 and so on, for all of them\n" * 9, b"x\x9c" + bytes(range(200)), b"]\0\0\x80\0" + bytes(60)])
def test_what_only_begins_like_a_compressed_stream(word):
    assert look(word).format not in ("zlib", "lzma")


def test_numbers_are_no_text_of_some_far_encoding():
    """Tensors of one value over and over, behind a few bytes of header."""
    for number in (1.0, 0.7873589396476746):
        data = bytes.fromhex("081408100832082810014a807d") + struct.pack("<f", number) * 4000
        assert look(data, "input_0.pb").format == "protobuf", number
        assert look(data).format in ("unknown", "protobuf"), number


def test_remarks_within_a_table_do_not_choose_its_delimiter():
    rows = "".join(f"# about {n}, which is, in a way, {n}\n#\nDE\t{n}\tEurope/Berlin\n" for n in range(30))
    found = closely(("# a table, with remarks,\n# of two lines\n" + rows).encode(), "zones.tab")
    assert found.format == "tsv"


def test_a_pdf_with_a_zip_behind_it_says_so():
    found = look(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + make.zipped(("a.js", b"x")))
    assert (found.format, found.also) == ("pdf", ("zip",))


def test_dicom_with_a_tiff_header_says_so():
    data = b"II*\0".ljust(128, b"\0") + b"DICM\x02\0\0\0UL\x04\0\xc0\0\0\0" + bytes(64)
    assert (look(data).format, look(data).also) == ("dicom", ("tiff",))


@pytest.mark.parametrize(
    ("members", "format"),
    [
        ([(f"m/data/{i:06}", b"x") for i in range(400)] + [("m/data.pkl", b"\x80\x02}.")], "pytorch"),
        ([(f"m/code/{i:06}.py", b"x") for i in range(400)] + [("m/data.pkl", b"\x80\x02}.")], "torchscript"),
        ([(f"p/{i:06}.py", b"x") for i in range(400)] + [("p-1.dist-info/RECORD", b"x")], "wheel"),
        ([(f"res/{i:06}.png", b"x") for i in range(400)] + [("AndroidManifest.xml", b"x"), *[(f"z/{i:06}", b"") for i in range(400)]], "apk"),
        ([(f"c/{i:06}", b"x") for i in range(400)], "zip"),
    ],
    ids=["pytorch", "torchscript", "wheel", "apk", "zip"],
)  # fmt: skip
def test_a_long_zip_directory_is_read(members, format):
    assert closely(make.zipped(*members, stored=True)).format == format


@pytest.mark.parametrize("at", [32769, 65600])
def test_signs_of_filesystems_far_in_are_seen(at):
    sign = {32769: b"CD001", 65600: b"_BHRfS_M"}[at]
    data = bytes(at) + sign + bytes(100_000)
    assert closely(data).format == {32769: "iso", 65600: "disk_image"}[at]


@pytest.mark.parametrize(("stream", "format"), [("Workbook", "xls"), ("WordDocument", "doc"), ("PowerPoint Document", "ppt")])
def test_kinds_of_compound_files_by_their_streams(stream, format):
    head = bytearray(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504))
    head[30:32], head[48:52] = struct.pack("<H", 9), struct.pack("<I", 0)
    entries = [name.encode("utf-16-le").ljust(128, b"\0") for name in ("Root Entry", stream)]
    assert closely(bytes(head) + b"".join(entries).ljust(512, b"\0")).format == format


@pytest.mark.parametrize("protocol", [0, 1])
@pytest.mark.parametrize("name", ["a.pkl", "a.pickle", "a.joblib", "a.pt"])
def test_old_pickles_are_believed_with_their_name(protocol, name):
    assert closely(pickle.dumps({"a": [1, 2, "x"]}, protocol), name).format in ("pickle", "joblib", "pytorch")


@pytest.mark.parametrize("data", [b"plain words, no pickle\n", b"import os\n", bytes(range(1, 200))])
def test_what_is_no_pickle_is_none_whatever_its_name(data):
    assert look(data, "a.pkl").format != "pickle"


def test_what_a_compressed_file_holds_is_said():
    found = look(gzip.compress(pickle.dumps([1])), "a.gz")
    assert (found.format, "pickle" in found.evidence) == ("gzip", True)


@pytest.mark.parametrize("name", ["a.obj", "a.pdb", "a.bed", "a.po", "a.dot"])
def test_endings_with_many_meanings_are_not_mislabelled(name):
    assert not look(bytes(range(256)) * 20, name).conflict


@pytest.mark.parametrize("format", ["saved_model", "graphdef", "onnx", "pytorch", "torchscript", "zarr", "mds"])
def test_models_without_a_signature_need_real_structure(format):
    data = write.sample(format)
    assert look(data).format == format
    noise = bytes(b ^ 0x55 for b in data)
    assert look(noise).format != format


def test_json_that_is_a_notebook_by_its_cells():
    assert look(json.dumps({"cells": [], "nbformat": 4}).encode()).format == "ipynb"
