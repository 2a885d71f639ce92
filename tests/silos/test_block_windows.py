"""NTFS, FAT and exFAT: everything that their fixtures hold, and what damage makes of it."""

from __future__ import annotations

import hashlib
import os
import struct
from datetime import UTC, datetime

import pytest
from conformance.silo_suite import paths, walked
from harness import images
from harness.images import MIB

from catalog import text
from catalog.errors import SiloError, SiloRefused, SiloUnreadable
from catalog.silos.registry import open_silo


def nanoseconds(moment: str) -> int:
    whole, _, tenths = moment.partition(".")
    return int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp()) * 10**9 + int(tenths.ljust(9, "0") or 0)


def lines(last: int) -> bytes:
    return b"".join(b"%d\n" % number for number in range(1, last + 1))


@pytest.fixture(scope="module")
def ntfs(tmp_path_factory):
    silo = open_silo(f"block://{images.unpacked('ntfs.img', tmp_path_factory.mktemp('ntfs'))}")
    yield silo
    silo.close()


# ---------------------------------------------------------------- NTFS


def test_ntfs_lists_files_and_counts_what_is_none(ntfs):
    found = walked(ntfs)
    root = found[""]
    assert all(one.complete for one in found.values())
    assert root.directories == ["a", "empty", "many", "packed"]
    # The metadata is $MFT and its kin; two streams are beside a file, one beside a folder.
    assert root.skipped == {"metadata": 11, "symlink": 3, "device": 1, "stream": 3}
    assert "deleted.txt" not in root.names and "pipe" in root.names  # a pipe is an empty system file there
    assert len(found["many"].names) == 267 and len(found["a/b"].names) == 30
    assert found["a/b/c"].names == ["deep.txt"]


def test_ntfs_reads_what_was_written(ntfs):
    assert ntfs.read("resident.txt", 0, 100) == ntfs.read("a/hard.txt", 0, 100) == b"tiny"
    assert ntfs.read("plain.csv", 0, 1 << 20) == lines(20_000)
    assert ntfs.read("streamed.txt", 0, 100) == b"main"
    assert ntfs.read("many/a-file-with-a-rather-long-name-400.parquet", 0, 9) == b"400"
    assert ntfs.read("fox-🦊.txt", 0, 9) == b"f"


def test_ntfs_reads_compressed_files(ntfs):
    data = lines(60_000)
    with ntfs.open("packed/numbers.csv") as file:
        assert hashlib.md5(file.read()).digest() == hashlib.md5(data).digest()
        file.seek(-1000, os.SEEK_END)
        assert file.read() == data[-1000:]
    assert ntfs.read("packed/numbers.csv", 200_001, 5000) == data[200_001:205_001]
    assert ntfs.read("packed/zeros.bin", 250_000, 1 << 20) == bytes(50_000)


def test_ntfs_reads_sparse_files_larger_than_the_disk(ntfs):
    root = walked(ntfs)[""]
    assert root.sizes[root.names.index("sparse.bin")] == 3 * 2**30 + 3
    assert ntfs.read("sparse.bin", 0, 10) == bytes(10)
    assert ntfs.read("sparse.bin", 700 * MIB - 2, 7) == b"\0\0mid\0\0"
    assert ntfs.read("sparse.bin", -5, 5) == b"\0\0end"
    assert ntfs.read("sparse.bin", 3 * 2**30, 99) == b"end"


def test_ntfs_finds_a_file_whose_names_fill_many_records(ntfs):
    found = walked(ntfs)
    root = found[""]
    assert root.sizes[root.names.index("linked-often.txt")] == 6
    assert set(found["a/b"].sizes) == {6}
    assert ntfs.read(f"a/b/{found['a/b'].names[17]}", 0, 9) == b"listed"


def test_ntfs_keeps_times_from_any_century(ntfs):
    root = walked(ntfs)[""]
    times = dict(zip(root.names, root.mtimes, strict=True))
    assert times["old.txt"] == nanoseconds("1969-07-20T20:17:40.5")
    assert times["far.txt"] == nanoseconds("2150-01-01T00:00:00.1234567")
    assert times["resident.txt"] == nanoseconds("2024-02-29T12:34:56.7654321")


def test_ntfs_keeps_names_that_are_no_text(ntfs):
    (name,) = (one for one in walked(ntfs)[""].names if one.startswith("half-"))
    assert name.encode() and text.text_to_name(name).encode("utf-8", "surrogateescape") == b"half-\xed\xa0\xbdQ.txt"
    assert ntfs.read(name, 0, 9) == b"half"
    assert open_silo(ntfs.url).uri(name).endswith("/half-%ED%A0%BDQ.txt")


def test_ntfs_hands_out_no_content_that_it_cannot_have(ntfs):
    assert "wof.txt" in walked(ntfs)[""].names  # packed by Windows in a way of its own
    for attempt in (lambda: ntfs.read("wof.txt", 0, 3), lambda: ntfs.open("wof.txt").read()):
        with pytest.raises(SiloRefused, match="reparse point 80000017"):
            attempt()


