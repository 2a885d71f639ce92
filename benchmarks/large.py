"""A listing of 10,000,000 generated entries taken into SQLite: does memory stay flat, and the speed?"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from common import WORK, figure

from catalog.crawl import crawl_silo
from catalog.model import Listing
from catalog.silos.base import Unchanged
from catalog.silos.memory import MemorySilo
from catalog.store import crawls, migrate
from catalog.store.engine import Database

DAYS, FILES = 500, 100
NOW = 1_790_000_000 * 10**9
TENTHS = 10


class Generated(MemorySilo):
    """`tables` folders of `DAYS` folders of `FILES` files each; `done` are the times when each tenth was given out."""

    def __init__(self, tables: int) -> None:
        super().__init__("generated", {})
        self.tables = tables
        self.done = [time.process_time()]

    def walk(self, prefix: str = "", unchanged: Unchanged | None = None) -> Iterator[Listing]:
        names = [f"part-{number:05d}.parquet" for number in range(FILES)]
        tables = [f"table_{number:05d}" for number in range(self.tables)]
        days = [f"day={number:03d}" for number in range(DAYS)]
        yield Listing("", (), (), (), directories=tables)
        for number, table in enumerate(tables, 1):
            yield Listing(table, (), (), (), directories=days)
            for day, name in enumerate(days):
                sizes = [1_000_000 + day * 1000 + at for at in range(FILES)]
                yield Listing(f"{table}/{name}", names, sizes, [NOW + at for at in sizes])
            if number * TENTHS % self.tables < TENTHS:
                self.done.append(time.process_time())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--entries", type=int, default=10_000_000)
    options.add_argument("--work", type=Path, default=WORK)
    asked = options.parse_args()
    path = asked.work / "large.db"
    for end in ("", "-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)
    migrate.upgrade(f"sqlite:///{path}")
    silo = Generated(asked.entries // (DAYS * FILES))
    with closing(Database(f"sqlite:///{path}")) as db:
        crawls.add_silo(db, "generated", silo.url, "object", {})
        report = crawl_silo(db, crawls.silo(db, "generated"), silo, inspect="none")
    assert (report.state, report.listed) == ("complete", silo.tables * DAYS * FILES), report
    taken = [after - before for before, after in zip(silo.done, silo.done[1:])]
    count = f"{report.listed:,} entries"
    figure(f"entries a CPU second, {count}", f"{report.listed / sum(taken):,.0f}")
    figure("entries a CPU second in the last tenth, x the first", f"{taken[0] / taken[-1]:.2f}", "bar 0.7")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figure(f"peak memory, {count}, MiB", f"{peak:.0f}", "bar 300")
    path.unlink()


if __name__ == "__main__":
    main()
