"""Waiting for the client's answers with a limit, such that Ctrl-C and the end of patience both break it off.

The client follows a listing from page to page by itself, and a server that says for ever that there is more, and
sends nothing, would keep it there where no signal is seen. So its listings run in an event loop on a thread of its
own: a wait for one can be given up, and that ends the listing.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_loops: dict[int, asyncio.AbstractEventLoop] = {}
"""The loop of this process, by its id: a thread does not outlive a fork."""


def waited(work: Callable[[], Awaitable[T]], seconds: float) -> T:
    """What `work` comes to, begun in the loop. Raises `TimeoutError` after `seconds`, and what `work` raises."""

    async def within() -> T:
        return await asyncio.wait_for(_as_future(work), seconds)

    future = asyncio.run_coroutine_threadsafe(within(), _loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


async def _as_future(work: Callable[[], Awaitable[T]]) -> T:
    return await work()


def _loop() -> asyncio.AbstractEventLoop:
    with _lock:
        loop = _loops.get(os.getpid())
        if loop is None:
            loop = asyncio.new_event_loop()
            _loops.clear()
            _loops[os.getpid()] = loop
            threading.Thread(target=loop.run_forever, name="catalog-objects", daemon=True).start()
        return loop
