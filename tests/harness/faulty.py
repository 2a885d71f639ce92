"""A proxy in front of a real S3 server that pages its listings, and does to them what a test asks for.

The server's own answers are cut into pages here, so that a few keys make many; everything else passes through.
"""

from __future__ import annotations

import http.client
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_ERROR = "<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}, says the proxy</Message></Error>"


@dataclass
class Page:
    """One page that is about to be sent. A fault changes it; `status` other than 200 sends an error instead."""

    number: int
    count: int
    keys: list[ElementTree.Element]
    following: int | None
    status: int = 200
    code: str = ""
    cut: bool = False
    reset: bool = False
    more: bool | None = None
    """What IsTruncated says; None tells the truth."""


Fault = Callable[[Page], None]


@dataclass
class Faulty:
    """Where the proxy answers. `fault` is applied to each page of a flat listing."""

    port: int
    size: int
    fault: Fault = lambda page: None
    pages: int = 0
    elements: dict[str, list[ElementTree.Element]] = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def proxied(endpoint: str, size: int = 20) -> Iterator[Faulty]:
    """A running proxy in front of the server at `endpoint`, with pages of `size` keys."""
    target = urlsplit(endpoint)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.command == "GET" and asked.get("list-type") == "2" and "delimiter" not in asked:
                self._list(asked)
            else:
                self._send(*self._upstream(body))

        do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = do

        def _upstream(self, body: bytes = b"") -> tuple[int, bytes, dict[str, str]]:
            link = http.client.HTTPConnection(str(target.hostname), target.port, timeout=20)
            try:
                link.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():  # the host as well: it is signed
                    link.putheader(name, value)
                link.endheaders(body)
                answer = link.getresponse()
                return answer.status, answer.read(), dict(answer.getheaders())
            finally:
                link.close()

        def _list(self, asked: dict[str, str]) -> None:
            name, start = asked.get("continuation-token", "|0").rsplit("|", 1)
            if "continuation-token" not in asked:
                status, body, headers = self._upstream()
                if status != 200:
                    self._send(status, body, headers)
                    return
                keys = ElementTree.fromstring(body).findall(f"{{{_NAMESPACE}}}Contents")
                with lock:
                    name = str(len(found.elements))
                    found.elements[name] = keys
            keys, at = found.elements[name], int(start)
            with lock:
                found.pages += 1
                number = found.pages
            end = at + found.size
            page = Page(number, len(keys), keys[at:end], end if end < len(keys) else None)
            found.fault(page)
            if page.reset:
                self._reset()
            elif page.status != 200:
                self._send(page.status, _ERROR.format(code=page.code).encode(), {})
            else:
                self._send(200, _document(page, name), {"Content-Type": "application/xml"}, cut=page.cut)

        def _send(self, status: int, body: bytes, headers: dict[str, str], cut: bool = False) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "transfer-encoding", "connection", "server", "date"):
                    self.send_header(name, value)
            length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
            self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[: len(body) // 2] if cut else body)
            if cut:
                self._reset()

        def _reset(self) -> None:
            self.close_connection = True
            self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

        def handle(self) -> None:
            try:
                super().handle()
            except (OSError, ValueError):
                pass  # a connection that was reset, on purpose or by the client

        def finish(self) -> None:
            try:
                super().finish()
            except (OSError, ValueError):
                pass

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found = Faulty(server.server_port, size)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _document(page: Page, name: str) -> bytes:
    ElementTree.register_namespace("", _NAMESPACE)
    root = ElementTree.Element(f"{{{_NAMESPACE}}}ListBucketResult")
    more = page.following is not None if page.more is None else page.more
    ElementTree.SubElement(root, f"{{{_NAMESPACE}}}IsTruncated").text = str(more).lower()
    if page.following is not None:
        ElementTree.SubElement(root, f"{{{_NAMESPACE}}}NextContinuationToken").text = f"{name}|{page.following}"
    root.extend(page.keys)
    return b'<?xml version="1.0" encoding="UTF-8"?>' + ElementTree.tostring(root)
