"""The labels that sensitive columns get."""

from __future__ import annotations

from collections.abc import Mapping

LABELS: Mapping[str, str] = {
    "email": "e-mail addresses",
    "phone": "telephone numbers",
    "card": "payment card numbers",
    "iban": "international bank account numbers",
    "national_id": "numbers that a state gives to persons",
    "coordinates": "places on the globe, in one column or a pair",
    "secret": "keys, tokens, passwords and hashes of them",
    "ip_address": "IPv4 and IPv6 addresses",
    "person_name": "names of persons; told by the column's name, at a low score",
    "date_of_birth": "dates of birth; told by the column's name, at a low score",
}
"""What a column can be labelled with, and what that means."""
