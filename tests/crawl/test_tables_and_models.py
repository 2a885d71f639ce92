"""What a crawl tells of tables and models that are folders, and of files that are not safe to load."""

from __future__ import annotations

import json
import pickle
import struct

import pytest

import catalog


@pytest.fixture
def cat(tree):
    with catalog.connect(tree.url) as opened:
        yield opened


def commit(tree, version: int, *actions: dict) -> None:
    text = "\n".join(json.dumps(action) for action in actions)
    tree.write(f"orders/_delta_log/{version:020}.json", text)


def metadata(*columns: tuple[str, str]) -> dict:
    fields = [{"name": name, "type": kind, "nullable": True, "metadata": {}} for name, kind in columns]
    schema = json.dumps({"type": "struct", "fields": fields})
    return {"metaData": {"id": "7", "schemaString": schema, "partitionColumns": ["day"], "configuration": {}}}


def add(path: str, rows: int) -> dict:
    return {"add": {"path": path, "size": 100, "stats": json.dumps({"numRecords": rows}), "partitionValues": {}}}


@pytest.fixture
def delta(tree):
    operation = {"commitInfo": {"operation": "WRITE", "timestamp": 1_700_000_000_000}}
    commit(tree, 0, operation, metadata(("id", "long"), ("day", "string")), add("day=1/a.parquet", 10))
    tree.write("orders/day=1/a.parquet", b"PAR1" + bytes(92) + b"PAR1")
    return tree


def test_a_delta_table_is_told_by_its_log(delta, cat):
    delta.crawl()
    found = cat.dataset("orders")
    assert [(f.path, f.type) for f in found.schema] == [("id", "int64"), ("day", "string")]
    assert (found.hit.format, found.hit.rows) == ("delta", 10)
    assert {k: found.info.facts[k] for k in ("table_version", "operation", "partitioning", "files")} == {
        "table_version": 0, "operation": "WRITE", "partitioning": "day", "files": 1,
    }  # fmt: skip


def test_a_new_commit_is_a_new_version_with_its_own_schema(delta, cat):
    delta.crawl()
    commit(delta, 1, metadata(("id", "long"), ("day", "string"), ("note", "string")), add("day=2/b.parquet", 5))
    delta.write("orders/day=2/b.parquet", b"PAR1" + bytes(92) + b"PAR1")
    delta.crawl()
    found = cat.dataset("orders")
    assert (found.hit.rows, len(found.schema), found.info.facts["table_version"]) == (15, 3, 1)
    assert [(v.number, v.rows) for v in found.versions] == [(2, 15), (1, 10)]
    assert len(cat.dataset("orders@1").schema) == 2


def test_a_crawl_that_finds_nothing_new_keeps_what_was_told(delta, cat):
    delta.crawl()
    report = delta.crawl()
    assert (report.inspected, report.versions) == (0, 0)
    assert cat.dataset("orders").info.facts["table_version"] == 0


def test_a_log_that_cannot_be_read_is_a_finding_on_it(tree, cat):
    tree.write("orders/_delta_log/00000000000000000005.json", "{}")
    tree.write("orders/day=1/a.parquet", b"PAR1" + bytes(92) + b"PAR1")
    report = tree.crawl()
    assert report.state == "complete" and report.findings >= 1
    found = cat.dataset("orders")
    assert any("_delta_log" in one.path and one.kind == "truncated" for one in found.info.findings)


def safetensors(**shapes: tuple[int, ...]) -> bytes:
    header, at = {}, 0
    for name, shape in shapes.items():
        size = 4
        for length in shape:
            size *= length
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    body = json.dumps(header).encode()
    return struct.pack("<Q", len(body)) + body + bytes(at)


def test_a_model_folder_is_told_as_one(tree, cat):
    tree.write("bert/config.json", json.dumps({"architectures": ["BertModel"], "max_position_embeddings": 512}))
    tree.write("bert/README.md", "---\nlicense: apache-2.0\n---\n# BERT\n")
    tree.write("bert/model.safetensors", safetensors(w=(3, 4), b=(5,)))
    tree.crawl()
    found = cat.dataset("bert")
    assert found.hit.kind == "model"
    assert [(f.path, f.type) for f in found.schema] == [("w", "tensor<float32>[3, 4]"), ("b", "tensor<float32>[5]")]
    assert {k: found.info.facts[k] for k in ("architecture", "parameters", "license", "context_length")} == {
        "architecture": "BertModel", "parameters": 17, "license": "apache-2.0", "context_length": 512,
    }  # fmt: skip
    assert [hit.name for hit in cat.search("column:w type:tensor<float32>")] == ["bert"]


class Evil:
    def __reduce__(self):
        import os

        return os.system, ("true",)


def test_what_would_run_a_command_is_found_by_is_unsafe(tree, cat):
    tree.write("evil.pkl", pickle.dumps(Evil()))
    tree.write("fine.pkl", pickle.dumps({"a": 1}))
    tree.crawl()
    assert [hit.name for hit in cat.search("is:unsafe")] == ["evil.pkl"]
    assert [hit.name for hit in cat.search("kind:file is:unsafe")] == ["evil.pkl"]
    assert [hit.name for hit in cat.search("kind:file -is:unsafe")] == ["fine.pkl"]
    assert "posix.system" in cat.dataset("evil.pkl").info.findings[0].detail


def test_what_is_not_what_its_name_says_is_found_by_is_mislabelled(tree, cat):
    tree.write("page.csv", "<html><body>404</body></html>")
    tree.write("good.csv", "a,b\n1,2\n3,4\n")
    tree.crawl()
    assert [hit.name for hit in cat.search("is:mislabelled")] == ["page.csv"]
    assert [hit.name for hit in cat.search("kind:file is:mislabelled")] == ["page.csv"]


def test_facts_of_several_files_are_those_they_agree_on(tree, cat):
    for number, shape in enumerate([(2, 3), (4, 3), (8, 3)]):
        tree.write(f"w/part-{number:05}.safetensors", safetensors(w=shape))
    tree.crawl()
    facts = cat.dataset("w").info.facts
    assert (facts["dtype"], facts["tensors"], "parameters" in facts) == ("float32", 1, False)
