"""The command line: `catalog COMMAND …`.

Data goes to stdout, progress and notices to stderr, and the exit code says how it went: 0 ok,
1 failure, 2 usage, 3 not found, 4 partial, 5 silo unreachable, 6 check failed, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

COMPLETE = "_CATALOG_COMPLETE"
"""The variable in which a shell asks for completion."""
INTERRUPTED = 130
"""The exit code after Ctrl-C."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. `argv` is without the program's name."""
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without UTF-8 gets `?`, not a crash
            stream.reconfigure(errors="replace")
    try:
        code = _answer(words)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (`head`, a pager) has seen enough. Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:  # before or after the command itself, which has more to say
        return INTERRUPTED
    return code


def _answer(words: list[str]) -> int:
    if not os.environ.get(COMPLETE):
        # Answered here, because loading the command line costs ten times a bare start.
        if words in (["--help"], ["-h"]) or (not words and not on_terminal()):
            from catalog.cli.commands import help_text

            sys.stdout.write(help_text())
            return 0
        if words == ["--version"]:
            from catalog.cli.commands import version_text

            sys.stdout.write(version_text())
            return 0
    from catalog.cli.run import run

    return run(words)


def on_terminal() -> bool:
    """Whether a person sits at both ends: then a bare `catalog` opens the terminal UI."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))
