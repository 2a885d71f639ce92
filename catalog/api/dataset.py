"""`Dataset`: one dataset or model of the catalog, and its content."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from catalog import text
from catalog.api.frames import Framed, html_table, to_pandas, to_polars
from catalog.datasets.schema import changes, union
from catalog.datasets.sketch import belongs
from catalog.errors import NotFound, UsageError
from catalog.model import AssetInfo, ColumnLabel, Count, Field, FileInfo, Hit, VersionInfo
from catalog.store import assets
from catalog.store.engine import Database

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

    from catalog.api.lineage import Lineage
    from catalog.silos.base import Silo

_SHOWN = 10
PENDING = "catalog lineage pending tells which silo to add or crawl"


class Schema(Sequence[Field]):
    """The columns of a dataset, in order; `schema["user_id"]` finds one by path."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self._fields = tuple(fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __getitem__(self, key: int | str | slice) -> Any:
        if isinstance(key, str):
            found = next((f for f in self._fields if f.path == key), None)
            if found is None:
                raise KeyError(key)
            return found
        return self._fields[key]

    @property
    def names(self) -> list[str]:
        """The paths of the columns."""
        return [f.path for f in self._fields]

    def __repr__(self) -> str:
        width = max((len(f.path) for f in self._fields), default=0)
        lines = [
            f"{text.safe(f.path):{width}}  {f.type}{'' if f.nullable else ' not null'}"
            f"{f'  in {text.safe(f.unit)}' if f.unit else ''}"
            for f in self._fields
        ]
        return "\n".join(lines) or "<no columns known>"

    def _repr_html_(self) -> str:
        more = [name for name in ("doc", "id", "unit") if any(getattr(f, name) is not None for f in self._fields)]
        rows = [
            (f.path, f.type, "yes" if f.nullable else "no", *(getattr(f, name) for name in more)) for f in self._fields
        ]
        return html_table(("column", "type", "nullable", *more), rows, f"{len(rows)} columns")


