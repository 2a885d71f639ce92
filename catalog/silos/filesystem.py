"""Any silo as an fsspec filesystem: read-only, and with paths relative to the silo's root.

Imported by the silos' `filesystem()` methods only, because fsspec is slow to load.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partialmethod
from typing import Any, BinaryIO, NoReturn, Protocol

from fsspec import AbstractFileSystem

from catalog.errors import EntryMissing, SiloError, SiloRefused
from catalog.model import Entry, Listing
from catalog.silos.paths import join, relative


class Browsable(Protocol):
    """What this filesystem asks of a silo beyond the contract's `read` and `open`."""

    url: str

    def children(self, path: str) -> Listing:
        """The listing of one directory. Raises `EntryMissing` when there is none."""
        ...

    def entry(self, path: str) -> Entry:
        """One file. Raises `EntryMissing` when there is none, also for a directory."""
        ...

    def read(self, path: str, offset: int, length: int) -> bytes:
        """As in `Silo`."""
        ...

    def open(self, path: str) -> BinaryIO:
        """As in `Silo`."""
        ...


class SiloFileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec is untyped
    """A silo for readers that speak fsspec. Everything that would write raises `OSError` (EROFS)."""

    protocol = "silo"
    cachable = False
    root_marker = ""

    def __init__(self, silo: Browsable) -> None:
        super().__init__()
        self.silo = silo

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        # Every name is a name here: nothing before `://` or `::` is a protocol.
        if isinstance(path, list):
            return [cls._strip_protocol(one) for one in path]
        return os.fspath(path).strip("/")

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """What stands in `path`: dictionaries with name, size, type, mtime and etag, or names alone."""
        path = self._strip_protocol(path)
        with _as_os_errors(path):
            try:
                found = _details(self.silo.children(relative(path)))
            except EntryMissing:
                found = [_detail(self.silo.entry(relative(path)))]
        return found if detail else [one["name"] for one in found]

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """One file or directory, as in `ls`."""
        path = self._strip_protocol(path)
        with _as_os_errors(path):
            if path:
                try:
                    return _detail(self.silo.entry(relative(path)))
                except EntryMissing:
                    self.silo.children(relative(path))
        return _folder(path)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        """The bytes from `start` to `end`; negative ones count from the end of the file."""
        path = relative(self._strip_protocol(path))
        with _as_os_errors(path):
            size = self.silo.entry(path).size or 0
            first, last, _step = slice(start, end).indices(size)
            return self.silo.read(path, first, last - first) if last > first else b""

    def modified(self, path: str) -> datetime:
        """The time of the last change, in UTC."""
        return datetime.fromtimestamp(self.info(path)["mtime"] or 0, UTC)

    def _open(self, path: str, mode: str = "rb", **_: Any) -> BinaryIO:
        if mode != "rb":
            self._refuse(path)
        with _as_os_errors(path):
            return self.silo.open(relative(path))

    def _refuse(self, *paths: Any, **_: Any) -> NoReturn:
        raise OSError(errno.EROFS, "silos are opened read-only", str(paths[0]) if paths else None)

    # fsspec's own versions of these do nothing, or report that they are not implemented.
    mkdir: Callable[..., None] = partialmethod(_refuse)  # type: ignore[assignment]
    makedirs = rmdir = rm = rm_file = _rm = cp_file = mv = touch = pipe_file = put_file = mkdir


def _details(listing: Listing) -> list[dict[str, Any]]:
    if listing.failure is not None:
        raise OSError(errno.EIO, listing.failure.reason, listing.path)
    etags = listing.etags or [None] * len(listing.names)
    columns = zip(listing.names, listing.sizes, listing.mtimes, etags, strict=True)
    files = [_detail(Entry(join(listing.path, name), size, at, etag)) for name, size, at, etag in columns]
    return [_folder(join(listing.path, name)) for name in listing.directories] + files


def _detail(entry: Entry) -> dict[str, Any]:
    mtime = None if entry.mtime_ns is None else entry.mtime_ns / 1e9
    return {"name": entry.path, "size": entry.size, "type": "file", "mtime": mtime, "etag": entry.etag}


def _folder(path: str) -> dict[str, Any]:
    return {"name": path, "size": 0, "type": "directory", "mtime": None, "etag": None}


@contextmanager
def _as_os_errors(path: str) -> Iterator[None]:
    """Readers know the operating system's errors, not this package's."""
    try:
        yield
    except EntryMissing as error:
        raise FileNotFoundError(errno.ENOENT, error.message, path) from error
    except SiloRefused as error:
        raise PermissionError(errno.EACCES, error.message, path) from error
    except SiloError as error:
        raise OSError(errno.EIO, error.message, path) from error
