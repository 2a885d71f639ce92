"""The schema of JSON values: the union of what was seen, as a tree."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.formats.tabular.fields import DEEPEST, join
from catalog.model import Field

_NODES = 30_000
_MAP_KEYS = 200
"""An object with more keys than this, few of them shared, is a map keyed by data and no record."""


class Budget:
    """How many nodes a whole tree may still get; beyond, values are not looked into."""

    def __init__(self, nodes: int = _NODES) -> None:
        self.left = nodes
        self.mixed: list[str] = []
        """Paths whose values disagree on a type."""


class Shape:
    """What was seen at one place: leaf types, members of objects, the items of lists."""

    __slots__ = ("budget", "item", "kinds", "members", "seen")

    def __init__(self, budget: Budget) -> None:
        budget.left -= 1
        self.budget = budget
        self.kinds: set[str] = set()
        self.members: dict[str, Shape] = {}
        self.item: Shape | None = None
        self.seen = 0

    def add(self, value: object, depth: int = 1) -> None:
        """Take one more value into account."""
        self.seen += 1
        if isinstance(value, dict):
            self.kinds.add("struct")
            for key, member in value.items() if depth <= DEEPEST else ():
                known = self.members.get(key)
                if known is None:
                    if self.budget.left <= 0:
                        continue
                    known = self.members[key] = Shape(self.budget)
                known.add(member, depth + 1)
        elif isinstance(value, list):
            self.kinds.add("list")
            if self.item is None:
                self.item = Shape(self.budget)
            for each in value if depth <= DEEPEST else ():
                self.item.add(each, depth + 1)
        else:
            self.kinds.add(_leaf(value))

    def merge(self, other: Shape) -> None:
        """Take everything into account that `other` has seen."""
        self.seen += other.seen
        self.kinds |= other.kinds
        for key, member in other.members.items():
            if key not in self.members:
                self.members[key] = Shape(self.budget)
            self.members[key].merge(member)
        if other.item is not None:
            self.item = self.item or Shape(self.budget)
            self.item.merge(other.item)

    def is_map(self) -> bool:
        """Whether the keys are data: many of them, and each in few of the objects."""
        if len(self.members) <= _MAP_KEYS:
            return False
        shared = sum(member.seen for member in self.members.values())
        alike = len({frozenset(member.kinds) for member in self.members.values()}) <= 2
        return alike and (self.seen == 1 or shared < 0.1 * self.seen * len(self.members))

    def type(self) -> str:
        """The Arrow type all values agree on; `string` where they do not."""
        kinds = self.kinds - {"null"}
        if not kinds:
            return "null"
        if kinds == {"int64", "double"}:
            return "double"
        if len(kinds) > 1:
            return "string"
        return "map" if kinds == {"struct"} and self.is_map() else next(iter(kinds))

    def fields(self, path: str) -> Iterator[Field]:
        """The field at `path` and its members. Absence cannot be excluded, so all are nullable."""
        name = self.type()
        if name == "string" and len(self.kinds - {"null"}) > 1:
            self.budget.mixed.append(path)
        yield Field(path, name)
        if name == "list" and self.item is not None and self.item.seen:
            yield from self.item.fields(f"{path}[]")
        elif name == "map":
            yield Field(f"{path}.key", "string")
            yield from self.values().fields(f"{path}.value")
        elif name == "struct":
            yield from self.columns(path)

    def columns(self, path: str = "") -> Iterator[Field]:
        """The members of an object as fields."""
        for key, member in self.members.items():
            yield from member.fields(join(path, key))

    def values(self) -> Shape:
        """The one shape of all values of a map."""
        merged = Shape(self.budget)
        for member in self.members.values():
            merged.merge(member)
        return merged


def _leaf(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int64" if -(2**63) <= value < 2**63 else "double"
    return "double" if isinstance(value, float) else "string"
