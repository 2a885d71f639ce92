"""ext2, ext3 and ext4: every layout that mke2fs makes, against what debugfs and the kernel see."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import struct
import subprocess

import pytest
from conformance.silo_suite import paths, walked
from harness import images
from harness.images import MIB

from catalog import text
from catalog.errors import SiloError, SiloRefused, SiloUnreadable
from catalog.silos.registry import open_silo


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A tree with something of everything; returned as bytes, for names that are no text."""
    root = os.fsencode(tmp_path_factory.mktemp("ext") / "tree")
    os.makedirs(root + b"/a/b/c")
    os.makedirs(root + b"/empty")
    os.makedirs(root + b"/many")
    contents = {
        b"tiny": b"t", b"zero": b"", b"a/x.csv": b"a,b\n1,2\n" * 4000, b"a/b/c/deep.txt": b"deep",
        b"blocks.bin": bytes(range(256)) * 4096, b"a/latin-\xe9": b"1", b"a/\xff\xfe": b"2", b"a/new\nline": b"3",
        "a/grüße-日本-🦊".encode(): b"4", "a/\u201b27 quoted".encode(): b"5", b"a/back\\slash": b"6",
    }  # fmt: skip
    for number in range(700):
        contents[b"many/a-file-with-a-name-of-some-length-%04d" % number] = b"%d" % number
    for path, data in contents.items():
        with open(root + b"/" + path, "wb") as file:
            file.write(data)
    with open(root + b"/sparse", "wb") as file:
        file.seek(40 * MIB)
        file.write(b"end")
    os.link(root + b"/tiny", root + b"/hard")
    os.symlink("a/x.csv", root + b"/link")
    os.symlink("n" * 100, root + b"/long-link")
    os.symlink("..", root + b"/a/up")
    os.mkfifo(root + b"/pipe")
    with socket.socket(socket.AF_UNIX) as one:
        here = os.getcwd()
        os.chdir(root)
        one.bind("sock")
        os.chdir(here)
    os.utime(root + b"/zero", (0, -5))
    os.utime(root + b"/tiny", (0, 1_234_567_890))
    return root


def files_of(root: bytes) -> dict[str, tuple[int, int, str]]:
    """Size, time and digest of every regular file of a real tree, by its path as the catalog keeps it."""
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = folder + b"/" + name
            seen = os.lstat(path)
            if seen.st_mode >> 12 == 8:
                told = text.name_to_text(os.fsdecode(path[len(root) + 1 :]))
                with open(path, "rb") as file:
                    found[told] = seen.st_size, seen.st_mtime_ns, hashlib.md5(file.read()).hexdigest()
    return found


def read(silo) -> dict[str, tuple[int, int, str]]:
    """The same of a silo."""
    found = {}
    for path, listing in walked(silo).items():
        assert listing.complete, listing.failure
        for name, size, mtime in zip(listing.names, listing.sizes, listing.mtimes, strict=True):
            whole = f"{path}/{name}" if path else name
            with silo.open(whole) as file:
                found[whole] = size, mtime, hashlib.md5(file.read()).hexdigest()
    return found


