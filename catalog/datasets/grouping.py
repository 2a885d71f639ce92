"""Level two of grouping: parts of many directories become datasets and models.

Directories come in tree order (a directory before its children, depth first). A root that a
marker or partitioned paths claim takes everything below it; what is claimed by nothing stands in
its own directory. Each group says by which rule it was found, and how sure that is.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from catalog.datasets.patterns import literal, unescape
from catalog.model import Group, Part

_PARTITION = re.compile(r"[^=/]+=[^/]*")
# Components that are values of time: 2024, 03, 2024-03, 2024-03-01, 20240301, 2024_03_01, hours.
_DATE = re.compile(r"(19|20)\d\d([-_.]?(0[1-9]|1[0-2])([-_.]?(0[1-9]|[12]\d|3[01]))?)?([-_T]\d\d)?")
_SMALL = re.compile(r"\d{1,2}")
_HF_CACHE = re.compile(r"(?:^|/)(?:models|datasets)--(.+?)--([^/]+)/snapshots/[^/]+$")
MODEL_FORMATS = frozenset(
    {
        "safetensors",
        "gguf",
        "onnx",
        "tflite",
        "pytorch",
        "torchscript",
        "keras",
        "coreml",
        "joblib",
        "saved_model",
        "ggml",
    }
)
_CONFIDENCE = {
    "delta": 0.98, "iceberg": 0.97, "hudi": 0.97, "lance": 0.95, "zarr": 0.97, "saved_model": 0.98,
    "hf_model": 0.95, "hive": 0.9, "dates": 0.7, "folder": 0.6, "single": 0.5,
}  # fmt: skip
_MARKED = {
    "delta": "a _delta_log directory",
    "iceberg": "table metadata in metadata/",
    "hudi": "a .hoodie directory",
    "lance": "version manifests in _versions/",
    "zarr": "array metadata of its own",
    "saved_model": "saved_model.pb",
    "hf_model": "its settings beside its weights",
}

Directory = tuple[str, Sequence[Part], Sequence[str]]
Member = tuple[str, Part]


@dataclass(slots=True)
class _Claim:
    """A root that owns everything below it."""

    root: str
    rule: str
    members: list[Member] = field(default_factory=list)


def group(directories: Iterable[Directory]) -> Iterator[tuple[Group, list[Member]]]:
    """Groups with their members. `directories` are (path, parts, names of child directories)."""
    claim: _Claim | None = None
    pending: list[Directory] = []  # partitioned directories below one root, until the root is left
    anchor = ""
    for path, parts, children in directories:
        if claim is not None and not _within(path, claim.root):
            yield from _claimed(claim)
            claim = None
        if pending and not _within(path, anchor):
            yield from _partitioned(anchor, pending)
            pending = []
        if claim is None:
            rule = marker(parts, children)
            if rule:
                claim = _Claim(path, rule)
        if claim is not None:
            claim.members += [(path, part) for part in parts]
            continue
        top = partition_root(path)
        if top != path:
            if not pending:
                anchor = top
            pending.append((path, parts, children))
            continue
        yield from _in_place(path, parts)
    if claim is not None:
        yield from _claimed(claim)
    if pending:
        yield from _partitioned(anchor, pending)


def marker(parts: Sequence[Part], children: Sequence[str]) -> str | None:
    """The rule whose marker this directory carries, if any."""
    below = set(children)
    if "_delta_log" in below:
        return "delta"
    if ".hoodie" in below:
        return "hudi"
    if "_versions" in below and ("data" in below or "_transactions" in below or "_indices" in below):
        return "lance"
    if "metadata" in below and "data" in below and not any(p.role == "data" for p in parts):
        return "iceberg?"
    if _holds(parts, ".zgroup", ".zarray", "zarr.json"):
        return "zarr"
    if _holds(parts, "saved_model.pb"):
        return "saved_model"
    weighs = any(p.format in MODEL_FORMATS and p.role == "data" for p in parts)
    if weighs and _holds(parts, "config.json", "adapter_config.json"):
        return "hf_model"
    return None


def partition_root(path: str) -> str:
    """The directory above the trailing `key=value` or date components of `path`; itself without any."""
    components = path.split("/")
    end = len(components)
    while end and _PARTITION.fullmatch(components[end - 1]):
        end -= 1
    if end < len(components):
        return "/".join(components[:end])
    while end and (_DATE.fullmatch(components[end - 1]) or _SMALL.fullmatch(components[end - 1])):
        end -= 1
    if end < len(components) and _DATE.fullmatch(components[end]):
        return "/".join(components[:end])
    return path


def partitions(root: str, directory: str) -> tuple[tuple[str, str], ...]:
    """The `key=value` pairs on the way from `root` down to `directory`."""
    below = directory[len(root) :].strip("/")
    pairs = (component.partition("=") for component in below.split("/") if "=" in component)
    return tuple((key, value) for key, _, value in pairs)


# ---------------------------------------------------------------- the rules


def _claimed(claim: _Claim) -> Iterator[tuple[Group, list[Member]]]:
    rule = claim.rule
    if rule == "iceberg?":
        if not _is_iceberg(claim):
            yield from _unclaimed(claim)
            return
        rule = "iceberg"
    kind = "model" if rule in ("saved_model", "hf_model") else "dataset"
    root = claim.root
    in_cache = _HF_CACHE.search(root)
    name = f"{in_cache[1].replace('--', '/')}/{in_cache[2]}" if in_cache and rule == "hf_model" else root
    formats = Counter(p.format for _, p in claim.members if p.role == "data" and p.format in MODEL_FORMATS)
    format = formats.most_common(1)[0][0] if rule == "hf_model" and formats else rule
    yield (
        Group(kind, root, name, rule, "", format, _CONFIDENCE[rule], f"{rule}: {_MARKED[rule]}"),  # type: ignore[arg-type]
        claim.members,
    )


def _is_iceberg(claim: _Claim) -> bool:
    within = claim.root + "/metadata" if claim.root else "metadata"
    return any(
        directory == within and ("metadata.json" in p.pattern or p.format == "avro") for directory, p in claim.members
    )


def _unclaimed(claim: _Claim) -> Iterator[tuple[Group, list[Member]]]:
    """A root whose marker did not hold: its directories are grouped as if it had none."""
    by_directory: dict[str, list[Part]] = defaultdict(list)
    for directory, part in claim.members:
        by_directory[directory].append(part)
    yield from group((path, parts, ()) for path, parts in by_directory.items())


def _partitioned(root: str, directories: Sequence[Directory]) -> Iterator[tuple[Group, list[Member]]]:
    """Datasets in the partition directories below `root`: one for each format and sequence of keys."""
    found: dict[tuple[str, str], list[Member]] = defaultdict(list)
    for path, parts, _ in directories:
        keys = ",".join(key for key, _ in partitions(root, path))
        for part in parts:
            if part.role == "data":
                found[part.format or "unknown", keys].append((path, part))
    _attach_sidecars(found, directories, root)
    ordered = sorted(found.items(), key=lambda one: (-sum(p.files for _, p in one[1]), one[0]))
    for number, ((format, keys), members) in enumerate(ordered):
        rule = "hive" if keys else "dates"
        if rule == "dates" and len({path for path, _ in members}) < 2:
            yield from _in_place(members[0][0], [part for _, part in members])
            continue
        places, files = len({path for path, _ in members}), sum(p.files for _, p in members if p.role == "data")
        named = ", ".join(f"{key}=" for key in keys.split(",")) if keys else "dated directories"
        evidence = f"{rule}: {named} in {places:,} director{'y' if places == 1 else 'ies'}, {files:,} files"
        name = root if number == 0 else f"{root}/{{{keys or 'dates'}}}.{format}".lstrip("/")
        yield Group("dataset", root, name, rule, f"{format}|{keys}", format, _CONFIDENCE[rule], evidence), members


def _attach_sidecars(
    found: Mapping[tuple[str, str], list[Member]], directories: Sequence[Directory], root: str
) -> None:
    for path, parts, _ in directories:
        keys = ",".join(key for key, _ in partitions(root, path))
        homes = [members for (_, k), members in found.items() if k == keys]
        if len(homes) == 1:
            homes[0].extend((path, part) for part in parts if part.role == "sidecar")


def _in_place(path: str, parts: Sequence[Part]) -> Iterator[tuple[Group, list[Member]]]:
    data = [part for part in parts if part.role == "data"]
    aside = [(path, part) for part in parts if part.role == "sidecar"]
    for part in data:
        made = _single(path, part) if literal(part.pattern) else _series(path, part, alone=len(data) == 1)
        yield made, [(path, part), *(aside if len(data) == 1 else ())]


def _single(path: str, part: Part) -> Group:
    name = unescape(part.pattern)
    kind = "model" if part.format in MODEL_FORMATS else "dataset"
    full = f"{path}/{name}" if path else name
    return Group(kind, path, full, "single", part.pattern, part.format, _CONFIDENCE["single"], "single: one file")  # type: ignore[arg-type]


def _series(path: str, part: Part, *, alone: bool) -> Group:
    folder = part.pattern == "{*}"
    rule = "folder" if folder else "shards"
    kind = "model" if part.format in MODEL_FORMATS else "dataset"
    shown = part.pattern.replace("{{", "{").replace("}}", "}")
    if folder:
        shown, evidence = f"*.{part.format or 'unknown'}", f"folder: {part.files:,} {part.format or 'unnamed'} files"
        confidence = _CONFIDENCE["folder"]
    else:
        counted = "numbered without gaps" if part.dense else "numbered"
        evidence = f"shards: {part.files:,} files {counted} as {shown}"
        confidence = 0.9 if part.dense or "{n}-of-{n}" in part.pattern else 0.7
    name = path if alone and path else f"{path}/{shown}".lstrip("/")
    return Group(kind, path, name, rule, f"{part.pattern}|{part.format or ''}", part.format, confidence, evidence)  # type: ignore[arg-type]


def _holds(parts: Sequence[Part], *names: str) -> bool:
    return any(p.pattern in names for p in parts)


def _within(path: str, root: str) -> bool:
    return not root or path == root or path.startswith(root + "/")
