"""DICOM (PS3.5, 7; PS3.10, 7): size, coding and modality. Nothing that could name a patient is read into facts."""

from __future__ import annotations

import struct

from catalog.errors import InspectError
from catalog.formats.base import KIB, RangeReader, parsing
from catalog.formats.stream import Stream
from catalog.formats.vocabulary import Facet
from catalog.model import Facts

_LONG = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_UNDEFINED = 0xFFFFFFFF
_PIXELS = (0x7FE0, 0x0010)
_MOST = 4000
_DEEPEST = 8
_TOLD = {
    (0x0008, 0x0060): "modality", (0x0018, 0x0015): "body_part", (0x0028, 0x0004): "color",
    (0x0008, 0x0070): "camera",
}  # fmt: skip
_NUMBERS = {
    (0x0028, 0x0010): "height", (0x0028, 0x0011): "width", (0x0028, 0x0100): "bits", (0x0028, 0x0002): "channels",
}  # fmt: skip
_SYNTAXES = {
    "1.2.840.10008.1.2": None, "1.2.840.10008.1.2.1": None, "1.2.840.10008.1.2.2": None,
    "1.2.840.10008.1.2.1.99": "deflate", "1.2.840.10008.1.2.5": "rle", "1.2.840.10008.1.2.4.50": "jpeg",
    "1.2.840.10008.1.2.4.51": "jpeg", "1.2.840.10008.1.2.4.57": "jpeg lossless",
    "1.2.840.10008.1.2.4.70": "jpeg lossless", "1.2.840.10008.1.2.4.80": "jpeg-ls", "1.2.840.10008.1.2.4.81": "jpeg-ls",
    "1.2.840.10008.1.2.4.90": "jpeg2000", "1.2.840.10008.1.2.4.91": "jpeg2000", "1.2.840.10008.1.2.4.201": "htj2k",
}  # fmt: skip


def inspect(reader: RangeReader) -> Facts:
    """Facts from the elements before the pixels."""
    with parsing(reader, "DICOM"):
        prefixed = reader.head(132)[128:] == b"DICM"
        walk = _Walk(Stream(reader, 132 if prefixed else 0, block=16 * KIB))
        walk.run()
        facet = walk.facet
        facet.add("compression", walk.compression)
        return Facts("dicom", (), None, None, facet.details)


class _Walk:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.facet = Facet()
        self.compression: str | None = None
        self._explicit = True
        self._syntax = ""

    def run(self) -> None:
        stream = self._stream
        meta = stream.peek(2) == b"\2\0"
        if not meta:
            self._explicit = self._looks_explicit()
        for _ in range(_MOST):
            if stream.left < 8:
                return
            group = struct.unpack(stream.order + "H", stream.peek(2))[0]
            if meta and stream.peek(2) != b"\2\0":
                meta = False
                stream.order = ">" if self._syntax == "1.2.840.10008.1.2.2" else "<"
                if self._syntax == "1.2.840.10008.1.2.1.99":
                    return  # what follows is deflated
                # Writers forget the syntax, or announce another one than they write.
                self._explicit = self._syntax != "1.2.840.10008.1.2" and self._looks_explicit()
                group = struct.unpack(stream.order + "H", stream.peek(2))[0]
            if group > _PIXELS[0]:
                return
            if not self._element():
                return
        raise InspectError("The DICOM header has more than 4,000 elements.", finding="too_large")

    def _looks_explicit(self) -> bool:
        """Whether the next element says what kind of value it has."""
        kind = self._stream.peek(6)[4:6]
        return kind.isalpha() and kind.isupper()

    def _element(self) -> bool:
        """Read one element; False at the pixels."""
        tag, kind, length = self._header()
        if tag == _PIXELS:
            return False
        if length == _UNDEFINED:
            self._sequence(1, kind)
            return True
        fact = _TOLD.get(tag)
        if fact or tag == (0x0002, 0x0010) or tag == (0x0028, 0x0008):
            words = self._stream.peek(min(length, 128)).decode("latin-1").strip("\0 ")
            if tag == (0x0002, 0x0010):
                self._syntax = words
                self.compression = _SYNTAXES.get(words, "other")
            elif fact:
                self.facet.add(fact, words)
            elif words.isdigit():
                self.facet.add("frames", int(words))
        elif tag in _NUMBERS and length == 2:
            self.facet.add(_NUMBERS[tag], struct.unpack(self._stream.order + "H", self._stream.peek(2))[0])
        self._stream.skip(length)
        return True

    def _header(self) -> tuple[tuple[int, int], bytes, int]:
        """Tag, kind of value (empty where it is not told) and length of the next element."""
        stream = self._stream
        group, element = stream.unpack("HH")
        if group == 0xFFFE or not self._explicit:
            return (group, element), b"", stream.number("I")
        kind = stream.take(2)
        if kind in _LONG:
            stream.skip(2)
            return (group, element), kind, stream.number("I")
        if not kind.isalpha():
            raise InspectError("A DICOM element has no value representation.")
        return (group, element), kind, stream.number("H")

    def _sequence(self, depth: int, kind: bytes) -> None:
        """Pass over a sequence of undefined length, and those within it."""
        if depth > _DEEPEST:
            raise InspectError("DICOM sequences are nested too deep.", finding="too_large")
        explicit = self._explicit
        self._explicit = explicit and kind != b"UN"  # one of a kind unknown is written without kinds (PS3.5, 6.2.2)
        self._items(depth)
        self._explicit = explicit

    def _items(self, depth: int) -> None:
        for _ in range(_MOST):
            tag, _kind, length = self._header()
            if tag == (0xFFFE, 0xE0DD):
                return
            if tag == (0xFFFE, 0xE000) and length == _UNDEFINED:
                self._item(depth)
            else:
                self._stream.skip(length)
        raise InspectError("A DICOM sequence has more than 4,000 items.", finding="too_large")

    def _item(self, depth: int) -> None:
        for _ in range(_MOST):
            tag, kind, length = self._header()
            if tag == (0xFFFE, 0xE00D):
                return
            if length == _UNDEFINED:
                self._sequence(depth + 1, kind)
            else:
                self._stream.skip(length)
        raise InspectError("A DICOM item has more than 4,000 elements.", finding="too_large")
