"""A trace as a Mermaid flowchart, for Markdown pages and issues.

https://mermaid.js.org/syntax/flowchart.html
"""

from __future__ import annotations

from collections.abc import Iterator

from catalog.lineage.drawing.words import Unshown, family, rest, title, told, what
from catalog.lineage.graph import parallel
from catalog.model.lineage import Trace
from catalog.text import safe

# Dark text on light fills is read on a light page and on a dark one.
_CLASSES = (
    "classDef dataset fill:#e7f0fa,stroke:#3b78b8,color:#10243a",
    "classDef model fill:#f1e8fb,stroke:#8450c4,color:#2a1245",
    "classDef storage fill:#ecebe6,stroke:#857f6c,color:#2b281d",
    "classDef more fill:none,stroke:none,color:#7d8896",
    "classDef focus stroke:#d97706,stroke-width:3px",
)
_PLAIN = frozenset(" ,/")
_PLAIN_INSIDE = frozenset("_-.")
"""Plain between letters; at the edge of a word they may begin a Markdown list or emphasis."""


def mermaid(trace: Trace) -> str:
    """The flowchart's source. Assets are `n` and their id; what a cap kept out hangs on them by a dotted line."""
    return "\n".join(_lines(trace)) + "\n"


def _lines(trace: Trace) -> Iterator[str]:
    yield "flowchart LR"
    for node in trace.nodes:
        focus = ",focus" if node.id in trace.focus else ""
        yield f'  n{node.id}["{_label(title(node), what(node))}"]'
        yield f"  class n{node.id} {family(node)}{focus}"
    for (source, target), edges in parallel(trace).items():
        arrow = "-.->" if all(edge.evidence == "inferred" for edge in edges) else "-->"
        yield f'  n{source} {arrow}|"{_label(*map(told, edges))}"| n{target}'
    unshown = Unshown(trace)
    for node in trace.nodes:
        for direction in trace.directions:
            if (left := unshown.of(node, direction)).number:
                beside = f"n{node.id}_{direction}"
                ends = (beside, f"n{node.id}") if direction == "up" else (f"n{node.id}", beside)
                yield f'  {beside}["{_label(rest(left))}"]'
                yield f"  class {beside} more"
                yield f"  {ends[0]} -.- {ends[1]}"
    yield from (f"  {line}" for line in _CLASSES)


def _label(*lines: str) -> str:
    """Text between quotes: whatever could mean something to Mermaid, Markdown or HTML is written by its code."""
    return "<br>".join(_escaped(safe(line)) for line in lines if line)


def _escaped(words: str) -> str:
    return "".join(c if _plain(words, at) else f"#{ord(c)};" for at, c in enumerate(words))


def _plain(words: str, at: int) -> bool:
    c = words[at]
    return c.isalnum() or c in _PLAIN or (c in _PLAIN_INSIDE and words[at - 1 : at + 2 : 2].isalnum())
