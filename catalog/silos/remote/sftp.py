"""SFTP servers (`sftp://[user@]host[:port]/path`), through paramiko.

The server's key must be known: from `known_hosts`, or pinned with the option `host_key`. It is never accepted
silently. Names are bytes in SFTP and are kept as they are.
"""

from __future__ import annotations

import base64
import getpass
import hashlib
import logging
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from catalog import text
from catalog.errors import EntryMissing, MissingExtra, SiloError, SiloRefused, SiloUnreachable, UsageError
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
    import paramiko

OPTIONS = tuple(
    sorted((*manners.OPTIONS, "agent", "host_key", "known_hosts", "passphrase", "password", "private_key", "user"))
)

_KNOWN_HOSTS = ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts")
_KINDS = {
    stat.S_IFREG: FILE,
    stat.S_IFDIR: FOLDER,
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "device",
    stat.S_IFCHR: "device",
}


class _Session(NamedTuple):
    """One connection, and what speaks SFTP over it."""

    ssh: paramiko.SSHClient
    sftp: paramiko.SFTPClient


@dataclass(frozen=True, slots=True)
class _Login:
    """Who asks, with what, and how the server proves who it is."""

    user: str
    password: str | None = None
    key: paramiko.PKey | None = None
    agent: bool = True
    known_hosts: str | None = None
    host_key: str | None = None

    def session(self, address: Address) -> _Session:
        """Connect and log in. Raises `SiloRefused` or `SiloUnreachable`."""
        import paramiko

        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(_policy(self.host_key))
        self._load_keys(client, address)
        own = self.password is None and self.key is None
        with _as_silo_errors(text.safe(address.place, 300)):
            try:
                client.connect(
                    address.host.strip("[]"), address.port, self.user, self.password, self.key,
                    timeout=manners.CONNECT_SECONDS, banner_timeout=manners.ANSWER_SECONDS,
                    auth_timeout=manners.ANSWER_SECONDS, channel_timeout=manners.ANSWER_SECONDS,
                    allow_agent=own and self.agent, look_for_keys=own,
                )  # fmt: skip
                sftp = client.open_sftp()
                sftp.get_channel().settimeout(manners.ANSWER_SECONDS)
            except BaseException as error:
                transport = client.get_transport()
                ready = transport is not None and transport.initial_kex_done and not transport.is_authenticated()
                client.close()
                if ready and type(error) is paramiko.SSHException:  # there was nothing to log in with
                    raise paramiko.AuthenticationException("no key and no password to offer") from error
                raise
        return _Session(client, sftp)

    def _load_keys(self, client: paramiko.SSHClient, address: Address) -> None:
        if self.host_key is not None:
            kind, _, key = self.host_key.partition(" ")
            if key:
                client.get_host_keys().add(_entry(address), kind, _public_key(kind, key))
            return
        for path in (self.known_hosts,) if self.known_hosts is not None else _KNOWN_HOSTS:
            try:
                client.load_system_host_keys(str(Path(path).expanduser()))
            except OSError as error:
                if self.known_hosts is not None:
                    raise UsageError(f"known_hosts: {text.safe(path, 200)} cannot be read.") from error


