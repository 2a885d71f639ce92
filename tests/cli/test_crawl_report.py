"""What `catalog crawl` says about its reports, and how it ends."""

import json
from dataclasses import replace

import pytest

from catalog.cli import rows
from catalog.cli.crawl import exit_code, told
from catalog.cli.session import Session
from catalog.model import CrawlReport, Failure


def report(state="complete", **more):
    plain = CrawlReport(
        "lab", 7, "normal", state, 3, added=1, changed=1, removed=0, unchanged=1, bytes=1500, seconds=0.25
    )
    return replace(plain, **more)


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([], 0),
        (["complete"], 0),
        (["complete", "partial"], 4),
        (["failed"], 5),
        (["partial", "failed", "complete"], 5),
    ],
)
def test_the_worst_silo_decides_the_exit_code(states, code):
    assert exit_code([report(state) for state in states]) == code


def test_the_keys_scripts_rely_on():
    row = report("partial", failed=(Failure("raw/x", "denied"),), skipped={"symlink": 2}).as_dict()
    promised = "silo crawl mode state listed added changed removed unchanged bytes seconds failed"
    assert list(row)[:12] == promised.split()
    assert row["failed"] == [{"prefix": "raw/x", "reason": "denied"}]
    assert json.loads(json.dumps(row)) == row
    assert set(row) == set(rows.CRAWL_KEYS)


def test_unknown_sizes_stay_unknown():
    assert report(bytes=None).as_dict()["bytes"] is None
    assert "(" not in told(Session(), report(bytes=None))[0]


def test_failed_prefixes_are_named_and_skipped_kinds_counted():
    failed = tuple(Failure(f"raw/{n}\x1b]0;x\x07", "permission\ndenied") for n in range(30))
    lines = told(Session(), report("partial", failed=failed, skipped={"symlink": 3, "fifo": 1}, notes=("slow",)))
    text = "\n".join(lines)
    assert lines[0] == "lab: partial, 3 files (1.5 KB) in 0.2 s"
    assert "raw/0" in text and "raw/19" in text and "raw/20" not in text and "10 more" in text
    assert "skipped: 1 fifo, 3 symlink" in text and "note: slow" in text
    assert "\x1b" not in text and "\x07" not in text


def test_a_failed_start_has_a_name():
    assert any("(the start): gone" in line for line in told(Session(), report("failed", failed=(Failure("", "gone"),))))


def test_lineage_is_told_when_any_evidence_was_read():
    assert not any("lineage" in line for line in told(Session(), report()))
    assert "  lineage: 1 new edge from 3 files of evidence" in told(Session(), report(evidence=3, lineage=1))
    assert "  lineage: 0 new edges from 1 file of evidence" in told(Session(), report(evidence=1))
