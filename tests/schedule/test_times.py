"""When schedules are due: expressions, intervals, and days on which clocks are changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import UsageError
from catalog.schedule.times import DAY, EXAMPLES, SECOND, duration, latest, parse, upcoming

NOW = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()) * SECOND


def ns(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp()) * SECOND


def shown(due: int, zone: str) -> str:
    return datetime.fromtimestamp(due // SECOND, ZoneInfo(zone)).isoformat()


@pytest.mark.parametrize(
    "expression, zone, after, due",
    [
        # Berlin: 02:00 becomes 03:00 on 29 March, 03:00 becomes 02:00 on 25 October.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00+01:00", ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]),
        ("0 3 * * *", "Europe/Berlin", "2026-03-28T12:00+01:00", ["2026-03-29T03:00:00+02:00", "2026-03-30T03:00:00+02:00"]),
        ("0 2,3 * * *", "Europe/Berlin", "2026-03-29T00:00+01:00", ["2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"]),
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00+02:00", ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T02:15+01:00", ["2026-10-26T02:30:00+01:00"]),
        ("*/30 * * * *", "Europe/Berlin", "2026-03-29T01:15+01:00", ["2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00"]),
        ("*/30 2 * * *", "Europe/Berlin", "2026-03-29T00:00+01:00", ["2026-03-30T02:00:00+02:00"]),
        (
            "*/30 2 * * *", "Europe/Berlin", "2026-10-25T00:00+02:00",
            ["2026-10-25T02:00:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00",
             "2026-10-25T02:30:00+01:00", "2026-10-26T02:00:00+01:00"],
        ),
        # New York: 01:00 comes twice on 1 November.
        ("15 1 * * *", "America/New_York", "2026-10-31T12:00-04:00", ["2026-11-01T01:15:00-04:00", "2026-11-02T01:15:00-05:00"]),
        # Sao Paulo in 2018, Cairo today: midnight itself is left out.
        ("0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00-03:00", ["2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"]),
        ("@daily", "Africa/Cairo", "2026-04-23T12:00+02:00", ["2026-04-24T01:00:00+03:00", "2026-04-25T00:00:00+03:00"]),
        # Lord Howe: clocks move by half an hour; 01:30 to 02:00 comes twice on 5 April.
        ("45 * * * *", "Australia/Lord_Howe", "2026-04-05T01:00+11:00", ["2026-04-05T01:45:00+11:00", "2026-04-05T01:45:00+10:30"]),
        ("0 */2 * * *", "Australia/Lord_Howe", "2026-04-05T01:00+11:00", ["2026-04-05T02:00:00+10:30"]),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00+10:30", ["2026-10-04T02:30:00+11:00"]),
        # Apia went without 30 December 2011.
        ("0 9 30 * *", "Pacific/Apia", "2011-12-15T12:00-10:00", ["2011-12-31T00:00:00+14:00", "2012-01-30T09:00:00+14:00"]),
        # Kathmandu is 5 h 45 min off.
        ("0 * * * *", "Asia/Kathmandu", "2026-01-01T00:30+05:45", ["2026-01-01T01:00:00+05:45"]),
        ("0 12 L * *", "UTC", "2028-02-01T00:00+00:00", ["2028-02-29T12:00:00+00:00", "2028-03-31T12:00:00+00:00"]),
        ("0 12 13 * FRI", "UTC", "2026-03-01T00:00+00:00", ["2026-03-06T12:00:00+00:00", "2026-03-13T12:00:00+00:00"]),
        ("0 6 * * mon-fri", "UTC", "2026-03-06T07:00+00:00", ["2026-03-09T06:00:00+00:00"]),
        ("@weekly", "UTC", "2026-03-06T07:00+00:00", ["2026-03-08T00:00:00+00:00"]),
    ],
)  # fmt: skip
def test_the_next_times(expression, zone, after, due):
    found = upcoming(parse(expression, zone, NOW), ns(after), len(due))
    assert [shown(one, zone) for one in found] == due


CHANGES = [
    ("Europe/Berlin", "2026-03-29T01:00+00:00"), ("Europe/Berlin", "2026-10-25T01:00+00:00"),
    ("America/New_York", "2026-03-08T07:00+00:00"), ("America/St_Johns", "2026-11-01T04:30+00:00"),
    ("Australia/Lord_Howe", "2026-04-04T15:00+00:00"), ("Australia/Lord_Howe", "2026-10-03T15:30+00:00"),
    ("Antarctica/Troll", "2026-03-29T01:00+00:00"), ("Africa/Cairo", "2026-10-29T21:00+00:00"),
    ("America/Sao_Paulo", "2018-11-04T03:00+00:00"), ("Asia/Tokyo", "2026-06-01T00:00+00:00"),
]  # fmt: skip


def minutes(change: str, zone: str, hours: int):
    """Every minute around a change of clocks, and what the clocks show: the oracle is zoneinfo alone."""
    start = datetime.fromisoformat(change) - timedelta(hours=hours)
    for n in range(hours * 2 * 60):
        instant = start + timedelta(minutes=n)
        yield int(instant.timestamp()) * SECOND, instant.astimezone(ZoneInfo(zone))


@pytest.mark.parametrize("zone, change", CHANGES)
@pytest.mark.parametrize("expression, hours, every", [
    ("*/15 * * * *", range(24), range(0, 60, 15)), ("30 * * * *", range(24), [30]), ("*/30 2 * * *", [2], [0, 30]),
    ("*/10 1 * * *", [1], range(0, 60, 10)), ("0 */2 * * *", range(0, 24, 2), [0]), ("5 */3 * * *", range(0, 24, 3), [5]),
    ("*/20 0,23 * * *", [0, 23], [0, 20, 40]),
])  # fmt: skip
def test_a_wildcard_follows_the_clocks(zone, change, expression, hours, every):
    all_minutes = list(minutes(change, zone, 30))
    expected = [at for at, local in all_minutes if local.hour in hours and local.minute in every]
    when = parse(expression, zone, NOW)
    assert upcoming(when, all_minutes[0][0] - 1, len(expected)) == expected
    for at, _ in all_minutes[::37]:  # and from wherever one looks
        assert when.after(at) == next((one for one in expected if one > at), when.after(all_minutes[-1][0]))


@pytest.mark.parametrize("zone, change", CHANGES)
@pytest.mark.parametrize("hour, minute", [(0, 0), (0, 30), (1, 30), (1, 45), (2, 0), (2, 15), (2, 30), (3, 0), (23, 59)])
def test_a_time_of_day_comes_once_a_day(zone, change, hour, minute):
    """At the first minute of the day whose clocks show it, or have jumped over it."""
    all_minutes = list(minutes(change, zone, 60))
    expected: dict[object, int] = {}
    for at, local in all_minutes:
        if (local.hour, local.minute) >= (hour, minute):
            expected.setdefault(local.date(), at)
    days = list(expected.values())[1:]  # the first day may have begun before
    when = parse(f"{minute} {hour} * * *", zone, NOW)
    assert upcoming(when, days[0] - 1, len(days)) == days
    for at, _ in all_minutes[::41]:
        following = [one for one in days if one > at]
        if at >= days[0] and following:
            assert when.after(at) == following[0]


@pytest.mark.parametrize("words, seconds", [
    ("every 30s", 30), ("every 15m", 900), ("every 15 minutes", 900), ("EVERY 2H", 7200), ("every hour", 3600),
    ("every day", DAY), ("every 1 week", 7 * DAY), ("every   1d", DAY), ("every 366d", 366 * DAY),
])  # fmt: skip
def test_intervals_count_elapsed_time_from_their_beginning(words, seconds):
    when = parse(words, "Europe/Berlin", NOW)
    assert upcoming(when, NOW, 3) == [NOW + n * seconds * SECOND for n in (1, 2, 3)]
    assert when.after(NOW - 10 * DAY * SECOND) == NOW + seconds * SECOND
    assert when.after(NOW + 1000 * seconds * SECOND + 1) == NOW + 1001 * seconds * SECOND


@pytest.mark.parametrize(
    "expression, told",
    [
        ("61 * * * *", "the minute is '61'"), ("0 24 * * *", "the hour is '24'"), ("0 0 0 * *", "the day of the month is '0'"),
        ("0 0 * 13 *", "the month is '13'"), ("0 0 * * 8", "the weekday is '8'"), ("0 0 * * FRY", "the weekday is 'FRY'"),
        ("x 0 * * *", "the minute is 'x'"), ("1,,2 * * * *", "the minute is '1,,2'"), ("*/0 * * * *", "the minute is '*/0'"),
        ("0 0 30 2 *", "'30' never comes in the month '2'"), ("0 0 31 4,6 *", "never comes"),
        ("* * * *", "4 fields"), ("0 0 3 * * *", "every 30s"), ("a b c", "3 fields"), ("", "empty"), ("   ", "empty"),
        ("@reboot", "@hourly"), ("@hourly 5", "@hourly"), ("every", "a number and a unit"), ("every 15", "a unit"),
        ("every 0m", "1s to 366d"), ("every 400d", "a unit"), ("every fortnight", "a unit"), ("* " * 300, "600 characters"),
    ],
)  # fmt: skip
def test_a_bad_expression_says_what_is_wrong(expression, told):
    with pytest.raises(UsageError) as refused:
        parse(expression, "UTC", NOW)
    assert told in refused.value.message
    assert EXAMPLES in refused.value.hint


def test_the_examples_of_the_errors_work():
    examples = EXAMPLES.split("'")[1::2]
    assert len(examples) == 4
    for example in examples:
        assert parse(example, "UTC", NOW).after(NOW)


@pytest.mark.parametrize("zone, near", [
    ("berlin", "--zone Europe/Berlin"), ("europe/berlin", "--zone Europe/Berlin"), ("New York", "--zone America/New_York"),
    ("Europe/Berlim", "Europe/Berlin"), ("Europe", "--zone"), ("", "--zone"), ("../../etc/passwd", "--zone"),
    ("x" * 5000, "--zone"), ("a\0b", "--zone"),
])  # fmt: skip
def test_an_unknown_zone_names_near_ones(zone, near):
    with pytest.raises(UsageError) as refused:
        parse("0 3 * * *", zone, NOW)
    assert near in refused.value.hint


@pytest.mark.parametrize("words, seconds", [("90", 90), ("90s", 90), ("5m", 300), ("2 h", 7200), ("1d", DAY), ("3 days", 3 * DAY)])
def test_durations(words, seconds):
    assert duration(words, "a timeout") == seconds


@pytest.mark.parametrize("words", ["", "m", "-5", "5y", "1h30m", "1.5h", "400d", "٣", "5 5", "9" * 30])
def test_what_is_no_duration(words):
    with pytest.raises(UsageError, match="a timeout"):
        duration(words, "a timeout")


FIELD = st.sampled_from(["*", "*/7", "0", "5", "22", "1-5", "2,3", "7/2"])
CRON = st.builds(
    lambda m, h, d, mo, w: f"{m} {h} {d} {mo} {w}", FIELD, FIELD, st.sampled_from(["*", "1", "L", "15,28", "*/9"]),
    st.sampled_from(["*", "3", "JAN-JUN", "*/5"]), st.sampled_from(["*", "0", "MON-FRI", "5L", "2#1"]),
)  # fmt: skip
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"])
MOMENT = st.integers(ns("2015-01-01T00:00+00:00"), ns("2030-01-01T00:00+00:00"))


@settings(deadline=None, max_examples=150)
@given(CRON, ZONES, MOMENT, st.integers(1, 40))
def test_times_are_later_than_asked_and_in_order(expression, zone, moment, number):
    when = parse(expression, zone, NOW)
    found = upcoming(when, moment, number)
    assert all(a < b for a, b in pairwise([moment, *found]))
    for before, one in pairwise([moment, *found]):
        assert when.after(one - 1) == one
        assert when.after((before + one) // 2) == one


@settings(deadline=None, max_examples=100)
@given(CRON, ZONES, MOMENT, st.integers(1, 60), st.integers(0, 7 * DAY * SECOND))
def test_the_latest_time_is_found_without_walking(expression, zone, moment, number, more):
    when = parse(expression, zone, NOW)
    found = upcoming(when, moment, number)
    now = min(found[-1] + more, (when.after(found[-1]) or 2**63) - 1)
    assert latest(when, found[0], now) == found[-1]


class Counted:
    """Asks another for times, and counts how often."""

    def __init__(self, when):
        self.when, self.asked = when, 0

    def after(self, ns):
        self.asked += 1
        return self.when.after(ns)


@pytest.mark.parametrize("expression", ["every 1s", "*/5 * * * *", "*/5 3 1 1 *"])
def test_a_time_missed_for_decades_is_found_in_a_few_steps(expression):
    when = Counted(parse(expression, "Europe/Berlin", ns("1990-01-01T00:00+00:00")))
    first = when.after(ns("1990-01-01T00:00+00:00"))
    found = latest(when, first, NOW)
    assert found <= NOW < when.when.after(found)
    assert when.asked < 150


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=60) | st.lists(st.text("0123456789*/,-#LWMONJAN@every \u0663²", max_size=8), max_size=7).map(" ".join))
def test_whatever_is_written_is_a_schedule_or_an_error_with_advice(words):
    try:
        due = parse(words, "Europe/Berlin", NOW).after(NOW)
    except UsageError as refused:
        assert refused.hint
    else:
        assert due is not None and due > NOW
