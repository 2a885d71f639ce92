"""The search text of file names: what is indexed, and which pieces of a word must be found in it.

Indexing every name of a million shards by trigrams costs more than listing them. But the names of
one directory repeat themselves, and many directories hold the same names. So the unit of the
index is the *text* of a directory's names: what all names share is written once, endings are
written once, and directories with the same text share one entry (`name_block`).

The index only narrows: it says which directories may hold a matching name, and the file table
decides. That makes it cheap to keep: texts of added names are added, names that went away leave
their text behind until the directory is written anew.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import count

from catalog.store.engine import Database

RANGE = 2048
"""Names a text covers at most; a larger directory gets one text for each range of its names."""

_SHARED = 8192  # how many recent texts are remembered to be shared
_CROWDED = 16  # texts a directory may gather before it is written anew


def fold(text: str) -> str:
    """`text` as it is compared in searches: case folded, context-free, the same on every database."""
    return text.casefold()


def certain_trigrams(word: str) -> list[str]:
    """The three-character pieces of `word` that every matching name's text is sure to hold.

    A text may be cut before any dot (endings are written once), so pieces with a dot in second or
    third place are not certain. Empty for words that have none.
    """
    folded = fold(word)
    pieces = (folded[i : i + 3] for i in range(len(folded) - 2))
    return list(dict.fromkeys(p for p in pieces if "." not in p[1:]))


def text_of(names: Sequence[str]) -> str:
    """The search text of sorted `names`: what they share once, then what is left of each."""
    shared = os.path.commonprefix((names[0], names[-1]))  # noqa: RUF071 (characters are what is meant)
    endings = {name[name.rfind(".") :] for name in (names[0], names[len(names) // 2], names[-1]) if "." in name}
    text = "\n" + fold("\n".join(names)) + "\n"
    folded = fold(shared)
    if len(folded) > 2:  # two characters stay with each name, so that no piece across the cut is lost
        text = text.replace("\n" + folded[:-2], "\n")
    for ending in map(fold, endings):
        text = text.replace(ending + "\n", "\n")
    return "\n".join((folded, *sorted(map(fold, endings)), text[1:-1]))


class NameWriter:
    """Adds the names of new and changed directories to the index, inside the caller's transaction."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._shared: dict[bytes, int] = {}
        self._ids: Iterator[int] = iter(()) if db.dialect == "sqlite" else self._from_sequence()
        self._texts: list[tuple[int, str]] = []
        self._blocks: list[tuple[int, int, str | None, str | None]] = []

    def begin(self) -> None:
        """Find ids for the texts of this transaction, the only one that writes; Postgres gives them when asked."""
        if self._db.dialect == "sqlite":
            self._ids = count(int(self._db.value("SELECT COALESCE(MAX(text_id), 0) FROM name_block")) + 1)

    def add(self, directory_id: int, names: Sequence[str]) -> None:
        """Index `names` (sorted, not empty) of a directory."""
        for first, last, part in _ranges(names):
            text = text_of(part)
            key = blake2b(text.encode(), digest_size=16).digest()
            text_id = self._shared.get(key)
            if text_id is None:
                text_id = next(self._ids)
                if len(self._shared) >= _SHARED:
                    self._shared.clear()
                self._shared[key] = text_id
                self._texts.append((text_id, text))
            self._blocks.append((text_id, directory_id, first, last))

    def rewrite_if_crowded(self, directory_id: int, names: Sequence[str]) -> bool:
        """Index a directory's names anew when it has gathered many texts; True when it was done."""
        held = self._db.value("SELECT COUNT(*) FROM name_block WHERE directory_id = ?", (directory_id,))
        if held < _CROWDED + 2 * (len(names) // RANGE):
            return False
        self._db.execute("DELETE FROM name_block WHERE directory_id = ?", (directory_id,))
        if names:
            self.add(directory_id, names)
        return True

    def _from_sequence(self) -> Iterator[int]:
        while True:  # a block at a time: other loaders take theirs meanwhile
            for (number,) in self._db.all("SELECT nextval('name_text_rowid_seq') FROM generate_series(1, 64)"):
                yield int(number)

    def flush(self) -> None:
        """Write what was added."""
        if self._texts:
            self._db.executemany("INSERT INTO name_text(rowid, text) VALUES (?, ?)", self._texts)
        if self._blocks:
            self._db.executemany(
                "INSERT INTO name_block(text_id, directory_id, first, last) VALUES (?, ?, ?, ?) "
                # Two ranges of one directory with one text: the text then speaks of all of it.
                "ON CONFLICT (text_id, directory_id) DO UPDATE SET first = NULL, last = NULL",
                self._blocks,
            )
        self._texts, self._blocks = [], []

    def forget(self) -> None:
        """Drop what was not written, after a rollback: the ids it used were never stored."""
        self._shared.clear()
        self._texts, self._blocks = [], []


def _ranges(names: Sequence[str]) -> Iterator[tuple[str | None, str | None, Sequence[str]]]:
    if len(names) <= RANGE:
        yield None, None, names
        return
    for start in range(0, len(names), RANGE):
        part = names[start : start + RANGE]
        yield part[0], part[-1], part