LAYOUTS = {
    "ext2": ("ext2",),
    "ext3": ("ext3",),
    "ext4": ("ext4",),
    "blocks of 1024": ("ext4", "-b", 1024),
    "blocks of 2048": ("ext4", "-b", 2048),
    "inodes of 128": ("ext4", "-I", 128),
    "inodes of 1024": ("ext4", "-b", 4096, "-I", 1024),
    "data in inodes": ("ext4", "-O", "inline_data"),
    "no extents": ("ext4", "-O", "^extent,^64bit"),
    "no 64 bits": ("ext4", "-O", "^64bit"),
    "no types in entries": ("ext2", "-O", "^filetype"),
    "revision 0": ("ext2", "-r", 0),
    "no flexible groups": ("ext4", "-O", "^flex_bg,^metadata_csum,uninit_bg"),
    "few superblocks": ("ext4", "-O", "sparse_super2"),
    "names of any case": ("ext4", "-O", "casefold"),
    "large attributes": ("ext4", "-O", "ea_inode"),
    "no hash trees": ("ext4", "-O", "^dir_index"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_reads_the_same(tmp_path, tree, layout):
    kind, *options = LAYOUTS[layout]
    silo = open_silo(f"block://{images.ext(tmp_path / 'd', tree, 64 * MIB, kind, *options)}")
    wanted = {
        path: (size, mtime // 10**9 * 10**9, digest) for path, (size, mtime, digest) in files_of(tree).items()
    }  # mke2fs copies whole seconds
    assert read(silo) == wanted
    found = walked(silo)
    assert found[""].skipped == {"symlink": 2, "fifo": 1, "socket": 1} and found["a"].skipped == {"symlink": 1}
    assert found[""].directories == ["a", "empty", "lost+found", "many"]


def test_links_devices_and_pipes_are_no_files(tmp_path, tree):
    silo = open_silo(f"block://{images.ext(tmp_path / 'd', tree, 64 * MIB)}")
    for path in ("link", "long-link", "pipe", "sock", "a/up", "a/up/tiny"):
        with pytest.raises(SiloError):
            silo.read(path, 0, 1)


def test_the_listing_is_that_of_debugfs(tmp_path, tree):
    image = images.ext(tmp_path / "d", tree, 64 * MIB)
    told = images.run("debugfs", "-R", "ls -p /many", image)
    sizes = {
        fields[5]: int(fields[6]) for line in told.splitlines() if len(fields := line.split("/")) > 7 and fields[6]
    }
    listing = walked(open_silo(f"block://{image}"))["many"]
    assert dict(zip(listing.names, listing.sizes, strict=True)) == sizes


def test_the_listing_is_that_of_fls(tmp_path, tree):
    image = images.ext(tmp_path / "d", tree, 64 * MIB)
    told = images.run("fls", "-r", "-p", "-u", "-F", image)
    names = {line.partition("\t")[2] for line in told.splitlines() if line.startswith("r/r")}
    plain = {path for path in paths(walked(open_silo(f"block://{image}"))) if path.isascii() and "\n" not in path}
    assert plain == {name for name in names if name.isascii() and "^" not in name and not name.startswith("$")} - {
        "a/new"
    }


def test_what_the_kernel_wrote_is_what_it_reads(tmp_path, tree):
    """Times in nanoseconds, a directory with deleted entries and a hash tree, files in many pieces, holes, deep folders."""
    mount = tmp_path / "mount"
    mount.mkdir()
    image = images.ext(tmp_path / "d", None, 128 * MIB)
    if os.geteuid() or subprocess.run(["mount", "-o", "loop", image, mount], capture_output=True).returncode:
        pytest.skip("this machine lets no one mount an image")
    try:
        subprocess.run(["cp", "-a", os.fsdecode(tree) + "/.", mount], check=True)
        (mount / "huge").mkdir()
        for number in range(6000):
            (mount / "huge" / f"a-file-with-a-rather-long-name-{number:06}.parquet").touch()
        for number in range(0, 6000, 3):
            (mount / "huge" / f"a-file-with-a-rather-long-name-{number:06}.parquet").unlink()
        with open(mount / "one", "wb") as one, open(mount / "other", "wb") as other:
            for number in range(300):  # by turns, so that each lies in many pieces
                for file in (one, other):
                    file.write(bytes([number % 251]) * 4096)
                    file.flush()
                    os.fsync(file.fileno())
        with open(mount / "later", "wb") as file:
            os.posix_fallocate(file.fileno(), 0, MIB)
            file.write(b"begun")
        os.utime(mount / "tiny", ns=(1, 5_000_000_000_123_456_789))
        os.utime(mount / "zero", ns=(1, -86_400_000_000_001))
        deep = mount / "/".join(f"deep{number}" for number in range(40))
        deep.mkdir(parents=True)
        (deep / "bottom").write_text("b")
        wanted = files_of(os.fsencode(mount))
        times = {p: os.stat(mount / p).st_mtime_ns for p in ("huge", "many", "a/b")}
    finally:
        subprocess.run(["umount", mount], check=True)
    silo = open_silo(f"block://{image}")
    assert read(silo) == wanted
    found = walked(silo)
    assert {path: found[path].mtime_ns for path in times} == times
    assert found[""].skipped == {"symlink": 2, "fifo": 1, "socket": 1}


def test_a_deleted_file_is_gone(tmp_path, tree):
    image = images.ext(tmp_path / "d", tree, 64 * MIB)
    images.run("debugfs", "-w", "-R", "rm tiny", image)
    assert "tiny" not in walked(open_silo(f"block://{image}"))[""].names


def test_a_filesystem_that_was_not_unmounted_says_so(tmp_path):
    image = images.ext(tmp_path / "d")
    images.write_at(image, 1024 + 58, b"\0\0")
    assert open_silo(f"block://{image}").layers()[1].facts["state"] == "not unmounted cleanly"
    incompat = struct.unpack("<I", image.read_bytes()[1024 + 96 : 1024 + 100])[0]
    images.write_at(image, 1024 + 96, struct.pack("<I", incompat | 4))
    assert "journal" in open_silo(f"block://{image}").layers()[1].facts["state"]


# ---------------------------------------------------------------- encryption


def test_what_is_encrypted_is_not_handed_out(tmp_path, tree):
    image = images.ext(tmp_path / "d", tree, 64 * MIB, "ext4", "-O", "encrypt")
    for path in ("tiny", "a/b"):
        flags = int(re.search(r"Flags: 0x(\w+)", images.run("debugfs", "-R", f"stat {path}", image))[1], 16)
        images.run("debugfs", "-w", "-R", f"set_inode_field {path} flags {flags | 0x800}", image)
    silo = open_silo(f"block://{image}")
    found = walked(silo)
    assert "encrypted" in found["a/b"].failure.reason and found["a"].complete
    with pytest.raises(SiloRefused, match="encrypted"):
        silo.read("tiny", 0, 1)
    with pytest.raises(SiloRefused, match="encrypted"):
        silo.open("tiny")


# ---------------------------------------------------------------- damage, one kind at a time


@pytest.fixture
def small(tmp_path):
    """An image of a folder `d` with three files and a folder; blocks of 1024 bytes, so that one block is one folder."""
    root = tmp_path / "tree"
    (root / "d" / "sub").mkdir(parents=True)
    for name in ("one", "two", "three"):
        (root / "d" / name).write_text(name)
    (root / "other").mkdir()
    (root / "other" / "file").write_text("kept")
    return images.ext(tmp_path / "d.img", root, 4 * MIB, "ext4", "-b", 1024, "-O", "^metadata_csum")


def inode_of(image, path):
    return int(re.search(r"Inode: (\d+)", images.run("debugfs", "-R", f"stat {path}", image))[1])


def block_of(image, path):
    return int(images.run("debugfs", "-R", f"blocks {path}", image).split()[0])


def entry_of(image, folder, name):
    """Where the entry of `name` stands in the image."""
    at = block_of(image, folder) * 1024
    block = image.read_bytes()[at : at + 1024]
    return at + block.index(name) - 8


def inode_at(image, path):
    """Where the inode of `path` stands in the image."""
    told = re.search(r"located at block (\d+), offset 0x(\w+)", images.run("debugfs", "-R", f"imap {path}", image))
    return int(told[1]) * 1024 + int(told[2], 16)


def listed(image):
    silo = open_silo(f"block://{image}")
    found = walked(silo)
    assert paths(found).count("other/file") == 1 and silo.read("other/file", 0, 9) == b"kept"
    return found


def test_an_entry_with_a_slash_in_its_name_is_left_out_and_said_to_be(small):
    images.write_at(small, entry_of(small, "d", b"two") + 8, b"t/o")
    folder = listed(small)["d"]
    assert folder.names == ["one", "three"] and "'/'" in folder.failure.reason


def test_an_entry_with_a_null_in_its_name_is_left_out_and_said_to_be(small):
    images.write_at(small, entry_of(small, "d", b"two") + 8, b"t\0o")
    folder = listed(small)["d"]
    assert folder.names == ["one", "three"] and "null" in folder.failure.reason


def test_two_entries_of_one_name_are_one(small):
    images.write_at(small, entry_of(small, "d", b"two") + 8, b"one")
    folder = listed(small)["d"]
    assert folder.names == ["one", "three"] and "one name" in folder.failure.reason


def test_a_folder_and_a_file_of_one_name_are_one(small):
    images.write_at(small, entry_of(small, "d", b"two") + 8, b"sub")
    found = listed(small)
    assert found["d"].names == ["one", "sub", "three"] and not found["d"].directories and "d/sub" not in found


def test_an_entry_that_leads_out_of_the_filesystem(small):
    images.write_at(small, entry_of(small, "d", b"two"), struct.pack("<I", 4_000_000_000))
    folder = listed(small)["d"]
    assert folder.names == ["one", "three"] and "leads out" in folder.failure.reason


def test_an_entry_that_leads_to_a_deleted_file(small):
    images.write_at(small, inode_at(small, "d/two") + 26, b"\0\0")  # its count of links
    folder = listed(small)["d"]
    assert folder.names == ["one", "three"] and "is gone" in folder.failure.reason


def test_a_folder_within_itself_is_entered_once(small):
    images.write_at(small, entry_of(small, "d", b"sub"), struct.pack("<I", inode_of(small, "d")))
    found = listed(small)
    assert found["d"].complete and "met before" in found["d/sub"].failure.reason


def test_a_folder_that_stands_in_two_places_is_entered_once(small):
    images.write_at(small, entry_of(small, "d", b"sub"), struct.pack("<I", inode_of(small, "other")))
    found = walked(open_silo(f"block://{small}"))
    assert [path for path in paths(found) if path.endswith("file")] == ["other/file"] or "d/sub" in found
    assert sum(one.failure is not None and "met before" in one.failure.reason for one in found.values()) == 1


def test_a_block_that_is_damaged_loses_the_rest_of_itself(small):
    images.write_at(small, entry_of(small, "d", b"two") + 4, b"\x03\x00")
    folder = listed(small)["d"]
    assert "a block of it is damaged" in folder.failure.reason and not folder.complete


def test_a_folder_that_says_it_is_endless(small):
    at = inode_at(small, "d") + 4
    for size in (b"\xff\xff\xff\x7f", b"\x00\x00\x00\x40", b"\x00\x00\x10\x00"):
        images.write_at(small, at, size)
        folder = listed(small)["d"]
        assert not folder.complete and "one" in folder.names


def test_a_file_may_say_any_size(small):
    at = inode_at(small, "d/one")
    for low, high, told in ((0xFFFFFFFF, 0x7FFFFFFF, 2**63 - 1), (0, 0x80000000, None), (0, 1, 2**32)):
        images.write_at(small, at + 4, struct.pack("<I", low))
        images.write_at(small, at + 108, struct.pack("<I", high))
        folder = listed(small)["d"]
        assert folder.sizes[folder.names.index("one")] == told and folder.complete
        silo = open_silo(f"block://{small}")
        try:
            assert silo.read("d/one", 0, 3) in (b"one", b"")
            silo.read("d/one", 2**40, 3)
            silo.read("d/one", -3, 3)
        except SiloUnreadable:
            pass


def test_a_hole_in_a_folder_is_damage(small):
    at = inode_at(small, "d")
    images.write_at(small, at + 4, struct.pack("<I", 4096))  # three blocks more than it has
    folder = listed(small)["d"]
    assert folder.names == ["one", "three", "two"] and not folder.complete


def test_a_block_group_that_is_not_there(small):
    images.write_at(small, 2 * 1024 + 8, struct.pack("<I", 0xFFFFFFF0))  # where its inode table begins
    with pytest.raises(SiloUnreadable):
        walked(open_silo(f"block://{small}"))


def test_folders_beyond_a_sane_depth_are_not_entered(tmp_path, monkeypatch):
    monkeypatch.setattr("catalog.silos.block.walk._LONGEST", 300)
    root = tmp_path / "tree"
    deep = root / "/".join(["n" * 100] * 4)
    deep.mkdir(parents=True)
    found = walked(open_silo(f"block://{images.ext(tmp_path / 'd', root)}"))
    assert "nested too deeply" in found["/".join(["n" * 100] * 3)].failure.reason
    assert "/".join(["n" * 100] * 4) not in found


def test_folders_that_take_more_room_than_there_is_end_the_walk(tmp_path, monkeypatch):
    monkeypatch.setattr("catalog.silos.block.silo._SPARE", 0)
    monkeypatch.setattr("catalog.silos.block.walk.AT_ONCE", 1)
    root = tmp_path / "tree"
    for number in range(400):
        (root / f"d{number:03}").mkdir(parents=True)
    image = images.ext(tmp_path / "d", root, 4 * MIB, "ext4", "-b", 1024, "-O", "^metadata_csum")
    for number in range(400):  # each says that it is the first megabyte of the image
        at = inode_at(image, f"d{number:03}")
        images.write_at(image, at + 4, struct.pack("<I", MIB))
        images.write_at(image, at + 40 + 12, struct.pack("<IHHI", 0, 1024, 0, 0))
    found = walked(open_silo(f"block://{image}"))
    reasons = [one.failure.reason for one in found.values() if one.failure]
    assert sum("more room than there is" in reason for reason in reasons) > 300


def test_a_folder_of_very_many_files(tmp_path):
    """200,000 names: The Sleuth Kit's own listing would compare each with all before it."""
    count, each = 200_000, 4096 // 20
    names = [b"%012d" % number for number in range(count)]
    blocks = bytearray()
    for start in range(0, count, each):
        block = bytearray(b"".join(struct.pack("<IHBB", 12, 20, 12, 1) + name for name in names[start : start + each]))
        block[-16:-14] = struct.pack("<H", 4096 - len(block) + 20)  # the last entry reaches to the end
        blocks += block.ljust(4096, b"\0")
    root = tmp_path / "tree"
    root.mkdir()
    (root / "a-file").write_text("x")
    (root / "names").write_bytes(blocks)
    image = images.ext(tmp_path / "d", root, 64 * MIB, "ext4", "-b", 4096, "-O", "^metadata_csum")
    assert inode_of(image, "a-file") == 12
    images.run("debugfs", "-w", "-R", "set_inode_field names mode 040755", image)
    silo = open_silo(f"block://{image}")
    pieces = [listing for listing in silo.walk() if listing.path == "names"]
    assert [name.encode() for piece in pieces for name in piece.names] == names
    assert len(pieces) == 4 and all(piece.complete for piece in pieces)
    assert silo.read("names/000000199999", 0, 9) == b"x"
