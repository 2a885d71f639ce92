"""What an inspector is given and what it gives back.

An inspector reads a file's header and footer through a `RangeReader` and returns `Facts`, or
raises `InspectError`. It never executes what it reads, never follows links out of the file, and
cannot read more than the reader's caps allow.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from catalog import text
from catalog.errors import CatalogError, InspectError
from catalog.model import Facts

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

KIB = 1024
MIB = 1024 * 1024

_KEEP = 2 * MIB
"""How much of either end a reader holds on to."""


@dataclass(frozen=True, slots=True)
class Caps:
    """How much one inspection may cost."""

    bytes: int = 32 * MIB
    calls: int = 256
    seconds: float = 20.0


class Inspector(Protocol):
    """`inspect(reader)` of each module of this room."""

    def __call__(self, reader: RangeReader) -> Facts:
        """Facts from the header and footer. Raises `InspectError`."""
        ...


class TreeInspector(Protocol):
    """`inspect_tree(files)` of modules that know folders: table formats, Zarr stores, model folders."""

    def __call__(self, files: TreeReader) -> Facts:
        """Facts of everything below one root. Raises `InspectError`."""
        ...


class RangeReader:
    """Reads ranges of one file within caps. Counts bytes and calls, and keeps both ends it has read.

    `fetch(offset, length)` is the silo's `read` bound to a path; `size` the listed size (None
    where unknown, and set once a short read shows the end). Reaching a cap raises
    `InspectError(finding="too_large")`. The clock starts when the reader is made.
    """

    def __init__(
        self, fetch: Callable[[int, int], bytes], size: int | None, name: str = "", caps: Caps | None = None
    ) -> None:
        self.fetch = fetch
        self.size = size
        self.name = name
        self.caps = caps or Caps()
        self.bytes_read = 0
        self.calls = 0
        self.failure: CatalogError | None = None
        self._deadline = time.monotonic() + self.caps.seconds
        self._head = b""
        self._tail = b""

    def head(self, length: int) -> bytes:
        """The first `length` bytes; fewer only where the file ends."""
        wanted = length if self.size is None else min(length, self.size)
        if wanted <= len(self._head):
            return self._head[: max(wanted, 0)]
        if self._tail and self.size is not None and wanted > self.size - len(self._tail):
            data = self.read(0, wanted)
        else:
            data = self._head + self._fetch(len(self._head), wanted - len(self._head))
        if len(data) < wanted:
            self.size = len(data)  # the file ends here, whatever the listing said
            self._tail = b""
        if len(data) <= _KEEP:
            self._head = data
        return data

    def tail(self, length: int) -> bytes:
        """The last `length` bytes; empty while the size is unknown."""
        if self.size is None:
            return b""
        wanted = min(length, self.size)
        if wanted <= len(self._tail):
            return self._tail[len(self._tail) - wanted :]
        data = self.read(self.size - wanted, wanted)
        if len(data) == wanted <= _KEEP:
            self._tail = data
        return data

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`; fewer only where the file ends. Either end is not fetched twice."""
        if self.size is not None:
            length = min(length, self.size - offset)
        if length <= 0 or offset < 0:
            return b""
        end = offset + length
        front = self._head[offset:end]
        start = offset + len(front)
        if start == end:
            return front
        if self.size is None or end <= (tail_at := self.size - len(self._tail)):
            return front + self._fetch(start, end - start)
        if start >= tail_at:
            return front + self._tail[start - tail_at : end - tail_at]
        middle = self._fetch(start, tail_at - start)
        if len(middle) < tail_at - start:
            return front + middle
        return front + middle + self._tail[: end - tail_at]

    def file(self) -> io.RawIOBase:
        """A seekable, read-only view for libraries that want a file. The size must be known."""
        if self.size is None:
            raise InspectError("The end cannot be read: the size is unknown.", finding="unsupported")
        return _RangeFile(self, self.size)

    def whole(self) -> bool:
        """Whether everything the file holds has been read already."""
        return self.size is not None and len(self._head) + len(self._tail) >= self.size

    def check_time(self) -> None:
        """Raise `InspectError` when the time cap has passed; for loops that compute without reading."""
        if time.monotonic() > self._deadline:
            self._stop("seconds", f"{self.caps.seconds:g} seconds")

    def _fetch(self, offset: int, length: int) -> bytes:
        self.check_time()
        if self.calls + 1 > self.caps.calls:
            self._stop("calls", f"{self.caps.calls} reads")
        if self.bytes_read + length > self.caps.bytes:
            self._stop("bytes", text.size(self.caps.bytes))
        self.calls += 1
        try:
            data = self.fetch(offset, length)[:length]
        except CatalogError as error:
            self.failure = error
            raise
        self.bytes_read += len(data)
        return data

    def _stop(self, cap: str, limit: str) -> None:
        message = f"Inspecting the file needs more than its cap on {cap} ({limit})."
        self.failure = InspectError(message, finding="too_large")
        raise self.failure


