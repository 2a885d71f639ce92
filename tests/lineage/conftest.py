from __future__ import annotations

import pytest
from harness.lineage import Folder, Keys


@pytest.fixture(params=["folder", "keys"])
def bench(request, db_url, tmp_path):
    """A catalog with one silo: a folder, and a store of keys; each in either database."""
    if request.param == "folder":
        yield Folder(db_url, tmp_path / "data" / "lab")
        return
    made = Keys(db_url)
    yield made
    made.discard()
