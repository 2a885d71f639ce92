"""Where to cut a silo into parts that can be listed apart, from what the last crawl found there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from catalog.store.datasets import under
from catalog.store.engine import Database
from catalog.text import text_to_name

LARGEST = 20_000
"""Files in one range, at most: about as many as may be held ahead of their turn."""
SMALLEST = 2_000
PAGE = 1_000
"""Keys a store lists in one request: a directory of fewer is not worth a request of its own."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Directories to be listed each by itself (`alone`), and those with everything below (`whole`)."""

    alone: tuple[str, ...]
    whole: tuple[str, ...]


def key_bounds(db: Database, silo_id: int, prefix: str, workers: int) -> list[str]:
    """Paths at which a listing in byte order is cut; none when it is not worth it or nothing is known."""
    files = db.value("SELECT sub_files FROM directory WHERE silo_id = ? AND path = ?", (silo_id, prefix))
    if not files or files < 2 * SMALLEST:
        return []
    size = min(max(int(files) // (4 * workers), SMALLEST), LARGEST)
    return sorted(set(_cuts(db, silo_id, prefix, size)), key=lambda path: text_to_name(path).encode())


def _cuts(db: Database, silo_id: int, prefix: str, size: int) -> Iterator[str]:
    where, which = under("path", prefix)
    held = 0
    for directory_id, path, files in db.execute(
        f"SELECT id, path, own_files FROM directory WHERE silo_id = ? AND own_files > 0 AND {where} ORDER BY path",
        (silo_id, *which),
    ):
        inside = f"{path}/" if path else ""
        for start in range(size - held, files, size):
            row = db.one(
                "SELECT name FROM file WHERE directory_id = ? ORDER BY name LIMIT 1 OFFSET ?", (directory_id, start)
            )
            if row is not None:
                yield inside + str(row[0])
        held = (held + files) % size


def parts(db: Database, silo_id: int, prefix: str, workers: int, page: int = PAGE) -> Parts | None:
    """The silo (or what is below `prefix`) in parts of about one size; None when it is not worth it.

    `page` is how many files come with one request, if they do.
    """
    row = db.one("SELECT id, sub_files FROM directory WHERE silo_id = ? AND path = ?", (silo_id, prefix))
    if row is None or row[1] < 2 * SMALLEST:
        return None
    size = max(row[1] // (8 * workers), SMALLEST)
    alone: list[str] = []
    whole: list[str] = []
    pending: list[tuple[int, str, int]] = [(row[0], prefix, row[1])]
    while pending:
        directory_id, path, files = pending.pop()
        below = [] if files <= size else _below(db, directory_id)
        # Many small directories are listed with fewer requests together than one by one.
        if not below or files < len(below) * page:
            whole.append(path)
        else:
            alone.append(path)
            pending += below
    return Parts(tuple(alone), tuple(whole)) if len(whole) > 1 else None


def _below(db: Database, directory_id: int) -> list[tuple[int, str, int]]:
    rows = db.all(
        "SELECT id, path, sub_files FROM directory WHERE parent_id = ? AND removed_crawl IS NULL ORDER BY path DESC",
        (directory_id,),
    )
    return [(row[0], row[1], row[2]) for row in rows]
