"""A first look at a silo, for `catalog silo test`."""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Iterator
from itertools import islice

from catalog.errors import SiloError
from catalog.model import Listing
from catalog.silos.base import Reached, Silo
from catalog.silos.paths import join

SAMPLE = 5
_LISTINGS = 20


def first_paths(listings: Iterator[Listing]) -> list[str]:
    """A few file paths from the first directories."""
    found: list[str] = []
    for listing in islice(listings, _LISTINGS):
        found += [join(listing.path, name) for name in listing.names[:SAMPLE]]
        if len(found) >= SAMPLE:
            break
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
