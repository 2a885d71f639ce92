"""Canonical identities, after OpenLineage's naming specification."""

from __future__ import annotations

import inspect
import os
from enum import Enum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openlineage.client.naming import dataset as builders

from catalog.naming import address, canonical, canonical_pair, is_path, table_pair
from catalog.silos.file import to_url


@pytest.mark.parametrize(
    ("uri", "namespace", "name"),
    [
        ("/data/lake", "file", "/data/lake"),
        ("/data//lake/", "file", "/data/lake"),
        ("/", "file", "/"),
        ("/data/100%41", "file", "/data/100%41"),
        ("/data/a:b", "file", "/data/a:b"),
        ("C:\\data", "file", "C:\\data"),
        ("file:///data/lake", "file", "/data/lake"),
        ("file:/data/lake/", "file", "/data/lake"),
        ("file:///", "file", "/"),
        ("FILE://LocalHost/data", "file", "/data"),
        ("file:///my%20data", "file", "/my data"),
        ("block:///data/disk.img", "block", "/data/disk.img"),
        ("block:///my%20data/disk.img/p1//raw/", "block", "/my data/disk.img/p1/raw"),
        ("block:/dev/sdb/p2", "block", "/dev/sdb/p2"),
        ("filesystem:/data/disk.img/p1", "filesystem", "/data/disk.img/p1"),
        ("file://NAS7/share/x", "file://nas7", "/share/x"),
        ("s3://lake/raw/x.parquet", "s3://lake", "raw/x.parquet"),
        ("s3://Lake//raw//X/", "s3://lake", "raw/X"),
        ("s3a://lake/raw", "s3://lake", "raw"),
        ("s3n://lake/raw", "s3://lake", "raw"),
        ("s3n://KEY:SECRET@lake/raw", "s3://lake", "raw"),
        ("S3A://lake", "s3://lake", ""),
        ("s3://lake/", "s3://lake", ""),
        ("s3:/lake/raw", "s3://lake", "raw"),
        ("s3://lake/a%20b c?d#e", "s3://lake", "a%20b c?d#e"),
        ("gs://b/x", "gs://b", "x"),
        ("gcs://b/x", "gs://b", "x"),
        ("abfs://c@Acct.dfs.core.windows.net/p/q", "abfss://c@acct.dfs.core.windows.net", "p/q"),
        ("wasb://c@a.blob.core.windows.net/p", "wasbs://c@a.blob.core.windows.net", "p"),
        ("hdfs://NN:8020/user//x/", "hdfs://nn:8020", "/user/x"),
        ("hdfs://nameservice1/user/x", "hdfs://nameservice1", "/user/x"),
        ("hdfs:///user/x", "hdfs", "/user/x"),
        ("webhdfs://NN:9870/user//x/", "webhdfs://nn:9870", "/user/x"),
        ("dbfs:/mnt/x", "dbfs", "/mnt/x"),
        ("postgresql://h:5432/db.s.t", "postgres://h:5432", "db.s.t"),
        ("postgres://ann:secret@H/db.S.t", "postgres://h:5432", "db.S.t"),
        ("mysql://h/db.t", "mysql://h:3306", "db.t"),
        ("snowflake://Org-Acct/DB.S.T", "snowflake://org-acct", "DB.S.T"),
        ("bigquery:p.d.t", "bigquery", "p.d.t"),
        ("arn:aws:glue:eu-west-1:123:table/db/t", "arn:aws:glue:eu-west-1:123", "table/db/t"),
        ("memory://demo/a/b", "memory://demo", "a/b"),
        ("hf://org/model", "hf", "org/model"),
        ("hf://org/model@main/model.safetensors", "hf", "org/model"),
        ("hf://datasets/org/name@v1/data/train.parquet", "hf", "datasets/org/name"),
        ("https://huggingface.co/org/model/resolve/main/x", "hf", "org/model"),
        ("https://huggingface.co/datasets/org/name", "hf", "datasets/org/name"),
        ("https://huggingface.co/docs/hub", "https://huggingface.co", "/docs/hub"),
        ("https://huggingface.co/gpt2/resolve/main/x", "hf", "gpt2"),
        ("https://Example.com/a//b.csv", "https://example.com", "/a/b.csv"),
        ("model:churn-v5", "model", "churn-v5"),
        ("inmemory://", "inmemory://", ""),
    ],
)
def test_canonical(uri, namespace, name):
    assert canonical(uri) == (namespace, name)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (("s3a://bucket", "/key"), ("s3://bucket", "key")),
        (("s3://bucket", "a//b/"), ("s3://bucket", "a/b")),
        (("s3n://Bucket/", "key"), ("s3://bucket", "key")),
        (("gcs://b/pre//fix/", "/k"), ("gs://b", "pre/fix/k")),
        (("abfs://c@acct.dfs.core.windows.net", "/p/q"), ("abfss://c@acct.dfs.core.windows.net", "p/q")),
        (("file", "/data/a"), ("file", "/data/a")),
        (("block", "/data/disk.img/p1/a"), ("block", "/data/disk.img/p1/a")),
        (("block:///my%20data/disk.img", "p1"), ("block", "/my data/disk.img/p1")),
        (("filesystem", "/data/disk.img/p1"), ("filesystem", "/data/disk.img/p1")),
        (("FILE", "/data/a/"), ("file", "/data/a")),
        (("file:", "//data//a/"), ("file", "/data/a")),
        (("file:/", "data/a"), ("file", "/data/a")),
        (("file:///", "data/a"), ("file", "/data/a")),
        (("file:///", "/data/a"), ("file", "/data/a")),
        (("file://", "/data/a"), ("file", "/data/a")),
        (("file:/data", "a/b"), ("file", "/data/a/b")),
        (("file:///my%20data", "100%41"), ("file", "/my data/100%41")),
        (("file://Host", "data/a"), ("file://host", "/data/a")),
        (("file://localhost", "/data/a"), ("file", "/data/a")),
        (("hdfs://NN:8020", "/a//b"), ("hdfs://nn:8020", "/a/b")),
        (("hdfs://nn:8020/warehouse", "db/t"), ("hdfs://nn:8020", "/warehouse/db/t")),
        (("webhdfs://NN:9870", "x"), ("webhdfs://nn:9870", "/x")),
        (("dbfs", "shop.orders"), ("dbfs", "shop.orders")),
        (("postgresql://H:5432", "db.S.t"), ("postgres://h:5432", "db.S.t")),
        (("postgres://ann:secret@h", "db.s.t"), ("postgres://h:5432", "db.s.t")),
        (("postgres://h:5432/", "db.s.t"), ("postgres://h:5432", "db.s.t")),
        (("sqlserver://H;database=Sales", "dbo.T"), ("sqlserver://h:1433;database=Sales", "dbo.T")),
        (("azurecosmos://H/dbs/Db", "colls/T"), ("azurecosmos://h/dbs/Db", "colls/T")),
        (("bigquery://", "p.d.t"), ("bigquery", "p.d.t")),
        (("duckdb:///data/X.duckdb", "db.main.t"), ("duckdb:///data/X.duckdb", "db.main.t")),
        (("hf", "org/model@main"), ("hf", "org/model")),
        (("inmemory://", "a//b/"), ("inmemory://", "a//b/")),
        (("food_delivery", "public.Orders//x/"), ("food_delivery", "public.Orders//x/")),
        (("/user/hive/warehouse", "a//b"), ("/user/hive/warehouse", "a//b")),
        (("", "x"), ("", "x")),
    ],
    ids=" ".join,
)
def test_pairs_as_producers_send_them(sent, kept):
    assert canonical_pair(*sent) == kept


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (("hdfs://NN/user/hive/warehouse", "default.t1"), ("hdfs://nn/user/hive/warehouse/", "default.t1")),
        (("file:/data/x", "default.t"), ("file:/data/x/", "default.t")),
        (("s3a://lake/", "db.t"), ("s3://lake/", "db.t")),
        (("s3a://lake", "db.t"), ("s3://lake/", "db.t")),
        (("file", "db.t"), ("file:/", "db.t")),
        (("hive://Meta:9083", "db.t"), ("hive://meta:9083", "db.t")),
        (("arn:aws:glue:r:1", "table/db/t"), ("arn:aws:glue:r:1", "table/db/t")),
        (("unity-catalog", "c.s.t"), ("unity-catalog", "c.s.t")),
    ],
    ids=" ".join,
)
def test_the_identity_of_a_table_is_no_path(sent, kept):
    assert table_pair(*sent) == kept
    assert not is_path(kept[0])
    assert kept != canonical_pair(*sent) or not is_path(canonical_pair(*sent)[0])


