"""What the readers of filesystems have in common: a folder's entries as columns, and how names become text."""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

QUOTE = "\u201b"
"""What `text.name_to_text` quotes with, and so must quote itself."""

Beat = Callable[[], None]
"""Called now and then by loops over what was read, so that only a reader that is stuck is given up."""
BEAT_EVERY = 1000
UNKNOWN = -(2**63)
"""A time that is not known: beyond what a catalog column holds, which listings have as None."""
Content = Callable[[int, int], bytes]
"""`content(offset, length)`: bytes of a file; fewer than asked for only at its end."""
_KEPT_FOLDERS = 64
_KEPT_NAMES = 1_000_000


class Folder:
    """One directory: files as columns sorted by name, then subdirectories. `nodes` and `below` are what to read by.

    `problem` says why entries may be missing. `mtime_ns` is None where a directory's time says nothing. `room` is
    how many bytes its entries take: no filesystem that is whole has folders larger than itself.
    """

    __slots__ = ("below", "directories", "mtime_ns", "mtimes", "names", "nodes", "problem", "room", "sizes", "skipped")

    def __init__(self, mtime_ns: int | None = None) -> None:
        self.mtime_ns = mtime_ns
        self.names: list[str] = []
        self.sizes: list[int] = []
        self.mtimes: list[int] = []
        self.nodes: list[int] = []
        self.directories: list[str] = []
        self.below: list[int] = []
        self.skipped: dict[str, int] = {}
        self.problem: str | None = None
        self.room = 0

    def skip(self, kind: str, number: int = 1) -> None:
        """Count what is deliberately no entry."""
        self.skipped[kind] = self.skipped.get(kind, 0) + number

    def blame(self, problem: str) -> None:
        """Say why the folder is not complete; the first reason stays."""
        self.problem = self.problem or problem


class Filesystem(Protocol):
    """One filesystem of an image. Nodes are its own numbers of files."""

    root: int

    def folder(self, node: int) -> Folder:
        """The directory `node`. Raises `OSError`, `UnreadableError` among them."""
        ...

    def mtime(self, node: int) -> int | None:
        """The time of the directory `node`; None where it says nothing. Raises as `folder` does."""
        ...

    def refusal(self, node: int) -> str | None:
        """Why the content of the file `node` must not be handed out though it could be read, such as encryption."""
        ...


class Reading(Filesystem, Protocol):
    """A filesystem whose files the reader process reads as well."""

    def content(self, node: int) -> Content:
        """A function that reads the file `node`. Raises `OSError`, as the function does."""
        ...


class UnreadableError(OSError):
    """A directory or file cannot be read. The text is a few words for people."""


def reason(error: OSError) -> str:
    """What went wrong, in a few words on one line. The Sleuth Kit may quote the image, and names its own functions."""
    from catalog.text import safe

    told = (error.strerror or str(error)).partition("\n")[0]
    _, mark, behind = told.partition(": (tsk3.")
    return safe(behind.partition(") ")[2] if mark else told, 200)


class Folders:
    """The folders of one filesystem, the last ones kept."""

    def __init__(self, filesystem: Filesystem) -> None:
        self.filesystem = filesystem
        self._kept: OrderedDict[int, Folder] = OrderedDict()
        self._names = 0

    def get(self, node: int) -> Folder:
        """The directory `node`. Raises as `Filesystem.folder` does."""
        folder = self._kept.get(node)
        if folder is None:
            folder = self._kept[node] = self.filesystem.folder(node)
            self._names += len(folder.names) + len(folder.directories)
            while len(self._kept) > 1 and (len(self._kept) > _KEPT_FOLDERS or self._names > _KEPT_NAMES):
                old = self._kept.popitem(last=False)[1]
                self._names -= len(old.names) + len(old.directories)
        return folder

    def find(self, names: Sequence[str]) -> tuple[int, int | None, int | None] | None:
        """What stands at a path: node, size and time of a file, the node alone of a directory; None for nothing."""
        node = self.filesystem.root
        for depth, name in enumerate(names):
            folder = self.get(node)
            at = _index(folder.directories, name)
            if at is not None:
                node = folder.below[at]
                continue
            at = _index(folder.names, name) if depth == len(names) - 1 else None
            return None if at is None else (folder.nodes[at], folder.sizes[at], folder.mtimes[at])
        return node, None, None


def _index(names: list[str], name: str) -> int | None:
    at = bisect_left(names, name)
    return at if at < len(names) and names[at] == name else None


def decoded(names: Sequence[bytes]) -> list[str] | None:
    """File names as text, in the order of the bytes; None when one of them needs a look of its own.

    One look at all of them: a look at each would cost as much as reading its inode.
    """
    if not names:
        return []
    try:
        told = b"\0".join(names).decode()
    except UnicodeDecodeError:
        return None
    found = told.split("\0")
    return found if len(found) == len(names) and "/" not in told and QUOTE not in told else None


def as_text(name: bytes) -> str:
    """One name as text that any database can hold."""
    from catalog.text import name_to_text  # loads what most folders need not

    return name_to_text(name.decode("utf-8", "surrogateescape"))


def wide(name: str) -> str:
    """A name that came as UTF-16: halves of surrogate pairs are kept in the way that bytes which are no text are."""
    if name.isascii():
        return name
    return as_text(name.encode("utf-8", "surrogatepass"))


def nameable(name: str) -> bool:
    """Can `name` be a part of a path?"""
    return bool(name) and "/" not in name and "\0" not in name and name not in (".", "..")


File = tuple[str, int, int, int]
"""Name, size, time and node of a file."""


def arranged(folder: Folder, files: Iterable[File], below: Iterable[tuple[str, int]]) -> Folder:
    """Fill `folder` from rows in any order; of two entries with one name the first is kept, and that is said."""
    last = None
    for name, size, mtime_ns, node in sorted(files):
        if name == last:
            folder.blame("two of its entries have one name")
            continue
        last = name
        folder.names.append(name)
        folder.sizes.append(size)
        folder.mtimes.append(mtime_ns)
        folder.nodes.append(node)
    last = None
    for name, node in sorted(below):
        if name == last:
            folder.blame("two of its entries have one name")
            continue
        last = name
        folder.directories.append(name)
        folder.below.append(node)
    return folder
