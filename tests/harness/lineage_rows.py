"""Rows of the lineage graph, written with plain SQL: assets, jobs, runs, origins, edges."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from catalog.store.engine import Database

DAY = 86400 * 10**9
LEARNT = 1_767_225_600 * 10**9
"""2026-01-01: when edges are learnt, unless a test says otherwise."""

TABLES = ("column_edge", "edge", "run_asset", "run", "job", "alias", "origin", "asset_version", "annotation", "asset")


def clear(db: Database) -> None:
    """Take everything away but the silos."""
    with db.transaction():
        for table in TABLES:
            db.execute(f"DELETE FROM {table}")


def silo(db: Database, id: int, name: str, url: str = "s3://bucket") -> None:
    with db.transaction():
        db.execute(
            "INSERT INTO silo(id, name, url, kind, options, added_ns) VALUES (?, ?, ?, 'object', '{}', 1)",
            (id, name, url),
        )


def assets(db: Database, *rows: dict[str, Any]) -> None:
    """Assets, with `id` and whatever else is not usual: `path`, `kind`, `silo_id`, `removed_crawl`, `merged_into` …"""
    for row in rows:
        path = row.get("path", f"a{row['id']}")
        full = {
            "kind": "dataset", "namespace": "s3://bucket", "name": path, "silo_id": None, "path": path, "root": "",
            "rule": "named", "key": path, "confidence": 0.9, "evidence": "", "files": 0, "version": 0, "fingerprint": "",
            "sampled_version": 0, "inspected": 0, "first_crawl": 0, **row,
        }  # fmt: skip
        insert(db, "asset", full)


def origin(db: Database, id: int = 1, uri: str = "openlineage") -> None:
    insert(db, "origin", {"id": id, "uri": uri, "read_ns": 1})


def job(db: Database, id: int, name: str, namespace: str = "airflow") -> None:
    insert(db, "job", {"id": id, "namespace": namespace, "name": name, "first_ns": 1, "last_ns": 1})


def run(db: Database, id: int, job_id: int, uuid: str) -> None:
    insert(db, "run", {"id": id, "uuid": uuid, "job_id": job_id, "state": "complete"})


def edge(db: Database, id: int, source: int, target: int, **more: Any) -> None:
    """An edge from origin 1. `job_id` is its own id unless given: edges between the same pair stay apart."""
    row = {
        "id": id, "source_id": source, "target_id": target, "kind": "derived", "job_id": id, "origin_id": 1,
        "evidence": "observed", "confidence": 0.95, "runs": 1, "observed_ns": LEARNT, **more,
    }  # fmt: skip
    insert(db, "edge", row)


def columns(db: Database, source: int, target: int, pairs: Iterable[tuple[str, str]], **more: Any) -> None:
    for source_field, target_field in pairs:
        row = {
            "source_id": source, "source_field": source_field, "target_id": target, "target_field": target_field,
            "job_id": 0, "origin_id": 1, "observed_ns": LEARNT, **more,
        }  # fmt: skip
        insert(db, "column_edge", row)


def insert(db: Database, table: str, row: dict[str, Any]) -> None:
    names = ", ".join(row)
    db.execute(f"INSERT INTO {table}({names}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))