def built() -> list[object]:
    """One dataset of every builder that the official client has."""
    words = {"path": "/data/Ab/c", "object_key": "raw/Ab/c", "port": "1234", "host": "h.example.com"}
    found = []
    for one in vars(builders).values():
        if inspect.isclass(one) and one.__module__ == builders.__name__ and hasattr(one, "__attrs_attrs__"):
            fields = [a.name for a in one.__attrs_attrs__]
            given = {name: words.get(name, name.replace("_", "")) for name in fields}
            if one is builders.ABFSS:
                given["path"] = "raw/Ab/c"
            kinds = next(
                (v for v in vars(builders).values() if inspect.isclass(v) and issubclass(v, Enum) and v is not Enum), ()
            )
            for kind in kinds if "resource_type" in given else (None,):
                found.append(one(**(given if kind is None else given | {"resource_type": kind})))
    return found


@pytest.mark.parametrize("one", built(), ids=lambda one: type(one).__name__)
def test_what_the_official_client_builds_is_canonical_already(one):
    pair = one.get_namespace(), one.get_name()
    assert canonical_pair(*pair) == pair


def test_every_builder_of_the_official_client_was_asked():
    assert len({type(one) for one in built()}) >= 26


SCHEMES = st.sampled_from(
    [
        "file",
        "s3",
        "s3a",
        "gs",
        "hdfs",
        "webhdfs",
        "abfss",
        "postgresql",
        "mysql",
        "bigquery",
        "kafka",
        "inmemory",
        "hf",
        "dbfs",
        "duckdb",
        "arn",
        "model",
        "x-own",
    ]
)
TEXT = st.text(st.sampled_from("ab/:@.%?#; é\u201b\udce9\\C"), max_size=12)
NAMESPACES = st.one_of(
    TEXT, st.builds(lambda s, sep, t: s + sep + t, SCHEMES, st.sampled_from(["", ":", ":/", "://", ":///"]), TEXT)
)


