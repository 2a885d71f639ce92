"""A place for the conformance suite whose files stand in a folder that a server serves."""

from __future__ import annotations

import copy
import os
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from catalog.silos.base import Silo
from catalog.silos.registry import open_silo


class ServedPlace:
    """A folder of its own below the served one. `url` is the address of the served folder, with `{port}`."""

    cannot_hold: frozenset[str] = frozenset()
    tick = 0.05
    stale = 0.0
    """So long, in seconds, the server goes by what it has read of a folder."""

    def __init__(self, folder: Path, url: str, port: int, options: Mapping[str, str]) -> None:
        name = uuid.uuid4().hex
        self.root = folder / name
        self.root.mkdir()
        self.port = port
        self.options = dict(options)
        self._url = f"{url}/{name}"
        self._shown = True
        self._wait()  # the served folder may have been read just before
        self._shown = False

    def put(self, path: str, data: bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        self._wait()

    def remove(self, path: str) -> None:
        target = self.root / path
        target.unlink()
        while target.parent != self.root and not os.listdir(target.parent):
            target = target.parent
            target.rmdir()
        self._wait()

    def _wait(self) -> None:
        if self._shown:
            time.sleep(self.stale)

    def silo(self) -> Silo:
        return self.through(self.port)

    def whole(self) -> Silo:
        """The silo over all that the server serves, with these files below `root.name`."""
        around = copy.copy(self)
        around._url = self._url.rpartition("/")[0]
        return around.silo()

    def missing(self) -> Silo:
        return open_silo(self._url.format(port=self.port) + "/not/there", self.options)

    def through(self, port: int) -> Silo:
        """The silo over these files, reached at another port."""
        self._shown = True
        return open_silo(self._url.format(port=port), self.options)
