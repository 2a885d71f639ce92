"""Cutting a query into pieces, and telling fields from plain words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from catalog.errors import QueryError
from catalog.query.fields import FIELDS, FieldSpec
from catalog.text import safe

LONGEST = 2000
"""Characters a query may have."""

_FIELD_LIKE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the query without its quotes; `quoted` tells for each character whether it was inside."""

    position: int
    text: str
    quoted: tuple[bool, ...]

    def starts(self, prefix: str) -> bool:
        """Whether the text begins with `prefix`, outside quotes."""
        return self.text.startswith(prefix) and not any(self.quoted[: len(prefix)])

    def find(self, char: str) -> int:
        """Where `char` first stands outside quotes; -1 when it does not."""
        return next((i for i, c in enumerate(self.text) if c == char and not self.quoted[i]), -1)

    def cut(self, start: int, stop: int | None = None) -> Token:
        """The characters from `start` to `stop`."""
        return Token(self.position, self.text[start:stop], self.quoted[start:stop])

    def split(self, char: str) -> Iterator[Token]:
        """The pieces between every `char` outside quotes."""
        rest = self
        while (at := rest.find(char)) >= 0:
            yield rest.cut(0, at)
            rest = rest.cut(at + 1)
        yield rest


def storable(text: str) -> str:
    """`text` as a database can hold it. Raises `QueryError` for what no name in the catalog holds."""
    if len(text) > LONGEST:
        raise QueryError(f"A query has at most {LONGEST:,} characters.", position=LONGEST)
    # Bytes that are no UTF-8 arrive as surrogates; the catalog writes them as text.name_to_text does.
    text = re.sub("[\udc80-\udcff]", lambda m: f"\u201b{ord(m[0]) - 0xDC00:02X}", text)
    bad = re.search("[\0\ud800-\udfff]", text)
    if bad:
        raise QueryError("The query holds a character that no name can hold.", position=bad.start())
    return text


def tokens_of(text: str) -> tuple[list[Token], bool]:
    """The pieces between spaces, and whether every quote is closed."""
    found: list[Token] = []
    chars: list[str] = []
    mask: list[bool] = []
    start, inside = -1, False
    for index, char in enumerate(text + " "):
        if (char.isspace() and not inside) or index == len(text):
            if start >= 0:
                found.append(Token(start, "".join(chars), tuple(mask)))
            start = -1
            continue
        if start < 0:
            start, chars, mask = index, [], []
        if char != '"':
            chars.append(char)
            mask.append(inside)
            continue
        inside = not inside
        if inside and index > start and text[index - 1] == '"':
            chars.append(char)  # a doubled quote inside quotes is a quote
            mask.append(True)
    return found, not inside


def field_of(token: Token) -> FieldSpec | None:
    """The field a token names; None for a plain word. Raises `QueryError` for an unknown field."""
    at = token.find(":")
    if at <= 0 or any(token.quoted[:at]):
        return None
    head, rest = token.text[:at], token.text[at + 1 :]
    known = FIELDS.get(head.lower())
    if known is not None:
        return known
    path_like = rest.startswith(("//", ":")) or (len(head) == 1 and rest.startswith(("\\", "/")))
    if path_like or not _FIELD_LIKE.fullmatch(head):
        return None
    raise QueryError(
        f"There is no field '{safe(head, 80)}'{meant(head, FIELDS)} The fields are {', '.join(FIELDS)}.",
        hint=f'To search for these very characters, quote them: "{safe(token.text, 80)}".',
        position=token.position,
    )


def meant(text: str, known: Iterable[str]) -> str:
    """The end of a sentence: what was probably meant by an unknown `text`, or a full stop."""
    wanted, known = text.lower(), list(known)
    close = [name for name in known if len(wanted) > 1 and name.startswith(wanted)]
    close = close or difflib.get_close_matches(wanted, known, n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else "."
