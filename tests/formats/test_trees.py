"""Folders that are tables, arrays and models: made by their own writers, read by `inspect_tree`, damaged at will."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path

import format_writers as write
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import EntryMissing, InspectError
from catalog.formats.base import MIB, Caps, TreeFile, TreeReader
from catalog.formats.registry import TREES, inspect_tree
from catalog.formats.sandbox import Sandbox
from catalog.formats.vocabulary import FACTS

Files = dict[str, bytes]
CAPS = Caps(bytes=4 * MIB, calls=64)


class Folder:
    """Files in memory as a tree, which counts what is read."""

    def __init__(self, files: Files) -> None:
        self.contents = files
        self.read = 0
        self.calls = 0

    def listing(self, folder: str) -> list[TreeFile]:
        return [TreeFile(p, len(d)) for p, d in sorted(self.contents.items()) if p.rpartition("/")[0] == folder]

    def fetch(self, path: str, offset: int, length: int) -> bytes:
        if path not in self.contents:
            raise EntryMissing(path)
        self.calls += 1
        data = self.contents[path][offset : offset + length]
        self.read += len(data)
        return data


def facts(rule: str, files: Files):
    folder = Folder(files)
    found, error = inspect_tree(rule, TreeReader(folder.listing, folder.fetch, CAPS))
    assert folder.read <= CAPS.bytes and folder.calls <= CAPS.calls
    return found, error


def on_disk(make: Callable[[str], object], tmp: Path) -> Files:
    make(str(tmp))
    return {p.relative_to(tmp).as_posix(): p.read_bytes() for p in sorted(tmp.rglob("*")) if p.is_file()}


def rows(count: int = 10):
    import pyarrow as pa

    return pa.table(
        {
            "id": pa.array(range(count), pa.int64()),
            "day": ["a", "b"] * (count // 2),
            "user": [{"age": 1}] * count,
            "tags": [[1.0]] * count,
            "at": pa.array([1] * count, pa.timestamp("us", "UTC")),
        }
    )


FIELDS = [
    ("id", "int64"), ("day", "string"), ("user", "struct"), ("user.age", "int64"), ("tags", "list"),
    ("tags[]", "double"), ("at", "timestamp[us, tz=UTC]"),
]  # fmt: skip


@cache
def delta(checkpoint: bool = False) -> Files:
    package = pytest.importorskip("deltalake")

    def make(path: str) -> None:
        package.write_deltalake(path, rows(), partition_by=["day"])
        package.write_deltalake(path, rows(), mode="append")
        package.DeltaTable(path).delete("id = 3")
        if checkpoint:
            package.DeltaTable(path).create_checkpoint()
            package.write_deltalake(path, rows(), mode="append")

    return written(make)


def written(make: Callable[[str], object]) -> Files:
    """What `make` writes into a folder."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return on_disk(make, Path(folder))


def iceberg_table(schema, change: Callable[..., object] = lambda _: None) -> Files:
    """A table of a schema, after `change` was made to it."""
    import tempfile

    package = pytest.importorskip("pyiceberg.catalog.sql")
    with tempfile.TemporaryDirectory() as folder:
        catalog = package.SqlCatalog("c", uri=f"sqlite:///{folder}/c.db", warehouse=f"file://{folder}/house")
        catalog.create_namespace("n")
        change(catalog.create_table("n.t", schema=schema))
        catalog.close()
        return on_disk(lambda _: None, Path(folder) / "house" / "n" / "t")


@cache
def iceberg() -> Files:
    def change(table) -> None:
        with table.update_spec() as update:
            update.add_identity("day")
        table.append(rows())
        table.append(rows())

    return iceberg_table(rows().schema, change)


@cache
def lance() -> Files:
    """Two fragments of ten rows, one with a deleted row, by the fields of the manifest."""
    columns = [(0, -1, "id", "int64"), (1, -1, "user", "struct"), (2, 1, "age", "int32"), (3, -1, "v", "fixed_size_list:float:4")]
    body = b""
    for number, parent, name, kind in columns:
        parts = write.field(2, name.encode()) + write.field(3, number) + write.field(5, kind.encode()) + write.field(6, 1)
        body += write.field(1, parts + write.field(4, parent if parent >= 0 else (1 << 64) - 1))
    deletion = write.field(3, write.field(4, 1))
    body += write.field(2, write.field(2, write.field(1, b"a.lance")) + deletion + write.field(4, 10))
    body += write.field(2, write.field(2, write.field(1, b"b.lance")) + write.field(4, 10)) + write.field(3, 2)
    manifest = struct.pack("<I", len(body)) + body + struct.pack("<QHH", 0, 0, 2) + b"LANC"
    return {"_versions/1.manifest": b"x", "_versions/2.manifest": manifest, "data/a.lance": b"x"}


