"""WebHDFS: the conformance suite on a fake, which a client that others wrote reads from, too."""

from __future__ import annotations

import json

import pytest
from conformance.remote_suite import RemoteSuite
from conformance.silo_suite import TREE, walked
from harness import webhdfs
from harness.places import ServedPlace
from harness.scripted import Said, answering
from harness.webhdfs import BATCH

from catalog.errors import SiloBusy, SiloRefused, SiloUnreachable, UsageError
from catalog.silos import manners
from catalog.silos.registry import open_silo

pytest.importorskip("httpx2", reason="WebHDFS needs httpx2: pip install 'silograph[http]'")


@pytest.fixture(scope="module", params=["batches", "no batches"])
def server(request, tmp_path_factory):
    with webhdfs.serving(tmp_path_factory.mktemp("hdfs"), batches=request.param == "batches") as server:
        yield server


@pytest.fixture
def place(server):
    server.requests.clear()
    server.logins.clear()
    return ServedPlace(server.folder, "webhdfs://ann@127.0.0.1:{port}", server.server_port, {})


class TestWebHdfs(RemoteSuite):
    pass


# ---------------------------------------------------------------- the fake itself


def filled(place):
    for path, data in TREE.items():
        place.put(path, data)
    return place.root.name


def test_the_client_of_fsspec_reads_from_the_fake(place):
    pytest.importorskip("requests", reason="fsspec's client of WebHDFS needs requests: pip install requests")
    from fsspec.implementations.webhdfs import WebHDFS

    root = filled(place)
    client = WebHDFS("127.0.0.1", place.port, user="ann", skip_instance_cache=True)
    assert sorted(one.removeprefix(f"/{root}/") for one in client.find(f"/{root}")) == sorted(TREE)
    sizes = {path: client.info(f"/{root}/{path}")["size"] for path in TREE}
    assert sizes == {path: len(data) for path, data in TREE.items()}
    assert client.cat_file(f"/{root}/a", 2, 6) == TREE["a"][2:6]
    with pytest.raises(FileNotFoundError):
        client.info(f"/{root}/nothing")


# ---------------------------------------------------------------- who asks, and how


def test_large_folders_come_in_batches(place, server):
    for number in range(2 * BATCH + 1):
        place.put(f"d/{number:04}", b"x")
    assert len(walked(place.silo(), "d")["d"].names) == 2 * BATCH + 1
    listed = [one["op"] for one in server.requests if one["op"].startswith("LIST")]
    assert listed == (["LISTSTATUS_BATCH"] * 3 if server.batches else ["LISTSTATUS_BATCH", "LISTSTATUS"])


def test_the_user_is_named_and_no_file_is_asked_for(place, server):
    filled(place)
    walked(place.silo())
    assert {one["user.name"] for one in server.requests} == {"ann"}
    assert [one["op"] for one in server.requests].count("GETFILESTATUS") == 1  # that of the start


def test_secrets_are_sent_as_told_and_never_to_a_data_node(place, server, monkeypatch):
    monkeypatch.setenv("TEST_SECRET", "hunter2")
    place.put("x", b"12345")
    for option in ("delegation", "token"):
        server.requests.clear()
        server.logins.clear()
        place.options = {option: "env:TEST_SECRET"}
        silo = place.silo()
        assert silo.read("x", 1, 3) == b"234" and "hunter2" not in silo.identity
        silo.close()
    assert ("127.0.0.1", "Bearer hunter2") in server.logins
    assert [login for host, login in server.logins if host == "localhost"] == [None]


def test_jobs_may_name_it_otherwise():
    assert open_silo("webhdfs://NN/warehouse").namespace() == ("webhdfs://nn:9870", "/warehouse")
    assert open_silo("swebhdfs://nn/w").namespace() == ("webhdfs://nn:9871", "/w")
    for given in ("NN.example.org:8020", "hdfs://nn.example.org:8020/"):
        silo = open_silo("webhdfs://nn/w", {"namenode": given})
        assert silo.namespace() == ("hdfs://nn.example.org:8020", "/w")


