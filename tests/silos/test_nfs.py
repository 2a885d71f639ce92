"""NFS without a mount: the conformance suite on a real server, and what only it has."""

from __future__ import annotations

import pytest
from conformance.remote_suite import RemoteSuite
from conformance.silo_suite import paths, walked
from harness.places import ServedPlace
from harness.rclone import CACHED, serving

from catalog.errors import UsageError
from catalog.silos import manners
from catalog.silos.registry import open_silo

pytest.importorskip("nfs_rs", reason="NFS needs nfs-rs: pip install 'silograph[nfs]'")
pytestmark = pytest.mark.rclone


class NfsPlace(ServedPlace):
    cannot_hold = frozenset({"\u201b27 quoted"})  # the server has a use of its own for that quote
    stale = 2 * CACHED

    def through(self, port: int):
        self._shown = True
        return open_silo(self._url.format(port=port), {**self.options, "mount_port": str(port)})

    def missing(self):
        return open_silo(self._url.format(port=self.port) + "/not/there", {**self.options, "mount_port": str(self.port)})


@pytest.fixture(scope="module")
def server():
    with serving("nfs", "--vfs-cache-mode", "off") as served:
        yield served


@pytest.fixture
def place(server):
    return NfsPlace(server.folder, "nfs://127.0.0.1:{port}", server.port, {"version": "3"})


class TestNfs(RemoteSuite):
    @pytest.fixture(autouse=True)
    def quick(self, impatient, monkeypatch):
        """The library itself tries a broken connection again, for as long as it may take."""
        monkeypatch.setattr(manners, "ANSWER_SECONDS", 2.0)


@pytest.mark.parametrize("folder", ["with space", "grün", "per%41cent", "hash#", "plain/with space/grün"])
def test_a_root_of_any_name_is_found(place, folder):
    place.put(f"{folder}/x", b"1")
    place.put("elsewhere", b"2")
    silo = open_silo(f"{place._url.format(port=place.port)}/{folder}", {"mount_port": str(place.port)})
    assert paths(walked(silo)) == ["x"] and silo.read("x", 0, 1) == b"1"
    assert dict(silo.test().facts)["version"] == "NFSv3"
    silo.close()


@pytest.mark.parametrize("options", [{"uid": "-1"}, {"uid": "ann"}, {"gid": "1.5"}, {"version": "2"}, {"mount_port": "0"}])
def test_options_that_are_wrong(options):
    with pytest.raises(UsageError, match=next(iter(options))):
        open_silo("nfs://server/export", options)


def test_who_asks_is_told_by_numbers():
    assert open_silo("nfs://server/export", {"uid": "1000", "gid": "100"}).identity == "uid 1000, gid 100"
