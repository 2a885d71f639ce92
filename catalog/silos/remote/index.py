"""The pages by which web servers list a folder, read back into entries. Pure: bytes in, entries out.

Known are Apache, nginx (HTML and JSON), lighttpd, Caddy (JSON), rclone and Python's http.server; others that write
one link an entry below a heading such as "Index of" read alike. Any other page is none: the page of a site that
happens to have links must not pass for a complete listing.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any, NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

from catalog.silos.remote.walk import FILE, FOLDER, MOST, Found
from catalog.silos.remote.web import time_ns

_HEADING = re.compile(r"\s*(?:index of|directory listing|directory:|listing of)\b", re.IGNORECASE)
_UP = re.compile(r"\s*(?:\.\./?|\[?(?:to )?parent directory\]?|go up|up to .{0,60})\s*", re.IGNORECASE)
_EXACT = re.compile(r"\d{1,19}")
_DATES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}"), "%Y-%m-%d %H:%M:%S"),
    (re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}"), "%Y-%m-%d %H:%M"),
    (re.compile(r"\d{2}-[A-Z][a-z]{2}-\d{4} \d{2}:\d{2}:\d{2}"), "%d-%b-%Y %H:%M:%S"),
    (re.compile(r"\d{2}-[A-Z][a-z]{2}-\d{4} \d{2}:\d{2}"), "%d-%b-%Y %H:%M"),
    (re.compile(r"\d{4}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2}"), "%Y-%b-%d %H:%M:%S"),
)
_AFTER_DATE = re.compile(r"(?:\.\d+)?(?:\s*(?:[+-]\d{4}|UTC|GMT|Z)\b)*")
_LONGEST_TEXT = 2000


class NotIndexError(Exception):
    """The page lists no folder, or breaks off; `again` says that another try may help."""

    def __init__(self, reason: str, *, again: bool = False) -> None:
        super().__init__(reason)
        self.again = again


def entries(body: bytes, content_type: str, url: str) -> list[Found]:
    """What the page at `url` lists. Raises `NotIndexError`.

    A size is given only where the page tells it to the byte, a time as the page tells it, taken as UTC.
    """
    if "json" in content_type.lower():
        return _from_json(body)
    return _from_html(body, url)


# ---------------------------------------------------------------- JSON: nginx and Caddy


def _from_json(body: bytes) -> list[Found]:
    try:
        listed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotIndexError("the answer is no JSON", again=True) from error
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise NotIndexError("the answer lists no folder")
    return [_json_entry(one) for one in listed]


def _json_entry(told: dict[str, Any]) -> Found:
    name, size = told.get("name"), told.get("size")
    kind = told.get("type", "directory" if told.get("is_dir") else "file")
    if told.get("is_symlink"):
        kind = "symlink"
    when = told.get("mod_time") or told.get("mtime")
    return Found(
        name.removesuffix("/") if isinstance(name, str) else "",
        {"file": FILE, "directory": FOLDER, "symlink": "symlink"}.get(str(kind), "other"),
        size if isinstance(size, int) and not isinstance(size, bool) else None,
        _iso_ns(when) if isinstance(when, str) else None,
    )


def _iso_ns(value: str) -> int | None:
    """A time of ISO 8601 with up to nine digits of a second, or one of HTTP."""
    whole, _, rest = value.partition(".")
    fraction = re.match(r"\d{1,9}", rest)
    zone = rest[fraction.end() :] if fraction else ""
    try:
        at = datetime.fromisoformat(whole + zone)
        seconds = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return time_ns(value)
    return seconds * 1_000_000_000 + (int(fraction[0].ljust(9, "0")) if fraction else 0)


# ---------------------------------------------------------------- HTML


class _Link(NamedTuple):
    href: str
    text: str
    behind: str
    """What stands between this link and the next."""


class _Page(HTMLParser):
    """Gathers the links of a page with what stands behind each, and its headings."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[_Link] = []
        self.headings: list[str] = []
        self.ended = False
        self._href: str | None = None
        self._inside: list[str] = []
        self._behind: list[str] = []
        self._heading: list[str] | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """A link begins, or a heading, or a cell."""
        if tag == "a":
            self._flush()
            self._href = dict(attributes).get("href") or ""
        elif tag in ("title", "h1", "h2"):
            self._heading = []
        elif tag in ("td", "br", "hr", "tr", "li"):
            self._behind.append(" ")

    def handle_endtag(self, tag: str) -> None:
        """What was gathered is the text of a link, or of a heading."""
        if tag == "a" and self._href is not None:
            self._inside, self._behind = self._behind, []
        elif tag in ("title", "h1", "h2") and self._heading is not None:
            self.headings.append("".join(self._heading))
            self._heading = None
        elif tag == "html":
            self.ended = True

    def handle_data(self, data: str) -> None:
        """Text, cut where it is too long to be of use."""
        if self._heading is not None:
            self._heading.append(data[:_LONGEST_TEXT])
        elif sum(map(len, self._behind[-8:])) < _LONGEST_TEXT:
            self._behind.append(data[:_LONGEST_TEXT])

    def close(self) -> None:
        """The page has ended."""
        super().close()
        self._flush()

    def _flush(self) -> None:
        if self._href is not None and len(self.links) <= MOST:
            self.links.append(_Link(self._href, "".join(self._inside), "".join(self._behind)))
        self._href, self._inside, self._behind = None, [], []


