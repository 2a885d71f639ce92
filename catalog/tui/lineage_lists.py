"""The columns of lineage: neighbours, a full trace, an impact list."""

from __future__ import annotations

from catalog.lineage.drawing.words import what
from catalog.model.lineage import COUNTED, Affected, Direction
from catalog.tui.cells import shown
from catalog.tui.columns import Column
from catalog.tui.lineage_words import marked
from catalog.tui.tracing import Neighbour
from catalog.tui.tree import Line

ARROWS: dict[Direction, str] = {"up": "↑", "down": "↓"}


def further(near: Neighbour) -> str:
    """How many edges lead on: `↑5`, `↓1k+`; nothing where it ends."""
    if not near.further:
        return ""
    number = f"{near.further:,}" if near.further < COUNTED else f"{COUNTED // 1000}k+"
    return f"{ARROWS[near.direction]}{number}"


NEIGHBOURS: tuple[Column[Neighbour], ...] = (
    Column("name", "asset", lambda n: marked(n.node), 8, 0, 0, cut="behind"),
    Column("kind", "edge", lambda n: n.edge.kind, 7, 7, 2, tone="dim"),
    Column("silo", "silo", lambda n: shown(n.node.silo, 80), 14, 18, 3, cut="middle", tone="dim"),
    Column("further", "", further, 4, 4, 1, right=True),
)

LINEAGE: tuple[Column[Neighbour], ...] = (
    Column("side", "side", lambda n: "upstream" if n.direction == "up" else "downstream", 10, 10, 1, tone="dim"),
    Column("name", "asset", lambda n: marked(n.node), 20, 0, 0, cut="middle"),
    Column("kind", "edge", lambda n: n.edge.kind, 7, 7, 2),
    Column("job", "job", lambda n: shown(n.edge.job, 200) if n.edge.job else "", 12, 40, 3, cut="middle"),
    Column("evidence", "evidence", lambda n: n.edge.evidence, 8, 8, 4, tone="dim"),
    Column("silo", "silo", lambda n: shown(n.node.silo, 80), 8, 18, 5, cut="middle", tone="dim"),
    Column("further", "", further, 5, 5, 6, right=True),
)


def _place(line: Line) -> str:
    if line.node is None:
        return line.guides + line.words
    return f"{line.guides}{'(seen above) ' if line.seen else ''}{marked(line.node)}"


def _edge(line: Line, key: str) -> str:
    if not line.edges:
        return ""
    value = getattr(line.edges[0], key)
    more = f" +{len(line.edges) - 1}" if len(line.edges) > 1 and key == "job" else ""
    return f"{shown(value, 200)}{more}" if value else ""


TRACE: tuple[Column[Line], ...] = (
    Column("asset", "asset", _place, 40, 0, 0),
    Column("kind", "edge", lambda line: _edge(line, "kind"), 7, 7, 1, tone="dim"),
    Column("job", "job", lambda line: _edge(line, "job"), 12, 40, 2, cut="middle"),
    Column("evidence", "evidence", lambda line: _edge(line, "evidence"), 8, 8, 3, tone="dim"),
    Column("what", "what", lambda line: shown(what(line.node)) if line.node else "", 10, 24, 4, tone="dim"),
    Column("silo", "silo", lambda line: shown(line.node.silo) if line.node else "", 8, 18, 5, cut="middle", tone="dim"),
)

IMPACT: tuple[Column[Affected], ...] = (
    Column("hop", "hop", lambda a: f"{a.hop:,}", 5, 5, 1, right=True, sort="hop"),
    Column("name", "asset", lambda a: marked(a.node), 24, 0, 0, cut="middle", sort="name"),
    Column("kind", "kind", lambda a: a.node.kind, 8, 10, 2, sort="kind"),
    Column("silo", "silo", lambda a: shown(a.node.silo, 80), 8, 18, 3, cut="middle", tone="dim", sort="silo"),
    Column("edge", "edge", lambda a: a.edge.kind, 7, 7, 4, tone="dim"),
    Column("job", "job", lambda a: shown(a.edge.job, 200) if a.edge.job else "", 12, 40, 5, cut="middle"),
    Column("evidence", "evidence", lambda a: a.edge.evidence, 8, 8, 6, tone="dim"),
    Column("format", "format", lambda a: shown(a.node.format, 40), 11, 13, 7),
    Column("version", "ver", lambda a: "" if a.node.version is None else str(a.node.version), 4, 5, 8, right=True,
           tone="dim"),
)  # fmt: skip
