"""Disk images as silos: the contract on three filesystems, whole and in partitions, and what a disk may hold."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conformance.silo_suite import SiloSuite, check_listing, paths, walked
from harness import images
from harness.images import MIB

from catalog.errors import EntryMissing, SiloError, SiloUnreachable, SiloUnreadable, UsageError
from catalog.silos.base import Layered
from catalog.silos.block.silo import BlockSilo, from_url, to_url
from catalog.silos.registry import normalise, open_silo, settled

_BUILT: dict[tuple, Path] = {}
"""Images by what is in them: most tests of the suite look at a few trees."""


class ImagePlace:
    """A tree that is made into an image anew when a test changes it."""

    cannot_hold: frozenset[str] = frozenset()

    def __init__(self, folder: Path, built: Path, kind: str, partition: int | None) -> None:
        self.tree = folder / "tree"
        self.tree.mkdir()
        self.image = folder / "disk.img"
        self.kind, self.partition, self.built = kind, partition, built
        self.files: dict[str, bytes] = {}
        self.watched = False
        if kind == "fat":
            self.cannot_hold = frozenset(
                {"question?mark.csv", "quote'\"quote", "star*star", "back\\slash", "co:lon=equals,comma;semi@at!"}
                | {"emoji-🦊"}  # mtools knows the Basic Multilingual Plane alone
            )

    def put(self, path: str, data: bytes) -> None:
        target = self.tree / path
        target.parent.mkdir(parents=True, exist_ok=True)
        before = target.parent.stat().st_mtime_ns
        target.write_bytes(data)
        if self.watched:  # mke2fs copies whole seconds, so the next change is one later
            os.utime(target.parent, ns=(before + 10**9, before + 10**9))
        self.files[path] = data
        self._changed()

    def remove(self, path: str) -> None:
        target = self.tree / path
        target.unlink()
        while target.parent != self.tree and not os.listdir(target.parent):
            target = target.parent
            target.rmdir()
        del self.files[path]
        self._changed()

    def silo(self) -> BlockSilo:
        self.watched = True
        self._changed()
        options = {"partition": str(self.partition)} if self.partition else {}
        return open_silo(f"block://{self.image}", options)

    def missing(self) -> BlockSilo:
        return open_silo(f"block://{self.image.parent}/not/there.img")

    def _changed(self) -> None:
        if self.watched:
            link = self.image.with_suffix(".new")
            link.symlink_to(self._built())
            os.replace(link, self.image)

    def _built(self) -> Path:
        key = self.kind, self.partition, tuple(sorted(self.files.items()))
        if key not in _BUILT:
            path = self._made(self.built / f"{len(_BUILT)}.img")
            if self.partition:
                disk = path.with_suffix(".disk")
                path = images.gpt(disk, [(self.partition, MIB, path)], size=path.stat().st_size + 3 * MIB)
            _BUILT[key] = path
        return _BUILT[key]

    def _made(self, path: Path) -> Path:
        if self.kind == "ext4":
            images.ext(path, self.tree, 16 * MIB)
            images.run("debugfs", "-w", "-R", "rmdir lost+found", path)
            return path
        return images.fat(path, self.tree) if self.kind == "fat" else images.ntfs(path, self.tree)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    yield tmp_path_factory.mktemp("built")
    _BUILT.clear()


class ImageSuite(SiloSuite):
    """The contract; ranges are read in one go, since each silo starts a process."""

    @pytest.mark.parametrize("data", [b"0123456789", b"x", b""])
    def test_reading_a_range_is_slicing(self, place, data):
        place.put("file", data)
        silo = place.silo()
        for offset in (0, 1, 3, 9, 10, 11, 5000, -1, -3, -10, -11, -5000):
            for length in (0, 1, 4, 10, 5000):
                assert silo.read("file", offset, length) == data[offset:][:length], (offset, length)


class TestExt4(ImageSuite):
    @pytest.fixture
    def place(self, tmp_path, built):
        return ImagePlace(tmp_path, built, "ext4", None)


class TestExt4Partition(ImageSuite):
    @pytest.fixture
    def place(self, tmp_path, built):
        return ImagePlace(tmp_path, built, "ext4", 2)


class TestFat(ImageSuite):
    @pytest.fixture
    def place(self, tmp_path, built):
        return ImagePlace(tmp_path, built, "fat", None)


class TestFatPartition(ImageSuite):
    @pytest.fixture
    def place(self, tmp_path, built):
        return ImagePlace(tmp_path, built, "fat", 1)


class TestNtfs(ImageSuite):
    @pytest.fixture
    def place(self, tmp_path, built):
        return ImagePlace(tmp_path, built, "ntfs", None)


class TestNtfsPartition(ImageSuite):
    @pytest.fixture
    def place(self, tmp_path, built):
        return ImagePlace(tmp_path, built, "ntfs", 128)


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("block:///data/disk.img", "block:///data/disk.img"),
        ("block:///data/disk.img/", "block:///data/disk.img"),
        ("block:/data//disk.img", "block:///data/disk.img"),
        ("BLOCK://localhost/dev/sdb", "block:///dev/sdb"),
        ("block:///data/disk.img/p2/raw", "block:///data/disk.img/p2/raw"),
        ("block:///with%20space/100%25.img", "block:///with%20space/100%25.img"),
    ],
)
def test_one_spelling_is_kept(given, url):
    assert normalise(given) == (url, "block") == normalise(url)
    assert to_url(from_url(url)) == url


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("block://host/disk.img", "Three slashes"),
        ("block:disk.img", "block:///"),
        ("blok:///x", "Did you mean block://"),
    ],
)
def test_what_is_no_address_says_what_is(given, hint):
    with pytest.raises(UsageError) as raised:
        open_silo(given)
    assert hint in (raised.value.hint or "")


def test_a_partition_is_written_into_the_address_that_the_catalog_keeps():
    assert settled("block:///d.img", {"partition": "2"}) == ("block:///d.img/p2", "block", {})
    assert settled("block:///d.img", {}) == ("block:///d.img", "block", {})
    assert settled("s3://lake", {"region": "eu"}) == ("s3://lake", "object", {"region": "eu"})
    assert open_silo("block:///d.img", {"partition": "2"}).url == "block:///d.img/p2"


@pytest.mark.parametrize("number", ["0", "-1", "two", "", "1.0", "99999999999", "²"])
def test_what_is_no_partition_number(number):
    with pytest.raises(UsageError, match="partition"):
        open_silo("block:///d.img", {"partition": number})


def test_other_options_are_refused():
    with pytest.raises(UsageError, match="no option 'color'"):
        open_silo("block:///d.img", {"color": "red"})


def test_a_path_to_an_image_is_a_block_silo_and_any_other_file_is_not(tmp_path):
    image = images.ext(tmp_path / "disk.img")
    assert normalise(str(image)) == (to_url(str(image)), "block")
    (tmp_path / "disk.qcow2").write_bytes(b"QFI\xfb\0\0\0\3" + bytes(1000))
    assert normalise(str(tmp_path / "disk.qcow2"))[1] == "block"
    for name, data in (
        ("empty", b""),
        ("text.csv", b"a,b\n" * 5000),
        ("zeros.bin", bytes(2 * MIB)),
        ("x.gz", b"\x1f\x8b\x08\0"),
    ):
        (tmp_path / name).write_bytes(data)
        assert normalise(str(tmp_path / name))[1] == "file", name
    assert normalise(str(tmp_path))[1] == "file" == normalise(str(tmp_path / "not-there"))[1]
    assert normalise(f"{image}/p1/raw") == (f"{to_url(str(image))}/p1/raw", "block")


# ---------------------------------------------------------------- a disk with partitions


@pytest.fixture
def disk(tmp_path):
    """Two filesystems, swap, and nothing."""
    tree = tmp_path / "tree"
    (tree / "raw").mkdir(parents=True)
    (tree / "raw" / "a.csv").write_text("a\n1\n")
    return images.gpt(
        tmp_path / "disk.img",
        [
            (1, MIB, images.fat(tmp_path / "fat", tree, 4 * MIB, 12, "-n", "SHARED")),
            (2, 6 * MIB, images.ext(tmp_path / "ext", tree, 8 * MIB, "ext4", "-L", "DATA")),
            (3, 15 * MIB, images.head("swap")),
            (4, 17 * MIB, images.head("xfs")),
            (7, 18 * MIB, bytes(MIB)),
        ],
    )


def test_a_partitioned_disk_is_a_directory_for_each_partition_with_files(disk):
    silo = open_silo(f"block://{disk}")
    found = walked(silo)
    assert found[""].directories == ["p1", "p2", "p4"] and found[""].skipped == {"swap": 1, "empty": 1}
    assert found[""].complete
    assert paths(found) == ["p1/raw/a.csv", "p2/raw/a.csv"]
    assert found["p4"].failure.reason == "an XFS filesystem, which cannot be read yet"
    assert not found["p4"].failure.retriable
    assert silo.read("p2/raw/a.csv", 0, 9) == silo.read("p1/raw/a.csv", 0, 9) == b"a\n1\n"
    assert silo.uri("p2/raw/a.csv") == f"block://{disk}/p2/raw/a.csv"
    assert silo.namespace() == ("block", str(disk))


def test_its_filesystem_shows_the_partitions_as_folders(disk):
    fs = open_silo(f"block://{disk}").filesystem()
    assert fs.ls("", detail=False) == ["p1", "p2", "p4"]
    assert fs.ls("p2", detail=False) == ["p2/lost+found", "p2/raw"]
    assert fs.cat_file("p1/raw/a.csv") == b"a\n1\n"
    with pytest.raises(OSError, match="XFS"):
        fs.ls("p4")
    with pytest.raises(FileNotFoundError):
        fs.ls("p3")


@pytest.mark.parametrize("prefix", ["p2", "p2/raw"])
def test_a_prefix_lists_a_part(disk, prefix):
    assert paths(walked(open_silo(f"block://{disk}"), prefix)) == ["p2/raw/a.csv"]


@pytest.mark.parametrize("inside", ["p2", "p2/raw"])
def test_a_silo_may_begin_inside_of_an_image(disk, inside):
    silo = open_silo(f"block://{disk}/{inside}")
    (path,) = paths(walked(silo))
    assert f"{inside}/{path}" == "p2/raw/a.csv"
    assert silo.read(path, 0, 9) == b"a\n1\n"
    assert silo.uri(path) == f"block://{disk}/p2/raw/a.csv"
    assert silo.namespace() == ("block", f"{disk}/{inside}")


@pytest.mark.parametrize(
    ("inside", "message", "error"),
    [
        ("p3", "swap space, and no files", SiloUnreachable),
        ("p7", "nothing but zeros, and no files", SiloUnreachable),
        ("p9", "no partition behind 'p9'", SiloUnreachable),
        ("data", "no partition behind 'data'", SiloUnreachable),
        ("p2/nothing", "no folder 'p2/nothing'", SiloUnreachable),
        ("p2/raw/a.csv", "no folder 'p2/raw/a.csv'", SiloUnreachable),
        ("p4", "XFS filesystem, which cannot be read yet", SiloUnreadable),
    ],
)
def test_where_a_silo_cannot_begin(disk, inside, message, error):
    with pytest.raises(error, match=message) as raised:
        walked(open_silo(f"block://{disk}/{inside}"))
    assert raised.value.exit_code == 5


def test_a_whole_disk_has_no_partition_to_choose(tmp_path):
    image = images.ext(tmp_path / "disk.img")
    with pytest.raises(SiloUnreachable) as raised:
        walked(open_silo(f"block://{image}", {"partition": "1"}))
    assert "no partitions" in raised.value.hint


def test_directories_a_quick_crawl_trusts_are_passed_over_in_every_partition(disk):
    silo = open_silo(f"block://{disk}")
    first = walked(silo)

    def unchanged(path, mtime_ns):
        assert first[path].mtime_ns == mtime_ns
        return list(first[path].directories)

    again = [listing.path for listing in silo.walk("", unchanged)]
    # The root and FAT's folders have no times; the failure is told again.
    assert again == ["", "p1", "p1/raw", "p4"]


# ---------------------------------------------------------------- what lies below


def test_layers_tell_what_lies_on_what(disk):
    silo = open_silo(f"block://{disk}")
    assert isinstance(silo, Layered)
    layers = silo.layers()
    assert [(one.kind, *one.identity, one.prefix, one.above) for one in layers] == [
        ("volume", "file", str(disk), "", None),
        ("partition", "partition", f"{disk}/p1", "p1", 0),
        ("filesystem", "filesystem", f"{disk}/p1", "p1", 1),
        ("partition", "partition", f"{disk}/p2", "p2", 0),
        ("filesystem", "filesystem", f"{disk}/p2", "p2", 3),
        ("partition", "partition", f"{disk}/p3", "p3", 0),
        ("partition", "partition", f"{disk}/p4", "p4", 0),
        ("filesystem", "filesystem", f"{disk}/p4", "p4", 6),
        ("partition", "partition", f"{disk}/p7", "p7", 0),
    ]
    volume, _, shared, second, data = layers[:5]
    assert volume.bytes == disk.stat().st_size and volume.facts["table"] == "gpt" and volume.facts["sector"] == 512
    assert (second.bytes, second.facts["offset"], second.facts["type"]) == (8 * MIB, 6 * MIB, "Linux filesystem")
    assert (shared.title, shared.facts["type"]) == ("SHARED", "fat12")
    assert (data.title, data.bytes, data.facts["type"], data.facts["state"]) == ("DATA", 8 * MIB, "ext4", "clean")
    assert len(data.facts["uuid"]) == 36
    assert layers[7].facts["label"] == "XDATA" and "cannot be read" in layers[6].facts["problem"]
    assert len({one.identity for one in layers}) == len(layers)


def test_layers_of_one_partition_are_those_below_it(disk):
    layers = open_silo(f"block://{disk}/p2/raw").layers()
    assert [(one.kind, one.prefix, one.above) for one in layers] == [
        ("volume", "", None), ("partition", "", 0), ("filesystem", "", 1),
    ]  # fmt: skip
    assert layers[2].identity == ("filesystem", f"{disk}/p2")


def test_layers_of_a_whole_disk(tmp_path):
    image = images.ext(tmp_path / "disk.img", None, 8 * MIB, "ext4", "-U", "6c4bd2a9-6c11-4a34-9c1f-d6a3b2a54af0")
    volume, filesystem = open_silo(f"block://{image}").layers()
    assert volume.identity == ("file", str(image)) and filesystem.identity == ("filesystem", str(image))
    assert filesystem.above == 0 and filesystem.facts["uuid"] == "6c4bd2a9-6c11-4a34-9c1f-d6a3b2a54af0"


def test_a_clone_of_an_image_is_another_filesystem(disk, tmp_path):
    clone = tmp_path / "clone.img"
    shutil.copyfile(disk, clone)
    one, other = (open_silo(f"block://{path}").layers() for path in (disk, clone))
    assert [layer.facts for layer in one][1:] == [layer.facts for layer in other][1:]
    assert not {layer.identity for layer in one} & {layer.identity for layer in other}


def test_hostile_labels_cannot_reach_a_terminal(tmp_path):
    image = images.ext(tmp_path / "disk.img", None, 8 * MIB, "ext4", "-L", "a\x1b[31mb")
    (_, filesystem) = open_silo(f"block://{image}").layers()
    assert "\x1b" not in filesystem.title + str(filesystem.facts)


def test_test_tells_the_layers(disk):
    reached = open_silo(f"block://{disk}").test()
    assert [one.kind for one in reached.layers[:3]] == ["volume", "partition", "filesystem"]
    assert reached.readable and reached.sample == ("p1/raw/a.csv", "p2/raw/a.csv")


# ---------------------------------------------------------------- reading only


def test_nothing_is_written_and_nothing_stays_open(disk):
    os.chmod(disk, 0o444)
    before = disk.read_bytes(), disk.stat().st_mtime_ns
    silo = open_silo(f"block://{disk}")
    held = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
    walked(silo)
    silo.read("p1/raw/a.csv", 0, 1)
    with silo.open("p2/raw/a.csv") as file:
        assert file.read() == b"a\n1\n"
    for descriptor in os.listdir("/proc/self/fd") if held else ():
        path = f"/proc/self/fdinfo/{descriptor}"
        if os.path.exists(path) and os.path.realpath(f"/proc/self/fd/{descriptor}") == str(disk):
            flags = int(Path(path).read_text().split("flags:")[1].split()[0], 8)
            assert flags & os.O_ACCMODE == os.O_RDONLY
    process = silo._kept.reader._process
    assert process.poll() is None
    silo.close()
    assert process.poll() is not None
    assert not held or len(os.listdir("/proc/self/fd")) == held
    assert (disk.read_bytes(), disk.stat().st_mtime_ns) == before


def test_an_open_file_stays_what_it_was_when_the_image_is_replaced(tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "x").write_bytes(b"one")
    image = images.ext(tmp_path / "disk.img", tree)
    silo = open_silo(f"block://{image}")
    file = silo.open("x")
    (tree / "x").write_bytes(b"two")
    os.replace(images.ext(tmp_path / "new.img", tree), image)
    assert silo.read("x", 0, 3) == b"two"
    assert file.read() == b"one"


def test_a_walk_goes_on_in_the_image_it_began_in(tmp_path):
    tree = tmp_path / "tree"
    for name in ("a", "b"):
        (tree / name).mkdir(parents=True)
        (tree / name / "x").write_bytes(b"1")
    image = images.ext(tmp_path / "disk.img", tree)
    silo = open_silo(f"block://{image}")
    seen = []
    for listing in silo.walk():
        check_listing(listing)
        seen.append(listing.path)
        if not listing.path:
            os.replace(images.ext(tmp_path / "new.img"), image)
            assert paths(walked(silo)) == []
    assert seen == ["", "a", "b", "lost+found"]


# ---------------------------------------------------------------- what cannot be read


def test_an_image_without_permission_is_refused(tmp_path):
    image = images.ext(tmp_path / "disk.img")
    os.chmod(image, 0)
    script = (
        "import os, sys\n"
        "from catalog.silos.registry import open_silo\n"
        "silo = open_silo(sys.argv[1])\n"
        "os.geteuid() == 0 and (os.setgroups([]), os.setgid(65534), os.setuid(65534))\n"
        "try: list(silo.walk())\n"
        "except Exception as error: print(type(error).__name__, error, error.hint)"
    )
    for folder in (tmp_path, *tmp_path.parents):  # nobody must reach it
        if folder.stat().st_uid == os.geteuid() and folder.name:
            folder.chmod(folder.stat().st_mode | 0o711)
    done = subprocess.run([sys.executable, "-c", script, f"block://{image}"], capture_output=True, text=True)
    assert done.stdout.startswith("SiloRefused") and "permission denied" in done.stdout, done.stdout + done.stderr


def _qcow2(path):
    path.write_bytes(b"QFI\xfb\0\0\0\3" + bytes(100_000))


def _vmdk(path):
    path.write_bytes(b"KDMV\1\0\0\0" + bytes(100_000))


def _vhdx(path):
    path.write_bytes(b"vhdxfile" + bytes(100_000))


def _gzip(path):
    path.write_bytes(b"\x1f\x8b\x08\0" + bytes(100_000))


def _empty(path):
    path.write_bytes(b"")


def _zeros(path):
    images.blank(path, 10 * MIB)


def _noise(path):
    path.write_bytes(b"These are words, and no disk. " * 10_000)


def _folder(path):
    path.mkdir()


def _pipe(path):
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "message", "hint"),
    [
        (_qcow2, "is a qcow2 image, which cannot be read yet", "qemu-img convert -O raw"),
        (_vmdk, "is a VMDK image, which cannot be read yet", "qemu-img convert -O raw"),
        (_vhdx, "is a VHDX image, which cannot be read yet", "qemu-img convert -O raw"),
        (_gzip, "compressed with gzip", "gzip -dc"),
        (_empty, "is empty", "copied"),
        (_zeros, "holds nothing", "right image"),
        (_noise, "no partition table and no filesystem that can be read", "file -s"),
        (_folder, "is a folder, not a disk image", "catalog silo add"),
        (_pipe, "neither a file nor a block device", "raw disk image"),
    ],
)
def test_what_is_no_raw_image_is_named(tmp_path, make, message, hint):
    path = tmp_path / "the disk.img"
    make(path)
    silo = open_silo(f"block://{path}".replace(" ", "%20"))
    for attempt in (lambda: walked(silo), silo.test, silo.layers, lambda: silo.read("x", 0, 1)):
        with pytest.raises(SiloUnreadable, match=message) as raised:
            attempt()
        assert hint in raised.value.hint and raised.value.exit_code == 5
        assert "'" in hint or "convert" not in hint or f"'{path}'" in raised.value.hint


@pytest.mark.parametrize("name", ["xfs", "btrfs", "luks", "lvm", "squashfs", "iso9660", "metabg", "bigalloc"])
def test_a_whole_disk_of_another_kind_says_which(tmp_path, name):
    image = tmp_path / "disk.img"
    image.write_bytes(images.head(name))
    with pytest.raises(SiloUnreadable, match=r"cannot be read (yet|without)") as raised:
        walked(open_silo(f"block://{image}"))
    assert raised.value.hint


def test_a_disk_of_swap_alone_has_no_files(tmp_path):
    image = tmp_path / "disk.img"
    image.write_bytes(images.head("swap"))
    with pytest.raises(SiloUnreadable, match="swap space, and no files"):
        walked(open_silo(f"block://{image}"))


def test_a_truncated_disk_is_listed_as_far_as_it_goes(disk):
    os.truncate(disk, 10 * MIB)
    silo = open_silo(f"block://{disk}")
    found = walked(silo)
    assert found["p1"].complete and paths(found)[0] == "p1/raw/a.csv"
    assert not found["p2"].complete and "truncated" in found["p2"].failure.reason
    assert "ends before this partition begins" in found["p4"].failure.reason
    assert "ends before this partition begins" in found["p3"].failure.reason


def test_a_truncated_filesystem_is_listed_as_far_as_it_goes(tmp_path):
    tree = tmp_path / "tree"
    (tree / "a").mkdir(parents=True)
    (tree / "a" / "x").write_bytes(b"1")
    (tree / "big").write_bytes(bytes(range(256)) * 20_000)
    image = images.ext(tmp_path / "disk.img", tree, 16 * MIB)
    os.truncate(image, 4 * MIB)
    silo = open_silo(f"block://{image}")
    found = walked(silo)
    assert "big" in found[""].names and "truncated" in found[""].failure.reason
    with pytest.raises(SiloError):
        while True:
            silo.read("big", 4 * MIB, 100_000)
            silo.read("big", 5_000_000, 100_000)
            break
        raise SiloUnreadable("all of it was there")


@pytest.mark.parametrize(
    ("offset", "data", "message"),
    [
        (1024 + 24, b"\xff\xff\xff\xff", "superblock is damaged: its block size"),
        (1024 + 88, b"\x05\x00", "superblock is damaged: its inode size"),
        (1024 + 40, b"\x00\x00\x00\x00", "superblock is damaged: its block groups"),
        (1024, b"\xff\xff\xff\x7f", "superblock is damaged: its count of inodes"),
    ],
)
def test_a_corrupt_superblock_is_named(tmp_path, offset, data, message):
    image = images.ext(tmp_path / "disk.img")
    images.write_at(image, offset, data)
    with pytest.raises(SiloUnreadable, match=message) as raised:
        walked(open_silo(f"block://{image}"))
    assert "copy of the image" in raised.value.hint


def test_a_destroyed_superblock_is_told_by_its_copy(tmp_path):
    image = images.ext(tmp_path / "disk.img", None, 16 * MIB, "ext4", "-b", "1024")
    images.write_at(image, 1024, bytes(1024))
    with pytest.raises(SiloUnreadable, match=r"superblock is destroyed.*e2fsck -b 8193"):
        walked(open_silo(f"block://{image}"))


def test_a_file_that_is_missing(tmp_path):
    silo = open_silo(f"block://{images.ext(tmp_path / 'disk.img')}")
    with pytest.raises(EntryMissing):
        silo.read("nothing", 0, 1)
    os.unlink(tmp_path / "disk.img")
    with pytest.raises(SiloUnreachable, match="no disk image"):
        silo.read("nothing", 0, 1)


def test_a_device_is_read_like_an_image(disk):
    losetup = shutil.which("losetup", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if losetup is None or os.geteuid() != 0:
        pytest.skip("a loop device takes root and losetup")
    made = subprocess.run([losetup, "-r", "-f", "--show", str(disk)], capture_output=True, text=True)
    if made.returncode:
        pytest.skip("this machine gives no loop device")
    device = made.stdout.strip()
    try:
        silo = open_silo(device)
        assert silo.kind == "block" and silo.url == f"block://{device}"
        assert paths(walked(silo)) == ["p1/raw/a.csv", "p2/raw/a.csv"]
        assert silo.layers()[0].facts["type"] == "device"
        assert silo.layers()[0].bytes == disk.stat().st_size
        silo.close()
    finally:
        subprocess.run([losetup, "-d", device], check=True)
