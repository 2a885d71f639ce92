"""How well sensitive columns are told: precision and recall of each label, on made-up people of many countries.

Columns come from `faker`, of two groups of locales: the rules were written looking at the first group; the second
was kept aside. Each kind of column comes named (in words of several languages), under a name that says nothing, and
mixed with values that are none of it; beside them stand columns that must get no label: ids, hashes, UUIDs, timestamps,
prices, product codes, versions, numbers that pass a check digit by chance. Made-up numbers and well-known names are
easier than those of real tables: the figures compare releases, they are no promise. `--tree DIR` looks into real ones.

    python benchmarks/classify.py              # a table of figures for either half
    python benchmarks/classify.py --wrong      # and each column that was told wrong
    python benchmarks/classify.py --tree DIR   # every label in the tables below a folder, for a person to judge
"""

from __future__ import annotations

import argparse
import hashlib
import random
import string
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from faker import Faker

from catalog.classify.columns import classify
from catalog.classify.values import luhn
from catalog.formats.classifying import SampledFile, classify_files
from catalog.formats.names import claimed_format
from catalog.formats.tabular.values import SAMPLED
from catalog.model.labels import LABELS

TUNED = ("en_US", "de_DE", "fr_FR", "es_ES", "it_IT", "pl_PL", "pt_BR", "sv_SE", "en_GB")
HELD_OUT = ("nl_NL", "fi_FI", "no_NO", "ro_RO", "cs_CZ", "bg_BG", "ja_JP", "zh_CN", "ko_KR", "en_IN", "tr_TR",
            "da_DK", "hu_HU", "el_GR", "uk_UA")  # fmt: skip
ROWS = 300
ANYWHERE = Faker("en_US")
"""Cards are the same everywhere."""


class Column(NamedTuple):
    table: str
    path: str
    truth: str | None
    values: list[Any]


NAMED = {
    "email": (
        "email",
        "customerEmail",
        "e_mail_address",
        "contact.email",
        "correo_electronico",
        "courriel",
        "posta_elettronica",
    ),
    "phone": ("phone", "mobileNumber", "tel", "user.phone.number", "telefono", "Telefonnummer", "handy"),
    "card": ("card_number", "creditCard", "cc_number", "payment.card.number", "numero_tarjeta", "pan"),
    "iban": ("iban", "bankAccount", "account_number", "payout.iban", "kontonummer"),
    "national_id": ("national_id", "ssn", "taxId", "personal_number", "person.nationalId", "identity_number"),
    "ip_address": ("ip", "client_ip", "remoteAddr", "request.ip_address", "source_ip"),
    "person_name": ("full_name", "lastName", "customer_name", "person.surname", "vorname", "apellidos"),
    "date_of_birth": ("dob", "birthDate", "date_of_birth", "person.birthday", "geburtsdatum", "fecha_nacimiento"),
}
SILENT = ("col7", "value", "field_a", "x", "attr.payload", "info")
ALONE = frozenset({"email", "card", "iban", "ip_address"})
"""Labels that values without a telling name are expected to get."""


def _person(label: str, fake: Faker, chance: random.Random) -> Callable[[], Any]:
    national = fake.ssn
    return {
        "email": fake.email, "phone": fake.phone_number, "iban": fake.iban, "national_id": national,
        "card": lambda: ANYWHERE.credit_card_number(chance.choice(("visa16", "mastercard", "amex", "discover"))),
        "ip_address": lambda: chance.choice((fake.ipv4_public, fake.ipv6))(),
        "person_name": fake.name,
        "date_of_birth": lambda: fake.date_of_birth(minimum_age=1, maximum_age=95).isoformat(),
    }[label]  # fmt: skip


def sensitive(locale: str, seed: int) -> Iterator[Column]:
    """The columns of one locale that should get labels."""
    fake, chance = Faker(locale), random.Random(seed)
    fake.seed_instance(seed)
    for label, names in NAMED.items():
        make = _person(label, fake, chance)
        if label == "person_name" and locale in ("ja_JP", "zh_CN", "ko_KR"):
            names = (*names, {"ja_JP": "氏名", "zh_CN": "姓名", "ko_KR": "이름"}[locale])
        for name in names:
            values = [make() for _ in range(ROWS)]
            gaps = [None if chance.random() < 0.3 else v for v in values]
            yield Column(locale, name, label, gaps)
        if label in ALONE:
            yield Column(locale, chance.choice(SILENT), label, [make() for _ in range(ROWS)])
    yield Column(
        locale, "contact", "email", [fake.email() if chance.random() < 0.5 else fake.user_name() for _ in range(ROWS)]
    )
    yield from _places(locale, chance)
    yield from _secrets(locale, chance)


