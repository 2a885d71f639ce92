"""WAV, FLAC, MP3 and Ogg: length, rate and channels from their headers."""

from __future__ import annotations

import struct

from catalog.errors import InspectError
from catalog.formats.base import KIB, RangeReader, parsing
from catalog.formats.checks_media import OGG_CODECS
from catalog.formats.stream import Stream
from catalog.formats.vocabulary import Facet
from catalog.model import Facts

_WAV_CODECS = {1: "pcm", 2: "adpcm", 3: "float", 6: "a-law", 7: "µ-law", 0x11: "adpcm", 0x55: "mp3", 0xFFFE: "pcm"}


def _sound(facet: Facet, rate: int, channels: int, duration: float | None) -> None:
    facet.add("sample_rate", rate)
    facet.add("channels", channels)
    facet.add("duration_s", round(duration, 3) if duration is not None else None)


def inspect_wav(reader: RangeReader) -> Facts:
    """WAV (RIFF; EBU Tech 3306 for RF64): `fmt ` and the size of `data`."""
    with parsing(reader, "WAV"):
        stream = Stream(reader, 12, order=">" if reader.head(4) == b"RIFX" else "<", block=4 * KIB)
        facet, rate, size = Facet(), 0, None
        for _ in range(200):
            if stream.left < 8:
                break
            kind, length = stream.unpack("4sI")
            if kind == b"ds64":
                size = int.from_bytes(stream.peek(16)[8:16], "little")
            elif kind == b"fmt ":
                code, channels, rate, per_second, _, bits = struct.unpack(stream.order + "HHIIHH", stream.peek(16))
                facet.add("audio_codec", _WAV_CODECS.get(code, f"code {code}"))
                facet.add("bits", bits)
                facet.add("bitrate", per_second * 8)
                _sound(facet, rate, channels, None)
            elif kind == b"data":
                size = size if length == 0xFFFFFFFF and size is not None else length
                break
            stream.skip(length + length % 2)
        if not rate or size is None:
            raise InspectError("The WAV file has no format or no data.", finding="truncated")
        per_second = int(facet.details["bitrate"]) // 8
        facet.add("duration_s", round(size / per_second, 3) if per_second else None)
        short = reader.size is not None and stream.at + size > reader.size + 1
        detail = "The sound is shorter than its header says." if short else None
        return Facts("wav", (), None, None, facet.details, "truncated" if short else None, detail)


