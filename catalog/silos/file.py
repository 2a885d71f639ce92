"""A local tree of files: a folder, a mounted share or volume.

The walk is the product's hot path and keeps to the fewest system calls: one open, fstat and
listdir a directory and one stat a file. Symbolic links are never followed, in listing or in
reading; only the silo's root may itself be one. A directory that vanishes after its parent was
listed yields nothing: its parent has changed, so the next crawl comes back to it.

Names that are no UTF-8 are kept in the reversible text of `catalog.text`.

A folder that was a mounted share when it was registered is listed only while something is mounted there: the
empty folder that is left without the mount must not pass for a share whose files are gone.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, ClassVar, Literal, cast
from urllib.parse import unquote

from catalog import text
from catalog.errors import EntryMissing, SiloError, SiloRefused, SiloUnreachable, UsageError
from catalog.model import Entry, Listing
from catalog.silos import mounts, tree
from catalog.silos import options as given
from catalog.silos.base import Capabilities, Reached, Unchanged
from catalog.silos.paths import relative
from catalog.silos.reach import first_paths, reached, user

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

OPTIONS: tuple[str, ...] = ("mounted_from",)

_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a fifo must not block
_UNSAFE = re.compile(r"[\x00-\x20%?#\x7f\udc80-\udcff]")


class FileSilo:
    """The files below one folder of this machine."""

    kind: ClassVar[Literal["object", "file", "block"]] = "file"
    capabilities: ClassVar[Capabilities] = Capabilities(
        order="tree", in_turn=True, directory_mtimes=True, suffix_ranges=True, concurrent_reads=2
    )

    def __init__(self, root: str, mounted_from: str | None = None) -> None:
        _require_utf8()
        self.root = root
        self.url = to_url(root)
        self._mounted_from = mounted_from

    def walk(self, prefix: str = "", unchanged: Unchanged | None = None) -> Iterator[Listing]:
        """See `Silo.walk`."""
        prefix = relative(prefix)
        try:
            start = self._directory(prefix)
        except EntryMissing as error:
            raise SiloUnreachable(f"There is no folder '{text.safe(prefix)}' in {self._shown}.") from error
        try:
            self._require_mount()
            yield from tree.walk(start, prefix, unchanged)
        except OSError as error:
            where = self.uri(prefix)
            raise SiloUnreachable(f"{where} cannot be listed: {tree.reason(error)}.") from error
        finally:
            os.close(start)

    def read(self, path: str, offset: int, length: int) -> bytes:
        """See `Silo.read`."""
        fd = self._file(relative(path))
        try:
            if offset < 0:
                offset = max(os.fstat(fd).st_size + offset, 0)
            data = os.pread(fd, length, offset)
            while data and len(data) < length:  # network filesystems may return less than there is
                more = os.pread(fd, length - len(data), offset + len(data))
                if not more:
                    break
                data += more
            return data
        except OSError as error:
            raise self._error(error, path) from error
        finally:
            os.close(fd)

    def open(self, path: str) -> BinaryIO:
        """See `Silo.open`."""
        return cast(BinaryIO, os.fdopen(self._file(relative(path)), "rb"))

    def filesystem(self) -> AbstractFileSystem:
        """See `Silo.filesystem`."""
        from catalog.silos.filesystem import SiloFileSystem

        return SiloFileSystem(self)

    def uri(self, path: str) -> str:
        """See `Silo.uri`; characters that have a meaning in URLs are percent-encoded."""
        return to_url(f"{self.root.rstrip('/')}/{text.text_to_name(path)}" if path else self.root)

    def namespace(self) -> tuple[str, str]:
        """See `Silo.namespace`."""
        return "file", text.name_to_text(self.root)

    def test(self) -> Reached:
        """See `Silo.test`."""
        started = time.monotonic()
        found = reached(self, f"user {user()}", first_paths(self.walk()), started)
        mounted = mounts.source(self.root) or self._mounted_from
        return replace(found, facts=(("mounted from", text.safe(mounted, 300)),)) if mounted else found

    def close(self) -> None:
        """Nothing is held between calls."""

    # ------------------------------------------------------------ for `filesystem`

    def children(self, path: str) -> Listing:
        """The listing of one directory. Raises `EntryMissing` when there is none."""
        fd = self._directory(path)
        try:
            if not path:
                self._require_mount()
            return tree.whole(fd, path)
        except OSError as error:
            raise self._error(error, path) from error
        finally:
            os.close(fd)

    def entry(self, path: str) -> Entry:
        """One file. Raises `EntryMissing` when there is none."""
        fd = self._file(path)
        try:
            found = os.fstat(fd)
        finally:
            os.close(fd)
        return Entry(path, found.st_size, found.st_mtime_ns)

    def _require_mount(self) -> None:
        """Raise `SiloUnreachable` when the share that stood here is no longer mounted. The root is open by now."""
        if self._mounted_from is None or not mounts.known() or mounts.source(self.root) is not None:
            return
        raise SiloUnreachable(
            f"{self._shown} is not mounted; it was {text.safe(self._mounted_from, 200)}.",
            hint="Mount it. If its files are now here themselves, register the folder under another name.",
        )

    # ------------------------------------------------------------ descriptors

    @property
    def _shown(self) -> str:
        return text.safe(text.name_to_text(self.root))

    def _directory(self, path: str) -> int:
        """A descriptor of the directory `path`, reached through no symbolic link."""
        fd = self._root()
        try:
            for name in path.split("/") if path else ():
                below = os.open(text.text_to_name(name), tree.DIRECTORY, dir_fd=fd)
                os.close(fd)
                fd = below
        except (OSError, ValueError) as error:
            os.close(fd)
            raise self._error(error, path) from error
        return fd

    def _file(self, path: str) -> int:
        """A descriptor of the regular file `path`, reached through no symbolic link."""
        folder, _, name = path.rpartition("/")
        directory = self._directory(folder)
        try:
            fd = os.open(text.text_to_name(name), _FILE, dir_fd=directory)
        except (OSError, ValueError) as error:
            raise self._error(error, path) from error
        finally:
            os.close(directory)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise EntryMissing(f"'{text.safe(path)}' in {self._shown} is not a file.")
        return fd

    def _root(self) -> int:
        try:
            return os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise SiloUnreachable(
                f"The folder {self._shown} does not exist.",
                hint="Check the path, and that its filesystem is mounted.",
            ) from error
        except NotADirectoryError as error:
            folder = text.safe(text.name_to_text(self.root.rpartition("/")[0])) or "/"
            raise SiloUnreachable(
                f"{self._shown} is not a folder.", hint=f"Name the folder it stands in: {folder}"
            ) from error
        except (OSError, ValueError) as error:
            raise self._error(error, "") from error

    def _error(self, error: OSError | ValueError, path: str) -> SiloError:
        """What `error`, met at `path`, means for the catalog."""
        # A ValueError is a name that no filesystem can hold.
        number = error.errno if isinstance(error, OSError) else errno.ENOENT
        where = f"'{text.safe(path)}' in {self._shown}" if path else self._shown
        if number in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ENXIO):
            return EntryMissing(f"{where} does not exist.")
        if number == errno.ELOOP:
            return SiloRefused(f"{where} is a symbolic link, and links are not followed.")
        if number in tree.REFUSED:
            return SiloRefused(f"{where}: permission denied for user {user()}.")
        return SiloUnreachable(f"{where} cannot be read: {tree.reason(error)}.")


def open_silo(url: str, options: Mapping[str, str]) -> FileSilo:
    """Open the folder at `file:///absolute/path`."""
    given.check(options, OPTIONS, "A file silo")
    return FileSilo(from_url(url), options.get("mounted_from"))


def to_url(path: str) -> str:
    """The URL of an absolute path of this machine; letters of any script stay readable."""

    def quoted(match: re.Match[str]) -> str:
        return "".join(f"%{byte:02X}" for byte in os.fsencode(match[0]))

    return "file://" + _UNSAFE.sub(quoted, path)


def from_url(url: str) -> str:
    """The absolute path that a `file:` URL means. Raises `UsageError` when it means another machine's."""
    rest = url.removeprefix("file:")
    if rest.startswith("//"):
        host, slash, rest = rest[2:].partition("/")
        rest = slash + rest
        if host not in ("", "localhost"):
            raise UsageError(
                f"'{text.safe(url, 200)}' names a folder of another machine, or lacks a slash.",
                hint="Three slashes: file:///data/lake. Mount another machine's folder first.",
            )
    path = unquote(rest, errors="surrogateescape")
    if not path.startswith("/") or "\0" in path:
        raise UsageError(f"'{text.safe(url, 200)}' is no absolute path.", hint="file:///data/lake")
    return os.path.normpath(path) if path.strip("/") else "/"


def _require_utf8() -> None:
    """Raise `UsageError` where names of files are read in another encoding: there each would be another name."""
    encoding = sys.getfilesystemencoding().lower()
    if encoding not in ("utf-8", "utf8"):
        raise UsageError(
            f"The locale has names of files read as {encoding}; the catalog knows them as UTF-8.",
            hint="export PYTHONUTF8=1, or a locale such as LC_ALL=C.UTF-8",
        )
