"""Office Open XML (ECMA-376), OpenDocument and EPUB: ZIP files of XML parts, read within bounds."""

from __future__ import annotations

import re

from catalog.errors import InspectError
from catalog.formats import xml
from catalog.formats.base import KIB, MIB, RangeReader, parsing
from catalog.formats.tabular.fields import clean, join
from catalog.formats.vocabulary import Facet
from catalog.formats.zipdir import ZipDirectory
from catalog.model import Facts, Field

_PART = 2 * MIB
_SHEETS = 20
"""Sheets whose header row is read."""
_COLUMNS = 1000
_APP = {"Application": "author_tool", "Pages": "pages"}
_CORE = {"title": "title", "language": "language"}


def inspect_docx(reader: RangeReader) -> Facts:
    """A Word document."""
    return _office(reader, "docx")


def inspect_pptx(reader: RangeReader) -> Facts:
    """A PowerPoint presentation."""
    return _office(reader, "pptx")


def inspect_xlsx(reader: RangeReader) -> Facts:
    """A workbook: its sheets, and the header row of each as columns."""
    return _office(reader, "xlsx")


def _office(reader: RangeReader, format: str) -> Facts:
    with parsing(reader, "an Office document"):
        archive, facet = ZipDirectory(reader), Facet()
        properties(archive, "docProps/app.xml", _APP, facet)
        properties(archive, "docProps/core.xml", _CORE, facet)
        pages = str(facet.details.pop("pages", ""))
        facet.add("pages", int(pages) if format == "docx" and pages.isdigit() and int(pages) else None)
        slides = sum(re.fullmatch(r"ppt/slides/slide\d+\.xml", m.name) is not None for m in archive.members)
        facet.add("slides", slides or None)
        if format != "xlsx":
            return Facts(format, (), None, None, facet.details)
        fields, rows = _workbook(archive, facet)
        return Facts(format, fields, rows, None, facet.details)


def part(archive: ZipDirectory, name: str, limit: int = _PART) -> tuple[bytes, bool] | None:
    """A part's beginning, and whether it was cut; None where there is none."""
    member = archive.get(name)
    if member is None:
        return None
    return archive.read(member, limit), member.size > limit


def properties(archive: ZipDirectory, name: str, facts: dict[str, str], facet: Facet) -> None:
    """Facts from the elements of a small part."""
    found = part(archive, name, 64 * KIB)

    def seen(local: str, attributes: dict[str, str], text: str) -> None:
        if local in facts and facts[local] not in facet.details:
            facet.add(facts[local], text)

    if found is not None:
        xml.read(found[0], seen, cut=found[1])


def _workbook(archive: ZipDirectory, facet: Facet) -> tuple[tuple[Field, ...], int | None]:
    names: list[tuple[str, str]] = []
    targets: dict[str, str] = {}

    def sheet(local: str, attributes: dict[str, str], text: str) -> None:
        if local == "sheet":
            key = next((v for k, v in attributes.items() if k.rpartition(":")[2] == "id"), "")
            names.append((clean(attributes.get("name", "")), key))

    def relation(local: str, attributes: dict[str, str], text: str) -> None:
        if local == "Relationship":
            targets[attributes.get("Id", "")] = attributes.get("Target", "")

    book, relations = part(archive, "xl/workbook.xml"), part(archive, "xl/_rels/workbook.xml.rels")
    if book is None:
        raise InspectError("The workbook has no list of its sheets.", finding="unsupported")
    xml.read(book[0], sheet, cut=book[1])
    if relations is not None:
        xml.read(relations[0], relation, cut=relations[1])
    facet.add("sheets", [name for name, _ in names])
    shared = _shared(archive)
    fields: list[Field] = []
    rows: list[int | None] = []
    for index, (name, key) in enumerate(names[:_SHEETS]):
        target = targets.get(key, f"worksheets/sheet{index + 1}.xml").lstrip("/")
        found = part(archive, target if target.startswith("xl/") else f"xl/{target}")
        if found is None:
            continue
        columns, count = _sheet(found[0], shared, cut=found[1])
        prefix = name.replace(".", "\\.") if len(names) > 1 else ""
        fields += [Field(join(prefix, column), kind) for column, kind in columns]
        rows.append(count)
    return tuple(fields), rows[0] if len(names) == 1 and len(rows) == 1 else None


