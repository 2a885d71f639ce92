"""Crawling a generated tree into SQLite, against `find -printf` and DataChain."""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import sys
from pathlib import Path

from common import WORK, cpu, figure, ratio, tree

CRAWL = """
import resource, sys, catalog, catalog.crawl
def spent():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
cat = catalog.connect(sys.argv[1])
before = spent()
report = cat.crawl("t", mode=sys.argv[2], inspect="none")[0]
print(spent() - before)
assert report.state == "complete", report
cat.close()
"""
PREPARE = "import sys, catalog; catalog.connect(sys.argv[1]).add_silo('t', sys.argv[2])"
DATACHAIN = "import sys, datachain as dc; dc.read_storage('file://' + sys.argv[1], update=True).save('bench')"


def fresh(db: Path, root: Path) -> str:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{db}{suffix}").unlink(missing_ok=True)
    cpu([sys.executable, "-c", PREPARE, str(db), str(root)])
    return str(db)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=200_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--memory", action="store_true", help="one crawl of 1,000,000 files")
    options.add_argument("--work", type=Path, default=WORK)
    asked = options.parse_args()
    if asked.memory:
        memory(asked.work)
        return
    root = tree(asked.work / f"{asked.files}", asked.files)
    db = asked.work / "crawl.db"
    find = ["find", str(root), "-printf", r"%p %s %T@ %m %U\n"]
    rounds: dict[str, list[tuple[float, float]]] = {"first": [], "normal": [], "quick": [], "call": [], "datachain": []}
    for _ in range(asked.rounds):
        base, _ = cpu(find)
        fresh(db, root)
        first, _ = cpu([sys.executable, "-c", CRAWL, str(db), "normal"])
        rounds["first"].append((first, base))
        rounds["normal"].append((cpu([sys.executable, "-c", CRAWL, str(db), "normal"])[0], cpu(find)[0]))
        said: list[str] = []
        quick, base = cpu([sys.executable, "-c", CRAWL, str(db), "quick"], said=said)[0], cpu(find)[0]
        rounds["quick"].append((quick, base))
        rounds["call"].append((float(said[0]), base))
        if importlib.util.find_spec("datachain"):
            home = asked.work / "datachain"
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir(parents=True)
            peer, _ = cpu([sys.executable, "-c", DATACHAIN, str(root)], {"DATACHAIN_ROOT_DIR": str(home)})
            rounds["datachain"].append((peer, first))
    count = f"{asked.files:,} files"
    figure(f"first crawl and commit, {count}, x CPU of find -printf", f"{ratio(rounds['first']):.2f}", "bar 2.0")
    figure("unchanged re-crawl, every directory listed, x find -printf", f"{ratio(rounds['normal']):.2f}")
    figure("unchanged re-crawl, --quick, x find -printf", f"{ratio(rounds['quick']):.2f}", "bar 0.15")
    figure("  of it the crawl itself, without starting Python", f"{ratio(rounds['call']):.2f}")
    if rounds["datachain"]:
        figure("DataChain's CPU, x first crawl", f"{ratio(rounds['datachain']):.2f}", "bar 8")
    figure("bytes of database a file, all tables and indexes", f"{db.stat().st_size / asked.files:.0f}", "bar 130")


def memory(work: Path) -> None:
    files = 1_000_000
    root = tree(work / f"{files}", files)
    db = work / "memory.db"
    fresh(db, root)
    used, peak = cpu([sys.executable, "-c", CRAWL, str(db), "normal"])
    figure("peak memory of a crawl of 1,000,000 files, MiB", f"{peak:.0f}", "bar 150")
    figure("CPU seconds of that crawl", f"{used:.1f}")
    figure("bytes of database a file, all tables and indexes", f"{db.stat().st_size / files:.0f}", "bar 130")


if __name__ == "__main__":
    main()
