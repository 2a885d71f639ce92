"""The walk over "list one directory", and what is expected of a server that may be broken or hostile.

A server can list a directory inside of itself without end, name entries that no path can hold, and go
away in the middle. None of it ends the walk, and nothing of it looks like a complete listing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from catalog import text
from catalog.errors import EntryMissing, SiloError, SiloUnreachable, Transient
from catalog.model import Failure, Listing
from catalog.silos.base import Capabilities, Unchanged
from catalog.silos.paths import LARGEST, SLICE, bounded, join

FILE, FOLDER = "file", "directory"
DEEPEST = 200
"""Directories further down are not listed: no tree that people made is as deep."""
MOST = 5_000_000
"""So many entries of one directory are taken; a listing that goes on is incomplete."""
_LONGEST = 4096
_ALIKE = 3
"""A directory that is listed exactly like so many of those above it contains itself."""
_ALIKE_WITHOUT_FILES = 40
_LOST = 3
"""After so many directories in a row that could not be listed, the server is taken as gone."""


class Found(NamedTuple):
    """One entry as a server lists it. `kind` is `FILE`, `FOLDER`, or how it is counted as skipped.

    `name` is the name as the server keeps it; bytes that are no UTF-8 are surrogates (`surrogateescape`).
    """

    name: str
    kind: str
    size: int | None = None
    mtime_ns: int | None = None
    etag: str | None = None


class Source(Protocol):
    """What the walk asks of a silo. Paths are as the catalog keeps them."""

    def found(self, path: str) -> Sequence[Found]:
        """The entries of a directory, not many more than `MOST`. Raises `EntryMissing` or another `SiloError`."""
        ...

    def changed_at(self, path: str) -> int | None:
        """When entries of a directory were added or removed last, in nanoseconds. Raises as `found` does."""
        ...

    def uri(self, path: str) -> str:
        """The full address of a path."""
        ...


_Above = tuple[int, "_Above"] | None
"""How the directories above one are listed, innermost first: a digest of each."""


class _Pending(NamedTuple):
    path: str
    mtime_ns: int | None
    above: _Above


class Walk:
    """One walk: directories before what is in them, in name order."""

    def __init__(self, source: Source, capabilities: Capabilities, unchanged: Unchanged | None) -> None:
        self._source = source
        self._checksums = capabilities.checksum is not None
        self._timed = capabilities.directory_mtimes
        self._unchanged = unchanged
        self._lost = 0
        self._why = ""

    def run(self, prefix: str) -> Iterator[Listing]:
        """The directory `prefix` and all below. Raises `SiloError` only when that one cannot be listed."""
        pending = [_Pending(prefix, None, None)]
        while pending:
            here = pending.pop()
            below: list[_Pending] = []
            try:
                if self._timed and here.mtime_ns is None:  # else its parent's listing told
                    here = here._replace(mtime_ns=self._source.changed_at(here.path))
                known = None
                if self._unchanged is not None and here.mtime_ns is not None:
                    known = self._unchanged(here.path, here.mtime_ns)
                if known is not None:
                    below = [_Pending(join(here.path, name), None, here.above) for name in sorted(known)]
                else:
                    yield from self._listed(here, below)
            except EntryMissing as error:
                if here.path == prefix:
                    raise SiloUnreachable(
                        f"There is no folder at {text.safe(self._source.uri(prefix), 300)}.",
                        hint="Check the path, and what this user may see.",
                    ) from error
                continue  # gone since its parent was listed, which has changed then
            except SiloError as error:
                if here.path == prefix:
                    raise
                yield self._failed(here.path, error)
                continue
            pending.extend(reversed(below))

    def _listed(self, here: _Pending, below: list[_Pending]) -> Iterator[Listing]:
        """The directory in pieces; its subdirectories are appended to `below`."""
        if self._lost >= _LOST:
            raise SiloUnreachable(f"not asked: the server is gone ({self._why})")
        if here.path.count("/") >= DEEPEST:
            yield _broken(here.path, f"it lies deeper than {DEEPEST} levels", retriable=False)
            return
        listing, times = gathered(here.path, self._source.found(here.path), self._checksums)
        self._lost = 0
        digest = hash((tuple(listing.names), tuple(listing.sizes), tuple(listing.mtimes), tuple(listing.directories)))
        if listing.directories and _contains_itself(digest, here.above, bool(listing.names)):
            yield _broken(here.path, "it contains itself: it is listed exactly like the folders above it", False)
            return
        yield from pieces(replace(listing, mtime_ns=here.mtime_ns))
        above = (digest, here.above)
        below += [_Pending(join(here.path, name), times[name], above) for name in listing.directories]

    def _failed(self, path: str, error: SiloError) -> Listing:
        if isinstance(error, Transient):
            self._lost += 1
            self._why = self._why if self._lost > _LOST else error.message
        return _broken(path, error.message, isinstance(error, Transient))


def gathered(path: str, entries: Sequence[Found], checksums: bool) -> tuple[Listing, dict[str, int | None]]:
    """A directory in one piece, and the times of its subdirectories, from its entries in any order."""
    files: dict[str, Found] = {}
    folders: dict[str, int | None] = {}
    skipped: dict[str, int] = {}
    refused: str | None = None
    for entry in entries:
        name = entry.name
        if name in (".", ".."):
            continue
        if not _is_name(name):
            refused = refused if refused is not None else name
        elif entry.kind == FILE:
            files.setdefault(text.name_to_text(name), entry)
        elif entry.kind == FOLDER:
            folders.setdefault(text.name_to_text(name), entry.mtime_ns)
        else:
            skipped[entry.kind] = skipped.get(entry.kind, 0) + 1
    failure = None
    if refused is not None:
        failure = Failure(path, f"an entry has a name that no path can hold: '{text.safe(refused, 80)}'", False)
    elif len(entries) > MOST:
        failure = Failure(path, f"it has more than {MOST:,} entries", False)
    names = sorted(files)
    rows = [files[name] for name in names]
    listing = Listing(
        path,
        names,
        [_size(row.size) for row in rows],
        [_time(row.mtime_ns) for row in rows],
        [row.etag for row in rows] if checksums else None,
        sorted(folders),
        complete=failure is None,
        failure=failure,
        skipped=skipped,
    )
    return listing, folders


def pieces(whole: Listing) -> Iterator[Listing]:
    """A directory as the contract wants a very large one: in slices, the last of which names the subdirectories."""
    count = len(whole.names)
    if count <= SLICE:
        yield whole
        return
    for at in range(0, count, SLICE):
        last = at + SLICE >= count
        part = slice(at, at + SLICE)
        yield replace(
            whole,
            names=whole.names[part],
            sizes=whole.sizes[part],
            mtimes=whole.mtimes[part],
            etags=whole.etags[part] if whole.etags is not None else None,
            directories=whole.directories if last else (),
            skipped=whole.skipped if last else {},
            failure=whole.failure if last else None,
            complete=whole.complete or not last,
            more=not last,
        )


def _is_name(name: str) -> bool:
    """Whether an entry of that name can have a path, and the path a row in any database."""
    if not name or len(name) > _LONGEST or "/" in name or "\0" in name:
        return False
    return name.isascii() or not any("\ud800" <= c <= "\udfff" and not "\udc80" <= c <= "\udcff" for c in name)


def _size(value: int | None) -> int | None:
    return value if value is not None and 0 <= value <= LARGEST else None


def _time(value: int | None) -> int | None:
    return value if value is None else bounded([value])[0]


def _contains_itself(digest: int, above: _Above, has_files: bool) -> bool:
    alike = 0
    while above is not None:
        alike += above[0] == digest
        above = above[1]
    return alike >= (_ALIKE if has_files else _ALIKE_WITHOUT_FILES)


def _broken(path: str, reason: str, retriable: bool) -> Listing:
    failure = Failure(path, reason, retriable)
    return Listing(path, (), (), (), complete=False, failure=failure)
