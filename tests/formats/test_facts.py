"""What each inspector tells about a file that its format's own writer made."""

from __future__ import annotations

import gzip
import json
import pickle
import struct
from pathlib import Path

import format_samples as make
import format_writers as write
import pytest

from catalog.formats.registry import inspect
from catalog.formats.vocabulary import FACTS


def facts(data: bytes, name: str = ""):
    sniffed, found, error = inspect(make.Counted(data), len(data), name)
    assert error is None, error
    assert found is not None, sniffed
    return found


def told(format: str) -> dict[str, object]:
    return dict(facts(write.sample(format)).details)


def fields(format: str) -> list[tuple[str, str]]:
    return [(f.path, f.type) for f in facts(write.sample(format)).fields]


@pytest.mark.parametrize(
    ("format", "expected"),
    [
        ("safetensors", {"tensors": 2, "parameters": 17, "dtype": "float32+float16", "framework": "pt"}),
        (
            "gguf",
            {"architecture": "llama", "title": "Tiny", "context_length": 4096, "layers": 2, "license": "mit",
             "quantization": "Q4_K_M", "tokenizer": "gpt2", "vocabulary": 150, "tensors": 2, "parameters": 40},
        ),
        ("onnx", {"nodes": 2, "operators": "MatMul, Relu", "opset": "17", "parameters": 12, "framework": "tests"}),
        ("pytorch", {"tensors": 2, "parameters": 16, "dtype": "float32", "protocol": 2, "framework": "torch"}),
        ("torchscript", {"tensors": 2, "parameters": 16}),
        ("joblib", {"framework": "numpy"}),
        ("keras", {"architecture": "Sequential", "layers": 1, "operators": "Dense", "created_by": "keras 3.5.0"}),
        ("keras_h5", {"architecture": "Sequential", "parameters": 12, "created_by": "keras 2.9.0"}),
        ("saved_model", {"nodes": 4, "signatures": "serving_default", "created_by": "tensorflow 2.15.0"}),
        ("graphdef", {"nodes": 4, "operators": "Placeholder, Const, MatMul, Relu"}),
        ("npy", {"shape": "[3, 4]", "dtype": "float32", "order": "C"}),
        ("npz", {"arrays": 2, "dtype": "float64+int64"}),
        ("hdf5", {"arrays": 2, "groups": 1, "title": "Plain", "compression": "gzip"}),
        ("netcdf4", {"title": "Air", "dimensions": "time=0, x=4"}),
        ("netcdf3", {"title": "Air", "dimensions": "time=unlimited, x=4", "dtype": "float32", "arrays": 1}),
        ("mat", {"arrays": 3}),
        ("nifti", {"shape": "[4, 5, 6]", "dtype": "int16", "voxel_size": "1 × 1 × 1"}),
        ("fits", {"arrays": 2, "width": 20, "height": 10}),
        ("zarr", {"version": "3", "arrays": 1, "dtype": "float32", "chunks": "[5, 5]"}),
        ("jpeg", {"width": 60, "height": 40, "channels": 3, "bits": 8, "camera": "Canon EOS", "orientation": 6}),
        ("png", {"width": 60, "height": 40, "channels": 3, "bits": 8, "color": "RGB"}),
        ("gif", {"width": 60, "height": 40, "frames": 1}),
        ("webp", {"width": 60, "height": 40, "channels": 3, "compression": "lossy"}),
        ("bmp", {"width": 60, "height": 40, "bits": 24}),
        (
            "tiff",
            {"width": 48, "height": 64, "dtype": "float32", "tiled": True, "crs": "EPSG:32633",
             "bounds": "500000, 4.59936e+06, 500480, 4.6e+06"},
        ),
        ("dicom", {"modality": "CT", "body_part": "CHEST", "width": 24, "height": 32, "bits": 16, "camera": "Maker"}),
        ("wav", {"duration_s": 1.0, "sample_rate": 8000, "channels": 2, "bits": 16, "audio_codec": "pcm"}),
        ("flac", {"duration_s": 1.0, "sample_rate": 22050, "channels": 2, "bits": 16}),
        ("ogg", {"duration_s": 1.0, "sample_rate": 22050, "channels": 2, "audio_codec": "vorbis"}),
        ("mp3", {"sample_rate": 22050, "channels": 2, "audio_codec": "mp3"}),
        ("mp4", {"width": 64, "height": 48, "duration_s": 1.0, "frames": 25, "frame_rate": 25.0, "video_codec": "mpeg4"}),
        ("mov", {"width": 64, "height": 48, "duration_s": 1.0, "video_codec": "mpeg4"}),
        ("matroska", {"width": 64, "height": 48, "duration_s": 1.0, "video_codec": "mpeg4"}),
        ("webm", {"width": 64, "height": 48, "duration_s": 1.0, "video_codec": "vp8"}),
        ("tfrecord", {"features": "image, label"}),
        ("tar", {"members": 40, "samples": 20, "features": "jpg, json", "unpacked_bytes": 120}),
        ("7z", {"members": 2, "unpacked_bytes": 405}),
        ("zip", {"members": 2, "unpacked_bytes": 801, "content": "CSV (1), Plain text (1)"}),
        ("wheel", {"title": "demo", "version": "1.2", "license": "MIT", "members": 2}),
        ("gzip", {"content": "text", "unpacked_bytes": 1450}),
        ("pdf", {"pages": 3, "title": "Report"}),
        ("xlsx", {"sheets": "Sales"}),
        ("docx", {"author_tool": "Writer", "title": "Plan", "pages": 4}),
        ("pptx", {"slides": 1}),
        ("epub", {"title": "Book", "language": "en"}),
        ("ods", {"sheets": "One", "title": "Open"}),
        ("ipynb", {"cells": 3, "kernel": "python", "version": "4.5"}),
        ("sqlite", {"tables": "order items, wide", "views": "totals", "page_size": 4096}),
        ("shapefile", {"geometry": "Point", "bounds": "0, 2, 3, 2"}),
        ("geojson", {"geometry": "Point", "crs": "OGC:CRS84"}),
        ("las", {"points": 3, "version": "1.4", "bounds": "1, 1, 5, 5"}),
    ],
)  # fmt: skip
def test_facts(format, expected):
    found = told(format)
    assert {name: found.get(name) for name in expected} == expected
    assert found.keys() <= FACTS.keys()