def inspect_flac(reader: RangeReader) -> Facts:
    """FLAC (RFC 9639): STREAMINFO."""
    with parsing(reader, "FLAC"):
        at = _behind_id3(reader)
        stream, facet = Stream(reader, at, order=">", block=4 * KIB), Facet()
        if stream.take(4) != b"fLaC" or stream.take(4)[0] & 127:
            raise InspectError("The FLAC file does not begin with its stream info.")
        info = stream.take(34)
        packed = int.from_bytes(info[10:18], "big")
        rate, channels, bits = packed >> 44, (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1
        samples = packed & (1 << 36) - 1
        _sound(facet, rate, channels, samples / rate if rate and samples else None)
        facet.add("bits", bits)
        facet.add("audio_codec", "flac")
        return Facts("flac", (), None, None, facet.details)


def _behind_id3(reader: RangeReader) -> int:
    """Where the sound starts: ID3v2 tags (id3.org, 3.1) may stand in front, several of them."""
    at = 0
    for _ in range(8):
        head = reader.read(at, 10) if at else reader.head(10)
        if head[:3] != b"ID3" or len(head) < 10:
            break
        size = 0
        for byte in head[6:10]:
            size = size << 7 | byte & 127
        at += 10 + size
    return at


_RATES = {
    (1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}  # fmt: skip
"""Thousands of bits a second by MPEG version (2 stands for 2.5 too) and layer."""
_HERTZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def inspect_mp3(reader: RangeReader) -> Facts:
    """MP3 (ISO/IEC 11172-3): the first frame; the length from a Xing or VBRI header, else from the bit rate."""
    with parsing(reader, "MP3"):
        start = _behind_id3(reader)
        data = reader.read(start, 16 * KIB)
        at = next((i for i in range(len(data) - 4) if _frame(data, i)), None)
        frame = _frame(data, at) if at is not None else None
        if at is None or frame is None:
            raise InspectError("No frame of MPEG audio is near the beginning.", finding="corrupt")
        rate, bitrate, channels, samples = frame
        facet = Facet()
        frames = _frames(data[at : at + 300])
        sound = (reader.size or 0) - start - at
        constant = sound * 8 / bitrate if bitrate and reader.size else None
        _sound(facet, rate, channels, frames * samples / rate if frames else constant)
        facet.add("bitrate", bitrate if not frames else None)
        facet.add("audio_codec", "mp3")
        return Facts("mp3", (), None, None, facet.details)


def _frame(data: bytes, at: int) -> tuple[int, int, int, int] | None:
    """Sample rate, bits a second, channels and samples of the frame at `at`."""
    if data[at] != 0xFF or data[at + 1] & 0xE0 != 0xE0:
        return None
    version, layer = data[at + 1] >> 3 & 3, 4 - (data[at + 1] >> 1 & 3)
    index, hertz = data[at + 2] >> 4, data[at + 2] >> 2 & 3
    if version == 1 or layer == 4 or index in (0, 15) or hertz == 3:
        return None
    rate, bitrate = _HERTZ[version][hertz], _RATES[1 if version == 3 else 2, layer][index] * 1000
    samples = 384 if layer == 1 else 1152 if version == 3 or layer == 2 else 576
    return rate, bitrate, 1 if data[at + 3] >> 6 == 3 else 2, samples


def _frames(frame: bytes) -> int | None:
    """Frames of the whole file, as the encoder noted in the first."""
    for mark in (b"Xing", b"Info"):
        at = frame.find(mark)
        if at > 0 and len(frame) >= at + 12 and frame[at + 7] & 1:
            return int.from_bytes(frame[at + 8 : at + 12], "big")
    at = frame.find(b"VBRI")
    return int.from_bytes(frame[at + 14 : at + 18], "big") if at > 0 and len(frame) >= at + 18 else None


def inspect_ogg(reader: RangeReader) -> Facts:
    """Ogg (RFC 3533) with Vorbis, Opus (RFC 7845), FLAC or Speex: first page and the last granule."""
    return _ogg(reader, "ogg")


def inspect_ogv(reader: RangeReader) -> Facts:
    """Ogg with Theora."""
    return _ogg(reader, "ogv")


def _ogg(reader: RangeReader, format: str) -> Facts:
    with parsing(reader, "Ogg"):
        head, facet = reader.head(4 * KIB), Facet()
        found = [(at, codec) for mark, codec in OGG_CODECS.items() if (at := head.find(mark)) >= 0]
        if not found:
            return Facts(format, (), None, None, facet.details)
        rate = 0
        for at, codec in sorted(found):
            if codec == "opus":
                rate = 48000
                _sound(facet, rate, head[at + 9], None)
            elif codec == "vorbis":
                channels, rate = struct.unpack_from("<BI", head, at + 11)
                _sound(facet, rate, channels, None)
            elif codec == "speex":
                rate = struct.unpack_from("<I", head, at + 36)[0]
                _sound(facet, rate, struct.unpack_from("<I", head, at + 48)[0], None)
            elif codec == "theora":
                facet.add("width", int.from_bytes(head[at + 14 : at + 17], "big"))
                facet.add("height", int.from_bytes(head[at + 17 : at + 20], "big"))
                facet.add("video_codec", "theora")
                continue
            facet.add("audio_codec", codec)
        tail = reader.tail(64 * KIB)
        last = tail.rfind(b"OggS\0")
        if rate and format == "ogg" and last >= 0 and len(tail) >= last + 14:
            granule = struct.unpack_from("<q", tail, last + 6)[0]
            facet.add("duration_s", round(granule / rate, 3) if granule > 0 else None)
        return Facts(format, (), None, None, facet.details)
