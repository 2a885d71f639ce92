"""URLs of silos, as people write them, in the one spelling that the catalog keeps.

Each function takes a scheme in lower case and what follows its colon, and knows one family of
schemes. `registry.normalise` has refused URLs with a password before, and adds an example to what is
refused here. Standard library only; nothing is reached.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from catalog import text
from catalog.errors import SecretInline, UsageError
from catalog.silos.paths import join, relative

PORTS = {
    "ftp": 21,
    "ftps": 990,
    "http": 80,
    "https": 443,
    "nfs": 2049,
    "sftp": 22,
    "smb": 445,
    "swebhdfs": 9871,
    "webdav": 80,
    "webdavs": 443,
    "webhdfs": 9870,
}
"""The port that each scheme means when its URL names none."""

_ALWAYS_NAMED = frozenset({"swebhdfs", "webhdfs"})  # as OpenLineage names HDFS: with the port
_AZURE_HOST = re.compile(
    r"([a-z0-9-]{2,63})(?:\.z\d+)?\.(?:blob|dfs)\."
    r"(?:core\.windows\.net|core\.chinacloudapi\.cn|core\.usgovcloudapi\.net|core\.cloudapi\.de"
    r"|storage\.azure\.net|fabric\.microsoft\.com)"
)
_HOST = re.compile(r"(?:([^@:/\s]+)@)?(\[[0-9A-Fa-f:.%]+\]|[^@:/\s\[\]]+)(?::(\d{1,5}))?")
_SLASHES = re.compile("/{2,}")


@dataclass(frozen=True, slots=True)
class Address:
    """A place on a server. `path` has no slash at its ends; `user` is None where the URL names none."""

    scheme: str
    user: str | None
    host: str
    port: int
    path: str

    @property
    def place(self) -> str:
        """`scheme://host:port`, without the port that the scheme means anyway, and without the user."""
        usual = self.port == PORTS[self.scheme] and self.scheme not in _ALWAYS_NAMED
        return f"{self.scheme}://{self.host}" + ("" if usual else f":{self.port}")

    @property
    def url(self) -> str:
        """The whole address, in the spelling the catalog keeps."""
        place = self.place
        if self.user is not None:
            place = place.replace("://", f"://{self.user}@", 1)
        return join(place, self.path)


def server(scheme: str, rest: str) -> Address:
    """`//[user@]host[:port]/path`. Raises `UsageError`."""
    if "?" in rest and scheme.startswith("http"):
        raise UsageError("The URL of a silo has no '?' part.", hint="Give the folder's address alone.")
    authority, _, path = rest.removeprefix("//").partition("/")
    found = _HOST.fullmatch(authority)
    if found is None or not rest.startswith("//") or int(found[3] or 1) not in range(1, 65_536):
        raise UsageError(f"'{text.safe(f'{scheme}:{rest}', 200)}' names no server.")
    return Address(scheme, found[1], found[2].lower(), int(found[3] or PORTS[scheme]), relative(single(path)))


def server_url(scheme: str, rest: str) -> str:
    """The kept spelling of a server's URL. Raises `UsageError`."""
    return server(scheme, rest).url


def parsed(url: str) -> Address:
    """The parts of a server's URL in the kept spelling."""
    scheme, _, rest = url.partition(":")
    return server(scheme, rest)


def user(address: Address, options: Mapping[str, str]) -> str | None:
    """Who logs in: named by the URL or by the option `user`. Raises `UsageError` when they differ."""
    named = options.get("user")
    if named and address.user and named != address.user:
        raise UsageError("The URL and the option user name different users.", hint="Leave one of them out.")
    return named or address.user


def single(path: str) -> str:
    """`path` with one slash where there were several: to a file server they mean the same."""
    return _SLASHES.sub("/", path)


def bucket(scheme: str, rest: str) -> str:
    """`scheme://bucket/prefix` with no slash at the end. Raises `UsageError`."""
    place, _, prefix = rest.removeprefix("//").partition("/")
    if not rest.startswith("//"):
        raise UsageError(f"'{text.safe(f'{scheme}:{rest}', 200)}' lacks a slash.")
    if not place:
        raise UsageError(f"The name behind {scheme}:// is missing.")
    return join(f"{scheme}://{place}", relative(prefix))


def azure(scheme: str, rest: str) -> str:
    """A container of Azure: `abfss://container@account.dfs.core.windows.net/path`, or `az://container/path`.

    The second is kept where the URL does not name the account. All spellings of one place that name
    it, also those of the Blob service and of a browser, become the first. Raises `UsageError`.
    """
    authority, _, path = rest.removeprefix("//").partition("/")
    container, at, host = authority.rpartition("@")
    if not at and "." in authority:  # no container has a dot in its name
        container, _, path = path.partition("/")
        host = authority
    elif not at:
        container, host = authority, ""
    if "?" in path or "?" in container:
        _refuse_signature(rest)
    if not rest.startswith("//") or not container or (at and not host):
        raise UsageError(
            f"'{text.safe(f'{scheme}:{rest}', 200)}' names no container.",
            hint="Like abfss://container@account.dfs.core.windows.net/path or az://container/path",
        )
    host = host.lower()
    if not host:
        return join(f"az://{container}", relative(path))
    if not is_azure(host):
        raise UsageError(
            f"'{text.safe(host, 200)}' is no storage account of Azure.",
            hint="az://CONTAINER/PATH with --option account=NAME --option endpoint=URL for other servers.",
        )
    return join(f"abfss://{container}@{host.replace('.blob.', '.dfs.', 1)}", relative(path))


def is_azure(host: str) -> bool:
    """True for the host of a storage account in one of Azure's clouds."""
    return _AZURE_HOST.fullmatch(host.lower()) is not None


def azure_account(host: str) -> str:
    """The account that a host of `is_azure` belongs to."""
    return host.partition(".")[0]


def _refuse_signature(rest: str) -> None:
    if "sig=" in rest:
        raise SecretInline(
            "The URL holds a shared access signature.",
            hint="Leave out what follows the '?' and give it as an option: sas_token=env:NAME or file:PATH.",
        )
    raise UsageError("The URL of a container has no '?' part.", hint="Give the folder's address alone.")
