"""The silo that all file servers are: a protocol's file adds how to list, look up and read.

Listings carry size and time, and are used as they are: no file is asked about on its own. Symbolic links
are counted and never followed. Errors that may pass are tried again (`manners.patiently`).
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, ClassVar, Literal

from catalog import text
from catalog.errors import EntryMissing
from catalog.model import Entry, Listing
from catalog.silos import ranges
from catalog.silos.addresses import Address
from catalog.silos.base import Capabilities, Reached, Unchanged
from catalog.silos.manners import Pace, patiently
from catalog.silos.paths import join, relative
from catalog.silos.reach import first_paths, reached
from catalog.silos.remote.walk import FILE, FOLDER, MOST, Found, Walk, gathered

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class RemoteSilo(ABC):
    """The files below one folder of a server."""

    kind: ClassVar[Literal["object", "file", "block"]] = "file"
    capabilities: ClassVar[Capabilities] = Capabilities(order="tree", in_turn=True, concurrent_reads=4)

    def __init__(self, address: Address, identity: str, pace: Pace) -> None:
        self.url = address.url
        self.address = address
        self.identity = identity
        self._pace = pace

    # ------------------------------------------------------------ what a protocol adds

    @abstractmethod
    def _list(self, path: str) -> Iterable[Found]:
        """The entries of a directory. All four take paths as the server keeps them, below the silo's root.

        They raise `EntryMissing`, `SiloRefused`, or `SiloUnreachable` and `SiloBusy` for what may pass.
        """

    @abstractmethod
    def _find(self, path: str) -> Found:
        """What stands at a path; its name does not matter."""

    @abstractmethod
    def _read(self, path: str, offset: int, length: int) -> bytes:
        """Up to `length` bytes of a file from `offset`, which is not negative; fewer only at its end."""

    @abstractmethod
    def close(self) -> None:
        """See `Silo.close`."""

    def _facts(self) -> Iterable[tuple[str, str]]:
        """What is worth telling of a server that was reached: pairs of a word and a value."""
        return ()

    # ------------------------------------------------------------ the contract

    def walk(self, prefix: str = "", unchanged: Unchanged | None = None) -> Iterator[Listing]:
        """See `Silo.walk`."""
        return Walk(self, self.capabilities, unchanged).run(relative(prefix))

    def read(self, path: str, offset: int, length: int) -> bytes:
        """See `Silo.read`."""
        native = text.text_to_name(relative(path))
        if offset < 0:
            offset = max((self._file(path).size or 0) + offset, 0)
        if length <= 0:
            return b""
        return patiently(lambda: self._read(native, offset, length), self._pace)

    def open(self, path: str) -> BinaryIO:
        """See `Silo.open`."""
        size = self._file(path).size or 0
        return ranges.opened(lambda offset, length: self.read(path, offset, length), size)

    def filesystem(self) -> AbstractFileSystem:
        """See `Silo.filesystem`."""
        from catalog.silos.filesystem import SiloFileSystem

        return SiloFileSystem(self)

    def uri(self, path: str) -> str:
        """See `Silo.uri`."""
        return join(self.url, text.text_to_name(path))

    def namespace(self) -> tuple[str, str]:
        """See `Silo.namespace`; the user is no part of it."""
        return self.address.place, "/" + self.address.path

    def test(self) -> Reached:
        """See `Silo.test`."""
        started = time.monotonic()
        found = reached(self, self.identity, first_paths(self.walk()), started)
        return replace(found, facts=tuple(self._facts()))

    # ------------------------------------------------------------ for `filesystem`

    def children(self, path: str) -> Listing:
        """The listing of one directory. Raises `EntryMissing` when there is none."""
        return gathered(path, self.found(path), self.capabilities.checksum is not None)[0]

    def entry(self, path: str) -> Entry:
        """One file. Raises `EntryMissing` when there is none."""
        found = self._file(path)
        return Entry(path, found.size, found.mtime_ns, found.etag)

    # ------------------------------------------------------------ for `Walk`

    def found(self, path: str) -> list[Found]:
        """The entries of a directory. Raises as `_list` does."""
        native = text.text_to_name(path)
        return patiently(lambda: list(islice(self._list(native), MOST + 1)), self._pace)

    def changed_at(self, path: str) -> int | None:
        """When entries of a directory were added or removed last, in nanoseconds. Raises as `_find` does."""
        native = text.text_to_name(path)
        found = patiently(lambda: self._find(native), self._pace)
        return found.mtime_ns if found.kind == FOLDER else None

    def _file(self, path: str) -> Found:
        native = text.text_to_name(relative(path))
        found = patiently(lambda: self._find(native), self._pace)
        if found.kind != FILE:
            raise EntryMissing(f"{text.safe(self.uri(path), 300)} is not a file.")
        return found

