"""NetCDF classic (NetCDF User's Guide, File Format Specifications): dimensions, variables, attributes."""

from __future__ import annotations

from catalog.errors import InspectError
from catalog.formats.base import RangeReader, parsing
from catalog.formats.stream import Stream
from catalog.formats.tabular.fields import clean, told
from catalog.formats.vocabulary import Facet, Tensors
from catalog.model import Facts

_TYPES = {1: ("int8", 1), 2: ("bytes", 1), 3: ("int16", 2), 4: ("int32", 4), 5: ("float32", 4), 6: ("float64", 8),
          7: ("uint8", 1), 8: ("uint16", 2), 9: ("uint32", 4), 10: ("int64", 8), 11: ("uint64", 8)}  # fmt: skip
_DIMENSIONS, _VARIABLES, _ATTRIBUTES = 10, 11, 12
_MOST = 100_000
_STREAMING = 0xFFFFFFFF
TOLD = {"title": "title", "Conventions": "version", "source": "created_by", "history": None}


def inspect(reader: RangeReader) -> Facts:
    """Everything stands in the header at the beginning."""
    with parsing(reader, "NetCDF"):
        stream = Stream(reader, order=">")
        version = stream.take(4)[3]
        header = _Header(stream, wide=version == 5, far=version != 1)
        return header.facts()


class _Header:
    def __init__(self, stream: Stream, *, wide: bool, far: bool) -> None:
        self._stream = stream
        self._count = "Q" if wide else "I"
        self._offset = "Q" if far else "I"
        self.facet = Facet()
        self.records: int | None = self._number()
        if self.records in (_STREAMING, (1 << 64) - 1):
            self.records = None
        self.dimensions = [(self._name(), self._number()) for _ in range(self._list(_DIMENSIONS))]
        self._globals()
        self.tensors = Tensors()
        for _ in range(self._list(_VARIABLES)):
            self._variable()

    def facts(self) -> Facts:
        facet = self.facet
        facet.add("dimensions", [f"{name}={size or 'unlimited'}" for name, size in self.dimensions])
        facet.add("arrays", self.tensors.count)
        fields = self.tensors.into(facet)
        for counted in ("tensors", "parameters"):
            facet.details.pop(counted, None)
        unlimited = any(size == 0 for _, size in self.dimensions)
        return Facts("netcdf3", fields, self.records if unlimited else None, None, facet.details)

    def _number(self) -> int:
        return self._stream.number(self._count)

    def _name(self) -> str:
        length = self._number()
        raw = self._stream.take(length)
        self._stream.skip(-length % 4)
        return clean(raw.decode("utf-8", "replace"))

    def _list(self, kind: int) -> int:
        tag, count = self._stream.number("I"), self._number()
        if tag not in (0, kind) or (tag == 0 and count):
            raise InspectError("The NetCDF header holds a list of the wrong kind.")
        if count > _MOST:
            raise InspectError("The NetCDF header has more than 100,000 entries.", finding="too_large")
        return count

    def _attribute(self) -> tuple[str, str | None]:
        name, kind, count = self._name(), self._stream.number("I"), self._number()
        if kind not in _TYPES:
            raise InspectError("An attribute has an unknown type.")
        length = count * _TYPES[kind][1]
        words = self._stream.peek(min(length, 400)).decode("utf-8", "replace") if kind == 2 else None
        self._stream.skip(length + -length % 4)
        return name, words

    def _globals(self) -> None:
        names = []
        for _ in range(self._list(_ATTRIBUTES)):
            name, words = self._attribute()
            names.append(name)
            fact = TOLD.get(name)
            if fact and words:
                self.facet.add(fact, words)
        self.facet.add("attributes", names)

    def _variable(self) -> None:
        name = self._name()
        places = [self._number() for _ in range(min(self._number(), 1024))]
        more = told(dict(self._attribute() for _ in range(self._list(_ATTRIBUTES))))
        kind = self._stream.number("I")
        self._number()
        self._stream.number(self._offset)
        if kind not in _TYPES or any(place >= len(self.dimensions) for place in places):
            raise InspectError("A variable has an unknown type or dimension.")
        shape = [self.dimensions[place][1] or (self.records or 0) for place in places]
        self.tensors.add(name.replace(".", "\\."), _TYPES[kind][0], shape, more)
