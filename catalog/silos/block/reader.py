"""The silo's end of the reader process: starts it, asks it, and outlives it.

A request that crashes the process, or takes it too long, raises `ReaderFailed`; the next request gets a new one.
"""

from __future__ import annotations

import importlib.util
import os
import select
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog.errors import SiloUnreadable
from catalog.silos.block import wire
from catalog.silos.block.image import Image

if TYPE_CHECKING:
    import subprocess

CPU_SECONDS = 10.0
"""So much CPU time a step may take: to open a filesystem, to read one directory or 1,000 entries of it."""
SILENCE_SECONDS = 300.0
"""So long a request may take altogether, the storage's own slowness included."""

_START = (
    "import sys; sys.path += sys.argv[4:]; from catalog.silos.block.worker import main; "
    "main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))"
)


class ReaderFailed(Exception):
    """The reader process ended in the middle of a request. The text says how, for people."""


class ReaderRefused(Exception):
    """The reader looked, and cannot do what was asked. The text says why; `denied` when it must not."""

    def __init__(self, reason: str, denied: bool = False) -> None:
        super().__init__(reason)
        self.denied = denied


class Patience:
    """How much failure one walk bears: so many crashes, or so many seconds lost in them, and no more is tried."""

    def __init__(self, crashes: int = 32, seconds: float = 60.0) -> None:
        self._crashes = crashes
        self._seconds = seconds

    def lose(self, seconds: float) -> None:
        """A request failed after `seconds`."""
        self._crashes -= 1
        self._seconds -= seconds

    @property
    def ended(self) -> bool:
        """Is nothing to be tried any more?"""
        return self._crashes <= 0 or self._seconds <= 0


class Reader:
    """Reads the filesystems of one image in a process of its own, which starts with the first request."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self._cpu_seconds = CPU_SECONDS
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._lock = threading.Lock()

    def ask(self, header: dict[str, Any], patience: Patience | None = None) -> wire.Message:
        """The answer to a request. Raises `ReaderFailed` and `ReaderRefused`. May be called from any thread."""
        if patience is not None and patience.ended:
            raise ReaderFailed("not tried: reading this filesystem failed too often")
        began = time.monotonic()
        try:
            answer = self._ask(header)
        except ReaderFailed:
            if patience is not None:
                patience.lose(time.monotonic() - began)
            raise
        if "error" in answer[0]:
            raise ReaderRefused(str(answer[0]["error"]))
        if "refused" in answer[0]:
            raise ReaderRefused(str(answer[0]["refused"]), denied=True)
        return answer

    def _ask(self, header: dict[str, Any]) -> wire.Message:
        with self._lock:
            if self._image.fd < 0:
                raise ReaderFailed("the silo was closed")
            process = self._running()
            try:
                return self._exchange(process, wire.packed(header))
            except TimeoutError as error:  # an OSError, too
                self._stop()
                raise ReaderFailed(f"no answer within {SILENCE_SECONDS:.0f} s") from error
            except (OSError, EOFError, wire.GarbledError) as error:
                raise ReaderFailed(self._ended(process)) from error
            except BaseException:  # Ctrl-C: what is still under way must not be taken for the next answer
                self._stop()
                raise

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._stop()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._owner != os.getpid():
            self._process = None  # a fork of the process that started it: two may not ask one
        if self._process is not None and self._process.poll() is not None:
            self._stop()  # it ended while nothing was asked of it
        if self._process is None:
            self._process, self._owner = _started(self._image, self._cpu_seconds), os.getpid()
        return self._process

    def _exchange(self, process: subprocess.Popen[bytes], request: bytes) -> wire.Message:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(request)
        process.stdin.flush()
        fd = process.stdout.fileno()
        poll = select.poll()
        poll.register(fd, select.POLLIN | select.POLLHUP)
        until = time.monotonic() + SILENCE_SECONDS

        def fetch(n: int) -> bytes:
            parts: list[bytes] = []
            while n:
                if not poll.poll(max(until - time.monotonic(), 0) * 1000):
                    raise TimeoutError
                part = os.read(fd, min(n, 1 << 20))
                if not part:
                    raise EOFError
                parts.append(part)
                n -= len(part)
            return b"".join(parts)

        return wire.unpacked(fetch)

    def _ended(self, process: subprocess.Popen[bytes]) -> str:
        """How the process ended, in words."""
        self._stop()
        number = -(process.returncode or 0)
        if number == signal.SIGPROF:
            return f"reading it took more than {self._cpu_seconds:.0f} s of work"
        if number > 0 and number != signal.SIGKILL:
            return f"the filesystem reader crashed on it ({signal.Signals(number).name})"
        return "the filesystem reader ended on it"

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        for pipe in (process.stdin, process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:
                pass  # what was not sent yet is lost with the process
        until = time.monotonic() + 0.5  # it ends by itself when its requests end
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
        process.kill()
        process.wait()


def _started(image: Image, cpu_seconds: float) -> subprocess.Popen[bytes]:
    """A new reader process. It loads the standard library, this package and pytsk3, and nothing else."""
    import subprocess  # most ext filesystems are listed without it

    found = importlib.util.find_spec("pytsk3")
    if found is None or found.origin is None:
        raise SiloUnreadable("pytsk3, which reads filesystems, is not installed.", hint="pip install pytsk3")
    paths = [str(Path(__file__).parents[3]), str(Path(found.origin).parent)]
    command = [sys.executable, "-I", "-S", "-c", _START, str(image.fd), str(image.size), str(cpu_seconds), *paths]
    return subprocess.Popen(  # noqa: S603 (this interpreter, and numbers)
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=[image.fd],
        env={"TZ": "UTC0", "LC_ALL": "C.UTF-8"},  # FAT's times have no zone: they are taken as UTC everywhere
    )
