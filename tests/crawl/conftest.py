from __future__ import annotations

import uuid

import pytest
from crawl_bench import Memory, Tree

from catalog.silos.memory import discard


@pytest.fixture
def tree(db_url, tmp_path):
    return Tree(db_url, tmp_path / "silo")


@pytest.fixture
def memory(db_url):
    """Makes the bench over a place in memory from its files."""
    made = []

    def make(files):
        made.append(f"crawl-{uuid.uuid4().hex}")
        return Memory(db_url, made[-1], files)

    yield make
    for name in made:
        discard(name)
