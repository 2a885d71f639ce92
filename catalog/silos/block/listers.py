"""Directories as listings: read in this process (ext), or by the reader process (everything else)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from catalog.model import Failure, Listing
from catalog.silos.block.disk import Volume
from catalog.silos.block.folder import Filesystem, Folder, reason
from catalog.silos.block.reader import Patience, Reader, ReaderFailed, ReaderRefused
from catalog.silos.block.walk import Found, Place, failed
from catalog.silos.block.wire import Message, columns_of
from catalog.silos.paths import SLICE, bounded, join


class LocalLister:
    """Lists a filesystem that plain Python reads."""

    def __init__(self, filesystem: Filesystem) -> None:
        self._filesystem = filesystem

    def listed(self, batch: Sequence[Place]) -> Iterator[Found]:
        """See `Lister.listed`."""
        for place in batch:
            try:
                folder = self._filesystem.folder(place[1])
            except OSError as error:
                yield Found(failed(place[0], reason(error)), (), 0)
            else:
                yield from _pieces(place[0], folder)

    def times(self, batch: Sequence[Place]) -> Sequence[int | None]:
        """See `Lister.times`."""
        return [self._mtime(node) for _, node in batch]

    def subdirectories(self, place: Place) -> dict[str, int] | None:
        """See `Lister.subdirectories`."""
        try:
            folder = self._filesystem.folder(place[1])
        except OSError:
            return None
        return dict(zip(folder.directories, folder.below))

    def _mtime(self, node: int) -> int | None:
        try:
            return self._filesystem.mtime(node)
        except OSError:
            return None


def _pieces(path: str, folder: Folder) -> Iterator[Found]:
    """A directory in one piece, almost always, or in several."""
    start, last = 0, max(len(folder.names) - 1, 0) // SLICE * SLICE
    mtime_ns = None if folder.mtime_ns is None else bounded([folder.mtime_ns])[0]
    while start < last:
        end = start + SLICE
        names, sizes, mtimes = folder.names[start:end], folder.sizes[start:end], folder.mtimes[start:end]
        yield Found(Listing(path, names, bounded(sizes), bounded(mtimes), mtime_ns=mtime_ns, more=True), (), 0)
        start = end
    failure = Failure(path, folder.problem, retriable=False) if folder.problem is not None else None
    listing = Listing(
        path,
        folder.names[start:] if start else folder.names,
        bounded(folder.sizes[start:] if start else folder.sizes),
        bounded(folder.mtimes[start:] if start else folder.mtimes),
        None,
        folder.directories,
        mtime_ns,
        failure is None,
        failure,
        folder.skipped,
    )
    below = [(join(path, name), node) for name, node in zip(folder.directories, folder.below)]
    yield Found(listing, below, folder.room)


# ---------------------------------------------------------------- through the reader process


def request(do: str, volume: Volume, **more: Any) -> dict[str, Any]:
    """A request to the reader process about one filesystem."""
    return {"do": do, "of": (volume.content.reader, volume.offset, volume.bytes), **more}


class RemoteLister:
    """Lists a filesystem through the reader process."""

    def __init__(self, reader: Reader, volume: Volume) -> None:
        self._reader = reader
        self._volume = volume
        self._patience = Patience()

    def listed(self, batch: Sequence[Place]) -> Iterator[Found]:
        """See `Lister.listed`. After a crash among them the directories are asked for one by one."""
        todo, alone = deque(batch), 0
        while todo:
            group = [todo[0]] if alone else list(todo)
            try:
                answers = self._list(group)
            except (ReaderFailed, ReaderRefused) as error:
                if len(group) > 1:
                    alone = len(group)
                    continue
                answers = [_problem(error)]
            for folder in answers:
                alone = max(alone - 1, 0)
                yield from _pieces(todo.popleft()[0], folder)

    def times(self, batch: Sequence[Place]) -> Sequence[int | None]:
        """See `Lister.times`."""
        try:
            times: list[int | None] = self._ask("times", batch)[0]["times"]
            return times
        except (ReaderFailed, ReaderRefused):
            return [None] * len(batch)  # they are listed then, and that tells what is wrong

    def subdirectories(self, place: Place) -> dict[str, int] | None:
        """See `Lister.subdirectories`."""
        try:
            told = self._ask("below", [place])[0]
        except (ReaderFailed, ReaderRefused):
            return None
        return dict(zip(told["names"], told["nodes"]))

    def _list(self, places: Sequence[Place]) -> list[Folder]:
        """The first of these directories, at least one. Of a very large one several messages bring the names."""
        found = self._told(places, 0)
        folder, more = found[-1]
        while more:
            try:
                rest, more = self._told(places[len(found) - 1 : len(found)], len(folder.names))[0]
            except (ReaderFailed, ReaderRefused) as error:
                folder.blame(str(error))
                break
            folder.names += rest.names
            folder.sizes += rest.sizes
            folder.mtimes += rest.mtimes
            folder.directories, folder.below = rest.directories, rest.below
            folder.skipped, folder.problem, folder.room = rest.skipped, rest.problem, rest.room
        return [one for one, _ in found]

    def _told(self, places: Sequence[Place], start: int) -> list[tuple[Folder, bool]]:
        """One message's worth: folders, and whether more of the last one's names are to come."""
        header, body = self._ask("list", places, start=start)
        names, sizes, mtimes = columns_of(body)
        found: list[tuple[Folder, bool]] = []
        at = 0
        for told in header["found"]:
            end = at + told["files"]
            folder = Folder(told.get("mtime"))
            folder.names, folder.sizes, folder.mtimes = names[at:end], sizes[at:end], mtimes[at:end]
            folder.directories, folder.below = told.get("directories", []), told.get("below", [])
            folder.skipped, folder.problem = told.get("skipped", {}), told.get("problem")
            folder.room = told.get("room", 0)
            found.append((folder, bool(told.get("more"))))
            at = end
        return found

    def _ask(self, do: str, places: Sequence[Place], **more: Any) -> Message:
        wanted = request(do, self._volume, nodes=[node for _, node in places], **more)
        return self._reader.ask(wanted, self._patience)


def _problem(error: Exception) -> Folder:
    folder = Folder()
    folder.blame(str(error))
    return folder
