"""Raw disk images and block devices as silos: `block:///data/disk.img`, `block:///dev/sdb`.

Read-only by construction: the image is opened O_RDONLY, nothing here writes, no filesystem is mounted and no
journal replayed. A disk that is mounted elsewhere is read as it stands on the medium, which may be torn.

**Paths.** Where one filesystem covers the image, its root is the silo's root. A partitioned disk has a directory
for each partition that has, or may have, files: `p1`, `p2`, …, numbered as the operating system does. An
address goes on inside the image as a path goes on inside a folder: `block:///data/disk.img/p1/raw/a.parquet`. The
image is where the path stops being folders. A silo may begin at any folder of it: `block:///data/disk.img/p2`
is what the option `partition=2` makes of `block:///data/disk.img`.

**Owners and rights** that a filesystem keeps are not asked: who may read the image may read all that is in it.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, ClassVar, Literal, cast

from catalog import text
from catalog.errors import EntryMissing, SiloError, SiloRefused, SiloUnreachable, SiloUnreadable, UsageError
from catalog.model import Entry, Failure, Listing
from catalog.silos import file, ranges
from catalog.silos import options as given
from catalog.silos.base import Capabilities, Reached, Unchanged
from catalog.silos.block.disk import Disk, Volume, survey, volume_at, window
from catalog.silos.block.ext import ExtFilesystem
from catalog.silos.block.folder import Folders, UnreadableError, reason
from catalog.silos.block.image import Image, Stamp, split, stamp_of
from catalog.silos.block.listers import LocalLister, RemoteLister, request
from catalog.silos.block.reader import Patience, Reader, ReaderFailed, ReaderRefused
from catalog.silos.block.walk import Lister, failed, walk
from catalog.silos.paths import join, relative
from catalog.silos.reach import first_paths, reached, user

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

    from catalog.model.lineage import Layer

OPTIONS: tuple[str, ...] = ("partition",)

_PIECE = 4 << 20
_SPARE = 64 << 20
"""Room that directories may take beyond what the image has: a filesystem below may keep it compressed."""
_PLACES = 4096
_MOST_PARTITIONS = 32_768


_Told = tuple[int, int | None, int | None] | None
"""Node, size and time, as `Folders.find` tells them."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What stands at a path: a directory (no size) or a file."""

    volume: Volume
    node: int
    size: int | None
    mtime_ns: int | None


@dataclass(slots=True, weakref_slot=True)
class _Session:
    """One state of the image: looked over, and with a process that reads it. Ends with the last who uses it."""

    image: Image
    disk: Disk
    reader: Reader
    root: str
    stamp: Stamp | None
    places: dict[str, _Found | None] = field(default_factory=dict)
    folders: dict[str, Folders] = field(default_factory=dict)


