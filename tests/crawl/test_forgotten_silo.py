"""A silo is removed: what its files told goes with it, what others told of its assets stays with their names."""

from __future__ import annotations

from contextlib import closing

import pytest
from crawl_bench import Bench, Tree

from catalog.datasets.sketch import belongs
from catalog.model.lineage import Claim, End, Evidence, Identity, Layer
from catalog.store import crawls, migrate
from catalog.store.engine import Database
from catalog.store.lineage import claims, storage

CARD = "---\nbase_model: acme/chat\n---\n"
TABLES = ("edge", "column_edge", "alias", "origin", "asset", "asset_text", "asset_version", "annotation", "job")


@pytest.fixture
def lab(db_url, tmp_path):
    bench = Tree(db_url, tmp_path / "lab")
    bench.write("m/README.md", CARD)
    bench.write("m/a.gguf", b"GGUF")
    bench.write("in.csv", "a\n1\n")
    bench.write("out.csv", "a\n1\n")
    bench.write(
        "dvc.lock",
        "schema: '2.0'\nstages:\n  s:\n    cmd: x\n    deps:\n    - path: in.csv\n    - path: gone.csv\n    outs:\n    - path: out.csv\n",
    )
    bench.crawl()
    return bench


def forget(bench):
    with closing(Database(bench.url)) as db:
        crawls.remove_silo(db, bench.name)
    assert migrate.check(bench.url) == []


def count(bench, table):
    return bench.rows(f"SELECT COUNT(*) FROM {table}")[0][0]


def test_nothing_is_left_of_a_silo_that_nobody_else_speaks_of(lab):
    assert count(lab, "edge") == 3
    forget(lab)
    assert {table: count(lab, table) for table in TABLES} == dict.fromkeys(TABLES, 0) | {"job": 1}


def test_layers_of_storage_go_with_their_silo(lab):
    with closing(Database(lab.url)) as db:
        layers = (Layer("volume", Identity("block", "v"), "v"), Layer("filesystem", Identity("block", "f"), "f", "", 0))
        storage.settle(db, crawls.silo(db, "lab").id, "lab", layers, belongs)
    forget(lab)
    assert count(lab, "asset") == 0


def test_what_others_say_of_its_assets_stays_with_their_names_and_is_found_again(lab, tmp_path):
    place = f"{tmp_path}/lab/out.csv"
    claim = Claim(
        End(Identity("file", place)),
        End(Identity("s3://other", "report")),
        "derived",
        Evidence("declared", "elsewhere"),
    )
    with closing(Database(lab.url)) as db:
        claims.replace(db, "elsewhere", None, [claim], belongs)
    ((asset,),) = lab.rows("SELECT id FROM asset WHERE path = 'out.csv'")
    forget(lab)
    assert lab.rows("SELECT id, path, rule, silo_id, version FROM asset WHERE namespace = 'file'") == [
        (asset, place, "named", None, 0)
    ]
    assert lab.rows("SELECT source_id FROM edge") == [(asset,)]
    assert count(lab, "asset_version") == 0
    with closing(Database(lab.url)) as db:
        crawls.add_silo(db, "lab", f"file://{tmp_path}/lab", "file", {})
    lab.crawl()
    ((found, silo),) = lab.rows(
        "SELECT a.id, a.silo_id FROM edge e JOIN asset a ON a.id = e.source_id JOIN asset b ON b.id = e.target_id WHERE b.name = 'report'"
    )
    assert silo is not None
    assert lab.rows("SELECT merged_into FROM asset WHERE id = ?", asset) == [(found,)]
    assert len(lab.rows("SELECT 1 FROM edge WHERE retracted_ns IS NULL")) == 4


def test_a_name_that_somebody_described_stays(lab):
    with closing(Database(lab.url)) as db, db.transaction():
        db.execute(
            "INSERT INTO annotation(asset_id, kind, value, added_ns) SELECT id, 'tag', 'base', 1 FROM asset WHERE name = 'acme/chat'"
        )
    forget(lab)
    assert lab.rows("SELECT name FROM asset") == [("acme/chat",)]


def test_another_silo_keeps_what_it_told(lab, tmp_path):
    (tmp_path / "other/n").mkdir(parents=True)
    (tmp_path / "other/n/README.md").write_text(CARD)
    (tmp_path / "other/n/b.gguf").write_bytes(b"GGUF")
    other = Bench(lab.url, str(tmp_path / "other"), "second")
    other.crawl()
    forget(lab)
    rows = other.rows(
        "SELECT a.name, b.path FROM edge e JOIN asset a ON a.id = e.source_id JOIN asset b ON b.id = e.target_id"
    )
    assert rows == [("acme/chat", "n/b.gguf")]
