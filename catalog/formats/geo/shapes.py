"""Shapefiles (ESRI Shapefile Technical Description), their attributes (dBASE III), and GeoJSON (RFC 7946)."""

from __future__ import annotations

import json
import re
import struct
from collections import Counter
from typing import Any

from catalog.errors import InspectError
from catalog.formats.base import KIB, RangeReader, parsing
from catalog.formats.tabular.fields import clean
from catalog.formats.tabular.json import close_off
from catalog.formats.tabular.sample import read_text
from catalog.formats.tabular.shape import Budget, Shape
from catalog.formats.vocabulary import Facet
from catalog.model import Facts, Field

_SHAPES = {0: "null", 1: "Point", 3: "PolyLine", 5: "Polygon", 8: "MultiPoint", 11: "PointZ", 13: "PolyLineZ",
           15: "PolygonZ", 18: "MultiPointZ", 21: "PointM", 23: "PolyLineM", 25: "PolygonM", 28: "MultiPointM",
           31: "MultiPatch"}  # fmt: skip
_SAMPLE = 256 * KIB
_RECORDS = 1000


def corners(bounds: tuple[float, ...]) -> str:
    """Bounds as one fact."""
    return ", ".join(f"{value:.6g}" for value in bounds)


def inspect_shapefile(reader: RangeReader) -> Facts:
    """Kind of shape and bounds; rows from an index file (`.shx`), whose records all have eight bytes."""
    with parsing(reader, "a shapefile"):
        head = reader.head(108)
        if len(head) < 100:
            raise InspectError("The shapefile's header is cut off.", finding="truncated")
        length = struct.unpack_from(">I", head, 24)[0] * 2
        kind = struct.unpack_from("<I", head, 32)[0]
        if kind not in _SHAPES:
            raise InspectError("The shapefile has an unknown kind of shape.")
        facet = Facet()
        facet.add("geometry", _SHAPES[kind])
        facet.add("bounds", corners(struct.unpack_from("<4d", head, 36)))
        index = reader.name.lower().endswith(".shx")
        rows = (length - 100) // 8 if index else 0 if length == 100 else None
        short = reader.size is not None and length > reader.size
        detail = f"The header speaks of {length:,} bytes." if short else None
        return Facts("shapefile", (), rows, None, facet.details, "truncated" if short else None, detail)


_DBF_TYPES = {"C": "string", "N": "double", "F": "double", "L": "bool", "D": "date32[day]", "I": "int32",
              "B": "double", "T": "timestamp[ms]", "M": "string", "O": "double", "Y": "double"}  # fmt: skip


def inspect_dbf(reader: RangeReader) -> Facts:
    """Columns and rows of a dBASE table."""
    with parsing(reader, "dBASE"):
        head = reader.head(32)
        rows, length, record = struct.unpack_from("<IHH", head, 4)
        data = reader.head(length)
        fields = []
        for at in range(32, length - 31, 32):
            if data[at : at + 1] in (b"\r", b"\0", b""):
                break
            name = data[at : at + 11].split(b"\0")[0].decode("latin-1")
            kind, width, decimals = chr(data[at + 11]), data[at + 16], data[at + 17]
            type_ = "int64" if kind == "N" and not decimals and width < 19 else _DBF_TYPES.get(kind, "binary")
            fields.append(Field(clean(name).replace(".", "\\."), type_))
        if not fields:
            raise InspectError("The dBASE header names no column.")
        short = reader.size is not None and length + rows * record > reader.size + 1
        detail = f"The header counts {rows:,} records." if short else None
        return Facts("dbf", tuple(fields), rows, None, {}, "truncated" if short else None, detail)


def inspect_geojson(reader: RangeReader) -> Facts:
    """Properties of the features as columns, kinds of geometry; rows where the whole file was read."""
    sample = read_text(reader, _SAMPLE)
    with parsing(reader, "GeoJSON"):
        if not sample.text.strip():
            raise InspectError("The file holds no JSON value.", finding="truncated")
        value: Any = json.loads(sample.text if sample.whole else close_off(sample.text[:_SAMPLE]))
        features = value.get("features", [value]) if isinstance(value, dict) else None
        if not isinstance(features, list):
            raise InspectError("The file holds no features.", finding="unsupported")
        shape, kinds = Shape(Budget()), Counter[str]()
        for feature in features[:_RECORDS]:
            if isinstance(feature, dict):
                shape.add(feature.get("properties"))
                geometry = feature.get("geometry")
                kinds[str(geometry.get("type")) if isinstance(geometry, dict) else "null"] += 1
        facet = Facet()
        facet.add("geometry", [name for name, _ in kinds.most_common(4)])
        box = value.get("bbox")
        if isinstance(box, list) and len(box) >= 4 and all(isinstance(n, (int, float)) for n in box):
            facet.add("bounds", corners(tuple(float(n) for n in box[:4])))
        named = re.search(r'"name"\s*:\s*"(?:urn:ogc:def:crs:)?(EPSG|OGC):[\d.]*:?(\w+)"', sample.text[:4096])
        facet.add("crs", f"{named[1]}:{named[2]}" if named else "OGC:CRS84")
        fields = tuple(shape.columns())[:10_000]
        return Facts("geojson", fields, len(features) if sample.whole else None, sample.codec, facet.details)
