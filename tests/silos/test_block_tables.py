"""Partition tables: those that other programs write, those that are damaged, and those made to harm."""

from __future__ import annotations

import json
import random
import struct
import zlib

import pytest
from conformance.silo_suite import paths, walked
from harness import images
from harness.images import BIOS_BOOT, MIB
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import SiloError, SiloUnreadable
from catalog.silos.block import tables
from catalog.silos.block.content import recognise
from catalog.silos.block.disk import survey
from catalog.silos.block.image import Image
from catalog.silos.registry import open_silo


def surveyed(path):
    image = Image(str(path))
    try:
        return survey(image)
    finally:
        image.close()


def numbers(path):
    return [volume.path for volume in surveyed(path).volumes]


@pytest.fixture
def filesystem(tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "file").write_bytes(b"x")
    return images.ext(tmp_path / "fs", tree, 2 * MIB)


# ---------------------------------------------------------------- made by others


def test_a_disk_of_sgdisk(tmp_path):
    disk = surveyed(images.unpacked("gpt.img", tmp_path))
    assert (disk.table.kind, disk.table.sector, disk.table.state, disk.table.problem) == ("gpt", 512, "", None)
    told = {volume.path: (volume.content.kind, volume.partition.type) for volume in disk.volumes}
    assert told == {
        "p1": ("fat12", "EFI system"),
        "p2": ("ext4", "Linux filesystem"),
        "p3": ("swap", "Linux swap"),
        "p4": ("lvm2", "Linux LVM"),
        "p5": ("xfs", "Linux filesystem"),
        "p6": ("btrfs", "Linux filesystem"),
        "p7": ("luks", "Linux LUKS"),
        "p8": ("empty", "Linux filesystem"),
        "p9": ("boot", "BIOS boot"),
        "p11": ("", "Linux filesystem"),
    }
    assert disk.volumes[4].partition.name == "x data"
    silo = open_silo(f"block://{tmp_path / 'gpt.img'}")
    found = walked(silo)
    assert found[""].directories == ["p1", "p11", "p2", "p4", "p5", "p6", "p7"]
    assert found[""].skipped == {"boot": 1, "empty": 1, "swap": 1}
    assert paths(found) == ["p1/boot.efi", "p2/file"]
    assert {path: one.failure.reason for path, one in found.items() if one.failure} == {
        "p4": "an LVM physical volume, which cannot be read yet",
        "p5": "an XFS filesystem, which cannot be read yet",
        "p6": "a Btrfs filesystem, which cannot be read yet",
        "p7": "LUKS2 encryption, which cannot be read without its key",
        "p11": "nothing in it is recognised: raw data, or encrypted (the table calls it 'Linux filesystem')",
    }


def test_a_disk_of_sfdisk_with_logical_partitions(tmp_path):
    path = images.unpacked("mbr.img", tmp_path)
    disk = surveyed(path)
    assert (disk.table.kind, disk.table.sector) == ("mbr", 512)
    assert [(one.path, one.content.kind) for one in disk.volumes] == [
        ("p1", "fat12"), ("p2", "ext4"), ("p5", "ext4"), ("p6", "swap"),
    ]  # fmt: skip
    assert paths(walked(open_silo(f"block://{path}"))) == ["p1/boot.efi", "p2/file", "p5/file"]


def test_a_disk_of_fdisk_with_sectors_of_4096_bytes(tmp_path):
    path = images.unpacked("gpt4k.img", tmp_path)
    assert surveyed(path).table.sector == 4096
    assert paths(walked(open_silo(f"block://{path}"))) == ["p1/file", "p2/boot.efi"]


