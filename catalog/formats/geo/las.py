"""LAS and LAZ point clouds (LAS 1.4 R15): the public header and the records that name a coordinate system."""

from __future__ import annotations

import re
import struct

from catalog.errors import InspectError
from catalog.formats.base import RangeReader, parsing
from catalog.formats.geo.shapes import corners
from catalog.formats.stream import Stream
from catalog.formats.vocabulary import Facet
from catalog.model import Facts, Field

_MOST_RECORDS = 200
_GEOKEYS, _WKT = 34735, 2112
_DIMENSIONS = ("x", "y", "z")


def inspect(reader: RangeReader) -> Facts:
    """Points, bounds, version; rows are points."""
    with parsing(reader, "LAS"):
        head = reader.head(375)
        if len(head) < 227:
            raise InspectError("The LAS header is cut off.", finding="truncated")
        major, minor = head[24], head[25]
        size, start, records = struct.unpack_from("<HII", head, 94)
        kind, width, points = struct.unpack_from("<BHI", head, 104)
        if (major, minor) >= (1, 4) and len(head) >= 255:
            points = struct.unpack_from("<Q", head, 247)[0] or points
        facet = Facet()
        facet.add("version", f"{major}.{minor}")
        facet.add("points", points)
        facet.add("created_by", head[58:90].split(b"\0")[0].decode("latin-1"))
        high_x, low_x, high_y, low_y = struct.unpack_from("<4d", head, 179)
        facet.add("bounds", corners((low_x, low_y, high_x, high_y)))
        facet.add("crs", _system(Stream(reader, size), records))
        laz = bool(kind & 0x80)
        fields = tuple(Field(name, "double", False) for name in _DIMENSIONS)
        short = not laz and reader.size is not None and start + points * width > reader.size
        detail = f"The header counts {points:,} points." if short else None
        return Facts(
            "las", fields, points, "laz" if laz else None, facet.details, "truncated" if short else None, detail
        )


def _system(stream: Stream, records: int) -> str | None:
    """An EPSG code from GeoTIFF keys, or the name at the head of a WKT."""
    for _ in range(min(records, _MOST_RECORDS)):
        if stream.left < 54:
            return None
        _, _, record, length, _ = stream.unpack("H16sHH32s")
        if record == _GEOKEYS:
            keys = struct.unpack_from(f"<{min(length, 4096) // 8 * 4}H", stream.peek(min(length, 4096)))
            codes = {keys[at]: keys[at + 3] for at in range(4, len(keys) - 3, 4) if keys[at + 1] == 0}
            code = codes.get(3072) or codes.get(2048)
            if code:
                return f"EPSG:{code}"
        elif record == _WKT:
            words = stream.peek(min(length, 16384)).decode("utf-8", "replace").rstrip("\0")
            codes_told = re.findall(r'(?:AUTHORITY|ID)\["EPSG",\s*"?(\d+)"?\]', words)
            if codes_told:
                return f"EPSG:{codes_told[-1]}"
            named = re.match(r'\w+\["([^"]{1,100})"', words)
            return named[1] if named else None
        stream.skip(length)
    return None
