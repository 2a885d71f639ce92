"""The contract every silo fulfils, and the optional powers it may declare.

The core is small: walk the tree, read a range, open a file, hand out an fsspec filesystem, say
what was reached. Everything else is a flag in `Capabilities`, so that the crawl asks a silo what
it can do instead of asking what it is. Silos are opened read-only, always.

`memory` is the reference; `tests/conformance/` holds the suite that every silo passes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol, runtime_checkable

from catalog.model import Listing

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

    from catalog.model.lineage import Layer

Unchanged = Callable[[str, int], Sequence[str] | None]
"""Asked before a directory is listed: `unchanged(path, mtime_ns)` returns the names of its known
subdirectories when the catalog trusts that nothing in it changed, and None to have it listed."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a silo can do beyond the core contract."""

    order: Literal["tree", "keys"]
    """`tree`: a directory comes before its children. `keys`: names come in key order, so a
    directory is known complete only once its prefix has passed."""
    checksum: str | None = None
    """Kind of checksum kept in `etags`: `etag`, `md5`, …; `version` where equal content need not have equal
    ones; None where the silo keeps none."""
    directory_mtimes: bool = False
    """Directories have a modification time that changes when an entry is added or removed. One whose time says
    nothing has none, and is always listed."""
    suffix_ranges: bool = False
    """The last bytes of a file can be read without knowing its size."""
    concurrent_reads: int = 1
    """How many reads in flight pay off."""
    concurrent_lists: int = 1
    """How many listing requests in flight pay off: what answers over a network is waited for."""
    in_turn: bool = False
    """A walk of the tree comes to a directory, then to all below it, then to its next sibling by name: one path
    tells how far it has come."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What `catalog silo test` reports: the place, the identity used, a first look, and the storage below."""

    url: str
    identity: str
    sample: tuple[str, ...]
    readable: bool
    seconds: float
    layers: tuple[Layer, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    """What else is worth telling of the place: pairs of a word and a value."""


class Silo(Protocol):
    """A storage location opened for reading."""

    url: str

    @property
    def kind(self) -> Literal["object", "file", "block"]:
        """What kind of storage it is."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do beyond this contract."""
        ...

    def walk(self, prefix: str = "", unchanged: Unchanged | None = None) -> Iterator[Listing]:
        """List the directory `prefix` and everything below, one `Listing` a directory.

        A directory that cannot be listed yields an incomplete listing with a `Failure`; the walk
        goes on with the rest. Raises `SiloUnreachable`, `SiloRefused` or `SiloUnreadable` only when the
        start itself cannot be listed. With `unchanged` (silos with `directory_mtimes` only), directories it
        recognises are not listed and yield nothing, but their subdirectories are visited. A
        directory that vanished after its parent was listed yields nothing either.

        Of a directory in several pieces, all but the last have at least one name, and the last
        alone names the subdirectories: all of them.
        """
        ...

    def read(self, path: str, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset`; fewer only at the end of the file.

        A negative `offset` counts from the end (`read(path, -8, 8)` is the last eight bytes).
        Raises `EntryMissing`, `SiloRefused`, `SiloUnreachable` or `SiloUnreadable`.
        """
        ...

    def open(self, path: str) -> BinaryIO:
        """A seekable, read-only, buffered binary file. Raises as `read` does."""
        ...

    def filesystem(self) -> AbstractFileSystem:
        """A read-only fsspec filesystem whose paths are this silo's paths (relative to its root)."""
        ...

    def uri(self, path: str) -> str:
        """The full address of `path`, as other tools would write it (`s3://bucket/key`)."""
        ...

    def namespace(self) -> tuple[str, str]:
        """The OpenLineage namespace of this silo and the name its root has there.

        `("s3://lake", "raw")` for `s3://lake/raw`; `("file", "/data/lake")` for a local folder.
        """
        ...

    def test(self) -> Reached:
        """Reach the silo and look at its first entries. Raises as `walk` does."""
        ...

    def close(self) -> None:
        """Release connections and descriptors; the silo is not used afterwards."""
        ...


@runtime_checkable
class Listable(Protocol):
    """A silo that lists one directory at a time."""

    def children(self, path: str) -> Listing:
        """The listing of one directory. Raises `EntryMissing` when there is none."""
        ...


@runtime_checkable
class Ranged(Protocol):
    """A silo whose keys may come in byte order: then ranges of them can be listed at once."""

    byte_order: bool
    """Whether they are known to. Some servers list a tree, in which `a/x` comes before `a-b`."""

    def walk_ranges(self, prefix: str, bounds: Sequence[str], workers: int) -> Iterator[Listing]:
        """As `Silo.walk`, in the same order, with up to `workers` requests under way.

        `bounds` are paths between which the ranges lie.
        """
        ...


@runtime_checkable
class Resumable(Protocol):
    """A silo in key order whose walk can begin behind a directory that an earlier one gave out."""

    def walk_after(
        self, prefix: str, after: str, given: Mapping[str, Collection[str]] | None, bounds: Sequence[str], workers: int
    ) -> Iterator[Listing]:
        """What `Silo.walk` gives out after the directory `after`: what lies behind it, and all directories above.

        `given` are the subdirectories that were given out of those above, by path; None when that is not known.
        With `bounds`, as `Ranged.walk_ranges`.
        """
        ...


@runtime_checkable
class Dated(Protocol):
    """A silo whose listing was made by someone else, at a time of its own."""

    def listed_as_of(self) -> int | None:
        """When the listing was true, in nanoseconds; None where that is not told. Raises as `walk` does."""
        ...


@runtime_checkable
class Layered(Protocol):
    """A silo that knows the storage it lies on."""

    def layers(self) -> Sequence[Layer]:
        """Volumes, partitions and filesystems, each after the one it lies on. Raises as `walk` does."""
        ...


class Opener(Protocol):
    """How a room of `silos/` is entered: `open_silo(url, options)` in each module."""

    def __call__(self, url: str, options: Mapping[str, str]) -> Silo:
        """Open the silo at `url`; reaches nothing yet. Raises `UsageError` for unknown options."""
        ...