@cache
def hudi() -> Files:
    schema = {"type": "record", "name": "r", "fields": [{"name": n, "type": t} for n, t in (("_hoodie_key", "string"), ("id", "long"), ("at", "double"))]}
    commit = {"operationType": "UPSERT", "extraMetadata": {"schema": json.dumps(schema)}, "partitionToWriteStats": {}}
    properties = b"#Updated\nhoodie.table.name=trips\nhoodie.table.type=COPY_ON_WRITE\nhoodie.table.version=6\nhoodie.table.partition.fields=day\n"
    return {
        ".hoodie/hoodie.properties": properties,
        ".hoodie/20240102030405678.commit": json.dumps(commit).encode(),
        ".hoodie/20240102030405678.inflight": b"",
        "day=1/a.parquet": b"x",
    }


@cache
def zarr(version: int = 3) -> Files:
    import tempfile

    package = pytest.importorskip("zarr")

    def make(path: str) -> None:
        root = package.open_group(path, mode="w", zarr_format=version)
        root.create_array("a/b", shape=(10, 20), chunks=(5, 5), dtype="f4")[:] = 1
        root.attrs["k"] = 1
        package.consolidate_metadata(path)

    with tempfile.TemporaryDirectory() as folder:
        return on_disk(make, Path(folder))


@cache
def model_folder() -> Files:
    import numpy as np

    save = pytest.importorskip("safetensors.numpy").save
    first, second = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
    config = {"architectures": ["LlamaForCausalLM"], "max_position_embeddings": 4096, "num_hidden_layers": 2, "vocab_size": 100,
              "quantization_config": {"quant_method": "gptq", "bits": 4}}  # fmt: skip
    card = b"---\nlicense: mit\nbase_model: org/base\ndatasets:\n- a/b\n- c\npipeline_tag: text-generation\n---\n# Hi\n"
    return {
        "config.json": json.dumps(config).encode(),
        "README.md": card,
        "model.safetensors.index.json": json.dumps({"weight_map": {"a": first, "b": second}}).encode(),
        first: save({"a": np.ones((3, 4), np.float16)}),
        second: save({"b": np.ones((5,), np.float16)}),
    }


def saved_model() -> Files:
    return {"saved_model.pb": write.saved_model(), "variables/variables.index": b"x"}


MADE: dict[str, tuple[str, Callable[[], Files]]] = {
    "delta": ("delta", delta),
    "delta with a checkpoint": ("delta", lambda: delta(True)),
    "iceberg": ("iceberg", iceberg),
    "hudi": ("hudi", hudi),
    "lance": ("lance", lance),
    "zarr 2": ("zarr", lambda: zarr(2)),
    "zarr 3": ("zarr", lambda: zarr(3)),
    "hf_model": ("hf_model", model_folder),
    "saved_model": ("saved_model", saved_model),
}


def test_every_rule_has_a_sample():
    assert {rule for rule, _ in MADE.values()} == TREES


@pytest.mark.parametrize(
    ("name", "count", "expected"),
    [
        ("delta", 18, {"table_version": 2, "operation": "DELETE", "partitioning": "day", "snapshots": 3}),
        ("delta with a checkpoint", 28, {"table_version": 3, "operation": "WRITE", "partitioning": "day"}),
        ("iceberg", 20, {"table_version": 2, "operation": "append", "snapshots": 2, "files": 4, "partitioning": "day"}),
        ("hudi", None, {"title": "trips", "table_type": "COPY_ON_WRITE", "operation": "UPSERT", "partitioning": "day",
                        "committed": "2024-01-02T03:04:05Z"}),
        ("lance", 19, {"table_version": 2, "files": 2, "deleted_files": 1, "snapshots": 2}),
        ("zarr 2", None, {"version": "2", "arrays": 1, "dtype": "float32", "chunks": "[5, 5]", "attributes": "k"}),
        ("zarr 3", None, {"version": "3", "arrays": 1, "dtype": "float32", "chunks": "[5, 5]", "attributes": "k"}),
        ("hf_model", None, {"architecture": "LlamaForCausalLM", "context_length": 4096, "parameters": 17, "dtype": "float16",
                            "license": "mit", "base_model": "org/base", "datasets": "a/b, c", "shards": 2,
                            "quantization": "gptq 4", "task": "text-generation"}),
        ("saved_model", None, {"signatures": "serving_default", "nodes": 4}),
    ],
)  # fmt: skip
def test_facts(name, count, expected):
    rule, make = MADE[name]
    found, error = facts(rule, make())
    assert error is None
    assert found.rows == count
    assert {key: found.details.get(key) for key in expected} == expected
    assert found.details.keys() <= FACTS.keys()


