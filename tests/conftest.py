"""Fixtures every room shares: fresh catalogs in both databases, and the real servers."""

from __future__ import annotations

import shutil

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


@pytest.fixture(scope="session")
def migrated(tmp_path_factory):
    """An empty, migrated SQLite catalog that the others are copied from."""
    from catalog.store import migrate

    path = tmp_path_factory.mktemp("migrated") / "catalog.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def db_url(request, tmp_path):
    """The URL of an empty, migrated catalog: each test that asks runs once on either database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    server = request.getfixturevalue("postgres_server")
    with server.database() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path, migrated):
    """The URL of an empty, migrated SQLite catalog."""
    return f"sqlite:///{shutil.copy(migrated, tmp_path / 'catalog.db')}"
