"""What file servers promise beyond the contract of every silo: nothing that breaks looks like an empty folder.

A place also has `port`, where its server answers, and `through(port)`: the silo reached at another port.
"""

from __future__ import annotations

import socket
import time

import pytest
from conformance.silo_suite import SiloSuite, check_listing, paths, walked
from harness.relay import relaying, silent

from catalog.errors import SiloRefused, SiloUnreachable
from catalog.silos import manners


class RemoteSuite(SiloSuite):
    """The contract of `catalog.silos.remote`, as tests."""

    @pytest.fixture(autouse=True)
    def impatient(self, monkeypatch):
        """Pauses that suit a test."""
        monkeypatch.setattr(manners, "_FIRST_PAUSE", 0.005)
        monkeypatch.setattr(manners, "ANSWER_SECONDS", 30.0)

    def test_a_server_that_goes_away_leaves_what_was_not_listed_incomplete(self, place):
        for path in ("a/1", "b/c/2", "d/3", "e/4", "f/5", "g/6"):
            place.put(path, b"1")
        seen = {}
        with relaying(place.port) as relay:
            silo = place.through(relay.port)
            for listing in silo.walk():
                check_listing(listing)
                seen[listing.path] = listing
                if listing.path == "a":
                    relay.end()
            silo.close()
        assert [path for path, one in seen.items() if one.complete] == ["", "a"]
        broken = {path: one.failure for path, one in seen.items() if one.failure}
        assert sorted(broken) == ["b", "d", "e", "f", "g"]
        for failure in broken.values():
            assert failure.retriable and failure.reason and "\n" not in failure.reason

    def test_a_connection_that_breaks_is_made_again(self, place):
        for path in ("a/1", "b/c/2", "d/3"):
            place.put(path, b"123")
        with relaying(place.port) as relay:
            silo = place.through(relay.port)
            seen = {}
            for listing in silo.walk():
                seen[listing.path] = listing
                relay.break_off()
            assert paths(seen) == ["a/1", "b/c/2", "d/3"] and all(one.complete for one in seen.values())
            relay.break_off()
            assert silo.read("a/1", 1, 2) == b"23"
            silo.close()

    def test_all_that_a_server_serves_is_a_silo_too(self, place):
        place.put("a/x", b"123")
        silo = place.whole()
        folder = f"{place.root.name}/a"
        start = next(iter(silo.walk()))
        assert start.path == "" and start.complete
        assert any(one.path == folder and one.names == ["x"] for one in silo.walk())
        assert silo.read(f"{folder}/x", 1, 2) == b"23"
        silo.close()

    def test_a_server_that_is_not_there_is_unreachable(self, place):
        with socket.socket() as held:  # bound, and not listening: connections are refused
            held.bind(("127.0.0.1", 0))
            silo = place.through(held.getsockname()[1])
            for attempt in (silo.test, lambda: walked(silo), lambda: silo.read("x", 0, 1)):
                with pytest.raises(SiloUnreachable) as raised:
                    attempt()
                assert "\n" not in raised.value.message

    def test_a_server_that_says_nothing_is_given_up(self, place, monkeypatch):
        monkeypatch.setattr(manners, "ANSWER_SECONDS", 0.2)
        monkeypatch.setattr(manners, "CONNECT_SECONDS", 0.2)
        with silent() as port:
            started = time.monotonic()
            with pytest.raises(SiloUnreachable):
                walked(place.through(port))
            assert time.monotonic() - started < 60  # not for ever

    def test_what_was_reached_is_told(self, place):
        place.put("x", b"1")
        silo = place.silo()
        reached = silo.test()
        assert reached.sample == ("x",) and reached.readable
        assert all(word and value and value.isprintable() for word, value in reached.facts)
        silo.close()

    def test_threads_read_at_once(self, place):
        from concurrent.futures import ThreadPoolExecutor

        data = {f"f{number}": bytes([number]) * 100_000 for number in range(12)}
        for path, content in data.items():
            place.put(path, content)
        silo = place.silo()
        with ThreadPoolExecutor(silo.capabilities.concurrent_reads) as pool:
            read = dict(zip(data, pool.map(lambda path: silo.read(path, 0, 200_000), data)))
        assert read == data
        silo.close()

    def refused(self, silo, *hidden: str) -> SiloRefused:
        """Check that everything is refused, and that what is said holds nothing `hidden`."""
        for attempt in (lambda: walked(silo), silo.test, lambda: silo.read("x", 0, 1), lambda: silo.open("x")):
            with pytest.raises(SiloRefused) as raised:
                attempt()
            said = f"{raised.value.message} {raised.value.hint}"
            assert "\n" not in said and not any(word in said for word in hidden)
        silo.close()
        return raised.value
