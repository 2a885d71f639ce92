"""Crawling an ext4 image into SQLite, against pytsk3 walking all its directories with name, size and time.

The image is made by `mke2fs -d` (Debian package e2fsprogs), once.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from common import WORK, cpu, figure, ratio, tree
from crawl import CRAWL, PREPARE

BARE = """
import sys, pytsk3

def walk(directory, path):
    for entry in directory:
        name, meta = entry.info.name.name, entry.info.meta
        if meta is None or name in (b".", b".."):
            continue
        found.append((path + b"/" + name, meta.size, meta.mtime))
        if meta.type == pytsk3.TSK_FS_META_TYPE_DIR:
            walk(entry.as_directory(), path + b"/" + name)

found = []
filesystem = pytsk3.FS_Info(pytsk3.Img_Info(sys.argv[1], type=pytsk3.TSK_IMG_TYPE_RAW))
walk(filesystem.open_dir(path="/"), b"")
assert len(found) > int(sys.argv[2]), len(found)
"""


def image(work: Path, files: int) -> Path:
    """The generated tree of `files` files in an ext4 image, which is kept."""
    made = work / f"{files}.ext4"
    if not made.exists():
        mke2fs = shutil.which("mke2fs", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
        if mke2fs is None:
            sys.exit("mke2fs is missing: apt-get install e2fsprogs")
        root = tree(work / f"{files}", files)
        new = made.with_suffix(".new")
        with new.open("wb") as file:
            file.truncate(max(files * 20_000, 64 << 20))
        subprocess.run([mke2fs, "-q", "-F", "-t", "ext4", "-N", str(2 * files), "-d", root, new], check=True)
        new.rename(made)
    return made


def prepare(db: Path, disk: Path) -> None:
    """A new catalog with the image as its silo."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{db}{suffix}").unlink(missing_ok=True)
    cpu([sys.executable, "-c", PREPARE, str(db), f"block://{disk}"])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--work", type=Path, default=WORK)
    asked = options.parse_args()
    disk = image(asked.work, asked.files)
    db = asked.work / "block.db"
    bare = [sys.executable, "-c", BARE, str(disk), str(asked.files)]
    rounds: dict[str, list[tuple[float, float]]] = {"first": [], "normal": [], "quick": []}
    peak = 0.0
    for _ in range(asked.rounds):
        prepare(db, disk)
        base, _ = cpu(bare)
        first, used = cpu([sys.executable, "-c", CRAWL, str(db), "normal"])
        rounds["first"].append((first, base))
        peak = max(peak, used)
        for mode in ("normal", "quick"):
            base, _ = cpu(bare)
            rounds[mode].append((cpu([sys.executable, "-c", CRAWL, str(db), mode])[0], base))
    count = f"{asked.files:,} files in ext4"
    figure(f"crawl and commit, {count}, x CPU of pytsk3 listing them", f"{ratio(rounds['first']):.2f}", "bar 3.0")
    figure("unchanged re-crawl, every directory listed, x pytsk3", f"{ratio(rounds['normal']):.2f}")
    figure("unchanged re-crawl, --quick, x pytsk3", f"{ratio(rounds['quick']):.2f}")
    figure("peak memory of the first crawl, MiB", f"{peak:.0f}")


if __name__ == "__main__":
    main()
