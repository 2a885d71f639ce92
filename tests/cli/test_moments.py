"""Times as people type them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.cli.moments import moment
from catalog.errors import UsageError

NOW = 1_800_000_000_000_000_000
DAY = 86400 * 10**9


@pytest.mark.parametrize(
    ("words", "ago"),
    [
        ("7d", 7 * DAY),
        ("2w", 14 * DAY),
        ("12h", DAY // 2),
        ("30m", DAY // 48),
        ("90 s", 90 * 10**9),
        ("1.5d ago", 3 * DAY // 2),
        ("now", 0),
    ],
)
def test_ages(words, ago):
    assert moment(words, NOW) == NOW - ago


@pytest.mark.parametrize(
    ("words", "iso"),
    [
        ("2026-03-01", "2026-03-01T00:00:00+00:00"),
        ("2026-03-01T12:30", "2026-03-01T12:30:00+00:00"),
        ("2026-03-01 12:30:05", "2026-03-01T12:30:05+00:00"),
        ("2026-03-01T12:30:05Z", "2026-03-01T12:30:05+00:00"),
        ("2026-03-01T12:30+02:00", "2026-03-01T10:30:00+00:00"),
    ],
)
def test_times_are_utc_unless_they_say_otherwise(words, iso):
    assert moment(words) == int(datetime.fromisoformat(iso).timestamp()) * 10**9


def test_nothing_stays_nothing():
    assert moment(None) is None


@pytest.mark.parametrize("words", ["", "soon", "7", "7x", "2026-13-01", "-3d", "d"])
def test_what_is_no_time_is_refused_with_examples(words):
    with pytest.raises(UsageError, match="no time") as caught:
        moment(words)
    assert "7d" in caught.value.hint


@given(st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)).map(lambda t: t.replace(microsecond=0)))
def test_every_iso_time_comes_back(then):
    found = moment(then.isoformat())
    assert datetime.fromtimestamp(found // 10**9, UTC).replace(tzinfo=None) == then


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_a_usage_error(words):
    try:
        assert isinstance(moment(words), int)
    except UsageError:
        pass
