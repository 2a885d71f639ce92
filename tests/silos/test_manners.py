"""Manners towards a server: how often it is asked, and when again."""

from __future__ import annotations

import threading

import pytest

from catalog.errors import SiloBusy, SiloRefused, SiloUnreachable, UsageError
from catalog.silos import manners
from catalog.silos.manners import Pace, patiently


@pytest.fixture
def clock(monkeypatch):
    """A clock that only sleeping moves; `slept` is what was waited."""

    class Clock:
        now, slept = 100.0, []

        def sleep(self, seconds):
            self.slept.append(seconds)
            self.now += seconds

    one = Clock()
    one.slept = []
    monkeypatch.setattr(manners.time, "sleep", one.sleep)
    monkeypatch.setattr(manners.time, "monotonic", lambda: one.now)
    return one


def test_requests_are_spread_over_the_second(clock):
    pace = Pace.of({"max_requests_per_second": "4"})
    for _ in range(9):
        pace.wait()
    assert clock.slept == [0.25] * 8
    clock.now += 10  # what was not used is not saved up
    pace.wait()
    pace.wait()
    assert clock.slept == [0.25] * 9


def test_without_a_cap_nothing_waits(clock):
    for _ in range(100):
        Pace.of({}).wait()
    assert clock.slept == []


def test_threads_share_one_pace(clock):
    pace = Pace(10)
    threads = [threading.Thread(target=pace.wait) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pace._next == pytest.approx(100.8) or clock.now > 100.8  # eight turns were given


@pytest.mark.parametrize("given", ["0", "-1", "many", "nan", "inf", ""])
def test_a_pace_is_a_number(given):
    with pytest.raises(UsageError, match="max_requests_per_second"):
        Pace.of({"max_requests_per_second": given})


def failing(*errors):
    left = list(errors)

    def work():
        if left:
            raise left.pop(0)
        return "done"

    return work


def test_what_may_pass_is_tried_again(clock):
    assert patiently(failing(SiloUnreachable("x"), SiloUnreachable("y")), Pace()) == "done"
    assert len(clock.slept) == 2 and all(0 <= seconds <= 1 for seconds in clock.slept)


def test_what_stays_is_given_up(clock):
    errors = [SiloUnreachable(str(number)) for number in range(9)]
    with pytest.raises(SiloUnreachable, match="4"):
        patiently(failing(*errors), Pace(), attempts=5)
    assert len(clock.slept) == 4 and sum(clock.slept) < 20


def test_what_cannot_pass_is_not_tried_again(clock):
    with pytest.raises(SiloRefused):
        patiently(failing(SiloRefused("no")), Pace())
    assert clock.slept == []


@pytest.mark.parametrize(("wish", "least", "most"), [(3.0, 3.0, 3.4), (86_400, 30.0, 30.4), (-5, 0.0, 0.4)])
def test_a_server_may_say_when_within_reason(clock, wish, least, most):
    assert patiently(failing(SiloBusy("x", seconds=wish)), Pace()) == "done"
    assert least <= clock.slept[0] <= most


def test_pauses_grow_and_differ():
    several = [[manners.pause(attempt) for _ in range(200)] for attempt in (1, 3, 20)]
    assert [max(one) <= most for one, most in zip(several, (0.4, 1.6, 5.0))] == [True] * 3
    assert max(several[1]) > 0.4 and len(set(several[2])) > 100
