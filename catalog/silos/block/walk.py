"""The walk over one filesystem of a disk.

Directories are asked for many at a time, so that a tree of small ones costs few messages; parents come before
their children. Every directory is visited once: one that is met again, in itself or elsewhere, is a loop or
damage, and is not entered. And since each byte of a directory belongs to one of them, all together cannot take
more room than the filesystem has: an image made to be listed without end is given up there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from catalog.model import Failure, Listing
from catalog.silos.base import Unchanged
from catalog.silos.paths import join

AT_ONCE = 256
_LONGEST = 16_384
"""Characters of a path; four times what Linux lets anyone use at once."""

_AGAIN = "it is a folder that was met before: a loop, or damage"
_TOO_LONG = "its path is too long: folders are nested too deeply"
_TOO_MUCH = "not tried: folders took more room than there is in all, so the filesystem is damaged"

Place = tuple[str, int]
"""A directory's path in the silo, and its node in the filesystem."""


class Found(NamedTuple):
    """A directory, or a piece of a large one: its listing, its subdirectories, and the bytes its entries take."""

    listing: Listing
    below: Sequence[Place]
    room: int


class Lister(Protocol):
    """Lists the directories of one filesystem. What goes wrong is told in the listings."""

    def listed(self, batch: Sequence[Place]) -> Iterator[Found]:
        """The listings of these directories, in their order; the last piece of each names its subdirectories."""
        ...

    def times(self, batch: Sequence[Place]) -> Sequence[int | None]:
        """The times of these directories; None where one says nothing, or cannot be read."""
        ...

    def subdirectories(self, place: Place) -> dict[str, int] | None:
        """The nodes of a directory's subdirectories by name; None when it cannot be read."""
        ...


def walk(lister: Lister, start: Place, room: int, unchanged: Unchanged | None) -> Iterator[Listing]:
    """The directory `start` and all below; `room` bytes are all that there is for directories.

    A start that cannot be read is an incomplete listing like any other.
    """
    seen = {start[1]}
    pending = [start]
    while pending:
        batch = [pending.pop() for _ in range(min(AT_ONCE, len(pending)))]
        below: list[Place] = []
        if unchanged is not None:
            batch = _pass_over(lister, batch, unchanged, below, seen)
        if room < 0:
            yield from (failed(path, _TOO_MUCH) for path, _ in batch)
            batch = []
        for listing, places, taken in lister.listed(batch):
            yield listing
            room -= taken
            for place in places:
                if place[1] in seen:
                    yield failed(place[0], _AGAIN)
                elif len(place[0]) > _LONGEST:
                    yield failed(place[0], _TOO_LONG)
                else:
                    seen.add(place[1])
                    below.append(place)
        pending.extend(reversed(below))


def _pass_over(
    lister: Lister, batch: Sequence[Place], unchanged: Unchanged, below: list[Place], seen: set[int]
) -> list[Place]:
    """What has to be listed of `batch`; the known subdirectories of the rest are added to `below`."""
    to_list: list[Place] = []
    for place, mtime_ns in zip(batch, lister.times(batch)):
        known = None if mtime_ns is None else unchanged(place[0], mtime_ns)
        if known is None:
            to_list.append(place)
        elif known:
            there = lister.subdirectories(place) or {}
            nodes = [(join(place[0], name), there[name]) for name in sorted(known) if name in there]
            below += [one for one in nodes if one[1] not in seen]
            seen.update(node for _, node in nodes)
    return to_list


def failed(path: str, reason: str) -> Listing:
    """The listing of a directory that could not be read."""
    return Listing(path, (), (), (), complete=False, failure=Failure(path, reason, retriable=False))
