"""Local trees: the conformance suite, and what only files have."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import sys

import pytest
from conformance.silo_suite import SiloSuite, check_listing, paths, walked

from catalog import text
from catalog.errors import EntryMissing, SiloError, SiloRefused, SiloUnreachable, UsageError
from catalog.silos import tree
from catalog.silos.file import FileSilo, from_url, to_url
from catalog.silos.registry import open_silo

NOBODY = 65_534


class FilePlace:
    cannot_hold = frozenset()
    tick = 0.05

    def __init__(self, root) -> None:
        self.root = root

    def put(self, path: str, data: bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def remove(self, path: str) -> None:
        target = self.root / path
        target.unlink()
        while target.parent != self.root and not os.listdir(target.parent):
            target = target.parent
            target.rmdir()

    def silo(self) -> FileSilo:
        return open_silo(str(self.root))

    def missing(self) -> FileSilo:
        return open_silo(str(self.root / "not" / "there"))


@pytest.fixture
def place(tmp_path):
    root = tmp_path / "lake"
    root.mkdir()
    return FilePlace(root)


class TestFile(SiloSuite):
    pass


# ---------------------------------------------------------------- what is no file


def test_links_are_counted_and_never_followed(place, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    place.put("d/real", b"1")
    (place.root / "to-folder").symlink_to(outside)
    (place.root / "to-file").symlink_to(outside / "secret")
    (place.root / "to-itself").symlink_to(place.root)
    (place.root / "to-nothing").symlink_to("nothing")
    (place.root / "d" / "up").symlink_to("..")
    silo = place.silo()
    found = walked(silo)
    assert paths(found) == ["d/real"]
    assert found[""].skipped == {"symlink": 4} and found["d"].skipped == {"symlink": 1}
    for path in ("to-file", "to-folder/secret", "d/up/d/real", "to-nothing"):
        with pytest.raises(SiloError):
            silo.read(path, 0, 6)
        with pytest.raises(SiloError):
            silo.open(path)
    with pytest.raises(SiloError):
        walked(silo, "to-folder")


def test_the_root_itself_may_be_a_link(place, tmp_path):
    place.put("x/y", b"1")
    (tmp_path / "link").symlink_to(place.root)
    silo = open_silo(str(tmp_path / "link"))
    assert paths(walked(silo)) == ["x/y"]
    assert silo.read("x/y", 0, 1) == b"1"
    assert silo.namespace() == ("file", str(tmp_path / "link"))


def test_sockets_fifos_and_devices_are_counted_and_not_opened(place, monkeypatch):
    place.put("file", b"1")
    os.mkfifo(place.root / "fifo")
    monkeypatch.chdir(place.root)  # a socket's path may have about a hundred characters
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("sock")
    expected = {"fifo": 1, "socket": 1}
    if os.geteuid() == 0:
        try:
            os.mknod(place.root / "null", 0o20666, os.makedev(1, 3))
            expected["device"] = 1
        except PermissionError:  # a container that may make none
            pass
    silo = place.silo()
    root = walked(silo)[""]
    assert root.names == ["file"] and root.skipped == expected
    for name in ("fifo", "sock"):
        with pytest.raises(EntryMissing):
            silo.read(name, 0, 1)


# ---------------------------------------------------------------- names


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_names_that_are_no_text_can_be_listed_and_read(place):
    raw = os.fsencode(place.root)
    names = [b"latin-\xe9", b"ok", b"\xff\xfe", "\u201b27".encode(), "\u201bE9".encode(), "é".encode(), b"new\nline"]
    os.mkdir(raw + b"/dir-\xe8")
    for name in names:
        for folder in (b"/", b"/dir-\xe8/"):
            with open(raw + folder + name, "wb") as file:
                file.write(name)
    silo = place.silo()
    found = walked(silo)
    assert len(found) == 2 and len(found[""].names) == len(names)
    for path in paths(found):
        path.encode()  # plain text in any database
        assert silo.read(path, 0, 100) == text.path_to_bytes(path).rpartition(b"/")[2]
        assert os.stat(from_url(silo.uri(path))).st_size == len(silo.read(path, 0, 100))
    (folder,) = found[""].directories
    assert len(paths(walked(silo, folder))) == len(names)


@pytest.mark.parametrize("hostile", ["a\u201b2Fb", "\u201b2E\u201b2E/x", "\ud800", "x" * 5000, "\u201b00"])
def test_stored_names_that_no_listing_gave_read_nothing(place, hostile):
    place.put("a/b", b"1")
    with pytest.raises(SiloError):
        place.silo().read(hostile, 0, 1)


@pytest.mark.parametrize(
    "path",
    ["/", "/data/lake", "/with space/100%/#a?b", "/grüße/日本", "/latin-\udce9", "/a+b&c=d;e@f", "/%41", "/nl\nx"],
)
def test_urls_and_paths_translate_both_ways(path):
    url = to_url(path)
    assert from_url(url) == path
    assert url.startswith("file:///") and not set(url[7:]) & set(" #?\n")


@pytest.mark.parametrize("url", ["file://server/share", "file:relative", "file://", "file:///a%00b"])
def test_urls_that_are_no_folder_here(url):
    with pytest.raises(UsageError):
        from_url(url)


# ---------------------------------------------------------------- what cannot be read


def test_a_root_that_is_a_file(place):
    place.put("file", b"1")
    with pytest.raises(SiloUnreachable) as raised:
        walked(open_silo(str(place.root / "file")))
    assert raised.value.hint is not None and str(place.root) in raised.value.hint


def test_a_prefix_that_is_a_file(place):
    place.put("file", b"1")
    with pytest.raises(SiloUnreachable, match="file"):
        walked(place.silo(), "file")


def _as_nobody(place, work):
    """Run `work` in a child process that has no special rights; returns what it returns, as text."""
    for folder in (place.root, *place.root.parents):  # nobody must reach the root
        if folder.stat().st_uid == os.geteuid() and folder.name:
            folder.chmod(folder.stat().st_mode | 0o711)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        answer = "failed"
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            answer = str(work())
        except BaseException as error:
            answer = f"{type(error).__name__}: {error}"
        finally:
            os.write(writer, answer.encode())
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        answer = file.read()
    os.waitpid(child, 0)
    return answer


@pytest.mark.parametrize(
    ("mode", "names"),
    [(0o000, []), (0o300, []), (0o444, [])],  # nothing; enter but not list; list but not enter
)
def test_an_unreadable_directory_is_incomplete_and_the_rest_is_listed(place, mode, names):
    place.put("closed/x", b"1")
    place.put("closed/sub/y", b"1")
    place.put("open/z", b"1")
    os.chmod(place.root / "closed", mode)
    os.chmod(place.root / "open", 0o755)
    os.chmod(place.root, 0o755)

    def work():
        found = walked(place.silo())
        closed = found["closed"].failure
        assert closed.prefix == "closed" and not closed.retriable
        assert list(found["closed"].names) == names
        return sorted(found), found[""].complete, closed.reason

    try:
        assert _as_nobody(place, work) == str((["", "closed", "open"], True, "permission denied"))
    finally:
        os.chmod(place.root / "closed", 0o755)


def test_a_file_or_root_without_permission_is_refused(place):
    place.put("secret", b"1")
    os.chmod(place.root / "secret", 0)
    assert _as_nobody(place, lambda: place.silo().read("secret", 0, 1)).startswith("SiloRefused")
    os.chmod(place.root, 0)
    try:
        assert _as_nobody(place, lambda: walked(FileSilo(str(place.root)))).startswith("SiloRefused")
    finally:
        os.chmod(place.root, 0o755)


def test_directories_that_vanish_during_the_walk_yield_nothing(place):
    for path in ("a/1", "b/c/2", "d/3"):
        place.put(path, b"1")
    seen = []
    for listing in place.silo().walk():
        check_listing(listing)
        seen.append(listing.path)
        if listing.path == "a":
            shutil.rmtree(place.root / "b")
    assert seen == ["", "a", "d"]
    assert paths(walked(place.silo())) == ["a/1", "d/3"]


def test_a_directory_replaced_by_a_link_is_not_followed(place, tmp_path):
    place.put("a/1", b"1")
    place.put("b/2", b"1")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "3").write_bytes(b"1")
    seen = []
    for listing in place.silo().walk():
        seen.append(listing.path)
        if listing.path == "a":
            shutil.rmtree(place.root / "b")
            (place.root / "b").symlink_to(tmp_path / "elsewhere")
    assert seen == ["", "a"]


def test_the_walk_stays_with_a_root_that_is_moved(place, tmp_path):
    for path in ("a/1", "b/2"):
        place.put(path, b"1")
    seen = []
    for listing in place.silo().walk():
        seen.append(listing.path)
        if listing.path == "":
            place.root.rename(tmp_path / "moved")
    assert seen == ["", "a", "b"]


def test_files_that_vanish_between_list_and_stat_are_counted(place, monkeypatch):
    for name in ("a", "b", "c"):
        place.put(name, b"1")
    listdir = os.listdir

    def racing(fd):
        names = listdir(fd)
        (place.root / "b").unlink()
        return names

    monkeypatch.setattr(tree.os, "listdir", racing)
    root = walked(place.silo())[""]
    assert root.names == ["a", "c"] and root.sizes == [1, 1]
    assert root.skipped == {"vanished": 1} and root.complete


def test_a_path_longer_than_the_system_allows_is_a_failure(place):
    home = os.open(place.root, os.O_RDONLY)
    at = home
    for _ in range(30):
        os.mkdir("n" * 200, dir_fd=at)
        below = os.open("n" * 200, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    found = walked(place.silo())
    broken = [one for one in found.values() if not one.complete]
    assert len(broken) == 1 and "too long" in broken[0].failure.reason
    assert found[""].complete and len(found) > 10


def test_times_beyond_what_a_database_holds_are_unknown(place):
    place.put("future", b"1")
    place.put("now", b"1")
    try:
        os.utime(place.root / "future", (1.5e10, 1.5e10))
    except (OSError, OverflowError):
        pytest.skip("this filesystem keeps no such times")
    root = walked(place.silo())[""]
    if os.stat(place.root / "future").st_mtime_ns < 2**63:
        pytest.skip("this filesystem keeps no such times")
    assert root.mtimes[0] is None and root.mtimes[1] is not None


def test_a_folder_mounted_below_itself_ends_there(place):
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting needs root on Linux")
    place.put("a/b/file", b"1")
    libc = ctypes.CDLL(None, use_errno=True)
    target = os.fsencode(place.root / "a" / "b")
    if libc.mount(os.fsencode(place.root), target, None, 4096, None) != 0:  # MS_BIND
        pytest.skip(f"this machine lets no one mount: {os.strerror(ctypes.get_errno())}")
    try:
        found = walked(place.silo())
    finally:
        libc.umount2(target, 2)
    assert set(found) == {"", "a", "a/b"}
    assert not found["a/b"].complete and "contains itself" in found["a/b"].failure.reason


def test_a_loop_is_told_by_device_and_inode():
    here = os.stat("/")
    assert tree._is_within(here, (1, 2, (here.st_dev, here.st_ino, None)))
    assert not tree._is_within(here, (here.st_dev, here.st_ino + 1, (here.st_dev + 1, here.st_ino, None)))


def test_subdirectories_alone_fill_no_piece(place, monkeypatch):
    monkeypatch.setattr("catalog.silos.tree.SLICE", 3)
    for number in range(7):
        place.put(f"d{number}/x", b"1")
    place.put("z", b"1")
    pieces = [one for one in place.silo().walk() if not one.path]
    assert [list(piece.names) for piece in pieces] == [["z"]]
    assert len(pieces[0].directories) == 7


def test_no_descriptor_stays_open(place):
    place.put("a/b/c", b"1")
    silo = place.silo()
    before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    walked(silo)
    silo.read("a/b/c", -1, 1)
    silo.open("a/b/c").close()
    for path in ("a", "no", "a/no/x"):
        with pytest.raises(EntryMissing):
            silo.read(path, 0, 1)
    listings = silo.walk()
    next(listings)
    listings.close()
    if sys.platform == "linux":
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_link_is_refused_with_a_reason(place):
    place.put("real", b"1")
    (place.root / "link").symlink_to("real")
    with pytest.raises(SiloRefused, match="symbolic link"):
        place.silo().read("link", 0, 1)
