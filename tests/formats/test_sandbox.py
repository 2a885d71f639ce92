"""Files are inspected in processes of their own: none can take the crawl down with it."""

from __future__ import annotations

import io
import os
import threading
import time

import format_samples as make
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.errors import SiloRefused
from catalog.formats.base import Caps
from catalog.formats.registry import inspect
from catalog.formats.sandbox import Sandbox


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"id": list(range(1000)), "word": ["x"] * 1000}), sink)
    return sink.getvalue()


FILES = {
    "t.parquet": parquet(),
    "t.csv": b"a,b\n1,2\n3,4\n",
    "broken.parquet": parquet()[:-50],
    "empty.csv": b"",
    "lies.csv": parquet(),
    "noise.bin": bytes(range(256)) * 20,
}


def fetch_of(data: bytes):
    return lambda offset, length: data[offset : offset + length]


@pytest.fixture
def sandbox():
    with Sandbox(2) as made:
        yield made


@pytest.mark.parametrize("name", FILES)
def test_it_tells_what_inspecting_here_tells(sandbox, name):
    data = FILES[name]
    here, there = inspect(fetch_of(data), len(data), name), sandbox.inspect(fetch_of(data), len(data), name)
    assert there[:2] == here[:2]
    assert (there[2] is None) == (here[2] is None)
    if here[2] is not None:
        assert (there[2].message, there[2].finding) == (here[2].message, here[2].finding)


def patched(body: str) -> str:
    """What a worker runs when reading a file named `bad` does `body`."""
    return f"""
import catalog.formats.registry as registry
real = registry.inspect
def inspect(fetch, size, name, caps):
    if name == "bad":
        {body}
    return real(fetch, size, name, caps)
registry.inspect = inspect
from catalog.formats.sandbox import serve
serve()
"""


MISHAPS = {
    "it crashes": ("import os; os.abort()", "crashed"),
    "it exits": ("import os; os._exit(3)", "crashed"),
    "it hangs": ("import time; time.sleep(60)", "too_large"),
    "it spins": ("while True: pass", "too_large"),
    "it eats memory": ("x = [bytearray(1 << 28) for _ in range(64)]", "too_large"),
    "it recurses": ("f = lambda: f(); f()", "too_large"),
    "it talks nonsense": ("import sys; sys.stdout.write('x' * 100); sys.stdout.flush()", None),
}


@pytest.mark.parametrize(("body", "finding"), MISHAPS.values(), ids=MISHAPS)
def test_whatever_a_file_does_to_its_worker_is_a_finding_on_the_file(monkeypatch, body, finding):
    monkeypatch.setattr("catalog.formats.sandbox.GRACE", 1.0)
    data = FILES["t.csv"]
    with Sandbox(1, patched(body)) as sandbox:
        _, _, error = sandbox.inspect(fetch_of(data), len(data), "bad", Caps(seconds=1.0))
        assert (error.finding if error else None) == finding
        assert sandbox.inspect(fetch_of(data), len(data), "good.csv")[1].rows == 2


def test_a_silo_that_fails_raises_its_own_error_and_the_worker_goes_on(sandbox):
    def refused(offset, length):
        raise SiloRefused("no")

    for _ in range(3):
        with pytest.raises(SiloRefused, match="no"):
            sandbox.inspect(refused, 100, "t.csv")
    data = FILES["t.csv"]
    assert sandbox.inspect(fetch_of(data), len(data), "t.csv")[1].rows == 2


def test_workers_get_nothing_of_the_callers_environment(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    body = "import os; raise SystemExit(7 if 'AWS_SECRET_ACCESS_KEY' in os.environ else 8)"
    with Sandbox(1, patched(body)) as sandbox:
        _, _, error = sandbox.inspect(fetch_of(b"x"), 1, "bad")
    assert "exit code 8" in error.message


def test_workers_can_write_no_file(tmp_path):
    body = f"open({str(tmp_path / 'written')!r}, 'wb', 0).write(b'x')"
    with Sandbox(1, patched(body)) as sandbox:
        _, _, error = sandbox.inspect(fetch_of(b"x"), 1, "bad")
    assert error.finding == "crashed"
    assert (tmp_path / "written").stat().st_size == 0


def test_threads_share_a_few_workers(sandbox):
    data, told = FILES["t.parquet"], []

    def look():
        for _ in range(5):
            told.append(sandbox.inspect(fetch_of(data), len(data), "t.parquet")[1].rows)

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [1000] * 30


def test_a_worker_that_ended_by_itself_is_replaced():
    data = FILES["t.csv"]
    idle = "import catalog.formats.sandbox as s; s.IDLE = 0.2; s.serve()"
    with Sandbox(1, idle) as sandbox:
        for _ in range(2):
            assert sandbox.inspect(fetch_of(data), len(data), "t.csv")[1].rows == 2
            time.sleep(1.0)


def test_closing_ends_the_processes():
    sandbox = Sandbox(1)
    sandbox.inspect(fetch_of(b"a,b\n1,2\n"), 8, "t.csv")
    worker = sandbox._idle.queue[0]
    pid = worker._process.pid
    sandbox.close()
    time.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_schema_that_was_told_before_is_the_same_object(sandbox):
    tables = [make.parquet(make.table(20 + n)) for n in range(4)]
    found = [sandbox.inspect(make.Counted(data), len(data), "a.parquet")[1] for data in tables]
    assert len({id(facts.fields) for facts in found}) <= 2  # one worker tells it once, and there may be two
    assert [facts.rows for facts in found] == [20, 21, 22, 23]


def test_more_schemas_than_are_remembered():
    with Sandbox(1) as sandbox:
        for _ in range(2):
            for columns in range(1, 150):
                data = (",".join(f"c{n}" for n in range(columns)) + "\n" + ",".join("1" * columns) + "\n").encode()
                _, facts, error = sandbox.inspect(make.Counted(data), len(data), "a.csv")
                assert error is None and len(facts.fields) == columns


@pytest.mark.parametrize("size", [1, 5_000, 200_000, 400_000])
@pytest.mark.parametrize("name", ["a.txt", "a.bin", "a.parquet"])
def test_a_file_is_asked_for_as_often_as_here(sandbox, size, name):
    data = make.parquet(make.table(50)).rjust(size, b"\0") if name == "a.parquet" else b"word " * (size // 5 + 1)
    here, there = make.Counted(data), make.Counted(data)
    assert inspect(here, len(data), name)[0] == sandbox.inspect(there, len(data), name)[0]
    assert there.calls == here.calls
