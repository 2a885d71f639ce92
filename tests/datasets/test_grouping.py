"""Which files are one dataset: layouts as people and engines write them, and what must stay apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.datasets.grouping import group
from catalog.datasets.patterns import escape, generalise, literal, regex, unescape
from catalog.datasets.schema import schema_digest, union
from catalog.datasets.sketch import belongs, sketch
from catalog.datasets.version import fingerprint
from catalog.formats.names import claimed_formats, family
from catalog.model import Field, Listing


def listing(path, names):
    names = sorted(names)
    return Listing(path, names, [10] * len(names), [1] * len(names))


def grouped(paths):
    """{(rule, kind, root): number of data files} of the groups a tree of `paths` makes."""
    directories = {"": set()}
    for path in paths:
        folder, _, name = path.rpartition("/")
        directories.setdefault(folder, set()).add(name)
        while folder:
            folder = folder.rpartition("/")[0]
            directories.setdefault(folder, set())
    made = []
    for path in sorted(directories, key=lambda p: p.split("/")):
        one = listing(path, directories[path])
        children = sorted({d.rpartition("/")[2] for d in directories if d and d.rpartition("/")[0] == path})
        made.append((path, sketch(one, claimed_formats(one.names), family), children))
    return [
        (g.rule, g.kind, g.root, sum(p.files for _, p in members if p.role == "data")) for g, members in group(made)
    ]


LAYOUTS = {
    "hive": (
        [f"t/y=2026/m={m}/part-0000{p}.parquet" for m in range(3) for p in range(2)] + ["t/_SUCCESS"],
        [("hive", "dataset", "t", 6)],
    ),
    "dates": ([f"logs/2026/0{m}/0{d}/x.jsonl" for m in (1, 2) for d in (1, 2)], [("dates", "dataset", "logs", 4)]),
    "dated names of folders": ([f"logs/2026-01-0{d}/x.jsonl" for d in (1, 2)], [("dates", "dataset", "logs", 2)]),
    "shards": ([f"a/part-{n:05}-of-00004.parquet" for n in range(4)], [("shards", "dataset", "a", 4)]),
    "uuid shards": (
        [f"a/part-{n:05}-0e8c1{n}a2-1b2c-4d5e-8f90-a1b2c3d4e5f{n}-c000.snappy.parquet" for n in range(4)],
        [("shards", "dataset", "a", 4)],
    ),
    "delta": (
        ["d/_delta_log/00000000000000000000.json", "d/part-00000-a.parquet", "d/x=1/part-00001-b.parquet"],
        [("delta", "dataset", "d", 3)],
    ),
    "iceberg": (
        ["i/metadata/v1.metadata.json", "i/metadata/snap-1.avro", "i/data/00000-0.parquet"],
        [("iceberg", "dataset", "i", 3)],
    ),
    "hudi": (["h/.hoodie/hoodie.properties", "h/2026/a.parquet"], [("hudi", "dataset", "h", 1)]),
    "lance": (["l.lance/_versions/1.manifest", "l.lance/data/0.lance"], [("lance", "dataset", "l.lance", None)]),
    "zarr 2": (["z/.zgroup", "z/a/.zarray", "z/a/0.0", "z/a/0.1"], [("zarr", "dataset", "z", None)]),
    "zarr 3": (["z/zarr.json", "z/a/zarr.json", "z/a/c/0/0"], [("zarr", "dataset", "z", None)]),
    "saved model": (
        ["m/saved_model.pb", "m/variables/variables.index", "m/variables/variables.data-00000-of-00001"],
        [("saved_model", "model", "m", None)],
    ),
    "transformers model": (
        ["m/config.json", "m/tokenizer.json", *(f"m/model-0000{n}-of-00002.safetensors" for n in (1, 2))],
        [("hf_model", "model", "m", None)],
    ),
    "adapter": (
        ["m/adapter_config.json", "m/adapter_model.safetensors", "m/README.md"],
        [("hf_model", "model", "m", None)],
    ),
    "an adapter without its weights": (["m/adapter_config.json", "m/a.csv"], [("single", "dataset", "m", 1)]),
    "model in a cache": (
        ["models--org--bert/snapshots/abc123/config.json", "models--org--bert/snapshots/abc123/model.safetensors"],
        [("hf_model", "model", "models--org--bert/snapshots/abc123", None)],
    ),
    "photos": ([f"p/{name}.jpg" for name in ("anna", "berg", "cat", "door", "eve")], [("folder", "dataset", "p", 5)]),
    "one file": (["a/orders.csv"], [("single", "dataset", "a", 1)]),
    "different tables stay apart": (
        ["a/orders.csv", "a/people.csv"],
        [("single", "dataset", "a", 1), ("single", "dataset", "a", 1)],
    ),
    "versions stay apart": (
        ["a/model_v1.onnx", "a/model_v2.onnx"],
        [("single", "model", "a", 1), ("single", "model", "a", 1)],
    ),
    "two tables beside each other": (
        [f"w/{t}/day={d}/p.parquet" for t in ("ads", "buys") for d in (1, 2)],
        [("hive", "dataset", "w/ads", 2), ("hive", "dataset", "w/buys", 2)],
    ),
    "a folder called data is no table": (["x/data/a.csv", "x/metadata/notes.txt"], [("single", "dataset", "x/data", 1)]),
    "source code is no dataset": (["src/main.py", "src/readme.md", "src/LICENSE"], []),
    "nothing": ([], []),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_makes_its_groups(layout):
    paths, expected = LAYOUTS[layout]
    found = grouped(paths)
    # What counts as data inside a table or model is the format's own affair.
    assert sorted(found) == sorted(
        (rule, kind, root, files if files is not None else next((f[3] for f in found if f[2] == root), None))
        for rule, kind, root, files in expected
    )


words = st.sampled_from(["part", "img", "v", "a", "readme", "model", "data", "2026", "0e8c1aa2", ".x", "{n}", "_SUCCESS", "}"])
names_of_files = st.builds(
    lambda head, number, ending: f"{head}{number}{ending}",
    words, st.sampled_from(["", "-00001", "-00002", "_1", "_2", "3", "-12-of-20"]),
    st.sampled_from([".csv", ".parquet", ".png", ".safetensors", ".py", "", ".md", ".crc", ".json"]),
)  # fmt: skip


@given(st.lists(names_of_files, min_size=1, max_size=40, unique=True))
def test_every_name_belongs_to_the_part_that_counted_it(names):
    one = listing("d", names)
    formats = claimed_formats(one.names)
    parts = sketch(one, formats, family)
    owners = belongs([(p.pattern, p.format, p.role) for p in parts], one.names, formats)
    assert sum(p.files for p in parts) == len(names)
    assert -1 not in owners
    assert [owners.count(at) for at in range(len(parts))] == [p.files for p in parts]


@given(st.text(min_size=1), st.booleans())
def test_a_pattern_matches_the_name_it_was_made_of(name, hexes):
    assert regex(generalise(name, hexes=hexes)).fullmatch(name)
    assert literal(escape(name))
    assert unescape(escape(name)) == name
    assert regex(escape(name)).fullmatch(name)


@pytest.mark.parametrize(
    "schemas, joined, drifted",
    [
        ([[("a", "int64")], [("a", "int64")]], [("a", "int64", False)], False),
        ([[("a", "int32")], [("a", "double")]], [("a", "double", False)], False),
        ([[("a", "null")], [("a", "string")]], [("a", "string", False)], False),
        ([[("a", "int64")], [("a", "string")]], [("a", "int64", False)], True),
        ([[("a", "int64")], [("a", "int64"), ("b", "string")]], [("a", "int64", False), ("b", "string", True)], True),
    ],
)
def test_schemas_are_joined(schemas, joined, drifted):
    fields, drift = union([[Field(path, type, nullable=False) for path, type in one] for one in schemas])
    assert [(f.path, f.type, f.nullable) for f in fields] == joined
    assert bool(drift) is drifted


def test_a_schemas_digest_tells_order_type_and_nulls_apart():
    a, b = Field("a", "int64"), Field("b", "string")
    variants = [[a, b], [b, a], [a], [Field("a", "int64", False), b], [Field("a", "int32"), b], []]
    assert len({schema_digest(one) for one in variants}) == len(variants)


parts = st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3), st.binary(min_size=8, max_size=8)), max_size=5)


@given(parts, st.randoms())
def test_a_fingerprint_does_not_depend_on_order(members, chance):
    shuffled = list(members)
    chance.shuffle(shuffled)
    assert fingerprint(shuffled) == fingerprint(members)


def test_a_fingerprint_changes_with_any_member():
    base = [("d", "a.csv", b"12345678"), ("d", "b.csv", b"12345678")]
    others = [base[:1], [*base, ("e", "a.csv", b"12345678")], [base[0], ("d", "b.csv", b"12345679")]]
    assert len({fingerprint(one) for one in (base, *others)}) == 4


@pytest.mark.parametrize("ending", ["mp3", "mp4", "h5", "jp2", "nc4", "7z", "m4a"])
def test_digits_in_an_ending_are_part_of_it(ending):
    names = [f"take-{number:03}.{ending}" for number in range(12)]
    formats = claimed_formats(names)
    (part,) = sketch(Listing("d", names, [1] * 12, [1] * 12), formats, family)
    assert part.pattern == f"take-{{n}}.{ending}"
    assert belongs([(part.pattern, part.format, part.role)], names, formats) == [0] * 12
