"""The canonical schema: one form for the columns of every format, its digest, unions, and what changed between two."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise

from catalog.model import ColumnChange, Field

_WIDTH = {"int8": 1, "int16": 2, "int32": 3, "int64": 4, "float": 5, "halffloat": 5, "double": 6}
_INNER = re.compile(r"\.|\[\]")
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
    the files do not agree is none. A column with two names is two fields, for so its files are read, but
    neither of them is told as missing.
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
    names = _names(schemas)
    both = {*names, *names.values()}
    drift |= dict.fromkeys(f"{path} is named {name} in some files" for path, name in _told(names).items())
    for path, times in present.items():
        if times < len(schemas):
            fields[path] = replace(fields[path], nullable=True)
            if path not in both:
                drift[f"{path} is missing in some files"] = None
    return tuple(fields.values()), tuple(drift)


def _names(schemas: Sequence[Sequence[Field]]) -> dict[str, str]:
    """Fields that have another name in the next of the schemas."""
    names: dict[str, str] = {}
    for before, after in pairwise(schemas):
        names |= {path: name for path, name in renames(before, after).items() if names.get(name) != path}
    return names


def renames(before: Sequence[Field], after: Sequence[Field]) -> dict[str, str]:
    """The present path of each field of `before` that has another one in `after`, known by the id of the field.

    Some writers count ids anew in each file. So those of two schemas mean something only where the fields that have
    the same path in both have the same id too.
    """
    old, new = ({field.path: field for field in one} for one in (before, after))
    if not _agree(old, new):
        return {}
    gone, come = _by_id(old, new), _by_id(new, old)
    return {
        gone[id].path: come[id].path for id in gone if id in come and _wider(gone[id].type, come[id].type) is not None
    }


def _agree(old: Mapping[str, Field], new: Mapping[str, Field]) -> bool:
    """Whether no field has another id in one than in the other."""
    kept = ((old[path].id, new[path].id) for path in old.keys() & new.keys())
    return all(None in ids or ids[0] == ids[1] for ids in kept)


def _by_id(fields: Mapping[str, Field], others: Mapping[str, Field]) -> dict[int, Field]:
    """The fields that have an id no other has, and no namesake among `others`."""
    times = Counter(field.id for field in fields.values())
    alone = (field for path, field in fields.items() if path not in others)
    return {field.id: field for field in alone if field.id is not None and times[field.id] == 1}


def _told(names: Mapping[str, str]) -> dict[str, str]:
    """Those of `names` that do not follow from the new name of what they are in."""
    return {path: name for path, name in names.items() if name != _within(path, names)}


def _moved(path: str, names: Mapping[str, str]) -> str:
    """Where a field is now, by its own new name or that of what it is in."""
    return names.get(path) or _within(path, names)


def _within(path: str, names: Mapping[str, str]) -> str:
    """Where a field is now, by the new name of the nearest field that it is in."""
    ends = (match.start() for match in _INNER.finditer(path))
    nearest = max((end for end in ends if path[:end] in names), default=None)
    return path if nearest is None else names[path[:nearest]] + path[nearest:]


def changes(before: Sequence[Field], after: Sequence[Field]) -> tuple[ColumnChange, ...]:
    """What differs from one schema to the next: columns that went, then each of the present ones.

    Neither their order counts, nor an id that was not known before.
    """
    names = renames(before, after)
    present = {field.path for field in after}
    old = {field.path if field.path in present else _moved(field.path, names): field for field in before}
    names |= _both_names(before, after, names)
    renamed = {name: ColumnChange(name, "renamed", path, name) for path, name in _told(names).items()}
    gone = (field for path, field in old.items() if path not in present and field.path not in names)
    found = [ColumnChange(field.path, "removed", before=field.type) for field in gone]
    come = set(names.values())
    for field in after:
        if field.path in renamed:
            found.append(renamed[field.path])
        if field.path in old:
            found += _differences(old[field.path], field)
        elif field.path not in come:
            found.append(ColumnChange(field.path, "added", after=field.type))
    return tuple(found)


def _both_names(before: Sequence[Field], after: Sequence[Field], names: Mapping[str, str]) -> dict[str, str]:
    """Columns that one of two schemas has under both names, as while a table's files are written anew one by one."""
    old, new = ({field.path: field for field in one} for one in (before, after))
    if not _agree(old, new):
        return {}
    kept = {field.id: path for path, field in new.items() if path in old and field.id is not None}
    gone = {path: kept[f.id] for path, f in old.items() if path not in new and path not in names and f.id in kept}
    come = {kept[f.id]: path for path, f in new.items() if path not in old and f.id in kept}
    return gone | come


def _differences(old: Field, new: Field) -> Iterator[ColumnChange]:
    path = new.path
    if _SAME.get(old.type, old.type) != _SAME.get(new.type, new.type):
        yield ColumnChange(path, "type", old.type, new.type)
    if old.nullable != new.nullable:
        yield ColumnChange(path, "nullable", *("nullable" if f.nullable else "not null" for f in (old, new)))
    if old.unit != new.unit:
        yield ColumnChange(path, "unit", old.unit, new.unit)
    if old.doc != new.doc:
        yield ColumnChange(path, "doc", old.doc, new.doc)
    if None not in (old.id, new.id) and old.id != new.id:
        yield ColumnChange(path, "id", str(old.id), str(new.id))


def _wider(a: str, b: str) -> str | None:
    a, b = _SAME.get(a, a), _SAME.get(b, b)
    if a == b or b == "null":
        return a
    if a == "null":
        return b
    if a in _WIDTH and b in _WIDTH:
        return max(a, b, key=_WIDTH.__getitem__)
    return None
