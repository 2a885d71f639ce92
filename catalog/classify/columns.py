"""Weighing the evidence: columns with samples of their values in, labels out.

A label's score is the product of three numbers from 0 to 1.

- *Name*: 1 where the column is called like it; less where the name says nothing, and little where it speaks against.
- *Values*: 1 less the probability that as many values pass the check by chance, so that a check that one random number
  in ten passes (a check digit) needs many values, and one that most of them pass (a US social security number) very
  many.
- *Share* of the distinct values that pass. A label needs some share: of numbers nearly all, of keys and addresses few,
  for hardly anything else looks like them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.classify import names, national, secrets, values
from catalog.classify.places import placed
from catalog.classify.values import Check
from catalog.model import ColumnLabel

MOST = 1_000
"""Distinct values of a column that are looked at."""
_ENOUGH = 0.5
"""What name and values together must reach, whatever the share."""


@dataclass(frozen=True, slots=True)
class Classified:
    """What looking at a sample of one asset told: how many columns were looked at, and which are sensitive.

    `problems` says what could not be looked at, a sentence each.
    """

    columns: int
    labels: tuple[ColumnLabel, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Test:
    """A label whose values can be checked one by one.

    `chance` is the share of other values of such a form that pass; `unnamed` the evidence of a name that says nothing.
    The shares are what must pass, with a name that says it and without; without, at least `least` values must.
    """

    label: str
    check: Check
    chance: float
    unnamed: float
    share_named: float
    share_unnamed: float
    least: int


TESTS = (
    Test("secret", secrets.known, 1e-6, 0.97, 0.0, 0.0, 1),
    Test("email", values.email, 1e-3, 0.95, 0.02, 0.05, 1),
    Test("iban", values.iban, 0.01, 0.95, 0.1, 0.3, 1),
    Test("card", values.card, 0.02, 0.9, 0.4, 0.8, 8),
    Test("phone", values.phone_as_written, 0.05, 0.8, 0.2, 0.8, 4),
    Test("ip_address", values.ip_address, 0.02, 0.8, 0.3, 0.9, 3),
)

_NATIONAL_UNNAMED = 0.7
_NATIONAL_SHARES = 0.6, 0.95
_NATIONAL_LEAST = 20
_UNCHECKED = 0.6
_HALF = 0.95
"""A name that merely goes well with a label."""
_AGAINST = 0.6
"""What a name leaves of a label that it speaks against."""


def classify(columns: Mapping[str, Iterable[Any]]) -> tuple[ColumnLabel, ...]:
    """The sensitive columns among those given by path, each with at most one label, in the order given."""
    texts = {path: distinct(found) for path, found in columns.items()}
    texts = {path: found for path, found in texts.items() if found}
    labels = {one.path: one for path, found in texts.items() if (one := _of_values(path, found))}
    for place in placed(texts):
        known = labels.get(place.path)
        if known is None or known.score < place.score:
            score = round(place.score, 3)
            labels[place.path] = ColumnLabel(place.path, "coordinates", score, len(texts[place.path]), place.matched)
    for path in texts.keys() - labels.keys():
        if one := _plain_name(path, texts[path], labels.values()):
            labels[path] = one
    return tuple(labels[path] for path in texts if path in labels)


def distinct(found: Iterable[Any]) -> list[str]:
    """The first distinct values, as text."""
    kept: dict[str, None] = {}
    for value in found:
        text = values.normal(value)
        if text is not None:
            kept[text] = None
            if len(kept) >= MOST:
                break
    return list(kept)


def _of_values(path: str, found: Sequence[str]) -> ColumnLabel | None:
    candidates = [*_tested(path, found), *_national(path, found), *_named(path, found)]
    return max(candidates, key=lambda one: one.score, default=None)


def _tested(path: str, found: Sequence[str]) -> Iterator[ColumnLabel]:
    for test in TESTS:
        matched = sum(map(test.check, found))
        if not matched:
            continue
        name = names.evidence(path, test.label)
        named = name == "strong"
        share = matched / len(found)
        if share < (test.share_named if named else test.share_unnamed) or (matched < test.least and name == "none"):
            continue
        if test.label == "ip_address" and not named and values.like_versions([v for v in found if test.check(v)]):
            continue
        if one := _weighed(path, test.label, name, test.unnamed, test.chance, len(found), matched):
            yield one


def _weighed(
    path: str, label: str, name: str, unnamed: float, chance: float, sampled: int, matched: int,
    country: str | None = None,
) -> ColumnLabel | None:  # fmt: skip
    """The label at its score; None where name and values do not reach far enough."""
    of_values = 1 - chance**matched
    if name == "strong":
        of_name, of_values = 1.0, max(of_values, 0.9)
    else:
        of_name = {"weak": max(unnamed, _HALF * 0.9), "against": unnamed * _AGAINST}.get(name, unnamed)
    if of_name * of_values < _ENOUGH:
        return None
    return ColumnLabel(path, label, round(of_name * of_values * matched / sampled, 3), sampled, matched, country)


def _national(path: str, found: Sequence[str]) -> Iterator[ColumnLabel]:
    name = names.evidence(path, "national_id")
    named = name == "strong"
    for fit in national.best(found)[:1]:
        share = fit.matched / len(found)
        if share < _NATIONAL_SHARES[not named]:
            continue
        if not named and (not fit.alone or fit.matched < _NATIONAL_LEAST or share < min(fit.chance + 0.1, 1.0)):
            continue
        country = fit.country if fit.chance < 0.5 or not named or names.says_us(path) else None
        if named and not fit.checked:
            score = round(_UNCHECKED * share, 3)
            yield ColumnLabel(path, "national_id", score, len(found), fit.matched)
        elif one := _weighed(
            path, "national_id", name, _NATIONAL_UNNAMED, fit.chance, len(found), fit.matched, country
        ):
            yield one


def _unknown_id(path: str, found: Sequence[str]) -> ColumnLabel | None:
    """A number of no kind that is known, or one that was made up, under a name that leaves no doubt."""
    if not names.says_national_id(path):
        return None
    matched = sum(national.like_an_id(value) for value in found)
    if matched < _NATIONAL_SHARES[1] * len(found):
        return None
    return ColumnLabel(path, "national_id", round(_ENOUGH * matched / len(found), 3), len(found), matched)


def _named(path: str, found: Sequence[str]) -> Iterator[ColumnLabel]:
    """Labels that only a name makes likely, of values that have the form."""
    if one := _unknown_id(path, found):
        yield one
    for label, check, evidence, needed in (
        ("phone", values.phone, 0.85, 0.6),
        ("iban", values.like_iban, 0.6, 0.8),
        ("secret", secrets.password if names.says_password(path) else secrets.chance, 0.8, 0.6),
        ("person_name", values.person_name, 0.6, 0.7),
        ("date_of_birth", values.birth_date, 0.7, 0.8),
    ):
        if names.evidence(path, label) != "strong":
            continue
        matched = sum(map(check, found))
        share = matched / len(found)
        if share >= needed:
            yield ColumnLabel(path, label, round(evidence * share, 3), len(found), matched)


_WHO = frozenset({"email", "phone", "date_of_birth", "national_id"})


def _plain_name(path: str, found: Sequence[str], others: Iterable[ColumnLabel]) -> ColumnLabel | None:
    """A column called just `name` holds names of persons where columns beside it tell of persons."""
    if names.read(path).own != "name":
        return None
    parent = path.rpartition(".")[0]
    if not any(one.label in _WHO and one.path.rpartition(".")[0] == parent for one in others):
        return None
    matched = sum(values.person_name(value) for value in found)
    several = sum(" " in value or not value.isascii() for value in found)
    if matched < 0.8 * len(found) or several < 0.7 * len(found):
        return None
    return ColumnLabel(path, "person_name", round(_ENOUGH * matched / len(found), 3), len(found), matched)
