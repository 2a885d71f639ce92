"""Crawls in words: the lines that their details and notices show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text

from catalog import text
from catalog.model import CrawlProgress
from catalog.tui.cells import NONE, fit, pair, shown
from catalog.tui.crawl_line import CrawlLine
from catalog.tui.crawler import CrawlJob
from catalog.tui.describe import Clock, number, section, size

FAILURES_SHOWN = 50
BAR = 30  # cells of the bar of a crawl whose end is known
DOING = {"list": "listing", "inspect": "opening files", "group": "grouping", "done": "done"}


def crawl_facts(line: CrawlLine, clock: Clock, now: float, width: int, title: str = "") -> Text:
    """What a crawl was asked, where it stands or how it ended, and what it found."""
    row = line.row
    name = title or (f"{shown(line.silo)}  crawl {row.id}" if row else shown(line.silo))
    lines = [Text(name, style="bold"), _state(line, clock, now), *_live(line, clock, now, width)]
    if line.prefix:
        lines.append(pair("only", line.prefix))
    if line.told("share"):
        lines.append(pair("share", f"{line.told('share')} of the folders listed whatever their times"))
    if line.told("as_of"):
        lines.append(pair("listing", f"as it was {line.told('as_of')}"))
    if row is not None:
        lines.append(pair("began", clock.moment(row.started_ns)))
    return Text("\n").join([*lines, *_counts(line)])


def _state(line: CrawlLine, clock: Clock, now: float) -> Text:
    """`! partial · normal crawl · 3.4 s`."""
    mode = line.row.mode if line.row else line.job.mode if line.job else None
    seconds = line.seconds(clock, now)
    took = "" if seconds is None else f" · {'for ' if line.runs else ''}{text.duration(seconds)}"
    return Text.assemble((line.state, "bold"), (f" · {shown(mode)} crawl{took}", "dim"))


def _counts(line: CrawlLine) -> list[Text]:
    if line.told("listed") is None:
        return []
    changes = ", ".join(f"{number(line.told(key))} {key}" for key in ("added", "changed", "removed"))
    versions, opened, findings = (line.told(key) or 0 for key in ("versions", "inspected", "findings"))
    return [
        pair("files", f"{number(line.listed)}, {size(line.told('bytes'))}"),
        pair("changes", changes),
        pair("unchanged", number(line.told("unchanged"))),
        pair("assets", f"{number(line.told('datasets'))}, {text.plural(versions, 'new version')}"),
        pair("opened", f"{text.plural(opened, 'file')}, {text.plural(findings, 'finding')}"),
    ]


def _live(line: CrawlLine, clock: Clock, now: float, width: int) -> list[Text]:
    """Where a running crawl stands: in detail if it runs here, else that it is alive."""
    row, job = line.row, line.job
    if job is not None:
        return _steps(job, job.progress, now, width)
    if row is None or row.state != "running":
        return []
    sign = clock.now() - (row.heartbeat_ns or row.started_ns)
    last = f"{text.duration(max(0, sign) / 1e9)} ago"
    if row.alive:
        return [pair("alive", f"last sign {last}"), pair("process", row.worker)]
    return [pair("process", f"{shown(row.worker)} is gone"), pair("next", "a crawl of this silo goes on from there")]


def _steps(job: CrawlJob, step: CrawlProgress | None, now: float, width: int) -> list[Text]:
    if job.state == "waiting":
        return [pair("after", "the crawl before it")]
    if step is None:
        return [pair("doing", "opening the silo")]
    lines = [pair("doing", DOING[step.stage])]
    if step.stage == "list":
        rate, left = job.rate(now), job.left(now)
        of = f" of about {step.expected:,}" if step.expected else ""
        lines.append(pair("files", f"{step.listed:,}{of}, {size(step.bytes)}"))
        if step.expected:
            lines.append(Text(_bar(step.listed, step.expected)))
        if rate is not None:
            rest = "" if left is None else f", about {text.duration(left)} left"
            lines.append(pair("speed", f"{rate:,.0f} files/s{rest}"))
        if step.prefix:
            lines.append(pair("in", fit(shown(step.prefix), max(10, width - 12), "start")))
    if step.stage == "inspect":
        lines.append(pair("opened", text.plural(step.done, "file")))
    return lines


def _bar(listed: int, expected: int) -> str:
    share = min(1.0, listed / expected)
    return f"{'━' * int(share * BAR):─<{BAR}} {share:.0%}"


def trouble(line: CrawlLine) -> list[Text]:
    """What could not be listed, what was left out, and notes: each under its heading."""
    failed: Sequence[Mapping[str, str]] = line.told("failed") or ()
    lines = section(f"Could not be listed ({len(failed):,})", [_failure(one) for one in failed[:FAILURES_SHOWN]])
    if len(failed) > FAILURES_SHOWN:
        lines.append(Text(f"… {len(failed) - FAILURES_SHOWN:,} more", style="dim"))
    skipped: Mapping[str, int] = line.told("skipped") or {}
    lines += section("Left out", [Text(f"{count:,} {shown(kind)}") for kind, count in sorted(skipped.items())])
    return lines + section("Notes", [Text(shown(note)) for note in line.told("notes") or ()])


def _failure(failure: Mapping[str, str]) -> Text:
    prefix, reason = failure.get("prefix"), failure.get("reason")
    return Text.assemble("✗ ", (shown(prefix) if prefix else "(the start)", "bold"), f" {shown(reason or NONE)}")


def ended(job: CrawlJob) -> tuple[str, str, bool]:
    """How a crawl ended, for a notice: (title, text, whether something is wrong)."""
    silo = shown(job.silo, 60)
    if job.error is not None:
        hint = f"\n{shown(job.error.hint)}" if job.error.hint else ""
        return f"✗ {silo} was not crawled", shown(job.error.message) + hint, True
    report = job.report
    if report is None or report.state == "cancelled":
        return f"– crawl of {silo} stopped", "What was stored stays; the next crawl goes on from there.", False
    did = (
        f"{text.plural(report.listed, 'file')} in {text.duration(report.seconds)}: {report.added:,} added, "
        f"{report.changed:,} changed, {report.removed:,} removed"
    )
    if report.state == "complete":
        return f"✓ {silo} crawled", did, False
    first = report.failed[0] if report.failed else None
    why = f"{shown(first.prefix) or '(the start)'}: {shown(first.reason)}" if first else ""
    if report.state == "failed":
        return f"✗ crawl of {silo} failed", why, True
    return f"! {silo} crawled in part", f"{did}\n{text.plural(len(report.failed), 'place')} not listed. {why}", True
