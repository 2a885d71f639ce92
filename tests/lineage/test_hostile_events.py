"""Whatever an event holds, what is read of it can be stored, searched and given out, in either database."""

from __future__ import annotations

import json
import random
from contextlib import closing
from pathlib import Path

import pytest
from harness.events import columns, dataset, event, facet, import_file, symlink, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.datasets.sketch import belongs
from catalog.query import parse as query
from catalog.store import assets, search
from catalog.store.engine import Database
from catalog.store.lineage.events import bodies
from catalog.store.lineage.pending import pending

WORDS = st.text(
    st.sampled_from("ab/:@.%?#{}*'\"\\ =é\u201b\udce9\ud800\0\x1b\n\u202e😀_~") | st.characters(codec=None),
    min_size=1,
    max_size=12,
)
PLACES = st.sampled_from(
    ["s3://b", "s3a://B/x", "file", "file:///d", "hive://m:1", "hf", "model", "inmemory://", "", "\0ns"]
)
DATASETS = st.builds(
    lambda place, name, label, other, column: dataset(
        place, name,
        version=facet(datasetVersion=label), symlinks=symlink(*other), documentation=facet(description=label * 400),
        schema=facet(fields=[{"name": column, "type": label, "fields": [{"name": "_element", "type": "x"}]}]),
        columnLineage=columns(**{column: [(place, other[1], column)]}),
        tags=facet(tags=[{"key": label, "value": column}]), ownership=facet(owners=[{"name": name}]),
    ),
    PLACES, WORDS, WORDS, st.tuples(PLACES, WORDS, st.sampled_from(["TABLE", "LOCATION", "x"])), WORDS,
)  # fmt: skip
EVENTS = st.builds(
    lambda state, run, job, ins, outs, minute: event(
        state, run, job, ins, outs, minute, job_facets={"sql": facet(query=job), "documentation": facet(description=job)},
        run_facets={"errorMessage": facet(message=job)},
    ),
    st.sampled_from(["START", "COMPLETE", "FAIL", "x", None]), st.integers(1, 3), WORDS,
    st.lists(DATASETS, max_size=2), st.lists(DATASETS, max_size=2), st.integers(0, 50),
)  # fmt: skip


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(EVENTS, min_size=1, max_size=4))
def test_what_is_read_can_be_stored_and_read_again(bare, tmp_path, events):
    report = import_file(bare.url, write(tmp_path / "events.ndjson", events))
    assert report.rejected == 0 and report.read == len(events)
    bare.check()
    with closing(Database(bare.url, write=False)) as db:
        for hit in search.search(db, query("rule:named"), 0, 500):
            shown = assets.info(db, hit.id, None, belongs)
            assert shown.hit.uri and shown.hit.files is None
        assert all(one.named_by for one in pending(db))
        assert all(json.loads(line) for line in bodies(db))


@pytest.mark.parametrize("long", [1900, 5000])
def test_long_names_and_words_fit_or_are_left_out(bare, long):
    rnd = random.Random(long)
    name = "".join(chr(rnd.randrange(0x4E00, 0x9FFF)) for _ in range(long // 3))  # nothing that compresses
    report = bare.tell(
        event(
            "COMPLETE", 1, name[:600],
            [dataset("s3://b", name, documentation=facet(description=name * 3), ownership=facet(owners=[{"name": name}] * 40))],
            [dataset("s3://b", "out", columnLineage=columns(**{name[:300]: [("s3://b", "in", name[:300])]}), schema=facet(fields=[{"name": name}]))],
        )
    )  # fmt: skip
    assert report.rejected == 0
    assert ("left out" in "".join(report.warnings)) == (long > 2000)
    assert len(bare.edges()) == (2 if long < 2000 else 1)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(8)))
def test_chains_of_symlinks_end_in_one_asset(bare, order):
    """Names a0 = a1 = … = a8, told a pair at a time in any order, and never leading in a circle."""
    for number in order:
        other = symlink("file", f"/m{number + 1}", "LOCATION")
        bare.tell(
            event(
                "COMPLETE",
                number + 1,
                f"j{number}",
                [dataset("file", f"/m{number}", symlinks=other)],
                [dataset("s3://x", "out")],
            )
        )
    assert len(bare.named()) == 2
    assert len({source for source, _ in bare.edges()}) == 1


def test_nothing_of_a_file_is_run_or_printed_raw(tmp_path, monkeypatch, capsys):
    from catalog.cli import main

    monkeypatch.setenv("CATALOG_DB", str(tmp_path / "c.db"))
    evil = "\x1b]0;owned\x07\x1b[31mred\u202e"
    path = write(
        tmp_path / "events.ndjson",
        [
            event("COMPLETE", evil, evil, [dataset("s3://b", evil)], [dataset("s3://b", "out", documentation=facet(description=evil))]),
            event("COMPLETE", 1, eventTime=evil),
        ],
    )  # fmt: skip
    raw = json.dumps(event("COMPLETE", 2, "\x7f\x9b31m\u202e", [dataset("s3://b", "raw\x9b")]), ensure_ascii=False)
    Path(path).write_text(path.read_text() + evil + "\n" + raw + "\n")
    for words in (
        ["lineage", "import", str(path)],
        ["lineage", "pending"],
        ["lineage", "export"],
        ["search", "out"],
        ["show", "s3://b/out"],
    ):
        main(words)
        out, err = capsys.readouterr()
        assert not set("\x1b\u202e\x07\x7f\x9b") & set(out + err)
