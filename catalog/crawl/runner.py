"""Who lists: one request after another, several at once, or the workers of a cluster."""

from __future__ import annotations

import re
from typing import NamedTuple

from catalog.errors import UsageError

_THREADS = re.compile(r"threads:([1-9]\d{0,2})")
_DASK = re.compile(r"dask://((?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5})/?")


class Runner(NamedTuple):
    """How many listing requests are under way here, 0 for as many as suit the silo; or the cluster that lists."""

    workers: int = 0
    cluster: str | None = None
    """`host:port` of a Dask scheduler."""


def runner_of(asked: str | None) -> Runner:
    """What `inline`, `threads:N` or `dask://host:port` asks for; None leaves it to the silo.

    Raises `UsageError`.
    """
    if asked is None:
        return Runner()
    if asked == "inline":
        return Runner(1)
    if found := _THREADS.fullmatch(asked):
        return Runner(int(found[1]))
    if found := _DASK.fullmatch(asked):
        return Runner(1, found[1])
    raise UsageError(
        f"'{asked}' is no runner.",
        hint="inline, threads:N with N from 1 to 999, as threads:8, or dask://HOST:PORT of a Dask scheduler",
    )