class BlockSilo:
    """The files in the disk image or device at `path`, which may go on inside of it."""

    kind: ClassVar[Literal["object", "file", "block"]] = "block"
    capabilities: ClassVar[Capabilities] = Capabilities(order="tree", directory_mtimes=True, suffix_ranges=True)

    def __init__(self, path: str) -> None:
        self.path = path
        self.url = to_url(path)
        self._lock = threading.Lock()
        self._kept: _Session | None = None

    # ------------------------------------------------------------ the contract

    def walk(self, prefix: str = "", unchanged: Unchanged | None = None) -> Iterator[Listing]:
        """See `Silo.walk`. A device is looked over anew each time, an image when its size or time differs."""
        prefix = relative(prefix)
        session = self._session(renew=True)
        if session.disk.table is not None and not session.root and not prefix:
            yield _partitioned(session.disk)
            for volume in session.disk.volumes:
                if volume.holds_files:
                    yield from self._volume(session, volume, volume.path, "", unchanged)
            return
        volume, inside = self._volume_at(session, prefix)
        listings = self._volume(session, volume, prefix, inside, unchanged)
        first = next(listings, None)
        if first is not None:
            if first.failure is not None and not (first.names or first.directories):
                raise SiloUnreadable(f"{text.safe(self.uri(prefix))} cannot be listed: {first.failure.reason}.")
            yield from chain((first,), listings)

    def read(self, path: str, offset: int, length: int) -> bytes:
        """See `Silo.read`. Raises `SiloUnreadable` for a file that is damaged."""
        path = relative(path)
        session, found = self._readable(path)
        size = found.size or 0
        start = max(size + offset, 0) if offset < 0 else offset
        return self._bytes(session, found, path, start, min(length, size - start))

    def open(self, path: str) -> BinaryIO:
        """See `Silo.open`. What is opened stays the file it was when the image changes."""
        path = relative(path)
        session, found = self._readable(path)
        return ranges.opened(lambda offset, length: self._bytes(session, found, path, offset, length), found.size or 0)

    def filesystem(self) -> AbstractFileSystem:
        """See `Silo.filesystem`."""
        from catalog.silos.filesystem import SiloFileSystem

        return SiloFileSystem(self)

    def uri(self, path: str) -> str:
        """See `Silo.uri`; characters that have a meaning in URLs are percent-encoded."""
        return to_url(f"{self.path}/{text.text_to_name(path)}" if path else self.path)

    def namespace(self) -> tuple[str, str]:
        """See `Silo.namespace`."""
        return "block", text.name_to_text(self.path)

    def layers(self) -> Sequence[Layer]:
        """See `Layered.layers`."""
        from catalog.silos.block.layers import layers_of

        session = self._session()
        return layers_of(session.image, session.disk, session.root)

    def test(self) -> Reached:
        """See `Silo.test`."""
        started = time.monotonic()
        sample = first_paths(self.walk())
        return replace(reached(self, f"user {user()}, for reading only", sample, started), layers=tuple(self.layers()))

    def close(self) -> None:
        """End the reading process and close the image, also for files that are still open."""
        with self._lock:
            kept, self._kept = self._kept, None
        if kept is not None:
            _end(kept.reader, kept.image)

    # ------------------------------------------------------------ for `filesystem`

    def children(self, path: str) -> Listing:
        """The listing of one directory. Raises `EntryMissing` when there is none."""
        session = self._session()
        if session.disk.table is not None and not session.root and not path:
            return _partitioned(session.disk)
        try:
            volume, _ = self._volume_at(session, path)
        except SiloError as error:
            raise EntryMissing(error.message) from error
        if volume.content.reader is None:
            return failed(path, str(volume.content.problem))
        found = self._found(session, path)
        if found is None or found.size is not None:
            raise EntryMissing(f"{text.safe(self.uri(path))} does not exist, or is no folder.")
        lister = _lister(session, volume)
        pieces = [listing for listing, _, _ in lister.listed([(path, found.node)])]
        return replace(
            pieces[-1],
            names=[name for piece in pieces for name in piece.names],
            sizes=[size for piece in pieces for size in piece.sizes],
            mtimes=[mtime for piece in pieces for mtime in piece.mtimes],
        )

    def entry(self, path: str) -> Entry:
        """One file. Raises `EntryMissing` when there is none."""
        found = self._file(path)[1]
        return Entry(path, found.size, found.mtime_ns)

    # ------------------------------------------------------------ inside

    def _session(self, renew: bool = False) -> _Session:
        """The image as it is now. Raises a `SiloError` when it holds nothing that can be read."""
        with self._lock:
            kept = self._kept
            if kept is not None and kept.stamp == stamp_of(kept.image.path) and not (renew and kept.image.is_device):
                return kept
            path, inside = split(self.path)
            stamp = stamp_of(path)  # before it is opened: a change in between is seen the next time
            image = Image(path)
            try:
                disk = survey(image)
            except BaseException:
                image.close()
                raise
            reader = Reader(image)
            session = _Session(image, disk, reader, text.name_to_text(inside), stamp)
            # A walk or an open file may go on with a session that was replaced meanwhile.
            weakref.finalize(session, _end, reader, image)
            self._kept = session
            return session

    def _volume_at(self, session: _Session, path: str) -> tuple[Volume, str]:
        """The volume that holds `path` of the silo, and the path inside it. Raises `SiloUnreachable` for none."""
        whole = join(session.root, path)
        volume, inside = volume_at(session.disk.volumes, whole)
        if volume is None:
            raise _no_partition(session, whole)
        return volume, inside

    def _volume(
        self, session: _Session, volume: Volume, path: str, inside: str, unchanged: Unchanged | None
    ) -> Iterator[Listing]:
        """Walk one volume from the directory `inside` of it, which is `path` of the silo."""
        if volume.content.reader is None:
            yield failed(path, str(volume.content.problem))
            return
        try:
            told = _find(session, volume, inside)
        except (OSError, ReaderFailed, ReaderRefused) as error:
            yield failed(path, _told_why(error))
            return
        if told is None or told[1] is not None:
            raise SiloUnreachable(
                f"There is no folder '{text.safe(path) or text.safe(session.root)}' in {session.image.shown}.",
                hint=None if session.disk.table else f"It has no partitions: {volume.content.says} covers all of it.",
            )
        room = min(volume.bytes, session.image.allocated) + _SPARE
        cut = volume.cut if not inside else None
        if unchanged is not None and cut is not None:
            unchanged = _but(path, unchanged)  # what is missing has to be told
        for listing in walk(_lister(session, volume), (path, told[0]), room, unchanged):
            if cut is not None and listing.path == path and listing.complete and not listing.more:
                listing = replace(listing, complete=False, failure=Failure(path, cut, retriable=False))
            yield listing

    def _file(self, path: str) -> tuple[_Session, _Found]:
        """The file at `path`. Raises `EntryMissing` and what reading raises."""
        session = self._session()
        try:
            found = self._found(session, path)
        except SiloUnreachable as error:
            raise EntryMissing(error.message) from error
        if found is None or found.size is None:
            raise EntryMissing(f"'{text.safe(path)}' in {text.safe(self.url)} does not exist, or is no file.")
        return session, found

    def _readable(self, path: str) -> tuple[_Session, _Found]:
        """The file at `path`, when its content may be handed out. Raises as `_file` does, and `SiloRefused`."""
        session, found = self._file(path)
        folders = session.folders.get(found.volume.path)
        refusal = folders.filesystem.refusal(found.node) if folders is not None else None
        if refusal is not None:
            raise SiloRefused(f"'{text.safe(path)}' in {session.image.shown} cannot be read: {refusal}.")
        return session, found

    def _found(self, session: _Session, path: str) -> _Found | None:
        """What stands at `path`; None when nothing does."""
        if path in session.places:
            return session.places[path]
        volume, inside = self._volume_at(session, path)
        if volume.content.reader is None:
            raise SiloUnreadable(f"'{text.safe(path)}' cannot be read: {volume.content.problem}.")
        try:
            told = _find(session, volume, inside)
        except (OSError, ReaderFailed, ReaderRefused) as error:
            raise _unreadable(session, path, error) from error
        found = _Found(volume, *told) if told is not None else None
        if len(session.places) >= _PLACES:
            session.places.clear()
        session.places[path] = found
        return found

    def _bytes(self, session: _Session, found: _Found, path: str, offset: int, length: int) -> bytes:
        parts: list[bytes] = []
        while length > 0:
            wanted = request("read", found.volume, node=found.node, offset=offset, length=min(length, _PIECE))
            try:
                data = session.reader.ask(wanted)[1]
            except (ReaderFailed, ReaderRefused) as error:
                raise _unreadable(session, path, error) from error
            if not data:
                break
            parts.append(data)
            offset += len(data)
            length -= len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _find(session: _Session, volume: Volume, inside: str) -> _Told:
    """What stands at the path `inside` of a volume. Raises `OSError`, `ReaderFailed` or `ReaderRefused`."""
    names = inside.split("/") if inside else []
    if volume.content.reader != "ext":
        return cast(_Told, session.reader.ask(request("find", volume, names=names))[0]["found"])
    folders = session.folders.get(volume.path)
    if folders is None:
        folders = session.folders[volume.path] = Folders(_ext(session, volume))
    return folders.find(names)