class SftpSilo(RemoteSilo):
    """The files below a folder of an SFTP server."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        order="tree", in_turn=True, directory_mtimes=True, concurrent_reads=4
    )

    def __init__(self, address: Address, login: _Login, pace: Pace) -> None:
        super().__init__(address, f"user {login.user}", pace)
        self._pool: Pool[_Session] = Pool(
            lambda: login.session(address), lambda session: session.ssh.close(), self.capabilities.concurrent_reads
        )

    def _list(self, path: str) -> list[Found]:
        with self._at(path) as (session, full):
            return list(_entries(session.sftp, full))

    def _find(self, path: str) -> Found:
        with self._at(path) as (session, full):
            return _found("", session.sftp.lstat(full))

    def _read(self, path: str, offset: int, length: int) -> bytes:
        with self._at(path) as (session, full):
            if not stat.S_ISREG(session.sftp.lstat(full).st_mode or 0):
                raise EntryMissing(f"{self._shown(path)} is not a file.")
            with session.sftp.open(full, "rb") as file:
                length = min(length, (file.stat().st_size or 0) - offset)
                return b"".join(file.readv([(offset, length)])) if length > 0 else b""

    def close(self) -> None:
        """End the connections."""
        self._pool.close()

    def _facts(self) -> Iterable[tuple[str, str]]:
        with self._pool.use() as session:
            transport = session.ssh.get_transport()
            assert transport is not None
            key = transport.get_remote_server_key()
            return [
                ("server", text.safe(transport.remote_version, 100)),
                ("host key", f"{key.get_name()} {_fingerprint(key)}"),
            ]

    @contextmanager
    def _at(self, path: str) -> Iterator[tuple[_Session, Any]]:
        """A connection and a path as the server knows it; errors within are the catalog's."""
        full = ("/" + join(self.address.path, path)).encode("utf-8", "surrogateescape")
        with self._pool.use() as session, _as_silo_errors(self._shown(path)):
            yield session, full

    def _shown(self, path: str) -> str:
        return text.safe(join(self.url, text.name_to_text(path)), 300)


def open_silo(url: str, options: Mapping[str, str]) -> SftpSilo:
    """Open `sftp://[user@]host[:port]/path`. Secrets are resolved here; nothing is reached yet.

    Raises `UsageError` for options that are unknown or wrong, `SecretInline` for a secret in the
    clear, `MissingExtra` without paramiko.
    """
    given.check(options, OPTIONS, "An SFTP silo")
    address = addresses.parsed(url)
    try:
        import paramiko
    except ImportError:
        raise MissingExtra("SFTP", "sftp") from None
    # Without a handler Python prints what the library logs, with tracebacks.
    logging.getLogger("paramiko").addHandler(logging.NullHandler())
    return SftpSilo(address, _login(paramiko, address, options), Pace.of(options))


def _login(paramiko: Any, address: Address, options: Mapping[str, str]) -> _Login:
    given.exclusive(options, "password", "private_key")
    given.exclusive(options, "host_key", "known_hosts")
    password = secret(options["password"], "password") if "password" in options else None
    key = None
    if "private_key" in options:
        passphrase = secret(options["passphrase"], "passphrase") if "passphrase" in options else None
        key = _private_key(paramiko, secret(options["private_key"], "private_key"), passphrase)
    elif "passphrase" in options:
        raise UsageError("passphrase belongs to private_key.", hint="--option private_key=file:~/.ssh/id_ed25519")
    return _Login(
        addresses.user(address, options) or getpass.getuser(), password, key, given.flag(options, "agent", True),
        options.get("known_hosts"), _pinned(options.get("host_key")),
    )  # fmt: skip


def _private_key(paramiko: Any, pem: str, passphrase: str | None) -> paramiko.PKey:
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(StringIO(pem + "\n"), passphrase)
        except paramiko.PasswordRequiredException:
            raise UsageError("private_key is encrypted.", hint="--option passphrase=env:NAME") from None
        except (paramiko.SSHException, ValueError):
            continue  # a key of another kind, or none
    raise UsageError("private_key is no private key that can be read, or the passphrase is wrong.")


# ---------------------------------------------------------------- the server's key


def _pinned(value: str | None) -> str | None:
    """The option `host_key`: a fingerprint, or a key as `ssh-keyscan` prints it (the host in front may stay)."""
    if value is None or value.startswith("SHA256:"):
        return value
    words = value.split()
    words = words[1:] if len(words) == 3 else words
    if len(words) != 2:
        hint = "host_key=SHA256:… or 'ssh-ed25519 AAAA…'"
        raise UsageError("The option host_key is a fingerprint or a key.", hint=hint)
    _public_key(*words)
    return " ".join(words)


def _public_key(kind: str, encoded: str) -> paramiko.PKey:
    import paramiko

    try:
        return paramiko.PKey.from_type_string(kind, base64.b64decode(encoded, validate=True))
    except (ValueError, paramiko.SSHException, paramiko.pkey.UnknownKeyType) as error:
        raise UsageError("The option host_key holds no key that can be read.") from error


