"""7-Zip (7zFormat.txt): names and sizes from the header at the end, which is often LZMA-compressed itself."""

from __future__ import annotations

import lzma

from catalog.errors import InspectError
from catalog.formats.archives.contents import add_contents
from catalog.formats.base import MIB, RangeReader, parsing
from catalog.formats.stream import Stream
from catalog.formats.vocabulary import Facet
from catalog.model import Facts

_HEADER = 8 * MIB
_MOST = 50_000
_END, _HEADER_ID, _PACK, _UNPACK, _FILES, _SIZES, _CRC, _FOLDER, _UNPACKED, _NAMES, _ENCODED = (
    0, 1, 6, 7, 5, 9, 10, 11, 12, 17, 23,
)  # fmt: skip
_LZMA, _LZMA2, _COPY, _AES = b"\x03\x01\x01", b"\x21", b"\x00", b"\x06\xf1\x07\x01"


def inspect(reader: RangeReader) -> Facts:
    """Members by name. An encrypted header hides them."""
    with parsing(reader, "7-Zip"):
        start = Stream(reader.head(32), 12)
        offset, length = start.unpack("QQ")
        facet = Facet()
        if length == 0:
            facet.add("members", 0)
            return Facts("7z", (), None, None, facet.details)
        if length > _HEADER:
            raise InspectError("The 7-Zip header is longer than 8 MiB.", finding="too_large")
        if 32 + offset + length > (reader.size or 0):
            raise InspectError("The 7-Zip header is missing: the file was cut off.", finding="truncated")
        header = reader.read(32 + offset, length)
        for _ in range(4):
            stream = Stream(header)
            kind = stream.number("B")
            if kind != _ENCODED:
                break
            header = _decoded(reader, stream)
        if kind != _HEADER_ID:
            raise InspectError("The 7-Zip header has an unknown kind.")
        names, total = _Header(stream).read()
        facet.add("members", len(names))
        facet.add("unpacked_bytes", total)
        add_contents(names, facet)
        return Facts("7z", (), None, None, facet.details)


def _number(stream: Stream) -> int:
    """7-Zip's number: the leading ones of the first byte say how many bytes follow."""
    first = stream.number("B")
    mask, value = 0x80, 0
    for index in range(8):
        if not first & mask:
            return value | (first & (mask - 1)) << 8 * index
        value |= stream.number("B") << 8 * index
        mask >>= 1
    return value


class _Folder:
    def __init__(self) -> None:
        self.method = b""
        self.properties = b""
        self.outputs = 1
        self.sizes: list[int] = []
        self.simple = True