def test_ntfs_tells_its_label_and_serial(ntfs):
    facts = ntfs.layers()[1].facts
    assert facts["type"] == "ntfs" and facts["label"] == "Daten Ω" and facts["block"] == 4096
    assert len(facts["uuid"]) == 16


def test_ntfs_is_seen_as_its_driver_sees_it(tmp_path):
    image = images.unpacked("ntfs.img", tmp_path)
    with images.mounted_ntfs(image, "ro") as mount:
        wanted = {
            str(path.relative_to(mount)): (path.stat().st_size, path.stat().st_mtime_ns)
            for path in mount.rglob("*")
            if path.is_file() and not path.is_symlink() and "half-" not in path.name and path.name != "old.txt"
        }
    silo = open_silo(f"block://{image}")
    got = {
        f"{path}/{name}".lstrip("/"): (size, mtime)
        for path, one in walked(silo).items()
        for name, size, mtime in zip(one.names, one.sizes, one.mtimes, strict=True)
        # The driver shows a pipe, has no time before 1970 to the end, and does not know what Windows packed.
        if "half-" not in name and name not in ("pipe", "old.txt", "wof.txt")
    }
    assert got == wanted


def test_ntfs_takes_many_names_in_proportion(tmp_path):
    root = tmp_path / "tree" / "d"
    root.mkdir(parents=True)
    for number in range(8000):
        (root / f"a-file-with-a-rather-long-name-{number:06}").touch()
    silo = open_silo(f"block://{images.ntfs(tmp_path / 'd.img', root.parent, 64 * MIB)}")
    assert walked(silo)["d"].names == [f"a-file-with-a-rather-long-name-{number:06}" for number in range(8000)]


@pytest.fixture
def damaged(tmp_path):
    """An NTFS image to damage, with the places of what is found by a pattern in it."""
    image = images.unpacked("ntfs.img", tmp_path)
    data = image.read_bytes()

    def places(pattern: bytes) -> list[int]:
        found, at = [], data.find(pattern)
        while at >= 0:
            found.append(at)
            at = data.find(pattern, at + 1)
        return found

    return image, places


def test_an_index_that_is_torn_is_said_to_be(damaged):
    image, places = damaged
    for at in {at - at % 4096 for at in places("a-file-with-a".encode("utf-16-le"))}:
        if image.read_bytes()[at : at + 4] == b"INDX":
            images.write_at(image, at + 510, b"\xaa\x55")
    found = walked(open_silo(f"block://{image}"))
    assert "index is damaged" in found["many"].failure.reason


def test_a_record_that_is_gone_is_said_to_be(damaged):
    image, places = damaged
    name = "a-file-with-a-rather-long-name-100.parquet".encode("utf-16-le")
    for at in places(name):
        record = at - at % 1024
        if image.read_bytes()[record : record + 4] == b"FILE":
            images.write_at(image, record, b"BAAD")
    many = walked(open_silo(f"block://{image}"))["many"]
    assert "gone" in many.failure.reason and len(many.names) == 266


@pytest.mark.parametrize(
    ("offset", "data", "message"),
    [
        (11, b"\x07\x00", "its sizes make no sense"),
        (48, b"\xff" * 8, "its file table is outside"),
        (48, b"\x00\x10" + bytes(6), "does not begin where it should"),
        (64, b"\x7f", "its file table is outside|sizes"),
    ],
)
def test_a_corrupt_boot_sector_of_ntfs_is_named(damaged, offset, data, message):
    image, _ = damaged
    images.write_at(image, offset, data)
    with pytest.raises(SiloUnreadable, match=f"superblock is damaged: .*({message})"):
        walked(open_silo(f"block://{image}"))


# ---------------------------------------------------------------- FAT


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("fat") / "tree"
    (root / "sub" / "deeper").mkdir(parents=True)
    (root / "empty").mkdir()
    contents = {
        "lower.txt": b"l", "UPPER.TXT": b"u", "MixedCase.Txt": b"m", "A Long Name With Spaces.parquet": b"p",
        "grüße-日本.csv": b"g", "zero": b"", "sub/blocks.bin": bytes(range(256)) * 500, "sub/deeper/deep.txt": b"d",
        "no-extension": b"n", "two.dots.tar.gz": b"t",
    }  # fmt: skip
    contents |= {f"sub/file-with-a-long-name-{number:03}.dat": b"%d" % number for number in range(300)}
    for path, data in contents.items():
        (root / path).write_bytes(data)
        os.utime(root / path, (0, 1_709_210_096))  # 2024-02-29 12:34:56, an even second
    return root


