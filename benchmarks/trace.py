"""Traces, impact lists and paths in a catalog whose lineage graph has 1,000,000 edges."""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

from common import WORK, figure

from catalog.store import graph, migrate
from catalog.store.engine import Database

LAYERS = 12
HUBS = 40
"""Assets that thousands of others are made from, and as many that are made from thousands."""
HUB_EDGES = 4_000
JOBS = 20_000
NOW = 1_790_000_000 * 10**9
EVIDENCE = (("observed", 0.95), ("declared", 0.9), ("proof", 1.0), ("inferred", 0.5))
Row = tuple[object, ...]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--edges", type=int, default=1_000_000)
    options.add_argument("--traces", type=int, default=300)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--work", type=Path, default=WORK)
    asked = options.parse_args()
    url = f"sqlite:///{asked.work / f'trace-{asked.edges}.db'}"
    made(url, asked.edges)
    with closing(Database(url, write=False)) as db:
        rng = random.Random(3)
        nodes, hubs = asked.edges // 3, wide(db, "source_id") + wide(db, "target_id")
        anywhere = [rng.randint(1, nodes) for _ in range(asked.traces)]
        about(db, hubs)
        for name, both in (("both ways", (True, True)), ("downstream", (False, True)), ("upstream", (True, False))):
            up, down = both

            def trace(focus: int, up: bool = up, down: bool = down) -> int:
                return len(graph.trace(db, [focus], up=up, down=down, depth=3, fan_out=20, limit=300).nodes)

            timed(f"trace, depth 3, {name}, random assets", anywhere, trace, "bar 10", asked.rounds)
            timed(f"trace, depth 3, {name}, hubs", hubs, trace, "bar 10", asked.rounds)
        timed("neighbours, first 50, hubs", hubs, lambda focus: len(graph.neighbours(db, focus, "down", 0, 50)))
        for name, some in (("random assets", anywhere[:40]), ("hubs", hubs[:8])):
            timed(f"impact, all of it, {name}", some, lambda focus: sum(1 for _ in graph.reach(db, [focus])), rounds=2)
        timed("path, from one end of it to the other", ends(db, hubs[:40]), lambda pair: steps(db, *pair), rounds=2)


def timed(name: str, asked: Sequence[object], answer: Callable[..., int], bar: str = "", rounds: int = 5) -> None:
    """Print p50 and p95 of answering each, and how large the answers were.

    Measured is the CPU time of the thread, the least of some rounds: SQLite answers in it, so that is how long it
    takes on a machine that does nothing else.
    """
    taken, sizes = [float("inf")] * len(asked), [0] * len(asked)
    for _ in range(rounds):
        for at, one in enumerate(asked):
            started = time.thread_time()
            sizes[at] = answer(one)
            taken[at] = min(taken[at], (time.thread_time() - started) * 1000)
    p95 = statistics.quantiles(taken, n=20)[-1]
    figure(f"{name} ({statistics.mean(sizes):,.0f} found)", f"{statistics.median(taken):.2f}/{p95:.2f}", bar)


def steps(db: Database, source: int, target: int) -> int:
    found = graph.path(db, [source], [target])
    return len(found.edges) if found else 0


