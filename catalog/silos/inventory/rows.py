"""The rows of an inventory's files: key, size, time and etag of each object, in batches."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from catalog import text
from catalog.errors import SiloError, UsageError
from catalog.silos.inventory.source import RowFile, Source

if TYPE_CHECKING:
    import pyarrow as pa

UNKNOWN = -(2**63)
"""A size or time that the inventory does not tell; no catalog column holds it, so it reads as unknown."""

Row = tuple[bytes, int, int, str | None]
"""Key (its bytes), size, time in nanoseconds, etag."""

_BATCH = 16_384
_BLOCK = 1 << 20
_NAMES: Mapping[str, tuple[str, ...]] = {
    "path": ("key", "path", "object_key", "file_path", "filepath", "filename", "file", "name"),
    "size": ("size", "bytes", "size_bytes", "length", "content_length"),
    "modified": (
        "lastmodifieddate", "last_modified_date", "last_modified", "lastmodified", "modified", "modification_time",
        "mtime", "modtime", "updated",
    ),
    "etag": ("etag", "e_tag", "md5", "hash", "checksum"),
    "bucket": ("bucket",),
    "latest": ("islatest", "is_latest"),
    "deleted": ("isdeletemarker", "is_delete_marker"),
}  # fmt: skip
MAPPED = ("path", "size", "modified", "etag")
"""What the columns of a manifest can be mapped to."""


def rows(source: Source, file: RowFile, mapped: Mapping[str, str]) -> Iterator[list[Row]]:
    """The rows of one file that name a live object of the source's bucket.

    Raises `UsageError` when a needed column is missing, `SiloError` for a file that is damaged.
    """
    with tempfile.TemporaryFile(prefix="catalog-inventory-") as local:
        _fetch(source, file, local)
        try:
            for batch in _batches(source, file, local):
                yield _rows(source, batch, _columns(batch.schema.names, mapped, file))
        except (ValueError, OSError, KeyError) as error:  # pyarrow's errors are of these kinds
            raise SiloError(f"The inventory's file {text.safe(file.path, 200)} is damaged: {_first(error)}.") from error


def _fetch(source: Source, file: RowFile, local: IO[bytes]) -> None:
    """Copy the file here, and compare it with the MD5 its manifest promises."""
    digest = hashlib.md5(usedforsecurity=False)
    with source.storage.open(file.path) as remote:
        while block := remote.read(_BLOCK):
            digest.update(block)
            local.write(block)
    if file.md5 is not None and digest.hexdigest() != file.md5:
        raise SiloError(
            f"The inventory's file {text.safe(file.path, 200)} is not the one its manifest names: the MD5 differs."
        )
    local.seek(0)


def _batches(source: Source, file: RowFile, local: IO[bytes]) -> Iterator[pa.RecordBatch]:
    if source.shape == "parquet":
        import pyarrow.parquet as pq

        yield from pq.ParquetFile(local).iter_batches(_BATCH)
    elif source.shape == "orc":
        import pyarrow.orc as orc

        opened = orc.ORCFile(local)
        for stripe in range(opened.nstripes):
            yield opened.read_stripe(stripe)
    else:
        yield from _csv(source, file, local)


def _csv(source: Source, file: RowFile, local: IO[bytes]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    from pyarrow import csv

    stream = pa.CompressedInputStream(local, "gzip") if file.path.lower().endswith(".gz") else pa.PythonFile(local)
    if source.columns:
        read = csv.ReadOptions(column_names=list(source.columns))
        convert = csv.ConvertOptions(column_types=dict.fromkeys(source.columns, pa.string()))
    else:
        read, convert = csv.ReadOptions(), csv.ConvertOptions()
    tabbed = ".tsv" in file.path.lower()
    parse = csv.ParseOptions(newlines_in_values=True, delimiter="\t" if tabbed else ",")
    yield from csv.open_csv(stream, read_options=read, parse_options=parse, convert_options=convert)


def _columns(names: Sequence[str], mapped: Mapping[str, str], file: RowFile) -> dict[str, str]:
    """The column of the file behind each thing we know, by option or by its usual name."""
    folded = {name.strip().casefold(): name for name in reversed(names)}
    found: dict[str, str] = {}
    for meaning, usual in _NAMES.items():
        wanted = mapped.get(meaning)
        if wanted is not None and wanted not in names:
            raise UsageError(
                f"The inventory's file {text.safe(file.path, 200)} has no column '{text.safe(wanted, 80)}'.",
                hint=f"Its columns: {', '.join(text.safe(name, 40) for name in names[:30])}",
            )
        column = wanted or next((folded[name] for name in usual if name in folded), None)
        if column is not None:
            found[meaning] = column
    if "path" not in found:
        raise UsageError(
            f"The inventory's file {text.safe(file.path, 200)} has no column that names the files.",
            hint=f"Say which: inventory_columns=path=COLUMN; it has {', '.join(text.safe(n, 40) for n in names[:30])}",
        )
    return found


def _rows(source: Source, batch: pa.RecordBatch, columns: Mapping[str, str]) -> list[Row]:
    def column(meaning: str) -> list[Any]:
        name = columns.get(meaning)
        return batch.column(batch.schema.names.index(name)).to_pylist() if name else [None] * batch.num_rows

    keys, sizes, etags = column("path"), column("size"), column("etag")
    times = _nanoseconds(batch, columns.get("modified"))
    kept = range(batch.num_rows)
    if {"latest", "deleted", "bucket"} & columns.keys():
        marks = zip(column("latest"), column("deleted"), column("bucket"))
        kept = [at for at, mark in enumerate(marks) if _is_live(source, *mark)]  # type: ignore[assignment]
    return [
        (_key(keys[at], source.encoded), _number(sizes[at]), times[at], _etag(etags[at]))
        for at in kept
        if keys[at] is not None
    ]


def _is_live(source: Source, latest: Any, deleted: Any, bucket: Any) -> bool:
    """False for an older version, a delete marker, and an object of another bucket."""
    if str(latest).lower() == "false" or str(deleted).lower() == "true":
        return False
    return bucket is None or source.bucket is None or str(bucket) == source.bucket


def _key(told: Any, encoded: bool) -> bytes:
    if isinstance(told, bytes):
        return told
    return unquote_to_bytes(str(told).replace("+", " ")) if encoded else str(told).encode()


def _number(told: Any) -> int:
    try:
        return int(told)
    except (TypeError, ValueError, OverflowError):
        return UNKNOWN


def _etag(told: Any) -> str | None:
    return str(told).strip('"') or None if told is not None else None


def _nanoseconds(batch: pa.RecordBatch, name: str | None) -> list[int]:
    """Times as nanoseconds since the epoch: of timestamps, of numbers in any unit, of ISO text."""
    import pyarrow as pa

    if name is None:
        return [UNKNOWN] * batch.num_rows
    column = batch.column(batch.schema.names.index(name))
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("us")).cast(pa.int64())
        return [UNKNOWN if at is None else at * 1000 for at in column.to_pylist()]
    return [_time(at) for at in column.to_pylist()]


def _time(told: Any) -> int:
    if isinstance(told, (int, float)) and not isinstance(told, bool):
        return _scaled(told)
    try:
        at = datetime.fromisoformat(str(told).strip())
    except ValueError:
        return UNKNOWN
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return (int(at.timestamp()) * 1_000_000 + at.microsecond) * 1000


def _scaled(number: float) -> int:
    """Seconds, milliseconds, microseconds or nanoseconds, told apart by their size: today is 1.8e9 seconds."""
    for limit, factor in ((1e11, 10**9), (1e14, 10**6), (1e17, 10**3)):
        if abs(number) < limit:
            return int(number * factor)
    return int(number) if abs(number) < 2**63 else UNKNOWN


def _first(error: Exception) -> str:
    return text.safe((str(error).strip().splitlines() or [type(error).__name__])[0], 160)
