"""A catalog of its own for every test, and the command line called in-process."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

import catalog
from catalog.cli import main


@dataclass(frozen=True)
class Ran:
    """What one command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def jsonl(self):
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def csv(self):
        return list(csv.DictReader(io.StringIO(self.out)))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty home and working directory; nothing of the person who runs the tests is seen."""
    place = tmp_path / "home"
    place.mkdir()
    monkeypatch.setenv("HOME", str(place))
    for name in [name for name in os.environ if name.startswith(("XDG_", "CATALOG_", "_CATALOG_"))]:
        monkeypatch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(catalog.__file__).parents[1]))
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def run(capsys):
    """Run a command: `run("silo", "ls", "-o", "json")`."""

    def call(*words: object) -> Ran:
        capsys.readouterr()
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return call


@pytest.fixture
def data(tmp_path) -> Path:
    """A folder of small real files: a sharded table, single files, an odd name, a broken one."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    root = tmp_path / "data"
    (root / "clicks").mkdir(parents=True)
    table = pa.table({"user_id": pa.array([1, 2, 3], pa.int64()), "url": ["a", "b", "c"]})
    for number in range(3):
        pq.write_table(table, root / "clicks" / f"part-{number:05}.parquet")
    (root / "users.csv").write_text("id,name\n1,ann\n2,bob\n")
    (root / "notes").mkdir()
    (root / "notes" / "evil\x1b[31m\nname.json").write_text('{"a": 1}\n')
    return root


@pytest.fixture
def lab(run, data, tmp_path, monkeypatch):
    """The folder registered as silo `lab` and crawled, in the catalog that CATALOG_DB names."""
    monkeypatch.setenv("CATALOG_DB", str(tmp_path / "catalog.db"))
    assert run("silo", "add", "lab", data).code == 0
    crawled = run("crawl", "lab")
    assert crawled.code == 0, crawled.err
    return data
