"""The bytes of a disk image or a block device, opened for reading only."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from catalog import text
from catalog.errors import SiloError, SiloRefused, SiloUnreachable, SiloUnreadable
from catalog.silos.reach import user

Read = Callable[[int, int], bytes]
"""`read(offset, length)`: the bytes there, fewer only at the end. Raises `OSError`."""

_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY  # a pipe must not block, nor a terminal take over
_SECTOR_SIZE = 0x1268  # BLKSSZGET of Linux


class Stamp(NamedTuple):
    """What differs between two states of an image file. A device looks the same in all its states."""

    device: int
    inode: int
    size: int
    mtime_ns: int


class Image:
    """An open image. It is opened O_RDONLY, and nothing in this package writes to its descriptor."""

    def __init__(self, path: str) -> None:
        """Open the image at `path`, a path as the operating system takes it. Raises a `SiloError`."""
        self.path = path
        self.shown = text.safe(text.name_to_text(path))
        self.fd = -1
        try:
            self.fd = os.open(path, _OPEN)
            seen = os.fstat(self.fd)
            self.is_device = stat.S_ISBLK(seen.st_mode)
            if not self.is_device and not stat.S_ISREG(seen.st_mode):
                raise _no_image(self.shown, seen.st_mode)
            self.size = os.lseek(self.fd, 0, os.SEEK_END) if self.is_device else seen.st_size
        except (OSError, ValueError) as error:
            self.close()
            raise opening_failed(error, path) from error
        except SiloError:
            self.close()
            raise
        self.allocated = self.size if self.is_device else seen.st_blocks * 512
        """How much of it is really there; the rest of a sparse file is zeros that no one wrote."""
        self.sector = _sector_size(self.fd) if self.is_device else None
        """The logical sector size a device tells; None for a file, which does not say."""

    def read(self, offset: int, length: int) -> bytes:
        """The bytes at `offset`, fewer only at the end of the image. Raises `OSError`."""
        data = os.pread(self.fd, length, offset) if length > 0 else b""
        while data and len(data) < length:
            more = os.pread(self.fd, length - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data

    def close(self) -> None:
        """Close the descriptor."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def guid(raw: bytes, mixed: bool = False) -> str:
    """A UUID in its usual spelling; `mixed` when its first three parts are little-endian, as in a GPT."""
    if mixed:
        raw = raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:]
    told = raw.hex()
    return f"{told[:8]}-{told[8:12]}-{told[12:16]}-{told[16:20]}-{told[20:]}"


def stamp_of(path: str) -> Stamp | None:
    """The state of the image file at `path` now; None when it cannot be seen."""
    try:
        seen = Path(path).stat()
    except OSError:
        return None
    size = seen.st_size if stat.S_ISREG(seen.st_mode) else -1
    return Stamp(seen.st_dev, seen.st_ino, size, seen.st_mtime_ns)


def split(path: str) -> tuple[str, str]:
    """A path that goes on inside an image, as the image's path and the rest: `/a/disk.img/p1` is `/a/disk.img`, `p1`.

    The image is where the path stops being folders, which only the machine it stands on can tell.
    """
    image, inside = path, ""
    while image.strip("/"):
        try:
            Path(image).stat()
        except NotADirectoryError:
            image, _, name = image.rpartition("/")
            inside = f"{name}/{inside}" if inside else name
            continue
        except (OSError, ValueError):
            pass
        break
    return image, inside


def opening_failed(error: OSError | ValueError, path: str) -> SiloError:
    """What an error, met on opening the image at `path`, means for the catalog."""
    shown = text.safe(text.name_to_text(path))
    # A ValueError is a name that no filesystem can hold.
    number = error.errno if isinstance(error, OSError) else errno.ENOENT
    if number in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
        return SiloUnreachable(f"There is no disk image at {shown}.", hint="Check the path: ls -l " + _folder(shown))
    if number in (errno.EACCES, errno.EPERM):
        if path.startswith("/dev/"):
            hint = f"Devices belong to root and a group, often 'disk': ls -l {shown}"
        else:
            hint = f"Ask its owner for the right to read it: ls -l {shown}"
        return SiloRefused(f"{shown}: permission denied for user {user()}.", hint=hint)
    if number in (errno.ENXIO, errno.ENODEV, errno.ENOMEDIUM):
        return SiloUnreachable(f"There is no device behind {shown}, or no medium in it.", hint="lsblk lists devices.")
    return SiloUnreachable(f"{shown} cannot be opened: {(os.strerror(number or 0)).lower()}.")


