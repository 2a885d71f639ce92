"""PyTorch checkpoints: ZIP files since 1.6 (torch/serialization.py), a row of pickles before; TorchScript too."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from catalog.errors import InspectError
from catalog.formats.base import MIB, RangeReader, parsing
from catalog.formats.models import pickles
from catalog.formats.models.machine import Call, Machine, Name, Persistent, Source
from catalog.formats.vocabulary import Facet, Tensors
from catalog.formats.zipdir import ZipDirectory
from catalog.model import Facts

_PICKLE = 16 * MIB
_DEEPEST = 24
_MOST = 200_000
_STORAGES = {
    "Double": "float64", "Float": "float32", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64",
    "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool", "ComplexFloat": "complex64",
    "ComplexDouble": "complex128", "QInt8": "qint8", "QUInt8": "quint8", "QInt32": "qint32",
    "Untyped": "uint8",
}  # fmt: skip
_REBUILDS = ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_qtensor")


def inspect(reader: RangeReader) -> Facts:
    """Tensors by name, without their data; `unsafe` where the pickle would import what runs commands."""
    with parsing(reader, "a PyTorch file"):
        if reader.head(4) == b"PK\x03\x04":
            return _zipped(reader)
        return _legacy(reader)


def _zipped(reader: RangeReader) -> Facts:
    archive = ZipDirectory(reader)
    main = next((m for m in archive.members if m.name == "data.pkl" or m.name.endswith("/data.pkl")), None)
    if main is None:
        raise InspectError("No data.pkl in the archive: not a PyTorch file.", finding="unsupported")
    if main.size > _PICKLE:
        raise InspectError("The checkpoint's pickle is longer than 16 MiB.", finding="too_large")
    top = main.name[: -len("data.pkl")]
    scripted = any(m.name.startswith(f"{top}code/") for m in archive.members)
    machine = Machine()
    machine.run(Source(archive.read(main, _PICKLE)))
    facet, tensors = Facet(), Tensors()
    for name, dtype, shape in _tensors(machine.result):
        tensors.add(name, dtype, shape)
    finding, detail = pickles.tell(machine, facet)
    facet.add("members", len(archive.members))
    version = archive.get(f"{top}version") or archive.get(f"{top}.data/version")
    if version is not None and version.size < 64:
        facet.add("version", archive.read(version, 64).decode("latin-1"))
    if isinstance(machine.result, Call) and isinstance(machine.result.function, Name) and scripted:
        facet.add("architecture", machine.result.function.name)
    fields = tensors.into(facet)
    return Facts("torchscript" if scripted else "pytorch", fields, None, None, facet.details, finding, detail)


def _legacy(reader: RangeReader) -> Facts:
    """Magic number, protocol, system info, the object, then the keys of the storages: five pickles in a row."""
    source = Source(reader)
    machine, facet, tensors = Machine(), Facet(), Tensors()
    for index in range(4):
        one = Machine()
        one.run(source)
        machine.imports.update(one.imports)
        machine.protocol = max(machine.protocol, one.protocol)
        if index == 0 and one.result != 0x1950A86A20F9469CFC6C:
            machine.result = one.result  # a plain pickle of tensors, named as a checkpoint
            break
        machine.result = one.result
    for name, dtype, shape in _tensors(machine.result):
        tensors.add(name, dtype, shape)
    finding, detail = pickles.tell(machine, facet)
    return Facts("pytorch", tensors.into(facet), None, None, facet.details, finding, detail)


def _tensors(result: object) -> Iterator[tuple[str, str, list[int]]]:
    """Name, type and shape of every tensor that the machine noted, wherever it hangs."""
    seen: set[int] = set()
    todo: list[tuple[str, object, int]] = [("", result, 0)]
    while todo and len(seen) < _MOST:
        path, value, depth = todo.pop()
        if depth > _DEEPEST or not isinstance(value, (Call, dict, list, tuple)):
            continue
        if id(value) in seen:
            continue
        seen.add(id(value))
        found = _tensor(value) if isinstance(value, Call) else None
        if found is not None:
            yield path or "tensor", *found
            continue
        todo += [(_below(path, key), each, depth + 1) for key, each in reversed(list(_members(value)))]


def _members(value: Call | dict[object, object] | list[object] | tuple[object, ...]) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        yield from ((str(key), each) for key, each in value.items())
    elif isinstance(value, Call):
        yield from ((str(key), each) for key, each in value.items.items())
        yield "", value.arguments
        yield "", value.state
    else:
        yield from ((str(index) if len(value) > 1 else "", each) for index, each in enumerate(value))


def _below(path: str, key: str) -> str:
    return f"{path}.{key}"[:500] if path and key else path or key


def _tensor(call: Call) -> tuple[str, list[int]] | None:
    """`torch._utils._rebuild_tensor_v2(storage, offset, size, stride, …)` and its kin."""
    function, arguments = call.function, call.arguments
    if not isinstance(function, Name) or not isinstance(arguments, tuple):
        return None
    if function.name == "_rebuild_parameter" and arguments and isinstance(arguments[0], Call):
        return _tensor(arguments[0])
    if function.name not in _REBUILDS or len(arguments) < 3:
        return None
    storage, size = arguments[0], arguments[2]
    if not isinstance(size, tuple) or not all(isinstance(n, int) and 0 <= n < sys.maxsize for n in size):
        return None
    told = next((a for a in arguments[3:] if isinstance(a, Name) and a.module == "torch"), None)
    return (told.name if told else _storage(storage)), [int(n) for n in size]


def _storage(storage: object) -> str:
    key = storage.key if isinstance(storage, Persistent) else None
    kind = key[1] if isinstance(key, tuple) and len(key) > 1 else None
    name = kind.name.removesuffix("Storage") if isinstance(kind, Name) else ""
    return _STORAGES.get(name, "unknown")
