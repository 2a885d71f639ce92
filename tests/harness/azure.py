"""A real Azure Blob server on loopback: Azurite, on the path or fetched with npm into a folder of the run."""

from __future__ import annotations

import base64
import hashlib
import hmac
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from harness.servers import connected, free_port, running

PACKAGE = "azurite@3"
INSTALL_SECONDS = 300
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The public key of every Azurite."""


class AzureServer:
    """Where it answers; `endpoint` is what a silo is given."""

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[AzureServer]:
        with _program() as binary:
            port = free_port()
            command = [
                binary, "--inMemoryPersistence", "--blobHost", "127.0.0.1", "--blobPort", str(port),
                "--silent", "--skipApiVersionCheck", "--disableTelemetry",
            ]  # fmt: skip
            with running(command) as process:
                server = cls(port)
                process.until(lambda: connected(port))
                yield server

    def container(self, name: str = "") -> str:
        """Create an empty container and return its name, made unique behind `name`."""
        container = f"{name or 'container'}-{uuid.uuid4().hex[:12]}"
        headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
        # https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
        stamped = [f"{name}:{value}" for name, value in sorted(headers.items())]
        resource = [f"/{ACCOUNT}/{ACCOUNT}/{container}", "restype:container"]
        signed = "\n".join(["PUT", *([""] * 11), *stamped, *resource])
        mac = hmac.new(base64.b64decode(KEY), signed.encode(), hashlib.sha256).digest()
        headers["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(mac).decode()}"
        url = f"{self.endpoint}/{container}?restype=container"
        with urlopen(Request(url, method="PUT", headers={**headers, "Content-Length": "0"}), timeout=30) as answer:
            assert answer.status == 201, answer.status
        return container

    def store(self, container: str) -> Any:
        """A writable obstore AzureStore, to seed `container` with."""
        from obstore.store import AzureStore

        return AzureStore(
            container, account_name=ACCOUNT, account_key=KEY, endpoint=self.endpoint,
            client_options={"allow_http": True},
        )  # fmt: skip


@contextmanager
def _program() -> Iterator[str]:
    """The server's program; without node, or where npm cannot fetch it, the test is skipped."""
    found = shutil.which("azurite-blob")
    if found is not None:
        yield found
        return
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("the Azure server needs node and npm: apt install nodejs npm, or put azurite-blob on the path")
    folder = Path(tempfile.mkdtemp(prefix="azurite-"))
    try:
        command = [npm, "install", "--no-audit", "--no-fund", "--no-save", "--prefix", str(folder), PACKAGE]
        try:
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=INSTALL_SECONDS)
        except (subprocess.SubprocessError, OSError) as error:
            said = getattr(error, "stderr", None) or b""
            pytest.skip(f"npm could not fetch {PACKAGE}: {said.decode(errors='replace')[-300:] or error}")
        yield str(folder / "node_modules/.bin/azurite-blob")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
