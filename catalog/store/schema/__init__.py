"""The catalog's tables, as SQLModel describes them: for migrations, `alembic check` and objects.

Nothing on the hot path imports this module: bulk loading and reading speak SQL through
`engine.Database`. Times are nanoseconds since the epoch, sizes are bytes, unknown is NULL.

How rows lie on disk is part of the design. A file's key is (directory, name) and, in SQLite, the
table itself is that key (WITHOUT ROWID): the rows of a directory lie together, and no second
index repeats their names. Searching by name goes through `name_block`, see `store/names.py`;
sorting by size or time goes through the bounds kept in `directory`, see `store/search.py`.
"""

from catalog.store.schema import assets, lineage, schedules, storage
from catalog.store.schema.base import Table

__all__ = ["Table", "assets", "lineage", "schedules", "storage"]
