"""One table in every format: the same columns, with the ids, units and words that the format can hold."""

from __future__ import annotations

import io
import json

import format_samples as make
import format_writers as write
import pyarrow as pa
import pytest

from catalog.datasets.schema import canonical, schema_digest, union
from catalog.formats.registry import inspect
from catalog.model import Field


def inspected(data: bytes, name: str = ""):
    _, found, error = inspect(make.Counted(data), len(data), name)
    assert error is None and found is not None, error
    return found.fields


SPOT = pa.struct([pa.field("lat", pa.float64()), pa.field("a.b", pa.int32())])
TABLE = pa.table(
    {
        "n": pa.array([1], pa.int64()), "f": pa.array([1.5], pa.float32()), "s": ["x"], "b": [True],
        "day": pa.array([1], pa.date32()), "at": pa.array([1], pa.timestamp("us")),
        "money": pa.array([1], pa.decimal128(10, 2)), "tags": [["x"]],
        "spot": pa.array([{"lat": 1.0, "a.b": 1}], SPOT), "m": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int32())),
        "raw": [b"x"],
    }
)  # fmt: skip
EXPECTED = [
    ("n", "int64"), ("f", "float"), ("s", "string"), ("b", "bool"), ("day", "date32[day]"), ("at", "timestamp[us]"),
    ("money", "decimal128(10, 2)"), ("tags", "list"), ("tags[]", "string"), ("spot", "struct"), ("spot.lat", "double"),
    ("spot.a\\.b", "int32"), ("m", "map"), ("m.key", "string"), ("m.value", "int32"), ("raw", "binary"),
]  # fmt: skip


def parquet(table: pa.Table = TABLE) -> bytes:
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def arrow(table: pa.Table = TABLE) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def orc(table: pa.Table = TABLE) -> bytes:
    from pyarrow import orc

    sink = io.BytesIO()
    orc.write_table(table, sink)
    return sink.getvalue()


AVRO = {
    "type": "record", "name": "row",
    "fields": [
        {"name": "n", "type": ["null", "long"]}, {"name": "f", "type": ["null", "float"]},
        {"name": "s", "type": ["null", "string"]}, {"name": "b", "type": ["null", "boolean"]},
        {"name": "day", "type": ["null", {"type": "int", "logicalType": "date"}]},
        {"name": "at", "type": ["null", {"type": "long", "logicalType": "local-timestamp-micros"}]},
        {"name": "money", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}]},
        {"name": "tags", "type": ["null", {"type": "array", "items": ["null", "string"]}]},
        {"name": "spot", "type": ["null", {"type": "record", "name": "spot", "fields": [
            {"name": "lat", "type": ["null", "double"]}, {"name": "a_b", "type": ["null", "int"]}]}]},
        {"name": "m", "type": ["null", {"type": "map", "values": ["null", "int"]}]},
        {"name": "raw", "type": ["null", "bytes"]},
    ],
}  # fmt: skip


def avro(schema=AVRO) -> bytes:
    import fastavro

    sink = io.BytesIO()
    fastavro.writer(sink, fastavro.parse_schema(json.loads(json.dumps(schema))), [])
    return sink.getvalue()


@pytest.mark.parametrize("data", [parquet, arrow, orc, avro])
def test_a_table_is_the_same_in_every_format(data):
    found = [(field.path, field.type) for field in inspected(data())]
    if data is avro:  # whose names hold no dots
        found = [(path.replace("a_b", "a\\.b"), type) for path, type in found]
    if data is orc:  # its timestamps are nanoseconds
        found = [(path, type.replace("timestamp[ns]", "timestamp[us]")) for path, type in found]
    assert found == EXPECTED


def test_keys_of_maps_are_never_null_and_the_rest_may_be():
    for data in (parquet, arrow, orc, avro):
        fields = {field.path: field.nullable for field in inspected(data())}
        assert fields.pop("m.key") is False
        assert all(fields.values()), data


# ---------------------------------------------------------------- ids, units and words


def numbered(name: str, type: pa.DataType, id: int, **more: str) -> pa.Field:
    return pa.field(name, type, metadata={"PARQUET:field_id": str(id), **more})


TOLD = pa.schema(
    [
        numbered("depth", pa.float64(), 7, unit="m", comment="below the surface"),
        numbered("tags", pa.list_(numbered("element", pa.string(), 12)), 9),
        pa.field("plain", pa.int64()),
    ]
)


@pytest.mark.parametrize("data", [parquet, arrow])
def test_ids_units_and_words_of_arrow(data):
    depth, tags, items, plain = inspected(data(TOLD.empty_table()))
    assert depth == Field("depth", "double", True, "below the surface", 7, "m")
    assert (tags.id, items.path, items.id) == (9, "tags[]", 12)
    assert plain == Field("plain", "int64")


def test_ids_of_avro_as_iceberg_writes_them():
    schema = {
        "type": "record", "name": "t",
        "fields": [
            {"name": "a", "type": "long", "field-id": 3, "doc": "how many", "unit": "kg"},
            {"name": "l", "type": {"type": "array", "items": "int", "element-id": 5}, "field-id": 4},
            {"name": "m", "type": {"type": "map", "values": "int", "key-id": 7, "value-id": 8}, "field-id": 6},
        ],
    }  # fmt: skip
    found = {field.path: field for field in inspected(avro(schema))}
    assert found["a"] == Field("a", "int64", False, "how many", 3, "kg")
    assert {path: field.id for path, field in found.items()} == {
        "a": 3, "l": 4, "l[]": 5, "m": 6, "m.key": 7, "m.value": 8,
    }  # fmt: skip


@pytest.mark.parametrize("id", ["-1", "x", "", "9" * 40, "²", "3.5"])
def test_an_id_that_is_none(id):
    table = pa.schema([pa.field("a", pa.int64(), metadata={"PARQUET:field_id": id})]).empty_table()
    assert inspected(arrow(table))[0].id is None


def test_a_unit_is_bounded_and_text():
    table = pa.schema([pa.field("a", pa.int64(), metadata={b"unit": b"\xff\0" + b"m" * 5000})]).empty_table()
    unit = inspected(arrow(table))[0].unit
    assert len(unit) == 60 and "\0" not in unit


def test_units_of_arrays():
    h5py = write.lib("h5py")
    sink = io.BytesIO()
    with h5py.File(sink, "w") as file:
        file["t"] = [1.0, 2.0]
        file["t"].attrs["units"] = "degC"
        file["t"].attrs["long_name"] = "temperature of the air"
    (found,) = inspected(sink.getvalue())
    assert (found.unit, found.doc) == ("degC", "temperature of the air")


# ---------------------------------------------------------------- one form


def test_a_schema_without_ids_and_units_keeps_its_digest():
    assert canonical([Field("a", "int64", False, "x")]) == '[["a","int64",false,"x"]]'
    plain, with_id, with_unit = Field("a", "int64"), Field("a", "int64", id=1), Field("a", "int64", unit="m")
    assert len({schema_digest([one]) for one in (plain, with_id, with_unit)}) == 3


def test_a_union_keeps_the_ids_that_agree_and_tells_units_that_do_not():
    first = [Field("a", "int64", id=1, unit="m"), Field("b", "int64", id=2), Field("c", "int64", unit="s")]
    second = [Field("a", "int64", id=1, unit="ft"), Field("b", "int64", id=9), Field("c", "int64")]
    fields, drift = union([first, second])
    assert [(field.id, field.unit) for field in fields] == [(1, "m"), (None, None), (None, "s")]
    assert drift == ("a is in m in some files and in ft in others",)