def _folder(shown: str) -> str:
    return shown.rpartition("/")[0] or "/"


def _no_image(shown: str, mode: int) -> SiloUnreadable:
    if stat.S_ISDIR(mode):
        return SiloUnreadable(
            f"{shown} is a folder, not a disk image.", hint=f"Folders are silos, too: catalog silo add NAME {shown}"
        )
    return SiloUnreadable(
        f"{shown} is neither a file nor a block device.", hint="Name a raw disk image, or a device such as /dev/sdb."
    )


def _sector_size(fd: int) -> int | None:
    try:
        import fcntl

        size = int.from_bytes(fcntl.ioctl(fd, _SECTOR_SIZE, bytes(4)), "little")
    except (ImportError, OSError):
        return None  # not Linux: it is found by looking, as for a file
    return size if size in (512, 1024, 2048, 4096) else None


# ---------------------------------------------------------------- files that hold an image in another form

_CONVERT = "qemu-img convert -O raw {path} {stem}.raw"
_FORMATS: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"QFI\xfb", "a qcow2 image", _CONVERT),
    (0, b"QED\0", "a QED image", _CONVERT),
    (0, b"KDMV", "a VMDK image", _CONVERT),
    (0, b"COWD", "a VMDK image", _CONVERT),
    (0, b"# Disk DescriptorFile", "the descriptor of a VMDK image", _CONVERT),
    (0, b"vhdxfile", "a VHDX image", _CONVERT),
    (0, b"conectix", "a dynamic VHD image", _CONVERT),
    (0x40, b"\x7f\x10\xda\xbe", "a VDI image", _CONVERT),
    (0, b"WithoutFreeSpace", "a Parallels image", _CONVERT),
    (0, b"WithouFreSpacExt", "a Parallels image", _CONVERT),
    (0, b"EVF\x09\x0d\x0a\xff\0", "an EWF (EnCase) image", "ewfexport -t {stem} -f raw {path}"),
    (0, b"AFF10\r\n", "an AFF image", "affconvert -r {path}"),
    (0, b"\x3a\xff\x26\xed", "an Android sparse image", "simg2img {path} {stem}.raw"),
)
_COMPRESSED: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"\x1f\x8b\x08", "compressed with gzip", "gzip -dc {path} > {stem}.raw"),
    (0, b"\xfd7zXZ\0", "compressed with xz", "xz -dc {path} > {stem}.raw"),
    (0, b"\x28\xb5\x2f\xfd", "compressed with zstd", "zstd -dc {path} > {stem}.raw"),
    (0, b"BZh", "compressed with bzip2", "bzip2 -dc {path} > {stem}.raw"),
)


def is_disk_format(head: bytes) -> bool:
    """Do the first bytes of a file say that it is a disk image in a form of its own, such as qcow2?"""
    return any(head[at : at + len(magic)] == magic for at, magic, _, _ in _FORMATS)


def refuse_wrapped(head: bytes, path: str) -> None:
    """Raise `SiloUnreadable` for a file that is no raw image, when its first bytes tell what it is instead."""
    for at, magic, what, command in _FORMATS + _COMPRESSED:
        if head[at : at + len(magic)] == magic:
            told = text.safe(text.name_to_text(path))
            stem = told.removesuffix(Path(told).suffix)
            made = command.format(path=shlex.quote(told), stem=shlex.quote(stem))
            raise SiloUnreadable(f"{told} is {what}, which cannot be read yet.", hint=f"Make a raw image of it: {made}")
