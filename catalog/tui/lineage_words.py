"""Lineage in words: assets, the edges between them, and why those are believed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from catalog import text
from catalog.lineage.drawing.words import family, title, what
from catalog.model.lineage import Direction, Edge, Node
from catalog.naming import address
from catalog.tui.cells import NONE, fit, pair, shown
from catalog.tui.describe import Clock
from catalog.tui.tracing import Focus, Totals, edges_of

ICONS = {"dataset": "▤", "model": "◆", "storage": "▥"}
HOW_TO = "catalog lineage import FILE"
MODELS_SHOWN = 8
ROOMY = 30  # cells from which the counts of the focus are told in full
LABEL = 9  # cells of the labels of an edge


def name(node: Node) -> str:
    """What people call an asset inside its silo."""
    return shown(node.label if node.silo is not None else title(node), 400)


def marked(node: Node) -> str:
    """The name behind the mark of its kind, and behind `✗` when it is not there any more."""
    return f"{ICONS[family(node)]} {'✗ ' if node.removed else ''}{name(node)}"


def uri(node: Node) -> str:
    """The address of an asset."""
    return address(node.namespace, node.name)


def nothing_known(side: str, at_ns: int | None) -> Text:
    """What to say where a side (`upstream`, `downstream`, `upstream or downstream`) is empty, and what to do."""
    if at_ns is not None:
        return Text(f"Nothing {side} was known then", style="bold")
    return Text.assemble(
        (f"Nothing {side} is known yet. ", "bold"), ("Events and records of runs tell more:", "dim"), f"\n{HOW_TO}"
    )


# ---------------------------------------------------------------- the asset in the middle


def focus_words(focus: Focus, totals: Totals | None, width: int) -> Text:
    """The asset in the middle: what it is, how much is on each side, who wrote it, what was trained on it."""
    node = focus.node
    lines = [
        Text(fit(marked(node), width, "middle"), style="bold"),
        Text(fit(shown(uri(node)), width, "middle"), style="dim"),
        Text(),
        pair("is", what(node), 6),
        pair("silo", node.silo, 6),
        pair("up", _counted(node, "up", totals, width), 6),
        pair("down", _counted(node, "down", totals, width), 6),
    ]
    jobs = list(dict.fromkeys(shown(near.edge.job) for near in focus.up if near.edge.job))
    lines += [pair("by job" if at == 0 else "", job, 6) for at, job in enumerate(jobs[:3])]
    trained = [near for near in focus.down if near.edge.kind == "trained"]
    if trained:
        lines += [Text(), Text("Trained on this", style="bold")]
        lines += [Text(fit(f"{marked(near.node)} ({near.edge.evidence})", width)) for near in trained[:MODELS_SHOWN]]
    if len(trained) > MODELS_SHOWN:
        lines.append(Text(f"… {len(trained) - MODELS_SHOWN:,} more", style="dim"))
    return Text("\n").join(lines)


def _counted(node: Node, direction: Direction, totals: Totals | None, width: int) -> str:
    direct = edges_of(node, direction)
    if totals is None:
        return f"{direct} direct"
    return f"{direct}{' direct' if width >= ROOMY else ''}, {totals.of(direction)} in all"


def summary(focus: Focus, totals: Totals | None, clock: Clock, at_ns: int | None) -> Text:
    """The line below the columns while no edge is chosen."""
    empty = [word for word, count in (("upstream", focus.node.up), ("downstream", focus.node.down)) if not count]
    lines = [nothing_known(" or ".join(empty), at_ns)] if empty else []
    if totals is not None:
        affected = f"{text.plural(len(totals.models), 'model')} downstream" + ("" if totals.down_exact else " at least")
        names = ", ".join(shown(label, 60) for label in totals.models[:MODELS_SHOWN])
        lines.append(pair("models", f"{affected}: {names}" if names else "none downstream", LABEL))
    if at_ns is not None:
        lines.append(pair("as of", clock.moment(at_ns), LABEL))
    lines.append(Text("h and l walk through the columns, enter puts an asset in the middle, [ ] go back", style="dim"))
    return Text("\n").join(lines)


# ---------------------------------------------------------------- an edge


def between(near: Node, far: Node, edges: Sequence[Edge], direction: Direction, width: int) -> Text:
    """The edges between two assets in the direction that data flows; the first one in full."""
    ends = (far, near) if direction == "up" else (near, far)
    room = max(10, (width - 3) // 2)
    source, target = (fit(marked(node), room, "behind") + (" (removed)" if node.removed else "") for node in ends)
    lines = [Text.assemble((source, "bold"), (" → ", "dim"), (target, "bold")), edge_told(edges[0], width)]
    if len(edges) > 1:
        lines.append(pair("also", "; ".join(f"{_how(other)}, {other.evidence}" for other in edges[1:5]), LABEL))
    return Text("\n").join(lines)


def edge_told(edge: Edge, width: int) -> Text:
    """What an edge says, and why that is believed."""
    where = [shown(edge.field, 200)] if edge.field else []
    where += [f"line {edge.line:,}"] if edge.line is not None else []
    lines = [
        pair("edge", _how(edge), LABEL),
        pair("evidence", ", ".join([f"{edge.evidence}, {edge.confidence:.0%} sure", *where]), LABEL),
        pair("origin", fit(shown(edge.origin, 2000), max(10, width - LABEL - 1), "middle"), LABEL),
        pair("known", _when(edge), LABEL),
    ]
    if edge.detail:
        lines.append(pair("says", edge.detail, LABEL))
    return Text("\n").join(lines)


def _how(edge: Edge) -> str:
    """`derived by etl.daily · 31 runs, last 0f1e2d3c · v3 → v7`."""
    told = [f"{edge.kind} by {shown(edge.job, 200)}" if edge.job else edge.kind]
    if edge.runs:
        last = f", last {shown(edge.run[:8])}" if edge.run and edge.runs > 1 else ""
        told.append(text.plural(edge.runs, "run") + last)
    if edge.source_version is not None or edge.target_version is not None:
        told.append(f"{_version(edge.source_version)} → {_version(edge.target_version)}")
    return " · ".join(told)


def _version(number: int | None) -> str:
    return "v?" if number is None else f"v{number:,}"


def _when(edge: Edge) -> str:
    told = [f"since {_minute(edge.observed_ns)}"]
    if edge.retracted_ns is not None:
        told.append(f"✗ retracted {_minute(edge.retracted_ns)}")
    if edge.valid_from_ns is not None or edge.valid_to_ns is not None:
        told.append(f"true {_minute(edge.valid_from_ns)} to {_minute(edge.valid_to_ns, 'now')}")
    return ", ".join(told)


def _minute(ns: int | None, unknown: str = NONE) -> str:
    stamp = text.iso(ns)
    return f"{stamp[:10]} {stamp[11:16]}" if stamp else unknown