def _shared(archive: ZipDirectory) -> list[str]:
    """The first shared strings: header rows are written first."""
    found = part(archive, "xl/sharedStrings.xml", MIB)
    words: list[str] = []
    pieces: list[str] = []

    def seen(local: str, attributes: dict[str, str], text: str) -> bool:
        if local == "t":
            pieces.append(text)
        elif local == "si":
            words.append("".join(pieces))
            pieces.clear()
        return len(words) >= 5000

    if found is not None:
        xml.read(found[0], seen, cut=found[1])
    return words


class _Rows:
    """The first two rows of a sheet as cells by column letter, and how many rows there are."""

    def __init__(self, shared: list[str]) -> None:
        self._shared = shared
        self.rows: list[dict[str, tuple[str, str]]] = []
        self.count = 0
        self._cells: dict[str, tuple[str, str]] = {}
        self._value = ""

    def seen(self, local: str, attributes: dict[str, str], text: str) -> None:
        if local in ("v", "t") and len(self.rows) < 2:
            self._value = text
        elif local == "c" and len(self.rows) < 2 and len(self._cells) < _COLUMNS:
            letters = re.match(r"[A-Z]*", attributes.get("r", ""))
            column = letters[0] if letters and letters[0] else str(len(self._cells))
            kind = attributes.get("t", "n")
            value, self._value = self._value, ""
            if kind == "s":
                value = self._shared[int(value)] if value.isdigit() and int(value) < len(self._shared) else ""
            self._cells[column] = (kind, value)
        elif local == "row":
            self.count += bool(self._cells) or len(self.rows) >= 2
            if self._cells and len(self.rows) < 2:
                self.rows.append(self._cells)
            self._cells = {}


def _sheet(data: bytes, shared: list[str], *, cut: bool) -> tuple[list[tuple[str, str]], int | None]:
    """Columns with their types, and rows below the header where the whole sheet was read."""
    rows = _Rows(shared)
    try:
        xml.read(data, rows.seen, cut=cut)
    except InspectError as error:
        if error.finding != "too_large" or not rows.rows:
            raise
        cut = True
    if not rows.rows:
        return [], None if cut else 0
    header, below = rows.rows[0], rows.rows[1] if len(rows.rows) > 1 else {}
    named = all(kind in ("s", "str", "inlineStr") for kind, _ in header.values())
    kinds = {"n": "double", "b": "bool", "d": "timestamp[us]"}
    columns = [
        (
            clean(value) if named and value else f"f{index}",
            kinds.get((below or header).get(letter, ("s", ""))[0], "string"),
        )
        for index, (letter, (_, value)) in enumerate(header.items())
    ]
    return columns, None if cut else rows.count - named


def inspect_epub(reader: RangeReader) -> Facts:
    """A book: title, language, how many members."""
    return _open(reader, "epub")


def inspect_odt(reader: RangeReader) -> Facts:
    """An OpenDocument text."""
    return _open(reader, "odt")


def inspect_ods(reader: RangeReader) -> Facts:
    """An OpenDocument spreadsheet: names of its sheets."""
    return _open(reader, "ods")


def _open(reader: RangeReader, format: str) -> Facts:
    with parsing(reader, "a document"):
        archive, facet = ZipDirectory(reader), Facet()
        facet.add("members", len(archive.members))
        if format == "epub":
            book = next((m.name for m in archive.members if m.name.endswith(".opf")), "")
            properties(archive, book, _CORE, facet)
        else:
            properties(archive, "meta.xml", {"title": "title", "generator": "author_tool"}, facet)
        if format == "ods" and (content := part(archive, "content.xml")) is not None:
            sheets = re.findall(rb'<table:table [^>]*table:name="([^"]{1,200})"', content[0])
            facet.add("sheets", [name.decode("utf-8", "replace") for name in sheets])
        return Facts(format, (), None, None, facet.details)
