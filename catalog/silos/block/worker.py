"""The process that reads the filesystems of one image, for the silo that started it.

It is given the image's open descriptor and answers requests on its standard streams. It keeps nothing that
is not found again: when it crashes, another takes its place. Its limits are set before anything hostile
is looked at: memory, no files written, no core dumped, and so many seconds of CPU between two signs of life.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import signal
import sys
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from catalog.silos.block import wire
from catalog.silos.block.folder import Content, Folder, Folders, Reading, reason

_MEMORY = 4 << 30
_TOO_MUCH = "it takes more memory than it may"
_KEPT_FILES = 16
_ENOUGH = 4_000  # names in one answer, after which no further directory is begun
_SLICE = 50_000  # names of one directory in one answer

Key = tuple[str, int, int]
"""Which filesystem: how it is read, where it begins, how many bytes of it there are."""


def main(fd: int, size: int, seconds: float) -> None:
    """Answer requests about the image open at `fd` until the silo hangs up."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # no library may write between the answers
    _limit()
    gc.set_threshold(200_000, 20, 20)  # a folder is many small objects and no cycles

    def beat() -> None:
        signal.setitimer(signal.ITIMER_PROF, seconds)

    worker = Worker(fd, size, beat)
    requests = sys.stdin.buffer
    while True:
        try:
            header, _ = wire.unpacked(lambda n: _exactly(requests.read(n), n))
        except EOFError:
            return
        answers.write(worker.answer(header))
        answers.flush()


def _exactly(data: bytes, n: int) -> bytes:
    if len(data) < n:
        raise EOFError
    return data


def _limit() -> None:
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_AS, _MEMORY),
    ):
        with contextlib.suppress(ValueError, OSError):  # a system that has no such limit, or a lower one already
            resource.setrlimit(what, (most, most))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the silo decides
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # out of CPU time: end, also in the middle of C


class Worker:
    """Answers requests. `beat` is called between steps that may each take long."""

    def __init__(self, fd: int, size: int, beat: Callable[[], None]) -> None:
        self._fd = fd
        self._size = size
        self._beat = beat
        self._does = {
            "list": self._list, "times": self._times, "below": self._below, "find": self._find, "read": self._read,
        }  # fmt: skip
        self._opened: dict[Key, _Opened] = {}

    def answer(self, header: dict[str, Any]) -> bytes:
        """The answer to one request, as it is sent; what goes wrong is told in it."""
        self._beat()
        try:
            return self._does[header["do"]](header)
        except OSError as error:  # from these rooms, from The Sleuth Kit, or from reading the image
            return wire.packed({"error": reason(error)})
        except MemoryError:
            self._opened.clear()
            return wire.packed({"error": _TOO_MUCH})

    # ------------------------------------------------------------ requests

    def _list(self, header: dict[str, Any]) -> bytes:
        """The first of the directories `nodes`, as many as make an answer of fair size.

        Of a very large directory only some names, from `start` on. The files of all directories make one set of
        columns, behind the header.
        """
        folders, start, end = self._open(header).folders, header["start"], header["start"] + _SLICE
        found: list[dict[str, Any]] = []
        names: list[str] = []
        sizes: list[int] = []
        mtimes: list[int] = []
        for node in header["nodes"]:
            self._beat()
            try:
                folder = folders.get(node)
            except (OSError, MemoryError) as error:
                problem = reason(error) if isinstance(error, OSError) else _TOO_MUCH
                found.append({"files": 0, "problem": problem})
                continue
            before = len(names)
            names += folder.names[start:end]
            sizes += folder.sizes[start:end]
            mtimes += folder.mtimes[start:end]
            found.append(_told(folder, len(names) - before, end < len(folder.names)))
            if len(names) + len(found) >= _ENOUGH or end < len(folder.names):
                break
        return wire.packed({"found": found}, wire.columns(names, sizes, mtimes))

    def _times(self, header: dict[str, Any]) -> bytes:
        """The times of the directories `nodes`; null where one has none, or cannot be read."""
        filesystem = self._open(header).filesystem
        times: list[int | None] = []
        for node in header["nodes"]:
            try:
                times.append(filesystem.mtime(node))
            except OSError:
                times.append(None)
        return wire.packed({"times": times})

    def _below(self, header: dict[str, Any]) -> bytes:
        """The names and nodes of the subdirectories of a directory."""
        folder = self._open(header).folders.get(header["nodes"][0])
        return wire.packed({"names": folder.directories, "nodes": folder.below})

    def _find(self, header: dict[str, Any]) -> bytes:
        """What stands at the path `names`, as `Folders.find` tells it."""
        return wire.packed({"found": self._open(header).folders.find(header["names"])})

    def _read(self, header: dict[str, Any]) -> bytes:
        """Up to `length` bytes of a file, or of a directory as it lies on disk, from `offset`."""
        opened, node = self._open(header), header["node"]
        content = opened.contents.get(node)
        if content is None:
            refusal = opened.filesystem.refusal(node)
            if refusal is not None:
                return wire.packed({"refused": refusal})
            content = opened.contents[node] = opened.filesystem.content(node)
            if len(opened.contents) > _KEPT_FILES:
                opened.contents.popitem(last=False)
        offset, end = header["offset"], header["offset"] + header["length"]
        parts: list[bytes] = []
        while offset < end:
            data = content(offset, end - offset)
            if not data:
                break
            parts.append(data)
            offset += len(data)
        return wire.packed({}, b"".join(parts))

    def _open(self, header: dict[str, Any]) -> _Opened:
        reader, offset, size = header["of"]
        key = reader, offset, size
        found = self._opened.get(key)
        if found is None:
            found = self._opened[key] = _opened(self._fd, self._size, key, self._beat)
        return found


