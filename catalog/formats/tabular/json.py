"""JSON documents and JSON Lines (RFC 8259, jsonlines.org): the union of the types in the first records."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from catalog import text
from catalog.errors import InspectError
from catalog.formats.base import KIB, RangeReader, parsing
from catalog.formats.tabular.fields import MOST_FIELDS, Details, bounded
from catalog.formats.tabular.sample import WHOLE, Sample, read_text
from catalog.formats.tabular.shape import Budget, Shape
from catalog.model import Facts, Field

_SAMPLE = 256 * KIB
_RECORDS = 1_000
_DEEPEST = 512
_SEVERAL = "Extra data"
"""How `json` words it that a document ends and another begins: JSON Lines, whatever the name."""


def inspect(reader: RangeReader) -> Facts:
    """Facts of one document: an array's elements are rows, a single object is one row."""
    sample = read_text(reader, _SAMPLE)
    with parsing(reader, "JSON"):
        if not sample.text.strip():
            raise InspectError("The file holds no JSON value.", finding="truncated")
        try:
            value = json.loads(sample.text if sample.whole else close_off(sample.text[:_SAMPLE]))
        except json.JSONDecodeError as error:
            if error.msg.startswith(_SEVERAL):
                return inspect_lines(reader)
            raise
        rows = value if isinstance(value, list) else [value]
        layout = "array" if isinstance(value, list) else "object" if isinstance(value, dict) else "value"
        count = len(rows) if sample.whole else None
        return _facts("json", rows[:_RECORDS], sample, count, {"layout": layout})


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first values of a file as rows, and the fields they have; `keyed` when a row's keys are data themselves."""

    rows: list[object]
    fields: tuple[Field, ...]
    keyed: bool


def beginning(reader: RangeReader) -> Beginning:
    """The first rows of a document."""
    sample = read_text(reader, _SAMPLE)
    try:
        value = json.loads(sample.text if sample.whole else close_off(sample.text[:_SAMPLE]))
    except json.JSONDecodeError as error:
        if error.msg.startswith(_SEVERAL):
            return beginning_of_lines(reader)
        raise
    return _beginning(value if isinstance(value, list) else [value])


def beginning_of_lines(reader: RangeReader) -> Beginning:
    """The first rows of JSON Lines."""
    sample = read_text(reader, WHOLE)
    return _beginning(_parsed(sample.text.split("\n")[: None if sample.whole else -1])[0])


def _beginning(rows: list[object]) -> Beginning:
    _, keyed, fields = _shaped(rows[:_RECORDS])
    return Beginning(rows[:_RECORDS], tuple(islice(fields, MOST_FIELDS)), keyed)


def inspect_lines(reader: RangeReader) -> Facts:
    """Facts of JSON Lines; rows only where the whole file is within 1 MiB."""
    sample = read_text(reader, _SAMPLE)
    with parsing(reader, "JSON Lines"):
        lines = sample.text.split("\n")
        if not sample.whole:
            lines.pop()
        lines = [line for line in lines if line.strip()]
        if not lines and not sample.whole:
            raise InspectError("The first line is longer than 256 KiB.", finding="too_large")
        rows, bad = _parsed(lines)
        if bad and not rows:
            raise InspectError("No line is a JSON value.", finding="corrupt")
        details: Details = {"bad_lines": bad} if bad else {}
        return _facts("jsonl", rows, sample, len(lines) if sample.whole else None, details)


def _parsed(lines: list[str]) -> tuple[list[object], int]:
    """The values of the first lines that are no blanks, and how many are none."""
    rows: list[object] = []
    bad = 0
    for line in islice((line for line in lines if line.strip()), _RECORDS):
        try:
            rows.append(json.loads(line))
        except ValueError:
            bad += 1
    return rows, bad


def _shaped(rows: list[object]) -> tuple[Shape, bool, Iterable[Field]]:
    """The shape of rows, whether their keys are data, and their fields."""
    shape = Shape(Budget())
    for row in rows:
        shape.add(row)
    records = shape.kinds - {"null"} == {"struct"}
    keyed = records and shape.is_map()
    return shape, keyed, shape.columns() if records and not keyed else _alone(shape, keyed)


def _facts(name: str, rows: list[object], sample: Sample, count: int | None, details: Details) -> Facts:
    shape, _, found = _shaped(rows)
    budget = shape.budget
    details["encoding"] = sample.encoding
    fields = bounded(found, details)
    if not rows:
        fields = ()
    if budget.left <= 0:
        details["fields_cut"] = True
    if budget.mixed:
        details["mixed_types"] = text.safe(", ".join(budget.mixed[:5]), 200)
    return Facts(name, fields, count, sample.codec, details)


def _alone(shape: Shape, keyed: bool) -> list[Field]:
    """Fields of rows that are no records: `value`, or `key` and `value` where the keys are data."""
    if not keyed:
        return list(shape.fields("value"))
    return [Field("key", "string"), *shape.values().fields("value")]


# ---------------------------------------------------------------- documents cut off

_PLAIN = r"(?:[\s:]|\"(?:[^\"\\]|\\.)*+\"|-?\d[-+.\deE]*+|true|false|null|NaN|-?Infinity)*+"
_NEXT = re.compile(_PLAIN + r"([{}\[\],])", re.DOTALL)
"""Keys and plain values up to the next bracket or comma."""
_CUT = re.compile(_PLAIN + r"(?:\"(?:[^\"\\]|\\.)*+\\?|-?\w{0,8})", re.DOTALL)


def close_off(document: str) -> str:
    """The longest beginning of a cut-off document that is complete, with its open brackets closed.

    Raises `ValueError` where it is not JSON before it is cut off, or has ended before that.
    """
    stack: list[str] = []
    at, cut, closers = 0, 0, ""
    while match := _NEXT.match(document, at):
        mark, at = match[1], match.end()
        if mark in "{[":
            stack.append("}" if mark == "{" else "]")
            if len(stack) > _DEEPEST:
                raise RecursionError("nested too deep")
        elif mark in "}]" and (not stack or stack.pop() != mark):
            raise ValueError("brackets do not match")
        if not stack and document[at:].strip():
            raise json.JSONDecodeError(_SEVERAL, document, at)  # complete, and yet the file goes on
        cut, closers = (at - 1 if mark == "," else at), "".join(reversed(stack))
    if not cut or not _CUT.fullmatch(document, at):
        raise ValueError("not JSON before its end")
    return document[:cut] + closers
