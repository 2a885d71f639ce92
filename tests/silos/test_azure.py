"""Azure Blob Storage: the conformance suite on a real server, and what only it has."""

from __future__ import annotations

import uuid

import pytest
from conformance.silo_suite import SiloSuite, paths, walked
from harness.azure import ACCOUNT, KEY, AzureServer

from catalog.errors import SiloRefused
from catalog.silos.registry import open_silo

pytestmark = [pytest.mark.azure, pytest.mark.slow]


@pytest.fixture(scope="module")
def server():
    with AzureServer.started() as server:
        yield server


@pytest.fixture(scope="module")
def container(server):
    return server.container("lake")


class AzurePlace:
    cannot_hold = frozenset({"back\\slash"})  # the server takes it for a slash

    def __init__(self, server, container) -> None:
        self.store = server.store(container)
        self.root = f"t/{uuid.uuid4().hex}"
        self.url = f"az://{container}/{self.root}"
        self.options = {"endpoint": server.endpoint, "account": ACCOUNT, "account_key": "env:TEST_AZURE_KEY"}

    def put(self, path: str, data: bytes) -> None:
        self.store.put(f"{self.root}/{path}", data)

    def remove(self, path: str) -> None:
        self.store.delete(f"{self.root}/{path}")

    def silo(self):
        return open_silo(self.url, self.options)

    def missing(self):
        return open_silo("az://no-such-container", self.options)


@pytest.fixture
def place(server, container, monkeypatch):
    monkeypatch.setenv("TEST_AZURE_KEY", KEY)
    return AzurePlace(server, container)


class TestAzure(SiloSuite):
    pass


def test_a_connection_string_is_enough(place, server, monkeypatch):
    place.put("x", b"1")
    told = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={server.endpoint};"
    monkeypatch.setenv("TEST_AZURE_CONNECTION", told)
    silo = open_silo(place.url, {"connection_string": "env:TEST_AZURE_CONNECTION"})
    assert paths(walked(silo)) == ["x"]
    assert KEY not in silo.test().identity


@pytest.mark.parametrize("wrong", [{"account_key": "env:TEST_WRONG"}, {"anonymous": "true"}, {"sas_token": "env:TEST_SAS"}])
def test_wrong_credentials_are_refused(place, wrong, monkeypatch):
    monkeypatch.setenv("TEST_WRONG", "d3Jvbmcga2V5")
    monkeypatch.setenv("TEST_SAS", "sv=2021-08-06&ss=b&srt=sco&sp=rl&se=2099-01-01&sig=c2VjcmV0")
    place.put("x", b"1")
    options = {name: value for name, value in place.options.items() if name != "account_key"} | wrong
    silo = open_silo(place.url, options)
    for attempt in (lambda: walked(silo), silo.test, lambda: silo.read("x", 0, 1), lambda: silo.open("x")):
        with pytest.raises(SiloRefused) as raised:
            attempt()
        said = f"{raised.value.message} {raised.value.hint}"
        assert "\n" not in said and "c2VjcmV0" not in said and "d3Jvbmcga2V5" not in said
