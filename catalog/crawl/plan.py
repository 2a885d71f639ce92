"""What a crawl is going to cost, without asking the storage anything."""

from __future__ import annotations

from catalog.model import CrawlMode, CrawlPlan, InspectMode, SiloInfo
from catalog.silos.base import Silo
from catalog.store import inspections
from catalog.store.datasets import under
from catalog.store.engine import Database

PAGE = 1_000
"""Keys that an object store lists in one request."""
_SAMPLES = 3
"""Files opened of an asset of many files that has changed."""


def plan_crawl(
    db: Database, info: SiloInfo, silo: Silo, *, prefix: str = "", mode: CrawlMode = "normal",
    inspect: InspectMode = "sample", share: int = 0, classify: bool = False,
) -> CrawlPlan:  # fmt: skip
    """Reckon the requests of a crawl from what the last one found; all is unknown before the first."""
    prefix = prefix.strip("/")
    where, which = under("path", prefix)
    directories, files = db.one(
        f"SELECT COUNT(*), SUM(own_files) FROM directory WHERE silo_id = ? AND removed_crawl IS NULL AND {where}",
        (info.id, *which),
    ) or (0, None)
    if not directories:
        return CrawlPlan(info.name, mode, prefix, None, None, None, None, None)
    looks = directories if mode == "quick" and silo.capabilities.directory_mtimes else 0
    if silo.capabilities.order == "keys":
        requests = max(-(-int(files) // PAGE), 1)
    elif looks:
        requests = directories // share if share else 0
    else:
        requests = directories
    opened = _opened(db, info.id, prefix, inspect)
    again = mode == "full" or inspect == "all"
    looked_into = _looked_into(db, info.id, prefix, again=again) if classify else None
    return CrawlPlan(
        info.name, mode, prefix, int(files), int(directories), requests, looks, opened + (looked_into or 0), looked_into
    )


def _opened(db: Database, silo_id: int, prefix: str, inspect: InspectMode) -> int:
    """Files that would be opened if the crawl finds nothing new."""
    if inspect == "none":
        return 0
    assets = inspections.candidates(db, silo_id, prefix, everything=inspect == "all")
    if inspect == "all":
        return sum(one.files for one in assets)
    return sum(1 if one.single else min(one.files, _SAMPLES) for one in assets)


def _looked_into(db: Database, silo_id: int, prefix: str, *, again: bool) -> int:
    """Files whose values would be sampled if the crawl finds nothing new."""
    from catalog.crawl.classifying import candidates, sampled_files

    assets = candidates(db, silo_id, prefix, again=again)
    return sum(len(sampled_files(db, asset, crawl_id=0)) for asset in assets)
