"""Samples of every format that has an inspector, made by the format's own writers where there are any.

`SAMPLES` maps a name to a function that returns the file's bytes. A writer that is not installed skips the
tests that need it.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import sqlite3
import struct
import tarfile
import tempfile
import wave
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import format_samples as make
import pytest

Write = Callable[[], bytes]


def through_file(write: Callable[[str], object], name: str) -> bytes:
    """What a writer that wants a path leaves there."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(str(path))
        return path.read_bytes()


def lib(name: str) -> Any:
    return pytest.importorskip(name)


def recorded(name: str) -> bytes:
    """A file that `fixtures/formats/record.py` had its writer make, which is too large to install for it."""
    return (Path(__file__).parents[2] / "fixtures" / "formats" / name).read_bytes()


# ---------------------------------------------------------------- models


def safetensors() -> bytes:
    import numpy as np

    tensors = {"layer.0.weight": np.ones((3, 4), np.float32), "layer.0.bias": np.ones(5, np.float16)}
    return lib("safetensors.numpy").save(tensors, metadata={"format": "pt"})


def gguf() -> bytes:
    import numpy as np

    def write(path: str) -> None:
        writer = lib("gguf").GGUFWriter(path, "llama")
        writer.add_name("Tiny")
        writer.add_context_length(4096)
        writer.add_block_count(2)
        writer.add_license("mit")
        writer.add_file_type(15)
        writer.add_tokenizer_model("gpt2")
        writer.add_token_list(["a", "b", "c"] * 50)
        writer.add_tensor("blk.0.w", np.ones((4, 8), dtype=np.float16))
        writer.add_tensor("out", np.ones((8,), dtype=np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    return through_file(write, "m.gguf")


def onnx() -> bytes:
    import numpy as np

    package = lib("onnx")
    helper, numpy_helper = package.helper, package.numpy_helper
    weight = numpy_helper.from_array(np.ones((4, 3), np.float32), "weight")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weight"], ["h"]), helper.make_node("Relu", ["h"], ["y"])],
        "net",
        [helper.make_tensor_value_info("x", package.TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("y", package.TensorProto.FLOAT, ["batch", 3])],
        [weight],
    )
    model = helper.make_model(graph, producer_name="tests", opset_imports=[helper.make_opsetid("", 17)])
    return model.SerializeToString()


class _Tensor:
    """Pickles as PyTorch's `_rebuild_tensor_v2` does."""

    def __init__(self, key: str, shape: tuple[int, ...]) -> None:
        self.key, self.shape = key, shape


def checkpoint(scripted: bool = False) -> bytes:
    """A state dictionary in PyTorch's ZIP layout, whose pickle is assembled from opcodes."""
    body = b"\x80\x02}(" + b"".join(_tensor(name, key, shape) for name, key, shape in TENSORS) + b"u."
    members = [("m/data.pkl", body), ("m/version", b"3\n"), *((f"m/data/{key}", bytes(64)) for _, key, _ in TENSORS)]
    if scripted:
        members += [("m/code/__torch__.py", b"class M: pass\n"), ("m/constants.pkl", b"\x80\x02).")]
    return make.zipped(*members, stored=True)


TENSORS = (("fc.weight", "0", (4, 3)), ("fc.bias", "1", (4,)))


def _text(word: str) -> bytes:
    return b"X" + struct.pack("<I", len(word)) + word.encode()


def _whole(number: int) -> bytes:
    return b"K" + bytes([number])


def _tensor(name: str, key: str, shape: tuple[int, ...]) -> bytes:
    numel = 1
    for length in shape:
        numel *= length
    storage = b"(" + _text("storage") + b"ctorch\nFloatStorage\n" + _text(key) + _text("cpu") + _whole(numel) + b"tQ"
    size = b"(" + b"".join(map(_whole, shape)) + b"t"
    stride = b"(" + b"".join(_whole(1) for _ in shape) + b"t"
    hooks = b"ccollections\nOrderedDict\n)R"
    return _text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + _whole(0) + size + stride + b"\x89" + hooks + b"tR"


def legacy_checkpoint() -> bytes:
    head = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
    body = b"\x80\x02}(" + b"".join(_tensor(name, key, shape) for name, key, shape in TENSORS) + b"u."
    return head + body + pickle.dumps(["0", "1"], 2) + bytes(100)


class Evil:
    """Loading it would run a command."""

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.system, ("true",)


def joblib_dump(**options: Any) -> bytes:
    import numpy as np

    return make.written(lambda sink: lib("joblib").dump({"x": np.arange(100.0), "y": [1, 2]}, sink, **options))


def keras() -> bytes:
    config = {"class_name": "Sequential", "config": {"name": "net", "layers": [{"class_name": "Dense"}]}}
    return make.zipped(
        ("metadata.json", json.dumps({"keras_version": "3.5.0"}).encode()),
        ("config.json", json.dumps(config).encode()),
        ("model.weights.h5", b"\x89HDF"),
    )


def field(number: int, content: bytes | int) -> bytes:
    """A protobuf field."""
    if isinstance(content, int):
        return bytes([number << 3]) + _varint(content)
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def graph_def() -> bytes:
    nodes = [("x", "Placeholder"), ("w", "Const"), ("y", "MatMul"), ("z", "Relu")]
    return b"".join(field(1, field(1, name.encode()) + field(2, kind.encode())) for name, kind in nodes)


def saved_model() -> bytes:
    info = field(1, field(4, b"serve") + field(5, b"2.15.0"))
    shape = field(2, field(1, 4))
    end = field(1, b"x") + field(2, field(1, b"x:0") + field(2, 1) + field(3, shape))
    signature = field(5, field(1, b"serving_default") + field(2, field(1, end)))
    return field(1, 1) + field(2, info + field(2, graph_def()) + signature)


# ---------------------------------------------------------------- arrays


def npy(**options: Any) -> bytes:
    import numpy as np

    return make.written(lambda sink: np.save(sink, np.ones((3, 4), np.float32), **options))


def npz() -> bytes:
    import numpy as np

    return make.written(lambda sink: np.savez_compressed(sink, x=np.ones((3, 4)), y=np.arange(3)))


def hdf5() -> bytes:
    import numpy as np

    def write(path: str) -> None:
        h5py = lib("h5py")
        with h5py.File(path, "w") as file:
            file.create_dataset("g/x", data=np.ones((10, 3), np.float32), compression="gzip")
            file["g/x"].attrs["units"] = "m"
            file["words"] = ["a", "b"]
            file["g/loop"] = file["g"]
            file["outside"] = h5py.ExternalLink("/etc/passwd", "/x")
            file.attrs["title"] = "Plain"

    return through_file(write, "a.h5")


def keras_h5() -> bytes:
    import numpy as np

    config = {"class_name": "Sequential", "config": {"name": "net", "layers": [{"class_name": "Lambda"}]}}

    def write(path: str) -> None:
        with lib("h5py").File(path, "w") as file:
            file.attrs["model_config"] = json.dumps(config)
            file.attrs["keras_version"] = "2.9.0"
            file.create_dataset("model_weights/dense/kernel", data=np.ones((4, 3)))

    return through_file(write, "k.h5")


def anndata() -> bytes:
    import numpy as np

    def write(path: str) -> None:
        with lib("h5py").File(path, "w") as file:
            file.attrs["encoding-type"] = "anndata"
            file.attrs["encoding-version"] = "0.1.0"
            file["X"] = np.ones((5, 2))
            file["obs/_index"] = ["cell"] * 5

    return through_file(write, "a.h5ad")


def netcdf(format: str) -> bytes:
    import numpy as np

    def write(path: str) -> None:
        with lib("netCDF4").Dataset(path, "w", format=format) as file:
            file.createDimension("time", None)
            file.createDimension("x", 4)
            variable = file.createVariable("t", "f4", ("time", "x"))
            variable.units = "K"
            variable[0:3] = np.ones((3, 4))
            file.title = "Air"

    return through_file(write, "a.nc")


def nifti() -> bytes:
    import numpy as np

    nibabel = lib("nibabel")
    return nibabel.Nifti1Image(np.zeros((4, 5, 6), np.int16), np.eye(4)).to_bytes()


def fits() -> bytes:
    def cards(*pairs: tuple[str, str]) -> bytes:
        rows = [f"{key:<8}= {value:>20}".ljust(80) for key, value in pairs] + ["END".ljust(80)]
        return "".join(rows).encode().ljust(2880)

    image = cards(("SIMPLE", "T"), ("BITPIX", "-32"), ("NAXIS", "2"), ("NAXIS1", "20"), ("NAXIS2", "10"))
    table = cards(
        ("XTENSION", "'BINTABLE'"), ("BITPIX", "8"), ("NAXIS", "2"), ("NAXIS1", "12"), ("NAXIS2", "7"), ("PCOUNT", "0"),
        ("GCOUNT", "1"), ("TFIELDS", "2"), ("TTYPE1", "'ra'"), ("TFORM1", "'D'"), ("TTYPE2", "'id'"), ("TFORM2", "'J'"),
        ("EXTNAME", "'stars'"),
    )  # fmt: skip
    return image + bytes(2880) + table + bytes(2880)


def zarr(version: int) -> bytes:
    def write(path: str) -> None:
        package = lib("zarr")
        with package.storage.ZipStore(path, mode="w") as store:
            root = package.open_group(store, mode="w", zarr_format=version)
            root.create_array("a", shape=(10, 20), chunks=(5, 5), dtype="f4")

    return through_file(write, "z.zip")


# ---------------------------------------------------------------- media


@cache
def picture() -> Any:
    image = lib("PIL.Image").effect_noise((60, 40), 50)
    return image.convert("RGB")


def image(format: str, **options: Any) -> bytes:
    return make.written(lambda sink: picture().save(sink, format, **options))


def photo() -> bytes:
    exif = lib("PIL.Image").Exif()
    exif[271], exif[272], exif[274] = "Canon", "Canon EOS", 6
    return image("JPEG", exif=exif)


def geotiff() -> bytes:
    """A tiled float32 image of UTM 33N, by its tags."""
    tifffile = lib("tifffile")
    import numpy as np

    keys = (1, 1, 0, 2, 1024, 0, 1, 1, 3072, 0, 1, 32633)
    tags = [
        (33550, "d", 3, (10.0, 10.0, 0.0), True),
        (33922, "d", 6, (0.0, 0.0, 0.0, 500000.0, 4600000.0, 0.0), True),
        (34735, "H", len(keys), keys, True),
    ]
    pixels = np.ones((64, 48), np.float32)
    return make.written(lambda sink: tifffile.imwrite(sink, pixels, extratags=tags, tile=(16, 16)))


def dicom() -> bytes:
    package = lib("pydicom")
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    data = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, "1.2.3"
    data.PatientName, data.PatientID, data.PatientBirthDate = "Doe^Jane", "SECRET-17", "19700101"
    data.Modality, data.BodyPartExamined, data.Manufacturer = "CT", "CHEST", "Maker"
    inner = package.Dataset()
    inner.CodeValue = "1"
    data.ProcedureCodeSequence = package.Sequence([inner])
    data.Rows, data.Columns, data.SamplesPerPixel = 32, 24, 1
    data.PhotometricInterpretation, data.BitsAllocated = "MONOCHROME2", 16
    data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 15, 0
    data.PixelData = bytes(32 * 24 * 2)
    return make.written(lambda sink: data.save_as(sink, enforce_file_format=True))


def wav() -> bytes:
    sink = io.BytesIO()
    with wave.open(sink, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(8000 * 4))
    return sink.getvalue()


def sound(format: str, **options: Any) -> bytes:
    import numpy as np

    samples = np.zeros((22050, 2), np.float32)
    return make.written(lambda sink: lib("soundfile").write(sink, samples, 22050, format=format, **options))


def video(name: str, codec: str) -> bytes:
    import numpy as np

    def write(path: str) -> None:
        with lib("av").open(path, "w") as container:
            stream = container.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            package = lib("av")
            for _ in range(25):
                frame = package.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
                for packet in stream.encode(frame):
                    container.mux(packet)
            for packet in stream.encode():
                container.mux(packet)

    return through_file(write, name)


# ---------------------------------------------------------------- shards and archives


def tfrecords() -> bytes:
    """Three records of tf.train.Example, framed as TensorFlow does; only lengths carry their checksum."""
    from catalog.formats.checks import masked_crc32c

    out = b""
    for number in range(3):
        label = field(1, field(1, b"label") + field(2, field(3, field(1, _varint(number)))))
        image_ = field(1, field(1, b"image") + field(2, field(1, field(1, b"\xff\xd8"))))
        body = field(1, label + image_)
        length = struct.pack("<Q", len(body))
        out += length + struct.pack("<I", masked_crc32c(length)) + body + bytes(4)
    return out


def mds(rows: int = 5) -> bytes:
    samples = [struct.pack("<I", 3) + b"abc" + struct.pack("<q", i) for i in range(rows)]
    header = json.dumps(
        {"column_encodings": ["str", "int"], "column_names": ["word", "n"], "column_sizes": [None, 8], "version": 2}
    ).encode()
    offsets = [4 + 4 * (rows + 1) + len(header)]
    for sample in samples:
        offsets.append(offsets[-1] + len(sample))
    return struct.pack(f"<{rows + 2}I", rows, *offsets) + header + b"".join(samples)


def webdataset() -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for number in range(20):
            for ending in ("jpg", "json"):
                info = tarfile.TarInfo(f"train/{number:05d}.{ending}")
                info.size = 3
                archive.addfile(info, io.BytesIO(b"abc"))
    return sink.getvalue()


def lmdb() -> bytes:
    def write(path: str) -> None:
        environment = lib("lmdb").open(path, subdir=False, map_size=1 << 20)
        with environment.begin(write=True) as transaction:
            for number in range(7):
                transaction.put(b"k%d" % number, b"v")
        environment.close()

    return through_file(write, "l.lmdb")


def seven_zip() -> bytes:
    def write(path: str) -> None:
        with lib("py7zr").SevenZipFile(path, "w") as archive:
            archive.writestr("a,b\n" * 100, "folder/a.csv")
            archive.writestr("hello", "b.txt")

    return through_file(write, "a.7z")


def wheel() -> bytes:
    metadata = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.2\nLicense: MIT\n\nText"
    return make.zipped(("demo/__init__.py", b""), ("demo-1.2.dist-info/METADATA", metadata))


# ---------------------------------------------------------------- documents, databases, geography


def workbook() -> bytes:
    book = lib("openpyxl").Workbook()
    sheet = book.active
    sheet.title = "Sales"
    sheet.append(["id", "name", "price"])
    for number in range(10):
        sheet.append([number, "n", 1.5])
    return make.written(book.save)


def office(kind: str, folder: str) -> bytes:
    app = b"<Properties><Application>Writer</Application><Pages>4</Pages></Properties>"
    core = b'<cp:coreProperties xmlns:cp="c" xmlns:dc="d"><dc:title>Plan</dc:title></cp:coreProperties>'
    return make.zipped(
        ("[Content_Types].xml", b"<x/>"), (f"{folder}/document.xml", b"<x/>"), ("docProps/app.xml", app),
        ("docProps/core.xml", core), ("ppt/slides/slide1.xml" if kind == "pptx" else "word/x.xml", b"<x/>"),
    )  # fmt: skip


def epub() -> bytes:
    opf = b'<package xmlns:dc="d"><metadata><dc:title>Book</dc:title><dc:language>en</dc:language></metadata></package>'
    return make.zipped(("mimetype", b"application/epub+zip"), ("book.opf", opf), stored=True)


def open_document(kind: str) -> bytes:
    content = b'<x xmlns:table="t"><table:table table:name="One"/></x>'
    media = b"application/vnd.oasis.opendocument." + {"odt": b"text", "ods": b"spreadsheet"}[kind]
    meta = b"<m><title>Open</title></m>"
    return make.zipped(("mimetype", media), ("content.xml", content), ("meta.xml", meta), stored=True)


def notebook() -> bytes:
    book = {
        "cells": [{"cell_type": "code", "source": "1"}] * 3,
        "metadata": {"kernelspec": {"name": "python3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(book).encode()


def sqlite(*statements: str) -> bytes:
    def write(path: str) -> None:
        with sqlite3.connect(path) as database:
            for statement in statements or SQL:
                database.execute(statement)
        database.close()

    return through_file(write, "x.db")


SQL = (
    'create table "order items" (id integer primary key, name text not null, price real, day date, "we,ird" numeric(10,2) default (1+2), raw blob)',
    "create table wide (" + ", ".join(f"column_{i} text" for i in range(600)) + ")",
    "create view totals as select 1",
)


def duckdb() -> bytes:
    def write(path: str) -> None:
        with lib("duckdb").connect(path) as database:
            database.execute("create table t as select range a from range(10)")

    return through_file(write, "d.duckdb")


def shapes(ending: str) -> bytes:
    def write(path: str) -> None:
        with lib("shapefile").Writer(path) as writer:
            writer.field("name", "C")
            writer.field("n", "N", 8, 0)
            for x in range(4):
                writer.point(x, 2)
                writer.record("a", x)

    with tempfile.TemporaryDirectory() as folder:
        write(f"{folder}/s")
        return Path(f"{folder}/s.{ending}").read_bytes()


def geojson() -> bytes:
    feature = {"type": "Feature", "properties": {"a": 1}, "geometry": {"type": "Point", "coordinates": [1, 2]}}
    return json.dumps({"type": "FeatureCollection", "features": [feature] * 3}).encode()


def las(compressed: bool = False) -> bytes:
    laspy = lib("laspy")
    if compressed:
        lib("lazrs")
    import numpy as np

    cloud = laspy.LasData(laspy.LasHeader(point_format=3, version="1.4"))
    cloud.x = cloud.y = cloud.z = np.array([1.0, 2.0, 5.0])
    return through_file(cloud.write, "p.laz" if compressed else "p.las")


def _zstd() -> bytes:
    return _packed("zstd")


def _packed(codec: str) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as stream:
        stream.write(b"plain words and more of them\n" * 50)
    return sink.getvalue().to_pybytes()


SAMPLES: dict[str, Write] = {
    "parquet": lambda: make.parquet(make.table(200), row_group_size=50),
    "arrow_file": lambda: make.arrow_file(make.table(200), chunk=50, compression="zstd"),
    "arrow_stream": lambda: make.arrow_stream(make.table(200), chunk=50),
    "orc": lambda: make.orc(make.table(200)),
    "avro": lambda: make.avro(20),
    "csv": make.csv,
    "tsv": lambda: make.csv().replace(b",", b"\t"),
    "json": make.json_array,
    "jsonl": make.jsonl,
    "csv.gz": lambda: gzip.compress(make.csv()),
    "jsonl.gz": lambda: gzip.compress(make.jsonl()),
    "safetensors": safetensors,
    "gguf": gguf,
    "onnx": onnx,
    "pytorch": checkpoint,
    "torchscript": lambda: checkpoint(scripted=True),
    "pickle": lambda: pickle.dumps({"a": [1, (2, "x")], "b": {3}, "c": complex(1, 2)}),
    "joblib": joblib_dump,
    "keras": keras,
    "saved_model": saved_model,
    "graphdef": graph_def,
    "npy": npy,
    "npz": npz,
    "hdf5": hdf5,
    "keras_h5": keras_h5,
    "anndata": anndata,
    "netcdf4": lambda: netcdf("NETCDF4"),
    "netcdf3": lambda: netcdf("NETCDF3_CLASSIC"),
    "mat": lambda: recorded("plain.mat"),
    "nifti": nifti,
    "fits": fits,
    "zarr": lambda: zarr(3),
    "jpeg": photo,
    "png": lambda: image("PNG"),
    "gif": lambda: image("GIF"),
    "webp": lambda: image("WEBP"),
    "bmp": lambda: image("BMP"),
    "tiff": geotiff,
    "dicom": dicom,
    "wav": wav,
    "flac": lambda: sound("FLAC"),
    "ogg": lambda: sound("OGG"),
    "mp3": lambda: sound("MP3"),
    "mp4": lambda: video("v.mp4", "mpeg4"),
    "mov": lambda: video("v.mov", "mpeg4"),
    "matroska": lambda: video("v.mkv", "mpeg4"),
    "webm": lambda: video("v.webm", "libvpx"),
    "tfrecord": tfrecords,
    "mds": mds,
    "tar": webdataset,
    "lmdb": lmdb,
    "7z": seven_zip,
    "zip": lambda: make.zipped(("a/x.csv", b"a,b\n" * 200), ("b.txt", b"x")),
    "wheel": wheel,
    "jar": lambda: make.zipped(("META-INF/MANIFEST.MF", b"x"), ("A.class", b"y")),
    "apk": lambda: make.zipped(("AndroidManifest.xml", b"x"), ("classes.dex", b"y")),
    "kmz": lambda: make.zipped(("doc.kml", b"<kml/>")),
    "gzip": lambda: gzip.compress(b"plain words and more of them\n" * 50),
    "bzip2": lambda: bz2.compress(b"plain words and more of them\n" * 50),
    "xz": lambda: lzma.compress(b"plain words and more of them\n" * 50),
    "zstd": _zstd,
    "lz4": lambda: _packed("lz4"),
    "pdf": lambda: recorded("three_pages.pdf"),
    "xlsx": workbook,
    "docx": lambda: office("docx", "word"),
    "pptx": lambda: office("pptx", "ppt"),
    "epub": epub,
    "odt": lambda: open_document("odt"),
    "ods": lambda: open_document("ods"),
    "ipynb": notebook,
    "sqlite": sqlite,
    "duckdb": duckdb,
    "shapefile": lambda: shapes("shp"),
    "dbf": lambda: shapes("dbf"),
    "geojson": geojson,
    "las": las,
}
"""One sample a format. Formats written by the same code as another are covered by it: see `SAME`."""

SAME = {"m4a": "mp4", "ogv": "ogg", "geopackage": "sqlite", "mbtiles": "sqlite", "tflite": "onnx"}
"""Formats whose inspector is run over the sample of another: they share its code, or refuse it."""


@cache
def sample(name: str) -> bytes:
    """The sample of that name, made once."""
    return SAMPLES[SAME.get(name, name)]()
