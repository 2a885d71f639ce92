"""The words facts are told in: one word for one thing, whatever the format.

Every key of `Facts.details` stands in `FACTS` with what its value means. Where two formats know the
same thing they use the same word: a PNG, a GeoTIFF and a video all have `width` and `height` in
pixels; a safetensors file, a GGUF and an ONNX model all have `parameters`, `tensors` and a `dtype`.
Types of elements are NumPy's words (`float32`, `bfloat16`, `uint8`); lengths of time end in `_s`
and are seconds; what was cut off because there was too much of it has a fact that ends in `_cut`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from catalog.formats.tabular.fields import NOTHING, Details, Told, bounded, clean, join
from catalog.model import Field
from catalog.text import safe

FACTS: Mapping[str, str] = {
    # what any file may have
    "encoding": "how its text is encoded",
    "version": "version of the format, or of the writer's dialect",
    "created_by": "the program that wrote it",
    "title": "the title it gives itself",
    "extra": "the optional dependency group that would tell more",
    "fields_cut": "there are more fields than are kept",
    "members": "files in an archive, or entries in a container",
    "members_cut": "there are more members than were looked at",
    "content": "what its members mostly are",
    "unpacked_bytes": "size of all its members, unpacked",
    "uuid": "the identity it gives itself",
    "encrypted": "some of it cannot be read without a key",
    # tables
    "delimiter": "what stands between two cells",
    "header": "whether the first record names the columns",
    "quote": "the quoting character, where it is not the usual one",
    "escape": "the character that escapes a quote",
    "ragged": "records differ in length",
    "skipped_records": "records above the table",
    "rows_estimate": "rows, estimated from the size",
    "bad_lines": "lines that are no records",
    "layout": "array, object or value",
    "mixed_types": "columns whose values disagree on a type",
    "record": "name of the record type",
    "row_groups": "independent pieces of rows",
    "batches": "record batches",
    "stripes": "ORC stripes",
    "writer": "the library that wrote it",
    "metadata_keys": "keys of the writer's own metadata",
    "statistics": "columns with minimum and maximum kept",
    "ranges": "smallest and largest value of a few columns",
    "encrypted_columns": "columns that are encrypted",
    "sheets": "names of the sheets",
    "tables": "names of the tables",
    "views": "names of the views",
    "page_size": "bytes of a page",
    # table formats
    "snapshots": "states that can still be read",
    "table_version": "number of the current state",
    "operation": "what the last commit did",
    "committed": "when the last commit was made",
    "partitioning": "columns it is partitioned by",
    "files": "data files of the current state",
    "deleted_files": "delete files or deletion vectors of the current state",
    "bytes": "bytes of the data files of the current state",
    "properties": "settings of the table",
    "table_type": "kind of table",
    "location": "where it says it is",
    # models
    "architecture": "architecture of the model",
    "parameters": "numbers in all its tensors",
    "tensors": "how many tensors",
    "dtype": "type of the elements; several joined by `+`, the most frequent first",
    "quantization": "how the weights are quantised",
    "context_length": "tokens the model can attend to",
    "layers": "layers or blocks",
    "vocabulary": "tokens in its vocabulary",
    "tokenizer": "kind of tokenizer",
    "base_model": "the model it was made from",
    "datasets": "data sets it says it was trained on",
    "license": "licence it is under",
    "task": "what it is for",
    "language": "languages it is for",
    "nodes": "nodes of its graph",
    "operators": "kinds of nodes",
    "opset": "version of the operator set",
    "external_data": "files that hold its weights",
    "signatures": "names of its entry points",
    "framework": "library the model was made with",
    "protocol": "pickle protocol",
    "imports": "what loading it would import",
    "unsafe_imports": "imports that can run any command",
    "shards": "files that hold its tensors or records",
    # arrays
    "arrays": "how many arrays",
    "groups": "how many groups",
    "attributes": "names of its attributes",
    "shape": "length along each dimension",
    "order": "order of elements in memory, `C` or `F`",
    "chunks": "shape of a chunk",
    "dimensions": "named dimensions with their lengths",
    "objects": "elements are pickled Python objects",
    "units": "unit of the values",
    "voxel_size": "spacing of the samples",
    # media
    "width": "pixels across",
    "height": "pixels down",
    "channels": "channels of a pixel or of sound",
    "bits": "bits of one channel's sample",
    "color": "colour model",
    "frames": "pictures in it",
    "duration_s": "length in seconds",
    "sample_rate": "samples a second",
    "bitrate": "bits a second",
    "frame_rate": "pictures a second",
    "video_codec": "coding of the pictures",
    "audio_codec": "coding of the sound",
    "tracks": "tracks in the container",
    "compression": "how pixels or samples are compressed",
    "camera": "the camera it was taken with",
    "taken": "when it was taken",
    "has_location": "it says where it was taken",
    "orientation": "how a viewer must turn it (EXIF, 1 to 8)",
    "animated": "it moves",
    "progressive": "it can be shown while it loads",
    "tiled": "pixels are stored in tiles",
    "overviews": "smaller copies inside",
    "cloud_optimized": "laid out to be read in ranges",
    "modality": "how a medical image was made",
    "body_part": "the part of the body examined",
    # geography
    "crs": "coordinate reference system",
    "bounds": "smallest x and y, largest x and y",
    "geometry": "kinds of geometry",
    "points": "points of a cloud",
    # shards, documents
    "record_bytes": "bytes of the first record",
    "features": "features of the first record",
    "samples": "samples in view",
    "pages": "pages",
    "author_tool": "program the document was written with",
    "slides": "slides",
    "cells": "cells of a notebook",
    "kernel": "language of a notebook",
}
"""Every fact's name, with what it means."""

