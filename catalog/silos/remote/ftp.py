"""FTP servers (`ftp://[user@]server/path`), and with TLS (`ftps://`).

MLSD tells sizes and times as they are. Older servers have only LIST, whose lines are made for people: they are
parsed by ftputil, and their times are taken to the day, because LIST itself drops the hour when a file gets old.

Names are bytes here. The standard library wants an encoding: Latin-1 lets every byte through both ways.
"""

from __future__ import annotations

import ftplib
import ssl
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

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

OPTIONS = tuple(sorted((*manners.OPTIONS, "ca_file", "password", "tls", "user")))

_DAY = 86_400
_PIECE = 64 * 1024
_BROKEN_OFF = ("225", "226", "426", "450", "451", "550", "551", "552")
"""What servers say after a transfer was ended before its end."""


class _Connection:
    """A control connection, and whether the server knows MLSD."""

    def __init__(self, ftp: ftplib.FTP) -> None:
        self.ftp = ftp
        self.machine_lists = "MLST" in _features(ftp)


@dataclass(frozen=True, slots=True)
class _Login:
    user: str
    password: str
    trusted: ssl.SSLContext | None
    implicit: bool
    """Whether TLS begins with the connection, or is asked for on it."""

    def connect(self, address: Address) -> _Connection:
        """Connect and log in. Raises a `SiloError`."""
        # Whoever names ftp:// has an old server; with TLS it is ftps://.
        ftp = ftplib.FTP() if self.trusted is None else _secured(self.trusted, self.implicit)  # noqa: S321
        ftp.encoding = "latin-1"
        try:
            with _as_silo_errors(text.safe(address.place, 300)):
                ftp.connect(address.host.strip("[]"), address.port, timeout=manners.CONNECT_SECONDS)
                assert ftp.sock is not None
                ftp.sock.settimeout(manners.ANSWER_SECONDS)
                ftp.timeout = manners.ANSWER_SECONDS  # that of data connections
                ftp.login(self.user, self.password)
                if isinstance(ftp, ftplib.FTP_TLS):
                    _protect(ftp, address)
                return _Connection(ftp)
        except BaseException:
            ftp.close()
            raise


class FtpSilo(RemoteSilo):
    """The files below a folder of an FTP server."""

    capabilities: ClassVar[Capabilities] = Capabilities(order="tree", in_turn=True, concurrent_reads=2)

    def __init__(self, address: Address, login: _Login, pace: Pace) -> None:
        super().__init__(address, f"user {login.user}", pace)
        self._pool: Pool[_Connection] = Pool(
            lambda: login.connect(address), lambda one: one.ftp.close(), self.capabilities.concurrent_reads
        )

    def _list(self, path: str) -> Iterator[Found]:
        with self._at(path) as (one, full):
            yield from self._entries(one, full)

    def _find(self, path: str) -> Found:
        with self._at(path) as (one, full):
            if one.machine_lists:
                answer = one.ftp.sendcmd(f"MLST {full}").splitlines()
                return _machine_line(answer[1].lstrip()) if len(answer) > 1 else Found("", "other")
            if full == "/":
                return Found("", FOLDER)
            above, _, name = full.rpartition("/")
            for entry in self._entries(one, above or "/"):
                if _wire(entry.name) == name:
                    return entry
        raise EntryMissing(f"{self._shown(path)} does not exist.")

    def _read(self, path: str, offset: int, length: int) -> bytes:
        with self._at(path) as (one, full):
            one.ftp.voidcmd("TYPE I")
            data = bytearray()
            try:
                sent = one.ftp.transfercmd(f"RETR {full}", offset or None)
            except ftplib.error_perm as error:
                if str(error).startswith("554"):  # the file is not as long
                    return b""
                raise
            with sent:
                while len(data) < length and (piece := sent.recv(min(_PIECE, length - len(data)))):
                    data += piece
            _finish(one.ftp)
            return bytes(data)

    def close(self) -> None:
        """End the connections."""
        self._pool.close()

    def _facts(self) -> Iterable[tuple[str, str]]:
        with self._pool.use() as one:
            listing = "MLSD" if one.machine_lists else "LIST: times are known to the day"
            return [("server", text.safe(one.ftp.getwelcome().partition("\n")[0], 100)), ("listing", listing)]

    @staticmethod
    def _entries(one: _Connection, full: str) -> Iterator[Found]:
        lines: list[str] = []
        if one.machine_lists:
            one.ftp.retrlines(f"MLSD {full}", lines.append)
            yield from map(_machine_line, lines)
            return
        one.ftp.cwd(full)  # a path behind LIST may be taken for options
        one.ftp.retrlines("LIST", lines.append)
        yield from _human_lines(lines)

    @contextmanager
    def _at(self, path: str) -> Iterator[tuple[_Connection, str]]:
        """A connection, and a path as it is sent; errors within are the catalog's."""
        full = _wire("/" + join(self.address.path, path))
        with self._pool.use() as one, _as_silo_errors(self._shown(path)):
            yield one, full

    def _shown(self, path: str) -> str:
        return text.safe(join(self.url, text.name_to_text(path)), 300)


