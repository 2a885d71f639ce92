"""Folding a flat listing of keys into directories. Pure: keys in, listings out.

The keys below one prefix stand next to each other, in the byte order of S3 (`a-b`, `a/x`, `a0`)
as well as in the tree order of some other servers (`a/x`, `a-b`, `a0`). So it takes a stack of
open directories: one is complete when a key outside of it comes. Children come before their parent.

A listing that follows neither order, or that names one file twice, is `OutOfOrderError`; nothing that
its order made doubtful has been given out then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from operator import le, lt

from catalog import text
from catalog.model import Failure, Listing
from catalog.silos.paths import SLICE, bounded, join


class OutOfOrderError(Exception):
    """The keys come in no order that tells when a directory is complete."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some keys of a listing as columns, relative to where it starts. `mtimes` are nanoseconds."""

    keys: Sequence[str]
    sizes: Sequence[int]
    mtimes: Sequence[int]
    etags: Sequence[str | None]


@dataclass(slots=True)
class Folder:
    """A directory that is still open: what was seen of it so far. Its path and names are key text."""

    path: str
    names: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    mtimes: list[int] = field(default_factory=list)
    etags: list[str | None] = field(default_factory=list)
    directories: list[str] = field(default_factory=list)
    markers: int = 0
    last: str = ""
    last_is_folder: bool = False
    given_to: str = ""
    """The last name that was given out in an earlier piece."""
    behind: str = ""
    """The subdirectory up to which an earlier walk has come; this one sees only what comes after."""
    given: Collection[str] | None = None
    """The subdirectories which that walk gave out, where they are remembered."""

    def take(self, page: Page, start: int, stop: int, names: list[str]) -> None:
        """Append the rows `start` to `stop`, which are files of this directory."""
        if not self.behind:  # else it is listed on its own afterwards
            self.names += names
            self.sizes += page.sizes[start:stop]
            self.mtimes += page.mtimes[start:stop]
            self.etags += page.etags[start:stop]
        self.last, self.last_is_folder = names[-1], False

    def refill(self, page: Page, directories: list[str]) -> None:
        """Put another listing of just this directory in place of what was seen of it."""
        self.markers = sum(1 for key in page.keys if not key)
        columns = zip(page.keys, page.sizes, page.mtimes, page.etags)
        rows = sorted(row for row in columns if row[0] > self.given_to)
        self.names, self.sizes, self.mtimes, self.etags = (
            [row[0] for row in rows],
            [row[1] for row in rows],
            [row[2] for row in rows],
            [row[3] for row in rows],
        )
        self.directories = directories

    def given_before(self, name: str, byte_order: bool) -> bool:
        """Whether a subdirectory was given out by the walk that this one goes on with.

        Without its memory the order tells: siblings come as `name/` does in byte order, and as `name` on some
        servers. Where it is not known, what one of the two leaves open is not taken as given out.
        """
        if not self.behind or name == self.behind:
            return bool(self.behind)
        if self.given is not None:
            return name in self.given
        here, there = name.encode("utf-8", "surrogateescape"), self.behind.encode("utf-8", "surrogateescape")
        return here + b"/" < there + b"/" and (byte_order or here < there)

    def listing(self, failure: Failure | None = None, more: bool = False) -> Listing:
        """What was gathered, as a listing; with `more` it is one of several pieces."""
        etags = self.etags if any(self.etags) else None
        names, directories = text.names_to_texts(self.names), text.names_to_texts(self.directories)
        sizes, mtimes = bounded(self.sizes), bounded(self.mtimes)
        skipped = {"marker": self.markers} if self.markers else {}
        if any(map(lt, names[1:], names)):  # only where quoting moved a name
            order = sorted(range(len(names)), key=names.__getitem__)
            names = [names[i] for i in order]
            sizes, mtimes = [sizes[i] for i in order], [mtimes[i] for i in order]
            etags = [etags[i] for i in order] if etags else None
        return Listing(
            text.name_to_text(self.path),
            names,
            sizes,
            mtimes,
            etags,
            () if more else sorted(directories),
            complete=failure is None,
            failure=failure,
            skipped=skipped,
            more=more,
        )

    def piece(self) -> Listing:
        """Give out what was gathered, and go on empty."""
        listing = self.listing(more=True)
        self.given_to, self.markers = self.names[-1], 0
        self.names, self.sizes, self.mtimes, self.etags = [], [], [], []
        return listing


