"""Reading the catalog without blocking the screen.

A `Reader` is one thread with its own read-only fork of the catalog. Work is handed over as a
function of that fork; what it builds (results, datasets) stays usable in later calls to the same
reader. A cancelled call is dropped from the queue, or its running statement is interrupted.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from catalog.api import Catalog

T = TypeVar("T")


class Reader:
    """One thread that reads a catalog."""

    def __init__(self, catalog: Catalog, name: str) -> None:
        self._catalog = catalog
        self._fork: Catalog | None = None
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"catalog-{name}")
        self._lock = threading.Lock()
        self._running: object | None = None

    async def run(self, work: Callable[[Catalog], T]) -> T:
        """The result of `work` on this reader's fork; errors of the catalog are raised here.

        Cancelling the awaiting task interrupts the work.
        """
        ticket = object()
        future = self._pool.submit(self._do, ticket, work)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            self._cancel(ticket, future)
            raise

    def close(self) -> None:
        """Stop what runs, close the fork and end the thread."""
        with self._lock:
            if self._running is not None and self._fork is not None:
                self._fork.interrupt()
        self._pool.submit(self._close_fork)
        self._pool.shutdown(wait=True)

    def _do(self, ticket: object, work: Callable[[Catalog], T]) -> T:
        if self._fork is None:
            self._fork = self._catalog.fork()
        with self._lock:
            self._running = ticket
        try:
            return work(self._fork)
        finally:
            with self._lock:
                self._running = None

    def _cancel(self, ticket: object, future: Future[T]) -> None:
        future.cancel()
        # The lock makes sure that the interrupt hits this work and not the next one in the queue.
        with self._lock:
            if self._running is ticket and self._fork is not None:
                self._fork.interrupt()

    def _close_fork(self) -> None:
        if self._fork is not None:
            self._fork.close()
            self._fork = None