class FileList(Framed):
    """The files of a dataset, read from the catalog as they are asked for."""

    def __init__(self, read: Callable[[], Iterator[FileInfo]], number: Callable[[], Count]) -> None:
        self._read = read
        self._number = number
        self._running: tuple[int, Iterator[FileInfo]] | None = None

    def __iter__(self) -> Iterator[FileInfo]:
        return self._read()

    def __len__(self) -> int:
        return self.count().number

    def count(self) -> Count:
        """How many files."""
        return self._number()

    def page(self, offset: int, limit: int) -> list[FileInfo]:
        """Up to `limit` files from `offset`; pages asked for in order cost one pass in all."""
        at, rows = self._running or (0, iter(()))
        if self._running is None or at > offset:
            at, rows = 0, self._read()
        found = list(islice(rows, offset - at, offset - at + limit))
        self._running = (offset + len(found), rows)
        return found

    def __repr__(self) -> str:
        lines = [f"<{text.plural(len(self), 'file')}>"]
        lines += [f"  {text.safe(f.path, 90)}  {text.size(f.size)}" for f in self.page(0, _SHOWN)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        found = self.page(0, _SHOWN)
        rows = [(f.path, text.size(f.size), text.iso(f.modified_ns), f.format, f.finding) for f in found]
        return html_table(("path", "size", "modified", "format", "finding"), rows, f"{len(found)} of {len(self):,}")

    def _columns(self) -> Sequence[tuple[str, str]]:
        return (
            ("path", "string"), ("size", "int64"), ("modified", "time"), ("etag", "string"), ("format", "string"),
            ("state", "string"), ("finding", "string"),
        )  # fmt: skip

    def _records(self) -> Iterable[Sequence[Any]]:
        for f in self:
            yield f.path, f.size, f.modified_ns, f.etag, f.format, f.state, f.finding


class Dataset:
    """A dataset or model, as the catalog knows it now or (with a version) knew it then."""

    def __init__(
        self, db: Database, open_silo: Callable[[str], Silo], asset_id: int, version: int | None = None
    ) -> None:
        self._db = db
        self._open_silo = open_silo
        self.id = asset_id
        self.version = version

    @property
    def info(self) -> AssetInfo:
        """Everything `catalog show` tells."""
        return assets.info(self._db, self.id, self.version, belongs, union)

    @property
    def hit(self) -> Hit:
        """The row a search shows."""
        return self.info.hit

    @property
    def kind(self) -> str:
        """`dataset` or `model`."""
        return self.hit.kind

    @property
    def name(self) -> str:
        """Its path in the silo."""
        return self.hit.name

    @property
    def silo(self) -> str:
        """The name of its silo; empty when no crawl has found it."""
        return self.hit.silo

    @property
    def uri(self) -> str:
        """Its full address."""
        return self.hit.uri

    @property
    def schema(self) -> Schema:
        """Its columns, from the files that were opened."""
        return Schema(assets.schema_fields(self._db, self.id, self.version))

    @property
    def labels(self) -> list[ColumnLabel] | None:
        """Its sensitive columns; None when nobody looked for them (`crawl(classify=True)` does)."""
        found = self.info.labels
        return None if found is None else list(found)

    @property
    def versions(self) -> list[VersionInfo]:
        """Its versions, newest first, each with what changed of its columns."""
        found = assets.versions(self._db, self.id)
        last: str | None = None
        for at in reversed(range(len(found))):
            digest = found[at].schema_digest
            if digest and last and digest != last:
                before, after = (assets.fields_of(self._db, one) for one in (last, digest))
                found[at] = replace(found[at], changes=changes(before, after))
            last = digest or last
        return found

    def files(self, at: str | int | None = None) -> FileList:
        """Its files now, or as they were `at` a time."""
        if at is None and self.version is not None:
            at = next((v.observed_ns for v in assets.versions(self._db, self.id) if v.number == self.version), None)
        if at is None:
            return FileList(
                lambda: assets.files(self._db, self.id, belongs), lambda: assets.count_files(self._db, self.id)
            )
        when = moment_ns(at)

        def past() -> Iterator[FileInfo]:
            return assets.files_at(self._db, self.id, when, belongs)

        return FileList(past, lambda: Count(sum(1 for _ in past())))

    def annotate(
        self, *, owner: str | None = None, tags: Iterable[str] = (), remove_tags: Iterable[str] = (),
        description: str | None = None,
    ) -> None:  # fmt: skip
        """Write down an owner, tags, a description; no crawl touches them."""
        assets.annotate(self._db, self.id, owner, list(tags), list(remove_tags), description)

    # ------------------------------------------------------------ lineage

    def lineage(self, **asked: Any) -> Lineage:
        """What flows into it and out of it; takes what `Catalog.trace` takes."""
        from catalog.api import tracing

        return tracing.trace(self._db, self, **asked)

    def upstream(self, depth: int = 1) -> Lineage:
        """What it is made from."""
        return self.lineage(depth=depth, down=False)

    def downstream(self, depth: int = 1) -> Lineage:
        """What is made from it."""
        return self.lineage(depth=depth, up=False)

    # ------------------------------------------------------------ content

    def open(self) -> BinaryIO:
        """The file itself, for a dataset of one file: seekable, read-only, binary."""
        paths = self._paths()
        if len(paths) != 1:
            raise UsageError(
                f"'{self.name}' has {len(paths)} files; only a single file can be opened.",
                hint="Read it as a table with .to_arrow(), or list .files().",
            )
        return self._open_silo(self.silo).open(paths[0])

    def to_arrow(self, columns: Sequence[str] | None = None) -> pyarrow.Table:
        """All rows as an Arrow table; partition columns included. Raises `UsageError` for what is no table."""
        from catalog.api.reading import read_table

        info, paths = self.info, self._paths()
        return read_table(self._open_silo(self.silo), info, paths, columns)

    def to_polars(self, columns: Sequence[str] | None = None) -> polars.DataFrame:
        """All rows as a polars frame."""
        return to_polars(self.to_arrow(columns))

    def to_pandas(self, columns: Sequence[str] | None = None) -> pandas.DataFrame:
        """All rows as a pandas frame."""
        return to_pandas(self.to_arrow(columns))

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        hit = self.hit
        if hit.files is None:
            return f"<{hit.kind.capitalize()} {text.safe(hit.uri)}: known by name, no crawl has found it>"
        return (
            f"<{hit.kind.capitalize()} {hit.silo}/{text.safe(hit.name)} v{hit.version}: "
            f"{hit.format or 'unknown format'}, "
            f"{text.plural(hit.files, 'file')}, {text.size(hit.bytes)}"
            + (f", {text.plural(hit.rows, 'row')}>" if hit.rows is not None else ">")
        )

    def _repr_html_(self) -> str:
        info = self.info
        hit = info.hit
        rows: list[tuple[str, object]] = [
            ("uri", hit.uri), ("format", hit.format), ("files", hit.files), ("size", text.size(hit.bytes)),
            ("rows", hit.rows), ("modified", text.iso(hit.modified_ns)), ("version", hit.version),
            ("owner", hit.owner), ("tags", ", ".join(hit.tags)), ("evidence", info.evidence),
            ("columns", ", ".join(f.path for f in info.fields[:30])),
        ]  # fmt: skip
        return html_table(("", ""), rows, f"{hit.kind} {hit.reference}")

    def _paths(self) -> list[str]:
        found = [f.path for f in self.files() if not _aside(f.path)]
        if not found:
            if not self.silo:
                raise NotFound(f"'{self.name}' is known by name only: no crawl has found it.", hint=PENDING)
            raise NotFound(f"'{self.name}' has no files any more.", hint=f"catalog versions {self.id}")
        return found


def _aside(path: str) -> bool:
    return path.rpartition("/")[2].startswith((".", "_"))


def moment_ns(at: str | int) -> int:
    """Nanoseconds since the epoch from a number of them or an ISO date or time (UTC unless it says)."""
    if isinstance(at, int):
        return at
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise UsageError(
            f"'{at}' is no time.", hint="Write a date or time like 2026-03-01 or 2026-03-01T12:00."
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(int(moment.timestamp() * 1e9), time.time_ns() + 10**18)