def open_silo(url: str, options: Mapping[str, str]) -> FtpSilo:
    """Open `ftp://[user@]server/path` or `ftps://…`. Secrets are resolved here; nothing is reached yet.

    Raises `UsageError` for options that are unknown or wrong, `SecretInline` for a secret in the clear.
    """
    given.check(options, OPTIONS, "An FTP silo")
    address = addresses.parsed(url)
    user = addresses.user(address, options)
    password = secret(options["password"], "password") if "password" in options else None
    if password is not None and user is None:
        raise UsageError("password belongs to a user.", hint="--option user=NAME, or NAME@ in the URL")
    usual = "implicit" if address.port == addresses.PORTS["ftps"] else "explicit"
    implicit = (given.one_of(options, "tls", ("explicit", "implicit")) or usual) == "implicit"
    hidden = password or ("anonymous@" if user is None else "")
    login = _Login(user or "anonymous", hidden, _trusted(address, options), implicit)
    return FtpSilo(address, login, Pace.of(options))


def _trusted(address: Address, options: Mapping[str, str]) -> ssl.SSLContext | None:
    if address.scheme != "ftps":
        for name in ("ca_file", "tls"):
            if name in options:
                raise UsageError(f"{name} belongs to ftps.", hint=f"ftps://{address.host}:21/…")
        return None
    path = options.get("ca_file")
    try:
        return ssl.create_default_context(cafile=str(Path(path).expanduser()) if path else None)
    except OSError as error:
        raise UsageError("ca_file holds no certificates that can be read.") from error


def _secured(trusted: ssl.SSLContext, implicit: bool) -> ftplib.FTP_TLS:
    """The library's client with TLS, which lacks two things that servers ask for."""

    class Secured(ftplib.FTP_TLS):
        def connect(self, *place: Any, **more: Any) -> str:
            if not implicit:
                return super().connect(*place, **more)
            # TLS from the first byte: the connection is wrapped before the welcome is read.
            import socket

            self.host, self.port = place[0], place[1]
            self.timeout = more["timeout"]
            plain = socket.create_connection((self.host, self.port), self.timeout)
            self.af = plain.family
            self.sock = self.context.wrap_socket(plain, server_hostname=self.host)
            self.file = self.sock.makefile("r", encoding=self.encoding)
            self.welcome = self.getresp()
            return self.welcome

        def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[Any, int | None]:
            connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321
            # Servers may insist that data comes from whoever has the control connection: same TLS session.
            session = self.sock.session if isinstance(self.sock, ssl.SSLSocket) else None
            return self.context.wrap_socket(connection, server_hostname=self.host, session=session), size

    return Secured(context=trusted)


def _protect(ftp: ftplib.FTP_TLS, address: Address) -> None:
    try:
        ftp.prot_p()
    except ftplib.error_perm as error:
        raise SiloRefused(f"{address.place}: the server sends files and listings without TLS.") from error


def _features(ftp: ftplib.FTP) -> str:
    try:
        return ftp.sendcmd("FEAT").upper()
    except ftplib.error_perm:
        return ""


def _finish(ftp: ftplib.FTP) -> None:
    """Take the answer to a transfer that was perhaps ended before its end."""
    try:
        ftp.voidresp()
    except (ftplib.error_temp, ftplib.error_perm) as error:
        if not str(error).startswith(_BROKEN_OFF):
            raise


def _wire(path: str) -> str:
    """A path as the library sends it: its bytes as Latin-1."""
    return path.encode("utf-8", "surrogateescape").decode("latin-1")


