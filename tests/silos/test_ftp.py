"""FTP: the conformance suite on real servers, and what only it has."""

from __future__ import annotations

import datetime

import pytest
from conformance.remote_suite import RemoteSuite
from conformance.silo_suite import paths, walked
from harness import ftp, rclone
from harness.places import ServedPlace
from harness.rclone import CACHED, PASSWORD, USER
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import EntryMissing, SiloRefused, UsageError
from catalog.silos.registry import open_silo
from catalog.silos.remote.ftp import _human_lines, _machine_line, _modified
from catalog.silos.remote.walk import gathered


class RclonePlace(ServedPlace):
    cannot_hold = frozenset({"\u201b27 quoted"})  # the server has a use of its own for that quote
    stale = 2 * CACHED


@pytest.fixture(scope="module")
def rclone_server():
    with rclone.serving("ftp", "--user", USER, "--pass", PASSWORD, "--passive-port", "20000-55000") as served:
        yield served


@pytest.fixture(scope="module")
def old_server():
    with ftp.serving("MLSD", "MLST") as served:
        yield served


def made(kind, server, monkeypatch):
    monkeypatch.setenv("TEST_PASSWORD", PASSWORD)
    url = f"ftp://{USER}@127.0.0.1:{{port}}"
    return kind(server.folder, url, server.port, {"password": "env:TEST_PASSWORD"})


@pytest.mark.rclone
class TestFtp(RemoteSuite):
    @pytest.fixture
    def place(self, rclone_server, monkeypatch):
        return made(RclonePlace, rclone_server, monkeypatch)


class OldPlace(ServedPlace):
    coarse = 86_400  # LIST tells the time of old files to the day


@pytest.mark.pyftpdlib
class TestFtpWithListAlone(RemoteSuite):
    @pytest.fixture
    def place(self, old_server, monkeypatch):
        pytest.importorskip("ftputil", reason="servers without MLSD need ftputil: pip install 'silograph[ftp]'")
        return made(OldPlace, old_server, monkeypatch)


@pytest.mark.rclone
def test_a_login_that_is_wrong_is_refused(rclone_server, monkeypatch):
    place = made(RclonePlace, rclone_server, monkeypatch)
    monkeypatch.setenv("TEST_PASSWORD", "hunter2")
    TestFtp().refused(place.silo(), "hunter2")
    place.options = {}
    TestFtp().refused(place.silo())


@pytest.mark.pyftpdlib
def test_without_a_user_it_is_anonymous(old_server):
    silo = open_silo(f"ftp://127.0.0.1:{old_server.port}/")
    reached = silo.test()
    assert reached.identity == "user anonymous" and "LIST" in dict(reached.facts)["listing"]
    silo.close()


@pytest.mark.rclone
def test_a_line_break_in_a_path_is_not_sent(rclone_server, monkeypatch):
    silo = made(RclonePlace, rclone_server, monkeypatch).silo()
    for path in ("a\r\nDELE x", "a\nb"):
        with pytest.raises(EntryMissing):
            silo.read(path, 0, 1)
    silo.close()


# ---------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 and its key, as files."""
    x509 = pytest.importorskip("cryptography.x509", reason="certificates are made with cryptography")
    from ipaddress import ip_address

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - datetime.timedelta(1), now + datetime.timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder


def check_tls(served, certificate, **options):
    (served.folder / "x").write_bytes(b"123")
    url, login = f"ftps://{USER}@127.0.0.1:{served.port}/", {"password": "env:TEST_PASSWORD", **options}
    silo = open_silo(url, {**login, "ca_file": f"{certificate}/cert.pem"})
    assert paths(walked(silo)) == ["x"] and silo.read("x", 1, 1) == b"2"
    silo.close()
    with pytest.raises(SiloRefused, match="certificate is not trusted"):
        walked(open_silo(url, login))


@pytest.mark.pyftpdlib
@pytest.mark.parametrize("implicit", [False, True])
def test_tls_is_used_and_its_certificate_checked(certificate, monkeypatch, implicit):
    monkeypatch.setenv("TEST_PASSWORD", PASSWORD)
    with ftp.serving(certificate=str(certificate), implicit=implicit) as served:
        check_tls(served, certificate, **({"tls": "implicit"} if implicit else {}))


