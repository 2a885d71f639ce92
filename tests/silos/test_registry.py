"""URLs as people write them, and secrets as references."""

from __future__ import annotations

import subprocess
import sys

import pytest

from catalog.errors import MissingExtra, SecretInline, UsageError
from catalog.silos.registry import ROOMS, normalise, open_silo, options_of
from catalog.silos.secrets import is_reference, secret


@pytest.mark.parametrize(
    ("given", "url", "kind"),
    [
        ("/data/lake", "file:///data/lake", "file"),
        ("/data/lake/", "file:///data/lake", "file"),
        ("/data//lake/./x/..", "file:///data/lake", "file"),
        ("/", "file:///", "file"),
        ("lake", "file:///here/lake", "file"),
        (".", "file:///here", "file"),
        ("../x", "file:///x", "file"),
        ("~/lake", "file:///home/me/lake", "file"),
        ("/with space/100%", "file:///with%20space/100%25", "file"),
        ("file:///data/lake/", "file:///data/lake", "file"),
        ("file:/data/lake", "file:///data/lake", "file"),
        ("FILE://localhost/data", "file:///data", "file"),
        ("file:///with%20space", "file:///with%20space", "file"),
        ("s3://lake", "s3://lake", "object"),
        ("s3://lake/", "s3://lake", "object"),
        ("s3://lake/raw/2026/", "s3://lake/raw/2026", "object"),
        ("s3a://lake/raw", "s3://lake/raw", "object"),
        ("S3N://lake", "s3://lake", "object"),
        ("s3://lake/a b%20c", "s3://lake/a b%20c", "object"),
        ("memory://demo/", "memory://demo", "object"),
        ("./s3:odd", "file:///here/s3:odd", "file"),
        ("sftp://Ann@NAS.example.org:22//data//x/", "sftp://Ann@nas.example.org/data/x", "file"),
        ("ssh://nas:2222", "sftp://nas:2222", "file"),
        ("sftp://[FE80::1]:22/x", "sftp://[fe80::1]/x", "file"),
        ("davs://ann@cloud.example.org/remote.php/dav/my%20files", "webdavs://ann@cloud.example.org/remote.php/dav/my%20files", "file"),
        ("webdav://nas:80/x", "webdav://nas/x", "file"),
        ("smb://Nas/Data/x/", "smb://nas/Data/x", "file"),
        ("cifs://LAB;ann@nas:445/data", "smb://LAB;ann@nas/data", "file"),
        ("\\\\NAS\\data\\x y\\", "smb://nas/data/x y", "file"),
        ("nfs://Filer:2049/vol/My data/", "nfs://filer/vol/My data", "file"),
        ("ftp://FTP.example.org:21/pub//x", "ftp://ftp.example.org/pub/x", "file"),
        ("ftps://h:21/x", "ftps://h:21/x", "file"),
        ("HTTPS://Data.example.org:443/pub/my%20data/", "https://data.example.org/pub/my%20data", "file"),
        ("http://ann@h:8000", "http://ann@h:8000", "file"),
        ("webhdfs://etl@NN:9870/warehouse/", "webhdfs://etl@nn:9870/warehouse", "file"),
        ("swebhdfs://nn/w", "swebhdfs://nn:9871/w", "file"),
        ("gs://Lake_1.x/raw/", "gs://Lake_1.x/raw", "object"),
        ("gcs://lake/raw", "gs://lake/raw", "object"),
        ("az://lake/raw/", "az://lake/raw", "object"),
        ("abfs://lake/raw", "az://lake/raw", "object"),
        ("azure://lake", "az://lake", "object"),
        ("abfss://c@Acct.dfs.core.windows.net/p/q/", "abfss://c@acct.dfs.core.windows.net/p/q", "object"),
        ("abfs://c@acct.dfs.core.windows.net", "abfss://c@acct.dfs.core.windows.net", "object"),
        ("wasbs://c@acct.blob.core.windows.net/p", "abfss://c@acct.dfs.core.windows.net/p", "object"),
        ("https://acct.blob.core.windows.net/c/p/q", "abfss://c@acct.dfs.core.windows.net/p/q", "object"),
        ("https://acct.dfs.core.windows.net/c", "abfss://c@acct.dfs.core.windows.net", "object"),
        ("https://acct.z01.blob.storage.azure.net/c/p", "abfss://c@acct.z01.dfs.storage.azure.net/p", "object"),
        ("az://acct.blob.core.usgovcloudapi.net/c/p", "abfss://c@acct.dfs.core.usgovcloudapi.net/p", "object"),
        ("abfss://ws@onelake.dfs.fabric.microsoft.com/x.Lakehouse", "abfss://ws@onelake.dfs.fabric.microsoft.com/x.Lakehouse", "object"),
    ],
)
def test_one_spelling_is_kept(given, url, kind, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setattr("os.getcwd", lambda: "/here")
    assert normalise(given) == (url, kind)
    assert normalise(url) == (url, kind)


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("", "s3://bucket/prefix"),
        ("  ", "s3://bucket/prefix"),
        ("s4://lake", "Did you mean s3"),
        ("https://lake.example.org/x?list=1", "address alone"),
        ("gopher://lake.example.org/x", "s3://bucket/prefix"),
        ("s3://", "s3://bucket/prefix"),
        ("s3:///key", "s3://bucket/prefix"),
        ("s3:lake", "s3://bucket/prefix"),
        ("s3:/lake", "s3://bucket/prefix"),
        ("s3://lake/a//b", "silo's root"),
        ("s3://lake/../other", "silo's root"),
        ("file://server/share", "file:///"),
        ("memory://", "memory://name"),
        ("gs://", "gs://bucket/prefix"),
        ("sftp://", "sftp://user@server/path"),
        ("sftp:nas/x", "sftp://user@server/path"),
        ("sftp://nas:0/x", "sftp://user@server/path"),
        ("sftp://nas:99999/x", "sftp://user@server/path"),
        ("sftp://na s/x", "sftp://user@server/path"),
        ("sftp://nas/../x", "silo's root"),
        ("az://", "az://container/path"),
        ("abfss://c@evil.example.org/p", "endpoint=URL"),
        ("abfss://@acct.dfs.core.windows.net/p", "container@account"),
        ("https://acct.blob.core.windows.net/c?comp=list", "address alone"),
    ],
)
def test_what_is_no_silo_says_what_is(given, hint):
    with pytest.raises(UsageError) as raised:
        normalise(given)
    assert raised.value.hint is not None and hint in raised.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "s3://key:hunter2@lake/x",
        "s3://key@lake",
        "memory://a:hunter2@b",
        "sftp://ann:hunter2@nas/x",
        "webdavs://:hunter2@nas/x",
        "abfss://c:hunter2@acct.dfs.core.windows.net/p",
        "https://acct.blob.core.windows.net/c/p?sv=1&sig=hunter2",
    ],
)
def test_a_url_with_a_password_is_refused_and_not_repeated(url):
    with pytest.raises(SecretInline) as raised:
        open_silo(url)
    assert "hunter2" not in f"{raised.value.message}{raised.value.hint}" and "env:NAME" in raised.value.hint


