"""What the crawl tests share: a catalog with one silo, what it holds, and an independent listing."""

from __future__ import annotations

import os
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from catalog.crawl import crawl_silo
from catalog.model import CrawlReport
from catalog.silos.memory import MemorySilo
from catalog.silos.registry import normalise, open_silo
from catalog.store import crawls, migrate
from catalog.store.engine import Database

LONG_AGO = time.time_ns() - 10**15  # eleven days: a directory time that can be trusted
CONTENT = {
    "file": "directory_id, name",
    "directory": "id",
    "asset": "id",
    "asset_version": "asset_id, number",
    "part": "directory_id, pattern, format",
    "file_history": "directory_id, name, last_crawl",
    "inspection": "directory_id, name",
    "name_block": "text_id, directory_id",
}


class Bench:
    """One silo, crawled into one catalog, checked after every crawl."""

    def __init__(self, url: str, address: str, name: str = "lab") -> None:
        self.url, self.address, self.name = url, address, name
        with closing(Database(url)) as db:
            crawls.add_silo(db, name, *normalise(address), {})

    def crawl(self, **options: Any) -> CrawlReport:
        with closing(Database(self.url)) as db, closing(open_silo(self.address)) as silo:
            report = crawl_silo(db, crawls.silo(db, self.name), silo, **options)
        assert migrate.check(self.url) == []
        return report

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        with closing(Database(self.url, write=False)) as db:
            return [tuple(bytes(v) if isinstance(v, memoryview) else v for v in r) for r in db.all(sql, parameters)]

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row the catalog holds of its silos, by table; the crawls themselves left out."""
        return {table: self.rows(f"SELECT * FROM {table} ORDER BY {order}") for table, order in CONTENT.items()}

    def files(self) -> dict[str, tuple[int | None, int | None]]:
        """Size and time of every live file, by path."""
        rows = self.rows("SELECT d.path, f.name, f.size, f.mtime_ns FROM file f JOIN directory d ON d.id = f.directory_id")
        return {f"{path}/{name}" if path else name: (size, mtime) for path, name, size, mtime in rows}

    def assets(self) -> dict[str, tuple[Any, ...]]:
        """(kind, rule, format, files, version) of every live asset, by path."""
        rows = self.rows("SELECT path, kind, rule, format, files, version FROM asset WHERE removed_crawl IS NULL")
        return {row[0]: row[1:] for row in rows}

    def history(self) -> list[tuple[Any, ...]]:
        """(path, size, first crawl, last crawl) of every state that is no longer true."""
        rows = self.rows(
            "SELECT d.path, h.name, h.size, h.first_crawl, h.last_crawl FROM file_history h "
            "JOIN directory d ON d.id = h.directory_id ORDER BY h.last_crawl, d.path, h.name"
        )
        return [(f"{path}/{name}" if path else name, *rest) for path, name, *rest in rows]

    def meaning(self) -> dict[str, Any]:
        """What the catalog says, without ids and crawl numbers: equal for equal silos."""
        return {
            "files": self.files(),
            "assets": self.rows(
                "SELECT root, rule, key, kind, format, files, bytes FROM asset WHERE removed_crawl IS NULL ORDER BY 1, 2, 3"
            ),
            "directories": self.rows(
                "SELECT path, digest, directories, own_files, own_bytes, sub_files, sub_bytes, newest_ns, oldest_ns, "
                "largest, smallest FROM directory WHERE removed_crawl IS NULL ORDER BY path"
            ),
            "parts": self.rows(
                "SELECT d.path, p.pattern, p.format, p.role, p.files, p.bytes, p.digest, a.root, a.rule, a.key FROM part p "
                "JOIN directory d ON d.id = p.directory_id LEFT JOIN asset a ON a.id = p.asset_id "
                "ORDER BY d.path, p.pattern, p.format"
            ),
        }


class Tree(Bench):
    """A real folder as the silo."""

    def __init__(self, url: str, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        super().__init__(url, str(folder))

    def write(self, path: str, data: bytes | str = b"x") -> Path:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data.encode() if isinstance(data, str) else data)
        return target

    def age(self) -> None:
        """Make every directory look untouched for days."""
        for folder, _, _ in os.walk(self.folder):
            os.utime(folder, ns=(LONG_AGO, LONG_AGO))

    def listed(self) -> dict[str, tuple[int | None, int | None]]:
        """The oracle: what the folder holds, listed without the catalog."""
        return {
            path.relative_to(self.folder).as_posix(): (path.stat().st_size, path.stat().st_mtime_ns)
            for path in self.folder.rglob("*")
            if path.is_file()
        }


class Memory(Bench):
    """A place in memory as the silo, whose listings can be made to fail."""

    def __init__(self, url: str, name: str, files: dict[str, bytes]) -> None:
        self.silo = MemorySilo(name, files)
        super().__init__(url, f"memory://{name}")

    def listed(self) -> dict[str, tuple[int | None, int | None]]:
        found = {}
        for one in self.silo.walk():
            for name, size, mtime in zip(one.names, one.sizes, one.mtimes):
                found[f"{one.path}/{name}" if one.path else name] = (size, mtime)
        return found
