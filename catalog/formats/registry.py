"""Which inspector reads which format, and the way from a file to its facts.

Inspectors are named by path and loaded when first needed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import cast

from catalog.errors import InspectError
from catalog.formats.base import KIB, Caps, Inspector, RangeReader, parsing
from catalog.formats.closer import closer
from catalog.formats.names import BY_NAME, claimed_format
from catalog.formats.sniff import concluded, sniff
from catalog.formats.unpack import codec_of
from catalog.model import Facts, Sniffed

_INSPECTORS: dict[str, str] = {
    "arrow_file": "catalog.formats.tabular.arrow:inspect_file",
    "arrow_stream": "catalog.formats.tabular.arrow:inspect_stream",
    "avro": "catalog.formats.tabular.avro:inspect",
    "csv": "catalog.formats.tabular.csv:inspect",
    "json": "catalog.formats.tabular.json:inspect",
    "jsonl": "catalog.formats.tabular.json:inspect_lines",
    "orc": "catalog.formats.tabular.orc:inspect",
    "parquet": "catalog.formats.tabular.parquet:inspect",
    "tsv": "catalog.formats.tabular.csv:inspect",
}
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
    return cast(Inspector, getattr(import_module(module), function))


def inspect(
    fetch: Callable[[int, int], bytes], size: int | None, name: str, caps: Caps | None = None
) -> tuple[Sniffed, Facts | None, InspectError | None]:
    """Sniff one file and read its facts, if its format has an inspector.

    `fetch(offset, length)` reads the file. A file that cannot be read as what it is gives an
    `InspectError` as the third value; a silo that fails raises its `SiloError`.
    """
    reader = RangeReader(fetch, size, name, caps)
    claimed = claimed_format(name)
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