def ends(db: Database, starts: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of assets that are far apart: each with the last of all that is downstream of it."""
    return [(start, last[-1].asset) for start in starts if (last := list(graph.reach(db, [start])))]


def about(db: Database, hubs: Sequence[int]) -> None:
    edges, assets = db.value("SELECT COUNT(*) FROM edge"), db.value("SELECT COUNT(*) FROM asset")
    print(f"{edges:,} edges, {assets:,} assets, {len(hubs)} hubs of {HUB_EDGES:,} edges and more; p50/p95 in CPU ms")


def wide(db: Database, side: str) -> list[int]:
    """The hubs of one side."""
    rows = db.all(f"SELECT {side} FROM edge GROUP BY {side} HAVING COUNT(*) >= ? ORDER BY {side}", (HUB_EDGES,))
    return [int(row[0]) for row in rows]


# ---------------------------------------------------------------- the graph


def made(url: str, edges: int) -> None:
    """Make the graph once: the same for every run."""
    path = Path(url.removeprefix("sqlite:///"))
    path.parent.mkdir(parents=True, exist_ok=True)
    marker = path.with_suffix(".made")
    if marker.exists():
        return
    path.unlink(missing_ok=True)
    migrate.upgrade(url)
    with closing(Database(url)) as db, db.transaction():
        insert(db, "silo(id, name, url, kind, options, added_ns)", [(1, "s", "s3://s", "object", "{}", 1)])
        insert(db, "origin(id, uri, read_ns)", [(1, "openlineage", 1)])
        insert(db, "job(id, namespace, name, first_ns, last_ns)", jobs())
        insert(
            db,
            "asset(id, kind, namespace, name, silo_id, path, root, rule, key, format, confidence, evidence, files, "
            "version, fingerprint, sampled_version, inspected, first_crawl)",
            assets(edges // 3),
        )
        insert(
            db,
            "edge(source_id, target_id, kind, job_id, origin_id, evidence, confidence, runs, source_version, "
            "target_version, valid_from_ns, observed_ns)",
            drawn(edges),
        )
        db.execute("ANALYZE")
    marker.write_text("")


def insert(db: Database, table: str, rows: Iterable[Row]) -> None:
    marks = ", ".join("?" * (table.count(",") + 1))
    rest = iter(rows)
    while chunk := list(islice(rest, 50_000)):
        db.executemany(f"INSERT INTO {table} VALUES ({marks})", chunk)


def jobs() -> Iterator[Row]:
    return ((i, "airflow", f"etl.step_{i:05d}", 1, 1) for i in range(1, JOBS + 1))


def assets(number: int) -> Iterator[Row]:
    for i in range(1, number + 1):
        layer = (i - 1) * LAYERS // number
        kind, path = "model" if layer == LAYERS - 1 else "dataset", f"layer_{layer:02d}/table_{i:06d}"
        yield i, kind, "s3://s", path, 1, path, path, "single", path, "parquet", 0.9, "", 1, 1, "", 0, 0, 1


def drawn(edges: int) -> Iterator[Row]:
    """So many edges between different pairs, with what each tells of itself."""
    rng = random.Random(1)
    seen = set[tuple[int, int]]()
    for source, target in pairs(rng, edges // 3):
        if len(seen) == edges:
            return
        if (source, target) not in seen:
            seen.add((source, target))
            evidence, confidence = EVIDENCE[rng.randrange(len(EVIDENCE))]
            when = NOW - rng.randrange(10**16)
            yield source, target, "derived", target % JOBS + 1, 1, evidence, confidence, 9, 1, 1, when, when


def pairs(rng: random.Random, nodes: int) -> Iterator[tuple[int, int]]:
    """(source, target) from each layer to the next, without end: the hubs first, then neighbours mostly."""
    width = nodes // LAYERS
    wanted = min(HUB_EDGES, width // 2)
    for hub in range(HUBS):
        layer = hub % (LAYERS - 1)
        source, sink = 1 + layer * width + hub, 1 + (layer + 1) * width + hub
        yield from ((source, target) for target in rng.sample(range(sink - hub, sink - hub + width), wanted + hub))
        yield from ((other, sink) for other in rng.sample(range(source - hub, source - hub + width), wanted + hub))
    while True:
        target = rng.randint(width + 1, nodes)
        for _ in range(min(int(rng.paretovariate(1.0)), 40)):
            near = target - width + int(rng.gauss(0, 10))
            popular = (target // width - 1) * width + int(rng.random() ** 6 * width)
            yield min(max(near if rng.random() < 0.85 else popular, 1), target - 1), target


if __name__ == "__main__":
    main()
