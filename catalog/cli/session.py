"""What one run of the program knows: the global options, and how to open the catalog."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from catalog import config, text

if TYPE_CHECKING:
    from catalog.api import Catalog

_STYLES = {"red": "31;1", "yellow": "33", "green": "32", "bold": "1", "dim": "2"}


@dataclass
class Session:
    """The global options of one run, and its way to speak to people on stderr."""

    db: str | None = None
    quiet: bool = False
    verbose: bool = False
    no_color: bool = False

    def open(self, *, read_only: bool = True) -> Catalog:
        """The catalog. For reading it must exist; for writing it is created. Close it after use."""
        url = self.url
        from catalog.api import connect

        return connect(url, read_only=read_only)

    @property
    def url(self) -> str:
        """The database's URL, from the option, the environment or a configuration file."""
        return config.database_url(self.db)

    def notice(self, message: str) -> None:
        """Tell something that is not data."""
        if not self.quiet:
            print(message, file=sys.stderr)

    def error(self, message: str, hint: str | None = None) -> None:
        """Tell what went wrong, and what to try."""
        label = self.paint("error:", "red", sys.stderr)
        print(label, *printable(message), sep=" " if "\n" not in message else "\n  ", file=sys.stderr)
        for number, line in enumerate(printable(hint or "")):
            print(f"hint: {line}" if number == 0 else f"      {line}", file=sys.stderr)

    def paint(self, words: str, style: str, stream: TextIO) -> str:
        """`words` in a style, where `stream` shows colours."""
        return f"\x1b[{_STYLES[style]}m{words}\x1b[0m" if self.colour(stream) else words

    def colour(self, stream: TextIO) -> bool:
        """Whether `stream` shows colours: --no-color, NO_COLOR, FORCE_COLOR and the terminal decide."""
        if self.no_color or os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("FORCE_COLOR"):
            return True
        return stream.isatty() and os.environ.get("TERM") != "dumb"

    def shows_progress(self) -> bool:
        """Whether progress may be drawn: on a terminal only, and not when silence was asked for."""
        return not self.quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def printable(message: str) -> list[str]:
    """The lines of a message, each without what a terminal would obey."""
    return [text.safe(line) for line in message.splitlines()]