def _but(path: str, unchanged: Unchanged) -> Unchanged:
    """`unchanged`, which knows nothing of the directory `path`."""
    return lambda asked, mtime_ns: None if asked == path else unchanged(asked, mtime_ns)


def _told_why(error: Exception) -> str:
    return reason(error) if isinstance(error, OSError) else str(error)


def _unreadable(session: _Session, path: str, error: Exception) -> SiloError:
    where = f"'{text.safe(path)}' in {session.image.shown}" if path else session.image.shown
    kind = SiloRefused if isinstance(error, ReaderRefused) and error.denied else SiloUnreadable
    return kind(f"{where} cannot be read: {_told_why(error)}.")


def _lister(session: _Session, volume: Volume) -> Lister:
    if volume.content.reader == "ext":
        return LocalLister(_ext(session, volume, Patience()))
    return RemoteLister(session.reader, volume)


def _ext(session: _Session, volume: Volume, patience: Patience | None = None) -> ExtFilesystem:
    """An ext filesystem. Raises `OSError`."""

    def fetch(node: int, offset: int, length: int) -> bytes:
        wanted = request("read", volume, node=node, offset=offset, length=length)
        try:
            return session.reader.ask(wanted, patience)[1]
        except (ReaderFailed, ReaderRefused) as error:
            raise UnreadableError(str(error)) from error

    return ExtFilesystem(window(session.image.read, volume.offset, volume.bytes), fetch)


