"""A disk image on the command line."""

from __future__ import annotations

import pytest
from harness import images
from harness.images import MIB


@pytest.fixture
def disk(tmp_path):
    root = tmp_path / "tree"
    root.mkdir()
    (root / "orders.csv").write_text("id,amount\n1,2.5\n")
    filesystem = images.ext(tmp_path / "ext", root, 4 * MIB, "ext4", "-L", "LAKE")
    return images.gpt(tmp_path / "disk.img", [(1, MIB, filesystem), (2, 6 * MIB, images.head("swap"))], 10 * MIB)


def test_a_path_to_an_image_is_added_as_a_block_silo(run, disk):
    added = run("silo", "add", "disk", disk)
    assert added.code == 0 and f"Added block silo 'disk': block://{disk}" in added.err
    (row,) = run("silo", "ls", "-o", "json").json
    assert (row["url"], row["kind"]) == (f"block://{disk}", "block")


def test_test_tells_partitions_filesystems_and_labels(run, disk):
    run("silo", "add", "disk", f"block://{disk}")
    told = run("silo", "test", "disk")
    assert told.code == 0
    for words in ("gpt table", "sectors of 512", "p1, 4.2 MB", "'LAKE'", "ext4", "clean", "p2, ", "swap", "orders.csv"):
        assert words in told.out
    found = run("silo", "test", "disk", "-o", "json").json
    assert [one["kind"] for one in found["layers"]] == ["volume", "partition", "filesystem", "partition"]
    assert found["layers"][2]["facts"]["label"] == "LAKE"


def test_a_crawl_search_and_show_of_an_image(run, disk):
    run("silo", "add", "disk", disk, "--option", "partition=1")
    assert run("crawl", "disk").code == 0
    (hit,) = run("search", "orders kind:dataset", "-o", "json").json
    assert hit["uri"] == f"block://{disk}/p1/orders.csv" and hit["rows"] == 1
    assert run("show", hit["uri"]).code == 0
    assert [one["path"] for one in run("files", "disk", "-o", "json").json] == ["orders.csv"]


@pytest.mark.parametrize("words", [("silo", "test", "vm"), ("crawl", "vm")])
def test_what_cannot_be_read_ends_with_5_and_the_next_step(run, tmp_path, words):
    image = tmp_path / "vm.qcow2"
    image.write_bytes(b"QFI\xfb\0\0\0\3" + bytes(1000))
    run("silo", "add", "vm", image)
    ran = run(*words)
    assert ran.code == 5
    assert "is a qcow2 image, which cannot be read yet" in ran.out + ran.err
    assert f"qemu-img convert -O raw {image} {image.with_suffix('.raw')}" in ran.out + ran.err


def test_a_wrong_partition_is_a_usage_error_and_a_missing_one_an_unreachable_silo(run, disk):
    wrong = run("silo", "add", "disk", disk, "--option", "partition=first")
    assert wrong.code == 2 and "partition=2" in wrong.err
    run("silo", "add", "disk", disk, "--option", "partition=7")
    missing = run("silo", "test", "disk")
    assert missing.code == 5 and "no partition behind 'p7'" in missing.err and "It has: p1" in missing.err
