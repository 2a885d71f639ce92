"""Which harvester reads which file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from catalog.lineage.evidence.registry import KINDS, _load, kind_of

DOCS = Path(__file__).parents[2] / "docs" / "evidence.md"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_is_documented_and_has_its_harvester(kind):
    shown = f"{kind.parent}/{kind.name}" if kind.parent else kind.name
    assert f"`{shown}`" in DOCS.read_text()
    assert callable(_load(kind.harvester))
    assert kind.outlives is None or callable(_load(kind.outlives))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("dvc.lock", "dvc.lock"), ("a/b/dvc.lock", "dvc.lock"), ("a/x.csv.dvc", "*.dvc"), ("README.md", "README.md"),
        ("a/_delta_log/00000000000000000010.json", "*.json"), ("a/target/manifest.json", "manifest.json"),
        (".dvc", None), ("a/.dvc/config", None), ("poetry.lock", None), ("readme.md", None), ("a/b.json", None),
        ("_delta_log/1.json", None), ("xdvc.lock", None), ("dvc.lock/x", None), ("", None),
    ],
)  # fmt: skip
def test_a_file_is_known_by_its_name_and_place(path, name):
    kind = kind_of(path)
    assert (kind and kind.name) == name


def test_what_a_kind_reads_beside_it_is_evidence_too():
    """So that the crawl has it at hand, and reads both when one of them changes."""
    for kind in KINDS:
        assert all(kind_of(name) is not None for name in kind.reads)
        assert not kind.reads or kind.of_folder


def test_no_harvester_is_loaded_before_its_file_is_met():
    import subprocess

    code = "import sys, catalog.lineage.evidence.registry as r; r.kind_of('dvc.lock'); print([m for m in sys.modules if 'yaml' in m or m.endswith(('dvc', 'delta', 'dbt'))])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
