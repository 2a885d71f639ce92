"""What the benchmarks share: a generated tree, and CPU and memory of whole processes."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

WORK = Path(tempfile.gettempdir()) / "silograph-benchmarks"


def layout(files: int, seed: int = 1) -> Iterator[tuple[str, list[str]]]:
    """Directories with their file names: partitioned tables, image classes, shards, models, dated logs."""
    rng = random.Random(seed)
    left = {
        "hive": files * 45 // 100,
        "images": files * 30 // 100,
        "shards": files * 12 // 100,
        "models": files * 8 // 100,
    }
    left["logs"] = files - sum(left.values())
    start = date(2024, 1, 1)
    number = 0
    while left["hive"] > 0:
        number += 1
        for day in range(rng.randint(20, 120)):
            size = min(left["hive"], rng.choice((8, 16, 24, 33, 65)))
            if size <= 0:
                break
            left["hive"] -= size
            names = ["_SUCCESS", *(f"part-{i:05d}.parquet" for i in range(size - 1))]
            yield f"lake/db{number % 17:02d}/table_{number:04d}/date={start + timedelta(day)}", names
    for kind, root, sizes, name in (
        ("images", "images/class_{:05d}", (30, 60, 100, 200, 1300), "img_{:06d}.jpg"),
        ("shards", "shards/set_{:03d}/train", (64, 128, 256), "shard-{:06d}.tar"),
        ("models", "models/org/model_{:05d}", (5, 9, 14, 30), "model-{:05d}-of-00030.safetensors"),
        ("logs", "raw/src_{:02d}", (24, 48), "events-{:03d}.jsonl.gz"),
    ):
        number = 0
        while left[kind] > 0:
            size = min(left[kind], rng.choice(sizes))
            left[kind] -= size
            path = root.format(number if kind != "logs" else number // 366)
            if kind == "logs":
                path += f"/{start + timedelta(number % 366):%Y/%m/%d}"
            names = [name.format(i) for i in range(size)]
            if kind == "models":
                names[0] = "config.json"
            yield path, names
            number += 1


def tree(root: Path, files: int) -> Path:
    """Make the tree once: empty and sparse files, the same for every run."""
    marker = root / ".made"
    if marker.exists() and marker.read_text() == str(files):
        return root / "tree"
    rng = random.Random(2)
    for path, names in layout(files):
        directory = root / "tree" / path
        directory.mkdir(parents=True, exist_ok=True)
        for name in names:
            fd = os.open(directory / name, os.O_CREAT | os.O_WRONLY, 0o644)
            if rng.random() < 0.1:
                os.ftruncate(fd, rng.randrange(1, 1 << 28))
            os.close(fd)
    marker.write_text(str(files))
    return root / "tree"


def cpu(
    command: Sequence[str], env: dict[str, str] | None = None, said: list[str] | None = None
) -> tuple[float, float]:
    """CPU seconds and peak memory in MiB of one whole process; what it prints goes to `said`."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    out = subprocess.DEVNULL if said is None else subprocess.PIPE
    process = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, env={**clean, **(env or {})})
    assert process.stderr is not None
    if said is not None and process.stdout is not None:
        said += process.stdout.read().decode().splitlines()
    error = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command[:4]} failed: {error.decode()[-2000:]}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def figure(name: str, value: str, bar: str = "") -> None:
    """Print one figure on one line."""
    print(f"{name:<66} {value:>12}  {bar}".rstrip(), flush=True)


def ratio(pairs: Sequence[tuple[float, float]]) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(a / b for a, b in pairs)
