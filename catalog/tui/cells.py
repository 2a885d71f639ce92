"""Text in a terminal's cells: cut to a width with `…`, aligned, and with matches marked.

Everything that comes from storage passes `catalog.text.safe` here, so a name can neither move the
cursor nor be read as markup.
"""

from __future__ import annotations

from typing import Literal

from rich.cells import cell_len, chop_cells
from rich.text import Text

from catalog.text import safe

Cut = Literal["end", "start", "middle", "behind"]
ELLIPSIS = "…"
NONE = "–"


def fit(text: str, width: int, cut: Cut = "end") -> str:
    """`text` in at most `width` cells; what is cut away is marked with `…`. Wide characters count twice.

    `behind` cuts behind the first two characters, a mark and a blank, and keeps the end.
    """
    if len(text) <= width and text.isascii():
        return text
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return ELLIPSIS[:width]
    room = width - 1
    if cut == "behind" and width > 4:
        return text[:2] + fit(text[2:], width - cell_len(text[:2]), "start")
    if cut in ("end", "behind"):
        return _head(text, room) + ELLIPSIS
    if cut == "start":
        return ELLIPSIS + _tail(text, room)
    head = _head(text, room // 2)
    return head + ELLIPSIS + _tail(text, room - cell_len(head))


def aligned(text: str, width: int, right: bool = False) -> str:
    """`text` filled with blanks to exactly `width` cells."""
    missing = " " * max(0, width - cell_len(text))
    return missing + text if right else text + missing


def shown(value: object, limit: int = 4096) -> str:
    """A value from storage, safe to print on one line; nothing is `–`."""
    text = safe("" if value is None else value, limit)
    return text or NONE


def spans(text: str, needles: list[str]) -> list[tuple[int, int]]:
    """Where any of the needles (lower case) stands in `text`, as sorted ranges that do not overlap."""
    lowered = text.lower()
    if len(lowered) != len(text):  # a few letters change length in lower case; positions would lie
        lowered = text
    found: list[tuple[int, int]] = []
    for needle in needles:
        at = lowered.find(needle) if needle else -1
        while at >= 0:
            found.append((at, at + len(needle)))
            at = lowered.find(needle, at + len(needle))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def pair(label: str, value: object, width: int = 10) -> Text:
    """One `label  value` line of a description list, the label dimmed."""
    line = Text(aligned(label, width) + " ", style="dim", no_wrap=True, overflow="ellipsis", end="")
    if isinstance(value, Text):
        line.append_text(value)
    else:
        line.append(shown(value), style="not dim")
    return line


def _head(text: str, width: int) -> str:
    return chop_cells(text, width)[0] if width > 0 and cell_len(text) > width else text[: max(width, 0)]


def _tail(text: str, width: int) -> str:
    start = len(text)
    used = 0
    while start > 0 and used + cell_len(text[start - 1]) <= width:
        start -= 1
        used += cell_len(text[start])
    return text[start:]
