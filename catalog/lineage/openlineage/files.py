"""Files of events: NDJSON, one JSON document or an array of events, plain or gzipped; read as a stream.

What is read is hostile: a line, or an event in an array, is at most `LONGEST` bytes, and what is broken costs
only itself where the rest can be told apart from it.
"""

from __future__ import annotations

import codecs
import gzip
import json
import os
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from typing import IO, Any, NoReturn

from catalog.errors import UsageError
from catalog.lineage.openlineage.events import EventError, parse
from catalog.model.events import EventSeen, Rejected
from catalog.text import safe

LONGEST = 16 * 1024 * 1024
"""Bytes of one event."""
STDIN = "-"

_ENDINGS = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
_PIECE = 64 * 1024
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"

Line = tuple[int, bytes | None]
"""A line's number, and the line; None for one that is too long."""
Item = EventSeen | Rejected


def read(paths: Iterable[str]) -> Iterator[Item]:
    """The events of files and of folders of them, in order; `-` is standard input.

    Raises `UsageError` before anything is read when a path is missing, or a folder without events.
    """
    files = [file for path in paths for file in _files(path)]
    return chain.from_iterable(map(_read, files))


def _files(path: str) -> list[str]:
    if path == STDIN:
        return [path]
    if os.path.isdir(path):  # noqa: PTH112
        found = sorted(one.path for one in os.scandir(path) if one.is_file() and one.name.endswith(_ENDINGS))
        if not found:
            raise UsageError(
                f"'{safe(path, 200)}' holds no files of events.", hint=f"Their names end with {', '.join(_ENDINGS)}."
            )
        return found
    if not os.path.exists(path):  # noqa: PTH110
        raise UsageError(f"There is no file '{safe(path, 200)}'.", hint="A path, or - for standard input.")
    return [path]


def _read(path: str) -> Iterator[Item]:
    place = "stdin" if path == STDIN else path
    at = [1]  # the line that is read, for what ends the reading
    try:
        with ExitStack() as stack:
            raw: IO[bytes] = sys.stdin.buffer if path == STDIN else stack.enter_context(open(path, "rb"))  # noqa: PTH123
            yield from _events(_unpacked(raw), place, at)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        yield Rejected(f"{place}:{at[0]}", f"the compressed data is damaged ({safe(error, 100)}); reading ended there")
    except OSError as error:
        yield Rejected(f"{place}:{at[0]}", f"it cannot be read: {error.strerror or safe(error, 100)}")


def _unpacked(raw: IO[bytes]) -> IO[bytes]:
    head = raw.peek(2)[:2]  # type: ignore[attr-defined]
    return gzip.GzipFile(fileobj=raw) if head == _GZIP else raw  # type: ignore[return-value]


def _events(stream: IO[bytes], place: str, at: list[int]) -> Iterator[Item]:
    """The events of one stream, as lines or as one document, whichever its beginning looks like."""
    lines = _lines(stream, at)
    first = next(lines, None)
    if first is None:
        return
    line = first[1]
    if line is None or not line.startswith((b"[", b"{")) or _is_json(line):
        yield from _from_lines(chain([first], lines), place)
        return
    second = None if line.strip() in (b"[", b"{") or line.startswith(b"[") else next(lines, None)
    if second is not None and (second[1] is None or second[1].startswith(b"{")):
        yield from _from_lines(chain([first, second], lines), place)
        return
    begun = b"\n".join(one[1] or b"" for one in (first, second) if one is not None)
    yield from _from_document(begun + b"\n", stream, place, first[0], at)


def _lines(stream: IO[bytes], at: list[int]) -> Iterator[Line]:
    """The lines that are not blank, without what surrounds them, and their numbers."""
    number = 0
    while line := stream.readline(LONGEST + 1):
        number += 1
        at[0] = number
        whole = line
        while not whole.endswith(b"\n") and (whole := stream.readline(LONGEST)):
            line = b""
        if len(line) > LONGEST or (not line and number):
            yield number, None
        elif kept := line.removeprefix(_BOM).strip() if number == 1 else line.strip():
            yield number, kept


def _from_lines(lines: Iterable[Line], place: str) -> Iterator[Item]:
    for number, line in lines:
        where = f"{place}:{number}"
        if line is None:
            yield Rejected(where, f"it is longer than {LONGEST:,} bytes")
            continue
        try:
            text = line.decode()
            value = loads(text)
        except ValueError as error:
            yield Rejected(where, _reason(error))
            continue
        except RecursionError:
            yield Rejected(where, "it is nested too deeply")
            continue
        if isinstance(value, list):
            for index, one in enumerate(value):
                yield _parsed(one, f"{where}[{index}]", None)
        else:
            yield _parsed(value, where, text)


def _from_document(begun: bytes, stream: IO[bytes], place: str, line: int, at: list[int]) -> Iterator[Item]:
    """The values of a JSON document: one event, an array of them, or several in a row."""
    text = _Text(begun, stream)
    while True:
        where = f"{place}:{line + text.lines}"
        try:
            if not text.skip("[],"):
                return
            at[0] = line + text.lines
            where = f"{place}:{at[0]}"
            value = text.value()
        except ValueError as error:
            yield Rejected(where, f"{_reason(error)}; the rest of the file was not read")
            return
        except RecursionError:
            yield Rejected(where, "it is nested too deeply; the rest of the file was not read")
            return
        yield _parsed(value, where, None)


class _Text:
    """A stream of text that JSON values are taken from, one at a time."""

    def __init__(self, begun: bytes, stream: IO[bytes]) -> None:
        self.lines = 0
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._begun = begun
        self._stream = stream
        self._text = ""
        self._at = 0
        self._ended = False

    def skip(self, more: str) -> bool:
        """Pass over white space and `more`; False at the end."""
        while True:
            while self._at < len(self._text):
                c = self._text[self._at]
                if not c.isspace() and c not in more:
                    return True
                self.lines += c == "\n"
                self._at += 1
            if not self._more():
                return False

    def value(self) -> Any:
        """The JSON value that begins here. Raises `ValueError`."""
        while True:
            try:
                found, end = _DECODER.raw_decode(self._text, self._at)
            except ValueError:
                # An event that is cut off by the piece that was read looks like one that is broken.
                if len(self._text) - self._at > LONGEST:
                    raise ValueError(f"it is longer than {LONGEST:,} bytes") from None
                if not self._more():
                    raise
                continue
            self.lines += self._text.count("\n", self._at, end)
            self._at = end
            return found

    def _more(self) -> bool:
        """Read on, each time about as much as is at hand: a long event is tried a few times only."""
        if self._ended:
            return False
        left = self._text[self._at :]
        piece, self._begun = self._begun or self._stream.read(max(_PIECE, len(left))), b""
        self._ended = not piece
        self._text, self._at = left + self._decode(piece, final=self._ended), 0
        return not self._ended


def _parsed(value: Any, where: str, text: str | None) -> Item:
    try:
        return parse(value, where, text)
    except EventError as error:
        return Rejected(where, str(error))


def _is_json(line: bytes) -> bool:
    try:
        loads(line.decode())
    except (ValueError, RecursionError):
        return False
    return True


def _reason(error: ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return f"it is not JSON ({error.msg} at column {error.colno})"
    return str(error) if "longer than" in str(error) else f"it is not JSON ({safe(error, 100)})"


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number in JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)
loads = _DECODER.decode
