"""The crawl of a schedule in a process of its own: a job as one JSON line in, messages as JSON lines out.

Standard input stays open as long as the crawl is wanted. When it closes, because the parent says so or is gone,
the crawl ends at its next consistent point: no crawl outlives the process that answers for it.

Messages: `{"progress": …}`, and at last one of `{"report": …}`, `{"busy": reason}`,
`{"failed": reason, "again": bool}`, `{"crashed": reason}`.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from typing import Any, BinaryIO

from catalog.crawl import crawl_silo
from catalog.crawl.runner import runner_of
from catalog.errors import CatalogError, StoreBusy, Terminal
from catalog.model import CrawlProgress
from catalog.silos.registry import open_silo
from catalog.store import crawls
from catalog.store.engine import Database
from catalog.text import safe

Message = dict[str, Any]

SOFT = 10.0
"""Seconds until a crawl that does not come to a consistent point is interrupted where it is."""
HARD = 10.0
"""Seconds after that until the process ends itself; the next crawl mends what that leaves."""
LEAVE = 5.0
"""Seconds that a process has to clean up once its crawl has ended."""

_REASON = 300
_LONGEST_JOB = 1 << 20


class Lifeline:
    """Knows whether the crawl is still wanted: asked by the crawl, told by the parent or a signal."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._hard = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signalled)
        threading.Thread(target=self._watch, daemon=True).start()
        threading.Thread(target=self._insist, daemon=True).start()

    def __call__(self) -> bool:
        """Whether to stop."""
        return self._over.is_set()

    def _signalled(self, *_: object) -> None:
        if self._hard:
            raise KeyboardInterrupt
        self._over.set()

    def _watch(self) -> None:
        while os.read(0, 4096):  # not sys.stdin: a thread that waits in it could not be left behind
            pass
        self._over.set()

    def _insist(self) -> None:
        self._over.wait()
        time.sleep(SOFT)
        self._hard = True
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        time.sleep(HARD)
        os._exit(1)


def main() -> None:
    """Run the job that stands on standard input, and end the process."""
    faulthandler.enable()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else prints does not disturb the messages
    job = json.loads(_line())
    wanted = Lifeline()

    def tell(message: Message) -> None:
        _write(out, message)

    tell(run(job, wanted, tell))
    out.close()
    leave = threading.Timer(LEAVE, os._exit, (0,))  # threads that wait for a dead mount must not keep the process
    leave.daemon = True
    leave.start()


def run(job: Message, stop: Callable[[], bool], tell: Callable[[Message], None]) -> Message:
    """Crawl, and return the last message."""

    def progress(now: CrawlProgress) -> None:
        if job["progress"]:
            tell({"progress": asdict(now)})

    try:
        with closing(Database(job["url"])) as db:
            info, by = crawls.silo(db, job["silo"]), runner_of(job["runner"])
            try:
                with closing(open_silo(info.url, info.options)) as silo:
                    report = crawl_silo(
                        db, info, silo, prefix=job["prefix"], mode=job["mode"], inspect=job["inspect"],
                        workers=by.workers, cluster=by.cluster, share=job["share"], classify=job["classify"],
                        progress=progress, stop=stop,
                    )  # fmt: skip
            except StoreBusy as error:
                running = crawls.running_on(db, info.id)
                if running is None:
                    raise error
                return {"busy": running}
        return {"report": report.as_dict()}
    except CatalogError as error:
        return {"failed": safe(error.message, _REASON), "again": not isinstance(error, Terminal)}
    except KeyboardInterrupt:
        return {"crashed": "It was interrupted before it came to a consistent point."}
    except Exception as error:  # noqa: BLE001 (the outermost frame: the parent tells what is left)
        return {"crashed": safe(f"{type(error).__name__}: {error}", _REASON)}


def _line() -> bytes:
    line = b""
    while not line.endswith(b"\n") and len(line) < _LONGEST_JOB:
        more = os.read(0, 1)
        if not more:
            os._exit(1)  # the parent is gone already
        line += more
    return line


def _write(out: BinaryIO, message: Message) -> None:
    try:
        out.write(json.dumps(message).encode() + b"\n")
        out.flush()
    except BrokenPipeError:
        pass  # the parent is gone: the lifeline ends the crawl
