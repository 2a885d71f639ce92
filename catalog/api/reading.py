"""A dataset's files as one Arrow table."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from catalog.errors import CatalogError, InspectError, UsageError
from catalog.model import AssetInfo
from catalog.text import safe

if TYPE_CHECKING:
    import pyarrow

    from catalog.silos.base import Silo

# What pyarrow.dataset reads by itself, by our names.
_DATASETS = {"parquet": "parquet", "arrow_file": "arrow", "orc": "orc", "csv": "csv"}


def read_table(silo: Silo, info: AssetInfo, paths: Sequence[str], columns: Sequence[str] | None) -> pyarrow.Table:
    """Read `paths` (files of the asset) into one table. Raises `UsageError` for formats that are no tables."""
    format = info.hit.format or "unknown"
    try:
        if format in _DATASETS and not any(_compressed(path) for path in paths):
            return _dataset(silo, _DATASETS[format], info, paths, columns)
        reader = _READERS.get(format)
        if reader is None:
            raise UsageError(
                f"'{safe(info.hit.name, 120)}' is {format}: it has no table to read.",
                hint="Open the bytes with .open(), or a member of .files().",
            )
        import pyarrow as pa

        tables = [reader(_bytes(silo, path), path) for path in paths]
        table = pa.concat_tables(tables, promote_options="default") if len(tables) > 1 else tables[0]
        return table.select(list(columns)) if columns is not None else table
    except CatalogError:
        raise
    except (ValueError, OSError, KeyError, TypeError) as error:  # pyarrow's errors are kin of these
        raise InspectError(
            f"'{safe(info.hit.name, 120)}' cannot be read as {format}: {safe(error, 300)}",
            hint=f"catalog show {info.hit.id} tells what was found in it",
        ) from error


def _dataset(
    silo: Silo, kind: str, info: AssetInfo, paths: Sequence[str], columns: Sequence[str] | None
) -> pyarrow.Table:
    import pyarrow as pa
    import pyarrow.dataset as ds
    from pyarrow.fs import FSSpecHandler, PyFileSystem

    reader: Any = ds.CsvFileFormat(parse_options=_csv_options(silo, paths[0])) if kind == "csv" else kind
    partitioning = ds.partitioning(flavor="hive") if info.rule == "hive" else None
    made = ds.dataset(
        list(paths), format=reader, filesystem=PyFileSystem(FSSpecHandler(silo.filesystem())), partitioning=partitioning
    )
    # A dataset takes its columns from its first file; here all files have a say.
    schemas = [fragment.physical_schema for fragment in made.get_fragments()]
    whole = pa.unify_schemas([*schemas, made.schema], promote_options="permissive")
    # One thread: pyarrow's own, still reading ahead through a Python filesystem when the interpreter
    # ends, abort the process.
    wanted = list(columns) if columns is not None else None
    return made.replace_schema(whole).to_table(columns=wanted, use_threads=False)


def _csv_options(silo: Silo, path: str) -> Any:
    import pyarrow.csv

    return pyarrow.csv.ParseOptions(delimiter=_delimiter(silo.read(path, 0, 65536)), newlines_in_values=True)


def _delimiter(head: bytes) -> str:
    """The delimiter the first records agree on, as the crawl's own inspector sees it."""
    from catalog.formats.dialect import vote

    found = vote(head.decode("utf-8-sig", "replace"), whole=len(head) < 65536)
    return found.delimiter if found else ","


def _compressed(path: str) -> bool:
    return path.endswith((".gz", ".zst", ".bz2", ".xz", ".lz4"))


def _bytes(silo: Silo, path: str) -> bytes:
    with silo.open(path) as file:
        content = file.read()
    if path.endswith(".gz"):
        import gzip

        return gzip.decompress(content)
    if path.endswith(".bz2"):
        import bz2

        return bz2.decompress(content)
    if path.endswith(".xz"):
        import lzma

        return lzma.decompress(content)
    if path.endswith(".zst"):
        import pyarrow as pa

        return pa.input_stream(pa.BufferReader(content), compression="zstd").read()  # type: ignore[no-any-return]
    return content


def _csv(content: bytes, path: str) -> pyarrow.Table:
    import pyarrow.csv

    options = pyarrow.csv.ParseOptions(delimiter=_delimiter(content[:65536]), newlines_in_values=True)
    return pyarrow.csv.read_csv(io.BytesIO(content), parse_options=options)


def _jsonl(content: bytes, path: str) -> pyarrow.Table:
    import pyarrow.json

    return pyarrow.json.read_json(io.BytesIO(content))


def _json(content: bytes, path: str) -> pyarrow.Table:
    import json

    import pyarrow as pa

    found = json.loads(content)
    rows = found if isinstance(found, list) else [found]
    if not all(isinstance(row, dict) for row in rows):
        raise UsageError(f"'{safe(path, 120)}' is JSON, but no list of objects.", hint="Open the bytes with .open().")
    return pa.Table.from_pylist(rows)


def _arrow(content: bytes, path: str) -> pyarrow.Table:
    import pyarrow.ipc

    source = io.BytesIO(content)
    return (pyarrow.ipc.open_file if content[:6] == b"ARROW1" else pyarrow.ipc.open_stream)(source).read_all()


def _avro(content: bytes, path: str) -> pyarrow.Table:
    import fastavro
    import pyarrow as pa

    return pa.Table.from_pylist(list(fastavro.reader(io.BytesIO(content))))


_READERS = {
    "csv": _csv, "tsv": _csv, "jsonl": _jsonl, "json": _json, "arrow_stream": _arrow, "arrow_file": _arrow,
    "arrow": _arrow, "feather": _arrow, "avro": _avro,
}  # fmt: skip