@settings(max_examples=400)
@given(NAMESPACES, TEXT)
def test_a_canonical_pair_stays_as_it_is(namespace, name):
    once = canonical_pair(namespace, name)
    assert canonical_pair(*once) == once


@settings(max_examples=400)
@given(NAMESPACES, TEXT)
def test_a_canonical_table_stays_as_it_is(namespace, name):
    once = table_pair(namespace, name)
    assert table_pair(*once) == once


@settings(max_examples=400)
@given(NAMESPACES)
def test_what_a_uri_stands_for_is_a_canonical_pair(uri):
    found = canonical(uri)
    assert canonical_pair(*found) == found


@given(st.text(max_size=30))
def test_spellings_of_one_object_have_one_identity(key):
    assert canonical("s3://b/" + key) == canonical("s3a://b//" + key + "/")
    assert canonical("s3://b/" + key) == canonical_pair("s3a://b", "/" + key)


@given(st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name and b"/" not in name))
def test_a_file_silo_and_a_uri_name_one_file_alike(name):
    path = "/data/" + os.fsdecode(name)
    assert canonical(to_url(path)) == ("file", path)
    assert canonical(address("file", path)) == ("file", path)


@pytest.mark.parametrize(
    ("namespace", "name", "told"),
    [
        ("file", "/my data/x", "file:///my%20data/x"),
        ("file://nas", "/x", "file://nas/x"),
        ("s3://lake", "raw/x", "s3://lake/raw/x"),
        ("hdfs://nn:8020", "/x", "hdfs://nn:8020/x"),
        ("hf", "datasets/org/name", "hf://datasets/org/name"),
        ("model", "churn-v5", "model:churn-v5"),
        ("postgres://h:5432", "db.s.t", "postgres://h:5432/db.s.t"),
        ("bigquery", "p.d.t", "bigquery:p.d.t"),
    ],
)
def test_an_address_leads_back_to_the_identity(namespace, name, told):
    assert address(namespace, name) == told
    assert canonical(told) == (namespace, name)
