"""The profiles of ~/.aws, read with botocore: static keys, roles to assume, single sign-on, helper programs.

The object store's own client knows the environment, web identities and the machine's role, and reads no
profiles. botocore is optional (`silograph[aws]`) and slow to load, so it is asked only where a profile is meant.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from catalog import text
from catalog.errors import MissingExtra, UsageError

_TELLS_WHO = ("aws_access_key_id", "credential_process", "login_session", "role_arn", "sso_")
_FRESH = timedelta(minutes=10)  # botocore renews what runs out; it is asked so often


def meant() -> str | None:
    """The profile that applies though no option names one, in the order of the AWS tools; None for none.

    Keys and web identities in the environment come first, then AWS_PROFILE, then a `default` profile
    that says who asks. The latter is silently passed over when botocore is missing.
    """
    if os.environ.get("AWS_ACCESS_KEY_ID") or os.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
        return None
    named = os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE")
    if named:
        return named
    files = (("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"), ("AWS_CONFIG_FILE", "~/.aws/config"))
    if not any(Path(os.environ.get(name, usual)).expanduser().is_file() for name, usual in files):
        return None
    if find_spec("botocore") is None:
        return None
    settings = _session("default", missing_is_empty=True)[1]
    return "default" if any(key.startswith(_TELLS_WHO) for key in settings) else None


class Profile:
    """The credentials of one profile, as the client asks for them: a call gives the current ones.

    Raises `MissingExtra` without botocore, `UsageError` when there is no such profile.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._session, settings = _session(name)
        self._credentials: Any = None
        self.region: str | None = settings.get("region")
        self.endpoint: str | None = settings.get("endpoint_url")

    def __call__(self) -> dict[str, Any]:
        """Keys and the time until which they are taken as fresh."""
        if self._credentials is None:
            self._credentials = self._session.get_credentials()
        if self._credentials is None:
            raise ValueError(f"the profile {self._name} holds no credentials")
        keys = self._credentials.get_frozen_credentials()
        return {
            "access_key_id": keys.access_key,
            "secret_access_key": keys.secret_key,
            "token": keys.token,
            "expires_at": datetime.now(UTC) + _FRESH,
        }


def _session(name: str, *, missing_is_empty: bool = False) -> tuple[Any, dict[str, Any]]:
    """botocore's session for a profile, and the profile's settings."""
    try:
        from botocore.exceptions import BotoCoreError
        from botocore.session import Session
    except ImportError:
        raise MissingExtra("Reading a profile of ~/.aws", "aws") from None
    session = Session(profile=name)
    try:
        return session, dict(session.get_scoped_config())
    except BotoCoreError as error:
        if missing_is_empty:
            return session, {}
        raise UsageError(
            f"The AWS profile '{text.safe(name, 80)}' cannot be used: {text.safe(error, 200)}",
            hint="aws configure list-profiles",
        ) from error
