"""What reading the lineage graph gives: a piece of it, and lists of all that is affected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from catalog import text
from catalog.api.frames import Framed, html_table
from catalog.lineage.drawing.document import document, edge_rows
from catalog.lineage.drawing.words import title
from catalog.model.lineage import Affected, Edge, Node, Trace
from catalog.store import graph
from catalog.store.engine import Database

if TYPE_CHECKING:
    import networkx

DRAWN = 40
"""Up to so many assets a notebook shows a drawing; more of them are shown as a table."""
_LINES = 60
_ROWS = 10
_PAGE = 500
_EDGE_COLUMNS = (
    ("hop", "int64"), ("source", "int64"), ("source_title", "string"), ("target", "int64"),
    ("target_title", "string"), ("kind", "string"), ("evidence", "string"), ("confidence", "float64"),
    ("job", "string"), ("job_namespace", "string"), ("run", "string"), ("runs", "int64"), ("origin", "string"),
    ("field", "string"), ("line", "int64"), ("detail", "string"), ("source_version", "int64"),
    ("target_version", "int64"), ("valid_from", "time"), ("valid_to", "time"), ("observed", "time"),
    ("retracted", "time"),
)  # fmt: skip
_AFFECTED_COLUMNS = (
    ("hop", "int64"), ("id", "int64"), ("kind", "string"), ("namespace", "string"), ("name", "string"),
    ("title", "string"), ("silo", "string"), ("format", "string"), ("version", "int64"), ("source", "int64"),
    ("edge", "string"), ("evidence", "string"), ("confidence", "float64"), ("job", "string"), ("run", "string"),
    ("valid_from", "time"),
)  # fmt: skip
Order = Literal["hop", "kind", "name", "silo"]


class Lineage(Framed):
    """A piece of the lineage graph: what flows into an asset and out of it, or a way between two.

    `trace` holds it as plain values. As a frame it has a row for each edge. `backwards` is True for a way
    that was asked for from its end to its beginning.
    """

    def __init__(self, trace: Trace, *, backwards: bool = False) -> None:
        self.trace = trace
        self.backwards = backwards

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The assets, the focus first and the nearest next."""
        return self.trace.nodes

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The edges between them."""
        return self.trace.edges

    @property
    def complete(self) -> bool:
        """True when no cap kept anything out."""
        return self.trace.complete

    def __len__(self) -> int:
        return len(self.trace.edges)

    def __bool__(self) -> bool:
        return True

    # ------------------------------------------------------------ forms

    def tree(self, width: int | None = None) -> str:
        """An indented tree, cut to `width` terminal cells when one is given."""
        from catalog.lineage.drawing.tree import tree

        return "\n".join(tree(self.trace, width))

    def to_networkx(self) -> networkx.DiGraph[int]:
        """A networkx graph of the assets' ids; see `catalog.lineage.graph.to_networkx` for its attributes."""
        from catalog.lineage.graph import to_networkx

        return to_networkx(self.trace)

    def to_mermaid(self) -> str:
        """A Mermaid flowchart."""
        from catalog.lineage.drawing.mermaid import mermaid

        return mermaid(self.trace)

    def to_dot(self) -> str:
        """A graph in Graphviz's language."""
        from catalog.lineage.drawing.dot import dot

        return dot(self.trace)

    def to_svg(self) -> str:
        """A drawing, left to right."""
        from catalog.lineage.drawing.svg import svg

        return svg(self.trace)

    def to_dict(self) -> dict[str, Any]:
        """What `catalog trace -o json` prints: `nodes`, `edges`, `columns`, joined by ids."""
        return document(self.trace)

    def to_openlineage(self) -> list[dict[str, Any]]:
        """OpenLineage events that say the same, as far as OpenLineage can."""
        from catalog.lineage.drawing.openlineage import events

        return list(events(self.trace))

    # ------------------------------------------------------------ shown

    def __repr__(self) -> str:
        lines = self.tree().splitlines()
        more = [f"… {len(lines) - _LINES} more lines"] if len(lines) > _LINES else []
        return "\n".join([self._about(), *lines[:_LINES], *more])

    def _repr_html_(self) -> str:
        if len(self.nodes) <= DRAWN:
            return f'<div style="overflow-x:auto">{self.to_svg()}</div>'
        rows = [
            (row["hop"], row["source_title"], row["kind"], row["target_title"], row["evidence"], row["job"])
            for row in islice(edge_rows(self.trace), _ROWS)
        ]
        caption = f"{self._about()}: {len(rows)} edges of it. More than {DRAWN} assets are not drawn; .to_svg() does."
        return html_table(("hop", "from", "kind", "to", "evidence", "job"), rows, caption)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}

    def _about(self) -> str:
        focus = [title(node) for node in self.nodes if node.id in self.trace.focus]
        shown = f"{text.plural(len(self.nodes), 'asset')}, {text.plural(len(self.edges), 'edge')}"
        left = "" if self.complete else ", more left out"
        return f"<Lineage of {text.safe(', '.join(focus), 100)}: {shown}{left}>"

    # ------------------------------------------------------------ frame

    def _columns(self) -> Sequence[tuple[str, str]]:
        return _EDGE_COLUMNS

    def _records(self) -> Iterable[Sequence[Any]]:
        times = {edge.id: edge for edge in self.edges}
        for row, edge in zip(edge_rows(self.trace), times.values()):
            exact = {
                "valid_from": edge.valid_from_ns, "valid_to": edge.valid_to_ns, "observed": edge.observed_ns,
                "retracted": edge.retracted_ns,
            }  # fmt: skip
            yield [exact[name] if name in exact else row[name] for name, _ in _EDGE_COLUMNS]


