"""What is fuzzed: each target takes bytes, and raises when they end in anything but facts or a typed finding.

The judges are those of the tests; here a fuzzer that sees which branches were reached makes the bytes.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), *(str(ROOT / "tests" / part) for part in ("", "formats", "lineage"))]


class Target(NamedTuple):
    run: Callable[[bytes], object]
    seeds: Callable[[], Iterable[bytes]]


def targets() -> dict[str, Target]:
    """Every target by name."""
    from format_writers import SAMPLES, sample
    from test_evidence_hostile import PATHS
    from test_hostile_files import EVERY
    from test_trees import MADE

    found = {f"format:{name}": Target(partial(_format, name), partial(_sample, name)) for name in EVERY}
    found["sniff"] = Target(_sniff, lambda: (bytes([0]) + sample(name) for name in SAMPLES))
    for name, (rule, make) in MADE.items():
        found[f"folder:{name}"] = Target(partial(_folder, rule, make), partial(_numbered, make))
    found |= {f"evidence:{path}": Target(partial(_evidence, path), partial(_recorded, path)) for path in PATHS}
    found["events"] = Target(_events, _some_events)
    found["query"] = Target(_query, lambda: map(str.encode, QUERIES))
    found["inventory"] = Target(_inventory, _inventories)
    found["partitions"] = Target(_partitions, partial(_heads, 40_000))
    found["content"] = Target(_content, partial(_heads, 70_000))
    found["ext"] = Target(_ext, lambda: [_image("ext")])
    found["ntfs"] = Target(_ntfs, lambda: [_image("ntfs")])
    return found


# ---------------------------------------------------------------- files and folders


def _sample(name: str) -> Iterable[bytes]:
    from format_writers import sample

    return [sample(name)]


def _format(name: str, data: bytes) -> None:
    from test_hostile_files import ends_well

    ends_well(name, data, len(data) if len(data) % 2 else None)


def _sniff(data: bytes) -> None:
    import format_samples as make
    from test_hostile_files import CAPS, EVERY

    from catalog.formats.registry import inspect

    number, data = data[0] if data else 0, data[1:]
    name = f"x.{EVERY[number % len(EVERY)]}" if number else ""
    sniffed, facts, error = inspect(make.Counted(data), len(data), name, CAPS)
    assert (facts is None or error is None) and sniffed.evidence


def _numbered(make: Callable[[], dict[str, bytes]]) -> Iterable[bytes]:
    return [bytes([number]) + content for number, content in enumerate(dict(make()).values())]


def _folder(rule: str, make: Callable[[], dict[str, bytes]], data: bytes) -> None:
    from test_trees import facts

    files = dict(make())
    names = list(files)
    if data:
        files[names[data[0] % len(names)]] = data[1:]
    found, error = facts(rule, files)
    assert (found is None) != (error is None)
    assert found is None or found.rows is None or found.rows >= 0


# ---------------------------------------------------------------- what tells of lineage, and what people type


def _recorded(path: str) -> Iterable[bytes]:
    from evidence_files import FIXTURES

    from catalog.lineage.evidence.registry import kind_of

    kind = kind_of(path)
    files = (one for one in FIXTURES.rglob("*") if one.is_file())
    return [one.read_bytes() for one in files if kind_of(one.relative_to(FIXTURES).as_posix()) == kind]


def _evidence(path: str, data: bytes) -> None:
    from evidence_files import evidence

    from catalog.lineage.evidence.registry import harvest, kind_of

    kind = kind_of(path)
    assert kind is not None
    harvest(kind, evidence(path, data, dict.fromkeys(kind.reads, data)))


def _some_events() -> Iterable[bytes]:
    from harness import events

    made = [one for one in vars(events).values() if isinstance(one, (bytes, str)) and len(one) > 200]
    return [one.encode() if isinstance(one, str) else one for one in made] or [
        b'{"eventTime":"2024-01-02T03:04:05Z","eventType":"COMPLETE","producer":"p","schemaURL":"s",'
        b'"run":{"runId":"01890a5d-ac96-774b-bcce-b302099a8057","facets":{"parent":{"run":{"runId":"x"}}}},'
        b'"job":{"namespace":"n","name":"j","facets":{"sql":{"query":"select 1"}}},'
        b'"inputs":[{"namespace":"s3://b","name":"a","facets":{"schema":{"fields":[{"name":"x","type":"int"}]}}}],'
        b'"outputs":[{"namespace":"s3://b","name":"c","facets":{"columnLineage":{"fields":{"x":{"inputFields":'
        b'[{"namespace":"s3://b","name":"a","field":"x"}]}}}}}]}\n'
    ]


def _events(data: bytes) -> None:
    from catalog.lineage.openlineage.files import _events as events
    from catalog.lineage.openlineage.files import _unpacked

    stream = _unpacked(io.BufferedReader(io.BytesIO(data)))  # type: ignore[arg-type]
    try:
        for _ in events(stream, "x", [1]):
            pass
    except (EOFError, OSError) as error:  # told as a rejected file by the caller
        assert stream is not None and str(error) is not None
    except Exception as error:
        if type(error).__module__ != "zlib":
            raise


QUERIES = (
    'clicks "user events" silo:lake kind:dataset format:parquet size:>1GB modified:<30d owner:ann',
    "tag:pii column:user_id type:int64 in:raw/ is:orphan -is:stale sort:-modified rows:1k..2M",
    "modified:2024-01..2024-02-03T04:05 size:10..20MB -name:x sort:name",
)


def _query(data: bytes) -> None:
    from catalog.errors import QueryError
    from catalog.query.parse import parse, suggest

    text = data.decode("utf-8", "surrogateescape")
    try:
        query = parse(text)
    except QueryError as error:
        assert error.message.isprintable()
    else:
        assert parse(str(query)) == query
    suggest(text)


# ---------------------------------------------------------------- inventories


def _inventories() -> Iterable[bytes]:
    import format_samples as make
    import pyarrow as pa

    table = pa.table({"key": ["a/b.csv", "c"], "size": ["1", "2"], "last_modified_date": ["2024-01-02T03:04:05Z"] * 2})
    rows = b"key,size,last_modified_date,is_latest\na/b.csv,1,2024-01-02T03:04:05.000Z,true\n"
    manifest = (
        b'{"sourceBucket":"b","destinationBucket":"arn:aws:s3:::b","version":"2016-11-30","creationTimestamp":'
        b'"1704164645000","fileFormat":"CSV","fileSchema":"Bucket, Key, Size","files":[{"key":"x.csv.gz","size":3,'
        b'"MD5checksum":"00"}]}'
    )
    return [b"\0" + rows, b"\1" + make.parquet(table), b"\2" + make.orc(table), b"\3" + manifest]


def _inventory(data: bytes) -> None:
    from catalog.errors import CatalogError
    from catalog.silos.inventory.rows import rows
    from catalog.silos.inventory.source import find
    from catalog.silos.memory import MemorySilo

    number, data = data[0] % 4 if data else 0, data[1:]
    name = ("x.csv", "x.parquet", "x.orc", "manifest.json")[number]
    silo = MemorySilo({name: data})
    try:
        source = find(silo, name, {})
        for file in source.files:
            for batch in rows(source, file, {}):
                assert all(len(row) == 4 for row in batch)
    except CatalogError as error:
        assert error.message.isprintable()


# ---------------------------------------------------------------- disks


def _heads(length: int) -> Iterable[bytes]:
    from harness import images

    folder = ROOT / "fixtures" / "images" / "heads"
    found = [images.head(one.name.partition(".")[0])[:length] for one in sorted(folder.iterdir())]
    return [*found, *(_image(name)[:length] for name in ("gpt", "mbr", "ntfs", "exfat"))]


def _image(name: str) -> bytes:
    import lzma
    import tempfile

    from harness import images

    packed = ROOT / "fixtures" / "images" / f"{name}.img.xz"
    if packed.exists():
        return lzma.decompress(packed.read_bytes())[: 1 << 20]
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        (tree / "a" / "b").mkdir(parents=True)
        (tree / "a" / "x.csv").write_bytes(b"1,2\n")
        image = Path(folder, "image")
        images.ext(image, tree, 256 * 1024)
        return image.read_bytes()


def _reading(data: bytes) -> Callable[[int, int], bytes]:
    return lambda at, length: data[at : at + min(length, 1 << 26)] if at >= 0 and length >= 0 else b""


def _partitions(data: bytes) -> None:
    from catalog.silos.block.tables import TableDamagedError, gpt, mbr

    read, size = _reading(data), len(data)
    for find in (partial(gpt, read, size, 512), partial(gpt, read, size, None), partial(mbr, read, 512)):
        try:
            found = find()
        except TableDamagedError:
            continue
        assert found is None or len(found.partitions) < 10_000


def _content(data: bytes) -> None:
    from catalog.silos.block.content import recognise

    found = recognise(_reading(data), len(data))
    assert found.says and (found.reader is None or found.problem is None)
    assert found.bytes is None or found.bytes >= 0


def _ext(data: bytes) -> None:
    from catalog.silos.block.ext import ExtFilesystem

    read = _reading(data)

    def fetch(node: int, offset: int, length: int) -> bytes:
        return read(offset + 1024 * (node % 64), min(length, 1 << 20))

    try:
        filesystem = ExtFilesystem(read, fetch)
        for node in (2, 11, 12, 13):
            try:
                filesystem.folder(node)
                filesystem.refusal(node)
            except OSError:  # `UnreadableError` among them
                continue
    except OSError:
        return


def _ntfs(data: bytes) -> None:
    from catalog.silos.block import ntfs
    from catalog.silos.block.folder import Folder

    for at in range(0, len(data) - 1024, 1024):
        if data[at : at + 4] not in (b"FILE", b"INDX"):
            continue
        block = ntfs._mended(data[at : at + 4096 if data[at : at + 4] == b"INDX" else at + 1024], data[at : at + 4])
        if block is None:
            continue
        for kind, start, length in ntfs._attributes(block, 56):
            ntfs._runs(block[start : start + length])
            assert kind >= 0
        list(ntfs._entries(block, 24, Folder()))
