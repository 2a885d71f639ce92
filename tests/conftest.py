"""Fixtures every room shares: fresh catalogs in both databases, and the real servers."""

from __future__ import annotations

import pytest
from harness.postgres import PostgresServer
from harness.s3 import S3Server


@pytest.fixture(scope="session")
def s3_server():
    """A real S3 server for the whole run; skipped with the package that mends it when missing."""
    with S3Server.started() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server():
    """A real PostgreSQL server for the whole run."""
    with PostgresServer.started() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def db_url(request, tmp_path):
    """The URL of an empty, migrated catalog: each test that asks runs once on either database."""
    from catalog.store import migrate

    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'catalog.db'}"
        migrate.upgrade(url)
        yield url
        return
    server = request.getfixturevalue("postgres_server")
    with server.database() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path):
    """The URL of an empty, migrated SQLite catalog."""
    from catalog.store import migrate

    url = f"sqlite:///{tmp_path / 'catalog.db'}"
    migrate.upgrade(url)
    return url