@pytest.mark.parametrize("name", ["gpt.img", "mbr.img"])
def test_the_same_partitions_as_sfdisk_sees(tmp_path, name):
    path = images.unpacked(name, tmp_path)
    told = json.loads(images.run("sfdisk", "--json", path))["partitiontable"]
    seen = {
        int(one["node"].removeprefix(str(path))): (one["start"] * 512, one["size"] * 512)
        for one in told["partitions"]
        if one["type"] != "5"
    }
    mine = {one.partition.number: (one.partition.offset, one.partition.bytes) for one in surveyed(path).volumes}
    assert mine == seen
    if told["label"] == "gpt":
        assert [one.partition.uuid for one in surveyed(path).volumes] == [
            one["uuid"].lower() for one in told["partitions"]
        ]
        assert surveyed(path).table.uuid == told["id"].lower()


# ---------------------------------------------------------------- sectors and forms


@pytest.mark.parametrize("sector", [512, 4096])
@pytest.mark.parametrize("entry_size", [128, 256])
def test_a_gpt_is_read_in_sectors_of_any_size(tmp_path, filesystem, sector, entry_size):
    path = images.gpt(
        tmp_path / "d", [(1, MIB, filesystem), (128, 4 * MIB, filesystem)], 8 * MIB, sector, entry_size=entry_size
    )
    assert numbers(path) == ["p1", "p128"] and surveyed(path).table.sector == sector
    assert paths(walked(open_silo(f"block://{path}"))) == ["p1/file", "p128/file"]


@pytest.mark.parametrize("sector", [512, 4096])
def test_an_mbr_is_read_in_the_sectors_that_lead_somewhere(tmp_path, filesystem, sector):
    path = images.mbr(tmp_path / "d", [(0x83, MIB, filesystem), (0x83, 4 * MIB, filesystem)], 8 * MIB, sector)
    assert surveyed(path).table.sector == sector
    assert paths(walked(open_silo(f"block://{path}"))) == ["p1/file", "p2/file"]


def test_a_filesystem_on_the_whole_disk_is_no_table(tmp_path):
    for path in (images.fat(tmp_path / "fat"), images.ext(tmp_path / "ext")):
        assert surveyed(path).table is None and numbers(path) == [""]


def test_an_old_superblock_behind_a_table_is_no_filesystem(tmp_path, filesystem):
    path = images.ext(tmp_path / "d", None, 8 * MIB)  # then partitioned, with what began at 1024 left over
    images.write_at(path, 0, images.mbr(tmp_path / "t", [(0x83, 4 * MIB, filesystem)], 8 * MIB).read_bytes()[:512])
    images.write_at(path, 4 * MIB, filesystem.read_bytes())
    assert numbers(path) == ["p1"]


def test_a_table_without_partitions_is_an_empty_disk(tmp_path):
    found = walked(open_silo(f"block://{images.gpt(tmp_path / 'd', [])}"))
    assert list(found) == [""] and found[""].complete and not found[""].directories


def test_an_iso_that_starts_from_a_stick_is_one(tmp_path):
    path = tmp_path / "d"
    data = bytearray(images.head("iso9660"))
    data[446:512] = struct.pack("<B3xB3xII", 0x80, 0x17, 1, 600).ljust(64, b"\0") + b"\x55\xaa"
    path.write_bytes(data)
    with pytest.raises(SiloUnreadable, match="ISO 9660"):
        surveyed(path)


# ---------------------------------------------------------------- damage


def _damaged(path, *offsets):
    for offset in offsets:
        images.write_at(path, offset, b"\xde\xad\xbe\xef")


def test_the_second_copy_of_a_gpt_stands_in_for_the_first(tmp_path, filesystem):
    path = images.gpt(tmp_path / "d", [(1, MIB, filesystem)], 8 * MIB)
    for offset in (512 + 40, 512, 1024 + 32):  # a field, the signature, an entry
        again = tmp_path / f"d{offset}"
        again.write_bytes(path.read_bytes())
        _damaged(again, offset)
        disk = surveyed(again)
        assert [one.path for one in disk.volumes] == ["p1"] and "second was used" in disk.table.state
        silo = open_silo(f"block://{again}")
        assert paths(walked(silo)) == ["p1/file"]
        assert "second was used" in silo.layers()[0].facts["state"]


