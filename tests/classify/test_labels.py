"""Which columns get a label, and above all which do not."""

from __future__ import annotations

import hashlib
import random
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.classify import names, national, secrets, values
from catalog.classify.columns import MOST, classify, distinct
from catalog.model.labels import LABELS

CHANCE = random.Random(7)


def with_luhn(digits: str) -> str:
    return digits + next(d for d in "0123456789" if values.luhn(digits + d))


CARDS = [with_luhn(f"4{CHANCE.randrange(10**14):014}") for _ in range(40)]
EMAILS = [f"ann{n}@example.org" for n in range(40)]
SSNS = [f"{CHANCE.randrange(1, 600):03}-{CHANCE.randrange(1, 99):02}-{CHANCE.randrange(1, 9999):04}" for _ in range(80)]


def label_of(path, column):
    found = classify({path: column})
    return found[0].label if found else None


@pytest.mark.parametrize(
    ("path", "column", "label"),
    [
        ("x", EMAILS, "email"),
        ("x", [f"Ann {n} <{mail}>" for n, mail in enumerate(EMAILS)], "email"),
        ("contact", [*EMAILS[:10], *"abcdefghij"], "email"),
        ("x", CARDS, "card"),
        ("x", [int(n) for n in CARDS], "card"),
        ("x", [float(n) for n in CARDS if int(n) < 2**53], "card"),
        ("cardNumber", [f"{n[:4]} {n[4:8]} {n[8:12]} {n[12:]}" for n in CARDS[:2]], "card"),
        ("x", ["DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "FR1420041010050500013M02606"], "iban"),
        ("x", [f"+49 170 12345{n}" for n in range(10, 40)], "phone"),
        ("x", [f"(212) 555-{n}" for n in range(1000, 1040)], "phone"),
        ("user.phone.number", [f"0170 12345{n}" for n in range(10, 40)], "phone"),
        ("手机", [f"138001380{n}" for n in range(10, 40)], "phone"),
        ("x", SSNS, "national_id"),
        ("ssn", ["123-45-6788", "219-09-9998"], "national_id"),
        ("client_ip", ["10.1.2.3", "2001:db8::1"], "ip_address"),
        ("x", [f"203.0.113.{n}" for n in range(100, 140)], "ip_address"),
        ("aws", ["AKIA" + "QWERTYUIOPASDFGH"], "secret"),
        ("setting", ["on", "off", "-----BEGIN RSA PRIVATE KEY-----\nMIIE"], "secret"),
        ("url", ["postgres://app:hunter22@db.example.org/x"], "secret"),
        ("user.passwordHash", ["$2b$12$" + "a" * 53], "secret"),
        ("api_key", [hashlib.sha1(bytes([n])).hexdigest() for n in range(20)], "secret"),
        ("password", ["hunter2", "correct-horse", "Tr0ub4dor"], "secret"),
        ("location", ["52.5200,13.4050", "48.8566,2.3522"], "coordinates"),
        ("geom", ["POINT (13.4050 52.5200)", "POINT (2.3522 48.8566)"], "coordinates"),
        ("last_name", ["Müller", "O'Neill", "Ng"], "person_name"),
        ("dateOfBirth", ["1980-02-29", "2001-12-01"], "date_of_birth"),
    ],
)  # fmt: skip
def test_a_sensitive_column_is_told(path, column, label):
    assert label_of(path, column) == label


@pytest.mark.parametrize(
    ("path", "column"),
    [
        ("card_id", list(range(1000, 1400))),
        ("token", ["the", "cat", "sat"]),
        ("token_count", [512, 1024]),
        ("email_verified", [True, False, None]),
        ("phone_model", ["Pixel 9", "iPhone 15"]),
        ("ip", ["tcp", "udp"]),
        ("version", ["1.2.3.4", "10.20.30.40"]),
        ("x", [f"1.{n}.0.{n}" for n in range(40)]),
        ("file", [f"icon{n}@2x.png" for n in range(40)]),
        ("repo", [f"git@github.com:org/repo{n}.git" for n in range(40)]),
        ("isbn", [f"978-3-16-14{n}-0" for n in range(1000, 1040)]),
        ("date", [f"2024-01-{n:02}" for n in range(1, 29)]),
        ("date", [f"{n:02}.01.2024" for n in range(1, 29)]),
        ("name", ["Red chair", "Lamp"]),
        ("first_name", [17, 18, 19]),
        ("lat", [1, 2, 3]),
        ("location", ["Berlin", "Paris"]),
        ("sin", [0.5, 0.25, -0.1]),
        ("password_changed_at", ["2024-01-01T10:00:00", "2024-02-01T10:00:00"]),
        ("born", ["yesterday"]),
        ("empty", []),
        ("nothing", [None, None, float("nan"), ""]),
    ],
)  # fmt: skip
def test_a_harmless_column_gets_no_label(path, column):
    assert label_of(path, column) is None


@settings(max_examples=60, deadline=None)
@given(st.integers(4, 19), st.integers(0, 2**32), st.sampled_from(["id", "x", "order_id", "ref", "value", "n"]))
def test_random_numbers_get_no_label(digits, seed, path):
    chance = random.Random(seed)
    assert label_of(path, [chance.randrange(10 ** (digits - 1), 10**digits) for _ in range(200)]) is None


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["id", "hash", "x", "checksum", "key"]))
def test_random_hashes_and_uuids_get_no_label(seed, path):
    chance = random.Random(seed)
    assert label_of(path, [str(uuid.UUID(int=chance.getrandbits(128))) for _ in range(100)]) is None
    assert label_of(path, [hashlib.md5(chance.randbytes(9)).hexdigest() for _ in range(100)]) is None


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_product_codes_written_like_social_security_numbers_get_no_label(seed):
    chance = random.Random(seed)
    codes = [f"{chance.randrange(1000):03}-{chance.randrange(100):02}-{chance.randrange(10000):04}" for _ in range(200)]
    assert label_of("code", codes) is None


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=30),
        st.lists(
            st.one_of(st.text(max_size=80), st.integers(), st.floats(), st.binary(max_size=40), st.dates()), max_size=20
        ),
        max_size=5,
    )
)
def test_whatever_comes_is_weighed(columns):
    for found in classify(columns):
        assert found.label in LABELS
        assert 0 < found.score <= 1
        assert 0 < found.matched <= found.sampled <= MOST
        assert found.path in columns


