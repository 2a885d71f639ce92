"""A disk put together: its table, its partitions, and what each of them holds."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from catalog import text
from catalog.errors import SiloError, SiloUnreachable, SiloUnreadable
from catalog.silos.block import tables
from catalog.silos.block.content import EMPTY, Content, boot_sector, recognise
from catalog.silos.block.image import Image, Read, is_disk_format, refuse_wrapped
from catalog.silos.block.tables import Partition, Table, TableDamagedError

_HEAD = 0x8800
_ISO_BEGINS = 0x8000


class Volume(NamedTuple):
    """A stretch of the disk with something on it: a partition, or all of it.

    `path` is its directory in the disk's tree: `p1`, or empty where there are no partitions. `bytes` is how much
    of it the image really has; `cut` says that this is less than its filesystem takes.
    """

    path: str
    offset: int
    bytes: int
    content: Content
    partition: Partition | None = None
    cut: str | None = None

    @property
    def holds_files(self) -> bool:
        """Is there, or may there be, a filesystem: is it a directory of the disk's tree?"""
        return self.content.reader is not None or self.content.problem is not None

    @property
    def skipped_as(self) -> str:
        """The word it is counted by when it is no directory."""
        return self.content.kind or "empty"


class Disk(NamedTuple):
    """What an image holds. `table` is None when one filesystem covers all of it."""

    table: Table | None
    volumes: tuple[Volume, ...]


def survey(image: Image) -> Disk:
    """Look an image over.

    Raises `SiloUnreadable` when it holds nothing that can be read, `SiloUnreachable` when it cannot be read at all.
    """
    if image.size == 0:
        raise SiloUnreadable(f"{image.shown} is empty (0 bytes).", hint="Check that it was copied to its end.")
    try:
        return _survey(image)
    except OSError as error:
        raise SiloUnreachable(f"{image.shown} cannot be read: {(error.strerror or str(error)).lower()}.") from error


def _survey(image: Image) -> Disk:
    head = image.read(0, _HEAD)
    refuse_wrapped(head, image.path)
    if boot_sector(image.read, head) is None:
        table = _table(image)
        if table is not None and not _is_hybrid(table, head):
            return Disk(table, _partitions(image, table))
    return Disk(None, (_whole(image),))


def _table(image: Image) -> Table | None:
    try:
        found = tables.gpt(image.read, image.size, image.sector)
    except TableDamagedError as error:
        raise SiloUnreadable(
            f"{image.shown} cannot be read: {error}.", hint="gdisk can rebuild it on a copy; read that copy then."
        ) from error
    if found is not None:
        return found
    candidates = [tables.mbr(image.read, each) for each in ((image.sector,) if image.sector else tables.SECTORS)]
    tried = [table for table in candidates if table is not None]
    if not tried:
        return None
    # An MBR does not say how large its sectors are: the size that leads to more filesystems is theirs.
    return max(tried, key=lambda table: sum(_leads_somewhere(image, one) for one in table.partitions))


def _leads_somewhere(image: Image, partition: Partition) -> bool:
    size = min(partition.bytes, image.size - partition.offset)
    if size <= 0:
        return False
    content = recognise(window(image.read, partition.offset, size), size)
    return bool(content.kind) and content is not EMPTY


def _is_hybrid(table: Table, head: bytes) -> bool:
    """An ISO 9660 image with a table that describes the image itself, so that it starts from a stick as well."""
    iso = head[_ISO_BEGINS + 1 : _ISO_BEGINS + 6] == b"CD001"
    return iso and any(partition.offset <= _ISO_BEGINS for partition in table.partitions)


def _whole(image: Image) -> Volume:
    content = recognise(image.read, image.size)
    if content is EMPTY:
        raise SiloUnreadable(
            f"{image.shown} holds nothing: no partition table, no filesystem, only zeros where they would be.",
            hint="Check that it is the right image, and that it was written to its end.",
        )
    if content.problem is None and content.reader is None:
        raise SiloUnreadable(f"{image.shown} holds {content.says}, and no files.")
    if not content.kind:
        raise SiloUnreadable(
            f"{image.shown} has no partition table and no filesystem that can be read.",
            hint=f"What others see in it: file -s {image.shown}",
        )
    if content.reader is None:
        raise SiloUnreadable(f"{image.shown} holds {content.problem}.", hint=_how_else(content))
    return Volume("", 0, image.size, content, None, _cut(content, image.size, truncated=True))


