"""Which harvester reads which file. Nothing is imported until a file of its kind is met."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Literal, cast

from catalog.errors import InspectError
from catalog.lineage.evidence.base import EvidenceFile, Harvest, Harvester
from catalog.text import safe

MIB = 1024 * 1024
REVISION = 1
"""Raised when a harvester is added or learns more: files that were read before are then read again."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of evidence: how its files are called, and how they are read.

    `name` is an exact name or, with a star in front, an ending; `parent` the name of the directory it must
    stand in. `reads` are files beside it that it asks for. One `of_folder` speaks of what stands around it
    and is read again whenever its folder changes. `limit` is how many bytes are read of it. Of a
    longer one the first bytes are read (`head`), the first and the last (`ends`), or none: it is a
    finding (`too_large`), or simply no evidence (`pass`). `newest` bounds how many files of one directory are
    opened unless all are to be; the last names in order are the newest. `sign` are bytes without which
    among the first few kilobytes the file is something else of that name, and is not read on. `outlives`
    tells of a file that is gone whether what it claimed is true nevertheless.
    """

    name: str
    harvester: str
    parent: str | None = None
    pattern: str | None = None
    reads: tuple[str, ...] = ()
    of_folder: bool = False
    limit: int = MIB
    longer: Literal["too_large", "pass", "head", "ends"] = "too_large"
    sign: bytes | None = None
    newest: int | None = None
    outlives: str | None = None

    def knows(self, path: str) -> bool:
        """Whether a file of this path is of this kind."""
        folder, _, name = path.rpartition("/")
        if self.parent is not None and folder.rpartition("/")[2] != self.parent:
            return False
        if self.pattern is not None:
            return re.fullmatch(self.pattern, name) is not None
        if self.name.startswith("*"):
            return name.endswith(self.name[1:]) and len(name) >= len(self.name)
        return name == self.name


_DVC = "catalog.lineage.evidence.dvc"
_HUB = "catalog.lineage.evidence.huggingface"
_MLFLOW = "catalog.lineage.evidence.mlflow"
_DBT = "catalog.lineage.evidence.dbt"
_DELTA = "catalog.lineage.evidence.delta"

KINDS: tuple[Kind, ...] = (
    Kind("dvc.lock", f"{_DVC}:harvest_lock", reads=("dvc.yaml",), of_folder=True, limit=8 * MIB),
    Kind("dvc.yaml", f"{_DVC}:harvest_pipeline", reads=("dvc.lock",), of_folder=True, limit=8 * MIB),
    Kind("*.dvc", f"{_DVC}:harvest_pointer"),
    Kind("Dvcfile", f"{_DVC}:harvest_pointer"),
    Kind("README.md", f"{_HUB}:harvest_card", of_folder=True, longer="head"),
    Kind("adapter_config.json", f"{_HUB}:harvest_adapter", of_folder=True),
    Kind("config.json", f"{_HUB}:harvest_config", of_folder=True, longer="pass"),
    Kind("meta.yaml", f"{_MLFLOW}:harvest_meta", longer="pass"),
    Kind(
        "manifest.json", f"{_DBT}:harvest_manifest", sign=b"schemas.getdbt.com/dbt/manifest", limit=32 * MIB,
        longer="pass",
    ),
    Kind(
        "*.json", f"{_DELTA}:harvest_commit", parent="_delta_log", pattern=r"\d{20}\.json", longer="ends",
        newest=256, outlives=f"{_DELTA}:outlives",
    ),
)  # fmt: skip


def kind_of(path: str) -> Kind | None:
    """The kind of evidence that a file of this path is, if any."""
    return next((kind for kind in KINDS if kind.knows(path)), None)


def outlives(kind: Kind, path: str, names: Collection[str]) -> bool:
    """Whether what a file that is gone claimed is still true; `names` are the files left in its directory."""
    return kind.outlives is not None and bool(_load(kind.outlives)(path, names))


def harvest(kind: Kind, file: EvidenceFile) -> Harvest:
    """What a file tells; a file that is not what its name says claims nothing and is a finding."""
    if not file.whole and kind.longer == "too_large":
        return _unread("too_large", f"evidence of more than {kind.limit // MIB} MiB is not read")
    if not file.whole and kind.longer == "pass":
        return Harvest()
    try:
        return cast(Harvester, _load(kind.harvester))(file)
    except InspectError as error:
        return _unread(error.finding, safe(error.message, 300))


def _unread(kind: str, detail: str) -> Harvest:
    return Harvest(findings=((kind, detail),), read=False)


@cache
def _load(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
