"""Times as people type them: `2026-03-01`, `2026-03-01T12:00:00Z`, `7d`."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from catalog.errors import UsageError

_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d|w|mo|y)(?:\s+ago)?", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800, "mo": 2629746, "y": 31556952}


def moment(words: str | None, now_ns: int | None = None) -> int | None:
    """Nanoseconds since the epoch; None stays None.

    A time without a zone is UTC, a date alone its first moment. Raises `UsageError`.
    """
    if words is None:
        return None
    now = time.time_ns() if now_ns is None else now_ns
    said = words.strip()
    if age := _AGE.fullmatch(said):
        return max(now - int(float(age[1]) * _SECONDS[age[2].lower()] * 1e9), 0)
    if said.lower() == "now":
        return now
    try:
        then = datetime.fromisoformat(said)
        seconds = (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"'{words}' is no time.",
            hint="Write 2026-03-01, 2026-03-01T12:00Z, or an age: 30m, 12h, 7d, 2w, 6mo, 1y.",
        ) from error
    return int(seconds) * 1_000_000_000