def _how_else(content: Content) -> str:
    if content.kind in ("luks", "bitlocker"):
        return "Unlock it, and add the device that appears (block:///dev/mapper/NAME) as the silo."
    if content.kind in ("lvm2", "mdraid", "zfs", "bcache"):
        return "Put it together on a machine that can, and add the volume that appears as the silo."
    if "damaged" in (content.problem or "") or "destroyed" in (content.problem or ""):
        return "Repair a copy of the image with the filesystem's own tool, and read the copy."
    return "Mount it read-only, and add the folder as the silo: catalog silo add NAME /mnt/point"


def _partitions(image: Image, table: Table) -> tuple[Volume, ...]:
    volumes: list[Volume] = []
    ends = _Ends()
    for partition in sorted(table.partitions, key=lambda one: (one.offset, one.number)):
        overlapped = ends.claim(partition)
        volumes.append(_partition(image, partition, overlapped))
    return tuple(sorted(volumes, key=lambda one: one.partition.number if one.partition else 0))


class _Ends:
    """Which partition reaches farthest so far, to find those that begin inside of another one."""

    def __init__(self) -> None:
        self._end = 0
        self._number = 0

    def claim(self, partition: Partition) -> int | None:
        """The number of the partition that this one overlaps; asked in the order of their beginnings."""
        overlapped = self._number if partition.bytes and partition.offset < self._end else None
        if partition.offset + partition.bytes > self._end:
            self._end, self._number = partition.offset + partition.bytes, partition.number
        return overlapped


def _partition(image: Image, partition: Partition, overlapped: int | None) -> Volume:
    there = max(min(partition.bytes, image.size - partition.offset), 0)
    content = _content(image, partition, there, overlapped)
    cut = _cut(content, there, truncated=there < partition.bytes)
    return Volume(f"p{partition.number}", partition.offset, there, content, partition, cut)


def _content(image: Image, partition: Partition, there: int, overlapped: int | None) -> Content:
    if not partition.bytes:
        return Content("", "no space at all", problem="its table entry ends before it begins")
    if overlapped is not None:
        return Content("", "space of another partition", problem=f"it overlaps partition {overlapped}")
    if not there:
        return Content("", "nothing", problem="the image ends before this partition begins")
    try:
        found = recognise(window(image.read, partition.offset, there), there)
    except OSError as error:
        return Content("", "nothing", problem=f"it cannot be read: {(error.strerror or str(error)).lower()}")
    if found.kind == "" and partition.type in tables.BOOT:
        return Content("boot", "a boot loader's own space")
    if found.kind == "":
        found = replace(found, problem=f"{found.problem} (the table calls it '{text.safe(partition.type, 40)}')")
    if there < partition.bytes and found.reader is None and found.kind != "swap":
        cut = f"the image ends {text.size(partition.bytes - there)} before this partition does"
        found = replace(found, problem=f"{found.problem}; {cut}" if found.problem else cut)
    return found


def window(read: Read, offset: int, size: int) -> Read:
    """`read` as seen from `offset`, and for `size` bytes only."""

    def inner(at: int, length: int) -> bytes:
        return read(offset + at, max(min(length, size - at), 0)) if at >= 0 else b""

    return inner


def _cut(content: Content, there: int, *, truncated: bool) -> str | None:
    """Why a filesystem is incomplete of which only `there` bytes are there: the image ends, or its partition does."""
    missing = (content.bytes or 0) - there
    if content.reader is None or missing <= 0:
        return None
    what = "the image is truncated: it" if truncated else "its partition"
    return f"{what} ends {text.size(missing)} before this filesystem does"


def is_image(path: str) -> bool:
    """Does `path` (of this machine) lead to what a block silo is for, and not to a folder or any other file?"""
    try:
        mode = Path(path).stat().st_mode
        if not stat.S_ISREG(mode):
            return stat.S_ISBLK(mode)
        image = Image(path)
    except (OSError, ValueError, SiloError):
        return False
    try:
        head = image.read(0, _HEAD)
        return is_disk_format(head) or _holds_something(image, head)
    except OSError:
        return False
    finally:
        image.close()


def _holds_something(image: Image, head: bytes) -> bool:
    try:
        if boot_sector(image.read, head) is not None or _table(image) is not None:
            return True
    except SiloUnreadable:
        return True  # a table, and a damaged one
    return recognise(image.read, image.size).kind not in ("", EMPTY.kind)


def volume_at(volumes: Sequence[Volume], path: str) -> tuple[Volume | None, str]:
    """The volume that holds `path` of the disk's tree, and the path inside of it."""
    first, _, rest = path.partition("/")
    for volume in volumes:
        if not volume.path:
            return volume, path
        if volume.path == first and volume.holds_files:
            return volume, rest
    return None, path
