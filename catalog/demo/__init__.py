"""The demo: a small estate of generated files, crawled twice so that there is history to look at.

Its story runs through all kinds of storage: reviews that lie on a volume become features in a bucket (a
folder, where no S3 server is installed), from which a model in a folder is trained.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from catalog import __version__
from catalog.api import Catalog, connect
from catalog.demo.bucket import Bucket, is_installed, running
from catalog.naming import canonical
from catalog.text import plural, size

SILOS = ("archive", "lab", "lake", "vault")
"""The demo's silos: folders below `estate/`, a bucket for the lake where one can be had, and a disk image."""
_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_ESTATE = "estate"
_SERVER = "bucket"
_EVENTS = "lineage.ndjson"
_DATABASE = "catalog.db"
_READY = "ready"


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo that stands: its database's URL, lines that say what is in it, and commands to try."""

    url: str
    summary: tuple[str, ...]
    next_commands: tuple[str, ...]


@contextmanager
def build(directory: Path, echo: Callable[[str], None], fresh: bool = False) -> Iterator[Demo]:
    """Make the demo in `directory`, which exists: files, two crawls, lineage and a few annotations.

    One that this release finished there is left as it is, unless `fresh`. The server of its bucket, where one is
    installed, runs for as long as the context is open. `echo` gets a line for each step. Raises `OSError`
    where files cannot be written, and what a crawl raises.
    """
    database = directory / _DATABASE
    ready = directory / _READY
    summary = None if fresh else _finished(ready)
    if summary is None:
        _clear(directory)
    with _lake(directory, echo) as lake:
        if summary is None:
            summary = _make(directory / _ESTATE, database, lake, echo)
            ready.write_text("\n".join((__version__, *summary)), encoding="utf-8")
        else:
            echo(f"The demo in {directory} is ready; --fresh starts over.")
        yield Demo(f"sqlite:///{database}", tuple(summary), _commands(database))


@contextmanager
def _lake(directory: Path, echo: Callable[[str], None]) -> Iterator[Bucket | None]:
    """The bucket the lake lies in; None when it is a folder, as it stays in a demo that began so."""
    began_as_folder = (directory / _READY).exists() and not (directory / _SERVER).exists()
    if began_as_folder or not is_installed():
        yield None
        return
    echo("Starting an S3 server for the lake …")
    with running(directory / _SERVER) as bucket:
        yield bucket


def _finished(ready: Path) -> Sequence[str] | None:
    """The summary of a demo that this release made and finished; None when there is none."""
    if not ready.is_file():
        return None
    release, *summary = ready.read_text(encoding="utf-8").splitlines()
    return summary if release == __version__ else None


def _clear(directory: Path) -> None:
    """Remove what an earlier demo, or one that was cut short, left."""
    (directory / _READY).unlink(missing_ok=True)
    for ending in ("", "-wal", "-shm"):
        (directory / (_DATABASE + ending)).unlink(missing_ok=True)
    for folder in (_ESTATE, _SERVER):
        shutil.rmtree(directory / folder, ignore_errors=True)


def _make(estate: Path, database: Path, lake: Bucket | None, echo: Callable[[str], None]) -> Sequence[str]:
    """Write, crawl, tell lineage, change, crawl and annotate; returns the summary."""
    from catalog.demo.estate import change, write

    echo(f"Writing a small estate to {estate} …")
    write(estate)
    with connect(database) as cat:
        for name in ("archive", "lab"):
            cat.add_silo(name, str(estate / name))
        cat.add_silo("lake", lake.url if lake else str(estate / "lake"), **(lake.options if lake else {}))
        cat.add_silo("vault", f"block://{estate / 'vault.img'}")
        held = lake.mirror(estate / "lake", {}) if lake else {}
        echo("Crawling it …")
        cat.crawl()
        _tell_lineage(cat, estate.parent / _EVENTS)
        echo("A day passes: files are added, changed and removed. Crawling again …")
        change(estate)
        if lake:
            lake.mirror(estate / "lake", held)
        cat.crawl()
        _annotate(cat)
        return _summary(cat)


def _tell_lineage(cat: Catalog, events: Path) -> None:
    """One job tells the catalog what it does, another one wrote OpenLineage events; the rest stands in files."""
    with cat.record("reviews.features", code="git:https://git.example.com/shop/reviews@4f1c2d0") as run:
        run.reads("vault/p1/reviews")
        run.writes("lake/features/reviews")
    features, model = cat.dataset("lake/features/reviews"), cat.dataset("lab/models/reviews-tiny")
    told = (f"{json.dumps(event)}\n" for event in _training(features.uri, model.uri))
    events.write_text("".join(told), encoding="utf-8")
    cat.import_lineage(events)


def _training(features: str, model: str) -> Iterator[dict[str, Any]]:
    """What a training job's OpenLineage client would write: one event as it starts, one as it ends."""
    (inside, name), (beside, called) = canonical(features), canonical(model)
    run = {"runId": "0196f0c4-6a2e-7c31-9d2b-5b1f3a7c9e10"}
    job = {"namespace": "airflow", "name": "reviews.train"}
    base: dict[str, Any] = {"producer": "https://example.com/demo", "schemaURL": _SCHEMA, "run": run, "job": job}
    read = [{"namespace": inside, "name": name}]
    wrote = [{"namespace": beside, "name": called}]
    yield {**base, "eventType": "START", "eventTime": "2026-06-30T04:00:00Z", "inputs": read, "outputs": []}
    yield {**base, "eventType": "COMPLETE", "eventTime": "2026-06-30T05:12:00Z", "inputs": [], "outputs": wrote}


def _annotate(cat: Catalog) -> None:
    cat.dataset("lake/clicks").annotate(
        owner="ann", tags=("pii", "web"), description="Clicks in the web shop, one row each."
    )
    cat.dataset("lake/orders").annotate(owner="ben", tags=("finance",), description="Orders by month, from the shop.")
    cat.dataset("lab/models/reviews-tiny").annotate(
        owner="chen", tags=("production",), description="Rates a review from 1 to 5."
    )
    cat.dataset("lab/exports/survey.csv").annotate(owner="ann", tags=("pii",))


def _summary(cat: Catalog) -> tuple[str, ...]:
    silos = [
        f"  {one.name:8} {plural(one.files or 0, 'file'):>10}  {size(one.bytes):>8}  {plural(one.datasets, 'asset')}"
        for one in cat.silos()
    ]
    datasets, models, changed, broken = (
        cat.search(query).count().number for query in ("kind:dataset", "kind:model", "is:changed", "is:broken")
    )
    return (
        f"A demo estate in {plural(len(silos), 'silo')}:",
        *silos,
        f"{plural(datasets, 'dataset')} and {plural(models, 'model')}; "
        f"{changed} changed between two crawls, {broken} with a broken file.",
    )


def _commands(database: Path) -> tuple[str, ...]:
    program = f"catalog --db {quote(str(database))}"
    return (
        f"{program}  # the terminal UI",
        f"{program} search clicks",
        f"{program} search 'tag:pii column:email'",
        f"{program} search 'is:changed sort:-modified'",
        f"{program} search 'kind:file is:broken'",
        f"{program} trace lab/models/reviews-tiny",
        f"{program} impact vault",
        f"{program} path vault/p1/reviews lab/models/reviews-tiny-int8",
        f"{program} show lake/clicks",
    )
