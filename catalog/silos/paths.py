"""Paths inside a silo: relative, separated by `/`, and never leading out of it."""

from __future__ import annotations

from collections.abc import Sequence

from catalog import text
from catalog.errors import UsageError

LARGEST = 2**63 - 1
"""The largest size or time a catalog column holds; what lies beyond is damage and reads as unknown."""

SLICE = 50_000
"""A directory with more names than this is listed in several pieces."""


def relative(path: str) -> str:
    """`path` without slashes at its ends; raises `UsageError` when it is no path inside a silo."""
    path = path.strip("/")
    if path and ("\0" in path or any(part in ("", ".", "..") for part in path.split("/"))):
        raise UsageError(
            f"'{text.safe(path, 200)}' is no path inside a silo: it has an empty, '.' or '..' segment.",
            hint="Write it relative to the silo's root, such as raw/2026.",
        )
    return path


def join(directory: str, name: str) -> str:
    """The path of `name` in `directory`; either may be empty."""
    return f"{directory}/{name}" if directory and name else directory or name


def bounded(values: Sequence[int]) -> Sequence[int | None]:
    """`values` as given, or with None for each that no catalog column holds."""
    if values and (min(values) < -LARGEST or max(values) > LARGEST):
        return [value if -LARGEST <= value <= LARGEST else None for value in values]
    return values
