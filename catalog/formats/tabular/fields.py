"""Fields as `model.Field` documents them, from Arrow schemas; the bounds every schema is held to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from catalog.model import Field

Details = dict[str, str | int | float | bool]
"""What goes into `Facts.details`."""
MOST_FIELDS = 10_000
DEEPEST = 32
_LONGEST_NAME = 1_000
_LONGEST_UNIT = 60
_DOCS = ("comment", "description", "doc", "long_name")
_UNITS = ("unit", "units")
_IDS = ("PARQUET:field_id", "iceberg.id")


def clean(name: str) -> str:
    """A name any database can hold: no NUL, no lone surrogates, bounded."""
    return name[:_LONGEST_NAME].encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def join(parent: str, name: str) -> str:
    """The path of member `name`; a dot in a name is written `\\.`."""
    own = clean(name).replace(".", "\\.")
    return f"{parent}.{own}" if parent else own


def bounded(fields: Iterable[Field], details: Details) -> tuple[Field, ...]:
    """At most `MOST_FIELDS` of `fields`; `details` gets `fields_cut` when there are more."""
    found = tuple(islice(fields, MOST_FIELDS + 1))
    if len(found) > MOST_FIELDS:
        details["fields_cut"] = True
    return found[:MOST_FIELDS]


class Told(NamedTuple):
    """What a file says of a field besides its name and type."""

    doc: str | None = None
    id: int | None = None
    unit: str | None = None


NOTHING = Told()


def told(attributes: Mapping[str, Any], *ids: str) -> Told:
    """Documentation, id and unit of a field, as its own attributes tell them.

    `ids` are the attributes that may hold the id: Arrow's, from Parquet and ORC, unless others are named.
    """
    unit = (_words(attributes, _UNITS) or "")[:_LONGEST_UNIT] or None
    return Told(_words(attributes, _DOCS), _id(attributes, ids or _IDS), unit)


def numbered(id: object) -> Told:
    """What is known of the items of a list, or of the keys and values of a map: at most an id."""
    return NOTHING if id is None else Told(id=_id({"id": id}, ("id",)))


def _words(attributes: Mapping[str, Any], names: Iterable[str]) -> str | None:
    found = (attributes.get(name) for name in names)
    return next((clean(words) for words in found if isinstance(words, str) and words), None)


def _id(attributes: Mapping[str, Any], names: Iterable[str]) -> int | None:
    for name in names:
        id = attributes.get(name)
        if isinstance(id, str) and id.isascii() and id.isdigit() and len(id) < 11:
            id = int(id)
        if isinstance(id, int) and not isinstance(id, bool) and 0 <= id < 1 << 31:
            return id
    return None


def from_arrow(schema: Any) -> Iterator[Field]:
    """The fields of a `pyarrow.Schema`, parents before members."""
    for field in schema:
        yield from _walk(join("", field.name), field.type, _nullable(field), _of_metadata(field.metadata), 1)


def _walk(path: str, type_: Any, nullable: bool, more: Told, depth: int) -> Iterator[Field]:
    import pyarrow.types as kinds

    while kinds.is_dictionary(type_) or kinds.is_run_end_encoded(type_):
        type_ = type_.value_type  # an encoding, which differs from file to file, and no type
    name, members = _members(path, type_)
    if kinds.is_fixed_size_list(type_) and more.doc is None:
        more = more._replace(doc=f"{type_.list_size} items each")
    yield Field(path, name, nullable, *more)
    if depth < DEEPEST:
        for child_path, child in members:
            yield from _walk(child_path, child.type, _nullable(child), _of_metadata(child.metadata), depth + 1)


def _members(path: str, type_: Any) -> tuple[str, Iterable[tuple[str, Any]]]:
    """The type's name, and path and Arrow field of each member."""
    import pyarrow.types as kinds

    if kinds.is_struct(type_) or kinds.is_union(type_):
        children = (type_.field(i) for i in range(type_.num_fields))
        return "struct" if kinds.is_struct(type_) else "union", ((join(path, c.name), c) for c in children)
    if kinds.is_map(type_):
        return "map", ((f"{path}.key", type_.key_field), (f"{path}.value", type_.item_field))
    if any(test(type_) for test in _list_tests()):
        return "list", ((f"{path}[]", type_.value_field),)
    return str(type_), ()


def _list_tests() -> Iterator[Any]:
    import pyarrow.types as kinds

    for name in ("is_list", "is_large_list", "is_fixed_size_list", "is_list_view", "is_large_list_view"):
        yield getattr(kinds, name)


def _nullable(field: Any) -> bool:
    """ORC itself cannot say that a column holds no null; Iceberg's writers note it beside."""
    return field.nullable and (field.metadata or {}).get(b"iceberg.required") != b"true"


def _of_metadata(metadata: Mapping[bytes, bytes] | None) -> Told:
    if not metadata:
        return NOTHING
    return told({key.decode("utf-8", "replace"): words.decode("utf-8", "replace") for key, words in metadata.items()})
