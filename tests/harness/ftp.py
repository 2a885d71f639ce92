"""A second FTP server on loopback: pyftpdlib, which can do without MLSD and knows TLS."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from harness.rclone import PASSWORD, USER, Served
from harness.servers import connected, free_port, running

PACKAGE = "pyftpdlib"

_PROGRAM = """
import sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

port, user, password, certificate, implicit = int(sys.argv[1]), *sys.argv[2:6]
handler = FTPHandler
if certificate:
    from pyftpdlib.handlers import TLS_FTPHandler as handler

    handler.certfile, handler.keyfile = certificate + "/cert.pem", certificate + "/key.pem"
    handler.tls_control_required = handler.tls_data_required = True
if implicit:

    class handler(handler):
        def handle(self):
            self.secure_connection(self.ssl_context)

        def handle_ssl_established(self):
            super().handle()

handler.authorizer = DummyAuthorizer()
handler.authorizer.add_user(user, password, "served", perm="elr")
handler.authorizer.add_anonymous("served")
for command in sys.argv[6:]:
    handler.proto_cmds = {name: told for name, told in handler.proto_cmds.items() if name != command}
FTPServer(("127.0.0.1", port), handler).serve_forever()
"""


@contextmanager
def serving(*without: str, certificate: str = "", implicit: bool = False) -> Iterator[Served]:
    """Serve an empty folder, `without` some commands of FTP; with the folder of a `certificate`, by TLS alone."""
    pytest.importorskip("pyftpdlib", reason=f"the FTP server is not installed: pip install {PACKAGE}")
    if certificate:
        pytest.importorskip("OpenSSL", reason="TLS of the FTP server needs pyOpenSSL: pip install pyopenssl")
    port = free_port()
    command = [sys.executable, "-c", _PROGRAM, str(port), USER, PASSWORD, certificate, "implicit" * implicit, *without]
    with running(command, folders=["served"]) as server:
        server.until(lambda: connected(port))
        yield Served(server.folder / "served", port, server)
