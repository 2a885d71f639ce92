"""How far the listing of a crawl has come: kept in the transactions that load it, so that the next one goes on there.

What lies before the cursor was listed and is committed. How that can be told depends on the way a silo is listed:
`tree` (directories before what is in them, siblings by name) and `keys` (directories after what is in them) have
one path that divides what was given out from what was not; `parts` are subtrees that were finished one by one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

from catalog.silos.base import Listable, Resumable, Silo

Way = Literal["tree", "keys", "parts"]
_MOST_FAILED = 1_000
"""So many failed directories are remembered; with more the cursor stays where it is."""
_MOST_PARTS = 5_000
"""So many finished parts are remembered."""
_SIBLINGS = 5_000


@dataclass(slots=True)
class Cursor:
    """What was covered so far. `since_ns` is when the first of the crawls began that it is made of.

    `failed` are directories among what was covered that could not be listed to their end. `given` are the
    subdirectories that `keys` gave out, by the directories that were open then; None when they were too many.
    """

    way: Way
    share: int
    since_ns: int
    at: str | None = None
    parts: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    given: dict[str, list[str]] | None = field(default_factory=dict)

    @classmethod
    def of(cls, kept: str, share: int, silo: Silo) -> Cursor | None:
        """The cursor that another crawl kept; None when a crawl of this silo with this share cannot go on from it."""
        with suppress(ValueError, TypeError):
            found = cls(**json.loads(kept))
            begun = bool(found.parts) if found.way == "parts" else found.at is not None
            return found if begun and found.share == share and found._fits(silo) else None
        return None

    def __str__(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    def _fits(self, silo: Silo) -> bool:
        if self.way == "keys":
            return isinstance(silo, Resumable)
        in_turn = silo.capabilities.order == "tree" and silo.capabilities.in_turn
        return isinstance(silo, Listable) and (in_turn or self.way == "parts")

    @property
    def shown(self) -> str:
        """Where it stands, for people and reports."""
        return self.at if self.at is not None else self.parts[-1]

    def passed(self, path: str) -> bool:
        """Whether everything at and below a directory of a tree was covered."""
        return self.at is not None and not self.is_above(path) and path.split("/") < self.at.split("/")

    def is_above(self, path: str) -> bool:
        """Whether the directory that was covered last is this one, or lies in it: so that a part of it was covered."""
        return self.at is not None and (not path or self.at == path or self.at.startswith(path + "/"))

    def move(self, path: str) -> None:
        """A directory was given out, and all before it."""
        self.at = path
        if self.way == "keys" and self.given is not None:
            self.given.pop(path, None)
            if path:
                above, _, name = path.rpartition("/")
                siblings = self.given.setdefault(above, [])
                siblings.append(name)
                if len(siblings) > _SIBLINGS:
                    self.given = None

    def left(self, parts: Iterable[str]) -> list[str]:
        """Those of the subtrees that are not among the finished ones, and lie in none of them."""
        done = set(self.parts)
        return [path for path in parts if not any(above in done for above in _upwards(path))]

    def copy(self) -> Cursor:
        """A cursor that begins where this one is."""
        given = None if self.given is None else {path: [*names] for path, names in self.given.items()}
        return replace(self, parts=[*self.parts], failed=[*self.failed], given=given)

    def failures(self) -> list[str]:
        """The failed directories that lie in no other."""
        failed = set(self.failed)
        return [path for path in self.failed if not any(above in failed for above in _upwards(path) if above != path)]

    def forgive(self, path: str) -> None:
        """A failed directory, and those below it, are listed again."""
        if self.failed:
            self.failed = [one for one in self.failed if path not in _upwards(one)]

    def fail(self, path: str) -> bool:
        """Remember that a directory could not be listed; False when there are too many to go past them."""
        if path not in self.failed and len(self.failed) < _MOST_FAILED:
            self.failed.append(path)
        return path in self.failed

    def finish_part(self, path: str) -> None:
        """Count a subtree as finished, unless its top failed: then all of it is listed again."""
        if path in self.failed:
            self.forgive(path)
        elif len(self.parts) < _MOST_PARTS:
            self.parts.append(path)


def way_of(silo: Silo) -> Way | None:
    """How the walk of a silo is told how far it came; None where it is not."""
    if silo.capabilities.order == "tree":
        return "tree" if silo.capabilities.in_turn else None
    return "keys" if isinstance(silo, Resumable) else None


def _upwards(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield ""
