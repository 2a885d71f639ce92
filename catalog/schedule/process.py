"""A crawl's process as its parent sees it: started, heard, stopped, and its end explained."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

from catalog.errors import CatalogError
from catalog.text import safe

Inbox = SimpleQueue[tuple[Any, dict[str, Any]]]
"""(who, message): a `CrawlProcess` and what it says, or None and `{"signal": number}`."""

# The parent's own search path, so that the child runs the same code; -P keeps the working directory out of it.
_PATH = "_CATALOG_PATH"
_START = (
    f"import json, os, sys; sys.path[:] = json.loads(os.environ.pop('{_PATH}')); "
    "from catalog.schedule.child import main; main()"
)
_KEPT = 4096  # bytes of what the child said last on stderr


class CrawlProcess:
    """One crawl in a child process. What it says is put into `inbox`, at last `{"exit": code}`."""

    def __init__(self, job: dict[str, Any], inbox: Inbox) -> None:
        if not sys.executable:
            raise CatalogError("Python does not know its own program, so no crawl can be started.")
        try:
            self._process = subprocess.Popen(  # noqa: S603 (this very program, and no shell)
                [sys.executable, "-P", "-c", _START, f"crawl of {job['silo']}"],
                env={**os.environ, _PATH: json.dumps(sys.path)},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the parent, which stops its children in order
            )  # fmt: skip
        except OSError as error:
            raise CatalogError(f"No process could be started: {error.strerror or error}.") from error
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self.pid = self._process.pid
        self._inbox = inbox
        self._said = b""
        self._killed = False
        with suppress(BrokenPipeError):  # it died at once: its end tells more
            self._process.stdin.write(json.dumps(job).encode() + b"\n")
            self._process.stdin.flush()
        self._errors = threading.Thread(target=self._keep_errors, daemon=True)
        self._errors.start()
        threading.Thread(target=self._hear, daemon=True).start()

    def stop(self) -> None:
        """Ask it to end at its next consistent point."""
        assert self._process.stdin
        with suppress(BrokenPipeError):
            self._process.stdin.close()

    def kill(self) -> None:
        """End it now."""
        self._killed = True
        self._process.kill()

    def explain(self, code: int) -> str:
        """Why it ended without a word of its own."""
        if code < 0:
            try:
                name = signal.Signals(-code).name
            except ValueError:
                name = f"signal {-code}"
            memory = " (the machine may have run out of memory)" if code == -signal.SIGKILL and not self._killed else ""
            how = f"The crawl's process was killed by {name}{memory}."
        else:
            how = f"The crawl's process ended with code {code}."
        lines = self._said.decode(errors="replace").strip().splitlines()
        # After a fault in native code the first line tells what happened, the last ones where.
        last = next((line for line in lines if line.startswith("Fatal")), lines[-1] if lines else "")
        return f"{how} It said: {safe(last, 200)}" if last else how

    def _hear(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            with suppress(ValueError):  # half a line of a process that was killed
                self._inbox.put((self, json.loads(line)))
        code = self._process.wait()
        self._errors.join()
        self._process.stdout.close()
        self._inbox.put((self, {"exit": code}))

    def _keep_errors(self) -> None:
        assert self._process.stderr
        while said := os.read(self._process.stderr.fileno(), _KEPT):
            self._said = (self._said + said)[-_KEPT:]
        self._process.stderr.close()