def _places(table: str, chance: random.Random) -> Iterator[Column]:
    north, east = chance.uniform(-60, 60), chance.uniform(-170, 170)
    for one, other in (
        ("lat", "lon"),
        ("home_latitude", "home_longitude"),
        ("pickup.lat", "pickup.lng"),
        ("geoLat", "geoLong"),
    ):
        yield Column(table, one, "coordinates", [round(north + chance.gauss(0, 0.2), 6) for _ in range(ROWS)])
        yield Column(table, other, "coordinates", [round(east + chance.gauss(0, 0.2), 6) for _ in range(ROWS)])
    both = [f"{north + chance.gauss(0, 0.2):.5f},{east + chance.gauss(0, 0.2):.5f}" for _ in range(ROWS)]
    yield Column(table, "location", "coordinates", both)


def _secrets(table: str, chance: random.Random) -> Iterator[Column]:
    def text(length: int, letters: str = string.ascii_letters + string.digits) -> str:
        return "".join(chance.choice(letters) for _ in range(length))

    upper = string.ascii_uppercase + "234567"
    yield Column(table, "aws", "secret", ["AKIA" + text(16, upper) for _ in range(20)])
    yield Column(table, "value", "secret", [*("ghp_" + text(36) for _ in range(3)), *(text(8) for _ in range(ROWS))])
    yield Column(table, "api_key", "secret", [text(40) for _ in range(ROWS)])
    yield Column(table, "sessionToken", "secret", [str(uuid.UUID(int=chance.getrandbits(128))) for _ in range(ROWS)])
    yield Column(table, "password_hash", "secret", ["$2b$12$" + text(53) for _ in range(ROWS)])
    yield Column(table, "passwd", "secret", [text(chance.randint(6, 14)) for _ in range(ROWS)])
    yield Column(table, "conn", "secret", [f"postgresql://app:{text(12)}@db{n}.example.org/x" for n in range(9)])


def harmless(locale: str, seed: int) -> Iterator[Column]:
    """Columns of one locale that should get none."""
    fake, chance = Faker(locale), random.Random(seed)
    fake.seed_instance(seed)
    for digits in range(5, 19):
        low, high = 10 ** (digits - 1), 10**digits
        for name in ("id", f"n{digits}", "order_number", "account_ref"):
            yield Column(locale, name, None, [chance.randrange(low, high) for _ in range(ROWS)])
    with_digit = [str(chance.randrange(10**14, 10**15)) for _ in range(ROWS)]
    yield Column(
        locale,
        "tracking",
        None,
        [n + next(d for d in "0123456789" if luhn(n + d)) for n in with_digit if n[0] in "1789"],
    )
    yield Column(locale, "sequence", None, [4 * 10**15 + n for n in range(ROWS)])
    made: dict[str, Callable[[], Any]] = {
        "uuid": lambda: str(uuid.UUID(int=chance.getrandbits(128))),
        "sha256": lambda: hashlib.sha256(chance.randbytes(8)).hexdigest(),
        "md5": lambda: hashlib.md5(chance.randbytes(8)).hexdigest(),
        "created_at": lambda: chance.randrange(1_500_000_000, 1_800_000_000),
        "ts": lambda: chance.randrange(1_500_000_000_000, 1_800_000_000_000),
        "event_time": lambda: f"{chance.randrange(2010, 2026)}-{chance.randrange(1, 13):02}-11 10:00",
        "date": lambda: f"{chance.randrange(1, 29):02}.{chance.randrange(1, 13):02}.20{chance.randrange(10, 26)}",
        "price": lambda: round(chance.uniform(0.5, 999), 2),
        "score": chance.random, "label": lambda: chance.randrange(10),
        "sku": lambda: f"{chance.choice('ABCXYZ')}{chance.randrange(1000):03}-{chance.randrange(10000):04}",
        "product_code": lambda: f"{chance.randrange(1000):03}-{chance.randrange(100):02}-{chance.randrange(10000):04}",
        "part": lambda: f"{chance.randrange(1000):03}-{chance.randrange(1000):03}-{chance.randrange(10000):04}",
        "isbn": lambda: f"978-3-{chance.randrange(10000):04}-{chance.randrange(10000):04}-{chance.randrange(10)}",
        "ean": lambda: chance.randrange(4 * 10**12, 5 * 10**12),
        "version": lambda: ".".join(str(chance.randrange(most)) for most in (9, 30, 40, 90)),
        "token": lambda: chance.choice(("the", "a", "cat", "sat", "##ing")), "tokens": lambda: chance.randrange(4096),
        "email_verified": lambda: chance.random() < 0.5, "phone_model": lambda: f"Pixel {chance.randrange(9)} Pro",
        "card_type": lambda: chance.choice(("visa", "amex")), "company": fake.company, "city": fake.city,
        "file_name": lambda: f"img_{chance.randrange(9999):04}@2x.png", "sentence": fake.sentence, "job": fake.job,
        "address": fake.street_address, "zip": fake.postcode, "url": fake.url, "user_agent": fake.user_agent,
        "x": lambda: chance.uniform(-80, 80), "y": lambda: chance.uniform(-80, 80),
        "latency": lambda: chance.uniform(0, 80),
        "name": lambda: chance.choice(("Small Red Chair", "Big Table", "Lamp")), "country": fake.country_code,
        "path": lambda: f"/data/{chance.randrange(99)}/part.parquet", "status": lambda: chance.choice(("ok", "failed")),
    }  # fmt: skip
    for name, make in made.items():
        yield Column(locale, name, None, [make() for _ in range(ROWS)])


