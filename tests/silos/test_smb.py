"""SMB: the conformance suite on a real server, and what only it has."""

from __future__ import annotations

import struct

import pytest
from conformance.remote_suite import RemoteSuite
from conformance.silo_suite import walked
from harness import smb
from harness.places import ServedPlace
from harness.rclone import PASSWORD, USER
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import EntryMissing, SiloUnreachable, UsageError
from catalog.silos.registry import open_silo
from catalog.silos.remote.smb import unpacked
from catalog.silos.remote.walk import gathered

pytest.importorskip("smbprotocol", reason="SMB needs smbprotocol: pip install 'silograph[smb]'")
pytestmark = pytest.mark.impacket


@pytest.fixture(scope="module")
def server():
    with smb.serving() as served:
        yield served


@pytest.fixture
def place(server, monkeypatch):
    monkeypatch.setenv("TEST_PASSWORD", PASSWORD)
    return SmbPlace(server.folder, f"smb://{USER}@127.0.0.1:{{port}}/DATA", server.port, {"password": "env:TEST_PASSWORD"})


class SmbPlace(ServedPlace):
    cannot_hold = frozenset({"back\\slash"})
    many = 900  # the server takes a second for each two hundred


class TestSmb(RemoteSuite):
    pass


@pytest.mark.parametrize("wrong", [{"password": "env:TEST_WRONG"}, {"user": "bob"}, {"auth": "kerberos"}, {"encrypt": "true"}])
def test_a_login_that_is_wrong_is_refused(place, monkeypatch, wrong):
    monkeypatch.setenv("TEST_WRONG", "hunter2")
    user = "" if "user" in wrong else f"{USER}@"
    silo = open_silo(f"smb://{user}127.0.0.1:{place.port}/DATA", {**place.options, **wrong})
    assert TestSmb().refused(silo, "hunter2", PASSWORD).hint


def test_a_share_that_does_not_exist_is_said(place):
    silo = open_silo(f"smb://{USER}@127.0.0.1:{place.port}/NONE", place.options)
    with pytest.raises(SiloUnreachable, match="NONE"):
        walked(silo)
    silo.close()


def test_a_name_with_a_backslash_is_no_name_here(place):
    place.put("a/b", b"1")
    silo = place.silo()
    for path in ("a\\b", "..\\..\\x"):
        with pytest.raises(EntryMissing):
            silo.read(path, 0, 1)
    silo.close()


@pytest.mark.parametrize(
    ("url", "options", "said"),
    [
        ("smb://server", {}, "share is missing"),
        ("smb://server/share", {"password": "env:TEST_PASSWORD"}, "belongs to a user"),
        ("smb://ann@server/share", {"user": "bob", "password": "env:TEST_PASSWORD"}, "different users"),
        ("smb://server/share", {"auth": "basic"}, "auth"),
        ("smb://server/share", {"signing": "perhaps"}, "signing"),
    ],
)
def test_options_that_are_wrong(monkeypatch, url, options, said):
    monkeypatch.setenv("TEST_PASSWORD", "x")
    with pytest.raises(UsageError, match=said):
        open_silo(url, options)


# ---------------------------------------------------------------- answers


def entry(name, *, size=5, attributes=0x20, tag=0, written=133_485_408_000_000_000, following=0):
    raw = name.encode("utf-16-le", "surrogatepass")
    return struct.pack("<2I6q4IQ", following, 0, 0, 0, written, 0, size, 0, attributes, len(raw), tag, 0, 1) + raw


def entries(*made):
    """Several entries, each padded to eight bytes and leading to the next."""
    padded = [one + b"\0" * (-len(one) % 8) for one in made]
    return b"".join(struct.pack("<I", len(one)) + one[4:] for one in padded[:-1]) + made[-1]


def test_entries_are_unpacked():
    found = list(unpacked(entries(entry("a"), entry("grün"), entry("d", attributes=0x10), entry("old", written=0))))
    assert [(one.name, one.kind, one.size) for one in found] == [("a", "file", 5), ("grün", "file", 5), ("d", "directory", 5), ("old", "file", 5)]
    assert [one.mtime_ns for one in found] == [1_704_067_200 * 10**9] * 3 + [None]


@pytest.mark.parametrize(
    ("tag", "attributes", "kind"),
    [
        (0xA000000C, 0x420, "symlink"),
        (0xA0000003, 0x410, "symlink"),  # a junction
        (0x80000013, 0x420, "file"),  # deduplicated
        (0x9000001A, 0x420, "file"),  # in a cloud
        (0x9000001A, 0x410, "directory"),
        (0x80000023, 0x420, "socket"),
        (0xA000000C, 0x20, "file"),  # without the attribute the field is something else
    ],
)
def test_links_are_told_from_files_that_are_kept_in_another_way(tag, attributes, kind):
    (found,) = unpacked(entry("x", attributes=attributes, tag=tag))
    assert found.kind == kind


@pytest.mark.parametrize("name", ["..\\up", "a\\b", "a/b", "\ud800", "nul\0"])
def test_names_that_lead_elsewhere_make_the_directory_incomplete(name):
    listing, _ = gathered("", list(unpacked(entries(entry("fine"), entry(name)))), False)
    assert listing.names == ["fine"] and not listing.complete


@given(st.binary(max_size=300), st.integers(0, 180), st.integers(0, 255))
def test_any_answer_is_entries_or_an_error(noise, at, byte):
    damaged = bytearray(entries(entry("one"), entry("two")))
    damaged[at % len(damaged)] = byte
    for buffer in (noise, bytes(damaged)):
        _check(buffer)


def _check(buffer):
    try:
        found = list(unpacked(buffer))
    except ValueError:
        return
    gathered("", found, False)
