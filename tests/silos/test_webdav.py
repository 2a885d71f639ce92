"""WebDAV: the conformance suite on real servers, and what only it has."""

from __future__ import annotations

import pytest
from conformance.remote_suite import RemoteSuite
from conformance.silo_suite import walked
from harness import rclone, wsgidav
from harness.places import ServedPlace
from harness.rclone import CACHED, PASSWORD, USER
from harness.scripted import Said, answering
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import SiloRefused, SiloUnreachable, UsageError
from catalog.silos import manners
from catalog.silos.registry import open_silo
from catalog.silos.remote.multistatus import NotMultistatusError, read

pytest.importorskip("httpx2", reason="WebDAV needs httpx2: pip install 'silograph[http]'")


class RclonePlace(ServedPlace):
    cannot_hold = frozenset({"\u201b27 quoted"})  # the server has a use of its own for that quote
    stale = 2 * CACHED


@pytest.fixture(scope="module")
def rclone_server():
    with rclone.serving("webdav", "--user", USER, "--pass", PASSWORD, "--etag-hash", "MD5") as served:
        yield served


@pytest.fixture(scope="module")
def wsgidav_server():
    with wsgidav.serving() as served:
        yield served


def made(kind, server, monkeypatch):
    monkeypatch.setenv("TEST_PASSWORD", PASSWORD)
    url = f"webdav://{USER}@127.0.0.1:{{port}}"
    return kind(server.folder, url, server.port, {"password": "env:TEST_PASSWORD"})


@pytest.mark.rclone
class TestWebdav(RemoteSuite):
    @pytest.fixture
    def place(self, rclone_server, monkeypatch):
        return made(RclonePlace, rclone_server, monkeypatch)


@pytest.mark.wsgidav
class TestWebdavWithDigest(RemoteSuite):
    @pytest.fixture
    def place(self, wsgidav_server, monkeypatch):
        return made(ServedPlace, wsgidav_server, monkeypatch)

    def test_a_login_that_is_wrong_is_refused(self, place, monkeypatch):
        monkeypatch.setenv("TEST_PASSWORD", "hunter2")
        error = self.refused(place.silo(), "hunter2")
        assert "password=env:NAME" in error.hint
        place.options = {}
        self.refused(place.silo())


@pytest.mark.rclone
def test_a_login_that_is_wrong_is_refused(rclone_server, monkeypatch):
    place = made(RclonePlace, rclone_server, monkeypatch)
    monkeypatch.setenv("TEST_PASSWORD", "hunter2")
    TestWebdav().refused(place.silo(), "hunter2")


# ---------------------------------------------------------------- answers that are none

HEAD = '<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">'
SELF = "<D:response><D:href>/d/</D:href><D:propstat><D:prop><D:resourcetype><D:collection/></D:resourcetype></D:prop></D:propstat></D:response>"
END = "</D:multistatus>"


def response(href, size="3"):
    props = f"<D:resourcetype/><D:getcontentlength>{size}</D:getcontentlength><D:getlastmodified>Tue, 02 Jan 2024 03:04:05 GMT</D:getlastmodified>"
    return f'<D:response><D:href>{href}</D:href><D:propstat><D:prop>{props}<D:getetag>W/"x"</D:getetag></D:prop></D:propstat></D:response>'


def listed(body, **more):
    """The listing of the folder `d` when the server answers with `body`."""
    with answering(lambda _: Said(207, body.encode(), **more)) as server:
        silo = open_silo(f"webdav://127.0.0.1:{server.port}/d")
        (found,) = walked(silo).values()
        silo.close()
    return found


def test_properties_become_entries():
    found = listed(HEAD + SELF + response("/d/a%20b") + response("http://other.name/d/c", "") + END)
    assert found.names == ["a b", "c"] and found.sizes == [3, None] and found.etags == ["x", "x"]
    assert found.mtimes == [1704164645 * 10**9] * 2 and found.complete


@pytest.mark.parametrize("href", ["/elsewhere/x", "/d/deep/er", "/d/a%2Fb", "/d/nul%00", "/", ""])
def test_entries_of_other_places_make_the_folder_incomplete(href):
    found = listed(HEAD + SELF + response("/d/fine") + response(href) + END)
    assert found.names == ["fine"] and not found.complete and "no path can hold" in found.failure.reason