_LISTED = 12
_TEXT = 200


class Facet:
    """Details being gathered: adds only what is known, and keeps text short and safe to print."""

    def __init__(self) -> None:
        self.details: Details = {}

    def add(self, name: str, value: object) -> None:
        """Keep a fact; None, an empty text and an empty list are no facts."""
        if value is None or value == "" or value == [] or value == ():
            return
        if isinstance(value, (bool, int)):
            self.details[name] = value
        elif isinstance(value, float):
            if math.isfinite(value):
                self.details[name] = round(value, 6)
        elif isinstance(value, str):
            self.details[name] = safe(value.strip(), _TEXT)
        else:
            self.details[name] = listed(value if isinstance(value, Sequence) else [value])

    def flag(self, name: str, value: bool) -> None:
        """Keep a fact that is worth a word only where it is true."""
        if value:
            self.details[name] = True


def listed(words: Sequence[object], most: int = _LISTED) -> str:
    """Some words in one line: `a, b, c, … 12 more`."""
    shown = ", ".join(safe(word, 60) for word in words[:most])
    more = len(words) - most
    return safe(shown if more <= 0 else f"{shown}, … {more:,} more", _TEXT + 60)


def dtypes(kinds: Mapping[str, int] | Iterable[str]) -> str | None:
    """Types of elements joined by `+`, the most frequent first; None for none."""
    counted = Counter(kinds)
    ordered = [kind for kind, _ in counted.most_common(4)]
    return "+".join(ordered) or None


def tensor(dtype: str, shape: Sequence[int | str]) -> str:
    """The type of an array as a field's type: `tensor<float32>[2, 3]`."""
    return f"tensor<{dtype}>[{', '.join(str(each) for each in shape[:32])}]"


def elements(shape: Sequence[int]) -> int:
    """Numbers in an array of this shape."""
    return math.prod(shape)


class Tensors:
    """Counts the tensors of a model while they go by, and keeps the first of them as fields."""

    def __init__(self) -> None:
        self.count = 0
        self.parameters = 0
        self.kinds: Counter[str] = Counter()
        self.fields: list[Field] = []

    def add(self, name: str, dtype: str, shape: Sequence[int], more: Told = NOTHING) -> None:
        """One tensor more. Raises `ValueError` for a shape that cannot be."""
        if any(length < 0 for length in shape) or len(shape) > 64:
            raise ValueError("a tensor of impossible shape")
        self.count += 1
        size = elements(shape)
        self.parameters += size
        self.kinds[dtype] += max(size, 1)
        if len(self.fields) <= MOST_TENSORS:
            self.fields.append(Field(clean(name), tensor(dtype, shape), False, *more))

    def into(self, facet: Facet) -> tuple[Field, ...]:
        """Add the counts to `facet`; returns the fields."""
        if self.count:
            facet.add("tensors", self.count)
            facet.add("parameters", self.parameters if self.parameters < 1 << 62 else None)
            facet.add("dtype", dtypes(self.kinds))
        return bounded(self.fields, facet.details)


MOST_TENSORS = 10_000


def nested(parent: str, names: Iterable[str]) -> Iterator[str]:
    """Paths of members below `parent`."""
    return (join(parent, name) for name in names)


__all__ = ["FACTS", "Facet", "Tensors", "dtypes", "elements", "listed", "nested", "tensor"]