@pytest.mark.parametrize(
    ("format", "expected"),
    [
        ("safetensors", [("layer.0.weight", "tensor<float32>[3, 4]"), ("layer.0.bias", "tensor<float16>[5]")]),
        ("onnx", [("x", "tensor<float32>[batch, 4]"), ("y", "tensor<float32>[batch, 3]"), ("weight", "tensor<float32>[4, 3]")]),
        ("pytorch", [("fc.weight", "tensor<float32>[4, 3]"), ("fc.bias", "tensor<float32>[4]")]),
        ("saved_model", [("x", "tensor<float32>[4]")]),
        ("npz", [("x", "tensor<float64>[3, 4]"), ("y", "tensor<int64>[3]")]),
        ("hdf5", [("g.x", "tensor<float32>[10, 3]"), ("words", "tensor<string>[2]")]),
        ("netcdf3", [("t", "tensor<float32>[3, 4]")]),
        ("fits", [("hdu0", "tensor<float32>[10, 20]"), ("stars.ra", "double"), ("stars.id", "int32")]),
        ("tfrecord", [("image", "binary"), ("label", "int64")]),
        ("mds", [("word", "string"), ("n", "int64")]),
        ("tar", [("jpg", "binary"), ("json", "string")]),
        ("xlsx", [("id", "double"), ("name", "string"), ("price", "double")]),
        ("dbf", [("name", "string"), ("n", "int64")]),
        ("geojson", [("a", "int64")]),
    ],
)  # fmt: skip
def test_fields(format, expected):
    assert sorted(fields(format)) == sorted(expected)


