"""The walk over file servers, against sources that are broken or hostile."""

from __future__ import annotations

import pytest
from conformance.silo_suite import check_listing, paths
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import EntryMissing, SiloRefused, SiloUnreachable
from catalog.silos.base import Capabilities
from catalog.silos.remote.walk import DEEPEST, FILE, FOLDER, Found, Walk, gathered

PLAIN = Capabilities(order="tree")
TIMED = Capabilities(order="tree", directory_mtimes=True)


class Source:
    """Folders by path; an error in place of the entries is raised. `asked` is what was listed."""

    def __init__(self, folders, times=None):
        self.folders, self.times, self.asked, self.looked = folders, times or {}, [], []

    def found(self, path):
        self.asked.append(path)
        entries = self.folders[path] if path in self.folders else EntryMissing("gone")
        if isinstance(entries, Exception):
            raise entries
        return entries

    def changed_at(self, path):
        self.looked.append(path)
        return self.times.get(path)

    def uri(self, path):
        return f"test://server/{path}"


def walked(source, prefix="", capabilities=PLAIN, unchanged=None):
    found = {}
    for listing in Walk(source, capabilities, unchanged).run(prefix):
        check_listing(listing)
        assert listing.path not in found
        found[listing.path] = listing
    return found


def folder(*names):
    return [Found(name, FOLDER) for name in names]


ANY = st.one_of(st.text(max_size=6), st.sampled_from([".", "..", "", "a/b", "/", "\0", "..\\..", "\ud800", "\udce9", "\u201b"]))


@given(st.lists(st.builds(Found, ANY, st.sampled_from([FILE, FOLDER, "symlink", "other"]), st.one_of(st.none(), st.integers()), st.one_of(st.none(), st.integers()))))
def test_whatever_a_server_lists_makes_a_listing_that_can_be_stored(entries):
    listing, times = gathered("d", entries, checksums=False)
    check_listing(listing)
    for name in [*listing.names, *listing.directories]:
        name.encode()
        assert name not in (".", "..") and "/" not in name and "\0" not in name
    assert set(times) == set(listing.directories)
    assert all(size is None or 0 <= size < 2**63 for size in listing.sizes)
    assert all(time is None or -(2**63) < time < 2**63 for time in listing.mtimes)
    bad = [e.name for e in entries if e.name not in (".", "..") and (not e.name or "/" in e.name or "\0" in e.name or any("\ud800" <= c < "\udc80" or "\udcff" < c <= "\udfff" for c in e.name))]
    assert listing.complete == (not bad)


def test_a_name_that_is_listed_twice_is_one_entry():
    listing, _ = gathered("", [Found("x", FILE, 1), Found("x", FILE, 2), Found("x", FOLDER), Found("x", FOLDER)], True)
    assert (listing.names, listing.sizes, listing.directories) == (["x"], [1], ["x"])


def test_no_listing_goes_on_for_ever(monkeypatch):
    monkeypatch.setattr("catalog.silos.remote.walk.MOST", 10)
    listing, _ = gathered("d", [Found(f"{n:02}", FILE) for n in range(11)], False)
    assert len(listing.names) == 11 and "more than 10 entries" in listing.failure.reason
    assert gathered("d", [Found(f"{n:02}", FILE) for n in range(10)], False)[0].complete


def test_a_part_that_is_refused_midway_is_incomplete_and_the_rest_is_listed():
    source = Source({"": folder("a", "b", "c"), "a": folder("x"), "a/x": [], "b": SiloRefused("login expired"), "c": []})
    found = walked(source)
    assert [path for path, one in found.items() if one.complete] == ["", "a", "a/x", "c"]
    assert found["b"].failure.reason == "login expired" and not found["b"].failure.retriable


def test_a_folder_that_vanished_yields_nothing():
    assert set(walked(Source({"": folder("a", "b"), "b": []}))) == {"", "b"}


@pytest.mark.parametrize("error", [SiloRefused("no"), SiloUnreachable("down")])
def test_a_start_that_cannot_be_listed_is_an_error(error):
    with pytest.raises(type(error), match=error.message):
        walked(Source({"": error}))
    with pytest.raises(SiloUnreachable, match="no/where"):
        walked(Source({"": []}), "no/where")


def test_a_server_that_is_gone_is_not_asked_about_every_folder():
    names = [f"d{number:03}" for number in range(100)]
    source = Source({"": folder(*names), "d000": [], **{name: SiloUnreachable("down") for name in names[1:]}})
    found = walked(source)
    assert len(source.asked) == 5 and len(found) == 101
    assert all(one.failure.retriable for path, one in found.items() if path not in ("", "d000"))
    assert "server is gone (down)" in found["d099"].failure.reason


def test_a_server_that_falters_now_and_then_is_asked_on():
    names = [f"d{number:03}" for number in range(30)]
    found = walked(Source({"": folder(*names), **{n: SiloUnreachable("x") if i % 3 else [] for i, n in enumerate(names)}}))
    assert sum(one.complete for one in found.values()) == 11


def test_an_endless_chain_of_folders_comes_to_an_end():
    class Endless(Source):
        def found(self, path):
            self.asked.append(path)
            return [Found(f"n{len(self.asked)}", FOLDER)]

    source = Endless({})
    found = walked(source)
    assert len(source.asked) == DEEPEST + 1
    (failure,) = [one.failure for one in found.values() if one.failure]
    assert "deeper" in failure.reason


@pytest.mark.parametrize("depth", [2, 10])
def test_folders_of_one_name_in_each_other_are_no_loop(depth):
    tree = {"/".join(["a"] * level): folder("a") for level in range(depth)} | {"/".join(["a"] * depth): [Found("f", FILE, 1)]}
    assert paths(walked(Source(tree))) == ["/".join(["a"] * depth + ["f"])]


def test_a_folder_that_holds_itself_is_left_also_when_nothing_else_is_in_it():
    class Itself(Source):
        def found(self, path):
            self.asked.append(path)
            return folder("self")

    source = Itself({})
    walked(source)
    assert len(source.asked) < 50


def test_trusted_folders_are_passed_over_and_those_below_them_looked_at():
    tree = {"": [Found("a", FOLDER, None, 1), Found("b", FOLDER, None, 2)], "a": folder("x"), "a/x": [], "b": []}
    source = Source(tree, {"": 5, "a/x": 7})

    def unchanged(path, mtime_ns):
        return {("a", 1): ["x"], ("b", 3): []}.get((path, mtime_ns))

    found = walked(source, "", TIMED, unchanged)
    assert source.asked == ["", "a/x", "b"] and source.looked == ["", "a/x"]
    assert {path: one.mtime_ns for path, one in found.items()} == {"": 5, "a/x": 7, "b": 2}