class _Header:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.at = 0
        self.packed: list[int] = []
        self.folders: list[_Folder] = []

    def read(self) -> tuple[list[str], int]:
        """Names of files, and their size unpacked."""
        names: list[str] = []
        while (kind := self._stream.number("B")) != _END:
            if kind == 4:
                self.streams()
            elif kind == _FILES:
                names = self.files()
                break
            elif kind in (2, 3):
                raise InspectError("The 7-Zip header has properties that are not read.", finding="unsupported")
        return names, sum(folder.sizes[-1] for folder in self.folders if folder.sizes)

    def streams(self) -> None:
        """StreamsInfo: where packed data is, and how it is coded."""
        while (kind := self._stream.number("B")) != _END:
            if kind == _PACK:
                self.pack()
            elif kind == _UNPACK:
                self.unpack()
            elif kind == 8:
                self.substreams()

    def pack(self) -> None:
        self.at, count = _number(self._stream), _number(self._stream)
        while (kind := self._stream.number("B")) != _END:
            if kind == _SIZES:
                self.packed = [_number(self._stream) for _ in range(_few(count))]
            elif kind == _CRC:
                self.digests(count)

    def unpack(self) -> None:
        stream = self._stream
        while (kind := stream.number("B")) != _END:
            if kind == _FOLDER:
                count = _few(_number(stream))
                if stream.number("B"):
                    raise InspectError("The 7-Zip header keeps its folders elsewhere.", finding="unsupported")
                self.folders = [self.folder() for _ in range(count)]
            elif kind == _UNPACKED:
                for folder in self.folders:
                    folder.sizes = [_number(stream) for _ in range(folder.outputs)]
            elif kind == _CRC:
                self.digests(len(self.folders))

    def folder(self) -> _Folder:
        stream, made = self._stream, _Folder()
        coders = _few(_number(stream))
        inputs = outputs = 0
        for _ in range(coders):
            flags = stream.number("B")
            made.method = stream.take(flags & 15)
            ins, outs = (_few(_number(stream)), _few(_number(stream))) if flags & 0x10 else (1, 1)
            inputs, outputs = inputs + ins, outputs + outs
            if flags & 0x20:
                made.properties = stream.take(_number(stream))
            if made.method == _AES:
                raise InspectError("The 7-Zip archive is encrypted.", finding="encrypted")
        for _ in range(max(outputs - 1, 0)):
            _number(stream)
            _number(stream)
        if inputs - outputs + 1 > 1:
            for _ in range(inputs - outputs + 1):
                _number(stream)
        made.outputs, made.simple = outputs, coders == 1
        return made

    def substreams(self) -> None:
        """SubStreamsInfo, passed over: the sizes of files within a folder are not kept."""
        stream = self._stream
        counts = [1] * len(self.folders)
        while (kind := stream.number("B")) != _END:
            if kind == 13:
                counts = [_few(_number(stream)) for _ in self.folders]
            elif kind == _SIZES:
                for count in counts:
                    for _ in range(max(count - 1, 0)):
                        _number(stream)
            elif kind == _CRC:
                self.digests(sum(counts))

    def digests(self, count: int) -> None:
        stream = self._stream
        defined = _few(count)
        if not stream.number("B"):
            bits = stream.take((defined + 7) // 8)
            defined = sum(byte.bit_count() for byte in bits)
        stream.skip(4 * defined)

    def files(self) -> list[str]:
        stream = self._stream
        count = _few(_number(stream))
        names: list[str] = []
        while (kind := _number(stream)) != _END:
            size = _number(stream)
            end = stream.at + size
            if kind == _NAMES and not stream.number("B"):
                text = stream.take(end - stream.at).decode("utf-16-le", "replace")
                names = text.split("\0")[:count]
            stream.skip(end - stream.at)
        return [name for name in names if name]


def _few(count: int) -> int:
    if count > _MOST:
        raise InspectError("The 7-Zip header counts more than 50,000 entries.", finding="too_large")
    return count


def _decoded(reader: RangeReader, stream: Stream) -> bytes:
    """A compressed header: one folder with one coder."""
    info = _Header(stream)
    info.streams()
    if not info.folders or not info.packed or not info.folders[0].simple or not info.folders[0].sizes:
        raise InspectError("The 7-Zip header is packed in an unusual way.", finding="unsupported")
    folder, size = info.folders[0], info.folders[0].sizes[-1]
    if size > _HEADER or info.packed[0] > _HEADER:
        raise InspectError("The 7-Zip header is longer than 8 MiB.", finding="too_large")
    data = reader.read(32 + info.at, info.packed[0])
    if folder.method == _COPY:
        return data[:size]
    if folder.method not in (_LZMA, _LZMA2):
        raise InspectError("The 7-Zip header is packed with a method that is not read.", finding="unsupported")
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[_filter(folder)]).decompress(data, size)


def _filter(folder: _Folder) -> dict[str, int]:
    """LZMA's properties as Python's lzma wants them; the dictionary is bounded."""
    props = folder.properties
    if folder.method == _LZMA2:
        return {"id": lzma.FILTER_LZMA2, "dict_size": _HEADER}
    if len(props) < 5 or props[0] >= 225:
        raise InspectError("The 7-Zip header has damaged properties.")
    lc, rest = props[0] % 9, props[0] // 9
    size = min(max(int.from_bytes(props[1:5], "little"), 4096), 64 * MIB)
    return {"id": lzma.FILTER_LZMA1, "lc": lc, "lp": rest % 5, "pb": rest // 5, "dict_size": size}
