"""What a pickle would build, found out without importing or calling anything.

The opcodes of Python's pickle (Lib/pickletools.py) work on a stack and a memo. This machine follows
them with plain values: an imported name stays a name, and a call stays a note of what would be called
with what. Everything is bounded: opcodes, containers, and single pieces, which are passed over when long.
"""

from __future__ import annotations

import io
import pickletools
from dataclasses import dataclass, field
from typing import Any, cast

from catalog.errors import InspectError
from catalog.formats.base import MIB, RangeReader

MOST_OPCODES = 1_000_000
_MOST_ITEMS = 200_000
_PIECE = MIB


@dataclass(frozen=True, slots=True)
class Name:
    """An imported name, by module and qualified name."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(slots=True)
class Call:
    """A call that would be made, or an object that would be built. `items` are set on it, `state` given to it."""

    function: object
    arguments: object
    items: dict[object, object] = field(default_factory=dict)
    state: object = None


@dataclass(frozen=True, slots=True)
class Persistent:
    """A reference to something outside of the pickle: a tensor's storage."""

    key: object


class _Mark:
    pass


_MARK = _Mark()
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_VALUES = frozenset(
    {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING"}
    | {"SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES"}
    | {"BINBYTES8", "BYTEARRAY8"}
)


class Machine:
    """Runs one pickle. `imports` are all names it would import, in order; `result` is what it would return."""

    def __init__(self) -> None:
        self.imports: dict[str, Name] = {}
        self.protocol = 0
        self.result: object = None
        self.ended = False
        self.opcodes = 0
        self._stack: list[Any] = []
        self._memo: dict[int, object] = {}
        self._items = 0

    def run(self, file: Source) -> None:
        """Follow the opcodes up to STOP. Raises `InspectError`, and `ValueError` for what is no pickle."""
        for opcode, argument, _ in pickletools.genops(cast(Any, file)):
            self.opcodes += 1
            if self.opcodes > MOST_OPCODES:
                raise InspectError("The pickle has more than a million opcodes.", finding="too_large")
            if self.opcodes % 4096 == 0:
                file.check_time()
            self._step(opcode.name, argument)
        self.ended = True
        self.result = self._stack[-1] if self._stack else None

    def _step(self, name: str, argument: Any) -> None:
        stack = self._stack
        if name in _VALUES:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name == "MARK":
            stack.append(_MARK)
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(self._memo.get(int(argument)))
        elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
            self._memo[int(argument)] = stack[-1] if stack else None
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = stack[-1] if stack else None
        elif name == "PROTO":
            self.protocol = max(self.protocol, int(argument))
        elif name == "POP":
            del stack[-1:]
        elif name not in ("FRAME", "STOP"):
            getattr(self, f"_{name.lower()}", self._other)(argument)

    # Each method below is one opcode, named after it.

    def _global(self, argument: Any) -> None:
        module, _, name = str(argument).partition(" ")
        self._stack.append(self._imported(module, name))

    def _stack_global(self, argument: Any) -> None:
        name, module = self._pop(), self._pop()
        known = isinstance(module, str) and isinstance(name, str)
        self._stack.append(self._imported(str(module), str(name)) if known else self._imported("?", "?"))

    def _inst(self, argument: Any) -> None:
        module, _, name = str(argument).partition(" ")
        self._stack.append(Call(self._imported(module, name), tuple(self._slice())))

    def _obj(self, argument: Any) -> None:
        items = self._slice()
        self._stack.append(Call(items[0] if items else None, tuple(items[1:])))

    def _reduce(self, argument: Any) -> None:
        arguments, function = self._pop(), self._pop()
        self._stack.append(Call(function, arguments))

    _newobj = _reduce

    def _newobj_ex(self, argument: Any) -> None:
        self._pop()
        self._reduce(argument)

    def _build(self, argument: Any) -> None:
        state = self._pop()
        if self._stack and isinstance(self._stack[-1], Call):
            self._stack[-1].state = state

    def _persid(self, argument: Any) -> None:
        self._stack.append(Persistent(argument))

    def _binpersid(self, argument: Any) -> None:
        self._stack.append(Persistent(self._pop()))

    def _empty_dict(self, argument: Any) -> None:
        self._stack.append({})

    def _empty_list(self, argument: Any) -> None:
        self._stack.append([])

    def _empty_set(self, argument: Any) -> None:
        self._stack.append([])

    def _empty_tuple(self, argument: Any) -> None:
        self._stack.append(())

    def _tuple(self, argument: Any) -> None:
        self._stack.append(tuple(self._slice()))

    def _tuple1(self, argument: Any) -> None:
        self._stack.append((self._pop(),))

    def _tuple2(self, argument: Any) -> None:
        second, first = self._pop(), self._pop()
        self._stack.append((first, second))

    def _tuple3(self, argument: Any) -> None:
        third, second, first = self._pop(), self._pop(), self._pop()
        self._stack.append((first, second, third))

    def _list(self, argument: Any) -> None:
        self._stack.append(self._slice())

    _frozenset = _list

    def _dict(self, argument: Any) -> None:
        made: dict[object, object] = {}
        items = self._slice()
        self._stack.append(made)
        self._set(items)

    def _setitem(self, argument: Any) -> None:
        value, key = self._pop(), self._pop()
        self._set([key, value])

    def _setitems(self, argument: Any) -> None:
        self._set(self._slice())

    def _append(self, argument: Any) -> None:
        self._extend([self._pop()])

    def _appends(self, argument: Any) -> None:
        self._extend(self._slice())

    _additems = _appends

    def _pop_mark(self, argument: Any) -> None:
        self._slice()

    def _dup(self, argument: Any) -> None:
        self._stack.append(self._stack[-1] if self._stack else None)

    def _other(self, argument: Any) -> None:
        """Extension registry, out-of-band buffers: something unknown is pushed."""
        self._stack.append(None)

    def _readonly_buffer(self, argument: Any) -> None:
        return

    # ---------------------------------------------------------------- the stack

    def _imported(self, module: str, name: str) -> Name:
        made = Name(module[:200], name[:200])
        if len(self.imports) < 1000:
            self.imports.setdefault(str(made), made)
        return made

    def _pop(self) -> Any:
        return self._stack.pop() if self._stack and self._stack[-1] is not _MARK else None

    def _slice(self) -> list[Any]:
        items: list[Any] = []
        while self._stack:
            item = self._stack.pop()
            if item is _MARK:
                break
            items.append(item)
        return items[::-1]

    def _extend(self, items: list[Any]) -> None:
        self._items += len(items)
        target = self._stack[-1] if self._stack else None
        if isinstance(target, list) and self._items <= _MOST_ITEMS:
            target.extend(items)

    def _set(self, items: list[Any]) -> None:
        target = self._stack[-1] if self._stack else None
        into = target.items if isinstance(target, Call) else target
        if not isinstance(into, dict):
            return
        for key, value in zip(items[::2], items[1::2]):
            self._items += 1
            if self._items <= _MOST_ITEMS and isinstance(key, (str, int, bytes)):
                into[key] = value


class Source:
    """A file for `pickletools`: long pieces are passed over instead of read, lines are bounded."""

    def __init__(self, source: RangeReader | bytes, at: int = 0) -> None:
        self._reader = None if isinstance(source, bytes) else source
        raw = io.BytesIO(source) if isinstance(source, bytes) else io.BufferedReader(source.file(), 256 * 1024)
        self._file: Any = raw
        self._size = len(source) if isinstance(source, bytes) else (source.size or 0)
        raw.seek(at)

    def read(self, length: int = -1) -> Any:
        """`length` bytes, or of a longer piece only its length."""
        if length > _PIECE:
            at = self._file.tell()
            self._file.seek(min(at + length, self._size))
            return _Passed(min(length, self._size - at))
        return self._file.read(max(length, 0))

    def readline(self) -> bytes:
        """A line of up to 1 MiB."""
        line: bytes = self._file.readline(_PIECE)
        return line

    def tell(self) -> int:
        """Where the source is."""
        at: int = self._file.tell()
        return at

    def check_time(self) -> None:
        """Raise when the time of the inspection is over."""
        if self._reader is not None:
            self._reader.check_time()


class _Passed:
    """Stands for bytes that were not read."""

    def __init__(self, length: int) -> None:
        self._length = length

    def __len__(self) -> int:
        return self._length
