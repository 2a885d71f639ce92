"""What changed in a silo, as someone else tells it: hints that say where to look, and are never believed further.

Read are plain lists (a path or address a line) and the notifications of object stores: S3 event
records, also wrapped in SNS or SQS messages or sent by EventBridge, and those of Google Cloud
Storage, as one JSON document or one a line.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
https://cloud.google.com/storage/docs/pubsub-notifications
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote, unquote_plus

from catalog import text
from catalog.errors import UsageError
from catalog.silos.base import Silo
from catalog.silos.paths import relative

_LONGEST = 16 * 1024 * 1024
_DEEPEST = 4
"""An event in an SNS message in an SQS message lies three deep."""

Named = tuple[str | None, str]
"""The bucket where an event tells one, and the key or path."""


def changed_paths(lines: Iterable[bytes], silo: Silo) -> Iterator[str]:
    """The paths of the silo that the lines speak of; what lies elsewhere is passed over.

    A path that is told as a directory keeps its slash at the end. Raises `UsageError`, which names
    the line, for what is neither a path nor a notification.
    """
    namespace, root = silo.namespace()
    bucket = namespace.partition("://")[2]
    for number, line in enumerate(lines, 1):
        for told, key in _named(line.strip(), number):
            if told is not None and told != bucket:
                continue
            path = _inside(key, silo.url, root, is_key=told is not None)
            if path is not None:
                yield path


def _named(line: bytes, number: int) -> Iterator[Named]:
    if not line or line.startswith(b"#"):
        return
    if line[:1] not in b"{[":
        yield None, text.name_to_text(line.decode("utf-8", "surrogateescape"))
        return
    try:
        event = json.loads(line) if len(line) <= _LONGEST else None
    except (ValueError, RecursionError):
        event = None
    found = list(_events(event, 0))
    if not found:
        raise UsageError(
            f"Line {number} of the changes is JSON and no notification of an object store.",
            hint="A path a line, S3 event records, or notifications of Google Cloud Storage.",
        )
    yield from found


def _events(told: Any, depth: int) -> Iterator[Named]:
    """The keys that a notification names, however it is wrapped."""
    if depth > _DEEPEST:
        return
    if isinstance(told, list):
        for one in told:
            yield from _events(one, depth)
    elif isinstance(told, dict):
        if isinstance(told.get("Records"), list):
            yield from _events(told["Records"], depth + 1)
        elif isinstance(told.get("s3"), dict):  # keys are form-encoded here, and only here
            yield from _event(told["s3"], unquote_plus)
        elif isinstance(told.get("detail"), dict):
            yield from _event(told["detail"], str)
        elif isinstance(told.get("bucket"), str) and isinstance(told.get("name"), str):
            yield told["bucket"], text.name_to_text(told["name"])
        else:
            for inner in ("Message", "body", "message", "data"):
                yield from _unwrapped(told.get(inner), depth)


def _event(told: dict[str, Any], decoded: Any) -> Iterator[Named]:
    bucket, target = told.get("bucket"), told.get("object")
    if isinstance(bucket, dict) and isinstance(target, dict) and isinstance(target.get("key"), str):
        yield str(bucket.get("name")), text.name_to_text(decoded(target["key"]))


def _unwrapped(told: Any, depth: int) -> Iterator[Named]:
    if isinstance(told, dict):
        yield from _events(told, depth + 1)
    elif isinstance(told, str):
        for content in (told, _from_base64(told)):
            try:
                event = json.loads(content)
            except (ValueError, RecursionError):
                continue
            yield from _events(event, depth + 1)
            return


def _from_base64(told: str) -> bytes:
    try:
        return base64.b64decode(told, validate=True)
    except ValueError:
        return b""


def _inside(told: str, url: str, root: str, *, is_key: bool) -> str | None:
    """The path in the silo; None when it lies elsewhere."""
    start_of_url = f"{url.rstrip('/')}/"
    if told.startswith("file:"):  # the only address that is percent-encoded
        told, start_of_url = unquote(told), unquote(start_of_url)
    if is_key:
        starts = [f"{root}/"] if root else [""]
    elif "://" in told:
        starts = [start_of_url]
    elif told.startswith("/"):
        starts = [f"{root.rstrip('/')}/"]
    else:
        starts = [""]
    start = next((start for start in starts if told.startswith(start)), None)
    if start is None:
        return None
    path, folder = told[len(start) :], told.endswith("/")
    try:
        clean = relative(path)
    except UsageError:
        return None  # no path the silo could hold
    return clean + "/" if folder and clean else clean
