"""Listings read from inventories: the conformance suite over manifests of every shape, and S3's own reports."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import time
import uuid
from contextlib import closing
from datetime import UTC, datetime
from urllib.parse import quote

import pyarrow as pa
import pyarrow.csv
import pyarrow.orc
import pyarrow.parquet as pq
import pytest
from conformance.silo_suite import SiloSuite, paths, walked

import catalog
from catalog.errors import SiloUnreachable, UsageError
from catalog.silos.registry import open_silo

WRITERS = {
    "parquet": pq.write_table,
    "orc": pa.orc.write_table,
    "csv": pa.csv.write_csv,
}


def manifest_of(root) -> pa.Table:
    """One row a file below `root`, in no order that means anything."""
    rows = []
    for folder, _, names in os.walk(root):
        for name in names:
            full = os.path.join(folder, name)
            stat = os.stat(full)
            rows.append((os.path.relpath(full, root), stat.st_size, stat.st_mtime_ns))
    rows.sort(key=lambda row: hash(row[0]))
    columns = list(zip(*rows)) or [(), (), ()]
    return pa.table(
        {
            "key": pa.array(columns[0], pa.string()),
            "size": pa.array(columns[1], pa.int64()),
            "last_modified": pa.array(columns[2], pa.timestamp("ns", "UTC")).cast(pa.timestamp("us", "UTC"), safe=False),
        }
    )


class ManifestPlace:
    """A folder whose manifest is written again after every change."""

    cannot_hold = frozenset()

    def __init__(self, folder, shape) -> None:
        self.root, self.shape = folder / "lake", shape
        self.manifest = folder / f"manifest.{shape}"
        self.root.mkdir()
        self.missing_manifest = folder / "none.parquet"
        self._write()

    def put(self, path: str, data: bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        self._stale = True

    def remove(self, path: str) -> None:
        (self.root / path).unlink()
        self._write()

    def _write(self) -> None:
        WRITERS[self.shape](manifest_of(self.root), str(self.manifest))
        self._stale = False

    def silo(self):
        place, silo = self, open_silo(str(self.root), {"inventory": str(self.manifest)})
        walk = silo.walk

        def fresh(*args):
            if place._stale:
                place._write()
            return walk(*args)

        silo.walk = fresh
        return silo

    def missing(self):
        return open_silo(str(self.root / "nowhere"), {"inventory": str(self.missing_manifest)})


@pytest.fixture(params=WRITERS)
def place(request, tmp_path):
    return ManifestPlace(tmp_path, request.param)


class TestManifest(SiloSuite):
    pass


# ---------------------------------------------------------------- S3's own reports


@pytest.fixture
def s3(s3_server, monkeypatch):
    monkeypatch.setenv("TEST_S3_SECRET", s3_server.secret_key)
    options = {
        "endpoint": s3_server.endpoint,
        "region": s3_server.region,
        "access_key_id": s3_server.access_key,
        "secret_access_key": "env:TEST_S3_SECRET",
    }
    lake, reports = s3_server.bucket(f"inv-{uuid.uuid4().hex[:8]}"), s3_server.bucket(f"rep-{uuid.uuid4().hex[:8]}")
    return s3_server, lake, reports, options


KEYS = {
    "raw/a b+c.csv": b"1,2\n",
    "raw/ü/part-0.parquet": b"xxxx",
    "raw/ü/part-1.parquet": b"yyyyy",
    "raw/empty/": b"",
    "top.txt": b"top",
}


def report(server, lake, reports, shape, keys, *, day="2030-03-01T01-00Z", damage=False, versions=()):
    """An inventory report of `keys`, as S3 delivers it: two data files and a manifest beside them."""
    store = server.store(reports)
    made = datetime(2030, 3, 1, 0, 30, tzinfo=UTC)
    rows = [(lake, key, "true", "false", len(data), made, hashlib.md5(data).hexdigest()) for key, data in keys.items()]
    rows += [(lake, key, latest, deleted, 7, made, "old") for key, latest, deleted in versions]
    rows.append(("another-bucket", "not/ours", "true", "false", 1, made, "x"))
    names = ["Bucket", "Key", "IsLatest", "IsDeleteMarker", "Size", "LastModifiedDate", "ETag"]
    files = []
    for number, part in enumerate((rows[::2], rows[1::2])):
        body = encoded(shape, names, part)
        if damage and number == 1:
            body = body[: len(body) // 2]
        key = f"lake/daily/data/{uuid.uuid4()}.{shape}" + (".gz" if shape == "csv" else "")
        store.put(key, body)
        md5 = hashlib.md5(body if not damage else b"what it was").hexdigest()
        files.append({"key": key, "size": len(body), "MD5checksum": md5})
    manifest = {
        "sourceBucket": lake,
        "destinationBucket": f"arn:aws:s3:::{reports}",
        "version": "2016-11-30",
        "creationTimestamp": str(int(made.timestamp() * 1000)),
        "fileFormat": {"csv": "CSV", "orc": "ORC", "parquet": "Parquet"}[shape],
        "fileSchema": ", ".join(names),
        "files": files,
    }
    store.put(f"lake/daily/{day}/manifest.json", json.dumps(manifest).encode())
    return f"s3://{reports}/lake/daily"


def encoded(shape, names, rows) -> bytes:
    if shape == "csv":  # no header, every value quoted, keys percent-encoded
        lines = [
            ",".join(f'"{quote(v) if n == 1 else v.isoformat() if n == 5 else v}"' for n, v in enumerate(row))
            for row in rows
        ]
        return gzip.compress("".join(line + "\n" for line in lines).encode())
    lower = [{"LastModifiedDate": "last_modified_date", "IsLatest": "is_latest", "IsDeleteMarker": "is_delete_marker", "ETag": "e_tag"}.get(n, n.lower()) for n in names]
    columns = [list(column) for column in zip(*rows)]
    columns[2], columns[3] = ([value == "true" for value in columns[at]] for at in (2, 3))
    table = pa.table(dict(zip(lower, columns)))
    sink = pa.BufferOutputStream()
    WRITERS[shape](table, sink)
    return sink.getvalue().to_pybytes()


@pytest.mark.s3
@pytest.mark.parametrize("shape", WRITERS)
def test_a_report_is_read_like_a_listing(s3, shape):
    server, lake, reports, options = s3
    for key, data in KEYS.items():
        if not key.endswith("/"):
            server.store(lake).put(key, data)
    where = report(server, lake, reports, shape, KEYS, versions=[("raw/old.csv", "false", "false"), ("raw/gone.csv", "true", "true")])
    with closing(open_silo(f"s3://{lake}", {**options, "inventory": where})) as silo:
        found = walked(silo)
        assert paths(found) == sorted(key for key in KEYS if not key.endswith("/"))
        assert found["raw"].directories == ["empty", "ü"] and found["raw/empty"].skipped == {"marker": 1}
        assert dict(zip(found["raw/ü"].names, found["raw/ü"].sizes)) == {"part-0.parquet": 4, "part-1.parquet": 5}
        assert found[""].etags == [hashlib.md5(b"top").hexdigest()]
        assert silo.read("raw/a b+c.csv", 0, 3) == b"1,2"
        assert "listed from an inventory" in silo.test().identity
    with closing(open_silo(f"s3://{lake}/raw", {**options, "inventory": where})) as silo:
        assert paths(walked(silo)) == ["a b+c.csv", "ü/part-0.parquet", "ü/part-1.parquet"]


@pytest.mark.s3
def test_the_newest_finished_report_counts(s3):
    server, lake, reports, options = s3
    report(server, lake, reports, "csv", {"old": b"1"}, day="2030-03-01T01-00Z")
    where = report(server, lake, reports, "csv", {"new": b"1"}, day="2030-03-02T01-00Z")
    server.store(reports).put("lake/daily/2030-03-03T01-00Z/manifest.checksum", b"not finished: no manifest yet")
    with closing(open_silo(f"s3://{lake}", {**options, "inventory": where})) as silo:
        assert paths(walked(silo)) == ["new"]


@pytest.mark.s3
@pytest.mark.parametrize("shape", WRITERS)
def test_a_damaged_report_removes_nothing(s3, shape, db_url):
    server, lake, reports, options = s3
    keys = {f"d{n % 3}/file-{n}_x.bin": b"x" * n for n in range(20)}
    with catalog.connect(db_url) as cat:
        where = report(server, lake, reports, shape, keys)
        cat.add_silo("lake", f"s3://{lake}", inventory=where, **options)
        assert cat.crawl("lake", inspect="none")[0].added == len(keys)
        report(server, lake, reports, shape, {**keys, "d0/new": b"1"}, day="2030-03-02T01-00Z", damage=True)
        second = cat.crawl("lake", inspect="none")[0]
        assert (second.state, second.removed) == ("partial", 0)
        assert "MD5 differs" in second.failed[0].reason
        assert cat.silo("lake").files >= len(keys)


# ---------------------------------------------------------------- manifests of any kind


@pytest.fixture
def lake(tmp_path):
    root = tmp_path / "lake"
    (root / "d").mkdir(parents=True)
    (root / "d" / "one.csv").write_text("a\n1\n")
    (root / "two.csv").write_text("a\n1\n")
    return root


@pytest.mark.parametrize("spelling", ["{path}", "{root}/{path}", "file://{root}/{path}"])
def test_keys_may_be_paths_or_addresses(lake, tmp_path, spelling):
    names = [spelling.format(root=lake, path=path) for path in ("d/one.csv", "two.csv")]
    pa.csv.write_csv(pa.table({"path": names, "size": [4, 4]}), tmp_path / "m.csv")
    with closing(open_silo(str(lake), {"inventory": str(tmp_path / "m.csv")})) as silo:
        assert paths(walked(silo)) == ["d/one.csv", "two.csv"]


def test_columns_are_mapped_by_an_option(lake, tmp_path):
    table = pa.table({"Where": ["two.csv"], "Length": ["4"], "When": ["2026-03-01T12:00:00+02:00"], "Sum": ["abc"]})
    pq.write_table(table, tmp_path / "m.parquet")
    mapping = "path=Where,size=Length,modified=When,etag=Sum"
    options = {"inventory": str(tmp_path / "m.parquet"), "inventory_columns": mapping}
    with closing(open_silo(str(lake), options)) as silo:
        (one,) = walked(silo).values()
    assert (one.names, one.sizes, one.etags) == (["two.csv"], [4], ["abc"])
    assert one.mtimes == [int(datetime(2026, 3, 1, 10, tzinfo=UTC).timestamp()) * 10**9]


@pytest.mark.parametrize("factor", [1, 10**3, 10**6, 10**9])
def test_times_may_be_numbers_of_any_unit(lake, tmp_path, factor):
    pq.write_table(pa.table({"path": ["two.csv"], "mtime": [1_772_000_000 * factor]}), tmp_path / "m.parquet")
    with closing(open_silo(str(lake), {"inventory": str(tmp_path / "m.parquet")})) as silo:
        assert walked(silo)[""].mtimes == [1_772_000_000 * 10**9]


def test_what_is_not_told_is_unknown(lake, tmp_path):
    (tmp_path / "m.csv").write_text("path\ntwo.csv\n")
    with closing(open_silo(str(lake), {"inventory": str(tmp_path / "m.csv")})) as silo:
        found = walked(silo)[""]
    assert (list(found.sizes), list(found.mtimes)) == ([None], [None])


def test_keys_that_no_path_can_hold_leave_their_directory_incomplete(lake, tmp_path):
    pq.write_table(pa.table({"path": ["d/one.csv", "d//deep", "d/../x", "two.csv", "/lead"]}), tmp_path / "m.parquet")
    with closing(open_silo(str(lake), {"inventory": str(tmp_path / "m.parquet")})) as silo:
        found = walked(silo)
    assert paths(found) == ["d/one.csv", "two.csv"]
    assert not found["d"].complete and "segment" in found["d"].failure.reason
    assert not found[""].complete


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda folder: (folder / "m.csv").write_text("a,b\n1,2\n") and "m.csv", "no column that names the files"),
        (lambda folder: (folder / "manifest.json").write_text("[]") and "manifest.json", "no JSON object"),
        (lambda folder: (folder / "manifest.json").write_text("{}") and "manifest.json", "no manifest of an S3 Inventory"),
        (lambda folder: (folder / "empty").mkdir() or "empty", "no manifest.json"),
    ],
)
def test_what_is_no_inventory_is_said(lake, tmp_path, make, told):
    name = make(tmp_path)
    with closing(open_silo(str(lake), {"inventory": str(tmp_path / name)})) as silo, pytest.raises(UsageError, match=told):
        walked(silo)


def test_an_inventory_that_is_gone_is_unreachable(lake, tmp_path):
    with closing(open_silo(str(lake), {"inventory": str(tmp_path / "no.csv")})) as silo, pytest.raises(SiloUnreachable):
        walked(silo)


@pytest.mark.parametrize(
    "options", [{"inventory_columns": "path=a"}, {"inventory": "/x.csv", "inventory_columns": "colour=a"}]
)
def test_options_that_make_no_sense(lake, options):
    with pytest.raises(UsageError):
        open_silo(str(lake), options)


def test_an_older_inventory_than_the_last_crawl_changes_nothing(lake, tmp_path, db_url):
    manifest = tmp_path / "m.parquet"
    pq.write_table(manifest_of(lake), manifest)
    old = time.time() - 86_400
    with catalog.connect(db_url) as cat:
        cat.add_silo("direct", str(lake))
        cat.crawl("direct")
        cat.add_silo("lake", str(lake), inventory=str(manifest))
        assert cat.crawl("lake")[0].added == 2
        pq.write_table(manifest_of(lake).slice(0, 1), manifest)
        os.utime(manifest, (old, old))
        report = cat.crawl("lake")[0]
        assert (report.state, report.removed, report.listed) == ("complete", 0, 0)
        assert "nothing was compared" in report.notes[0]
        os.utime(manifest)
        assert cat.crawl("lake")[0].removed == 1
