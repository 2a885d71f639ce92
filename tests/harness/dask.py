"""A real Dask cluster on loopback: a scheduler, and workers that a test can kill."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from harness.servers import Running, connected, free_port, running

import catalog

SLOWLY = """
import time
from catalog.silos import tree
from catalog.store import bulk

def slowed(function):
    def slow(*args):
        time.sleep(0.01)
        return function(*args)
    return slow

if bulk.BATCH_DIRECTORIES != 3:  # the worker loads this more than once
    bulk.BATCH_DIRECTORIES = 3
    tree._listings = slowed(tree._listings)
"""
"""Loaded by a worker that takes its time and writes small batches, so that it can be killed in the middle."""


@dataclass
class DaskCluster:
    """A scheduler at `port`; `workers` are those that run."""

    port: int
    stack: ExitStack
    workers: list[Running] = field(default_factory=list)

    @property
    def runner(self) -> str:
        return f"dask://127.0.0.1:{self.port}"

    @classmethod
    @contextmanager
    def started(cls, workers: int, *, slow: bool = False, **environment: str) -> Iterator[DaskCluster]:
        if importlib.util.find_spec("distributed") is None:
            pytest.skip("needs the package distributed")
        port = free_port()
        with ExitStack() as stack:
            scheduler = stack.enter_context(
                running([*_DASK, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"])
            )
            found = cls(port, stack)
            for _ in range(workers):
                found.add(slow=slow, **environment)
            scheduler.until(lambda: connected(port))
            yield found

    def add(self, *, slow: bool = False, **environment: str) -> Running:
        """Start a worker of one thread."""
        path = str(Path(catalog.__file__).parents[1])
        preload = ["--preload", "{folder}/slowly.py"] if slow else []
        command = [
            *_DASK, "worker", f"tcp://127.0.0.1:{self.port}", "--nthreads", "1", "--no-nanny", "--no-dashboard",
            "--host", "127.0.0.1", "--local-directory", "{folder}", *preload,
        ]  # fmt: skip
        worker = self.stack.enter_context(running(command, files={"slowly.py": SLOWLY}, PYTHONPATH=path, **environment))
        self.workers.append(worker)
        return worker

    def kill(self) -> None:
        """Kill a worker without warning."""
        os.killpg(self.workers.pop(0).process.pid, signal.SIGKILL)


_DASK = (sys.executable, "-m", "dask")
