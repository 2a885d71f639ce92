"""The pure difference between what the catalog knew of a directory and what a crawl found there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

State = tuple[int | None, int | None, str | None]
"""What tells one state of a file from another: size in bytes, mtime in ns, etag."""


@dataclass(slots=True)
class Changes:
    """Names by what happened to them. Whatever is in none of the three is unchanged."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


def diff(before: Mapping[str, State], after: Iterable[tuple[str, State]], *, complete: bool) -> Changes:
    """Compare two states of one directory. Nothing is removed unless `after` is `complete`."""
    changes = Changes()
    seen = set()
    for name, state in after:
        seen.add(name)
        known = before.get(name)
        if known is None:
            changes.added.append(name)
        elif known != state:
            changes.changed.append(name)
    if complete:
        changes.removed = sorted(before.keys() - seen)
    return changes
