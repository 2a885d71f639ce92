"""A small lineage graph in a catalog, with a cycle, a model known by name, storage below, and something retracted."""

from __future__ import annotations

from contextlib import closing

from harness import lineage_rows as rows
from harness.lineage_rows import DAY, LEARNT

from catalog.store.engine import Database

# volume ─▶ raw (lab) ─▶ clicks ─▶ features ─▶ churn (model) ─▶ churn-v5 (known by name)
#                users ───────────┘      └─▶ clicks         old ─▶ gone (until ten days later)
RAW, CLICKS, USERS, FEATURES, CHURN, NAMED, OLD, GONE, ALONE, VOLUME, MERGED = range(1, 12)


def make(url: str) -> None:
    """Fill an empty catalog."""
    with closing(Database(url)) as db:
        rows.silo(db, 1, "lab", "file:///lab")
        rows.silo(db, 2, "lake", "s3://lake")
        with db.transaction():
            rows.origin(db)
            rows.job(db, 7, "etl.daily")
            _assets(db)
            pairs = [
                (RAW, CLICKS), (CLICKS, FEATURES), (USERS, FEATURES), (FEATURES, CHURN), (CHURN, NAMED), (FEATURES, CLICKS),
            ]  # fmt: skip
            for number, (source, target) in enumerate(pairs, 1):
                rows.edge(db, number, source, target, job_id=7)
            rows.edge(db, 7, VOLUME, RAW, kind="stores", job_id=0, evidence="proof", confidence=1.0)
            rows.edge(db, 8, OLD, GONE, retracted_ns=LEARNT + 10 * DAY)
            rows.columns(db, RAW, CLICKS, [("id", "user_id")], transformation="DIRECT/IDENTITY")


def _assets(db: Database) -> None:
    paths = {CLICKS: "clicks", USERS: "users.csv", FEATURES: "features", OLD: "old", GONE: "gone", ALONE: "alone"}
    crawled = {"silo_id": 2, "rule": "single", "version": 1, "format": "csv"}
    rows.assets(
        db,
        {**crawled, "id": RAW, "path": "raw.csv", "silo_id": 1},
        *({**crawled, "id": id, "path": path} for id, path in paths.items()),
        {"id": CHURN, "path": "models/churn", "silo_id": 2, "kind": "model", "rule": "hf_model"},
        {"id": NAMED, "path": "churn-v5", "namespace": "model", "kind": "model"},
        {"id": VOLUME, "path": "/dev/sdb", "kind": "volume", "namespace": "block", "silo_id": 1, "rule": "layer"},
        {"id": MERGED, "path": "was-raw", "merged_into": RAW, "removed_crawl": 1},
    )