def test_columns_of_sqlite_tables():
    found = dict(fields("sqlite"))
    assert len(found) == 606
    named = {name.partition(".")[2]: kind for name, kind in found.items() if name.startswith("order items")}
    assert named == {
        "id": "int64", "name": "string", "price": "double", "day": "date32[day]", "we,ird": "double", "raw": "binary",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("format", "rows"),
    [("npy", 3), ("anndata", 5), ("netcdf3", 3), ("fits", 7), ("tfrecord", 3), ("mds", 5), ("tar", 20), ("lmdb", 7),
     ("xlsx", 10), ("dbf", 4), ("geojson", 3), ("las", 3)],
)  # fmt: skip
def test_rows(format, rows):
    assert facts(write.sample(format)).rows == rows


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_dicom_as_real_machines_write_it():
    """Elements of a kind unknown, syntaxes that are missing or not what is written: the files that pydicom carries."""
    pydicom = write.lib("pydicom")
    seen = 0
    for path in sorted((Path(pydicom.__file__).parent / "data" / "test_files").glob("*.dcm")):
        data = path.read_bytes()
        sniffed, found, error = inspect(make.Counted(data), len(data), path.name)
        if sniffed.format == "unknown" or path.name == "image_dfl.dcm":  # without a header; deflated behind it
            continue
        assert found is not None and (error, found.finding) == (None, None), path.name
        theirs = pydicom.dcmread(path, force=True, stop_before_pixels=True)
        for fact, keyword in (("width", "Columns"), ("height", "Rows"), ("modality", "Modality")):
            assert (found.details.get(fact) or None) == (theirs.get(keyword) or None), (path.name, fact)
        seen += 1
    assert seen > 50


def test_an_array_that_python_2_wrote():
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1L, 20L), }".ljust(69) + b"\n"
    found = facts(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + bytes(160))
    assert (found.finding, found.details["shape"]) == (None, "[1, 20]")


def test_no_fact_names_a_patient():
    found = facts(write.sample("dicom"))
    shown = json.dumps(dict(found.details))
    assert not any(word in shown for word in ("Doe", "Jane", "SECRET", "1970"))


# ---------------------------------------------------------------- what loading would run


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_runs_a_command_is_unsafe(protocol):
    found = facts(pickle.dumps({"a": write.Evil()}, protocol), "a.pkl")
    assert (found.finding, found.details["unsafe_imports"]) == ("unsafe", "posix.system")


@pytest.mark.parametrize(
    "body",
    [
        b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x94.",  # plainly on the stack
        b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94000h\x00h\x01\x93.",  # through the memo
        b"\x80\x04\x8c\x02os2\x8c\x06system\x93.",  # with a copy on the stack
        b"(S'true'\nios\nsystem\n.",  # INST of protocol 0
        b"\x80\x02cos\nsystem\n.",
        b"\x80\x02cbuiltins\neval\n.",
        b"\x80\x02c__builtin__\nexec\n.",
        b"\x80\x02csubprocess\nPopen\n.",
        b"\x80\x04]\x8c\x01x\x93.",  # a module that is no text
        b"\x80\x02cruntime\nx\n0cos\nsystem\n.",
        b"\x80\x02coperator\nattrgetter\n.",
        b"\x80\x02cnumpy.testing._private.utils\nrunstring\n.",
    ],
)
def test_imports_are_found_however_they_are_written(body):
    assert facts(body, "a.pkl").finding == "unsafe"


@pytest.mark.parametrize("value", [{"a": 1}, [1.5, None, True], {1, 2}, (b"x", "y"), complex(1, 2), range(3)])
@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_are_safe(value, protocol):
    assert facts(pickle.dumps([value], protocol), "a.pkl").finding is None


def test_arrays_and_frames_are_safe():
    import numpy as np
    import pandas as pd

    for value in (np.arange(5), np.float64(1), pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), pd.Timestamp("2024-01-01")):
        assert facts(pickle.dumps(value), "a.pkl").finding is None, type(value)


def test_objects_in_an_array_are_unsafe():
    import numpy as np

    assert facts(make.written(lambda s: np.save(s, np.array([{}, 1], object), allow_pickle=True))).finding == "unsafe"
    assert facts(make.written(lambda s: np.savez(s, a=np.array([{}], object)))).finding == "unsafe"


def test_a_model_that_carries_code_is_unsafe():
    assert "Lambda" in (facts(write.sample("keras_h5")).finding_detail or "")