@pytest.mark.parametrize(("bits", "size", "cluster"), [(12, 8 * MIB, 8), (16, 24 * MIB, 4), (32, 64 * MIB, 1)])
def test_fat_of_every_width_reads_the_same(tmp_path, tree, bits, size, cluster):
    image = images.fat(tmp_path / "d", tree, size, bits, "-s", cluster, "-n", "SHARED")
    images.run("mdel", "-i", image, "::/zero")
    silo = open_silo(f"block://{image}")
    found = walked(silo)
    wanted = {str(path.relative_to(tree)): path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    del wanted["zero"]
    assert paths(found) == sorted(wanted)
    assert all(silo.read(path, 0, 1 << 20) == data for path, data in list(wanted.items())[:20])
    assert found[""].directories == ["empty", "sub"] and not found[""].skipped
    assert set(found["sub"].mtimes) == {1_709_210_096 * 10**9}
    assert all(one.mtime_ns is None for one in found.values())  # FAT does not change a folder's time
    facts = silo.layers()[1].facts
    assert (facts["type"], facts["label"]) == (f"fat{bits}", "SHARED") and len(facts["uuid"]) == 9


def test_fat_is_the_same_in_every_time_zone(tmp_path, tree, monkeypatch):
    image = images.fat(tmp_path / "d", tree)
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    assert set(walked(open_silo(f"block://{image}"))["sub"].mtimes) == {1_709_210_096 * 10**9}


def test_fat_written_by_another_program(tmp_path):
    """pyfatfs writes it, here only the catalog reads it."""
    from pyfatfs.PyFat import PyFat
    from pyfatfs.PyFatFS import PyFatFS

    image = images.blank(tmp_path / "d", 16 * MIB)
    made = PyFat()
    made.mkfs(str(image), PyFat.FAT_TYPE_FAT16, size=16 * MIB, label="BYPYTHON")
    made.close()
    with PyFatFS(str(image)) as fs:
        fs.makedirs("Some Folder/below")
        fs.writetext("Some Folder/below/a long file name.csv", "a,b\n1,2\n")
        fs.writetext("SHORT.TXT", "s")
    silo = open_silo(f"block://{image}")
    assert paths(walked(silo)) == ["SHORT.TXT", "Some Folder/below/a long file name.csv"]
    assert silo.read("Some Folder/below/a long file name.csv", 0, 99) == b"a,b\n1,2\n"


def test_a_fat_folder_within_itself_is_entered_once(tmp_path):
    root = tmp_path / "tree"
    (root / "LOOP" / "INNER").mkdir(parents=True)
    image = images.fat(tmp_path / "d", root)
    data = bytearray(image.read_bytes())
    outer, inner = data.index(b"LOOP       "), data.index(b"INNER      ")
    data[inner + 26 : inner + 28] = data[outer + 26 : outer + 28]
    image.write_bytes(data)
    found = walked(open_silo(f"block://{image}"))
    assert len(found) <= 4 and any(one.failure for one in found.values())


def test_a_chain_of_clusters_that_comes_back_to_itself_ends(tmp_path, tree):
    image = images.fat(tmp_path / "d", tree, 8 * MIB, 16, "-s", 1)
    data = bytearray(image.read_bytes())
    reserved, fats, size = struct.unpack_from("<HB", data, 14)[0], data[16], struct.unpack_from("<H", data, 22)[0]
    for copy in range(fats):  # every cluster leads to itself
        at = (reserved + copy * size) * 512
        for cluster in range(2, size * 256):
            if struct.unpack_from("<H", data, at + 2 * cluster)[0]:
                struct.pack_into("<H", data, at + 2 * cluster, cluster)
    image.write_bytes(data)
    silo = open_silo(f"block://{image}")
    for path in paths(walked(silo))[:5]:
        try:
            assert len(silo.read(path, 0, 1 << 20)) <= 1 << 20
        except SiloError:
            pass


# ---------------------------------------------------------------- exFAT


def test_exfat_reads_what_was_written(tmp_path):
    silo = open_silo(f"block://{images.unpacked('exfat.img', tmp_path)}")
    found = walked(silo)
    assert found[""].names == sorted(["plain.txt", "zero", "grüße-日本.txt", "fox-🦊.txt", "numbers.csv"])
    assert found[""].directories == ["a", "many"] and found[""].skipped == {"metadata": 2}
    assert len(found["many"].names) == 300 and found["a/b"].names == ["deep.txt"]
    assert silo.read("numbers.csv", 0, 1 << 20) == lines(20_000)
    assert silo.read("fox-🦊.txt", 0, 9) == b"f" and silo.read("a/b/deep.txt", 0, 9) == b"deep"
    times = dict(zip(found[""].names, found[""].mtimes, strict=True))
    assert times["plain.txt"] == nanoseconds("2024-02-29T12:34:56")
    facts = silo.layers()[1].facts
    assert (facts["type"], facts["label"], facts["block"]) == ("exfat", "EXDATA", 4096)


def test_a_corrupt_boot_sector_of_exfat_is_named(tmp_path):
    image = images.unpacked("exfat.img", tmp_path)
    images.write_at(image, 108, b"\x40")
    with pytest.raises(SiloUnreadable, match="exFAT filesystem whose superblock is damaged"):
        walked(open_silo(f"block://{image}"))
