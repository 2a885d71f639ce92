"""An SFTP server whose listings a test writes: names of any bytes, any kind of entry. paramiko serves it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import paramiko

Entry = tuple[bytes, int, int]
"""A name, a mode with its file type, and a size."""


class _Files(paramiko.SFTPServerInterface):
    def __init__(self, server: _Everybody, tree: Mapping[str, Sequence[Entry]]) -> None:
        super().__init__(server)
        self._tree = tree

    def list_folder(self, path):
        if path not in self._tree:
            return paramiko.SFTP_NO_SUCH_FILE
        return [_attributes(*entry) for entry in self._tree[path]]

    def lstat(self, path):
        if path in self._tree:
            return _attributes(b"", 0o40755, 0)
        return paramiko.SFTP_NO_SUCH_FILE

    stat = lstat


def _attributes(name: bytes, mode: int, size: int) -> paramiko.SFTPAttributes:
    found = paramiko.SFTPAttributes()
    found.filename, found.st_mode, found.st_size = name, mode, size
    found.st_mtime = found.st_atime = 1_700_000_000
    found.asbytes = lambda: name
    return found


class _Everybody(paramiko.ServerInterface):
    def check_auth_password(self, username, password):
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED

    def get_allowed_auths(self, username):
        return "password"


@contextmanager
def listing(tree: Mapping[str, Sequence[Entry]]) -> Iterator[int]:
    """The port of a server that lists `tree`: absolute folders, each with its entries."""
    key = paramiko.RSAKey.generate(2048)
    transports = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = server.accept()
                transport = paramiko.Transport(client)
                transports.append(transport)
                transport.add_server_key(key)
                transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, tree)
                with suppress(EOFError, OSError, paramiko.SSHException):  # one that leaves at once ends no other
                    transport.start_server(server=_Everybody())

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
    for transport in transports:
        transport.close()