def test_a_first_look_tells_why_nothing_is_found():
    body = (HEAD + SELF + response("/elsewhere/x") + END).encode()
    with answering(lambda _: Said(207, body)) as server:
        silo = open_silo(f"webdav://127.0.0.1:{server.port}/d")
        with pytest.raises(SiloRefused, match="could not be listed: an entry has a name that no path can hold"):
            silo.test()


@pytest.mark.parametrize("name", ["..", "%2e%2e", "."])
def test_entries_that_lead_up_are_no_entries(name):
    assert listed(HEAD + SELF + response(f"/d/{name}") + response("/d/x") + END).names == ["x"]


BOMB = '<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>' + HEAD[21:] + "&b;" + END


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "no XML"),
        ("<html><body>Sign in</body></html>", "another document"),
        (HEAD + SELF + response("/d/x"), "no XML"),
        (HEAD + SELF + response("/d/x")[:-20], "no XML"),
        (BOMB, "document type"),
        (HEAD + "<a>" * 100, "nested too deeply"),
        (HEAD + SELF + response("/d/" + "x" * 10_000) + END, "too long"),
        (HEAD + response("/d/x") + END, "does not speak"),
    ],
)
def test_an_answer_that_is_no_listing_is_no_empty_folder(monkeypatch, body, said):
    monkeypatch.setattr(manners, "_FIRST_PAUSE", 0.001)
    with pytest.raises((SiloUnreachable, SiloRefused), match=said):
        listed(body)


def test_an_answer_that_breaks_off_is_no_listing(monkeypatch):
    monkeypatch.setattr(manners, "_FIRST_PAUSE", 0.001)
    body = HEAD + SELF + response("/d/x") + END
    with pytest.raises(SiloUnreachable):
        listed(body, length=len(body) + 100)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda t: (HEAD + t + END).encode(errors="replace"))))
def test_any_document_is_read_or_refused(document):
    try:
        for resource in read([document]):
            assert isinstance(resource.href, str)
    except NotMultistatusError as error:
        assert str(error)


# ---------------------------------------------------------------- who is asked, and how often


def test_a_server_that_is_busy_is_asked_again(monkeypatch):
    waited = []
    monkeypatch.setattr(manners.time, "sleep", waited.append)
    left = [Said(429, headers={"Retry-After": "7"}), Said(503), Said(502)]
    with answering(lambda _: left.pop(0) if left else Said(207, (HEAD + SELF + END).encode())) as server:
        assert walked(open_silo(f"webdav://127.0.0.1:{server.port}/d"))[""].complete
    assert len(server.requests) == 4 and 7 <= waited[0] < 8


def test_another_server_is_not_asked_and_gets_no_password(monkeypatch):
    monkeypatch.setenv("TEST_PASSWORD", "hunter2")
    with answering(lambda _: Said(207, (HEAD + SELF + END).encode())) as other:
        there = f"http://localhost:{other.port}/d/"
        with answering(lambda _: Said(302, headers={"Location": there})) as server:
            silo = open_silo(f"webdav://ann@127.0.0.1:{server.port}/d", {"password": "env:TEST_PASSWORD"})
            with pytest.raises(SiloRefused, match="another server"):
                walked(silo)
    assert other.requests == []


def test_a_token_is_sent_as_one(monkeypatch):
    monkeypatch.setenv("TEST_TOKEN", "hunter2")
    with answering(lambda _: Said(207, (HEAD + SELF + END).encode())) as server:
        walked(open_silo(f"webdav://127.0.0.1:{server.port}/d", {"token": "env:TEST_TOKEN"}))
    assert server.requests[0].headers["authorization"] == "Bearer hunter2"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"password": "env:TEST_PASSWORD"}, "belongs to a user"),
        ({"password": "env:TEST_PASSWORD", "token": "env:TEST_PASSWORD", "user": "x"}, "contradict"),
        ({"ca_file": "/not/there"}, "ca_file"),
    ],
)
def test_options_that_are_wrong(monkeypatch, options, said):
    monkeypatch.setenv("TEST_PASSWORD", "x")
    with pytest.raises(UsageError, match=said):
        open_silo("webdavs://server/d", options)
