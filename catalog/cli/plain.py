"""Plain conversion of words to values, in place of typer's own where that is expensive.

Since release 0.29 typer builds a pydantic validator for every parameter of a command, which costs
more than all the rest of a short command together. The parameters of this program are words,
numbers, paths and choices; converting those needs no validator. A typer that converts differently
ignores what is attached here, and a parameter of any other type keeps typer's conversion.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import typer

# Every type of parameter converted here, and how one word becomes it.
_CONVERSIONS: dict[Any, Callable[[Any], Any]] = {
    str: str, list[str]: str, bool: bool, int: int, float: float, Path: Path,
}  # fmt: skip


def attach(params: list[Any]) -> None:
    """Give each of a command's parameters its plain conversion, where typer looks for one."""
    for param in params:
        kind = getattr(getattr(param, "type_descriptor", None), "annotation", None)
        choice = kind if isinstance(kind, type) and issubclass(kind, Enum) else None
        convert = choice or _CONVERSIONS.get(kind)
        if hasattr(param, "_runtime_param") and convert:
            param._runtime_param = Plain(convert, param)


class Plain:
    """Converts the words of one parameter; typer calls `coerce`."""

    def __init__(self, convert: Callable[[Any], Any], param: Any) -> None:
        self._convert = convert
        self._least = param.type_descriptor.parameter_info.min

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value of the parameter; nothing given is None, or empty where several may be given."""
        if param.multiple or param.nargs == -1:
            return tuple(self._one(word, param, ctx) for word in value or ())
        return None if value is None else self._one(value, param, ctx)

    def _one(self, word: Any, param: Any, ctx: Any) -> Any:
        try:
            value = self._convert(word)
        except ValueError:
            raise typer.BadParameter(f"'{word}' is not {self._wanted()}.", ctx=ctx, param=param) from None
        if self._least is not None and not value >= self._least:
            raise typer.BadParameter(f"{word} is less than {self._least}.", ctx=ctx, param=param)
        return value

    def _wanted(self) -> str:
        if isinstance(self._convert, type) and issubclass(self._convert, Enum):
            return "one of " + ", ".join(str(choice.value) for choice in self._convert)
        return "a whole number" if self._convert is int else "a number"
