"""Connections that serve one request at a time, shared by threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from catalog.errors import SiloError, Transient

C = TypeVar("C")


class Pool(Generic[C]):
    """At most `limit` connections; `connect` makes one, `close` ends one and must not raise."""

    def __init__(self, connect: Callable[[], C], close: Callable[[C], None], limit: int) -> None:
        self._connect = connect
        self._close = close
        self._idle: list[C] = []
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(limit)
        self._closed = False

    @contextmanager
    def use(self) -> Iterator[C]:
        """A connection for as long as the context lasts.

        It is kept for others when the context ends well, or with an error that says nothing about the
        connection (`EntryMissing`, `SiloRefused`), and ended after any other.
        """
        with self._room:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                connection = self._connect()
            try:
                yield connection
            except SiloError as error:
                if isinstance(error, Transient):
                    self._close(connection)
                else:
                    self._keep(connection)
                raise
            except BaseException:
                self._close(connection)
                raise
            self._keep(connection)

    def close(self) -> None:
        """End the idle connections; those in use end when they are given back."""
        with self._lock:
            idle, self._idle, self._closed = self._idle, [], True
        for connection in idle:
            self._close(connection)

    def _keep(self, connection: C) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        self._close(connection)
