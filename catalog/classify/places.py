"""Coordinates: pairs of columns that are named and filled like latitude and longitude, or both in one column."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog.classify import names

_LATITUDE = re.compile(
    r"(?:^|_)(?:lat|latitude?|latitudine|breite|breitengrad|szerokosc(?:_geogr\w*)?|enlem)(?=_|$)"
    r"|緯度|纬度|위도|широта"
)
_LONGITUDE = re.compile(
    r"(?:^|_)(?:lon|lng|long|longitude?|longitudine|laenge|lange|laengengrad|langengrad|"
    r"dlugosc(?:_geogr\w*)?|boylam)(?=_|$)"
    r"|経度|经度|경도|долгота"
)
_BOTH = re.compile(
    r"(?:^|_)(?:lat_?(?:lon|lng|long)|lon_?lat|lng_?lat|coords?|coordinates?|coordenadas|koordinaten|gps(?:_\w+)?|"
    r"geo(?:_?(?:location|point|loc|position|tag))?|location|position|point|place)(?=_|$)"
)
_SCALED = re.compile(r"(?:^|_)(?:e7|1e7|microdeg\w*|e_7)(?=_|$)")
_PAIR = re.compile(r"[(\[]?\s*(-?\d{1,3}(?:\.\d+)?)\s*[,; ]\s*(-?\d{1,3}(?:\.\d+)?)\s*[)\]]?")
_POINT = re.compile(r"(?:SRID=\d+;)?POINT ?Z?\s*\((-?\d{1,3}\.\d+) (-?\d{1,3}\.\d+)(?: -?[\d.]+)?\)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Placed:
    """A column of coordinates: the share of its values that are, weighed by how surely its name says so."""

    path: str
    score: float
    matched: int


def pairs(columns: Mapping[str, Sequence[str]]) -> Iterator[Placed]:
    """Both columns of each pair that is named alike but for the words for latitude and longitude."""
    longitudes: dict[tuple[str, str], str] = {}
    for path in columns:
        if key := _key(path, _LONGITUDE):
            longitudes.setdefault(key, path)
    for path, values in columns.items():
        key = _key(path, _LATITUDE)
        other = longitudes.get(key) if key else None
        if other is None or other == path:
            continue
        scale = 1e7 if _SCALED.search(names.read(path).own.replace("latitude", "latitude_")) else 1.0
        sides = (path, *_degrees(values, 90, scale)), (other, *_degrees(columns[other], 180, scale))
        if all(share >= 0.9 for _, share, _ in sides):
            for side, share, matched in sides:
                yield Placed(side, share, matched)


def _key(path: str, word: re.Pattern[str]) -> tuple[str, str] | None:
    """Where a column stands and what its name says besides latitude or longitude; None where it says neither."""
    own = re.sub(r"(latitude|longitude)(e7)$", r"\1_\2", names.read(path).own)
    if not word.search(own):
        return None
    return path.rpartition(".")[0], "_".join(filter(None, word.sub("", own).split("_")))


def _degrees(values: Sequence[str], limit: int, scale: float) -> tuple[float, int]:
    """The share of values that are degrees within a limit, and how many; 0 where hardly any has a fraction."""
    found = [number / scale for value in values if (number := _number(value)) is not None]
    within = sum(-limit <= number <= limit for number in found)
    fractions = sum(number != round(number, 1) for number in found)
    if not values or fractions * 2 < len(found):
        return 0.0, 0
    return within / len(values), within


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def single(path: str, values: Sequence[str]) -> Placed | None:
    """A column with both numbers in each value (`52.52, 13.40`, `POINT (13.40 52.52)`), or a list of two."""
    points = sum(_POINT.fullmatch(value) is not None for value in values)
    if values and points / len(values) >= 0.8:
        return Placed(path, 0.95 * points / len(values), points)
    if not _BOTH.search(names.read(path).whole):
        return None
    if path.endswith("[]"):
        share, matched = _degrees(values, 180, 1.0)
        return Placed(path, 0.7 * share, matched) if share >= 0.95 else None
    matched = sum(_both(value) for value in values)
    return Placed(path, 0.9 * matched / len(values), matched) if values and matched / len(values) >= 0.6 else None


def _both(value: str) -> bool:
    found = _PAIR.fullmatch(value)
    if found is None or "." not in found[1] or "." not in found[2]:
        return False
    one, other = abs(float(found[1])), abs(float(found[2]))
    return min(one, other) <= 90 and max(one, other) <= 180


def placed(columns: Mapping[str, Sequence[str]]) -> Iterable[Placed]:
    """All columns of coordinates."""
    found = {one.path: one for one in pairs(columns)}
    for path, values in columns.items():
        if path not in found and (one := single(path, values)):
            found[path] = one
    return found.values()
