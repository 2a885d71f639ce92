"""Keys to directories, against the plain way of doing it."""

from __future__ import annotations

import pytest
from conformance.silo_suite import check_listing
from hypothesis import given
from hypothesis import strategies as st

from catalog.silos.fold import KeyFold, OutOfOrderError, Page

SEGMENTS = st.text(alphabet="ab-./0é\U0001f98a", min_size=1, max_size=3).filter(
    lambda s: "/" not in s and s not in (".", "..")
)
KEYS = st.sets(st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join), max_size=25)


def fold(keys, *, pages=None, empty=(), is_marker=lambda key: False, start=""):
    """The listings of one complete pass; `pages` are lengths, repeated."""
    folded, given_out, at = KeyFold(start, is_marker), [], 0
    while at < len(keys):
        size = pages[len(given_out) % len(pages)] if pages else 1000
        part = keys[at : at + size]
        at += size
        page = Page(part, [0 if key in empty else 5 for key in part], [7] * len(part), ["e"] * len(part))
        given_out += list(folded.add(page))
    return given_out + list(folded.finish())


def plainly(keys):
    """Directory to (files, subdirectories)."""
    found = {"": (set(), set())}
    for key in keys:
        folder, _, name = key.rpartition("/")
        path = ""
        for segment in folder.split("/") if folder else ():
            found[path][1].add(segment)
            path = f"{path}/{segment}" if path else segment
            found.setdefault(path, (set(), set()))
        found[path][0].add(name)
    return {path: (sorted(files), sorted(below)) for path, (files, below) in found.items()}


def as_found(listings):
    for listing in listings:
        check_listing(listing)
        assert listing.complete and not listing.more
    assert len({listing.path for listing in listings}) == len(listings)
    return {one.path: (list(one.names), list(one.directories)) for one in listings}


def by_bytes(key):
    return key.encode()


def by_tree(key):
    return key.split("/")


@pytest.mark.parametrize("order", [by_bytes, by_tree])
@given(keys=KEYS, pages=st.lists(st.integers(1, 7), min_size=1, max_size=3))
def test_either_order_folds_into_the_directories(order, keys, pages):
    assert as_found(fold(sorted(keys, key=order), pages=pages)) == plainly(keys)


@given(keys=KEYS.flatmap(lambda keys: st.permutations(sorted(keys))))
def test_any_order_gives_the_directories_or_is_told(keys):
    try:
        found = fold(keys)
    except OutOfOrderError:
        return
    assert as_found(found) == plainly(keys)


@given(keys=KEYS, folders=KEYS, pages=st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_markers_are_directories_and_no_files(keys, folders, pages):
    """A marker `x/` reads `x` and is empty; the store is asked about those with nothing behind them."""
    keys, folders = keys - folders, folders
    rows = sorted([*keys, *(folder + "/" for folder in folders)], key=by_bytes)
    shown = [row.rstrip("/") for row in rows]
    asked = []

    def is_marker(key):
        asked.append(key)
        return key in folders

    dots = {folder for folder in folders if "." in folder.rpartition("/")[2]}
    if dots and any(not any(key.startswith(dot + "/") for key in shown) for dot in dots):
        return  # names with a dot are taken as files without asking
    found = as_found(fold(shown, pages=pages, empty=folders, is_marker=is_marker))
    assert set(asked) <= folders
    expected = plainly([*keys, *(f"{folder}/MARK" for folder in folders)])
    assert found == {
        path: ([name for name in files if name != "MARK"], below) for path, (files, below) in expected.items()
    }


def test_an_empty_listing_is_an_empty_directory():
    assert as_found(fold([])) == {"": ([], [])}


def test_the_start_is_the_root_of_what_is_given_out():
    found = as_found(fold(["", "x", "y/z"], start="raw/in", empty=("",)))
    assert found == {"raw/in": (["x"], ["y"]), "raw/in/y": (["z"], [])}


@pytest.mark.parametrize(
    "keys",
    [
        ["z", "a"],
        ["a/x", "b/x", "a/y"],
        ["a", "a"],
        ["a/x", "a/x"],
        ["a/x", "a-b/x", "a0/x", "a-b/y"],
        ["a-b/x", "a/x", "a-b/y"],  # byte order, then a name that came before
        ["a/x", "a-b/x", "a/y"],  # tree order, then a name that came before
    ],
)
def test_a_directory_that_comes_back_is_told(keys):
    folded, given_out = KeyFold(), []
    with pytest.raises(OutOfOrderError):
        given_out += list(folded.add(Page(keys, [1] * len(keys), [0] * len(keys), [None] * len(keys))))
    assert {folder.path for folder in folded.abandon()} >= {""}


def test_a_listing_that_breaks_off_leaves_open_directories_incomplete():
    folded = KeyFold()
    keys = ["a/b/1", "a/b/2", "a/c/3", "a/c/4"]
    closed = list(folded.add(Page(keys, [1] * 4, [0] * 4, [None] * 4)))
    broken = list(folded.fail("cut off", retriable=True))
    assert [(one.path, one.complete) for one in closed] == [("a/b", True)]
    assert [(one.path, one.complete, one.failure.prefix) for one in broken] == [
        ("a/c", False, "a/c"),
        ("a", False, "a"),
        ("", False, ""),
    ]
    assert list(broken[0].names) == ["3", "4"] and broken[0].etags is None


def test_sizes_and_times_no_column_holds_are_unknown():
    (root,) = KeyFoldOf(Page(["a", "b"], [2**64 - 1, 5], [2**70, 6], [None, "e"]))
    assert (root.sizes, root.mtimes, root.etags) == ([None, 5], [None, 6], [None, "e"])


def KeyFoldOf(page):
    folded = KeyFold()
    return [*folded.add(page), *folded.finish()]
