"""Questions to the lineage graph: from a reference and a time to the ids and moments that the store asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from catalog.api.lineage import Impact, Lineage
from catalog.errors import NotFound
from catalog.model.lineage import Direction, Edge, Node
from catalog.store import assets, crawls, graph
from catalog.store.engine import Database
from catalog.text import safe

if TYPE_CHECKING:
    from catalog.api.dataset import Dataset

Reference: TypeAlias = "str | int | Dataset"
"""An asset as callers name it."""
Moment: TypeAlias = str | int | None
"""Nanoseconds since the epoch or an ISO time; None is now."""


def trace(db: Database, reference: Reference, *, at: Moment = None, **caps: Any) -> Lineage:
    """The graph around an asset; `caps` are those of `store.graph.trace`."""
    asset, at_ns = _resolve(db, reference, at)
    return Lineage(graph.trace(db, [asset], at_ns=at_ns, **caps))


def impact(db: Database, reference: Reference, at: Moment = None) -> Impact:
    """All that is downstream of an asset, or of a silo that is called so."""
    silo = next((one for one in crawls.silos(db) if one.name == reference), None)
    if silo is not None:
        at_ns = _moment(at)
        return Impact(db, graph.of_silo(db, silo.id, at_ns=at_ns), at_ns)
    asset, at_ns = _resolve(db, reference, at)
    return Impact(db, graph.became(db, [asset]), at_ns)


def path(db: Database, start: Reference, end: Reference, at: Moment = None) -> Lineage | None:
    """A shortest way from one asset to another, or else from the other to the one."""
    (source, source_ns), (target, target_ns) = _resolve(db, start, at), _resolve(db, end, at)
    at_ns = source_ns if target_ns is None else target_ns
    found = graph.path(db, [source], [target], at_ns=at_ns)
    if found is not None:
        return Lineage(found)
    found = graph.path(db, [target], [source], at_ns=at_ns)
    return Lineage(found, backwards=True) if found is not None else None


def neighbours(
    db: Database, reference: Reference, direction: Direction, offset: int, limit: int, at: Moment
) -> list[tuple[Node, Edge]]:
    """A page of the assets one edge away."""
    asset, at_ns = _resolve(db, reference, at)
    return graph.neighbours(db, asset, direction, offset, limit, at_ns)


def _resolve(db: Database, reference: Reference, at: Moment) -> tuple[int, int | None]:
    """The asset a reference means, and the moment it asks for. Raises `NotFound` or `Ambiguous`.

    A version (`clicks@2`) asks for the last moment at which it was the current one.
    """
    if isinstance(reference, (str, int)):
        asset, version = _find(db, str(reference))
    else:
        asset, version = reference.id, reference.version
    if at is not None or version is None:
        return asset, _moment(at)
    following = (one.observed_ns for one in assets.versions(db, asset) if one.number == version + 1)
    return asset, next((observed - 1 for observed in following), None)


def _find(db: Database, reference: str) -> tuple[int, int | None]:
    try:
        return assets.find(db, reference)
    except NotFound as error:
        if any(silo.name == reference for silo in crawls.silos(db)):
            error.hint = f"'{safe(reference, 100)}' is a silo: catalog impact {safe(reference, 100)}"
        raise


def _moment(at: Moment) -> int | None:
    from catalog.api.dataset import moment_ns

    return None if at is None else moment_ns(at)
