"""Directories of FAT and exFAT, as The Sleuth Kit lists them."""

from __future__ import annotations

from typing import Any

from catalog.silos.block.folder import BEAT_EVERY, UNKNOWN, Beat, Content, Folder, arranged, as_text, nameable

_LABEL = b" (Volume Label Entry)"
_METADATA = frozenset({b"$ALLOC_BITMAP", b"$UPCASE_TABLE"})
"""What The Sleuth Kit calls two tables that stand in the root directory of exFAT like files."""
_SMALLEST = 32  # no entry of a directory takes less, in any of these
_ALLOCATED = 1  # TSK_FS_NAME_FLAG_ALLOC


class ListedFilesystem:
    """One filesystem whose directories The Sleuth Kit lists. `tsk` is its handle of it.

    The times of directories are not told: FAT does not change them with their entries. Times of files on FAT and
    exFAT are what the clock on the wall showed, without a zone, and are taken as UTC (this process runs in it).
    """

    def __init__(self, tsk: Any, reader: str, beat: Beat) -> None:
        import pytsk3

        self._exfat = reader == "exfat"
        self.root = int(tsk.info.root_inum)
        self._tsk = tsk
        self._beat = beat
        self._types = {
            pytsk3.TSK_FS_META_TYPE_REG: "",
            pytsk3.TSK_FS_META_TYPE_DIR: "directory",
            pytsk3.TSK_FS_META_TYPE_LNK: "symlink",
            pytsk3.TSK_FS_META_TYPE_FIFO: "fifo",
            pytsk3.TSK_FS_META_TYPE_SOCK: "socket",
            pytsk3.TSK_FS_META_TYPE_CHR: "device",
            pytsk3.TSK_FS_META_TYPE_BLK: "device",
            pytsk3.TSK_FS_META_TYPE_VIRT: "virtual",
            pytsk3.TSK_FS_META_TYPE_VIRT_DIR: "virtual",
        }

    def folder(self, node: int) -> Folder:
        """See `Filesystem.folder`."""
        folder = Folder()
        files: list[tuple[str, int, int, int]] = []
        below: list[tuple[str, int]] = []
        for number, file in enumerate(self._tsk.open_dir(inode=node)):
            if not number % BEAT_EVERY:
                self._beat()
            folder.room += _SMALLEST
            if self._exfat and node == self.root and file.info.name.name in _METADATA:
                folder.skip("metadata")
            else:
                self._take(file.info, folder, files, below)
        return arranged(folder, files, below)

    def mtime(self, node: int) -> int | None:
        """See `Filesystem.mtime`."""
        return None

    def refusal(self, node: int) -> str | None:
        """See `Filesystem.refusal`."""
        return None

    def content(self, node: int) -> Content:
        """See `Filesystem.content`."""
        content: Content = self._tsk.open_meta(node).read_random
        return content

    def _take(
        self, info: Any, folder: Folder, files: list[tuple[str, int, int, int]], below: list[tuple[str, int]]
    ) -> None:
        """Put an entry where it belongs. Deleted ones, and what The Sleuth Kit adds of its own, are none."""
        raw, meta = info.name.name or b"", info.meta
        if not int(info.name.flags) & _ALLOCATED or raw in (b".", b".."):
            return
        kind = "gone" if meta is None else self._types.get(meta.type, "other")
        if kind == "virtual" or (raw.endswith(_LABEL) and not kind and not meta.size):
            return
        name = as_text(raw)
        if kind == "gone":
            folder.blame("an entry of it leads to a file that is gone")
        elif not nameable(name):
            folder.blame("a name in it holds a '/' or a null character")
        elif kind == "directory":
            below.append((name, int(meta.addr)))
        elif kind:
            folder.skip(kind)
        else:
            seconds = int(meta.mtime)  # 0 where no time was written: both kinds begin in 1980
            mtime_ns = seconds * 1_000_000_000 + int(meta.mtime_nano) if seconds else UNKNOWN
            files.append((name, int(meta.size), mtime_ns, int(meta.addr)))
