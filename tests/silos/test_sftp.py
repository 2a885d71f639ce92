"""SFTP: the conformance suite on a real server, and what only it has."""

from __future__ import annotations

import pytest
from conformance.remote_suite import RemoteSuite
from conformance.silo_suite import paths, walked
from harness import sftp
from harness.places import ServedPlace
from harness.rclone import CACHED, PASSWORD, USER, serving

from catalog.errors import SiloRefused, UsageError
from catalog.silos.registry import open_silo

pytest.importorskip("paramiko", reason="SFTP needs paramiko: pip install 'silograph[sftp]'")
pytestmark = pytest.mark.rclone


@pytest.fixture(scope="module")
def server():
    with serving("sftp", "--user", USER, "--pass", PASSWORD, "--vfs-cache-mode", "off") as served:
        yield served


@pytest.fixture(scope="module")
def host_key(server):
    """The server's key, as an operator would learn it."""
    with pytest.raises(SiloRefused) as raised:
        open_silo(f"sftp://nobody@127.0.0.1:{server.port}/").test()
    return raised.value.hint.split("host_key=")[1].split(",")[0]


@pytest.fixture
def place(server, host_key, monkeypatch):
    monkeypatch.setenv("TEST_PASSWORD", PASSWORD)
    options = {"password": "env:TEST_PASSWORD", "host_key": host_key}
    return SftpPlace(server.folder, f"sftp://{USER}@127.0.0.1:{{port}}", server.port, options)


class SftpPlace(ServedPlace):
    cannot_hold = frozenset({"\u201b27 quoted"})  # the server has a use of its own for that quote
    stale = 2 * CACHED
    tick = 1.1


class TestSftp(RemoteSuite):
    pass


@pytest.mark.parametrize("wrong", [{"password": "env:TEST_WRONG"}, {"password": None, "agent": "false"}, {"user": "bob"}])
def test_a_login_that_is_wrong_is_refused(place, monkeypatch, tmp_path, wrong):
    monkeypatch.setenv("TEST_WRONG", "hunter2")
    monkeypatch.setenv("HOME", str(tmp_path))  # no keys of ours
    options = {name: value for name, value in {**place.options, **wrong}.items() if value is not None}
    url = f"sftp://127.0.0.1:{place.port}/" if "user" in wrong else f"sftp://{USER}@127.0.0.1:{place.port}/"
    error = TestSftp().refused(open_silo(url, options), "hunter2", PASSWORD)
    assert "password=env:NAME" in error.hint


def test_a_private_key_logs_in(place, host_key, tmp_path, monkeypatch):
    import paramiko

    key = paramiko.ECDSAKey.generate()
    key.write_private_key_file(str(tmp_path / "plain"))
    key.write_private_key_file(str(tmp_path / "sealed"), password="opensesame")
    (tmp_path / "known").write_text(f"{key.get_name()} {key.get_base64()} test\n")
    monkeypatch.setenv("PHRASE", "opensesame")
    with serving("sftp", "--authorized-keys", str(tmp_path / "known")) as served:
        (served.folder / "x").write_text("1")
        for file, more in (("plain", {}), ("sealed", {"passphrase": "env:PHRASE"})):
            url, given = f"sftp://{USER}@127.0.0.1:{served.port}", {"private_key": f"file:{tmp_path}/{file}", **more}
            with pytest.raises(SiloRefused) as raised:
                open_silo(url, given).test()
            seen = raised.value.hint.split("host_key=")[1].split(",")[0]
            assert paths(walked(open_silo(url, {**given, "host_key": seen}))) == ["x"]
        with pytest.raises(UsageError, match="encrypted"):
            open_silo(url, {"private_key": f"file:{tmp_path}/sealed"})
        with pytest.raises(UsageError, match="no private key"):
            open_silo(url, {"private_key": f"file:{tmp_path}/known"})


# ---------------------------------------------------------------- the server's key


def scanned(port) -> str:
    """The server's key as a line of known_hosts."""
    import paramiko

    transport = paramiko.Transport(("127.0.0.1", port))
    transport.start_client(timeout=10)
    key = transport.get_remote_server_key()
    transport.close()
    return f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}"


