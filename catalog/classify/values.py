"""What single values look like: e-mail addresses, cards, bank accounts, telephones, IP addresses, names, dates."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from datetime import date
from functools import cache
from typing import Any

Check = Callable[[str], bool]

_EMAIL = re.compile(
    r"(?:mailto:)?[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+([^\W\d_]{2,24}|xn--[a-z0-9-]{2,59})"
)
_NAMED_EMAIL = re.compile(r"[^<>]{0,80}<([^<>]{3,254})>")
_FILE_ENDINGS = frozenset(
    ("png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "json", "xml", "html", "txt", "pdf", "zip", "gz", "csv")
)
"""`icon@2x.png` is no address."""


def email(value: str) -> bool:
    """An address, also as `Ann <ann@example.org>`; or several, separated by commas or semicolons."""
    if "@" not in value:
        return False
    pieces = [piece.strip() for piece in re.split(r"[;,]", value)] if len(value) < 2_000 else [value]
    return bool(pieces) and all(_one_email(piece) for piece in pieces if piece) and any(pieces)


def _one_email(value: str) -> bool:
    named = _NAMED_EMAIL.fullmatch(value)
    found = _EMAIL.fullmatch(named[1] if named else value)
    return found is not None and found[1].lower() not in _FILE_ENDINGS


# ---------------------------------------------------------------- cards and accounts

_CARD = re.compile(r"\d(?:[ -]?\d){11,18}")
_BRANDS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|(?:6011|64[4-9]\d|65\d\d|62\d\d|81\d\d)\d{12,15}"  # Discover, UnionPay
    r"|35(?:2[89]|[3-8]\d)\d{12,15}"  # JCB
    r"|3(?:0[0-5]|095|[689]\d)\d{11,16}"  # Diners
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15}"  # Maestro
    r"|220[0-4]\d{12}|60\d{14}|50[0-9]{14}"  # Mir, RuPay, Elo
)


def card(value: str) -> bool:
    """A card number of a known brand's length and beginning (ISO/IEC 7812), with its check digit."""
    if not _CARD.fullmatch(value):
        return False
    digits = re.sub(r"\D", "", value)
    return _BRANDS.fullmatch(digits) is not None and len(set(digits)) > 1 and luhn(digits)


def luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812-1, annex B."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


_IBAN = re.compile(r"([A-Z]{2})(\d\d)([A-Z0-9]{11,30})")
_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20,
    "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29,
    "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
    "YE": 30,
}  # fmt: skip


def iban(value: str) -> bool:
    """An account number of its country's length, with its check digits (ISO 13616-1)."""
    plain = re.sub(r"[ -]", "", value).upper()
    found = _IBAN.fullmatch(plain)
    if found is None or _IBAN_LENGTHS.get(found[1]) != len(plain):
        return False
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


def like_iban(value: str) -> bool:
    """Something of the form of an account number, made up perhaps; only worth asking of a column that is named so."""
    return _IBAN.fullmatch(re.sub(r"[ -]", "", value).upper()) is not None


# ---------------------------------------------------------------- telephones

_PHONE = re.compile(r"(?:\+|00)?[ ]?[(]?\d(?:[ .()/\-]{0,3}\d){5,16}(?:[ ]?(?:x|ext\.?|#)[ ]?\d{1,6})?")
_ABROAD = re.compile(r"(?:\+|00 ?)[1-9][\d .()/\-]{6,22}(?:[ ]?(?:x|ext\.?|#)[ ]?\d{1,6})?")
_AT_HOME = re.compile(
    r"(?:\+?1[ .-]?)?(?:\([2-9]\d\d\)[ ]?|[2-9]\d\d[.-])[2-9]\d\d[.-]\d{4}(?:[ ]?(?:x|ext\.?|#)[ ]?\d{1,6})?"
    r"|0[1-9](?:[ .]\d\d){4}"
)
"""Forms that are telephone numbers and little else: those of North America and of France."""
_DATE = re.compile(r"(?:\d{4}[-/. ]\d{1,2}[-/. ]\d{1,2}|\d{1,2}[-/. ]\d{1,2}[-/. ]\d{2,4})(?:[ T]\d.*)?")
_DECIMAL = re.compile(r"-?\d+\.\d+")


