"""From a storage URI to its canonical identity, after OpenLineage's naming specification.

Two spellings of one place give one `(namespace, name)`: that is what joins what a crawler finds
with what jobs report.

https://github.com/OpenLineage/OpenLineage/blob/main/website/docs/spec/naming.md
"""

from __future__ import annotations

import re
from urllib.parse import unquote

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_SAME = {
    "abfs": "abfss",
    "gcs": "gs",
    "postgresql": "postgres",
    "s3a": "s3",
    "s3n": "s3",
    "wasb": "wasbs",
}
_OBJECT_STORES = frozenset({"abfss", "gs", "s3", "wasbs"})
_SLASHES = re.compile("/{2,}")


def canonical(uri: str) -> tuple[str, str]:
    """The namespace and name that `uri` (a URI, or an absolute path of this machine) stands for.

    `s3a://Lake/raw//x/` is `("s3://lake", "raw/x")`, `file:///data/x` and `/data/x` are
    `("file", "/data/x")`. Hosts are lower-cased, names never; `//` is collapsed and a slash at
    the end dropped; object stores' names have no slash in front. Percent-encoding is decoded in
    `file:` URIs only: elsewhere `%` is a character like any other.
    """
    found = _SCHEME.fullmatch(uri)
    if found is None or uri.startswith("/"):
        return "file", _path(uri)
    scheme, rest = found[1].lower(), found[2]
    scheme = _SAME.get(scheme, scheme)
    if not rest.startswith("//"):
        # `file:/data/x` is how Java writes it; what else has no authority is opaque.
        return ("file", _path(unquote(rest))) if scheme == "file" else (scheme, rest)
    authority, slash, path = rest[2:].partition("/")
    host = authority.lower()
    if scheme == "file":
        return "file" if host in ("", "localhost") else f"file://{host}", _path(unquote(slash + path))
    name = _path(slash + path)
    return f"{scheme}://{host}", name.lstrip("/") if scheme in _OBJECT_STORES else name


def _path(path: str) -> str:
    """`path` with single slashes and none at the end; the root stays `/`."""
    single = _SLASHES.sub("/", path)
    return single.rstrip("/") or single[:1]
