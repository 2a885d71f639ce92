"""What every silo promises. A silo's own tests subclass `SiloSuite` and give it a `place`.

A place has `put(path, data)`, `remove(path)`, `silo()` (the silo over what was put) and
`missing()` (a silo of the same kind over nothing that exists).
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog.errors import EntryMissing, SiloUnreachable, UsageError
from catalog.model import Listing
from catalog.silos.base import Silo

MANY = 2_503
"""More than two pages of an object listing."""

TREE = {
    "a": b"a file whose name begins another's",
    "ab/c.txt": b"c",
    "ab/d/e.parquet": b"ee",
    "ab-x/f": b"fff",
    "ab.txt": b"ffff",
    "z/0": b"0",
}

NAMES = (
    "plain.txt",
    "with space.csv",
    "per%cent%41.csv",
    "plus+plus.csv",
    "hash#hash.csv",
    "question?mark.csv",
    "quote'\"quote",
    "and&amp;",
    "star*star",
    "[bracket]{brace}",
    "back\\slash",
    "co:lon=equals,comma;semi@at!",
    "grüße-Ω-日本語.csv",
    "\u201b27 quoted",
    "emoji-🦊",
    "~tilde",
    "-dash",
    "..dots",
)


class Place(Protocol):
    """Where a silo's files stand, for a test to change."""

    cannot_hold: frozenset[str]
    """Names that the server behind it (not the silo) changes."""
    tick: float
    """Longer, in seconds, than a tick of the clock that its directories' times are told by."""

    def put(self, path: str, data: bytes) -> None: ...

    def remove(self, path: str) -> None: ...

    def silo(self) -> Silo: ...

    def missing(self) -> Silo: ...


def walked(silo: Silo, prefix: str = "") -> dict[str, Listing]:
    """The listings by path, each path once, checked for what holds of every listing."""
    found: dict[str, Listing] = {}
    with closing(silo.walk(prefix)) as listings:
        for listing in listings:
            check_listing(listing)
            assert listing.path not in found or found[listing.path].more, listing.path
            found[listing.path] = listing
    return found


def check_listing(listing: Listing) -> None:
    """What holds of every listing of every silo."""
    assert list(listing.names) == sorted(set(listing.names))
    assert list(listing.directories) == sorted(set(listing.directories))
    assert len(listing.sizes) == len(listing.mtimes) == len(listing.names)
    assert listing.etags is None or len(listing.etags) == len(listing.names)
    assert not any("/" in name or not name for name in [*listing.names, *listing.directories])
    assert listing.complete == (listing.failure is None)
    assert listing.path == listing.path.strip("/")


def paths(listings: dict[str, Listing]) -> list[str]:
    """The paths of all files, sorted."""
    return sorted(f"{at}/{name}" if at else name for at, one in listings.items() for name in one.names)


