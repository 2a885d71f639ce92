"""Some parts of a silo, listed and loaded by a worker of a cluster, which gives counts back and nothing else.

A shard can be listed any number of times: what an earlier attempt has loaded is found to be the same. Two attempts at
once, when a worker that was given up goes on, wait for each other; and what belongs to a crawl that has ended is
not written any more.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from catalog.crawl.crew import Loaded
from catalog.crawl.listing import ListingStage
from catalog.errors import CatalogError, StoreError, UsageError
from catalog.model import CrawlMode
from catalog.silos.registry import open_silo
from catalog.store import crawls
from catalog.store.bulk import Writer
from catalog.store.engine import Database
from catalog.text import safe


@dataclass(frozen=True, slots=True)
class Shard:
    """The subtrees `paths` of a silo, by the name it has in the catalog at `db`, where its secrets are references."""

    db: str
    silo: str
    crawl: int
    paths: tuple[str, ...]
    mode: CrawlMode
    share: tuple[int, int] | None
    version: str


def load_shard(shard: Shard) -> Loaded:
    """List the parts of a shard and load what differs. Errors come back as values: a worker's have to travel."""
    from catalog import __version__

    try:
        if shard.version != __version__:
            raise UsageError(
                f"A worker has release {__version__} of silograph, and this is {shard.version}.",
                hint=f"On the workers: pip install 'silograph[dask,postgres]=={shard.version}'",
            )
        with closing(Database(shard.db)) as db:
            return _loaded(db, shard)
    except CatalogError as error:
        return Loaded(broken=error.message, hint=error.hint, again=isinstance(error, StoreError))
    except Exception as error:  # noqa: BLE001 (not every error can be sent back as it is)
        told = safe(f"{type(error).__name__}: {error}", 300)
        return Loaded(broken=f"A worker failed over '{safe(shard.paths[0], 200)}': {told}", hint="Look at its log.")


def _loaded(db: Database, shard: Shard) -> Loaded:
    info = crawls.silo(db, shard.silo)
    with closing(open_silo(info.url, info.options)) as silo:
        tree_order = silo.capabilities.order == "tree"
        writer = Writer(
            db, info.id, shard.crawl, lambda counts: crawls.contribute(db, shard.crawl, counts), tree_order=tree_order
        )
        stage = ListingStage(db, silo, writer, shard.mode, 1, lambda path: None, shard.share)
        for path in shard.paths:
            with crawls.alone_in(db, shard.crawl, path):
                stage.run_part(path)
    skipped = tuple(sorted(stage.skipped.items()))
    return Loaded(stage.listed, stage.bytes, stage.passed_over, skipped, tuple(stage.failed))
