"""Crawls of just what someone says changed: hints lead to the truth, and are not believed further."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

import catalog
from catalog.api import check
from catalog.errors import UsageError
from catalog.silos.hints import changed_paths


class Place:
    """What hints are compared with: a bucket's prefix."""

    url = "s3://lake/raw"

    def namespace(self):
        return "s3://lake", "raw"


class Folder:
    url = "file:///data/my%20lake"

    def namespace(self):
        return "file", "/data/my lake"


def s3_event(key, bucket="lake"):
    return {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key)}}}


WRAPPED = {
    "records": lambda key: {"Records": [s3_event(key)]},
    "one record": s3_event,
    "a list": lambda key: [s3_event(key)],
    "sns": lambda key: {"Type": "Notification", "Message": json.dumps({"Records": [s3_event(key)]})},
    "sqs": lambda key: {"messageId": "1", "body": json.dumps({"Records": [s3_event(key)]})},
    "sns in sqs": lambda key: {"body": json.dumps({"Message": json.dumps({"Records": [s3_event(key)]})})},
    "eventbridge": lambda key: {"source": "aws.s3", "detail": {"bucket": {"name": "lake"}, "object": {"key": key}}},
    "gcs": lambda key: {"kind": "storage#object", "bucket": "lake", "name": key},
    "pub/sub": lambda key: {"message": {"data": base64.b64encode(json.dumps({"bucket": "lake", "name": key}).encode()).decode()}},
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
@pytest.mark.parametrize("key", ["raw/a b+c%41.csv", "raw/ü/x", "raw/plain"])
def test_notifications_name_keys_of_the_bucket(wrap, key):
    line = json.dumps(wrap(key)).encode()
    assert list(changed_paths([line], Place())) == [key.removeprefix("raw/")]


@pytest.mark.parametrize(
    ("told", "path"),
    [
        ("a/b.csv", "a/b.csv"),
        ("a/b/", "a/b/"),
        ("s3://lake/raw/a/b.csv", "a/b.csv"),
        ("s3://other/raw/a", None),
        ("s3://lake/other/a", None),
        ("../outside", None),
        ("# a remark", None),
        ("", None),
    ],
)
def test_plain_lines_are_paths_or_addresses(told, path):
    assert list(changed_paths([told.encode()], Place())) == ([path] if path else [])


@pytest.mark.parametrize("told", ["/data/my lake/a/b.csv", "file:///data/my%20lake/a/b.csv", "a/b.csv"])
def test_paths_of_this_machine(told):
    assert list(changed_paths([told.encode()], Folder())) == ["a/b.csv"]


@pytest.mark.parametrize("line", [b"{", b'{"a": 1}', b"[1, 2]", b"[" * 100_000, b'{"Records": []}'])
def test_json_that_is_no_notification_is_named_by_its_line(line):
    with pytest.raises(UsageError, match="Line 2"):
        list(changed_paths([b"good/path", line], Place()))


@given(st.binary(max_size=200))
def test_any_line_ends_well(line):
    try:
        found = list(changed_paths([line], Place()))
    except UsageError:
        return
    assert all(".." not in path.split("/") for path in found)


# ---------------------------------------------------------------- in a crawl


@pytest.fixture
def lake(db_url, tmp_path):
    root = tmp_path / "lake"
    for folder in ("a/x", "a/y", "b"):
        (root / folder).mkdir(parents=True)
        for n in range(3):
            (root / folder / f"{n}.csv").write_text("id\n1\n")
    with catalog.connect(db_url) as cat:
        cat.add_silo("lake", str(root))
        cat.crawl()
        yield cat, root


def changed(cat, *lines):
    (report,) = cat.crawl("lake", changes=[line.encode() for line in lines])
    assert report.state == "complete" and report.mode == "changes"
    assert check(cat.url) == []
    return report.added, report.changed, report.removed


def everything(cat):
    return sorted(file.path for file in cat.silo_files("lake"))


def on_disk(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_only_what_is_named_is_listed(lake):
    cat, root = lake
    (root / "a/x/new.csv").write_text("id\n2\n")
    (root / "b/unnoticed.csv").write_text("id\n2\n")
    assert changed(cat, "a/x/new.csv") == (1, 0, 0)
    assert "b/unnoticed.csv" not in everything(cat)
    assert changed(cat, "b/unnoticed.csv") == (1, 0, 0)
    assert everything(cat) == on_disk(root)


def test_new_and_vanished_folders_are_followed(lake):
    cat, root = lake
    (root / "c/deep/er").mkdir(parents=True)
    (root / "c/deep/er/1.csv").write_text("id\n1\n")
    (root / "c/2.csv").write_text("id\n1\n")
    assert changed(cat, "c/deep/er/1.csv") == (2, 0, 0)
    for path in (root / "a/y").iterdir():
        path.unlink()
    (root / "a/y").rmdir()
    assert changed(cat, "a/y/0.csv") == (0, 0, 3)
    assert everything(cat) == on_disk(root)
    (report,) = cat.crawl("lake")
    assert (report.added, report.changed, report.removed) == (0, 0, 0)


def test_a_hint_that_is_wrong_does_no_harm(lake):
    cat, root = lake
    before = everything(cat)
    assert changed(cat, "nowhere/at/all.csv", "a/x/0.csv", "b/") == (0, 0, 0)
    assert everything(cat) == before == on_disk(root)


def test_a_folder_that_cannot_be_listed_removes_nothing(lake, monkeypatch):
    cat, root = lake
    from catalog.errors import SiloRefused
    from catalog.silos.file import FileSilo

    real = FileSilo.children

    def refused(self, path):
        if path == "b":
            raise SiloRefused("permission denied")
        return real(self, path)

    monkeypatch.setattr(FileSilo, "children", refused)
    (report,) = cat.crawl("lake", changes=[b"b/0.csv"])
    assert report.state == "partial" and report.failed[0].prefix == "b" and report.removed == 0
    assert everything(cat) == on_disk(root)
