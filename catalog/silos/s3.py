"""Opens S3 buckets and what speaks S3's protocol (`s3://bucket/prefix`).

Without keys the client's own chain is used: the AWS_* environment variables, a web identity, and
the credentials of the container or machine. It does not read the profiles of ~/.aws.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from catalog import text
from catalog.errors import SecretInline, UsageError
from catalog.silos import options as given
from catalog.silos.object import ObjectSilo
from catalog.silos.object_errors import raised
from catalog.silos.paths import relative
from catalog.silos.secrets import is_reference, secret

OPTIONS = (
    "access_key_id",
    "anonymous",
    "endpoint",
    "region",
    "secret_access_key",
    "session_token",
    "virtual_hosted_style",
)

_ENDPOINT_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
# An endpoint that is down is given up within ten seconds; one that is slow has time to answer.
_RETRY: Any = {
    "max_retries": 6,
    "retry_timeout": timedelta(seconds=8),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2), "base": 2},
}
_CLIENT = {"connect_timeout": "3s", "read_timeout": "30s", "timeout": "120s", "user_agent": "silograph"}


def open_silo(url: str, options: Mapping[str, str]) -> ObjectSilo:
    """Open `s3://bucket/prefix`. Secrets are resolved here; nothing is reached yet.

    Raises `UsageError` for options that are unknown or contradict each other, `SecretInline` for
    a secret in the clear.
    """
    given.check(options, OPTIONS, "An S3 silo")
    bucket, _, prefix = url.partition("://")[2].partition("/")
    if not bucket:
        raise UsageError("The bucket is missing.", hint="s3://BUCKET/PREFIX")
    if bucket.endswith("--x-s3"):
        raise UsageError("S3 directory buckets list their keys in no order, and cannot be crawled yet.")
    root = relative(prefix)
    keys = _keys(options)
    # Amazon lists in byte order; what else speaks its protocol may list a tree.
    amazon = not (options.get("endpoint") or any(map(os.environ.get, _ENDPOINT_VARIABLES)))
    identity = _identity(options, keys)
    return ObjectSilo(_store(bucket, options, keys), f"s3://{bucket}", root, identity, byte_order=amazon)


def _store(bucket: str, options: Mapping[str, str], keys: Mapping[str, str | None] | None) -> Any:
    from obstore.store import S3Store

    endpoint = options.get("endpoint")
    config: dict[str, Any] = {}
    if endpoint is not None:
        config["endpoint"] = _endpoint(endpoint)
    if endpoint is not None or "virtual_hosted_style" in options:
        config["virtual_hosted_style_request"] = given.flag(options, "virtual_hosted_style")
    if region := options.get("region"):
        config["region"] = region
    if given.flag(options, "anonymous"):
        config["skip_signature"] = True
    if keys is not None:
        # Given as a provider: else AWS_SESSION_TOKEN of the environment would be mixed with them.
        config["credential_provider"] = lambda: {**keys, "expires_at": None}
    found = endpoint or next((os.environ[name] for name in _ENDPOINT_VARIABLES if os.environ.get(name)), "")
    client: Any = {**_CLIENT, "allow_http": found.lower().startswith("http://")}
    try:
        return S3Store(bucket, client_options=client, retry_config=_RETRY, **config)
    except raised() as error:
        reason = text.safe(str(error).partition("\n")[0], 200)
        raise UsageError(f"s3://{text.safe(bucket)} cannot be opened: {reason}") from error


def _endpoint(value: str) -> str:
    parts = urlsplit(value)
    if parts.username or parts.password:
        raise SecretInline(
            "The endpoint may not hold a user or password.",
            hint="Use access_key_id and secret_access_key with env:NAME, file:PATH or keyring:NAME.",
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("The endpoint is no http or https address.", hint="endpoint=https://s3.example.org")
    return value.rstrip("/")


def _keys(options: Mapping[str, str]) -> dict[str, str | None] | None:
    """The keys as the client wants them; None when none are given. The key's id is no secret."""
    key = options.get("access_key_id")
    hidden = ("secret_access_key", "session_token")
    secrets = {name: secret(options[name], name) for name in hidden if name in options}
    if key is None and not secrets:
        return None
    if given.flag(options, "anonymous"):
        raise UsageError("anonymous and keys contradict each other.", hint="Leave one of them out.")
    if key is None or "secret_access_key" not in secrets:
        raise UsageError("access_key_id and secret_access_key belong together.", hint="Give both, or neither.")
    return {
        "access_key_id": secret(key, "access_key_id") if is_reference(key) else key,
        "secret_access_key": secrets["secret_access_key"],
        "token": secrets.get("session_token"),
    }


def _identity(options: Mapping[str, str], keys: Mapping[str, str | None] | None) -> str:
    if given.flag(options, "anonymous"):
        return "anonymous"
    if keys is None:
        return "the provider's own chain"
    return f"access key {(keys['access_key_id'] or '')[:4]}…"
