"""Files as their own writers make them, and a reader that counts what it is asked."""

from __future__ import annotations

import io
import json
import sqlite3
import struct
import tarfile
import zipfile
from collections.abc import Callable
from typing import Any


class Counted:
    """`fetch` over bytes in memory; remembers every call."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.calls: list[tuple[int, int]] = []

    def __call__(self, offset: int, length: int) -> bytes:
        self.calls.append((offset, length))
        return self.data[offset : offset + length]


def written(write: Callable[[Any], object]) -> bytes:
    sink = io.BytesIO()
    write(sink)
    return sink.getvalue()


def table(rows: int = 3) -> Any:
    import pyarrow as pa

    return pa.table(
        {
            "id": pa.array(range(rows), pa.int64()),
            "a.b": pa.array(["x"] * rows),
            "user": pa.array([{"age": 3, "tags": ["t"]}] * rows),
            "marks": pa.array([[("k", 1)]] * rows, pa.map_(pa.string(), pa.int32())),
            "at": pa.array([1] * rows, pa.timestamp("us", "UTC")),
        }
    )


TABLE_FIELDS = [
    ("id", "int64"),
    ("a\\.b", "string"),
    ("user", "struct"),
    ("user.age", "int64"),
    ("user.tags", "list"),
    ("user.tags[]", "string"),
    ("marks", "map"),
    ("marks.key", "string"),
    ("marks.value", "int32"),
    ("at", "timestamp[us, tz=UTC]"),
]


def parquet(data: Any = None, **options: Any) -> bytes:
    import pyarrow.parquet as pq

    return written(lambda sink: pq.write_table(table() if data is None else data, sink, **options))


def arrow_file(data: Any = None, **options: Any) -> bytes:
    return _ipc("new_file", data, options)


def arrow_stream(data: Any = None, **options: Any) -> bytes:
    return _ipc("new_stream", data, options)


def _ipc(opener: str, data: Any, options: dict[str, Any]) -> bytes:
    import pyarrow.ipc as ipc

    chunk = options.pop("chunk", None)
    data = table() if data is None else data
    schema = getattr(data, "schema", data)  # a schema alone makes a file without batches
    sink = io.BytesIO()
    with getattr(ipc, opener)(sink, schema, options=ipc.IpcWriteOptions(**options)) as writer:
        if data is not schema:
            writer.write_table(data, max_chunksize=chunk)
    return sink.getvalue()


def orc(data: Any = None, **options: Any) -> bytes:
    import pyarrow.orc as arrow_orc

    return written(lambda sink: arrow_orc.write_table(table() if data is None else data, sink, **options))


AVRO_SCHEMA = {
    "type": "record",
    "name": "shop.Order",
    "fields": [
        {"name": "id", "type": "long", "doc": "order number"},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "note", "type": ["null", "string"]},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}},
        {
            "name": "items",
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "Item",
                    "fields": [{"name": "sku", "type": "string"}, {"name": "within", "type": ["null", "Item"]}],
                },
            },
        },
        {"name": "counts", "type": {"type": "map", "values": "double"}},
        {"name": "either", "type": ["int", "string"]},
        {"name": "again", "type": "Kind"},
    ],
}


def avro(rows: int = 3, codec: str = "deflate") -> bytes:
    import datetime
    import decimal

    import fastavro

    row = {
        "id": 1,
        "day": datetime.date(2024, 1, 2),
        "note": None,
        "price": decimal.Decimal("1.25"),
        "kind": "A",
        "items": [{"sku": "s", "within": None}],
        "counts": {"k": 1.0},
        "either": 3,
        "again": "B",
    }
    return written(lambda sink: fastavro.writer(sink, AVRO_SCHEMA, [row] * rows, codec=codec))


def csv(rows: int = 40) -> bytes:
    lines = ["id,name,score,day,code"]
    lines += [f"{i},name {i},{i / 2},2024-01-{i % 28 + 1:02d},{i:05d}" for i in range(rows)]
    return ("\n".join(lines) + "\n").encode()


def jsonl(rows: int = 40) -> bytes:
    return b"".join(
        json.dumps({"id": i, "user": {"name": f"n{i}", "tags": ["a"]}}).encode() + b"\n" for i in range(rows)
    )


def json_array(rows: int = 40) -> bytes:
    return json.dumps([{"id": i, "user": {"name": f"n{i}"}} for i in range(rows)]).encode()


def zipped(*members: tuple[str, bytes], stored: bool = False) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return sink.getvalue()


def tar(format: int = tarfile.USTAR_FORMAT, mode: str = "w") -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode=mode, format=format) as archive:  # type: ignore[call-overload]
        info = tarfile.TarInfo("folder/file.txt")
        info.size = 5
        archive.addfile(info, io.BytesIO(b"hello"))
    return sink.getvalue()


def sqlite(tmp_path: Any) -> bytes:
    path = tmp_path / "x.db"
    with sqlite3.connect(path) as db:
        db.execute("create table t (a integer)")
    db.close()
    return path.read_bytes()


def safetensors() -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(8)


def onnx() -> bytes:
    """ModelProto{ir_version 8, producer_name "pytorch", graph{node{op_type "Relu"}}, opset_import{}}."""
    node = b"\x0a\x01x\x12\x01y\x22\x04Relu"
    graph = b"\x0a" + bytes([len(node)]) + node + b"\x12\x01g"
    return b"\x08\x08\x12\x07pytorch\x3a" + bytes([len(graph)]) + graph + b"\x42\x02\x10\x11"


def coreml() -> bytes:
    """A protobuf that opens like ONNX: Core ML's Model{specificationVersion, description{...}}."""
    description = b"\x0a\x06\x0a\x05\x01image"[:8] + b"\x52\x02\x0a\x00"
    return b"\x08\x04\x12" + bytes([len(description)]) + description + b"\xa2\x1f\x02\x0a\x00" + bytes(40)


def tfrecord() -> bytes:
    """One record of 5 bytes. The CRC of its length is TensorFlow's own for `5`."""
    return struct.pack("<Q", 5) + bytes.fromhex("eab2043e") + b"hello" + bytes(4)
