"""Delta Lake: what the commits of a table say of where their rows came from.

One JSON file a commit, one action a line (https://github.com/delta-io/delta/blob/master/PROTOCOL.md).
The protocol leaves the content of `commitInfo` to the writers. Of theirs, `CLONE` names its source;
other operations are believed where they have a parameter `source` or `sourceTable`. A recorder may
stamp `silograph.source` and `run_id` beside them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from catalog.errors import InspectError
from catalog.lineage.evidence.base import EvidenceFile, Harvest, keepable, told
from catalog.model.lineage import Claim, EdgeKind, End, Evidence, Identity
from catalog.text import safe

STAMP = "silograph.source"
"""The key of a commit's own metadata under which a recorder leaves the URIs it read (a text or a list)."""

COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(?:\.[0-9a-f-]{36}|\.\d{10}\.\d{10})?\.(?:parquet|json)")
_BY_PATH = re.compile(r"(?:(delta|parquet|iceberg)\.)?`([^`]+)`")
_TABLE_NAME = re.compile(r"[\w-]+(?:\.[\w-]+){0,2}")
_SOURCES = ("source", "sourceTable", "sourcePath")
_MOST_STAMPED = 1_000
_MOST_COPIED = 1_000


@dataclass(frozen=True, slots=True)
class _Commit:
    """`commitInfo` of one commit, and where it stands."""

    info: Mapping[str, Any]
    line: int | None
    version: str
    time_ns: int | None


def harvest_commit(file: EvidenceFile) -> Harvest:
    """The sources that one commit names."""
    commit = _commit(file)
    if commit is None:
        return Harvest()
    table = file.ground.identity(file.folder.rpartition("/")[0])
    claims = [*_stamped(file, commit, table), *_named(file, commit, table)]
    return Harvest(tuple(dict.fromkeys(claim for claim in claims if claim.source.identity != table)))


def outlives(path: str, names: Collection[str]) -> bool:
    """Whether a commit that is gone was tidied away, as a table's log is behind a checkpoint.

    What it said is still true then. `names` are the files of the log that are left.
    """
    gone = COMMIT.fullmatch(path.rpartition("/")[2])
    checkpoints = (found[1] for name in names if (found := _CHECKPOINT.fullmatch(name)))
    return gone is not None and any(version >= gone[1] for version in checkpoints)


# ---------------------------------------------------------------- claims


def _stamped(file: EvidenceFile, commit: _Commit, table: Identity) -> Iterator[Claim]:
    """What a recorder left: the URIs that the run read."""
    stamped = commit.info.get(STAMP)
    sources = stamped if isinstance(stamped, list) else [stamped]
    for at, source in enumerate(sources[:_MOST_STAMPED]):
        identity = file.locate(source) if isinstance(source, str) and _addressed(source) else None
        if identity is not None:
            place = f"commitInfo.{STAMP}" + (f"[{at}]" if isinstance(stamped, list) else "")
            yield _claim(file, commit, End(identity), table, "derived", place)


def _named(file: EvidenceFile, commit: _Commit, table: Identity) -> Iterator[Claim]:
    """The source that the operation's own parameters name."""
    parameters = commit.info.get("operationParameters")
    if not isinstance(parameters, Mapping):
        return
    cloned = commit.info.get("operation") == "CLONE"
    kind: EdgeKind = "copied" if cloned else "derived"
    version = _text(parameters.get("sourceVersion"))
    for key in _SOURCES:
        value = _text(parameters.get(key))
        identity = _table(file, value) if value else None
        place = f"commitInfo.operationParameters.{key}"
        if identity is not None:
            yield _claim(file, commit, End(identity, version=version), table, kind, place)
            return
        if value and cloned and _TABLE_NAME.fullmatch(value.replace("`", "")):
            # A metastore's name leads nowhere by itself, but a shallow clone goes on to use the source's files.
            for folder in _borrowed(file):
                yield _claim(file, commit, End(folder, version=version), table, kind, place, f"source {value}")
            return


def _claim(
    file: EvidenceFile, commit: _Commit, source: End, table: Identity, kind: EdgeKind, place: str,
    word: str | None = None,
) -> Claim:  # fmt: skip
    run = _text(commit.info.get("run_id"))
    detail = told(f"version {commit.version}: {_text(commit.info.get('operation')) or 'a commit'}", word,
                  f"run {run}" if run else None)  # fmt: skip
    evidence = Evidence("proof", file.origin, place, commit.line, detail)
    return Claim(source, End(table, version=commit.version), kind, evidence, valid_from_ns=commit.time_ns)


# ---------------------------------------------------------------- the commit


def _commit(file: EvidenceFile) -> _Commit | None:
    """`commitInfo`, which writers put first or last; None when the commit has none (it need not)."""
    number = COMMIT.fullmatch(file.name)
    if number is None:
        return None
    for line, action in _actions(file):
        info = action.get("commitInfo")
        if isinstance(info, Mapping):
            stamp = info.get("timestamp")
            time_ns = stamp * 1_000_000 if isinstance(stamp, int) and 0 < stamp < 2**43 else None
            return _Commit(info, line, str(int(number[1])), time_ns)
    return None


def _actions(file: EvidenceFile) -> Iterator[tuple[int | None, Mapping[str, Any]]]:
    """The commit's actions that may be read, with their lines; a line that was cut is left out."""
    lines = file.data.split(b"\n")
    if not file.whole:
        lines.pop()
    numbered: list[tuple[int | None, bytes]] = list(enumerate(lines, 1))
    if not file.whole:
        numbered += [(None, line) for line in file.end.split(b"\n")[1:]]
    for number, line in numbered:
        if b'"commitInfo"' in line or b'"add"' in line:
            try:
                action = json.loads(line)
            except (ValueError, RecursionError) as error:
                if number is None:
                    continue  # the end of a long file may be anything
                raise InspectError(f"broken JSON at line {number}: {safe(error, 160)}") from error
            if isinstance(action, dict):
                yield number, action


def _borrowed(file: EvidenceFile) -> list[Identity]:
    """The tables outside this one whose files the commit adds by their full addresses."""
    found: dict[Identity, None] = {}
    for _, action in _actions(file):
        add = action.get("add")
        path = _text(add.get("path")) if isinstance(add, Mapping) else None
        # Paths in a log are URI-encoded; a URI of an object store is taken as it is by `locate`.
        if path and _addressed(path) and (identity := file.locate(_data_folder(path))) is not None:
            found[identity] = None
        if len(found) >= _MOST_COPIED:
            break
    return list(found)


def _data_folder(path: str) -> str:
    """The folder of a data file above its partitions: the table's root."""
    parts = unquote(path).split("/")[:-1]
    while parts and "=" in parts[-1]:
        parts.pop()
    return "/".join(parts)


def _table(file: EvidenceFile, value: str) -> Identity | None:
    """The place of a table that is named by its path: delta.`/data/t`, `s3://…`, or the bare path."""
    by_path = _BY_PATH.fullmatch(value)
    place = by_path[2] if by_path else value
    return file.locate(place) if _addressed(place) else None


def _addressed(place: str) -> bool:
    return keepable(place) and (place.startswith("/") or ":/" in place)


def _text(value: object) -> str | None:
    """A parameter as text: writers put numbers and doubly quoted text where text belongs."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    text = str(value)
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    return text if keepable(text) else None
