"""An S3 endpoint that only lists keys, in the byte order of AWS, and also keys no client would write.

The real server of `harness.s3` keeps its keys in a tree: it cannot hold `a//b`, and lists `a/x`
before `a-b`. This one answers ListObjectsV2, HEAD and nothing else.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

BUCKET = "keys"
PAGE = 1000


class KeyServer(ThreadingHTTPServer):
    """Holds the keys; those that end in `/` are empty, others have five bytes unless in `empty`.

    The answers to the listings whose number (from 0) is in `cut` break off in the middle. `start_after` may be
    `ignored`, or `inclusive`: then an answer begins some keys too early. One that is `forgetful` never tells how a
    listing goes on. Of `circles` = (first, back), the page that begins at the row `first` or later is followed by
    the one `back` rows before its own end.
    """

    daemon_threads = True

    def __init__(self, keys: Sequence[str], *, shuffled: bool = False, empty: Sequence[str] = ()) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.keys = list(keys) if shuffled else sorted(keys, key=str.encode)
        self.empty = set(empty)
        self.requests: list[str] = []
        self.cut: Container[int] = ()
        self.listings = 0
        self.start_after = "honoured"
        self.forgetful = False
        self.circles: tuple[int, int] | None = None

    @property
    def options(self) -> dict[str, str]:
        """The options of a silo on this endpoint; its URL is `s3://keys`."""
        return {"endpoint": f"http://127.0.0.1:{self.server_port}", "anonymous": "true"}

    def size(self, key: str) -> int:
        return 0 if key.endswith("/") or key in self.empty else 5


@contextmanager
def listing(keys: Sequence[str], *, shuffled: bool = False, empty: Sequence[str] = ()) -> Iterator[KeyServer]:
    """A running endpoint that lists `keys`."""
    server = KeyServer(keys, shuffled=shuffled, empty=empty)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: KeyServer
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        key = unquote(urlsplit(self.path).path).removeprefix(f"/{BUCKET}/")
        self.server.requests.append(f"HEAD {key}")
        known = key in self.server.keys
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(self.server.size(key)))
        self.send_header("Last-Modified", "Tue, 02 Jan 2024 03:04:05 GMT")
        self.send_header("ETag", '"abc"')
        self.end_headers()

    def do_GET(self) -> None:
        asked = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        self.server.requests.append(f"LIST {asked.get('prefix', '')}" + " /" * ("delimiter" in asked))
        rows = _rows(self.server.keys, asked.get("prefix", ""), asked.get("delimiter"))
        start = int(asked["continuation-token"]) if "continuation-token" in asked else self._begin(rows, asked)
        page, more, following = rows[start : start + PAGE], start + PAGE < len(rows), start + PAGE
        if self.server.circles and start >= self.server.circles[0]:
            following, more = following - self.server.circles[1], True
        more = more and not self.server.forgetful
        body = (
            '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult>'
            f"<Name>{BUCKET}</Name><KeyCount>{len(page)}</KeyCount><IsTruncated>{str(more).lower()}</IsTruncated>"
            + (f"<NextContinuationToken>{following}</NextContinuationToken>" if more else "")
            + "".join(self._row(key, folder) for key, folder in page)
            + "</ListBucketResult>"
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        number, self.server.listings = self.server.listings, self.server.listings + 1
        if number in self.server.cut:
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        else:
            self.wfile.write(body)

    def _begin(self, rows: Sequence[tuple[str, bool]], asked: dict[str, str]) -> int:
        """The row that a listing begins with; keys in byte order are behind the one asked for."""
        if "start-after" not in asked or self.server.start_after == "ignored":
            return 0
        after = asked["start-after"].encode()
        if self.server.start_after == "inclusive":
            return max(bisect_left(rows, after, key=lambda row: row[0].encode()) - 2, 0)
        return bisect_right(rows, after, key=lambda row: row[0].encode())

    def _row(self, key: str, folder: bool) -> str:
        if folder:
            return f"<CommonPrefixes><Prefix>{escape(key)}</Prefix></CommonPrefixes>"
        return (
            f"<Contents><Key>{escape(key)}</Key><LastModified>2024-01-02T03:04:05.678Z</LastModified>"
            f"<ETag>&quot;abc&quot;</ETag><Size>{self.server.size(key)}</Size></Contents>"
        )

    def log_message(self, *_: object) -> None:
        pass


def _rows(keys: Sequence[str], prefix: str, delimiter: str | None) -> list[tuple[str, bool]]:
    """Each key below `prefix`, or the common prefix it is rolled up into, with whether it is one."""
    found: dict[tuple[str, bool], None] = {}
    for key in keys:
        if key.startswith(prefix):
            head, slash, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
            found[(prefix + head + slash, True) if slash else (key, False)] = None
    return list(found)
