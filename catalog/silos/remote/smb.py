r"""SMB shares (`smb://[user@]server/share/path`, `\\server\share\path`), through smbprotocol.

A directory's listing carries sizes and times; it is unpacked here, because building the library's objects
of each field of each entry costs ten times as much. Links (symbolic ones, junctions) are never
followed, and DFS links are not resolved.
"""

from __future__ import annotations

import logging
import struct
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from catalog import text
from catalog.errors import EntryMissing, MissingExtra, SiloBusy, SiloError, SiloRefused, SiloUnreachable, UsageError
from catalog.silos import addresses, manners
from catalog.silos import options as given
from catalog.silos.addresses import Address
from catalog.silos.base import Capabilities
from catalog.silos.manners import Pace
from catalog.silos.paths import join
from catalog.silos.remote.base import RemoteSilo
from catalog.silos.remote.pool import Pool
from catalog.silos.remote.walk import FILE, FOLDER, Found
from catalog.silos.secrets import secret

if TYPE_CHECKING:
    from smbprotocol.connection import Connection
    from smbprotocol.open import Open
    from smbprotocol.session import Session
    from smbprotocol.tree import TreeConnect

OPTIONS = tuple(sorted((*manners.OPTIONS, "auth", "domain", "encrypt", "password", "signing", "user")))

# Numbers of [MS-FSCC] and [MS-SMB2].
_LISTING = 38  # FileIdFullDirectoryInformation
_ENTRY = struct.Struct("<2I 6q 4I Q")  # its fixed part; the name follows
_DIRECTORY, _REPARSE = 0x10, 0x400
_READ, _ATTRIBUTES = 0x1, 0x80
_SHARE_ALL = 0x7
_OPEN_EXISTING = 1
_MUST_BE_FOLDER, _MUST_BE_FILE, _THE_LINK_ITSELF = 0x1, 0x40, 0x200000
_EPOCH = 116_444_736_000_000_000  # 1970 in steps of 100 ns since 1601
_CREDIT = 65_536
_LARGEST_REPLY = 16 * _CREDIT

_LINKS = {0xA000000C: "symlink", 0xA0000003: "symlink", 0xA000001D: "symlink", 0x80000023: "socket"}
_LINKS |= {0x80000024: "fifo", 0x80000025: "device", 0x80000026: "device", 0x80000014: "other"}
"""Reparse points that are no files. Others, as of deduplicated or archived files, read like any file."""

_MISSING = {0xC0000034, 0xC000003A, 0xC000000F, 0xC0000103, 0xC00000BA, 0xC0000033, 0xC000003B, 0xC0000056, 0xC00000CC}
_REFUSED = {
    0xC0000022: "permission denied",
    0xC000006D: "the server refuses this login",
    0xC000006E: "this account is restricted",
    0xC0000071: "the password has expired",
    0xC0000072: "the account is disabled",
    0xC0000043: "another program has locked it",
    0x8000002D: "it is a symbolic link, and links are not followed",
    0xC0000257: "it is a DFS link; name the server and share that it leads to",
}
_BUSY = {0xC000009A, 0xC00000D0, 0xC0000205}
_DIALECTS = {0x0202: "SMB 2.0.2", 0x0210: "SMB 2.1", 0x0300: "SMB 3.0", 0x0302: "SMB 3.0.2", 0x0311: "SMB 3.1.1"}
_END = {0x80000006, 0xC000000F}  # no more files, no such file


class _Connection(NamedTuple):
    """A connection to one share."""

    connection: Connection
    session: Session
    tree: TreeConnect


@dataclass(frozen=True, slots=True)
class _Login:
    user: str | None
    password: str | None
    auth: str
    encrypt: bool
    signing: bool

    def connect(self, address: Address) -> _Connection:
        """Connect, log in, and open the share. Raises a `SiloError`."""
        from smbprotocol.session import Session
        from smbprotocol.tree import TreeConnect

        host, share = address.host.strip("[]"), address.path.partition("/")[0]
        connection = _bounded()(uuid.uuid4(), host, address.port, require_signing=self.signing)
        try:
            with _as_silo_errors(text.safe(join(address.place, share), 300)):
                connection.connect(timeout=manners.CONNECT_SECONDS)
                if self.encrypt and not connection.supports_encryption:
                    raise SiloRefused(f"{address.place}: this server cannot encrypt.", hint="Leave out encrypt=true.")
                session = Session(
                    connection, self.user, self.password, require_encryption=self.encrypt, auth_protocol=self.auth
                )
                session.connect()
                tree = TreeConnect(session, rf"\\{host}\{share}")
                tree.connect(require_secure_negotiate=self.signing)
        except BaseException:
            _drop(connection)
            raise
        return _Connection(connection, session, tree)


