"""Secrets are references: where to look, never what is found there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from catalog.errors import MissingExtra, SecretInline, UsageError

_KEYRING_SERVICE = "silograph"
_KINDS = ("env:", "file:", "keyring:")
_LARGEST = 64 * 1024  # a token or key, not a file named by mistake


def is_reference(value: str) -> bool:
    """True when `value` says where a secret is kept."""
    return value.startswith(_KINDS)


def secret(reference: str, name: str = "a secret") -> str:
    """What `reference` (`env:NAME`, `file:PATH` or `keyring:NAME`) points to, for the option `name`.

    Raises `SecretInline` for anything else, and `UsageError` when nothing is kept there.
    """
    kind, _, where = reference.partition(":")
    if not is_reference(reference) or not where:
        raise SecretInline(
            f"{name} may not be given in the clear.",
            hint=f"Say where it is kept: {name}=env:NAME, file:PATH or keyring:NAME.",
        )
    looks: dict[str, Callable[[str], str | None]] = {
        "env": os.environ.get,
        "file": _from_file,
        "keyring": _from_keyring,
    }
    found = looks[kind](where)
    if not found:
        raise UsageError(f"{name}: nothing is kept at {reference}.", hint=_remedy(kind, where))
    return found


def _remedy(kind: str, where: str) -> str:
    return {
        "env": f"Set the environment variable {where}.",
        "file": f"Check that {where} exists and can be read.",
        "keyring": f"keyring set {_KEYRING_SERVICE} {where}",
    }[kind]


def _from_file(path: str) -> str | None:
    try:
        with Path(path).expanduser().open("rb") as file:
            return file.read(_LARGEST).decode().strip()
    except (OSError, ValueError):
        return None


def _from_keyring(name: str) -> str | None:
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise MissingExtra("Reading a secret from the keyring", "keyring") from None
    try:
        found: str | None = keyring.get_password(_KEYRING_SERVICE, name)
    except keyring.errors.KeyringError:
        return None
    return found
