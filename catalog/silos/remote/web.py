"""What the protocols over HTTP share: one client, bounded answers, ranges, and errors in the catalog's words.

Answers are bounded in bytes and seconds. Redirects are followed on the same host only: a server must not be
able to make the catalog ask another one in its place.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin, urlsplit

from catalog import text
from catalog.errors import (
    EntryMissing,
    MissingExtra,
    SiloBusy,
    SiloRefused,
    SiloUnreachable,
    UsageError,
)
from catalog.silos import addresses, manners
from catalog.silos import options as given
from catalog.silos.addresses import Address
from catalog.silos.secrets import secret

if TYPE_CHECKING:
    import httpx2

OPTIONS = ("ca_file", "password", "token", "user")
"""Options of every silo over HTTP that say who asks and whom to trust."""

LARGEST_LISTING = 512 * 1024 * 1024
"""So many bytes of one listing are read."""
_LONGEST_ANSWER = 600.0
_REDIRECTS = 5
_SKIPPED = 64 * 1024 * 1024
"""A server without ranges sends a file from its start; so much of it is read only to get to where a range begins."""
_PIECE = 64 * 1024
_SAFE = "/%:@!$&'()*+,;=~"  # what may stand in the path of a URL as it is


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an answer, and its body in pieces. `url` is where it came from, without its query."""

    status: int
    headers: Mapping[str, str]
    url: str
    pieces: Iterator[bytes]

    def body(self, limit: int = LARGEST_LISTING) -> bytes:
        """The whole body. Raises `SiloRefused` when it is longer than `limit`."""
        found = bytearray()
        for piece in self.pieces:
            found += piece
            if len(found) > limit:
                raise SiloRefused(f"{text.safe(self.url, 300)}: the answer is longer than {limit:,} bytes.")
        return bytes(found)


class Web:
    """A client of one server. `foreign` says that redirects to other hosts are part of the protocol."""

    def __init__(self, address: Address, scheme: str, options: Mapping[str, str], *, foreign: bool = False) -> None:
        port = "" if address.port == addresses.PORTS[scheme] else f":{address.port}"
        self.root = f"{scheme}://{address.host}{port}"
        self.user = addresses.user(address, options)
        self._foreign = foreign
        self._client = _client(self.user, options)

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    @contextmanager
    def ask(self, method: str, path: str, *, ok: tuple[int, ...] = (200,), **more: Any) -> Iterator[Answer]:
        """The answer to one request, for as long as the context lasts. `path` is quoted, and begins with `/`.

        Statuses that are not in `ok` are raised: `EntryMissing`, `SiloRefused`, `SiloBusy`, `SiloUnreachable`.
        """
        import httpx2

        url, hops = self.root + path, 0
        where = text.safe(url.partition("?")[0], 300)
        try:
            while True:
                # Whoever logs in here does not log in where another host takes over.
                own = urlsplit(url).netloc == urlsplit(self.root).netloc
                login: Any = httpx2.USE_CLIENT_DEFAULT if own else None
                with self._client.stream(method, url, auth=login, **more) as response:
                    following = self._next(response, url) if response.status_code not in ok else None
                    if following is None:
                        if response.status_code not in ok:
                            raise _refusal(response, where)
                        pieces = _pieces(response, where)
                        shown = str(response.url).partition("?")[0]  # what follows may be a secret
                        yield Answer(response.status_code, response.headers, shown, pieces)
                        return
                url, hops = following, hops + 1
                more.pop("params", None)  # the new address holds its own
                if hops > _REDIRECTS:
                    raise SiloRefused(f"{where}: the server redirects without end.")
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise SiloUnreachable(f"{where}: {_why(error)}.", hint="Check the address and the network.") from error

    def read(self, path: str, offset: int, length: int, still_a_file: Callable[[], object], **more: Any) -> bytes:
        """Up to `length` bytes from `offset`. `still_a_file` raises `EntryMissing` when the path is none.

        It is asked only when the server answers without a range, as it also does for the page of a folder.
        """
        headers = {"Range": f"bytes={offset}-{offset + length - 1}"}
        try:
            with self.ask("GET", path, ok=(200, 206, 416), headers=headers, **more) as answer:
                if answer.status == 416:
                    return b""
                if answer.url.endswith("/") and not path.endswith("/"):
                    still_a_file()  # a redirect has led to a folder, whose page may be had in ranges too
                if answer.status == 206:
                    if not answer.headers.get("content-range", "").startswith(f"bytes {offset}-"):
                        raise SiloUnreachable(f"{text.safe(answer.url, 300)}: another range came than asked for.")
                    return _part(answer.pieces, 0, length)
                still_a_file()
                if offset > _SKIPPED:
                    raise SiloRefused(f"{text.safe(answer.url, 300)}: the server sends no ranges of files.")
                return _part(answer.pieces, offset, length)
        except SiloRefused:
            still_a_file()
            raise

    def _next(self, response: httpx2.Response, url: str) -> str | None:
        """Where a redirect leads; None when the answer is none. Raises `SiloRefused` for another host."""
        target = response.headers.get("location")
        if response.status_code not in (301, 302, 303, 307, 308) or not target:
            return None
        target = urljoin(url, target)
        parts, here = urlsplit(target), urlsplit(url)
        same = parts.hostname == here.hostname and (parts.scheme == here.scheme or parts.scheme == "https")
        if parts.scheme not in ("http", "https") or not (same or self._foreign):
            shown = text.safe(parts.hostname or target, 100)
            raise SiloRefused(f"{text.safe(url, 300)}: it leads to another server ({shown}), which is not asked.")
        return target