def test_a_checkpoint_with_another_import_is_unsafe():
    data = make.zipped(("m/data.pkl", b"\x80\x02cos\nsystem\nX\x01\0\0\0x\x85R."), ("m/version", b"3"), stored=True)
    found = facts(data, "a.pt")
    assert (found.format, found.finding) == ("pytorch", "unsafe")


def test_a_zip_that_would_unpack_a_thousandfold_is_unsafe():
    data = bytearray(make.zipped(("a.csv", b"0" * 10_000_000)))
    at = data.rfind(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 0xF0000000)
    assert facts(bytes(data), "a.zip").finding == "unsafe"


# ---------------------------------------------------------------- what is missing, cut off or too large


def test_weights_that_are_cut_off_are_told_with_their_facts():
    data = write.sample("safetensors")
    found = facts(data[:-4])
    assert (found.finding, found.details["tensors"]) == ("truncated", 2)


@pytest.mark.parametrize("length", [1 << 32, 1 << 40, (1 << 64) - 1, 90_000_000])
def test_a_forged_header_length_allocates_nothing(length):
    data = struct.pack("<Q", length) + b'{"a":1}' + bytes(100)
    _, found, error = inspect(make.Counted(data), len(data), "a.safetensors")
    assert found is None and (error is None or error.finding in ("truncated", "too_large"))


def test_a_decompression_bomb_stays_small():
    data = gzip.compress(bytes(200_000_000))
    fetch = make.Counted(data)
    _, found, error = inspect(fetch, len(data), "a.gz")
    assert error is None and found is not None
    assert "unpacked_bytes" not in found.details


def test_xml_entities_are_refused():
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Properties><Application>&b;</Application></Properties>'
    data = make.zipped(("[Content_Types].xml", b"<x/>"), ("word/document.xml", b"<x/>"), ("docProps/app.xml", bomb))
    _, _, error = inspect(make.Counted(data), len(data), "a.docx")
    assert error is not None and error.finding == "unsupported"


def test_deep_xml_is_refused():
    deep = b"<a>" * 100_000
    data = make.zipped(("[Content_Types].xml", b"<x/>"), ("word/document.xml", b"<x/>"), ("docProps/app.xml", deep))
    _, _, error = inspect(make.Counted(data), len(data), "a.docx")
    assert error is not None and error.finding == "too_large"


def test_links_out_of_an_hdf5_file_are_not_followed():
    assert not any("outside" in path or "passwd" in path for path, _ in fields("hdf5"))


def test_without_its_library_a_format_names_the_extra(monkeypatch):
    import sys

    data = write.sample("hdf5")
    monkeypatch.setitem(sys.modules, "h5py", None)
    found = facts(data)
    assert (found.format, dict(found.details)) == ("hdf5", {"extra": "hpc"})


# ---------------------------------------------------------------- against the format's own library


def test_onnx_agrees_with_its_library():
    onnx = pytest.importorskip("onnx")
    model = onnx.load_from_string(write.sample("onnx"))
    found = told("onnx")
    assert found["nodes"] == len(model.graph.node)
    assert found["parameters"] == sum(int(__import__("math").prod(t.dims)) for t in model.graph.initializer)


def test_safetensors_agrees_with_its_library():
    library = pytest.importorskip("safetensors.numpy")
    arrays = library.load(write.sample("safetensors"))
    assert dict(fields("safetensors")) == {
        name: f"tensor<{array.dtype}>{list(array.shape)}" for name, array in arrays.items()
    }


@pytest.mark.parametrize("format", ["jpeg", "png", "gif", "webp", "bmp"])
def test_images_agree_with_pillow(format):
    import io

    image = pytest.importorskip("PIL.Image").open(io.BytesIO(write.sample(format)))
    found = told(format)
    assert (found["width"], found["height"]) == image.size


def test_compressed_variables_of_matlab_are_named():
    assert facts(write.recorded("compressed.mat")).fields == facts(write.recorded("plain.mat")).fields


def test_a_level_4_file_of_matlab():
    found = facts(write.recorded("level_4.mat"))
    assert [(field.path, field.type) for field in found.fields] == [
        ("m", "tensor<float64>[3, 4]"), ("word", "tensor<string>[1, 5]")
    ]  # fmt: skip
    assert found.details == {"arrays": 2, "version": "4"}
