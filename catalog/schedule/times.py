"""When a schedule is due: cron expressions in a time zone, and intervals.

    0 3 * * 1-5        minute, hour, day, month, weekday, as the clocks of the zone show them
    @daily             a name for such an expression
    every 15m          elapsed time, counted from the moment the schedule was added, in no zone

Where clocks are changed, an expression that names both minute and hour is due once a day: in an hour that is left
out, when the clocks have jumped; in an hour that comes twice, the first time. One whose minute or hour begins with
`*` is due whenever the clocks show it: not in an hour that is left out, twice in one that comes twice. This is
what cron does on Debian.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from catalog.errors import UsageError

SECOND = 1_000_000_000
DAY = 86_400
EXAMPLES = "'0 3 * * *' (every day at 03:00), '*/15 8-18 * * MON-FRI', '@hourly', 'every 15m'"

_LONGEST = 200  # characters of an expression
_NAMES = {
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}  # fmt: skip
_FIELDS = ("minute", "hour", "day of the month", "month", "weekday")
_RANGES = ("0-59", "0-23", "1-31", "1-12 or JAN-DEC", "0-7 or SUN-SAT")
_CRONSIM = {"minute": 0, "hour": 1, "day-of-month": 2, "month": 3, "day-of-week": 4}
_DURATION = re.compile(r"(\d{1,9})\s*([a-z]*)")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": DAY, "w": 7 * DAY}
_WORDS = {"sec": "s", "second": "s", "min": "m", "minute": "m", "hour": "h", "day": "d", "week": "w"}
_MOST = 366 * DAY


class When(Protocol):
    """The times a schedule is due."""

    def after(self, ns: int) -> int | None:
        """The first one later than `ns`; None when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Every:
    """An interval, counted from `anchor_ns`."""

    seconds: int
    anchor_ns: int

    def after(self, ns: int) -> int | None:
        """The first multiple later than `ns`."""
        step = self.seconds * SECOND
        return self.anchor_ns + max((ns - self.anchor_ns) // step + 1, 1) * step


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression of five fields, as the clocks of `zone` show it.

    Cronsim finds the next match on a clock that never changes; the changes are dealt with here, because cronsim
    leaves out runs where a change is no whole hour.
    """

    expression: str
    zone: ZoneInfo

    def after(self, ns: int) -> int | None:
        """The first match later than `ns`; None when there is none within 50 years."""
        minute, hour = self.expression.split()[:2]
        shown = minute.startswith("*") or hour.startswith("*")
        found = (self._shown if shown else self._named)(ns // SECOND)
        return None if found is None else found * SECOND

    def _named(self, now: int) -> int | None:
        """The next time of day that is named, as an instant; once, whatever the clocks do."""
        local = self._match(now + self._offset(now))
        while local is not None:
            instant = self._instant(local)
            if instant > now:
                return instant
            local = self._match(local)
        return None

    def _shown(self, now: int) -> int | None:
        """The next instant at which the clocks show a match."""
        offset = self._offset(now)
        start = now + offset
        while (local := self._match(start)) is not None:
            change = self._change(now, local - offset)
            if change is None:
                return local - offset
            now, offset = change, self._offset(change)
            start = now + offset - 1  # the first second of the new time may match
        return None

    def _match(self, local: int) -> int | None:
        from cronsim import CronSim

        naive = datetime.fromtimestamp(local, UTC).replace(tzinfo=None)
        match = next(CronSim(self.expression, naive), None)
        return None if match is None else int(match.replace(tzinfo=UTC).timestamp())

    def _instant(self, local: int) -> int:
        """When clocks show `local` for the first time; where they never do, when they jump over it."""
        naive = datetime.fromtimestamp(local, UTC).replace(tzinfo=None)
        instant = int(naive.replace(tzinfo=self.zone).timestamp())
        if instant + self._offset(instant) == local:
            return instant
        return self._change(instant - 2 * DAY, instant) or instant

    def _offset(self, instant: int) -> int:
        offset = datetime.fromtimestamp(instant, self.zone).utcoffset()
        assert offset is not None
        return int(offset.total_seconds())

    def _change(self, start: int, end: int) -> int | None:
        """The first instant in (start, end] at which clocks are changed."""
        offset = self._offset(start)
        while start < end:
            later = min(start + DAY, end)
            if self._offset(later) != offset:
                while later - start > 1:
                    middle = (start + later) // 2
                    if self._offset(middle) == offset:
                        start = middle
                    else:
                        later = middle
                return later
            start = later
        return None


def parse(expression: str, zone: str, anchor_ns: int) -> When:
    """What an expression means. Raises `UsageError` that names the field at fault, or the zone."""
    place = zone_of(zone)
    words = expression.split()
    if len(expression) > _LONGEST or not words:
        raise _wrong(expression[:40], f"it has {len(expression)} characters" if words else "it is empty")
    if words[0].lower() == "every":
        return Every(_interval(expression, words[1:]), anchor_ns)
    if words[0].startswith("@"):
        if len(words) > 1 or words[0].lower() not in _NAMES:
            raise _wrong(expression, f"the names are {', '.join(_NAMES)}")
        return Cron(_NAMES[words[0].lower()], place)
    cron = Cron(" ".join(words).upper(), place)
    _check(expression, words, cron, anchor_ns)
    return cron


def _check(expression: str, words: list[str], cron: Cron, now_ns: int) -> None:
    from cronsim import CronSimError

    if len(words) != len(_FIELDS):
        more = "; for seconds write 'every 30s'" if len(words) == len(_FIELDS) + 1 else ""
        raise _wrong(
            expression if len(words) < 10 else f"{expression[:30]}…",
            f"it has {len(words)} fields, not the five of minute, hour, day, month and weekday{more}",
        )
    try:
        due = cron.after(now_ns)
    except CronSimError as error:
        raise _wrong(expression, _fault(words, _CRONSIM[str(error).removeprefix("Bad ")])) from error
    if due is None:
        raise _wrong(expression, "that day never comes")


def _fault(words: list[str], number: int) -> str:
    from cronsim import CronSim, CronSimError

    alone = ["*"] * len(_FIELDS)
    alone[number] = words[number].upper()
    try:
        CronSim(" ".join(alone), datetime.now(UTC))
    except CronSimError:
        return f"the {_FIELDS[number]} is '{words[number]}', which is not within {_RANGES[number]}"
    return f"the {_FIELDS[number]} '{words[number]}' never comes in the month '{words[3]}'"


def _interval(expression: str, words: list[str]) -> int:
    said = "".join(words).lower()
    try:
        # A unit must be said: '15' may be minutes to one and seconds to another.
        seconds = duration(said if said[:1].isdigit() else f"1{said}", "an interval") if said[-1:].isalpha() else 0
    except UsageError as error:
        raise _wrong(expression, "an interval is a number and a unit: s, m, h, d or w") from error
    if not 1 <= seconds <= _MOST:
        raise _wrong(expression, "an interval is a number and a unit (s, m, h, d, w), from 1s to 366d")
    return seconds


def duration(words: str, what: str) -> int:
    """`90`, `90s`, `15m`, `2h`, `1d` in seconds. Raises `UsageError`."""
    match = _DURATION.fullmatch(words.strip().lower())
    unit = match[2] if match else "?"
    unit = _WORDS.get(unit.removesuffix("s") if len(unit) > 1 else unit, unit)
    if match is None or not match[1].isascii() or unit not in _UNITS or int(match[1]) * _UNITS[unit] > _MOST:
        raise UsageError(f"'{words}' is no duration for {what}.", hint="For example: 90s, 15m, 2h, 1d.")
    return int(match[1]) * _UNITS[unit]


def zone_of(name: str) -> ZoneInfo:
    """A time zone by its name in the tz database. Raises `UsageError` with near names."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # a folder of zones and a broken file are no KeyError
        raise UsageError(f"'{name}' is no time zone.", hint=_near(name)) from error


def _near(name: str) -> str:
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    known = {zone.lower(): zone for zone in sorted(available_timezones())}
    said = name.lower().replace(" ", "_")
    ends = [zone for lower, zone in known.items() if lower == said or lower.rpartition("/")[2] == said]
    near = ends or [known[one] for one in get_close_matches(said[:100], known, 3)]
    if near:
        return f"Did you mean {' or '.join(f'--zone {zone}' for zone in near[:3])}?"
    return "For example: --zone Europe/Berlin, --zone America/New_York, --zone UTC."


def _wrong(expression: str, why: str) -> UsageError:
    return UsageError(f"'{expression}' is no schedule: {why}.", hint=f"For example: {EXAMPLES}.")


def upcoming(when: When, ns: int, count: int) -> list[int]:
    """The next `count` times after `ns`, fewer when there are no more."""
    found: list[int] = []
    while len(found) < count and (due := when.after(found[-1] if found else ns)) is not None:
        found.append(due)
    return found


def latest(when: When, first: int, now: int) -> int:
    """The last time in [first, now]; `first` is one itself."""
    start, end, found = first, now, first
    while (due := when.after(start)) is not None and due <= now:
        # Halving leaves one time or none in (start, end] after a few dozen steps, however many there are.
        start = found = due
        middle = (start + end) // 2
        later = when.after(middle)
        if later is not None and later <= now:
            start = found = later
        else:
            end = middle
    return found
