"""Level one of grouping: the parts of one directory, told from its names alone.

Runs for every directory of a crawl, so the common case (all files share one naming pattern and
one format) touches whole columns and never loops over files in Python.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from operator import itemgetter
from typing import Literal

from catalog.datasets.digest import digest
from catalog.datasets.patterns import escape, generalise, literal, regex, runs, shapes, zeroed
from catalog.model import Listing, Part

Family = Callable[[str | None], str | None]
Role = Literal["data", "sidecar", "other"]
Key = tuple[str, str | None, Role]
Groups = Mapping[tuple[bytes, str | None], Sequence[int]]

DATA_FAMILIES = frozenset({"table", "array", "model", "image", "audio", "video", "geo", "database", "archive", "disk"})
# Files that say what the directory is: each stays a part of its own, so that grouping can see it.
MARKERS = frozenset(
    {".zgroup", ".zarray", ".zattrs", ".zmetadata", "zarr.json", "saved_model.pb", "config.json"}
    | {"model.safetensors.index.json", "pytorch_model.bin.index.json", "adapter_config.json"}
)
_LUMPS: dict[Role, str] = {"data": "{*}", "sidecar": "{_}", "other": "{-}"}
MEDIA_FAMILIES = frozenset({"image", "audio", "video"})
MEDIA_FOLDER = 4
"""So many media files with irregular names in one directory make one dataset."""
MANY_SHAPES = 8
"""With more shapes than this in one directory, hash-like names are looked for."""
LOOSE_FOLDER = 256
"""More loose files of one data format than this in one directory make one dataset."""

_SIDECAR = re.compile(
    r"""^[._] | ^\#.*\#$ | ~$ | \.(crc|idx|index|lock|tmp|temp|part|partial|swp|md5|sha1|sha256|sig|asc|done|bak)$""",
    re.VERBOSE | re.IGNORECASE,
)
_SHARD_WORD = re.compile(
    r"(part|shard|chunk|split|batch|block|segment|seg|slice|file|data|fold|train|val|valid|test|dev)s?[-_.]?\{n\}", re.I
)
_RUN = re.compile(r"\d+")
_OF = re.compile(r"\{n\}[-_]of[-_]\{n\}")
_VERSION = re.compile(r"(^|[^A-Za-z])[vV]\{n\}|\{n\}\.\{n\}")


def sketch(listing: Listing, formats: Sequence[str | None], family: Family) -> list[Part]:
    """The parts of one directory. `formats` has one element a file; `family` names a format's kind."""
    names = listing.names
    if not names:
        return []
    groups = _alike(names, formats)
    if len(groups) == 1:
        format, role = formats[0], _role(names[0], formats[0], family)
        pattern = _lump(role, names[0]) if role != "data" else generalise(names[0], hexes=False)
        if len(names) == 1 and role == "data":
            pattern = escape(names[0])
        if role != "data" or len(names) == 1 or _series(pattern, names):
            return [_whole(listing, pattern, format, role, _dense(names, pattern))]
    usual = _usual(names, groups, family)
    if usual is not None:
        return [_part(listing, key, rows) for key, rows in usual.items()]
    keys = list(_keys(names, groups, family))
    members: dict[int, list[int]] = defaultdict(list)
    for index, at in enumerate(belongs(keys, names, formats, groups)):
        members[at].append(index)
    return [_part(listing, keys[at], rows) for at, rows in members.items()]


def merge(first: Sequence[Part], second: Sequence[Part]) -> list[Part]:
    """The parts of a directory that came in two slices."""
    merged = {(p.pattern, p.format, p.role): p for p in first}
    for part in second:
        key = (part.pattern, part.format, part.role)
        known = merged.get(key)
        merged[key] = part if known is None else _joined(known, part)
    return list(merged.values())