def _policy(host_key: str | None) -> paramiko.MissingHostKeyPolicy:
    """What happens with a server whose key is not among the known ones."""
    import paramiko

    class Policy(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]  # paramiko is untyped
        def missing_host_key(self, client: Any, hostname: str, key: paramiko.PKey) -> None:
            if host_key == _fingerprint(key):
                return
            shown = f"{key.get_name()} {_fingerprint(key)}"
            if host_key is not None:
                raise SiloRefused(f"{hostname} has another host key than the one given: {shown}.")
            raise SiloRefused(
                f"The host key of {hostname} is not known: {shown}.",
                hint=f"Compare it with what the server's owner says, then --option host_key={_fingerprint(key)}, "
                "or add it to ~/.ssh/known_hosts.",
            )

    return Policy()


def _fingerprint(key: paramiko.PKey) -> str:
    """As OpenSSH prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")


def _entry(address: Address) -> str:
    """The name of a server in a file of known hosts."""
    host = address.host.strip("[]")
    return host if address.port == addresses.PORTS["sftp"] else f"[{host}]:{address.port}"


# ---------------------------------------------------------------- listings


def _entries(sftp: paramiko.SFTPClient, path: bytes) -> Iterator[Found]:
    """One directory. As `SFTPClient.listdir_attr`, which takes only names that are UTF-8."""
    from paramiko.sftp import CMD_CLOSE, CMD_HANDLE, CMD_NAME, CMD_OPENDIR, CMD_READDIR
    from paramiko.sftp_attr import SFTPAttributes

    kind, answer = sftp._request(CMD_OPENDIR, path)
    if kind != CMD_HANDLE:
        raise SiloUnreachable("the server's answer is no SFTP")
    handle = answer.get_binary()
    try:
        while True:
            kind, answer = sftp._request(CMD_READDIR, handle)
            if kind != CMD_NAME:
                raise SiloUnreachable("the server's answer is no SFTP")
            for _ in range(answer.get_int()):
                name = answer.get_binary().decode("utf-8", "surrogateescape")
                answer.get_binary()  # the line that `ls -l` would print
                yield _found(name, SFTPAttributes._from_msg(answer))
    except EOFError:
        sftp._request(CMD_CLOSE, handle)


def _found(name: str, attributes: paramiko.SFTPAttributes) -> Found:
    kind = _KINDS.get(stat.S_IFMT(attributes.st_mode or 0), "other")
    mtime = attributes.st_mtime
    return Found(name, kind, attributes.st_size, None if mtime is None else mtime * 1_000_000_000)


# ---------------------------------------------------------------- errors


@contextmanager
def _as_silo_errors(where: str) -> Iterator[None]:
    import paramiko

    try:
        yield
    except SiloError:
        raise
    except paramiko.BadHostKeyException as error:
        raise SiloRefused(
            f"{where}: the host key has changed to {error.key.get_name()} {_fingerprint(error.key)}.",
            hint="Ask the server's owner; someone may be listening. Then mend ~/.ssh/known_hosts.",
        ) from error
    except paramiko.AuthenticationException as error:
        raise SiloRefused(
            f"{where}: the server refuses this login: {text.safe(error, 200)}",
            hint="Check user, and password=env:NAME or private_key=file:PATH.",
        ) from error
    except FileNotFoundError as error:
        raise EntryMissing(f"{where} does not exist.") from error
    except PermissionError as error:
        raise SiloRefused(f"{where}: permission denied.") from error
    except (paramiko.SSHException, EOFError, OSError, ValueError) as error:
        # paramiko's word for a server that has not shown its key in time is "No existing session".
        late = isinstance(error, TimeoutError) or str(error) == "No existing session"
        reason = "no answer in time" if late else text.safe(error, 200).rstrip(".")
        raise SiloUnreachable(f"{where}: {reason or type(error).__name__}.") from error
