"""A second WebDAV server on loopback, which wants digest logins: WsgiDAV."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from harness.rclone import PASSWORD, USER, Served
from harness.servers import connected, free_port, program, running

PACKAGE = "wsgidav cheroot"

_SETTINGS = """
host: 127.0.0.1
port: {port}
server: cheroot
provider_mapping: {{"/": {{root: "{{folder}}/served", readonly: true}}}}
http_authenticator: {{accept_basic: false, accept_digest: true, default_to_digest: true}}
simple_dc: {{user_mapping: {{"*": {{{user}: {{password: "{password}"}}}}}}}}
"""


@contextmanager
def serving() -> Iterator[Served]:
    """Serve an empty folder."""
    for package in ("wsgidav", "cheroot"):
        pytest.importorskip(package, reason=f"the WebDAV server is not installed: pip install {PACKAGE}")
    port = free_port()
    settings = _SETTINGS.format(port=port, user=USER, password=PASSWORD)
    command = [program("wsgidav", PACKAGE), "--config", "{folder}/settings.yaml", "-q"]
    with running(command, folders=["served"], files={"settings.yaml": settings}) as server:
        server.until(lambda: connected(port))
        yield Served(server.folder / "served", port, server)
