"""A full trace as lines: each asset is unfolded once, and marked `seen above` wherever it comes again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from catalog.lineage.drawing.words import Unshown
from catalog.lineage.graph import parallel
from catalog.model.lineage import Direction, Edge, Node, Trace

DEEP = 5  # guides in front of a line; further ones are folded into one mark
TITLES: dict[Direction, str] = {"up": "Upstream", "down": "Downstream"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a heading or a count of what is not shown (`words`), or an asset and the edges that lead to it."""

    guides: str = ""
    words: str = ""
    node: Node | None = None
    edges: tuple[Edge, ...] = ()
    near: Node | None = None
    direction: Direction = "up"
    seen: bool = False
    hop: int = 0


def lines(trace: Trace, direction: Direction) -> Iterator[Line]:
    """The lines of one direction, nearest first. Nothing here recurses: a way can be long."""
    nodes = {node.id: node for node in trace.nodes}
    unshown = Unshown(trace)
    onward: dict[int, list[tuple[int, tuple[Edge, ...]]]] = {}
    for (source, target), edges in parallel(trace).items():
        near, far = (target, source) if direction == "up" else (source, target)
        onward.setdefault(near, []).append((far, edges))
    unfolded = set(trace.focus)
    waiting = [(focus, iter(_below(onward, unshown, nodes[focus], direction)), "") for focus in trace.focus[::-1]]
    while waiting:
        near, below, guides = waiting[-1]
        found = next(below, None)
        if found is None:
            waiting.pop()
            continue
        far, edges, words, last = found
        here = _folded(guides) + ("└─ " if last else "├─ ")
        if words:
            yield Line(here, words, direction=direction, hop=len(waiting))
            continue
        seen = far in unfolded
        yield Line(here, "", nodes[far], edges, nodes[near], direction, seen, len(waiting))
        if not seen:
            unfolded.add(far)
            deeper = guides + ("   " if last else "│  ")
            waiting.append((far, iter(_below(onward, unshown, nodes[far], direction)), deeper))


Found = tuple[int, tuple[Edge, ...], str, bool]


def _below(
    onward: dict[int, list[tuple[int, tuple[Edge, ...]]]], unshown: Unshown, node: Node, direction: Direction
) -> Iterator[Found]:
    """What hangs below an asset: (asset, edges, words, whether it is the last)."""
    children = onward.get(node.id, [])
    left = unshown.of(node, direction)
    for at, (far, edges) in enumerate(children):
        yield far, edges, "", at == len(children) - 1 and not left.number
    if left.number:
        yield 0, (), f"… {left} more", True


def _folded(guides: str) -> str:
    levels = len(guides) // 3
    return guides if levels <= DEEP else f"⋯{levels - DEEP} " + guides[-3 * DEEP :]
