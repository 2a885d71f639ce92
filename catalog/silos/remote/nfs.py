"""NFS exports without a mount (`nfs://server/export/path`), through nfs-rs.

NFSv3 (READDIRPLUS) and NFSv4.1, as a user that is told by numbers (AUTH_SYS); Kerberos needs a mount. What the
server exports may be a folder above the silo's: then that is mounted, and the silo is a folder in it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from catalog import text
from catalog.errors import EntryMissing, MissingExtra, SiloBusy, SiloError, SiloRefused, SiloUnreachable
from catalog.silos import addresses, manners
from catalog.silos import options as given
from catalog.silos.addresses import Address
from catalog.silos.base import Capabilities
from catalog.silos.manners import Pace
from catalog.silos.paths import join
from catalog.silos.remote.base import RemoteSilo
from catalog.silos.remote.pool import Pool
from catalog.silos.remote.walk import FILE, FOLDER, Found

if TYPE_CHECKING:
    import nfs_rs

OPTIONS = tuple(sorted((*manners.OPTIONS, "gid", "mount_port", "reserved_port", "uid", "version")))

_VERSIONS = ("3", "4.1")
_RIGHTS = "Check uid and gid, and what the server exports to this machine: showmount -e SERVER"
_LARGEST_ID = 2**32 - 2
_PLAIN = re.compile(r"[A-Za-z0-9/._~!$&'()*+,;=:@%-]+")
_KINDS = {
    "file": FILE,
    "directory": FOLDER,
    "symlink": "symlink",
    "block_device": "device",
    "character_device": "device",
    "fifo": "fifo",
    "socket": "socket",
}


class _Mounted(NamedTuple):
    """A connection to an export, and where in it the silo's root is."""

    client: nfs_rs.Client
    folder: str
    export: str


class NfsSilo(RemoteSilo):
    """The files below a folder of an export."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        order="tree", in_turn=True, directory_mtimes=True, concurrent_reads=4
    )

    def __init__(self, address: Address, settings: Mapping[str, Any], pace: Pace) -> None:
        super().__init__(address, f"uid {settings['uid']}, gid {settings['gid']}", pace)
        self._settings = settings
        self._pool: Pool[_Mounted] = Pool(self._mount, _end, self.capabilities.concurrent_reads)

    def _list(self, path: str) -> Iterator[Found]:
        import nfs_rs

        with self._at(path) as (client, full):
            try:
                for entry in client.scandir(full):
                    yield _found(entry.name, entry.info)
            except (nfs_rs.NfsEncodingError, nfs_rs.NfsDirectoryEntryError):
                yield Found("", FILE)  # a name that is no text; the library goes no further

    def _find(self, path: str) -> Found:
        with self._at(path) as (client, full):
            return _found("", client.stat(full))

    def _read(self, path: str, offset: int, length: int) -> bytes:
        with self._at(path) as (client, full):
            if _found("", client.stat(full)).kind != FILE:
                raise EntryMissing(f"{self._shown(path)} is not a file.")
            data = b""
            with client.open(full) as file:
                while len(data) < length:
                    piece = file.read_at(offset + len(data), length - len(data))
                    if not piece:
                        break
                    data += piece
            return data

    def close(self) -> None:
        """End the connections."""
        self._pool.close()

    def _facts(self) -> Iterable[tuple[str, str]]:
        with self._pool.use() as mounted:
            return [("version", f"NFSv{mounted.client.version.value}"), ("export", text.safe(mounted.export, 200))]

    def _mount(self) -> _Mounted:
        """Mount the silo's root, or the export that it lies in. Raises a `SiloError`."""
        import nfs_rs

        path = "/" + self.address.path
        with _as_silo_errors(text.safe(self.url, 300)):
            try:
                return self._mounted(path, _spellable(path))
            except nfs_rs.NfsMountError:
                export = self._export_above(path)
                if export is None:
                    raise
                return self._mounted(path, export)

    def _mounted(self, path: str, export: str) -> _Mounted:
        import nfs_rs

        client = nfs_rs.Client.connect(self._address(export), **self._settings)
        return _Mounted(client, path[len(export) :].strip("/"), export)

    def _address(self, path: str) -> str:
        return f"nfs://{self.address.host}{path}"

    def _export_above(self, path: str) -> str | None:
        """The nearest folder above that the server says it exports; None where it does not say."""
        import nfs_rs

        try:
            exports = [one.path.rstrip("/") for one in nfs_rs.list_exports(self._address("/"), **self._settings)]
        except (nfs_rs.NfsError, OSError):
            return None
        return max((one for one in exports if path.startswith(one + "/")), key=len, default=None)

    @contextmanager
    def _at(self, path: str) -> Iterator[tuple[nfs_rs.Client, str]]:
        """A connection, and a path as it stands in the export; errors within are the catalog's."""
        with self._pool.use() as mounted, _as_silo_errors(self._shown(path)):
            yield mounted.client, join(mounted.folder, path) or "."

    def _shown(self, path: str) -> str:
        return text.safe(join(self.url, text.name_to_text(path)), 300)


