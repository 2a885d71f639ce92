"""Progress is drawn on a terminal, on stderr, and nowhere else."""

import io
import os
import subprocess
import sys

import pytest

from catalog.cli.progress import CrawlProgressBar
from catalog.cli.session import Session
from catalog.model import CrawlProgress

STAGES = [
    CrawlProgress("lab[bold]", "list", listed=10, bytes=1000, prefix="raw/\x1b[2J"),
    CrawlProgress("lab[bold]", "list", listed=50, bytes=5000, expected=100),
    CrawlProgress("lab[bold]", "list", listed=150, bytes=9000, expected=100),
    CrawlProgress("lab[bold]", "inspect", listed=150, bytes=9000, done=3, expected=100),
    CrawlProgress("other", "list"),
    CrawlProgress("lab[bold]", "group", listed=150, bytes=9000),
    CrawlProgress("lab[bold]", "done", listed=150, bytes=9000),
    CrawlProgress("other", "done"),
]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def drawn(monkeypatch, stream, **options):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with CrawlProgressBar(Session(**options)) as bar:
        for now in STAGES:
            bar(now)
            if bar._bar:
                bar._bar.refresh()
    return stream.getvalue()


def test_on_a_terminal_it_tells_the_stage_the_count_and_the_percentage(monkeypatch):
    text = drawn(monkeypatch, Terminal(), no_color=True)
    for said in (
        "lab[bold] listing",
        "10 files, 1.0 KB",
        "50%",
        "inspecting",
        "3 files opened",
        "grouping",
        "other",
    ):
        assert said in text
    assert "\x1b[2Jraw" not in text and "raw/\x1b" not in text


@pytest.mark.parametrize(("stream", "options"), [(io.StringIO, {}), (Terminal, {"quiet": True})])
def test_elsewhere_it_is_silent(monkeypatch, stream, options):
    assert drawn(monkeypatch, stream(), **options) == ""


def test_without_a_terminal_rich_is_not_loaded(tmp_path):
    code = (
        "import sys\n"
        "from catalog.cli.progress import CrawlProgressBar as B\n"
        "from catalog.cli.session import Session\n"
        "from catalog.model import CrawlProgress\n"
        "with B(Session()) as bar: bar(CrawlProgress('lab', 'list'))\n"
        "assert 'rich' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.PIPE, env=dict(os.environ), timeout=60)
