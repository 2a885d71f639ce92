"""tar (POSIX.1-2017 pax, ustar; GNU): members by walking the headers, samples where it is a WebDataset."""

from __future__ import annotations

import re
from dataclasses import dataclass

from catalog.errors import InspectError
from catalog.formats import unpack
from catalog.formats.archives.contents import add_contents
from catalog.formats.base import KIB, MIB, RangeReader, parsing
from catalog.formats.stream import Stream
from catalog.formats.vocabulary import Facet
from catalog.model import Facts, Field

_BLOCK = 512
_MOST_MEMBERS = 5_000
_MOST_READS = 160
_UNPACKED = 4 * MIB
_NAMES = 64 * KIB
_TEXT = frozenset({"json", "txt", "cls", "cls2", "index", "jsonl", "yaml", "caption", "text", "html"})


@dataclass(slots=True)
class _Walk:
    """Names met, whether the end was reached, and whether the data stops short."""

    names: list[str]
    total: int = 0
    ended: bool = False
    short: bool = False


def inspect(reader: RangeReader) -> Facts:
    """Members as far as the walk goes; rows are the samples of a WebDataset that was walked to its end."""
    with parsing(reader, "tar"):
        codec = unpack.codec_of(reader.head(8))
        if codec:
            packed = reader.head(min(reader.size or MIB, 2 * MIB))
            opened = unpack.unpack(packed, codec, _UNPACKED)
            walk = _walk(Stream(opened.data), None, whole=opened.ended and len(packed) == reader.size)
        else:
            walk = _walk(Stream(reader, block=16 * KIB), reader, whole=True)
        facet = Facet()
        facet.add("members", len(walk.names))
        facet.flag("members_cut", not walk.ended)
        facet.add("unpacked_bytes", walk.total if walk.ended else None)
        add_contents(walk.names, facet)
        fields, rows = _samples(walk.names, facet)
        detail = "The last member is cut off." if walk.short else None
        return Facts(
            "tar",
            fields,
            rows if walk.ended else None,
            codec,
            facet.details,
            "truncated" if walk.short else None,
            detail,
        )


def _walk(stream: Stream, reader: RangeReader | None, *, whole: bool) -> _Walk:
    walk, long_name = _Walk([]), ""
    while len(walk.names) < _MOST_MEMBERS and (reader is None or reader.calls < _MOST_READS):
        block = stream.peek(_BLOCK)
        if len(block) < _BLOCK or not block.strip(b"\0"):
            walk.ended = whole
            walk.short = whole and stream.end is not None and stream.at > stream.end
            break
        stream.skip(_BLOCK)
        size, kind = _number(block[124:136]), block[156:157]
        if not _checks(block):
            if not walk.names:
                raise InspectError("The header of the first member is damaged.")
            walk.short = whole
            break
        if kind in (b"L", b"x") and size <= _NAMES:
            body = stream.peek(size)
            long_name = _long(body, kind) or long_name
        elif kind not in (b"L", b"x", b"g", b"K"):
            name = long_name or _name(block)
            long_name = ""
            if kind in (b"0", b"\0", b"7") and not name.endswith("/"):
                walk.names.append(name)
                walk.total += size
        stream.skip(size + -size % _BLOCK if kind not in (b"1", b"2", b"3", b"4", b"5", b"6") else 0)
    return walk


def _checks(block: bytes) -> bool:
    stored = re.match(rb"[\0 ]*([0-7]+)", block[148:156])
    return stored is not None and int(stored[1], 8) == sum(block[:148]) + 256 + sum(block[156:])


def _number(raw: bytes) -> int:
    """Octal digits, or base 256 where the first bit is set (GNU)."""
    if raw[0] & 0x80:
        return int.from_bytes(bytes([raw[0] & 0x7F]) + raw[1:], "big")
    digits = raw.strip(b"\0 ")
    return int(digits, 8) if re.fullmatch(rb"[0-7]+", digits) else 0


def _name(block: bytes) -> str:
    name = block[:100].split(b"\0")[0].decode("utf-8", "replace")
    prefix = block[345:500].split(b"\0")[0].decode("utf-8", "replace") if block[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _long(body: bytes, kind: bytes) -> str | None:
    if kind == b"L":
        return body.split(b"\0")[0].decode("utf-8", "replace")
    told = re.search(rb"(?:^|\n)\d+ path=([^\n]*)\n", body)
    return told[1].decode("utf-8", "replace") if told else None


def _samples(names: list[str], facet: Facet) -> tuple[tuple[Field, ...], int | None]:
    """A WebDataset's samples: neighbours whose names agree up to the first dot, told apart by what follows."""
    keys: list[str] = []
    endings: dict[str, int] = {}
    for name in names:
        folder, _, base = name.rpartition("/")
        stem, dot, ending = base.partition(".")
        if not dot or not stem or base.startswith("._"):
            return (), None
        key = f"{folder}/{stem}"
        if not keys or keys[-1] != key:
            keys.append(key)
        endings[ending.lower()] = endings.get(ending.lower(), 0) + 1
    paired = len(names) >= 1.5 * len(keys)
    if len(keys) < 2 or len(set(keys)) != len(keys) or len(endings) > 16 or not paired:
        return (), None
    facet.add("samples", len(keys))
    facet.add("features", list(endings))
    kinds = {ending: "string" if ending.rpartition(".")[2] in _TEXT else "binary" for ending in endings}
    return tuple(Field(e.replace(".", "\\."), kinds[e], endings[e] < len(keys)) for e in endings), len(keys)
