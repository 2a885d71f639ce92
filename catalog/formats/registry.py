"""Which inspector reads which format, and the way from a file to its facts.

Inspectors are named by path and loaded when first needed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import cast

from catalog.errors import InspectError
from catalog.formats.base import KIB, Caps, Inspector, RangeReader, TreeInspector, TreeReader, parsing
from catalog.formats.closer import closer
from catalog.formats.names import BY_NAME, claimed_format
from catalog.formats.sniff import concluded, sniff
from catalog.formats.unpack import codec_of
from catalog.model import Facts, Sniffed

_INSPECTORS: dict[str, str] = {
    "7z": "archives.sevenzip:inspect",
    "anndata": "arrays.hdf5:inspect_anndata",
    "apk": "archives.zip:inspect_apk",
    "arrow_file": "tabular.arrow:inspect_file",
    "arrow_stream": "tabular.arrow:inspect_stream",
    "avro": "tabular.avro:inspect",
    "bmp": "media.images:inspect_bmp",
    "bzip2": "archives.wrapped:inspect_bzip2",
    "csv": "tabular.csv:inspect",
    "dbf": "geo.shapes:inspect_dbf",
    "dicom": "media.dicom:inspect",
    "docx": "documents.office:inspect_docx",
    "duckdb": "databases.duckdb:inspect",
    "epub": "documents.office:inspect_epub",
    "fits": "arrays.fits:inspect",
    "flac": "media.audio:inspect_flac",
    "geojson": "geo.shapes:inspect_geojson",
    "geopackage": "databases.sqlite:inspect_geopackage",
    "gguf": "models.gguf:inspect",
    "gif": "media.images:inspect_gif",
    "graphdef": "models.tensorflow:inspect_graph",
    "gzip": "archives.wrapped:inspect_gzip",
    "hdf5": "arrays.hdf5:inspect",
    "ipynb": "documents.notebook:inspect",
    "jar": "archives.zip:inspect_jar",
    "joblib": "models.pickles:inspect_joblib",
    "jpeg": "media.images:inspect_jpeg",
    "json": "tabular.json:inspect",
    "jsonl": "tabular.json:inspect_lines",
    "keras": "models.keras:inspect",
    "keras_h5": "arrays.hdf5:inspect_keras",
    "kmz": "archives.zip:inspect_kmz",
    "las": "geo.las:inspect",
    "lmdb": "shards.lmdb:inspect",
    "lz4": "archives.wrapped:inspect_lz4",
    "m4a": "media.video:inspect_m4a",
    "mat": "arrays.mat:inspect",
    "matroska": "media.video:inspect_matroska",
    "mbtiles": "databases.sqlite:inspect_mbtiles",
    "mds": "shards.mds:inspect",
    "mov": "media.video:inspect_mov",
    "mp3": "media.audio:inspect_mp3",
    "mp4": "media.video:inspect_mp4",
    "netcdf3": "arrays.netcdf:inspect",
    "netcdf4": "arrays.hdf5:inspect_netcdf",
    "nifti": "arrays.nifti:inspect",
    "npy": "arrays.numpy:inspect",
    "npz": "arrays.numpy:inspect_archive",
    "ods": "documents.office:inspect_ods",
    "odt": "documents.office:inspect_odt",
    "ogg": "media.audio:inspect_ogg",
    "ogv": "media.audio:inspect_ogv",
    "onnx": "models.onnx:inspect",
    "orc": "tabular.orc:inspect",
    "parquet": "tabular.parquet:inspect",
    "pdf": "documents.pdf:inspect",
    "pickle": "models.pickles:inspect",
    "png": "media.images:inspect_png",
    "pptx": "documents.office:inspect_pptx",
    "pytorch": "models.pytorch:inspect",
    "safetensors": "models.safetensors:inspect",
    "saved_model": "models.tensorflow:inspect_saved_model",
    "shapefile": "geo.shapes:inspect_shapefile",
    "sqlite": "databases.sqlite:inspect",
    "tar": "archives.tar:inspect",
    "tflite": "models.tflite:inspect",
    "tfrecord": "shards.tfrecord:inspect",
    "tiff": "media.tiff:inspect",
    "torchscript": "models.pytorch:inspect",
    "tsv": "tabular.csv:inspect",
    "wav": "media.audio:inspect_wav",
    "webm": "media.video:inspect_webm",
    "webp": "media.images:inspect_webp",
    "wheel": "archives.zip:inspect_wheel",
    "xlsx": "documents.office:inspect_xlsx",
    "xz": "archives.wrapped:inspect_xz",
    "zarr": "arrays.zarr:inspect",
    "zip": "archives.zip:inspect",
    "zstd": "archives.wrapped:inspect_zstd",
}
"""Format to `room.module:function` below `catalog.formats`."""
EXTRAS: dict[str, str] = dict.fromkeys(("anndata", "hdf5", "keras_h5", "netcdf4"), "hpc")
"""Formats whose inspector needs a library that is optional, with the extra that installs it."""
_TREES: dict[str, str] = {
    "delta": "tables.delta:inspect_tree",
    "hf_model": "models.folder:inspect_tree",
    "hudi": "tables.hudi:inspect_tree",
    "iceberg": "tables.iceberg:inspect_tree",
    "lance": "tables.lance:inspect_tree",
    "saved_model": "models.folder:inspect_saved_model",
    "zarr": "arrays.zarr:inspect_tree",
}
"""Rule of a claimed root to the inspector of its folder."""
TREES = frozenset(_TREES)
_LOOK = 4 * KIB
_WIDE = 64 * KIB
_SMALL = 128 * KIB
"""Up to here one read of the whole file costs less than two of its ends."""
_FOOTED = frozenset({"parquet", "arrow", "orc"})


@cache
def inspector(format: str) -> Inspector | None:
    """The inspector of `format`, None where only its name is known. Loads its module."""
    path = _INSPECTORS.get(format)
    if path is None:
        return None
    module, _, function = path.partition(":")
    return cast(Inspector, getattr(import_module(f"catalog.formats.{module}"), function))


def inspect_tree(rule: str, files: TreeReader) -> tuple[Facts | None, InspectError | None]:
    """Facts of the folder that a marker of `rule` claimed, or why there are none. A silo that fails raises."""
    module, _, function = _TREES[rule].partition(":")
    run = cast(TreeInspector, getattr(import_module(f"catalog.formats.{module}"), function))
    try:
        return run(files), None
    except InspectError as error:
        return None, error


def inspect(
    fetch: Callable[[int, int], bytes], size: int | None, name: str, caps: Caps | None = None
) -> tuple[Sniffed, Facts | None, InspectError | None]:
    """Sniff one file and read its facts, if its format has an inspector.

    `fetch(offset, length)` reads the file. A file that cannot be read as what it is gives an
    `InspectError` as the third value; a silo that fails raises its `SiloError`.
    """
    reader = RangeReader(fetch, size, name, caps)
    claimed = claimed_format(name)
    if told := _by_footer(reader, claimed):
        return told
    try:
        head, tail = _look(reader, claimed)
        with parsing(reader, "any format"):
            sniffed = sniff(head, tail, name, reader.size)
            if head and (second := closer(reader, sniffed)):
                sniffed = concluded(second, claimed)
    except InspectError as error:
        return Sniffed("unknown", 0.0, "not read", claimed), None, error
    run = inspector(sniffed.format)
    if run is None or not head:
        return sniffed, None, None
    try:
        return sniffed, run(reader), None
    except InspectError as error:
        return sniffed, None, error


def _by_footer(reader: RangeReader, claimed: str | None) -> tuple[Sniffed, Facts, None] | None:
    """A Parquet file told by its end alone, in one request; None where the name or the footer say otherwise."""
    if claimed != "parquet" or reader.size is None or reader.size <= _SMALL:
        return None
    run = inspector(claimed)
    try:
        if run is not None and reader.tail(_WIDE).endswith(b"PAR1"):
            return Sniffed(claimed, 0.98, "magic 'PAR1' at end, and a footer that reads", claimed), run(reader), None
    except InspectError:
        pass  # what is wrong is told once the beginning was looked at too
    return None


def first_range(size: int | None, name: str) -> tuple[int, int]:
    """Offset and length of what `inspect` reads first of a file with this size and name."""
    claimed = claimed_format(name)
    if size is not None and size <= _SMALL:
        return 0, size
    if size is not None and claimed == "parquet":
        return size - _WIDE, _WIDE
    known = BY_NAME.get(claimed or "")
    return 0, _WIDE if known and known.text else _LOOK


def _look(reader: RangeReader, claimed: str | None) -> tuple[bytes, bytes]:
    """Head and tail in one or two reads, each as long as the inspector of the claimed format will want it."""
    if reader.size is not None and reader.size <= _SMALL:
        whole = reader.head(reader.size)
        return whole, whole[-_LOOK:]
    known = BY_NAME.get(claimed or "")
    head = reader.head(_WIDE if known and known.text else _LOOK)
    tail = reader.tail(_WIDE if claimed in _FOOTED else _LOOK)
    if codec_of(head):
        head = reader.head(_WIDE)  # a compressed block is often longer than a first look
    return head, tail
