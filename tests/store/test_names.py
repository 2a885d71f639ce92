"""The index of names narrows and never hides: every part of a name leads to its text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from catalog.store.names import certain_trigrams, fold, text_of

name = st.text(st.sampled_from("aAbß.-_0İñ \u0130z"), min_size=1, max_size=12)


@given(st.lists(name, min_size=1, max_size=20, unique=True), st.data())
def test_each_certain_piece_of_a_part_of_a_name_is_in_the_text(names, data):
    names.sort()
    chosen = data.draw(st.sampled_from(names))
    start = data.draw(st.integers(0, len(chosen)))
    word = chosen[start : data.draw(st.integers(start, len(chosen)))]
    text = text_of(names)
    assert [piece for piece in certain_trigrams(word) if piece not in text] == []


@given(st.text())
def test_folding_twice_changes_nothing_more(text):
    assert fold(fold(text)) == fold(text)


def test_what_names_share_is_written_once():
    names = [f"part-{n:05}.snappy.parquet" for n in range(1000)]
    assert text_of(names).count("parquet") == 1
    assert len(text_of(names)) < sum(map(len, names)) * 0.6
