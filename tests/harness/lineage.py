"""What the lineage tests share: one catalog, one silo of any kind, and what the graph holds."""

from __future__ import annotations

import uuid
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.events import import_file, write

from catalog.crawl import crawl_silo
from catalog.datasets.sketch import belongs
from catalog.model import CrawlReport
from catalog.model.lineage import Claim, End, Evidence, Identity, ImportReport
from catalog.naming import canonical, canonical_pair
from catalog.silos.memory import MemorySilo, discard
from catalog.silos.registry import normalise, open_silo
from catalog.store import assets, crawls, migrate
from catalog.store.engine import Database
from catalog.store.lineage import claims

CSV = b"a,b\n1,2\n3,4\n"
MISSING = "elsewhere"


class Bench:
    """A catalog with one silo, `lab`, whose assets are named below `namespace`."""

    def __init__(self, url: str, address: str, options: dict[str, str]) -> None:
        self.url, self.address, self.options = url, address, options
        with closing(Database(url)) as db:
            crawls.add_silo(db, "lab", *normalise(address), options)
        with closing(open_silo(address, options)) as silo:
            self.namespace, self.root = silo.namespace()

    def write(self, *paths: str, data: bytes = CSV) -> None:
        raise NotImplementedError

    def remove(self, path: str) -> None:
        raise NotImplementedError

    # ------------------------------------------------------------ doing

    def crawl(self, **options: Any) -> CrawlReport:
        with closing(Database(self.url)) as db, closing(open_silo(self.address, self.options)) as silo:
            report = crawl_silo(db, crawls.silo(db, "lab"), silo, **options)
        assert migrate.check(self.url) == []
        self.check()
        return report

    def identity(self, path: str) -> Identity:
        """The identity of a path in the silo, as a producer would name it and the reader understand it."""
        joined = f"{self.root.rstrip('/')}/{path}" if self.root else path
        return Identity(*canonical_pair(self.namespace, joined))

    def elsewhere(self, name: str) -> Identity:
        """The identity of a dataset that is in no silo."""
        return Identity(*canonical(f"s3://{MISSING}/{name}"))

    def claim(self, *edges: tuple[Identity, Identity], origin: str = "test", **of_claim: Any) -> int:
        """Claim these edges, and nothing else, of one origin."""
        made = [Claim(End(a), End(b), "derived", Evidence("declared", origin), **of_claim) for a, b in edges]
        with closing(Database(self.url)) as db:
            new = claims.replace(db, origin, None, made, belongs)
        self.check()
        return new

    def tell(self, *events: dict[str, Any]) -> ImportReport:
        """Import these events as one file."""
        with TemporaryDirectory() as made:
            report = import_file(self.url, write(Path(made) / "events.ndjson", events))
        self.check()
        return report

    # ------------------------------------------------------------ looking

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        with closing(Database(self.url, write=False)) as db:
            return db.all(sql, parameters)

    def label(self, asset_id: int) -> str:
        """An asset's name: `lab/path` for a crawled one, its URI for a named one."""
        with closing(Database(self.url, write=False)) as db:
            hit = assets.info(db, asset_id, None, belongs).hit
        return f"{hit.silo}/{hit.name}" if hit.silo else hit.uri

    def edges(self, kind: str | None = None) -> set[tuple[str, str]]:
        """The live edges between assets' names; of one kind, or of all but `holds`."""
        which = "e.kind = ?" if kind else "e.kind <> ?"
        rows = self.rows(
            f"SELECT source_id, target_id FROM edge e WHERE e.retracted_ns IS NULL AND {which}", kind or "holds"
        )
        return {(self.label(source), self.label(target)) for source, target in rows}

    def named(self) -> set[str]:
        """The assets that no crawl has found, by their URIs."""
        return {
            self.label(row[0])
            for row in self.rows("SELECT id FROM asset WHERE silo_id IS NULL AND merged_into IS NULL")
        }

    def find(self, reference: str) -> str:
        """What a reference means, as `label` tells it."""
        with closing(Database(self.url, write=False)) as db:
            return self.label(assets.find(db, reference)[0])

    def check(self) -> None:
        """What must hold of the graph at any time."""
        gone = "SELECT id FROM asset WHERE merged_into IS NOT NULL"
        for sql in (
            f"SELECT 1 FROM edge WHERE source_id IN ({gone}) OR target_id IN ({gone})",
            f"SELECT 1 FROM column_edge WHERE source_id IN ({gone}) OR target_id IN ({gone})",
            f"SELECT 1 FROM run_asset WHERE asset_id IN ({gone})",
            f"SELECT 1 FROM alias WHERE asset_id IN ({gone})",
            f"SELECT 1 FROM asset_text WHERE rowid IN ({gone})",
            "SELECT 1 FROM asset WHERE merged_into NOT IN (SELECT id FROM asset WHERE merged_into IS NULL)",
            "SELECT 1 FROM edge WHERE source_id = target_id",
            "SELECT 1 FROM edge WHERE source_id NOT IN (SELECT id FROM asset) OR target_id NOT IN (SELECT id FROM asset)",
            "SELECT 1 FROM alias WHERE asset_id NOT IN (SELECT id FROM asset)",
            "SELECT 1 FROM asset a WHERE a.merged_into IS NULL AND NOT EXISTS (SELECT 1 FROM asset_text t WHERE t.rowid = a.id)",
            "SELECT 1 FROM asset a WHERE silo_id IS NULL AND merged_into IS NULL "
            "AND NOT EXISTS (SELECT 1 FROM alias l WHERE l.asset_id = a.id)",
        ):
            assert self.rows(sql) == [], sql


class Bare(Bench):
    """A catalog without any silo: what is known comes from events alone."""

    def __init__(self, url: str) -> None:
        self.url = url


class Folder(Bench):
    """A real folder as the silo."""

    def __init__(self, url: str, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        super().__init__(url, str(folder), {})

    def write(self, *paths: str, data: bytes = CSV) -> None:
        for path in paths:
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)

    def remove(self, path: str) -> None:
        (self.folder / path).unlink()


class Keys(Bench):
    """Objects in memory as the silo, named by keys as in a bucket."""

    def __init__(self, url: str) -> None:
        self.place = f"keys-{uuid.uuid4().hex}"
        self.silo = MemorySilo(self.place, {})
        super().__init__(url, f"memory://{self.place}", {})

    def write(self, *paths: str, data: bytes = CSV) -> None:
        for path in paths:
            self.silo.put(path, data)

    def remove(self, path: str) -> None:
        self.silo.remove(path)

    def discard(self) -> None:
        discard(self.place)
