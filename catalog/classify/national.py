"""National ids: numbers that a state gives to a person, by country. `python-stdnum` (extra `classify`) checks digits.

A form that any digits have (nine of them, say) means nothing without a name that says so; one with letters, signs or a
date in it speaks for itself where nearly all values pass its check.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any


@dataclass(frozen=True, slots=True)
class Kind:
    """One country's number: its form, and which share of random text of that form passes the check (`chance`).

    `module` is that of `stdnum`, None where the form is all there is to check; `alone` whether the values suffice
    without a name.
    """

    country: str
    module: str | None
    form: re.Pattern[str]
    chance: float
    alone: bool


def _kind(country: str, module: str | None, form: str, chance: float, *, alone: bool = True) -> Kind:
    return Kind(country, module, re.compile(form), chance, alone)


KINDS = (
    _kind("us", "us.ssn", r"\d{3}-\d{2}-\d{4}", 0.89),
    _kind("us", "us.ssn", r"\d{9}", 0.89, alone=False),
    _kind("ca", "ca.sin", r"\d{3}[- ]?\d{3}[- ]?\d{3}", 0.1, alone=False),
    _kind("mx", "mx.curp", r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d", 0.01),
    _kind("gb", None, r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]", 0.1),
    _kind("gb", "gb.nhs", r"\d{3}[- ]?\d{3}[- ]?\d{4}", 0.09, alone=False),
    _kind("ie", "ie.pps", r"\d{7}[A-W][A-IW]?", 0.05),
    _kind("es", "es.dni", r"\d{8}[- ]?[A-Z]", 0.045),
    _kind("es", "es.nie", r"[XYZ][- ]?\d{7}[- ]?[A-Z]", 0.045),
    _kind("pt", "pt.nif", r"\d{3} ?\d{3} ?\d{3}", 0.1, alone=False),
    _kind("fr", "fr.nir", r"[1-478] ?\d\d ?\d\d ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d", 0.01),
    _kind("de", "de.idnr", r"[1-9]\d ?\d{3} ?\d{3} ?\d{3}", 0.02),
    _kind("it", "it.codicefiscale", r"[A-Z]{6}\d[\dLMNP-V][A-EHLMPR-T][\dLMNP-V]{2}[A-Z][\dLMNP-V]{3}[A-Z]", 0.01),
    _kind("nl", "nl.bsn", r"\d{9}|\d{4}\.\d{2}\.\d{3}", 0.09, alone=False),
    _kind("be", "be.nn", r"\d{2}\.?\d{2}\.?\d{2}[-.]?\d{3}[-.]?\d{2}", 0.01),
    _kind("ch", "ch.ssn", r"756\.?\d{4}\.?\d{4}\.?\d{2}", 0.1),
    _kind("at", "at.vnr", r"\d{4} ?\d{6}", 0.01),
    _kind("pl", "pl.pesel", r"\d{11}", 0.02),
    _kind("cz", "cz.rc", r"\d{6}/\d{3,4}", 0.02),
    _kind("cz", "cz.rc", r"\d{10}", 0.01, alone=False),
    _kind("si", "si.emso", r"\d{13}", 0.01),
    _kind("hr", "hr.oib", r"\d{11}", 0.1, alone=False),
    _kind("ro", "ro.cnp", r"[1-8]\d{12}", 0.01),
    _kind("bg", "bg.egn", r"\d{10}", 0.02, alone=False),
    _kind("gr", "gr.amka", r"\d{11}", 0.02),
    _kind("tr", "tr.tckimlik", r"[1-9]\d{10}", 0.01),
    _kind("se", "se.personnummer", r"(?:19|20)?\d{6}[-+]\d{4}", 0.01),
    _kind("se", "se.personnummer", r"(?:(?:19|20)\d{2}|\d{2})\d{8}", 0.01, alone=False),
    _kind("no", "no.fodselsnummer", r"\d{6} ?\d{5}", 0.01),
    _kind("dk", "dk.cpr", r"\d{6}-\d{4}", 0.04),
    _kind("dk", "dk.cpr", r"\d{10}", 0.04, alone=False),
    _kind("fi", "fi.hetu", r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]", 0.01),
    _kind("is", "is_.kennitala", r"\d{6}-\d{4}", 0.01),
    _kind("ee", "ee.ik", r"[1-8]\d{10}", 0.02),
    _kind("lt", "lt.asmens", r"[1-8]\d{10}", 0.02),
    _kind("lv", "lv.pvn", r"\d{6}-?\d{5}", 0.05, alone=False),
    _kind("ru", "ru.inn", r"\d{12}", 0.01, alone=False),
    _kind("ru", None, r"\d{3}-\d{3}-\d{3} \d{2}", 0.1),
    _kind("ua", "ua.rntrc", r"\d{10}", 0.1, alone=False),
    _kind("br", "br.cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}", 0.01),
    _kind("br", "br.cpf", r"\d{11}", 0.01, alone=False),
    _kind("ar", "ar.cuit", r"(?:20|2[347]|30|33|34)-?\d{8}-?\d", 0.1, alone=False),
    _kind("ar", "ar.dni", r"\d{1,2}\.?\d{3}\.?\d{3}", 1.0, alone=False),
    _kind("cl", "cl.rut", r"\d{1,2}\.?\d{3}\.?\d{3}-[\dKk]", 0.09),
    _kind("ec", "ec.ci", r"\d{10}", 0.03, alone=False),
    _kind("do", "do.cedula", r"\d{3}-?\d{7}-?\d", 0.1, alone=False),
    _kind("cn", None, r"[1-9]\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dX]", 0.01),
    _kind("kr", "kr.rrn", r"\d{6}-\d{7}", 0.02),
    _kind("jp", "jp.in_", r"\d{4}[ -]?\d{4}[ -]?\d{4}", 0.1, alone=False),
    _kind("in", "in_.aadhaar", r"[2-9]\d{3}[ -]?\d{4}[ -]?\d{4}", 0.1, alone=False),
    _kind("in", "in_.pan", r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]", 0.1),
    _kind("id", "id.nik", r"\d{16}", 0.02, alone=False),
    _kind("my", "my.nric", r"\d{6}-\d{2}-\d{4}", 0.03),
    _kind("th", "th.pin", r"\d-?\d{4}-?\d{5}-?\d{2}-?\d", 0.1, alone=False),
    _kind("sg", None, r"[STFGM]\d{7}[A-Z]", 0.1),
    _kind("pk", "pk.cnic", r"\d{5}-\d{7}-\d", 0.3),
    _kind("il", "il.idnr", r"\d{8,9}", 0.1, alone=False),
    _kind("za", "za.idnr", r"\d{6} ?\d{4} ?\d{2} ?\d", 0.01),
    _kind("au", "au.tfn", r"\d{3} ?\d{3} ?\d{3}", 0.09, alone=False),
    _kind("nz", "nz.ird", r"\d{2,3}-?\d{3}-?\d{3}", 0.09, alone=False),
)
_FIRST = 30
"""Values that decide whether a form is worth checking on all of them."""


_ANY = re.compile(r"(?=(?:\D*\d){5,18}\D*$)[A-Z]{0,4}[ -]?\d(?:[ .\-/]?[\dA-Z]){4,20}")


def like_an_id(value: str) -> bool:
    """Whether a value has the form of such numbers in general: five digits and more, few letters, signs between."""
    return _ANY.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class Fit:
    """How many values are numbers of a kind. `checked` is False where no check digit could be computed."""

    country: str | None
    matched: int
    chance: float
    alone: bool
    checked: bool


def installed() -> bool:
    """Whether the check digits can be computed."""
    return find_spec("stdnum") is not None


def best(values: Sequence[str]) -> list[Fit]:
    """The kinds that most values fit, best first; countries that no value tells apart are None."""
    found: list[Fit] = []
    for kind in KINDS:
        module = _module(kind.module)
        first = values[:_FIRST]
        if _matched(kind, module, first) * 2 < len(first):
            continue
        matched = _matched(kind, module, values)
        checked = module is not None or kind.module is None
        if matched:
            found.append(Fit(kind.country, matched, kind.chance, kind.alone and checked, checked))
    found.sort(key=lambda fit: (-fit.matched, fit.chance))
    if len(found) > 1 and found[0].matched == found[1].matched and found[0].country != found[1].country:
        first_fit = found[0]
        found[0] = Fit(None, first_fit.matched, first_fit.chance, first_fit.alone, first_fit.checked)
    return found


def _matched(kind: Kind, module: Any, values: Sequence[str]) -> int:
    return sum(kind.form.fullmatch(v) is not None and (module is None or _valid(module, v)) for v in values)


def _valid(module: Any, value: str) -> bool:
    try:
        return bool(module.is_valid(value))
    except Exception:  # noqa: BLE001 (some of its checks stumble over dates that are none)
        return False


@cache
def _module(name: str | None) -> Any:
    """The check of `stdnum`; None where it is not installed or knows none of this name."""
    if name is None:
        return None
    try:
        return import_module(f"stdnum.{name}")
    except ImportError:
        return None
