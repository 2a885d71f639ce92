"""Where an inventory lies, and what it says of itself: which files hold its rows, and as of when.

S3 Inventory: https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from catalog import text
from catalog.errors import EntryMissing, SiloError, SiloUnreachable, UsageError
from catalog.silos.base import Silo
from catalog.silos.paths import join, relative

Shape = Literal["csv", "parquet", "orc"]

_LARGEST = 64 * 1024 * 1024
"""No manifest is larger: that of a billion keys names some thousand files."""
_MOST_FILES = 100_000
_DATED = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}-\d{2}Z")
_ENDINGS: Mapping[str, Shape] = {
    ".parquet": "parquet", ".orc": "orc", ".csv": "csv", ".csv.gz": "csv", ".tsv": "csv", ".tsv.gz": "csv",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RowFile:
    """One file with rows: its path in the storage it lies in, and the MD5 that the manifest promises."""

    path: str
    md5: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """An inventory that was found.

    `columns` names the columns of its CSV files, in order, where they have no header; `encoded` says
    that keys are percent-encoded; `bucket` that rows of other buckets are to be passed over.
    `as_of_ns` is when the listing was true.
    """

    storage: Silo
    shape: Shape
    files: tuple[RowFile, ...]
    as_of_ns: int | None
    columns: tuple[str, ...] | None = None
    encoded: bool = False
    bucket: str | None = None


def find(storage: Silo, path: str, others: Mapping[str, str]) -> Source:
    """The inventory at `path` of `storage`: a manifest, a file with rows, or a folder of either.

    `others` are the silo's options, to open the bucket that a manifest says its files lie in. Raises
    `UsageError` for what is none, and what the storage raises.
    """
    if path.endswith("manifest.json"):
        return _s3_report(storage, path, others)
    shape = _shape(path)
    if shape is not None:
        return Source(storage, shape, (RowFile(path),), _time(storage, path))
    listing = _children(storage, path)
    dated = sorted(name for name in listing.directories if _DATED.fullmatch(name))
    for name in reversed(dated):  # the newest report that is finished: its manifest comes last
        try:
            return _s3_report(storage, join(join(path, name), "manifest.json"), others)
        except EntryMissing:
            continue
    if "manifest.json" in listing.names:
        return _s3_report(storage, join(path, "manifest.json"), others)
    shapes = {shape for name in listing.names if (shape := _shape(name))}
    if len(shapes) != 1:
        found = "files of more than one kind" if shapes else "no manifest.json, and no Parquet, ORC or CSV file"
        raise UsageError(
            f"The inventory's folder '{text.safe(path or '.', 200)}' holds {found}.",
            hint="Name the manifest.json, the file with the rows, or the folder that holds just those files.",
        )
    files = tuple(RowFile(join(path, name)) for name in listing.names if _shape(name))
    times = [at for name, at in zip(listing.names, listing.mtimes) if _shape(name) and at is not None]
    return Source(storage, shapes.pop(), files, min(times, default=None))


def _s3_report(storage: Silo, path: str, others: Mapping[str, str]) -> Source:
    told = _json(storage, path)
    shape = {"csv": "csv", "parquet": "parquet", "orc": "orc"}.get(str(told.get("fileFormat", "")).lower())
    files = told.get("files")
    if shape is None or not isinstance(files, list) or len(files) > _MOST_FILES:
        raise UsageError(
            f"'{text.safe(path, 200)}' is no manifest of an S3 Inventory: it names no CSV, ORC or Parquet files.",
            hint="A manifest.json has the keys sourceBucket, fileFormat, fileSchema and files.",
        )
    columns = tuple(name.strip() for name in str(told.get("fileSchema", "")).split(","))
    bucket = str(told.get("destinationBucket", "")).rpartition(":")[2]
    home, root = storage.namespace()
    if bucket and home != f"s3://{bucket}":
        from catalog.silos.registry import open_silo

        storage, root = open_silo(f"s3://{bucket}", others), ""
    return Source(
        storage,
        shape,  # type: ignore[arg-type]
        tuple(_row_file(one, root, path) for one in files),
        _milliseconds(told.get("creationTimestamp")),
        columns if shape == "csv" else None,
        encoded=shape == "csv",
        bucket=str(told["sourceBucket"]) if told.get("sourceBucket") else None,
    )


def _row_file(told: Any, root: str, manifest: str) -> RowFile:
    key = told.get("key") if isinstance(told, dict) else None
    inside = key.removeprefix(root + "/") if isinstance(key, str) and root else key
    if not isinstance(inside, str) or not inside:
        raise UsageError(f"'{text.safe(manifest, 200)}' names a file without a key.")
    md5 = told.get("MD5checksum")
    return RowFile(relative(inside), md5.lower() if isinstance(md5, str) and md5 else None)


def _json(storage: Silo, path: str) -> dict[str, Any]:
    raw = storage.read(path, 0, _LARGEST + 1)
    try:
        told = json.loads(raw) if len(raw) <= _LARGEST else None
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise UsageError(f"'{text.safe(path, 200)}' is no JSON object, as a manifest is.")
    return told


def _children(storage: Silo, path: str) -> Any:
    try:
        listing = storage.children(path)  # type: ignore[attr-defined]
    except EntryMissing as error:
        raise _missing(path) from error
    if listing.failure is not None:
        raise SiloError(f"The inventory's folder cannot be listed: {listing.failure.reason}.")
    return listing


def _missing(path: str) -> SiloUnreachable:
    return SiloUnreachable(
        f"There is no inventory at '{text.safe(path or '.', 200)}'.", hint="Check the silo's option inventory."
    )


def _shape(name: str) -> Shape | None:
    return next((shape for ending, shape in _ENDINGS.items() if name.lower().endswith(ending)), None)


def _time(storage: Silo, path: str) -> int | None:
    try:
        entry = storage.entry(path)  # type: ignore[attr-defined]
    except EntryMissing as error:
        raise _missing(path) from error
    return entry.mtime_ns  # type: ignore[no-any-return]


def _milliseconds(told: Any) -> int | None:
    """The manifest's `creationTimestamp`: milliseconds since the epoch, as text."""
    try:
        at = int(told)
        datetime.fromtimestamp(at / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return at * 1_000_000
