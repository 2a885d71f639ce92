"""Pickles and joblib's dumps (Lib/pickletools.py): what they would import, read opcode by opcode."""

from __future__ import annotations

import zlib

from catalog.errors import InspectError
from catalog.formats import unpack
from catalog.formats.base import MIB, RangeReader, parsing
from catalog.formats.models.danger import framework, unsafe
from catalog.formats.models.machine import Call, Machine, Name, Source
from catalog.formats.vocabulary import Facet, listed
from catalog.model import Facts

_UNPACKED = 16 * MIB


def inspect(reader: RangeReader) -> Facts:
    """Imports and what kind of object stands at the top; `unsafe` where loading could run commands."""
    return _inspect(reader, "pickle")


def inspect_joblib(reader: RangeReader) -> Facts:
    """As `inspect`; arrays that joblib wrote between the opcodes are passed over."""
    return _inspect(reader, "joblib")


def _inspect(reader: RangeReader, format: str) -> Facts:
    with parsing(reader, "a pickle"):
        source, codec = _opened(reader)
        machine, facet = Machine(), Facet()
        cut = _run(machine, source, format)
        finding, detail = tell(machine, facet)
        result = machine.result
        top = result.function if isinstance(result, Call) else None
        facet.add("content", str(top) if isinstance(top, Name) else type(result).__name__ if machine.ended else None)
        facet.flag("members_cut", cut)
        return Facts(format, (), None, codec, facet.details, finding, detail)


def tell(machine: Machine, facet: Facet) -> tuple[str | None, str | None]:
    """The facts every pickle has; finding and detail where it is unsafe to load."""
    names = list(machine.imports.values())
    facet.add("protocol", machine.protocol)
    facet.add("imports", sorted({name.module for name in names if not name.module.startswith("__torch__")}))
    facet.add("framework", framework(names))
    bad = unsafe(names)
    facet.add("unsafe_imports", bad)
    return ("unsafe", f"Loading it would import {listed(bad, 5)}.") if bad else (None, None)


def _opened(reader: RangeReader) -> tuple[Source, str | None]:
    head = reader.head(16)
    codec = unpack.codec_of(head) or ("zlib" if head[:1] == b"\x78" else None)
    if codec is None:
        return Source(reader), None
    data = reader.head(min(reader.size or MIB, 8 * MIB))
    if codec == "zlib":
        return Source(zlib.decompressobj().decompress(data, _UNPACKED)), codec
    return Source(unpack.unpack(data, codec, _UNPACKED).data), codec


def _run(machine: Machine, source: Source, format: str) -> bool:
    """True when not all of it could be followed: joblib writes raw arrays where the next opcode would stand."""
    try:
        machine.run(source)
    except InspectError as error:
        if error.finding != "too_large" or not machine.imports:
            raise
        return True
    except (ValueError, IndexError, TypeError, AttributeError) as error:
        wrapped = any("NumpyArrayWrapper" in name or "joblib" in name for name in machine.imports)
        if wrapped or (format == "joblib" and machine.imports):
            return True
        if "exhausted" in str(error) or "expected" in str(error) or "no newline" in str(error):
            raise InspectError("The pickle ends before its STOP.", finding="truncated") from error
        raise
    return False
