"""Opens buckets of Google Cloud Storage (`gs://bucket/prefix`).

Without credentials the client's own chain is used: the GOOGLE_* environment variables, what
`gcloud auth application-default login` left, and the service account of the machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.silos import options as given
from catalog.silos.manners import Pace
from catalog.silos.object import stores
from catalog.silos.object.errors import Advice
from catalog.silos.object.silo import ObjectSilo
from catalog.silos.secrets import secret

OPTIONS = tuple(sorted((*stores.OPTIONS, "service_account", "token", "user_project")))

_ENDPOINTS = ("GOOGLE_BASE_URL",)
_ADVICE = Advice(
    "bucket",
    "Run `gcloud auth application-default login`, give service_account=file:KEY.json, or anonymous=true for "
    "a public bucket.",
)


def open_silo(url: str, options: Mapping[str, str]) -> ObjectSilo:
    """Open `gs://bucket/prefix`. Secrets are resolved here; nothing is reached yet.

    Raises `UsageError` for options that are unknown or contradict each other, `SecretInline` for
    a secret in the clear.
    """
    given.check(options, OPTIONS, "A Google Cloud Storage silo")
    place = stores.place(url)
    google = not (options.get("endpoint") or stores.from_environment(_ENDPOINTS))  # it lists in byte order
    store = _store(place.name, options)
    return ObjectSilo(store, place, _identity(options), _ADVICE, Pace.of(options), byte_order=google)


def _store(bucket: str, options: Mapping[str, str]) -> Any:
    from obstore.store import GCSStore

    given.exclusive(options, "anonymous", "service_account", "token")
    endpoint = stores.endpoint(options)
    config: dict[str, Any] = {}
    if endpoint is not None:
        config["base_url"] = endpoint
    if given.flag(options, "anonymous"):
        config["skip_signature"] = True
    if "service_account" in options:
        config["service_account_key"] = secret(options["service_account"], "service_account")
    if "token" in options:
        token = secret(options["token"], "token")
        config["credential_provider"] = lambda: {"token": token, "expires_at": None}
    if "user_project" in options:
        config["client_options"] = {"default_headers": {"x-goog-user-project": options["user_project"]}}
    return stores.made(GCSStore, bucket, config, endpoint or stores.from_environment(_ENDPOINTS))


def _identity(options: Mapping[str, str]) -> str:
    if given.flag(options, "anonymous"):
        return "anonymous"
    if "service_account" in options:
        return "the service account given"
    return "the token given" if "token" in options else "the provider's own chain"
