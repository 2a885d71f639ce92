"""What silos list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Failure:
    """A part of a silo that could not be listed, and why. `retriable` says whether later may differ."""

    prefix: str
    reason: str
    retriable: bool = True


@dataclass(frozen=True, slots=True)
class Listing:
    """The entries of one directory, as columns sorted by name (code-point order).

    `names`, `sizes` and `mtimes` have one element a file; `etags` too, or is None where the silo
    keeps none. `directories` are the names of the direct subdirectories. `complete` is False when
    the directory could not be read to its end: then nothing may be removed on its account, and
    `failure` says why. `skipped` counts what is deliberately not an entry, by kind (`symlink`,
    `socket`, `device`, `fifo`, `vanished`, `marker` for the empty objects that stand for folders,
    `other`). `mtime_ns` is the directory's own time where the silo has one.

    A very large directory may come as several listings in name order; all but the last say `more`.
    """

    path: str
    names: Sequence[str]
    sizes: Sequence[int | None]
    mtimes: Sequence[int | None]
    etags: Sequence[str | None] | None = None
    directories: Sequence[str] = ()
    mtime_ns: int | None = None
    complete: bool = True
    failure: Failure | None = None
    skipped: Mapping[str, int] = field(default_factory=dict)
    more: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or object. `path` is relative to the silo's root."""

    path: str
    size: int | None
    mtime_ns: int | None
    etag: str | None = None
