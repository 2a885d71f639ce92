"""MP4 and QuickTime (ISO/IEC 14496-12) and Matroska (RFC 9559): tracks, sizes, codecs, length."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from catalog.errors import InspectError
from catalog.formats.base import KIB, RangeReader, parsing
from catalog.formats.stream import Stream
from catalog.formats.vocabulary import Facet
from catalog.model import Facts

_MOST_BOXES = 5000
_DEEPEST = 12
_INTO = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl"})
_CODECS = {
    "avc1": "h264", "avc3": "h264", "hvc1": "h265", "hev1": "h265", "av01": "av1", "vp09": "vp9", "vp08": "vp8",
    "mp4v": "mpeg4", "mp4a": "aac", "Opus": "opus", "fLaC": "flac", "alac": "alac", "ac-3": "ac3", "ec-3": "eac3",
    ".mp3": "mp3", "jpeg": "mjpeg", "mjpa": "mjpeg", "apcn": "prores", "apch": "prores", "sowt": "pcm", "lpcm": "pcm",
    "V_MPEG4/ISO/AVC": "h264", "V_MPEGH/ISO/HEVC": "h265", "V_VP8": "vp8", "V_VP9": "vp9", "V_AV1": "av1",
    "V_MPEG4/ISO/ASP": "mpeg4", "V_MJPEG": "mjpeg", "V_FFV1": "ffv1", "V_THEORA": "theora", "A_OPUS": "opus",
    "A_VORBIS": "vorbis", "A_AAC": "aac", "A_FLAC": "flac", "A_MPEG/L3": "mp3", "A_AC3": "ac3",
    "A_PCM/INT/LIT": "pcm", "S_TEXT/UTF8": "subtitles",
}  # fmt: skip


def inspect_mp4(reader: RangeReader) -> Facts:
    """Facts of an MP4 file; `moov` may stand before or behind the data."""
    return _boxes(reader, "mp4")


def inspect_mov(reader: RangeReader) -> Facts:
    """Facts of a QuickTime file."""
    return _boxes(reader, "mov")


def inspect_m4a(reader: RangeReader) -> Facts:
    """Facts of MPEG-4 audio."""
    return _boxes(reader, "m4a")


def _boxes(reader: RangeReader, format: str) -> Facts:
    with parsing(reader, "MP4"):
        stream, movie = Stream(reader, order=">", block=32 * KIB), _Movie()
        for kind, end in _walk(stream, stream.end or 0):
            movie.top += 1
            if kind == b"moov":
                movie.boxes(stream, end, 0)
            if movie.top > _MOST_BOXES:
                break
        if not movie.seen:
            finding = "truncated" if stream.at > (stream.end or 0) else "corrupt"
            raise InspectError("The file has no movie box: it was cut off or never finished.", finding=finding)
        short = stream.end is not None and stream.at > stream.end
        detail = "The last box is cut off." if short else None
        return Facts(format, (), None, None, movie.facts().details, "truncated" if short else None, detail)


def _walk(stream: Stream, end: int) -> Iterator[tuple[bytes, int]]:
    """Boxes up to `end`: kind, and where each ends."""
    while stream.at + 8 <= end:
        start = stream.at
        length, kind = stream.unpack("I4s")
        if length == 1:
            length = stream.number("Q")
        elif length == 0:
            length = end - start
        if length < stream.at - start:
            raise InspectError("A box is shorter than its own header.")
        stop = start + length
        yield kind, min(stop, end)
        stream.at = stop


class _Movie:
    def __init__(self) -> None:
        self.facet = Facet()
        self.seen = False
        self.top = 0
        self.tracks = 0
        self.count = 0
        self._handler = b""
        self._timescale = 0
        self._codecs: dict[str, list[str]] = {"video_codec": [], "audio_codec": []}

    def facts(self) -> Facet:
        self.facet.add("tracks", self.tracks)
        for fact, codecs in self._codecs.items():
            self.facet.add(fact, "+".join(dict.fromkeys(codecs)))
        return self.facet

    def boxes(self, stream: Stream, end: int, depth: int) -> None:
        self.seen = True
        for kind, stop in _walk(stream, end):
            self.count += 1
            if self.count > _MOST_BOXES or depth > _DEEPEST:
                raise InspectError("The movie has too many boxes.", finding="too_large")
            if kind in _INTO:
                self.tracks += kind == b"trak"
                self.boxes(stream, stop, depth + 1)
            elif kind in (b"mvhd", b"mdhd"):
                self.header(stream, kind)
            elif kind == b"hdlr":
                told = stream.take(12)
                if told[4:8] != b"dhlr":  # QuickTime has a second one, of where the data is
                    self._handler = told[8:12]
            elif kind == b"stsd":
                self.sample(stream)
            elif kind == b"stts" and self._handler == b"vide":
                self.timing(stream)

    def header(self, stream: Stream, kind: bytes) -> None:
        wide = stream.take(4)[0] == 1
        stream.skip(16 if wide else 8)
        scale, length = stream.unpack("IQ" if wide else "II")
        if kind == b"mdhd":
            self._timescale = scale
        elif scale and length not in (0, 0xFFFFFFFF):
            self.facet.add("duration_s", round(length / scale, 3))

    def sample(self, stream: Stream) -> None:
        """The first entry of a sample description: coding, then what video and sound add (8.5.2)."""
        entry = stream.take(16)
        name = "".join(c for c in entry[12:16].decode("latin-1") if c.isprintable())
        codec = _CODECS.get(name, name.strip())
        if self._handler == b"vide":
            self._codecs["video_codec"].append(codec)
            body = stream.take(28)
            width, height = struct.unpack_from(">HH", body, 24)
            if "width" not in self.facet.details:
                self.facet.add("width", width)
                self.facet.add("height", height)
        elif self._handler == b"soun":
            self._codecs["audio_codec"].append(codec)
            body = stream.take(28)
            channels, _, _, _, rate = struct.unpack_from(">HHHHI", body, 16)
            if "channels" not in self.facet.details:
                self.facet.add("channels", channels)
                self.facet.add("sample_rate", rate >> 16)

    def timing(self, stream: Stream) -> None:
        """Frames and their rate, from the table of times."""
        stream.skip(4)
        count = stream.number("I")
        pairs = stream.unpack(f"{min(count, 2000) * 2}I") if count else ()
        frames, span = sum(pairs[::2]), sum(n * d for n, d in zip(pairs[::2], pairs[1::2]))
        if count <= 2000 and frames and span and self._timescale and "frames" not in self.facet.details:
            self.facet.add("frames", frames)
            self.facet.add("frame_rate", round(frames * self._timescale / span, 3))


# ---------------------------------------------------------------- Matroska

_SEGMENT, _INFO, _TRACKS, _CLUSTER, _ENTRY = 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675, 0xAE
_UNKNOWN = -1


def inspect_matroska(reader: RangeReader) -> Facts:
    """Facts of a Matroska file."""
    return _matroska(reader, "matroska")


def inspect_webm(reader: RangeReader) -> Facts:
    """Facts of a WebM file."""
    return _matroska(reader, "webm")


def _matroska(reader: RangeReader, format: str) -> Facts:
    with parsing(reader, "Matroska"):
        stream, found = Stream(reader, block=16 * KIB), _Segment()
        end = stream.end or 0
        for number, stop in _elements(stream, end):
            if number == _SEGMENT:
                found.segment(stream, stop)
                break
        if not found.seen:
            raise InspectError("The file has no segment with tracks.", finding="truncated")
        return Facts(format, (), None, None, found.facts().details)


def _vint(stream: Stream, *, marker: bool) -> int:
    first = stream.number("B")
    width = 9 - first.bit_length()
    if width > 8:
        raise InspectError("An element has an impossible length.")
    value = first if marker else first & (0x7F >> width - 1)
    value = value << 8 * (width - 1) | int.from_bytes(stream.take(width - 1), "big")
    return _UNKNOWN if not marker and value == (1 << 7 * width) - 1 else value


def _elements(stream: Stream, end: int) -> Iterator[tuple[int, int]]:
    """Elements up to `end`: id, and where each ends (at `end` where the size is unknown)."""
    for _ in range(_MOST_BOXES):
        if stream.at >= end:
            return
        number, size = _vint(stream, marker=True), _vint(stream, marker=False)
        stop = end if size == _UNKNOWN else stream.at + size
        yield number, stop
        stream.at = stop
    raise InspectError("The file has too many elements.", finding="too_large")


class _Segment:
    def __init__(self) -> None:
        self.facet = Facet()
        self.seen = False
        self.tracks = 0
        self._codecs: dict[str, list[str]] = {"video_codec": [], "audio_codec": []}

    def facts(self) -> Facet:
        self.facet.add("tracks", self.tracks)
        for fact, codecs in self._codecs.items():
            self.facet.add(fact, "+".join(dict.fromkeys(codecs)))
        return self.facet

    def segment(self, stream: Stream, end: int) -> None:
        """What stands before the first cluster."""
        for number, stop in _elements(stream, end):
            if number == _INFO:
                self.info(stream, stop)
            elif number == _TRACKS:
                self.seen = True
                for inner, inner_stop in _elements(stream, stop):
                    if inner == _ENTRY:
                        self.track(stream, inner_stop)
            elif number == _CLUSTER:
                return

    def info(self, stream: Stream, end: int) -> None:
        scale, length = 1_000_000, None
        for number, stop in _elements(stream, end):
            size = stop - stream.at
            if number == 0x2AD7B1:
                scale = int.from_bytes(stream.take(min(size, 8)), "big")
            elif number == 0x4489 and size in (4, 8):
                length = stream.unpack(">f" if size == 4 else ">d")[0]
            elif number in (0x4D80, 0x5741):
                self.facet.add("created_by", stream.take(min(size, 200)).decode("utf-8", "replace"))
        if length is not None:
            self.facet.add("duration_s", round(length * scale / 1e9, 3))

    def track(self, stream: Stream, end: int) -> None:
        self.tracks += 1
        kind = 0
        for number, stop in _elements(stream, end):
            size = stop - stream.at
            if number == 0x83:
                kind = int.from_bytes(stream.take(min(size, 8)), "big")
            elif number == 0x86:
                name = stream.take(min(size, 60)).decode("latin-1").strip("\0")
                fact = {"V": "video_codec", "A": "audio_codec"}.get(name[:1])
                if fact:
                    self._codecs[fact].append(_CODECS.get(name, name))
            elif number == 0x23E383 and kind == 1 and (each := int.from_bytes(stream.take(min(size, 8)), "big")):
                self.facet.add("frame_rate", round(1e9 / each, 3))
            elif number in (0xE0, 0xE1):
                self.settings(stream, stop)

    def settings(self, stream: Stream, end: int) -> None:
        for number, stop in _elements(stream, end):
            size = stop - stream.at
            fact = {0xB0: "width", 0xBA: "height", 0x9F: "channels"}.get(number)
            if fact and fact not in self.facet.details:
                self.facet.add(fact, int.from_bytes(stream.take(min(size, 8)), "big"))
            elif number == 0xB5 and size in (4, 8):
                self.facet.add("sample_rate", round(stream.unpack(">f" if size == 4 else ">d")[0]))
