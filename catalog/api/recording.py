"""Recording a run: what a piece of work read, wrote and trained, while it does so."""

from __future__ import annotations

import os
import secrets
import time
import warnings
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias
from uuid import UUID

from catalog.datasets.schema import schema_digest
from catalog.datasets.sketch import belongs
from catalog.errors import CatalogError, NotFound, UsageError
from catalog.lineage.openlineage import parse
from catalog.lineage.openlineage.write import Number, Used, run_event
from catalog.model.lineage import AssetKind, Identity
from catalog.naming import address, canonical, is_uri
from catalog.store import assets
from catalog.store.engine import Database
from catalog.store.lineage.imports import load
from catalog.text import safe

if TYPE_CHECKING:
    from catalog.api.dataset import Dataset

Thing: TypeAlias = "Dataset | str | os.PathLike[str]"
"""A dataset of the catalog, a reference to one, a URI, or a path."""

NAMESPACE = "default"
"""The namespace of recorded jobs, where none is given: OpenLineage's own default."""
_ERROR_LENGTH = 500


class Recording:
    """One run of a job. A context manager: entering it starts the run, leaving it ends it.

    Leaving with an exception records FAIL (ABORT on Ctrl-C) and lets the exception go on. A failure
    to record is a warning and never the job's failure, unless `strict`.
    """

    def __init__(
        self, db: Database, job: str, *, code: str | None = None, parent: Recording | str | None = None,
        namespace: str = NAMESPACE, strict: bool = False,
    ) -> None:  # fmt: skip
        self.id = new_run_id()
        self.job = Identity(namespace, job)
        self._db = db
        self._code = code
        self._parent = parent
        self._strict = strict
        self._reads: dict[Identity, Used] = {}
        self._writes: dict[Identity, Used] = {}

    def __enter__(self) -> Self:
        self._try(lambda: self._emit("START"))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None:
            self._try(lambda: self._emit("COMPLETE"))
            return
        state = "FAIL" if isinstance(error, Exception) else "ABORT"
        told = f"{type(error).__name__}: {safe(error, _ERROR_LENGTH)}"
        try:
            self._emit(state, told)
        except Exception as failed:  # noqa: BLE001 (the error of the job is the one to tell)
            self._warn(failed)

    def __repr__(self) -> str:
        return f"<Run {self.id} of {self.job.name}: {len(self._reads)} read, {len(self._writes)} written>"

    @property
    def inputs(self) -> list[str]:
        """What it has read so far, as URIs."""
        return [address(*one) for one in self._reads]

    @property
    def outputs(self) -> list[str]:
        """What it has written and trained so far, as URIs."""
        return [address(*one) for one in self._writes]

    def reads(self, *things: Thing) -> None:
        """The run reads these."""
        for thing in things:
            self._try(lambda thing=thing: self._use(self._reads, self._used(thing)))  # type: ignore[misc]

    def writes(self, *things: Thing) -> None:
        """The run writes these."""
        for thing in things:
            self._try(lambda thing=thing: self._use(self._writes, self._used(thing)))  # type: ignore[misc]

    def trains(self, model: Thing, *, metrics: Mapping[str, Number] | None = None) -> None:
        """The run trains this model from what it reads; a plain name is a model that lies nowhere in particular."""
        self._try(lambda: self._use(self._writes, self._used(model, "model", metrics or {})))

    def done(self) -> None:
        """Record the whole run at once, as one that is complete. Instead of entering it."""
        self._try(lambda: self._emit("COMPLETE"))

    # ------------------------------------------------------------ inside

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:
            if self._strict:
                raise
            self._warn(error)

    def _warn(self, error: Exception) -> None:
        reason = error.message if isinstance(error, CatalogError) else f"{type(error).__name__}: {error}"
        hint = f" ({error.hint})" if isinstance(error, CatalogError) and error.hint else ""
        warnings.warn(f"Lineage of '{self.job.name}' is not recorded: {reason}{hint}", RuntimeWarning, stacklevel=4)

    def _emit(self, state: str, error: str | None = None) -> None:
        event = run_event(
            state, self.id, self.job, time.time_ns(), reads=list(self._reads.values()),
            writes=list(self._writes.values()), code=self._code, parent=self._above(), error=error,
        )  # fmt: skip
        load(self._db, [parse(event, "record")], belongs, schema_digest)

    def _above(self) -> tuple[str, Identity] | None:
        """The run that started this one, and its job as far as the catalog knows it."""
        if isinstance(self._parent, Recording):
            return self._parent.id, self._parent.job
        if self._parent is None:
            return None
        try:
            run = str(UUID(self._parent))
        except ValueError:
            raise UsageError(f"'{safe(self._parent, 80)}' is no run's id.", hint="Give its UUID, or the run.") from None
        sql = "SELECT j.namespace, j.name FROM run r JOIN job j ON j.id = r.job_id WHERE r.uuid = ?"
        job = self._db.one(sql, (run,))
        return run, Identity(*job) if job else Identity(NAMESPACE, "unknown")

    def _use(self, kept: dict[Identity, Used], used: Used) -> None:
        kept[used.identity] = used

    def _used(self, thing: Thing, kind: AssetKind = "dataset", metrics: Mapping[str, Number] | None = None) -> Used:
        identity, label = self._identity(thing, kind)
        return Used(identity, kind, label, metrics or {})

    def _identity(self, thing: Thing, kind: AssetKind) -> tuple[Identity, str | None]:
        """What a thing is called, and which version of it is meant. Raises `NotFound`."""
        from catalog.api.dataset import Dataset

        if isinstance(thing, Dataset):
            return self._of_asset(thing.id, thing.version)
        written = os.fspath(thing)
        if written.startswith(("/", "~")) or not isinstance(thing, str):
            return _path(written), None
        if is_uri(written):
            return Identity(*canonical(written)), None
        if os.path.exists(written):  # noqa: PTH110
            return _path(written), None
        try:
            return self._of_asset(*assets.find(self._db, written))
        except NotFound:
            if "/" in written or "." in written:
                return _path(written), None
            if kind == "model":
                return Identity("model", written), None
            raise

    def _of_asset(self, asset_id: int, version: int | None) -> tuple[Identity, str | None]:
        return Identity(*assets.identity(self._db, asset_id)), None if version is None else str(version)


def new_run_id() -> str:
    """A UUID of version 7, so that ids sort by the time they were made (RFC 9562, section 5.7)."""
    milliseconds = time.time_ns() // 10**6 & (1 << 48) - 1
    number = milliseconds << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)
    return str(UUID(int=number))


def _path(written: str) -> Identity:
    # Not resolve(): a silo is the path it is named by, also when that is a symbolic link.
    return Identity(*canonical(os.path.abspath(os.path.expanduser(written))))  # noqa: PTH100, PTH111