def told(columns: list[Column]) -> Iterator[tuple[Column, str | None]]:
    """Each column and the label it got. Pairs of coordinates are looked at together, all else alone."""
    pairs = {c.path: c.values for c in columns if c.truth == "coordinates"}
    places = {found.path: found.label for found in classify(pairs)}
    for column in columns:
        if column.path in pairs and column.truth == "coordinates":
            yield column, places.get(column.path)
        else:
            found = classify({column.path: column.values})
            yield column, found[0].label if found else None


def measure(title: str, locales: tuple[str, ...], wrong: bool) -> None:
    right, missed, false = Counter[str](), Counter[str](), Counter[str]()
    number = values = 0
    began = time.process_time()
    for seed, locale in enumerate(locales):
        for column, label in told([*sensitive(locale, seed), *harmless(locale, seed + 1000)]):
            number, values = number + 1, values + len(column.values)
            if label == column.truth:
                right[label or "none"] += 1
                continue
            missed[column.truth or "none"] += 1
            false[label or "none"] += 1
            if wrong:
                shown = [value for value in column.values if value is not None][:2]
                print(f"  {locale} {column.path}: {column.truth} told as {label}, such as {shown}")
    spent = time.process_time() - began
    print(f"\n{title}: {number} columns of {len(locales)} locales, {spent / number * 1000:.0f} ms CPU a column")
    print(f"{'label':16}{'columns':>8}{'precision':>11}{'recall':>9}")
    for label in (*LABELS, "none"):
        asked, given = right[label] + missed[label], right[label] + false[label]
        precision = f"{right[label] / given:.1%}" if given else "-"
        recall = f"{right[label] / asked:.1%}" if asked else "-"
        print(f"{label:16}{asked:8}{precision:>11}{recall:>9}")


def tree(folder: Path) -> None:
    """Each label in the tables below a folder."""
    columns = tables = 0
    for path in sorted(folder.rglob("*")):
        format = claimed_format(path.name)
        if format not in SAMPLED or not path.is_file():
            continue
        data = path.read_bytes()
        told = classify_files(
            [SampledFile(path.name, len(data), format)], lambda _, at, n, data=data: data[at : at + n]
        )
        tables, columns = tables + bool(told.columns), columns + told.columns
        for label in told.labels:
            print(f"{path.relative_to(folder)}  {label.path}: {label.shown}, {label.matched} of {label.sampled}")
    print(f"{tables} tables, {columns} columns")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wrong", action="store_true", help="name each column that was told wrong")
    parser.add_argument("--tuned-only", action="store_true", help="leave the locales alone that are kept aside")
    parser.add_argument("--tree", type=Path, metavar="DIR", help="look into the tables below DIR instead")
    asked = parser.parse_args()
    if asked.tree:
        tree(asked.tree)
        return
    measure("locales the rules were written with", TUNED, asked.wrong)
    if not asked.tuned_only:
        measure("locales kept aside", HELD_OUT, asked.wrong)


if __name__ == "__main__":
    main()
