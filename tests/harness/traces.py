"""Traces as plain values, without a database, and a strategy for hostile ones."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from catalog.model.lineage import CONFIDENCE, ColumnEdge, Edge, Node, Trace

KINDS = ("dataset", "dataset", "model", "volume")
EDGE_KINDS = ("derived", "trained", "based", "copied", "holds", "stores")
EVIDENCE = tuple(CONFIDENCE)


def node(id: int, name: str | None = None, **more) -> Node:
    name = f"table_{id}" if name is None else name
    return Node(**{"id": id, "kind": "dataset", "namespace": "s3://b", "name": name, "label": name, "silo": "lake", **more})


def edge(id: int, source: int, target: int, **more) -> Edge:
    told = {"kind": "derived", "evidence": "observed", "confidence": 0.95, "origin": "openlineage", **more}
    return Edge(id=id, source=source, target=target, **told)


def trace(pairs, *, focus: int = 1, names: dict[int, str] | None = None, more: dict[int, int] | None = None, columns=(), **facts) -> Trace:
    """A trace with those of these (source, target) pairs that walks up and down from the focus come along."""
    above, below = _walk(pairs, focus, -1), _walk(pairs, focus, 1)
    hops = {**above, **{id: hop for id, hop in below.items() if hop <= abs(above.get(id, hop))}}
    edges = tuple(
        edge(number, *pair, **facts.get("edges", {}).get(number, {}))
        for number, pair in enumerate(pairs, 1)
        if pair[1] in above or pair[0] in below
    )
    ids = dict.fromkeys([focus, *(end for one in edges for end in (one.source, one.target))])
    nodes = tuple(node(id, (names or {}).get(id), **facts.get("nodes", {}).get(id, {})) for id in ids)
    return Trace((focus,), nodes, edges, hops, more or {}, tuple(columns))


def _walk(pairs, focus: int, sign: int) -> dict[int, int]:
    hops, frontier = {focus: 0}, [focus]
    for at in frontier:
        for source, target in pairs:
            near, far = (source, target) if sign > 0 else (target, source)
            if near == at and far not in hops:
                hops[far] = hops[at] + sign
                frontier.append(far)
    return hops


HOSTILE = st.text(max_size=25) | st.sampled_from(
    [
        '"', "'", "`", "\\", '\\"', "-->", "n1 --> n2", "]", '"]', "|", "#35;", "#quot;", "%%{init}%%", "end", "graph TD",
        "<script>alert(1)</script>", "</text></svg>", "]]>", "&amp;", "&#60;", "<!--", "\x1b[31mred\x1b[0m", "a\nb", "a\r\nb",
        "\u202eevil", "\x00", "\ud800", "日本語", "e\u0301", "", " ", "- list", "1. item", "*em*", "_em_", "$x$", "\N{ZERO WIDTH SPACE}",
        '}; n1 -> n2; {', "a;b", "//", "--", "🚀" * 3, "x" * 300,
    ]
)  # fmt: skip
IDS = st.integers(1, 7)


@st.composite
def traces(draw) -> Trace:
    """A trace of a few assets with names, jobs, origins and columns of any kind."""
    pairs = draw(st.lists(st.tuples(IDS, IDS), max_size=12))
    words = draw(st.lists(HOSTILE, min_size=1, max_size=6))
    rnd = draw(st.randoms(use_true_random=False))

    def word(or_none: bool = True):
        return rnd.choice([None, *words] if or_none else words)

    facts = {
        number: {
            "kind": rnd.choice(EDGE_KINDS),
            "evidence": rnd.choice(EVIDENCE),
            "job": word(),
            "job_namespace": word(),
            "origin": word(or_none=False),
            "line": rnd.choice((None, 7)),
            "confidence": rnd.random(),
            "valid_from_ns": rnd.choice((None, -(2**62), 0, 2**62)),
        }
        for number in range(1, len(pairs) + 1)
    }
    about = {
        id: {
            "kind": rnd.choice(KINDS),
            "silo": word(),
            "format": word(),
            "namespace": word(or_none=False),
            "up": rnd.choice((0, 3, 17, 1000)),
            "down": rnd.choice((0, 3, 17, 1000)),
            "removed": rnd.random() < 0.3,
        }
        for id in range(1, 8)
    }
    names = {id: word(or_none=False) for id in range(1, 8)}
    more = {id: rnd.randint(1, 99) for id in range(1, 8) if rnd.random() < 0.3}
    made = trace(pairs, focus=draw(IDS), names=names, nodes=about, edges=facts)
    columns = tuple(
        ColumnEdge(e.source, word(or_none=False), e.target, word(or_none=False), word(), word()) for e in made.edges[:3]
    )
    return replace(made, more={one.id: more[one.id] for one in made.nodes if one.id in more}, columns=columns)
