"""Listing with several requests under way, for storage whose answers take longer than reading them.

Keys in byte order are listed in ranges at once and given out in the order of the ranges, so that what
folds them sees the very listing it would have seen from one request after another. Other stores are
listed several subtrees at once, trees several directories at once, each in its turn.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from catalog.errors import CatalogError, EntryMissing, SiloError, SiloUnreachable, Transient
from catalog.model import Failure, Listing
from catalog.silos.base import Listable, Silo
from catalog.silos.paths import join

T = TypeVar("T")
Wanted = Callable[[str], bool]
Ended = Callable[[str], None]

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


def walk_parts(
    silo: Silo, alone: Sequence[str], whole: Sequence[str], workers: int, ended: Ended = lambda path: None
) -> Iterator[Listing]:
    """The directories `alone`, each by itself, and everything at and below those that are `whole`.

    `ended` is called with each of the latter, once all of it was given out and the next is asked for.
    """
    assert isinstance(silo, Listable)
    children = silo.children
    sources: list[Callable[[], Iterator[Listing | str]]] = [
        *(partial(shielded, path, lambda path: iter((children(path),))) for path in alone),
        *(partial(_with_its_end, path, silo.walk) for path in whole),
    ]
    for piece in in_order(sources, workers):
        if isinstance(piece, str):
            ended(piece)
        else:
            yield piece


def _with_its_end(path: str, walk: Callable[[str], Iterator[Listing]]) -> Iterator[Listing | str]:
    yield from shielded(path, walk)
    yield path


def shielded(path: str, walk: Callable[[str], Iterator[Listing]]) -> Iterator[Listing]:
    """A part's own failure is one of that part, and not of the listing it belongs to."""
    try:
        yield from walk(path)
    except EntryMissing:
        return  # it vanished since it was planned; the directory above tells
    except SiloError as error:
        yield Listing(path, (), (), (), complete=False, failure=_failure(path, error))


def walk_tree(
    silo: Listable, prefix: str, workers: int,
    *, starts: Sequence[str] | None = None, wanted: Wanted = lambda path: True,
) -> Iterator[Listing]:  # fmt: skip
    """`Silo.walk` of a tree, in its order, with up to `workers` directories being listed ahead of their turn.

    With `starts` it begins at those directories below `prefix` instead, one after another; what is not
    `wanted` is left out, with all below it.
    """
    with ThreadPoolExecutor(workers, thread_name_prefix="catalog-list") as pool:
        pending = [_Turn(path) for path in reversed([prefix] if starts is None else starts)]
        try:
            while pending:
                # Each level of the tree holds at most so many listings whose turn has not come.
                for turn in reversed(pending[-2 * workers :]):
                    if turn.listing is None:
                        turn.listing = pool.submit(silo.children, turn.path)
                turn = pending.pop()
                assert turn.listing is not None
                listing = _result(turn.listing, turn.path, prefix)
                if listing is not None:
                    below = (join(listing.path, name) for name in reversed(listing.directories))
                    pending.extend(_Turn(path) for path in below if wanted(path))
                    yield listing
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@dataclass(slots=True)
class _Turn:
    """A directory that is to be given out, and its listing once that was asked for."""

    path: str
    listing: Future[Listing] | None = None


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
