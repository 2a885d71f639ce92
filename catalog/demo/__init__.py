"""The demo: a small estate of generated files, crawled twice so that there is history to look at."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from catalog import __version__
from catalog.api import Catalog, connect
from catalog.text import plural, size

SILOS = ("archive", "lab", "lake")
"""The demo's silos; each is a folder below `estate/`."""
_ESTATE = "estate"
_DATABASE = "catalog.db"
_READY = "ready"


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo that stands: its database's URL, lines that say what is in it, and commands to try."""

    url: str
    summary: tuple[str, ...]
    next_commands: tuple[str, ...]


def build(directory: Path, echo: Callable[[str], None], fresh: bool = False) -> Demo:
    """Make the demo in `directory`, which exists: the files, then two crawls and a few annotations.

    One that this release finished there is left as it is, unless `fresh`. `echo` gets a line for
    each step. Raises `OSError` where files cannot be written, and what a crawl raises.
    """
    database = directory / _DATABASE
    ready = directory / _READY
    summary = None if fresh else _finished(ready)
    if summary is None:
        _clear(directory)
        summary = _make(directory / _ESTATE, database, echo)
        ready.write_text("\n".join((__version__, *summary)), encoding="utf-8")
    else:
        echo(f"The demo in {directory} is ready; --fresh starts over.")
    return Demo(f"sqlite:///{database}", tuple(summary), _commands(database))


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
    shutil.rmtree(directory / _ESTATE, ignore_errors=True)


def _make(estate: Path, database: Path, echo: Callable[[str], None]) -> Sequence[str]:
    """Write, crawl, change, crawl and annotate; returns the summary."""
    from catalog.demo.estate import change, write

    echo(f"Writing a small estate to {estate} …")
    write(estate)
    with connect(database) as cat:
        for name in SILOS:
            cat.add_silo(name, str(estate / name))
        echo("Crawling it …")
        cat.crawl()
        echo("A day passes: files are added, changed and removed. Crawling again …")
        change(estate)
        cat.crawl()
        _annotate(cat)
        return _summary(cat)


def _annotate(cat: Catalog) -> None:
    cat.dataset("lake/clicks").annotate(
        owner="ann", tags=("pii", "web"), description="Clicks in the web shop, one row each."
    )
    cat.dataset("lake/orders").annotate(owner="ben", tags=("finance",), description="Orders by month, from the shop.")
    cat.dataset("lab/models/reviews-tiny").annotate(
        owner="chen", tags=("production",), description="Rates a review from 1 to 5; trained on corpora/reviews."
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
        f"{program} show lake/clicks",
        f"{program} versions lake/clicks",
    )