def open_silo(url: str, options: Mapping[str, str]) -> NfsSilo:
    """Open `nfs://server/export/path`; nothing is reached yet.

    Raises `UsageError` for options that are unknown or wrong, `MissingExtra` without nfs-rs.
    """
    given.check(options, OPTIONS, "An NFS silo")
    address = addresses.parsed(url)
    version = given.one_of(options, "version", _VERSIONS)
    uid = given.whole(options, "uid", 0, _LARGEST_ID)
    gid = given.whole(options, "gid", 0, _LARGEST_ID)
    settings = {
        "versions": [version] if version else list(_VERSIONS),
        "uid": os.geteuid() if uid is None else uid,
        "gid": os.getegid() if gid is None else gid,
        "nfs_port": address.port,
        "mount_port": given.whole(options, "mount_port", 1, 65_535),
        "noresvport": not given.flag(options, "reserved_port", os.geteuid() == 0),
        "connect_timeout": manners.CONNECT_SECONDS,
        "operation_timeout": manners.ANSWER_SECONDS,
    }
    try:
        import nfs_rs  # noqa: F401
    except ImportError:
        raise MissingExtra("NFS without a mount", "nfs") from None
    return NfsSilo(address, {name: value for name, value in settings.items() if value is not None}, Pace.of(options))


def _spellable(path: str) -> str:
    """`path`, or the nearest folder above that the library can mount.

    It takes a URL, and sends its path as a URL's parser leaves it: with spaces and letters of other scripts
    percent-encoded, which the server does not know.
    """
    while path != "/" and not _PLAIN.fullmatch(path):
        path = path.rpartition("/")[0] or "/"
    return path


def _found(name: str, info: nfs_rs.FileInfo) -> Found:
    return Found(name, _KINDS.get(info.type.value, "other"), info.size, info.mtime)


def _end(mounted: _Mounted) -> None:
    with suppress(Exception):  # it may be broken in any way
        mounted.client.close()


@contextmanager
def _as_silo_errors(where: str) -> Iterator[None]:
    import nfs_rs

    try:
        yield
    except SiloError:
        raise
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, UnicodeError) as error:
        raise EntryMissing(f"{where} does not exist.") from error
    except (PermissionError, nfs_rs.NfsUnsupportedError, nfs_rs.NfsInvalidInputError) as error:
        raise SiloRefused(f"{where}: {_why(error)}.", hint=_RIGHTS) from error
    except nfs_rs.NfsMountError as error:
        if "denied" in str(error) or "permitted" in str(error):  # the library keeps no number of it
            raise SiloRefused(f"{where}: {_why(error)}.", hint=_RIGHTS) from error
        raise EntryMissing(f"{where} cannot be mounted: {_why(error)}.") from error
    except (nfs_rs.NfsError, OSError, ValueError) as error:
        code = getattr(error, "code_name", None) or ""
        kind = SiloBusy if code.endswith(("JUKEBOX", "ERR_DELAY")) else SiloUnreachable
        hint = "Check the address and the network."
        if "portmapper" in str(error):
            hint = "Where no portmapper runs, say where the mount service answers: --option mount_port=2049."
        raise kind(f"{where}: {_why(error)}.", hint=hint) from error


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return text.safe(str(error).partition("\n")[0], 200).rstrip(".") or type(error).__name__
