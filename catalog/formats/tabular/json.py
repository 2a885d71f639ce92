"""JSON documents and JSON Lines (RFC 8259, jsonlines.org): the union of the types in the first records."""

from __future__ import annotations

import json
import re

from catalog import text
from catalog.errors import InspectError
from catalog.formats.base import KIB, RangeReader, parsing
from catalog.formats.tabular.fields import Details, bounded
from catalog.formats.tabular.sample import Sample, read_text
from catalog.formats.tabular.shape import Budget, Shape
from catalog.model import Facts, Field

_SAMPLE = 256 * KIB
_RECORDS = 1_000
_DEEPEST = 512


def inspect(reader: RangeReader) -> Facts:
    """Facts of one document: an array's elements are rows, a single object is one row."""
    sample = read_text(reader, _SAMPLE)
    with parsing(reader, "JSON"):
        if not sample.text.strip():
            raise InspectError("The file holds no JSON value.", finding="truncated")
        value = json.loads(sample.text if sample.whole else close_off(sample.text))
        rows = value if isinstance(value, list) else [value]
        layout = "array" if isinstance(value, list) else "object" if isinstance(value, dict) else "value"
        count = len(rows) if sample.whole else None
        return _facts("json", rows[:_RECORDS], sample, count, {"layout": layout})


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
        rows: list[object] = []
        bad = 0
        for line in lines[:_RECORDS]:
            try:
                rows.append(json.loads(line))
            except ValueError:
                bad += 1
        if bad and not rows:
            raise InspectError("No line is a JSON value.", finding="corrupt")
        details: Details = {"bad_lines": bad} if bad else {}
        return _facts("jsonl", rows, sample, len(lines) if sample.whole else None, details)


def _facts(name: str, rows: list[object], sample: Sample, count: int | None, details: Details) -> Facts:
    budget = Budget()
    shape = Shape(budget)
    for row in rows:
        shape.add(row)
    details["encoding"] = sample.encoding
    records = shape.kinds - {"null"} == {"struct"}
    keyed = records and shape.is_map()
    fields = bounded(shape.columns() if records and not keyed else _alone(shape, keyed), details)
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

_TOKEN = re.compile(
    r"\s*+(?:(?P<value>\"(?:[^\"\\]|\\.)*+\"|-?\d[\d.eE+-]*+(?=[\s,}\]])|true|false|null|NaN|-?Infinity)"
    r"|(?P<open>[{\[])|(?P<close>[}\]])|(?P<comma>,)|(?P<colon>:))",
    re.DOTALL,
)


def close_off(document: str) -> str:
    """The longest beginning of a cut-off document that is complete, with its open brackets closed.

    Raises `ValueError` where the document is not JSON before it is cut off.
    """
    stack: list[str] = []
    at, cut, closers = 0, 0, ""
    while match := _TOKEN.match(document, at):
        kind, at = match.lastgroup, match.end()
        if kind == "open":
            stack.append("}" if document[at - 1] == "{" else "]")
            if len(stack) > _DEEPEST:
                raise RecursionError("nested too deep")
        elif kind == "close":
            if not stack or stack.pop() != document[at - 1]:
                raise ValueError("brackets do not match")
        elif kind != "comma":
            continue
        if not stack:
            return document[:at]
        cut, closers = (match.start() if kind == "comma" else at), "".join(reversed(stack))
    rest = document[at:].lstrip()
    if not cut or (rest and rest[0] != '"' and len(rest) > 64):
        raise ValueError("not JSON before its end")
    return document[:cut] + closers
