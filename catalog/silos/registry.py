"""Which room of `silos/` opens which URL. Nothing is imported until it is asked for."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, cast

from catalog import text
from catalog.errors import SecretInline, UsageError
from catalog.silos import addresses
from catalog.silos.base import Opener, Silo

Kind = Literal["object", "file", "block"]


Spelling = Callable[[str, str], str]
"""From a scheme and what follows its colon to the one spelling that is kept."""


@dataclass(frozen=True, slots=True)
class Room:
    """A module with `open_silo` and `OPTIONS`, the kind of silo it opens, and how its URLs look."""

    module: str
    kind: Kind
    example: str
    spelling: Spelling
    named: bool = False
    """Whether a name may stand before an `@`: a container, a user."""


def _as(scheme: str, spelling: Spelling) -> Spelling:
    return lambda _, rest: spelling(scheme, rest)


def _server_as(scheme: str) -> Spelling:
    return lambda _, rest: addresses.server(scheme, rest).url


def _path(_: str, rest: str) -> str:
    from catalog.silos.file import from_url, to_url

    return to_url(from_url("file:" + rest))


def _block(_: str, rest: str) -> str:
    from catalog.silos.block import silo as block

    return block.to_url(block.from_url("block:" + rest))


_AZURE = Room(
    "catalog.silos.object.azure",
    "object",
    "abfss://container@account.dfs.core.windows.net/path",
    addresses.azure,
    named=True,
)
_GCS = Room("catalog.silos.object.gcs", "object", "gs://bucket/prefix", _as("gs", addresses.bucket))
_SFTP = Room("catalog.silos.remote.sftp", "file", "sftp://user@server/path", _server_as("sftp"), named=True)
_SMB = Room("catalog.silos.remote.smb", "file", "smb://user@server/share/path", _server_as("smb"), named=True)
_FTP = Room("catalog.silos.remote.ftp", "file", "ftp://user@server/path", _server_as("ftp"), named=True)
_HTTP = Room("catalog.silos.remote.http", "file", "https://server/folder", addresses.server_url, named=True)
_NFS = Room("catalog.silos.remote.nfs", "file", "nfs://server/export/path", _server_as("nfs"))
_WEBDAV = Room("catalog.silos.remote.webdav", "file", "webdavs://server/path", _server_as("webdav"), named=True)
_WEBDAVS = replace(_WEBDAV, spelling=_server_as("webdavs"))
_WEBHDFS = Room(
    "catalog.silos.remote.webhdfs", "file", "webhdfs://namenode:9870/path", addresses.server_url, named=True
)
_S3 = Room("catalog.silos.object.s3", "object", "s3://bucket/prefix", _as("s3", addresses.bucket))

ROOMS: Mapping[str, Room] = {
    "abfs": _AZURE,
    "abfss": _AZURE,
    "az": _AZURE,
    "azure": _AZURE,
    "block": Room("catalog.silos.block.silo", "block", "block:///data/disk.img", _block),
    "cifs": _SMB,
    "dav": _WEBDAV,
    "davs": _WEBDAVS,
    "file": Room("catalog.silos.file", "file", "/data/lake", _path),
    "ftp": _FTP,
    "ftps": replace(_FTP, spelling=_server_as("ftps")),
    "gcs": _GCS,
    "gs": _GCS,
    "http": _HTTP,
    "https": _HTTP,
    "memory": Room("catalog.silos.memory", "object", "memory://name", addresses.bucket),
    "nfs": _NFS,
    "s3": _S3,
    "s3a": _S3,
    "s3n": _S3,
    "sftp": _SFTP,
    "smb": _SMB,
    "ssh": _SFTP,
    "swebhdfs": _WEBHDFS,
    "wasb": _AZURE,
    "wasbs": _AZURE,
    "webdav": _WEBDAV,
    "webdavs": _WEBDAVS,
    "webhdfs": _WEBHDFS,
}
"""By scheme, in alphabetical order."""

INVENTORY = ("inventory", "inventory_columns")
"""Options that every silo takes: its listing is read from an inventory, see `catalog/silos/inventory/`."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?://|/)")
_BARE_SCHEME = re.compile(r"([A-Za-z0-9]+):")


def open_silo(url: str, options: Mapping[str, str] | None = None) -> Silo:
    """Open the silo at `url`, which may be written as in `normalise`; reaches nothing yet.

    Raises `UsageError` for an unknown scheme or option, `SecretInline` for a secret in the clear.
    """
    url, _ = normalise(url)
    module = importlib.import_module(ROOMS[url.partition(":")[0]].module)
    listed = {name: value for name, value in (options or {}).items() if name in INVENTORY}
    own = {name: value for name, value in (options or {}).items() if name not in INVENTORY}
    silo = cast(Opener, module.open_silo)(url, own)
    if not listed:
        return silo
    if "inventory" not in listed:
        raise UsageError("inventory_columns goes with inventory.", hint="--option inventory=URL of the manifest")
    from catalog.silos.inventory import inventoried

    return inventoried(silo, listed, own)


