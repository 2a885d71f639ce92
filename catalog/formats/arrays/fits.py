"""FITS (FITS Standard 4.0): the cards of each header; data is passed over by its announced size."""

from __future__ import annotations

import re

from catalog.errors import InspectError
from catalog.formats.base import RangeReader, parsing
from catalog.formats.stream import Stream
from catalog.formats.tabular.fields import clean, join, told
from catalog.formats.vocabulary import Facet, elements, tensor
from catalog.model import Facts, Field

_BLOCK = 2880
_MOST_UNITS = 64
_MOST_BLOCKS = 400
_TYPES = {8: "uint8", 16: "int16", 32: "int32", 64: "int64", -32: "float32", -64: "float64"}
_COLUMNS = {"L": "bool", "X": "bits", "B": "uint8", "I": "int16", "J": "int32", "K": "int64", "A": "string",
            "E": "float", "D": "double", "C": "complex64", "M": "complex128", "P": "list", "Q": "list"}  # fmt: skip
_CARD = re.compile(r"([A-Z0-9_-]{1,8}) *= *(?:'((?:[^']|'')*)'|([^/]*))")


def inspect(reader: RangeReader) -> Facts:
    """Header units with their arrays and tables, up to 64 of them."""
    with parsing(reader, "FITS"):
        stream, facet = Stream(reader, block=_BLOCK * 4), Facet()
        fields: list[Field] = []
        rows: int | None = None
        units = 0
        while stream.left and units < _MOST_UNITS:
            if units and not re.match(rb"XTENSION|SIMPLE  ", stream.peek(8)):
                break  # records of another kind may follow the last unit
            cards = _cards(stream)
            units += 1
            name = cards.get("EXTNAME") or f"hdu{units - 1}"
            shape = [_number(cards, f"NAXIS{i}") for i in range(_number(cards, "NAXIS"), 0, -1)]
            if "XTENSION" in cards and "TABLE" in cards["XTENSION"]:
                rows = shape[0] if shape and rows is None else rows
                fields += _columns(name, cards)
            elif shape:
                fields.append(
                    Field(clean(name).replace(".", "\\."), tensor(_TYPES.get(_number(cards, "BITPIX"), "?"), shape))
                )
            if len(shape) >= 2 and "TABLE" not in cards.get("XTENSION", ""):
                facet.add("height", shape[-2])
                facet.add("width", shape[-1])
            size = abs(_number(cards, "BITPIX")) // 8 * max(_number(cards, "GCOUNT", 1), 1)
            size *= (elements(shape) if shape else 0) + max(_number(cards, "PCOUNT"), 0)
            stream.skip(size + -size % _BLOCK)
            for key, fact in (("INSTRUME", "camera"), ("DATE-OBS", "taken"), ("OBJECT", "title"), ("RADESYS", "crs")):
                facet.add(fact, cards.get(key))
        facet.add("arrays", units)
        short = stream.end is not None and stream.at > stream.end + _BLOCK
        detail = "The last unit's data is cut off." if short else None
        return Facts("fits", tuple(fields)[:10_000], rows, None, facet.details, "truncated" if short else None, detail)


def _cards(stream: Stream) -> dict[str, str]:
    found: dict[str, str] = {}
    for _ in range(_MOST_BLOCKS):
        block = stream.take(_BLOCK).decode("latin-1")
        for at in range(0, _BLOCK, 80):
            card = block[at : at + 80]
            if card.startswith("END") and not card[3:].strip():
                return found
            match = _CARD.match(card)
            if match:
                value = match[2].replace("''", "'") if match[2] is not None else match[3]
                found.setdefault(match[1], value.strip())
    raise InspectError("The FITS header does not end within a mebibyte.", finding="too_large")


def _number(cards: dict[str, str], key: str, default: int = 0) -> int:
    value = cards.get(key, "")
    number = int(value) if re.fullmatch(r"[+-]?\d{1,18}", value) else default
    if key.startswith("NAXIS") and not 0 <= number <= (999 if key == "NAXIS" else 1 << 50):
        raise InspectError("The FITS header has an impossible shape.")
    return number


def _columns(name: str, cards: dict[str, str]) -> list[Field]:
    found = []
    for index in range(1, min(_number(cards, "TFIELDS"), 999) + 1):
        form = re.match(r"(\d*)([A-Z])", cards.get(f"TFORM{index}", ""))
        kind = _COLUMNS.get(form[2], "unknown") if form else "unknown"
        if form and form[1] not in ("", "1") and form[2] not in "APQ":
            kind = "list"
        column = cards.get(f"TTYPE{index}") or f"col{index}"
        more = told({"unit": cards.get(f"TUNIT{index}")})
        found.append(Field(join(clean(name).replace(".", "\\."), column), kind, True, *more))
    return found