class SmbSilo(RemoteSilo):
    """The files below a folder of a share."""

    capabilities: ClassVar[Capabilities] = Capabilities(order="tree", in_turn=True, concurrent_reads=4)

    def __init__(self, address: Address, login: _Login, pace: Pace) -> None:
        ticket = f"the Kerberos ticket of {login.user or 'this user'}"
        who = ticket if login.password is None else f"user {login.user}"
        super().__init__(address, who, pace)
        self._folder = address.path.partition("/")[2]
        self._pool: Pool[_Connection] = Pool(
            lambda: login.connect(address), lambda one: _drop(one.connection), self.capabilities.concurrent_reads
        )

    def _list(self, path: str) -> list[Found]:
        with self._opened(path, _READ | _ATTRIBUTES, _MUST_BE_FOLDER | _THE_LINK_ITSELF) as (one, opened):
            return list(_entries(one, opened))

    def _find(self, path: str) -> Found:
        with self._opened(path, _ATTRIBUTES, _THE_LINK_ITSELF) as (_, opened):
            attributes = int(opened.file_attributes)
            kind = FOLDER if attributes & _DIRECTORY else FILE
            if attributes & _REPARSE and kind == FOLDER:
                kind = "symlink"  # no reparse point of a folder reads like a folder of this share
            return Found("", kind, opened.end_of_file, _nanoseconds(opened.last_write_time))

    def _read(self, path: str, offset: int, length: int) -> bytes:
        data = bytearray()
        with self._opened(path, _READ | _ATTRIBUTES, _MUST_BE_FILE) as (one, opened):
            length = min(length, opened.end_of_file - offset)
            while len(data) < length:
                piece = opened.read(offset + len(data), min(length - len(data), _largest(one, "read")))
                if not piece:
                    break
                data += piece
        return bytes(data)

    def close(self) -> None:
        """End the connections."""
        self._pool.close()

    def _facts(self) -> Iterable[tuple[str, str]]:
        with self._pool.use() as one:
            guard = "encrypted" if one.session.encrypt_data else "signed" if one.session.signing_required else "plain"
            return [("dialect", _DIALECTS.get(one.connection.dialect, "unknown")), ("connection", guard)]

    @contextmanager
    def _opened(self, path: str, access: int, how: int) -> Iterator[tuple[_Connection, Open]]:
        """What stands at a path, open for as long as the context lasts; errors within are the catalog's."""
        from smbprotocol.open import Open

        if "\\" in path or "\0" in path:
            raise EntryMissing(f"{self._shown(path)} is no name that a share can hold.")
        native = join(self._folder, path).replace("/", "\\")
        with self._pool.use() as one, _as_silo_errors(self._shown(path)):
            opened = Open(one.tree, native)
            opened.create(2, access, 0, _SHARE_ALL, _OPEN_EXISTING, how)
            try:
                yield one, opened
            finally:
                with suppress(Exception):  # what counts is what happened before; the pool drops what is broken
                    opened.close()

    def _shown(self, path: str) -> str:
        return text.safe(join(self.url, text.name_to_text(path)), 300)


def open_silo(url: str, options: Mapping[str, str]) -> SmbSilo:
    """Open `smb://[user@]server/share/path`. Secrets are resolved here; nothing is reached yet.

    Raises `UsageError` for options that are unknown or wrong, `SecretInline` for a secret in the
    clear, `MissingExtra` without smbprotocol.
    """
    given.check(options, OPTIONS, "An SMB silo")
    address = addresses.parsed(url)
    if not address.path:
        raise UsageError("The share is missing.", hint="smb://SERVER/SHARE/PATH")
    login = _login(address, options)
    try:
        import smbprotocol.connection  # noqa: F401
    except ImportError:
        raise MissingExtra("SMB", "smb") from None
    logging.getLogger("smbprotocol").addHandler(logging.NullHandler())
    return SmbSilo(address, login, Pace.of(options))


def _login(address: Address, options: Mapping[str, str]) -> _Login:
    user = addresses.user(address, options)
    domain, semicolon, name = (user or "").partition(";")  # smb://DOMAIN;user@server
    if semicolon:
        user = name
    domain = options.get("domain") or (domain if semicolon else "")
    password = secret(options["password"], "password") if "password" in options else None
    if password is not None and user is None:
        raise UsageError("password belongs to a user.", hint="--option user=NAME, or NAME@ in the URL")
    auth = given.one_of(options, "auth", ("kerberos", "negotiate", "ntlm")) or "negotiate"
    named = f"{domain}\\{user}" if domain and user else user
    return _Login(named, password, auth, given.flag(options, "encrypt"), given.flag(options, "signing", True))


