"""Which server's folder a local one is: what Linux tells of its mounts.

A share that is mounted and the same share reached by its own protocol are one place. `source` gives a mounted folder
the address that a silo on the server has. Systems without /proc/self/mountinfo tell nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

_TABLE = Path("/proc/self/mountinfo")
_LARGEST = 16 * 1024 * 1024
_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of the table. `root` is the folder of the filesystem that stands at `point`."""

    point: str
    root: str
    kind: str
    source: str


def known() -> bool:
    """Whether this system tells of its mounts at all."""
    return _TABLE.exists()


def source(folder: str) -> str | None:
    """The address of a local folder on the server it is mounted from; None for what is no server's."""
    try:
        with _TABLE.open("rb") as file:
            table = parse(os.fsdecode(file.read(_LARGEST)))
    except OSError:
        return None
    return address(os.path.realpath(folder), table)


def parse(table: str) -> list[Mount]:
    """The mounts of a table as in proc_pid_mountinfo(5)."""
    found = []
    for line in table.split("\n"):
        before, dash, after = line.partition(" - ")
        left, right = before.split(" "), after.split(" ")
        if dash and len(left) > 4 and len(right) > 1:
            found.append(Mount(_plain(left[4]), _plain(left[3]), right[0], _plain(right[1])))
    return found


def address(folder: str, table: Iterable[Mount]) -> str | None:
    """What `source` says, from a given table. `folder` is absolute and holds no links."""
    nearest: Mount | None = None
    for mount in table:  # of several at one point the last is seen
        inside = folder == mount.point or folder.startswith(mount.point.rstrip("/") + "/")
        if inside and (nearest is None or len(mount.point) >= len(nearest.point)):
            nearest = mount
    if nearest is None or nearest.kind not in _ADDRESSES:
        return None
    start = _ADDRESSES[nearest.kind](nearest.source)
    if start is None:
        return None
    shown = nearest.root.rstrip("/")
    if nearest.kind in _NAMED_TWICE and start.endswith(shown):
        shown = ""
    below = folder[len(nearest.point.rstrip("/")) :]
    return f"{start.rstrip('/')}{shown}{below}".rstrip("/")


def _nfs(source: str) -> str | None:
    host, colon, path = source.rpartition(":/")
    if not colon or not host:
        return None
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"nfs://{host}/{path}"


def _smb(source: str) -> str | None:
    source = source.replace("\\", "/")
    return f"smb:{source}" if source.startswith("//") and source.strip("/") else None


def _sftp(source: str) -> str | None:
    host, colon, path = source.rpartition("@")[2].partition(":/")
    return f"sftp://{host}/{path}" if colon and host else None


def _bucket(scheme: str) -> Callable[[str], str | None]:
    return lambda source: f"{scheme}://{source.replace(':', '/', 1).strip('/')}" if source.strip("/:") else None


_ADDRESSES: dict[str, Callable[[str], str | None]] = {
    "cifs": _smb,
    "fuse.gcsfuse": _bucket("gs"),
    "fuse.goofys": _bucket("s3"),
    "fuse.sshfs": _sftp,
    "nfs": _nfs,
    "nfs4": _nfs,
    "smb3": _smb,
}
"""By the kind of filesystem: from how it names its source to the address of a silo there."""

_NAMED_TWICE = frozenset({"cifs", "smb3"})
"""Kinds that name the mounted folder below the share in their source as well."""


def _plain(field: str) -> str:
    """A field of the table, in which blanks and backslashes are written in octal."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), field)
