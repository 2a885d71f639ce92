"""Opens S3 buckets and what speaks S3's protocol (`s3://bucket/prefix`).

Without keys the client's own chain is used: the AWS_* environment variables, a web identity, and
the credentials of the container or machine. A profile of ~/.aws is read with botocore (`aws_profile.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from catalog.errors import UsageError
from catalog.silos import options as given
from catalog.silos.manners import Pace
from catalog.silos.object import aws_profile, stores
from catalog.silos.object.errors import Advice
from catalog.silos.object.silo import ObjectSilo
from catalog.silos.secrets import is_reference, secret

OPTIONS = tuple(
    sorted(
        (
            *stores.OPTIONS,
            "access_key_id",
            "profile",
            "region",
            "requester_pays",
            "secret_access_key",
            "session_token",
            "virtual_hosted_style",
        )
    )
)

_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_ADVICE = Advice(
    "bucket",
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, give access_key_id and secret_access_key "
    "as references (env:NAME), profile=NAME of ~/.aws, or anonymous=true for a public bucket.",
)


@dataclass(frozen=True, slots=True)
class _Caller:
    """Who asks, in words, and the client's configuration that says so."""

    identity: str
    config: Mapping[str, Any]
    endpoint: str | None = None


def open_silo(url: str, options: Mapping[str, str]) -> ObjectSilo:
    """Open `s3://bucket/prefix`. Secrets are resolved here; nothing is reached yet.

    Raises `UsageError` for options that are unknown or contradict each other, `SecretInline` for
    a secret in the clear.
    """
    given.check(options, OPTIONS, "An S3 silo")
    place = stores.place(url)
    if place.name.endswith("--x-s3"):
        raise UsageError("S3 directory buckets list their keys in no order, and cannot be crawled yet.")
    caller = _caller(options)
    # Amazon lists in byte order; what else speaks its protocol may list a tree.
    amazon = not (options.get("endpoint") or caller.endpoint or stores.from_environment(_ENDPOINTS))
    store = _store(place.name, options, caller)
    return ObjectSilo(store, place, caller.identity, _ADVICE, Pace.of(options), byte_order=amazon)


def _store(bucket: str, options: Mapping[str, str], caller: _Caller) -> Any:
    from obstore.store import S3Store

    endpoint = stores.endpoint(options) or caller.endpoint
    config = dict(caller.config)
    hosted = given.flag(options, "virtual_hosted_style")
    if endpoint is not None:
        config["endpoint"] = _hosted(endpoint, bucket) if hosted else endpoint
    if endpoint is not None or "virtual_hosted_style" in options:
        config["virtual_hosted_style_request"] = hosted
    if region := options.get("region"):
        config["region"] = region
    if given.flag(options, "requester_pays"):
        config["request_payer"] = True
    return stores.made(S3Store, bucket, config, endpoint or stores.from_environment(_ENDPOINTS))


def _hosted(endpoint: str, bucket: str) -> str:
    """The endpoint with the bucket in front of its host, as the client wants it."""
    scheme, _, host = endpoint.partition("://")
    return endpoint if host.startswith(bucket + ".") else f"{scheme}://{bucket}.{host}"


def _caller(options: Mapping[str, str]) -> _Caller:
    keys = _keys(options)
    given.exclusive(options, "anonymous", "profile", "access_key_id")
    if given.flag(options, "anonymous"):
        return _Caller("anonymous", {"skip_signature": True})
    if keys is not None:
        # Given as a provider: else AWS_SESSION_TOKEN of the environment would be mixed with them.
        provider: Callable[[], Any] = lambda: {**keys, "expires_at": None}  # noqa: E731
        return _Caller(f"access key {(keys['access_key_id'] or '')[:4]}…", {"credential_provider": provider})
    name = options.get("profile") or aws_profile.meant()
    if name is None:
        return _Caller("the provider's own chain", {})
    profile = aws_profile.Profile(name)
    region = {"region": profile.region} if profile.region else {}
    return _Caller(f"profile {name}", {"credential_provider": profile, **region}, profile.endpoint)


def _keys(options: Mapping[str, str]) -> dict[str, str | None] | None:
    """The keys as the client wants them; None when none are given. The key's id is no secret."""
    key = options.get("access_key_id")
    hidden = ("secret_access_key", "session_token")
    secrets = {name: secret(options[name], name) for name in hidden if name in options}
    if key is None and not secrets:
        return None
    if key is None or "secret_access_key" not in secrets:
        raise UsageError("access_key_id and secret_access_key belong together.", hint="Give both, or neither.")
    return {
        "access_key_id": secret(key, "access_key_id") if is_reference(key) else key,
        "secret_access_key": secrets["secret_access_key"],
        "token": secrets.get("session_token"),
    }
