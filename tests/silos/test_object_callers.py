"""Who asks an object store, and how: what each option puts on the wire, and what is refused before."""

from __future__ import annotations

import json
import os

import pytest
from conformance.silo_suite import walked
from harness.scripted import Said, answering

from catalog.errors import MissingExtra, SecretInline, SiloBusy, SiloRefused, SiloUnreachable, UsageError
from catalog.silos.registry import open_silo

HIDDEN = "bm90LXRvLWJlLXNob3du"
NO = b"<Error><Code>AccessDenied</Code><Message>no way</Message></Error>"


@pytest.fixture(autouse=True)
def nobody(monkeypatch, tmp_path):
    """An environment that says nothing of who asks, and one secret to refer to."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "AZURE_", "GOOGLE_", "CLOUDSDK_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HIDDEN", HIDDEN)


def asked(url, status=403, body=NO, **options):
    """The first request that listing the silo sends, and the error it ends with."""
    with answering(lambda _: Said(status, body)) as server, pytest.raises((SiloRefused, SiloUnreachable)) as raised:
        walked(open_silo(url, {"endpoint": server.url, **options}))
    said = f"{raised.value.message} {raised.value.hint}"
    assert HIDDEN not in said and "\n" not in said
    first = server.requests[0] if server.requests else None
    return first and (f"{first.method} {first.path}", first.headers), raised.value


def profiles(tmp_path, text):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(text)


TEAM = "[profile team]\naws_access_key_id = AKIDTEAM\naws_secret_access_key = x\naws_session_token = tk\nregion = eu-west-9\n"


def test_s3_signs_with_the_keys_given():
    (line, headers), error = asked(
        "s3://lake/raw", access_key_id="AKID", secret_access_key="env:HIDDEN", session_token="env:HIDDEN", region="xx-1"
    )
    assert line.startswith("GET /lake?list-type=2&prefix=raw")
    assert "Credential=AKID/" in headers["authorization"] and "/xx-1/s3/" in headers["authorization"]
    assert headers["x-amz-security-token"] == HIDDEN and headers["user-agent"].startswith("silograph")
    assert isinstance(error, SiloRefused) and "no way" in error.message


def test_s3_tells_that_the_requester_pays():
    (_, headers), _ = asked("s3://lake", access_key_id="AKID", secret_access_key="env:HIDDEN", requester_pays="true")
    assert headers["x-amz-request-payer"] == "requester"


@pytest.mark.parametrize("how", ["option", "environment", "default"])
def test_s3_reads_a_profile(tmp_path, monkeypatch, how):
    pytest.importorskip("botocore", reason="profiles need botocore: pip install 'silograph[aws]'")
    profiles(tmp_path, TEAM if how != "default" else TEAM.replace("profile team", "default"))
    if how == "environment":
        monkeypatch.setenv("AWS_PROFILE", "team")
    (_, headers), _ = asked("s3://lake", **({"profile": "team"} if how == "option" else {}))
    assert "Credential=AKIDTEAM/" in headers["authorization"] and "/eu-west-9/s3/" in headers["authorization"]
    assert headers["x-amz-security-token"] == "tk"


def test_s3_keys_of_the_environment_come_before_a_profile(tmp_path, monkeypatch):
    profiles(tmp_path, TEAM)
    monkeypatch.setenv("AWS_PROFILE", "team")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    (_, headers), _ = asked("s3://lake")
    assert "Credential=AKIDENV/" in headers["authorization"]


def test_s3_says_why_a_profile_has_no_keys(tmp_path):
    pytest.importorskip("botocore", reason="profiles need botocore: pip install 'silograph[aws]'")
    profiles(tmp_path, "[profile out]\ncredential_process = /bin/false\n[profile empty]\nregion = eu-west-1\n")
    for name in ("out", "empty"):
        request, error = asked("s3://lake", profile=name)
        assert request is None and isinstance(error, SiloRefused) and "credentials cannot be had" in error.message
    with pytest.raises(UsageError, match="nobody"):
        open_silo("s3://lake", {"profile": "nobody"})


def test_s3_profiles_without_botocore_name_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "botocore.session", None)
    with pytest.raises(MissingExtra) as raised:
        open_silo("s3://lake", {"profile": "team"})
    assert raised.value.extra == "aws"


@pytest.mark.parametrize(
    ("options", "endpoint"),
    [
        ({}, "https://s3.example.org"),
        ({"virtual_hosted_style": "true"}, "https://lake.s3.example.org"),
        ({"virtual_hosted_style": "no"}, "https://s3.example.org"),
    ],
)
def test_s3_puts_the_bucket_in_the_path_or_in_the_host(options, endpoint):
    silo = open_silo("s3://lake", {"endpoint": "https://s3.example.org", "anonymous": "true", **options})
    assert silo._store.config["endpoint"] == endpoint
    assert silo._store.config["virtual_hosted_style_request"] == str(endpoint.startswith("https://lake")).lower()


def test_gcs_sends_the_token_and_who_pays():
    (line, headers), error = asked("gs://lake/raw", token="env:HIDDEN", user_project="paying-project")
    assert line.startswith("GET /lake?list-type=2&prefix=raw")
    assert headers["authorization"] == f"Bearer {HIDDEN}" and headers["x-goog-user-project"] == "paying-project"
    assert isinstance(error, SiloRefused)


def test_gcs_takes_a_service_account_by_reference(tmp_path):
    key = {"type": "service_account", "client_email": "crawler@project", "private_key": "-", "private_key_id": "1"}
    (tmp_path / "key.json").write_text(json.dumps(key))
    with pytest.raises(UsageError) as raised:  # the key in it is none
        open_silo("gs://lake", {"service_account": f"file:{tmp_path}/key.json"})
    assert "lake cannot be opened" in raised.value.message
    with pytest.raises(SecretInline):
        open_silo("gs://lake", {"service_account": json.dumps(key)})


@pytest.mark.parametrize(
    ("options", "header", "query"),
    [
        ({"account_key": "env:HIDDEN"}, "SharedKey acct:", ""),
        ({"token": "env:HIDDEN"}, f"Bearer {HIDDEN}", ""),
        ({"sas_token": "env:SAS"}, None, "&sv=1&sig=abc%3D"),
        ({"anonymous": "true"}, None, ""),
    ],
)
def test_azure_asks_as_told(monkeypatch, options, header, query):
    monkeypatch.setenv("SAS", "?sv=1&sig=abc%3D")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "AAAA")  # not mixed with what is given
    (line, headers), error = asked("az://lake/raw", account="acct", **options)
    assert line == f"GET /lake?restype=container&comp=list&prefix=raw%2F{query}"
    assert headers.get("authorization", "").startswith(header or "") and ("authorization" in headers) == bool(header)
    assert isinstance(error, SiloRefused)


@pytest.mark.parametrize(
    ("told", "account", "endpoint"),
    [
        ("AccountName=a1;AccountKey=AAAA", "a1", None),
        ("AccountName=a1;AccountKey=AAAA;EndpointSuffix=core.windows.net", "a1", None),
        ("AccountName=a1;AccountKey=A==;EndpointSuffix=core.chinacloudapi.cn", "a1", "https://a1.blob.core.chinacloudapi.cn"),
        ("BlobEndpoint=https://a1.example.org/;SharedAccessSignature=sv=1&sig=x;AccountName=a1", "a1", "https://a1.example.org"),
        ("UseDevelopmentStorage=true", "devstoreaccount1", "http://127.0.0.1:10000/devstoreaccount1"),
    ],
)  # fmt: skip
def test_azure_connection_strings(monkeypatch, told, account, endpoint):
    monkeypatch.setenv("CONNECTION", told)
    config = open_silo("az://lake", {"connection_string": "env:CONNECTION"})._store.config
    assert (config["account_name"], config.get("endpoint")) == (account, endpoint)


@pytest.mark.parametrize(
    ("url", "options", "said"),
    [
        ("az://lake", {}, "storage account is missing"),
        ("abfss://lake@acct.dfs.core.windows.net", {"account": "other"}, "different storage accounts"),
        ("az://lake", {"account": "a", "account_key": "env:HIDDEN", "anonymous": "true"}, "contradict"),
        ("az://lake", {"account": "a", "client_secret": "env:HIDDEN"}, "belong together"),
        ("az://lake", {"connection_string": "env:HIDDEN"}, "neither AccountKey"),
        ("gs://lake", {"token": "env:HIDDEN", "anonymous": "true"}, "contradict"),
        ("s3://lake", {"profile": "x", "anonymous": "true"}, "contradict"),
        ("s3://lake", {"max_requests_per_second": "fast"}, "max_requests_per_second"),
        ("s3://lake", {"max_requests_per_second": "0"}, "max_requests_per_second"),
        ("gs://lake", {"endpoint": "ftp://x"}, "endpoint"),
    ],
)
def test_options_that_contradict_or_miss_something(url, options, said):
    with pytest.raises(UsageError) as raised:
        open_silo(url, options)
    assert said in raised.value.message and HIDDEN not in raised.value.message


@pytest.mark.parametrize("url", ["az://lake", "gs://lake"])
def test_no_credentials_anywhere_is_said(url):
    options = {"account": "acct"} if url.startswith("az") else {}
    with pytest.raises(SiloRefused, match="no credentials") as raised:
        walked(open_silo(url, options))
    assert raised.value.hint is not None and "anonymous=true" in raised.value.hint


@pytest.mark.parametrize("status", [429, 503])
def test_a_store_that_stays_busy_is_given_up(status):
    _, error = asked("s3://lake", status=status, body=b"<Error><Code>SlowDown</Code></Error>", anonymous="true")
    assert isinstance(error, SiloBusy) and "max_requests_per_second" in (error.hint or "")


@pytest.mark.parametrize("body", [b"<html><body>Sign in to this network</body></html>", b"", b"{}", b"<Error>"])
@pytest.mark.parametrize("url", ["s3://lake", "gs://lake", "az://lake"])
def test_an_answer_that_is_no_listing_is_no_empty_bucket(url, body):
    options = {"account": "acct"} if url.startswith("az") else {}
    asked(url, status=200, body=body, anonymous="true", **options)
