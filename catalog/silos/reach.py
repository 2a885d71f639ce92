"""A first look at a silo, for `catalog silo test`."""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Iterator
from itertools import islice

from catalog import text
from catalog.errors import SiloError, SiloRefused, SiloUnreachable
from catalog.model import Failure, Listing
from catalog.silos.base import Reached, Silo
from catalog.silos.paths import join

SAMPLE = 5
_LISTINGS = 20


def first_paths(listings: Iterator[Listing]) -> list[str]:
    """A few file paths from the first directories. Raises a `SiloError` when there are none for a failure."""
    found: list[str] = []
    failures: list[Failure] = []
    for listing in islice(listings, _LISTINGS):
        found += [join(listing.path, name) for name in listing.names[:SAMPLE]]
        failures += [listing.failure] if listing.failure else []
        if len(found) >= SAMPLE:
            break
    if failures and not found:
        first = failures[0]
        where = f"'{text.safe(first.prefix, 200)}'" if first.prefix else "What the address leads to"
        kind = SiloUnreachable if first.retriable else SiloRefused
        raise kind(f"{where} could not be listed: {text.safe(first.reason, 300)}.")
    return found[:SAMPLE]


def reached(silo: Silo, identity: str, sample: list[str], started: float) -> Reached:
    """The report on a silo whose first files are `sample`; `started` is `time.monotonic()`."""
    readable = True
    if sample:
        try:
            silo.read(sample[0], 0, 1)
        except SiloError:
            readable = False
    return Reached(silo.url, identity, tuple(sample), readable, time.monotonic() - started)


def user() -> str:
    """The name of the user this process runs as."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
