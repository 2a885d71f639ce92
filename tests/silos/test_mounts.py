"""Mounted shares: which server's folder a local one is, and what happens when the mount is gone."""

from __future__ import annotations

import pytest
from conformance.silo_suite import paths, walked
from hypothesis import given
from hypothesis import strategies as st

from catalog.api import connect
from catalog.errors import SiloUnreachable, UsageError
from catalog.silos import mounts
from catalog.silos.mounts import address, parse
from catalog.silos.registry import open_silo, places, settled

TABLE = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
36 27 0:33 / /mnt/scans rw,relatime shared:2 - nfs4 filer.example.org:/vol/scans rw,vers=4.1,addr=10.0.0.7
37 27 0:34 / /mnt/v6 rw - nfs [fe80::1]:/export rw
38 27 0:33 /2026 /srv/bound rw - nfs4 filer.example.org:/vol/scans rw
39 27 0:35 / /mnt/with\040space rw - nfs nas:/a\040b rw
40 27 0:36 /sub /mnt/smb rw - cifs //nas/Data/sub rw,username=ann
41 27 0:37 / /mnt/win rw - cifs \134\134nas\134share rw
42 27 0:38 / /mnt/ssh rw - fuse.sshfs ann@hpc.example.org:/scratch/ann rw
43 27 0:39 / /mnt/home rw - fuse.sshfs ann@hpc.example.org: rw
44 27 0:40 / /mnt/bucket rw - fuse.gcsfuse acme-lake rw
45 27 0:41 / /mnt/over rw - nfs old:/x rw
46 27 0:42 / /mnt/over rw - nfs new:/y rw
47 27 0:43 / /mnt/over/local rw - tmpfs tmpfs rw
48 27 0:44 / /mnt/odd rw - nfs nonsense rw
49 27 0:45 / /mnt/goofys rw - fuse.goofys lake:raw/x rw
"""


@pytest.mark.parametrize(
    ("folder", "found"),
    [
        ("/mnt/scans", "nfs://filer.example.org/vol/scans"),
        ("/mnt/scans/2026/a b", "nfs://filer.example.org/vol/scans/2026/a b"),
        ("/mnt/scanship", None),
        ("/mnt/v6/x", "nfs://[fe80::1]/export/x"),
        ("/srv/bound/x", "nfs://filer.example.org/vol/scans/2026/x"),
        ("/mnt/with space/x", "nfs://nas/a b/x"),
        ("/mnt/smb/x", "smb://nas/Data/sub/x"),
        ("/mnt/win", "smb://nas/share"),
        ("/mnt/ssh/x", "sftp://hpc.example.org/scratch/ann/x"),
        ("/mnt/home", None),
        ("/mnt/bucket/raw", "gs://acme-lake/raw"),
        ("/mnt/goofys", "s3://lake/raw/x"),
        ("/mnt/over/x", "nfs://new/y/x"),
        ("/mnt/over/local", None),
        ("/mnt/odd", None),
        ("/home", None),
        ("/", None),
    ],
)
def test_a_mounted_folder_has_the_address_of_its_server(folder, found):
    assert address(folder, parse(TABLE)) == found


@given(st.text(max_size=80), st.text(max_size=20))
def test_any_table_is_read(line, folder):
    found = address("/" + folder, parse(f"{TABLE}{line}\n1 2 3:4 {line} {line} rw - nfs {line} rw\n"))
    assert found is None or "://" in found


@pytest.fixture
def mounted(tmp_path, monkeypatch):
    """A folder that the system's table shows as mounted, and a way to change the table."""
    folder = tmp_path / "share"
    folder.mkdir()
    table = tmp_path / "mountinfo"
    monkeypatch.setattr(mounts, "_TABLE", table)

    def show(source="filer:/vol/scans"):
        lines = ["27 1 254:1 / / rw - ext4 /dev/vda1 rw"]
        if source:
            lines.append(f"36 27 0:33 / {folder} rw - nfs4 {source} rw")
        table.write_text("\n".join(lines) + "\n")

    show()
    return folder, show


def test_the_source_is_kept_with_the_silo_and_shown(mounted, sqlite_url):
    folder, _ = mounted
    (folder / "x").write_text("1")
    with connect(sqlite_url) as cat:
        made = cat.add_silo("scans", str(folder))
        assert made.options == {"mounted_from": "nfs://filer/vol/scans"}
        assert dict(cat.test_silo("scans").facts) == {"mounted from": "nfs://filer/vol/scans"}
        assert cat.crawl("scans")[0].state == "complete"


def test_a_share_and_its_mount_are_known_as_one_place(mounted, sqlite_url):
    folder, _ = mounted
    pytest.importorskip("nfs_rs", reason="NFS needs nfs-rs: pip install 'silograph[nfs]'")
    with connect(sqlite_url) as cat:
        cat.add_silo("here", str(folder))
        cat.add_silo("elsewhere", str(folder.parent))
        cat.add_silo("there", "nfs://Filer:2049/vol/scans/")
        assert [one.name for one in cat.same_place("there")] == ["here"]
        assert [one.name for one in cat.same_place("here")] == ["there"]
        assert cat.same_place("elsewhere") == []


@pytest.mark.parametrize("runner", [None, "threads:3"])
def test_a_share_that_is_no_longer_mounted_is_not_taken_for_empty(mounted, sqlite_url, runner):
    folder, show = mounted
    (folder / "clicks.csv").write_text("a,b\n1,2\n")
    with connect(sqlite_url) as cat:
        cat.add_silo("scans", str(folder))
        cat.crawl("scans")
        (folder / "clicks.csv").unlink()
        show(None)
        report = cat.crawl("scans", runner=runner)[0]
        assert report.state == "failed" and report.removed == 0 and "not mounted" in report.failed[0].reason
        with pytest.raises(SiloUnreachable, match="nfs://filer/vol/scans"):
            cat.test_silo("scans")
        show("other-name-of-the-filer:/vol/scans")  # the same share may be mounted by another name
        assert cat.crawl("scans")[0].state == "complete"


def test_where_the_system_tells_nothing_the_option_may(tmp_path, monkeypatch):
    monkeypatch.setattr(mounts, "_TABLE", tmp_path / "none")
    (tmp_path / "x").write_text("1")
    _, _, options = settled(str(tmp_path), {"mounted_from": "NFS://Filer/vol/scans/"})
    assert options == {"mounted_from": "nfs://filer/vol/scans"}
    assert ("nfs://filer", "/vol/scans") in places(f"file://{tmp_path}", options)
    assert paths(walked(open_silo(str(tmp_path), options))) == ["x"]
    assert settled(str(tmp_path), {})[2] == {}
    with pytest.raises(UsageError):
        settled(str(tmp_path), {"mounted_from": "gopher://x"})
