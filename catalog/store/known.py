"""What the catalog already knows of a silo's directories, fetched as the crawl comes to them."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.store.engine import Database

_COLUMNS = (
    "id, path, digest, directories, own_files, own_bytes, sub_files, sub_bytes, mtime_ns, "
    "CASE WHEN removed_crawl IS NULL THEN 0 ELSE 1 END"
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
    removed: bool | int


def parent_of(path: str) -> str | None:
    """The directory above; None for the root."""
    return path.rpartition("/")[0] if path else None


class KnownDirectories:
    """Looks directories up by path, fetching all children of a directory with one statement.

    Holds only the children of directories the crawl has come to; each is dropped as it is done.
    """

    def __init__(self, db: Database, silo_id: int, *, tree_order: bool) -> None:
        self._db = db
        self._silo_id = silo_id
        self._below: dict[str, dict[str, Known]] = {}
        self._tree_order = tree_order
        self._new: str | None = None
        """The directory at and below which nothing is known, so that nothing is asked."""
        self.begin("")

    def begin(self, path: str) -> None:
        """What is below `path` comes now. Listed for the first time, parents first, all of it is new."""
        self._new = path if self._tree_order and self.look_up(path) is None else None

    def get(self, path: str) -> Known | None:
        """The directory's row as it was before this crawl, or None when it is new."""
        if self._new is not None and (not self._new or path == self._new or path.startswith(self._new + "/")):
            return None
        if not path:
            return self.look_up(path)
        parent, _, name = path.rpartition("/")
        # What is not among the children is new, or done with and asked for as a parent.
        return self._children(parent).get(name) or self.look_up(path)

    def look_up(self, path: str) -> Known | None:
        """The directory's row as it is now."""
        return next(iter(self._fetch("silo_id = ? AND path = ?", (self._silo_id, path))), None)

    def children(self, row: Known) -> dict[str, Known]:
        """The live subdirectories the catalog knows of below a directory, by name."""
        if row.directories == 0:
            return {}
        return {name: known for name, known in self._children(row.path, row).items() if not known.removed}

    def done(self, path: str) -> None:
        """Drop a directory that will not be asked for again."""
        parent, _, name = path.rpartition("/")
        siblings = self._below.get(parent)
        if siblings is not None and path:
            siblings.pop(name, None)

    def _children(self, path: str, row: Known | None = None) -> dict[str, Known]:
        found = self._below.get(path)
        if found is None:
            row = row or self.get(path)
            rows = self._fetch("parent_id = ?", (row.id,)) if row else []
            found = self._below[path] = {known.path.rpartition("/")[2]: known for known in rows}
        return found

    def _fetch(self, where: str, parameters: tuple[object, ...]) -> list[Known]:
        rows = self._db.all(f"SELECT {_COLUMNS} FROM directory WHERE {where}", parameters)
        return [Known(*row) for row in rows]