def _end(reader: Reader, image: Image) -> None:
    reader.close()
    image.close()


def _partitioned(disk: Disk) -> Listing:
    """The root of a partitioned disk: a directory for each partition that has, or may have, files."""
    assert disk.table is not None
    skipped: dict[str, int] = {}
    for volume in disk.volumes:
        if not volume.holds_files:
            skipped[volume.skipped_as] = skipped.get(volume.skipped_as, 0) + 1
    failure = Failure("", disk.table.problem, retriable=False) if disk.table.problem else None
    directories = sorted(volume.path for volume in disk.volumes if volume.holds_files)
    return Listing("", (), (), (), directories=directories, complete=failure is None, failure=failure, skipped=skipped)


def _no_partition(session: _Session, path: str) -> SiloUnreachable:
    first = path.partition("/")[0]
    for volume in session.disk.volumes:
        if volume.path == first:
            what = volume.content.says
            return SiloUnreachable(f"Partition {first} of {session.image.shown} holds {what}, and no files.")
    there = ", ".join(volume.path for volume in session.disk.volumes if volume.holds_files)
    return SiloUnreachable(
        f"There is no partition behind '{text.safe(path, 200)}' in {session.image.shown}.",
        hint=f"It has: {there}." if there else "It has no partition with files.",
    )


# ---------------------------------------------------------------- addresses


def open_silo(url: str, options: Mapping[str, str]) -> BlockSilo:
    """Open the image or device at `block:///absolute/path`; reaches nothing yet."""
    return BlockSilo(from_url(settled(url, options)[0]))


def settled(url: str, options: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """`url` with the option `partition` written into it, and the options that are left. Raises `UsageError`."""
    given.check(options, OPTIONS, "A block silo")
    number = options.get("partition")
    if number is None:
        return url, {}
    if not number.isascii() or not number.isdigit() or not 1 <= int(number) <= _MOST_PARTITIONS:
        raise UsageError("The option partition is the number of a partition.", hint="partition=2")
    return f"{url}/p{int(number)}", {}


def to_url(path: str) -> str:
    """The address of an absolute path of this machine that leads to an image, or into one."""
    return "block" + file.to_url(path).removeprefix("file")


def from_url(url: str) -> str:
    """The absolute path that a `block:` URL means. Raises `UsageError` when it means another machine's."""
    try:
        return file.from_url("file" + url.removeprefix("block"))
    except UsageError as error:
        raise UsageError(
            f"'{text.safe(url, 200)}' is no path of this machine.", hint="Three slashes: block:///data/disk.img"
        ) from error
