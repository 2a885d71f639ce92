"""The reference silo: files in memory, which shows the whole contract without a server.

`MemorySilo("name", {"a/b.csv": b"…"})` makes a place that `memory://name` opens from anywhere in
this process. Tests change it with `put`, `remove` and `fail`.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, ClassVar, Literal

from catalog.errors import EntryMissing, SiloUnreachable, UsageError
from catalog.model import Entry, Failure, Listing
from catalog.silos import options as given
from catalog.silos import ranges
from catalog.silos.base import Capabilities, Reached, Unchanged
from catalog.silos.paths import SLICE, join, relative
from catalog.silos.reach import first_paths, reached

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

OPTIONS: tuple[str, ...] = ()


@dataclass(slots=True)
class _Stored:
    data: bytes
    mtime_ns: int
    etag: str


@dataclass(slots=True)
class _Directory:
    mtime_ns: int
    files: dict[str, _Stored] = field(default_factory=dict)
    directories: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Place:
    """What stands behind a name: directories by path, and the prefixes that fail."""

    directories: dict[str, _Directory]
    failures: dict[str, str] = field(default_factory=dict)
    clock: int = 0

    def tick(self) -> int:
        """The time now, later than any given out before."""
        self.clock = max(self.clock + 1, time.time_ns())
        return self.clock


_PLACES: dict[str, _Place] = {}


class MemorySilo:
    """The files at `memory://name`. With `files` it makes (or replaces) that place."""

    kind: ClassVar[Literal["object", "file", "block"]] = "object"
    capabilities: ClassVar[Capabilities] = Capabilities(
        order="tree", in_turn=True, checksum="md5", directory_mtimes=True, suffix_ranges=True
    )

    def __init__(self, name: str, files: Mapping[str, bytes] | None = None) -> None:
        self.name = name
        self.url = f"memory://{name}"
        if files is not None:
            place = _PLACES[name] = _Place({})
            place.directories[""] = _Directory(place.tick())
            for path, data in files.items():
                self.put(path, data)

    # ------------------------------------------------------------ what tests change

    def put(self, path: str, data: bytes, *, mtime_ns: int | None = None, etag: str | None = None) -> None:
        """Write a file; its time is now and its etag the MD5 of `data` unless given."""
        place, now = self._place(), self._place().tick()
        folder, _, name = relative(path).rpartition("/")
        directory = _grown(place, folder, now)
        if name not in directory.files:
            directory.mtime_ns = now
        digest = etag if etag is not None else hashlib.md5(data, usedforsecurity=False).hexdigest()
        directory.files[name] = _Stored(data, now if mtime_ns is None else mtime_ns, digest)

    def remove(self, path: str) -> None:
        """Remove a file, and the directories that it leaves empty."""
        place, now = self._place(), self._place().tick()
        path = relative(path)
        self._stored(path)
        folder, _, name = path.rpartition("/")
        del place.directories[folder].files[name]
        place.directories[folder].mtime_ns = now
        while folder and not (place.directories[folder].files or place.directories[folder].directories):
            del place.directories[folder]
            folder, _, name = folder.rpartition("/")
            place.directories[folder].directories.remove(name)
            place.directories[folder].mtime_ns = now

    def fail(self, prefix: str, reason: str | None) -> None:
        """Let the listing of the directory `prefix` fail for `reason`; None lets it work again."""
        self._place().failures.pop(relative(prefix), None)
        if reason is not None:
            self._place().failures[relative(prefix)] = reason

    # ------------------------------------------------------------ the contract

    def walk(self, prefix: str = "", unchanged: Unchanged | None = None) -> Iterator[Listing]:
        """See `Silo.walk`."""
        prefix = relative(prefix)
        place = self._place()
        if prefix in place.failures:
            raise SiloUnreachable(f"{self.uri(prefix)} cannot be listed: {place.failures[prefix]}.")
        if prefix not in place.directories:
            raise SiloUnreachable(f"There is no folder '{prefix}' in {self.url}.")
        pending = [prefix]
        while pending:
            path = pending.pop()
            directory = place.directories.get(path)
            if directory is None:
                continue  # gone since its parent was listed
            known = unchanged(path, directory.mtime_ns) if unchanged else None
            if known is not None:
                below = sorted(known)
            elif path in place.failures:
                yield Listing(path, (), (), (), complete=False, failure=Failure(path, place.failures[path]))
                continue
            else:
                below = sorted(directory.directories)
                yield from _listings(path, directory)
            pending.extend(join(path, name) for name in reversed(below))

    def read(self, path: str, offset: int, length: int) -> bytes:
        """See `Silo.read`."""
        return self._stored(relative(path)).data[offset:][:length]

    def open(self, path: str) -> BinaryIO:
        """See `Silo.open`."""
        data = self._stored(relative(path)).data
        return ranges.opened(lambda offset, length: data[offset:][:length], len(data))

    def filesystem(self) -> AbstractFileSystem:
        """See `Silo.filesystem`."""
        from catalog.silos.filesystem import SiloFileSystem

        return SiloFileSystem(self)

    def uri(self, path: str) -> str:
        """See `Silo.uri`."""
        return f"{self.url}/{path}" if path else self.url

    def namespace(self) -> tuple[str, str]:
        """See `Silo.namespace`."""
        return self.url, ""

    def test(self) -> Reached:
        """See `Silo.test`."""
        started = time.monotonic()
        return reached(self, "this process", first_paths(self.walk()), started)

    def close(self) -> None:
        """Nothing is held; the place stays."""

    # ------------------------------------------------------------ for `filesystem`

    def children(self, path: str) -> Listing:
        """The listing of one directory. Raises `EntryMissing` when there is none."""
        directory = self._place().directories.get(path)
        if directory is None:
            raise EntryMissing(f"There is no folder '{path}' in {self.url}.")
        return _listing(path, directory, sorted(directory.files))

    def entry(self, path: str) -> Entry:
        """One file. Raises `EntryMissing` when there is none."""
        stored = self._stored(path)
        return Entry(path, len(stored.data), stored.mtime_ns, stored.etag)

    def _place(self) -> _Place:
        place = _PLACES.get(self.name)
        if place is None:
            raise SiloUnreachable(f"Nothing in this process is called {self.url}.")
        return place

    def _stored(self, path: str) -> _Stored:
        folder, _, name = path.rpartition("/")
        directory = self._place().directories.get(folder)
        if directory is None or name not in directory.files:
            raise EntryMissing(f"{self.uri(path)} does not exist.")
        return directory.files[name]


def discard(name: str) -> None:
    """Forget the place `memory://name`."""
    _PLACES.pop(name, None)


def open_silo(url: str, options: Mapping[str, str]) -> MemorySilo:
    """Open `memory://name`."""
    given.check(options, OPTIONS, "A memory silo")
    name = url.removeprefix("memory://").strip("/")
    if not name:
        raise UsageError("A memory silo needs a name.", hint="memory://NAME")
    return MemorySilo(name)


def _grown(place: _Place, path: str, now: int) -> _Directory:
    """The directory `path`, made with its parents where they are missing."""
    directory = place.directories.get(path)
    if directory is None:
        above, _, name = path.rpartition("/")
        parent = _grown(place, above, now)
        parent.directories.add(name)
        parent.mtime_ns = now
        directory = place.directories[path] = _Directory(now)
    return directory


def _listings(path: str, directory: _Directory) -> Iterator[Listing]:
    """The directory in one piece, or in several in name order; the last one names the subdirectories."""
    names = sorted(directory.files)
    while len(names) > SLICE:
        piece, names = names[:SLICE], names[SLICE:]
        yield _listing(path, directory, piece, more=True)
    yield _listing(path, directory, names)


def _listing(path: str, directory: _Directory, names: list[str], more: bool = False) -> Listing:
    stored = [directory.files[name] for name in names]
    return Listing(
        path,
        names,
        [len(one.data) for one in stored],
        [one.mtime_ns for one in stored],
        [one.etag for one in stored],
        directories=() if more else sorted(directory.directories),
        mtime_ns=directory.mtime_ns,
        more=more,
    )
