"""One table in every format: the same columns, with the ids, units and words that the format can hold."""

from __future__ import annotations

import datetime as dt
import decimal
import io
import json
import re

import format_samples as make
import format_writers as write
import numpy as np
import pyarrow as pa
import pytest
import test_trees as trees

from catalog.datasets.schema import canonical, schema_digest, union
from catalog.formats.registry import inspect
from catalog.model import Field


def inspected(data: bytes, name: str = ""):
    _, found, error = inspect(make.Counted(data), len(data), name)
    assert error is None and found is not None, error
    return found.fields


SPOT = pa.struct([pa.field("lat", pa.float64(), nullable=False), pa.field("a.b", pa.int32())])
POINT = pa.struct([pa.field("x", pa.float32())])
SCHEMA = pa.schema(
    [
        pa.field("n", pa.int64()), pa.field("k", pa.int32(), nullable=False), pa.field("f", pa.float32()),
        pa.field("d", pa.float64()), pa.field("s", pa.string()), pa.field("b", pa.bool_()), pa.field("day", pa.date32()),
        pa.field("at", pa.timestamp("us")), pa.field("utc", pa.timestamp("us", "UTC")),
        pa.field("money", pa.decimal128(10, 2)), pa.field("raw", pa.binary()), pa.field("tags", pa.list_(pa.string())),
        pa.field("grid", pa.list_(pa.list_(pa.int64()))), pa.field("points", pa.list_(POINT)), pa.field("spot", SPOT),
        pa.field("m", pa.map_(pa.string(), pa.int32())), pa.field("by", pa.map_(pa.string(), POINT)),
    ]
)  # fmt: skip
ROW = {
    "n": 1, "k": 1, "f": 1.5, "d": 1.5, "s": "x", "b": True, "day": dt.date(2026, 1, 2), "at": dt.datetime(2026, 1, 2),
    "utc": dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "money": decimal.Decimal("1.50"), "raw": b"x", "tags": ["x"],
    "grid": [[1]], "points": [{"x": 1.5}], "spot": {"lat": 1.5, "a.b": 1}, "m": {"key": 1}, "by": {"key": {"x": 1.5}},
}  # fmt: skip
TABLE = pa.Table.from_pylist([{**ROW, "m": [("key", 1)], "by": [("key", {"x": 1.5})]}], SCHEMA)
EXPECTED = [
    ("n", "int64"), ("k", "int32"), ("f", "float"), ("d", "double"), ("s", "string"), ("b", "bool"),
    ("day", "date32[day]"), ("at", "timestamp[us]"), ("utc", "timestamp[us, tz=UTC]"), ("money", "decimal128(10, 2)"),
    ("raw", "binary"), ("tags", "list"), ("tags[]", "string"), ("grid", "list"), ("grid[]", "list"),
    ("grid[][]", "int64"), ("points", "list"), ("points[]", "struct"), ("points[].x", "float"), ("spot", "struct"),
    ("spot.lat", "double"), ("spot.a\\.b", "int32"), ("m", "map"), ("m.key", "string"), ("m.value", "int32"),
    ("by", "map"), ("by.key", "string"), ("by.value", "struct"), ("by.value.x", "float"),
]  # fmt: skip
NEVER_NULL = {"k", "spot.lat", "m.key", "by.key"}


def parquet(table: pa.Table = TABLE, **options) -> bytes:
    import pyarrow.parquet as pq

    return make.written(lambda sink: pq.write_table(table, sink, **options))


