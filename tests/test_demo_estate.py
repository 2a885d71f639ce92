"""The demo's estate: what `build` makes, and that it makes it once."""

from __future__ import annotations

from pathlib import Path

import pytest

import catalog
from catalog.demo import SILOS, build
from catalog.demo.estate import write


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A demo, the folder it is in and the lines it told."""
    folder, told = tmp_path_factory.mktemp("demo"), []
    with build(folder, told.append) as demo:
        yield demo, folder, told


@pytest.fixture
def cat(made):
    with catalog.connect(made[0].url, read_only=True) as opened:
        yield opened


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_it_is_small(made):
    files = [p for p in (made[1] / "estate").rglob("*") if p.is_file()]
    assert 300 <= len(files) <= 600
    assert sum(512 * p.stat().st_blocks for p in files) < 10_000_000


def test_it_is_the_same_every_time(tmp_path):
    write(tmp_path / "one")
    write(tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_every_file_is_in_the_catalog(made, cat):
    assert tuple(silo.name for silo in cat.silos()) == SILOS
    for silo in cat.silos():
        on_disk = set(contents(made[1] / "estate" / silo.name))
        if silo.name == "vault":
            on_disk = {"p1/README.txt", *(f"p1/reviews/reviews-2025-q{quarter}.csv" for quarter in range(1, 5))}
        assert silo.last_state == "complete"
        assert {f.path for f in cat.silo_files(silo.name)} == on_disk
        assert silo.files == len(on_disk)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("clicks silo:lake", {"clicks"}),
        ("kind:model silo:lab", {"models/reviews-tiny", "models/reviews-tiny-int8"}),
        ("rule:delta", {"warehouse/stock"}),
        ("format:orc", {"sensors"}),
        ("format:avro", {"payments"}),
        ("format:arrow_stream", {"features/embeddings-stream.arrows"}),
        ("format:png", {"images/daisy", "images/rose", "images/tulip"}),
        ("column:=user_id", {"clicks"}),
        ("is:removed", {"notebooks/scratch.json"}),
        ("is:broken", {"exports/basket-sizes.parquet", "exports/customers.csv"}),
        ("owner:ann tag:pii", {"clicks", "exports/survey.csv"}),
        ("is:sharded in:corpora", {f"corpora/reviews/{s}-{{n}}-of-{{n}}.parquet" for s in ("train", "validation", "test")}),
    ],
)
def test_what_is_in_it_can_be_found(cat, query, names):
    assert {hit.name for hit in cat.search(query)} == names


@pytest.mark.parametrize(
    ("reference", "before", "after"),
    [("lake/clicks", 60, 61), ("lake/logs", 120, 116), ("lake/orders", 6, 6), ("lab/models/reviews-tiny", 4, 4)],
)
def test_what_changed_has_two_versions(cat, reference, before, after):
    assert [(v.number, v.files) for v in cat.dataset(reference).versions] == [(2, after), (1, before)]


@pytest.mark.parametrize("reference", ["lake/payments", "lake/sensors", "lab/images/rose", "archive/logs"])
def test_what_did_not_change_has_one(cat, reference):
    assert len(cat.dataset(reference).versions) == 1


def test_a_column_came_with_the_second_crawl(cat):
    before, after = cat.dataset("lake/clicks@1").schema.names, cat.dataset("lake/clicks").schema.names
    assert set(after) - set(before) == {"referrer"}


@pytest.mark.parametrize("reference", ["lake/payments", "lake/sensors", "lab/features/embeddings.arrow", "lake/orders"])
def test_its_tables_can_be_read(cat, reference):
    assert cat.dataset(reference).to_arrow().num_rows > 0


def test_its_story_runs_from_a_volume_through_the_lake_to_two_models(cat, made):
    image = made[1] / "estate" / "vault.img"
    reached = {row.node.label: row.hop for row in cat.impact(str(image)).rows}
    assert reached["p1/reviews"] < reached["features/reviews"] < reached["models/reviews-tiny"]
    assert reached["models/reviews-tiny"] < reached["models/reviews-tiny-int8"]
    way = cat.path("vault/p1/reviews", "lab/models/reviews-tiny")
    assert [node.label for node in way.trace.nodes] == ["p1/reviews", "features/reviews", "models/reviews-tiny"]


def test_without_a_server_the_lake_is_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("catalog.demo.is_installed", lambda: False)
    with build(tmp_path, lambda _: None) as demo, catalog.connect(demo.url, read_only=True) as cat:
        assert cat.silo("lake").url.startswith("file:")
        assert cat.path("vault/p1/reviews", "lab/models/reviews-tiny-int8") is not None


def test_the_summary_and_the_commands_fit(made):
    demo, folder, told = made
    assert told and all(silo in "\n".join(demo.summary) for silo in SILOS)
    assert all(str(folder / "catalog.db") in command for command in demo.next_commands)


def test_a_second_build_changes_nothing(made):
    demo, folder, _ = made

    def state():
        files = (p for p in folder.rglob("*") if p.is_file() and "bucket" not in p.parts)  # a server's own files
        return {p: p.stat().st_mtime_ns for p in files if not p.name.endswith(("-shm", "-wal"))}

    before = state()
    with build(folder, lambda _: None) as again:  # while the first one is open
        assert again == demo
    assert state() == before


@pytest.mark.parametrize("unfinished", [True, False], ids=["cut short", "fresh"])
def test_it_is_built_anew_when_it_must_be(tmp_path, unfinished):
    with build(tmp_path, lambda _: None) as made:
        pass
    stray = tmp_path / "estate" / "lake" / "stray.csv"
    stray.write_text("a,b\n1,2\n")
    if unfinished:
        (tmp_path / "ready").unlink()
    with build(tmp_path, lambda _: None, fresh=not unfinished) as again:
        assert again.url == made.url and again.summary == made.summary
    assert not stray.exists()