def _from_html(body: bytes, url: str) -> list[Found]:
    page = _Page()
    page.feed(body.decode("utf-8", "surrogateescape"))
    page.close()
    if not page.ended:
        raise NotIndexError("the page breaks off", again=True)
    listing = any(map(_HEADING.match, page.headings)) or any(_UP.fullmatch(link.text) for link in page.links)
    if not listing:
        raise NotIndexError("the page there is no listing of a folder")
    base = urlsplit(url)
    found: dict[str, Found] = {}
    for link in page.links:
        entry = _entry(link, url, base.netloc, base.path)
        # Of two links to one entry, as an icon and a name, the second has the facts behind it.
        if entry is not None and (entry.name not in found or found[entry.name].size is None):
            found[entry.name] = entry
    return list(found.values())


def _entry(link: _Link, url: str, host: str, folder: str) -> Found | None:
    """The entry that a link leads to; None for links that lead elsewhere: up, to an order, to another site."""
    try:
        target = urlsplit(urljoin(url, link.href.replace(";", "%3B")))  # an empty `;` at the end would be lost
    except ValueError:
        return None
    if target.netloc != host or target.query or not target.path.startswith(folder):
        return None
    below = target.path[len(folder) :]
    quoted = below.removesuffix("/")
    if not quoted or "/" in quoted:
        return None
    name = unquote(quoted, errors="surrogateescape")
    if below.endswith("/"):
        return Found(name, FOLDER)
    if link.text.strip() == name + "@":
        return Found(name, "symlink")  # so http.server shows it
    time, rest = _dated(link.behind)
    size = next((int(word) for word in rest.split()[:1] if _EXACT.fullmatch(word)), None)
    return Found(name, FILE, size, time)


def _dated(behind: str) -> tuple[int | None, str]:
    """The time in what stands behind a link, and what is left without it."""
    for pattern, form in _DATES:
        found = pattern.search(behind)
        if found:
            end = _AFTER_DATE.match(behind, found.end())
            rest = behind[: found.start()] + " " + behind[end.end() if end else found.end() :]
            return _parsed(found[0].replace("T", " "), form), rest
    return None, behind


@lru_cache(maxsize=4096)
def _parsed(value: str, form: str) -> int | None:
    try:
        return int(datetime.strptime(value, form).replace(tzinfo=UTC).timestamp()) * 1_000_000_000
    except ValueError:
        return None
