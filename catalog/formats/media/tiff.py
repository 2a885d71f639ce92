"""TIFF (TIFF 6.0), BigTIFF, GeoTIFF (OGC 19-008r4) and EXIF blocks, which are TIFF too: tags by walking IFDs."""

from __future__ import annotations

import struct

from catalog.errors import InspectError
from catalog.formats.base import KIB, RangeReader, parsing
from catalog.formats.stream import Stream
from catalog.formats.vocabulary import Facet
from catalog.model import Facts

Value = int | float | str
_TYPES = {1: "B", 2: "s", 3: "H", 4: "I", 5: "II", 6: "b", 7: "B", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d",
          13: "I", 16: "Q", 17: "q", 18: "Q"}  # fmt: skip
_MOST_TAGS = 400
_MOST_VALUES = 4096
_MOST_PAGES = 64
_COMPRESSIONS = {
    1: None, 2: "ccitt", 3: "ccitt", 4: "ccitt", 5: "lzw", 6: "jpeg", 7: "jpeg", 8: "deflate", 32773: "packbits",
    32946: "deflate", 34712: "jpeg2000", 34887: "lerc", 34925: "lzma", 50000: "zstd", 50001: "webp", 50002: "jxl",
}  # fmt: skip
_COLORS = {0: "grey", 1: "grey", 2: "RGB", 3: "palette", 4: "mask", 5: "CMYK", 6: "YCbCr", 8: "Lab"}
_KINDS = {1: "uint", 2: "int", 3: "float", 5: "complex", 6: "complex"}


class Directory(dict[int, tuple[Value, ...]]):
    """Tags of one IFD by number; `following` is where the next one is."""

    following = 0

    def number(self, tag: int, default: int | None = None) -> int | None:
        """The first value as a whole number."""
        value = self.get(tag, (default,))[0] if self.get(tag, (default,)) else default
        return int(value) if isinstance(value, (int, float)) else default

    def text(self, tag: int) -> str | None:
        """A string without its terminators."""
        value = self.get(tag, ("",))
        return str(value[0]).strip("\0 ") or None if value else None


def inspect(reader: RangeReader) -> Facts:
    """The first page in full, how many pages there are, and where on earth it lies."""
    with parsing(reader, "TIFF"):
        stream = Stream(reader, block=16 * KIB)
        pages = directories(stream, 0, _MOST_PAGES)
        if not pages:
            raise InspectError("The TIFF file has no image.")
        facet = Facet()
        first = pages[0]
        add_image(first, facet)
        add_camera(first, facet)
        full = [p for p in pages if not (p.number(254, 0) or 0) & 1]
        facet.add("frames", len(full) if len(full) > 1 else None)
        facet.flag("members_cut", len(pages) >= _MOST_PAGES)
        overviews = len(pages) - len(full)
        facet.add("overviews", overviews or None)
        add_geography(first, facet)
        if "crs" in facet.details or 33550 in first:
            facet.flag("cloud_optimized", 322 in first and (overviews > 0 or _small(first)))
        return Facts("tiff", (), None, facet.details.get("compression"), facet.details)  # type: ignore[arg-type]


def directories(stream: Stream, start: int, most: int) -> list[Directory]:
    """The IFDs of the TIFF structure that begins at `start`."""
    stream.at = start
    mark = stream.take(4)
    stream.order = "<" if mark[:2] == b"II" else ">"
    big = mark[2:4] in (b"+\0", b"\0+")
    if big:
        stream.skip(4)
    at = stream.number("Q" if big else "I")
    pages: list[Directory] = []
    seen: set[int] = set()
    while at and at not in seen and len(pages) < most:
        seen.add(at)
        page = directory(stream, start, at, big=big)
        pages.append(page)
        at = page.following
    return pages


def directory(stream: Stream, start: int, at: int, *, big: bool = False) -> Directory:
    """The IFD at `at` from `start`."""
    stream.at = start + at
    count = stream.number("Q" if big else "H")
    if not 0 < count <= _MOST_TAGS:
        raise InspectError("An image directory has an impossible number of tags.")
    size = 20 if big else 12
    raw = stream.take(count * size)
    found = Directory()
    found.following = stream.number("Q" if big else "I") if stream.left >= (8 if big else 4) else 0
    for index in range(count):
        entry = raw[index * size : index * size + size]
        tag, kind, values = struct.unpack_from(stream.order + ("HHQ" if big else "HHI"), entry)
        read = _values(stream, start, kind, values, entry[12 if big else 8 :])
        if read is not None:
            found[tag] = read
    return found


