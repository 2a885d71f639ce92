"""Manners towards a server: not too many requests, and patience when it asks for some.

Shared by object stores and file servers. What can be tried again is told by type (`Transient`), never
by the text of an error.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from catalog.errors import SiloBusy, SiloError, Transient
from catalog.silos import options as given

OPTIONS = ("max_requests_per_second",)
"""Options that every silo behind a network takes."""

CONNECT_SECONDS = 10.0
"""How long a server may take to accept a connection."""
ANSWER_SECONDS = 60.0
"""How long a server may say nothing while an answer is awaited."""

ATTEMPTS = 5
_PATIENCE = 90.0
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
_LONGEST_WISH = 30.0
"""A server that asks for a longer pause (`Retry-After`) is taken at its word up to here."""

T = TypeVar("T")


class Pace:
    """At most so many requests a second, counted over all threads; None is no limit."""

    def __init__(self, per_second: float | None = None) -> None:
        self._gap = 1.0 / per_second if per_second else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Pace:
        """The pace that the options of a silo ask for. Raises `UsageError`."""
        return cls(given.number(options, "max_requests_per_second", low=0.01, high=100_000))

    def wait(self) -> None:
        """Return when the next request may be sent."""
        if not self._gap:
            return
        with self._lock:
            now = time.monotonic()
            turn = max(self._next, now)
            self._next = turn + self._gap
        if turn > now:
            time.sleep(turn - now)


def patiently(work: Callable[[], T], pace: Pace, attempts: int = ATTEMPTS) -> T:
    """The result of `work`, which is one request and is tried again after errors that may pass.

    Between two attempts is an exponentially growing pause with full jitter, or as long as the server
    asks for; after `_PATIENCE` seconds none is begun. Raises the last `SiloError`.
    """
    patient_until = time.monotonic() + _PATIENCE
    for attempt in range(1, attempts + 1):
        pace.wait()
        try:
            return work()
        except SiloError as error:
            wished = error.seconds if isinstance(error, SiloBusy) else None
            if not isinstance(error, Transient) or attempt == attempts or time.monotonic() > patient_until:
                raise
            time.sleep(pause(attempt, wished))
    raise AssertionError("unreachable")


def pause(attempt: int, wished: float | None = None) -> float:
    """How long to wait before the attempt that follows the failed one; `wished` is what the server asks for."""
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)
    jittered = random.uniform(0, longest)  # noqa: S311  # no secret
    return jittered if wished is None else min(max(wished, 0.0), _LONGEST_WISH) + jittered
