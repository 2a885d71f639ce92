"""Opens containers of Azure Blob Storage and Data Lake Storage.

`abfss://container@account.dfs.core.windows.net/path` names the account; `az://container/path` takes it from
the options or the environment. Without credentials the client's own chain is used: the AZURE_* environment
variables, a workload identity, and the managed identity of the machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from catalog.errors import UsageError
from catalog.silos import addresses
from catalog.silos import options as given
from catalog.silos.base import Capabilities
from catalog.silos.manners import Pace
from catalog.silos.object import stores
from catalog.silos.object.errors import Advice
from catalog.silos.object.silo import ObjectSilo
from catalog.silos.secrets import secret

OPTIONS = tuple(
    sorted(
        (
            *stores.OPTIONS,
            "account",
            "account_key",
            "azure_cli",
            "client_id",
            "client_secret",
            "connection_string",
            "sas_token",
            "tenant_id",
            "token",
        )
    )
)

_ACCOUNTS = ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT")
_ENDPOINTS = ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT")
_PUBLIC = ".dfs.core.windows.net"
_ADVICE = Advice(
    "container",
    "Set AZURE_STORAGE_ACCOUNT_KEY, give account_key, sas_token or client_secret as a reference (env:NAME), "
    "azure_cli=true after `az login`, or anonymous=true for a public container.",
)
_EMULATOR = {  # the public account of the storage emulator, https://learn.microsoft.com/azure/storage/common/storage-use-azurite
    "AccountName": "devstoreaccount1",
    "AccountKey": "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    "BlobEndpoint": "http://127.0.0.1:10000/devstoreaccount1",
}


class AzureSilo(ObjectSilo):
    """The blobs of a container below a prefix. Their etags change with every write, equal content or not."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        order="keys", checksum="version", concurrent_reads=16, concurrent_lists=8
    )


@dataclass(frozen=True, slots=True)
class _Caller:
    """Who asks, in words, the client's configuration that says so, and what else a connection string told."""

    identity: str
    config: Mapping[str, Any]
    account: str | None = None
    endpoint: str | None = None


def open_silo(url: str, options: Mapping[str, str]) -> AzureSilo:
    """Open a container. Secrets are resolved here; nothing is reached yet.

    Raises `UsageError` for options that are unknown, missing or contradict each other, `SecretInline`
    for a secret in the clear.
    """
    from obstore.store import AzureStore

    given.check(options, OPTIONS, "An Azure silo")
    place = stores.place(url)
    container, at, host = place.name.rpartition("@")
    if not at:
        container, host = host, ""
    caller = _caller(options)
    account = _account(options, caller, host)
    endpoint = stores.endpoint(options) or caller.endpoint or _endpoint(host)
    elsewhere = endpoint or stores.from_environment(_ENDPOINTS)
    config = {"account_name": account, **caller.config, **({"endpoint": endpoint} if endpoint else {})}
    if host.endswith("fabric.microsoft.com"):
        config["use_fabric_endpoint"] = True
    store = stores.made(AzureStore, container, config, elsewhere)
    namespace = place.url if host or elsewhere else f"abfss://{container}@{account}{_PUBLIC}"
    return AzureSilo(store, place, caller.identity, _ADVICE, Pace.of(options), namespace)


def _account(options: Mapping[str, str], caller: _Caller, host: str) -> str:
    named = {
        "the URL": addresses.azure_account(host) if host else None,
        "account": options.get("account"),
        "connection_string": caller.account,
    }
    said = {where: account for where, account in named.items() if account}
    if len(set(said.values())) > 1:
        raise UsageError(f"{' and '.join(said)} name different storage accounts.", hint="Leave one of them out.")
    account = next(iter(said.values()), None) or stores.from_environment(_ACCOUNTS)
    if account is None:
        raise UsageError(
            "The storage account is missing.",
            hint="abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH, or --option account=NAME",
        )
    return account


def _endpoint(host: str) -> str | None:
    """Where the Blob service of an account outside the public cloud answers."""
    if not host or host.endswith((_PUBLIC, "fabric.microsoft.com")):
        return None
    return "https://" + host.replace(".dfs.", ".blob.", 1)


def _caller(options: Mapping[str, str]) -> _Caller:
    ways = ("anonymous", "azure_cli", "account_key", "client_secret", "connection_string", "sas_token", "token")
    given.exclusive(options, *ways)
    if given.flag(options, "anonymous"):
        return _Caller("anonymous", {"skip_signature": True})
    if given.flag(options, "azure_cli"):
        return _Caller("the account of `az login`", {"use_azure_cli": True, "credential_type": "azure_cli"})
    if "connection_string" in options:
        return _connected(secret(options["connection_string"], "connection_string"))
    for name, kind in (("account_key", "access_key"), ("sas_token", "sas_token"), ("token", "token")):
        if name in options:
            return _Caller(f"the {name} given", _provided(kind, secret(options[name], name)))
    if "client_secret" not in options:
        return _Caller("the provider's own chain", {})
    if not {"client_id", "tenant_id"} <= options.keys():
        raise UsageError("client_id, client_secret and tenant_id belong together.", hint="Give all three.")
    principal = {"client_id": options["client_id"], "tenant_id": options["tenant_id"]}
    hidden = secret(options["client_secret"], "client_secret")
    return _Caller(
        f"service principal {options['client_id']}",
        {**principal, "client_secret": hidden, "credential_type": "client_secret"},
    )


def _provided(kind: str, value: str) -> dict[str, Any]:
    # Given as a provider: else what the environment holds would be mixed with it.
    value = value.removeprefix("?") if kind == "sas_token" else value
    return {"credential_provider": lambda: {kind: value, "expires_at": None}}


def _connected(text: str) -> _Caller:
    """What a connection string tells. https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string"""
    parts = dict(part.strip().partition("=")[::2] for part in text.split(";") if "=" in part)
    if parts.get("UseDevelopmentStorage") == "true":
        parts = _EMULATOR
    account, endpoint = parts.get("AccountName"), parts.get("BlobEndpoint")
    suffix = parts.get("EndpointSuffix", "core.windows.net")
    if endpoint is None and account and suffix != "core.windows.net":
        endpoint = f"{parts.get('DefaultEndpointsProtocol', 'https')}://{account}.blob.{suffix}"
    if endpoint is not None:
        endpoint = stores.endpoint({"endpoint": endpoint})
    if "AccountKey" in parts:
        config = _provided("access_key", parts["AccountKey"])
    elif "SharedAccessSignature" in parts:
        config = _provided("sas_token", parts["SharedAccessSignature"])
    else:
        raise UsageError("The connection string holds neither AccountKey nor SharedAccessSignature.")
    return _Caller("the connection string given", config, account, endpoint)
