"""The report of a crawl, as scripts read it."""

from __future__ import annotations

import json
from typing import Any

from catalog.model import CrawlReport


def report_dict(report: CrawlReport) -> dict[str, Any]:
    """The keys of `catalog crawl -o json`."""
    return {
        "silo": report.silo,
        "crawl": report.crawl,
        "mode": report.mode,
        "state": report.state,
        "listed": report.listed,
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "unchanged": report.unchanged,
        "bytes": report.bytes,
        "seconds": round(report.seconds, 3),
        "datasets": report.datasets,
        "versions": report.versions,
        "inspected": report.inspected,
        "findings": report.findings,
        "failed": [{"prefix": f.prefix, "reason": f.reason} for f in report.failed],
        "skipped": dict(report.skipped),
        "notes": list(report.notes),
    }


def report_json(report: CrawlReport) -> str:
    """The same, as one line."""
    return json.dumps(report_dict(report), ensure_ascii=True)
