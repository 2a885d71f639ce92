"""What would let a crawl find what lineage names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from catalog.model.lineage import Pending
from catalog.naming import is_path
from catalog.silos.registry import ROOMS
from catalog.text import iso

_ELSEWHERE = {"hf": "a repository on the hub: nothing to crawl", "model": "a model known by its name alone"}


def next_steps(waiting: Sequence[Pending]) -> list[str]:
    """For each the command to try next, or why no crawl will find it."""
    folders = {_above(one.name) for one in waiting if one.namespace == "file" and one.silo is None}
    return [_next(one, folders - {"/"}) for one in waiting]


def _next(one: Pending, folders: Collection[str]) -> str:
    if one.silo is not None:
        if one.crawled_ns is None or one.crawled_ns < one.since_ns:
            return f"catalog crawl {one.silo}"
        return f"not in '{one.silo}' when it was crawled ({iso(one.crawled_ns)})"
    if not is_path(one.namespace):
        return _ELSEWHERE.get(one.namespace, "a table or topic: nothing to crawl")
    scheme = one.namespace.partition(":")[0]
    if scheme == "file":
        return _of_file(one, folders)
    if scheme in ROOMS:
        return f"catalog silo add NAME {one.namespace}"
    return f"no silo reads {scheme}: yet"


def _of_file(one: Pending, folders: Collection[str]) -> str:
    if one.namespace != "file":
        return "a file of another machine: mount it, and add the mounted folder"
    if not one.name.startswith("/"):
        return "a path relative to nobody knows what"
    # One silo that holds several of the names is better than one for each.
    outermost = min((above for above in _upwards(one.name) if above in folders), key=len, default=_above(one.name))
    return f"catalog silo add NAME {outermost}"


def _above(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _upwards(path: str) -> Iterator[str]:
    while path != "/":
        path = _above(path)
        yield path
