"""Times as people type them: `2026-03-01`, `2026-03-01T12:00:00Z`, `7d`."""

from __future__ import annotations

from catalog import text
from catalog.errors import UsageError


def moment(words: str | None, now_ns: int | None = None) -> int | None:
    """Nanoseconds since the epoch; None stays None. Raises `UsageError`."""
    if words is None:
        return None
    found = text.moment(words, now_ns)
    if found is None:
        raise UsageError(
            f"'{words}' is no time.",
            hint="Write 2026-03-01, 2026-03-01T12:00Z, or an age: 30m, 12h, 7d, 2w, 6mo, 1y.",
        )
    return found
