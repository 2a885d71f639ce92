"""An asset answers to every name that lineage knows it by, and tells them."""

from __future__ import annotations

import json

import pytest
from harness.events import dataset, event, symlink


@pytest.fixture
def tables(run, tmp_path):
    """Two tables that a job has named by their files, with the names that Hive has for them."""
    told = event(
        "COMPLETE", 1, "load",
        [dataset("file", "/warehouse/raw", symlinks=symlink("hive", "shop.raw"))],
        [dataset("file", "/warehouse/orders", symlinks=symlink("hive", "shop.orders"))],
    )  # fmt: skip
    (tmp_path / "events.json").write_text(json.dumps(told))
    assert run("lineage", "import", tmp_path / "events.json").code == 0


@pytest.mark.parametrize("name", ["shop.orders", "hive:shop.orders", "/warehouse/orders", "file:///warehouse/orders"])
def test_a_table_by_any_of_its_names(run, tables, name):
    assert run("show", name, "-o", "json").json["uri"] == "file:///warehouse/orders"
    assert "warehouse/raw" in run("trace", name, "--up").out


def test_other_names_are_told(run, tables):
    assert run("show", "shop.orders", "-o", "json").json["aliases"] == ["hive:shop.orders"]
    assert "also called  hive:shop.orders" in run("show", "/warehouse/orders").out


def test_what_was_crawled_is_not_called_twice(run, tmp_path):
    folder = tmp_path / "my lab"
    folder.mkdir()
    (folder / "a b.csv").write_text("a,b\n1,2\n3,4\n")
    run("silo", "add", "lab", folder)
    run("crawl")
    assert run("show", "lab/a b.csv", "-o", "json").json["aliases"] == []
    assert "also called" not in run("show", "lab/a b.csv").out
