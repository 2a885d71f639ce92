"""A small fake of HDFS's REST API over a folder of this machine. No real one is at hand without Java.

It follows the documentation of WebHDFS: statuses, batches, exceptions in JSON, and reading by way of a second
address that stands for the data node. A client that others wrote reads from it in the tests.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

BATCH = 100


class WebHdfs(ThreadingHTTPServer):
    """Serves `folder` as `/`. `requests` are the operations asked for, `logins` hosts and what they were shown."""

    daemon_threads = True

    def __init__(self, folder: Path, *, batches: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.batches = batches
        self.requests: list[dict[str, str]] = []
        self.logins: list[tuple[str, str | None]] = []


@contextmanager
def serving(folder: Path, *, batches: bool = True) -> Iterator[WebHdfs]:
    """A running server; without `batches` it is as old as Hadoop 2.7."""
    server = WebHdfs(folder, batches=batches)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _RemoteError(Exception):
    def __init__(self, status: int, kind: str, said: str) -> None:
        self.status, self.kind, self.said = status, kind, said


class _Handler(BaseHTTPRequestHandler):
    server: WebHdfs
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.server.requests.append(asked)
        self.server.logins.append((self.headers["Host"].partition(":")[0], self.headers.get("Authorization")))
        try:
            if not parts.path.startswith("/webhdfs/v1"):
                raise _RemoteError(404, "", "no such service")
            path = unquote(parts.path.removeprefix("/webhdfs/v1"), errors="surrogateescape") or "/"
            self._answer(asked, path, self.server.folder / path.strip("/"))
        except _RemoteError as error:
            told = {"exception": error.kind, "javaClassName": f"org.apache.{error.kind}", "message": error.said}
            self._send(error.status, json.dumps({"RemoteException": told}).encode())

    def _answer(self, asked: dict[str, str], path: str, local: Path) -> None:
        operation = asked.get("op", "").upper()
        if operation == "LISTSTATUS_BATCH" and not self.server.batches:
            raise _RemoteError(400, "IllegalArgumentException", 'Invalid value for webhdfs parameter "op"')
        if not os.path.lexists(local):
            raise _RemoteError(404, "FileNotFoundException", f"File {path} does not exist.")
        if operation == "GETFILESTATUS":
            self._tell({"FileStatus": _status(local, "")})
        elif operation == "LISTSTATUS":
            self._tell(_statuses(local, _names(local)))
        elif operation == "LISTSTATUS_BATCH":
            left = [name for name in _names(local) if not name or name > asked.get("startAfter", "")]
            listing = {"partialListing": _statuses(local, left[:BATCH]), "remainingEntries": max(len(left) - BATCH, 0)}
            self._tell({"DirectoryListing": listing})
        elif operation == "OPEN":
            self._open(asked, path, local)
        else:
            raise _RemoteError(400, "UnsupportedOperationException", f"{operation} is not supported")

    def _open(self, asked: dict[str, str], path: str, local: Path) -> None:
        if local.is_dir():
            raise _RemoteError(404, "FileNotFoundException", f"Path is not a file: {path}")
        if not self.headers["Host"].startswith("localhost"):  # the data node has another name
            there = f"http://localhost:{self.server.server_port}{self.path}"
            self._send(307, b"", {"Location": there})
            return
        data, offset = local.read_bytes(), int(asked.get("offset", "0"))
        if offset and offset >= len(data):
            raise _RemoteError(403, "IOException", f"Offset={offset} out of the range [0, {len(data)}); OPEN, path={path}")
        length = int(asked.get("length", len(data)))
        self._send(200, data[offset : offset + length], {"Content-Type": "application/octet-stream"})

    def _tell(self, told: dict[str, Any]) -> None:
        self._send(200, json.dumps(told).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _names(local: Path) -> list[str]:
    """In name order, as HDFS lists them. A file lists itself, without a name."""
    return sorted(os.listdir(local)) if local.is_dir() else [""]


def _statuses(local: Path, names: list[str]) -> dict[str, Any]:
    return {"FileStatuses": {"FileStatus": [_status(local / name if name else local, name) for name in names]}}


def _status(local: Path, name: str) -> dict[str, Any]:
    found = os.lstat(local)
    kind = "SYMLINK" if local.is_symlink() else "DIRECTORY" if local.is_dir() else "FILE"
    return {
        "pathSuffix": name, "type": kind, "length": found.st_size if kind == "FILE" else 0,
        "modificationTime": found.st_mtime_ns // 1_000_000, "accessTime": 0, "owner": "hdfs", "group": "supergroup",
        "permission": "755", "replication": 3, "blockSize": 134217728, "fileId": found.st_ino, "childrenNum": 0,
        "storagePolicy": 0,
    }  # fmt: skip
