"""What opening is alike in all object stores: the client's patience, endpoints, and how they are named."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from catalog import text
from catalog.errors import SecretInline, UsageError
from catalog.silos import manners
from catalog.silos.object.errors import raised
from catalog.silos.paths import relative

OPTIONS = ("anonymous", "endpoint", *manners.OPTIONS)
"""Options of every object store."""

# An endpoint that is down is given up within ten seconds; one that is slow has time to answer.
_RETRY: Any = {
    "max_retries": 6,
    "retry_timeout": timedelta(seconds=8),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2), "base": 2},
}
_CLIENT = {"connect_timeout": "3s", "read_timeout": "30s", "timeout": "120s", "user_agent": "silograph"}


@dataclass(frozen=True, slots=True)
class Place:
    """Which part of which bucket. `url` is the bucket's, `root` the prefix without slashes at its ends."""

    url: str
    name: str
    root: str


def place(url: str) -> Place:
    """The bucket and prefix that a URL of the kept spelling names."""
    scheme, _, rest = url.partition("://")
    bucket, _, prefix = rest.partition("/")
    if not bucket:
        raise UsageError("The bucket is missing.", hint=f"{scheme}://BUCKET/PREFIX")
    return Place(f"{scheme}://{bucket}", bucket, relative(prefix))


def made(build: Callable[..., Any], name: str, config: Mapping[str, Any], address: str | None) -> Any:
    """The client's store for the bucket `name`, reached at `address` where that is not the provider's own.

    Raises `UsageError` when the client refuses `config`.
    """
    client = {**_CLIENT, **config.get("client_options", {}), "allow_http": (address or "").startswith("http://")}
    try:
        return build(name, **{**config, "client_options": client, "retry_config": _RETRY})
    except raised() as error:
        reason = text.safe(str(error).partition("\n")[0], 200)
        raise UsageError(f"{text.safe(name)} cannot be opened: {reason}") from error


def endpoint(options: Mapping[str, str]) -> str | None:
    """The option `endpoint`. Raises `UsageError`, and `SecretInline` for one with a password."""
    value = options.get("endpoint")
    if value is None:
        return None
    parts = urlsplit(value)
    if parts.username or parts.password or parts.query:
        raise SecretInline(
            "The endpoint may not hold a user, password or signature.",
            hint="Give credentials as options of their own, with env:NAME, file:PATH or keyring:NAME.",
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("The endpoint is no http or https address.", hint="endpoint=https://storage.example.org")
    return f"{parts.scheme}{value[len(parts.scheme) :].rstrip('/')}"  # the scheme in lower case


def from_environment(names: Iterable[str]) -> str | None:
    """The first of these environment variables that is set."""
    return next((os.environ[name] for name in names if os.environ.get(name)), None)