def test_numbers_that_pass_at_chance_rate_are_no_cards_and_a_name_alone_makes_none():
    tenth = [n if at % 10 else CARDS[at // 10] for at, n in enumerate(range(4 * 10**15, 4 * 10**15 + 300))]
    assert label_of("order_id", tenth) is None
    assert label_of("card_number", tenth) is None


def test_both_columns_of_a_pair_are_places_and_others_are_not():
    grid = [round(n * 1.2345 - 60, 4) for n in range(90)]
    found = classify(
        {"home.lat": grid, "home.lng": grid, "x": grid, "work.lat": grid, "start_lat": grid, "end_lng": grid}
    )
    assert [one.path for one in found] == ["home.lat", "home.lng"]
    assert {one.label for one in found} == {"coordinates"}


def test_places_scaled_to_whole_numbers_are_places():
    pair = {
        "latitudeE7": [525200070 + n * 1234567 for n in range(9)],
        "longitudeE7": [134049540 + n * 1234567 for n in range(9)],
    }
    assert [one.label for one in classify(pair)] == ["coordinates"] * 2


def test_a_name_is_that_of_a_person_where_others_tell_of_persons():
    people = ["Ann Lee", "Bob Ray", "Cleo Roy"]
    assert label_of("name", people) is None
    assert [one.label for one in classify({"name": people, "email": EMAILS[:3]})] == ["person_name", "email"]


@pytest.mark.skipif(
    not national.installed(), reason="python-stdnum is not installed: pip install 'silograph[classify]'"
)
@pytest.mark.parametrize(
    ("country", "numbers"),
    [
        ("es", ["12345678Z", "87654321X"]),
        ("it", ["RSSMRA85T10A562S", "MRTMTT91D08F205J"]),
        ("nl", ["111222333", "123456782", "997110089", "388021299", "276618099", "290520927"]),
        ("br", ["390.533.447-05", "529.982.247-25"]),
        ("pl", ["44051401359", "02070803628"]),
        ("fi", ["131052-308T", "131052A308T"]),
        ("za", ["8001015009087", "7503305044089"]),
    ],
)  # fmt: skip
def test_the_country_of_an_id_is_told(country, numbers):
    (found,) = classify({"national_id": numbers})
    assert (found.label, found.country) == ("national_id", country)


def test_ids_of_no_known_country_are_told_by_a_name_that_leaves_no_doubt():
    (found,) = classify({"nationalIdNumber": [f"XQ-{n}-ZZ9" for n in range(1234567, 1234580)]})
    assert (found.label, found.country) == ("national_id", None)
    assert found.score <= 0.5


def test_a_score_falls_with_the_share_and_with_a_silent_name():
    whole, half = classify({"email": EMAILS, "mail": [*EMAILS, *(str(n) for n in range(40))]})
    (silent,) = classify({"x": EMAILS})
    assert (whole.score, half.score) == (1.0, 0.5)
    assert silent.score < whole.score
    assert (half.sampled, half.matched) == (80, 40)


@pytest.mark.parametrize(
    ("path", "own", "whole"),
    [
        ("customerEmail", "customer_email", "customer_email"),
        ("contact.phone.number", "number", "phone_number"),
        ("users[].E-Mail", "e_mail", "e_mail"),
        ("Téléphone", "telephone", "telephone"),
        ("HTTPServerIP", "http_server_ip", "http_server_ip"),
        (r"a\.b", "a_b", "a_b"),
        ("", "", ""),
    ],
)  # fmt: skip
def test_names_are_read_as_words(path, own, whole):
    assert names.read(path) == names.Name(own, whole)


def test_values_are_distinct_bounded_and_whole_again():
    assert distinct([1.0, 1, "1", None, True, b"\xff", " x "]) == ["1", "x"]
    assert len(distinct(range(10 * MOST))) == MOST
    assert len(distinct(["a" * 10**6])[0]) == values.LONGEST


@pytest.mark.parametrize(
    "text", ["a" * 5000, "x@" * 2000, "1" * 5000, "(" * 4000, "https://" + "a:" * 2000, "-" * 4096, "1 " * 2000]
)
def test_hostile_values_are_weighed_at_once(text):
    assert not any(
        check(text)
        for check in (values.email, values.card, values.iban, values.phone, values.ip_address, secrets.known)
    )
