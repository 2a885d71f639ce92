"""The walk over a local tree, from an open directory downwards.

Each directory is opened by its path below that descriptor, so the walk stays in the tree it began
in even when folders above it are moved.
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from catalog import text
from catalog.model import Failure, Listing
from catalog.silos.base import Unchanged
from catalog.silos.paths import LARGEST, SLICE, bounded, join

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
REFUSED = (errno.EACCES, errno.EPERM)

_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)  # removed, or replaced by a file or a link
_KINDS = {1: "fifo", 2: "device", 6: "device", 10: "symlink", 12: "socket"}  # st_mode >> 12
_REGULAR, _FOLDER = 8, 4

_Above = tuple[int, int, "_Above"] | None
"""The directories above one, innermost first: device, inode, and those above that."""


def walk(start: int, prefix: str, unchanged: Unchanged | None) -> Iterator[Listing]:
    """The directory open at `start`, which is `prefix` of the silo, and all below, parents first.

    Raises `OSError` only when `start` itself cannot be listed.
    """
    cut = len(prefix) + 1 if prefix else 0
    pending: list[tuple[str, _Above]] = [(prefix, None)]
    while pending:
        path, above = pending.pop()
        name = text.text_to_name(path[cut:]) or "."
        try:
            if unchanged is not None:  # to pass over a directory takes one look at it, and no opening
                seen = os.stat(name, dir_fd=start, follow_symlinks=False)
                known = unchanged(path, seen.st_mtime_ns) if seen.st_mode >> 12 == _FOLDER else None
                if known is not None and not _is_within(seen, above):
                    _descend(pending, path, sorted(known), seen, above)
                    continue
            fd = os.open(name, DIRECTORY, dir_fd=start)
        except OSError as error:
            if path == prefix:
                raise
            if error.errno not in _GONE:
                yield failed(path, error)
            continue
        below: Sequence[str] = ()
        try:
            here = os.fstat(fd)
            if _is_within(here, above):
                yield Listing(path, (), (), (), complete=False, failure=_loop(path))
                continue
            for listing in _listings(fd, path, here.st_mtime_ns):
                below = listing.directories
                yield listing
        except OSError as error:
            if path == prefix:
                raise
            yield failed(path, error)
            continue
        finally:
            os.close(fd)
        _descend(pending, path, below, here, above)


def _descend(
    pending: list[tuple[str, _Above]], path: str, below: Sequence[str], here: os.stat_result, above: _Above
) -> None:
    """Note the subdirectories of a directory, so that the first of them comes next."""
    if below:
        chain = (here.st_dev, here.st_ino, above)
        pending.extend([(join(path, name), chain) for name in reversed(below)])


def whole(fd: int, path: str) -> Listing:
    """One directory in one piece, however large."""
    pieces = list(_listings(fd, path, os.fstat(fd).st_mtime_ns))
    return replace(
        pieces[-1],
        names=[name for piece in pieces for name in piece.names],
        sizes=[size for piece in pieces for size in piece.sizes],
        mtimes=[mtime for piece in pieces for mtime in piece.mtimes],
    )


def failed(path: str, error: OSError) -> Listing:
    """The listing of a directory that could not be read."""
    failure = Failure(path, reason(error), retriable=error.errno not in REFUSED)
    return Listing(path, (), (), (), complete=False, failure=failure)


def reason(error: OSError | ValueError) -> str:
    """A few words for people."""
    return (getattr(error, "strerror", None) or str(error)).lower()


def _loop(path: str) -> Failure:
    return Failure(path, "it contains itself: the same folder is mounted above it", retriable=False)


def _is_within(here: os.stat_result, above: _Above) -> bool:
    while above is not None:
        device, inode, above = above
        if inode == here.st_ino and device == here.st_dev:
            return True
    return False


def _listings(fd: int, path: str, mtime_ns: int) -> Iterator[Listing]:
    """The directory in pieces in name order, almost always one. The last names all subdirectories."""
    names = os.listdir(fd)
    names.sort()
    stored = _stored(names)
    time = mtime_ns if -LARGEST <= mtime_ns <= LARGEST else None
    if len(names) <= SLICE:
        yield _listing(fd, path, names, stored, time)
        return
    directories: list[str] = []
    skipped: Counter[str] = Counter()
    failure: Failure | None = None
    for at in range(0, len(names), SLICE):
        piece = _listing(fd, path, names[at : at + SLICE], stored[at : at + SLICE], time)
        directories += piece.directories
        skipped.update(piece.skipped)
        failure = failure or piece.failure
        last = at + SLICE >= len(names)
        if not last and not piece.names:
            continue  # nothing but subdirectories, which the last piece names
        yield replace(
            piece,
            directories=directories if last else (),
            skipped=dict(skipped),
            more=not last,
            complete=failure is None,
            failure=failure if last else None,
        )
        skipped.clear()


def _stored(names: list[str]) -> list[str]:
    """The names as the catalog keeps them. Sorts `names` in place into the order of what it returns."""
    stored = text.names_to_texts(names)
    if stored is names:
        return names
    pairs = sorted(zip(stored, names))
    names[:] = [name for _, name in pairs]
    return [stored for stored, _ in pairs]


def _listing(fd: int, path: str, names: list[str], stored: list[str], mtime_ns: int | None) -> Listing:
    skipped: dict[str, int] = {}
    failure = None
    try:
        stats = [os.stat(name, dir_fd=fd, follow_symlinks=False) for name in names]
    except OSError:
        stored, stats, vanished, failure = _one_by_one(fd, path, names, stored)
        if vanished:
            skipped["vanished"] = vanished
    directories: list[str] = []
    modes = {s.st_mode >> 12 for s in stats}
    if modes and modes != {_REGULAR}:
        kinds = [s.st_mode >> 12 for s in stats]
        directories = [name for name, kind in zip(stored, kinds) if kind == _FOLDER]
        for kind in kinds:
            if kind != _REGULAR and kind != _FOLDER:
                word = _KINDS.get(kind, "other")
                skipped[word] = skipped.get(word, 0) + 1
        stored = [name for name, kind in zip(stored, kinds) if kind == _REGULAR]
        stats = [s for s, kind in zip(stats, kinds) if kind == _REGULAR]
    return Listing(
        path,
        stored,
        [s.st_size for s in stats],
        bounded([s.st_mtime_ns for s in stats]),
        None,
        directories,
        mtime_ns,
        failure is None,
        failure,
        skipped,
    )


def _one_by_one(
    fd: int, path: str, names: list[str], stored: list[str]
) -> tuple[list[str], list[os.stat_result], int, Failure | None]:
    """The stats that can be had: names and stats, how many names vanished, and the first other failure."""
    kept: list[str] = []
    stats: list[os.stat_result] = []
    vanished, failure = 0, None
    for name, shown in zip(names, stored):
        try:
            stats.append(os.stat(name, dir_fd=fd, follow_symlinks=False))
            kept.append(shown)
        except FileNotFoundError:
            vanished += 1
        except OSError as error:
            failure = failure or Failure(path, reason(error), error.errno not in REFUSED)
    return kept, stats, vanished, failure
