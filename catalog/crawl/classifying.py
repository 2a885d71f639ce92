"""The stage that looks for sensitive columns, when asked for: a sample of each dataset, read in worker processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from catalog.classify.columns import Classified
from catalog.classify.national import installed
from catalog.datasets.sketch import belongs
from catalog.errors import InspectError, SiloError
from catalog.formats.classifying import SampledFile
from catalog.formats.sandbox import shared
from catalog.formats.tabular.values import SAMPLED
from catalog.silos.base import Silo
from catalog.store import inspections, labels
from catalog.store.engine import Database
from catalog.store.inspections import Candidate
from catalog.text import plural, safe

_FILES = 6
"""Files of one dataset that are looked into: first, middle, last, and a few that changed."""
_AT_ONCE = 16
_NOTES = 5
"""Datasets that could not be looked into which are named in the report."""

Tick = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class _Look:
    asset: Candidate
    files: tuple[SampledFile, ...]


class ClassifyStage:
    """Looks into datasets of one silo and stores what their columns are. `looked` and `found` count both."""

    def __init__(self, db: Database, silo: Silo, silo_id: int, crawl_id: int, tick: Tick) -> None:
        self.looked = 0
        self.found = 0
        self._failed: list[str] = []
        self._db, self._silo = db, silo
        self._silo_id, self._crawl_id = silo_id, crawl_id
        self._tick = tick

    def run(self, prefix: str, *, again: bool) -> None:
        """Look into what has a version nobody looked into yet; with `again`, into everything."""
        assets = candidates(self._db, self._silo_id, prefix, again=again)
        workers = max(min(self._silo.capabilities.concurrent_reads, len(assets), _AT_ONCE), 1)
        with ThreadPoolExecutor(workers) as pool:
            for start in range(0, len(assets), _AT_ONCE):
                looks = list(self._looks(assets[start : start + _AT_ONCE]))
                for look, told in zip(looks, pool.map(self._classify, looks)):
                    self._keep(look, told)
                self._tick(self.looked)

    @property
    def notes(self) -> list[str]:
        """What the crawl's report is to say."""
        found = [f"Sensitive columns not looked for in {one}." for one in self._failed[:_NOTES]]
        if len(self._failed) > _NOTES:
            found.append(f"Nor in {plural(len(self._failed) - _NOTES, 'further dataset')}.")
        if self.looked and not installed():
            found.append("Check digits of national ids were not checked: pip install 'silograph[classify]'.")
        return found

    def _looks(self, assets: Sequence[Candidate]) -> Iterator[_Look]:
        for asset in assets:
            if files := sampled_files(self._db, asset, self._crawl_id):
                yield _Look(asset, files)

    def _classify(self, look: _Look) -> Classified | str:
        """What a sample tells, or why it could not be had."""
        try:
            return shared().classify(look.files, self._silo.read)
        except (SiloError, InspectError) as error:
            return safe(error.message, 200)

    def _keep(self, look: _Look, told: Classified | str) -> None:
        name = f"'{safe(look.files[0].path, 100)}'" + (" and its like" if not look.asset.single else "")
        if isinstance(told, str):
            self._failed.append(f"{name}: {told.rstrip('.')}")
            return
        self.looked += 1
        self.found += len(told.labels)
        labels.save(self._db, look.asset, self._crawl_id, told.columns, told.labels, told.problems)
        if told.problems and not told.columns:
            self._failed.append(f"{name}: {', '.join(told.problems)}")


def candidates(db: Database, silo_id: int, prefix: str, *, again: bool) -> list[Candidate]:
    """What has a version nobody looked into yet; with `again`, everything that can be looked into."""
    return labels.candidates(db, silo_id, prefix, sorted(SAMPLED), again=again)


def sampled_files(db: Database, asset: Candidate, crawl_id: int) -> tuple[SampledFile, ...]:
    """The files of an asset that are looked into, those among them that `crawl_id` found changed."""
    targets = inspections.targets(db, asset, belongs, crawl_id, everything=False)
    return tuple(SampledFile(t.path, t.size, t.format) for t in targets if t.format in SAMPLED and t.size)[:_FILES]
