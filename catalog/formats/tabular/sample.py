"""The beginning of a text file as text: decompressed, decoded, bounded."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.errors import InspectError
from catalog.formats import textual, unpack
from catalog.formats.base import KIB, MIB, RangeReader, parsing

WHOLE = MIB
"""Files (and decompressed beginnings) up to this size are read to their end, so counts are exact."""
_COMPRESSED = 512 * KIB


@dataclass(frozen=True, slots=True)
class Sample:
    """`whole` when `text` is all the file holds; `bytes` is what `text` took up in the file, decompressed."""

    text: str
    whole: bool
    encoding: str
    codec: str | None
    bytes: int


def read_text(reader: RangeReader, length: int) -> Sample:
    """The whole text of a file up to 1 MiB, else its first `length` bytes. Raises `InspectError`."""
    small = reader.size is not None and reader.size <= WHOLE
    data = reader.head(WHOLE if small else length)
    codec = unpack.codec_of(data)
    if codec:
        data, whole = _unpacked(reader, codec)
    else:
        whole = len(data) == reader.size
    decoded = textual.decode(data, whole)
    if decoded is None:
        raise InspectError("The content is binary, not text.", finding="corrupt")
    return Sample(decoded[0].removeprefix("\ufeff"), whole, decoded[1], codec, len(data))


def _unpacked(reader: RangeReader, codec: str) -> tuple[bytes, bool]:
    small = reader.size is not None and reader.size <= WHOLE
    with parsing(reader, codec):
        compressed = reader.head(WHOLE if small else _COMPRESSED)
        found = unpack.unpack(compressed, codec, WHOLE)
    everything = len(compressed) == reader.size
    whole = found.ended and everything
    if everything and not found.ended and len(found.data) < WHOLE:
        raise InspectError(f"The {codec} data ends before its end mark.", finding="truncated")
    if not found.data and not whole:
        raise InspectError(f"Nothing decompresses from the first {codec} data.", finding="too_large")
    return found.data, whole
