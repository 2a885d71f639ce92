"""When each part of a silo was last seen in full: not passed over because its time had not changed.

Nothing is written for that. It follows from the crawls that are remembered: one that lists every
directory verifies all it reached; quick ones with a rolling share verify everything once each share
has had its turn.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zlib import crc32

from catalog.store.engine import Database

_CRAWLS = 400
"""Crawls of a silo that are looked at, newest first."""


def is_due(path: str, share: tuple[int, int] | None) -> bool:
    """Whether a directory belongs to the share `(which, of)` that a quick crawl lists in any case."""
    return share is not None and crc32(path.encode("utf-8", "surrogatepass")) % share[1] == share[0]


def next_share(db: Database, silo_id: int, of: int) -> tuple[int, int]:
    """The share whose turn it is: each of the `of` comes once in so many crawls of the silo."""
    row = db.one(
        "SELECT COUNT(*) FROM crawl WHERE silo_id = ? AND mode = 'quick' AND state IN ('complete', 'partial')",
        (silo_id,),
    )
    return (int(row[0]) if row else 0) % of, of


def verified(db: Database, silo_id: int, path: str) -> int | None:
    """When everything at and below `path` was last seen in full, in nanoseconds; None when never."""
    turns: dict[int, dict[int, int]] = {}
    for prefix, mode, started_ns, told in db.all(
        "SELECT prefix, mode, started_ns, report FROM crawl WHERE silo_id = ? AND state IN ('complete', 'partial') "
        f"ORDER BY id DESC LIMIT {_CRAWLS}",
        (silo_id,),
    ):
        report = json.loads(told) if told else {}
        if not _covers(prefix, path) or _missed(report.get("failed") or (), path):
            continue
        if mode in ("normal", "full"):
            return true_as_of(report, int(started_ns))
        which, _, of = (report.get("share") or "").partition("/")
        if mode == "quick" and of:
            seen = turns.setdefault(int(of), {})
            seen.setdefault(int(which), true_as_of(report, int(started_ns)))
            if len(seen) == int(of):
                return min(seen.values())
    return None


def true_as_of(report: Mapping[str, Any], started_ns: int) -> int:
    """As of when a crawl's listing is true: its start, that of the one it went on with, or what an inventory says."""
    as_of = report.get("as_of") or (report.get("resumed") or {}).get("since")
    return int(datetime.fromisoformat(str(as_of)).timestamp()) * 1_000_000_000 if as_of else started_ns


def _missed(failed: Iterable[dict[str, str]], path: str) -> bool:
    return any(_covers(one["prefix"], path) or _covers(path, one["prefix"]) for one in failed)


def _covers(above: str, path: str) -> bool:
    return not above or path == above or path.startswith(above + "/")
