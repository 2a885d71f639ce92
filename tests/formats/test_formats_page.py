"""`docs/formats.md`, the registry and the vocabulary say the same."""

from __future__ import annotations

import re
from pathlib import Path

import catalog
from catalog.formats.registry import _INSPECTORS, EXTRAS, TREES
from catalog.formats.vocabulary import FACTS

PAGE = (Path(catalog.__file__).parents[1] / "docs" / "formats.md").read_text()


def rows(title: str) -> list[list[str]]:
    """The cells of the table below a heading."""
    part = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def words(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


def test_every_inspected_format_is_told_with_its_extra():
    told = {words(row[0])[0]: words(row[4]) for row in rows("Files")}
    assert told.keys() == _INSPECTORS.keys()
    assert {format: extra[0] for format, extra in told.items() if extra} == EXTRAS


def test_every_folder_is_told():
    assert {words(row[0])[0] for row in rows("Folders")} == TREES


def test_facts_are_told_in_the_vocabulary():
    assert {row[0].strip("`"): row[1] for row in rows("Words")} == dict(FACTS)
    used = [*(words(row[3]) for row in rows("Files")), *(words(row[2]) for row in rows("Folders"))]
    assert {word for each in used for word in each} <= FACTS.keys()
