"""A silo whose listing comes from an inventory, and whose files come from the silo itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from catalog import text
from catalog.errors import SiloError, UsageError
from catalog.model import Entry, Failure, Listing
from catalog.silos.base import Capabilities, Reached, Silo, Unchanged
from catalog.silos.fold import KeyFold, OutOfOrderError, Page
from catalog.silos.inventory.rows import MAPPED, Row, rows
from catalog.silos.inventory.source import Source, find
from catalog.silos.inventory.spool import Spool
from catalog.silos.paths import relative

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_PAGE = 5_000
_UNNAMEABLE = "the inventory names keys with an empty, '.' or '..' segment, which cannot be catalogued"


class InventoriedSilo:
    """`inner`, listed from the inventory at `address`."""

    def __init__(self, inner: Silo, address: str, columns: Mapping[str, str], options: Mapping[str, str]) -> None:
        self.inner = inner
        self.kind = inner.kind
        self.url = inner.url
        self.capabilities: Capabilities = replace(inner.capabilities, order="keys", directory_mtimes=False)
        self._address = address
        self._columns = columns
        self._options = options
        self._source: Source | None = None

    def listed_as_of(self) -> int | None:
        """See `Dated.listed_as_of`."""
        return self._found().as_of_ns

    def walk(self, prefix: str = "", unchanged: Unchanged | None = None) -> Iterator[Listing]:
        """See `Silo.walk`. Rows come in any order, so a file that cannot be read leaves every directory incomplete."""
        source, prefix = self._found(), relative(prefix)
        with Spool() as spool:
            unnameable: set[str] = set()
            failure = self._gather(source, prefix, spool, unnameable)
            for listing in _folded(spool, prefix):
                reason = failure or (Failure(listing.path, _UNNAMEABLE, False) if listing.path in unnameable else None)
                unnameable.discard(listing.path)
                if reason is not None and not listing.more:
                    yield replace(listing, complete=False, failure=replace(reason, prefix=listing.path))
                else:
                    yield replace(listing, complete=listing.complete and reason is None)
            for path in sorted(unnameable):
                yield Listing(path, (), (), (), complete=False, failure=Failure(path, _UNNAMEABLE, False))

    def read(self, path: str, offset: int, length: int) -> bytes:
        """See `Silo.read`."""
        return self.inner.read(path, offset, length)

    def open(self, path: str) -> BinaryIO:
        """See `Silo.open`."""
        return self.inner.open(path)

    def filesystem(self) -> AbstractFileSystem:
        """See `Silo.filesystem`."""
        return self.inner.filesystem()

    def uri(self, path: str) -> str:
        """See `Silo.uri`."""
        return self.inner.uri(path)

    def namespace(self) -> tuple[str, str]:
        """See `Silo.namespace`."""
        return self.inner.namespace()

    def test(self) -> Reached:
        """See `Silo.test`; the inventory must be there as well."""
        reached = self.inner.test()
        source = self._found()
        when = f" of {text.iso(source.as_of_ns)}" if source.as_of_ns else ""
        listed = f"{text.plural(len(source.files), source.shape.upper() + ' file')}{when}"
        return replace(reached, identity=f"{reached.identity}; listed from an inventory: {listed}")

    def close(self) -> None:
        """See `Silo.close`."""
        if self._source is not None:
            self._source.storage.close()
        self.inner.close()

    # ------------------------------------------------------------ what browsing needs

    def children(self, path: str) -> Listing:
        """One directory as the storage itself has it now."""
        return self.inner.children(path)  # type: ignore[attr-defined,no-any-return]

    def entry(self, path: str) -> Entry:
        """One file as the storage itself has it now."""
        return self.inner.entry(path)  # type: ignore[attr-defined,no-any-return]

    # ------------------------------------------------------------ inside

    def _found(self) -> Source:
        if self._source is None:
            storage, path = _opened(self._address, self._options)
            self._source = find(storage, path, self._options)
        return self._source

    def _gather(self, source: Source, prefix: str, spool: Spool, unnameable: set[str]) -> Failure | None:
        """Put all rows below `prefix` into the spool; why some are missing, if they are."""
        cut = _Cut(self.inner, prefix, keys=source.bucket is not None)
        failure = None
        for file in source.files:
            try:
                for batch in rows(source, file, self._columns):
                    spool.add(cut.kept(batch, unnameable))
            except UsageError:
                raise
            except SiloError as error:
                failure = Failure(prefix, error.message)
        return failure


class _Cut:
    """From the keys of an inventory to paths of the silo below a prefix."""

    def __init__(self, silo: Silo, prefix: str, *, keys: bool) -> None:
        root = silo.namespace()[1] if keys else ""
        self._above = f"{root}/".encode() if root else b""
        self._url = b"" if keys else f"{silo.url}/".encode()
        self._path = b"" if keys or silo.kind != "file" else f"{silo.namespace()[1].rstrip('/')}/".encode()
        self._prefix = f"{text.text_to_name(prefix)}/".encode("utf-8", "surrogateescape") if prefix else b""

    def kept(self, batch: list[Row], unnameable: set[str]) -> Iterator[Row]:
        for key, size, mtime_ns, etag in batch:
            path = self._inside(key)
            if path is None or not path.startswith(self._prefix):
                continue
            name = path.rstrip(b"/") if path.endswith(b"/") and size <= 0 else path
            above = _first_bad(name)
            if above is not None:
                unnameable.add(text.name_to_text(above.decode("utf-8", "surrogateescape")))
            else:
                yield path, size, mtime_ns, etag

    def _inside(self, key: bytes) -> bytes | None:
        """The path in the silo, of a key of the bucket, a full address, or a path that is one already."""
        if self._above:
            return key[len(self._above) :] if key.startswith(self._above) else None
        for start in (self._url, self._path):
            if start and key.startswith(start):
                return key[len(start) :]
        return key


def _first_bad(path: bytes) -> bytes | None:
    """The directory above the first segment that is no name; None when all are."""
    if b"//" not in path and b"/." not in path and path[:1] not in (b".", b"/", b"") and b"\0" not in path:
        return None
    segments = path.split(b"/")
    for at, segment in enumerate(segments):
        if segment in (b"", b".", b"..") or b"\0" in segment:
            return b"/".join(segments[:at])
    return None


def _folded(spool: Spool, prefix: str) -> Iterator[Listing]:
    """The rows as directories, below `prefix`."""
    start = text.text_to_name(prefix)
    cut = len(start) + 1 if start else 0
    markers: set[str] = set()
    fold = KeyFold(start, markers.__contains__)
    try:
        for batch in spool.ordered(_PAGE):
            keys = [key.decode("utf-8", "surrogateescape") for key, *_ in batch]
            # A page is folded when the next one comes, so the markers of two pages are at hand.
            markers.intersection_update(list(markers)[-_PAGE:])
            markers.update(key.rstrip("/") for key in keys if key.endswith("/"))
            page = Page(
                [key.rstrip("/")[cut:] for key in keys],
                [0 if key.endswith("/") else row[1] for key, row in zip(keys, batch)],
                [row[2] for row in batch],
                [row[3] for row in batch],
            )
            yield from fold.add(page)
        yield from fold.finish()
    except OutOfOrderError:  # a file and a marker of one name, told twice
        yield from fold.fail("the inventory tells one name twice", False)


def _opened(address: str, options: Mapping[str, str]) -> tuple[Silo, str]:
    """The storage an inventory lies in, opened at its folder (or bucket), and the path in it."""
    from catalog.silos.registry import normalise, open_silo

    url, kind = normalise(address)
    scheme, _, rest = url.partition("://")
    if kind == "file":
        folder, _, name = url.rpartition("/")
        return open_silo(folder or "file:///", {}), text.name_to_text(_unquoted(name))
    place, _, path = rest.partition("/")
    return open_silo(f"{scheme}://{place}", options), path


def _unquoted(name: str) -> str:
    from urllib.parse import unquote

    return unquote(name, errors="surrogateescape")


def inventoried(inner: Silo, given: Mapping[str, str], options: Mapping[str, str]) -> InventoriedSilo:
    """Wrap `inner` by its options `inventory` and `inventory_columns`; reaches nothing yet.

    `inventory_columns` maps columns of a manifest: `path=Key,size=Bytes,modified=Changed,etag=Hash`.
    """
    columns: dict[str, str] = {}
    for pair in filter(None, given.get("inventory_columns", "").split(",")):
        meaning, equals, column = pair.partition("=")
        if not equals or meaning.strip() not in MAPPED:
            raise UsageError(
                f"inventory_columns maps {', '.join(MAPPED)} to columns, not '{text.safe(pair, 80)}'.",
                hint="inventory_columns=path=Key,size=Bytes,modified=Changed",
            )
        columns[meaning.strip()] = column.strip()
    return InventoriedSilo(inner, given["inventory"], columns, options)
