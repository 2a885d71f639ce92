"""`catalog schedule` and `catalog serve`, as people and scripts use them."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time

import pytest

import catalog
from catalog.cli.rows import SCHEDULE_KEYS, TASK_KEYS

PROGRAM = [sys.executable, "-c", "import sys; from catalog.cli import main; sys.exit(main())"]


@pytest.fixture
def url(lab, tmp_path):
    return str(tmp_path / "catalog.db")


def make_due(url, name="lab", seconds=1):
    with catalog.connect(url) as cat:
        due = cat.now_ns() - int(seconds * 1e9)
        cat._db.execute("UPDATE schedule SET due_ns = ?, starts_ns = ?, added_ns = ? WHERE name = ?", (due, due, due - 3600 * 10**9, name))


def test_a_schedule_is_added_listed_paused_resumed_and_removed(run, url):
    added = run("schedule", "add", "lab", "30 2 * * *", "--zone", "Europe/Berlin")
    assert (added.code, added.out) == (0, "")
    assert len(re.findall(r"02:30:00 \+0[12]00 \(CES?T\)", added.err)) == 3
    assert "catalog serve" in added.err and "catalog schedule run lab" in added.err
    (found,) = run("schedule", "ls", "-o", "json").json
    assert list(found) == list(SCHEDULE_KEYS)
    assert (found["when"], found["zone"], found["state"], found["last"]) == ("30 2 * * *", "Europe/Berlin", None, None)
    assert "Europe/Berlin" in run("schedule", "ls").out
    assert "resume lab" in run("schedule", "pause", "lab").err
    (found,) = run("schedule", "ls", "-o", "json").json
    assert (found["state"], found["next"]) == ("paused", None)
    assert "02:30:00" in run("schedule", "resume", "lab").err
    removed = run("schedule", "rm", "lab")
    assert removed.code == 0 and run("schedule", "ls", "-o", "json").json == []
    assert "catalog schedule add" in run("schedule", "ls").err


@pytest.mark.parametrize(
    "words",
    [
        ["@daily"], ["every 15m"], ["every", "15m"],
        ["*/5 8-18 * * MON-FRI", "--name", "it's here", "--zone", "Asia/Tokyo", "--prefix", "a b/c", "--quick", "--share", "7",
         "--runner", "threads:2", "--inspect", "none", "--jitter", "2m", "--timeout", "90m", "--overlap", "queue",
         "--misfire", "skip", "--retries", "0"],
        ["@weekly", "--full", "--inspect", "all"],
    ],
    ids=lambda words: " ".join(words)[:20],
)  # fmt: skip
def test_what_rm_says_adds_the_same_schedule_again(run, url, words):
    assert run("schedule", "add", "lab", *words).code == 0
    (before,) = run("schedule", "ls", "-o", "json").json
    removed = run("schedule", "rm", before["name"])
    again = shlex.split(removed.err.splitlines()[-1])
    assert again[0] == "catalog"
    assert run(*again[1:]).code == 0
    (after,) = run("schedule", "ls", "-o", "json").json
    different = {"added", "next"}
    assert {k: v for k, v in after.items() if k not in different} == {k: v for k, v in before.items() if k not in different}


@pytest.mark.parametrize(
    "words, code, told",
    [
        (["lab", "61 3 * * *"], 2, ["the minute is '61'", "0-59", "'0 3 * * *'"]),
        (["lab", "0", "3", "a.txt", "b", "c", "d"], 2, ["6 fields", "quotes"]),
        (["lab", "0 3 * * *", "--zone", "berlin"], 2, ["no time zone", "Europe/Berlin"]),
        (["lob", "0 3 * * *"], 3, ["'lob'", "'lab'"]),
        (["lab"], 2, ["CRON"]),
        (["lab", "@daily", "--quick", "--full"], 2, ["exclude"]),
        (["lab", "@daily", "--overlap", "wait"], 2, ["skip or queue"]),
        (["lab", "@daily", "--misfire", "twice"], 2, ["once or skip"]),
        (["lab", "@daily", "--inspect", "some"], 2, ["none, sample or all"]),
        (["lab", "@daily", "--runner", "dask"], 2, ["runner"]),
        (["lab", "@daily", "--share", "3"], 2, ["quick"]),
        (["lab", "@daily", "--timeout", "soon"], 2, ["a timeout", "90s"]),
        (["lab", "@daily", "--timeout", "0"], 2, ["timeout"]),
        (["lab", "every 15m", "--jitter", "15m"], 2, ["15 min", "--jitter 899"]),
        (["lab", "@daily", "--retries", "99"], 2, ["at most 10"]),
        (["lab", "@daily", "--retries", "-1"], 2, ["at most 10"]),
        (["lab", "@daily", "--name", "a/b"], 2, ["a/b"]),
        (["lab", "@daily", "--name", "x\x1b[31m"], 2, ["name"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_kept(run, url, words, code, told):
    ran = run("schedule", "add", *words)
    assert ran.code == code
    for part in told:
        assert part in ran.err
    assert "hint:" in ran.err and "\x1b" not in ran.err
    assert run("schedule", "ls", "-o", "json").json == []


def test_a_name_is_given_once(run, url):
    run("schedule", "add", "lab", "@daily")
    twice = run("schedule", "add", "lab", "@hourly")
    assert twice.code == 2 and "--name lab-2" in twice.err
    second = run("schedule", "add", "lab", "@hourly", "--name", "lab-2")
    assert second.code == 0 and "lab crawls this silo too" in second.err


@pytest.mark.parametrize("verb", ["pause", "resume", "run", "history", "rm"])
def test_a_schedule_that_does_not_exist(run, url, verb):
    run("schedule", "add", "lab", "@daily", "--name", "nightly")
    ran = run("schedule", verb, "nightli")
    assert ran.code == 3 and "'nightly'" in ran.err


def test_a_run_by_hand_reports_as_a_crawl_does(run, url, lab):
    (lab / "more.csv").write_text("a\n1\n")
    run("schedule", "add", "lab", "@daily", "--name", "nightly")
    ran = run("schedule", "run", "nightly")
    assert ran.code == 0, ran.err
    assert "lab: complete, 6 files" in ran.out and "1 added" in ran.out
    (task,) = run("schedule", "history", "nightly", "-o", "json").json
    assert list(task) == list(TASK_KEYS)
    assert (task["state"], task["cause"], task["added"], len(task["attempts"])) == ("complete", "manual", 1, 1)
    assert "complete" in run("schedule", "history").out
    assert run("schedule", "run", "nightly", "-o", "json").json["state"] == "complete"


def test_a_run_by_hand_that_fails_ends_as_a_crawl_does(run, url, lab):
    run("schedule", "add", "lab", "@daily")
    lab.rename(lab.with_name("away"))
    ran = run("schedule", "run", "lab")
    assert ran.code == 5 and "does not exist" in ran.out + ran.err
    (task,) = run("schedule", "history", "-o", "json").json
    assert (task["state"], task["attempts"][0]["outcome"]) == ("failed", "failed")
    assert "does not exist" in run("schedule", "history").out


def test_what_is_due_is_run_once_and_then_it_ends(run, url):
    run("schedule", "add", "lab", "every 1h")
    nothing = run("schedule", "run", "--once")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "")
    make_due(url)
    ran = run("schedule", "run", "--once")
    assert ran.code == 0 and "complete" in ran.out and "lab: started: crawl of lab" in ran.err
    again = run("schedule", "run", "--once", "-o", "json")
    assert (again.code, again.json) == (0, [])


def test_the_exit_code_tells_the_worst(run, url, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    run("silo", "add", "gone", gone)
    gone.rmdir()
    for silo in ("lab", "gone"):
        run("schedule", "add", silo, "every 1h")
        make_due(url, silo)
    ran = run("schedule", "run", "--once", "-q", "-o", "jsonl")
    assert ran.code == 5
    assert {row["silo"]: row["state"] for row in ran.jsonl} == {"lab": "complete", "gone": "waiting"}
    assert "gone: failed" in ran.err, "trouble is told even when nothing else is"
    assert "started" not in ran.err


def test_a_run_that_nobody_started_is_told(run, url):
    run("schedule", "add", "lab", "every 1h")
    make_due(url, seconds=600)
    listed = run("schedule", "ls")
    assert "Overdue" in listed.err and "lab" in listed.err and "catalog serve" in listed.err


@pytest.mark.parametrize("words", [[], ["lab", "--once"]])
def test_run_takes_a_name_or_once(run, url, words):
    run("schedule", "add", "lab", "@daily")
    ran = run("schedule", "run", *words)
    assert ran.code == 2 and "--once" in ran.err


@pytest.mark.parametrize("words", [["serve"], ["schedule", "ls"], ["schedule", "run", "--once"]])
def test_no_catalog_is_made_by_mistake(run, tmp_path, words):
    ran = run("--db", tmp_path / "none.db", *words)
    assert ran.code == 3 and "no catalog" in ran.err
    assert not (tmp_path / "none.db").exists()


@pytest.mark.slow
@pytest.mark.parametrize("number, code", [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_serve_runs_what_is_due_until_it_is_stopped(run, url, number, code):
    run("schedule", "add", "lab", "every 1s")
    process = subprocess.Popen([*PROGRAM, "serve"], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "complete" in line:
            break
    process.send_signal(number)
    out, rest = process.communicate(timeout=60)
    assert process.returncode == code
    assert out == ""
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (lab: )?\w", line) for line in lines)
    assert f"{signal.Signals(number).name}: stopping" in rest and "stopped" in rest and "Traceback" not in rest
    assert run("schedule", "history", "-o", "json").json[-1]["state"] == "complete"


@pytest.mark.slow
def test_a_run_by_hand_can_be_interrupted(run, url, lab):
    for n in range(900):
        (lab / f"d{n}").mkdir()
        for m in range(40):
            os.close(os.open(f"{lab}/d{n}/part-{m:04}.csv", os.O_CREAT | os.O_WRONLY))
    run("schedule", "add", "lab", "@daily")
    process = subprocess.Popen([*PROGRAM, "schedule", "run", "lab"], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with catalog.connect(url) as cat:
        while not any(one.alive and one.state == "running" for one in cat.crawls(1)):
            assert process.poll() is None
            time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "hint:" in err and "Traceback" not in err
    (task,) = run("schedule", "history", "-o", "json").json
    assert task["state"] == "interrupted"
    assert run("schedule", "run", "lab").code == 0
