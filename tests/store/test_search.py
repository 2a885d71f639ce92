"""Every search gives what brute force over the same rows gives, on both databases."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import closing

import pytest
from harness import estate as estates
from harness.estate import DAY, NOW, SILOS

from catalog.errors import StoreReadOnly
from catalog.model import Count
from catalog.query import parse
from catalog.store import search_assets, search_files
from catalog.store.engine import Database
from catalog.store.search import count, facets, hints, search

TERMS = (
    *("silo:lake", "-silo:nas", "silo:lake,NAS", "silo:nosuch", "in:/", "in:raw,events", "-in:raw"),
    *("in:raw", "in:raw/", "in:raw/events", "in:データ", "size:>1k", "size:<=1000", "size:0", "-size:>1MB"),
    *("size:1KB..5GB", "size:<5,>9GB", "modified:<30d", "modified:>1y", "-modified:<30d", "modified:5d..40d"),
    *("format:csv", "format:parquet,csv", "-format:csv", "format:arrow", "format:nosuch", "is:stale"),
    *("name:00%", "-name:x", "name:データ", "name:café", "name:click", "name:CLICK", "rows:>1k"),
    *("rows:0..1k", "-is:stale", "is:broken", "is:inspected", "-is:broken", "column:user_id", "column:=id"),
    *("column:größe", "column:ID type:int64", "type:int", "-column:ts", "-type:string", "type:=timestamp[us]"),
    *("column:amount -type:int64", "type:timestamp", "type:string column:id", "column:id column:user type:int"),
    'type:"timestamp[us, tz=UTC]"',
)
ASSET_TERMS = (
    *("kind:model", "-kind:model", "kind:dataset,model", "files:>1k", "files:1", "owner:ann"),
    *("owner:BOB,ann", "tag:pii", "-tag:pii", "tag:größe", "rule:hive", "rule:delta,shards"),
    *("namespace:bucket", "namespace:=file", "name:=clicks", "is:removed", "is:removed,broken", "-is:removed", "is:described"),
    *("is:owned", "is:tagged", "is:new", "is:changed", "is:table", "is:partitioned", "is:sharded"),
    "is:single",
)
FILE_SORTS = ("", "", "sort:modified", "sort:-size", "sort:size", "sort:name", "sort:-name")
ASSET_SORTS = (*FILE_SORTS, "sort:rows", "sort:-files")


@pytest.fixture(scope="module")
def estate():
    return estates.make(7)


@pytest.fixture
def db(db_url, estate):
    with closing(Database(db_url)) as writer:
        estates.insert(writer, estate)
    with closing(Database(db_url, write=False)) as reader:
        yield reader


@pytest.fixture(params=["as shipped", "small steps"])
def steps(request, monkeypatch):
    """Small limits make a small catalog take every path that a large one takes."""
    if request.param == "small steps":
        monkeypatch.setattr(search_files, "_CHUNKS", (3, 5))
        monkeypatch.setattr(search_files, "_BATCH_DIRECTORIES", (1, 3))
        monkeypatch.setattr(search_files, "_COMMON", 3)
        monkeypatch.setattr(search_files, "_LARGE", 1000)


def words(rnd: random.Random, texts: list[str]) -> list[str]:
    """Pieces of real paths in changed case, quoted, some negated, some that exist nowhere."""
    found = []
    for _ in range(rnd.choice((0, 1, 1, 2))):
        text = rnd.choice(texts)
        start = rnd.randrange(len(text))
        piece = text[start : start + rnd.choice((1, 2, 3, 4, 6, 12))]
        piece = rnd.choice((piece, piece.upper(), piece + "zq" if rnd.random() < 0.2 else piece))
        sign = "-" if rnd.random() < 0.2 else ""
        found.append(sign + '"' + piece.replace('"', '""') + '"')
    return found


def queries(seed: int, number: int, texts: list[str], terms: tuple[str, ...], sorts: tuple[str, ...]):
    rnd = random.Random(seed)
    made = []
    for _ in range(number):
        parts = words(rnd, texts) + rnd.sample(terms, rnd.choice((0, 0, 1, 1, 2)))
        rnd.shuffle(parts)
        made.append(" ".join([*parts, rnd.choice(sorts)]).strip())
    return made


def test_files_are_those_of_brute_force(db, estate, steps):
    texts = [f.path for f in estate.files]
    for text in queries(1, 150, texts, TERMS, FILE_SORTS):
        query = parse(f"{text} kind:file")
        wanted = estates.find_files(estate, query)
        hits = search(db, query, 0, 40, now_ns=NOW)
        assert [h.name for h in hits] == [f.path for f in wanted[:40]], text
        assert [h.silo for h in hits] == [SILOS[f.silo][0] for f in wanted[:40]], text
        assert count(db, query, now_ns=NOW) == Count(len(wanted)), text


def test_assets_are_those_of_brute_force(db, estate):
    texts = [estate.text(a) for a in estate.assets]
    for text in queries(2, 400, texts, TERMS + ASSET_TERMS, ASSET_SORTS):
        query = parse(text)
        wanted = estates.find_assets(estate, query)
        assert [h.id for h in search(db, query, 0, 1000, now_ns=NOW)] == [a.id for a in wanted], text
        assert count(db, query, now_ns=NOW) == Count(len(wanted)), text


@pytest.mark.parametrize("term", [*TERMS, *ASSET_TERMS])
def test_no_term_is_vacuous(estate, term):
    """Each term of the random queries finds something and leaves something out, unless it is meant not to."""
    query = parse(term)
    found = len(estates.find_assets(estate, query))
    everything = len(estates.find_assets(estate, parse("")))
    if "nosuch" in term or term == "format:arrow":
        assert found == 0
    elif term in ("in:/", "-is:removed", "kind:dataset,model"):
        assert found == everything
    else:
        assert found > 0
        assert found != everything


@pytest.mark.parametrize(
    "text", ["kind:file", "kind:file sort:size", "kind:file clicks sort:-name", "", "user sort:name"]
)
def test_pages_have_no_gaps_and_no_repeats(db, estate, steps, text):
    query = parse(text)
    whole = [(h.silo, h.name, h.id) for h in search(db, query, 0, 700, now_ns=NOW)]
    pages = [
        (h.silo, h.name, h.id) for at in range(0, 700, 70) for h in search(db, query, at, 70, now_ns=NOW)
    ]
    assert pages == whole
    assert len(set(whole)) == len(whole) > 20


def test_a_page_beyond_the_end_is_empty(db):
    assert search(db, parse(""), 10_000, 50) == []
    assert search(db, parse("kind:file"), 100_000, 50) == []
    assert search(db, parse("kind:file"), 0, 0) == []


def test_a_file_hit(db, estate):
    rows = {"rows": 500, "stands": True}
    known = (f for f in estate.files if f.inspected and rows.items() <= f.inspected.items())
    file = next(f for f in known if f.silo == 1 and f.folder)
    name = file.name.replace('"', '""')
    (hit,) = search(db, parse(f'kind:file silo:lake in:"{file.folder}" name:="{name}"'), 0, 1, now_ns=NOW)
    assert (hit.kind, hit.name, hit.uri) == ("file", file.path, f"s3://bucket/pre/{file.path}")
    assert (hit.files, hit.bytes, hit.modified_ns, hit.rows) == (1, file.size, file.mtime, 500)
    assert hit.version is None
    assert hit.id >> 32 == file.directory


def test_an_asset_hit(db, estate):
    asset = next(a for a in estate.assets if a.silo == 2 and not a.removed and len(a.notes) > 2)
    (hit,) = [h for h in search(db, parse(f'name:="{asset.name}"')) if h.id == asset.id]
    assert (hit.name, hit.uri, hit.silo) == (asset.path, f"file:///srv/data/{asset.path}", "Nas")
    assert hit.tags == tuple(sorted(v for k, v in asset.notes if k == "tag"))
    assert hit.owner == (", ".join(sorted(v for k, v in asset.notes if k == "owner")) or None)
    assert (hit.version, hit.rows, hit.bytes) == (asset.version, asset.rows, asset.bytes)


@pytest.mark.parametrize("text", ["", "clicks", "format:csv", "kind:model -x", "is:removed"])
def test_asset_facets(db, estate, text):
    query = parse(text)
    found = estates.find_assets(estate, query)
    wanted = {
        "silo": Counter(SILOS[a.silo][0] for a in found if a.silo),
        "format": Counter(a.format for a in found if a.format),
        "kind": Counter(a.kind for a in found),
        "owner": Counter(v for a in found for k, v in a.notes if k == "owner"),
        "tag": Counter(v for a in found for k, v in a.notes if k == "tag"),
        "label": Counter(),  # the estate was never classified
    }
    got = facets(db, query, now_ns=NOW)
    assert {name: dict(values) for name, values in got.items()} == {k: dict(v) for k, v in wanted.items()}
    for values in got.values():
        assert values == sorted(values, key=lambda v: (-v[1], v[0]))


@pytest.mark.parametrize("text", ["clicks", "format:csv,arrow", "データ -x", "modified:<30d"])
def test_file_facets(db, estate, steps, text):
    query = parse(f"kind:file {text}")
    found = estates.find_files(estate, query)
    got = facets(db, query, now_ns=NOW)
    assert dict(got["silo"]) == dict(Counter(SILOS[f.silo][0] for f in found))
    assert dict(got["format"]) == dict(Counter(f.format for f in found if f.format))


def test_facets_of_all_files_come_from_totals(db):
    got = facets(db, parse("kind:file silo:lake"))
    assert [name for name, _ in got["silo"]] == ["lake"]
    assert {"parquet", "csv", "safetensors"} <= {name for name, _ in got["format"]}


def test_facet_values_are_bounded(db, monkeypatch):
    monkeypatch.setattr(search_assets, "FACET_VALUES", 1)
    assert [len(values) for values in facets(db, parse("")).values()] == [1, 1, 1, 1, 1, 0]


def test_counts_stop_being_exact(db, monkeypatch):
    monkeypatch.setattr(search_assets, "COUNTED", 20)
    monkeypatch.setattr(search_files, "COUNTED", 20)
    assert str(count(db, parse(""))) == "20+"
    assert str(count(db, parse("kind:file 0"))) == "20+"
    everything = count(db, parse("kind:file"))
    assert everything.exact
    assert everything.number > 5000


def test_hints_name_the_condition_to_drop(db, estate):
    query = parse("clicks format:csv owner:nobody")
    assert search(db, query) == []
    wanted = len(estates.find_assets(estate, parse("clicks format:csv")))
    assert hints(db, query) == [("clicks format:csv", wanted)]
    assert hints(db, parse("nosuchword")) == []


def test_hints_for_files(db):
    query = parse("kind:file clicks name:nosuchname")
    ((text, number),) = hints(db, query)
    assert text == "kind:file clicks"
    assert number > 0


def test_ranking_prefers_the_name_itself(db_url):
    paths = ["z/other", "clicks/a", "z/clicks", "z/clicks-daily", "z/myclicks", "clicks/clicks"]
    made = estates.make(3, directories=2, large=0, assets=len(paths))
    for asset, path in zip(made.assets, paths):
        asset.path, asset.removed, asset.newest = path, False, NOW - asset.id * DAY
    made.assets[0].notes = [("tag", "clicks")]
    with closing(Database(db_url)) as db:
        estates.insert(db, made)
        found = [h.name for h in search(db, parse("CLICKS"))]
    assert found == ["z/clicks", "clicks/clicks", "clicks/a", "z/clicks-daily", "z/myclicks", "z/other"]


def test_reading_only(db):
    search(db, parse("clicks kind:file"))
    with pytest.raises(StoreReadOnly):
        db.execute("DELETE FROM asset")