class Impact(Framed):
    """Everything downstream of an asset, or of all assets of a silo: exact, nearest first.

    What was reached is found at the first look and held as three numbers an asset; names and edges are read
    as they are asked for.
    """

    def __init__(self, db: Database, start: Sequence[int], at_ns: int | None = None) -> None:
        self._db = db
        self._at_ns = at_ns
        self.start = tuple(start)
        self._orders: dict[Order, list[graph.Reached]] = {}

    @cached_property
    def _reached(self) -> list[graph.Reached]:
        return list(graph.reach(self._db, self.start, at_ns=self._at_ns))

    def __iter__(self) -> Iterator[Affected]:
        return graph.affected(self._db, self._reached, at_ns=self._at_ns)

    def __len__(self) -> int:
        return len(self._reached)

    def __bool__(self) -> bool:
        return bool(self._reached)

    def start_nodes(self) -> Iterator[Node]:
        """The assets it starts from."""
        for at in range(0, len(self.start), _PAGE):
            yield from graph.nodes(self._db, self.start[at : at + _PAGE], at_ns=self._at_ns)

    @property
    def rows(self) -> list[Affected]:
        """All of it at once."""
        return list(self)

    def page(self, offset: int, limit: int, order: Order = "hop") -> Iterator[Affected]:
        """Up to `limit` rows from `offset`, by `hop`, or by `kind`, `name` or `silo` and then by hop."""
        found = self._reached if order == "hop" else self._sorted(order)
        return graph.affected(self._db, found[offset : offset + limit], at_ns=self._at_ns)

    @cached_property
    def kinds(self) -> Mapping[str, int]:
        """How many assets of each kind are affected, the most frequent first."""
        names = graph.names(self._db, (one.asset for one in self._reached))
        return dict(Counter(kind for kind, _, _ in names.values()).most_common())

    @property
    def hops(self) -> int:
        """How far the farthest one is."""
        return self._reached[-1].hop if self._reached else 0

    def _sorted(self, order: Order) -> list[graph.Reached]:
        if order not in self._orders:  # who reads one page after the other sorts once
            at = ("kind", "silo", "name").index(order)
            names = graph.names(self._db, (one.asset for one in self._reached))
            self._orders[order] = sorted(
                self._reached, key=lambda one: (names[one.asset][at] if one.asset in names else "", one)
            )
        return self._orders[order]

    # ------------------------------------------------------------ shown

    def __repr__(self) -> str:
        lines = [
            f"  {one.hop:>3}  {one.node.kind:9}  {text.safe(title(one.node), 80)}" for one in self.page(0, _ROWS)
        ]
        return "\n".join([f"<Impact: {self.summary()}>", *lines])

    def summary(self) -> str:
        """`1,204 assets within 5 hops: 1,200 datasets, 4 models`."""
        if not self:
            return "nothing downstream is known"
        kinds = ", ".join(text.plural(number, kind) for kind, number in self.kinds.items())
        return f"{text.plural(len(self), 'asset')} within {text.plural(self.hops, 'hop')}: {kinds}"

    def _repr_html_(self) -> str:
        cells = [
            (one.hop, title(one.node), one.node.kind, one.node.format, one.edge.kind, one.edge.evidence, one.edge.job)
            for one in self.page(0, _ROWS)
        ]
        names = ("hop", "asset", "kind", "format", "reached by", "evidence", "job")
        return html_table(names, cells, f"{self.summary()}; {len(cells)} of them shown")

    # ------------------------------------------------------------ frame

    def _columns(self) -> Sequence[tuple[str, str]]:
        return _AFFECTED_COLUMNS

    def _records(self) -> Iterable[Sequence[Any]]:
        for hop, node, edge in ((one.hop, one.node, one.edge) for one in self):
            yield (
                hop, node.id, node.kind, node.namespace, node.name, title(node), node.silo, node.format, node.version,
                edge.source, edge.kind, edge.evidence, edge.confidence, edge.job, edge.run, edge.valid_from_ns,
            )  # fmt: skip