def quoted(path: str) -> str:
    """A path as the server keeps it, for a URL."""
    return quote(path.encode("utf-8", "surrogateescape"), safe="/~")


def spelled(path: str) -> str:
    """A path as it stands in a silo's URL, where it may be quoted already."""
    return quote(path, safe=_SAFE)


@lru_cache(maxsize=4096)
def time_ns(value: str | None) -> int | None:
    """A date of HTTP (`Tue, 15 Nov 1994 12:45:26 GMT`) in nanoseconds."""
    try:
        return int(parsedate_to_datetime(value or "").timestamp()) * 1_000_000_000
    except (ValueError, TypeError, OverflowError):
        return None


def etag(value: str | None) -> str | None:
    """An entity tag without its quotes."""
    return (value or "").removeprefix("W/").replace('"', "").strip() or None


def size(value: str | None) -> int | None:
    """A length as headers and properties tell it."""
    value = (value or "").strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 20 else None


# ---------------------------------------------------------------- the client


def _client(user: str | None, options: Mapping[str, str]) -> httpx2.Client:
    given.exclusive(options, "password", "token")
    password = secret(options["password"], "password") if "password" in options else None
    if password is not None and user is None:
        raise UsageError("password belongs to a user.", hint="--option user=NAME, or NAME@ in the URL")
    try:
        import httpx2
    except ImportError:
        raise MissingExtra("A silo over HTTP", "http") from None
    login = None
    if "token" in options:
        login = _bearer(secret(options["token"], "token"))
    elif password is not None and user is not None:
        login = _login(user, password)
    return httpx2.Client(
        auth=login,
        headers={"User-Agent": "silograph", "Accept-Encoding": "identity"},
        timeout=httpx2.Timeout(manners.ANSWER_SECONDS, connect=manners.CONNECT_SECONDS),
        verify=_trusted(options),
    )


def _trusted(options: Mapping[str, str]) -> Any:
    if "ca_file" not in options:
        return True
    import ssl
    from pathlib import Path

    try:
        return ssl.create_default_context(cafile=str(Path(options["ca_file"]).expanduser()))
    except OSError as error:
        raise UsageError("ca_file holds no certificates that can be read.") from error


def _login(user: str, password: str) -> httpx2.Auth:
    """Basic or digest, whichever the server asks for: a password is not sent in the clear where it need not be."""
    import httpx2

    class Login(httpx2.Auth):
        chosen: httpx2.Auth | None = None

        def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
            if self.chosen is None:
                response = yield request
                if response.status_code != 401:
                    return
                asked = response.headers.get("www-authenticate", "").lower()
                kind = httpx2.DigestAuth if "digest" in asked else httpx2.BasicAuth
                self.chosen = kind(user, password)
            yield from self.chosen.auth_flow(request)

    return Login()


def _bearer(token: str) -> httpx2.Auth:
    import httpx2

    def add(request: httpx2.Request) -> httpx2.Request:
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    return httpx2.FunctionAuth(add)


# ---------------------------------------------------------------- answers


def _pieces(response: httpx2.Response, where: str) -> Iterator[bytes]:
    until = time.monotonic() + _LONGEST_ANSWER
    for piece in response.iter_bytes(_PIECE):
        yield piece
        if time.monotonic() > until:
            raise SiloUnreachable(f"{where}: the answer takes longer than {_LONGEST_ANSWER:.0f} seconds.")


def _part(pieces: Iterator[bytes], skip: int, length: int) -> bytes:
    """`length` bytes behind the first `skip`; what follows is not read."""
    found = bytearray()
    for piece in pieces:
        if skip >= len(piece):
            skip -= len(piece)
            continue
        found += piece[skip:]
        skip = 0
        if len(found) >= length:
            break
    return bytes(found[:length])


def _refusal(response: httpx2.Response, where: str) -> Exception:
    status = response.status_code
    if status in (404, 410):
        return EntryMissing(f"{where} does not exist.")
    if status == 401:
        return SiloRefused(
            f"{where}: the server refuses this login.", hint="Check user, and password=env:NAME or token=env:NAME."
        )
    if status == 403:
        return SiloRefused(f"{where}: the server says it is forbidden.", hint="Check what this user may see.")
    if status in (429, 503):
        later = size(response.headers.get("retry-after"))
        return SiloBusy(f"{where}: the server answers {status}: too many requests.", seconds=later)
    if status >= 500 or status == 408:
        return SiloUnreachable(f"{where}: the server answers {status}.")
    return SiloRefused(f"{where}: the server answers {status}.", hint="Check that this protocol is spoken there.")


def _why(error: Exception) -> str:
    import httpx2

    if isinstance(error, httpx2.TimeoutException):
        return "no answer in time"
    said = text.safe(str(error).partition("\n")[0], 200).rstrip(".")
    return said or type(error).__name__
