"""The options of a silo, as given on the command line or in the configuration: text by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from catalog.errors import UsageError

_FLAGS = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(("0", "false", "no", "off"), False)


def check(options: Mapping[str, str], known: Iterable[str], what: str) -> None:
    """Raise `UsageError` for an option that `what` does not have; values are never repeated."""
    names = sorted(known)
    for name in options:
        if name in names:
            continue
        from difflib import get_close_matches

        close = get_close_matches(name, names, 1)
        hint = f"Did you mean {close[0]}? " if close else ""
        offer = f"Known options: {', '.join(names)}." if names else "It takes no options."
        raise UsageError(f"{what} has no option '{name}'.", hint=hint + offer)


def flag(options: Mapping[str, str], name: str, default: bool = False) -> bool:
    """A yes-or-no option."""
    value = options.get(name)
    if value is None:
        return default
    try:
        return _FLAGS[value.strip().lower()]
    except KeyError:
        raise UsageError(f"The option {name} is true or false.", hint=f"{name}=true") from None


def number(options: Mapping[str, str], name: str, low: float, high: float) -> float | None:
    """An option that is a number from `low` to `high`; None when it is not given."""
    value = options.get(name)
    if value is None:
        return None
    try:
        found = float(value)
    except ValueError:
        found = float("nan")
    if not low <= found <= high:
        raise UsageError(f"The option {name} is a number from {low:g} to {high:g}.")
    return found


def whole(options: Mapping[str, str], name: str, low: int, high: int) -> int | None:
    """An option that is a whole number from `low` to `high`; None when it is not given."""
    found = number(options, name, low, high)
    if found is not None and found != int(found):
        raise UsageError(f"The option {name} is a whole number.")
    return None if found is None else int(found)


def one_of(options: Mapping[str, str], name: str, words: Iterable[str]) -> str | None:
    """An option that is one of a few words; None when it is not given."""
    value = options.get(name)
    allowed = list(words)
    if value is not None and value not in allowed:
        raise UsageError(f"The option {name} is one of {', '.join(allowed)}.")
    return value


def exclusive(options: Mapping[str, str], *names: str) -> None:
    """Raise `UsageError` when more than one of these is given; a flag that is false is not."""
    used = [name for name in names if name in options and _FLAGS.get(options[name].strip().lower(), True)]
    if len(used) > 1:
        raise UsageError(f"{used[0]} and {used[1]} contradict each other.", hint="Leave one of them out.")
