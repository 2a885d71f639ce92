"""How files that lie on disk in known ways become datasets: one small table of layouts."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.datasets.grouping import group
from catalog.datasets.sketch import belongs, merge, sketch
from catalog.formats.names import claimed_formats, family
from catalog.model import Listing


def listings(paths: list[str]) -> list[Listing]:
    """The listings of a tree that holds `paths`, parents first."""
    files: dict[str, list[str]] = defaultdict(list)
    below: dict[str, set[str]] = defaultdict(set)
    files[""] = []
    for path in paths:
        directory, _, name = path.rpartition("/")
        files[directory].append(name)
        while directory:
            above, _, child = directory.rpartition("/")
            below[above].add(child)
            files.setdefault(above, [])
            directory = above
    ordered = sorted(files, key=lambda path: path.replace("/", "\0"))
    return [
        Listing(path, sorted(files[path]), [1] * len(files[path]), [1] * len(files[path]), None, sorted(below[path]))
        for path in ordered
    ]


def found(paths: list[str]) -> dict[str, tuple[str, str | None, int]]:
    """Groups by name: (rule, format, number of data files)."""
    parts = ((one.path, sketch(one, claimed_formats(one.names), family), list(one.directories)) for one in listings(paths))
    return {
        made.name: (made.rule, made.format, sum(p.files for _, p in members if p.role == "data"))
        for made, members in group(parts)
    }


SHARDS = [f"train/part-{i:05d}.parquet" for i in range(4)]
LAYOUTS = {
    "hive": (
        [f"t/dt=2026-01-0{d}/h={h}/p-{i}.parquet" for d in (1, 2) for h in (0, 1) for i in range(2)],
        {"t": ("hive", "parquet", 8)},
    ),
    "hive with its marks": (["t/dt=1/_SUCCESS", "t/dt=1/a.parquet", "t/dt=2/.a.crc", "t/dt=2/a.parquet"], {"t": ("hive", "parquet", 2)}),
    "two tables side by side": (
        ["db/a/dt=1/x.parquet", "db/b/dt=1/x.parquet"],
        {"db/a": ("hive", "parquet", 1), "db/b": ("hive", "parquet", 1)},
    ),
    "dated folders": ([f"raw/2026/03/{d:02d}/e-{i}.jsonl.gz" for d in (1, 2, 3) for i in range(3)], {"raw": ("dates", "jsonl", 9)}),
    "numbered shards": (SHARDS, {"train": ("shards", "parquet", 4)}),
    "counted shards": ([f"m/model-0000{i}-of-00002.safetensors" for i in (1, 2)], {"m": ("shards", "safetensors", 2)}),
    "hashed parts": (
        [f"out/part-{i:05d}-3f2a{i}b1c-77aa-4c1e-9f00-1234567890ab-c000.snappy.parquet" for i in range(12)],
        {"out": ("shards", "parquet", 12)},
    ),
    "different tables": (["orders.csv", "people.csv"], {"orders.csv": ("single", "csv", 1), "people.csv": ("single", "csv", 1)}),
    "versions are not shards": (["a/v1.csv", "a/v2.csv"], {"a/v1.csv": ("single", "csv", 1), "a/v2.csv": ("single", "csv", 1)}),
    "code is no dataset": (["src/a.py", "src/b.py", "README.md"], {}),
    "delta": (["d/_delta_log/00000000000000000000.json", "d/part-0.parquet", "d/k=1/part-1.parquet"], {"d": ("delta", "delta", 2)}),
    "iceberg": (
        ["i/data/00000-0-x.parquet", "i/metadata/v1.metadata.json", "i/metadata/snap-1.avro"],
        {"i": ("iceberg", "iceberg", 1)},
    ),
    "data beside metadata is not iceberg": (
        ["x/data/a.csv", "x/metadata/notes.txt"],
        {"x/data/a.csv": ("single", "csv", 1)},
    ),
    "hudi": (["h/.hoodie/hoodie.properties", "h/a.parquet"], {"h": ("hudi", "hudi", 1)}),
    "lance": (["l.lance/_versions/1.manifest", "l.lance/data/a.lance"], {"l.lance": ("lance", "lance", 1)}),
    "zarr": (["z/zarr.json", "z/c/0/0"], {"z": ("zarr", "zarr", 0)}),
    "saved model": (["s/saved_model.pb", "s/variables/variables.index"], {"s": ("saved_model", "saved_model", 0)}),
    "model folder": (
        ["bert/config.json", "bert/model.safetensors", "bert/README.md"],
        {"bert": ("hf_model", "safetensors", 1)},
    ),
    "model cache": (
        ["models--org--name/snapshots/abc/config.json", "models--org--name/snapshots/abc/model.safetensors"],
        {"org/name": ("hf_model", "safetensors", 1)},
    ),
    "media folder": ([f"cats/{n}.jpg" for n in ("tom", "kit", "mia", "leo")], {"cats": ("folder", "jpeg", 4)}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_becomes_the_datasets_people_see_in_it(layout):
    paths, expected = LAYOUTS[layout]
    seen = found(paths)
    kept = {name: facts for name, facts in seen.items() if facts[1] != "json" or name in expected}
    assert {name: facts[:2] for name, facts in kept.items()} == {name: facts[:2] for name, facts in expected.items()}
    for name, (rule, _, files) in expected.items():
        if rule not in ("delta", "zarr", "saved_model", "hf_model", "iceberg", "lance"):
            assert seen[name][2] == files


NAMES = st.lists(
    st.one_of(
        st.text(st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",)), min_size=1, max_size=20),
        st.builds("{}{}{}.{}".format, st.sampled_from(["part-", "img_", "v", "_", "."]), st.integers(0, 10**6), st.sampled_from(["", "-of-9", "x"]), st.sampled_from(["csv", "parquet", "jpg", "py", "json"])),
        st.from_regex(r"[0-9a-f]{8,20}\.(jpg|csv)", fullmatch=True),
    ),
    min_size=1,
    max_size=40,
    unique=True,
)


@given(NAMES)
def test_every_name_is_found_again_in_its_part(names):
    names = sorted(names)
    formats = claimed_formats(names)
    parts = sketch(Listing("d", names, [1] * len(names), [1] * len(names)), formats, family)
    owners = belongs([(p.pattern, p.format, p.role) for p in parts], names, formats)
    assert sum(p.files for p in parts) == len(names)
    assert [owners.count(at) for at in range(len(parts))] == [p.files for p in parts]


@given(NAMES, st.integers(0, 40))
def test_slices_hold_as_many_files_as_the_whole(names, cut):
    names = sorted(names)

    def parts(some):
        return sketch(Listing("d", some, [2] * len(some), [1] * len(some)), claimed_formats(some), family)

    merged = merge(parts(names[:cut]), parts(names[cut:]))
    assert sum(p.files for p in merged) == len(names)
    assert sum(p.bytes for p in merged) == 2 * len(names)
