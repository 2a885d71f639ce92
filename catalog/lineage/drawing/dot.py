"""A trace in Graphviz's language.

https://graphviz.org/doc/info/lang.html
"""

from __future__ import annotations

from collections.abc import Iterator

from catalog.lineage.drawing.words import Family, Unshown, family, rest, title, told, what
from catalog.lineage.graph import parallel
from catalog.model.lineage import Trace
from catalog.text import safe

_FOCUS = "#d97706"
_LOOKS: dict[Family, tuple[str, str, str]] = {
    "dataset": ("box", "#e7f0fa", "#3b78b8"),
    "model": ("hexagon", "#f1e8fb", "#8450c4"),
    "storage": ("cylinder", "#ecebe6", "#857f6c"),
}
"""The shape, its fill and its border."""


def dot(trace: Trace) -> str:
    """The graph's source. Assets are `n` and their id; what a cap kept out hangs on them by a dotted line."""
    return "\n".join(_lines(trace)) + "\n"


def _lines(trace: Trace) -> Iterator[str]:
    yield "digraph lineage {"
    yield "  rankdir=LR;"
    yield '  node [style=filled, fontname="Helvetica", fontsize=11];'
    yield '  edge [fontname="Helvetica", fontsize=9, color="#7d8896", fontcolor="#7d8896"];'
    for node in trace.nodes:
        shape, fill, border = _LOOKS[family(node)]
        line = f'color="{_FOCUS}", penwidth=3' if node.id in trace.focus else f'color="{border}"'
        label = _label(title(node), what(node))
        yield f'  n{node.id} [label={label}, shape={shape}, fillcolor="{fill}", {line}];'
    for (source, target), edges in parallel(trace).items():
        style = ", style=dashed" if all(edge.evidence == "inferred" for edge in edges) else ""
        yield f"  n{source} -> n{target} [label={_label(*map(told, edges))}{style}];"
    unshown = Unshown(trace)
    for node in trace.nodes:
        for direction in trace.directions:
            if (left := unshown.of(node, direction)).number:
                beside = f"n{node.id}_{direction}"
                ends = (beside, f"n{node.id}") if direction == "up" else (f"n{node.id}", beside)
                yield f"  {beside} [label={_label(rest(left))}, shape=plaintext, style=solid];"
                yield f"  {ends[0]} -> {ends[1]} [style=dotted, arrowhead=none];"
    yield "}"


def _label(*lines: str) -> str:
    """A quoted string: its escapes are `\\`, and `&` begins an entity there as in HTML."""
    told = (safe(line).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"') for line in lines if line)
    return '"' + "\\n".join(told) + '"'
