"""A late stage of a crawl: read the files that tell of lineage, and keep what they claim."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from catalog.datasets.grouping import MODEL_FORMATS
from catalog.datasets.sketch import belongs
from catalog.errors import EntryMissing, SiloError, Transient
from catalog.formats.names import claimed_format, family
from catalog.lineage.evidence.base import EvidenceFile, Ground, Harvest, Subject, What
from catalog.lineage.evidence.registry import KINDS, REVISION, Kind, harvest, kind_of, outlives
from catalog.silos.base import Silo
from catalog.store import harvests
from catalog.store.engine import Database
from catalog.store.harvests import Mark, Names
from catalog.store.inspections import Target
from catalog.store.lineage import claims
from catalog.store.lineage.identities import Identities
from catalog.text import plural, safe

_BATCH = 100
_BATCH_BYTES = 32 * 1024 * 1024
_HEAD = 4096
_NEAR = 64 * 1024
_MOST_NEAR = 1_000
_AGAIN = 100
"""So many files that could not be reached are tried again by name; with more, all that is new is."""

NAMES = Names(
    whole=tuple(kind.name for kind in KINDS if not kind.name.startswith("*")),
    endings=tuple(kind.name[1:] for kind in KINDS if kind.name.startswith("*") and kind.parent is None),
    below=tuple((kind.parent, kind.name[1:]) for kind in KINDS if kind.name.startswith("*") and kind.parent),
)
_NO_DATA = frozenset({"yaml", "toml", "ini", "dotfile", "terraform", "pem", "lfs_pointer", "ipynb"})
"""Formats of settings and notes; code is told by its family. (XML, though often settings, holds data too.)"""
_ANYTHING = frozenset({"pickle", "hdf5", "protobuf", "mat"})
"""Formats that hold a model as well as data."""
_MODEL_WORD = re.compile(
    r"(?:^|[^a-z])(?:models?|checkpoints?|ckpt|classifier|clf|regressor|estimator|weights)"
    r"(?:[-_. ]?(?:v?\d[\w.]*|best|final|last))?\Z",
    re.IGNORECASE,
)
"""How the name of a model ends: `churn_model`, `model-v2`; but `model_inputs` are inputs."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A file to read, with those beside it that its kind asks for."""

    kind: Kind
    target: Target
    beside: tuple[Target, ...]

    @property
    def state(self) -> str:
        """What differs when the file, or one that it is read with, is another."""
        told = [(one.name, one.size, one.mtime_ns, one.etag) for one in (self.target, *self.beside)]
        return blake2b(repr((REVISION, told)).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class _Read:
    """The bytes of a file, or why there are none."""

    data: bytes = b""
    end: bytes = b""
    whole: bool = True
    beside: tuple[tuple[str, bytes], ...] = ()
    failed: SiloError | None = None


class HarvestStage:
    """Reads the evidence of one silo that is new, and takes back what evidence that is gone claimed."""

    def __init__(
        self, db: Database, silo: Silo, silo_id: int, name: str, crawl_id: int, *, everything: bool,
        note: Callable[[Target, str, str], None], tick: Callable[[int], None],
    ) -> None:  # fmt: skip
        self.read = 0
        self.edges = 0
        self._db, self._silo, self._silo_id, self._name, self._crawl_id = db, silo, silo_id, name, crawl_id
        self._everything = everything
        self._note, self._tick = note, tick
        self._ground = Ground(*silo.namespace())
        self._left = 0
        self._again: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """What the report should say besides the counts."""
        if not self._left:
            return ()
        return (f"{plural(self._left, 'older commit')} of Delta tables not read for lineage: --inspect all reads them",)

    def retract(self, prefix: str) -> None:
        """Take back what files that are gone claimed. Opens nothing."""
        for path in harvests.gone(self._db, self._silo_id, prefix, self._mark().crawl, NAMES):
            kind, uri = kind_of(path), self._silo.uri(path)
            if kind is None or not harvests.is_believed(self._db, uri):
                continue
            folder = path.rpartition("/")[0]
            if not outlives(kind, path, harvests.names_in(self._db, self._silo_id, folder)):
                claims.replace(self._db, uri, None, (), belongs, silo_id=self._silo_id)

    def run(self, prefix: str) -> None:
        """Read what is pending at and below `prefix`, and remember that it was."""
        mark = self._mark()
        # Harvesters that learnt something, and a crawl that reads all, begin anew.
        anew = mark.revision != REVISION or (self._everything and mark.left > 0)
        since = 0 if anew else mark.crawl
        if not mark.again and not harvests.changed(self._db, self._silo_id, since):
            return
        for batch in _batches(self._wanted(prefix, since, mark.again)):
            told = [(wanted, self._told(wanted, read)) for wanted, read in self._fetch(batch)]
            self._keep([(wanted, found) for wanted, found in told if found is not None])
            self._tick(self.read)
            if len(self._again) > _AGAIN:
                return
        if not harvests.elsewhere(self._db, self._silo_id, prefix, since):
            left = self._left + (0 if anew else mark.left)
            again = tuple(self._again)
            harvests.set_mark(self._db, self._silo_id, self._name, Mark(self._crawl_id, REVISION, left, again))

    def _mark(self) -> Mark:
        return harvests.mark(self._db, self._name)

    # ------------------------------------------------------------ which files

    def _wanted(self, prefix: str, since: int, again: Sequence[str]) -> Iterator[_Wanted]:
        for targets, fresh in harvests.pending(self._db, self._silo_id, prefix, since, NAMES, again):
            by_name = {target.name: target for target in targets}
            of_kind: dict[Kind, list[Target]] = {}
            for target in targets:
                kind = kind_of(target.path)
                if kind is not None:
                    of_kind.setdefault(kind, []).append(target)
            for kind, members in of_kind.items():
                for target in self._newest(kind, members, fresh):
                    if kind.of_folder or target.name in fresh or target.path in again:
                        yield _Wanted(kind, target, tuple(by_name[n] for n in kind.reads if n in by_name))

    def _newest(self, kind: Kind, members: list[Target], fresh: frozenset[str]) -> list[Target]:
        if kind.newest is None or self._everything or len(members) <= kind.newest:
            return members
        self._left += sum(target.name in fresh for target in members[: -kind.newest])
        return members[-kind.newest :]

    # ------------------------------------------------------------ reading

    def _fetch(self, batch: Sequence[_Wanted]) -> Iterable[tuple[_Wanted, _Read]]:
        new = [one for one in batch if one.kind.of_folder or not self._is_kept(one)]
        workers = min(self._silo.capabilities.concurrent_reads, len(new))
        if workers > 1:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(workers) as pool:
                return list(zip(new, pool.map(self._open, new)))
        return ((one, self._open(one)) for one in new)

    def _is_kept(self, wanted: _Wanted) -> bool:
        """Whether a crawl that was stopped had kept what the file claims."""
        return claims.unchanged(self._db, self._silo.uri(wanted.target.path), wanted.state)

    def _open(self, wanted: _Wanted) -> _Read:
        kind = wanted.kind
        try:
            if kind.sign is not None and kind.sign not in self._silo.read(wanted.target.path, 0, _HEAD):
                return _Read()
            data, end, whole = self._content(wanted.target, kind.limit, kind.longer)
            beside = []
            for other in wanted.beside:
                found, _, complete = self._content(other, kind.limit, "pass")
                if complete:
                    beside.append((other.name, found))
            return _Read(data, end, whole, tuple(beside))
        except SiloError as error:
            return _Read(failed=error)

    def _content(self, target: Target, limit: int, longer: str) -> tuple[bytes, bytes, bool]:
        """The first bytes of a file, its last ones where they are wanted, and whether the first are all."""
        size, read = target.size, self._silo.read
        if size is None or size <= limit:
            data = read(target.path, 0, limit + 1)
            return data[:limit], b"", len(data) <= limit
        if longer == "head":
            return read(target.path, 0, limit), b"", False
        if longer == "ends":
            half = limit // 2
            return read(target.path, 0, half), read(target.path, size - half, half), False
        return b"", b"", False

    # ------------------------------------------------------------ keeping

    def _told(self, wanted: _Wanted, read: _Read) -> Harvest | None:
        """What a file tells; None when it could not be read."""
        if read.failed is not None:
            self._failed(wanted.target, read.failed)
            return None
        try:
            found = harvest(wanted.kind, self._file(wanted.target, read))
        except SiloError as error:  # of another file that it asked for
            self._failed(wanted.target, error)
            return None
        self.read += 1
        return found

    def _keep(self, told: Sequence[tuple[_Wanted, Harvest]]) -> None:
        """Store what a batch of files claims, in one transaction, and what is wrong with them."""
        uris = {wanted: self._silo.uri(wanted.target.path) for wanted, _ in told}
        known = harvests.origins_among(self._db, list(uris.values()))
        claiming = [(one, found) for one, found in told if found.read and (found.claims or uris[one] in known)]
        if claiming:
            now_ns = time.time_ns()
            with self._db.transaction():
                who = Identities(self._db, belongs, now_ns)
                who.begin()
                for one, found in claiming:
                    self.edges += claims.replace_in(
                        self._db, who, uris[one], one.state, found.claims, silo_id=self._silo_id, now_ns=now_ns
                    )
        for wanted, found in told:
            self._keep_finding(wanted.target, found.findings)

    def _failed(self, target: Target, error: SiloError) -> None:
        if isinstance(error, EntryMissing):
            return  # gone since it was listed: the next crawl will see
        if isinstance(error, Transient):
            self._again.append(target.path)
        else:
            self._keep_finding(target, [("unreadable", safe(error.message, 300))])

    def _keep_finding(self, target: Target, findings: Sequence[tuple[str, str]]) -> None:
        known = harvests.has_finding(self._db, target)
        if findings and not known:
            self._note(target, *findings[0])

    def _file(self, target: Target, read: _Read) -> EvidenceFile:
        return EvidenceFile(
            target.path, self._silo.uri(target.path), read.data, self._ground, read.whole, read.end, dict(read.beside),
            what=self._what, guess=guess, subjects=self._subjects, near=self._near(), below=self._below,
        )  # fmt: skip

    def _near(self) -> Callable[[str], bytes | None]:
        """Reads small files for one harvester, so many at most."""
        left = _MOST_NEAR

        def read(path: str) -> bytes | None:
            nonlocal left
            target = harvests.target(self._db, self._silo_id, path) if left else None
            if target is None or target.size is None or target.size > _NEAR:
                return None
            left -= 1
            return self._silo.read(path, 0, _NEAR)

        return read

    def _below(self, folder: str) -> list[str]:
        return harvests.paths_below(self._db, self._silo_id, folder, _MOST_NEAR)

    def _what(self, path: str) -> What | None:
        """What the catalog takes a path for; None where it does not know it, or its format may hold anything."""
        held = harvests.contents(self._db, self._silo_id, path)
        if held is None or any(format in _ANYTHING for _, format in held):
            return None
        kinds = {kind for kind, _ in held if kind is not None}
        if kinds:
            return "model" if kinds == {"model"} else "dataset" if kinds == {"dataset"} else None
        formats = {format for _, format in held}
        if formats & MODEL_FORMATS:
            return "model"  # a folder inside a model's
        code = any(family(format) == "code" for format in formats)
        return "other" if code or all(_no_data(format) for format in formats) else "dataset"

    def _subjects(self, folder: str) -> list[Subject]:
        return [Subject(identity, kind) for identity, kind in harvests.subjects(self._db, self._silo_id, folder)]


@lru_cache(maxsize=4096)
def guess(name: str) -> What:
    """What a file of this name mostly is: a model, data, or nothing with lineage of its own."""
    folder, _, last = name.rpartition("/")
    format = claimed_format(last)
    if format in MODEL_FORMATS or last.endswith(".joblib"):
        return "model"
    if format is None or format in _ANYTHING:
        stem = last.rpartition(".")[0] or last
        if any(_MODEL_WORD.search(word) for word in (stem, folder.rpartition("/")[2])):
            return "model"
    return "other" if _no_data(format) else "dataset"


def _no_data(format: str | None) -> bool:
    return format in _NO_DATA or family(format) == "code"


def _batches(wanted: Iterable[_Wanted]) -> Iterator[list[_Wanted]]:
    """Lists of files that are read and kept together: so many at most, and so many bytes."""
    batch: list[_Wanted] = []
    cost = 0
    for one in wanted:
        size = sum(min(each.size or 0, one.kind.limit) for each in (one.target, *one.beside))
        if batch and (len(batch) >= _BATCH or cost + size > _BATCH_BYTES):
            yield batch
            batch, cost = [], 0
        batch.append(one)
        cost += size
    if batch:
        yield batch