@pytest.mark.rclone
def test_a_server_that_would_send_files_without_tls_is_refused(certificate, monkeypatch):
    monkeypatch.setenv("TEST_PASSWORD", PASSWORD)
    flags = ["--cert", f"{certificate}/cert.pem", "--key", f"{certificate}/key.pem"]
    with rclone.serving("ftp", "--user", USER, "--pass", PASSWORD, *flags) as served:
        options = {"password": "env:TEST_PASSWORD", "tls": "implicit", "ca_file": f"{certificate}/cert.pem"}
        with pytest.raises(SiloRefused, match="without TLS"):
            walked(open_silo(f"ftps://{USER}@127.0.0.1:{served.port}/", options))


# ---------------------------------------------------------------- lines


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("type=file;size=5;modify=20240102030405; a b", ("a b", "file", 5, 1704164645 * 10**9)),
        ("Type=file;Size=5;Modify=20240102030405.25;UNIX.mode=0644; x", ("x", "file", 5, 1704164645 * 10**9 + 250_000_000)),
        ("type=dir;modify=20240102030405; d", ("d", "directory", None, 1704164645 * 10**9)),
        ("type=OS.unix=slink:/x; l", ("l", "symlink", None, None)),
        ("type=cdir; /x", (".", "directory", None, None)),
        ("type=file;size=-1;modify=soon; odd", ("odd", "file", None, None)),
        ("type=file; gr\u00c3\u00bcn", ("grün", "file", None, None)),
        ("type=file; latin-\u00e9", ("latin-\udce9", "file", None, None)),
        ("no fact at all", ("", "file", None, None)),
        ("", ("", "file", None, None)),
    ],
)
def test_lines_of_mlsd(line, found):
    assert tuple(_machine_line(line))[:4] == found


UNIX = """total 8
drwxr-xr-x   2 ann  users     4096 Jan  2  2024 folder
-rw-r--r--   1 ann  users       12 Jan  2  2024 with space.csv
lrwxrwxrwx   1 ann  users        7 Jan  2  2024 link -> folder
crw-rw-rw-   1 root root   1,   3 Jan  2  2024 null
""".splitlines()
WINDOWS = """01-02-24  03:04AM       <DIR>          folder
01-02-24  03:04AM                   12 with space.csv
""".splitlines()
DAY = 1704153600 * 10**9  # 2024-01-02


def test_lines_of_list_from_unix_and_windows():
    pytest.importorskip("ftputil", reason="LIST is parsed by ftputil: pip install 'silograph[ftp]'")
    assert [tuple(one)[:4] for one in _human_lines(UNIX[:-1])] == [
        ("folder", "directory", 4096, DAY),
        ("with space.csv", "file", 12, DAY),
        ("link", "symlink", 7, DAY),
    ]
    assert [tuple(one)[:4] for one in _human_lines(WINDOWS)] == [("folder", "directory", None, DAY), ("with space.csv", "file", 12, DAY)]


@pytest.mark.parametrize("line", ["-rw-r--r-- nonsense", "what is this", "-rw-r--r--   1 ann  users  12 Foo 99  2024 x", UNIX[-1]])
def test_a_line_that_nobody_understands_leaves_the_folder_incomplete(line):
    pytest.importorskip("ftputil", reason="LIST is parsed by ftputil: pip install 'silograph[ftp]'")
    listing, _ = gathered("", list(_human_lines([*UNIX[:3], line])), False)
    assert listing.names == ["with space.csv"] and (not listing.complete or listing.skipped)


@given(st.lists(st.text(st.characters(max_codepoint=255), max_size=60), max_size=5))
def test_any_lines_make_a_listing_or_leave_it_incomplete(lines):
    gathered("", [_machine_line(line) for line in lines], False)
    gathered("", list(_human_lines(lines)), False)


@given(st.text(max_size=20))
def test_any_time_is_a_time_or_unknown(value):
    assert _modified(value) is None or isinstance(_modified(value), int)


@pytest.mark.parametrize(
    ("url", "options", "said"),
    [
        ("ftp://server/", {"password": "env:TEST_PASSWORD"}, "belongs to a user"),
        ("ftp://server/", {"ca_file": "/x"}, "belongs to ftps"),
        ("ftp://server/", {"tls": "implicit"}, "belongs to ftps"),
        ("ftps://server/", {"ca_file": "/not/there"}, "ca_file"),
        ("ftps://server/", {"tls": "yes"}, "tls"),
    ],
)
def test_options_that_are_wrong(monkeypatch, url, options, said):
    monkeypatch.setenv("TEST_PASSWORD", "x")
    with pytest.raises(UsageError, match=said):
        open_silo(url, options)