def phone(value: str) -> bool:
    """Something that may be dialled: 7 to 15 digits, with the signs that stand between them."""
    if _DATE.fullmatch(value) or _DECIMAL.fullmatch(value) or ip_address(value):
        return False
    main = re.split(r"[ ]?(?:x|ext|#)", value)[0]
    return _PHONE.fullmatch(value) is not None and 7 <= sum(char.isdigit() for char in main) <= 15


def phone_as_written(value: str) -> bool:
    """A number that its own form shows to be one: international, or written as only telephone numbers are."""
    if _AT_HOME.fullmatch(value):
        return True
    if not _ABROAD.fullmatch(value) or not phone(value):
        return False
    valid = _validator()
    return valid(value) if valid else value.startswith("+")


@cache
def _validator() -> Check | None:
    """Whether an international number can exist, by the numbering plans in `phonenumbers` (extra `classify`)."""
    try:
        import phonenumbers
    except ImportError:
        return None

    def valid(value: str) -> bool:
        number = "+" + value[2:] if value.startswith("00") else value
        try:
            return bool(phonenumbers.is_possible_number(phonenumbers.parse(number)))
        except phonenumbers.NumberParseException:
            return False

    return valid


# ---------------------------------------------------------------- IP addresses


def ip_address(value: str) -> bool:
    """An IPv4 or IPv6 address, with a port or a prefix length behind it or not; loopback says nothing of anybody."""
    if not 2 < len(value) < 60 or not (value.count(".") == 3 or value.count(":") > 1):
        return False
    plain = value.strip("[]").split("/")[0].split("%")[0]
    if plain.count(".") == 3 and plain.count(":") == 1:
        plain = plain.split(":")[0]
    try:
        found = ipaddress.ip_address(plain)
    except ValueError:
        return False
    return not (found.is_loopback or found.is_unspecified)


def like_versions(values: Sequence[str]) -> bool:
    """Whether dotted quads are rather versions of software: none of their numbers is large."""
    quads = [value for value in values if ":" not in value]
    return bool(quads) and max(int(part) for v in quads for part in re.findall(r"\d+", v.split("/")[0])) < 100


# ---------------------------------------------------------------- names and dates

_NAME_WORD = re.compile(r"(?:[^\W\d_]+['’ʼ.\-]?)+,?")


def person_name(value: str) -> bool:
    """One to five words of letters alone, the first with a capital where the script has them."""
    words = value.split()
    if not 0 < len(words) <= 5 or not 1 < len(value) <= 60:
        return False
    return all(_NAME_WORD.fullmatch(word) for word in words) and (not value[0].islower())


_ISO = re.compile(r"(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})(?:[T ].*)?")
_LOCAL = re.compile(r"(\d{1,2})[-/. ]{1,2}(\d{1,2})[-/. ]{1,2}(\d{4}|\d{2})")


def birth_date(value: str) -> bool:
    """A date (or a year) in which somebody who lives, or lived lately, may have been born."""
    today = date.today()
    if re.fullmatch(r"\d{4}", value):
        return 1900 <= int(value) <= today.year
    if found := _ISO.fullmatch(value):
        year, month, day = (int(part) for part in found.groups())
    elif found := _LOCAL.fullmatch(value):
        first, second, year = (int(part) for part in found.groups())
        day, month = (first, second) if second <= 12 else (second, first)
        year += 0 if year > 99 else 1900 if year > today.year % 100 else 2000
    else:
        return False
    try:
        return year >= 1900 and date(year, month, day) <= today
    except ValueError:
        return False


def normal(value: Any) -> str | None:
    """A value as the text that checks are made on; None for what is not worth a look.

    Whole numbers that were stored as floats (because others were missing) are whole numbers again.
    """
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, float):
        if value != value:
            return None
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, bytes):
        try:
            value = value[:LONGEST].decode()
        except UnicodeDecodeError:
            return None
    text = str(value)[:LONGEST].strip()
    return re.sub(r"(\d{7,16})\.0", r"\1", text) if re.fullmatch(r"\d{7,16}\.0", text) else text or None


LONGEST = 4096
"""Characters of a value that are looked at."""
