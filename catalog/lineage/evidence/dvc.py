"""DVC: what pipelines read and wrote, with the hashes that were recorded (https://dvc.org/doc/user-guide/project-structure).

`dvc.lock` tells what a stage *did*: a proof for each pair of dependency and output. `dvc.yaml` tells what
a stage *will do*, and is believed where the lock knows nothing of it. A `.dvc` file made by
`dvc import` or `dvc import-url` names where its data was copied from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from catalog.errors import InspectError
from catalog.lineage.evidence.base import MOST_CLAIMS, EvidenceFile, Harvest, keepable, told
from catalog.lineage.evidence.documents import Node, yaml
from catalog.model.lineage import AssetKind, Claim, EdgeKind, End, Evidence, EvidenceKind, Identity
from catalog.text import safe

PIPELINE = "dvc.yaml"
LOCK = "dvc.lock"
_HASHES = ("md5", "etag", "checksum")
_SCP = re.compile(r"(?:[^@/\s]+@)?([A-Za-z0-9.-]{2,}):(?!//)(.+)")
_GIT = re.compile(r"(?:https?|ssh|git|git\+ssh)://(?:[^@/]*@)?([^/:]+)(?::\d+)?/+(.+)")
_TRAINS = re.compile(r"(?:^|[^a-z])(?:re)?(?:train|fit|finetun|fine[-_ ]tun)", re.IGNORECASE)
_PICKLES = (".pkl", ".pickle", ".joblib")
"""What may hold anything; a stage that trains pickles what it fitted."""


@dataclass(frozen=True, slots=True)
class _Item:
    """A dependency or an output, with where the file names it."""

    identity: Identity
    field: str
    line: int
    digest: str | None = None
    version: str | None = None


@dataclass(slots=True)
class _Stage:
    """A stage: what it read and wrote. `code` are dependencies that are no data."""

    name: str
    command: str | None
    reads: list[_Item]
    writes: list[_Item]
    code: list[str]


def harvest_lock(file: EvidenceFile) -> Harvest:
    """The stages of a `dvc.lock` (schema 1.0 and 2.0), each dependency with each output."""
    lock = yaml(file.data)
    pipeline = _beside(file, PIPELINE)
    models = _artifacts(file, pipeline)
    below = _stages_of(lock)
    claims: list[Claim] = []
    for name, _, node in lock.named(*below):
        folder = _working_folder(file, _definition(pipeline, name))
        if folder is None or node.entries is None:
            continue
        place = ".".join((*below, name))
        stage = _Stage(name, _command(node), [], [], [])
        for at, item in node.members("deps"):
            _add_dependency(file, stage, _locked(file, folder, item, f"{place}.deps{at}"), item)
        for at, item in node.members("outs"):
            found = _locked(file, folder, item, f"{place}.outs{at}")
            if found is not None:
                stage.writes.append(found)
        claims += _claims(file, stage, "proof", models)
    return _harvest(claims)


def harvest_pipeline(file: EvidenceFile) -> Harvest:
    """The stages of a `dvc.yaml` that its lock does not know: declared, and nothing more."""
    pipeline = yaml(file.data)
    lock = _beside(file, LOCK)
    ran = lock.named(*_stages_of(lock)) if lock is not None else ()
    locked = {name.partition("@")[0] for name, _, _ in ran}
    models = _artifacts(file, pipeline)
    claims: list[Claim] = []
    for name, _, node in pipeline.named("stages"):
        folder = _working_folder(file, node)
        # What stands below `do` or `matrix` is a template: its stages appear in the lock, once they ran.
        if name in locked or folder is None or node.get("do") is not None or node.get("matrix") is not None:
            continue
        stage = _Stage(name, _command(node), [], [], [])
        for at, item in node.members("deps"):
            _add_dependency(file, stage, _declared(file, folder, item, f"stages.{name}.deps{at}"), item)
        for section in ("outs", "metrics", "plots"):
            for at, item in node.members(section):
                found = _declared(file, folder, item, f"stages.{name}.{section}{at}")
                if found is not None:
                    stage.writes.append(found)
        claims += _claims(file, stage, "declared", models)
    return _harvest(claims)


def harvest_pointer(file: EvidenceFile) -> Harvest:
    """A `.dvc` file: where an import was copied from, or (before DVC 1.0) a stage with its command."""
    pointer = yaml(file.data)
    folder = _working_folder(file, pointer)
    if folder is None:
        return Harvest()
    outs = [found for at, item in pointer.members("outs") if (found := _locked(file, folder, item, f"outs{at}"))]
    stage = _Stage(file.name, _command(pointer), [], outs, [])
    for at, item in pointer.members("deps"):
        _add_dependency(file, stage, _locked(file, folder, item, f"deps{at}"), item)
    if stage.command:
        return _harvest(_claims(file, stage, "proof", frozenset()))
    return _harvest(_copies(file, stage))


# ---------------------------------------------------------------- from stages to claims


def _claims(file: EvidenceFile, stage: _Stage, believed: EvidenceKind, models: frozenset[Identity]) -> Iterator[Claim]:
    job = _job(file, stage.name)
    code = f"code: {', '.join(stage.code)}" if stage.code else None
    detail = told(stage.command, code)
    trains = _TRAINS.search(stage.name) is not None
    for out in stage.writes:
        fitted = trains and out.identity.name.lower().endswith(_PICKLES)
        target = _end(file, out, models | {out.identity} if fitted else models)
        for dep in stage.reads:
            if dep.identity == out.identity:
                continue
            source = _end(file, dep, models)
            kind: EdgeKind = "derived"
            if target.kind == "model":
                kind = "based" if source.kind == "model" else "trained"
            evidence = Evidence(believed, file.origin, dep.field, dep.line, detail)
            yield Claim(source, target, kind, evidence, job)


def _copies(file: EvidenceFile, stage: _Stage) -> Iterator[Claim]:
    for out in stage.writes:
        for dep in stage.reads:
            if dep.identity == out.identity:
                continue
            # Without a hash nothing was downloaded yet: the file says what is wanted.
            believed: EvidenceKind = "proof" if out.digest else "declared"
            evidence = Evidence(believed, file.origin, dep.field, dep.line, f"imported by {safe(file.name, 200)}")
            target = _end(file, out, frozenset())
            source = End(dep.identity, target.kind, dep.version, dep.digest)
            yield Claim(source, target, "copied", evidence)


def _end(file: EvidenceFile, item: _Item, models: frozenset[Identity]) -> End:
    is_model = item.identity in models or file.takes_for(item.identity) == "model"
    kind: AssetKind = "model" if is_model else "dataset"
    return End(item.identity, kind, item.version, item.digest)


def _job(file: EvidenceFile, stage: str) -> Identity:
    """The stage as DVC itself addresses it: `folder/dvc.yaml:train`."""
    home = file.ground.identity(f"{file.folder}/{PIPELINE}".lstrip("/"))
    return Identity(home.namespace, f"{home.name}:{safe(stage, 200)}")


def _harvest(claims: Iterable[Claim]) -> Harvest:
    kept = tuple(claim for claim, _ in zip(claims, range(MOST_CLAIMS)))
    if len(kept) == MOST_CLAIMS:
        detail = f"it tells of more than {MOST_CLAIMS:,} edges; the first of them are kept"
        return Harvest(kept, (("too_large", detail),))
    return Harvest(kept)


# ---------------------------------------------------------------- what the files say


def _locked(file: EvidenceFile, folder: str, item: Node, field: str) -> _Item | None:
    """A dependency or output as a lock or a `.dvc` file records it."""
    if (database := item.get("db")) is not None:
        return _table(database, field)
    path = item.word("path")
    if path is None:
        return None
    line = item.lines.get("path", item.line)
    if (repository := item.get("repo")) is not None:
        identity = _in_repository(file, folder, repository.word("url"), path)
        version = repository.word("rev_lock") or repository.word("rev")
    elif (dataset := item.get("dataset")) is not None:
        identity, version = _registered(file, folder, dataset)
    else:
        identity, version = _address(file, folder, path), item.word("version_id")
    digest, stored = _digest(item)
    return None if identity is None else _Item(identity, safe(field, 300), line, digest, version or stored)


def _declared(file: EvidenceFile, folder: str, item: Node, field: str) -> _Item | None:
    """A dependency or output of `dvc.yaml`: a path, or a mapping of one path to its options."""
    path = item.text or next(iter(item.entries or ()), None)
    if path is None or "${" in path:
        return None
    identity = _address(file, folder, path)
    return None if identity is None else _Item(identity, safe(field, 300), item.line)


def _add_dependency(file: EvidenceFile, stage: _Stage, found: _Item | None, item: Node) -> None:
    if found is None:
        return
    if file.takes_for(found.identity) == "other" and item.get("repo") is None:
        stage.code.append(safe(item.word("path") or item.text or "", 100))
    else:
        stage.reads.append(found)


def _address(file: EvidenceFile, folder: str, path: str) -> Identity | None:
    """A path or URI; None for `remote://`, which names an entry of a configuration that is not at hand."""
    return None if path.startswith("remote://") else file.locate(path, folder)


def _digest(item: Node) -> tuple[str | None, str | None]:
    """The recorded hash as `kind:hex`, and the version a cloud store gave."""
    for _, _, cloud in item.named("cloud"):
        etag, version = cloud.word("etag"), cloud.word("version_id")
        return (f"etag:{safe(etag, 200)}" if etag else None), version
    for kind in _HASHES:
        value = item.word(kind)
        if value:
            # Before DVC 3, text was hashed with its line ends made LF; `hash: md5` says it was not.
            name = "md5-dos2unix" if kind == "md5" and item.word("hash") is None else kind
            return f"{name}:{safe(value, 200)}", None
    return None, None


def _in_repository(file: EvidenceFile, folder: str, url: str | None, path: str) -> Identity | None:
    """A path in a Git repository: `git://host` and `owner/name/path`, however the URL is written."""
    if not url or not keepable(url) or not keepable(path):
        return None
    remote = _GIT.fullmatch(url) or _SCP.fullmatch(url)
    if remote is not None:
        repository = remote[2].strip("/").removesuffix(".git")
        return Identity(f"git://{remote[1].lower()}", f"{repository}/{path.strip('/')}")
    place = f"{url.rstrip('/')}/{path}"
    if url.startswith("/") or ":" in url:
        return file.locate(place)
    # DVC keeps a relative repository as it was typed for `dvc import`, mostly at the top of the project.
    return file.seen_from_above(place, folder)


def _registered(file: EvidenceFile, folder: str, dataset: Node) -> tuple[Identity | None, str | None]:
    """A dataset that `dvc.yaml` gives a name (`ds://name`), as the lock records what it was."""
    kind, url = dataset.word("type"), dataset.word("url")
    if kind == "dvc":
        found = _in_repository(file, folder, url, dataset.word("path") or "/")
        return found, dataset.word("rev_lock")
    if kind == "dc":
        name = dataset.word("name")
        known = name is not None and keepable(name)
        return (Identity("datachain", name or "") if known else None), dataset.word("version")
    return (file.locate(url, folder) if url else None), dataset.word("meta", "version_id")


def _table(database: Node, field: str) -> _Item | None:
    """What `dvc import-db` read: a table over a connection that the project has a name for."""
    connection, table = database.word("connection"), database.word("table")
    if not connection or not table or not keepable(connection + table):
        return None
    return _Item(Identity(f"db:{connection}", table), safe(field, 300), database.line)


def _command(node: Node) -> str | None:
    words = [line.text for _, line in node.listed("cmd") if line.text]
    return safe(" && ".join(words), 200) or None


def _beside(file: EvidenceFile, name: str) -> Node | None:
    """Another file of the pipeline; None when it is missing or broken, which is a finding of its own."""
    data = file.beside.get(name)
    try:
        return yaml(data) if data is not None else None
    except InspectError:
        return None


def _stages_of(lock: Node) -> tuple[str, ...]:
    """Where a lock keeps its stages: below `stages` since schema 2.0, at the top before."""
    return ("stages",) if lock.word("schema") is not None else ()


def _definition(pipeline: Node | None, stage: str) -> Node | None:
    """What `dvc.yaml` says of a stage; of `build@us`, what it says of all stages called `build`."""
    return pipeline.get("stages", stage.partition("@")[0]) if pipeline is not None else None


def _working_folder(file: EvidenceFile, definition: Node | None) -> str | None:
    """The folder that a stage's paths are relative to; None when only DVC could tell."""
    if definition is None:
        return file.folder
    written = definition.word("wdir") or definition.word("do", "wdir")
    if not written or written == ".":
        return file.folder
    if "${" in written:
        return None
    identity = file.locate(written)
    return file.ground.path(identity) if identity is not None else None


def _artifacts(file: EvidenceFile, pipeline: Node | None) -> frozenset[Identity]:
    """What `dvc.yaml` declares to be a model."""
    found = set()
    for _, _, artifact in pipeline.named("artifacts") if pipeline is not None else ():
        path = artifact.word("path")
        if path and artifact.word("type") == "model" and (identity := file.locate(path)) is not None:
            found.add(identity)
    return frozenset(found)
