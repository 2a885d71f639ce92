from __future__ import annotations

import pytest
from harness.lineage import Bare, Folder, Keys


@pytest.fixture(params=["folder", "keys"])
def bench(request, db_url, tmp_path):
    """A catalog with one silo: a folder, and a store of keys; each in either database."""
    if request.param == "folder":
        yield Folder(db_url, tmp_path / "data" / "lab")
        return
    made = Keys(db_url)
    yield made
    made.discard()


@pytest.fixture
def bare(db_url):
    """A catalog without a silo, in either database."""
    return Bare(db_url)
