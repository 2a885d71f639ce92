"""Naming patterns: what the names of a dataset's files have in common.

`{n}` stands for digits, `{x}` for hexadecimal digits or a UUID, `{*}` for anything (`{_}` for any
sidecar, `{-}` for anything that is no data); a brace that is part of a name is written twice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

_DIGITS = bytes.maketrans(b"0123456789", b"0000000000")
ZEROS = str.maketrans("0123456789", "0000000000")
_RUN = re.compile(r"\d+")
# Eight hex digits or more (with a digit among them, checked below), and UUIDs.
_HEX = re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]{4,})*(?![0-9A-Za-z])")
_PIECE = re.compile(r"\{\{|\}\}|\{[nx*_-]\}|[^{}]+")
_MEANS = {
    "{n}": r"\d+",
    "{x}": r"[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]{4,})*",
    "{*}": r".*",
    "{_}": r".*",
    "{-}": r".*",
    "{{": r"\{",
    "}}": r"\}",
}


def shapes(names: Sequence[str]) -> list[bytes]:
    """The names with every digit made 0: names that number the same thing look alike."""
    return "\0".join(names).encode().translate(_DIGITS).split(b"\0")


def runs(names: Sequence[str], most: int) -> list[tuple[int, int, bytes]]:
    """Neighbours that look alike, as (first, behind last, shape); empty when there are more than `most`.

    A directory of numbered files is one or two such runs, and a run is found by comparing a piece
    of memory with one shape repeated: no name is looked at alone.
    """
    whole = "\0".join(names).encode().translate(_DIGITS) + b"\0"
    found: list[tuple[int, int, bytes]] = []
    at = start = 0
    while start < len(names):
        if len(found) == most:
            return []
        unit = whole[at : whole.index(b"\0", at) + 1]
        length = _repeats(whole, at, unit, len(names) - start)
        found.append((start, start + length, unit[:-1]))
        start, at = start + length, at + length * len(unit)
    return found


def _repeats(whole: bytes, at: int, unit: bytes, most: int) -> int:
    """How many times `unit` follows itself from `at`, at most `most`; once at least."""
    if whole.startswith(unit * most, at):
        return most
    low, high = 1, 2
    while high < most and whole.startswith(unit * high, at):
        low, high = high, 2 * high
    high = min(high, most)
    while high - low > 1:
        middle = (low + high) // 2
        if whole.startswith(unit * middle, at):
            low = middle
        else:
            high = middle
    return low


def zeroed(name: str) -> str:
    """The name with the digits before its ending made 0: `.mp3` and `.h5` stay what they are."""
    stem, dot, ending = _split(name)
    return stem.translate(ZEROS) + dot + ending


def generalise(name: str, *, hexes: bool) -> str:
    """The pattern of one name: its digit runs, and on request its hex runs, made wildcards."""
    # Names that differ in digits only have one pattern: a crawl meets few, again and again.
    return _generalise(name if hexes else zeroed(name), hexes)


@lru_cache(maxsize=16384)
def _generalise(name: str, hexes: bool) -> str:
    stem, dot, ending = _split(name)
    stem = escape(stem)
    if hexes:
        stem = _HEX.sub(lambda m: "{x}" if any(c.isdigit() for c in m[0]) else m[0], stem)
        pieces = stem.split("{x}")
        stem = "{x}".join(_RUN.sub("{n}", piece) for piece in pieces)
    else:
        stem = _RUN.sub("{n}", stem)
    return stem + dot + escape(ending)


def _split(name: str) -> tuple[str, str, str]:
    # The ending names the format: `.mp3` and `.mp4` are not one numbered thing.
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending) > 10 or ending.isdigit():
        return name, "", ""
    return stem, dot, ending


def escape(name: str) -> str:
    """A plain file name as a pattern that matches just it."""
    return name.replace("{", "{{").replace("}", "}}")


def unescape(pattern: str) -> str:
    """The file name a pattern without wildcards stands for."""
    return pattern.replace("{{", "{").replace("}}", "}")


@lru_cache(maxsize=4096)
def regex(pattern: str) -> re.Pattern[str]:
    """A regular expression that matches the names a pattern stands for."""
    pieces = (_MEANS.get(piece) or re.escape(piece) for piece in _PIECE.findall(pattern))
    return re.compile("".join(pieces), re.DOTALL)


def literal(pattern: str) -> bool:
    """True when the pattern is one plain file name."""
    return not re.search(r"\{[nx*_-]\}", pattern.replace("{{", "").replace("}}", ""))
