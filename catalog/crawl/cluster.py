"""A crawl by the workers of a Dask cluster: they list and load, and give counts back.

The directories above the shards are listed here, one by one; each names the subtrees below it. A shard that is
done is noted at once, so that a crawl which is cut off goes on with the rest. A worker that is lost costs its shards
again, nothing else: whoever gets them next finds what it had loaded.
"""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from catalog import text
from catalog.crawl.crew import Loaded
from catalog.crawl.shard import Shard, load_shard
from catalog.errors import CatalogError, MissingExtra

if TYPE_CHECKING:
    from distributed import Client, Future

SHARDS_PER_THREAD = 8
"""Enough that the last ones do not leave most workers idle, few enough that each is worth a task."""
_ATTEMPTS = 3
_CONNECT_SECONDS = 15
_LOOK_SECONDS = 1.0
_ANSWER_SECONDS = 5
_ALONE_SECONDS = 300.0
"""How long a crawl waits for a worker when all are gone: clusters that scale by themselves take minutes."""

Tick = Callable[[bool], None]
"""Told every second or so whether there is any worker; may raise."""


class Cluster:
    """The workers behind the scheduler at `address`."""

    def __init__(self, client: Client, address: str, threads: int) -> None:
        self._client = client
        self._address = address
        self.threads = threads

    def loaded(self, shards: Sequence[Shard], tick: Tick) -> Iterator[tuple[Shard, Loaded]]:
        """What becomes of each shard, as they are done.

        Raises `CatalogError` when no worker can do its work, and when there is none for five minutes.
        """
        done: queue.SimpleQueue[Future] = queue.SimpleQueue()
        waiting: dict[Future, tuple[Shard, int]] = {}
        run = uuid.uuid4().hex  # other catalogs may use the same cluster, and count their crawls from 1 as well

        def submit(shard: Shard, attempt: int) -> None:
            key = f"silograph-{run}-{shard.paths[0]!r}-{attempt}"
            future = self._client.submit(load_shard, shard, key=key, pure=False)
            waiting[future] = (shard, attempt)
            future.add_done_callback(done.put)

        try:
            for shard in shards:
                submit(shard, 1)
            seen = time.monotonic()
            while waiting:
                alone = time.monotonic() - seen > _LOOK_SECONDS
                tick(not alone)
                try:
                    future = done.get(timeout=_LOOK_SECONDS)
                except queue.Empty:
                    if self._has_workers():
                        seen = time.monotonic()
                    elif time.monotonic() - seen > _ALONE_SECONDS:
                        raise self._alone() from None
                    continue
                seen = time.monotonic()
                shard, attempt = waiting.pop(future)
                found = _outcome(future)
                if found.broken is not None and found.again and attempt < _ATTEMPTS:
                    submit(shard, attempt + 1)
                elif found.broken is not None:
                    raise CatalogError(found.broken, hint=found.hint)
                else:
                    yield shard, found
        finally:
            if waiting and self._client.status == "running":
                self._client.cancel(list(waiting), force=True)

    def _has_workers(self) -> bool:
        if self._client.status != "running":
            return False  # the scheduler is gone as well
        try:
            return bool(self._client.sync(self._client.scheduler.ncores, callback_timeout=_ANSWER_SECONDS))
        except (OSError, TimeoutError):
            return False

    def _alone(self) -> CatalogError:
        where = text.safe(self._address, 100)
        return CatalogError(
            f"The Dask scheduler at {where} has had no worker for {_ALONE_SECONDS / 60:.0f} minutes.",
            hint=f"Start some: dask worker tcp://{where}. The same command then goes on from there.",
        )


@contextmanager
def joined(address: str) -> Iterator[Cluster]:
    """The cluster whose scheduler listens at `address` (`host:port`). Raises `CatalogError`, `MissingExtra`."""
    try:
        from distributed import Client
    except ImportError:
        raise MissingExtra("A crawl by the workers of a Dask cluster", "dask") from None
    try:
        client = Client(f"tcp://{address}", timeout=_CONNECT_SECONDS, set_as_default=False, name="silograph")
    except (OSError, TimeoutError, ValueError) as error:
        raise CatalogError(
            f"No Dask scheduler answers at {text.safe(address, 100)}.", hint="Start one: dask scheduler"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
        except TimeoutError as error:
            raise CatalogError(
                f"The Dask scheduler at {text.safe(address, 100)} has no workers.",
                hint=f"Start some: dask worker tcp://{address}",
            ) from error
        yield Cluster(client, address, max(sum(client.nthreads().values()), 1))


class Workers:
    """The crew of one crawl: `shard` says which, and `tick` is called now and then while it works."""

    def __init__(self, cluster: Cluster, shard: Shard, tick: Tick) -> None:
        self.threads = cluster.threads
        self._cluster = cluster
        self._shard = shard
        self._tick = tick

    def listed(self, parts: Sequence[str]) -> Iterator[tuple[Sequence[str], Loaded]]:
        """See `Crew.listed`. Many small parts are given to a worker together."""
        size = max(-(-len(parts) // (SHARDS_PER_THREAD * self.threads)), 1)
        shards = [replace(self._shard, paths=tuple(parts[at : at + size])) for at in range(0, len(parts), size)]
        for shard, found in self._cluster.loaded(shards, self._tick):
            yield shard.paths, found


def _outcome(future: Future) -> Loaded:
    """What a worker gave back; an error that none of our own code raised is told as what it is."""
    error = future.exception()
    if error is None:
        found = future.result()
        assert isinstance(found, Loaded)
        return found
    name, told = type(error).__name__, text.safe(str(error), 200)
    if name == "KilledWorker":
        return Loaded(broken=f"Several workers were lost over one part: {told}", hint="Look at their logs.")
    if isinstance(error, ImportError | AttributeError):
        return Loaded(broken=f"A worker lacks what it needs: {told}", hint="pip install 'silograph[dask,postgres]'")
    return Loaded(broken=f"A worker failed ({name}: {told}).", hint="Look at its log.")