def options_of(url: str) -> tuple[str, ...]:
    """The names of the options that the silo at `url` takes."""
    url, _ = normalise(url)
    names: tuple[str, ...] = importlib.import_module(ROOMS[url.partition(":")[0]].module).OPTIONS
    return tuple(sorted((*names, *INVENTORY)))


def places(url: str, options: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The canonical identities of a silo's root: that of its URL, and of where it is mounted from."""
    from catalog.naming import canonical

    named = (url, options["mounted_from"]) if "mounted_from" in options else (url,)
    return tuple(map(canonical, named))


def normalise(url: str) -> tuple[str, Kind]:
    """A URL or path as people write it, in the one spelling the catalog keeps, and the silo's kind.

    A path becomes an absolute `file:///` URL, or a `block:///` one when a device or a disk image stands there; `~`
    is expanded, other spellings of a scheme and slashes at the end go. Raises `UsageError` for what is no silo,
    `SecretInline` for a password.
    """
    if not url.strip() or "\0" in url:
        raise UsageError("The silo's URL is empty or holds a null character.", hint=_offer())
    if url.startswith("\\\\"):  # \\server\share, as Windows writes it
        url = "smb:" + url.replace("\\", "/")
    found = _SCHEME.match(url)
    if found is None:
        _refuse_forgotten_slashes(url)
        return _of_path(_absolute(url))
    scheme = found[1].lower()
    if scheme == "https" and addresses.is_azure(url[len(found[0]) :].partition("/")[0]):
        scheme = "az"  # as a browser names a container
    room = ROOMS.get(scheme)
    if room is None:
        from difflib import get_close_matches

        close = get_close_matches(scheme, ROOMS, 1, cutoff=0.5)
        mean = f"Did you mean {close[0]}://? " if close else ""
        raise UsageError(f"'{scheme}' is no kind of silo this release knows.", hint=mean + _offer())
    rest = url[len(found[1]) + 1 :]
    _refuse_userinfo(rest, room)
    try:
        return room.spelling(scheme, rest), room.kind
    except UsageError as error:
        error.hint = error.hint or f"Like {room.example}"
        raise


def settled(url: str, options: Mapping[str, str]) -> tuple[str, Kind, dict[str, str]]:
    """What the catalog keeps of a silo: `url` as in `normalise`, with the options that say where it is written into it.

    A folder that is mounted from a server gets that as the option `mounted_from`.

    Raises as `normalise` does, and `UsageError` for a value that such an option cannot have.
    """
    address, kind = normalise(url)
    if kind != "block":
        return address, kind, _with_mount(address, options)
    from catalog.silos.block import silo as block

    place = {name: value for name, value in options.items() if name in block.OPTIONS}
    rest = {name: value for name, value in options.items() if name not in block.OPTIONS}
    return block.settled(address, place)[0], kind, rest


def _with_mount(address: str, options: Mapping[str, str]) -> dict[str, str]:
    """The options, with where a local folder is mounted from where the system tells it."""
    kept = dict(options)
    if address.startswith("file:"):
        from catalog.silos import mounts
        from catalog.silos.file import from_url

        found = mounts.source(from_url(address))
        if found is not None:
            kept.setdefault("mounted_from", found)
        if "mounted_from" in kept:
            kept["mounted_from"], _ = normalise(kept["mounted_from"])
    return kept


def _of_path(path: str) -> tuple[str, Kind]:
    """The URL of a path: a folder, unless a device or a disk image can be seen there, or above it."""
    if not os.path.isdir(path):  # noqa: PTH112
        from catalog.silos.block.image import split

        image, _ = split(path)
        if os.path.exists(image):  # noqa: PTH110
            from catalog.silos.block.disk import is_image
            from catalog.silos.block.silo import to_url as block_url

            if is_image(image):
                return block_url(path), "block"
    from catalog.silos.file import to_url

    return to_url(path), "file"


def _absolute(path: str) -> str:
    # Not resolve(): a silo is the path it is named by, also when that is a symbolic link.
    return os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111


def _refuse_userinfo(rest: str, room: Room) -> None:
    """A password in front of the host would be kept and shown with the URL; a user's name may be."""
    authority = rest[2:].partition("/")[0] if rest.startswith("//") else ""
    before, at, _ = authority.rpartition("@")
    if not at or (":" not in before and room.named):
        return
    raise SecretInline(
        "The URL holds a user or password.",
        hint="Leave it out of the URL and give it as an option: env:NAME, file:PATH or keyring:NAME.",
    )


def _refuse_forgotten_slashes(url: str) -> None:
    """`s3:bucket` is meant as a URL; a path that begins so can be written `./s3:bucket`."""
    found = _BARE_SCHEME.match(url)
    if found and found[1].lower() in ROOMS:
        example = ROOMS[found[1].lower()].example
        raise UsageError(f"'{text.safe(url, 200)}' lacks its slashes.", hint=f"Like {example}")


def _offer() -> str:
    return "Known: " + ", ".join(dict.fromkeys(room.example for room in ROOMS.values())) + "."
