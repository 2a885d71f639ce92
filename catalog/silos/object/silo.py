"""The silo that all object stores share.

Listing is one flat pass in pages of 1,000 keys, folded into directories. Some keys that S3 allows
cannot be expressed by the client (an empty, `.` or `..` segment, a control character), and one of
them fails its whole page. Then the directories that are open are listed one level at a time
instead, so that only the directory holding such a key is incomplete, with the reason.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Literal

from catalog import text
from catalog.errors import EntryMissing, SiloError, SiloRefused, SiloUnreachable, Transient
from catalog.model import Entry, Failure, Listing
from catalog.silos import manners, ranges
from catalog.silos.base import Capabilities, Reached, Unchanged
from catalog.silos.fold import Folder, KeyFold, OutOfOrderError, Page
from catalog.silos.manners import Pace
from catalog.silos.object import errors
from catalog.silos.object.pages import GREATEST, UNSURE, Pages, page
from catalog.silos.object.stores import Place
from catalog.silos.parallel import in_order
from catalog.silos.paths import join, relative
from catalog.silos.reach import SAMPLE, first_paths, reached

if TYPE_CHECKING:
    import pyarrow as pa
    from fsspec import AbstractFileSystem

_MARKER_CHECKS = 1000
"""So many empty objects of one walk are asked whether they are markers; more are taken as files."""
_BREAKS = 5
"""So many times a walk goes on after a listing broke off, each time one level at a time."""
_TRIES = 3
"""So many times one level is asked for, each with the client's own retries."""
_LEADING = "it holds keys that begin with '/', which cannot be listed"


