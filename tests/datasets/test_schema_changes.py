"""What changed from one schema to the next, and what the files of one dataset do not agree on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.datasets.schema import changes, renames, union
from catalog.model import Field


def fields(*told: tuple) -> list[Field]:
    """Fields from (path, id) or (path, id, type)."""
    return [Field(path, type[0] if type else "int64", id=id) for path, id, *type in told]


def shown(before, after) -> list[str]:
    return [change.shown for change in changes(before, after)]


RENAMED = [
    ("alone", [("a", 1), ("b", 2)], [("a", 1), ("c", 2)], {"b": "c"}),
    ("and moved", [("a", 1), ("b", 2)], [("c", 2), ("a", 1)], {"b": "c"}),
    ("and widened", [("a", 1, "int32")], [("b", 1, "int64")], {"a": "b"}),
    ("to another type, which no writer does", [("a", 1, "int64")], [("b", 1, "string")], {}),
    ("without an id", [("a", None)], [("b", None)], {}),
    ("while ids are counted anew in each file", [("a", 1), ("b", 2), ("c", 3)], [("b", 1), ("c", 2), ("d", 3)], {}),
    ("while an id is there twice", [("a", 1), ("b", 1)], [("c", 1)], {}),
    ("out of a struct", [("s", 1, "struct"), ("s.a", 2)], [("s", 1, "struct"), ("a", 2)], {"s.a": "a"}),
    ("with all that is in it", [("s", 1, "struct"), ("s.a", 2)], [("t", 1, "struct"), ("t.a", 2)], {"s": "t", "s.a": "t.a"}),
]  # fmt: skip


@pytest.mark.parametrize("before, after, expected", [one[1:] for one in RENAMED], ids=[one[0] for one in RENAMED])
def test_a_field_is_known_by_its_id(before, after, expected):
    assert renames(fields(*before), fields(*after)) == expected


@pytest.mark.parametrize(
    "before, after, expected",
    [
        ([("a", 1)], [("a", 1)], []),
        ([("a", 1), ("b", 2)], [("b", 2), ("a", 1)], []),
        ([("a", None)], [("a", 7)], []),
        ([("a", 1)], [("a", 7)], ["a: id 1 → 7"]),
        ([("a", None)], [("b", None)], ["- a", "+ b"]),
        ([("a", 1)], [("b", 1)], ["a → b"]),
        ([("a", 1, "int32")], [("b", 1, "int64")], ["a → b", "b: int32 → int64"]),
        ([("a", 1, "string")], [("a", 1, "large_string")], []),
        ([("s", 1, "struct"), ("s.a", 2)], [("t", 1, "struct"), ("t.a", 2)], ["s → t"]),
        ([("s", 1, "struct"), ("s.a", 2)], [("t", 1, "struct"), ("t.b", 2)], ["s → t", "s.a → t.b"]),
        ([("s", 1, "list"), ("s[]", None)], [("t", 1, "list"), ("t[]", None)], ["s → t"]),
        ([("s", 1, "list"), ("s[]", None)], [("t", 1, "list")], ["- s[]", "s → t"]),
        ([("s", 1), ("s\\.a", None)], [("t", 1), ("s\\.a", None)], ["s → t"]),
    ],
)
def test_changes_for_people(before, after, expected):
    assert shown(fields(*before), fields(*after)) == expected


def test_what_differs_of_a_column_that_stayed():
    before, after = Field("a", "int64", True, "x", 1, "m"), Field("a", "int64", False, None, 1, "ft")
    found = changes([before], [after])
    assert [(one.path, one.change, one.before, one.after) for one in found] == [
        ("a", "nullable", "nullable", "not null"), ("a", "unit", "m", "ft"), ("a", "doc", "x", None),
    ]  # fmt: skip
    assert [one.shown for one in found] == ["a: nullable → not null", "a: unit m → ft", "a: description"]


def test_a_table_whose_files_are_renamed_by_and_by():
    """Its schema has both names in between; the column is told as renamed twice, and never as new or gone."""
    old, both, new = fields(("a", 1)), fields(("a", 1), ("b", 1)), fields(("b", 1))
    assert shown(old, both) == shown(both, new) == shown(old, new) == ["a → b"]
    assert shown(both, both) == []
    inner = [fields((f"{name}", 1, "struct"), (f"{name}.x", 2)) for name in ("a", "b")]
    assert shown(inner[0], [*inner[0], *inner[1]]) == shown([*inner[0], *inner[1]], inner[1]) == ["a → b"]


def test_files_with_two_names_for_a_column_are_told_so():
    found, drift = union([fields(("a", 1), ("b", 2)), fields(("a", 1), ("c", 2)), fields(("a", 1), ("c", 2), ("d", 3))])
    assert [(field.path, field.nullable) for field in found] == [("a", True), ("b", True), ("c", True), ("d", True)]
    assert drift == ("b is named c in some files", "d is missing in some files")


def test_a_name_that_came_and_went_is_told_once():
    again = [Field("a", "int64", False, id=1)]
    assert union([fields(("a", 1)), fields(("b", 1)), again])[1] == ("a is named b in some files",)


paths = st.sampled_from(["a", "b", "a.x", "a[]", "a[].y", "b.x", "a\\.b", "c"])
some = st.builds(Field, paths, st.sampled_from(["int32", "int64", "string", "struct"]), st.booleans(), st.none(), st.none() | st.integers(0, 3))
schemas = st.lists(some, max_size=6, unique_by=lambda field: field.path)


@given(schemas, schemas)
def test_changes_account_for_every_column(before, after):
    found = changes(before, after)
    assert changes(after, after) == ()
    old, new = ({field.path for field in one} for one in (before, after))
    assert {one.path for one in found if one.change == "added"} <= new - old
    assert {one.path for one in found if one.change == "removed"} <= old - new
    if all(field.id is None for field in after):
        assert {one.path for one in found if one.change == "added"} == new - old
        assert {one.path for one in found if one.change == "removed"} == old - new
