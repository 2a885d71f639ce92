"""Inspecting files in processes of their own, so that one that hangs, crashes or eats memory harms nothing.

The catalog's process keeps what is worth having: the silo with its credentials, and the database. A
worker gets neither. It asks for ranges of the file over a pipe, tells in JSON what it found, and is
killed when it takes too long. Its address space is capped, it can write no file, and its
environment holds nothing of the caller's.

A message is its length (4 bytes, big-endian) and its bytes: JSON, or a range's content behind one byte
that says whether it could be read. What a worker is going to ask for first comes with the question; a
schema that it told before is told by its number.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import queue
import select
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, fields
from typing import IO, TYPE_CHECKING, Any

from catalog.errors import CatalogError, InspectError, SiloError
from catalog.formats.base import Caps, TreeFile
from catalog.model import ColumnLabel, Facts, Field, Sniffed

if TYPE_CHECKING:
    from catalog.classify.columns import Classified
    from catalog.formats.classifying import SampledFile

Fetch = Callable[[int, int], bytes]
Told = tuple[Sniffed, Facts | None, InspectError | None]
TreeTold = tuple[Facts | None, InspectError | None]
_Answer = Callable[[dict[str, Any]], bytes]

MEMORY = 4 * 1024**3
"""Bytes of address space a worker may have; libraries map much more than they use."""
GRACE = 5.0
"""Seconds beyond the cap on time after which a worker is killed: it is to stop by itself."""
IDLE = 60.0
"""Seconds without a file after which a worker ends by itself."""
_LARGEST = 16 * 1024 * 1024
_LENGTH = 4
_READ, _NOT_READ = b"+", b"-"
_CODE = "from catalog.formats.sandbox import serve; serve()"
_SCHEMAS = 64
_FILES_A_WORKER = 5_000
"""A worker is replaced after so many files: what libraries leak is given back."""


@functools.cache
def _of_process(pid: int) -> Sandbox:
    made = Sandbox(os.cpu_count() or 1)
    atexit.register(made.close)
    return made


def shared() -> Sandbox:
    """The sandbox of this process, whose workers outlive a crawl: starting one costs more than most files."""
    return _of_process(os.getpid())  # a fork has workers of its own


class Sandbox:
    """A few worker processes, started when they are needed. Threads may share it.

    `code` is what a worker runs.
    """

    def __init__(self, workers: int, code: str = _CODE) -> None:
        self._code = code
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(max(workers, 1)):
            self._idle.put(None)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def inspect(self, fetch: Fetch, size: int | None, name: str, caps: Caps | None = None) -> Told:
        """As `registry.inspect`. A worker that dies or hangs gives the finding `crashed` or `too_large`."""
        from catalog.formats.registry import first_range

        first = first_range(size, name)
        ahead = fetch(*first) if first[1] else b""  # no worker waits for it, or is lost when it fails
        caps = caps or Caps()
        with self._worker() as worker:
            try:
                return worker.inspect(fetch, size, name, caps, first, ahead)
            except _Lost as lost:
                worker.kill()
                error = InspectError(lost.message, finding=lost.finding)
                return Sniffed("unknown", 0.0, "not read"), None, error

    def inspect_tree(
        self, rule: str, listing: Callable[[str], Sequence[TreeFile]], fetch: Callable[[str, int, int], bytes],
        caps: Caps | None = None,
    ) -> TreeTold:  # fmt: skip
        """As `registry.inspect_tree` with a `TreeReader` over `listing` and `fetch`."""
        caps = caps or Caps()
        with self._worker() as worker:
            try:
                return worker.inspect_tree(rule, listing, fetch, caps)
            except _Lost as lost:
                worker.kill()
                return None, InspectError(lost.message, finding=lost.finding)

    def classify(
        self, files: Sequence[SampledFile], fetch: Callable[[str, int, int], bytes], caps: Caps | None = None
    ) -> Classified:
        """As `classifying.classify_files`. Raises `InspectError` when the worker dies or hangs."""
        from catalog.formats.classifying import CAPS

        with self._worker() as worker:
            try:
                return worker.classify(files, fetch, caps or CAPS)
            except _Lost as lost:
                worker.kill()
                raise InspectError(lost.message, finding=lost.finding) from lost

    def close(self) -> None:
        """End the workers."""
        while True:
            try:
                worker = self._idle.get_nowait()
            except queue.Empty:
                return
            if worker is not None:
                worker.kill()

    @contextlib.contextmanager
    def _worker(self) -> Iterator[_Worker]:
        worker = self._idle.get()
        if worker is None or not worker.usable:
            if worker is not None:
                worker.kill()
            worker = _Worker(self._code)
        try:
            yield worker
        except BaseException:
            worker.kill()  # a conversation that broke off cannot be taken up again
            raise
        finally:
            self._idle.put(worker if worker.usable else None)


class _Lost(Exception):
    """The worker is of no more use."""

    def __init__(self, message: str, finding: str) -> None:
        super().__init__(message)
        self.message = message
        self.finding = finding


class _Worker:
    """One process, seen from the catalog's side."""

    def __init__(self, code: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603 (this package's own code, in this interpreter)
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment(),
            start_new_session=True,
        )  # fmt: skip
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        self._ready = selectors.DefaultSelector()
        self._ready.register(self._out, selectors.EVENT_READ)
        self._files = 0
        self._schemas = _Heard()

    @property
    def usable(self) -> bool:
        return self._process.poll() is None and self._files < _FILES_A_WORKER

    def inspect(
        self, fetch: Fetch, size: int | None, name: str, caps: Caps, first: tuple[int, int], ahead: bytes
    ) -> Told:
        def answer(asked: dict[str, Any]) -> bytes:
            offset, length = (int(number) for number in asked["read"])
            return fetch(offset, length)

        told = self._converse({"name": name, "size": size, "ahead": first}, answer, caps, ahead)
        return _from_json(told, self._schemas)

    def inspect_tree(
        self, rule: str, listing: Callable[[str], Sequence[TreeFile]], fetch: Callable[[str, int, int], bytes],
        caps: Caps,
    ) -> TreeTold:  # fmt: skip
        def answer(asked: dict[str, Any]) -> bytes:
            if "list" in asked:
                return json.dumps([[file.path, file.size] for file in listing(str(asked["list"]))]).encode()
            offset, length = (int(number) for number in asked["read"])
            return fetch(str(asked["path"]), offset, length)

        told = self._converse({"tree": rule}, answer, caps)
        return _facts_from(told["facts"], self._schemas), _error_from(told["error"])

    def classify(
        self, files: Sequence[SampledFile], fetch: Callable[[str, int, int], bytes], caps: Caps
    ) -> Classified:
        from catalog.classify.columns import Classified

        def answer(asked: dict[str, Any]) -> bytes:
            offset, length = (int(number) for number in asked["read"])
            return fetch(str(asked["path"]), offset, length)

        told = self._converse({"classify": [asdict(file) for file in files]}, answer, caps)
        if error := _error_from(told.get("error")):
            raise error
        labels = tuple(ColumnLabel(**label) for label in told["labels"])
        return Classified(told["columns"], labels, tuple(told["problems"]))

    def _converse(
        self, asked: dict[str, Any], answer: _Answer, caps: Caps, ahead: bytes | None = None
    ) -> dict[str, Any]:
        """Ask for one inspection, send what it reads first, and serve its reads until it tells what it found."""
        self._files += 1
        deadline = time.monotonic() + caps.seconds + GRACE
        failed: SiloError | None = None
        question = json.dumps({**asked, "bytes": caps.bytes, "calls": caps.calls, "seconds": caps.seconds}).encode()
        self._send(question, *([] if ahead is None else [ahead]))
        while True:
            told: dict[str, Any] = json.loads(self._hear(deadline, caps.seconds))
            if "read" not in told and "list" not in told:
                if failed is not None:
                    raise failed
                return told
            try:
                content = _READ + answer(told)
            except SiloError as error:
                content, failed = _NOT_READ, error
            self._send(content)

    def kill(self) -> None:
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()
        self._ready.close()
        for pipe in (self._in, self._out):
            with contextlib.suppress(OSError):
                pipe.close()

    def _send(self, *messages: bytes) -> None:
        try:
            _write(self._in, *messages)
        except (OSError, ValueError) as error:
            raise self._crashed() from error

    def _hear(self, deadline: float, seconds: float) -> bytes:
        length = int.from_bytes(self._read(_LENGTH, deadline, seconds), "big")
        if length > _LARGEST:
            raise _Lost("Inspecting the file told more than it may.", "too_large")
        return self._read(length, deadline, seconds)

    def _read(self, length: int, deadline: float, seconds: float) -> bytes:
        content = b""
        while len(content) < length:
            if not self._ready.select(max(deadline - time.monotonic(), 0)):
                raise _Lost(
                    f"Inspecting the file did not end within {seconds:g} seconds, and was stopped.", "too_large"
                )
            more = os.read(self._out.fileno(), length - len(content))
            if not more:
                raise self._crashed()
            content += more
        return content

    def _crashed(self) -> _Lost:
        code = self._process.wait()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return _Lost(f"Inspecting the file crashed its process ({how}).", "crashed")


# ---------------------------------------------------------------- inside the worker


def serve() -> None:
    """Inspect files until the pipe closes. The main function of a worker process."""
    _confine()
    from catalog.formats.registry import inspect

    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # What a library prints must not become part of the conversation.
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(0, 1)

    def ask(**request: object) -> bytes:
        _write(outgoing, json.dumps(request).encode())
        content = _receive(incoming)
        if not content.startswith(_READ):
            raise SiloError("The range cannot be read.")
        return content[1:]

    def fetch(offset: int, length: int) -> bytes:
        if [offset, length] == asked["ahead"]:
            return ahead
        return ask(read=[offset, length])

    schemas = _Told()
    ahead = b""
    while select.select([incoming], [], [], IDLE)[0]:
        try:
            asked = json.loads(_receive(incoming))
            ahead = _receive(incoming) if "ahead" in asked else b""
        except EOFError:
            return
        caps = Caps(asked["bytes"], asked["calls"], asked["seconds"])
        try:
            if "tree" in asked:
                _write(outgoing, json.dumps(_tree_told(asked["tree"], ask, caps, schemas)).encode())
                continue
            if "classify" in asked:
                _write(outgoing, json.dumps(_labels_told(asked["classify"], ask, caps)).encode())
                continue
            told = inspect(fetch, asked["size"], asked["name"], caps)
        except EOFError:
            return
        except CatalogError as error:
            finding = error.finding if isinstance(error, InspectError) else "corrupt"
            told = Sniffed("unknown", 0.0, "not read"), None, InspectError(error.message, finding=finding)
        except (MemoryError, RecursionError):
            too_large = InspectError("Inspecting the file needs more memory than it may have.", finding="too_large")
            told = Sniffed("unknown", 0.0, "not read"), None, too_large
        _write(outgoing, json.dumps(_to_json(*told, schemas)).encode())


def _tree_told(rule: str, ask: Callable[..., bytes], caps: Caps, schemas: _Told) -> dict[str, Any]:
    """Inspect one folder, whose files are listed and read through `ask`."""
    from catalog.formats.base import TreeReader
    from catalog.formats.registry import inspect_tree

    def listing(folder: str) -> list[TreeFile]:
        return [TreeFile(path, size) for path, size in json.loads(ask(list=folder))]

    def fetch(path: str, offset: int, length: int) -> bytes:
        return ask(read=[offset, length], path=path)

    try:
        facts, error = inspect_tree(rule, TreeReader(listing, fetch, caps))
    except SiloError as failed:  # the other side knows how, and raises its own
        facts, error = None, InspectError(failed.message, finding="unreadable")
    except (MemoryError, RecursionError):
        facts = None
        error = InspectError("Inspecting the folder needs more memory than it may have.", finding="too_large")
    return {key: value for key, value in _to_json(_NOTHING, facts, error, schemas).items() if key != "sniffed"}


def _labels_told(files: list[dict[str, Any]], ask: Callable[..., bytes], caps: Caps) -> dict[str, Any]:
    """Look for sensitive columns. Only names of columns, labels and counts leave this process."""
    from catalog.formats.classifying import SampledFile, classify_files

    def fetch(path: str, offset: int, length: int) -> bytes:
        return ask(read=[offset, length], path=path)

    try:
        return asdict(classify_files([SampledFile(**file) for file in files], fetch, caps))
    except SiloError:  # the other side knows how, and raises its own
        error = {"message": "The silo failed.", "finding": "unreadable"}
    except (MemoryError, RecursionError):
        error = {"message": "Looking for sensitive columns needs more memory than it may have.", "finding": "too_large"}
    return {"error": error}


_NOTHING = Sniffed("unknown", 0.0, "not read")


def _confine() -> None:
    import resource

    for limit, value in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # a lower limit stands already
            resource.setrlimit(limit, (value, value))


def _environment() -> dict[str, str]:
    """What a worker needs to start, and none of the caller's secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT") if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}


def _write(pipe: IO[bytes], *messages: bytes) -> None:
    pipe.write(b"".join(len(one).to_bytes(_LENGTH, "big") + one for one in messages))
    pipe.flush()


def _receive(pipe: IO[bytes]) -> bytes:
    length = int.from_bytes(_exactly(pipe, _LENGTH), "big")
    return _exactly(pipe, length)


def _exactly(pipe: IO[bytes], length: int) -> bytes:
    content = b""
    while len(content) < length:
        more = pipe.read(length - len(content))
        if not more:
            raise EOFError
        content += more
    return content


# ---------------------------------------------------------------- what is told


class _Told:
    """The schemas that a worker has told, by number. It and the other side forget them at the same moment."""

    def __init__(self) -> None:
        self._numbers: dict[int, tuple[int, tuple[Field, ...]]] = {}

    def number_or_rows(self, schema: tuple[Field, ...]) -> int | list[list[Any]]:
        """The number of a schema that was told before, else the schema; the same one is the same object."""
        known = self._numbers.get(id(schema))
        if known is not None:
            return known[0]
        if len(self._numbers) == _SCHEMAS:
            self._numbers.clear()
        self._numbers[id(schema)] = len(self._numbers), schema
        return [[*_values(one).values()] for one in schema]


class _Heard:
    """The schemas that a worker has told, from the other side."""

    def __init__(self) -> None:
        self._schemas: list[tuple[Field, ...]] = []

    def schema(self, told: int | list[list[Any]]) -> tuple[Field, ...]:
        """The schema that was told, which for a number is the same object as before."""
        if isinstance(told, int):
            return self._schemas[told]
        if len(self._schemas) == _SCHEMAS:
            self._schemas.clear()
        self._schemas.append(tuple(Field(*row) for row in told))
        return self._schemas[-1]


def _values(one: Any) -> dict[str, Any]:
    """The values of a dataclass by name, as they are: `asdict` copies all that is in them."""
    return {field.name: getattr(one, field.name) for field in fields(one)}


def _to_json(sniffed: Sniffed, facts: Facts | None, error: InspectError | None, schemas: _Told) -> dict[str, Any]:
    told = None
    if facts:
        told = {**_values(facts), "fields": schemas.number_or_rows(facts.fields), "details": dict(facts.details)}
    return {
        "sniffed": _values(sniffed),
        "facts": told,
        "error": {"message": error.message, "finding": error.finding} if error else None,
    }


def _from_json(told: dict[str, Any], schemas: _Heard) -> Told:
    sniffed = Sniffed(**{**told["sniffed"], "also": tuple(told["sniffed"]["also"])})
    return sniffed, _facts_from(told["facts"], schemas), _error_from(told["error"])


def _facts_from(told: dict[str, Any] | None, schemas: _Heard) -> Facts | None:
    return Facts(**{**told, "fields": schemas.schema(told["fields"])}) if told else None


def _error_from(told: dict[str, str] | None) -> InspectError | None:
    return InspectError(told["message"], finding=told["finding"]) if told else None
