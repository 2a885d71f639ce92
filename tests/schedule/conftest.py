from __future__ import annotations

import pytest
from schedule_bench import Bench, Serving, fill


@pytest.fixture
def bench(db_url, tmp_path):
    return Bench(db_url, tmp_path / "silo")


@pytest.fixture(scope="session")
def large_folder(tmp_path_factory):
    """Files that take a crawl seconds, and several batches; nothing may change them."""
    folder = tmp_path_factory.mktemp("large")
    fill(folder, 700, 100)
    return folder


@pytest.fixture
def large(db_url, large_folder):
    return Bench(db_url, large_folder)


@pytest.fixture
def serve(tmp_path):
    """Starts servers of a bench's catalog; none outlives the test."""
    started = []

    def start(bench, **options) -> Serving:
        started.append(Serving(bench.url, tmp_path / f"server{len(started)}.log", **options))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()
