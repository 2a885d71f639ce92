"""Object stores: the conformance suite on a real server, and what only they have."""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from contextlib import contextmanager

import obstore
import pytest
from conformance.silo_suite import SiloSuite, paths, walked
from harness import s3_keys

from catalog.errors import EntryMissing, SecretInline, SiloRefused, SiloUnreachable, SiloUnreadable, UsageError
from catalog.silos.registry import open_silo


@pytest.fixture(scope="module")
def bucket(s3_server):
    return s3_server.bucket("lake")


@pytest.fixture
def secrets(s3_server, monkeypatch):
    """Options that reach the server, with the secret as a reference."""
    monkeypatch.setenv("TEST_S3_SECRET", s3_server.secret_key)
    return {
        "endpoint": s3_server.endpoint,
        "region": s3_server.region,
        "access_key_id": s3_server.access_key,
        "secret_access_key": "env:TEST_S3_SECRET",
    }


class ObjectPlace:
    """A prefix of its own in the bucket of the run."""

    cannot_hold = frozenset({"back\\slash"})  # the server takes it for a slash; AWS does not

    def __init__(self, server, bucket, options) -> None:
        self.store = server.store(bucket)
        self.root = f"t/{uuid.uuid4().hex}"
        self.url = f"s3://{bucket}/{self.root}"
        self.options = options

    def put(self, path: str, data: bytes) -> None:
        self.store.put(f"{self.root}/{path}", data)

    def remove(self, path: str) -> None:
        self.store.delete(f"{self.root}/{path}")

    def silo(self):
        return open_silo(self.url, self.options)

    def missing(self):
        return open_silo("s3://no-such-bucket-anywhere", self.options)


@pytest.fixture
def place(s3_server, bucket, secrets):
    return ObjectPlace(s3_server, bucket, secrets)


@pytest.mark.s3
class TestObject(SiloSuite):
    pass


# ---------------------------------------------------------------- who may, and who answers


@pytest.mark.s3
@pytest.mark.parametrize(
    "wrong",
    [
        {"secret_access_key": "env:TEST_WRONG"},
        {"access_key_id": "nobody"},
        {"access_key_id": None, "secret_access_key": None, "anonymous": "true"},
    ],
)
def test_wrong_credentials_are_refused(place, wrong, monkeypatch):
    monkeypatch.setenv("TEST_WRONG", "a-wrong-secret")
    place.put("x", b"1")
    options = {name: value for name, value in {**place.options, **wrong}.items() if value is not None}
    silo = open_silo(place.url, options)
    for attempt in (lambda: walked(silo), silo.test, lambda: silo.read("x", 0, 1), lambda: silo.open("x")):
        with pytest.raises(SiloRefused) as raised:
            attempt()
        assert "\n" not in raised.value.message and "a-wrong-secret" not in raised.value.message


