"""What a crawl asks of others who list parts of it, and what they tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from catalog.model import Failure


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a worker has to tell of the parts it was given: counts, or why it could do nothing (`broken`)."""

    listed: int = 0
    bytes: int | None = 0
    passed_over: int = 0
    skipped: tuple[tuple[str, int], ...] = ()
    failed: tuple[Failure, ...] = ()
    broken: str | None = None
    hint: str | None = None
    again: bool = False
    """Whether another attempt may do better."""


class Crew(Protocol):
    """Those who list and load parts of a silo."""

    @property
    def threads(self) -> int:
        """How many parts are listed at once."""
        ...

    def listed(self, parts: Sequence[str]) -> Iterator[tuple[Sequence[str], Loaded]]:
        """Have these subtrees listed and loaded; some of them at a time, as they are done. Raises `CatalogError`."""
        ...
