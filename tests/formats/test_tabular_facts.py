"""Facts of binary tables, from files their own writers made."""

from __future__ import annotations

import format_samples as make
import pytest

from catalog.errors import InspectError
from catalog.formats.base import KIB, RangeReader
from catalog.formats.registry import inspector


def facts(format: str, data: bytes, size: int | None = -1):
    reader = RangeReader(make.Counted(data), len(data) if size == -1 else size)
    found = inspector(format)
    assert found is not None
    return found(reader)


def pairs(found) -> list[tuple[str, str]]:
    return [(field.path, field.type) for field in found.fields]


@pytest.mark.parametrize(
    ("format", "data"),
    [
        ("parquet", make.parquet()),
        ("arrow_file", make.arrow_file()),
        ("arrow_stream", make.arrow_stream()),
    ],
)
def test_nested_fields_and_rows(format, data):
    found = facts(format, data)
    assert (found.format, found.rows) == (format, 3)
    assert pairs(found) == make.TABLE_FIELDS


def test_orc_fields_and_rows():
    found = facts("orc", make.orc(compression="zstd"))
    assert (found.rows, found.codec, found.details["stripes"]) == (3, "zstd", 1)
    assert pairs(found)[:-1] == make.TABLE_FIELDS[:-1]


def test_arrow_details_that_names_of_types_leave_open():
    import pyarrow as pa

    schema = pa.schema(
        [
            pa.field("vector", pa.list_(pa.float32(), 768)),
            pa.field("big", pa.large_list(pa.large_string())),
            pa.field("label", pa.dictionary(pa.int8(), pa.string())),
            pa.field("told", pa.int8(), nullable=False, metadata={"comment": "what it is"}),
            pa.field("either", pa.dense_union([pa.field("i", pa.int32()), pa.field("s", pa.string())])),
            pa.field("pairs", pa.list_(pa.struct([("x.y", pa.decimal128(10, 2))]))),
        ]
    )
    found = facts("arrow_stream", make.arrow_stream(schema))
    assert pairs(found) == [
        ("vector", "list"),
        ("vector[]", "float"),
        ("big", "list"),
        ("big[]", "large_string"),
        ("label", "string"),
        ("told", "int8"),
        ("either", "union"),
        ("either.i", "int32"),
        ("either.s", "string"),
        ("pairs", "list"),
        ("pairs[]", "struct"),
        ("pairs[].x\\.y", "decimal128(10, 2)"),
    ]
    by_path = {field.path: field for field in found.fields}
    assert by_path["vector"].doc == "768 items each"
    assert (by_path["told"].nullable, by_path["told"].doc) == (False, "what it is")


@pytest.mark.parametrize("codec", ["snappy", "zstd", "gzip", "none"])
def test_parquet_codec(codec):
    expected = "uncompressed" if codec == "none" else codec
    assert facts("parquet", make.parquet(compression=codec)).codec == expected


def test_parquet_with_several_codecs_joins_them():
    options = dict.fromkeys(("a.b", "at"), "zstd") | {"id": "snappy"}
    found = facts("parquet", make.parquet(make.table().select(["id", "a.b", "at"]), compression=options))
    assert found.codec == "snappy+zstd"


def test_parquet_takes_one_read_of_the_tail():
    import pyarrow as pa

    data = make.parquet(pa.table({"n": range(200_000)}), compression="none", use_dictionary=False)
    fetch = make.Counted(data)
    found = inspector("parquet")(RangeReader(fetch, len(data)))
    assert found.rows == 200_000
    assert fetch.calls == [(len(data) - 64 * KIB, 64 * KIB)]


def test_parquet_with_a_long_footer_takes_one_more():
    import pyarrow as pa

    data = make.parquet(pa.table({f"column_{i}": [1] for i in range(2000)}))
    fetch = make.Counted(data)
    found = inspector("parquet")(RangeReader(fetch, len(data)))
    assert len(found.fields) == 2000
    assert len(fetch.calls) == 2
    assert sum(length for _, length in fetch.calls) <= len(data)


def test_parquet_metadata_file_without_data(tmp_path):
    import pyarrow.parquet as pq

    collected: list = []
    pq.write_to_dataset(make.table(), tmp_path, metadata_collector=collected)
    pq.write_metadata(make.table().schema, tmp_path / "_metadata", metadata_collector=collected)
    assert facts("parquet", (tmp_path / "_metadata").read_bytes()).rows == 3


def test_ten_thousand_fields_and_no_more():
    import pyarrow as pa

    schema = pa.schema([(f"c{i}", pa.int8()) for i in range(10_500)])
    found = facts("arrow_stream", make.arrow_stream(schema))
    assert len(found.fields) == 10_000
    assert found.details["fields_cut"] is True


def test_deep_nesting_is_cut():
    import pyarrow as pa

    kind = pa.int8()
    for _ in range(60):
        kind = pa.struct([("x", kind)])
    found = facts("arrow_stream", make.arrow_stream(pa.schema([("x", kind)]).empty_table()))
    assert len(found.fields) == 32


def test_names_that_no_database_holds_are_mended():
    import pyarrow as pa

    found = facts("parquet", make.parquet(pa.table({"a\0b": [1]})))
    assert pairs(found) == [("a\ufffdb", "int64")]


