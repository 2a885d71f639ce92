"""What the catalog already knows of a silo's directories, fetched as the crawl comes to them."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.store.engine import Database

_COLUMNS = (
    "id, path, digest, directories, own_files, own_bytes, sub_files, sub_bytes, mtime_ns, removed_crawl IS NOT NULL"
)


@dataclass(slots=True)
class Known:
    """A directory's row as it was before this crawl."""

    id: int
    path: str
    digest: bytes | None
    directories: int
    own_files: int
    own_bytes: int
    sub_files: int
    sub_bytes: int
    mtime_ns: int | None
    removed: bool


def parent_of(path: str) -> str | None:
    """The directory above; None for the root."""
    return path.rpartition("/")[0] if path else None


class KnownDirectories:
    """Looks directories up by path, fetching all children of a directory with one statement.

    Holds only the children of directories the crawl has come to; each is dropped as it is done.
    """

    def __init__(self, db: Database, silo_id: int) -> None:
        self._db = db
        self._silo_id = silo_id
        self._root = next(iter(self._fetch("silo_id = ? AND path = ?", (silo_id, ""))), None)
        self._below: dict[str, dict[str, Known]] = {}

    @property
    def empty(self) -> bool:
        """True when the silo has never been listed: every look-up would find nothing."""
        return self._root is None

    def get(self, path: str) -> Known | None:
        """The directory's row, or None when it is new."""
        if self._root is None or not path:
            return self._root
        parent, _, name = path.rpartition("/")
        found = self._children(parent).get(name)
        if found is None:  # new, or already done with and asked for as a parent
            where = "silo_id = ? AND path = ?"
            found = next(iter(self._fetch(where, (self._silo_id, path))), None)
        return found

    def children(self, path: str) -> dict[str, Known]:
        """The live subdirectories the catalog knows of, by name."""
        row = self.get(path)
        if row is None or row.directories == 0:
            return {}
        return {name: known for name, known in self._children(path).items() if not known.removed}

    def done(self, path: str) -> None:
        """Drop a directory that will not be asked for again."""
        parent, _, name = path.rpartition("/")
        siblings = self._below.get(parent)
        if siblings is not None and path:
            siblings.pop(name, None)

    def _children(self, path: str) -> dict[str, Known]:
        found = self._below.get(path)
        if found is None:
            row = self.get(path)
            rows = self._fetch("parent_id = ?", (row.id,)) if row else []
            found = self._below[path] = {known.path.rpartition("/")[2]: known for known in rows}
        return found

    def _fetch(self, where: str, parameters: tuple[object, ...]) -> list[Known]:
        rows = self._db.all(f"SELECT {_COLUMNS} FROM directory WHERE {where}", parameters)
        return [Known(*row[:9], bool(row[9])) for row in rows]
