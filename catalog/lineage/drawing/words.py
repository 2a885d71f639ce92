"""What people call assets and edges, in every drawing alike. Nothing here is escaped yet."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from catalog.lineage.graph import is_path, walked
from catalog.model import Count
from catalog.model.lineage import CONFIDENCE, COUNTED, Direction, Edge, Node, Trace
from catalog.naming import address

Family = Literal["dataset", "model", "storage"]


def family(node: Node) -> Family:
    """Datasets, models, and all that lies below them."""
    return node.kind if node.kind in ("dataset", "model") else "storage"


def title(node: Node) -> str:
    """What people call it: `silo/path`, or the address that evidence gives where no crawl has found it."""
    if node.silo is not None:
        return f"{node.silo}/{node.label}"
    return address(node.namespace, node.name) if node.label == node.name else node.label


def what(node: Node) -> str:
    """What it is, in a few words: `parquet, v3`, `model, v2`, `volume`, `not crawled`."""
    crawled = node.silo is not None or family(node) == "storage"
    told = [(node.format or ("dataset" if crawled else "")) if node.kind == "dataset" else node.kind]
    told += [f"v{node.version}"] if node.version else []
    told += ["removed"] if node.removed else [] if crawled else ["not crawled"]
    return ", ".join(filter(None, told))


def how(edge: Edge) -> str:
    """What joins the two: `derived by etl.daily`, `stores`."""
    return f"{edge.kind} by {edge.job}" if edge.job else edge.kind


def why(edge: Edge) -> str:
    """How it is known: `observed`, or with its confidence where that is not the usual one, `inferred 70%`."""
    usual = edge.confidence == CONFIDENCE.get(edge.evidence)
    return edge.evidence if usual else f"{edge.evidence} {edge.confidence:.0%}"


def where(edge: Edge) -> str:
    """Which file said so: `dvc.lock:17`; nothing where it was no file but an event or a record."""
    if "/" not in edge.origin:
        return ""
    file = edge.origin.rstrip("/").rpartition("/")[2]
    return f"{file}:{edge.line}" if edge.line else file


def told(edge: Edge) -> str:
    """All of it in one line: `derived by etl.daily, observed`."""
    return f"{how(edge)}, {why(edge)}"


class Unshown:
    """How many edges of a node a trace leaves out, in the directions in which it was walked."""

    def __init__(self, trace: Trace) -> None:
        self._path = is_path(trace)
        self._more = trace.more
        self._shown: dict[Direction, Counter[int]] = {
            "up": Counter(edge.target for edge in trace.edges),
            "down": Counter(edge.source for edge in trace.edges),
        }
        self._walked = {direction: walked(trace, direction, trace.focus) for direction in trace.directions}

    def of(self, node: Node, direction: Direction) -> Count:
        """The edges that are not shown; 0 where no cap kept any out."""
        if node.id not in self._more or node.id not in self._walked.get(direction, ()):
            return Count(0)
        if self._path:  # which leaves out all that is not on the way, and counts what is beside its steps
            return Count(self._more[node.id])
        known = node.up if direction == "up" else node.down
        return Count(max(known - self._shown[direction][node.id], 0), exact=known < COUNTED)


def rest(left: Count, noun: str = "") -> str:
    """`… 17 more`."""
    return " ".join(filter(None, (f"… {left} more", noun)))