def _native(name: str) -> str:
    """A name as the library reads it, as text with other bytes as surrogates."""
    return name.encode("latin-1").decode("utf-8", "surrogateescape")


# ---------------------------------------------------------------- listings


def _machine_line(line: str) -> Found:
    """A line of MLSD. RFC 3659, section 7."""
    told, _, name = line.partition(" ")
    facts = dict(fact.lower().partition("=")[::2] for fact in told.split(";") if "=" in fact)
    kind = facts.get("type", "")
    if kind in ("cdir", "pdir"):
        return Found(".", FOLDER, None, _modified(facts.get("modify")))
    if kind not in ("file", "dir") and not kind.startswith("os."):
        return Found("", FILE)  # no such line, as when a name holds a line break: the listing is not whole
    kinds = {"file": FILE, "dir": FOLDER}
    size = facts.get("size", "")
    return Found(
        _native(name),
        kinds.get(kind, "symlink" if "link" in kind else "other"),
        int(size) if size.isdigit() and len(size) < 20 else None,
        _modified(facts.get("modify")),
    )


def _modified(value: str | None) -> int | None:
    """`YYYYMMDDHHMMSS`, perhaps with a fraction, in UTC."""
    try:
        whole, _, fraction = (value or "").partition(".")
        seconds = int(datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp())
        return seconds * 1_000_000_000 + int(fraction[:9].ljust(9, "0"))
    except ValueError:
        return None


def _human_lines(lines: list[str]) -> Iterator[Found]:
    """The lines of LIST, as Unix or Windows servers write them."""
    parse, ignores = _parser(lines)
    for line in lines:
        if not ignores(line):
            yield _human_line(line, parse)


def _parser(lines: list[str]) -> tuple[Callable[[str], Any], Callable[[str], bool]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the encoding of a part that is not used
        try:
            from ftputil.stat import MSParser, UnixParser
        except ImportError:
            raise MissingExtra("Listing this FTP server, which has no MLSD,", "ftp") from None
    first = next((line for line in lines if line.strip()), "")
    parser = MSParser() if first[:1].isdigit() else UnixParser()
    return parser.parse_line, parser.ignores_line


def _human_line(line: str, parse: Callable[[str], Any]) -> Found:
    import stat

    try:
        found = parse(line)
    except Exception:  # noqa: BLE001  # whatever a line makes the parser stumble over
        return Found("", FILE)  # the listing is not whole
    kinds = {stat.S_IFREG: FILE, stat.S_IFDIR: FOLDER, stat.S_IFLNK: "symlink"}
    day = None if found.st_mtime is None else int(found.st_mtime) // _DAY * _DAY * 1_000_000_000
    return Found(_native(found._st_name), kinds.get(stat.S_IFMT(found.st_mode), "other"), found.st_size, day)


# ---------------------------------------------------------------- errors


@contextmanager
def _as_silo_errors(where: str) -> Iterator[None]:
    try:
        yield
    except SiloError:
        raise
    except ftplib.error_perm as error:
        raise _refused(str(error), where) from error
    except ssl.SSLCertVerificationError as error:
        why = text.safe(error.verify_message, 200)
        raise SiloRefused(f"{where}: the certificate is not trusted: {why}.", hint="--option ca_file=PATH") from error
    except ValueError as error:  # a line break in a path cannot be sent
        raise EntryMissing(f"{where} is no path that can be asked for.") from error
    except (ftplib.Error, OSError, EOFError) as error:
        reason = "no answer in time" if isinstance(error, TimeoutError) else text.safe(error, 200).rstrip(".")
        raise SiloUnreachable(f"{where}: {reason or 'the connection broke'}.", hint="Check the address.") from error


def _refused(said: str, where: str) -> SiloError:
    shown = text.safe(said.partition("\n")[0], 200).rstrip(".")
    if said.startswith(("530", "532")):
        return SiloRefused(f"{where}: the server refuses this login: {shown}.", hint="Check user and password.")
    denied = "denied" in said.lower() or "permission" in said.lower()  # 550 is both, and only its words differ
    if said.startswith(("501", "550", "551")) and not denied:
        return EntryMissing(f"{where} does not exist.")
    return SiloRefused(f"{where}: the server refuses: {shown}.")
