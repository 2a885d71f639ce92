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
