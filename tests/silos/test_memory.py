"""The reference silo."""

from __future__ import annotations

import uuid

import pytest
from conformance.silo_suite import SiloSuite, walked

from catalog.errors import SiloUnreachable
from catalog.silos import memory
from catalog.silos.memory import MemorySilo
from catalog.silos.registry import open_silo


class MemoryPlace:
    cannot_hold = frozenset()
    tick = 0.05

    def __init__(self) -> None:
        self.here = MemorySilo(uuid.uuid4().hex, {})
        self.put = self.here.put
        self.remove = self.here.remove

    def silo(self):
        return open_silo(self.here.url)

    def missing(self):
        return open_silo("memory://nobody-made-this")


@pytest.fixture
def place():
    place = MemoryPlace()
    yield place
    memory.discard(place.here.name)


class TestMemory(SiloSuite):
    pass


def test_a_failing_directory_is_incomplete_and_the_rest_is_listed(place):
    for path in ("a/x", "b/y", "b/c/z"):
        place.put(path, b"")
    place.here.fail("b", "the disk is on fire")
    found = walked(place.silo())
    assert set(found) == {"", "a", "b"}
    assert found["b"].failure is not None and found["b"].failure.reason == "the disk is on fire"
    place.here.fail("b", None)
    assert walked(place.silo())["b"].complete


def test_a_failing_start_is_an_error(place):
    place.here.fail("", "gone fishing")
    with pytest.raises(SiloUnreachable, match="gone fishing"):
        walked(place.silo())


def test_given_times_and_etags_are_kept(place):
    place.here.put("f", b"1", mtime_ns=7, etag="e")
    root = walked(place.silo())[""]
    assert (list(root.mtimes), list(root.etags)) == ([7], ["e"])