def test_a_gateway_stands_in_front(monkeypatch):
    monkeypatch.setattr(manners, "_FIRST_PAUSE", 0.001)
    with answering(lambda _: Said(200, b'{"FileStatuses": {"FileStatus": []}}')) as server:
        silo = open_silo(f"webhdfs://127.0.0.1:{server.port}/w", {"gateway": "gateway/default"})
        with pytest.raises(SiloUnreachable):
            walked(silo)
    assert server.requests[0].path.startswith("/gateway/default/webhdfs/v1/w?")


# ---------------------------------------------------------------- what it says


def told(status, kind, said="a reason\n\tat java.lang.Thread"):
    body = {"RemoteException": {"exception": kind, "javaClassName": f"x.{kind}", "message": said}}
    return Said(status, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("said", "error", "shown"),
    [
        (told(403, "AccessControlException", "Permission denied: user=ann"), SiloRefused, "Permission denied: user=ann"),
        (told(403, "StandbyException"), SiloUnreachable, "standby"),
        (told(403, "SafeModeException"), SiloBusy, "a reason"),
        (told(403, "RetriableException"), SiloBusy, "a reason"),
        (told(404, "FileNotFoundException"), SiloUnreachable, "no folder"),
        (told(500, "RuntimeException"), SiloUnreachable, "a reason"),
        (told(401, "SecurityException"), SiloRefused, "login"),
        (Said(403, b"<html>"), SiloRefused, "403"),
        (Said(404, b""), SiloUnreachable, "no folder"),
        (Said(200, b"<html>Sign in</html>"), SiloUnreachable, "no WebHDFS"),
        (Said(200, b"{}"), SiloUnreachable, "no WebHDFS"),
        (Said(200, b"[" * 100_000), SiloUnreachable, "no WebHDFS"),
        (Said(200, b'{"FileStatus": [], "DirectoryListing": 3}'), SiloUnreachable, "no WebHDFS"),
    ],
)
def test_errors_are_told_apart_by_what_the_server_calls_them(monkeypatch, said, error, shown):
    monkeypatch.setattr(manners, "_FIRST_PAUSE", 0.001)
    with answering(lambda _: said) as server, pytest.raises(error) as raised:
        walked(open_silo(f"webhdfs://127.0.0.1:{server.port}/w"))
    assert shown in f"{raised.value.message}".replace("There is no folder", "no folder")
    assert "java" not in raised.value.message


FOLDER = b'{"FileStatus": {"pathSuffix": "", "type": "DIRECTORY", "length": 0, "modificationTime": 1}}'


def entry(name, **more):
    return {"pathSuffix": name, "type": "FILE", "length": 3, "modificationTime": 1_704_164_645_123, **more}


def listed(*entries, remaining=0):
    found = {"FileStatuses": {"FileStatus": list(entries)}}
    body = json.dumps({"DirectoryListing": {"partialListing": found, "remainingEntries": remaining}}).encode()
    with answering(lambda asked: Said(200, FOLDER if "GETFILESTATUS" in asked.path else body)) as server:
        return walked(open_silo(f"webhdfs://127.0.0.1:{server.port}/w"))[""]


def test_statuses_become_entries():
    odd = entry("b", length=None, modificationTime="soon")
    root = listed(entry("a"), odd, entry("l", type="SYMLINK"), entry("o", type="PIPE"))
    assert root.names == ["a", "b"] and root.sizes == [3, None] and root.mtimes == [1_704_164_645_123 * 10**6, None]
    assert root.skipped == {"symlink": 1, "other": 1} and root.complete


@pytest.mark.parametrize("name", ["a/b", "../x", "nul\0", "\ud800", None, 5])
def test_names_that_no_path_can_hold_leave_the_folder_incomplete(name):
    root = listed(entry("fine"), entry(name))
    assert root.names == ["fine"] and not root.complete


def test_a_server_that_promises_more_without_end_is_left(monkeypatch):
    monkeypatch.setattr(manners, "_FIRST_PAUSE", 0.001)
    with pytest.raises(SiloUnreachable):
        listed(entry("same"), remaining=10)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"namenode": "nn:8020/path"}, "namenode"),
        ({"delegation": "env:TEST_SECRET", "token": "env:TEST_SECRET"}, "contradict"),
        ({"password": "env:TEST_SECRET"}, "belongs to a user"),
    ],
)
def test_options_that_are_wrong(monkeypatch, options, said):
    monkeypatch.setenv("TEST_SECRET", "x")
    with pytest.raises(UsageError, match=said):
        open_silo("webhdfs://nn/w", options)
