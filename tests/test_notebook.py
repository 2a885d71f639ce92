"""The notebook in the documentation runs as it stands, and shows what it says it shows."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "docs" / "tour.ipynb"


def shown(notebook) -> str:
    """Everything its cells printed or showed."""
    outputs = [one for cell in notebook.cells if cell.cell_type == "code" for one in cell.outputs]
    assert not [one for one in outputs if one.output_type == "error"]
    return "\n".join(str(one.get("text") or one.get("data")) for one in outputs)


@pytest.mark.slow
def test_it_runs_and_traces_the_model(monkeypatch):
    monkeypatch.setenv("JPY_ALLOW_INSECURE_TCP", "1")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=240, kernel_name="python3").execute()
    told = shown(notebook)
    for label in ("vault complete", "lake/clicks", "review_id", "features/reviews", "reviews-tiny-int8", "<svg"):
        assert label in told


def test_what_is_stored_was_run():
    stored = nbformat.read(NOTEBOOK, as_version=4)
    assert all(cell.execution_count for cell in stored.cells if cell.cell_type == "code")
    assert "features/reviews" in shown(stored)
