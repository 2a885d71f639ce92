"""A catalog in memory with the face of `catalog.api.Catalog`, for screens with thousands of rows and fixed times."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import replace
from functools import lru_cache

from fake_lineage import Graph

from catalog.api import CrawlRow
from catalog.errors import Interrupted, NotFound
from catalog.model import (
    AssetInfo,
    Count,
    CrawlReport,
    Failure,
    Field,
    FileInfo,
    Finding,
    Hit,
    SiloInfo,
    VersionInfo,
)
from catalog.query import Query, Term, Word, parse
from catalog.silos.base import Reached

NOW = 1_790_000_000 * 10**9  # 2026-09-21T14:13:20Z
DAY = 86_400 * 10**9
SILOS = (
    ("lake", "s3://acme-lake", "object"),
    ("scans", "nfs://filer/scans", "file"),
    ("lab-nas", "/mnt/lab", "file"),
)
SUBJECTS = (
    "clicks",
    "orders",
    "sessions",
    "labels",
    "embeddings",
    "scans",
    "features",
    "payments",
    "crawl",
    "audio",
)
STAGES = ("raw", "clean", "daily", "train", "eval", "2026", "v2", "sampled", "joined", "export")
FORMATS = ("parquet", "csv", "jsonl", "delta", "zarr", "safetensors", "tiff", "avro", "hdf5")
OWNERS = ("ann", "growth", "vision", None, None)
TAGS = ("pii", "gold", "licensed", "eu")


@lru_cache
def hits(number: int, seed: int = 7) -> tuple[Hit, ...]:
    rng = random.Random(seed)
    return tuple(_hit(i, rng) for i in range(1, number + 1))


def _hit(i: int, rng: random.Random) -> Hit:
    silo, url, _ = SILOS[min(int(rng.expovariate(1.1)), 2)]
    form = FORMATS[min(int(rng.expovariate(0.45)), len(FORMATS) - 1)]
    name = f"{rng.choice(SUBJECTS)}_{rng.choice(STAGES)}_{i:05d}"
    files = int(rng.lognormvariate(3, 2)) + 1
    kind = "model" if form == "safetensors" else "dataset"
    rows = None if form in ("zarr", "tiff", "safetensors") else int(rng.lognormvariate(12, 3)) + 1
    return Hit(
        id=i, kind=kind, name=name, uri=f"{url}/{rng.choice(STAGES)}/{name}", silo=silo, format=form, files=files,
        bytes=None if rng.random() < 0.02 else int(rng.lognormvariate(19, 3)), rows=rows,
        modified_ns=NOW - int(rng.expovariate(1 / 90) * DAY), version=rng.randint(1, 14), owner=rng.choice(OWNERS),
        tags=tuple(tag for tag in TAGS if rng.random() < 0.12),
    )  # fmt: skip


def silos(*, crawled: bool = True) -> list[SiloInfo]:
    when = NOW - 2 * 3600 * 10**9 if crawled else None
    state = "complete" if crawled else None
    held = [(12_042, 48_200_000_000, 204), (1_204_551, 7_900_000_000_000, 38), (88, None, 9)]
    options = [{"region": "eu-west-1", "access_key_id": "reader", "secret_access_key": "env:LAKE_SECRET"}, {}, {}]
    return [
        SiloInfo(i, name, url, kind, options[i - 1], NOW - 90 * DAY, when, state, *(held[i - 1] if crawled else ()))
        for i, (name, url, kind) in enumerate(SILOS, 1)
    ]


def report(silo: str, number: int, state: str = "complete", **facts) -> CrawlReport:
    told = {"listed": 12_042, "added": 17, "changed": 3, "removed": 2, "unchanged": 12_020, "bytes": 48_200_000_000,
            "seconds": 3.4, "datasets": 204, "versions": 5, "inspected": 24, "findings": 1}  # fmt: skip
    return CrawlReport(silo=silo, crawl=number, mode="normal", state=state, **(told | facts))


def crawl_row(number: int, silo: str, state: str = "complete", hours: float = 2, **options) -> CrawlRow:
    """A crawl that ended so many hours ago; with state `running` one that began then and gave a sign just now."""
    began = NOW - int(hours * 3600) * 10**9
    running = state == "running"
    told = None if running else report(silo, number, state, **options.pop("facts", {})).as_dict()
    values = {"prefix": "", "mode": "normal", "ended_ns": None if running else began + 3_400_000_000, "report": told,
              "heartbeat_ns": NOW - 4 * 10**9 if running else began, "worker": "filer.example:4711", "alive": running}  # fmt: skip
    return CrawlRow(id=number, silo=silo, state=state, started_ns=began, **(values | options))


FAILED = (
    Failure("raw/private", "permission denied"),
    Failure("raw/2026/03/07", "the listing broke off after 4,000 entries: connection reset by peer"),
)


def crawl_rows(number: int) -> list[CrawlRow]:
    """A history, newest first: every state there is, then nothing but complete ones."""
    told = [
        crawl_row(number, "scans", "running", 0.05),
        crawl_row(number - 1, "lake", "partial", 3, facts={"failed": FAILED, "skipped": {"symlink": 12, "socket": 1},
                                                           "notes": ("2 files were opened twice",)}),
        crawl_row(number - 2, "lab-nas", "failed", 26, facts={"listed": 0, "bytes": None, "failed": FAILED[:1]}),
        crawl_row(number - 3, "lake", "cancelled", 27, mode="quick", prefix="raw/events"),
        crawl_row(number - 4, "scans", "running", 50, alive=False, heartbeat_ns=NOW - 2 * DAY),
    ]  # fmt: skip
    return told + [crawl_row(n, SILOS[n % 3][0], hours=60 + number - n) for n in range(number - 5, 0, -1)]


def fields(number: int) -> tuple[Field, ...]:
    types = ("int64", "string", "timestamp[us, tz=UTC]", "double", "decimal128(10, 2)", "list", "bool")
    names = ("user_id", "event", "at", "amount", "address.city", "items[].sku", "consent", "country")
    return tuple(
        Field(
            names[i] if i < len(names) else f"feature_{i:05d}",
            types[i % len(types)],
            nullable=i % 3 > 0,
            doc="who did it; never null" if i == 0 else None,
        )
        for i in range(number)
    )


class FakeCatalog:
    """`known` are its assets, `single_files` what `kind:file` finds."""

    location = "~/data/catalog.db"
    url = "sqlite:///catalog.db"

    def __init__(
        self, known=(), *, with_silos=None, columns=18, single_files=(), failing=None, counted=None, history=(), graph=None
    ):
        self.known = list(known)
        self.single_files = list(single_files)
        self.columns = columns
        self.silo_list = silos() if with_silos is None else with_silos
        self.failing = failing or {}
        self.counted = counted
        self.gate: threading.Event | None = None
        self.pages: list[tuple[int, int]] = []
        self.queries: list[str] = []
        self.history = list(history)
        self.graph = graph or Graph()
        self.layers = ()
        self.schedule_list = []
        self.steps = ()  # what a crawl tells while it runs
        self.go_on = threading.Event()  # a crawl ends when this is set
        self.crawling: list[tuple[str, str, str]] = []
        self.forks = 0
        self.open_forks = 0

    def fork(self, *, write=False):
        self.forks += 1
        self.open_forks += 1
        return FakeFork(self, write)

    def fail_if_told(self, what):
        if what in self.failing:
            raise self.failing[what]


class FakeFork:
    def __init__(self, origin: FakeCatalog, write: bool) -> None:
        self.origin = origin
        self.write = write
        self.stopped = threading.Event()
        self.thread: int | None = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def check_thread(self):
        self.thread = self.thread or threading.get_ident()
        assert self.thread == threading.get_ident(), "a fork is used by one thread only"

    def silos(self):
        self.check_thread()
        self.origin.fail_if_told("silos")
        return self.origin.silo_list

    def crawls(self, limit=50, offset=0):
        self.check_thread()
        self.origin.fail_if_told("crawls")
        return self.origin.history[offset : offset + limit]

    def count_crawls(self):
        return len(self.origin.history)

    def last_crawls(self):
        return list({row.silo: row for row in reversed(self.origin.history)}.values())

    def test_silo(self, name):
        self.check_thread()
        self.origin.fail_if_told("test_silo")
        return Reached("s3://acme-lake", "reader", ("raw/a.csv", "raw/b.csv"), True, 0.12, self.origin.layers)

    def schedules(self):
        return self.origin.schedule_list

    def crawl(self, name, *, prefix, mode, progress, stop):
        self.check_thread()
        assert self.write, "a crawl writes"
        self.origin.fail_if_told("crawl")
        self.origin.crawling.append((name, mode, prefix))
        row = crawl_row(max((r.id for r in self.origin.history), default=0) + 1, name, "running", 0, mode=mode)
        self.origin.history.insert(0, row)
        for step in self.origin.steps:
            progress(step)
        while not (stop() or self.origin.go_on.wait(0.01)):
            pass
        ended = report(name, row.id, "cancelled" if stop() else "complete")
        self.origin.history[0] = replace(row, state=ended.state, alive=False, report=ended.as_dict())
        if stop():
            error = Interrupted("stopped")
            error.reports = (ended,)
            raise error
        return [ended]

    def search(self, query="", limit=None):
        self.check_thread()
        self.origin.queries.append(query)
        parsed = parse(query)
        self.origin.fail_if_told("search")
        return FakeResults(self, parsed)

    def dataset(self, ref, at=None):
        self.check_thread()
        self.origin.fail_if_told("dataset")
        found = next((hit for hit in self.origin.known if str(hit.id) == ref), None)
        if found is None:
            raise NotFound(f"no asset '{ref}'", hint="catalog search")
        return FakeDataset(self, found)

    def neighbours(self, ref, direction, offset=0, limit=50, at=None):
        self.check_thread()
        self.origin.fail_if_told("neighbours")
        return self.origin.graph.neighbours(self.id_of(ref), direction, offset, limit, at)

    def trace(self, ref, **options):
        self.check_thread()
        self.origin.fail_if_told("trace")
        return self.origin.graph.trace(self.id_of(ref), **options)

    def impact(self, ref, at=None):
        self.check_thread()
        self.origin.fail_if_told("impact")
        graph = self.origin.graph
        of_silo = [id for id, facts in graph.names.items() if facts["silo"] == ref]
        return graph.impact(of_silo or [self.id_of(ref)], at)

    def id_of(self, ref):
        """The asset of an id; one that no edge leads to has no lineage, and is known all the same."""
        graph, id = self.origin.graph, int(ref)
        if id not in graph.names:
            hit = next((hit for hit in self.origin.known if hit.id == id), None)
            if hit is None:
                raise NotFound(f"no asset '{ref}'", hint="catalog search")
            graph.add(id, hit.name, hit.kind, hit.silo, format=hit.format, version=hit.version)
        return id

    def interrupt(self):
        self.stopped.set()

    def close(self):
        self.check_thread()
        self.origin.open_forks -= 1


class FakeResults:
    def __init__(self, fork, query: Query) -> None:
        self.fork, self.query = fork, query
        pool = fork.origin.single_files if "file" in query.kinds else fork.origin.known
        self.found = [hit for hit in pool if matches(hit, query)]
        if query.sort:
            attribute = {"modified": "modified_ns", "size": "bytes"}.get(query.sort.field, query.sort.field)
            self.found.sort(key=lambda h: getattr(h, attribute) or 0, reverse=query.sort.descending)

    def page(self, offset, limit):
        self.fork.check_thread()
        origin = self.fork.origin
        origin.pages.append((offset, limit))
        if offset:
            origin.fail_if_told("page")
        if origin.gate is not None:
            while not origin.gate.wait(0.01):
                if self.fork.stopped.is_set():
                    self.fork.stopped.clear()
                    raise Interrupted("stopped")
        return self.found[offset : offset + limit]

    def count(self):
        self.fork.check_thread()
        most = self.fork.origin.counted
        return Count(most, exact=False) if most and most < len(self.found) else Count(len(self.found))

    def facets(self):
        self.fork.check_thread()
        told = {
            field: Counter(getattr(hit, field) for hit in self.found if getattr(hit, field))
            for field in ("silo", "format", "kind", "owner")
        }
        told["tag"] = Counter(tag for hit in self.found for tag in hit.tags)
        return {field: sorted(counts.items(), key=lambda p: (-p[1], p[0])) for field, counts in told.items()}

    def hints(self):
        self.fork.check_thread()
        less = [self.query.without(i) for i in range(len(self.query.conditions))]
        gains = [(str(query), sum(matches(hit, query) for hit in self.fork.origin.known)) for query in less]
        return sorted((pair for pair in gains if pair[1]), key=lambda pair: -pair[1])


class FakeDataset:
    def __init__(self, fork, hit):
        self.fork, self.hit, self.id = fork, hit, hit.id

    @property
    def info(self):
        hit = self.hit
        return AssetInfo(
            hit=hit, namespace=hit.uri.rsplit("/", 1)[0], rule="hive", pattern="part-{n}.parquet", confidence=0.97,
            evidence="folders day=… hold files of one schema", fields=fields(self.fork.origin.columns),
            description="Clicks as the site sends them, one row a click.", partitions=("day", "country"),
            inspected=min(hit.files, 3), codec="zstd", versions=hit.version or 0, first_seen_ns=NOW - 90 * DAY,
            last_verified_ns=NOW - 2 * 3600 * 10**9, removed_ns=None,
            findings=(Finding("day=2026-03-01/part-00007.parquet", "truncated", "the footer is missing"),),
        )  # fmt: skip

    @property
    def versions(self):
        last = self.hit.version or 1
        return [
            VersionInfo(n, NOW - (last - n) * 9 * DAY, 40 + n, self.hit.files * n // last or 1,
                        None if self.hit.bytes is None else self.hit.bytes * n // last,
                        None if self.hit.rows is None else self.hit.rows * n // last,
                        f"{n * 0x1F3D5B79:016x}", f"{n // 4:04x}")
            for n in range(1, last + 1)
        ]  # fmt: skip

    def files(self, at=None):
        return FakeFiles(self.fork, self.hit)


class FakeFiles:
    def __init__(self, fork, hit):
        self.fork, self.hit = fork, hit

    def page(self, offset, limit):
        self.fork.check_thread()
        self.fork.origin.pages.append((offset, limit))
        stop = min(offset + limit, self.hit.files)
        return [
            FileInfo(f"{self.hit.name}/day=2026-03-{i % 28 + 1:02d}/part-{i:05d}.parquet", 1_000_000 + i * 977,
                     NOW - i * DAY // 10, f"{i * 2654435761 % 2**32:08x}", "parquet",
                     finding="truncated" if i == 7 else None)
            for i in range(offset, stop)
        ]  # fmt: skip

    def count(self):
        return Count(self.hit.files)


def matches(hit: Hit, query: Query) -> bool:
    return all(_holds(hit, condition) for condition in query.conditions)


def _holds(hit: Hit, condition: Word | Term) -> bool:
    if isinstance(condition, Word):
        return (condition.text.lower() in f"{hit.name} {hit.uri}".lower()) is not condition.negated
    values = [v.text for v in condition.values]
    if condition.field == "tag":
        found = any(v in hit.tags for v in values)
    elif condition.field == "size":
        low, high = condition.values[0].low, condition.values[0].high
        found = hit.bytes is not None and (low or 0) <= hit.bytes < (high or 2**63)
    else:
        found = getattr(hit, condition.field) in values
    return found is not condition.negated


def hostile(hit: Hit) -> Hit:
    """The same hit with a name that tries to move the cursor, close markup and reverse the line."""
    name = "\x1b[31mred\x1b[0m [bold]not bold[/bold] [@click=app.quit]x[/] \u202eover \u200b\x07 [/] 表データ.csv"
    return replace(
        hit,
        name=name,
        uri=f"s3://acme-lake/{name}\n/second",
        owner="[red]x[/red]\x1b]0;t\x07",
        tags=("[b]t",),
    )
