"""SQLite (sqlite.org/fileformat2.html): tables and columns by walking the pages of the schema table."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from itertools import pairwise

from catalog.errors import InspectError
from catalog.formats.base import RangeReader, parsing
from catalog.formats.tabular.fields import Details, bounded, clean, join
from catalog.formats.vocabulary import Facet
from catalog.model import Facts, Field

_MOST_PAGES = 120
_MOST_SQL = 64 * 1024
_LEAF, _INTERIOR = 0x0D, 0x05
_ENCODINGS = {1: "utf-8", 2: "utf-16-le", 3: "utf-16-be"}
_OWN = re.compile(r"sqlite_|gpkg_|rtree_")


def inspect(reader: RangeReader) -> Facts:
    """Tables with their columns."""
    return _inspect(reader, "sqlite")


def inspect_geopackage(reader: RangeReader) -> Facts:
    """As `inspect`; its own bookkeeping tables are left out."""
    return _inspect(reader, "geopackage")


def inspect_mbtiles(reader: RangeReader) -> Facts:
    """As `inspect`."""
    return _inspect(reader, "mbtiles")


def _inspect(reader: RangeReader, format: str) -> Facts:
    with parsing(reader, "SQLite"):
        pages, facet = _Pages(reader), Facet()
        entries = list(pages.schema())
        tables = [(name, sql) for kind, name, sql in entries if kind == "table" and not _OWN.match(name)]
        facet.add("tables", [name for name, _ in tables])
        facet.add("views", [name for kind, name, _ in entries if kind == "view"])
        facet.add("page_size", pages.size)
        facet.add("encoding", pages.encoding)
        facet.flag("members_cut", pages.cut)
        details: Details = facet.details
        fields = bounded(_fields(tables), details)
        short = pages.count * pages.size > (reader.size or 0) and pages.counted
        detail = f"The header counts {pages.count:,} pages." if short else None
        return Facts(format, fields, None, None, details, "truncated" if short else None, detail)


class _Pages:
    """Pages by number, and the rows of the table rooted in page 1."""

    def __init__(self, reader: RangeReader) -> None:
        self._reader = reader
        head = reader.head(100)
        if len(head) < 100:
            raise InspectError("The SQLite header is cut off.", finding="truncated")
        self.size = int.from_bytes(head[16:18], "big")
        self.size = 65536 if self.size == 1 else self.size
        if self.size < 512 or self.size & (self.size - 1):
            raise InspectError("The SQLite header has an impossible page size.")
        self._usable = self.size - head[20]
        self.count = int.from_bytes(head[28:32], "big")
        self.counted = head[24:28] == head[92:96]  # else an old version wrote last, and the count is stale
        self.encoding = _ENCODINGS.get(int.from_bytes(head[56:60], "big"), "utf-8")
        self.cut = False
        self._seen: set[int] = set()
        if reader.size is not None and reader.size <= 1 << 18:
            reader.head(reader.size)

    def schema(self) -> Iterator[tuple[str, str, str]]:
        """Type, name and SQL of each entry of `sqlite_schema`."""
        todo = [1]
        while todo:
            number = todo.pop()
            if number in self._seen or number < 1:
                continue
            if len(self._seen) >= _MOST_PAGES:
                self.cut = True
                return
            page = self._page(number)
            start = 100 if number == 1 else 0
            kind, cells = page[start], struct.unpack_from(">H", page, start + 3)[0]
            header = 12 if kind == _INTERIOR else 8
            if kind not in (_LEAF, _INTERIOR) or start + header + 2 * cells > len(page):
                raise InspectError("A page of the schema is damaged.")
            pointers = struct.unpack_from(f">{cells}H", page, start + header)
            if kind == _INTERIOR:
                below = [struct.unpack_from(">I", page, at)[0] for at in pointers]
                todo += [struct.unpack_from(">I", page, start + 8)[0], *below[::-1]]
                continue
            for at in pointers:
                if (row := self._row(page, at)) is not None:
                    yield row

    def _page(self, number: int) -> bytes:
        self._seen.add(number)
        page = self._reader.read((number - 1) * self.size, self.size)
        if len(page) < self.size:
            raise InspectError("A page of the schema lies beyond the end of the file.", finding="truncated")
        return page

    def _row(self, page: bytes, at: int) -> tuple[str, str, str] | None:
        length, at = _varint(page, at)
        _, at = _varint(page, at)
        payload = self._payload(page, at, length)
        end, place = _varint(payload, 0)
        kinds: list[int] = []
        while place < end and len(kinds) < 16:
            kind, place = _varint(payload, place)
            kinds.append(kind)
        values: list[str] = []
        place = end
        for kind in kinds[:5]:
            width = (kind - 13) // 2 if kind >= 13 and kind % 2 else _width(kind)
            raw = payload[place : place + width]
            values.append(raw.decode(self.encoding, "replace") if kind >= 13 and kind % 2 else "")
            place += width
        return (values[0], clean(values[1]), values[4]) if len(values) == 5 else None

    def _payload(self, page: bytes, at: int, length: int) -> bytes:
        """A record's bytes, of which a long one goes on in overflow pages (1.6)."""
        most = self._usable - 35
        if length <= most:
            return page[at : at + length]
        least = (self._usable - 12) * 32 // 255 - 23
        local = least + (length - least) % (self._usable - 4)
        local = local if local <= most else least
        data = bytearray(page[at : at + local])
        following = struct.unpack_from(">I", page, at + local)[0]
        while following and len(data) < min(length, _MOST_SQL) and len(self._seen) < _MOST_PAGES:
            if following in self._seen:
                raise InspectError("The overflow pages form a circle.")
            more = self._page(following)
            following = struct.unpack_from(">I", more)[0]
            data += more[4 : self._usable]
        return bytes(data[:length])


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """SQLite's variable-length integer: big-endian, up to nine bytes (1.3)."""
    value = 0
    for index in range(8):
        byte = data[at + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    return value << 8 | data[at + 8], at + 9


def _width(kind: int) -> int:
    return (0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0)[kind] if kind < 12 else (kind - 12) // 2


# ---------------------------------------------------------------- columns from SQL

_TOKEN = re.compile(
    r"\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]|'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/|[(),]|[^\s(),]+", re.DOTALL
)
_CONSTRAINTS = frozenset({"constraint", "primary", "unique", "check", "foreign"})
_ENDS_TYPE = _CONSTRAINTS | {"not", "null", "default", "collate", "references", "generated", "as", "autoincrement"}


def _fields(tables: list[tuple[str, str]]) -> Iterator[Field]:
    alone = len(tables) == 1
    for name, sql in tables:
        prefix = "" if alone else clean(name).replace(".", "\\.")
        for column, kind, nullable in columns(sql):
            yield Field(join(prefix, column), kind, nullable)


def columns(sql: str) -> Iterator[tuple[str, str, bool]]:
    """Name, Arrow type and nullability of the columns of a CREATE TABLE statement."""
    tokens = [token for token in _TOKEN.findall(sql[:_MOST_SQL]) if not token.startswith(("--", "/*"))]
    if "(" not in tokens:
        return
    depth = 0
    current: list[str] = []
    for word in tokens[tokens.index("(") :]:
        depth += (word == "(") - (word == ")")
        if (word == "," and depth == 1) or depth == 0:
            if current and current[0].lower() not in _CONSTRAINTS:
                yield _column(current)
            current = []
            if depth == 0:
                return
        elif not (word == "(" and depth == 1):
            current.append(word)


def _column(tokens: list[str]) -> tuple[str, str, bool]:
    name = tokens[0]
    if name[0] in "\"`['":
        name = name[1:-1].replace('""', '"')
    words = []
    for token in tokens[1:]:
        if token.lower() in _ENDS_TYPE:
            break
        words.append(token)
    lowered = [token.lower() for token in tokens]
    required = any(a == "not" and b == "null" for a, b in pairwise(lowered))
    return name, _affinity(" ".join(words)), not required


_SHAPE = re.compile(r"(?:MULTI)?(?:POINT|LINESTRING|POLYGON|CURVE|SURFACE)|GEOMETRY")
"""GeoPackage's types of geometry, which are stored as blobs."""


def _affinity(declared: str) -> str:
    """The Arrow type of a declared one, by SQLite's rules of affinity (datatype3.html, 3.1)."""
    upper = declared.upper()
    if "BOOL" in upper:
        return "bool"
    if _SHAPE.match(upper):
        return "binary"
    if "INT" in upper:
        return "int64"
    if any(word in upper for word in ("CHAR", "CLOB", "TEXT")):
        return "string"
    if "BLOB" in upper or not upper:
        return "binary"
    if any(word in upper for word in ("REAL", "FLOA", "DOUB")):
        return "double"
    if "DATETIME" in upper or "TIMESTAMP" in upper:
        return "timestamp[us]"
    return "date32[day]" if upper == "DATE" else "double" if "NUM" in upper or "DEC" in upper else "string"