class SiloSuite:
    """The contract of `catalog.silos.base`, as tests."""

    @pytest.fixture
    def tree(self, place: Place) -> Iterator[Silo]:
        """A silo over `TREE`."""
        for path, data in TREE.items():
            place.put(path, data)
        silo = place.silo()
        yield silo
        silo.close()

    # ------------------------------------------------------------ walking

    def test_an_empty_silo_is_one_complete_empty_directory(self, place: Place) -> None:
        found = walked(place.silo())
        assert list(found) == [""]
        assert found[""].complete and not found[""].names and not found[""].directories

    def test_every_directory_is_listed_once_with_its_entries(self, tree: Silo) -> None:
        found = walked(tree)
        assert {path: list(one.names) for path, one in found.items()} == {
            "": ["a", "ab.txt"],
            "ab": ["c.txt"],
            "ab/d": ["e.parquet"],
            "ab-x": ["f"],
            "z": ["0"],
        }
        assert {path: list(one.directories) for path, one in found.items()} == {
            "": ["ab", "ab-x", "z"],
            "ab": ["d"],
            "ab/d": [],
            "ab-x": [],
            "z": [],
        }
        assert all(one.complete and not one.more for one in found.values())

    def test_parents_come_before_children_or_after_as_declared(self, tree: Silo) -> None:
        order = [listing.path for listing in tree.walk()]
        first = order.index("ab") < order.index("ab/d")
        assert first == (tree.capabilities.order == "tree")
        assert order[0 if first else -1] == ""

    @pytest.mark.parametrize("prefix", ["ab", "ab/", "/ab", "ab/d", "ab-x"])
    def test_a_prefix_is_a_directory_not_a_beginning(self, tree: Silo, prefix: str) -> None:
        wanted = prefix.strip("/")
        expected = [path for path in sorted(TREE) if path.startswith(wanted + "/")]
        found = walked(tree, prefix)
        assert paths(found) == expected
        assert wanted in found

    def test_a_prefix_that_does_not_exist(self, tree: Silo) -> None:
        if tree.capabilities.order == "keys":  # no key has it: that is known, and it is empty
            found = walked(tree, "nowhere/at/all")
            assert [(one.path, one.complete, list(one.names)) for one in found.values()] == [
                ("nowhere/at/all", True, [])
            ]
        else:
            with pytest.raises(SiloUnreachable, match="nowhere/at/all"):
                walked(tree, "nowhere/at/all")

    @pytest.mark.parametrize("prefix", ["..", "ab/../..", "ab//d", "./ab", "a\0b"])
    def test_a_prefix_leads_out_of_no_silo(self, tree: Silo, prefix: str) -> None:
        with pytest.raises(UsageError):
            walked(tree, prefix)

    def test_sizes_and_times(self, place: Place) -> None:
        before = time.time_ns() - 5_000_000_000 - 10**9 * getattr(place, "coarse", 0)
        place.put("one", b"12345")
        place.put("zero", b"")
        root = walked(place.silo())[""]
        assert dict(zip(root.names, root.sizes, strict=True)) == {"one": 5, "zero": 0}
        assert all(before < (mtime or 0) < time.time_ns() + 5_000_000_000 for mtime in root.mtimes)

    def test_checksums_are_kept_as_declared(self, place: Place) -> None:
        place.put("same-1", b"same")
        place.put("same-2", b"same")
        place.put("zz-other", b"other")
        silo = place.silo()
        etags = walked(silo)[""].etags
        if silo.capabilities.checksum is None:
            assert etags is None
        else:
            assert etags is not None and None not in etags and etags[0] != etags[2]
            assert silo.capabilities.checksum == "version" or etags[0] == etags[1]
            assert walked(silo)[""].etags == etags
            assert not any('"' in (etag or '"') for etag in etags)

    @pytest.mark.parametrize("name", NAMES)
    def test_any_name_can_be_listed_read_and_opened(self, place: Place, name: str) -> None:
        if name in place.cannot_hold:
            pytest.skip("the server behind this silo changes such a name")
        place.put(f"dir {name}/{name}", b"content")
        silo = place.silo()
        found = walked(silo)
        (path,) = paths(found)
        assert len(found) == 2 and path.count("/") == 1
        assert silo.read(path, 3, 4) == b"tent"
        with silo.open(path) as file:
            assert file.read() == b"content"
        assert paths(walked(silo, path.partition("/")[0])) == [path]
        assert silo.filesystem().cat_file(path) == b"content"

    def test_changes_show_in_the_next_walk(self, place: Place) -> None:
        place.put("keep", b"1")
        place.put("gone/away", b"2")
        place.put("grows", b"3")
        silo = place.silo()
        assert paths(walked(silo)) == ["gone/away", "grows", "keep"]
        place.remove("gone/away")
        place.put("grows", b"33")
        place.put("new/one", b"4")
        found = walked(silo)
        assert paths(found) == ["grows", "keep", "new/one"]
        assert dict(zip(found[""].names, found[""].sizes, strict=True)) == {"grows": 2, "keep": 1}

    def test_a_directory_larger_than_a_page(self, place: Place) -> None:
        expected = [f"many/{number:05}" for number in range(getattr(place, "many", MANY))]
        for path in expected:
            place.put(path, b"x")
        place.put("zz", b"behind it")
        assert paths(walked(place.silo())) == [*expected, "zz"]

    def test_a_very_large_directory_comes_in_pieces_in_name_order(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for module in ("block.listers", "fold", "memory", "remote.walk", "tree"):
            monkeypatch.setattr(f"catalog.silos.{module}.SLICE", 10)
        expected = [f"f{number:02}" for number in range(35)]
        for name in expected:
            place.put(f"big/{name}", b"x")
        place.put("big/f17-sub/x", b"x")
        pieces = [listing for listing in place.silo().walk() if listing.path == "big"]
        for piece in pieces:
            check_listing(piece)
        assert [name for piece in pieces for name in piece.names] == expected
        assert len(pieces) > 1 and all(piece.names for piece in pieces[:-1])
        assert [piece.more for piece in pieces] == [True] * (len(pieces) - 1) + [False]
        assert [list(piece.directories) for piece in pieces] == [[]] * (len(pieces) - 1) + [["f17-sub"]]

    def test_a_walk_can_be_left_early(self, tree: Silo) -> None:
        with closing(tree.walk()) as listings:
            next(listings)
        assert len(walked(tree)) == 5

    def test_directories_the_caller_trusts_are_not_listed(self, tree: Silo) -> None:
        if not tree.capabilities.directory_mtimes:
            pytest.skip("this silo's directories have no times")
        times = {path: one.mtime_ns for path, one in walked(tree).items()}
        below = {path: list(one.directories) for path, one in walked(tree).items()}
        asked = []

        def unchanged(path: str, mtime_ns: int) -> list[str] | None:
            asked.append(path)
            assert mtime_ns == times[path]
            return None if path == "ab/d" else below[path]

        timeless = {path for path, mtime_ns in times.items() if mtime_ns is None}  # these are always listed
        assert {listing.path for listing in tree.walk("", unchanged)} == {"ab/d", *timeless}
        assert sorted(asked) == sorted(below.keys() - timeless)

    def test_a_new_entry_changes_its_directorys_time(self, place: Place) -> None:
        place.put("d/one", b"1")
        silo = place.silo()
        if not silo.capabilities.directory_mtimes:
            pytest.skip("this silo's directories have no times")
        before = walked(silo)["d"].mtime_ns
        if before is None:
            pytest.skip("this directory has no time")
        time.sleep(getattr(place, "tick", 0.05))
        place.put("d/two", b"2")
        assert (walked(silo)["d"].mtime_ns or 0) > before

    # ------------------------------------------------------------ reading

    @pytest.mark.parametrize("data", [b"0123456789", b"x", b""])
    def test_reading_a_range_is_slicing(self, place: Place, data: bytes) -> None:
        place.put("file", data)
        silo = place.silo()
        for offset in (0, 1, 3, 9, 10, 11, 5000, -1, -3, -10, -11, -5000):
            for length in (0, 1, 4, 10, 5000):
                assert silo.read("file", offset, length) == data[offset:][:length], (offset, length)

    def test_an_open_file_reads_and_seeks(self, place: Place) -> None:
        data = bytes(range(256)) * 4096  # larger than a buffer
        place.put("file", data)
        with place.silo().open("file") as file:
            assert file.readable() and file.seekable() and not file.writable()
            assert file.read(5) == data[:5]
            assert file.seek(-3, io.SEEK_END) == len(data) - 3
            assert file.read(10) == data[-3:]
            assert file.read(10) == b""
            assert file.seek(700_000) == 700_000
            assert file.read(300_000) == data[700_000:1_000_000]
            assert file.tell() == 1_000_000
            file.seek(-10, io.SEEK_CUR)
            assert file.read(4) == data[999_990:999_994]
            file.seek(0)
            assert file.read() == data

    @pytest.mark.parametrize("path", ["nothing", "ab/nothing", "nothing/nothing", "ab", "a/b"])
    def test_a_file_that_is_not_there(self, tree: Silo, path: str) -> None:
        with pytest.raises(EntryMissing):
            tree.read(path, 0, 1)
        with pytest.raises(EntryMissing):
            tree.read(path, -1, 1)
        with pytest.raises(EntryMissing):
            tree.open(path).read(1)

    @pytest.mark.parametrize("path", ["../a", "ab/../../a", "ab/./c.txt", "a\0"])
    def test_no_path_leads_out_of_a_silo(self, tree: Silo, path: str) -> None:
        with pytest.raises(UsageError):
            tree.read(path, 0, 1)
        with pytest.raises(UsageError):
            tree.open(path)

    # ------------------------------------------------------------ filesystem

    def test_the_filesystem_lists(self, tree: Silo) -> None:
        fs = tree.filesystem()
        assert sorted(fs.ls("", detail=False)) == ["a", "ab", "ab-x", "ab.txt", "z"]
        assert sorted(fs.ls("ab", detail=False)) == ["ab/c.txt", "ab/d"]
        assert fs.find("") == sorted(TREE)
        assert fs.find("ab") == ["ab/c.txt", "ab/d/e.parquet"]
        assert fs.glob("*/*.txt") == ["ab/c.txt"]
        info = fs.info("ab/d/e.parquet")
        assert (info["name"], info["size"], info["type"]) == ("ab/d/e.parquet", 2, "file")
        assert fs.isdir("ab") and fs.isfile("a") and not fs.exists("nothing")
        with pytest.raises(FileNotFoundError):
            fs.ls("nothing")
        with pytest.raises(FileNotFoundError):
            fs.open("nothing").read()

    def test_the_filesystem_reads(self, tree: Silo) -> None:
        fs = tree.filesystem()
        assert fs.cat_file("ab.txt") == b"ffff"
        assert fs.cat_file("a", 2, 6) == b"file"
        assert fs.cat_file("a", -9) == b"another's"
        with fs.open("ab.txt", "rb") as file:
            assert file.read(2) == b"ff"
        with fs.open("a", "r") as file:
            assert file.read() == TREE["a"].decode()

    def test_parquet_is_read_through_the_filesystem(self, place: Place) -> None:
        table = pa.table({"id": list(range(10_000)), "word": [f"w{n}" for n in range(10_000)]})
        buffer = io.BytesIO()
        pq.write_table(table, buffer)
        place.put("data/part-0.parquet", buffer.getvalue())
        fs = place.silo().filesystem()
        assert pq.read_table("data/part-0.parquet", filesystem=fs).equals(table)
        assert pq.read_table("data", filesystem=fs, columns=["word"]).equals(table.select(["word"]))

    def test_the_filesystem_refuses_to_write(self, tree: Silo) -> None:
        fs = tree.filesystem()
        attempts = [
            lambda: fs.open("new", "wb"),
            lambda: fs.open("a", "w"),
            lambda: fs.open("a", "ab"),
            lambda: fs.pipe_file("new", b"x"),
            lambda: fs.pipe("new", b"x"),
            lambda: fs.touch("new"),
            lambda: fs.rm("a"),
            lambda: fs.rm_file("a"),
            lambda: fs.rm("ab", recursive=True),
            lambda: fs.mv("a", "b"),
            lambda: fs.cp_file("a", "b"),
            lambda: fs.mkdir("new"),
            lambda: fs.makedirs("new/er"),
            lambda: fs.rmdir("z"),
            lambda: fs.put_file(__file__, "new"),
        ]
        for attempt in attempts:
            with pytest.raises(OSError, match="read-only"):
                attempt()
        assert paths(walked(tree)) == sorted(TREE)

    # ------------------------------------------------------------ the silo itself

    def test_a_missing_silo_is_unreachable(self, place: Place) -> None:
        silo = place.missing()
        with pytest.raises(SiloUnreachable) as raised:
            walked(silo)
        assert "\n" not in raised.value.message
        with pytest.raises(SiloUnreachable):
            silo.test()

    def test_test_reaches_it(self, tree: Silo) -> None:
        reached = tree.test()
        assert reached.url == tree.url and reached.identity and reached.readable
        assert 0 < len(reached.sample) <= 5 and set(reached.sample) <= set(TREE)

    def test_test_reaches_an_empty_silo(self, place: Place) -> None:
        assert place.silo().test().sample == ()

    def test_uris_and_namespace(self, tree: Silo) -> None:
        assert tree.uri("") == tree.url
        assert tree.uri("ab/c.txt") == tree.url.rstrip("/") + "/ab/c.txt"
        namespace, root = tree.namespace()
        assert namespace and not root.endswith("/")
