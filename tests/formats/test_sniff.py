"""Sniffing: real bytes of each format, and what is no proof of any."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import random
import struct
import tarfile
import wave

import format_samples as make
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.formats import checks, magic
from catalog.formats import sniff as sniffing
from catalog.formats.names import BY_NAME
from catalog.formats.sniff import sniff


def look(data: bytes, name: str = "", size: int | None = -1):
    """Sniff `data` as the crawl does: 4 KiB of either end."""
    return sniff(data[:4096], data[-4096:], name, len(data) if size == -1 else size)


def _npy() -> bytes:
    import numpy as np

    return make.written(lambda sink: np.save(sink, np.arange(4)))


def _npz() -> bytes:
    import numpy as np

    return make.written(lambda sink: np.savez(sink, a=np.arange(4), b=np.ones(3)))


def _image(format: str, **options) -> bytes:
    image = pytest.importorskip("PIL.Image").new("RGB", (8, 8), (1, 2, 3))
    return make.written(lambda sink: image.save(sink, format, **options))


def _wav() -> bytes:
    sink = io.BytesIO()
    with wave.open(sink, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(64))
    return sink.getvalue()


def _pyc() -> bytes:
    import importlib.util
    import marshal

    return importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(compile("a = 1", "x", "exec"))


def _compressed(codec: str, data: bytes) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


def _nifti() -> bytes:
    return struct.pack("<i", 348) + bytes(340) + b"n+1\0" + bytes(100)


def _dicom(start: bytes = b"") -> bytes:
    return start.ljust(128, b"\0") + b"DICM\x02\0\0\0UL\x04\0\xc0\0\0\0" + bytes(64)


def _macho_fat() -> bytes:
    return struct.pack(">5I", 0xCAFEBABE, 2, 7, 3, 4096) + bytes(64)


def _shapefile() -> bytes:
    return struct.pack(">7i", 9994, 0, 0, 0, 0, 0, 50) + struct.pack("<2i", 1000, 1) + bytes(64)


def _dbf() -> bytes:
    return (
        bytes([3, 124, 1, 2])
        + struct.pack("<IHH", 1, 65, 11)
        + bytes(20)
        + b"NAME".ljust(11, b"\0")
        + b"C"
        + bytes(20)
        + b"\r x"
    )


def _mp3() -> bytes:
    return (b"\xff\xfb\x90\x00" + bytes(413)) * 3  # 128 kbit/s at 44.1 kHz: 417 bytes a frame


def _mbr() -> bytes:
    return bytes(446) + bytes([0x80]) + bytes(63) + b"\x55\xaa" + bytes(512)


def _lance() -> bytes:
    return b"\x00\x01\x02\x03" * 16 + bytes(32) + b"\0\0\x02\0LANC"


def _lmdb() -> bytes:
    return struct.pack("<QHHHH", 0, 0, 8, 0, 0) + struct.pack("<IIQQ", 0xBEEFC0DE, 1, 0, 1 << 20) + bytes(4096)


BINARY = {
    "parquet": make.parquet,
    "arrow_file": make.arrow_file,
    "arrow_stream": make.arrow_stream,
    "orc": make.orc,
    "avro": make.avro,
    "npy": _npy,
    "npz": _npz,
    "png": lambda: _image("PNG"),
    "jpeg": lambda: _image("JPEG"),
    "gif": lambda: _image("GIF"),
    "tiff": lambda: _image("TIFF"),
    "bmp": lambda: _image("BMP"),
    "webp": lambda: _image("WEBP"),
    "ico": lambda: _image("ICO"),
    "netpbm": lambda: _image("PPM"),
    "wav": _wav,
    "gzip": lambda: gzip.compress(os.urandom(100)),
    "xz": lambda: lzma.compress(os.urandom(100)),
    "bzip2": lambda: bz2.compress(os.urandom(100)),
    "zstd": lambda: _compressed("zstd", os.urandom(100)),
    "lz4": lambda: _compressed("lz4", os.urandom(100)),
    "tar": make.tar,
    "pyc": _pyc,
    "pickle": lambda: pickle.dumps({"a": [1, 2]}),
    "zip": lambda: make.zipped(("a.txt", b"x")),
    "docx": lambda: make.zipped(("[Content_Types].xml", b"<x/>"), ("word/document.xml", b"<x/>")),
    "xlsx": lambda: make.zipped(("[Content_Types].xml", b"<x/>"), ("xl/workbook.xml", b"<x/>")),
    "pptx": lambda: make.zipped(("[Content_Types].xml", b"<x/>"), ("ppt/presentation.xml", b"<x/>")),
    "odt": lambda: make.zipped(("mimetype", b"application/vnd.oasis.opendocument.text"), stored=True),
    "ods": lambda: make.zipped(("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"), stored=True),
    "epub": lambda: make.zipped(("mimetype", b"application/epub+zip"), stored=True),
    "jar": lambda: make.zipped(("META-INF/MANIFEST.MF", b"x")),
    "wheel": lambda: make.zipped(("p/__init__.py", b""), ("p-1.dist-info/METADATA", b"x")),
    "kmz": lambda: make.zipped(("doc.kml", b"x")),
    "keras": lambda: make.zipped(("metadata.json", b"{}"), ("config.json", b"{}"), ("model.weights.h5", b"x")),
    "pytorch": lambda: make.zipped(("m/data.pkl", b"x"), ("m/data/0", b"x"), stored=True),
    "safetensors": make.safetensors,
    "onnx": make.onnx,
    "tfrecord": make.tfrecord,
    "nifti": _nifti,
    "dicom": _dicom,
    "macho": _macho_fat,
    "java_class": lambda: struct.pack(">IHH", 0xCAFEBABE, 0, 61) + bytes(32),
    "shapefile": _shapefile,
    "dbf": _dbf,
    "mp3": _mp3,
    "disk_image": _mbr,
    "lance": _lance,
    "lmdb": _lmdb,
    "gguf": lambda: b"GGUF" + struct.pack("<IQQ", 3, 0, 0),
    "tflite": lambda: b"\x1c\0\0\0TFL3" + bytes(40),
    "hdf5": lambda: b"\x89HDF\r\n\x1a\n" + bytes(100),
    "netcdf4": lambda: b"\x89HDF\r\n\x1a\n" + bytes(100) + b"_NCProperties",
    "netcdf3": lambda: b"CDF\x02" + bytes(40),
    "mat": lambda: b"MATLAB 5.0 MAT-file, Platform".ljust(124) + b"\0\1IM",
    "fits": lambda: b"SIMPLE  =                    T".ljust(2880),
    "duckdb": lambda: bytes(8) + b"DUCK" + bytes(80),
    "feather": lambda: b"FEA1" + bytes(40) + b"FEA1",
    "flac": lambda: b"fLaC\0\0\0\x22" + bytes(34),
    "ogg": lambda: b"OggS\0\x02" + bytes(40),
    "mp4": lambda: b"\0\0\0\x18ftypisom" + bytes(40),
    "mov": lambda: b"\0\0\0\x14ftypqt  " + bytes(40),
    "heic": lambda: b"\0\0\0\x18ftypheic" + bytes(40),
    "matroska": lambda: b"\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska" + bytes(40),
    "webm": lambda: b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm" + bytes(40),
    "avi": lambda: b"RIFF\x20\0\0\0AVI LIST" + bytes(40),
    "mpeg": lambda: (b"\x47\x40\x11\x10" + bytes(184)) * 5,
    "elf": lambda: b"\x7fELF\x02\x01\x01" + bytes(60),
    "pe": lambda: b"MZ".ljust(60, b"\0") + struct.pack("<I", 64) + b"PE\0\0" + bytes(40),
    "wasm": lambda: b"\0asm\x01\0\0\0",
    "7z": lambda: b"7z\xbc\xaf\x27\x1c\0\x04" + bytes(40),
    "pdf": lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "psd": lambda: b"8BPS\0\x01" + bytes(40),
    "las": lambda: b"LASF\0\0\0\0" + bytes(220),
    "woff": lambda: b"wOFF\0\x01\0\0" + bytes(40),
    "woff2": lambda: b"wOF2\0\x01\0\0" + bytes(40),
    "otf": lambda: b"OTTO\0\x0b\0\x80" + bytes(40),
    "ttf": lambda: b"\0\x01\0\0\0\x0b\0\x80\0\x03\0\x30" + b"GSUB" + bytes(40),
    "hdf4": lambda: b"\x0e\x03\x13\x01" + bytes(40),
    "qcow2": lambda: b"QFI\xfb\0\0\0\x03" + bytes(100),
    "vhd": lambda: bytes(1024) + b"conectix".ljust(512, b"\0"),
    "pcap": lambda: b"\xd4\xc3\xb2\xa1\x02\0\x04\0" + bytes(16),
    "edf": lambda: b"0       " + b"X".ljust(80) + b"Y".ljust(80) + b"01.02.2420.30.00" + b" " * 100,
    "ole": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504),
}


@pytest.mark.parametrize("format", BINARY)
def test_binary_formats_by_content_alone(format):
    found = look(BINARY[format]())
    assert (found.format, found.conflict) == (format, False)
    assert 0.6 <= found.confidence <= 1
    assert found.evidence


@pytest.mark.parametrize("format", BINARY)
def test_binary_formats_agree_with_their_own_extension(format):
    known = BY_NAME[format]
    for extension in known.extensions[:1]:
        found = look(BINARY[format](), f"x.{extension}")
        assert not found.conflict, found


@pytest.mark.parametrize("format", BINARY)
def test_binary_content_under_a_csv_name_is_a_conflict(format):
    found = look(BINARY[format](), "x.csv")
    assert (found.format, found.conflict) == (format, True)


TEXT = {
    "csv": ("", make.csv()),
    "tsv": ("", make.csv().replace(b",", b"\t")),
    "json": ("", make.json_array()),
    "jsonl": ("", make.jsonl()),
    "ipynb": ("", json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()),
    "geojson": ("", b'{"type": "FeatureCollection", "features": []}'),
    "html": ("", b"<!DOCTYPE html>\n<html><body>x</body></html>"),
    "xml": ("", b'<?xml version="1.0"?>\n<!-- c --><catalog><a/></catalog>'),
    "svg": ("", b'<svg xmlns="http://www.w3.org/2000/svg"></svg>'),
    "kml": ("", b'<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"></kml>'),
    "yaml": ("", b"---\nname: x\nitems:\n  - a\n  - b: 1\n"),
    "ini": ("", b"[main]\nkey = value\nother=1\n"),
    "sql": ("", b"-- dump\nCREATE TABLE t (a int);\nINSERT INTO t VALUES (1);\n"),
    "python": ("", b"import os\nfrom sys import path\n\ndef f(a):\n    return os\n"),
    "shell": ("run", b"#!/usr/bin/env bash\nset -e\n"),
    "markdown": ("", b"Title\n=====\n\nSee [docs](https://x.y) and [more](z).\n\n## Use\n"),
    "pem": ("", b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"),
    "fasta": ("", b">seq1 sample\nACGTACGTACGTACGTACGTACGT\n"),
    "fastq": ("", b"@r1\nACGTN\n+\nIIIII\n@r2\nACGTA\n+\nIIIII\n"),
    "vcf": ("", b"##fileformat=VCFv4.2\n#CHROM\tPOS\n"),
    "lfs_pointer": ("", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
    "text": ("", b"Dear Ann,\nthank you, and all the best.\nYours, Bob\n"),
    "toml": ("a.toml", b"[tool]\na = 1\n"),
    "rust": ("a.rs", b"fn main() {}\n"),
    "log": ("a.log", b"2024-01-01 10:00:00 INFO started\n"),
}


@pytest.mark.parametrize("format", TEXT)
def test_text_formats(format):
    name, data = TEXT[format]
    found = look(data, name)
    assert (found.format, found.conflict) == (format, False)


@pytest.mark.parametrize(
    ("name", "data", "format", "conflict"),
    [
        ("a.csv", b"name\nann\nbob\n", "csv", False),  # one column: only the name can tell
        ("a.csv", make.csv().replace(b",", b"\t"), "tsv", False),
        ("a.txt", make.csv(), "csv", False),
        ("a.json", make.jsonl(), "jsonl", False),
        ("a.jsonl", b'{"one": 1}\n', "jsonl", False),
        ("a.jsonl", b'[\n {"a": 1},\n {"a": 2}\n]', "json", True),
        ("a.log", make.jsonl(), "jsonl", False),
        ("a.yaml", b'{"a": 1}', "json", False),
        ("a.csv", b"<html><body>404</body></html>", "html", True),
        ("a.json", b"<html><body>404</body></html>", "html", True),
        ("a.parquet", b"<html><body>404</body></html>", "html", True),
        ("a.parquet", TEXT["lfs_pointer"][1], "lfs_pointer", True),
        ("a.csv", TEXT["lfs_pointer"][1], "lfs_pointer", True),
        ("a.parquet", make.csv(), "csv", True),
        ("a.parquet", os.urandom(5000), "unknown", True),
        ("a.bin", os.urandom(5000), "unknown", False),
        ("a.csv", bytes(5000), "unknown", True),
        ("a.png", b"\xff\xd8\xff\xe0" + bytes(50), "jpeg", True),
        ("a.zip", make.zipped(("[Content_Types].xml", b"x"), ("xl/a", b"x")), "xlsx", False),
        ("a.nc", b"\x89HDF\r\n\x1a\n" + bytes(90), "hdf5", False),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504), "doc", False),
        ("a.ico", b"\x89PNG\r\n\x1a\n" + bytes(50), "png", True),
        ("a.key", b"plain words in a key file\n", "pem", False),
        ("__init__.py", b"", "python", False),
        ("a.csv", b"", "csv", False),
        ("a.parquet", b"", "unknown", True),
        ("_SUCCESS", b"", "unknown", False),
    ],
)
def test_name_against_content(name, data, format, conflict):
    found = look(data, name)
    assert (found.format, found.conflict) == (format, conflict), found


@pytest.mark.parametrize("length", [200, 1000, 4096, 100_000])
def test_a_csv_of_noise_is_unknown_and_a_conflict(length):
    noise = random.Random(length).randbytes(length)
    found = look(noise, "data.csv")
    assert (found.format, found.conflict) == ("unknown", True)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("naïve,café\n1,2\n3,4\n5,6\n", "latin-1"),
        ("имя,город\nАнна,Москва\nИван,Тверь\nОльга,Омск\n", "cp1251"),
        ("名前,都市\n太郎,東京\n花子,大阪\n次郎,京都\n", "cp932"),
        ("名字,城市\n李雷,北京\n韩梅,上海\n王五,广州\n", "gb18030"),
        ("a,b\n1,ü\n2,ß\n3,x\n", "utf-16"),
        ("a,b\n1,2\n3,4\n5,x\n", "utf-16-le"),
        ("a,b\n1,2\n3,4\n5,x\n", "utf-32-be"),
        ("a,ü\n1,2\n3,4\n5,x\n", "utf-8-sig"),
    ],
)
def test_text_in_other_encodings_is_text(text, encoding):
    assert look(text.encode(encoding), "x.csv").format == "csv"


@pytest.mark.parametrize(
    ("name", "inner", "format"),
    [
        ("a.csv.gz", make.csv(), "csv"),
        ("a.gz", make.csv(), "csv"),
        ("a.jsonl.gz", make.jsonl(), "jsonl"),
        ("part-00000.gz", make.json_array(), "json"),
        ("a.tar.gz", make.tar(), "tar"),
        ("a.nii.gz", _nifti(), "nifti"),
        ("notes.gz", b"just some words\n", "gzip"),
        ("notes.txt.gz", b"just some words\n", "text"),
        ("a.pkl.gz", pickle.dumps([1]), "gzip"),
        ("a.parquet.gz", make.parquet(), "gzip"),
    ],
)
@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, lambda d: _compressed("zstd", d)])
def test_compressed_files_are_looked_into(name, inner, format, compress):
    data = compress(inner)
    found = look(data, name)
    outer = {"gzip": magic.identify(data[:64], b"", None).format}.get(format, format)
    assert found.format == outer
    assert not found.conflict or format == "gzip"


def test_a_compressed_block_longer_than_the_head_is_named_by_its_claim():
    data = bz2.compress(random.Random(1).randbytes(300_000).hex().encode())
    found = look(data, "a.csv.bz2")
    assert (found.format, found.conflict) == ("csv", False)
    assert found.confidence < 0.7


@pytest.mark.parametrize(
    ("data", "not_this"),
    [
        (b"ORCHESTRA and choir, tonight at eight\n", "orc"),
        (b"GRIB files are described elsewhere\n", "grib"),
        (b"ID3 tags are described elsewhere\n", "mp3"),
        (b"The view from the mont BLANC", "lance"),
        (b"PAR1 is the magic of Parquet\n", "parquet"),
        (make.coreml(), "onnx"),
        (b"\x08\x07plain,text\n1,2\n", "onnx"),
        (b"MZ is how DOS programs start, said Mark Zbikowski to himself, and went on", "pe"),
        (b"BM 2024 results of the British Museum\n", "bmp"),
        (struct.pack("<Q", 5) + b"\0\0\0\0" + b"hello" + bytes(4), "tfrecord"),
        (struct.pack("<Q", 1 << 40) + b'{"a":1}', "safetensors"),
    ],
)
def test_what_only_looks_alike(data, not_this):
    assert look(data).format != not_this


def test_dicom_wins_over_tiff_and_the_name_tiff_is_a_conflict():
    both = _dicom(b"II*\0\x08\0\0\0")
    assert look(both).format == "dicom"
    assert "TIFF" in look(both).evidence
    assert look(both, "scan.tif").conflict


def test_encrypted_parquet_is_parquet():
    found = look(b"PARE" + bytes(30) + b"PARE")
    assert found.format == "parquet"
    assert "encrypted" in found.evidence


@pytest.mark.parametrize("make_file", [make.parquet, make.orc])
def test_a_file_cut_off_keeps_its_format_with_less_confidence(make_file):
    data = make_file()
    whole, cut = look(data), look(data[:-10])
    assert cut.format == whole.format
    assert cut.confidence < whole.confidence
    assert "not at end" in cut.evidence


def test_tar_variants():
    for kind in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT):
        assert look(make.tar(kind)).format == "tar"
    old = bytearray(make.tar()[:512])
    old[257:265] = bytes(8)
    old[148:156] = b"%06o\0 " % (sum(old[:148]) + 256 + sum(old[156:]))
    assert look(bytes(old) + bytes(512)).format == "tar"


def test_every_format_in_the_tables_is_a_known_format():
    named = {each[2] for each in magic._TABLE} | magic.ALWAYS_SIGNED
    allowed = set(sniffing._ALLOWS) | {each for formats in sniffing._ALLOWS.values() for each in formats}
    assert named | allowed | set(BINARY) | set(TEXT) <= set(BY_NAME)


def test_the_crc_is_castagnoli():
    assert checks.masked_crc32c(b"12345678") == (((0x6087809A >> 15) | (0x6087809A << 17)) + 0xA282EAD8) & 0xFFFFFFFF


@settings(deadline=None)
@given(st.binary(max_size=600), st.sampled_from(["x", "x.csv", "x.parquet", "x.json.gz", "x.pkl", "x.txt", "x.zip"]))
def test_anything_is_sniffed_without_an_exception(data, name):
    found = look(data, name)
    assert found.format == "unknown" or found.format in BY_NAME
    assert 0 <= found.confidence <= 1


@settings(deadline=None)
@given(st.sampled_from(sorted(BINARY)), st.integers(0, 400), st.integers(0, 255), st.booleans())
def test_damaged_heads_are_sniffed_without_an_exception(format, at, byte, cut):
    data = bytearray(BINARY[format]())
    if cut:
        del data[at:]
    elif at < len(data):
        data[at] = byte
    found = look(bytes(data))
    assert found.format == "unknown" or found.format in BY_NAME
