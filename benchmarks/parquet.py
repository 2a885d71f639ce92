"""Facts of 10,000 small Parquet files, against a loop that reads metadata and Arrow schema with pyarrow.

Four tables of 12 to 21 columns, each in many files. Imports, and finding the files, are left out of both.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

from common import WORK, cpu, figure, ratio

_TIMED = """
import resource, sys
def spent():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
{}
before = spent()
{}
print(spent() - before)
"""
PYARROW = _TIMED.format(
    """
from pathlib import Path
import pyarrow.parquet as pq
files = [str(path) for path in sorted(Path(sys.argv[1]).rglob("*.parquet"))]
pq.read_metadata(files[0]).schema.to_arrow_schema()
""",
    "for file in files: pq.read_metadata(file).schema.to_arrow_schema()",
)
OURS = _TIMED.format(
    """
from pathlib import Path
import pyarrow.parquet
from catalog.formats.registry import inspect
from catalog.silos.file import FileSilo
root = Path(sys.argv[1])
silo = FileSilo(str(root))
files = [(str(path.relative_to(root)), path.name, path.stat().st_size) for path in sorted(root.rglob("*.parquet"))]
def look(path, name, size):
    _, facts, error = inspect(lambda offset, length: silo.read(path, offset, length), size, name)
    assert facts is not None and facts.fields and facts.rows == 3, error
""",
    "for file in files: look(*file)",
)


def made(root: Path, count: int) -> Path:
    """The files, made once: the same for every run."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    marker = root / ".made"
    if marker.exists() and marker.read_text() == str(count):
        return root
    rng = random.Random(1)
    kinds = (
        ("id", lambda: pa.array([rng.randrange(1 << 40) for _ in range(3)], pa.int64())),
        ("name", lambda: pa.array([rng.choice(("ann", "bo", "someone else")) for _ in range(3)])),
        ("value", lambda: pa.array([rng.random() for _ in range(3)])),
        ("at", lambda: pa.array([rng.randrange(1 << 50) for _ in range(3)], pa.timestamp("us"))),
        ("flag", lambda: pa.array([True, False, None])),
    )
    for number in range(count):
        table, part = number % 4, number // 4
        folder = root / f"table_{table}" / f"day={part // 50:03}"
        folder.mkdir(parents=True, exist_ok=True)
        chosen = [kinds[(column + table) % 5] for column in range(12 + 3 * table)]
        columns = {f"{name}_{at}": values() for at, (name, values) in enumerate(chosen)}
        pq.write_table(pa.table(columns), folder / f"part-{part:05}.parquet")
    marker.write_text(str(count))
    return root


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--work", type=Path, default=WORK)
    asked = options.parse_args()
    root = made(asked.work / f"parquet-{asked.files}", asked.files)
    rounds = []
    for _ in range(asked.rounds):
        spent = []
        for code in (OURS, PYARROW):
            said: list[str] = []
            cpu([sys.executable, "-c", code, str(root)], said=said)
            spent.append(float(said[0]))
        rounds.append((spent[0], spent[1]))
    label = f"facts of {asked.files:,} Parquet files, x CPU of pyarrow's metadata and schema"
    figure(label, f"{ratio(rounds):.2f}", "bar 0.7")


if __name__ == "__main__":
    main()
