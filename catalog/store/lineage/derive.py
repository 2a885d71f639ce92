"""Which edges one run makes, from what it read and wrote. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.model.lineage import EdgeKind
from catalog.store.lineage.merging import edge_kind

MOST_PAIRS = 100_000
"""Inputs times outputs of a run; with more, only what its facets name is taken."""
GONE = frozenset({"drop", "truncate"})
"""Lifecycle changes after which nothing of the dataset is left."""

Asset = int
Facts = Mapping[str, Any]
Ends = tuple[Asset, Asset, EdgeKind]


def edges_of(rows: Mapping[tuple[Asset, str], Facts], kinds: Mapping[Asset, str]) -> set[Ends]:
    """The edges of a run that read and wrote `rows`: (asset, role) with the facts of each.

    Every input leads to every output, with these exceptions. `explicit` sources of an output are all it
    has. Where an output names the inputs of its `columns`, an input that any output names leads only to those
    that name it. An input that is not `declared`, but named by a facet alone, leads only where that facet
    says. What was dropped or emptied is made from nothing.
    """
    inputs = {asset for (asset, role), facts in rows.items() if role == "input" and facts.get("declared", True)}
    outputs = {asset: facts for (asset, role), facts in rows.items() if role == "output"}
    if len(inputs) * len(outputs) > MOST_PAIRS:
        inputs = set()
    attributed = {source for facts in outputs.values() for source in facts.get("columns", ())}
    found: set[Ends] = set()
    for output, facts in outputs.items():
        renamed = set(facts.get("renamed", ()))
        found |= {(source, output, "copied") for source in renamed if source != output}
        for source in _sources(facts, inputs, attributed) - renamed - {output}:
            found.add((source, output, edge_kind(kinds[source], kinds[output])))
    return found


def is_gone(facts: Facts) -> bool:
    """True for an output that the run did nothing to but drop or empty it."""
    changes = facts.get("changes", ())
    return bool(changes) and GONE.issuperset(changes)


def _sources(facts: Facts, inputs: set[Asset], attributed: set[Asset]) -> set[Asset]:
    if is_gone(facts):
        return set()
    if "explicit" in facts:
        return set(facts["explicit"])
    named = set(facts.get("columns", ()))
    return named | (inputs - attributed) if named else inputs