def test_a_gpt_that_is_damaged_twice_is_said_to_be(tmp_path, filesystem):
    path = images.gpt(tmp_path / "d", [(1, MIB, filesystem)], 8 * MIB)
    _damaged(path, 512 + 40, 8 * MIB - 512 + 40)
    with pytest.raises(SiloUnreadable, match="GPT partition table is damaged"):
        surveyed(path)
    images.write_at(path, 510, b"\0\0")  # also when nothing protects it
    with pytest.raises(SiloUnreadable, match="GPT partition table is damaged"):
        surveyed(path)


def test_a_gpt_outlives_the_loss_of_its_protective_mbr(tmp_path, filesystem):
    path = images.gpt(tmp_path / "d", [(1, MIB, filesystem)], 8 * MIB)
    images.write_at(path, 0, bytes(512))
    assert numbers(path) == ["p1"]


def test_an_mbr_made_later_hides_the_gpt_before(tmp_path, filesystem):
    path = images.gpt(tmp_path / "d", [(1, MIB, filesystem)], 8 * MIB)
    entry = struct.pack("<B3xB3xII", 0, 0x83, 2048, 4096)
    images.write_at(path, 446, entry + bytes(48))
    assert surveyed(path).table.kind == "mbr"


def test_an_entry_that_ends_before_it_begins_is_named(tmp_path):
    path = images.gpt(tmp_path / "d", [(1, 2 * MIB, bytes(512))], 8 * MIB)
    whole = bytearray(path.read_bytes())
    size = len(whole)
    for at, header in ((1024, 512), (size - 33 * 512, size - 512)):
        whole[at + 40 : at + 48] = struct.pack("<Q", 5)
        entries = zlib.crc32(whole[at : at + 128 * 128])
        whole[header + 88 : header + 92] = struct.pack("<I", entries)
        whole[header + 16 : header + 20] = bytes(4)
        whole[header + 16 : header + 20] = struct.pack("<I", zlib.crc32(whole[header : header + 92]))
    path.write_bytes(whole)
    assert walked(open_silo(f"block://{path}"))["p1"].failure.reason == "its table entry ends before it begins"


def test_partitions_that_overlap_are_listed_once(tmp_path, filesystem):
    path = images.gpt(tmp_path / "d", [(1, MIB, filesystem), (2, MIB, None), (3, 2 * MIB, None)], 8 * MIB)
    found = walked(open_silo(f"block://{path}"))
    assert paths(found) == ["p1/file"]
    assert [found[one].failure.reason for one in ("p2", "p3")] == ["it overlaps partition 1"] * 2


@pytest.mark.parametrize("kind", [BIOS_BOOT])
def test_boot_code_is_skipped_and_a_filesystem_of_that_type_is_not(tmp_path, filesystem, kind):
    path = images.gpt(tmp_path / "d", [(1, MIB, b"GRUB" * 128), (2, 2 * MIB, filesystem)], 8 * MIB, kinds=[kind, kind])
    assert [(one.path, one.content.kind) for one in surveyed(path).volumes] == [("p1", "boot"), ("p2", "ext4")]


# ---------------------------------------------------------------- chains of logical partitions


