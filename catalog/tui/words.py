"""The query as the search box holds it: words, and the filters that facets and menus put in or take out.

Only the outer shape is known here (words split at spaces, quotes kept together); what a filter
means is the query language's business.
"""

from __future__ import annotations

import re

_WORD = re.compile(r'(?:"(?:\\.|[^"\\])*"?|[^\s"])+')
_BARE = re.compile(r"[\w./+@#%=~-]+")
_FILTER = re.compile(r"-?[A-Za-z_]+:")


def split(query: str) -> list[str]:
    """The words of a query, quotes and filter names included."""
    return _WORD.findall(query)


def filter_word(field: str, value: str) -> str:
    """`field:value`, quoted where the value needs it."""
    if _BARE.fullmatch(value):
        return f"{field}:{value}"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{field}:"{escaped}"'


def has(query: str, field: str, value: str) -> bool:
    """Whether the query holds exactly this filter."""
    return any(_same(word, filter_word(field, value)) for word in split(query))


def toggled(query: str, field: str, value: str) -> str:
    """The query with this filter taken out if it was there, put at the end if not."""
    wanted = filter_word(field, value)
    words = split(query)
    rest = [word for word in words if not _same(word, wanted)]
    return " ".join(rest if len(rest) < len(words) else [*words, wanted])


def replaced(query: str, field: str, value: str | None) -> str:
    """The query with one filter of this field, `value`, in place of all others of it; None takes them out."""
    rest = [word for word in split(query) if not word.lower().startswith(field + ":")]
    return " ".join(rest if value is None else [*rest, filter_word(field, value)])


def value_of(query: str, field: str) -> str | None:
    """The value of the last filter of this field, without quotes; None if there is none."""
    found = [word for word in split(query) if word.lower().startswith(field + ":")]
    return _unquoted(found[-1].partition(":")[2]) if found else None


def plain(query: str) -> list[str]:
    """The words to look for in names: no filters, no quotes, nothing negated."""
    found = [word for word in split(query) if not _FILTER.match(word) and not word.startswith("-")]
    return [word for word in map(_unquoted, found) if word]


def _unquoted(word: str) -> str:
    inner = word.removeprefix('"').removesuffix('"')
    return re.sub(r"\\(.)", r"\1", inner) if inner != word else word


def _same(word: str, wanted: str) -> bool:
    field, _, value = word.partition(":")
    wanted_field, _, wanted_value = wanted.partition(":")
    return field.lower() == wanted_field and _unquoted(value) == _unquoted(wanted_value)
