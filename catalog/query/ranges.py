"""Amounts and times in queries: `>1GB`, `10k..20k`, `<30d`, `2026-03`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from catalog.errors import QueryError
from catalog.query.fields import FieldSpec
from catalog.query.tree import OPERATORS, Value, clamp
from catalog.text import safe

_NUMBER = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,9}))?([a-z]*)", re.IGNORECASE)
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?Z?)?)?)?")
_DECIMAL = {"": 1, "b": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "p": 10**15}
_SIZES = (
    _DECIMAL
    | {f"{unit}b": size for unit, size in _DECIMAL.items() if unit not in ("", "b")}
    | {f"{unit}ib": 1024**power for power, unit in enumerate("kmgtp", 1)}
)
_COUNTS = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9}
_H = 3600 * 10**9
_AGES = {"m": _H // 60, "h": _H, "d": 24 * _H, "w": 168 * _H, "mo": 2_629_800 * 10**9, "y": 8766 * _H}
_SECOND, _MINUTE, _DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_range(spec: FieldSpec, text: str, position: int) -> Value:
    """The value of a size, number or time field. Raises `QueryError`."""
    operator = next((o for o in OPERATORS if text.startswith(o)), "")
    rest = text[len(operator) :]
    try:
        if ".." in rest and not operator:
            return _between(spec, rest)
        start, end, ages = _read(spec, rest)
    except (ValueError, OverflowError):
        problem = f"'{safe(rest or text, 80)}' is no {spec.kind} for {spec.name}:."
        raise QueryError(problem, hint=f"{spec.name}: {spec.help}", position=position) from None
    low: int | None = start
    high: int | None = end
    point = start + 1 if ages else end  # an age is a moment, unless it stands alone: then 30d is that day
    if operator.startswith(">"):
        low, high = start if operator == ">=" else point, None
    elif operator.startswith("<"):
        low, high = None, start if operator == "<" else point
    return Value(rest, "" if operator == "=" else operator, clamp(low), clamp(high), ages)


_Read = tuple[int, int, bool]  # where it starts, where it ends (exclusive), whether it is an age


def _between(spec: FieldSpec, text: str) -> Value:
    """`A..B`, both ends included; either may be missing."""
    one, _, other = text.partition("..")
    first, last = _read(spec, one) if one else None, _read(spec, other) if other else None
    if first is None and last is None:
        raise ValueError
    ages = any(end[2] for end in (first, last) if end)
    if first and last:
        if first[2] != last[2]:
            raise ValueError
        if first[0] > last[0]:
            if not ages:
                raise ValueError
            first, last = last, first  # from 30d to 7d ago, or from 7d to 30d: people say both
    low = first[0] if first else None
    high = None if last is None else last[0] + 1 if ages else last[1]
    return Value(text, "..", clamp(low), clamp(high), ages)


def _read(spec: FieldSpec, text: str) -> _Read:
    return _read_time(text) if spec.kind == "time" else _read_amount(spec, text)


def _read_amount(spec: FieldSpec, text: str) -> _Read:
    """A size or number as (smallest whole number not below it, smallest above it)."""
    match = _NUMBER.fullmatch(text)
    units = _SIZES if spec.kind == "size" else _COUNTS
    if match is None or match[3].lower() not in units:
        raise ValueError
    whole, fraction, unit = match[1], match[2] or "", units[match[3].lower()]
    scaled, scale = int(whole + fraction) * unit, 10 ** len(fraction)
    return -(-scaled // scale), scaled // scale + 1, False


def _read_time(text: str) -> _Read:
    """An age, or the span of a year, month, day, minute or second (UTC)."""
    age = _NUMBER.fullmatch(text)
    if age is not None and age[3].lower() in _AGES:
        fraction, unit = age[2] or "", _AGES[age[3].lower()]
        start = int(age[1] + fraction) * unit // 10 ** len(fraction)
        return start, start + unit, True
    date = _DATE.fullmatch(text)
    if date is None:
        raise ValueError
    year, month, day, hour, minute, second = (None if g is None else int(g) for g in date.groups())
    first = (1 if month is None else month, 1 if day is None else day)
    begin = datetime(year or 0, *first, hour or 0, minute or 0, second or 0, tzinfo=UTC)
    if month is None:
        end = begin.replace(year=begin.year + 1)
    elif day is None:
        end = begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
    else:
        end = begin + (_DAY if hour is None else _MINUTE if second is None else _SECOND)
    return _ns(begin), _ns(end), False


def _ns(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