@pytest.mark.s3
def test_keys_given_are_not_mixed_with_the_environments(place, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody-else")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "expired")
    place.put("x", b"1")
    assert paths(walked(place.silo())) == ["x"]


@pytest.mark.s3
def test_without_options_the_environment_is_used(place, s3_server, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.secret_key)
    place.put("x", b"1")
    silo = open_silo(place.url)
    assert paths(walked(silo)) == ["x"]
    assert silo.test().identity == "the provider's own chain"


def test_a_dead_endpoint_is_given_up():
    with socket.socket() as held:  # bound, and not listening: connections are refused
        held.bind(("127.0.0.1", 0))
        silo = open_silo("s3://lake", {"endpoint": f"http://127.0.0.1:{held.getsockname()[1]}", "anonymous": "true"})
        started = time.monotonic()
        with pytest.raises(SiloUnreachable, match="refused") as raised:
            walked(silo)
        assert time.monotonic() - started < 30  # not minutes
        assert "\n" not in raised.value.message
        with pytest.raises(SiloUnreachable):
            silo.read("x", 0, 1)


def test_no_credentials_anywhere_is_said(monkeypatch):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_METADATA_ENDPOINT", f"http://127.0.0.1:{held.getsockname()[1]}")
        with pytest.raises(SiloRefused, match="no credentials") as raised:
            walked(open_silo("s3://lake"))
    assert raised.value.hint is not None and "anonymous=true" in raised.value.hint


# ---------------------------------------------------------------- a listing that breaks off


@contextmanager
def cutting(endpoint, requests):
    """A proxy that cuts every connection, and takes none any more, once `requests` were passed on."""
    host, port = endpoint.removeprefix("http://").split(":")
    server = socket.create_server(("127.0.0.1", 0))
    left, sockets, lock = [requests], [], threading.Lock()

    def cut():
        for one in [server, *sockets]:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def pump(source, target, counts):
        try:
            while data := source.recv(65536):
                if counts:
                    with lock:
                        left[0] -= data.count(b"GET /")
                        if left[0] < 0:
                            cut()
                            return
                target.sendall(data)
        except OSError:
            pass

    def serve():
        try:
            while True:
                client, _ = server.accept()
                upstream = socket.create_connection((host, int(port)))
                sockets.extend((client, upstream))
                threading.Thread(target=pump, args=(client, upstream, True), daemon=True).start()
                threading.Thread(target=pump, args=(upstream, client, False), daemon=True).start()
        except OSError:
            pass

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        cut()


@pytest.mark.s3
def test_a_listing_cut_off_midway_leaves_open_directories_incomplete(place):
    for number in range(1100):  # more than a page
        place.put(f"a/b{number // 300}/{number:04}", b"x")
    place.put("z/last", b"x")
    with cutting(place.options["endpoint"], 1) as endpoint:
        found = walked(open_silo(place.url, {**place.options, "endpoint": endpoint}))
    assert {path: one.complete for path, one in found.items()} == {
        "a/b0": True,
        "a/b1": True,
        "a/b2": True,
        "a/b3": False,
        "a": False,
        "": False,
    }
    assert len(found["a/b3"].names) == 100
    assert all(one.failure.retriable and "\n" not in one.failure.reason for one in found.values() if one.failure)
    assert len(walked(place.silo())) == 7


@pytest.mark.s3
def test_a_listing_cut_off_at_its_start_is_an_error(place):
    place.put("x", b"1")
    with cutting(place.options["endpoint"], 0) as endpoint, pytest.raises(SiloUnreachable):
        walked(open_silo(place.url, {**place.options, "endpoint": endpoint}))


@pytest.mark.parametrize("cut", [{0}, {1}, {2}, {1, 2}, {1, 3, 5}, {0, 2}])
def test_an_answer_that_breaks_off_is_made_good_one_level_at_a_time(cut):
    keys = [f"d{number % 3}/{number:05}" for number in range(2500)] + ["a/b/c", "d1/sub/x", "z/y"]
    with s3_keys.listing(keys) as server:
        server.cut = cut
        found = walked(open_silo("s3://keys", server.options))
    assert paths(found) == sorted(keys) and all(one.complete for one in found.values())


def test_a_store_whose_answers_keep_breaking_off_is_given_up():
    keys = [f"d{number % 3}/{number:05}" for number in range(2500)]
    with s3_keys.listing(keys) as server:
        server.cut = range(1, 1000)
        found = walked(open_silo("s3://keys", server.options))
    assert {path for path, one in found.items() if one.complete} == {"d0"}
    assert {path for path, one in found.items() if one.failure and one.failure.retriable} == {"", "d1"}
    assert server.listings < 20


@pytest.mark.parametrize(
    ("start_after", "forgetful", "known"),
    [("honoured", True, True), ("inclusive", False, True), ("inclusive", True, True),
     ("ignored", False, False), ("ignored", True, False)],
)  # fmt: skip
@pytest.mark.parametrize("folder", ["", "d/"])
def test_a_full_last_page_is_the_end_only_where_the_store_tells_what_follows(start_after, forgetful, known, folder):
    keys = [f"{folder}{number:05}" for number in range(2000)]
    with s3_keys.listing(keys) as server:
        server.start_after, server.forgetful = start_after, forgetful
        found = walked(open_silo("s3://keys", server.options))
    one = found[folder.rstrip("/")]
    assert one.complete == known and len(set(one.names)) == len(one.names)
    assert known == (paths(found) == keys) or not forgetful
    if not known:
        assert "does not tell what comes after it" in one.failure.reason and not one.failure.retriable


@pytest.mark.parametrize("circle", [(0, 1000), (1000, 1000)])
@pytest.mark.parametrize("empty", [False, True])
def test_a_store_that_sends_one_page_for_ever_is_given_up(circle, empty):
    keys = [f"d/{number:05}" for number in range(2500)]
    with s3_keys.listing(keys, empty=keys if empty else ()) as server:
        server.circles = circle
        found = walked(open_silo("s3://keys", server.options))
        assert server.listings < 30
    assert "circles" in found["d"].failure.reason and not found["d"].failure.retriable
    assert len(set(found["d"].names)) == len(found["d"].names)


def test_a_store_whose_pages_overlap_and_never_end_is_given_up(monkeypatch):
    monkeypatch.setattr("catalog.silos.object.pages._SECONDS", 2.0)
    with s3_keys.listing([f"d/{number:05}" for number in range(2500)]) as server:
        server.circles = (1000, 1500)
        found = walked(open_silo("s3://keys", server.options))
    assert "without a key or an end" in found["d"].failure.reason


def test_a_store_that_sends_nothing_for_ever_is_given_up(monkeypatch):
    monkeypatch.setattr("catalog.silos.object.pages._SECONDS", 0.3)
    with s3_keys.listing([]) as server, pytest.raises(SiloUnreadable, match="without a key or an end"):
        server.circles = (0, 1000)
        walked(open_silo("s3://keys", server.options))


# ---------------------------------------------------------------- keys


def test_a_file_can_have_the_name_of_a_directory():
    found = keys_walked(["data", "data/x", "data-1", "data.txt", "data0/y"])
    assert list(found[""].names) == ["data", "data-1", "data.txt"]
    assert list(found[""].directories) == ["data", "data0"]


def keys_walked(keys, prefix="", root="", **how):
    with s3_keys.listing(keys, **how) as server:
        return walked(open_silo(f"s3://keys/{root}", server.options), prefix)


def test_a_backslash_is_a_character():
    assert paths(keys_walked(["d\\e/f\\g"])) == ["d\\e/f\\g"]


def test_pages_in_byte_order():
    keys = [f"p{number % 7}{'-/0'[number % 3]}{number:05}" for number in range(3500)]
    assert paths(keys_walked(keys)) == sorted(keys)


def test_markers_make_directories_and_are_no_files():
    keys = ["full/", "full/x", "hollow/", "hollow-1", "a/deep/er/", "none.d/y", "none.d/", "_EMPTY", "flag"]
    found = keys_walked(keys, empty=["_EMPTY", "flag"])
    assert paths(found) == ["_EMPTY", "flag", "full/x", "hollow-1", "none.d/y"]
    assert {path for path in found if path} == {"a", "a/deep", "a/deep/er", "full", "hollow", "none.d"}
    assert {path for path, one in found.items() if one.skipped == {"marker": 1}} == {
        "full",
        "hollow",
        "a/deep/er",
        "none.d",
    }
    assert all(one.complete for one in found.values())


def test_the_marker_of_the_root_is_no_file():
    found = keys_walked(["lake/", "lake/x"], root="lake")
    assert paths(found) == ["x"] and found[""].skipped == {"marker": 1}


def test_empty_objects_with_telling_names_cost_no_request():
    with s3_keys.listing(["d/_SUCCESS", "d/.keep", "d/x.csv"], empty=["d/_SUCCESS", "d/.keep", "d/x.csv"]) as server:
        assert len(paths(walked(open_silo("s3://keys", server.options)))) == 3
        assert server.requests == ["LIST "]


@pytest.mark.parametrize("odd", ["bad/in//x", "bad/in/./x", "bad/in/../x", "bad/in/tab\tx", "bad/in/del\x7f"])
def test_an_odd_key_costs_its_directory_and_no_more(odd):
    fine = ["a/x", "bad/ok/y", "bad/z", "c/d/e", "f", "bad/in-2/g"]
    found = keys_walked([*fine, odd, "bad/in/also"])
    broken = {path: one.failure for path, one in found.items() if one.failure}
    assert list(broken) == ["bad/in"]
    assert "cannot be listed" in broken["bad/in"].reason and not broken["bad/in"].retriable
    assert set(paths(found)) >= set(fine)
    assert set(found) == {"", "a", "bad", "bad/in", "bad/in-2", "bad/ok", "c", "c/d"}


def test_an_odd_key_behind_many_pages():
    keys = [f"d{number % 10}/{number:05}" for number in range(2500)] + ["d5/x//y", "e/f"]
    found = keys_walked(keys)
    assert [path for path, one in found.items() if not one.complete] == ["d5/x"]
    assert set(paths(found)) == set(keys) - {"d5/x//y"}


def test_keys_with_a_leading_slash_are_told():
    found = keys_walked(["/lead", "/z/x", "a/b", "lead", "z/y"])
    assert paths(found) == ["a/b", "lead", "z/y"]
    assert not found[""].complete and "begin with '/'" in found[""].failure.reason
    assert found["z"].complete and list(found["z"].names) == ["y"]


def test_keys_in_no_order_are_still_listed():
    keys = ["m/1", "b/2", "m/3", "a", "z/4", "b/5"]
    found = keys_walked(keys, shuffled=True)
    assert paths(found) == sorted(keys)


def test_the_store_cannot_make_the_walk_hold_endless_paths():
    with pytest.raises(SiloUnreachable, match="4,096"):
        keys_walked(["a/" * 50_000 + "b"])


@pytest.mark.s3
def test_reading_beyond_the_end_is_empty_and_a_missing_key_is_missing(place):
    place.put("ten", b"0123456789")
    silo = place.silo()
    assert silo.read("ten", 10, 5) == b""
    for path in ("no", "ten/no", "tab\tno", "a" * 3000):
        with pytest.raises(EntryMissing):
            silo.read(path, 20, 5)


# ---------------------------------------------------------------- options


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"secret_access_key": "in-the-clear", "access_key_id": "k"}, SecretInline, "secret_access_key"),
        ({"session_token": "in-the-clear"}, SecretInline, "session_token"),
        ({"endpoint": "http://user:in-the-clear@host"}, SecretInline, "endpoint"),
        ({"secret_access_key": "env:NOT_SET_ANYWHERE", "access_key_id": "k"}, UsageError, "NOT_SET_ANYWHERE"),
        ({"access_key_id": "k"}, UsageError, "together"),
        ({"endpoint": "in-the-clear"}, UsageError, "endpoint"),
        ({"anonymous": "in-the-clear"}, UsageError, "anonymous"),
        ({"regoin": "in-the-clear"}, UsageError, "regoin"),
        ({"password": "in-the-clear"}, UsageError, "password"),
    ],
)
def test_options_that_are_wrong(options, error, said):
    with pytest.raises(error) as raised:
        open_silo("s3://lake", options)
    shown = f"{raised.value.message} {raised.value.hint}"
    assert said in shown and "in-the-clear" not in shown


def test_a_misspelled_option_is_guessed():
    with pytest.raises(UsageError) as raised:
        open_silo("s3://lake", {"regoin": "x"})
    assert raised.value.hint is not None and "Did you mean region?" in raised.value.hint


def test_keys_and_anonymous_contradict(monkeypatch):
    monkeypatch.setenv("S", "s")
    with pytest.raises(UsageError, match="contradict"):
        open_silo("s3://lake", {"access_key_id": "k", "secret_access_key": "env:S", "anonymous": "yes"})


def test_directory_buckets_are_refused_by_name():
    with pytest.raises(UsageError, match="no order"):
        open_silo("s3://fast--use1-az4--x-s3")


@pytest.mark.s3
def test_the_harness_makes_empty_buckets(s3_server):
    one, two = s3_server.bucket("same"), s3_server.bucket("same")
    assert one != two
    assert [list(page) for page in obstore.list(s3_server.store(one))] == []
