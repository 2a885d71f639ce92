"""Words for people: sizes, ages, counts, and text that is safe to print.

Whatever is read from storage may hold terminal escapes or bytes that are no text. `safe` makes
any string printable; `name_to_text` and `text_to_name` keep file names reversible.
"""

from __future__ import annotations

import os
import re
import time
import unicodedata
from datetime import UTC, datetime

# A byte that is no UTF-8 is stored as this quote and two hex digits, and the quote itself as
# itself and `27`: names stay plain text in any database and can be turned back into the bytes.
_QUOTE = "\u201b"
_ESCAPED = re.compile(_QUOTE + "([0-9A-F]{2})")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w|mo|y)(?:\s+ago)?", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800, "mo": 2629746, "y": 31556952}
_UNITS = ("B", "KB", "MB", "GB", "TB", "PB", "EB")


def name_to_text(name: str) -> str:
    """A file name as the operating system gave it, in text that any database can hold."""
    if _QUOTE not in name and name.isascii():
        return name
    quoted = name.replace(_QUOTE, _QUOTE + "27")
    return "".join(f"{_QUOTE}{ord(c) - 0xDC00:02X}" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in quoted)


def spelled(word: str) -> str:
    """A word that was typed, in the spelling names are kept in.

    Bytes that its locale made no text of are read as UTF-8. Those that are not UTF-8 either are quoted, as
    `name_to_text` does.
    """
    if _is_text(word):
        return word
    return name_to_text(word.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape"))


def names_to_texts(names: list[str]) -> list[str]:
    """`name_to_text` of each; the list itself when, as nearly always, that changes nothing."""
    joined = "\n".join(names)  # one look at all of them: a look at each would cost as much as a stat
    if joined.isascii() or (_QUOTE not in joined and _is_text(joined)):
        return names
    return [name_to_text(name) for name in names]


def _is_text(words: str) -> bool:
    try:
        words.encode()
    except UnicodeEncodeError:
        return False
    return True


def text_to_name(text: str) -> str:
    """The file name that `name_to_text` was given."""
    if _QUOTE not in text:
        return text

    def back(match: re.Match[str]) -> str:
        value = int(match[1], 16)
        return _QUOTE if value == 0x27 else chr(0xDC00 + value)

    return _ESCAPED.sub(back, text)


def storable(text: str) -> str:
    """`text` as both databases hold it: bytes that are no UTF-8 quoted, nothing else that is no text."""
    if _UNSTORABLE.search(text) is None:
        return text
    return _UNSTORABLE.sub("\ufffd", name_to_text(text))


def path_to_bytes(text: str) -> bytes:
    """The bytes of a stored path, as the operating system wants them."""
    return os.fsencode(text_to_name(text))


def safe(text: object, limit: int = 0) -> str:
    """`text` on one line without control, format or private characters, cut to `limit` characters with `…`."""
    raw = str(text)
    if not (raw.isascii() and raw.isprintable()):
        raw = "".join(c if c == " " or _printable(c) else "\ufffd" for c in raw)
    if limit and len(raw) > limit:
        raw = raw[: max(limit - 1, 0)] + "…"
    return raw


def _printable(c: str) -> bool:
    # Cf holds the bidirectional overrides that can reorder a line; Cs, Co and Cc never belong on one.
    return unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def width(words: str) -> int:
    """How many terminal cells a text takes."""
    if words.isascii():
        return len(words)
    return sum(_cells(c) for c in words)


def cut(words: str, limit: int) -> str:
    """`words` in at most `limit` cells: the middle gives way, as both ends of a path tell most."""
    if width(words) <= limit:
        return words
    head, tail = _head(words, limit // 2), _head(words[::-1], limit - limit // 2 - 1)[::-1]
    return f"{head}…{tail}"


def ends(words: str, limit: int) -> str:
    """`words` in at most `limit` cells: the end gives way."""
    if width(words) <= limit:
        return words
    return _head(words, limit - 1) + "…" if limit > 0 else ""


def _cells(c: str) -> int:
    if unicodedata.combining(c):
        return 0
    return 2 if unicodedata.east_asian_width(c) in "WF" else 1


def _head(words: str, limit: int) -> str:
    used = 0
    for position, c in enumerate(words):
        used += _cells(c)
        if used > limit:
            return words[:position]
    return words


def size(value: int | None) -> str:
    """Bytes for people, decimal units: `1.4 GB`; unknown is `?`."""
    if value is None:
        return "?"
    amount = float(value)
    for unit in _UNITS:
        if abs(amount) < 999.5 or unit == _UNITS[-1]:
            return f"{amount:.0f} {unit}" if unit == "B" or abs(amount) >= 99.95 else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError("unreachable")


def count(value: int | None) -> str:
    """A number with thousands separators; unknown is `?`."""
    return "?" if value is None else f"{value:,}"


def plural(number: int, noun: str, many: str | None = None) -> str:
    """`1 file`, `2 files`."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def age(ns: int | None, now_ns: int | None = None) -> str:
    """How long ago, in one unit: `just now`, `5m`, `3h`, `12d`, `5mo`, `2y`; unknown is `?`."""
    if ns is None:
        return "?"
    seconds = ((now_ns or time.time_ns()) - ns) / 1e9
    if seconds < 0:
        return "ahead"
    if seconds < 60:
        return "just now"
    for limit, unit, span in (
        (3600, "m", 60),
        (86400, "h", 3600),
        (60 * 86400, "d", 86400),
        (730 * 86400, "mo", 30.44 * 86400),
    ):
        if seconds < limit:
            return f"{int(seconds // span)}{unit}"
    return f"{int(seconds // (365.25 * 86400))}y"


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def iso(ns: int | None) -> str | None:
    """ISO 8601 in UTC, to the second (`2026-03-01T12:00:00Z`); None stays None."""
    if ns is None:
        return None
    try:
        return datetime.fromtimestamp(ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return None  # a time no calendar holds, as damaged filesystems report


def moment(words: str, now_ns: int | None = None) -> int | None:
    """A time as people type it, in nanoseconds since the epoch: `2026-03-01`, `2026-03-01T12:00Z`, `7d`, `now`.

    A time without a zone is UTC, a date alone its first moment. None for what is no time.
    """
    now = time.time_ns() if now_ns is None else now_ns
    said = words.strip()
    if found := _AGE.fullmatch(said):
        return max(now - int(float(found[1]) * _SECONDS[found[2].lower()] * 1e9), 0)
    if said.lower() == "now":
        return now
    try:
        then = datetime.fromisoformat(said)
        seconds = (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return int(seconds) * 1_000_000_000
