"""The listings of an object store, asked for so that a store which errs does not make a directory look complete.

Three things are not taken on trust: that a full page which names no next one is the last, that a listing begins
behind the key it was asked to begin behind, and that it ever ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from catalog import text
from catalog.errors import SiloError, SiloUnreadable
from catalog.silos.fold import OutOfOrderError, Page
from catalog.silos.manners import Pace
from catalog.silos.object import errors
from catalog.silos.object.waiting import waited
from catalog.silos.paths import join

if TYPE_CHECKING:
    import pyarrow as pa

PAGE = 1000
GREATEST = "\U0010ffff"
UNSURE = "it ends with a full page, and the store does not tell what comes after it"
_LONGEST = 4096
"""No object store allows longer keys (S3: 1,024 bytes)."""
_SECONDS = 300.0
"""How long the next keys, or one level, may take; a store may have to pass over many deleted keys to find some."""
_STALE = 4
"""After so many pages in a row without a new key a listing goes in circles."""

Mapped = Callable[[BaseException, str], SiloError]
"""An error of the client, met at an address, as one of ours."""


class Pages:
    """Asks `store` for keys. `bucket_url` is where errors are said to have happened."""

    def __init__(self, store: Any, bucket_url: str, pace: Pace, mapped: Mapped) -> None:
        self._store = store
        self._bucket_url = bucket_url
        self._pace = pace
        self._mapped = mapped

    def close(self) -> None:
        """Drop the store."""
        self._store = None

    def batches(self, prefix: str, after: str | None = None, until: str | None = None) -> Iterator[pa.RecordBatch]:
        """The keys below `prefix`, or those of them behind `after` up to and with `until`.

        A full page may not be the last one: there are servers that forget to say how it goes on, and the client takes
        that for the end. So what lies behind it is asked for. Raises `UnlistableKeyError`, a `SiloError`, and
        `OutOfOrderError` when it cannot be known whether these are all keys.
        """
        end = until.encode() if until is not None else None
        rows = PAGE
        while rows and not rows % PAGE:
            rows, begun = 0, after
            for batch in self._rising(self._listed(prefix, begun)):
                rows += batch.num_rows
                fresh = batch if begun is None else _behind(batch, begun)
                if not fresh.num_rows:
                    continue
                after = _last(fresh)
                if end is not None and after.encode() > end:
                    keys = fresh.column("path").to_pylist()
                    yield fresh.slice(0, sum(key.encode() <= end for key in keys))
                    return
                yield fresh
            if rows and after == begun and not rows % PAGE:
                raise OutOfOrderError  # as full as before and nothing new: it began at the start again

    def level(self, prefix: str) -> Any:
        """What stands directly below a prefix. Raises `UnlistableKeyError` or a `SiloError`."""
        import obstore

        try:
            return waited(
                lambda: obstore.list_with_delimiter_async(self._store, prefix or None, return_arrow=True), _SECONDS
            )
        except TimeoutError as error:
            raise self._endless(prefix) from error
        except errors.raised() as error:
            raise errors.unlistable(error) or self._at(error, prefix) from error

    def ends_with(self, prefix: str, files: Sequence[str], below: Sequence[str]) -> bool:
        """Whether a level of these files and directories, by their names, is the whole of it.

        A full page may not be the last one here either. The last name is another in the byte order of S3 than in
        the tree order of some servers, and nothing can lie behind one that is not the last.
        """
        names = [*files, *(f"{name}/{GREATEST}" for name in below)]
        if not names or len(names) % PAGE:
            return True
        for last in dict.fromkeys((max(names, key=str.encode), max(names, key=_in_tree))):
            rows, behind = 0, join(prefix, last)
            for batch in self._rising(self._listed(prefix, behind)):
                rows += batch.num_rows
                if _behind(batch, behind).num_rows:
                    break
            else:
                if not rows or rows % PAGE:
                    return True
        return False

    def _listed(self, prefix: str, after: str | None) -> Iterator[pa.RecordBatch]:
        """One listing of the client's, a batch of `PAGE` keys at a time."""
        import obstore
        import pyarrow as pa

        try:
            found = obstore.list(self._store, prefix or None, offset=after, chunk_size=PAGE, return_arrow=True)
            self._pace.wait()
            while True:
                try:
                    one = waited(found.__anext__, _SECONDS)
                except StopAsyncIteration:
                    return
                yield pa.record_batch(one)
                self._pace.wait()
        except TimeoutError as error:
            raise self._endless(prefix) from error
        except errors.raised() as error:
            raise errors.unlistable(error) or self._at(error, prefix) from error

    def _rising(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """These batches. Raises `OutOfOrderError` after one without a new key, and when none follows, `SiloUnreadable`.

        What goes in circles from page to page does so however it is asked, and must not be asked for all of it.
        """
        last: str | None = None
        for batch in batches:
            if not batch.num_rows:
                continue
            if last is not None and _not_behind(_last(batch), last) and not _behind(batch, last).num_rows:
                following = list(zip(range(_STALE - 1), batches))
                if len(following) == _STALE - 1 and not any(_behind(one, last).num_rows for _, one in following):
                    raise SiloUnreadable(
                        "The store's listing goes in circles: it sends the same keys again and again.",
                        hint="Whoever runs the store should look at how it pages its listings.",
                    )
                raise OutOfOrderError
            last = _last(batch)
            yield batch

    def _at(self, error: BaseException, prefix: str) -> SiloError:
        return self._mapped(error, join(self._bucket_url, prefix))

    def _endless(self, prefix: str) -> SiloError:
        where = text.safe(join(self._bucket_url, prefix), 300)
        return SiloUnreadable(
            f"{where}: the listing went on for {_SECONDS:.0f} seconds without a key or an end.",
            hint="Whoever runs the store should look at how it pages its listings.",
        )


def page(batch: pa.RecordBatch | pa.Table, prefix: str) -> Page:
    """The columns of a listing, with keys relative to `prefix`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    keys = batch.column("path").to_pylist()
    if keys and max(map(len, keys)) > _LONGEST:
        raise ValueError(f"a key of more than {_LONGEST:,} characters")
    cut = len(prefix) + 1 if prefix else 0
    micros = batch.column("last_modified").cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    return Page(
        [key[cut:] for key in keys] if cut else keys,
        batch.column("size").to_pylist(),
        [1000 * at for at in micros.to_pylist()],
        pc.replace_substring(batch.column("e_tag"), '"', "").to_pylist(),
    )


def _last(batch: pa.RecordBatch) -> str:
    return str(batch.column("path")[-1].as_py())


def _behind(batch: pa.RecordBatch, after: str) -> pa.RecordBatch:
    """The rows of keys behind `after`; a batch that begins behind it in either order has no others."""
    import pyarrow as pa

    if batch.num_rows and _surely_behind(batch.column("path")[0].as_py(), after):
        return batch
    kept = [not _not_behind(key, after) for key in batch.column("path").to_pylist()]
    return batch if all(kept) else batch.filter(pa.array(kept))


def _surely_behind(key: str, after: str) -> bool:
    return key.encode() > after.encode() and _in_tree(key) > _in_tree(after)


def _not_behind(key: str, after: str) -> bool:
    """Whether `key` comes no later than `after`, both in the byte order of S3 and in the tree order of some servers."""
    return key.encode() <= after.encode() and _in_tree(key) <= _in_tree(after)


def _in_tree(key: str) -> bytes:
    return key.replace("/", "\0").encode()
