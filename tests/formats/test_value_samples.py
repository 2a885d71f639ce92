"""Sensitive columns of real files of each tabular format, found in a worker process."""

from __future__ import annotations

import io
import json
import random

import fastavro
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.ipc
import pyarrow.orc
import pyarrow.parquet
import pytest

from catalog.errors import SiloUnreachable
from catalog.formats.base import KIB, MIB, Caps
from catalog.formats.classifying import SampledFile, classify_files
from catalog.formats.sandbox import Sandbox
from catalog.formats.tabular.values import SAMPLED

ROWS = 200
EMAILS = [f"ann{n}@example.org" for n in range(ROWS)]
RECORDS = [
    {
        "id": n,
        "contact": mail,
        "user": {"mails": [mail, f"b{mail}"], "tel": f"+49 170 {1234567 + n}"},
        "price": n / 7,
        "note": "nothing",
    }
    for n, mail in enumerate(EMAILS)
]  # fmt: skip
TABLE = pa.Table.from_pylist(RECORDS)
FLAT = TABLE.drop(["user"])
AVRO = {
    "type": "record", "name": "r", "fields": [
        {"name": "id", "type": "long"}, {"name": "contact", "type": ["null", "string"]},
        {"name": "user", "type": {"type": "record", "name": "u", "fields": [
            {"name": "mails", "type": {"type": "array", "items": "string"}}, {"name": "tel", "type": "string"}]}},
        {"name": "price", "type": "double"}, {"name": "note", "type": "string"},
    ],
}  # fmt: skip


def written(format: str) -> bytes:
    out = io.BytesIO()
    if format == "parquet":
        pa.parquet.write_table(TABLE, out, row_group_size=64)
    elif format == "orc":
        pa.orc.write_table(TABLE, out)
    elif format == "arrow_file":
        pa.feather.write_feather(TABLE, out)
    elif format == "arrow_stream":
        with pa.ipc.new_stream(out, TABLE.schema) as stream:
            stream.write_table(TABLE)
    elif format == "avro":
        fastavro.writer(out, AVRO, RECORDS)
    elif format in ("csv", "tsv"):
        pa.csv.write_csv(FLAT, out, pa.csv.WriteOptions(delimiter="," if format == "csv" else "\t"))
    elif format == "json":
        out.write(json.dumps(RECORDS).encode())
    else:
        out.write("\n".join(json.dumps(record) for record in RECORDS).encode())
    return out.getvalue()


def look(data: bytes, format: str, caps: Caps | None = None):
    read: list[int] = []

    def fetch(path, offset, length):
        read.append(length)
        return data[offset : offset + length]

    files = [SampledFile("f", len(data), format)]
    told = classify_files(files, fetch, caps) if caps else classify_files(files, fetch)
    return {one.path: (one.label, one.sampled) for one in told.labels}, told, read


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(1) as made:
        yield made


@pytest.mark.parametrize("format", sorted(SAMPLED))
def test_sensitive_columns_are_told_in_every_format(sandbox, format):
    data = written(format)
    told = sandbox.classify(
        [SampledFile("f", len(data), format)], lambda _, offset, length: data[offset : offset + length]
    )
    nested = {} if format in ("csv", "tsv") else {"user.mails[]": "email", "user.tel": "phone"}
    assert {one.path: one.label for one in told.labels} == {"contact": "email", **nested}
    assert told.problems == ()
    assert all(one.sampled >= 100 for one in told.labels)


def test_files_are_weighed_together():
    halves = {"a": FLAT.slice(0, 100), "b": FLAT.slice(100)}
    data = {}
    for name, half in halves.items():
        out = io.BytesIO()
        pa.parquet.write_table(half, out)
        data[name] = out.getvalue()
    files = [SampledFile(name, len(content), "parquet") for name, content in data.items()]
    (label,) = classify_files(files, lambda path, offset, length: data[path][offset : offset + length]).labels
    assert (label.path, label.sampled, label.matched) == ("contact", ROWS, ROWS)


@pytest.mark.parametrize("format", ["csv", "jsonl", "avro"])
def test_of_text_no_more_than_its_beginning_is_read(format):
    data = written(format) if format == "avro" else written(format) + b"\n"
    if format != "avro":
        data *= 3 * MIB // len(data)
    else:
        out = io.BytesIO()
        fastavro.writer(out, AVRO, RECORDS * 500, sync_interval=16 * KIB)
        data = out.getvalue()
    found, _, read = look(data, format)
    assert found["contact"][0] == "email"
    assert len(data) > 2 * MIB and sum(read) <= MIB


def test_of_a_large_parquet_file_little_is_read():
    rows = 300_000
    chance = random.Random(1)
    table = pa.table(
        {"email": [f"a{n}@example.org" for n in range(rows)], "noise": [chance.random() for _ in range(rows)]}
    )
    out = io.BytesIO()
    pa.parquet.write_table(table, out, compression="none", use_dictionary=False, data_page_size=32 * KIB)
    found, _, read = look(out.getvalue(), "parquet")
    assert found["email"][0] == "email"
    assert len(out.getvalue()) > 6 * MIB and sum(read) < 2 * MIB


def test_pictures_in_a_table_are_left_out():
    table = pa.table({"image": [bytes(200_000)] * 50, "email": EMAILS[:50]})
    out = io.BytesIO()
    pa.parquet.write_table(table, out, compression="none", use_dictionary=False)
    found, told, read = look(out.getvalue(), "parquet")
    assert found == {"email": ("email", 50)}
    assert told.problems == ("1 column not looked into: too many, or their values too long",)
    assert sum(read) < MIB


@pytest.mark.parametrize("format", sorted(SAMPLED))
def test_a_damaged_file_is_a_problem_that_quotes_nothing(format):
    data = written(format)
    found, told, _ = look(data[: len(data) // 3] + b"\x00\xffsecret-words" + data[len(data) // 2 :], format)
    assert "secret-words" not in repr(told) and "ann1@" not in repr(told)
    assert all(label == "email" or label == "phone" for label, _ in found.values())


def test_what_was_read_before_a_cap_counts():
    data = written("orc")
    _, told, _ = look(data, "orc", Caps(bytes=2 * KIB, calls=50))
    assert told.problems == ("1 file not looked into to the end: more than may be read",)


def test_a_silo_that_fails_raises_its_own_error(sandbox):
    def fetch(path, offset, length):
        raise SiloUnreachable("gone")

    with pytest.raises(SiloUnreachable):
        sandbox.classify([SampledFile("f", 100, "csv")], fetch)


def test_columns_are_called_as_in_the_schema():
    from catalog.formats.registry import inspect

    for format, name in (
        ("parquet", "f.parquet"),
        ("csv", "f.csv"),
        ("jsonl", "f.jsonl"),
        ("avro", "f.avro"),
        ("orc", "f.orc"),
    ):
        data = written(format)
        _, facts, _ = inspect(lambda offset, length, data=data: data[offset : offset + length], len(data), name)
        assert set(look(data, format)[0]) <= {field.path for field in facts.fields}
