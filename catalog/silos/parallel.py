"""Listing with several requests under way, for storage whose answers take longer than reading them.

Keys in byte order are listed in ranges at once and given out in the order of the ranges, so that what
folds them sees the very listing it would have seen from one request after another. Other stores are
listed several subtrees at once, trees several directories at once, parents before their children.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import TypeVar

from catalog.errors import CatalogError, EntryMissing, SiloError, SiloUnreachable, Transient
from catalog.model import Failure, Listing
from catalog.silos.base import Listable, Silo
from catalog.silos.paths import join

T = TypeVar("T")

AHEAD = 32
"""Pieces that one range may be ahead of its turn; memory is bounded by this times the ranges under way."""


def in_order(sources: Iterable[Callable[[], Iterator[T]]], workers: int) -> Iterator[T]:
    """Everything the sources give, in their order, while up to `workers` of them run at once.

    What one raises is raised when its turn comes. Closing the iterator stops them all.
    """
    stopped = threading.Event()
    lanes = [_Lane(source, stopped) for source in sources]
    with ThreadPoolExecutor(workers, thread_name_prefix="catalog-list") as pool:
        try:
            for lane in lanes:  # the pool starts them in this order, so the one that is due always runs
                pool.submit(lane.run)
            for lane in lanes:
                yield from lane.pieces()
        finally:
            stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)


class _Lane:
    """One source running ahead of its turn."""

    def __init__(self, source: Callable[[], Iterator[T]], stopped: threading.Event) -> None:
        self._source = source
        self._stopped = stopped
        self._queue: queue.Queue[tuple[bool, object]] = queue.Queue(AHEAD)

    def run(self) -> None:
        try:
            for piece in self._source():
                if not self._put((True, piece)):
                    return
            self._put((False, None))
        except BaseException as error:  # noqa: BLE001 (raised again where the pieces are taken)
            self._put((False, error))

    def pieces(self) -> Iterator[T]:
        while True:
            more, piece = self._queue.get()
            if more:
                yield piece  # type: ignore[misc]
            elif piece is None:
                return
            else:
                raise piece  # type: ignore[misc]

    def _put(self, piece: tuple[bool, object]) -> bool:
        while not self._stopped.is_set():
            try:
                self._queue.put(piece, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False


def walk_parts(silo: Silo, alone: Sequence[str], whole: Sequence[str], workers: int) -> Iterator[Listing]:
    """The directories `alone`, each by itself, and everything at and below those that are `whole`."""
    assert isinstance(silo, Listable)
    children = silo.children
    sources = [
        *(partial(_shielded, path, lambda path: iter((children(path),))) for path in alone),
        *(partial(_shielded, path, silo.walk) for path in whole),
    ]
    yield from in_order(sources, workers)


def _shielded(path: str, walk: Callable[[str], Iterator[Listing]]) -> Iterator[Listing]:
    """A part's own failure is one of that part, and not of the listing it belongs to."""
    try:
        yield from walk(path)
    except EntryMissing:
        return  # it vanished since it was planned; the directory above tells
    except SiloError as error:
        yield Listing(path, (), (), (), complete=False, failure=_failure(path, error))


def walk_tree(silo: Listable, prefix: str, workers: int) -> Iterator[Listing]:
    """`Silo.walk` of a tree with up to `workers` directories being listed at once, parents first."""
    with ThreadPoolExecutor(workers, thread_name_prefix="catalog-list") as pool:
        waiting, running = [prefix], dict[Future[Listing], str]()
        try:
            while waiting or running:
                while waiting and len(running) < 2 * workers:
                    path = waiting.pop()
                    running[pool.submit(silo.children, path)] = path
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    listing = _result(future, running.pop(future), prefix)
                    if listing is not None:
                        waiting.extend(join(listing.path, name) for name in reversed(listing.directories))
                        yield listing
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _result(future: Future[Listing], path: str, prefix: str) -> Listing | None:
    """The listing; None for a directory that vanished after its parent was listed."""
    try:
        return future.result()
    except EntryMissing as error:
        if path == prefix:
            raise SiloUnreachable(error.message, hint=error.hint) from error
        return None
    except SiloError as error:
        if path == prefix:
            raise
        return Listing(path, (), (), (), complete=False, failure=_failure(path, error))


def _failure(path: str, error: CatalogError) -> Failure:
    return Failure(path, error.message, retriable=isinstance(error, Transient))
