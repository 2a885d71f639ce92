"""Images that are broken at random or made to harm: entries, incomplete listings or typed errors, within seconds.

And the reader process: what crashes there, hangs there or is killed there is one folder's failure here.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from conformance.silo_suite import check_listing, walked
from harness import images
from harness.images import MIB
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.errors import SiloError, SiloUnreadable
from catalog.silos.block import reader, wire
from catalog.silos.block.image import Image
from catalog.silos.block.listers import request
from catalog.silos.registry import open_silo


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """A small image of each kind, as bytes."""
    folder = tmp_path_factory.mktemp("samples")
    root = folder / "tree"
    (root / "d" / "deeper").mkdir(parents=True)
    rng = random.Random(1)
    for number in range(12):
        (root / "d" / f"{number}.bin").write_bytes(rng.randbytes(number * 700))
        (root / "d" / "deeper" / f"a longer name {number}.csv").write_bytes(b"a,b\n1,2\n" * number)
    found = {
        "ext2": images.ext(folder / "ext2", root, 2 * MIB, "ext2"),
        "ext4": images.ext(folder / "ext4", root, 2 * MIB, "ext4", "-O", "inline_data"),
        "fat": images.fat(folder / "fat", root, 2 * MIB, 12),
        "exfat": images.unpacked("exfat.img", folder),
        "ntfs": images.unpacked("ntfs.img", folder),
    }
    found["gpt"] = images.gpt(folder / "gpt", [(1, MIB, found["fat"]), (2, 4 * MIB, found["ext4"])], 8 * MIB)
    return {kind: path.read_bytes() for kind, path in found.items()}


def visit(path) -> None:
    """Do with an image what a crawl does. Whatever is in it, only a `SiloError` may come of it."""
    with closing(open_silo(f"block://{path}")) as silo:
        try:
            files = []
            for listing in silo.walk():
                check_listing(listing)
                for name in [*listing.names, *listing.directories]:
                    name.encode()
                files += [f"{listing.path}/{name}".lstrip("/") for name in listing.names]
            silo.layers()
        except SiloError as error:
            assert "\n" not in error.message
            return
        for file in files[:6]:
            try:
                assert len(silo.read(file, 0, 50_000)) <= 50_000
                silo.read(file, -3, 3)
            except SiloError as error:
                assert "\n" not in error.message


@pytest.mark.parametrize("kind", ["ext2", "ext4", "fat", "exfat", "ntfs", "gpt"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), count=st.sampled_from([1, 3, 20, 200, 2000]))
def test_bytes_flipped_at_random_places(tmp_path, samples, kind, seed, count):
    rng = random.Random(seed)
    data = bytearray(samples[kind])
    used = [at for at in range(0, len(data), 512) if any(data[at : at + 512])]
    for _ in range(count):
        at = rng.choice(used) + rng.randrange(512)
        data[at] = rng.choice((0, 0xFF, rng.randrange(256), data[at] ^ 1 << rng.randrange(8)))
    path = tmp_path / "d"
    path.write_bytes(data)
    started = time.monotonic()
    visit(path)
    assert time.monotonic() - started < 2 * reader.CPU_SECONDS + 60


@pytest.mark.parametrize("kind", ["ext2", "ext4", "fat", "exfat", "ntfs", "gpt"])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(part=st.floats(0, 1))
def test_images_cut_off_anywhere(tmp_path, samples, kind, part):
    path = tmp_path / "d"
    path.write_bytes(samples[kind][: int(len(samples[kind]) * part)])
    visit(path)


@pytest.mark.parametrize("kind", ["ext2", "ext4", "fat", "exfat", "ntfs"])
def test_superblocks_of_extreme_values(tmp_path, samples, kind):
    """Each of the fields that sizes come from, at its extremes."""
    start = 1024 if kind.startswith("ext") else 0
    path = tmp_path / "d"
    path.write_bytes(samples[kind])
    for at in range(start, start + 112, 4):
        for value in (b"\0\0\0\0", b"\xff\xff\xff\xff"):
            images.write_at(path, at, value)
            visit(path)
        images.write_at(path, at, samples[kind][at : at + 4])


# ---------------------------------------------------------------- the reader process


@pytest.fixture
def exfat(tmp_path):
    """A silo whose directories the reader process lists, and the way to that process."""
    silo = open_silo(f"block://{images.unpacked('exfat.img', tmp_path)}")
    yield silo
    silo.close()


def process_of(silo):
    return silo._kept.reader._process


def test_a_reader_that_is_killed_is_replaced(exfat):
    seen = []
    for listing in exfat.walk():
        assert listing.complete, listing.failure
        seen.append(listing.path)
        process = process_of(exfat)
        if process.poll() is None:
            process.send_signal(random.Random(len(seen)).choice((signal.SIGSEGV, signal.SIGKILL)))
            process.wait()
    assert seen == ["", "a", "many", "a/b"]
    assert exfat.read("numbers.csv", 0, 5) == b"1\n2\n3"


def _faulty(monkeypatch, fault: str) -> None:
    """Let the reader process come to harm at the directory `many`, as a defect in C would have it do."""
    script = (
        "from catalog.silos.block import tsk\n"
        "whole = tsk.ListedFilesystem.folder\n"
        "def folder(self, node):\n"
        "    found = whole(self, node)\n"
        "    if len(found.names) == 300:\n"
        f"        {fault}\n"
        "    return found\n"
        "tsk.ListedFilesystem.folder = folder\n"
    )
    before, start, rest = reader._START.partition("from catalog.silos.block.worker")
    monkeypatch.setattr(reader, "_START", f"{before}exec({script!r}); {start}{rest}")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("import ctypes; ctypes.string_at(0)", "the filesystem reader crashed on it (SIGSEGV)"),
        ("import os; os.abort()", "the filesystem reader crashed on it (SIGABRT)"),
        ("import os; os._exit(3)", "the filesystem reader ended on it"),
        ("import os; os.write(0x7fff, b'')", "bad file descriptor"),
        ("bytearray(1 << 40)", "it takes more memory than it may"),
    ],
)
def test_a_directory_that_crashes_its_reader_is_one_failure(exfat, monkeypatch, fault, reason):
    _faulty(monkeypatch, fault)
    found = walked(exfat)
    assert {path: one.failure and one.failure.reason.lower() for path, one in found.items()} == {
        "": None, "a": None, "many": reason.lower(), "a/b": None,
    }  # fmt: skip
    assert exfat.read("numbers.csv", 0, 5) == b"1\n2\n3"


def test_a_directory_that_never_ends_is_given_up(exfat, monkeypatch):
    monkeypatch.setattr(reader, "CPU_SECONDS", 1.0)
    _faulty(monkeypatch, "all(iter(lambda: 1, 0))")  # a loop in C, which hears no signal that Python would handle
    started = time.monotonic()
    found = walked(exfat)
    assert found["many"].failure.reason == "reading it took more than 1 s of work" and found["a/b"].complete
    assert time.monotonic() - started < 60


def test_a_device_that_never_answers_is_given_up(exfat, monkeypatch):
    monkeypatch.setattr(reader, "SILENCE_SECONDS", 1.0)
    _faulty(monkeypatch, "import time; time.sleep(600)")
    assert "no answer within 1 s" in walked(exfat)["many"].failure.reason


def test_a_filesystem_that_crashes_everywhere_is_given_up(tmp_path, monkeypatch):
    before, start, rest = reader._START.partition("from catalog.silos.block.worker")
    crash = "from catalog.silos.block import tsk\ntsk.ListedFilesystem.folder = lambda self, node: __import__('os').abort()\n"
    monkeypatch.setattr(reader, "_START", f"{before}exec({crash!r}); {start}{rest}")
    image = Image(str(images.unpacked("exfat.img", tmp_path)))
    asked = reader.Reader(image)
    patience = reader.Patience(crashes=3)
    volume = images_volume(image)
    for _ in range(3):
        with pytest.raises(reader.ReaderFailed, match="SIGABRT"):
            asked.ask(request("list", volume, nodes=[2], start=0), patience)
    with pytest.raises(reader.ReaderFailed, match="failed too often"):
        asked.ask(request("list", volume, nodes=[2], start=0), patience)
    asked.close()
    image.close()


def images_volume(image):
    from catalog.silos.block.disk import survey

    return survey(image).volumes[0]


def test_a_reader_that_answers_garbage_is_replaced(tmp_path, monkeypatch):
    before, start, rest = reader._START.partition("from catalog.silos.block.worker")
    for noise in (b"\xff" * 64, b"\x04\0\0\0\0\0\0\0null", b"\x02\0\0\0\0\0\0\0{]", b"\x01\0"):
        garble = f"import os\nos.write(1, {noise!r})\nos._exit(0)"
        monkeypatch.setattr(reader, "_START", f"{before}exec({garble!r}); {start}{rest}")
        silo = open_silo(f"block://{images.unpacked('exfat.img', tmp_path)}")
        with closing(silo), pytest.raises(SiloUnreadable, match="the filesystem reader ended on it"):
            walked(silo)


def test_many_threads_may_read_at_once(exfat):
    wanted = exfat.read("numbers.csv", 0, 1 << 20)
    wrong = []

    def look(number):
        for offset in range(number, len(wanted), 9_973):
            if exfat.read("numbers.csv", offset, 501) != wanted[offset : offset + 501]:
                wrong.append(offset)

    threads = [threading.Thread(target=look, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_forked_process_gets_a_reader_of_its_own(exfat):
    assert exfat.read("plain.txt", 0, 9) == b"plain"
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if exfat.read("numbers.csv", 0, 5) == b"1\n2\n3" else 1)
        except BaseException:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert exfat.read("numbers.csv", 2, 3) == b"2\n3"


def test_a_walk_that_is_interrupted_leaves_no_answer_for_the_next_one(exfat, monkeypatch):
    exfat.read("plain.txt", 0, 1)
    whole = wire.unpacked

    def interrupted(fetch):
        fetch(1)
        raise KeyboardInterrupt

    monkeypatch.setattr(wire, "unpacked", interrupted)
    with pytest.raises(KeyboardInterrupt):
        exfat.read("numbers.csv", 0, 5)
    monkeypatch.setattr(wire, "unpacked", whole)
    assert exfat.read("numbers.csv", 0, 5) == b"1\n2\n3"


def test_the_reader_may_write_no_file_and_use_no_end_of_memory(exfat):
    exfat.read("plain.txt", 0, 1)
    try:
        limits = Path(f"/proc/{process_of(exfat).pid}/limits").read_text()
    except OSError:
        pytest.skip("this system does not show a process's limits")
    told = {line[:26].strip(): line[26:].split()[0] for line in limits.splitlines()[1:]}
    assert told["Max file size"] == "0" and told["Max core file size"] == "0"
    assert int(told["Max address space"]) == 4 << 30


def test_the_reader_ends_with_the_process_that_started_it(tmp_path):
    import sys

    path = images.unpacked("exfat.img", tmp_path)
    script = (
        "import os, sys\nfrom catalog.silos.registry import open_silo\n"
        "silo = open_silo('block://' + sys.argv[1])\nsilo.read('plain.txt', 0, 1)\n"
        "print(silo._kept.reader._process.pid, flush=True)\nos._exit(0)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    for _ in range(100):
        try:
            os.kill(int(done.stdout), 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    raise AssertionError("the reader outlived its silo")


# ---------------------------------------------------------------- columns on the wire


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1),
            st.integers(),
            st.integers(),
        )
    )
)
def test_columns_come_back_as_they_were_sent(rows):
    names, sizes, mtimes = ([row[at] for row in rows] for at in range(3))
    came = wire.columns_of(wire.columns(names, sizes, mtimes))
    assert came[0] == names
    for sent, got in ((sizes, came[1]), (mtimes, came[2])):
        assert [value if abs(value) < 2**63 else None for value in sent] == [
            value if abs(value) < 2**63 else None for value in got
        ]


@given(st.binary(max_size=200))
def test_columns_may_be_any_bytes(body):
    try:
        names, sizes, mtimes = wire.columns_of(body)
    except wire.GarbledError:
        return
    assert len(names) == len(sizes) == len(mtimes)
