"""First pages of many queries over a catalog of 1,000,000 files."""

from __future__ import annotations

import argparse
import random
import statistics
import time
from pathlib import Path

from common import WORK, figure, tree

import catalog

QUERIES = {
    "assets, no condition": ["", "sort:-size", "sort:name"],
    "assets, words": ["table_0007", "class_00", "model shards", "images jpg", "nothing_like_this"],
    "assets, filters": ["format:parquet size:>1GB", "kind:model sort:-size", "in:lake files:>1000"],
    "files, rare word": ["kind:file img_001299", "kind:file table_0007", "kind:file class_00042"],
    "files, frequent word": ["kind:file parquet", "kind:file part-00001", "kind:file img"],
    "files, words and filters": ["kind:file part size:>100MB", "kind:file model format:safetensors size:<1MB"],
    "files, filters and sorts": [
        "kind:file sort:-size",
        "kind:file sort:-modified",
        "kind:file size:>250MB format:jpeg",
    ],
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--work", type=Path, default=WORK)
    asked = options.parse_args()
    db = asked.work / f"search-{asked.files}.db"
    cat = catalog.connect(db)
    if not cat.silos():
        cat.add_silo("t", str(tree(asked.work / f"{asked.files}", asked.files)))
        cat.crawl("t", inspect="none")
    cat = cat.fork()
    rng = random.Random(3)
    every: list[float] = []
    for name, queries in QUERIES.items():
        taken = []
        for query in rng.sample(queries, len(queries)) * asked.rounds:
            started = time.perf_counter()
            cat.search(query).page(0, 50)
            taken.append((time.perf_counter() - started) * 1000)
        every += taken
        figure(f"first page of 50, {name}: median ms", f"{statistics.median(taken):.1f}")
    figure("first page of 50, all of these: p95 ms", f"{statistics.quantiles(every, n=20)[-1]:.1f}", "bar 50")


if __name__ == "__main__":
    main()
