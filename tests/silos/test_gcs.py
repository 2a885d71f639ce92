"""Google Cloud Storage: the conformance suite on a real server, and what only it has."""

from __future__ import annotations

import uuid

import pytest
from conformance.silo_suite import SiloSuite, paths, walked
from harness.gcs import GcsServer

from catalog.silos.registry import open_silo

pytestmark = pytest.mark.gcs


@pytest.fixture(scope="module")
def server():
    with GcsServer.started() as server:
        server.bucket("lake")
        yield server


class GcsPlace:
    cannot_hold = frozenset()

    def __init__(self, server) -> None:
        self.server = server
        self.root = f"t/{uuid.uuid4().hex}"
        self.options = {"endpoint": server.endpoint, "anonymous": "true"}

    def put(self, path: str, data: bytes) -> None:
        self.server.put("lake", f"{self.root}/{path}", data)

    def remove(self, path: str) -> None:
        self.server.remove("lake", f"{self.root}/{path}")

    def silo(self):
        return open_silo(f"gs://lake/{self.root}", self.options)

    def missing(self):
        return open_silo("gs://no-such-bucket", self.options)


@pytest.fixture
def place(server):
    return GcsPlace(server)


class TestGcs(SiloSuite):
    pass


def test_markers_make_directories_and_are_no_files(place):
    for key in ("full/", "full/x", "hollow/", "flag"):
        place.put(key, b"" if key != "full/x" else b"1")
    found = walked(place.silo())
    assert paths(found) == ["flag", "full/x"]
    assert found["hollow"].skipped == {"marker": 1} and found["hollow"].complete


def test_checksums_are_those_of_the_content(place):
    place.put("one", b"content")
    (etag,) = walked(place.silo())[""].etags
    assert etag == "mgNkuembtIDdJeHwKEyFVQ=="  # the MD5 of b"content"
