"""JPEG, PNG, GIF, WebP, BMP: size and colour from their headers."""

from __future__ import annotations

import struct

from catalog.errors import InspectError
from catalog.formats.base import KIB, MIB, RangeReader, parsing
from catalog.formats.media.tiff import add_exif
from catalog.formats.stream import Stream
from catalog.formats.vocabulary import Facet
from catalog.model import Facts

_MOST_PIECES = 2000


def _done(format: str, facet: Facet, *, short: bool = False) -> Facts:
    """Facts of an image, which must have an area."""
    if not facet.details.get("width") or not facet.details.get("height"):
        raise InspectError("The image has no width or height.")
    detail = "The image ends before its end mark." if short else None
    return Facts(format, (), None, None, facet.details, "truncated" if short else None, detail)


def inspect_jpeg(reader: RangeReader) -> Facts:
    """JPEG (ITU-T T.81): markers up to the frame header."""
    with parsing(reader, "JPEG"):
        stream, facet = Stream(reader, 2, order=">", block=16 * KIB), Facet()
        for _ in range(_MOST_PIECES):
            marker = stream.take(2)
            while marker[1:] == b"\xff":
                marker = marker[1:] + stream.take(1)
            code = marker[1]
            if marker[0] != 0xFF:
                raise InspectError("The JPEG markers do not follow one another.")
            if code in (0x01, 0xD8) or 0xD0 <= code <= 0xD7:
                continue
            if code in (0xD9, 0xDA):
                raise InspectError("The JPEG file has no frame.")
            length = stream.number("H")
            end = stream.at + length - 2
            if 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC):
                bits, height, width, channels = stream.unpack("BHHB")
                facet.add("width", width)
                facet.add("height", height)
                facet.add("channels", channels)
                facet.add("bits", bits)
                facet.add("color", {1: "grey", 3: "YCbCr", 4: "CMYK"}.get(channels))
                facet.flag("progressive", code in (0xC2, 0xC6, 0xCA, 0xCE))
                break
            if code == 0xE1 and stream.peek(6) == b"Exif\0\0":
                add_exif(stream.take(max(length - 2, 6))[6:], facet)
            stream.skip(end - stream.at)
        end_mark = b"\xff\xd9" in reader.tail(KIB) if reader.size else True
        return _done("jpeg", facet, short=not end_mark and reader.size is not None and reader.size < 64 * MIB)


_PNG_COLORS = {0: ("grey", 1), 2: ("RGB", 3), 3: ("palette", 1), 4: ("grey+alpha", 2), 6: ("RGBA", 4)}


def inspect_png(reader: RangeReader) -> Facts:
    """PNG (Third Edition): IHDR, and chunks before the first data."""
    with parsing(reader, "PNG"):
        stream, facet = Stream(reader, 8, order=">", block=4 * KIB), Facet()
        if stream.take(8)[4:] != b"IHDR":
            raise InspectError("The PNG file does not begin with its header.")
        width, height, bits, color, _, _, interlace = stream.unpack("IIBBBBB")
        name, channels = _PNG_COLORS.get(color, ("unknown", None))
        for fact, value in (
            ("width", width),
            ("height", height),
            ("bits", bits),
            ("color", name),
            ("channels", channels),
        ):
            facet.add(fact, value)
        facet.flag("progressive", interlace == 1)
        stream.skip(4)
        for _ in range(64):
            if stream.left < 8:
                break
            length, kind = stream.unpack("I4s")
            if kind in (b"IDAT", b"IEND"):
                break
            if kind == b"acTL":
                frames = stream.number("I")
                facet.add("frames", frames)
                facet.flag("animated", frames > 1)
                length -= 4
            elif kind == b"eXIf" and length < MIB:
                add_exif(stream.peek(length), facet)
            stream.skip(length + 4)
        short = reader.size is not None and b"IEND" not in reader.tail(4 * KIB)
        return _done("png", facet, short=short)


def inspect_gif(reader: RangeReader) -> Facts:
    """GIF (89a): screen size; frames where the file is small enough to walk."""
    with parsing(reader, "GIF"):
        stream, facet = Stream(reader, 6), Facet()
        width, height, flags, _, _ = stream.unpack("HHBBB")
        facet.add("width", width)
        facet.add("height", height)
        facet.add("bits", (flags & 7) + 1 if flags & 0x80 else None)
        stream.skip(3 << (flags & 7) + 1 if flags & 0x80 else 0)
        if reader.size is not None and reader.size <= 8 * MIB:
            frames, ended = _gif_frames(stream)
            facet.add("frames", frames)
            facet.flag("animated", frames > 1)
            return _done("gif", facet, short=not ended)
        return _done("gif", facet)


def _gif_frames(stream: Stream) -> tuple[int, bool]:
    frames = 0
    while stream.left:
        kind = stream.number("B")
        if kind == 0x3B:
            return frames, True
        if kind == 0x2C:
            frames += 1
            if stream.left < 10:
                break
            flags = stream.unpack("HHHHB")[4]
            stream.skip((3 << (flags & 7) + 1 if flags & 0x80 else 0) + 1)
        elif kind == 0x21:
            stream.skip(1)
        else:
            break
        while stream.left and (length := stream.number("B")):
            stream.skip(length)
    return frames, False


def inspect_webp(reader: RangeReader) -> Facts:
    """WebP (RFC 9649): the first chunk tells size and features."""
    with parsing(reader, "WebP"):
        head, facet = reader.head(64), Facet()
        if len(head) < 30:
            raise InspectError("The WebP header is cut off.", finding="truncated")
        kind, body = head[12:16], head[20:]
        if kind == b"VP8X":
            width, height = (int.from_bytes(body[at : at + 3], "little") + 1 for at in (4, 7))
            facet.flag("animated", bool(body[0] & 2))
            facet.add("channels", 4 if body[0] & 16 else 3)
        elif kind == b"VP8L":
            packed = int.from_bytes(body[1:5], "little")
            width, height = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
            facet.add("channels", 4 if packed >> 28 & 1 else 3)
        elif kind == b"VP8 ":
            width, height = (n & 0x3FFF for n in struct.unpack_from("<HH", body, 6))
            facet.add("channels", 3)
        else:
            raise InspectError("The WebP file has no image chunk.")
        facet.add("compression", "lossless" if kind == b"VP8L" else "lossy" if kind == b"VP8 " else None)
        facet.add("width", width)
        facet.add("height", height)
        announced = int.from_bytes(head[4:8], "little") + 8
        return _done("webp", facet, short=reader.size is not None and announced > reader.size + 1)


def inspect_bmp(reader: RangeReader) -> Facts:
    """BMP: the DIB header."""
    with parsing(reader, "BMP"):
        head, facet = reader.head(64), Facet()
        if len(head) < 26:
            raise InspectError("The BMP header is cut off.", finding="truncated")
        core = struct.unpack_from("<I", head, 14)[0] == 12
        width, height, _, bits = struct.unpack_from("<HHHH" if core else "<iiHH", head, 18)
        facet.add("width", width)
        facet.add("height", abs(height))
        facet.add("bits", bits)
        return _done("bmp", facet)