def test_a_server_that_is_not_known_is_refused_before_anything_is_sent(place, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for options in ({}, {"host_key": "SHA256:" + "A" * 43}):
        error = TestSftp().refused(open_silo(f"sftp://{USER}@127.0.0.1:{place.port}/", {"password": "env:TEST_PASSWORD", **options}))
        assert "SHA256:" in error.message


def test_known_hosts_are_read(place, tmp_path, monkeypatch):
    place.put("x", b"1")
    line = scanned(place.port)
    (tmp_path / "hosts").write_text(line + "\n")
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "known_hosts").write_text(f"# mine\n{line}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    for own in ({"known_hosts": str(tmp_path / "hosts")}, {}, {"host_key": line}):
        place.options = {"password": "env:TEST_PASSWORD", **own}
        assert paths(walked(place.silo())) == ["x"]


def test_a_key_that_has_changed_is_refused(place, tmp_path):
    import paramiko

    host, _, _ = scanned(place.port).split()
    other = paramiko.RSAKey.generate(2048)
    (tmp_path / "hosts").write_text(f"{host} {other.get_name()} {other.get_base64()}\n")
    place.options = {"password": "env:TEST_PASSWORD", "known_hosts": str(tmp_path / "hosts")}
    assert "has changed" in TestSftp().refused(place.silo()).message
    place.options["known_hosts"] = str(tmp_path / "missing")
    with pytest.raises(UsageError, match="known_hosts"):
        walked(place.silo())


@pytest.mark.parametrize("given", ["MD5:aa:bb", "ssh-rsa", "ssh-rsa AAAA", "ssh-none AAAAB3NzaC1yc2E=", "x y z u"])
def test_a_host_key_that_is_none(given):
    with pytest.raises(UsageError, match="host_key"):
        open_silo("sftp://h/", {"host_key": given})


# ---------------------------------------------------------------- names and kinds


def test_names_that_are_no_text_are_kept_and_what_is_no_file_is_counted(monkeypatch):
    monkeypatch.setenv("TEST_PASSWORD", "x")
    tree = {
        "/": [
            *((name, 0o100644, 3) for name in (b"latin-\xe9", b"new\nline")),
            *((name, 0o40755, 0) for name in (b"sub", b".", b"..")),
            *((name, mode, 0) for name, mode in ((b"link", 0o120777), (b"pipe", 0o10644), (b"sock", 0o140644))),
        ],
        "/sub": [(b"x", 0o100600, 2**40)],
    }
    with sftp.listing(tree) as port:
        options = {"password": "env:TEST_PASSWORD", "host_key": scanned(port)}
        silo = open_silo(f"sftp://ann@127.0.0.1:{port}/", options)
        found = walked(silo)
        silo.close()
    assert found[""].names == ["latin-\u201bE9", "new\nline"] and found[""].directories == ["sub"]
    assert found[""].skipped == {"symlink": 1, "fifo": 1, "socket": 1} and found[""].complete
    assert found["sub"].sizes == [2**40] and found["sub"].mtimes == [1_700_000_000 * 10**9]


@pytest.mark.parametrize("name", [b"a/b", b"../up", b"/etc/passwd", b"nul\0l", b"", b"x" * 5000])
def test_names_that_lead_elsewhere_make_the_directory_incomplete(monkeypatch, name):
    monkeypatch.setenv("TEST_PASSWORD", "x")
    tree = {"/": [(b"fine", 0o100644, 1), (name, 0o40755, 0), (b"sub", 0o40755, 0)], "/sub": [(b"y", 0o100644, 1)]}
    with sftp.listing(tree) as port:
        options = {"password": "env:TEST_PASSWORD", "host_key": scanned(port)}
        silo = open_silo(f"sftp://ann@127.0.0.1:{port}/", options)
        found = walked(silo)
        silo.close()
    assert paths(found) == ["fine", "sub/y"] and found["sub"].complete
    assert not found[""].failure.retriable and "no path can hold" in found[""].failure.reason


def test_a_folder_that_contains_itself_comes_to_an_end(monkeypatch):
    monkeypatch.setenv("TEST_PASSWORD", "x")

    class Endless(dict):
        def __contains__(self, path):
            return True

        def __missing__(self, path):
            return [(b"file", 0o100644, 1), (b"again", 0o40755, 0), (b"too", 0o40755, 0)]

    with sftp.listing(Endless()) as port:
        options = {"password": "env:TEST_PASSWORD", "host_key": scanned(port)}
        silo = open_silo(f"sftp://ann@127.0.0.1:{port}/", options)
        found = walked(silo)
        silo.close()
    assert 3 < len(found) < 50
    assert all("contains itself" in one.failure.reason for one in found.values() if one.failure)