@pytest.mark.parametrize(("codec", "expected"), [("zstd", "zstd"), ("lz4", "lz4"), (None, None)])
@pytest.mark.parametrize(("format", "write"), [("arrow_file", make.arrow_file), ("arrow_stream", make.arrow_stream)])
def test_arrow_codec(format, write, codec, expected):
    assert facts(format, write(make.table(1000), compression=codec)).codec == expected


def test_arrow_file_counts_rows_of_many_batches():
    found = facts("arrow_file", make.arrow_file(make.table(1000), chunk=10))
    assert (found.rows, found.details["batches"]) == (1000, 100)


def test_a_large_arrow_file_reads_headers_and_no_bodies():
    import pyarrow as pa

    data = make.arrow_file(pa.table({"n": range(1_000_000)}), chunk=50_000)
    fetch = make.Counted(data)
    found = inspector("arrow_file")(RangeReader(fetch, len(data)))
    assert found.rows == 1_000_000
    assert sum(length for _, length in fetch.calls) < 100 * KIB
    assert len(fetch.calls) <= 21


def test_arrow_rows_stay_unknown_with_too_many_batches():
    import pyarrow as pa

    data = make.arrow_file(pa.table({"n": range(400_000)}), chunk=1000)
    assert facts("arrow_file", data).rows is None


def test_a_large_arrow_stream_has_schema_and_codec_but_no_rows():
    import pyarrow as pa

    data = make.arrow_stream(pa.table({"n": range(400_000)}))
    found = facts("arrow_stream", data)
    assert (pairs(found), found.rows) == ([("n", "int64")], None)


def test_an_arrow_stream_of_unknown_size():
    assert facts("arrow_stream", make.arrow_stream(), size=None).rows == 3


def test_avro_fields_and_rows():
    found = facts("avro", make.avro())
    assert (found.rows, found.codec, found.details["record"]) == (3, "deflate", "shop.Order")
    assert pairs(found) == [
        ("id", "int64"),
        ("day", "date32[day]"),
        ("note", "string"),
        ("price", "decimal128(9, 2)"),
        ("kind", "string"),
        ("items", "list"),
        ("items[]", "struct"),
        ("items[].sku", "string"),
        ("items[].within", "struct"),
        ("counts", "map"),
        ("counts.key", "string"),
        ("counts.value", "double"),
        ("either", "union"),
        ("again", "string"),
    ]
    by_path = {field.path: field for field in found.fields}
    assert by_path["note"].nullable
    assert (by_path["id"].nullable, by_path["id"].doc) == (False, "order number")


def test_an_avro_schema_longer_than_the_first_read():
    import fastavro

    fields = [{"name": f"column_{i}", "type": "long", "doc": "x" * 50} for i in range(20_000)]
    row = {field["name"]: 1 for field in fields}
    schema = {"type": "record", "name": "R", "fields": fields}
    data = make.written(lambda sink: fastavro.writer(sink, schema, [row] * 20))
    found = facts("avro", data)
    assert len(data) > 2_000_000
    assert len(found.fields) == 10_000


def test_a_large_avro_file_has_no_row_count():
    data = make.avro(100_000, codec="null")
    fetch = make.Counted(data)
    found = inspector("avro")(RangeReader(fetch, len(data)))
    assert found.rows is None
    assert len(fetch.calls) == 1
    assert len(found.fields) == 14


@pytest.mark.parametrize(
    ("format", "data", "finding"),
    [
        ("parquet", make.parquet()[:-10], "truncated"),
        ("parquet", make.parquet()[:-4] + b"PARE", "encrypted"),
        ("parquet", b"PAR1" + b"\xff\xff\xff\x7fPAR1", "corrupt"),
        ("parquet", b"", "truncated"),
        ("arrow_file", make.arrow_file()[:-10], "truncated"),
        ("arrow_file", make.arrow_file()[:-10] + b"\xff\xff\xff\x7fARROW1", "corrupt"),
        ("arrow_stream", make.arrow_stream()[:40], "truncated"),
        ("orc", make.orc()[:-3], "truncated"),
        ("avro", make.avro()[:60], "truncated"),
        ("avro", b"Obj\x01\x00" + bytes(16), "corrupt"),
    ],
)
def test_broken_files_have_a_finding(format, data, finding):
    with pytest.raises(InspectError) as error:
        facts(format, data)
    assert error.value.finding == finding


def test_a_parquet_file_that_lost_its_middle_is_found_out():
    import pyarrow as pa

    data = make.parquet(pa.table({"n": range(100_000)}), compression="none", use_dictionary=False)
    with pytest.raises(InspectError) as error:
        facts("parquet", data[:1000] + data[-2000:])
    assert error.value.finding == "corrupt"


def test_an_encrypted_footer_is_no_damage(tmp_path):
    import pyarrow.parquet as pq
    import pyarrow.parquet.encryption as pe

    class Kms(pe.KmsClient):
        def __init__(self, config):
            super().__init__()

        def wrap_key(self, key, master):
            return key

        def unwrap_key(self, key, master):
            return key

    factory = pe.CryptoFactory(Kms)
    config = pe.EncryptionConfiguration(footer_key="k", column_keys={"k": ["id"]})
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), config)
    path = tmp_path / "x.parquet"
    table = make.table().select(["id"])
    with pq.ParquetWriter(path, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    with pytest.raises(InspectError) as error:
        facts("parquet", path.read_bytes())
    assert error.value.finding == "encrypted"
