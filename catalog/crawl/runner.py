"""Who lists: one request after another, or several at once."""

from __future__ import annotations

import re

from catalog.errors import UsageError

_THREADS = re.compile(r"threads:([1-9]\d{0,2})")


def workers(runner: str | None) -> int:
    """How many listing requests `runner` (`inline`, `threads:N`) has under way; 0 for None: as suits the silo.

    Raises `UsageError`.
    """
    if runner is None:
        return 0
    if runner == "inline":
        return 1
    found = _THREADS.fullmatch(runner)
    if found is None:
        raise UsageError(f"'{runner}' is no runner.", hint="inline, or threads:N with N from 1 to 999, as threads:8")
    return int(found[1])