def test_rooms_are_in_order_and_open():
    assert list(ROOMS) == sorted(ROOMS)
    for room in {room.module: room for room in ROOMS.values()}.values():
        silo = open_silo(room.example)
        assert silo.kind == room.kind
        assert list(options_of(room.example)) == sorted(options_of(room.example))


def test_normalising_loads_nothing_heavy():
    code = (
        "import sys; from catalog.silos.registry import normalise, open_silo;"
        "normalise('s3://lake'); open_silo('/tmp');"
        "print([m for m in ('fsspec', 'obstore', 'pyarrow', 'sqlalchemy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("url", ["/data", "memory://x"])
def test_silos_without_options_take_none(url):
    with pytest.raises(UsageError, match="no option 'color'"):
        open_silo(url, {"color": "red"})


# ---------------------------------------------------------------- secrets


def test_secrets_are_found_where_they_are_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("A_SECRET", "from the environment")
    (tmp_path / "key").write_text("from a file\n")
    assert secret("env:A_SECRET") == "from the environment"
    assert secret(f"file:{tmp_path / 'key'}") == "from a file"


@pytest.mark.parametrize("given", ["hunter2", "", "env:", "keyring:", "http://x", "ENV:A", "vault:x"])
def test_anything_else_is_refused_and_not_repeated(given):
    with pytest.raises(SecretInline) as raised:
        secret(given, "session_token")
    assert "hunter2" not in f"{raised.value.message}{raised.value.hint}"
    assert "session_token=env:NAME" in raised.value.hint


def test_nothing_kept_there_says_how_to_keep_it(monkeypatch, tmp_path):
    monkeypatch.delenv("NOT_THERE", raising=False)
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for reference in ("env:NOT_THERE", f"file:{tmp_path}/no", f"file:{tmp_path}/empty", f"file:{tmp_path}/binary"):
        with pytest.raises(UsageError) as raised:
            secret(reference)
        assert reference in raised.value.message and raised.value.hint


def test_the_keyring_needs_its_package_or_an_entry(monkeypatch):
    with pytest.raises((MissingExtra, UsageError)) as raised:
        secret("keyring:surely-not-there")
    assert "keyring" in str(raised.value.hint)
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(MissingExtra):
        secret("keyring:x")


def test_references_are_told_from_secrets():
    assert is_reference("env:A") and is_reference("file:/x") and is_reference("keyring:k")
    assert not is_reference("AKIAIOSFODNN7EXAMPLE")
