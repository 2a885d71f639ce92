"""Signatures of images, audio and video that need a second look."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from catalog.formats.checks import Ends, Match


def _riff(ends: Ends) -> Match | None:
    head = ends.head
    kind = {b"WAVE": "wav", b"AVI ": "avi", b"WEBP": "webp", b"RMID": "midi"}.get(head[8:12])
    if kind and head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64"):
        return Match(kind, 1.0, f"RIFF of type '{head[8:12].decode().strip()}'")
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return Match("aiff", 1.0, "FORM of type 'AIFF'")
    return None


def _mp4(ends: Ends) -> Match | None:
    """ISO base media (ISO/IEC 14496-12, 4.3): the major brand decides, else the compatible ones."""
    box, brand = ends.head[4:8], ends.head[8:12]
    if box == b"ftyp":
        length = min(max(int.from_bytes(ends.head[:4], "big"), 16), 512)
        others = [ends.head[at : at + 4] for at in range(16, length, 4)]
        general = brand in (b"mif1", b"msf1")  # an image of some coding, which the other brands tell
        known = [_BRANDS[each] for each in (others if general else [brand]) if each in _BRANDS]
        kind = known[0] if known else "heic" if general else "mp4"
        return Match(kind, 1.0, f"box 'ftyp' at 4 with brand '{_word(brand)}'")
    if box in (b"moov", b"mdat", b"wide", b"free", b"skip") and ends.head[:1] == b"\0" and len(ends.head) > 16:
        inner = ends.head[12:16] in (b"mvhd", b"cmov", b"rmra", b"mdat", b"moov")
        if box in (b"mdat", b"wide") or inner:
            return Match("mov", 0.8, f"box '{box.decode()}' at 4")
    return None


def _word(brand: bytes) -> str:
    return "".join(c for c in brand.decode("latin-1") if c.isalnum())


def _matroska(ends: Ends) -> Match | None:
    """EBML (RFC 8794): the DocType element, 0x4282, names the kind."""
    if not ends.head.startswith(b"\x1a\x45\xdf\xa3"):
        return None
    told = re.search(rb"\x42\x82(?:[\x80-\xbf]|[\x40-\x7f].)(webm|matroska)", ends.head[:256], re.DOTALL)
    if told is None:
        return Match("matroska", 0.8, "EBML header at 0")
    return Match(told[1].decode(), 1.0, f"EBML header with DocType '{told[1].decode()}'")


def _ogg(ends: Ends) -> Match | None:
    """Ogg (RFC 3533): the first packet of each stream names its codec."""
    if not ends.head.startswith(b"OggS\0"):
        return None
    for mark, codec in OGG_CODECS.items():
        if mark in ends.head[:512]:
            return Match("ogv" if codec in ("theora", "dirac") else "ogg", 1.0, f"Ogg pages with {codec}")
    return Match("ogg", 0.95, "Ogg pages")


def _bmp(ends: Ends) -> Match | None:
    if ends.head[:2] != b"BM" or len(ends.head) < 18 or ends.head[6:10] != bytes(4):
        return None
    header = struct.unpack_from("<I", ends.head, 14)[0]
    return Match("bmp", 0.98, "'BM' and a DIB header") if header in (12, 40, 52, 56, 64, 108, 124) else None


def _ico(ends: Ends) -> Match | None:
    head = ends.head
    if head[:4] not in (b"\0\0\x01\0", b"\0\0\x02\0") or len(head) < 22:
        return None
    count, at = struct.unpack_from("<H", head, 4)[0], struct.unpack_from("<I", head, 18)[0]
    fits = 0 < count < 64 and head[9] == 0 and 6 + 16 * count <= at < (ends.size or 1 << 24)
    return Match("ico", 0.9, "icon directory at 0") if fits else None


def _mpeg_audio(ends: Ends) -> Match | None:
    """Two MPEG audio frames in a row (ISO/IEC 11172-3, 2.4.1.3): one sync word alone is too common."""
    head = ends.head
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 not in (0xE2, 0xE0):
        return None
    if head[1] & 0xF6 == 0xF0:
        length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5 if len(head) > 5 else 0
        again = length > 7 and head[length : length + 1] == b"\xff"
        return Match("aac", 0.9, "two ADTS frames") if again else None
    first = head[1] & 0x18 == 0x18
    rates = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320) if first else (
        0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)  # fmt: skip
    samples = {0x18: (44100, 48000, 32000), 0x10: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
    rate, sampling = head[2] >> 4, head[2] >> 2 & 3
    if rate in (0, 15) or sampling == 3 or head[1] & 0x18 not in samples:
        return None
    hertz = samples[head[1] & 0x18][sampling]
    length = (144 if first else 72) * rates[rate] * 1000 // hertz + (head[2] >> 1 & 1)
    return Match("mp3", 0.95, "two MPEG audio frames") if head[length : length + 2] == head[:2] else None


def _mpeg_ts(ends: Ends) -> Match | None:
    for packet, at in ((188, 0), (192, 4)):
        if len(ends.head) > at + 3 * packet and all(ends.head[at + i * packet] == 0x47 for i in range(4)):
            return Match("mpeg", 0.95, f"sync byte every {packet} bytes")
    return None


def _tiff(ends: Ends) -> Match | None:
    if ends.head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return Match("tiff", 0.98, "TIFF byte order mark at 0")
    return None


OGG_CODECS = {
    b"\x80theora": "theora", b"BBCD\0": "dirac", b"OpusHead": "opus", b"\x01vorbis": "vorbis",
    b"\x7fFLAC": "flac", b"Speex   ": "speex",
}  # fmt: skip
"""What the first packet of a stream starts with; video before the audio that goes with it."""

_BRANDS = {
    b"qt  ": "mov", b"M4A ": "m4a", b"M4B ": "m4a", b"M4P ": "m4a", b"heic": "heic", b"heix": "heic",
    b"heim": "heic", b"heis": "heic", b"hevc": "heic", b"avif": "avif", b"avis": "avif", b"crx ": "raw_photo",
    b"jp2 ": "jp2", b"jpx ": "jp2", b"jxl ": "jxl",
}  # fmt: skip

CHECKS: tuple[Callable[[Ends], Match | None], ...] = (
    _tiff, _riff, _mp4, _matroska, _ogg, _bmp, _ico, _mpeg_audio, _mpeg_ts,
)  # fmt: skip