class KeyFold:
    """Takes the pages of one listing and gives directories out as they become complete.

    `start` is the path of the directory the listing starts at. `is_marker(key)` is asked of empty
    objects that look like one: stores keep empty directories as an object `name/`, and clients
    show it as `name`.
    """

    def __init__(self, start: str = "", is_marker: Callable[[str], bool] = lambda key: False) -> None:
        self.start = start
        self.top = Folder(start)
        self._is_marker = is_marker
        self._stack = [self.top]
        self._key_order = self._tree_order = True
        self._held: Page | None = None
        self._last = ""

    def add(self, page: Page) -> Iterator[Listing]:
        """Take the next page. Raises `OutOfOrderError`."""
        self._require_order(page)
        if self._held is not None:
            page, self._held = _joined(self._held, page), None
        count = len(page.keys)
        if count and page.sizes[-1] == 0:  # only the key after it tells whether it is a marker
            self._held, count = _cut(page, count - 1), count - 1
        yield from self._fold(page, count)

    def finish(self) -> Iterator[Listing]:
        """The listing has ended: give out every directory that is still open, as complete."""
        if self._held is not None:
            page, self._held = self._held, None
            yield from self._fold(page, len(page.keys))
        while self._stack:
            yield self._stack.pop().listing()

    def fail(self, reason: str, retriable: bool) -> Iterator[Listing]:
        """The listing broke off: every open directory is incomplete, for that reason."""
        while self._stack:
            folder = self._stack.pop()
            yield folder.listing(Failure(text.name_to_text(folder.path), reason, retriable))

    def abandon(self) -> list[Folder]:
        """The open directories, innermost first, for another way of listing them.

        The subdirectories each one names are those given out, or open and so before it in the result.
        """
        folders, self._stack = self._stack[::-1], []
        return folders

    def _require_order(self, page: Page) -> None:
        """Raise `OutOfOrderError` before anything is given out that a page in no order would make look complete.

        Empty objects are left out: the name of a marker is not what it was listed by.
        """
        keys = page.keys if 0 not in page.sizes else [key for key, size in zip(page.keys, page.sizes) if size]
        if not keys:
            return
        keys, self._last = [self._last, *keys] if self._last else keys, keys[-1]
        if not all(map(lt, keys, keys[1:])):
            by_tree = [key.replace("/", "\0") for key in keys]
            if not all(map(lt, by_tree, by_tree[1:])):
                raise OutOfOrderError

    def _fold(self, page: Page, count: int) -> Iterator[Listing]:
        keys = page.keys
        heads = [key.rpartition("/") for key in keys]
        at = 0
        while at < count:
            if not keys[at] or (page.sizes[at] == 0 and self._marks(page, at)):
                yield from self._enter(keys[at])  # no key at all: that of the start itself
                self._stack[-1].markers += 1
                at += 1
                continue
            directory, stop = heads[at][0], at + 1
            while stop < count and heads[stop][0] == directory and page.sizes[stop]:
                stop += 1
            names = [head[2] for head in heads[at:stop]]
            yield from self._enter(directory, names[0])
            if any(map(le, names[1:], names)):
                raise OutOfOrderError
            folder = self._stack[-1]
            folder.take(page, at, stop, names)
            if len(folder.names) > SLICE:
                yield folder.piece()
            at = stop

    def _marks(self, page: Page, at: int) -> bool:
        """Is this empty object the marker of a directory?"""
        key = page.keys[at]
        if at + 1 < len(page.keys) and page.keys[at + 1].startswith(key + "/"):
            return True
        name = key.rpartition("/")[2]
        return "." not in name and not name.startswith("_") and self._is_marker(join(self.start, key))

    def _enter(self, key: str, name: str = "") -> Iterator[Listing]:
        """Make the directory `key` the innermost open one; `name` is the file to come in it."""
        path = join(self.start, key)
        stack = self._stack
        if path == stack[-1].path:
            if name:
                self._check(stack[-1], name, False)
            return
        depth = len(stack) - 1
        while depth and not (path + "/").startswith(stack[depth].path + "/"):
            depth -= 1
        above = stack[depth].path
        below = path[len(above) + 1 if above else 0 :] if path != above else ""
        first = below.partition("/")[0]
        if first or name:
            self._check(stack[depth], first or name, bool(first))
        while len(stack) > depth + 1:
            yield stack.pop().listing()
        for segment in below.split("/") if below else ():
            parent = stack[-1]
            parent.directories.append(segment)
            parent.last, parent.last_is_folder = segment, True
            stack.append(Folder(join(parent.path, segment)))

    def _check(self, folder: Folder, name: str, is_folder: bool) -> None:
        """Raise `OutOfOrderError` when `name` cannot follow what was last seen in `folder`."""
        last = folder.last
        if not last:
            return
        if name == last and is_folder != folder.last_is_folder:
            return  # a file and a directory of one name
        if name <= last:
            self._tree_order = False
        if name + "/" * is_folder <= last + "/" * folder.last_is_folder:
            self._key_order = False
        if not (self._key_order or self._tree_order):
            raise OutOfOrderError


def _cut(page: Page, start: int) -> Page:
    return Page(page.keys[start:], page.sizes[start:], page.mtimes[start:], page.etags[start:])


def _joined(first: Page, second: Page) -> Page:
    return Page(
        [*first.keys, *second.keys],
        [*first.sizes, *second.sizes],
        [*first.mtimes, *second.mtimes],
        [*first.etags, *second.etags],
    )
