"""Disk images made by the tools that people make theirs with, and partition tables written by hand.

A test that needs a program which is not there is skipped, with the Debian package that has it.
"""

from __future__ import annotations

import lzma
import os
import shutil
import struct
import subprocess
import uuid
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parents[2] / "fixtures" / "images"
MIB = 1 << 20
LINUX, EFI, SWAP, BIOS_BOOT = (
    uuid.UUID(one)
    for one in (
        "0fc63daf-8483-4772-8e79-3d69d8477de4",
        "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
        "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f",
        "21686148-6449-6e6f-744e-656564454649",
    )
)
PACKAGES = {
    "debugfs": "e2fsprogs", "e2fsck": "e2fsprogs", "fls": "sleuthkit", "mcopy": "mtools", "mke2fs": "e2fsprogs",
    "mkfs.exfat": "exfatprogs", "mkfs.vfat": "dosfstools", "mkntfs": "ntfs-3g", "ntfs-3g": "ntfs-3g",
    "sfdisk": "fdisk", "sgdisk": "gdisk", "tune2fs": "e2fsprogs",
}  # fmt: skip


def program(name: str) -> str:
    """The path of a program; skips the test that needs it where it is missing."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed: apt-get install {PACKAGES[name]}")
    return found


def run(name: str, *words: object, **options) -> str:
    """Run a program; what it prints. Times are in UTC, whatever this machine's zone."""
    environment = {**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8", "MTOOLS_SKIP_CHECK": "1"}
    done = subprocess.run(
        [program(name), *map(os.fspath, map(_word, words))], capture_output=True, env=environment, **options
    )
    assert done.returncode == 0, (name, words, done.stderr.decode(errors="replace"))
    return done.stdout.decode(errors="replace")


def _word(word: object) -> str | bytes | os.PathLike:
    return word if isinstance(word, (str, bytes, os.PathLike)) else str(word)


def blank(path: Path, size: int) -> Path:
    """An empty sparse file."""
    path.unlink(missing_ok=True)
    with path.open("wb") as file:
        file.truncate(size)
    return path


def write_at(path: Path, offset: int, data: bytes) -> None:
    """Overwrite a part of an image, as damage does."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def unpacked(name: str, folder: Path) -> Path:
    """One of the images of `fixtures/images`, unpacked, with its holes."""
    path = folder / name
    with lzma.open(FIXTURES / f"{name}.xz") as packed, path.open("wb") as file:
        while piece := packed.read(1 << 16):
            file.seek(len(piece), os.SEEK_CUR) if not any(piece) else file.write(piece)
        file.truncate()
    return path


def head(name: str) -> bytes:
    """The first kilobytes of a filesystem that is recognised and not read."""
    return lzma.decompress((FIXTURES / "heads" / f"{name}.xz").read_bytes())


# ---------------------------------------------------------------- filesystems


def ext(path: Path, tree: Path | None = None, size: int = 8 * MIB, kind: str = "ext4", *options: object) -> Path:
    """An ext filesystem holding `tree`. Its times are whole seconds: that is what mke2fs copies."""
    blank(path, size)
    run("mke2fs", "-q", "-F", "-t", kind, *options, *(["-d", tree] if tree else []), path)
    return path


def fat(path: Path, tree: Path | None = None, size: int = 16 * MIB, bits: int = 16, *options: object) -> Path:
    """A FAT filesystem holding `tree`."""
    blank(path, size)
    run("mkfs.vfat", "-F", bits, *options, path)
    entries = sorted(tree.iterdir()) if tree else []
    if entries:
        run("mcopy", "-s", "-m", "-i", path, *entries, "::/")
    return path


def ntfs(path: Path, tree: Path | None = None, size: int = 16 * MIB) -> Path:
    """An NTFS filesystem holding `tree`."""
    blank(path, size)
    run("mkntfs", "-q", "-F", "-f", path)
    if tree and any(tree.iterdir()):
        with mounted_ntfs(path) as mount:
            shutil.copytree(tree, mount, dirs_exist_ok=True)
    return path


@contextmanager
def mounted_ntfs(path: Path, options: str = "streams_interface=xattr") -> Iterator[Path]:
    """The NTFS image, mounted for writing. Skips where this user may not mount."""
    program("ntfs-3g")
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        pytest.skip("filling an NTFS image takes root and FUSE")
    mount = path.parent / f"{path.name}.mnt"
    mount.mkdir(exist_ok=True)
    run("ntfs-3g", "-o", options, path, mount)
    try:
        yield mount
    finally:
        subprocess.run(["umount", str(mount)], check=True)


# ---------------------------------------------------------------- partition tables, written by hand


def gpt(
    path: Path,
    parts: Sequence[tuple[int, int, bytes | Path | None]],
    size: int = 64 * MIB,
    sector: int = 512,
    kinds: Sequence[uuid.UUID] = (),
    entry_size: int = 128,
) -> Path:
    """A disk with a GPT. Parts are (number, offset, content), each as long as its content, or a mebibyte."""
    blank(path, size)
    entries = bytearray(128 * entry_size)
    with path.open("r+b") as disk:
        for index, (number, offset, content) in enumerate(parts):
            length = _place(disk, offset, content)
            kind = kinds[index] if index < len(kinds) else LINUX
            last = (offset + length) // sector - 1
            entry = struct.pack("<16s16sQQQ72s", kind.bytes_le, uuid.uuid4().bytes_le, offset // sector, last, 0, b"")
            entries[(number - 1) * entry_size : (number - 1) * entry_size + 128] = entry
        disk.seek(0)
        disk.write(_boot([(0, 0xEE, 1, min(size // sector - 1, 0xFFFFFFFF))]))
        count = len(entries) // entry_size
        last = size // sector - 1
        room = -(-len(entries) // sector)
        disk.seek(2 * sector)
        disk.write(entries)
        disk.seek((last - room) * sector)
        disk.write(entries)
        for here, other, at in ((1, last, 2), (last, 1, last - room)):
            disk.seek(here * sector)
            disk.write(_gpt_header(here, other, at, count, entry_size, bytes(entries)))
    return path


def _gpt_header(here: int, other: int, at: int, count: int, entry_size: int, entries: bytes) -> bytes:
    def packed(crc: int) -> bytes:
        return struct.pack(
            "<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, crc, 0, here, other, 34, 1 << 20, uuid.uuid4().bytes_le,
            at, count, entry_size, zlib.crc32(entries),
        )  # fmt: skip

    blank_crc = packed(0)
    return blank_crc[:16] + struct.pack("<I", zlib.crc32(blank_crc)) + blank_crc[20:]


def mbr(
    path: Path, parts: Sequence[tuple[int, int, bytes | Path | None]], size: int = 64 * MIB, sector: int = 512
) -> Path:
    """A disk with an MBR. Parts are (type, offset, content), up to four."""
    blank(path, size)
    entries = []
    with path.open("r+b") as disk:
        for kind, offset, content in parts:
            length = _place(disk, offset, content)
            entries.append((0, kind, offset // sector, length // sector))
        disk.seek(0)
        disk.write(_boot(entries))
    return path


def _place(disk, offset: int, content: bytes | Path | None) -> int:
    data = content.read_bytes() if isinstance(content, Path) else content
    if data is None:
        return MIB
    disk.seek(offset)
    for at in range(0, len(data), 1 << 16):  # holes stay holes
        piece = data[at : at + (1 << 16)]
        disk.seek(len(piece), os.SEEK_CUR) if not any(piece) else disk.write(piece)
    return len(data)


def _boot(entries: Sequence[tuple[int, int, int, int]]) -> bytes:
    table = b"".join(struct.pack("<B3xB3xII", *entry) for entry in entries)
    return bytes(446) + table.ljust(64, b"\0") + b"\x55\xaa"