def _chain(path, links, filesystem):
    """An extended partition at 1 MiB whose boot sectors say: (where, first of it, where the next is)."""
    images.mbr(path, [(0x05, MIB, bytes(6 * MIB))], 8 * MIB)
    base = MIB // 512
    for where, first, next_ in links:
        entry = struct.pack("<B3xB3xII", 0, 0x83, first, filesystem.stat().st_size // 512) if first else bytes(16)
        link = struct.pack("<B3xB3xII", 0, 0x05, next_ - base, 4096) if next_ else bytes(16)
        images.write_at(path, where * 512, bytes(446) + entry + link + bytes(32) + b"\x55\xaa")
        if first:
            images.write_at(path, (where + first) * 512, filesystem.read_bytes())
    return path


def test_logical_partitions_are_counted_from_five(tmp_path, filesystem):
    path = _chain(tmp_path / "d", [(2048, 64, 8192), (8192, 64, 0)], filesystem)
    assert numbers(path) == ["p5", "p6"]
    assert walked(open_silo(f"block://{path}"))[""].complete


@pytest.mark.parametrize("links", [[(2048, 64, 2048)], [(2048, 64, 8192), (8192, 64, 2048)]])
def test_a_chain_that_comes_back_to_itself_ends(tmp_path, filesystem, links):
    path = _chain(tmp_path / "d", links, filesystem)
    root = walked(open_silo(f"block://{path}"))[""]
    assert root.directories == [f"p{5 + number}" for number in range(len(links))]
    assert not root.complete and "comes back to itself" in root.failure.reason


def test_a_chain_that_leads_nowhere_is_said_to_be_broken(tmp_path, filesystem):
    path = _chain(tmp_path / "d", [(2048, 64, 9000)], filesystem)
    root = walked(open_silo(f"block://{path}"))[""]
    assert root.directories == ["p5"] and "broken" in root.failure.reason


# ---------------------------------------------------------------- anything at all


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_table_makes_more_of_itself_than_it_may(data):
    """Random bytes where tables stand, with valid checksums: partitions, or nothing, or a typed error."""
    size = 1 << 20
    disk = bytearray(size)
    rng = random.Random(data.draw(st.integers(0, 2**32)))
    disk[440:512] = rng.randbytes(70) + b"\x55\xaa"
    if data.draw(st.booleans()):
        disk[450] = 0xEE
    entries_at, count, each = data.draw(
        st.tuples(
            st.integers(0, 2**64 - 1) | st.integers(0, 64),
            st.integers(0, 2**32 - 1) | st.integers(0, 40),
            st.sampled_from([0, 1, 8, 127, 128, 256, 4096, 2**31]),
        )
    )
    disk[1024:9000] = rng.randbytes(7976)
    entries = bytes(disk[entries_at * 512 : entries_at * 512 + min(count * each, size)]) if entries_at < 2048 else b""
    header = struct.pack(
        "<8sIIIIQQQQ16sQIII",
        b"EFI PART",
        0x10000,
        92,
        0,
        0,
        1,
        2047,
        34,
        2000,
        bytes(16),
        entries_at,
        count,
        each,
        zlib.crc32(entries),
    )
    disk[512 : 512 + 92] = header[:16] + struct.pack("<I", zlib.crc32(header)) + header[20:]

    def read(offset, length):
        assert length <= 8 << 20
        return bytes(disk[offset : offset + length]) if offset >= 0 else b""

    try:
        table = tables.gpt(read, size, None) or tables.mbr(read, 512)
    except tables.TableDamagedError:
        return
    for partition in table.partitions if table else ():
        assert partition.number > 0 and partition.offset >= 0 and partition.bytes >= 0
        partition.name.encode()


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=4096),
    st.integers(0, 70_000),
    st.sampled_from(["", "xfs", "btrfs", "swap", "luks", "lvm", "squashfs", "metabg", "bigalloc"]),
)
def test_anything_may_stand_in_a_partition(noise, offset, name):
    data = bytearray(images.head(name) if name else bytes(70_000))
    data[offset : offset + len(noise)] = noise

    def read(at, length):
        return bytes(data[at : at + length]) if at >= 0 else b""

    content = recognise(read, len(data))
    assert content.says and (content.reader is None or content.problem is None)
    assert content.bytes is None or content.bytes >= 0
    (content.label + content.uuid).encode()


def test_an_image_of_any_length_is_answered(tmp_path, filesystem):
    whole = images.gpt(tmp_path / "whole", [(1, MIB, filesystem)], 4 * MIB).read_bytes()
    path = tmp_path / "d"
    for length in (1, 511, 512, 513, 1024, 1500, 4096, 17_408, MIB, MIB + 1024, 2 * MIB, 4 * MIB - 1):
        path.write_bytes(whole[:length])
        try:
            found = walked(open_silo(f"block://{path}"))
        except SiloError:
            assert length < MIB
            continue
        assert "p1" in found and found["p1"].complete == (length >= 3 * MIB)
