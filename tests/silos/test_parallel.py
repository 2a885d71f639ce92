"""Listing with several requests under way gives just what one after another gives."""

from __future__ import annotations

import random
import threading
import time
import uuid
from contextlib import closing

import obstore
import pytest
from conformance.silo_suite import check_listing
from hypothesis import given, settings
from hypothesis import strategies as st

import catalog
from catalog.api import check
from catalog.errors import SiloRefused, SiloUnreachable
from catalog.model import Listing
from catalog.silos.manners import Pace
from catalog.silos.object.errors import Advice
from catalog.silos.object.silo import ObjectSilo
from catalog.silos.object.stores import Place
from catalog.silos.parallel import AHEAD, in_order, walk_tree
from catalog.silos.registry import open_silo


def collected(listings) -> list[Listing]:
    found = list(listings)
    for one in found:
        check_listing(one)
    return found


# ---------------------------------------------------------------- the order of ranges


@given(st.lists(st.lists(st.integers(), max_size=2 * AHEAD + 3), max_size=8), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_pieces_come_in_the_order_of_their_sources(sources, workers):
    assert list(in_order([lambda s=s: iter(s) for s in sources], workers)) == [n for s in sources for n in s]


def test_sources_run_at_once_and_no_more_than_asked():
    running, most, lock = 0, 0, threading.Lock()

    def source():
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        for number in range(3):
            time.sleep(0.01)
            yield number
        with lock:
            running -= 1

    assert list(in_order([source] * 9, 3)) == [0, 1, 2] * 9
    assert most == 3


def test_an_error_comes_when_its_turn_comes():
    def broken():
        yield 2
        raise SiloRefused("no")

    taken = []
    with pytest.raises(SiloRefused):
        for piece in in_order([lambda: iter([1]), broken, lambda: iter([3])], 3):
            taken.append(piece)
    assert taken == [1, 2]


def test_leaving_early_stops_the_sources():
    made = 0

    def endless():
        nonlocal made
        while True:
            made += 1
            yield made

    with closing(in_order([endless, endless], 2)) as pieces:
        next(pieces)
    after = made
    time.sleep(0.05)
    assert made == after
    assert not [t for t in threading.enumerate() if t.name.startswith("catalog-list")]


# ---------------------------------------------------------------- trees


def test_a_tree_is_listed_as_one_walker_lists_it(tmp_path):
    rng = random.Random(4)
    folders = [tmp_path]
    for number in range(150):
        folder = rng.choice(folders) / f"d{number}"
        folder.mkdir()
        folders.append(folder)
        for at in range(rng.randrange(4)):
            (folder / f"f{at}").write_text("x" * at)
    silo = open_silo(str(tmp_path))
    one, many = collected(silo.walk()), collected(walk_tree(silo, "", 4))
    assert sorted(one, key=lambda listing: listing.path) == sorted(many, key=lambda listing: listing.path)
    seen = set()
    for listing in many:  # parents first
        assert not listing.path or listing.path.rpartition("/")[0] in seen
        seen.add(listing.path)


class Patchy:
    """A tree in which one folder is refused, one vanishes, and the start may be missing."""

    def __init__(self, start=True) -> None:
        self.start = start

    def children(self, path):
        from catalog.errors import EntryMissing

        if path == "" and self.start:
            return Listing("", ["a"], [1], [1], None, ["gone", "ok", "shut"])
        if path == "ok":
            return Listing("ok", ["b"], [1], [1])
        if path == "shut":
            raise SiloRefused("permission denied")
        raise EntryMissing("it is not there")


def test_what_cannot_be_listed_is_an_incomplete_listing():
    found = {one.path: one for one in walk_tree(Patchy(), "", 3)}
    assert sorted(found) == ["", "ok", "shut"]
    assert not found["shut"].complete and found["shut"].failure.reason == "permission denied"
    assert not found["shut"].failure.retriable


def test_a_tree_that_is_not_there_is_unreachable():
    with pytest.raises(SiloUnreachable):
        list(walk_tree(Patchy(start=False), "", 2))


# ---------------------------------------------------------------- keys


def some_keys() -> list[str]:
    rng = random.Random(5)
    names = ["a", "a-b", "b", "c0", "zz"]
    found = {f"{rng.choice(names)}/{rng.choice(names)}/{n % 97:03}.bin" for n in range(700)}
    found |= {f"flat/{n:05}" for n in range(2300)} | {"top", "b.txt", "ü/x"}
    return sorted(found, key=str.encode)


KEYS = some_keys()


@pytest.fixture(scope="module")
def silo():
    """Keys in a real store of the client's own, which lists them in byte order as Amazon does."""
    store = obstore.store.MemoryStore()
    for key in KEYS:
        store.put(f"root/{key}", b"x")
    place, advice = Place("s3://memory", "memory", "root"), Advice("bucket", "")
    return ObjectSilo(store, place, "nobody", advice, Pace(), byte_order=True)


@given(bounds=st.lists(st.sampled_from([*KEYS, "a/", "flat", "flat/01", "zzz", "c/x/y"]), max_size=6))
@settings(max_examples=60, deadline=None)
def test_ranges_cut_anywhere_give_the_same_listings(silo, bounds):
    assert collected(silo.walk_ranges("", bounds, 3)) == collected(silo.walk())


@pytest.mark.parametrize("prefix", ["a", "flat", "nothing"])
def test_a_part_is_cut_as_well(silo, prefix):
    bounds = [f"{prefix}/c", f"{prefix}/01000"]
    assert collected(silo.walk_ranges(prefix, bounds, 4)) == collected(silo.walk(prefix))


class Tree:
    """A bucket in a real server whose keys come in no byte order, crawled by several workers."""

    def __init__(self, server, cat, name) -> None:
        self.store = server.store(name)
        self.cat = cat
        self.kept: set[str] = set()

    def put(self, *keys: str) -> None:
        for key in keys:
            self.store.put(key, b"x")
            self.kept.add(key)

    def remove(self, *keys: str) -> None:
        for key in keys:
            self.store.delete(key)
            self.kept.discard(key)

    def crawl(self, runner: str = "threads:4"):
        (report,) = self.cat.crawl("lake", inspect="none", runner=runner)
        assert report.state == "complete"
        assert {file.path for file in self.cat.silo_files("lake")} == self.kept
        assert self.cat.silo("lake").files == len(self.kept)
        return report


@pytest.fixture
def bucket(s3_server, db_url, monkeypatch):
    monkeypatch.setenv("TEST_S3_SECRET", s3_server.secret_key)
    monkeypatch.setattr("catalog.store.bounds.SMALLEST", 20)
    monkeypatch.setattr("catalog.store.bounds.PAGE", 5)
    name = s3_server.bucket(f"parts-{uuid.uuid4().hex[:8]}")
    with catalog.connect(db_url) as cat:
        cat.add_silo(
            "lake",
            f"s3://{name}",
            endpoint=s3_server.endpoint,
            region=s3_server.region,
            access_key_id=s3_server.access_key,
            secret_access_key="env:TEST_S3_SECRET",
        )
        yield Tree(s3_server, cat, name)


@pytest.mark.s3
def test_a_crawl_in_parts_finds_what_one_listing_finds(bucket):
    bucket.put(*(f"{top}/{sub}/{n:02}.bin" for top in "abc" for sub in ("x", "x-y", "z") for n in range(12)), "top.txt")
    assert bucket.crawl().added == 109  # nothing is known yet: one listing
    assert bucket.crawl().unchanged == 109
    bucket.put("a/x/new.bin", "a/new-folder/deep/1.bin", "d/1.bin", "c.txt")
    bucket.remove("b/z/00.bin", *(f"c/x-y/{n:02}.bin" for n in range(12)))
    report = bucket.crawl()
    assert (report.added, report.removed, report.unchanged) == (4, 13, 96)
    assert bucket.crawl().unchanged == 100
    assert bucket.crawl("inline").unchanged == 100
    assert check(bucket.cat.url) == []
