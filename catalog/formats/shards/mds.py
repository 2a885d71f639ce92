"""MosaicML Streaming's shards (streaming/base/format/mds/writer.py): a count, offsets, a JSON header, samples."""

from __future__ import annotations

import json

from catalog.errors import InspectError
from catalog.formats.base import MIB, RangeReader, parsing
from catalog.formats.stream import Stream
from catalog.formats.vocabulary import Facet
from catalog.model import Facts, Field

_HEADER = MIB
_TYPES = {
    "str": "string", "int": "int64", "bytes": "binary", "json": "string", "jpeg": "binary", "png": "binary",
    "pil": "binary", "pkl": "binary", "float32": "float", "float64": "double", "float16": "halffloat",
    "str_int": "int64", "str_float": "double",
}  # fmt: skip


def inspect(reader: RangeReader) -> Facts:
    """Samples, and columns with their encodings; columns that are pickled are a finding."""
    with parsing(reader, "MDS"):
        stream = Stream(reader)
        count = stream.number("I")
        first = count * 4 + 8
        stream.at = 4
        begin = stream.number("I")
        if begin < first or begin - first > _HEADER:
            raise InspectError("The offsets of the shard do not fit.")
        stream.at = first
        columns = json.loads(stream.take(begin - first))
        names, encodings = columns["column_names"], columns["column_encodings"]
        fields = tuple(
            Field(
                str(name).replace(".", "\\."), _TYPES.get(str(encoding), str(encoding)[:40]), False, str(encoding)[:40]
            )
            for name, encoding in list(zip(names, encodings))[:1000]
        )
        facet = Facet()
        stream.at = 4 + 4 * count
        last = stream.number("I")
        short = reader.size is not None and last > reader.size
        pickled = any(str(encoding).startswith("pkl") for encoding in encodings)
        finding = "truncated" if short else "unsafe" if pickled else None
        detail = {"truncated": "The last sample is cut off.", "unsafe": "A column holds pickled objects."}
        return Facts("mds", fields, count, None, facet.details, finding, detail.get(finding or ""))
