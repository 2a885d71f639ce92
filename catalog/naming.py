"""From the names that people and producers use to one canonical identity, after OpenLineage's naming specification.

Two spellings of one place give one `(namespace, name)`: that is what joins what a crawler finds
with what jobs report. Stores of files are spelled in many ways, so their names are understood as
paths; the names of tables, topics and everything else are opaque and stay as they are.

https://github.com/OpenLineage/OpenLineage/blob/main/website/docs/spec/naming.md
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, unquote

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", re.DOTALL)  # one letter would be a drive
_SAME = {
    "abfs": "abfss",
    "gcs": "gs",
    "huggingface": "hf",
    "postgresql": "postgres",
    "s3a": "s3",
    "s3n": "s3",
    "swebhdfs": "webhdfs",
    "wasb": "wasbs",
}
_OBJECTS = frozenset({"abfss", "cosn", "gs", "memory", "obs", "oss", "s3", "wasbs"})
"""Stores whose names are keys, without a slash in front."""
_TREES = frozenset(
    {"alluxio", "block", "dbfs", "file", "ftp", "hdfs", "http", "https", "maprfs", "nfs", "sftp", "smb", "viewfs"}
    | {"webdav", "webdavs", "webhdfs"}
)
"""Stores whose names are absolute paths."""
_LOCAL = frozenset({"block", "file"})
"""Trees of this machine, whose URIs are percent-encoded; a `block` name goes on inside a disk image."""
_PATHS = _OBJECTS | _TREES
_PORTS = {
    "mssql": "1433",
    "mysql": "3306",
    "oceanbase": "2881",
    "oracle": "1521",
    "postgres": "5432",
    "redshift": "5439",
    "sqlserver": "1433",
}
"""Databases whose namespace always names the port: where it is left out, the official clients mean these."""
_KEEPS_USER = frozenset({"abfss", "wasbs"})  # what stands before their `@` is the container
_KEEPS_SLASHES = frozenset({"inmemory"})  # a namespace without an authority, written with its slashes

_HUB_HOSTS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co"})
_HUB_KINDS = frozenset({"datasets", "spaces"})
_HUB_PAGES = frozenset({"blob", "commits", "discussions", "raw", "resolve", "tree"})  # below a repository
_HUB_SITE = frozenset({"api", "blog", "docs", "papers"})  # beside the repositories
_SLASHES = re.compile("/{2,}")
_UNSAFE = re.compile(r"[\x00-\x20%?#\x7f\ud800-\udfff]")

Pair = tuple[str, str]


@lru_cache(maxsize=65536)
def canonical(uri: str) -> Pair:
    """The namespace and name that `uri` (a URI, or an absolute path of this machine) stands for.

    `s3a://Lake/raw//x/` is `("s3://lake", "raw/x")`, `file:///data/x` and `/data/x` are
    `("file", "/data/x")`, `postgresql://h/db.s.t` is `("postgres://h:5432", "db.s.t")`. Hosts are
    lower-cased, names never; in paths `//` is collapsed and a slash at the end dropped; object stores'
    names have no slash in front. Percent-encoding is decoded in `file:` and `block:` URIs only: elsewhere
    `%` is a character like any other. What lies in a disk image is named as if that were a folder:
    `block:///x/disk.img/p1/a` is `("block", "/x/disk.img/p1/a")`. What lies in a repository of the Hugging
    Face hub is the repository.
    """
    found = _SCHEME.fullmatch(uri)
    if found is None or uri.startswith("/"):
        return "file", _path(uri)
    scheme, rest = _scheme(found[1]), found[2]
    if scheme in _OBJECTS and re.match("/[^/]", rest):
        rest = "/" + rest  # `s3:/bucket/key`: what is left of a URI that was taken for a path
    if not rest.startswith("//"):
        return _opaque(scheme, rest)
    authority, slash, path = rest[2:].partition("/")
    whole = slash + path or ("/" if authority else "")
    if scheme in _LOCAL:
        return _local(scheme, authority), _path(unquote(whole, errors="surrogateescape"))
    if scheme == "hf":
        return scheme, _repository(rest[2:])
    if scheme in ("http", "https") and authority.lower() in _HUB_HOSTS and _is_repository(path):
        return "hf", _repository(path)
    if scheme in _PATHS:
        return _place(scheme, authority), _name(scheme, whole)
    return _table_namespace(scheme, f"//{authority}"), path


@lru_cache(maxsize=65536)
def canonical_pair(namespace: str, name: str) -> Pair:
    """The canonical form of a namespace and name as a producer sent them.

    A prefix that stands in the namespace of a store of files moves to the name (`s3a://lake/raw` and
    `/x/` are `("s3://lake", "raw/x")`; `file:`, `file:///` and `file` are one). Applying it again
    changes nothing.
    """
    found = _SCHEME.fullmatch(namespace)
    scheme = _scheme(found[1] if found else namespace)
    rest = found[2] if found else ""
    if scheme in (_PATHS if found else _TREES):
        return _path_pair(scheme, rest, name)
    if found is None:
        return namespace, _repository(name) if namespace == "hf" else name
    if scheme == "hf":
        return scheme, _repository(f"{rest.strip('/')}/{name}")
    return _table_namespace(scheme, rest), name


def table_pair(namespace: str, name: str) -> Pair:
    """The canonical form of a table's identity, whose name is no path even where its namespace is one.

    Producers name a table by the warehouse it stands in (`hdfs://nn/warehouse`, `default.t`). The
    slash that such a namespace ends with here keeps it apart from every file's.
    """
    found = _SCHEME.fullmatch(namespace)
    scheme = _scheme(found[1]) if found else ""
    if namespace.lower() in _TREES:
        return f"{namespace.lower()}:/", name
    if found is None or scheme not in _PATHS:
        return canonical_pair(namespace, name)
    rest = found[2]
    if not rest.startswith("//"):
        return f"{scheme}:{_SLASHES.sub('/', rest).rstrip('/')}/", name
    authority, _, path = rest[2:].partition("/")
    place = _place(scheme, authority) if authority else f"{scheme}://"
    return f"{place}/{_SLASHES.sub('/', path).strip('/')}".rstrip("/") + "/", name


def address(namespace: str, name: str) -> str:
    """An identity as one URI, for people: what `canonical` of a path, model or repository leads back from."""
    if namespace.partition(":")[0] in _LOCAL:
        return (f"{namespace}://" if namespace in _LOCAL else namespace) + _UNSAFE.sub(_quoted, name)
    if "://" in namespace:
        base = namespace if namespace.endswith("://") else namespace.rstrip("/")
        return f"{base}/{name.lstrip('/')}" if name else namespace
    if namespace == "hf":
        return f"hf://{name}"
    return f"{namespace}:{name}" if namespace else name


def is_uri(text: str) -> bool:
    """True for what begins with a scheme: `s3://…`, `file:/…`, `model:churn`."""
    return _SCHEME.fullmatch(text) is not None


def is_path(namespace: str) -> bool:
    """True for the namespace of a store of files, whose names are paths that a crawl may find."""
    scheme = namespace.partition(":")[0]
    return not namespace.endswith("/") and (scheme in _TREES or (scheme in _OBJECTS and scheme != namespace))


# ---------------------------------------------------------------- the pieces


def _scheme(written: str) -> str:
    lower = written.lower()
    return _SAME.get(lower, lower)


def _opaque(scheme: str, rest: str) -> Pair:
    """A URI without an authority: `file:/data/x` as Java writes it, `hdfs:/x`, `model:churn`, an ARN."""
    if scheme in _TREES:
        return scheme, _path(unquote(rest, errors="surrogateescape") if scheme in _LOCAL else rest)
    if scheme == "hf":
        return scheme, _repository(rest)
    if scheme == "arn":  # arn:partition:service:region:account, then what it names
        parts = rest.split(":", 4)
        return ":".join([scheme, *parts[:4]]), parts[4] if len(parts) > 4 else ""
    return scheme, rest


def _path_pair(scheme: str, rest: str, name: str) -> Pair:
    if not rest.startswith("//"):  # `file`, `file:`, `file:/data`, `hdfs:/x`
        above = unquote(rest, errors="surrogateescape") if scheme in _LOCAL else rest
        return scheme, _name(scheme, f"{above}/{name}" if above else name)
    authority, slash, above = rest[2:].partition("/")
    if scheme in _LOCAL:
        above = unquote(above, errors="surrogateescape")
        rooted = slash or _local(scheme, authority) != scheme
        return _local(scheme, authority), _path(f"{slash or '/'}{above}/{name}" if rooted else name)
    return _place(scheme, authority), _name(scheme, f"/{above}/{name}" if authority or slash else name)


def _table_namespace(scheme: str, rest: str) -> str:
    """The namespace of tables and topics: its host in lower case, its default port completed."""
    if not rest.startswith("//"):
        return f"{scheme}:{rest}"
    if scheme in _KEEPS_SLASHES:
        return f"{scheme}:{rest}"
    end = next((at for at, c in enumerate(rest[2:], 2) if c in "/;?#"), len(rest))
    authority, tail = rest[2:end], rest[end:]
    if not authority and tail.strip("/"):
        return f"{scheme}://{tail}"  # `duckdb:///data/x.duckdb`: a file of its own, not a host
    return _place(scheme, authority) + tail.rstrip("/")


def _place(scheme: str, authority: str) -> str:
    """`scheme://host:port`; without a host just the scheme."""
    host = authority.lower()
    if scheme not in _KEEPS_USER:
        host = host.rpartition("@")[2]  # whoever logs in there, and never a password
    if not host:
        return f"{scheme}://" if scheme in _KEEPS_SLASHES else scheme
    port = _PORTS.get(scheme)
    if port and not re.search(r":\d+$", host):
        host = f"{host.rstrip(':')}:{port}"
    return f"{scheme}://{host}"


def _local(scheme: str, authority: str) -> str:
    host = authority.lower().rpartition("@")[2]
    return scheme if host in ("", "localhost") else f"{scheme}://{host}"


def _name(scheme: str, path: str) -> str:
    return _path(path).lstrip("/") if scheme in _OBJECTS else _path(path)


def _path(path: str) -> str:
    """`path` with single slashes and none at the end; the root stays `/`."""
    single = _SLASHES.sub("/", path)
    return single.rstrip("/") or single[:1]


def _is_repository(path: str) -> bool:
    parts = [part for part in path.split("/") if part]
    return len(parts) >= (3 if parts and parts[0] in _HUB_KINDS else 2) and parts[0] not in _HUB_SITE


def _repository(path: str) -> str:
    """`org/model` or `datasets/org/name`: what lies below, and which revision, is part of the repository."""
    parts = [part for part in path.split("?")[0].split("#")[0].split("/") if part]
    while parts[:1] == ["models"]:  # as the hub's own interfaces write it
        parts = parts[1:]
    kept = parts[: 3 if parts and parts[0] in _HUB_KINDS else 2]
    while kept:
        kept[-1] = kept[-1].partition("@")[0]
        if kept[-1] and not (len(kept) == 2 and kept[-1] in _HUB_PAGES):
            break
        kept.pop()  # no name at all, or a page of an old repository without an organisation
    return "/".join(kept)


def _quoted(match: re.Match[str]) -> str:
    return quote(match[0], safe="", errors="surrogateescape")
