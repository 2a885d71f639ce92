"""A lineage graph in memory with the face that `catalog.api` gives it, and graphs to look at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace

from catalog.model.lineage import COUNTED, Affected, Direction, Edge, Node, Trace

NOW = 1_790_000_000 * 10**9
DAY = 86_400 * 10**9


@dataclass
class Graph:
    """Nodes by id, and edges; `observed_ns` and `retracted_ns` say when an edge was believed."""

    names: dict[int, dict] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    asked: list[tuple] = field(default_factory=list)

    def add(self, id, label, kind="dataset", silo="lake", namespace="s3://acme-lake", **facts):
        facts = {"format": "parquet" if kind == "dataset" else "safetensors", "version": 3, **facts}
        if kind not in ("dataset", "model"):
            facts |= {"format": None, "version": None}
        name = facts.pop("name", label)
        self.names[id] = {"kind": kind, "namespace": namespace, "name": name, "label": label, "silo": silo, **facts}

    def join(self, source, target, kind="derived", **facts):
        told = {"evidence": "observed", "confidence": 0.95, "origin": "openlineage", "job": "etl.daily", "runs": 31,
                "observed_ns": NOW - 40 * DAY, "source_version": 3, "target_version": 7,
                "run": "0f1e2d3c-aaaa-bbbb-cccc-0123456789ab", "valid_from_ns": NOW - 41 * DAY}  # fmt: skip
        self.edges.append(Edge(len(self.edges) + 1, source, target, kind, **(told | facts)))

    def standing(self, at) -> list[Edge]:
        if at is None:
            return [e for e in self.edges if e.retracted_ns is None]
        return [e for e in self.edges if e.observed_ns <= at and (e.retracted_ns is None or e.retracted_ns > at)]

    def node(self, id, at=None) -> Node:
        edges = self.standing(at)
        up, down = sum(e.target == id for e in edges), sum(e.source == id for e in edges)
        return Node(id=id, **self.names[id], up=min(up, COUNTED), down=min(down, COUNTED))

    def beside(self, id, direction: Direction, at=None) -> list[Edge]:
        near, far = ("target", "source") if direction == "up" else ("source", "target")
        found = [e for e in self.standing(at) if getattr(e, near) == id]
        return sorted(found, key=lambda e: (getattr(e, far), e.id))

    def neighbours(self, id, direction, offset=0, limit=50, at=None):
        self.asked.append(("neighbours", id, direction, offset, limit))
        found = self.beside(id, direction, at)[offset : offset + limit]
        return [(self.node(e.source if direction == "up" else e.target, at), e) for e in found]

    def trace(self, id, *, up=True, down=True, depth=3, fan_out=20, limit=300, at=None):
        self.asked.append(("trace", id, depth, limit))
        hops, kept, more = {id: 0}, {}, {}
        for direction, wanted, sign in (("up", up, -1), ("down", down, 1)):
            frontier = [id] if wanted else []
            for hop in range(1, depth + 1):
                reached = []
                for one in frontier:
                    edges = self.beside(one, direction, at)
                    for e in edges[:fan_out]:
                        far = e.source if direction == "up" else e.target
                        if far not in hops and len(hops) >= limit:
                            continue
                        kept[e.id] = e
                        if far not in hops:
                            hops[far] = sign * hop
                            reached.append(far)
                frontier = reached
            for one in [n for n, hop in hops.items() if hop * sign >= 0 and wanted]:
                edges = self.beside(one, direction, at)
                left = sum(e.id not in kept for e in edges)
                if left:
                    more[one] = more.get(one, 0) + left
        nodes = tuple(self.node(n, at) for n in hops)
        directions = tuple(d for d, wanted in (("up", up), ("down", down)) if wanted)
        return SimpleNamespace(trace=Trace((id,), nodes, tuple(kept.values()), hops, more, directions=directions))

    def impact(self, ids, at=None):
        self.asked.append(("impact", tuple(ids)))
        seen, frontier, rows, hop = set(ids), list(ids), [], 0
        onward: dict[int, list[Edge]] = {}
        for e in self.standing(at):
            onward.setdefault(e.source, []).append(e)
        while frontier:
            hop += 1
            reached = {}
            for one in frontier:
                for e in onward.get(one, []):
                    if e.target not in seen:
                        seen.add(e.target)
                        reached[e.target] = e
            frontier = sorted(reached)
            rows += [Affected(Node(id=n, **self.names[n]), hop, reached[n]) for n in frontier]
        return FakeImpact(rows)


class FakeImpact:
    """Rows with the face of `catalog.api.Impact`."""

    def __init__(self, rows: list[Affected]) -> None:
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    @property
    def kinds(self):
        return dict(Counter(row.node.kind for row in self.rows).most_common())

    def page(self, offset, limit, order="hop"):
        keys = {"hop": lambda row: row.hop, "kind": lambda row: row.node.kind, "name": lambda row: row.node.name,
                "silo": lambda row: row.node.silo or ""}  # fmt: skip
        return iter(sorted(self.rows, key=keys[order])[offset : offset + limit])


def team() -> Graph:
    """What a team's day looks like: raw data to two models, a volume below, a label set that is in doubt."""
    graph = Graph()
    graph.add(1, "clicks_raw_00001", name="raw/clicks")
    graph.add(2, "events/orders_raw")
    graph.add(3, "features/users_daily", format="delta", version=12)
    graph.add(4, "labels/churned", silo="lab-nas", namespace="file", name="/mnt/lab/labels/churned", format="csv")
    graph.add(5, "train/churn", version=7)
    graph.add(6, "models/churn-v4", "model")
    graph.add(7, "model:ltv-v2", "model", silo=None, namespace="model", name="ltv-v2", version=None)
    graph.add(8, "reports/churn_by_country", format="csv")
    graph.add(9, "vol-0042", "volume", silo=None, namespace="flashsystem://fs1", name="vol-0042")
    graph.add(10, "exports/partner_feed", removed=True)
    graph.join(9, 4, "stores", job=None, evidence="proof", confidence=1.0, origin="storage", run=None, runs=0)
    graph.join(1, 3, job="features.daily")
    graph.join(2, 3, job="features.daily")
    graph.join(3, 5, job="training_set.build", detail="SELECT * FROM users_daily JOIN churned USING (user_id)")
    graph.join(4, 5, job="training_set.build")
    graph.join(5, 6, "trained", job="train.churn", evidence="declared", confidence=0.9, runs=1,
               origin="s3://acme-lake/repos/churn/dvc.yaml", field="stages.train.deps[0]", line=12)  # fmt: skip
    graph.join(5, 7, "trained", job=None, evidence="inferred", confidence=0.5, origin="s3://acme-lake/models/ltv/README.md")
    graph.join(6, 7, "based", job=None, evidence="declared", confidence=0.9, origin="s3://acme-lake/models/ltv/README.md", line=3)
    graph.join(6, 8, job="reports.weekly")
    graph.join(3, 8, job="reports.weekly")
    graph.join(3, 10, job="exports.partner", retracted_ns=NOW - 3 * DAY)
    return graph


def star(number: int) -> Graph:
    """One asset with very many downstream."""
    graph = Graph()
    graph.add(1, "raw/everything")
    for id in range(2, number + 2):
        graph.add(id, f"derived/{id:06d}")
        graph.join(1, id)
    return graph


def chain(number: int) -> Graph:
    """A very long way."""
    graph = Graph()
    for id in range(1, number + 1):
        graph.add(id, f"step-{id:05d}")
        if id > 1:
            graph.join(id - 1, id)
    return graph


def hostile() -> Graph:
    """Names that try to move the cursor, close markup, and never end."""
    bad = "\x1b[31mred\x1b[0m [bold]x[/] \u202eover\n表データ"
    graph = Graph()
    graph.add(1, bad * 6, silo=bad, namespace=bad, name=bad * 40)
    graph.add(2, bad, "model", silo=None, namespace="model", name=bad)
    graph.add(3, "n" * 4000)
    graph.join(3, 1, job=bad * 9, origin=bad, field=bad, detail=bad * 30, line=10**9, run=bad)
    graph.join(1, 2, "trained", job=bad, origin="s3://" + bad, evidence="declared")
    graph.join(1, 3)
    return graph
