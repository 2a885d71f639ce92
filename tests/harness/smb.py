"""A real SMB server on loopback: impacket shares a folder as `DATA`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from harness.rclone import PASSWORD, USER, Served
from harness.servers import connected, free_port, running

PACKAGE = "impacket"

_PROGRAM = """
import sys
from impacket import ntlm, smbserver

port, user, password = int(sys.argv[1]), sys.argv[2], sys.argv[3]
server = smbserver.SimpleSMBServer("127.0.0.1", port)
server.addShare("DATA", "served", "", readOnly="yes")
server.setSMB2Support(True)
server.addCredential(user, 0, ntlm.compute_lmhash(password), ntlm.compute_nthash(password))
server.start()
"""


@contextmanager
def serving() -> Iterator[Served]:
    """Share an empty folder."""
    pytest.importorskip("impacket", reason=f"the SMB server is not installed: pip install {PACKAGE}")
    port = free_port()
    with running([sys.executable, "-c", _PROGRAM, str(port), USER, PASSWORD], folders=["served"]) as server:
        server.until(lambda: connected(port))
        yield Served(server.folder / "served", port, server)
