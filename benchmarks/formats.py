"""How well formats are recognised, and at what cost, beside libmagic, Magika, puremagic and filetype.

Each file is shown as the crawl shows it: the first and last 4 KiB (and for Silograph also without its name).
Truth is what wrote the file: the writers of `tests/formats/format_writers.py`, or for the trees given, endings that
hardly lie. An answer is `exact`, `near` (a family it belongs to: text, ZIP), `none`, or `wrong`.

    python benchmarks/formats.py                       # files made by each format's writers
    python benchmarks/formats.py --tree DIR [DIR …]    # and real files below these folders
    python benchmarks/formats.py --tree DIR --wrong    # and each answer that is wrong
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "formats"))

from catalog.formats.names import BY_NAME, claimed_format
from catalog.formats.registry import inspect
from catalog.formats.sniff import sniff

ENDS = 4096
ENOUGH, SECONDS = 4000, 3
"""So many questions, or so long, before the CPU a question takes is believed."""
MOST_ALIKE = 400
"""Files of one format taken from a tree: thousands of Python files would be the whole figure."""
# Endings that say too little to be the truth, or are used by many programs.
VAGUE = frozenset(
    {"text", "log", "ini", "dotfile", "build", "pem", "protobuf", "pytorch", "arrow", "netcdf", "matlab", "ole"}
    | {"email", "bed", "obj", "dot", "cif", "tex", "batch", "schema", "r"}
)


class File(NamedTuple):
    name: str
    truth: str
    head: bytes
    tail: bytes
    size: int
    data: Callable[[int, int], bytes]


# What other tools call our formats: parts of a MIME type, description or label. Several are right.
WORDS: dict[str, str] = {
    "parquet": "parquet", "arrow_file": "arrow", "arrow_stream": "arrow", "orc": "orc", "avro": "avro",
    "safetensors": "safetensors", "gguf": "gguf", "onnx": "onnx", "pytorch": "pytorch", "torchscript": "pytorch",
    "pickle": "pickle", "joblib": "pickle joblib", "keras": "keras", "hdf5": "hdf", "keras_h5": "hdf keras",
    "anndata": "hdf", "netcdf4": "hdf netcdf", "netcdf3": "netcdf", "npy": "npy numpy", "npz": "npz numpy",
    "mat": "matlab mat", "nifti": "nifti", "fits": "fits", "tfrecord": "tfrecord", "mds": "mds", "lmdb": "lmdb",
    "sqlite": "sqlite", "duckdb": "duckdb", "python": "python", "c": "x-c c++ cpp text/c", "javascript": "javascript",
    "typescript": "typescript", "shell": "shell", "jpeg": "jpeg jpg", "tiff": "tif", "matroska": "matroska mkv",
    "docx": "wordprocessing docx", "xlsx": "spreadsheetml xlsx", "pptx": "presentationml pptx",
    "odt": "opendocument odt", "ods": "opendocument ods", "epub": "epub", "ipynb": "ipynb jupyter json",
    "geojson": "geojson json", "markdown": "markdown",
    "shapefile": "shp shapefile", "dbf": "dbf dbase", "las": "las lidar", "7z": "7z", "gzip": "gzip gz", "zstd": "zst",
    "bzip2": "bzip bz2", "xz": "xz", "lz4": "lz4", "jar": "jar java-archive", "apk": "apk android", "kmz": "kmz",
    "wheel": "wheel", "mp3": "mpeg mp3", "wav": "wav", "ogg": "ogg", "dicom": "dicom", "jsonl": "jsonl ndjson",
    "java_class": "java class", "elf": "elf executable sharedlib pie", "pe": "dosexec pe exe",
    "pyc": "bytecode python pyc",
    "text": "plain txt", "yaml": "yaml", "rst": "rst", "ttf": "ttf font sfnt", "otf": "otf font sfnt opentype",
    "woff": "woff", "woff2": "woff", "html": "html", "xml": "xml", "svg": "svg", "css": "css", "perl": "perl",
    "ruby": "ruby", "xls": "excel xls", "doc": "msword doc", "ppt": "powerpoint ppt", "stata": "stata dta",
    "gettext": "gettext po", "sql": "sql", "diff": "diff patch", "rust": "rust", "go": "golang go",
    "graphdef": "tensorflow protobuf", "saved_model": "tensorflow protobuf", "mov": "quicktime mov", "ico": "ico icon",
}  # fmt: skip
NEAR = ("octet-stream", "text/plain", "txt", "application/zip", "zip", "unknown", "ole", "compound", "x-tika")
SHARED = {("spss", "idl"), ("hdr", "fits"), ("gzip", "jsonl"), ("gzip", "xml")}
"""Right answers that an ending does not tell: `.sav` is IDL's too, `.hdr` FITS's, and `.gii.gz` tells the outside."""
NEAR_OF = {"tsv": "csv", "csv": "tsv"}


def made() -> Iterator[File]:
    """One file a format, from its own writer; the writers that are not installed are named."""
    import format_writers
    import pytest

    missing = []
    for name in format_writers.SAMPLES:
        try:
            data = format_writers.sample(name)
        except pytest.skip.Exception:
            missing.append(name)
            continue
        truth = name.removesuffix(".gz")
        ending = next(iter(BY_NAME[truth].extensions), "bin")
        full = f"sample.{ending}{'.gz' if name.endswith('.gz') else ''}"
        yield File(full, truth, data[:ENDS], data[-ENDS:], len(data), lambda at, n, d=data: d[at : at + n])
    if missing:
        print(f"not made, for want of their writers: {', '.join(missing)}")


def found(root: Path) -> Iterator[File]:
    """Real files whose ending says what they are."""
    taken: Counter[str] = Counter()
    for path in sorted(root.rglob("*")):
        truth = claimed_format(path.name)
        if truth is None or truth in VAGUE or taken[truth] >= MOST_ALIKE or path.is_symlink() or not path.is_file():
            continue
        with contextlib.suppress(OSError):
            size = path.stat().st_size
            if size:
                taken[truth] += 1
                with path.open("rb") as file:
                    head = file.read(ENDS)
                    file.seek(max(size - ENDS, 0))
                    tail = file.read(ENDS)
                yield File(str(path), truth, head, tail, size, _reader(path))


def _reader(path: Path) -> Callable[[int, int], bytes]:
    def read(at: int, length: int) -> bytes:
        with path.open("rb") as file:
            file.seek(at)
            return file.read(length)

    return read


Tool = Callable[[File], str]


def tools() -> Iterator[tuple[str, Tool, bool]]:
    """Name, how to ask, and whether it answers in our own words."""
    yield "silograph", lambda f: sniff(f.head, f.tail, Path(f.name).name, f.size).format, True
    yield "silograph, content alone", lambda f: sniff(f.head, f.tail, "", f.size).format, True
    yield "silograph, with its closer look", lambda f: inspect(f.data, f.size, Path(f.name).name)[0].format, True
    with contextlib.suppress(ImportError):
        import magic

        mime = magic.Magic(mime=True)
        words = magic.Magic()
        yield "libmagic", lambda f: f"{mime.from_buffer(f.head)} | {words.from_buffer(f.head)}", False
        yield "libmagic, one question", lambda f: mime.from_buffer(f.head), False
    with contextlib.suppress(ImportError):
        from magika import Magika

        model = Magika()
        yield "Magika", lambda f: _magika(model, f), False
    with contextlib.suppress(ImportError):
        import puremagic

        def pure(f: File) -> str:
            try:
                best = puremagic.magic_string(f.head)[0]
            except Exception:
                return "unknown"
            return f"{best.mime_type} {best.extension} {best.name}"

        yield "puremagic", pure, False
    with contextlib.suppress(ImportError):
        import filetype

        yield "filetype", lambda f: getattr(filetype.guess(f.head), "mime", None) or "unknown", False


def _magika(model: object, f: File) -> str:
    output = model.identify_bytes(f.head if f.size <= ENDS else f.head + f.tail).output  # type: ignore[attr-defined]
    return f"{output.label} {output.mime_type}"


def verdict(answer: str, truth: str, ours: bool) -> str:
    """`exact`, `near`, `none` or `wrong`."""
    low = answer.lower()
    if ours:
        if answer == truth or (truth, answer) in SHARED or (truth == "arrow" and answer.startswith("arrow")):
            return "exact"
        if answer == "unknown":
            return "none"
        kind = BY_NAME[answer]
        near = answer in ("text", "zip", "ole", "pickle", "hdf5", "gzip") or NEAR_OF.get(truth) == answer
        return "near" if near or (kind.text and BY_NAME[truth].text and answer in ("xml", "json")) else "wrong"
    if any(word in low for word in WORDS.get(truth, truth).split()):
        return "exact"
    if not low or low.startswith(("unknown", "application/octet-stream", "empty")) or low.endswith("| data"):
        return "none"
    return "near" if any(word in low for word in NEAR) else "wrong"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--tree", nargs="+", type=Path, default=[])
    arguments.add_argument("--wrong", action="store_true", help="name every wrong answer of Silograph")
    given = arguments.parse_args()
    files = [*made()] if not given.tree else [f for root in given.tree for f in found(root)]
    print(f"{len(files):,} files of {len({f.truth for f in files})} formats")
    print(f"{'':<34} {'exact':>7} {'macro':>7} {'near':>7} {'none':>7} {'wrong':>7} {'ms/file':>9}")
    for name, ask, ours in tools():
        for file in files[:: max(len(files) // 100, 1)]:
            ask(file)  # imports, compiled patterns and models are no cost of a file
        answers: list[str] = []
        asked, started = 0, time.process_time()
        while not answers or (asked < ENOUGH and time.process_time() - started < SECONDS):
            answers = [ask(file) for file in files]
            asked += max(len(files), 1)
        spent = (time.process_time() - started) * 1000 / asked
        verdicts = [verdict(answer, f.truth, ours) for answer, f in zip(answers, files)]
        by_format: dict[str, list[bool]] = defaultdict(list)
        for one, f in zip(verdicts, files):
            by_format[f.truth].append(one == "exact")
        macro = sum(sum(hits) / len(hits) for hits in by_format.values()) / max(len(by_format), 1)
        share = {kind: verdicts.count(kind) / max(len(files), 1) for kind in ("exact", "near", "none", "wrong")}
        row = [share["exact"], macro, share["near"], share["none"], share["wrong"]]
        print(f"{name:<34} " + " ".join(f"{each:>7.1%}" for each in row) + f" {spent:>9.3f}", flush=True)
        if given.wrong and name in ("silograph", "silograph, content alone"):
            for one, f, answer in zip(verdicts, files, answers):
                if one != "exact":
                    print(f"    {one:<6} {f.truth} -> {answer}: {f.name}")


if __name__ == "__main__":
    main()