# ---------------------------------------------------------------- the protocol


def _bounded() -> type[Connection]:
    """The library's connection, which waits without end and follows links, with neither."""
    from smbprotocol.connection import Connection

    class Bounded(Connection):  # type: ignore[misc]  # smbprotocol is untyped
        def receive(
            self, request: Any, wait: bool = True, timeout: float | None = None, resolve_symlinks: bool = False
        ) -> Any:
            return super().receive(request, wait, timeout or manners.ANSWER_SECONDS, resolve_symlinks=False)

    return Bounded


def _entries(one: _Connection, opened: Open) -> Iterator[Found]:
    """The entries of an open directory. [MS-SMB2] 2.2.33, [MS-FSCC] 2.4.18."""
    from smbprotocol.exceptions import SMBResponseException
    from smbprotocol.open import SMB2QueryDirectoryResponse

    flags = 1  # from the start
    while True:
        query, _ = opened.query_directory("*", _LISTING, flags, 0, _largest(one, "transact"), send=False)
        request = one.connection.send(query, one.session.session_id, one.tree.tree_connect_id)
        try:
            answer = one.connection.receive(request)
        except SMBResponseException as error:
            if error.status in _END:
                return
            raise
        reply = SMB2QueryDirectoryResponse()
        reply.unpack(answer["data"].get_value())
        yield from unpacked(reply["buffer"].get_value())
        flags = 0


def unpacked(buffer: bytes) -> Iterator[Found]:
    """The entries of one answer, which may be no such thing: raises `ValueError` then."""
    at = 0
    while True:
        try:
            following, _, _, _, written, _, size, _, attributes, length, tag, _, _ = _ENTRY.unpack_from(buffer, at)
        except struct.error as error:
            raise ValueError("a listing that breaks off") from error
        start = at + _ENTRY.size
        raw = buffer[start : start + length]
        if len(raw) < length or (following and following < _ENTRY.size):
            raise ValueError("a listing that breaks off")
        # A backslash would be a separator; no server of this protocol can hold a name with one.
        name = raw.decode("utf-16-le", "surrogatepass").replace("\\", "/")
        kind = FOLDER if attributes & _DIRECTORY else FILE
        if attributes & _REPARSE:
            kind = _LINKS.get(tag, kind)
        yield Found(name, kind, size, (written - _EPOCH) * 100 if written > 0 else None)
        if not following:
            return
        at += following


def _largest(one: _Connection, what: str) -> int:
    """How much the server may be asked for at once: its own bound, and what it has granted so far."""
    window = one.connection.sequence_window
    granted = (window["high"] - window["low"]) * _CREDIT
    return int(max(min(getattr(one.connection, f"max_{what}_size"), granted, _LARGEST_REPLY), 1024))


def _drop(connection: Connection) -> None:
    with suppress(Exception):  # it may be broken in any way
        connection.disconnect(close=False)


def _nanoseconds(time: datetime) -> int:
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return (aware - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1) * 1000


@contextmanager
def _as_silo_errors(where: str) -> Iterator[None]:
    from smbprotocol.exceptions import SMBAuthenticationError, SMBResponseException

    try:
        yield
    except SiloError:
        raise
    except SMBResponseException as error:
        raise _mapped(error.status, where) from error
    except SMBAuthenticationError as error:
        raise SiloRefused(
            f"{where}: the login failed: {text.safe(error, 200)}", hint="Check user and password=env:NAME."
        ) from error
    except ImportError as error:
        raise SiloRefused(
            f"{where}: {text.safe(error, 200)}.", hint="Kerberos: pip install 'smbprotocol[kerberos]'"
        ) from error
    except Exception as error:  # a server that answers nonsense makes the library fail in any way
        reason = text.safe(str(error).partition("\n")[0], 200).rstrip(".") or type(error).__name__
        raise SiloUnreachable(f"{where}: {reason}.", hint="Check the address and the network.") from error


def _mapped(status: int, where: str) -> SiloError:
    if status in _MISSING:
        return EntryMissing(f"{where} does not exist.")
    if status in _REFUSED:
        return SiloRefused(f"{where}: {_REFUSED[status]}.", hint="Check user, domain, and what they may see.")
    if status in _BUSY:
        return SiloBusy(f"{where}: the server has too much to do.")
    return SiloUnreachable(f"{where}: the server answers 0x{status:08X}.")
