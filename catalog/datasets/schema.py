"""The canonical schema: one form for the columns of every format, its digest, and unions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

from catalog.model import Field

_WIDTH = {"int8": 1, "int16": 2, "int32": 3, "int64": 4, "float": 5, "halffloat": 5, "double": 6}
_SAME = {"large_string": "string", "string_view": "string", "large_binary": "binary"}


def canonical(fields: Sequence[Field]) -> str:
    """The fields as canonical JSON, in order: `[[path, type, nullable, doc], …]`.

    Id and unit stand behind that where a field has either: what has neither keeps the digest it always had.
    """
    rows = [_row(field) for field in fields]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def _row(field: Field) -> list[object]:
    row: list[object] = [field.path, field.type, field.nullable, field.doc]
    return row if field.id is None and field.unit is None else [*row, field.id, field.unit]


def schema_digest(fields: Sequence[Field]) -> str:
    """Hex SHA-256 of the canonical JSON."""
    return sha256(canonical(fields).encode()).hexdigest()


def union(schemas: Sequence[Sequence[Field]]) -> tuple[tuple[Field, ...], tuple[str, ...]]:
    """All fields of several schemas in first-seen order, and what drifted, for people.

    A field missing from one of them is nullable; types widen as Arrow would widen them
    (`int64` and `double` make `double`); for types that do not, the first one stays. An id on which
    the files do not agree is none.
    """
    fields: dict[str, Field] = {}
    present: dict[str, int] = {}
    drift: dict[str, None] = {}
    for schema in schemas:
        for field in schema:
            present[field.path] = present.get(field.path, 0) + 1
            known = fields.setdefault(field.path, field)
            wider = _wider(known.type, field.type)
            if wider is None:
                drift[f"{field.path} is {known.type} in some files and {field.type} in others"] = None
            if known.unit and field.unit and known.unit != field.unit:
                drift[f"{field.path} is in {known.unit} in some files and in {field.unit} in others"] = None
            fields[field.path] = replace(
                known, type=wider or known.type, nullable=known.nullable or field.nullable, doc=known.doc or field.doc,
                id=known.id if known.id == field.id else None, unit=known.unit or field.unit,
            )  # fmt: skip
    for path, times in present.items():
        if times < len(schemas):
            fields[path] = replace(fields[path], nullable=True)
            drift[f"{path} is missing in some files"] = None
    return tuple(fields.values()), tuple(drift)


def _wider(a: str, b: str) -> str | None:
    a, b = _SAME.get(a, a), _SAME.get(b, b)
    if a == b or b == "null":
        return a
    if a == "null":
        return b
    if a in _WIDTH and b in _WIDTH:
        return max(a, b, key=_WIDTH.__getitem__)
    return None