@dataclass(frozen=True, slots=True)
class TreeFile:
    """A file below a root: its path from there (`metadata/v3.metadata.json`), and its listed size."""

    path: str
    size: int | None


class TreeReader:
    """The files below one root, for formats that are folders. All reads share one set of caps.

    `listing(folder)` gives the files that lie directly in a folder (`""` for the root itself) as the
    crawl listed them; nothing is listed anew. `fetch(path, offset, length)` reads one of them.
    """

    def __init__(
        self,
        listing: Callable[[str], Sequence[TreeFile]],
        fetch: Callable[[str, int, int], bytes],
        caps: Caps | None = None,
    ) -> None:
        self._listing = listing
        self._fetch = fetch
        self.caps = caps or Caps()
        self._listed: dict[str, dict[str, TreeFile]] = {}
        self._spent = RangeReader(lambda offset, length: b"", None, caps=self.caps)

    def files(self, folder: str = "") -> list[TreeFile]:
        """The files directly in `folder`, by name."""
        return list(self._folder(folder).values())

    def get(self, path: str) -> TreeFile | None:
        """The file at `path`, None where the crawl listed none."""
        folder, _, name = path.rpartition("/")
        return self._folder(folder).get(name)

    def reader(self, file: TreeFile) -> RangeReader:
        """A range reader of one file; what it reads counts against the caps of the tree."""

        def fetch(offset: int, length: int) -> bytes:
            spent = self._spent
            spent.fetch = lambda start, size: self._fetch(file.path, start, size)
            return spent._fetch(offset, length)

        return RangeReader(fetch, file.size, file.path.rpartition("/")[2], self.caps)

    def read(self, file: TreeFile, limit: int) -> bytes:
        """The whole of a small file. Raises `InspectError` where it is longer than `limit`."""
        data = self.reader(file).head(limit + 1)
        if len(data) > limit:
            raise InspectError(f"{text.safe(file.path, 80)} is longer than {text.size(limit)}.", finding="too_large")
        return data

    def check_time(self) -> None:
        """Raise `InspectError` when the time cap has passed."""
        self._spent.check_time()

    @property
    def failure(self) -> CatalogError | None:
        """The cap that was reached, or how the silo failed; `parsing` asks for it."""
        return self._spent.failure

    def _folder(self, folder: str) -> dict[str, TreeFile]:
        if folder not in self._listed:
            self._listed[folder] = {each.path.rpartition("/")[2]: each for each in self._listing(folder)}
        return self._listed[folder]


class _RangeFile(io.RawIOBase):
    """A `RangeReader` as a raw file. Reads are cut to what is left, so a hostile length allocates nothing."""

    def __init__(self, reader: RangeReader, size: int) -> None:
        self._reader = reader
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        at = offset + (0, self._at, self._size)[whence]
        if at < 0:
            raise ValueError("negative seek position")
        self._at = at
        return at

    def read(self, size: int = -1) -> bytes:
        left = max(self._size - self._at, 0)
        data = self._reader.read(self._at, left if size is None or size < 0 else min(size, left))
        self._at += len(data)
        return data

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)


@contextmanager
def parsing(reader: RangeReader | TreeReader, label: str) -> Iterator[None]:
    """Turn whatever a parser raises on hostile input into `InspectError`; `label` names the format.

    A cap reached or a silo that failed while a library was reading comes out as it was raised.
    """
    try:
        yield
    except CatalogError:
        raise
    except Exception as error:
        if reader.failure is not None:
            raise reader.failure from error
        lines = str(error).strip().splitlines()
        reason = text.safe(lines[0] if lines else type(error).__name__, 160)
        raise InspectError(f"Not readable as {label}: {reason}", finding=_finding(error)) from error


def _finding(error: Exception) -> str:
    if isinstance(error, (MemoryError, RecursionError)):
        return "too_large"
    if isinstance(error, NotImplementedError):  # ArrowNotImplementedError is one
        return "unsupported"
    if isinstance(error, EOFError):
        return "truncated"
    return "encrypted" if "encrypted" in str(error).lower() else "corrupt"


__all__ = [
    "KIB", "MIB", "Caps", "InspectError", "Inspector", "RangeReader",
    "TreeFile", "TreeInspector", "TreeReader", "parsing",
]  # fmt: skip