def arrow(table: pa.Table = TABLE, new=pa.ipc.new_file) -> bytes:
    sink = io.BytesIO()
    with new(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def feather() -> bytes:
    import pyarrow.feather

    return make.written(lambda sink: pyarrow.feather.write_feather(TABLE, sink))


def orc(table: pa.Table = TABLE) -> bytes:
    from pyarrow import orc

    return make.written(lambda sink: orc.write_table(table, sink))


def optional(kind):
    return ["null", kind]


def record(name: str, *fields) -> dict:
    return {"type": "record", "name": name, "fields": [{"name": field, "type": kind} for field, kind in fields]}


AVRO = record(
    "row",
    ("n", optional("long")), ("k", "int"), ("f", optional("float")), ("d", optional("double")),
    ("s", optional("string")), ("b", optional("boolean")), ("day", optional({"type": "int", "logicalType": "date"})),
    ("at", optional({"type": "long", "logicalType": "local-timestamp-micros"})),
    ("utc", optional({"type": "long", "logicalType": "timestamp-micros"})),
    ("money", optional({"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2})),
    ("raw", optional("bytes")), ("tags", optional({"type": "array", "items": optional("string")})),
    ("grid", optional({"type": "array", "items": optional({"type": "array", "items": optional("long")})})),
    ("points", optional({"type": "array", "items": optional(record("point", ("x", optional("float"))))})),
    ("spot", optional(record("spot", ("lat", "double"), ("a_b", optional("int"))))),
    ("m", optional({"type": "map", "values": optional("int")})),
    ("by", optional({"type": "map", "values": optional("point")})),
)  # fmt: skip


def avro(schema=AVRO) -> bytes:
    import fastavro

    return make.written(lambda sink: fastavro.writer(sink, fastavro.parse_schema(json.loads(json.dumps(schema))), []))


def delta() -> bytes:
    package = write.lib("deltalake")
    return trees.written(lambda path: package.write_deltalake(path, TABLE))


def iceberg():
    return trees.iceberg_table(SCHEMA)


def lance():
    return {"_versions/1.manifest": write.recorded("lance.manifest")}


def stream() -> bytes:
    return arrow(new=pa.ipc.new_stream)


def bare() -> bytes:
    return parquet(store_schema=False)


def told_by(found) -> list[tuple[str, str, bool]]:
    """Path, type and nullability of each field of a file, or of a folder of (rule, files)."""
    if isinstance(found, tuple):
        facts, error = trees.facts(*found)
        assert error is None, error
        return [(field.path, field.type, field.nullable) for field in facts.fields]
    return [(field.path, field.type, field.nullable) for field in inspected(found)]


CANNOT = {
    avro: lambda path, kind, null: (path.replace("a\\.b", "a_b"), kind, null),
    lance: lambda path, kind, null: (path.replace("a\\.b", "a_b"), kind, null),
    orc: lambda path, kind, null: (path, kind.replace("[us", "[ns"), null or path in ("k", "spot.lat")),
}
"""What a format has no way to say: a dot in a name; a unit of time besides the nanosecond; that a column is never null."""


@pytest.mark.parametrize("made", [parquet, bare, arrow, stream, feather, orc, avro, delta, iceberg, lance])
def test_a_table_is_the_same_in_every_format(made):
    expected = [(path, kind, path not in NEVER_NULL) for path, kind in EXPECTED]
    found = (made.__name__, made()) if made in (delta, iceberg, lance) else made()
    assert told_by(found) == [CANNOT[made](*one) if made in CANNOT else one for one in expected]


def test_json_has_the_same_paths_with_what_types_it_has():
    """An object of a few keys is a record, for nothing says that it is a map; dates and bytes are text."""
    kinds = {"int32": "int64", "float": "double", "map": "struct"}
    text = ("day", "at", "utc", "money", "raw")
    keyed = [(path, kind) for path, kind in EXPECTED if path not in ("m.key", "by.key")]
    expected = [
        (re.sub(r"^(m|by)\.value", r"\1.key", path), "string" if path in text else kinds.get(kind, kind), True)
        for path, kind in keyed
    ]
    assert told_by(json.dumps(ROW, default=str).encode()) == expected


@pytest.mark.parametrize(
    "kind", [pa.dictionary(pa.int32(), pa.string()), pa.run_end_encoded(pa.int32(), pa.string()), pa.string()], ids=str
)
def test_an_encoding_is_no_type(kind):
    assert told_by(arrow(pa.schema([pa.field("a", kind)]).empty_table())) == [("a", "string", True)]


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


def test_ids_of_orc_and_what_iceberg_notes_beside_them():
    def noted(name: str, kind: pa.DataType, id: int, **more: str) -> pa.Field:
        return pa.field(name, kind, metadata={"iceberg.id": str(id), **more})

    required = {"iceberg.required": "true"}
    table = pa.schema(
        [noted("a", pa.int64(), 3, **required, unit="m"), noted("l", pa.list_(noted("item", pa.int32(), 5)), 4)]
    )
    assert inspected(orc(table.empty_table())) == (
        Field("a", "int64", False, None, 3, "m"), Field("l", "list", id=4), Field("l[]", "int32", id=5),
    )  # fmt: skip


def test_avro_as_iceberg_writes_what_avro_had_no_words_for():
    """Maps with keys of any type are lists of pairs, and times without a zone are told by an attribute."""
    pair = {
        "type": "record", "name": "k2_v3",
        "fields": [{"name": "key", "type": "long", "field-id": 2}, {"name": "value", "type": optional("int"), "field-id": 3}],
    }  # fmt: skip
    stamp = {"type": "long", "logicalType": "timestamp-micros"}
    schema = record(
        "t", ("m", {"type": "array", "logicalType": "map", "items": pair}), ("local", {**stamp, "adjust-to-utc": False}),
        ("utc", {**stamp, "adjust-to-utc": True}),
    )  # fmt: skip
    assert inspected(avro(schema)) == (
        Field("m", "map", False), Field("m.key", "int64", False, id=2), Field("m.value", "int32", True, id=3),
        Field("local", "timestamp[us]", False), Field("utc", "timestamp[us, tz=UTC]", False),
    )  # fmt: skip


@pytest.mark.parametrize("items", ["int", ["null", "int"], {"type": "array", "items": "int"}])
def test_an_avro_map_whose_items_are_no_pairs(items):
    schema = record("t", ("m", {"type": "array", "logicalType": "map", "items": items}))
    _, found, error = inspect(make.Counted(avro(schema)), len(avro(schema)), "")
    assert [field.path for field in found.fields] == ["m"] if found else error.finding == "corrupt"


def test_ids_of_items_keys_and_values_in_delta():
    """As PROTOCOL.md has them (Writer Requirements for IcebergCompatV2): by their path in the data files."""

    def member(name: str, kind: object, id: int, nested: object = None) -> dict:
        more = {"delta.columnMapping.nested.ids": nested} if nested else {}
        metadata = {"delta.columnMapping.id": id, "delta.columnMapping.physicalName": f"col-{id}", **more}
        return {"name": name, "type": kind, "nullable": True, "metadata": metadata}

    items = {"type": "array", "elementType": "integer", "containsNull": True}
    pairs = {"type": "map", "keyType": "string", "valueType": items, "valueContainsNull": True}
    nested = {"col-1.key": 7, "col-1.value": 8, "col-1.value.element": 9}
    fields = [member("m", pairs, 1, nested), member("l", items, 2, "no object"), member("n", "integer", 3)]
    action = {"metaData": {"id": "x", "schemaString": json.dumps({"type": "struct", "fields": fields})}}
    found, error = trees.facts("delta", {f"_delta_log/{0:020}.json": json.dumps(action).encode()})
    assert error is None
    assert [(field.path, field.id) for field in found.fields] == [
        ("m", 1), ("m.key", 7), ("m.value", 8), ("m.value[]", 9), ("l", 2), ("l[]", None), ("n", 3),
    ]  # fmt: skip


def test_types_of_lance():
    found, error = trees.facts("lance", {"_versions/1.manifest": write.recorded("lance_kinds.manifest")})
    assert error is None
    assert list(found.fields) == [
        Field("depth", "double", True, "below the surface", 0, "m"), Field("vector", "list", doc="4 items each", id=1),
        Field("vector[]", "float"), Field("pair", "list", doc="2 items each", id=2), Field("pair[]", "struct", id=3),
        Field("pair[].x", "float", id=4), Field("kind", "string", id=5), Field("time", "time64[us]", id=6),
        Field("took", "duration[us]", id=7), Field("hash", "fixed_size_binary[4]", id=8),
        Field("local", "timestamp[ns, tz=Europe/Vienna]", id=9),
    ]  # fmt: skip


def test_a_uuid_of_iceberg_is_arrows():
    from pyiceberg.schema import Schema
    from pyiceberg.types import NestedField, UUIDType

    assert told_by(("iceberg", trees.iceberg_table(Schema(NestedField(1, "u", UUIDType()))))) == told_by(
        arrow(pa.schema([pa.field("u", pa.uuid())]).empty_table())
    )


UNITS = {
    "text": lambda h5py: "m", "bytes": lambda h5py: b"m", "an array of one": lambda h5py: [b"m"],
    "a string of NetCDF": lambda h5py: np.array(["m"], h5py.string_dtype()),
}  # fmt: skip


@pytest.mark.parametrize("word", ["units", "unit"])
@pytest.mark.parametrize("value", UNITS.values(), ids=UNITS)
def test_units_of_hdf5(word, value):
    h5py = write.lib("h5py")
    sink = io.BytesIO()
    with h5py.File(sink, "w") as file:
        file["t"] = [1.0, 2.0]
        file["t"].attrs[word] = value(h5py)
        file["t"].attrs["long_name"] = "temperature of the air"
    (found,) = inspected(sink.getvalue())
    assert (found.unit, found.doc) == ("m", "temperature of the air")


@pytest.mark.parametrize("value", [3, [b"m", b"s"], 1.5])
def test_units_that_are_none(value):
    h5py = write.lib("h5py")
    sink = io.BytesIO()
    with h5py.File(sink, "w") as file:
        file["t"] = [1.0]
        file["t"].attrs["units"] = value
    assert inspected(sink.getvalue())[0].unit is None


@pytest.mark.parametrize("format", ["NETCDF4", "NETCDF3_CLASSIC", "NETCDF3_64BIT_DATA"])
def test_units_of_netcdf(format):
    package = write.lib("netCDF4")

    def make_file(path: str) -> None:
        with package.Dataset(path, "w", format=format) as file:
            file.createDimension("x", 2)
            for name, units in (("t", "K"), ("w", "m s-1")):
                file.createVariable(name, "f4", ("x",))
                file[name].setncattr_string("units", units) if format == "NETCDF4" else file[name].setncattr(
                    "units", units
                )

    found = inspected(write.through_file(make_file, "x.nc"))
    assert {field.path: field.unit for field in found if field.path != "x"} == {"t": "K", "w": "m s-1"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["q/t", ""])
@pytest.mark.parametrize("version", [2, 3])
def test_units_of_zarr_in_a_zip(version, name):
    package = write.lib("zarr")

    def make_file(path: str) -> None:
        store = package.storage.ZipStore(path, mode="w")
        array = package.create_array(store, name=name or None, shape=(2,), dtype="f4", zarr_format=version)
        array.attrs["units"] = "K"
        store.close()

    (found,) = inspected(write.through_file(make_file, "x.zip"), "x.zarr.zip")
    assert (found.path, found.unit) == (name.replace("/", ".") or "value", "K")


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
