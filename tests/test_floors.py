"""The floors of the house: a room imports only from floors below its own."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import catalog

PACKAGE = Path(catalog.__file__).parent

FLOORS: dict[str, float] = {
    "model": 0, "naming": 0, "errors": 0, "text": 0,
    "config": 1, "classify": 1,
    "silos": 2, "formats": 2, "datasets": 2, "query": 2, "lineage": 2,
    "store": 3,
    "crawl": 4,
    "schedule": 5,
    "api": 6,
    "demo": 6.5,
    "tui": 7, "cli": 7,
}  # fmt: skip
ONLY = {
    "store": {"sqlmodel", "sqlalchemy", "alembic"},
    "tui": {"textual"},
    "crawl": {"distributed"},
    "silos": {"botocore", "ftputil", "httpx2", "nfs_rs", "obstore", "paramiko", "smbclient", "smbprotocol"},
}
"""Packages that a single room knows of."""

EXCEPTIONS = {("cli", "tui")}
"""The command line starts the terminal UI, inside the function that does (checked below)."""

# typing's own stubs exist for type checkers alone.
STANDARD = sys.stdlib_module_names | {"_typeshed"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def imports(path: Path) -> Iterator[tuple[ast.stmt, str]]:
    """Every module that is imported anywhere in the file, functions and TYPE_CHECKING included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the room they lead to"
            assert node.module is not None
            if node.module == "catalog":
                for alias in node.names:
                    yield node, f"catalog.{alias.name}"
            else:
                yield node, node.module


def rooms_imported(path: Path) -> Iterator[tuple[ast.stmt, str]]:
    for node, name in imports(path):
        package, _, rest = name.partition(".")
        if package == "catalog" and rest and rest != "__version__":
            yield node, rest.partition(".")[0]


def ids(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def test_every_room_has_its_floor():
    assert {room_of(path) for path in modules()} - {""} == FLOORS.keys()


@pytest.mark.parametrize("path", [p for p in modules() if room_of(p)], ids=ids)
def test_a_room_imports_only_lower_floors(path):
    room = room_of(path)
    wrong = [
        f"line {node.lineno}: {other} (floor {FLOORS.get(other)})"
        for node, other in rooms_imported(path)
        if other != room and (room, other) not in EXCEPTIONS and not FLOORS.get(other, 99) < FLOORS[room]
    ]
    assert wrong == [], f"{room} stands on floor {FLOORS[room]}"


@pytest.mark.parametrize("path", [p for p in modules() if FLOORS.get(room_of(p)) == 0], ids=ids)
def test_the_ground_floor_needs_only_the_standard_library(path):
    packages = {name.partition(".")[0] for _, name in imports(path)} - {"catalog"}
    assert packages <= STANDARD


@pytest.mark.parametrize("path", modules(), ids=ids)
def test_a_package_of_one_room_is_imported_nowhere_else(path):
    packages = {name.partition(".")[0] for _, name in imports(path)}
    for owner, owned in ONLY.items():
        assert room_of(path) == owner or not packages & owned


@pytest.mark.parametrize("path", [p for p in modules() if room_of(p) == "cli"], ids=ids)
def test_the_command_line_loads_the_terminal_ui_only_to_start_it(path):
    tree = ast.parse(path.read_text())
    functions = [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
    lines = {line for f in functions for line in range(f.lineno, (f.end_lineno or f.lineno) + 1)}
    assert [n.lineno for n, room in rooms_imported(path) if room == "tui" and n.lineno not in lines] == []


def test_the_package_itself_loads_a_room_only_when_asked():
    top = ast.parse((PACKAGE / "__init__.py").read_text())
    loaded = [n for n in top.body if isinstance(n, (ast.Import, ast.ImportFrom))]
    assert [ast.unparse(n) for n in loaded] == [
        "from __future__ import annotations",
        "from typing import TYPE_CHECKING, Any",
    ]