class ObjectSilo:
    """The objects of a bucket whose keys begin with `root/`. `store` is an obstore store of that bucket.

    `namespace` is the bucket's in OpenLineage's naming, where that is not its URL; `byte_order` is told by
    `Ranged`.
    """

    kind: ClassVar[Literal["object", "file", "block"]] = "object"
    capabilities: ClassVar[Capabilities] = Capabilities(
        order="keys", checksum="etag", suffix_ranges=True, concurrent_reads=16, concurrent_lists=8
    )

    def __init__(
        self, store: Any, place: Place, identity: str, advice: errors.Advice, pace: Pace,
        namespace: str | None = None, *, byte_order: bool = False,
    ) -> None:  # fmt: skip
        self.byte_order = byte_order
        self.url = join(place.url, place.root)
        self._store = store
        self._bucket_url = place.url
        self._root = place.root
        self._identity = identity
        self._advice = advice
        self._pace = pace
        self._lists = Pages(store, place.url, pace, self._mapped)
        self._namespace = namespace or place.url

    def walk(self, prefix: str = "", unchanged: Unchanged | None = None) -> Iterator[Listing]:
        """See `Silo.walk`. A prefix that no key has is an empty directory; `unchanged` is not asked."""
        start = text.text_to_name(relative(prefix))
        yield from self._walk([_Keys(start)], self._pages)

    def walk_ranges(self, prefix: str, bounds: Sequence[str], workers: int) -> Iterator[Listing]:
        """See `Ranged.walk_ranges`."""
        start = text.text_to_name(relative(prefix))
        yield from self._walk([_Keys(start)], self._ranges([_Keys(start)], bounds, workers))

    def walk_after(
        self, prefix: str, after: str, given: Mapping[str, Collection[str]] | None, bounds: Sequence[str], workers: int
    ) -> Iterator[Listing]:
        """See `Resumable.walk_after`. Of a directory above `after` the end of its keys is listed, and then itself."""
        at, last = text.text_to_name(relative(prefix)), text.text_to_name(after)
        rest: list[_Keys] = []
        for name in last[len(at) :].strip("/").split("/") if last != at else ():
            seen = None if given is None else given.get(text.name_to_text(at), ())
            rest.append(_Keys(at, name, None if seen is None else frozenset(map(text.text_to_name, seen))))
            at = join(at, name)
        yield from self._walk([*rest], self._ranges(rest, bounds, workers))

    def _ranges(self, several: Sequence[_Keys], bounds: Sequence[str], workers: int) -> _Lister:
        """How to list these keys in ranges at once, and others, which are few, one page after another."""
        if not bounds or workers < 2:
            return self._pages
        cuts = sorted({self._key(path) for path in bounds}, key=str.encode)

        def pages(keys: _Keys) -> Iterator[Page]:
            if keys not in several:
                return self._pages(keys)
            inside, after = join(self._root, keys.directory), self._offset(keys)
            inside = f"{inside}/" if inside else ""
            kept = [key for key in cuts if key.startswith(inside) and (after is None or key.encode() > after.encode())]
            ends = [after, *kept, None]
            prefix = join(self._root, keys.directory)
            ranges = [partial(self._lists.batches, prefix, first, until) for first, until in pairwise(ends)]
            return self._as_pages(in_order(ranges, workers), keys.directory)

        return pages

    def _walk(self, pending: list[_Step], pages: _Lister) -> Iterator[Listing]:
        """Take one step after another, the last one first; a directory is given out after all below it."""
        markers = _MarkerCheck(self._is_missing)
        started, breaks = False, 0
        while pending:
            step = pending.pop()
            if isinstance(step, Listing):
                yield step
                continue
            if isinstance(step, Folder):
                self._levels(step, pending)
                continue
            fold = KeyFold(step.directory, markers)
            fold.top.behind, fold.top.given = step.behind, step.given
            try:
                for page in pages(step):
                    started = True
                    yield from step.kept(fold.add(page))
                yield from step.kept(fold.finish())
                if step.behind:
                    pending.append(fold.top)
            except (errors.UnlistableKeyError, OutOfOrderError):
                pending.extend(one for one in reversed(fold.abandon()) if step.wants(one))
            except SiloError as error:
                again = isinstance(error, Transient) and breaks < (_BREAKS if started else 1)
                if not (started or again):
                    raise
                breaks += 1
                if not again:
                    yield from filter(step.wants, fold.fail(error.message, isinstance(error, Transient)))
                    continue
                time.sleep(manners.pause(breaks))
                if not started:
                    pending.append(step)
                    continue
                pending.extend(one for one in reversed(fold.abandon()) if step.wants(one))
            started = True

    def read(self, path: str, offset: int, length: int) -> bytes:
        """See `Silo.read`."""
        path = relative(path)
        if length <= 0:
            return b""
        if -offset > length or (offset < 0 and not self.capabilities.suffix_ranges):
            offset = max(self._head(path).bytes + offset, 0)
        self._pace.wait()
        span: Any = {"suffix": -offset} if offset < 0 else (offset, offset + length)
        try:
            return bytes(self._store.get(self._key(path), options={"range": span}).bytes())
        except errors.raised() as error:
            # A range that begins at or after the end is an error to the store, and nothing to us.
            if errors.out_of_range(error) and max(offset, 0) >= self._head(path).bytes:
                return b""
            raise self._mapped(error, self.uri(path), reading=True) from error

    def open(self, path: str) -> BinaryIO:
        """See `Silo.open`."""
        path = relative(path)
        return ranges.opened(lambda offset, length: self.read(path, offset, length), self._head(path).bytes)

    def filesystem(self) -> AbstractFileSystem:
        """See `Silo.filesystem`."""
        from catalog.silos.filesystem import SiloFileSystem

        return SiloFileSystem(self)

    def uri(self, path: str) -> str:
        """See `Silo.uri`."""
        return join(self.url, text.text_to_name(path))

    def namespace(self) -> tuple[str, str]:
        """See `Silo.namespace`."""
        return self._namespace, self._root

    def test(self) -> Reached:
        """See `Silo.test`."""
        started = time.monotonic()
        try:
            page = next(self._pages(_Keys("")), None)
            sample = [text.name_to_text(key) for key in page.keys if key][:SAMPLE] if page else []
        except errors.UnlistableKeyError:
            sample = first_paths(self.walk())
        return reached(self, self._identity, sample, started)

    def close(self) -> None:
        """Drop the store, and with it its connections."""
        self._store = None
        self._lists.close()

    # ------------------------------------------------------------ for `filesystem`

    def children(self, path: str) -> Listing:
        """The listing of one directory. Raises `EntryMissing` when no key has this prefix."""
        listing, _ = self._level(Folder(text.text_to_name(path)))
        if path and not (listing.names or listing.directories or listing.skipped or listing.failure):
            raise EntryMissing(f"{self.uri(path)} does not exist.")
        return listing

    def entry(self, path: str) -> Entry:
        """One object. Raises `EntryMissing` when there is none."""
        head = self._head(path)
        return Entry(path, head.bytes, head.mtime_ns, head.etag)

    # ------------------------------------------------------------ requests

    def _key(self, path: str) -> str:
        return join(self._root, text.text_to_name(path))

    def _head(self, path: str) -> _Head:
        self._pace.wait()
        try:
            found = self._store.head(self._key(path))
        except errors.raised() as error:
            raise self._mapped(error, self.uri(path), reading=True) from error
        changed = (found["last_modified"] - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
        return _Head(found["size"], changed * 1000, (found.get("e_tag") or "").replace('"', "") or None)

    def _mapped(self, error: BaseException, where: str, *, reading: bool = False) -> SiloError:
        return errors.mapped(error, where, self._advice, reading=reading)

    def _is_missing(self, key: str) -> bool:
        """True when there is no object of exactly this key, though a listing shows one."""
        try:
            self._head(text.name_to_text(key))
        except EntryMissing:
            return True
        except SiloError:
            return False
        return False

    def _pages(self, keys: _Keys) -> Iterator[Page]:
        """These keys. Raises `UnlistableKeyError` or a `SiloError`."""
        return self._as_pages(self._lists.batches(join(self._root, keys.directory), self._offset(keys)), keys.directory)

    def _offset(self, keys: _Keys) -> str | None:
        """The key behind which they begin: no key below the subdirectory that they follow is greater."""
        return f"{join(join(self._root, keys.directory), keys.behind)}/{GREATEST}" if keys.behind else None

    def _as_pages(self, batches: Iterator[pa.RecordBatch], start: str) -> Iterator[Page]:
        prefix = join(self._root, start)
        empty = True
        try:
            for batch in batches:
                found = page(batch, prefix)
                empty = empty and not found.keys
                yield found
        except errors.raised() as error:
            raise self._mapped(error, join(self._bucket_url, prefix)) from error
        if empty:
            self._confirm_empty(start)

    def _confirm_empty(self, start: str) -> None:
        """Raise `SiloUnreachable` when what answers is no object store.

        The client takes any document for a listing without keys, such as the page of a network that wants a
        login first. A store says of a name that nobody gave that there is no such object.
        """
        key = text.name_to_text(join(start, f".{uuid.uuid4().hex}"))
        try:
            self._head(key)
        except (EntryMissing, SiloRefused):
            return
        except SiloUnreachable:
            pass
        raise SiloUnreachable(
            f"{text.safe(self.uri(''), 300)}: what answers there is no object store.",
            hint="Check the endpoint, and whether the network wants a login first.",
        )

    def _levels(self, folder: Folder, pending: list[_Step]) -> None:
        """List a directory that is still open on its own; all that are fail when the store answers no more."""
        listing, unknown = self._level(folder)
        if listing.failure is not None and listing.failure.retriable:
            reason = listing.failure.reason
            for at, step in enumerate(pending):
                if isinstance(step, Folder):
                    pending[at] = step.listing(Failure(text.name_to_text(step.path), reason))
        pending.append(listing)
        pending.extend(_Keys(path) for path in reversed(unknown))

    def _level(self, folder: Folder) -> tuple[Listing, list[str]]:
        """List one directory on its own; the subdirectories that it does not account for yet come with it."""
        import pyarrow as pa

        prefix, path = join(self._root, folder.path), text.name_to_text(folder.path)
        cut = len(prefix) + 1 if prefix else 0
        try:
            found = manners.patiently(lambda: self._lists.level(prefix), self._pace, _TRIES)
        except errors.UnlistableKeyError as odd:
            return folder.listing(Failure(path, str(odd), retriable=False)), []
        except SiloError as error:
            return folder.listing(Failure(path, error.message, isinstance(error, Transient))), []
        files, below = page(pa.table(found["objects"]), prefix), sorted(name[cut:] for name in found["common_prefixes"])
        try:
            if not files.keys and not below:
                self._confirm_empty(folder.path)
            failure = self._doubt(prefix, files.keys, below)
        except SiloError as error:
            return folder.listing(Failure(path, error.message, isinstance(error, Transient))), []
        known = {"", *folder.directories}
        known.update(name for name in below if folder.given_before(name, self.byte_order))
        unknown = [join(folder.path, name) for name in below if name not in known]
        folder.refill(files, [name for name in below if name])
        return folder.listing(Failure(path, failure, retriable=False) if failure else None), unknown

    def _doubt(self, prefix: str, files: Sequence[str], below: Sequence[str]) -> str | None:
        """Why a level with these files and subdirectories may not be the whole of it."""
        if "" in below:
            return _LEADING
        try:
            return None if self._lists.ends_with(prefix, files, below) else UNSURE
        except OutOfOrderError:
            return UNSURE
        except errors.UnlistableKeyError as odd:
            return str(odd)


@dataclass(frozen=True, slots=True)
class _Keys:
    """The keys below a directory, or those of them behind its subdirectory `behind`; both are key text.

    `given` are the subdirectories that were given out before, where that is known.
    """

    directory: str
    behind: str = ""
    given: frozenset[str] | None = None

    def kept(self, listings: Iterator[Listing]) -> Iterator[Listing]:
        """What a fold of them gives out; the directory itself, of which it saw the end only, is left out."""
        top = text.name_to_text(self.directory)
        return (one for one in listings if not self.behind or (one.path != top and self.wants(one)))

    def wants(self, one: Listing | Folder) -> bool:
        """Whether a directory met among them is one that the earlier walk had not given out."""
        given = join(self.directory, self.behind)
        given = text.name_to_text(given) if isinstance(one, Listing) else given
        return not self.behind or not f"{one.path}/".startswith(f"{given}/")


_Step = _Keys | Folder | Listing
"""What a walk has to do: list keys, list a directory that is still open on its own, give out a listing."""

_Lister = Callable[[_Keys], Iterator[Page]]


@dataclass(frozen=True, slots=True)
class _Head:
    bytes: int
    mtime_ns: int
    etag: str | None


class _MarkerCheck:
    """Asks the store whether an empty object is one, a bounded number of times in a walk."""

    def __init__(self, is_missing: Callable[[str], bool]) -> None:
        self._is_missing = is_missing
        self._left = _MARKER_CHECKS

    def __call__(self, key: str) -> bool:
        self._left -= 1
        return self._left >= 0 and self._is_missing(key)
