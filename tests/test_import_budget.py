"""The command line loads what a command needs and nothing more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import catalog

HEAVY = (
    "adbc_driver_manager", "adbc_driver_sqlite", "alembic", "botocore", "fastavro", "fsspec", "httpx2", "networkx",
    "nfs_rs", "numpy", "obstore", "pandas", "paramiko", "polars", "psycopg", "pyarrow", "pydantic", "rich", "smbprotocol", "sqlalchemy", "sqlmodel", "textual",
)  # fmt: skip


@pytest.fixture
def loaded(tmp_path):
    """The heavy packages, and any of `more`, that a fresh interpreter holds after running `code`."""

    def call(code: str, *more: str) -> list[str]:
        names = (*HEAVY, *more)
        ending = f"\nimport sys; print(*[n for n in {names!r} if n in sys.modules], file=sys.stderr)"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("CATALOG_", "COV"))},
            "PYTHONPATH": str(Path(catalog.__file__).parents[1]),
            "HOME": str(tmp_path),
        }
        ran = subprocess.run(
            [sys.executable, "-c", code + ending],
            capture_output=True,
            text=True,
            env=environment,
            timeout=120,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stderr.splitlines()[-1].split()

    return call


def command(*words: str) -> str:
    return f"from catalog.cli import main\nassert main({list(words)!r}) == 0"


def test_importing_the_package_loads_nothing(loaded):
    assert loaded("import catalog", "sqlite3", "typer", "json", "catalog.api", "catalog.store") == []


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_load_not_even_typer(loaded, option):
    assert loaded(command(option), "sqlite3", "typer", "dataclasses", "catalog.api", "catalog.cli.run") == []


def test_the_help_of_a_command_loads_no_catalog(loaded):
    assert loaded(command("crawl", "--help"), "sqlite3", "catalog.api") == []


@pytest.fixture
def small(tmp_path):
    """The URL of a small SQLite catalog."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "clicks.csv").write_text("a,b\n1,2\n")
    url = f"sqlite:///{tmp_path / 'catalog.db'}"
    with catalog.connect(url) as cat:
        cat.add_silo("lab", str(folder))
        cat.crawl()
    return url


@pytest.mark.parametrize(
    "words",
    [
        ["search", "clicks"],
        ["search", "clicks", "-o", "json"],
        ["search", "nothing-like-it"],
        ["show", "clicks"],
        ["files", "clicks", "-o", "csv"],
        ["schema", "clicks"],
        ["trace", "clicks"],
        ["trace", "clicks", "--format", "svg"],
        ["impact", "lab"],
        ["silo", "ls"],
        ["schedule", "ls"],
        ["schedule", "history"],
    ],
    ids=" ".join,
)
def test_reading_a_small_catalog_loads_nothing_heavy(loaded, small, words):
    assert loaded(command("--db", small, *words)) == []


def test_the_heavy_packages_are_installed_at_all():
    from importlib.util import find_spec

    needed = ("alembic", "fsspec", "obstore", "pyarrow", "rich", "smbprotocol", "sqlalchemy", "sqlmodel", "textual")
    assert [name for name in needed if find_spec(name) is None] == []