def belongs(
    parts: Sequence[Key], names: Sequence[str], formats: Sequence[str | None], groups: Groups | None = None
) -> list[int]:
    """For each name the index of its part among `parts` (pattern, format, role), or -1.

    Names that differ only in digits are decided together, by the first of them.
    """
    exact = {(pattern, format): at for at, (pattern, format, _) in enumerate(parts) if literal(pattern)}
    wild = [at for at, (pattern, _, _) in enumerate(parts) if not literal(pattern)]
    wild.sort(key=lambda at: (parts[at][0] in _LUMPS.values(), "{x}" in parts[at][0]))  # the narrower first
    found = [-1] * len(names)
    for (_, format), rows in (groups or _alike(names, formats)).items():
        at = _wild(parts, wild, names[rows[0]], format)
        if exact:
            for i in rows:
                found[i] = exact.get((escape(names[i]), format), at)
        else:
            for i in rows:
                found[i] = at
    return found


# ---------------------------------------------------------------- which parts there are


def _alike(names: Sequence[str], formats: Sequence[str | None]) -> Groups:
    """Row numbers by (shape, format); one entry for names that differ only in their digits."""
    groups: dict[tuple[bytes, str | None], Sequence[int]] = {}
    for start, stop, look in runs(names, MANY_SHAPES):
        format = formats[start]
        if (look, format) in groups or formats[start:stop].count(format) != stop - start:
            groups.clear()  # names that look alike do not stand together, or claim different formats
            break
        groups[look, format] = range(start, stop)
    return groups or _alike_slowly(list(zip(shapes(names), formats)))


def _alike_slowly(pairs: Sequence[tuple[bytes, str | None]]) -> Groups:
    groups: dict[tuple[bytes, str | None], list[int]] = defaultdict(list)
    for index, pair in enumerate(pairs):
        groups[pair].append(index)
    return groups


def _usual(names: Sequence[str], groups: Groups, family: Family) -> dict[Key, Sequence[int]] | None:
    """The parts of a directory of the usual kind: a few series and what goes with them.

    None when names have to be looked at together. A key told here depends on the look of a name
    alone, and few looks make up most directories, so it is remembered.
    """
    if len(groups) > MANY_SHAPES:
        return None
    found: dict[Key, Sequence[int]] = {}
    for (_, format), rows in groups.items():
        first = names[rows[0]]
        run = _RUN.search(first)
        padded = run is not None and len(run[0]) > 1 and run[0].startswith("0")
        key = _usual_key(zeroed(first), format, padded, len(rows) > 1, family)
        if key is None:
            return None
        found[key] = sorted([*found[key], *rows]) if key in found else rows
    return found


@lru_cache(maxsize=16384)
def _usual_key(look: str, format: str | None, padded: bool, many: bool, family: Family) -> Key | None:
    role = _role(look, format, family)
    if role != "data":
        return (_lump(role, look), format, role)
    pattern = generalise(look, hexes=False)
    if literal(pattern):
        return None if many or family(format) in MEDIA_FAMILIES else (pattern, format, "data")
    shards = _OF.search(pattern) or _SHARD_WORD.search(pattern) or (padded and not _VERSION.search(pattern))
    return (pattern, format, "data") if many and shards else None


def _keys(names: Sequence[str], groups: Groups, family: Family) -> dict[Key, None]:
    """The parts of a directory that holds more than one kind of thing."""
    crowded = len(groups) > MANY_SHAPES
    patterns: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    keys: dict[Key, None] = {}
    for (_, format), rows in groups.items():
        role = _role(names[rows[0]], format, family)
        if role != "data":
            keys[_lump(role, names[rows[0]]), format, role] = None
        else:
            patterns[generalise(names[rows[0]], hexes=crowded and len(rows) == 1), format].extend(rows)
    loose: dict[str | None, list[int]] = defaultdict(list)
    for (pattern, format), rows in patterns.items():
        if _series(pattern, [names[i] for i in sorted(rows)]):
            keys[pattern, format, "data"] = None
        else:
            loose[format].extend(rows)
    for format, rows in loose.items():
        if len(rows) >= (MEDIA_FOLDER if family(format) in MEDIA_FAMILIES else LOOSE_FOLDER):
            keys[_LUMPS["data"], format, "data"] = None
        else:
            keys.update(((escape(names[i]), format, "data"), None) for i in rows)
    return keys


