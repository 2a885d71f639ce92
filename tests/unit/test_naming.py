"""Canonical identities, after OpenLineage's naming specification."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.naming import canonical


@pytest.mark.parametrize(
    ("uri", "namespace", "name"),
    [
        ("/data/lake", "file", "/data/lake"),
        ("/data//lake/", "file", "/data/lake"),
        ("/", "file", "/"),
        ("/data/100%41", "file", "/data/100%41"),
        ("/data/a:b", "file", "/data/a:b"),
        ("file:///data/lake", "file", "/data/lake"),
        ("file:/data/lake/", "file", "/data/lake"),
        ("file:///", "file", "/"),
        ("FILE://LocalHost/data", "file", "/data"),
        ("file:///my%20data", "file", "/my data"),
        ("file://NAS7/share/x", "file://nas7", "/share/x"),
        ("s3://lake/raw/x.parquet", "s3://lake", "raw/x.parquet"),
        ("s3://Lake//raw//X/", "s3://lake", "raw/X"),
        ("s3a://lake/raw", "s3://lake", "raw"),
        ("s3n://lake/raw", "s3://lake", "raw"),
        ("S3A://lake", "s3://lake", ""),
        ("s3://lake/", "s3://lake", ""),
        ("s3://lake/a%20b c?d#e", "s3://lake", "a%20b c?d#e"),
        ("gs://b/x", "gs://b", "x"),
        ("gcs://b/x", "gs://b", "x"),
        ("abfs://c@Acct.dfs.core.windows.net/p/q", "abfss://c@acct.dfs.core.windows.net", "p/q"),
        ("wasb://c@a.blob.core.windows.net/p", "wasbs://c@a.blob.core.windows.net", "p"),
        ("hdfs://NN:8020/user//x/", "hdfs://nn:8020", "/user/x"),
        ("postgresql://h:5432/db", "postgres://h:5432", "/db"),
        ("memory://demo/a/b", "memory://demo", "/a/b"),
    ],
)
def test_canonical(uri, namespace, name):
    assert canonical(uri) == (namespace, name)


@given(st.text(max_size=30))
def test_spellings_of_one_object_have_one_identity(uri):
    assert canonical("s3://b/" + uri) == canonical("s3a://b//" + uri + "/")


@pytest.mark.parametrize("uri", ["s3://b/x/y", "gs://b/x", "hdfs://n:1/x", "abfss://c@h/x"])
def test_joining_namespace_and_name_gives_the_same_identity(uri):
    namespace, name = canonical(uri)
    assert canonical(f"{namespace}/{name.lstrip('/')}") == (namespace, name)