class _Opened(NamedTuple):
    """A filesystem with The Sleuth Kit's handle of it, and the image below, which must live as long."""

    filesystem: Reading
    folders: Folders
    contents: OrderedDict[int, Content]
    tsk: Any
    image: Any


def _opened(fd: int, image_size: int, key: Key, beat: Callable[[], None]) -> _Opened:
    import pytsk3

    from catalog.silos.block.ntfs import NtfsFilesystem
    from catalog.silos.block.tsk import ListedFilesystem

    reader, offset, size = key
    size = min(size, image_size - offset)

    def read(at: int, length: int) -> bytes:
        return os.pread(fd, max(min(length, size - at), 0), offset + at) if at >= 0 else b""

    class Window(pytsk3.Img_Info):  # type: ignore[misc]  # pytsk3 is untyped
        """What The Sleuth Kit sees: this filesystem's bytes, and nothing beside them."""

        def __init__(self) -> None:
            super().__init__(url="", type=pytsk3.TSK_IMG_TYPE_EXTERNAL)

        def read(self, at: int, length: int) -> bytes:
            return read(at, length)

        def get_size(self) -> int:
            return size

        def close(self) -> None:
            pass

    types = {
        "ext": pytsk3.TSK_FS_TYPE_EXT_DETECT,
        "ntfs": pytsk3.TSK_FS_TYPE_NTFS,
        "fat": pytsk3.TSK_FS_TYPE_FAT_DETECT,
        "exfat": pytsk3.TSK_FS_TYPE_EXFAT,
    }
    image = Window()
    tsk = pytsk3.FS_Info(image, type=types[reader])
    filesystem: Reading = ListedFilesystem(tsk, reader, beat)
    if reader == "ntfs":
        filesystem = NtfsFilesystem(tsk, read, size, beat)
    return _Opened(filesystem, Folders(filesystem), OrderedDict(), tsk, image)


def _told(folder: Folder, files: int, more: bool) -> dict[str, Any]:
    """What is told of a folder beside its files. Of a very large one, the last piece alone tells all of it."""
    told: dict[str, Any] = {"files": files, "mtime": folder.mtime_ns}
    if more:
        return told | {"more": True}
    if folder.directories:
        told |= {"directories": folder.directories, "below": folder.below}
    if folder.skipped:
        told["skipped"] = folder.skipped
    if folder.problem is not None:
        told["problem"] = folder.problem
    told["room"] = folder.room
    return told