def _values(stream: Stream, start: int, kind: int, count: int, inline: bytes) -> tuple[Value, ...] | None:
    if kind not in _TYPES or not count > 0:
        return None
    width = struct.calcsize(f"<{_TYPES[kind]}") if kind != 2 else 1
    kept = min(count, _MOST_VALUES)
    if count * width <= len(inline):
        data = inline[: count * width]
    else:
        stream.at = start + int(struct.unpack_from(stream.order + ("Q" if len(inline) == 8 else "I"), inline)[0])
        data = stream.peek(kept * width)
        kept = len(data) // width
    if kind == 2:
        return (data.split(b"\0")[0].decode("utf-8", "replace"),)
    numbers = struct.unpack_from(stream.order + _TYPES[kind] * kept, data)
    if kind in (5, 10):
        return tuple(a / b if b else 0.0 for a, b in zip(numbers[::2], numbers[1::2]))
    return numbers


def add_image(page: Directory, facet: Facet) -> None:
    """Size, channels and coding of a page."""
    bits = page.number(258, 1) or 1
    facet.add("width", page.number(256))
    facet.add("height", page.number(257))
    facet.add("channels", page.number(277, 1))
    facet.add("bits", bits)
    facet.add("color", _COLORS.get(page.number(262, -1) or 0))
    code = page.number(259, 1) or 1
    facet.add("compression", _COMPRESSIONS.get(code, f"method {code}"))
    kind = _KINDS.get(page.number(339, 1) or 1, "uint")
    facet.add("dtype", f"{kind}{bits}" if bits >= 8 else None)
    facet.flag("tiled", 322 in page)
    facet.add("created_by", page.text(305))


def add_camera(page: Directory, facet: Facet) -> None:
    """What a camera wrote; where the picture was taken is only said to be known."""
    maker, model = page.text(271) or "", page.text(272) or ""
    facet.add("camera", model if model.startswith(maker) else f"{maker} {model}".strip())
    facet.add("taken", page.text(36867) or page.text(306))
    facet.add("orientation", page.number(274) if (page.number(274, 1) or 1) != 1 else None)
    facet.flag("has_location", 34853 in page)


def add_geography(page: Directory, facet: Facet) -> None:
    """Coordinate system by its EPSG code, and the corners."""
    keys = page.get(34735, ())
    codes = {}
    for at in range(4, len(keys) - 3, 4):
        key, place, _, value = keys[at : at + 4]
        if place == 0:
            codes[key] = value
    code = codes.get(3072) or codes.get(2048)
    if isinstance(code, int) and 0 < code < 32767:
        facet.add("crs", f"EPSG:{code}")
    elif keys:
        named = page.text(34737)
        facet.add("crs", named.split("|")[0] if named else "user-defined")
    scale, tie = page.get(33550, ()), page.get(33922, ())
    width, height = page.number(256), page.number(257)
    if len(scale) >= 2 and len(tie) >= 6 and width and height:
        sx, sy, x, y = float(scale[0]), float(scale[1]), float(tie[3]), float(tie[4])
        left, top = x - float(tie[0]) * sx, y + float(tie[1]) * sy
        corners = (left, top - height * sy, left + width * sx, top)
        facet.add("bounds", ", ".join(f"{c:.6g}" for c in corners))


def _small(page: Directory) -> bool:
    return max(page.number(256, 0) or 0, page.number(257, 0) or 0) <= 512


def add_exif(block: bytes, facet: Facet) -> None:
    """Facts from an EXIF block (Exif 3.0, 4.6); a damaged one is no fault of the image."""
    try:
        stream = Stream(block)
        pages = directories(stream, 0, 1)
        if not pages:
            return
        inner = pages[0].number(34665)
        if inner:
            pages[0].update(directory(stream, 0, inner))
        add_camera(pages[0], facet)
    except (InspectError, struct.error, ValueError):
        return
