"""What an object store's client reports, in the catalog's own errors.

The client tells reads apart by exception type, but reports every failed listing as one generic
error; there the HTTP status and the store's own code stand in the message only. Messages are cut
to what the store said: the client's text repeats whole requests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from catalog import text
from catalog.errors import EntryMissing, SiloBusy, SiloError, SiloRefused, SiloUnreachable

_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w{1,80})</Code>")
_MESSAGE = re.compile(r"<Message>([^<]{1,300})</Message>")
_CAUSE = re.compile(r'(?:message: |ConnectError\(\s*|error: )"([^"\n]{1,120})"')
_NO_CREDENTIALS = re.compile(
    r"/latest/(?:api/token|meta-data)|169\.254\.170\.2|/metadata/identity/|computeMetadata|metadata\.google"
)

_NO_TOKEN = re.compile(r"(?:credential provider: |get-access-token' command failed: )([^\n]{1,300})")
_BUSY = (429, 503)


@dataclass(frozen=True, slots=True)
class Advice:
    """The words of one store: what it calls a bucket, and how to say who asks."""

    bucket: str
    credentials: str


class UnlistableKeyError(Exception):
    """A page of a listing holds a key that the client cannot express; the text says what is odd about it."""


def raised() -> tuple[type[BaseException], ...]:
    """What calls of the client raise."""
    from obstore.exceptions import BaseError

    return BaseError, OSError, ValueError


def status(error: BaseException) -> int | None:
    """The HTTP status of the answer, when there was one."""
    found = _STATUS.search(str(error))
    return int(found[1]) if found else None


def out_of_range(error: BaseException) -> bool:
    """Whether a read may have failed because its range begins at the end of the object, or behind it.

    Some servers answer such a read of an empty object with `bytes 0--1/0`, which the client refuses.
    """
    return status(error) == 416 or any(mark in str(error) for mark in ("CONTENT_RANGE", "InvalidRangeRequest"))


def unlistable(error: BaseException) -> UnlistableKeyError | None:
    """The error as `UnlistableKeyError`, if that is what it is."""
    from obstore.exceptions import InvalidPathError

    if not isinstance(error, InvalidPathError):
        return None
    odd = "an empty segment"
    if "empty path segment" not in str(error):
        odd = "a '.' or '..' segment or a control character"
    return UnlistableKeyError(f"a key in it has {odd}, which cannot be listed")


def mapped(error: BaseException, where: str, advice: Advice, *, reading: bool = False) -> SiloError:
    """`error`, met at the address `where` in a listing or in a read of one object."""
    from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

    raw, where = str(error), text.safe(where, 300)
    code, said = _CODE.search(raw), _MESSAGE.search(raw)
    number = status(error)
    if _NO_CREDENTIALS.search(raw):
        return SiloRefused(f"{where}: no credentials were given or found.", hint=advice.credentials)
    if no_token := _NO_TOKEN.search(raw):
        why = text.safe(no_token[1], 200).strip(" .:")
        return SiloRefused(f"{where}: the credentials cannot be had: {why}.", hint=advice.credentials)
    if isinstance(error, (PermissionDeniedError, UnauthenticatedError)) or number in (401, 403):
        why = text.safe(said[1] if said else code[1] if code else "access denied", 200).rstrip(".")
        return SiloRefused(
            f"{where}: the store refuses: {why}.",
            hint="Check the keys and what they are allowed to list and read.",
        )
    if isinstance(error, FileNotFoundError) or number == 404:
        if reading:
            return EntryMissing(f"{where} does not exist.")
        name = advice.bucket
        return SiloUnreachable(f"{where}: the store has no such {name}.", hint=f"Check the {name} and the endpoint.")
    if reading and isinstance(error, ValueError):
        return EntryMissing(f"{where} is no key that can be read.")
    if number in _BUSY:
        return SiloBusy(f"{where}: {_why(raw, number, said)}.", hint="--option max_requests_per_second=N asks less.")
    return SiloUnreachable(
        f"{where}: {_why(raw, number, said)}.", hint="Check the endpoint, the region and the network."
    )


def _why(raw: str, number: int | None, said: re.Match[str] | None) -> str:
    """One clause that says what went wrong."""
    if said:
        return text.safe(said[1], 200).rstrip(".")
    if number is not None and 300 <= number < 400:
        return f"the store answered {number}: another region or endpoint holds this bucket"
    if number is not None:
        return f"the store answered {number}"
    if "TimedOut" in raw:
        return "no answer in time"
    cause = _CAUSE.findall(raw)
    if cause:
        return "no connection: " + text.safe(cause[-1], 120).lower()
    first = re.sub(r"\?\S+", "", raw.partition("\n")[0])  # a query may carry a signature
    return text.safe(first, 200).rstrip(".") or "it cannot be used"