def _wild(parts: Sequence[Key], wild: Sequence[int], name: str, format: str | None) -> int:
    aside = _SIDECAR.search(name) is not None
    for at in wild:
        pattern, of, role = parts[at]
        if of == format and (role == "sidecar") == aside and regex(pattern).fullmatch(name):
            return at
    return -1


def _lump(role: Role, name: str) -> str:
    return name if name in MARKERS else _LUMPS[role]


def _role(name: str, format: str | None, family: Family) -> Role:
    if name in MARKERS or _SIDECAR.search(name):
        return "sidecar"
    return "data" if family(format) in DATA_FAMILIES else "other"


def _series(pattern: str, names: Sequence[str]) -> bool:
    """True when files with this pattern are pieces of one thing and not things that look alike."""
    if len(names) < 2 or literal(pattern):
        return False
    if "{x}" in pattern or _OF.search(pattern) or _SHARD_WORD.search(pattern):
        return True
    if _VERSION.search(pattern):
        return False
    runs = _RUN.findall(names[0])
    padded = any(run.startswith("0") and len(run) > 1 for name in names[:50] for run in _RUN.findall(name))
    dated = any(len(run) in (4, 6, 8) and run[:2] in ("19", "20") for run in runs)
    return padded or dated or (len(names) >= 3 and _dense(names, pattern))


def _dense(names: Sequence[str], pattern: str) -> bool:
    """True when one number in the names runs through without many gaps."""
    if pattern.count("{n}") != 1 or len(names) < 2:
        return False
    start = len(pattern.partition("{n}")[0])
    end = len(pattern.partition("{n}")[2])
    first, last = names[0], names[-1]
    try:
        low, high = int(first[start : len(first) - end]), int(last[start : len(last) - end])
    except ValueError:
        return False
    return 0 <= high - low < 2 * len(names)


# ---------------------------------------------------------------- their totals


def _whole(listing: Listing, pattern: str, format: str | None, role: Role, dense: bool) -> Part:
    sizes, times = listing.sizes, listing.mtimes
    return Part(
        listing.path, pattern, format, len(listing.names), None if None in sizes else sum(sizes),  # type: ignore[arg-type]
        _newest(times), digest(listing.names, sizes, times, listing.etags), role, dense,
    )  # fmt: skip


def _part(listing: Listing, key: Key, rows: Sequence[int]) -> Part:
    pattern, format, role = key
    if len(rows) == 1 or rows[-1] - rows[0] == len(rows) - 1:  # neighbours, as sorted names mostly are
        span = slice(rows[0], rows[-1] + 1)
        columns = (listing.names[span], listing.sizes[span], listing.mtimes[span])
        etags = None if listing.etags is None else listing.etags[span]
    else:
        pick = itemgetter(*rows)
        columns = (pick(listing.names), pick(listing.sizes), pick(listing.mtimes))
        etags = None if listing.etags is None else pick(listing.etags)
    names, sizes, times = columns
    return Part(
        listing.path, pattern, format, len(rows), None if None in sizes else sum(sizes),  # type: ignore[arg-type]
        _newest(times), digest(names, sizes, times, etags), role,
        _dense(names, pattern),
    )  # fmt: skip


def _newest(times: Sequence[int | None]) -> int | None:
    known = [t for t in times if t is not None] if None in times else times
    return max(known, default=None)  # type: ignore[type-var]


def _joined(a: Part, b: Part) -> Part:
    times = [t for t in (a.newest_ns, b.newest_ns) if t is not None]
    return replace(
        a,
        files=a.files + b.files,
        bytes=None if a.bytes is None or b.bytes is None else a.bytes + b.bytes,
        newest_ns=max(times, default=None),
        digest=blake2b(a.digest + b.digest, digest_size=8).digest(),
        dense=a.dense and b.dense,
    )