@pytest.mark.parametrize("name", ["delta", "delta with a checkpoint", "iceberg"])
def test_schema(name):
    rule, make = MADE[name]
    found, _ = facts(rule, make())
    assert [(f.path, f.type) for f in found.fields] == FIELDS


def test_fields_of_the_others():
    told = {name: [(f.path, f.type) for f in facts(rule, make())[0].fields] for name, (rule, make) in MADE.items()}
    assert told["hudi"] == [("id", "int64"), ("at", "double")]
    assert told["lance"] == [("id", "int64"), ("user", "struct"), ("user.age", "int32"), ("v", "list"), ("v[]", "float")]
    assert told["zarr 2"] == told["zarr 3"] == [("a.b", "tensor<float32>[10, 20]")]
    assert told["hf_model"] == [("a", "tensor<float16>[3, 4]"), ("b", "tensor<float16>[5]")]


def test_data_files_are_not_read():
    folder = Folder(delta())
    inspect_tree("delta", TreeReader(folder.listing, folder.fetch, CAPS))
    assert folder.read <= sum(len(data) for path, data in delta().items() if path.startswith("_delta_log/"))


def test_a_missing_shard_is_a_finding():
    files = dict(model_folder())
    del files["model-00002-of-00002.safetensors"]
    found, error = facts("hf_model", files)
    assert error is None
    assert (found.finding, "model-00002" in found.finding_detail) == ("truncated", True)


def test_a_log_whose_beginning_is_gone_is_truncated():
    files = {path: data for path, data in delta().items() if not path.endswith("00000.json")}
    assert facts("delta", files)[1].finding == "truncated"


def test_a_card_that_is_no_yaml_does_not_hide_the_model():
    files = {**model_folder(), "README.md": b"---\n{ : [\n---\n"}
    found, error = facts("hf_model", files)
    assert error is None and "license" not in found.details and found.details["tensors"] == 2


@pytest.mark.parametrize("name", MADE)
def test_an_empty_folder_is_a_finding(name):
    found, error = facts(MADE[name][0], {})
    assert found is None and error.finding in ("truncated", "unsupported")


@pytest.mark.parametrize("name", MADE)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_folders_end_in_facts_or_a_finding(name, data):
    rule, make = MADE[name]
    files = dict(make())
    inner = [path for path in files if not path.endswith((".parquet", ".lance", "/c/0/0")) or "checkpoint" in path]
    for path in data.draw(st.lists(st.sampled_from(inner), min_size=1, max_size=3)):
        content = bytearray(files.get(path, b""))
        kind = data.draw(st.sampled_from(["cut", "flip", "gone", "noise"]))
        if kind == "gone":
            files.pop(path, None)
            continue
        if kind == "cut":
            del content[int(data.draw(st.floats(0, 1)) * len(content)) :]
        elif kind == "noise" or not content:
            content = bytearray(data.draw(st.binary(max_size=200)))
        else:
            content[int(data.draw(st.floats(0, 1)) * (len(content) - 1))] ^= data.draw(st.integers(1, 255))
        files[path] = bytes(content)
    found, error = facts(rule, files)
    assert (found is None) != (error is None)
    assert found is None or (found.rows is None or found.rows >= 0)


def test_all_files_of_a_tree_share_its_caps():
    files = {f"{n}.bin": bytes(100) for n in range(10)}
    folder = Folder(files)
    tree = TreeReader(folder.listing, folder.fetch, Caps(bytes=450, calls=100))
    with pytest.raises(InspectError) as stopped:
        for file in tree.files():
            tree.read(file, 200)
    assert stopped.value.finding == "too_large"
    assert folder.read <= 450


def test_a_file_longer_than_asked_for_is_not_read_whole():
    folder = Folder({"a": bytes(10_000)})
    tree = TreeReader(folder.listing, folder.fetch, CAPS)
    with pytest.raises(InspectError):
        tree.read(tree.files()[0], 100)
    assert folder.read <= 101


def test_a_worker_tells_the_same():
    folder = Folder(dict(lance()))
    with Sandbox(1) as sandbox:
        found, error = sandbox.inspect_tree("lance", folder.listing, folder.fetch)
        assert error is None
        assert found == facts("lance", lance())[0]
        _, error = sandbox.inspect_tree("lance", lambda _: [], folder.fetch)
        assert error.finding == "truncated"
        with pytest.raises(EntryMissing):
            sandbox.inspect_tree("lance", folder.listing, Folder({}).fetch)
