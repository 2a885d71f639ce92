"""Crawls and lineage in the UI on a real catalog: real files, real threads, real statements."""

from __future__ import annotations

import os
import time
from contextlib import closing

import pytest
from driving import screen_text, settle, until, write
from harness import lineage_rows as rows

import catalog
from catalog.store.engine import Database
from catalog.tui.app import CatalogApp
from catalog.tui.screens.trace import TraceScreen


@pytest.fixture
def cat(db_url, tmp_path):
    """Three crawled files, `clicks` → `train` → a model that no crawl has found, and `labels` → `train`."""
    for name in ("clicks", "labels", "train"):
        path = tmp_path / "data" / f"{name}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("id,label\n1,cat\n")
    with catalog.connect(db_url) as cat:
        cat.add_silo("data", str(tmp_path / "data"))
        cat.crawl()
        ids = {hit.name.removesuffix(".csv"): hit.id for hit in cat.search("").page(0, 10)}
        with closing(Database(db_url)) as db, db.transaction():
            rows.origin(db, 900, f"file://{tmp_path}/dvc.yaml")
            rows.job(db, 1, "train.build")
            rows.assets(db, {"id": 900, "kind": "model", "namespace": "model", "name": "churn-v5", "path": "model:churn-v5"})
            rows.edge(db, 1, ids["clicks"], ids["train"], job_id=1, field="stages.build.deps[0]", line=7, origin_id=900)
            rows.edge(db, 2, ids["labels"], ids["train"], job_id=1, origin_id=900)
            rows.edge(db, 3, ids["train"], 900, kind="trained", evidence="declared", job_id=0, origin_id=900)
        yield cat


async def go(pilot, *keys):
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


async def test_from_a_search_through_the_columns_to_the_model(cat):
    async with CatalogApp(cat).run_test(size=(120, 30)) as pilot:
        await settle(pilot)
        await write(pilot, "clicks")
        await go(pilot, "enter", "t")
        assert isinstance(pilot.app.screen, TraceScreen)
        shown = screen_text(pilot)
        assert "Downstream 1" in shown and "2 in all" in shown and "churn-v5" in shown
        await go(pilot, "l")
        assert "stages.build.deps[0], line 7" in screen_text(pilot) and "train.build" in screen_text(pilot)
        await go(pilot, "l")
        assert "Upstream 2" in screen_text(pilot) and "Trained on this" in screen_text(pilot)
        await go(pilot, "T")
        assert "labels.csv" in screen_text(pilot) and "declared" in screen_text(pilot)


async def test_the_impact_of_a_silo(cat):
    async with CatalogApp(cat).run_test(size=(120, 30)) as pilot:
        await settle(pilot)
        await go(pilot, "2", "i")
        assert "Downstream of data: 1 model" in screen_text(pilot)
        await go(pilot, "enter")
        assert isinstance(pilot.app.screen, TraceScreen) and "Upstream 1" in screen_text(pilot)


async def test_as_of_before_anything_was_known(cat):
    async with CatalogApp(cat).run_test(size=(120, 30)) as pilot:
        await settle(pilot)
        await write(pilot, "train")
        await go(pilot, "enter", "t", "a", *("minus" if c == "-" else c for c in "2025-06-01"), "enter")
        assert "Upstream 0" in screen_text(pilot) and "as of 2025-06-01" in screen_text(pilot)
        assert "Nothing upstream or downstream was known then" in screen_text(pilot)


async def test_a_crawl_is_run_and_its_report_read(cat, tmp_path):
    (tmp_path / "data" / "new.csv").write_text("a\n1\n")
    async with CatalogApp(cat).run_test(size=(120, 30), notifications=True) as pilot:
        await settle(pilot)
        await go(pilot, "2", "c")
        await until(pilot, lambda: "✓ data crawled" in screen_text(pilot))
        assert "1 added, 0 changed, 0 removed" in screen_text(pilot)
        await go(pilot, "1")
        assert pilot.app.screen.results.count == 5
        await go(pilot, "3")
        assert "Crawls 2" in screen_text(pilot) and "✓ complete" in screen_text(pilot)
    assert [row.state for row in cat.crawls()] == ["complete", "complete"]


async def test_a_silo_that_is_gone_fails_in_words(cat, tmp_path):
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    async with CatalogApp(cat).run_test(size=(120, 30), notifications=True) as pilot:
        await settle(pilot)
        await go(pilot, "2", "r")
        assert "✗" in screen_text(pilot) and "does not exist" in " ".join(screen_text(pilot).split())
        await go(pilot, "c")
        await until(pilot, lambda: "✗ failed" in screen_text(pilot))


async def test_a_crawl_of_another_process_is_followed_and_bars_a_second_one(cat):
    with closing(Database(cat.url)) as db:
        db.execute(
            "INSERT INTO crawl(silo_id, prefix, mode, state, started_ns, heartbeat_ns, worker) VALUES (?, '', 'full', 'running', ?, ?, ?)",
            (cat.silo("data").id, time.time_ns(), time.time_ns(), f"elsewhere:{os.getpid()}"),
        )
    async with CatalogApp(cat).run_test(size=(120, 30), notifications=True) as pilot:
        await settle(pilot)
        await go(pilot, "3")
        assert "● running" in screen_text(pilot) and "last sign" in screen_text(pilot)
        await go(pilot, "c")
        await until(pilot, lambda: "was not crawled" in screen_text(pilot))
        assert "A crawl of this silo is running" in " ".join(screen_text(pilot).split())
